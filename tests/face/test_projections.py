"""Projections: reading and writing connections, in PyNN's forms."""

import copy
import time

import numpy as np
import pytest
from pyNN.recording import files
from pynn_brainscales.mapping.errors import MappingError

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
    assert "2 → 0 of 'prj'" in repr(projection[0])
    assert copy.copy(projection[1]).weight == 0.1
    assert [k.weight for k in projection[np.int64(-2):]] == [projection[np.int64(2)].weight, 0.4]


def weights(projection, name="weight"):
    return projection.get(name, "list", with_address=False)


def test_setting(projection):
    """The connections were made in the order (2, 0), (0, 1), (3, 1), (3, 1)."""
    projection.set(weight=0.7)
    assert weights(projection) == [0.7] * 4
    projection.set(weight=[0.1, 0.2, 0.3, 0.4])  # by presynaptic cell, as in PyNN
    assert weights(projection) == [0.2, 0.1, 0.3, 0.4]
    projection.set(weight=np.array([0.1, 0.2, 0.3]))  # one for each pair
    assert weights(projection) == [0.2, 0.1, 0.3, 0.3]
    given = weights(projection)
    given[2] = 0.9
    projection.set(weight=given)  # what get() gave is in the order of creation
    assert weights(projection) == [0.2, 0.1, 0.9, 0.3]
    projection.set(weight=np.arange(16.0).reshape(4, 4), delay=2.0)
    assert weights(projection) == [8.0, 1.0, 13.0, 13.0]
    assert weights(projection, "delay") == [2.0] * 4
    projection.set(weight=projection.get("weight", "array", multiple_synapses="first"))
    assert weights(projection) == [8.0, 1.0, 13.0, 13.0]
    for expression in ("0.5 + d", lambda d: 0.5 + d):  # cells lie one unit apart
        projection.set(weight=expression)
        assert weights(projection) == pytest.approx([2.5, 1.5, 2.5, 2.5])
    projection.set(delay=np.int64(3))
    assert weights(projection, "delay") == [3.0] * 4


def test_setting_draws_for_all_pairs(projection):
    """As in PyNN: the numbers of one connection don't depend on which others there are."""
    rng = sim.NumpyRNG(1)
    projection.set(delay=sim.RandomDistribution("uniform", low=1.0, high=2.0, rng=rng))
    drawn = sim.NumpyRNG(1).next(16, "uniform", {"low": 1.0, "high": 2.0}).reshape(4, 4)
    assert weights(projection, "delay") == [drawn[2, 0], drawn[0, 1], drawn[3, 1], drawn[3, 1]]


@pytest.mark.parametrize(("values", "error", "sentence"), [
    ({"U": 0.5}, "NonExistentParameterError", "U .*StaticSynapse are: delay, weight"),
    ({"weight": [1.0, 2.0]}, "InvalidDimensionsError", "2 values of weight were given for 4 connections"),
    ({"weight": np.ones((2, 4))}, "InvalidDimensionsError", r"shape \(2, 4\), the projection \(4, 4\)"),
    ({"weight": np.where(np.eye(4), 1.0, np.nan)}, "InvalidParameterValueError", "finite numbers, got nan"),
    ({"weight": ["a", "b", "c", "d"]}, "InvalidParameterValueError", "must be numbers"),
    ({"weight": "nonsense"}, "InvalidParameterValueError", "weight"),
    ({"weight": -1.0}, "ConnectionError", "weights from -1 to -1"),
    ({"weight": [1.0, -1.0, 1.0, 1.0]}, "ConnectionError", "weights from -1 to 1"),
    ({"delay": 0.01}, "ConnectionError", r"a delay of 0\.01 ms.*smallest possible is 0\.1 ms")])
def test_setting_what_makes_no_sense(projection, values, error, sentence):
    before = projection.get(["weight", "delay"], "list")
    with pytest.raises(getattr(sim.errors, error), match=sentence):
        projection.set(**{"delay": 5.0, **values})
    assert projection.get(["weight", "delay"], "list") == before  # all of them, or none


def test_single_connections_cannot_be_set_to_nonsense(projection):
    with pytest.raises(sim.errors.ConnectionError, match="weights from -1"):
        projection[0].weight = -1.0
    with pytest.raises(sim.errors.InvalidParameterValueError, match="needs numbers"):
        projection[0].weight = "strong"
    with pytest.raises(AttributeError, match="only weight, delay of a connection of 'prj' can be set"):
        projection[0].presynaptic_index = 3
    with pytest.raises(TypeError, match="a whole number or a slice"):
        projection[1.5]


def test_reading_what_is_not_there(projection):
    with pytest.raises(sim.errors.NonExistentParameterError, match="U "):
        projection.get("U", "list")
    with pytest.raises(ValueError, match="format='dict'; there are 'list' and 'array'"):
        projection.get("weight", "dict")
    with pytest.raises(ValueError, match="multiple_synapses='mean'; there are last, first, sum, min, max"):
        projection.get("weight", "array", multiple_synapses="mean")


