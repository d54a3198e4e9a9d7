"""Running, cutting, resetting; the same seed gives the same result."""

import numpy as np
import pytest
from pynn_brainscales.mapping.errors import MappingError, MappingWarning

import pynn_brainscales as sim


def build(chip="calibrated", seed=3, model="IF_cond_exp", **setup):
    sim.setup(timestep=0.1, chip=chip, seed=seed, chip_seed=5, **setup)
    rng = sim.NumpyRNG(seed=9)
    cells = sim.Population(60, getattr(sim, model)(tau_refrac=2.0), label="cells")
    source = sim.Population(20, sim.SpikeSourcePoisson(rate=80.0), label="source")
    weight, back = (0.012, 0.02) if model != "IF_curr_exp" else (0.6, -0.8)
    sim.Projection(source, cells, sim.FixedProbabilityConnector(0.5, rng=rng),
                   sim.StaticSynapse(weight=weight, delay=1.0))
    sim.Projection(cells, cells, sim.FixedProbabilityConnector(0.2, rng=rng), sim.StaticSynapse(weight=back, delay=0.2),
                   receptor_type="inhibitory")
    cells.record(["spikes", "v"])
    source.record("spikes")
    return cells, source


def data(*populations, segment=-1):
    result = []
    for p in populations:
        s = p.get_data().segments[segment]
        result += [np.concatenate([t.magnitude for t in s.spiketrains]), np.array([len(t) for t in s.spiketrains])]
        result += [a.magnitude for a in s.analogsignals]
    return result


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("model", ["IF_curr_exp", "IF_cond_exp", "EIF_cond_exp_isfa_ista"])
@pytest.mark.parametrize("chip", ["ideal", "quantised", "calibrated", "uncalibrated"])
def test_same_seed_same_result(chip, model):
    one = build(chip, model=model)
    sim.run(100.0)
    whole = data(*one)
    assert len(whole[0]) > 20
    two = build(chip, model=model)
    for _ in range(10):
        sim.run(10.0)
    assert same(data(*two), whole)
    sim.reset()
    sim.run(100.0)
    assert same(data(*two), whole)


def test_other_seeds_differ():
    first = build(seed=3)
    sim.run(50.0)
    a = data(*first)
    second = build(seed=4)
    sim.run(50.0)
    assert not same(data(*second), a)


def test_fresh_trials():
    cells, _ = build(trial_noise="fresh")
    sim.run(50.0)
    sim.reset()
    sim.run(50.0)
    assert not same(data(cells, segment=0), data(cells, segment=1))


def test_the_number_of_chips_does_not_matter_where_there_is_no_variation():
    results = []
    for circuits in (1, 16):  # 60 neurons of 16 circuits need two chips
        cells, _ = build("quantised", circuits_per_neuron=circuits)
        sim.Projection(cells, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.001, delay=2.0))
        for p in sim.simulator.state.projections:
            p.set(delay=2.0)  # a delay that every route can give
        sim.run(50.0)
        results.append([t.magnitude.tolist() for t in cells.get_data().segments[0].spiketrains])
    assert sim.last_mapping().placement.chips == 2
    assert results[0] == results[1]


def test_time_and_callbacks():
    cells, _ = build("ideal")
    seen = []

    def watch(t):
        seen.append(t)
        return t + 20.0

    assert sim.run(50.0, callbacks=[watch]) == pytest.approx(50.0)
    assert seen == pytest.approx([0.0, 20.0, 40.0, 50.0])
    assert sim.run_until(60.0) == pytest.approx(60.0)
    assert sim.run_for(6.0) == 66.0
    assert sim.get_current_time() == 66.0
    assert cells.get_data().segments[0].analogsignals[0].shape[0] == 661
    with pytest.raises(ValueError, match="past"):
        sim.run_until(10.0)
    with pytest.raises(ValueError, match="past"):
        sim.run(-1.0)


def test_parameters_take_effect_from_now():
    sim.setup(timestep=0.1, chip="ideal")
    cells = sim.Population(2, sim.IF_curr_exp(tau_m=10.0, v_thresh=0.0))
    cells.record("v")
    sim.run(10.0)
    cells.set(i_offset=1.0)
    sim.run(10.0)
    cells[0:1].set(v_rest=-60.0)
    sim.run(10.0)
    v = cells.get_data().segments[0].analogsignals[0].magnitude
    assert np.all(v[:101] == -65.0)
    rise = -65.0 + 10.0 * (1.0 - np.exp(-1.0))
    assert v[200] == pytest.approx([rise, rise])
    assert v[300, 1] == pytest.approx(-55.0 + (rise + 55.0) * np.exp(-1.0))
    assert v[300, 0] == pytest.approx(-50.0 + (rise + 50.0) * np.exp(-1.0))


def test_the_membrane_stays_where_it_is_when_the_scale_changes():
    sim.setup(timestep=0.1, chip="quantised")
    cells = sim.Population(3, sim.IF_curr_exp(i_offset=0.5, tau_m=10.0))
    cells.record("v")
    sim.run(30.0)
    before = sim.last_mapping()
    cells.set(v_thresh=-20.0)
    sim.run(0.1)
    assert sim.last_mapping().scaled.alpha[0] < before.scaled.alpha[0]
    v = cells.get_data().segments[0].analogsignals[0].magnitude
    assert np.all(np.abs(v[301] - v[300]) < 0.1)
    assert v[300, 0] == pytest.approx(-60.0, abs=0.5)


