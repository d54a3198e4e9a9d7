"""Homeostatic depression: each term alone, and all of it on a chip."""

import numpy as np
import pytest
from pynn_brainscales.emulator.plasticity.randomness import PpuRandom, initial_random_state

import pynn_brainscales as sim

Depression = sim.rules.HomeostaticDepression
TIMER = sim.Timer(start=10.0, period=10.0)


def lanes(trials=1, seed=5):
    return PpuRandom(initial_random_state(seed, 0, trials))


def test_drift_alone_converges_to_its_set_point():
    rule = Depression(TIMER, w0=30.0, eta=0.0, drift=0.05)
    random, weights = lanes(), np.tile([[0], [20], [63]], (1, 200))
    means = []
    for _ in range(300):
        weights = rule.changed(weights, 0.0, random)
        means.append(weights.mean(axis=1))
    # on average every step covers 5 % of the way, though a single one is less than a code
    start = np.array([0.0, 20.0, 63.0])
    for steps in (10, 40):
        np.testing.assert_allclose(means[steps - 1], 30.0 + (start - 30.0) * 0.95**steps, atol=0.5)
    np.testing.assert_allclose(means[-1], 30.0, atol=0.5)


def test_without_drift_and_noise_weights_fall_by_the_correlation():
    rule = Depression(TIMER, w0=30.0, eta=1.0, drift=0.0)
    weights = np.full((4, 256), 40)
    np.testing.assert_array_equal(rule.changed(weights, 3.0, lanes()), 37)
    fallen = rule.changed(weights, np.array([[0.0], [0.25], [0.5], [2.75]]), lanes())
    assert set(np.unique(fallen[1])) == {39, 40}
    np.testing.assert_allclose(fallen.mean(axis=1), [40.0, 39.75, 39.5, 37.25], atol=0.12)  # 4 sigma


@pytest.mark.parametrize("noise", [0.5, 1.0, 3.0])
def test_mean_and_variance_of_the_noise(noise):
    rule = Depression(TIMER, w0=0.0, eta=0.0, drift=0.0, noise=noise)
    random = lanes()
    steps = np.concatenate([rule.changed(np.full((64, 256), 30), 0.0, random) for _ in range(10)]) - 30.0
    # rounding to a neighbour adds f (1 - f), f the fraction: 1/6 where all fractions are as likely
    width = noise * np.sqrt(12.0)
    x = np.linspace(-width / 2, width / 2, 100001)
    expected = noise**2 + np.mean((x % 1) * (1 - x % 1))
    assert abs(steps.mean()) < 4 * np.sqrt(expected / steps.size) + 2e-3  # bytes: fractions in steps of 1/256
    assert steps.var() == pytest.approx(expected, rel=0.02)
    assert np.abs(steps).max() <= np.ceil(width / 2)


def test_trials_are_what_they_are_alone():
    rule = Depression(TIMER, w0=40.0, eta=1.0, drift=0.1, noise=1.0)
    weights = np.random.default_rng(1).integers(0, 64, (3, 5, 7))
    depression = np.random.default_rng(2).random((3, 5, 7))
    both = rule.changed(weights, depression, lanes(3))
    assert both.shape == (3, 5, 7)
    for trial in range(3):
        alone = PpuRandom(initial_random_state(5, 0, 1, first_trial=trial))
        np.testing.assert_array_equal(rule.changed(weights[trial], depression[trial], alone), both[trial])


@pytest.mark.parametrize("wrong", [{"w0": -1.0}, {"w0": np.inf}, {"eta": -0.1}, {"eta": np.nan}, {"drift": 1.5},
                                   {"drift": -0.1}, {"drift": np.nan}, {"noise": -1.0}, {"eta_acausal": -1.0}])
def test_parameters_that_make_no_sense(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must"):
        Depression(TIMER, **({"w0": 30.0, "eta": 0.1, "drift": 0.1} | wrong))


def network(rule, chip="ideal", weight=0.5):
    """Two projections with one rule; a teacher makes all cells spike after the spikes of source 0, before source 1."""
    sim.setup(chip=chip, seed=3, chip_seed=2)
    cells = sim.Population(20, sim.IF_curr_exp(tau_refrac=30.0, tau_syn_E=2.0), label="cells")
    at = np.arange(20.0, 400.0, 40.0)
    sources = sim.Population(2, sim.SpikeSourceArray(spike_times=[at - 3.0, at + 5.0]), label="sources")
    teacher = sim.Population(1, sim.SpikeSourceArray(spike_times=at), label="teacher")
    sim.Projection(teacher, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=20.0, delay=1.0))
    synapse = {"w_max": 1.0, "eta": 2.0, "tau": 10.0, "delay": 1.0}
    return [sim.Projection(sources, cells, sim.AllToAllConnector(), sim.PlasticSynapse(rule, weight=sign * weight,
                                                                                      **synapse), receptor_type=kind)
            for sign, kind in ((1, "excitatory"), (-1, "inhibitory"))]


def codes(projection):
    """Mean code of the synapses of each source."""
    weights = np.abs(projection.get("weight", "list", with_address=False)) * 63.0
    return [weights[projection.indices[0] == i].mean() for i in range(2)]


@pytest.mark.parametrize("chip", ["ideal", "calibrated"])
def test_correlated_synapses_of_all_projections_are_depressed(chip):
    rule = Depression(sim.Timer(start=200.0, period=200.0, num_periods=2), w0=30.0, eta=1.0, drift=0.0)
    projections = network(rule, chip, weight=40 / 63)
    sim.run(410.0)
    for projection in projections:  # inhibitory weights fall as magnitudes
        causal, late = codes(projection)
        assert causal < 35.0
        # causal pairs of source 1 are with the next spike, more than three time constants later
        assert causal + 5.0 < late
        assert late > 35.0


def test_acausal_pairs_count_only_if_asked_for():
    timer = sim.Timer(start=200.0, period=200.0, num_periods=1)
    fallen = []
    for eta_acausal in (0.0, 1.0):
        (excitatory, _) = network(Depression(timer, w0=30.0, eta=0.0, drift=0.0, eta_acausal=eta_acausal),
                                  weight=40 / 63)
        sim.run(250.0)
        fallen.append(codes(excitatory)[1])
    assert fallen[0] == pytest.approx(40.0)
    assert fallen[1] < 36.0


@pytest.mark.parametrize(("eta", "drift", "w0", "end"), [(5.0, 0.0, 0.0, 0.0), (0.0, 1.0, 500.0, 63.0)])
def test_weights_saturate_at_the_ends_of_their_codes(eta, drift, w0, end):
    rule = Depression(sim.Timer(start=200.0, period=100.0, num_periods=2), w0=w0, eta=eta, drift=drift,
                      noise=1.0)
    excitatory, inhibitory = network(rule)
    sim.run(320.0)
    assert codes(excitatory)[0] == codes(inhibitory)[0] == pytest.approx(end)


def test_sensors_begin_anew_after_each_execution():
    rule = Depression(sim.Timer(start=405.0, period=10.0, num_periods=2), w0=0.0, eta=1.0, drift=0.0)
    excitatory, _ = network(rule, weight=1.0)
    sim.run(412.0)  # all pairs were before: the first execution takes their correlation, the second finds none
    first = codes(excitatory)
    sim.run(10.0)
    assert rule.executed == 2
    assert first[0] < 60.0
    assert codes(excitatory) == first
