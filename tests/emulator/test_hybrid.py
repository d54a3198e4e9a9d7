"""Plastic arrays in a run: the same network as with fixed synapses, sensors and counters beside it."""

import dataclasses

import numpy as np
import pytest
from pynn_brainscales.emulator import hybrid
from pynn_brainscales.emulator.config import EXC, INH, FreeSynapses, Probe
from pynn_brainscales.emulator.hybrid import HybridRun
from pynn_brainscales.emulator.kernels.correlation import draw_sensors
from pynn_brainscales.emulator.plastic import PlasticArray, initial_array_state
from pynn_brainscales.emulator.run import run
from pynn_brainscales.emulator.state import initial_state
from pynn_brainscales.emulator.stimulus import Stimulus

N, EXTERNAL, ROWS = 10, 6, 9


def sensors(rows, columns, **values):
    zero = np.zeros((rows, columns), int)
    return draw_sensors(0, zero, zero, zero, zero, eta=1.5, tau_us=8.0, **values)


def array(seed=1, with_sensors=True):
    """Rows of both signs with several labels; circuits and channels as sources."""
    rng = np.random.default_rng(seed)
    columns = np.sort(rng.permutation(N)[:7])
    shape = (ROWS, len(columns))
    events = 24
    return PlasticArray(
        circuit=columns, input=rng.integers(0, 2, ROWS), there=rng.random(shape) < 0.8,
        weight=rng.integers(0, 64, shape), label=rng.integers(0, 3, shape), strength=rng.uniform(0.1, 0.3, shape),
        source=rng.integers(0, N + EXTERNAL, events), row=rng.integers(0, ROWS, events),
        event_label=rng.integers(0, 3, events), delay_steps=rng.integers(1, 6, events),
        sensors=sensors(*shape) if with_sensors else None)


def fixed(p):
    """The synapses of a plastic array as a list."""
    rows = []
    for source, row, label, delay in zip(p.source, p.row, p.event_label, p.delay_steps, strict=True):
        for c in np.flatnonzero(p.there[row] & (p.label[row] == label) & (p.weight[row] > 0)):
            rows.append((source, p.circuit[c], p.input[row], p.strength[row, c] * p.weight[row, c], delay))
    source, target, side, weight, delay = (np.array(a) for a in zip(*rows, strict=True))
    return FreeSynapses(source, target, side, weight.astype(float), delay)


def drive(trials=1, first=0, duration=150.0):
    parts = []
    for t in range(trials):
        rng = np.random.default_rng((8, first + t))
        m = rng.poisson(0.1 * EXTERNAL * duration)
        parts.append((rng.integers(0, EXTERNAL, m), rng.uniform(0, duration, m), np.full(m, t)))
    channel, time, trial = (np.concatenate(a) for a in zip(*parts, strict=True))
    return Stimulus(channel, time, trial, trials, first)


@pytest.mark.parametrize("values", [{}, {"conductance": True, "exponential": True, "v_thresh": 130.0}])
def test_fixed_weights_act_like_fixed_synapses(make, values):
    p = array()
    base = make.config(N, [], EXTERNAL, probes=[Probe("v", np.arange(N), 1)], **values)
    plastic, _ = run(base.replace(plastic=(p,)), drive(), 150.0)
    listed, _ = run(base.replace(synapses=fixed(p)), drive(), 150.0)
    assert len(listed.spike_step) > 20
    assert np.array_equal(plastic.spike_step, listed.spike_step)
    assert np.array_equal(plastic.spike_circuit, listed.spike_circuit)
    np.testing.assert_allclose(plastic.samples[0].values, listed.samples[0].values, atol=1e-9)


def same(a, b):
    if dataclasses.is_dataclass(a):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, tuple):
        return all(map(same, a, b))
    return a is b if a is None else np.array_equal(a, b)