def test_a_term_that_is_switched_off_in_between():
    """Without adaptation and exponential term the neurons move to another kernel, and keep their state."""
    sim.setup(timestep=0.1, chip="ideal")
    plain = sim.Population(2, sim.IF_cond_exp(i_offset=0.1), label="plain")
    adex = sim.Population(3, sim.EIF_cond_exp_isfa_ista(i_offset=0.1), label="adex")
    for p in (plain, adex):
        p.record("v")
    sim.run(20.0)
    adex.set(a=0.0, b=0.0, delta_T=0.0)
    sim.run(0.1)
    for p in (plain, adex):
        v = p.get_data().segments[0].analogsignals[0].magnitude
        assert np.all(np.abs(v[201] - v[200]) < 0.05)


def test_reset_drops_spikes_on_their_way():
    sim.setup(timestep=0.1, chip="ideal")
    cells = sim.Population(1, sim.IF_curr_exp())
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[9.0]))
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0, delay=5.0))
    cells.record("v")
    sim.run(10.0)
    source.set(spike_times=[])
    sim.reset()
    sim.run(20.0)
    assert np.all(cells.get_data().segments[1].analogsignals[0].magnitude == -65.0)


def test_a_network_can_grow_between_runs():
    sim.setup(timestep=0.1, chip="ideal")
    cells = sim.Population(2, sim.IF_curr_exp(i_offset=0.5, tau_m=10.0), label="old")
    cells.record("v")
    sim.run(10.0)
    more = sim.Population(3, sim.IF_curr_exp(), label="new")
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[12.0]))
    sim.Projection(source, more, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0, delay=1.0))
    sim.run(10.0)
    v = cells.get_data().segments[0].analogsignals[0].magnitude[:, 0]
    t = np.arange(201) * 0.1
    np.testing.assert_allclose(v, -65.0 + 5.0 * (1.0 - np.exp(-t / 10.0)), rtol=1e-9)


def test_setup_begins_anew():
    build("ideal")
    sim.run(5.0)
    assert sim.last_mapping().network.neurons == 60
    assert sim.setup() == 0
    assert sim.get_current_time() == 0.0
    with pytest.raises(MappingError, match="run\\(\\) or map_network\\(\\)"):
        sim.last_mapping()
    sim.Population(2, sim.IF_curr_exp())
    assert sim.map_network().network.neurons == 2


def test_setup_arguments(monkeypatch):
    sim.setup(timestep=0.1, t_flush=500.0, spike_precision="off_grid", threads=2)
    with pytest.warns(UserWarning, match="does not know chips, .*its own arguments are chip"):
        sim.setup(chips=2)
    with pytest.raises(ValueError, match="no chip profile 'perfect'"):
        sim.setup(chip="perfect")
    with pytest.raises(TypeError, match="'dt'; it is called 'timestep'"):
        sim.setup(dt=0.1)
    with pytest.raises(ValueError, match="at least the timestep"):
        sim.setup(timestep=0.2, min_delay=0.1)
    with pytest.raises(ValueError, match="seed"):
        sim.setup(seed=-1)
    with pytest.raises(ValueError, match="trial_noise"):
        sim.setup(trial_noise="sometimes")
    with pytest.raises(MappingError, match="on_loss='ignore'"):
        sim.setup(on_loss="ignore")
    monkeypatch.setenv("PYNN_BRAINSCALES_CHIP", "quantised")
    sim.setup()
    sim.Population(1, sim.IF_curr_exp())
    assert sim.map_network().target.profile.name == "quantised"
    sim.setup(chip="ideal")
    sim.Population(1, sim.IF_curr_exp())
    assert sim.map_network().target.profile.name == "ideal"


def test_run_trials():
    cells, _ = build("calibrated", model="IF_curr_exp")
    extra = sim.Population(4, sim.SpikeSourceArray(spike_times=[1.0]), label="extra")
    sim.Projection(extra, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.8, delay=1.0))
    rng = np.random.default_rng(1)
    m = 300
    trial, index, when = rng.integers(0, 5, m), rng.integers(0, 4, m), rng.uniform(0, 90.0, m)
    batch = sim.run_trials(100.0, {extra: (trial, index, when)}, 5)
    assert batch.signals["cells", "v"].shape == (5, 1001, 60)
    for t in range(5):
        mine = trial == t
        alone = sim.run_trials(100.0, {extra: (np.zeros(mine.sum(), int), index[mine], when[mine])}, 1, first_trial=t)
        in_batch = batch.spikes["cells"][0] == t
        assert np.array_equal(batch.spikes["cells"][2][in_batch], alone.spikes["cells"][2])
        assert np.array_equal(batch.signals["cells", "v"][t], alone.signals["cells", "v"][0])
    assert sim.get_current_time() == 0.0
    with pytest.raises(ValueError, match="not a SpikeSourceArray"):
        sim.run_trials(10.0, {cells: (trial, index, when)}, 5)
    with pytest.raises(ValueError, match=r"trial runs from 0 to 4, there are 0 to 1"):
        sim.run_trials(10.0, {extra: (trial, index, when)}, 2)


def test_warnings_name_the_population():
    sim.setup(timestep=0.1, chip="quantised")
    cells = sim.Population(2, sim.IF_curr_exp(tau_m=200.0), label="slow ones")
    with pytest.warns(MappingWarning, match=r"population 'slow ones'.*tau_m 200 -> 60"):
        sim.map_network()
    assert cells.get("tau_m") == 200.0
