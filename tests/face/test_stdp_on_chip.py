"""PyNN's STDPMechanism on chips with limits: learning, and what users do around it."""

import warnings

import numpy as np
import pytest
from pyNN.errors import InvalidParameterValueError
from pynn_brainscales.emulator.profile import quantised
from pynn_brainscales.mapping.errors import MappingError, MappingWarning

import pynn_brainscales as sim
from pynn_brainscales.__main__ import main


def mechanism(weight=0.1, w_max=0.25, **rule):
    return sim.STDPMechanism(sim.SpikePairRule(**({"A_plus": 0.02, "A_minus": 0.02} | rule)),
                             sim.AdditiveWeightDependence(w_max=w_max), weight=weight, delay=1.0,
                             dendritic_delay_fraction=0.0)


def network(synapse, chip="quantised", celltype=None, seed=5, **setup):
    """Ten sources onto neurons that fire; half of the sources before them, half after them."""
    sim.setup(timestep=0.1, chip=chip, seed=seed, chip_seed=seed, **setup)
    at = 50.0 + 50.0 * np.arange(60)
    neurons = sim.Population(4, celltype or sim.IF_curr_exp(tau_refrac=20.0), label="neurons")
    kick = sim.Population(1, sim.SpikeSourceArray(spike_times=at), label="kick")
    sources = sim.Population(10, sim.SpikeSourceArray(spike_times=[at + (5.0 if i % 2 else -5.0) for i in range(10)]),
                             label="sources")
    sim.Projection(kick, neurons, sim.AllToAllConnector(), sim.StaticSynapse(weight=8.0, delay=1.0))
    learning = sim.Projection(sources, neurons, sim.AllToAllConnector(), synapse, label="learning")
    neurons.record("spikes")
    return neurons, learning


def before_and_after(projection):
    weights = projection.get("weight", "array")
    return weights[::2].mean(), weights[1::2].mean()


# --- learning ----------------------------------------------------------------------------------------------


def correlated_inputs(chip, seed, duration=20000.0, inputs=40, rate=10.0):
    """Shares of w_max that correlated and independent inputs end with, and the rate of the neurons."""
    rng = np.random.default_rng(seed)

    def poisson(hz):
        return np.sort(rng.uniform(1.0, duration, rng.poisson(hz * duration / 1000.0)))

    mother = poisson(rate)
    trains = [np.sort(np.concatenate([poisson(rate / 2), mother[rng.random(len(mother)) < 0.5]]))
              for _ in range(inputs // 2)] + [poisson(rate) for _ in range(inputs // 2)]
    sim.setup(timestep=0.1, chip=chip, seed=seed, chip_seed=seed)
    sources = sim.Population(inputs, sim.SpikeSourceArray(spike_times=trains))
    neurons = sim.Population(10, sim.IF_curr_exp(cm=0.25, tau_m=10.0, tau_refrac=2.0, tau_syn_E=3.0))
    background = sim.Population(50, sim.SpikeSourcePoisson(rate=10.0))
    sim.Projection(background, neurons, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.12, delay=1.0))
    learning = sim.Projection(sources, neurons, sim.AllToAllConnector(), mechanism(
        0.12, A_plus=0.01, A_minus=0.011))
    neurons.record("spikes")
    sim.run(duration)
    share = learning.get("weight", "array") / 0.25
    half = inputs // 2
    return share[:half].mean(), share[half:].mean(), neurons.mean_spike_count() / duration * 1000.0


@pytest.mark.parametrize("seed", [1, 2])
def test_correlated_inputs_win_as_without_limits(seed):
    exact, chip = correlated_inputs("ideal", seed), correlated_inputs("quantised", seed)
    for correlated, independent, _ in (exact, chip):
        assert correlated > independent + 0.25
    np.testing.assert_allclose(chip[:2], exact[:2], atol=0.08)
    assert chip[2] == pytest.approx(exact[2], rel=0.2)


@pytest.mark.parametrize("rho", [6.0, 12.0])
def test_vogels_finds_its_target_rate(rho):
    """Neurons that would fire at 20 Hz and more; the mean over the last half of the run."""
    sim.setup(timestep=0.1, chip="quantised", seed=1, chip_seed=1)
    neurons = sim.Population(20, sim.IF_curr_exp(cm=0.2, tau_refrac=2.0), label="neurons")
    excitation = sim.Population(60, sim.SpikeSourcePoisson(rate=20.0))
    inhibition = sim.Population(20, sim.SpikeSourcePoisson(rate=20.0))
    sim.Projection(excitation, neurons, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.03, delay=1.0))
    learning = sim.Projection(inhibition, neurons, sim.AllToAllConnector(), sim.STDPMechanism(
        sim.Vogels2011Rule(eta=4e-4, rho=rho), sim.AdditiveWeightDependence(w_max=0.2), weight=-0.005, delay=1.0),
        receptor_type="inhibitory", label="learning")
    neurons.record("spikes")
    sim.run(40000.0)
    trains = [np.array(t) for t in neurons.get_data().segments[0].spiketrains]
    first, last = (np.mean([np.count_nonzero((t > a) & (t <= b)) for t in trains]) / (b - a) * 1000.0
                   for a, b in ((0.0, 2000.0), (20000.0, 40000.0)))
    assert first > 1.3 * rho
    assert last == pytest.approx(rho, rel=0.12)
    assert learning.get("weight", "array").mean() < -0.01
    assert "corrected for nearest neighbours" in " ".join(str(sim.last_mapping().report).split())