def test_events_are_counted(make):
    """By row and label, on their way through a delay; joined circuits fire in all their columns."""
    p = array()
    base = make.config(N, [], EXTERNAL, v_thresh=1e6)
    stimulus = drive()
    _, state = run(base.replace(plastic=(p,)), stimulus, 150.0)
    wanted = np.zeros((1, ROWS, 64), int)
    for channel, time in zip(stimulus.channel, stimulus.time_us, strict=True):
        for e in np.flatnonzero(p.source == N + channel):
            due = np.floor(time / base.step_us + 0.5) + p.delay_steps[e]
            wanted[0, p.row[e], p.event_label[e]] += due <= 150.0 / base.step_us
    assert wanted.sum() > 100
    np.testing.assert_array_equal(state.plastic[0].events, wanted)
    master = np.repeat(np.arange(0, N, 2), 2)
    counted = HybridRun(p, initial_array_state(p, 1), np.zeros((2, 1, N)), np.ones((2, N)), master, N + EXTERNAL, 0.1,
                        0, 10)
    counted.spiked(np.zeros(3, int), np.array([2, 2, 4]))
    counted.advance(1)
    fired = counted.state().sensors.t_post[0] == 1
    assert fired.tolist() == [c in (2, 3, 4, 5) for c in p.circuit.tolist()]


def test_cuts_do_not_matter(make):
    cfg = make.config(N, [], EXTERNAL).replace(plastic=(array(1), array(2, with_sensors=False)))
    once, end = run(cfg, drive(), 150.0)
    state, spikes = None, []
    for duration in (0.1, 40.3, 0.2, 0.1, 59.3, 50.0):
        part, state = run(cfg, drive(), duration, state)
        spikes.append(part.spike_step)
    assert np.array_equal(np.concatenate(spikes), once.spike_step)
    assert same(end.plastic, state.plastic)
    assert end.plastic[0].sensors.causal.max() > 1.0
    assert end.counters.max() > 3
    assert np.array_equal(end.counters, state.counters)


def test_batch_is_a_loop(make):
    cfg = make.config(N, [], EXTERNAL).replace(plastic=(array(1),))
    _, batch = run(cfg, drive(3), 150.0)
    for t in range(3):
        _, alone = run(cfg, drive(1, first=t), 150.0)
        for part in ("synapses", "sensors"):
            for f in dataclasses.fields(getattr(alone.plastic[0], part)):
                mine, theirs = (getattr(getattr(s.plastic[0], part), f.name) for s in (batch, alone))
                assert np.array_equal(mine[t], theirs[0]), (t, part, f.name)


def test_a_pair_leaves_its_trace(make):
    """Presynaptic events before and after a forced spike; the counter has the spike."""
    one = np.ones((1, 1))
    p = PlasticArray(np.array([0]), np.array([EXC]), one.astype(bool), np.array([[5]]), np.array([[2]]), 0.001 * one,
                     np.array([1]), np.array([0]), np.array([2]), np.array([1]), sensors(1, 1))
    cfg = make.config(1, [(2, 0, EXC, 50.0, 1)], 2, refractory_us=30.0).replace(plastic=(p,))
    stimulus = Stimulus(np.array([0, 1, 0]), np.array([5.0, 9.9, 14.0]))
    recording, end = run(cfg, stimulus, 30.0)
    post = int(recording.spike_step[0])
    assert len(recording.spike_step) == 1
    s = end.plastic[0].sensors
    assert s.causal[0, 0, 0] == pytest.approx(1.5 * np.exp(-0.1 * (post - 51) / 8.0), rel=1e-12)
    assert s.acausal[0, 0, 0] == pytest.approx(1.5 * np.exp(-0.1 * (141 - post) / 8.0), rel=1e-12)
    assert end.counters[0, 0] == 1


def test_another_label_is_another_source(make):
    """A synapse listens to the events of its own label only; a rewritten label changes what it hears."""
    one = np.ones((1, 1))
    p = PlasticArray(np.array([0]), np.array([INH]), one.astype(bool), np.array([[10]]), np.array([[3]]), one,
                     np.array([1, 2]), np.array([0, 0]), np.array([3, 4]), np.array([1, 1]))
    cfg = make.config(1, [], 2, probes=[Probe("i_inh", np.array([0]), 1)])
    for label, channel in ((3, 0), (4, 1)):
        wired = cfg.replace(plastic=(p.replace(label=np.array([[label]])),))
        for sends in (0, 1):
            recording, _ = run(wired, Stimulus(np.array([sends]), np.array([1.0])), 2.0)
            peak = recording.samples[0].values.max()
            assert peak == pytest.approx(10.0 if sends == channel else 0.0)