def test_no_connections_at_all(cells):
    none = sim.Projection(cells, cells, sim.FixedProbabilityConnector(0.0), sim.StaticSynapse(weight=1.0))
    assert len(none) == none.size() == 0
    assert none.get(["weight", "delay"], "list") == []
    assert np.isnan(none.get("weight", "array")).all()
    assert list(none.connections) == []
    none.set(weight=2.0)
    none.set(weight=[])
    sim.run(1.0)


def test_parameters_of_other_synapse_types(cells):
    synapse = sim.TsodyksMarkramSynapse(weight=0.2, U=0.3, tau_rec=50.0, tau_facil=10.0)
    projection = sim.Projection(cells, cells, sim.OneToOneConnector(), synapse)
    assert projection.get(["weight", "U", "tau_rec"], "list", with_address=False) == [(0.2, 0.3, 50.0)] * 4
    projection.set(U=[0.1, 0.2, 0.3, 0.4])
    projection[1].tau_rec = 80.0
    assert projection.get(["U", "tau_rec"], "list", with_address=False) == [
        (0.1, 50.0), (0.2, 80.0), (0.3, 50.0), (0.4, 50.0)]
    with pytest.raises(sim.errors.InvalidParameterValueError, match="U must be >= 0"):
        projection.set(U=-1.5)


def test_initial_values(cells):
    synapse = sim.TsodyksMarkramSynapse(weight=0.2, U=0.3)
    projection = sim.Projection(cells, cells, sim.FromListConnector(TABLE), synapse)
    assert projection.get("u", "list", with_address=False) == [0.0] * 4
    projection.initialize(u=0.25)
    assert projection[2].u == 0.25
    projection.initialize(u=np.arange(16.0).reshape(4, 4) / 100)
    assert projection.get("u", "list", with_address=False) == [0.08, 0.01, 0.13, 0.13]
    assert projection.initial()["u"].tolist() == [0.08, 0.01, 0.13, 0.13]
    projection.initialize(u=lambda d: 0.1 * d)
    assert projection.get("u", "list", with_address=False) == pytest.approx([0.2, 0.1, 0.2, 0.2])
    projection.initialize(u=sim.RandomDistribution("uniform", (0.1, 0.2), rng=sim.NumpyRNG(1)))
    drawn = projection.get("u", "list", with_address=False)
    assert drawn == projection.get("u", "list", with_address=False)
    assert drawn == projection.initial_values["u"].evaluate().tolist()
    with pytest.raises(sim.errors.NonExistentParameterError, match=r"x .*TsodyksMarkramSynapse are: u"):
        projection.initialize(x=0.5)
    with pytest.raises(AttributeError, match="can be set, not 'u'"):
        projection[0].u = 0.5
    static = sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.2))
    with pytest.raises(sim.errors.NonExistentParameterError, match=r"u .*StaticSynapse are: "):
        static.initialize(u=0.5)


def test_what_a_run_has_changed(projection):
    """Present values are read; the given ones come back by reset(), or by set()."""
    projection.take({"weight": np.array([0.5, 0.6, 0.7, 0.8])})
    assert weights(projection) == [0.5, 0.6, 0.7, 0.8]
    assert projection[3].weight == 0.8
    assert projection.get("weight", "array")[3, 1] == pytest.approx(1.5)
    assert projection._columns()["weight"].tolist() == [0.3, 0.1, 0.2, 0.4]
    projection[1].weight = 0.9
    assert weights(projection) == [0.5, 0.9, 0.7, 0.8]
    assert projection._columns()["weight"].tolist() == [0.3, 0.9, 0.2, 0.4]
    sim.reset()
    assert weights(projection) == [0.3, 0.9, 0.2, 0.4]


def test_columns_that_were_given_out_stay_as_they_are(projection):
    columns = projection._columns()
    projection[0].weight = 0.9
    projection.set(delay=4.0)
    assert columns["weight"].tolist() == [0.3, 0.1, 0.2, 0.4]
    assert columns["delay"].tolist() == [1.0, 0.5, 0.3, 0.7]
    assert projection[0].as_tuple("weight", "delay") == (0.9, 4.0)


def test_single_connections_are_written_fast(cells):
    source = sim.Population(300, sim.SpikeSourceArray())
    many = sim.Population(100, sim.IF_curr_exp())
    projection = sim.Projection(source, many, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0))
    sim.map_network()
    start = time.perf_counter()
    for connection in projection:
        connection.weight = 2.0 * connection.weight
    assert time.perf_counter() - start < 5.0
    assert set(weights(projection)) == {2.0}