@pytest.mark.parametrize("celltype", [sim.IF_curr_exp, sim.IF_curr_delta, sim.IF_cond_exp,
                                      sim.EIF_cond_exp_isfa_ista])
def test_directions_for_all_cells_of_the_chip(celltype):
    """Weights stay in PyNN's units, whatever the circuit calls them."""
    w_max = {"IF_curr_exp": 0.25, "IF_curr_delta": 1.0}.get(celltype.__name__, 0.01)
    sim.setup(timestep=0.1, chip="calibrated", seed=3)
    at = 100.0 + 100.0 * np.arange(30)
    neurons = sim.Population(6, celltype(tau_refrac=20.0))
    sources = sim.Population(2, sim.SpikeSourceArray(spike_times=[at - 5.0, at + 10.0]))
    kick = sim.Population(1, sim.SpikeSourceArray(spike_times=at))
    strong = {"IF_curr_exp": 8.0, "IF_curr_delta": 20.0}.get(celltype.__name__, 0.15)
    sim.Projection(kick, neurons, sim.AllToAllConnector(), sim.StaticSynapse(weight=strong, delay=1.0))
    learning = sim.Projection(sources, neurons, sim.AllToAllConnector(), mechanism(0.5 * w_max, w_max))
    sim.run(3500.0)
    up, down = learning.get("weight", "array").mean(axis=1) / w_max
    assert up > 0.65
    assert down < 0.35
    assert learning.get("weight", "array").max() <= w_max * 1.1


@pytest.mark.parametrize("circuits", [2, 4])
def test_joined_circuits(circuits):
    """The synapses of all circuits of a neuron see its spikes."""
    _, learning = network(mechanism(), circuits_per_neuron=circuits)
    sim.run(3200.0)
    weights = learning.get("weight", "array")
    assert weights[::2].min() > 0.12 > 0.08 > weights[1::2].max()


def test_recurrent_synapses():
    """Neurons of the chip as presynaptic ones: a chain of forced spikes strengthens the way forward only."""
    sim.setup(timestep=0.1, chip="quantised", seed=2)
    at = 100.0 + 100.0 * np.arange(40)
    neurons = sim.Population(5, sim.IF_curr_exp(tau_refrac=20.0))
    kicks = sim.Population(5, sim.SpikeSourceArray(spike_times=[at + 8.0 * i for i in range(5)]))
    sim.Projection(kicks, neurons, sim.OneToOneConnector(), sim.StaticSynapse(weight=8.0, delay=1.0))
    synapse = sim.STDPMechanism(sim.SpikePairRule(A_plus=0.02, A_minus=0.02), sim.AdditiveWeightDependence(w_max=0.25),
                                weight=0.1, delay=0.2)
    learning = sim.Projection(neurons, neurons, sim.AllToAllConnector(allow_self_connections=False), synapse)
    sim.run(4300.0)
    weights = learning.get("weight", "array")
    i, j = np.indices((5, 5))
    assert np.nanmean(weights[j == i + 1]) > 0.18
    assert np.nanmean(weights[j == i - 1]) < 0.05


