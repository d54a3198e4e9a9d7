"""Current sources: when they act, what is recorded, what they do to a membrane."""

import gc

import numpy as np
import pytest
from pynn_brainscales.mapping.errors import MappingWarning

import pynn_brainscales as sim

CELL = {"tau_m": 10.0, "cm": 1.0, "v_thresh": 1000.0}
DT = 0.1


@pytest.fixture
def cell():
    sim.setup(timestep=DT, chip="ideal")
    cell = sim.Population(1, sim.IF_curr_exp(**CELL))
    cell.record("v")
    return cell


def trace(cell):
    return cell.get_data().segments[-1].analogsignals[0].magnitude[:, 0] + 65.0


def current(source):
    signal = source.get_data()
    assert str(signal.units.dimensionality) == "nA"
    return signal.magnitude.ravel()


def response(i):
    """Membrane of the cell under a current that is constant within steps (exact)."""
    v, keep = np.zeros(len(i)), np.exp(-DT / 10.0)
    for k in range(1, len(i)):
        v[k] = v[k - 1] * keep + i[k - 1] * 10.0 * (1.0 - keep)
    return v


SOURCES = {
    "dc": lambda: sim.DCSource(amplitude=0.5, start=5.0, stop=12.0),
    "ac": lambda: sim.ACSource(amplitude=0.5, start=5.0, stop=12.0, frequency=200.0, offset=0.1, phase=30.0),
    "step": lambda: sim.StepCurrentSource(times=[5.0, 7.0, 12.0], amplitudes=[0.5, -0.2, 0.0]),
    "noise": lambda: sim.NoisyCurrentSource(mean=0.5, stdev=0.2, start=5.0, stop=12.0, dt=0.2)}


@pytest.mark.parametrize("name", SOURCES)
def test_onset_offset_and_membrane(cell, name):
    source = SOURCES[name]()
    source.inject_into(cell)
    source.record()
    sim.run(20.0)
    i, v = current(source), trace(cell)
    assert len(i) == 201
    assert i[49] == 0.0 != i[50]
    assert i[119] != 0.0 == i[120]
    assert v[50] == 0.0 != v[51]
    np.testing.assert_allclose(v, response(i), rtol=1e-9, atol=1e-11)
    sim.reset()
    for _ in range(4):
        sim.run(5.0)
    assert np.array_equal(current(source), i)
    assert np.array_equal(trace(cell), v)


def test_phase_counts_from_the_onset(cell):
    source = sim.ACSource(amplitude=1.0, start=3.0, stop=10.0, frequency=100.0, offset=0.5, phase=90.0)
    source.record()
    source.inject_into(cell)
    sim.run(12.0)
    t = np.arange(121) * DT
    expected = np.where((t > 2.95) & (t < 9.95), 0.5 + np.sin(2e-3 * np.pi * 100.0 * (t - 3.0) + np.pi / 2), 0.0)
    np.testing.assert_allclose(current(source), expected, atol=1e-12)


def test_noise_changes_at_its_own_interval(cell):
    source = sim.NoisyCurrentSource(mean=0.0, stdev=1.0, dt=0.5)
    source.record()
    source.inject_into(cell)
    sim.run(5000.0)
    i = current(source)[:-1].reshape(-1, 5)
    assert np.all(i == i[:, :1])
    assert i[:, 0].std() == pytest.approx(1.0, abs=0.05)
    assert abs(np.corrcoef(i[:-1, 0], i[1:, 0])[0, 1]) < 0.05
    with pytest.raises(ValueError, match="multiple of the timestep"):
        sim.NoisyCurrentSource(dt=0.15)


def test_parameters_change_from_now(cell):
    source = sim.DCSource(amplitude=0.5)
    source.record()
    cell.inject(source)
    sim.run(5.0)
    source.amplitude = 1.0
    assert source.amplitude == 1.0
    sim.run(5.0)
    source.set_parameters(stop=12.0)
    sim.run(5.0)
    i = current(source)
    assert i[[49, 50, 99, 119, 120]].tolist() == [0.5, 1.0, 1.0, 1.0, 0.0]
    step = sim.StepCurrentSource(times=[0.0], amplitudes=[0.0])
    step.inject_into(cell)
    step.record()
    sim.run(5.0)
    step.set_parameters(times=[20.0], amplitudes=[0.7])  # now
    sim.run(1.0)
    assert current(step)[-11] == 0.7


