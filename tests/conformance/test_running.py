"""Time, reset and clearing, on every profile."""

import numpy as np
import pytest

import pynn_brainscales as sim


def network():
    source = sim.Population(3, sim.SpikeSourceArray(spike_times=[[5.0, 12.0], [7.0], []]), label="source")
    cells = sim.Population(4, sim.IF_cond_exp(i_offset=0.4, tau_refrac=2.0), label="cells")
    projection = sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.02, delay=1.0))
    cells.record(["v", "spikes"])
    source.record("spikes")
    return source, cells, projection


def traces(cells, segment=-1):
    return cells.get_data("v").segments[segment].analogsignals[0].magnitude


def test_time(chip):
    network()
    assert sim.run(10.0) == pytest.approx(10.0)
    assert sim.run_until(12.5) == pytest.approx(12.5)
    assert sim.run_for(0.1) == sim.get_current_time() == pytest.approx(12.6)
    sim.run(0.0)
    assert sim.get_current_time() == pytest.approx(12.6)
    for past in (lambda: sim.run_until(12.0), lambda: sim.run(-1.0)):
        with pytest.raises(ValueError, match="past"):
            past()
    for _ in range(1000):
        sim.run(0.1)
    assert sim.get_current_time() == pytest.approx(112.6, abs=1e-9)


def test_pieces_are_the_same_as_one_run(chip):
    found = []
    for pieces in ([40.0], [0.1, 4.9, 15.0, 20.0]):
        sim.setup(timestep=0.1, chip=chip, seed=1, chip_seed=1)
        source, cells, _ = network()
        for piece in pieces:
            sim.run(piece)
        found.append((traces(cells), [t.magnitude.tolist() for p in (source, cells)
                                      for t in p.get_data().segments[0].spiketrains]))
    assert np.array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


def test_reset_brings_the_same_again(chip):
    """Time, state variables, spikes on their way, weights and random numbers."""
    source, cells, projection = network()
    cells.initialize(v=sim.RandomDistribution("uniform", (-68.0, -62.0), rng=sim.NumpyRNG(1)))
    sim.run(11.5)  # a spike of the source is on its way
    sim.reset()
    assert sim.get_current_time() == 0.0
    sim.run(30.0)
    sim.reset(annotations={"first": 1})
    sim.run(30.0)
    first, second, third = (traces(cells, k) for k in range(3))
    assert np.array_equal(second[:116], first)
    assert np.array_equal(second, third)
    segments = cells.get_data().segments
    assert [s.name for s in segments] == ["segment000", "segment001", "segment002"]
    assert segments[1].annotations["first"] == 1
    assert set(projection.get("weight", "list", with_address=False)) == {0.02}
    assert [t.magnitude.tolist() for t in source.get_data().segments[1].spiketrains] == [[5.0, 12.0], [7.0], []]


def test_reset_without_a_run_makes_no_segment(chip):
    _, cells, _ = network()
    sim.reset()
    sim.run(5.0)
    sim.reset()
    sim.reset()
    sim.run(5.0)
    assert len(cells.get_data().segments) == 2


def test_parameters_that_change_between_runs(chip):
    _, cells, projection = network()
    sim.run(20.0)
    cells.set(v_rest=-60.0)
    cells[1:2].set(i_offset=0.0)
    projection.set(weight=0.0)
    sim.run(200.0)
    v = traces(cells)[-1]
    assert v[1] == pytest.approx(-60.0, abs=0.05 if chip == "ideal" else 2.5)
    sim.reset()  # parameters stay as they were set
    sim.run(220.0)
    assert traces(cells)[-1, 1] == pytest.approx(-60.0, abs=0.05 if chip == "ideal" else 2.5)


def test_end_keeps_data_and_network(chip):
    _, cells, _ = network()
    sim.run(5.0)
    sim.end()
    assert traces(cells).shape == (51, 4)
    sim.run(5.0)
    assert traces(cells).shape == (101, 4)


def test_many_setups(chip):
    for _ in range(3):
        sim.setup(timestep=0.1, chip=chip)
        _, cells, _ = network()
        assert int(cells.first_id) == 4
        sim.run(2.0)
        assert len(cells.get_data().segments) == 1
