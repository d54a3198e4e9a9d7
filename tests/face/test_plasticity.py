"""Rules on the plasticity processor: when they run, what they see, what they change."""

import numpy as np
import pytest
from pyNN.errors import InvalidParameterValueError
from pynn_brainscales.emulator.profile import calibrated

import pynn_brainscales as sim

PROFILES = ["ideal", "quantised", "calibrated"]


class Note(sim.PlasticityRule):
    """Records all that can be read."""

    def update(self, ppu, synapses, neurons, recording):
        recording["time"] = ppu.now
        recording["period"] = ppu.period
        for i, view in enumerate(synapses):
            recording[f"weight{i}"] = view.logical(view.get_weights())
            recording[f"causal{i}"] = view.logical(view.get_causal_correlation())
            recording[f"acausal{i}"] = view.logical(view.get_acausal_correlation())
        for i, cells in enumerate(neurons):
            recording[f"rate{i}"] = cells.get_rate_counters()


class Grow(sim.PlasticityRule):
    """Adds to every weight what it keeps in its memory, which itself grows."""

    def update(self, ppu, synapses, neurons, recording):
        step = ppu.memory["step"] + 1 if "step" in ppu.memory else np.ones(1, int)
        ppu.memory["step"] = step
        for view in synapses:
            noise = ppu.rng.integers(0, 2, view.shape)
            view.set_weights(view.get_weights() + int(step[0]) + noise)
            recording["weight"] = view.get_weights()


def network(rule, chip="ideal", cells=4, weight=0.5, w_max=1.0, teacher=None, **parameters):
    sim.setup(chip=chip, seed=3, chip_seed=2)
    neurons = sim.Population(cells, sim.IF_curr_exp(tau_refrac=20.0), label="neurons")
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[[50.0, 150.0], [70.0]]), label="source")
    projection = sim.Projection(source, neurons, sim.AllToAllConnector(), sim.PlasticSynapse(
        rule, weight=weight, w_max=w_max, delay=1.0, **parameters), label="plastic")
    if teacher is not None:
        forcing = sim.Population(1, sim.SpikeSourceArray(spike_times=teacher), label="teacher")
        sim.Projection(forcing, neurons, sim.AllToAllConnector(), sim.StaticSynapse(weight=20.0, delay=1.0))
    neurons.record("spikes")
    return neurons, projection


@pytest.mark.parametrize("chip", PROFILES)
def test_when_a_rule_runs(chip):
    rule = Note(sim.Timer(start=30.0, period=40.0, num_periods=3))
    network(rule, chip)
    sim.run(35.0)
    assert rule.executed == 1
    sim.run(200.0)
    assert rule.executed == 3
    assert rule.missed == 0
    times, noted = rule.get_observable_array("time")
    np.testing.assert_allclose(times, [30.0, 70.0, 110.0])
    np.testing.assert_allclose(noted, times)
    assert list(rule.get_observable_array("period")[1]) == [0, 1, 2]
    with pytest.raises(KeyError, match="not 'nothing'"):
        rule.get_observable_array("nothing")


def test_what_the_sensors_say():
    """Pairs before and after forced spikes, in the converter's steps, against the exponentials."""
    rule = Note(sim.Timer(start=200.0, period=1.0, num_periods=1))
    neurons, projection = network(rule, weight=0.0, teacher=[60.0, 160.0], eta=2.0, tau=10.0)
    sim.run(220.0)
    spikes = [np.array(t) for t in neurons.get_data().segments[0].spiketrains]
    pre, post = projection.indices
    causal, acausal = (rule.get_observable_array(f"{k}0")[1][0] for k in ("causal", "acausal"))
    for i in range(len(projection)):
        first, second = spikes[post[i]]
        if pre[i] == 0:  # 51 and 151 ms: before each of the spikes
            wanted = 2.0 * (np.exp(-(first - 51.0) / 10.0) + np.exp(-(second - 151.0) / 10.0))
            assert abs(causal[i] - wanted) <= 1.0
            assert abs(acausal[i] - 2.0 * np.exp(-(151.0 - first) / 10.0)) <= 1.0
        else:  # 71 ms: after the first
            assert abs(causal[i] - 2.0 * np.exp(-(second - 71.0) / 10.0)) <= 1.0
            assert abs(acausal[i] - 2.0 * np.exp(-(71.0 - first) / 10.0)) <= 1.0
    assert list(rule.get_observable_array("rate0")[1][0]) == [2] * 4


