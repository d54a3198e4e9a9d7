"""What comes back as Neo objects, on every profile."""

import numpy as np
import pytest

import pynn_brainscales as sim


@pytest.fixture
def cells(chip):
    cells = sim.Population(5, sim.IF_cond_exp(i_offset=1.0), label="cells")
    cells.annotate(layer="L4")
    return cells


def test_shapes_units_and_annotations(cells):
    cells.record(["v", "spikes"])
    cells[[1, 3]].record("gsyn_inh", sampling_interval=0.4)
    sim.run(20.0)
    block = cells.get_data()
    assert (block.name, block.annotations["layer"], block.annotations["size"]) == ("cells", "L4", 5)
    assert (block.annotations["first_id"], block.annotations["dt"]) == (int(cells.first_id), 0.1)
    segment, = block.segments
    v, gsyn = segment.analogsignals
    assert (v.name, gsyn.name) == ("v", "gsyn_inh")
    assert (v.shape, gsyn.shape) == ((201, 5), (51, 2))
    assert [str(s.units.dimensionality) for s in (v, gsyn)] == ["mV", "uS"]
    assert [s.sampling_period.rescale("ms").item() for s in (v, gsyn)] == pytest.approx([0.1, 0.4])
    assert [s.t_start.item() for s in (v, gsyn)] == [0.0, 0.0]
    assert v.array_annotations["channel_index"].tolist() == [0, 1, 2, 3, 4]
    assert gsyn.array_annotations["channel_index"].tolist() == [1, 3]
    for i, train in enumerate(segment.spiketrains):
        assert train.t_stop.rescale("ms").item() == pytest.approx(20.0)
        assert train.annotations["source_index"] == i
        assert train.annotations["channel_id"] == int(cells[i])
        assert train.annotations["source_population"] == "cells"


def test_silent_cells_have_an_empty_train(cells):
    cells[1:4].record("spikes")
    sim.run(1.0)
    trains = cells.get_data().segments[0].spiketrains
    assert [len(t) for t in trains] == [0, 0, 0]
    assert [t.annotations["source_index"] for t in trains] == [1, 2, 3]


def test_the_data_of_a_view_are_its_own(cells):
    cells.record(["v", "spikes"])
    for _ in range(2):
        sim.run(15.0)
        sim.reset()
    view = cells[[4, 1]]
    whole, part = cells.get_data(), view.get_data()
    assert len(part.segments) == 2
    for a, b in zip(whole.segments, part.segments, strict=True):
        assert np.array_equal(a.analogsignals[0].magnitude[:, [1, 4]], b.analogsignals[0].magnitude)
        assert b.analogsignals[0].array_annotations["channel_index"].tolist() == [1, 4]
        assert [t.annotations["source_index"] for t in b.spiketrains] == [1, 4]
        assert [t.magnitude.tolist() for t in b.spiketrains] == [a.spiketrains[i].magnitude.tolist() for i in (1, 4)]


def test_counts(cells):
    cells.record("spikes")
    sim.run(100.0)
    trains = cells.get_data().segments[0].spiketrains
    assert sum(len(t) for t in trains) > 5
    assert cells.get_spike_counts() == {int(c): len(t) for c, t in zip(cells, trains, strict=True)}
    assert cells.mean_spike_count() == pytest.approx(np.mean([len(t) for t in trains]))
    assert cells[1:3].get_spike_counts() == {int(cells[i]): len(trains[i]) for i in (1, 2)}
    sim.reset()
    assert set(cells.get_spike_counts().values()) == {0}


def test_assemblies(cells):
    other = sim.Population(3, sim.IF_curr_exp(), label="other")
    both = cells[2:] + other
    both.record(["v", "spikes"])
    for _ in range(2):
        sim.run(2.0)
        sim.reset()
    for _ in range(2):
        block = both.get_data()
        assert [s.analogsignals[0].shape for s in block.segments] == [(21, 6)] * 2
        assert [len(s.spiketrains) for s in block.segments] == [6, 6]
    assert len(both.get_spike_counts()) == 6


def test_recording_nothing_any_more(cells):
    cells.record("v")
    sim.run(1.0)
    cells.record(None)
    sim.run(1.0)
    sim.reset()
    cells[2:3].record("v")
    sim.run(1.0)
    first, second = (s.analogsignals[0] for s in cells.get_data().segments)
    assert first.shape == (11, 5)
    assert second.array_annotations["channel_index"].tolist() == [2]


def test_clearing(cells):
    cells.record(["v", "spikes"])
    sim.run(3.0)
    assert cells.get_data(clear=True).segments[0].analogsignals[0].shape == (31, 5)
    sim.run(2.0)
    segment, = cells.get_data().segments
    assert segment.analogsignals[0].shape == (21, 5)
    assert segment.analogsignals[0].t_start.rescale("ms").item() == pytest.approx(3.0)
    assert segment.spiketrains[0].t_start.rescale("ms").item() == pytest.approx(3.0)


def test_spikes_of_sources_are_exact(chip):
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[[0.075, 3.3333], [9.0]]))
    source.record("spikes")
    sim.Population(1, sim.IF_curr_exp())
    sim.run(5.0)
    source.set(spike_times=[7.77])
    sim.run(5.0)
    trains = source.get_data().segments[0].spiketrains
    assert [t.magnitude.tolist() for t in trains] == [[0.075, 3.3333, 7.77], [7.77]]
