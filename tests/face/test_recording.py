"""Recordings as Neo objects: shapes, units, annotations, segments, files."""

import time

import neo
import numpy as np
import pytest

import pynn_brainscales as sim

KICK = {"i_offset": 1.2}


@pytest.fixture
def cells():
    sim.setup(timestep=0.1, chip="ideal")
    return sim.Population(5, sim.IF_curr_exp(**KICK), label="cells")


def test_signals_and_spikes(cells):
    cells.record(["spikes", "v"])
    cells[1:3].record("isyn_exc", sampling_interval=0.5)
    sim.run(50.0)
    block = cells.get_data()
    segment = block.segments[0]
    assert [s.name for s in segment.analogsignals] == ["v", "isyn_exc"]
    v, isyn = segment.analogsignals
    assert v.shape == (501, 5)
    assert str(v.units.dimensionality) == "mV"
    assert v.sampling_period.rescale("ms").item() == pytest.approx(0.1)
    assert v[0, 0].item() == -65.0
    assert isyn.shape == (101, 2)
    assert isyn.array_annotations["channel_index"].tolist() == [1, 2]
    assert len(segment.spiketrains) == 5
    train = segment.spiketrains[2]
    assert len(train) > 1
    assert train.t_stop.rescale("ms").item() == pytest.approx(50.0)
    assert train.annotations["source_population"] == "cells"
    assert train.annotations["source_index"] == 2
    assert train.annotations["channel_id"] == int(cells[2])
    assert block.name == "cells"
    assert block.annotations["size"] == 5
    assert block.annotations["simulator"] == "BrainScaleS-2 emulator"
    counts = cells.get_spike_counts()
    assert counts[int(cells[2])] == len(train)
    assert cells.mean_spike_count() == len(train)


@pytest.mark.parametrize("chip", ["ideal", "quantised"])
def test_synaptic_and_adaptation_variables(chip):
    """State variables come back in PyNN's units: a conductance in uS, a current in nA, both after one event."""
    sim.setup(timestep=0.1, chip=chip)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0]))
    cond = sim.Population(2, sim.EIF_cond_exp_isfa_ista(tau_syn_E=5.0, tau_syn_I=8.0), label="cond")
    curr = sim.Population(2, sim.IF_curr_exp(tau_syn_I=8.0), label="curr")
    for cells, sign in ((cond, 1.0), (curr, -1.0)):
        sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.02, delay=1.0))
        sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=sign * 0.03, delay=1.0),
                       receptor_type="inhibitory")
    cond.initialize(w=0.1)
    cond.record(["w", "gsyn_exc", "gsyn_inh"])
    curr.record(["isyn_exc", "isyn_inh"])
    sim.run(30.0)
    t = np.arange(301) * 0.1
    tolerance = {"rtol": 1e-9, "atol": 1e-12} if chip == "ideal" else {"rtol": 0.05, "atol": 2e-3}
    signals = {s.name: s for p in (cond, curr) for s in p.get_data().segments[0].analogsignals}
    for name, unit, height, tau in (("gsyn_exc", "uS", 0.02, 5.0), ("gsyn_inh", "uS", 0.03, 8.0),
                                    ("isyn_exc", "nA", 0.02, 5.0), ("isyn_inh", "nA", -0.03, 8.0)):
        expected = np.where(t >= 6.0 - 1e-9, height * np.exp(-(t - 6.0) / tau), 0.0)
        np.testing.assert_allclose(signals[name].magnitude[:, 0], expected, **tolerance)
        assert str(signals[name].units.dimensionality) == unit
    w = signals["w"].magnitude[:, 0]
    assert w[0] == pytest.approx(0.1, rel=1e-9 if chip == "ideal" else 0.05)
    assert str(signals["w"].units.dimensionality) == "nA"
    assert w[40] == pytest.approx(0.1 * np.exp(-4.0 / 144.0), rel=0.05)


def test_filters_and_views(cells):
    cells.record(["spikes", "v"])
    sim.run(10.0)
    sim.reset()
    sim.run(10.0)
    only_v = cells.get_data("v")
    assert [len(s.analogsignals) for s in only_v.segments] == [1, 1]
    assert [len(s.spiketrains) for s in only_v.segments] == [0, 0]
    assert [len(s.spiketrains) for s in cells.get_data("spikes").segments] == [5, 5]
    part = cells[1:3].get_data()
    assert [s.analogsignals[0].shape for s in part.segments] == [(101, 2)] * 2
    assert [len(s.spiketrains) for s in part.segments] == [2, 2]
    again = cells.get_data()
    assert [s.analogsignals[0].shape for s in again.segments] == [(101, 5)] * 2
    assert again.segments[0] is not cells.get_data().segments[0]
    again.segments[0].analogsignals[0][:] = 0.0 * again.segments[0].analogsignals[0].units
    assert cells.get_data().segments[0].analogsignals[0][0, 0].item() == -65.0