@pytest.mark.parametrize("chip", PROFILES)
def test_weights_change_and_come_back(chip):
    rule = Grow(sim.Timer(start=20.0, period=20.0))
    _, projection = network(rule, chip, weight=0.1)
    before = projection.get("weight", "array")
    projection.record("weight", sampling_interval=10.0)
    sim.run(95.0)
    codes = rule.get_observable_array("weight")[1]
    assert np.all(np.diff(codes.astype(int), axis=0) >= 0)
    after = projection.get("weight", "array")
    assert np.all(after > before + 0.1)
    times, recorded = projection.get_array("weight")
    np.testing.assert_allclose(times, np.arange(0.0, 95.0, 10.0))
    assert np.all(np.diff(recorded, axis=0) >= 0)
    assert np.all(recorded[1] == recorded[0])  # the first execution is at 20 ms
    assert np.all(recorded[3] > recorded[1])
    np.testing.assert_allclose(recorded[-1], projection.present("weight"))
    sim.reset()
    np.testing.assert_array_equal(projection.get("weight", "array"), before)
    sim.run(95.0)
    np.testing.assert_array_equal(projection.get("weight", "array"), after)
    assert rule.executed == 4


@pytest.mark.parametrize("chip", PROFILES)
def test_cuts_do_not_matter(chip):
    results = []
    for cuts in ([120.0], [10.0, 10.0, 0.1, 59.9, 20.0, 20.0]):
        rule = Grow(sim.Timer(start=20.0, period=20.0), runtime_model=5.0)
        neurons, projection = network(rule, chip, weight=0.1, teacher=[60.0])
        for t in cuts:
            sim.run(t)
        spikes = [list(np.array(t)) for t in neurons.get_data().segments[0].spiketrains]
        results.append((projection.get("weight", "array"), rule.get_observable_array("weight")[1], spikes))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])
    assert results[0][2] == results[1][2]


def test_what_is_written_becomes_visible_when_the_run_time_is_over():
    rule = Grow(sim.Timer(start=20.0, period=50.0, num_periods=1), runtime_model=7.0)
    _, projection = network(rule, "quantised", weight=0.1)
    sim.run(26.0)
    assert np.ptp(projection.get("weight", "array")) < 0.01
    sim.run(2.0)
    assert projection.get("weight", "array").min() > 0.11


def test_a_slow_rule_misses_periods():
    rule = Grow(sim.Timer(start=10.0, period=10.0, num_periods=9), runtime_model=25.0)
    network(rule, "quantised")
    sim.run(200.0)
    assert rule.executed + rule.missed == 9
    assert rule.missed >= 5
    quick = Grow(sim.Timer(start=10.0, period=10.0, num_periods=9), runtime_model=None)
    network(quick, "quantised")
    sim.run(200.0)
    assert (quick.executed, quick.missed) == (9, 0)


def test_a_rule_of_several_projections_and_a_population_twice():
    rule = Note(sim.Timer(start=40.0, period=10.0, num_periods=1))
    neurons, _ = network(rule)
    other = sim.Population(3, sim.IF_curr_exp(), label="other")
    for post in (other, neurons):
        sim.Projection(neurons, post, sim.AllToAllConnector(), sim.PlasticSynapse(rule, weight=0.2, delay=1.0))
    sim.run(50.0)
    assert rule.get_observable_array("weight1")[1].shape == (1, 12)
    assert rule.get_observable_array("weight2")[1].shape == (1, 16)
    assert rule.get_observable_array("rate0")[1].shape == (1, 4)
    assert rule.get_observable_array("rate1")[1].shape == (1, 3)


@pytest.mark.parametrize("chip", PROFILES)
def test_weights_that_the_user_sets_in_the_middle_of_a_run(chip):
    """They reach the chip, and an update that is under way does not take them back."""
    rule = Grow(sim.Timer(start=20.0, period=20.0), runtime_model=8.0)
    _, projection = network(rule, chip, weight=0.1)
    sim.run(63.0)
    projection.set(weight=0.4)
    projection[2].weight = 0.7
    sim.run(15.0)
    codes = np.round(np.array(projection.get("weight", "list", with_address=False)) * 63.0)
    sim.run(20.0)
    assert codes.tolist() == [25.0, 25.0, 44.0] + [25.0] * 5
    seen = rule.get_observable_array("weight")[1][3]  # what the rule reads at 80 ms
    assert sorted(np.unique(seen[seen > 0])) == [25, 44]


def test_a_chip_with_a_field_changed():
    """The sensors' spread is a field of the profile like any other."""
    heights = []
    for spread in (0.0, 0.6):
        chip = calibrated.replace(sensor_eta=spread, sensor_tau=0.0, sensor_baseline=0.0, sensor_noise=0.0)
        rule = Note(sim.Timer(start=400.0, period=1.0, num_periods=1))
        network(rule, chip, cells=40, weight=0.0, teacher=[60.0, 160.0], eta=2.0, tau=30.0)
        sim.run(410.0)
        heights.append(rule.get_observable_array("causal0")[1][0][::2])  # of the source that fires before
    assert heights[0].std() < 0.6
    assert heights[1].std() > 1.5


