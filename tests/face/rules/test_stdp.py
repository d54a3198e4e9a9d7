"""STDP from correlation sensors: the window of pairs, limits, rounding, the readings between two executions."""

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import quantised
from pynn_brainscales.mapping.errors import MappingWarning
from pynn_brainscales.mapping.readback import plastic_places

import pynn_brainscales as sim

W_MAX, A_PLUS, A_MINUS, TAU = 1.0, 0.004, 0.006, 20.0
DEPENDENCES = {
    "additive": (sim.AdditiveWeightDependence, {}), "multiplicative": (sim.MultiplicativeWeightDependence, {}),
    "mixed": (sim.AdditivePotentiationMultiplicativeDepression, {}),
    "gutig": (sim.GutigWeightDependence, {"mu_plus": 0.3, "mu_minus": 0.6})}
DISTANCES = np.array([-40.0, -20.0, -10.0, -5.0, 5.0, 10.0, 20.0, 40.0])


def after_pairs(name, weight, distance, pairs):
    """Weight after pairs of spikes, one by one, in units of w_max with w_min = 0."""
    for _ in range(pairs):
        up, down = {"additive": (1.0, 1.0), "multiplicative": (1.0 - weight, weight), "mixed": (1.0, weight),
                    "gutig": ((1.0 - weight) ** 0.3, weight ** 0.6)}[name]
        change = np.exp(-abs(distance) / TAU)
        weight = min(1.0, max(0.0, weight + (A_PLUS * up * change if distance > 0 else -A_MINUS * down * change)))
    return weight


def pair_network(distances, at, cells, chip="quantised", **setup):
    """Neurons forced to fire at ``at``, and sources whose spikes arrive so long before."""
    sim.setup(timestep=0.1, chip=chip, seed=3, chip_seed=2, **setup)
    neurons = sim.Population(cells, sim.IF_curr_exp(tau_refrac=30.0, tau_syn_I=0.5), label="neurons")
    teacher = sim.Population(1, sim.SpikeSourceArray(spike_times=at), label="teacher")
    sources = sim.Population(len(distances), sim.SpikeSourceArray(
        spike_times=[at + 0.3 - d for d in distances]), label="sources")
    sim.Projection(teacher, neurons, sim.AllToAllConnector(), sim.StaticSynapse(weight=40.0, delay=1.0))
    neurons.record("spikes")
    return neurons, sources


def latency(neurons, at):
    """Of the forced spikes; each is one pair."""
    trains = [np.array(t) for t in neurons.get_data().segments[0].spiketrains]
    assert all(len(t) == len(at) for t in trains)
    return float(np.mean([t - at for t in trains]))


def test_windows_of_pairs():
    """Mean changes of weights on a chip without mismatch, against pairs that are added up one by one."""
    pairs = 60
    at = 300.0 + 200.0 * np.arange(pairs)
    neurons, sources = pair_network(DISTANCES, at, 160, stdp_period=2000.0)
    projections = {}
    for name, (dependence, mu) in DEPENDENCES.items():
        mechanism = sim.STDPMechanism(
            sim.SpikePairRule(A_plus=A_PLUS, A_minus=A_MINUS, tau_plus=TAU, tau_minus=TAU),
            dependence(w_max=W_MAX, **mu), weight=-0.5, delay=1.0, dendritic_delay_fraction=0.0)
        projections[name] = sim.Projection(sources, neurons, sim.AllToAllConnector(), mechanism,
                                           receptor_type="inhibitory", label=name)
    sim.run(at[-1] + 4500.0)
    distance = DISTANCES + latency(neurons, at) - 1.3
    for name, projection in projections.items():
        change = changes(projection)
        start = float(-projection.get("weight", "array").mean(axis=1)[0] - change[0])
        wanted = np.array([after_pairs(name, start, d, pairs) for d in distance]) - start
        for branch in (distance > 0, distance < 0):
            slope = (change[branch] @ wanted[branch]) / (wanted[branch] @ wanted[branch])
            assert slope == pytest.approx(1.0, abs=0.04), (name, change, wanted)
        np.testing.assert_allclose(change, wanted, atol=0.006)


def small_network(rule, distances, at, weight=-0.5, eta=2.0, tau=TAU, cells=30, label="plastic"):
    neurons, sources = pair_network(distances, at, cells)
    projection = sim.Projection(sources, neurons, sim.AllToAllConnector(), sim.PlasticSynapse(
        rule, weight=weight, w_max=W_MAX, eta=eta, tau=tau, delay=1.0), receptor_type="inhibitory", label=label)
    return neurons, projection