def test_assembly(cells):
    other = sim.Population(3, sim.IF_curr_exp(), label="other")
    both = cells + other
    both.record(["spikes", "v"])
    sim.run(10.0)
    sim.reset()
    sim.run(10.0)
    for _ in range(2):
        data = both.get_data()
        assert len(data.segments) == 2
        assert [len(s.spiketrains) for s in data.segments] == [8, 8]
    assert other.get_data().segments[0].analogsignals[0].array_annotations["channel_index"].tolist() == [0, 1, 2]


def test_all_and_none(cells):
    cells.record("all")
    sim.run(5.0)
    assert [s.name for s in cells.get_data().segments[0].analogsignals] == ["v", "isyn_exc", "isyn_inh"]
    cells.record(None)
    cells.record("v", sampling_interval=1.0)
    sim.reset()
    sim.run(5.0)
    assert cells.get_data().segments[1].analogsignals[0].shape == (6, 5)


def test_run_clear_run_reset_run(cells):
    cells.record(["v", "spikes"])
    sim.run(10.0)
    cells.get_data(clear=True)
    sim.run(20.0)
    data = cells.get_data()
    signal = data.segments[0].analogsignals[0]
    assert signal.t_start.rescale("ms").item() == pytest.approx(10.0)
    assert signal.shape == (201, 5)
    assert all(t.t_start.rescale("ms").item() == pytest.approx(10.0) for t in data.segments[0].spiketrains)
    sim.reset()
    sim.run(5.0)
    assert [s.analogsignals[0].shape[0] for s in cells.get_data().segments] == [201, 51]


def test_recording_that_begins_and_pauses_in_between(cells):
    sim.run(10.0)
    cells[:2].record("v", sampling_interval=0.5)
    sim.run(10.0)
    cells.record("v")
    sim.run(10.0)
    signal = cells.get_data().segments[0].analogsignals[0]
    assert signal.t_start.rescale("ms").item() == pytest.approx(10.5)
    assert signal.t_stop.rescale("ms").item() == pytest.approx(30.5)
    assert signal.shape == (40, 5)
    assert np.isnan(signal.magnitude[:20, 2:]).all()
    assert np.isfinite(signal.magnitude[20:]).all()
    cells.record(None)
    sim.run(10.0)
    cells.record("v", sampling_interval=0.5)
    sim.run(5.0)
    signal = cells.get_data().segments[0].analogsignals[0]
    assert signal.t_stop.rescale("ms").item() == pytest.approx(45.5)
    assert np.isnan(signal.magnitude[40:60]).all()
    assert np.isfinite(signal.magnitude[60:]).all()


def test_exact_times_of_sources():
    sim.setup(timestep=0.1, chip="ideal")
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[[0.075, 12.3456], [30.0]]))
    sim.Population(1, sim.IF_curr_exp())
    source.record("spikes")
    sim.run(20.0)
    source.set(spike_times=[[1.0, 25.5], [30.0]])
    sim.run(20.0)
    trains = [t.magnitude.tolist() for t in source.get_data().segments[0].spiketrains]
    assert trains == [[0.075, 12.3456, 25.5], [30.0]]  # a spike that was sent is not taken back


def test_only_sources():
    sim.setup(timestep=0.1)
    source = sim.Population(3, sim.SpikeSourcePoisson(rate=100.0))
    source.record("spikes")
    start = time.perf_counter()
    sim.run(100_000.0)
    assert time.perf_counter() - start < 20.0
    trains = source.get_data().segments[0].spiketrains
    for train in trains:
        assert abs(len(train) - 10_000) < 500
        interval = np.sort(np.diff(train.magnitude))
        exponential = 1.0 - np.exp(-interval / 10.0)
        distance = np.abs(exponential - np.arange(len(interval)) / len(interval)).max()
        assert distance < 0.03  # Kolmogorov-Smirnov: intervals are continuous and exponential