@pytest.mark.parametrize(("change", "sentence"), [
    ({"weight": np.full((ROWS, 7), 64)}, r"plastic.weight must lie in 0..63"),
    ({"source": np.full(24, N + EXTERNAL)}, r"plastic.source must lie in 0..15"),
    ({"circuit": np.zeros(7, int)}, "each once"), ({"input": np.zeros(3, int)}, r"plastic.input has shape \(3,\)"),
    ({"delay_steps": np.zeros(24, int)}, "plastic.delay_steps must be >= 1"),
    ({"strength": np.full((ROWS, 7), np.nan)}, "plastic.strength must be finite"),
    ({"sensors": sensors(2, 7)}, r"plastic.sensors has shape \(2, 7\)")])
def test_bad_arrays(make, change, sentence):
    cfg = make.config(N, [], EXTERNAL).replace(plastic=(array().replace(**change),))
    with pytest.raises(ValueError, match=sentence):
        run(cfg, None, 1.0)


def side_by_side(with_sensors=True):
    """An array on neighbouring circuits, with an event of its own for each channel and row."""
    p = array(3, with_sensors)
    rows = np.arange(ROWS)
    return p.replace(circuit=np.arange(2, 9), source=N + np.tile(np.arange(EXTERNAL), ROWS),
                     row=np.repeat(rows, EXTERNAL), event_label=np.tile(np.arange(EXTERNAL) % 3, ROWS),
                     delay_steps=np.full(ROWS * EXTERNAL, 2))


def volleys(trials=1):
    """All channels at equal steps, again and again."""
    channel = np.tile(np.arange(EXTERNAL), 60)
    time = np.repeat(np.arange(60) * 2.0, EXTERNAL)
    return Stimulus(np.tile(channel, trials), np.tile(time, trials), np.repeat(np.arange(trials), len(channel)), trials)


def several_rows():
    """Events of one step in different rows: one channel each."""
    p = side_by_side()
    keep = np.arange(len(p.row)) % EXTERNAL == p.row % EXTERNAL
    return p.replace(source=p.source[keep], row=p.row[keep], event_label=p.event_label[keep],
                     delay_steps=p.delay_steps[keep])


def test_events_of_a_step_act_together(make, monkeypatch):
    """Bit for bit as one after the other."""
    p, ends, recordings = several_rows(), [], []
    cfg = make.config(N, [], EXTERNAL).replace(plastic=(p,))
    for least in (3, 10**9):
        monkeypatch.setattr(hybrid, "_SEVERAL", least)
        recording, end = run(cfg, volleys(), 150.0)
        recordings.append(recording)
        ends.append(end)
    assert len(recordings[0].spike_step) > 20
    assert np.array_equal(recordings[0].spike_step, recordings[1].spike_step)
    assert same(ends[0].plastic, ends[1].plastic)
    assert ends[0].plastic[0].sensors.acausal.max() > 1.0
    assert ends[0].x.tolist() == ends[1].x.tolist()


@pytest.mark.parametrize("with_sensors", [True, False])
@pytest.mark.parametrize("p", [array, side_by_side])
def test_weights_of_one_trial_are_those_of_all(make, p, with_sensors):
    cfg = make.config(N, [], EXTERNAL, probes=[Probe("v", np.arange(N), 1)]).replace(
        plastic=(p(with_sensors=with_sensors),))
    whole = initial_state(cfg, 3)
    synapses = whole.plastic[0].synapses
    one = synapses.replace(weight=synapses.weight[:1], label=synapses.label[:1])
    results = [run(cfg, volleys(3), 100.0, whole.replace(plastic=(whole.plastic[0].replace(synapses=s),)))
               for s in (synapses, one)]
    (a, end), (b, alike) = results
    assert len(a.spike_step) > 20
    assert np.array_equal(a.samples[0].values, b.samples[0].values)
    assert same(end.plastic[0].sensors, alike.plastic[0].sensors)