@pytest.mark.parametrize("how", ["name", "PickleFile", "NumpyBinaryFile"])
def test_saving(projection, tmp_path, how):
    path = str(tmp_path / "weights")

    def file(mode):
        return path if how == "name" else getattr(files, how)(path, f"{mode}b")

    def read():
        opened = files.StandardTextFile(path, "r") if how == "name" else file("r")
        columns = opened.get_metadata()["columns"]
        return list(columns), np.asarray(opened.read())

    projection.save("weight", file("w"))
    columns, data = read()
    assert columns == ["i", "j", "weight"]
    assert data.tolist() == [list(map(float, k)) for k in projection.get(["weight"], "list")]
    projection.save(["delay"], file("w"), with_address=False)
    columns, data = read()
    assert columns == ["delay"]
    assert data.ravel().tolist() == weights(projection, "delay")
    projection.save("weight", file("w"), format="array")
    columns, data = read()
    assert columns == ["weight"]
    expected = np.nan_to_num(projection.get("weight", "array"))
    np.testing.assert_allclose(data.reshape(4, 4), expected)
    if how == "name":
        with pytest.raises(ValueError, match=r"2 arrays \(weight, delay\) do not fit into one text file"):
            projection.save("all", path, format="array")
    else:
        projection.save("all", file("w"), format="array")
        assert read()[1].shape == (2, 4, 4)


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
    with pytest.raises(TypeError, match=r"the class StaticSynapse; give an object of it: StaticSynapse\(weight"):
        sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse)
    with pytest.raises(TypeError, match="subclass of Connector"):
        sim.Projection(cells, cells, "all", sim.StaticSynapse())
    with pytest.raises(sim.errors.ConnectionError, match="must be a Population"):
        sim.Projection(cells, [1, 2], sim.AllToAllConnector(), sim.StaticSynapse())


def test_a_network_from_before_setup(cells, projection):
    sim.setup()
    assert len(projection.get("weight", "list")) == 4  # can still be read
    for change in (lambda: projection.set(weight=1.0), lambda: projection.record("weight"),
                   lambda: setattr(projection[0], "weight", 1.0)):
        with pytest.raises(RuntimeError, match=r"would have no effect: .*make a new one"):
            change()
    with pytest.raises(sim.errors.ConnectionError, match="'cells' does not belong to the present network"):
        sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse())


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
    described = projection.describe(template=None)
    assert described["size"] == 4
    assert described["connector"]["name"] == "FromListConnector"
    assert described["plasticity"]["name"] == "StaticSynapse"
    with pytest.warns(DeprecationWarning, match="histogram"):
        counts, edges = projection.weightHistogram(min=0.0, max=0.5, nbins=5)
    assert counts.sum() == 4
    assert len(edges) == 6


def test_what_pynn_takes_and_a_run_refuses():
    """PyNN stores any U, and any delay of a list; a run says that it can't be done."""
    sim.setup(chip="ideal", min_delay=0.2)
    cells = sim.Population(2, sim.IF_cond_exp(), label="cells")
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[1.0]), label="source")
    with pytest.warns(UserWarning, match="U is a share of resources, between 0 and 1; a run will refuse 99"):
        projection = sim.Projection(source, cells, sim.AllToAllConnector(), sim.TsodyksMarkramSynapse(U=99.0))
    assert projection.get("U", "list", with_address=False) == [99.0] * 4
    with pytest.raises(MappingError, match=r"U from 99 to 99; available: U from 0 to 1"):
        sim.run(1.0)
    projection.set(U=0.5)
    sim.run(1.0)
    with pytest.warns(UserWarning, match=r"the smallest possible is 0.2 ms .* A run will refuse it"):
        projection = sim.Projection(source, cells, sim.FromListConnector([(0, 0, 0.1, 0.1)]))
    with pytest.raises(MappingError, match=r"a delay of 0.1 ms; available: delays of at least 0.2 ms"):
        sim.run(1.0)
    with pytest.raises(sim.errors.ConnectionError, match=r"a delay of 0.1 ms"):
        projection.set(delay=0.1)
    projection.set(delay=0.3)
    sim.run(1.0)


def test_learned_weights_of_inhibitory_currents_that_start_at_nothing():
    """They come back as negative currents, also while they were recorded."""
    sim.setup(chip="ideal", timestep=0.1)
    first = sim.Population(2, sim.SpikeSourceArray(spike_times=[10.0, 30.0, 50.0]))
    forced = sim.Population(1, sim.SpikeSourceArray(spike_times=[12.0, 32.0, 52.0]))
    cells = sim.Population(1, sim.IF_curr_exp(tau_refrac=5.0))
    rule = sim.STDPMechanism(sim.SpikePairRule(A_plus=0.1, A_minus=0.1), sim.AdditiveWeightDependence(w_max=0.5),
                             weight=0.0, delay=1.0)
    learning = sim.Projection(first, cells, sim.AllToAllConnector(), rule, receptor_type="inhibitory")
    sim.Projection(forced, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=30.0))
    learning.record("weight", sampling_interval=10.0)
    sim.run(70.0)
    weights = np.array(learning.get("weight", "list", with_address=False))
    assert np.all(weights < -0.01)
    np.testing.assert_allclose(learning.get_array("weight")[-1][-1], weights)
