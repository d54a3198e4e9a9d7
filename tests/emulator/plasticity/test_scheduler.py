"""The scheduler against a simulation that looks at every step."""

import numpy as np
import pytest
from pynn_brainscales.emulator.plasticity.scheduler import (
    Schedule,
    Task,
    executed,
    initial_schedule,
    missed,
    next_job,
)
from pynn_brainscales.emulator.plasticity.timer import Timer


def run(schedule, run_times, stop, state=None):
    """The loop of a run: jobs as (start, rule, processor, period), and the state."""
    state = initial_schedule(schedule) if state is None else state
    log = []
    while (job := next_job(schedule, state)) is not None and job.start < stop:
        log.append((job.start, job.rule, job.processor, job.period))
        state = executed(schedule, state, job, run_times(job))
    return log, state


def step_by_step(tasks, dues, ends, run_times, stop):
    """Every step in turn: periods end and begin, then each processor that is free takes what waits.

    ``dues`` and ``ends`` are the steps at which periods begin, and where the last one ends, of each task.
    """
    free = {task.processor: 0 for task in tasks}
    deadline = [None] * len(tasks)  # of the request that waits
    period = [-1] * len(tasks)
    ran = [set() for _ in tasks]
    lost = [0] * len(tasks)
    log = []
    for t in range(stop):
        for i in range(len(tasks)):
            if t in dues[i] or t == ends[i]:
                if period[i] >= 0 and period[i] not in ran[i]:
                    lost[i] += 1
                if t == ends[i]:
                    deadline[i], period[i] = None, -1
                    continue
                period[i] = dues[i].index(t)
                if deadline[i] is None:
                    deadline[i] = [*dues[i], ends[i]][period[i] + 1]
        now = []
        for p in sorted(free):
            while free[p] <= t:
                waiting = [(deadline[i], tasks[i].rule, i) for i in range(len(tasks))
                           if tasks[i].processor == p and deadline[i] is not None]
                if not waiting:
                    break
                when, rule, i = min(waiting)
                deadline[i] = None
                ran[i].add(period[i])
                now.append((when, t, rule, p, period[i]))
                free[p] = t + run_times(rule, p, period[i])
        log += [entry[1:] for entry in sorted(now, key=lambda e: (e[0], e[2], e[3]))]
    return log, [len(r) for r in ran], lost


def random_schedule(rng):
    """Some rules on two processors with timers on the grid of steps, and run times that depend on the period."""
    tasks, dues, ends = [], [], []
    for rule in range(rng.integers(1, 5)):
        start, period, count = int(rng.integers(0, 30)), int(rng.integers(1, 15)), int(rng.integers(0, 25))
        for processor in rng.permutation(2)[: rng.integers(1, 3)]:
            tasks.append(Task(rule, Timer(start=start, period=period, num_periods=count), int(processor)))
            dues.append([start + k * period for k in range(count)])
            ends.append(start + count * period)
    longest = int(rng.integers(0, 12))
    table = rng.integers(0, longest + 1, (8, 2, 64))
    return tasks, dues, ends, lambda rule, processor, period: int(table[rule, processor, period])


@pytest.mark.parametrize("seed", range(150))
def test_agrees_with_a_simulation_of_every_step(seed):
    rng = np.random.default_rng(seed)
    tasks, dues, ends, times = random_schedule(rng)
    stop = int(rng.integers(1, 400))
    expected, executions, lost = step_by_step(tasks, dues, ends, times, stop)
    schedule = Schedule(tuple(tasks), 1.0)
    log, state = run(schedule, lambda job: times(job.rule, job.processor, job.period), stop)
    assert log == expected
    assert state.executions.tolist() == executions
    assert missed(schedule, state, stop - 1).tolist() == lost
    # in two to six pieces
    cuts = sorted(rng.integers(0, stop + 1, rng.integers(1, 6)).tolist())
    pieces, carried = [], None
    for cut in [*cuts, stop]:
        part, carried = run(schedule, lambda job: times(job.rule, job.processor, job.period), cut, carried)
        pieces += part
    assert pieces == log
    for name in ("first", "period", "executions", "processor", "busy_until"):
        assert np.array_equal(getattr(carried, name), getattr(state, name))