@pytest.mark.parametrize("cut", [1, 7])
def test_renewal_sources(cut):
    """Intervals have the distribution that was asked for, and don't depend on where a run is cut."""
    stats = pytest.importorskip("scipy.stats")
    results = []
    for pieces in (1, cut):
        sim.setup(timestep=0.1, chip="ideal", seed=4)
        gamma = sim.Population(2, sim.SpikeSourceGamma(alpha=[6.0, 2.0], beta=[100.0, 300.0]))
        dead = sim.Population(2, sim.SpikeSourcePoissonRefractory(rate=[50.0, 100.0], tau_refrac=5.0, start=1000.0))
        for p in (gamma, dead):
            p.record("spikes")
        for _ in range(pieces):
            sim.run(21_000.0 / pieces)
        results.append([t.magnitude for p in (gamma, dead) for t in p.get_data().segments[0].spiketrains])
    for one, other in zip(*results, strict=True):
        assert np.array_equal(one, other)
    expected = [stats.gamma(6.0, scale=10.0), stats.gamma(2.0, scale=1000.0 / 300.0),
                stats.expon(loc=5.0, scale=15.0), stats.expon(loc=5.0, scale=5.0)]
    for train, distribution in zip(results[0], expected, strict=True):
        assert len(train) > 300
        assert stats.kstest(np.diff(train), distribution.cdf).statistic < 0.06
    assert results[0][2].min() >= 1005.0


NEEDED = {"pkl": "neo", "nix": "nixio", "nwb": "pynwb", "mat": "scipy.io"}


@pytest.mark.parametrize("ending", NEEDED)
@pytest.mark.parametrize("what", ["population", "view", "assembly", "source"])
def test_files(tmp_path, ending, what):
    pytest.importorskip(NEEDED[ending])
    sim.setup(timestep=0.1, chip="ideal")
    cells = sim.Population(5, sim.IF_curr_exp(**KICK), label="cells")
    other = sim.Population(3, sim.IF_curr_exp(i_offset=10.0), label="other")
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[1.5]), label="source")
    for p in (cells, other, source):
        p.record("spikes" if p is source else ["v", "spikes"])
    for _ in range(2):
        sim.run(5.0)
        sim.reset()
    recorded = {"population": cells, "view": cells[1:3], "assembly": cells + other, "source": source}[what]
    path = tmp_path / f"data.{ending}"
    recorded.write_data(str(path), annotations={"purpose": "test"})
    if ending == "pkl":
        block = neo.io.PickleIO(str(path)).read_block()
    elif ending == "mat":
        block = neo.io.NeoMatlabIO(str(path)).read_block()
    else:
        reader = neo.io.NixIO(str(path), mode="ro") if ending == "nix" else neo.io.NWBIO(str(path), mode="r")
        block = reader.read_all_blocks()[0]
    assert [len(s.spiketrains) for s in block.segments] == [recorded.size] * 2
    for now, then in zip(block.segments, recorded.get_data().segments, strict=True):
        if what != "source":
            np.testing.assert_allclose(now.analogsignals[0].magnitude, then.analogsignals[0].magnitude)
            assert now.analogsignals[0].shape == (51, recorded.size)
        got, asked = (sorted(t.rescale("ms").magnitude.tolist() for t in s.spiketrains) for s in (now, then))
        assert got == asked
    assert sum(len(t) for t in block.segments[0].spiketrains) > 0 or what in ("population", "view")


def test_formats_that_are_not_there(cells, tmp_path):
    cells.record("v")
    sim.run(1.0)
    with pytest.raises(OSError, match="not currently supported"):
        cells.write_data(str(tmp_path / "data.txt"))


def test_to_file_is_written_at_the_end(cells, tmp_path):
    path = tmp_path / "spikes.pkl"
    cells.record("spikes", to_file=str(path))
    sim.run(5.0)
    sim.end()
    assert path.exists()
    assert len(cells.get_data().segments[0].spiketrains) == 5  # end() keeps the data


@pytest.mark.parametrize("i_offset", [0.0, 3.0])
def test_get_data_of_many_cells_is_fast(i_offset):
    sim.setup(timestep=1.0, chip="ideal")
    cells = sim.Population(10_000, sim.IF_curr_exp(i_offset=i_offset, tau_refrac=2.0))
    cells.record("spikes")
    sim.run(50.0)
    start = time.perf_counter()
    block = cells.get_data()
    assert time.perf_counter() - start < 0.1
    start = time.perf_counter()
    counts = cells.get_spike_counts()
    assert time.perf_counter() - start < 0.1
    assert len(block.segments[0].spiketrains) == len(counts) == 10_000
    assert set(counts.values()) == {len(block.segments[0].spiketrains[0])}


