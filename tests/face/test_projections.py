"""Projections: reading and writing connections, in PyNN's forms."""

import numpy as np
import pytest

import pynn_brainscales as sim


@pytest.fixture
def cells():
    sim.setup(timestep=0.1, chip="ideal")
    return sim.Population(4, sim.IF_curr_exp(), label="cells")


TABLE = [(0, 1, 0.1, 0.5), (3, 1, 0.2, 0.3), (2, 0, 0.3, 1.0), (3, 1, 0.4, 0.7)]


@pytest.fixture
def projection(cells):
    return sim.Projection(cells, cells, sim.FromListConnector(TABLE), sim.StaticSynapse(), label="prj")


def test_reading(projection):
    assert projection.get(["weight", "delay"], "list") == [(2, 0, 0.3, 1.0), (0, 1, 0.1, 0.5), (3, 1, 0.2, 0.3),
                                                           (3, 1, 0.4, 0.7)]
    assert projection.get("weight", "list", with_address=False) == [0.3, 0.1, 0.2, 0.4]
    assert len(projection) == projection.size() == 4
    for how, value in (("sum", 0.6), ("first", 0.2), ("last", 0.4), ("min", 0.2), ("max", 0.4)):
        array = projection.get("weight", "array", multiple_synapses=how)
        assert array.shape == (4, 4)
        assert array[3, 1] == pytest.approx(value)
        assert np.isnan(array[0, 0])
    weights, delays = projection.get(["weight", "delay"], "array")
    assert (weights[2, 0], delays[2, 0]) == (0.3, 1.0)


def test_single_connections(projection):
    assert projection[0].as_tuple("presynaptic_index", "postsynaptic_index", "weight") == (2, 0, 0.3)
    assert projection[-1].delay == 0.7
    assert [k.weight for k in projection] == [k.weight for k in projection.connections] == [0.3, 0.1, 0.2, 0.4]
    assert [k.weight for k in projection[1:3]] == [0.1, 0.2]
    list(projection.connections)[2].weight = 0.9
    assert projection.get("weight", "list", with_address=False) == [0.3, 0.1, 0.9, 0.4]
    with pytest.raises(IndexError, match="4 connections"):
        projection[4]
    with pytest.raises(AttributeError, match="weight, delay"):
        projection[0].U = 1.0


def test_setting(projection):
    projection.set(weight=0.7)
    assert projection.get("weight", "list", with_address=False) == [0.7] * 4
    given = [0.1, 0.2, 0.3, 0.4]
    projection.set(weight=given)
    assert projection.get("weight", "list", with_address=False) == given  # order of creation, as get() gives it
    projection.set(weight=np.arange(16.0).reshape(4, 4))
    assert projection.get("weight", "list", with_address=False) == [8.0, 1.0, 13.0, 13.0]
    projection.set(delay=sim.RandomDistribution("uniform", low=1.0, high=2.0, rng=sim.NumpyRNG(1)))
    assert 1.0 <= min(projection.get("delay", "list", with_address=False)) <= 2.0
    projection.set(weight=lambda d: 0.5 + d)
    assert projection[0].weight == pytest.approx(0.5 + 2.0)  # cells lie one unit apart
    with pytest.raises(sim.errors.NonExistentParameterError):
        projection.set(U=0.5)
    with pytest.raises(sim.errors.InvalidDimensionsError, match="3 values of weight were given for 4"):
        projection.set(weight=[1.0, 2.0, 3.0])
    with pytest.raises(sim.errors.ConnectionError):
        projection.set(weight=-1.0)
    with pytest.raises(sim.errors.ConnectionError, match=r"a delay of 0\.01 ms"):
        projection.set(delay=0.01)


def test_weights_take_effect_from_now(cells):
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0, 105.0]))
    projection = sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.5, delay=1.0))
    cells.record("v")
    sim.run(100.0)
    projection.set(weight=1.0)
    sim.run(100.0)
    v = cells.get_data().segments[0].analogsignals[0].magnitude[:, 0]
    first, second = v[:1000].max() + 65.0, v[1000:].max() + 65.0
    assert second / first == pytest.approx(2.0, rel=0.02)
    sim.reset()
    assert projection.get("weight", "list", with_address=False) == [1.0] * 4


def test_assemblies_and_views_as_ends():
    sim.setup(chip="ideal")
    a, b = sim.Population(3, sim.IF_curr_exp(), label="a"), sim.Population(4, sim.IF_curr_exp(), label="b")
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[1.0]), label="s")
    both = a[1:] + b[::2]
    projection = sim.Projection(source, both, sim.AllToAllConnector(), sim.StaticSynapse(weight=5.0, delay=1.0))
    sim.Projection(a + b, b[3:], sim.AllToAllConnector(), sim.StaticSynapse(weight=0.01, delay=1.0))
    assert both.local_size == both.size == 4
    assert projection.get("weight", "array").shape == (2, 4)
    a.record("spikes")
    b.record("spikes")
    sim.run(20.0)
    count = {p.label: [len(t) > 0 for t in p.get_data().segments[0].spiketrains] for p in (a, b)}
    assert count == {"a": [False, True, True], "b": [True, False, True, False]}
    labels = [p.label for p in sim.last_mapping().network.projections]
    assert len(labels) == len(set(labels)) == 4


@pytest.mark.parametrize(("weight", "receptor", "cell"), [(-0.1, "excitatory", "IF_curr_exp"),
                                                          (0.1, "inhibitory", "IF_curr_exp"),
                                                          (-0.1, "inhibitory", "IF_cond_exp")])
def test_weights_of_the_wrong_sign(weight, receptor, cell):
    sim.setup()
    cells = sim.Population(3, getattr(sim, cell)())
    sentence = f"weights from {weight} to {weight} for receptor type '{receptor}'"
    with pytest.raises(sim.errors.ConnectionError, match=sentence):
        sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=weight), receptor_type=receptor)


def test_bad_projections(cells):
    with pytest.raises(sim.errors.ConnectionError, match="excitatory"):
        sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(), receptor_type="NMDA")
    with pytest.raises(sim.errors.ConnectionError, match=r"a delay of 0\.05 ms was asked.*smallest possible is 0\.1"):
        sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1, delay=0.05))
    source = sim.Population(2, sim.SpikeSourceArray(), label="source")
    with pytest.raises(sim.errors.ConnectionError, match="'source' can't receive synapses"):
        sim.Projection(cells, source, sim.AllToAllConnector(), sim.StaticSynapse())
    import pyNN.mock

    with pytest.raises(TypeError, match="TsodyksMarkramSynapse does not run on this chip; there are StaticSynapse"):
        sim.Projection(cells, cells, sim.AllToAllConnector(), pyNN.mock.TsodyksMarkramSynapse(delay=1.0))


def test_min_delay():
    sim.setup(timestep=0.1)
    cells = sim.Population(2, sim.IF_curr_exp())
    assert sim.get_min_delay() == 0.1
    sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1, delay=0.5))
    assert sim.get_min_delay() == 0.5
    sim.setup(timestep=0.1, min_delay=0.3)
    assert sim.get_min_delay() == 0.3
    assert sim.StaticSynapse().parameter_space["delay"].base_value == 0.3


def test_describe_and_histogram(projection):
    assert "prj" in projection.describe()
    with pytest.warns(DeprecationWarning, match="histogram"):
        counts, edges = projection.weightHistogram(min=0.0, max=0.5, nbins=5)
    assert counts.sum() == 4
    assert len(edges) == 6