def test_heavy_rule_skips_the_periods_it_cannot_keep():
    """256 rows at 25 us each on a timer of 1 ms: 4 executions in 20 periods, 16 missed."""
    schedule = Schedule((Task(0, Timer(start=0.0, period=1000.0, num_periods=20)),), 1.0)
    log, state = run(schedule, lambda job: 5 + 25 * 256, 20_000)
    assert [start for start, *_ in log] == [0, 6405, 12810, 19215]
    assert [period for *_, period in log] == [0, 6, 12, 19]
    assert state.executions.tolist() == [4]
    assert missed(schedule, state, 20_000).tolist() == [16]


def test_earliest_deadline_first_then_rule_number():
    slow, fast = Timer(start=0.0, period=10.0, num_periods=1), Timer(start=0.0, period=5.0, num_periods=1)
    log, _ = run(Schedule((Task(0, slow), Task(1, fast), Task(3, fast), Task(2, fast)), 1.0), lambda job: 1, 100)
    assert [(start, rule) for start, rule, *_ in log] == [(0, 1), (1, 2), (2, 3), (3, 0)]


def test_no_rule_starves():
    """A rule that would keep the processor busy for good lets the other one in once that one's deadline is earlier."""
    busy = Task(0, Timer(start=0.0, period=2.0))
    other = Task(1, Timer(start=0.0, period=10.0))
    log, _ = run(Schedule((busy, other), 1.0), lambda job: 3, 300)
    starts = np.array([start for start, rule, *_ in log if rule == 1])
    assert starts[0] == 12  # waits from 0, deadline 10; the present execution ends at 12
    assert np.diff(starts).max() <= 24


def test_visible_at_the_end_and_processors_are_independent():
    timer = Timer(start=0.0, period=10.0, num_periods=2)
    schedule = Schedule((Task(0, timer, processor=4), Task(0, timer, processor=7)), 1.0)
    state = initial_schedule(schedule)
    first = next_job(schedule, state)
    assert (first.processor, first.start, first.due, first.deadline) == (4, 0, 0, 10)
    state = executed(schedule, state, first, 15)
    assert state.busy_until.tolist() == [15, 0]
    second = next_job(schedule, state)
    assert (second.processor, second.start) == (7, 0)
    state = executed(schedule, state, second, 2)
    assert [(j.processor, j.start, j.period) for j in [next_job(schedule, state)]] == [(7, 10, 1)]
    with pytest.raises(ValueError, match="0 or more"):
        executed(schedule, state, second, -1)


def test_due_times_do_not_drift():
    """A period of a third of a millisecond at 0.1 ms: each due time is rounded, their mean distance is exact."""
    schedule = Schedule((Task(0, Timer(start=0.05, period=1 / 3)),), 0.1)
    due = np.array([schedule.due(0, k) for k in range(30_001)])
    assert np.abs(due - (0.5 + np.arange(30_001) / 0.3)).max() <= 0.5 + 1e-6
    assert set(np.diff(due)) == {3, 4}
    for t in (0, 1, 7, 1000, 99_999):
        assert schedule.begun(0, t) == np.sum(due <= t)
    halves = Schedule((Task(0, Timer(start=0.05, period=0.1)),), 0.1)
    assert [halves.due(0, k) for k in range(1000)] == list(range(1, 1001))  # halves are rounded up


def test_a_task_that_comes_later_has_missed_nothing():
    schedule = Schedule((Task(0, Timer(start=0.0, period=10.0, num_periods=5)),), 1.0)
    state = initial_schedule(schedule, now=21)
    log, after = run(schedule, lambda job: 0, 100, state)
    assert [start for start, *_ in log] == [30, 40]
    assert missed(schedule, state, 25).tolist() == [0]
    assert missed(schedule, state, 100).tolist() == [2]  # nothing ran: periods 3 and 4
    assert missed(schedule, after, 100).tolist() == [0]
    assert next_job(schedule, initial_schedule(schedule, now=50)) is None


def test_what_is_no_schedule_is_refused():
    with pytest.raises(ValueError, match=r"rule 3: a period of 0\.05 is shorter than the step of 0\.1"):
        Schedule((Task(3, Timer(start=0.0, period=0.05)),), 0.1)
    with pytest.raises(ValueError, match="step=0"):
        Schedule((), 0.0)
    empty = Schedule((), 1.0)
    assert next_job(empty, initial_schedule(empty)) is None
