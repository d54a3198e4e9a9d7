"""Running, cutting, resetting; the same seed gives the same result."""

import numpy as np
import pytest
from pynn_brainscales.mapping.errors import MappingError, MappingWarning

import pynn_brainscales as sim


def build(chip="calibrated", seed=3, model="IF_cond_exp", **setup):
    sim.setup(timestep=0.1, chip=chip, seed=seed, chip_seed=5, **setup)
    cells = sim.Population(60, getattr(sim, model)(tau_refrac=2.0), label="cells")
    source = sim.Population(20, sim.SpikeSourcePoisson(rate=80.0), label="source")
    weight, back = (0.012, 0.02) if model != "IF_curr_exp" else (0.6, -0.8)
    sim.Projection(source, cells, sim.FixedProbabilityConnector(0.5, rng=sim.NumpyRNG(9)),
                   sim.StaticSynapse(weight=weight, delay=1.0))
    sim.Projection(cells, cells, sim.FixedProbabilityConnector(0.2, rng=sim.NumpyRNG(10)),
                   sim.StaticSynapse(weight=back, delay=0.2), receptor_type="inhibitory")
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


def test_several_callbacks():
    """Each is called when it wants to be; at the end only the next one."""
    sim.setup(timestep=0.1, chip="ideal")
    sim.Population(1, sim.IF_curr_exp())
    seen = {"a": [], "b": [], "never": []}

    def watch(name, step):
        def callback(t):
            seen[name].append(round(t, 6))
            return t + step
        return callback

    sim.run(10.0, callbacks=[watch("a", 3.0), watch("b", 5.0), watch("never", float("inf"))])
    assert seen == {"a": [0.0, 3.0, 6.0, 9.0], "b": [0.0, 5.0, 10.0], "never": [0.0]}
    often = []
    sim.run(1.0, callbacks=lambda t: often.append(t) or t + 0.01)  # not within a step
    assert often == pytest.approx(10.0 + 0.1 * np.arange(11))
    with pytest.raises(TypeError, match=r"has returned None; it must return the time"):
        sim.run(1.0, callbacks=[lambda t: None])


def test_callbacks_change_the_network():
    sim.setup(timestep=0.1, chip="ideal")
    cells = sim.Population(1, sim.IF_curr_exp(tau_m=10.0, v_thresh=0.0))
    source = sim.Population(1, sim.SpikeSourceArray())
    cells.record("v")
    source.record("spikes")
    seen = []

    def change(t):
        cells.set(i_offset=0.1 * (t + 10.0))
        source.set(spike_times=t + np.array([1.0, 2.0]))
        seen.append(cells.get_data().segments[0].analogsignals[0].shape[0] if t > 0 else 0)
        return t + 10.0

    sim.run(30.0, callbacks=[change])
    assert seen == [0, 101, 201, 301]
    assert source.get_data().segments[0].spiketrains[0].magnitude.tolist() == [1.0, 2.0, 11.0, 12.0, 21.0, 22.0]
    v = cells.get_data().segments[0].analogsignals[0].magnitude[:, 0] + 65.0
    expected = [0.0]
    for k in range(3):
        expected.append(10.0 * (k + 1) + (expected[-1] - 10.0 * (k + 1)) * np.exp(-1.0))
    assert v[[0, 100, 200, 300]] == pytest.approx(expected)


def test_progress_bars(capsys, monkeypatch):
    from pyNN.utility import SimulationProgressBar

    sim.setup(timestep=0.1, chip="ideal", progress=True)
    cells = sim.Population(1, sim.IF_curr_exp(i_offset=1.0))
    cells.record("v")
    sim.run(10.0, callbacks=[SimulationProgressBar(2.0, 10.0)])
    shown = capsys.readouterr()
    assert "100%" in shown.out
    assert shown.err == ""  # our own bar is for terminals
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    sim.run(10.0)
    assert "20.0 ms" in capsys.readouterr().err
    whole = cells.get_data().segments[0].analogsignals[0].magnitude
    sim.setup(timestep=0.1, chip="ideal")
    cells = sim.Population(1, sim.IF_curr_exp(i_offset=1.0))
    cells.record("v")
    sim.run(20.0)
    assert np.array_equal(cells.get_data().segments[0].analogsignals[0].magnitude, whole)