# --- runs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chip", ["quantised", "calibrated"])
def test_reset_and_split_runs(chip):
    neurons, learning = network(mechanism(), chip)
    given = learning.get("weight", "array")
    learning.record("weight", sampling_interval=100.0)
    sim.run(3200.0)
    whole, spikes = learning.get("weight", "array"), neurons.get_spike_counts()
    _, recorded = learning.get_array("weight")
    assert recorded.shape == (33, 40)
    np.testing.assert_allclose(recorded[0], 0.1)
    np.testing.assert_allclose(recorded[-1], learning.present("weight"))
    assert len(np.unique(recorded[:, 0])) > 3
    before, after = before_and_after(learning)
    assert before > 0.15 > 0.05 > after
    sim.reset()
    np.testing.assert_array_equal(learning.get("weight", "array"), given)
    for _ in range(4):
        sim.run(800.0)
    np.testing.assert_array_equal(learning.get("weight", "array"), whole)
    assert neurons.get_spike_counts() == spikes
    np.testing.assert_array_equal(learning.get_array("weight")[1], recorded)


def test_period():
    """As asked for, or what the processor needs; a longer one learns the same, less often."""
    ends = []
    for period in (None, 250.0, 1000.0):
        _, learning = network(mechanism(A_plus=0.005, A_minus=0.005), stdp_period=period)
        learning.record("weight", sampling_interval=10.0)
        sim.run(4200.0)
        _, recorded = learning.get_array("weight")
        changes = np.flatnonzero(np.any(np.diff(recorded, axis=0) != 0, axis=1))
        said = sim.last_mapping().report.to_dict()["projections"]["learning"]["learning"]
        assert said["period_ms"] == (period or 100.0)
        assert said["update_ms"] < said["period_ms"]
        assert np.diff(changes).min() >= said["period_ms"] / 10.0 - 1.0
        ends.append(before_and_after(learning))
    np.testing.assert_allclose(ends[1], ends[0], atol=0.02)
    np.testing.assert_allclose(ends[2], ends[0], atol=0.02)


def test_changes_in_the_middle_of_a_run():
    """Weights that the user sets are where learning goes on; new amplitudes count from then on."""
    _, learning = network(mechanism())
    sim.run(1230.0)  # an update is under way: it must not take back what the user sets
    learning.set(weight=0.12)
    np.testing.assert_allclose(learning.get("weight", "array"), 0.12)
    learning.set(A_plus=0.0, A_minus=0.0)
    sim.run(1500.0)
    np.testing.assert_allclose(learning.get("weight", "array"), 0.12, atol=0.013)  # half a code
    learning.set(A_plus=0.02)
    sim.run(1000.0)
    before, after = before_and_after(learning)
    assert before > 0.14
    assert after == pytest.approx(0.12, abs=0.02)
    learning[3].weight = 0.2
    assert learning.get("weight", "list", with_address=False)[3] == 0.2
    sources, neurons = learning.pre, learning.post
    sim.Projection(sources, neurons, sim.AllToAllConnector(), mechanism(), label="late")
    with pytest.raises(RuntimeError, match=r"plastic projections were made.*call reset"):
        sim.run(10.0)
    sim.reset()
    sim.run(1000.0)


def test_a_new_population_in_the_middle_of_a_run():
    """The synapses move to other places of the chip: they keep their weights, sensors begin anew."""
    _, learning = network(mechanism())
    sim.run(1290.0)
    learnt = learning.get("weight", "array")
    more = sim.Population(3, sim.IF_curr_exp())
    sim.Projection(learning.pre, more, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.01, delay=1.0))
    learning.set(A_plus=0.0, A_minus=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MappingWarning)
        sim.run(800.0)
    np.testing.assert_allclose(learning.get("weight", "array"), learnt, rtol=0.05, atol=1e-9)