def test_steps_are_rounded_and_the_last_of_several_counts(cell):
    source = sim.StepCurrentSource(times=[0.42, 0.44, 0.86, 2.0], amplitudes=[0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(source.times, [0.4, 0.9, 2.0])
    assert source.amplitudes.tolist() == [0.2, 0.3, 0.4]
    for times, sentence in (([-1.0, 2.0], "negative"), ([2.0, 1.0], "monotonically")):
        with pytest.raises(ValueError, match=sentence):
            sim.StepCurrentSource(times=times, amplitudes=[0.1, 0.2])
    with pytest.raises(ValueError, match="as many times"):
        sim.StepCurrentSource(times=[1.0], amplitudes=[0.1, 0.2])


def test_dc_from_the_start_is_a_step_at_zero():
    traces = []
    for make in (lambda: sim.DCSource(amplitude=0.3, start=0.0), lambda: sim.StepCurrentSource(times=[0.0],
                                                                                              amplitudes=[0.3])):
        sim.setup(timestep=DT, chip="ideal")
        cell = sim.Population(1, sim.IF_cond_exp())
        make().inject_into(cell)
        cell.record("v")
        sim.run(20.0)
        traces.append(trace(cell))
    assert np.array_equal(*traces)


def test_targets():
    sim.setup(timestep=DT, chip="ideal")
    a, b = sim.Population(3, sim.IF_curr_exp(**CELL)), sim.Population(2, sim.IF_cond_exp(v_thresh=1000.0))
    for p in (a, b):
        p.record("v")
    sim.DCSource(amplitude=0.1).inject_into(a[1:])
    sim.DCSource(amplitude=0.2).inject_into(a[:1] + b)
    sim.DCSource(amplitude=0.4).inject_into([a[2], b[1]])
    sim.run(200.0)
    last = [p.get_data().segments[0].analogsignals[0].magnitude[-1] + 65.0 for p in (a, b)]
    np.testing.assert_allclose(last[0], [2.0, 1.0, 5.0], rtol=1e-6)
    np.testing.assert_allclose(last[1], [4.0, 12.0], rtol=1e-3)
    source = sim.Population(2, sim.SpikeSourceArray())
    for cells in (source, source[:1], a + source, [a[0], source[0]], source[1]):
        with pytest.raises(TypeError, match="spike source"):
            sim.DCSource().inject_into(cells)
    with pytest.raises(TypeError, match="spike source"):
        source.inject(sim.DCSource())
    with pytest.raises(sim.errors.NothingToWriteError, match="record"):
        sim.DCSource().get_data()
    with pytest.raises(sim.errors.NonExistentParameterError):
        sim.DCSource(amplitudes=1.0)


def test_on_a_chip():
    sim.setup(timestep=DT, chip="quantised")
    cell = sim.Population(1, sim.IF_curr_exp(**CELL | {"v_thresh": -50.0}))
    cell.record("v")
    sim.ACSource(amplitude=0.5, frequency=50.0).inject_into(cell)
    with pytest.warns(MappingWarning, match="ACSource changes during the run"):
        sim.run(40.0)
    assert trace(cell).max() > 1.0


def test_trials_get_the_current_and_leave_its_record_alone(cell):
    source = sim.Population(1, sim.SpikeSourceArray())
    dc = sim.DCSource(amplitude=0.5)
    dc.inject_into(cell)
    dc.record()
    none = np.zeros(0, int)
    result = sim.run_trials(20.0, {source: (none, none, np.zeros(0))}, 2)
    sim.run(10.0)
    np.testing.assert_allclose(result.signals[cell.label, "v"][:, -1, 0] + 65.0,
                               5.0 * (1.0 - np.exp(-2.0)), rtol=1e-9)
    assert len(current(dc)) == 101


def test_one_cell_and_one_source_several_times(cell):
    """A source into a single cell; into one cell several times it adds up; sources nobody holds go on."""
    others = sim.Population(3, sim.IF_curr_exp(**CELL))
    others.record("v")
    dc = sim.DCSource(amplitude=0.1)
    dc.inject_into(others[1])
    others[1].inject(dc)
    dc.inject_into([others[2], others[2], others[2]])
    others[0:1].inject(sim.DCSource(amplitude=0.7))
    gc.collect()
    sim.run(200.0)
    np.testing.assert_allclose(others.get_data().segments[0].analogsignals[0].magnitude[-1] + 65.0, [7.0, 2.0, 3.0],
                               rtol=1e-6)


@pytest.mark.parametrize("name", SOURCES)
def test_a_run_in_pieces_gives_the_same(cell, name):
    traces = []
    for pieces in ([20.0], [3.3, 1.7, 0.1, 6.9, 8.0]):
        sim.setup(timestep=DT, chip="ideal", seed=5)
        one = sim.Population(1, sim.IF_curr_exp(**CELL))
        one.record("v")
        source = SOURCES[name]()
        source.inject_into(one)
        source.record()
        for piece in pieces:
            sim.run(piece)
        traces.append((trace(one), current(source)))
    assert np.array_equal(traces[0][0], traces[1][0])
    assert np.array_equal(traces[0][1], traces[1][1])


def test_all_parameters_can_change(cell):
    source = sim.ACSource(amplitude=0.5, frequency=100.0)
    source.record()
    source.inject_into(cell)
    sim.run(5.0)
    source.set_parameters(frequency=200.0, offset=0.3, phase=90.0)
    source.amplitude = 0.25
    assert (source.frequency, source.offset, source.phase, source.amplitude) == (200.0, 0.3, 90.0, 0.25)
    sim.run(5.0)
    t = np.arange(50, 100) * DT
    np.testing.assert_allclose(current(source)[50:100],
                               0.3 + 0.25 * np.sin(2e-3 * np.pi * 200.0 * t + np.pi / 2), atol=1e-12)
    sim.reset()  # the parameters stay
    sim.run(1.0)
    assert current(source)[0] == pytest.approx(0.55)
    step = sim.StepCurrentSource(times=[0.0, 2.0], amplitudes=[0.1, 0.2])
    step.record()
    step.inject_into(cell)
    sim.run(2.0)
    step.set_parameters(times=[3.5, 4.0], amplitudes=[0.5, 0.6])  # the old steps are forgotten
    sim.run(2.0)
    assert current(step)[[-22, -21, -17, -16, -11, -1]].tolist() == [0.2, 0.0, 0.0, 0.5, 0.6, 0.6]


def test_a_record_that_begins_in_between(cell):
    source = sim.DCSource(amplitude=0.5)
    source.inject_into(cell)
    sim.run(5.0)
    source.record()
    sim.run(1.0)
    signal = source.get_data()
    assert signal.t_start.rescale("ms").item() == pytest.approx(5.0)
    assert signal.shape == (11, 1)


def test_noise(cell):
    """The seed of setup, or the user's own generator, decides; every source has numbers of its own."""

    def noise(seed=1, rng=None, trial_noise="repeat", **parameters):
        sim.setup(timestep=DT, chip="ideal", seed=seed, trial_noise=trial_noise)
        one = sim.Population(1, sim.IF_curr_exp())
        sources = [sim.NoisyCurrentSource(mean=0.5, stdev=0.2, rng=rng, **parameters) for _ in range(2)]
        result = []
        for source in sources:
            source.record()
            source.inject_into(one)
        for _ in range(2):
            sim.run(20.0)
            result.append([current(source)[:-1] for source in sources])
            sim.reset()
        return result

    (a, b), (again, _) = noise()
    assert np.array_equal(a, again)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.3
    assert np.array_equal(noise()[0][0], a)
    assert not np.array_equal(noise(seed=2)[0][0], a)
    (a, _), (fresh, _) = noise(trial_noise="fresh")
    assert abs(np.corrcoef(a, fresh)[0, 1]) < 0.3
    (own, _), (again, _) = noise(rng=sim.NumpyRNG(3))
    assert np.array_equal(own, again)
    assert own[:3] == pytest.approx(0.5 + 0.2 * sim.NumpyRNG(3).next(3, "normal", {"mu": 0.0, "sigma": 1.0}))
    (own, _), _ = noise(rng=sim.NativeRNG(3), start=1.0, dt=0.5)
    assert np.count_nonzero(own[:10]) == 0
    assert len(set(own[10:15])) == 1
    sim.setup(timestep=0.25)
    assert sim.NoisyCurrentSource().dt == 0.25  # PyNN's 0.1 ms would not fit
    sim.setup(timestep=0.05)
    assert sim.NoisyCurrentSource().dt == 0.1


@pytest.mark.parametrize(("make", "error", "sentence"), [
    (lambda: sim.DCSource(amplitude="strong"), ValueError, "amplitude"),
    (lambda: sim.DCSource(amplitude=[1.0, 2.0]), ValueError, "DCSource: amplitude must be a number"),
    (lambda: sim.DCSource(amplitude=float("nan")), ValueError, "amplitude must be finite, got nan"),
    (lambda: sim.DCSource(start=float("inf")), ValueError, "start must be finite"),
    (lambda: sim.StepCurrentSource(times=[float("nan")], amplitudes=[1.0]), ValueError, "times must be finite"),
    (lambda: sim.StepCurrentSource(times=[1.0], amplitudes=[1.0, 2.0]), ValueError, "as many times as amplitudes"),
    (lambda: sim.NoisyCurrentSource(stdev=-0.1), ValueError, "stdev must be >= 0, got -0.1"),
    (lambda: sim.NoisyCurrentSource(dt=0.15), ValueError, "dt in ms must be a multiple of the timestep, 0.1 ms"),
    (lambda: sim.NoisyCurrentSource(rng=5), TypeError, "rng=5 must be one of pyNN.random"),
    (lambda: sim.ACSource(freq=3.0), KeyError, "freq")])
def test_parameters_that_make_no_sense(cell, make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()


def test_bad_calls(cell):
    dc = sim.DCSource(amplitude=0.5)
    with pytest.raises(ValueError, match="amplitude must be finite"):
        dc.amplitude = float("nan")
    assert dc.amplitude == 0.5
    with pytest.raises(TypeError, match="can be injected into populations, views, assemblies and cells"):
        dc.inject_into([1, 2])
    with pytest.raises(NotImplementedError, match="location='soma': the cells have one compartment"):
        dc.inject_into(cell, location="soma")
    with pytest.raises(AttributeError, match="set values using the parameter name directly"):
        dc.set(amplitude=1.0)
    sim.setup(timestep=DT)
    with pytest.raises(RuntimeError, match="the source was made before setup"):
        dc.inject_into(sim.Population(1, sim.IF_curr_exp()))
    with pytest.raises(RuntimeError, match="setup"):
        sim.DCSource().inject_into(cell)


def test_noise_differs_from_trial_to_trial():
    """As from run to run with fresh noise; that of a generator of the user's own is the same in all."""
    def build(**noise):
        sim.setup(timestep=0.1, chip="ideal", seed=4, trial_noise="fresh")
        cells = sim.Population(2, sim.IF_curr_exp(), label="cells")
        sim.NoisyCurrentSource(mean=0.5, stdev=1.0, dt=0.1, **noise).inject_into(cells)
        cells.record(["v", "spikes"])
        return cells

    build()
    trials = sim.run_trials(30.0, {}, 3).signals["cells", "v"]
    later = sim.run_trials(30.0, {}, 1, first_trial=2).signals["cells", "v"]
    cells = build()
    for k in range(3):
        sim.run(30.0)
        single = cells.get_data("v").segments[k].analogsignals[0].magnitude
        np.testing.assert_array_equal(trials[k], single)
        sim.reset()
    np.testing.assert_array_equal(later[0], trials[2])
    assert np.abs(np.diff(trials, axis=0)).max() > 1.0
    build(rng=sim.NumpyRNG(1))
    trials = sim.run_trials(30.0, {}, 2).signals["cells", "v"]
    np.testing.assert_array_equal(trials[0], trials[1])