def test_dotted_variables():
    """Receptors of a point neuron: each has a current or conductance of its own."""
    sim.setup(timestep=0.1, chip="ideal")
    cells = sim.Population(2, sim.PointNeuron(sim.LIF(), AMPA=sim.ExpPSR(tau_syn=2.0),
                                              GABA=sim.ExpPSR(tau_syn=5.0, e_syn=-70.0)), label="cells")
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0]))
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.02, delay=1.0),
                   receptor_type="GABA")
    cells.record(["AMPA.gsyn", "GABA.gsyn", "v"], sampling_interval=0.5)
    cells[:1].record("spikes")
    sim.run(20.0)
    signals = {s.name: s for s in cells.get_data().segments[0].analogsignals}
    assert set(signals) == {"AMPA.gsyn", "GABA.gsyn", "v"}
    t = np.arange(41) * 0.5
    expected = np.where(t > 5.99, 0.02 * np.exp(-(t - 6.0) / 5.0), 0.0)
    np.testing.assert_allclose(signals["GABA.gsyn"].magnitude[:, 1], expected, atol=1e-12)
    assert str(signals["GABA.gsyn"].units.dimensionality) == "uS"
    assert np.all(signals["AMPA.gsyn"].magnitude == 0.0)
    assert cells.get_data("GABA.gsyn").segments[0].analogsignals[0].shape == (41, 2)
    with pytest.raises(sim.errors.RecordingError, match=r"Cannot record NMDA\.gsyn .*AMPA\.gsyn"):
        cells.record("NMDA.gsyn")


def test_one_interval_for_each_variable(cells):
    cells.record("v", sampling_interval=0.5)
    cells[:2].record("isyn_exc", sampling_interval=2.0)
    cells.record("isyn_inh")
    sim.run(3.0)
    sim.run(1.1)
    signals = cells.get_data().segments[0].analogsignals
    assert {s.name: s.shape for s in signals} == {"v": (9, 5), "isyn_exc": (3, 2), "isyn_inh": (42, 5)}
    assert [s.t_start.item() for s in signals] == [0.0] * 3


def experiment(operations):
    """Run a list of operations; what the data must be, and what they are: (start, stop) of each segment."""
    sim.setup(timestep=0.1, chip="ideal")
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=np.arange(0.05, 40.0, 0.5)))
    cells = sim.Population(2, sim.IF_curr_exp())
    cells.record("v")
    source.record("spikes")
    past, start, now, ran, cleared = [], 0.0, 0.0, False, False
    for operation in operations:
        if operation == "run":
            sim.run(2.0)
            now, ran, cleared = now + 2.0, True, False
        elif operation == "clear":
            for p in (cells, source):
                p.get_data(clear=True)
            past, start, cleared = [], now, True
        else:
            sim.reset()
            if ran and not cleared:
                past.append((start, now))
            start, now, ran, cleared = 0.0, 0.0, False, False
    expected = [*past, *([(start, now)] if ran else [])]
    return expected, cells.get_data(), source.get_data()


@pytest.mark.parametrize("seed", range(12))
def test_runs_resets_and_clearing_in_any_order(seed):
    operations = np.random.default_rng(seed).choice(["run", "run", "clear", "reset"], 9).tolist()
    expected, cells, source = experiment(operations)
    assert len(cells.segments) == len(source.segments) == len(expected), operations
    for (start, stop), signals, spikes in zip(expected, cells.segments, source.segments, strict=True):
        if stop > start:
            signal = signals.analogsignals[0]
            assert signal.t_start.item() == pytest.approx(start)
            assert len(signal) == round((stop - start) / 0.1) + 1
            assert np.isfinite(signal.magnitude).all()
        train = spikes.spiketrains[0]
        assert (train.t_start.item(), train.t_stop.item()) == pytest.approx((start, stop))
        assert len(train) == round((stop - start) / 0.5)


def test_after_setup_old_data_can_be_read(cells):
    cells.record(["v", "spikes"])
    dc = sim.DCSource(amplitude=0.5)
    dc.inject_into(cells)
    dc.record()
    sim.run(5.0)
    before = cells.get_data()
    sim.setup(timestep=0.2, chip="quantised")
    sim.run(2.0)
    after = cells.get_data()
    assert np.array_equal(before.segments[0].analogsignals[0], after.segments[0].analogsignals[0])
    assert before.annotations == after.annotations
    assert dc.get_data().times[-1].rescale("ms").item() == pytest.approx(5.0)


def test_what_was_never_recorded(cells):
    cells.record("spikes")
    sim.run(1.0)
    with pytest.warns(UserWarning, match=r"v of 'cells' was never recorded.*record\('v'\) before run"):
        assert len(cells.get_data("v").segments[0].analogsignals) == 0