def test_exact_beside_the_chip_and_an_assembly_of_both():
    sim.setup(timestep=0.1, chip="quantised", seed=2)
    at = 100.0 + 100.0 * np.arange(20)
    here, beside = (sim.Population(2, kind(tau_refrac=20.0, tau_syn_E=5.0), label=label) for kind, label in (
        (sim.IF_curr_exp, "here"), (sim.IF_curr_alpha, "beside")))
    sources = sim.Population(2, sim.SpikeSourceArray(spike_times=[at - 5.0, at + 12.0]))
    kick = sim.Population(1, sim.SpikeSourceArray(spike_times=at))
    both = here + beside
    sim.Projection(kick, both, sim.AllToAllConnector(), sim.StaticSynapse(weight=12.0, delay=1.0))
    learning = sim.Projection(sources, both, sim.AllToAllConnector(), mechanism(0.12), label="learning")
    learning.record("weight", sampling_interval=50.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MappingWarning)
        sim.run(2400.0)
    weights = learning.get("weight", "array")
    for cells in (slice(2), slice(2, 4)):
        assert weights[0, cells].mean() > 0.13
        assert weights[1, cells].mean() < 0.10
    np.testing.assert_allclose(np.ptp(weights[:, 2:], axis=1), 0.0, atol=1e-12)  # exact, and equal
    _, recorded = learning.get_array("weight")
    np.testing.assert_allclose(recorded[-1], learning.present("weight"))
    np.testing.assert_allclose(recorded[0], 0.12)
    report = sim.last_mapping().report.to_dict()
    assert list(report["beside"]["learning"]) == ["learning [population2→beside]"] or len(
        report["beside"]["learning"]) == 1
    assert sum("learning" in p for p in report["projections"].values()) == 1


# --- what is told ------------------------------------------------------------------------------------------


def test_what_the_report_says():
    _, learning = network(sim.STDPMechanism(
        sim.SpikePairRule(tau_plus=15.0, tau_minus=60.0), sim.MultiplicativeWeightDependence(w_max=0.25, w_min=0.05),
        weight=0.1, delay=1.0))
    sim.Projection(learning.pre, learning.post, sim.AllToAllConnector(), mechanism(), label="other")
    text = " ".join(str(sim.map_network().report).split())
    assert "SpikePairRule with MultiplicativeWeightDependence by correlation sensors" in text
    assert "nearest neighbours, not all with all" in text
    assert "dendritic_delay_fraction 1 -> 0" in text
    assert "weights 0.05 .. 0.25 nA in steps of" in text
    assert "tau 15 and 60 -> 30 ms, amplitudes changed to keep the areas" in text
    assert "2 settings of sensors" in text


def test_time_constants_beyond_the_sensors():
    network(mechanism(tau_plus=50.0, tau_minus=80.0))
    with pytest.warns(MappingWarning, match="'learning': time constants of 50 to 80 ms were asked for; the chip's "
                                            "correlation sensors get 30 ms"):
        sim.map_network()


def test_bad_input(tmp_path):
    with pytest.raises(ValueError, match="stdp_period=-1 must be a time in ms > 0"):
        sim.setup(stdp_period=-1)
    with pytest.raises(ValueError, match="stdp_period='long'"):
        sim.setup(stdp_period="long")
    _, learning = network(mechanism())
    with pytest.raises(NotImplementedError, match="the rule of the STDPMechanism of 'learning' runs on the chip"):
        sim.run_trials(10.0, {}, 2)
    sim.save_network(tmp_path / "network.json")
    with pytest.raises(SystemExit, match="STDPMechanism of 'learning' runs on the chip's processor"):
        main(["run", "--chip", "quantised", "--duration", "10", str(tmp_path / "network.json")])
    with pytest.raises(InvalidParameterValueError):
        learning.set(w_min=0.5)
    network(mechanism(weight=0.3))
    with pytest.raises(MappingError, match=r"a weight of 0\.3 for a synapse that learns"):
        sim.run(1.0)
    network(mechanism(), quantised)
    sim.run(1.0)
