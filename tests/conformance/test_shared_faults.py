"""Faults that PyNN's common code gives to its other backends: here they are not."""

import numpy as np
import pytest

import pynn_brainscales as sim


@pytest.fixture
def cells(ideal):
    cells = sim.Population(5, sim.IF_curr_exp(i_offset=1.2), label="cells")
    cells.record(["spikes", "v"])
    return cells


def test_one_variable_after_reset(cells):
    """The data of earlier segments stay, whatever is asked for."""
    sim.run(3.0)
    sim.reset()
    sim.run(5.0)
    for variable in ("v", "spikes", "v"):
        block = cells.get_data(variable)
        assert [len(s.analogsignals) for s in block.segments] == [int(variable == "v")] * 2
    block = cells.get_data()
    assert [s.analogsignals[0].shape for s in block.segments] == [(31, 5), (51, 5)]
    assert [len(s.spiketrains) for s in block.segments] == [5, 5]


def test_an_assembly_leaves_its_members_alone(cells):
    other = sim.Population(3, sim.IF_curr_exp(), label="other")
    other.record(["spikes", "v"])
    sim.run(5.0)
    sim.reset()
    sim.run(5.0)
    for _ in range(3):
        block = (cells + other).get_data()
        assert [s.analogsignals[0].shape for s in block.segments] == [(51, 8)] * 2
        assert [len(s.spiketrains) for s in block.segments] == [8, 8]
        signal = other.get_data().segments[0].analogsignals[0]
        assert signal.shape == (51, 3)
        assert signal.array_annotations["channel_index"].tolist() == [0, 1, 2]


def test_a_run_between_clear_and_reset(cells):
    sim.run(3.0)
    cells.get_data(clear=True)
    sim.run(2.0)
    sim.reset()
    sim.run(4.0)
    assert [s.analogsignals[0].shape[0] for s in cells.get_data().segments] == [21, 41]


def test_blocks_share_nothing(cells):
    sim.run(2.0)
    sim.reset()
    sim.run(2.0)
    one, two = cells.get_data(), cells.get_data()
    for a, b in zip(one.segments, two.segments, strict=True):
        assert a is not b
        assert not np.shares_memory(a.analogsignals[0].magnitude, b.analogsignals[0].magnitude)
    one.segments[0].analogsignals[0][:] *= 0.0
    one.segments[0].spiketrains[0].annotations["mine"] = 1
    assert np.all(cells.get_data().segments[0].analogsignals[0].magnitude < -30.0)


def test_the_order_of_signals_is_fixed(ideal):
    for variables in (["gsyn_inh", "v", "gsyn_exc"], ["v", "gsyn_exc", "gsyn_inh"]):
        cells = sim.Population(1, sim.IF_cond_exp())
        cells.record(variables)
        sim.run(1.0)
        names = [s.name for s in cells.get_data().segments[-1].analogsignals]
        assert names == ["v", "gsyn_exc", "gsyn_inh"]


def test_a_view_filters_all_segments(cells):
    sim.run(2.0)
    sim.reset()
    sim.run(2.0)
    assert [len(s.spiketrains) for s in cells[1:3].get_data().segments] == [2, 2]
    with pytest.warns(UserWarning, match="was never recorded"):
        sim.Population(2, sim.IF_curr_exp(), label="new").get_data("spikes")


def test_a_shared_generator_draws_on_if_asked(ideal):
    """By default its numbers repeat, as in the other backends, with a warning."""
    for mode in ("repeat", "continue"):
        sim.setup(chip="ideal", shared_rng=mode)
        rng = sim.NumpyRNG(3)
        cells = sim.Population(9, sim.IF_curr_exp())
        found = []
        for k in range(2):
            weight = sim.RandomDistribution("uniform", (0.0, 1.0), rng=rng)
            arguments = cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=weight)
            if mode == "repeat" and k:
                with pytest.warns(UserWarning, match="drawn from the same random numbers"):
                    projection = sim.Projection(*arguments)
            else:
                projection = sim.Projection(*arguments)
            found.append(projection.get("weight", "list", with_address=False))
        assert (found[0] == found[1]) is (mode == "repeat")
        assert found[0] == sim.NumpyRNG(3).next(81).tolist()