def test_bad_input():
    sim.setup(chip="ideal")
    with pytest.raises(TypeError, match="plasticity_rule=None must be a PlasticityRule"):
        sim.PlasticSynapse(weight=0.1)
    with pytest.raises(TypeError, match=r"Note: timer=5 must be a Timer\(start="):
        Note(5)
    with pytest.raises(ValueError, match="period=0; it must be finite and above 0"):
        sim.Timer(start=0.0, period=0.0)
    rule = Note(sim.Timer(start=1.0, period=1.0))
    for name in ("w_max", "eta", "tau"):
        with pytest.raises(InvalidParameterValueError, match=f"{name} must be > 0"):
            sim.PlasticSynapse(rule, **{name: 0.0})
    network(sim.PlasticityRule(sim.Timer(start=1.0, period=1.0)))
    with pytest.raises(NotImplementedError, match=r"PlasticityRule has no update\(self, ppu, synapses, neurons"):
        sim.run(5.0)

    class Wrong(sim.PlasticityRule):
        def update(self, ppu, synapses, neurons, recording):
            synapses[0].set_weights(np.full(synapses[0].shape, 64), saturate=False)

    network(Wrong(sim.Timer(start=1.0, period=1.0)))
    with pytest.raises(ValueError, match=r"weights are outside of 0..63"):
        sim.run(5.0)
    network(rule, weight=2.0)
    with pytest.raises(ValueError, match="beyond w_max=1"):
        sim.run(1.0)


def test_trials_have_the_weights_that_were_learnt():
    """run_trials executes no rule: its trials are those of a network with fixed weights, the present ones."""
    rule = Grow(sim.Timer(start=10.0, period=20.0))
    neurons, projection = network(rule, "quantised", weight=9 * 2.0 / 63, w_max=2.0)
    source = projection.pre
    spikes = {source: (np.array([0, 1]), np.array([0, 0]), np.array([5.0, 5.0]))}
    neurons.record("v")
    first = np.array(projection.get("weight", "list", with_address=False))
    before = sim.run_trials(30.0, spikes, 2).signals["neurons", "v"]
    sim.run(300.0)
    executed, weights = rule.executed, projection.get("weight", "list", with_address=False)
    after = sim.run_trials(30.0, spikes, 2).signals["neurons", "v"]
    assert rule.executed == executed
    height = (after - after[0, 0, 0]).max(axis=(0, 1)) / (before - before[0, 0, 0]).max(axis=(0, 1))
    assert np.all(np.array(weights[:4]) > 1.0)
    np.testing.assert_allclose(height, np.array(weights[:4]) / first[:4], rtol=0.01)
    np.testing.assert_array_equal(after[0], after[1])


def test_processors_of_both_halves_work_side_by_side():
    """A rule on twice as many neurons, on both halves of a chip, takes no longer."""
    ends = []
    for cells in (200, 400):
        rule = Grow(sim.Timer(start=10.0, period=500.0, num_periods=1))
        _, projection = network(rule, "quantised", cells=cells)
        projection.record("weight", sampling_interval=0.1)
        sim.run(200.0)
        times, weights = projection.get_array("weight")
        ends.append(times[np.flatnonzero(np.any(weights != weights[0], axis=1))[0]])
    assert ends[0] == pytest.approx(ends[1], abs=0.3)
    assert ends[0] > 10.2


def test_what_is_read_can_be_set_again():
    """By the rounding of gains code 63 may stand for a little more than w_max; far more is refused."""
    class Full(sim.PlasticityRule):
        def update(self, ppu, synapses, neurons, recording):
            synapses[0].set_weights(63)

    _, projection = network(Full(sim.Timer(start=10.0, period=1000.0)), "calibrated", weight=0.5, w_max=0.6)
    sim.run(20.0)
    weights = projection.get("weight", "list", with_address=False)
    assert max(weights) == pytest.approx(0.6, rel=0.01)
    projection.set(weight=1.004 * 0.6)
    sim.run(1.0)
    projection.set(weight=1.02 * 0.6)
    with pytest.raises(sim.mapping.errors.MappingError, match=r"beyond w_max=0\.6"):
        sim.run(1.0)