def changes(projection, weight=0.5):
    """Mean change by source, from the code that the weight is rounded to."""
    unit = np.abs(plastic_places(sim.last_mapping())[projection.label].unit[0])
    return np.abs(projection.get("weight", "array")).mean(axis=1) - np.floor(weight / unit + 0.5) * unit


def test_weak_pairs_are_not_lost():
    """A pair that adds less than half a converter step counts, though sensors are read after every one."""
    pairs = 60
    at = 300.0 + 200.0 * np.arange(pairs)
    rule = sim.rules.SensorSTDP(sim.Timer(start=400.0, period=200.0), A_plus=0.02, A_minus=0.02, w_max=W_MAX)
    neurons, projection = small_network(rule, [-38.0, 38.0], at)
    sim.run(at[-1] + 1000.0)
    distance = np.array([-38.0, 38.0]) + latency(neurons, at) - 1.3
    wanted = 0.02 * pairs * np.sign(distance) * np.exp(-np.abs(distance) / TAU)
    assert np.abs(2.0 * np.exp(-np.abs(distance) / TAU)).max() < 0.5
    np.testing.assert_allclose(changes(projection), wanted, rtol=0.2)
    assert rule.missed == 0


def test_full_sensors_are_emptied_in_time():
    """More pairs than a sensor holds, over many periods: nothing is lost."""
    pairs = 150
    at = 300.0 + 100.0 * np.arange(pairs)
    rule = sim.rules.SensorSTDP(sim.Timer(start=500.0, period=500.0), A_plus=0.002, A_minus=0.002, w_max=W_MAX)
    neurons, projection = small_network(rule, [-3.0, 3.0], at, cells=60)
    sim.run(at[-1] + 1500.0)
    distance = np.array([-3.0, 3.0]) + latency(neurons, at) - 1.3
    # across 100 ms the other branch gets a little, too
    one_way = np.exp(-np.abs(distance) / TAU) - np.exp(-(100.0 - np.abs(distance)) / TAU)
    np.testing.assert_allclose(changes(projection), 0.002 * pairs * np.sign(distance) * one_way, rtol=0.06)
    assert 2.0 * pairs * one_way.min() > 180.0
    assert rule.saturated == 0


def test_saturation_is_told():
    at = 300.0 + 40.0 * np.arange(150)
    rule = sim.rules.SensorSTDP(sim.Timer(start=at[-1] + 100.0, period=1000.0))
    small_network(rule, [3.0], at, cells=2)
    with pytest.warns(MappingWarning, match="SensorSTDP: more pairs of spikes in a period of 1000 ms"):
        sim.run(at[-1] + 150.0)
    assert rule.saturated == 2


def test_limits_of_weights():
    """Both limits are reached, and never passed by more than half a code."""
    at = 300.0 + 100.0 * np.arange(60)
    for dependence in DEPENDENCES.values():
        neurons, sources = pair_network([-5.0, 5.0], at, 6, stdp_period=500.0)
        mechanism = sim.STDPMechanism(
            sim.SpikePairRule(A_plus=0.4, A_minus=0.4), dependence[0](w_min=0.2, w_max=0.7, **dependence[1]),
            weight=-0.4, delay=1.0, dendritic_delay_fraction=0.0)
        projection = sim.Projection(sources, neurons, sim.AllToAllConnector(), mechanism, receptor_type="inhibitory")
        projection.record("weight", sampling_interval=100.0)
        sim.run(at[-1] + 1500.0)
        recorded = -projection.get_array("weight")[1]
        half = 0.5 * 0.7 / 62.0
        assert recorded.min() > 0.2 - half
        assert recorded.max() < 0.7 + half
        down, up = -projection.get("weight", "array").mean(axis=1)
        assert down < 0.3
        assert up > 0.6


def test_windows_of_two_lengths_keep_their_areas():
    """One time constant for both sensors; A tau of each window stays."""
    pairs, distances = 60, np.array([-30.0, -15.0, -5.0, 5.0, 15.0, 30.0])
    at = 400.0 + 300.0 * np.arange(pairs)
    neurons, sources = pair_network(distances, at, 120, stdp_period=1500.0)
    mechanism = sim.STDPMechanism(sim.SpikePairRule(A_plus=0.006, A_minus=0.003, tau_plus=15.0, tau_minus=25.0),
                                  sim.AdditiveWeightDependence(w_max=W_MAX), weight=-0.5, delay=1.0)
    projection = sim.Projection(sources, neurons, sim.AllToAllConnector(), mechanism, receptor_type="inhibitory",
                                label="two")
    sim.run(at[-1] + 6500.0)
    tau = np.sqrt(15.0 * 25.0)
    said = sim.last_mapping().report.to_dict()["projections"]["two"]["learning"]
    assert said["tau"] == pytest.approx(tau)
    assert said["areas_kept"]
    distance = distances + latency(neurons, at) - 1.3
    amplitude = np.where(distance > 0, 0.006 * 15.0, -0.003 * 25.0) / tau
    wanted = pairs * amplitude * np.exp(-np.abs(distance) / tau)
    got = changes(projection)
    for branch in (distance > 0, distance < 0):
        slope = (got[branch] @ wanted[branch]) / (wanted[branch] @ wanted[branch])
        assert slope == pytest.approx(1.0, abs=0.05), (got, wanted, distance)


