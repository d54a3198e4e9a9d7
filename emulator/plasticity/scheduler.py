"""Which rule runs when: earliest deadline first on each processor, and no rule interrupts another.

A *task* is a rule on a processor, with a timer. Execution k of a task is due at the start of period k; the period
ends where the next one starts. A task waits from the first due period that it has not been executed in; its *deadline*
is the end of that period, and stays there while the task waits, so none starves. Whenever a processor is free, the
waiting task with the earliest deadline is executed, at equal deadlines the one with the lower rule number. This is an
execution of the period it starts in: periods that ended before are missed and are not made up for. After the end of its
last period a task is not executed any more. What an execution writes becomes visible when its run time is over; until
then the processor is busy.

The chip's own scheduler (libnux, ``scheduling/``) skips late periods in the same way when it looks at its timers, but
keeps what it has found in a queue; so it may execute a rule twice in a row where here the older request is missed.

Everything here is a function of a ``Schedule``, which never changes, and a ``ScheduleState``: so a run can be cut
anywhere. The loop of a run is

    while (job := next_job(schedule, state)) is not None and job.start < stop:
        advance the chip to job.start, execute the rule, find its run time in steps
        state = executed(schedule, state, job, run_time)   # its writes are visible at job.start + run_time

Times are whole steps since the start of the experiment. The due times of a timer are rounded to steps one by one, so
the phase does not drift.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..frozen import Frozen
from .timer import Timer


@dataclass(frozen=True)
class Task(Frozen):
    """A rule on a processor.

    Attributes
    ----------
    rule : int
        Number of the rule; the lower one comes first at equal deadlines.
    timer : Timer
        In the unit of ``Schedule.step``.
    processor : int
        Any number, such as 2 x chip + half; a rule that runs on two processors is two tasks.
    """

    rule: int
    timer: Timer
    processor: int = 0


@dataclass(frozen=True, eq=False)
class Schedule(Frozen):
    """All tasks, and the step they are rounded to.

    Attributes
    ----------
    tasks : tuple of Task
    step : float
        Length of a step, in the timers' unit.
    """

    tasks: tuple[Task, ...]
    step: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (math.isfinite(self.step) and self.step > 0.0):
            raise ValueError(f"Schedule: step={self.step:g}; it must be finite and above 0")
        for task in self.tasks:
            if task.timer.period < self.step * (1.0 - 1e-9):
                raise ValueError(f"rule {task.rule}: a period of {task.timer.period:g} is shorter than the step of "
                                 f"{self.step:g}; a rule is executed at most once in a step")

    def due(self, task: int, k: int) -> int:
        """Step at which period k of a task begins, also for the first one after its last."""
        return math.floor(self.tasks[task].timer.due(k) / self.step + 0.5 + 1e-9)  # half up: dues never coincide

    def begun(self, task: int, step: int) -> int:
        """Number of periods that begin at ``step`` or before, as if the timer had no end."""
        timer = self.tasks[task].timer
        k = max(0, math.floor((step * self.step - timer.start) / timer.period))
        while k > 0 and self.due(task, k - 1) > step:
            k -= 1
        while self.due(task, k) <= step:
            k += 1
        return k

    def ended(self, task: int, step: int) -> int:
        """Number of periods that ended at ``step`` or before."""
        last = self.tasks[task].timer.num_periods
        over = max(0, self.begun(task, step) - 1)
        return over if last is None else min(over, last)

    def end(self, task: int) -> float:
        """Step at which the last period ends; inf without end."""
        last = self.tasks[task].timer.num_periods
        return math.inf if last is None else self.due(task, last)


@dataclass(frozen=True, eq=False)
class ScheduleState(Frozen):
    """What the scheduler remembers.

    Attributes
    ----------
    first : int, (tasks,)
        The first period that counts; earlier ones began before the task existed.
    period : int, (tasks,)
        The period after that of the last execution.
    executions : int, (tasks,)
    processor, busy_until : int, (processors,)
        Numbers of the processors, ascending, and the step from which each is free.
    """

    first: np.ndarray
    period: np.ndarray
    executions: np.ndarray
    processor: np.ndarray
    busy_until: np.ndarray


@dataclass(frozen=True)
class Job(Frozen):
    """An execution to come.

    Attributes
    ----------
    task : int
        Index in ``Schedule.tasks``.
    rule, processor : int
    period : int
        The period that it starts in.
    due : int
        Step at which that period began.
    deadline : int
        Step that decided its turn.
    start : int
        Step at which it is executed, before the step is taken.
    """

    task: int
    rule: int
    processor: int
    period: int
    due: int
    deadline: int
    start: int


def initial_schedule(schedule: Schedule, now: int = 0) -> ScheduleState:
    """The state at step ``now``: periods that began before don't count."""
    n = len(schedule.tasks)
    first = np.array([schedule.begun(i, now - 1) for i in range(n)], np.int64)
    processor = np.unique(np.array([task.processor for task in schedule.tasks], np.int64))
    return ScheduleState(first, first.copy(), np.zeros(n, np.int64), processor, np.full(len(processor), now))


def next_job(schedule: Schedule, state: ScheduleState) -> Job | None:
    """The next execution on any processor; None if there is none any more."""
    jobs = [job for p, free in zip(state.processor.tolist(), state.busy_until.tolist(), strict=True)
            if (job := _next_on(schedule, state, p, free)) is not None]
    return min(jobs, key=lambda job: (job.start, job.deadline, job.rule, job.processor), default=None)


def _next_on(schedule: Schedule, state: ScheduleState, processor: int, free: int) -> Job | None:
    """The next execution on one processor that is free from a step on."""
    mine = [i for i, task in enumerate(schedule.tasks) if task.processor == processor and schedule.end(i) > free]
    waits_from = {}
    for i in mine:
        k, last = int(state.period[i]), schedule.tasks[i].timer.num_periods
        if last is None or k < last:
            waits_from[i] = schedule.due(i, k)
    if not waits_from:
        return None
    start = max(free, min(waits_from.values()))
    waiting = [(schedule.due(i, int(state.period[i]) + 1), schedule.tasks[i].rule, i)
               for i, since in waits_from.items() if since <= start]
    deadline, rule, i = min(waiting)
    period = schedule.begun(i, start) - 1
    return Job(i, rule, processor, period, schedule.due(i, period), deadline, start)


def executed(schedule: Schedule, state: ScheduleState, job: Job, run_time: int) -> ScheduleState:
    """The state after an execution that takes ``run_time`` steps of its processor."""
    if run_time < 0:
        raise ValueError(f"rule {job.rule}: a run time of {run_time} steps; it must be 0 or more")
    period, executions, busy_until = state.period.copy(), state.executions.copy(), state.busy_until.copy()
    period[job.task] = job.period + 1
    executions[job.task] += 1
    busy_until[np.searchsorted(state.processor, job.processor)] = job.start + run_time
    return state.replace(period=period, executions=executions, busy_until=busy_until)


def missed(schedule: Schedule, state: ScheduleState, now: int) -> np.ndarray:
    """Periods of each task that ended at step ``now`` or before without an execution that started in them, (tasks,).

    ``now`` is where the run has come to, so no execution in ``state`` started after it.
    """
    count = np.zeros(len(schedule.tasks), np.int64)
    for i in range(len(schedule.tasks)):
        ended = schedule.ended(i, now)
        done = int(state.executions[i])
        if done and state.period[i] > ended:  # the last execution lies in the period that is going on
            done -= 1
        count[i] = max(0, ended - int(state.first[i])) - done
    return count