def test_bad_calls(cells):
    with pytest.raises(sim.errors.RecordingError):
        cells.record("gsyn_exc")
    with pytest.raises(sim.errors.RecordingError):
        sim.Population(1, sim.SpikeSourceArray()).record("v")
    with pytest.raises(ValueError, match="multiple of the timestep"):
        cells.record("v", sampling_interval=0.25)
    cells.record("v", sampling_interval=0.5)
    with pytest.raises(ValueError, match=r"every 0\.5 ms already.*every 1 ms was asked for.*record\(None\)"):
        cells[:2].record(["isyn_exc", "v"], sampling_interval=1.0)
    cells.record("isyn_exc", sampling_interval=0.1)  # nothing of the refused call has remained
    with pytest.raises(NotImplementedError, match=r"locations='soma': the cells of 'cells' have one compartment"):
        cells.record("v", locations="soma")
    with pytest.raises(NotImplementedError, match=r"locations='soma'"):
        cells.get_data("v", locations="soma")
    with pytest.raises(sim.errors.RecordingError, match="Cannot record gsyn_exc from cell type IF_curr_exp"):
        cells.get_data("gsyn_exc")
    assert len(cells.get_data().segments) == 0  # nothing has been run


def test_assembly_of_members_with_different_segments():
    """One member was cleared in mid-run: its signals stand beside the others', by segment."""
    sim.setup(chip="ideal")
    a = sim.Population(3, sim.IF_curr_exp(i_offset=1.0), label="a")
    b = sim.Population(2, sim.IF_curr_exp(i_offset=1.1), label="b")
    both = a + b
    both.record(["spikes", "v"])
    sim.run(20.0)
    a.get_data(clear=True)
    sim.run(10.0)
    sim.reset()
    sim.run(20.0)
    for _ in range(2):  # and it does not matter how often one asks
        segments = both.get_data().segments
        assert [s.name for s in segments] == ["segment000", "segment001"]
        first, second = ([(x.shape, float(x.t_start), list(x.array_annotations["channel_index"]))
                          for x in s.analogsignals] for s in segments)
        assert first == [((101, 3), 20.0, [0, 1, 2]), ((301, 2), 0.0, [3, 4])]
        assert second == [((201, 5), 0.0, [0, 1, 2, 3, 4])]
        assert [len(s.spiketrains) for s in segments] == [5, 5]


def test_assemblies_of_views_as_rasters():
    """The arrays that a raster is drawn of have all cells, and channels are numbered as the assembly's cells are."""
    sim.setup(chip="ideal")
    a = sim.Population(3, sim.IF_curr_exp(i_offset=1.0), label="a")
    b = sim.Population(8, sim.IF_curr_exp(i_offset=1.1), label="b")
    both = sim.Assembly(b[5:8], a, b[1:3])
    both.record(["spikes", "v"])
    sim.run(60.0)
    segment = both.get_data().segments[0]
    index, times = segment.spiketrains.multiplexed
    ids = [int(cell) for cell in both.all_cells]
    assert [t.annotations["channel_id"] for t in segment.spiketrains] == ids
    assert sorted(set(index.tolist())) == sorted(ids)
    for cell, train in zip(ids, segment.spiketrains, strict=True):
        assert len(train) > 0
        assert np.array_equal(times[index == cell].rescale("ms").magnitude, train.rescale("ms").magnitude)
        assert train.segment is segment
    assert times.dimensionality.string == "ms"
    assert segment.spiketrains.segment is segment
    signal, = segment.analogsignals
    assert signal.array_annotations["channel_index"].tolist() == list(range(8))
    assert signal.annotations["channel_ids"].tolist() == ids


@pytest.mark.parametrize("variable", ["spikes", "v"])
def test_raster_of_an_assembly_without_spikes(variable):
    sim.setup(chip="ideal")
    both = sim.Population(2, sim.IF_curr_exp()) + sim.Population(1, sim.IF_curr_exp())
    both.record(variable)
    sim.run(5.0)
    index, times = both.get_data().segments[0].spiketrains.multiplexed
    assert len(index) == len(times) == 0


def test_assembly_to_file(tmp_path):
    """The file has the whole assembly, not its last member; Neo's IO objects are files, too."""
    sim.setup(chip="ideal")
    a, b = (sim.Population(n, sim.IF_curr_exp(i_offset=1.0)) for n in (3, 2))
    (a + b).record("spikes", to_file=str(tmp_path / "both.pkl"))
    a.record("v", to_file=neo.io.PickleIO(str(tmp_path / "a.pkl")))
    sim.run(20.0)
    sim.end()
    block = neo.io.PickleIO(str(tmp_path / "both.pkl")).read_block()
    assert len(block.segments[0].spiketrains) == 5
    assert neo.io.PickleIO(str(tmp_path / "a.pkl")).read_block().segments[0].analogsignals[0].shape == (201, 3)