def test_vogels_counts_presynaptic_events():
    """Without postsynaptic spikes every event depresses by what the target rate asks for; pairs potentiate."""
    sim.setup(timestep=0.1, chip="quantised", seed=3)
    neurons = sim.Population(40, sim.IF_curr_exp(), label="neurons")
    trains = [np.arange(10.0, 1000.0, 50.0), np.arange(10.0, 1000.0, 100.0), []]
    sources = sim.Population(3, sim.SpikeSourceArray(spike_times=trains))
    eta, rho, tau = 0.02, 8.0, 0.02
    rule = sim.rules.SensorVogels2011(sim.Timer(start=1005.0, period=1000.0), eta=eta, rho=rho, tau=1000.0 * tau)
    projection = sim.Projection(sources, neurons, sim.AllToAllConnector(), sim.PlasticSynapse(
        rule, weight=-0.5, w_max=W_MAX, eta=1.0, tau=1000.0 * tau, delay=1.0), receptor_type="inhibitory")
    sim.run(1100.0)
    events = np.array([20.0, 10.0, 0.0])
    wanted = -eta * events * 2.0 * rho * tau / (1.0 + (events / 1.005 + rho) * tau)
    np.testing.assert_allclose(changes(projection), wanted, atol=0.004)
    assert changes(projection)[2] == 0.0

    at = 300.0 + 200.0 * np.arange(20)
    rule = sim.rules.SensorVogels2011(sim.Timer(start=2000.0, period=2000.0), eta=0.02, rho=0.0, tau=TAU)
    _, projection = small_network(rule, [-10.0, 10.0], at, weight=-0.2)
    sim.run(at[-1] + 2500.0)
    assert np.all(changes(projection, 0.2) > 0.15)


def test_a_rule_of_several_projections():
    """Each has its own readings and its own unit."""
    at = 300.0 + 200.0 * np.arange(20)
    rule = sim.rules.SensorSTDP(sim.Timer(start=1000.0, period=1000.0), A_plus=0.01, A_minus=0.01, w_max=0.4)
    neurons, first = small_network(rule, [-5.0, 5.0], at, weight=-0.2, label="first")
    sources = sim.Population(2, sim.SpikeSourceArray(spike_times=[at + 5.3, at - 4.7]))
    second = sim.Projection(sources, neurons, sim.AllToAllConnector(), sim.PlasticSynapse(
        rule, weight=-0.2, w_max=0.4, eta=0.5, tau=TAU, delay=1.0), receptor_type="inhibitory", label="second")
    sim.run(at[-1] + 2500.0)
    for projection in (first, second):
        expected = 0.4 * 0.01 * 20 * np.exp(-5.0 / TAU)
        np.testing.assert_allclose(changes(projection, 0.2), [-expected, expected], atol=0.01)


def test_noise_of_readings_does_not_add_up():
    """Without spikes weights stay near where they were, however often noisy sensors are read."""
    rule = sim.rules.SensorSTDP(sim.Timer(start=50.0, period=50.0), A_plus=0.05, A_minus=0.05, runtime_model=None)
    sim.setup(timestep=0.1, chip=quantised.replace(sensor_noise=1.2), seed=3)
    neurons = sim.Population(10, sim.IF_curr_exp())
    sources = sim.Population(10, sim.SpikeSourceArray(spike_times=[]))
    projection = sim.Projection(sources, neurons, sim.AllToAllConnector(), sim.PlasticSynapse(
        rule, weight=0.5, w_max=W_MAX, eta=2.0, tau=TAU, delay=1.0))
    sim.run(5000.0)
    assert rule.executed == 99
    # a step of the converter is 1.6 codes; a hundred independent readings would spread by 27 codes
    assert projection.get("weight", "array").std() * 63.0 < 10.0


def test_bad_input():
    with pytest.raises(ValueError, match="weight_dependence='linear'; there are AdditiveWeightDependence"):
        sim.rules.SensorSTDP(sim.Timer(start=1.0, period=1.0), "linear")
    with pytest.raises(TypeError, match="SensorVogels2011: timer=5 must be a Timer"):
        sim.rules.SensorVogels2011(5)