def test_what_a_rule_records_comes_from_the_projection():
    """As Neo signals and bare arrays, beside what the projection itself records, segment by segment."""
    rule = Grow(sim.Timer(start=20.0, period=20.0))
    _, projection = network(rule, weight=0.1)
    projection.record("weight", sampling_interval=10.0)
    sim.run(70.0)
    sim.reset()
    sim.run(50.0)
    block = projection.get_data()
    assert [s.name for s in block.segments] == ["segment000", "segment001"]
    for k, (segment, n) in enumerate(zip(block.segments, (3, 2), strict=True)):
        (sampled,), (noted,) = segment.analogsignals, segment.irregularlysampledsignals
        assert (sampled.name, noted.name) == ("weight", "weight")
        assert noted.times.rescale("ms").magnitude.tolist() == [20.0, 40.0, 60.0][:n]
        times, values = rule.get_observable_array("weight", segment=k)
        np.testing.assert_array_equal(noted.magnitude, values.reshape(n, -1))
        assert len(times) == n
    with pytest.raises(KeyError, match="no segment 2"):
        rule.get_observable_array("weight", segment=2)
    other = Note(sim.Timer(start=20.0, period=20.0))
    _, projection = network(other)
    sim.run(50.0)
    times, values = projection.get_array("weight0")
    assert values.shape == (2, 8)
    block = projection.get_data("rate0")
    (signal,) = block.segments[0].irregularlysampledsignals
    assert signal.shape == (2, 4)
    projection.get_data(clear=True)
    assert other.observables == ()
    with pytest.raises(sim.errors.NothingToWriteError):
        projection.get_data()


def test_time_that_is_reserved_by_rows():
    """A rule with the vendor's reserve is charged for each row that it touches, once."""
    from pynn_brainscales.emulator import limits
    from pynn_brainscales.emulator.plasticity.cost import reserved_time

    rule = Grow(sim.Timer(start=20.0, period=500.0, num_periods=1), runtime_model=reserved_time)
    _, projection = network(rule, "quantised", weight=0.1)
    projection.record("weight", sampling_interval=0.1)
    sim.run(200.0)
    rows = len(np.unique(sim.simulator.state.rules._arrays[id(projection)][0][1].row))
    times, weights = projection.get_array("weight")
    seen = times[np.flatnonzero(np.any(weights != weights[0], axis=1))[0]]
    assert seen == pytest.approx(20.0 + limits.UPDATE_BASE_US + rows * limits.UPDATE_ROW_US, abs=0.3)


class Some(sim.PlasticityRule):
    """Reads and writes some columns."""

    def update(self, ppu, synapses, neurons, recording):
        (view,) = synapses
        some, causal = np.array([2, 0]), view.get_causal_correlation()
        assert np.array_equal(view.get_causal_correlation(column=some), causal[:, some])
        assert np.array_equal(view.get_acausal_correlation(column=1), view.get_acausal_correlation()[:, 1:2])
        recording["weight"], recording["causal"] = view.get_weights(), causal
        assert view.set_weights(view.get_weights()[:, some] + 5, column=some).shape == (view.shape[0], 2)


@pytest.mark.parametrize("chip", ["ideal", "quantised"])
def test_a_rule_may_choose_columns(chip):
    rule = Some(sim.Timer(start=100.0, period=10.0, num_periods=2), runtime_model=None)
    network(rule, chip, teacher=[55.0], eta=2.0)
    sim.run(120.0)
    (before, after), causal = (rule.get_observable_array(name)[1] for name in ("weight", "causal"))
    assert causal.max() == 1  # a pair of 4 ms
    there = before > 0
    assert np.array_equal(after - before, 5 * there * np.isin(np.arange(before.shape[1]), [0, 2]))


@pytest.mark.parametrize("chip", PROFILES)
def test_trials_with_learnt_weights(chip):
    """Trials have the weights of now, whatever they are run together with, and leave the sensors alone."""
    rule = Grow(sim.Timer(start=20.0, period=20.0, num_periods=2), runtime_model=None)
    network(rule, chip, weight=0.5, w_max=8.0)
    source = next(p for p in sim.simulator.state.populations if p.label == "source")
    first = sim.run_trials(40.0, {source: (np.repeat([0, 1], 40), np.zeros(80, int), np.tile(np.arange(40.0), 2))}, 2)
    sim.run(60.0)
    given = (np.repeat(np.arange(4), 40), np.arange(160) % 2, np.tile(np.arange(40.0), 4))
    together = sim.run_trials(40.0, {source: given}, 4)
    trial, index, time = together.spikes["neurons"]
    assert len(trial) > len(first.spikes["neurons"][0]) // 2 > 0
    for k in range(4):
        alone = sim.run_trials(40.0, {source: tuple(a[given[0] == k] * (i > 0) for i, a in enumerate(given))}, 1,
                               first_trial=k).spikes["neurons"]
        assert np.array_equal(alone[1], index[trial == k])
        assert np.array_equal(alone[2], time[trial == k])
    assert rule.executed == 2