def test_initial_values_are_drawn_once(ideal):
    cells = sim.Population(4, sim.IF_curr_exp())
    cells.initialize(v=sim.RandomDistribution("uniform", (-70.0, -60.0), rng=sim.NumpyRNG(1)))
    cells.record("v")
    first = cells.initial_values["v"].evaluate()
    sim.run(1.0)
    sim.reset()
    sim.run(1.0)
    assert np.array_equal(cells.initial_values["v"].evaluate(), first)
    for segment in cells.get_data().segments:
        assert np.array_equal(segment.analogsignals[0].magnitude[0], first)


def test_callbacks_of_connectors_with_assemblies(ideal):
    a, b = sim.Population(2, sim.IF_curr_exp()), sim.Population(3, sim.IF_curr_exp())
    seen = []
    sim.Projection(a, a + b, sim.FixedProbabilityConnector(1.0, callback=seen.append), sim.StaticSynapse(weight=0.1))
    assert seen == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])


def test_connectors_under_new_numpy(ideal):
    one, cells = sim.Population(1, sim.SpikeSourceArray()), sim.Population(4, sim.IF_curr_exp())
    assert len(sim.Projection(one, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.1))) == 1
    for make in (sim.FixedNumberPostConnector, sim.FixedTotalNumberConnector, sim.FixedNumberPreConnector):
        rng = sim.NumpyRNG(3, parallel_safe=False)  # lists of different lengths
        projection = sim.Projection(cells, cells, make(3, rng=rng), sim.StaticSynapse(weight=0.1))
        assert len(projection) == (3 if make is sim.FixedTotalNumberConnector else 12)


def test_the_array_of_a_selection_is_left_alone(ideal):
    cells = sim.Population(6, sim.IF_curr_exp())
    chosen = np.array([4, 1, 3])
    cells[chosen]
    assert chosen.tolist() == [4, 1, 3]


def test_all_means_everything(ideal):
    cells = sim.Population(2, sim.IF_curr_exp())
    cells.record("all")
    sim.run(1.0)
    segment, = cells.get_data("all").segments
    assert [s.name for s in segment.analogsignals] == ["v", "isyn_exc", "isyn_inh"]
    assert len(segment.spiketrains) == 2


def test_each_variable_has_its_interval(ideal):
    cells = sim.Population(2, sim.IF_cond_exp())
    cells.record("v", sampling_interval=0.5)
    cells.record("gsyn_exc", sampling_interval=0.2)
    sim.run(1.0)
    assert [s.shape for s in cells.get_data().segments[0].analogsignals] == [(3, 2), (6, 2)]


def test_connections_one_by_one(ideal):
    cells = sim.Population(3, sim.IF_curr_exp())
    rule = sim.STDPMechanism(sim.SpikePairRule(), sim.AdditiveWeightDependence(), weight=0.3,
                             dendritic_delay_fraction=0.25)
    projection = sim.Projection(cells, cells, sim.AllToAllConnector(), rule)
    assert projection[4].weight == 0.3
    assert [k.weight for k in projection] == [k.weight for k in projection[:]] == [0.3] * 9
    assert projection.get("dendritic_delay_fraction", "list", with_address=False) == [0.25] * 9
    assert projection.get(["tau_plus", "w_max"], "list", with_address=False) == [(20.0, 1.0)] * 9
    cells[:2].initialize(v=-60.0)
    assert cells.initial_values["v"].evaluate().tolist() == [-60.0, -60.0, -65.0]


def test_networks_of_different_setups_are_apart(cells):
    sim.run(2.0)
    sim.setup(chip="ideal")
    other = sim.Population(1, sim.IF_curr_exp(), label="cells")
    other.record("v")
    sim.run(1.0)
    assert cells.get_data().segments[0].analogsignals[0].shape == (21, 5)
    assert other.get_data().segments[0].analogsignals[0].shape == (11, 1)
    assert sim.last_mapping().network.neurons == 1
    with pytest.raises(RuntimeError, match="setup"):
        cells.set(tau_m=5.0)


def test_data_of_many_cells_are_there_at_once(ideal):
    import time

    cells = sim.Population(10_000, sim.IF_curr_exp())
    cells.record("spikes")
    sim.run(1.0)
    start = time.perf_counter()
    assert len(cells.get_data().segments[0].spiketrains) == 10_000
    assert time.perf_counter() - start < 0.1