def test_end_keeps_the_data_and_writes_once(tmp_path):
    cells, _ = build("ideal")
    path = tmp_path / "data" / "cells.pkl"
    cells.record("v", to_file=str(path))
    sim.run(5.0)
    sim.end()
    assert path.exists()
    path.unlink()
    sim.end()
    assert not path.exists()
    sim.run(5.0)
    assert cells.get_data("v").segments[0].analogsignals[0].shape[0] == 101


def test_several_recordings_in_one_file(tmp_path):
    import neo

    pytest.importorskip("nixio")

    cells, source = build("ideal")
    for ending in ("nix", "pkl"):
        for p in (cells, source):
            p.record("spikes", to_file=str(tmp_path / f"data.{ending}"))
    sim.run(5.0)
    with pytest.warns(UserWarning, match=r"2 recordings go to the file '.*data\.pkl', where only the last one remains"):
        sim.end()
    blocks = neo.io.NixIO(str(tmp_path / "data.nix"), mode="ro").read_all_blocks()
    assert [b.name for b in blocks] == ["cells", "source"]


def test_files_that_cannot_be_written_wait(tmp_path):
    cells, source = build("ideal")
    cells.record("v", to_file=str(tmp_path / "data.txt"))
    source.record("spikes", to_file=str(tmp_path / "data.pkl"))
    sim.run(5.0)
    with pytest.raises(OSError, match="not currently supported"):
        sim.end()
    assert len(sim.simulator.state.write_on_end) == 2
    del sim.simulator.state.write_on_end[0]
    sim.end()
    assert (tmp_path / "data.pkl").exists()


@pytest.mark.parametrize(("arguments", "sentence"), [
    ({"timestep": 0.0}, "timestep=0.0 must be a time in ms > 0"), ({"timestep": "fast"}, "timestep='fast'"),
    ({"min_delay": -1.0}, "min_delay=-1.0 must be a time in ms > 0, or auto"),
    ({"max_delay": float("nan")}, "max_delay=nan"), ({"min_delay": 2.0, "max_delay": 1.0}, "must not be greater"),
    ({"seed": 0.5}, "seed=0.5 must be a whole number"), ({"shared_rng": "never"}, "shared_rng='never'; there are")])
def test_setup_with_values_that_make_no_sense(arguments, sentence):
    build("ideal")
    with pytest.raises(ValueError, match=sentence):
        sim.setup(**arguments)
    assert len(sim.simulator.state.populations) == 2  # the old network is still there


@pytest.mark.parametrize("time", [float("nan"), float("inf"), "long"])
def test_runs_that_make_no_sense(time):
    build("ideal")
    with pytest.raises((ValueError, TypeError)):
        sim.run(time)
    with pytest.raises(ValueError, match="it needs a finite number"):
        sim.run_until(time)


def test_several_networks_in_one_process():
    results = []
    for chip in ("ideal", "calibrated", "ideal"):
        cells, _ = build(chip)
        sim.run(20.0)
        results.append(cells.get_data().segments[0].analogsignals[0].magnitude)
        assert sim.get_current_time() == 20.0
    assert np.array_equal(results[0], results[2])
    assert not np.array_equal(results[0], results[1])


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


@pytest.mark.parametrize("chip", ["ideal", "calibrated"])
@pytest.mark.parametrize("synapse", ["TsodyksMarkramSynapse", "SimpleStochasticSynapse"])
def test_a_run_in_parts_with_relays_of_sources(chip, synapse):
    """Their events, known ahead, are the same wherever the run is cut."""
    def spikes(*parts):
        sim.setup(timestep=0.1, chip=chip, seed=3, chip_seed=5)
        source = sim.Population(12, sim.SpikeSourcePoisson(rate=80.0))
        cells = sim.Population(8, sim.IF_cond_exp(tau_refrac=2.0))
        parameters = {"p": 0.4} if synapse.startswith("Simple") else {"U": 0.4, "tau_rec": 10.0}
        sim.Projection(source, cells, sim.AllToAllConnector(),
                       getattr(sim, synapse)(weight=0.02, delay=1.3, **parameters))
        cells.record("spikes")
        for part in parts:
            sim.run(part)
        return [np.asarray(train) for train in cells.get_data().segments[0].spiketrains]

    whole, cut = spikes(100.0), spikes(0.1, 12.7, 0.1, 50.0, 37.1)
    assert sum(map(len, whole)) > 20
    for a, b in zip(whole, cut, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)
