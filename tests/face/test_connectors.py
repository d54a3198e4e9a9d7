"""Connectors give the same connections, in the same order, as PyNN's own loop (its mock backend)."""

import time
import warnings

import numpy as np
import pyNN.mock
import pytest
from pyNN import connectors as c
from pyNN.core import IndexBasedExpression
from pyNN.parameters import LazyArray
from pyNN.random import NumpyRNG, RandomDistribution
from pyNN.recording import files

import pynn_brainscales as sim


class Striped(IndexBasedExpression):
    """A probability, or a weight, that depends on the indices."""

    def __call__(self, i, j):
        return ((i + 2 * j) % 3 + 0.5) / 4


def drawn(name, *parameters, seed=9):
    return RandomDistribution(name, parameters, rng=NumpyRNG(seed))


def fixed_number(side, **arguments):
    return lambda: getattr(c, f"FixedNumber{side}Connector")(rng=NumpyRNG(5), **arguments)


CASES = {
    "all": lambda: c.AllToAllConnector(),
    "all but self": lambda: c.AllToAllConnector(allow_self_connections=False),
    "one": lambda: c.OneToOneConnector(),
    "p": lambda: c.FixedProbabilityConnector(0.3, rng=NumpyRNG(3)),
    "p but self": lambda: c.FixedProbabilityConnector(0.5, allow_self_connections=False, rng=NumpyRNG(4)),
    "p default rng": lambda: c.FixedProbabilityConnector(0.5),
    "pre": fixed_number("Pre", n=3), "post": fixed_number("Post", n=3),
    "pre, more than there are": fixed_number("Pre", n=11), "post, more than there are": fixed_number("Post", n=11),
    "pre, replaced": fixed_number("Pre", n=3, with_replacement=True),
    "post, replaced": fixed_number("Post", n=3, with_replacement=True),
    "pre but self": fixed_number("Pre", n=3, allow_self_connections=False),
    "post but self": fixed_number("Post", n=3, allow_self_connections=False),
    "total": lambda: c.FixedTotalNumberConnector(20, rng=NumpyRNG(5)),
    "distance": lambda: c.DistanceDependentProbabilityConnector("exp(-d)", rng=NumpyRNG(6)),
    "distance but self": lambda: c.DistanceDependentProbabilityConnector("d < 3", allow_self_connections=False,
                                                                         rng=NumpyRNG(6)),
    "index": lambda: c.IndexBasedProbabilityConnector(Striped(), rng=NumpyRNG(6)),
    "displacement": lambda: c.DisplacementDependentProbabilityConnector(lambda d: np.exp(-abs(d[0])), rng=NumpyRNG(6)),
    "array": lambda: c.ArrayConnector(np.random.RandomState(1).rand(8, 8) < 0.4),
    "list": lambda: c.FromListConnector([(0, 1, 0.1, 0.5), (3, 1, 0.2, 0.3), (2, 0, 0.3, 1.0), (3, 1, 0.4, 0.7)]),
    "list without parameters": lambda: c.FromListConnector([(0, 1), (5, 2), (1, 2), (0, 0)]),
    "list of weights": lambda: c.FromListConnector([(0, 1, 0.1), (5, 2, 0.2)], column_names=("weight",))}
RANDOM = {"uniform": (0.1, 0.2), "normal_clipped": (0.1, 0.2, 0.0, 0.15), "gamma": (2.0, 0.1), "lognormal": (0.1, 0.2),
          "poisson": (3.0,), "uniform_int": (1, 9), "exponential": (0.1,), "normal_clipped_to_boundary": (0.1, 1, 0, 1),
          "binomial": (5, 0.5)}
SYNAPSES = {
    "numbers": lambda: {"weight": 0.25, "delay": 0.5},
    "ints": lambda: {"weight": 1, "delay": 2},
    "both random": lambda: {"weight": drawn("uniform", 0.1, 0.2), "delay": drawn("uniform", 0.5, 2.0, seed=8)},
    "one generator": lambda: (lambda rng: {"weight": RandomDistribution("uniform", (0.1, 0.2), rng=rng),
                                           "delay": RandomDistribution("uniform", (0.5, 2.0), rng=rng)})(NumpyRNG(7)),
    "by distance": lambda: {"weight": "0.1 + 0.02*d", "delay": lambda d: 0.5 + 0.1 * d},
    "by index": lambda: {"weight": Striped(), "delay": 0.5},
    "array": lambda: {"weight": np.arange(64.0).reshape(8, 8), "delay": 0.5}} | {
        name: lambda name=name: {"weight": drawn(name, *RANDOM[name]), "delay": 0.5} for name in RANDOM}


def connect(simulator, connector, parameters, ends=lambda cells, other: (cells, cells)):
    simulator.setup(timestep=0.1, min_delay=0.1)
    cells, other = simulator.Population(8, simulator.IF_curr_exp()), simulator.Population(5, simulator.IF_curr_exp())
    if simulator is pyNN.mock:  # it can't take whole numbers
        parameters = {k: float(v) if isinstance(v, int) else v for k, v in parameters.items()}
    projection = simulator.Projection(*ends(cells, other), connector, simulator.StaticSynapse(**parameters),
                                      receptor_type="excitatory")
    return [tuple(map(float, k)) for k in projection.get(["weight", "delay"], "list")]


def assert_same(connector, synapse, **more):
    expected = connect(pyNN.mock, connector(), synapse(), **more)
    found = connect(sim, connector(), synapse(), **more)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    return found


# PyNN takes the distance for an index in lists, and its mock backend can't take whole numbers there
NOT_IN_LISTS = ("by distance", "by index", "array", "poisson", "uniform_int", "binomial")
# what is drawn depends on how many sources each cell has: a few connectors for every synapse, and the other way round
PAIRS = [(c, s) for c in CASES for s in SYNAPSES
         if s == "numbers" or c in ("all", "p", "post, replaced", "distance") or (
             c == "list without parameters" and s not in NOT_IN_LISTS)]


@pytest.mark.filterwarnings("ignore:.*drawn from the same random numbers")
@pytest.mark.parametrize(("connector", "synapse"), PAIRS)
def test_same_as_pynn(connector, synapse):
    assert len(assert_same(CASES[connector], SYNAPSES[synapse])) > 0


ENDS = {"two populations": lambda cells, other: (cells, other), "views": lambda cells, other: (cells[2:], other[::2]),
        "assemblies": lambda cells, other: (cells[:3] + other, other[1:] + cells[4:]),
        "many to one": lambda cells, other: (cells, other[:1])}


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("connector", ["all but self", "one", "p", "p but self", "pre", "post, replaced", "total",
                                       "index"])
def test_same_as_pynn_between_views_and_assemblies(connector, ends):
    assert_same(CASES[connector], SYNAPSES["both random"], ends=ENDS[ends])


@pytest.mark.parametrize("shared", [False, True])
def test_connector_and_weights_from_one_generator(shared):
    """PyNN copies the generator of the weights before the connector draws from it."""
    found = []
    for simulator in (pyNN.mock, sim):
        rng = NumpyRNG(11)
        weight = RandomDistribution("uniform", (0.0, 1.0), rng=rng if shared else NumpyRNG(11))
        found.append(connect(simulator, c.FixedProbabilityConnector(0.4, rng=rng), {"weight": weight, "delay": 0.5}))
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_one_to_one_from_a_single_cell():
    """PyNN's own loop fails here with NumPy 2.1 and later."""
    sim.setup()
    one, cells = sim.Population(1, sim.SpikeSourceArray()), sim.Population(5, sim.IF_curr_exp())
    projection = sim.Projection(one, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.1))
    assert projection.get(["weight"], "list") == [(0, 0, 0.1)]


def pairs(projection):
    return {k[:2] for k in projection.get(["weight"], "list")}


def test_no_mutual_connections():
    sim.setup()
    cells, other = sim.Population(12, sim.IF_curr_exp()), sim.Population(5, sim.IF_curr_exp())
    synapse = sim.StaticSynapse(weight=0.1)
    some = {"p_connect": 0.6, "allow_self_connections": "NoMutual"}
    for pre, post in ((cells, cells), (cells[:8], cells[4:]), (cells, other)):
        every = sim.Projection(pre, post, sim.AllToAllConnector(allow_self_connections="NoMutual"), synapse)
        drawn = sim.Projection(pre, post, sim.FixedProbabilityConnector(rng=NumpyRNG(2), **some), synapse)
        for projection in (every, drawn):
            ids = {(int(pre[i]), int(post[j])) for i, j in pairs(projection)}
            assert len(ids) == len(projection)
            assert not any((j, i) in ids for i, j in ids)
        if pre is cells:
            assert len(every) == (12 * 11 // 2 if post is cells else 60)
    assert_same(lambda: c.FixedProbabilityConnector(rng=NumpyRNG(2), **some), SYNAPSES["numbers"])
    assert_same(lambda: c.DistanceDependentProbabilityConnector("exp(-d)", rng=NumpyRNG(2), allow_self_connections=(
        "NoMutual")), SYNAPSES["numbers"])
    with pytest.raises(ValueError, match="True, False and 'NoMutual'"):
        sim.AllToAllConnector(allow_self_connections="never")


@pytest.mark.parametrize("rewiring", [0.0, 0.3, 1.0])
def test_small_world(rewiring):
    sim.setup()
    cells = sim.Population(60, sim.IF_curr_exp())  # one unit apart on a line
    space = sim.Space(periodic_boundaries=((0, 60), None, None))
    make = {"degree": 3.5, "rewiring": rewiring, "allow_self_connections": False}
    projection = sim.Projection(cells, cells, sim.SmallWorldConnector(rng=NumpyRNG(3), **make), sim.StaticSynapse(
        weight=0.1), space=space)
    found = pairs(projection)
    assert len(projection) == len(found) == 60 * 6
    assert all(i != j for i, j in found)
    far = np.mean([min(abs(i - j), 60 - abs(i - j)) > 3 for i, j in found])
    assert far == pytest.approx(rewiring, abs=0.08)
    fewer = sim.Projection(cells, cells, sim.SmallWorldConnector(rng=NumpyRNG(3), n_connections=4, **make),
                           sim.StaticSynapse(weight=0.1), space=space)
    assert np.bincount([int(i) for i, _ in pairs(fewer)]).tolist() == [4] * 60
    with pytest.raises(sim.errors.ConnectionError, match="n_connections=9, but cell 0 has 6"):
        sim.Projection(cells, cells, sim.SmallWorldConnector(rng=NumpyRNG(3), n_connections=9, **make),
                       sim.StaticSynapse(weight=0.1), space=space)


def test_blocks_of_cells_give_the_same(monkeypatch):
    """Many cells are drawn together; where they are cut does not matter."""
    from pynn_brainscales import connectors

    results = []
    for block in (1, 20, 1 << 21):
        monkeypatch.setattr(connectors, "_BLOCK", block)
        results.append([connect(sim, CASES[name](), SYNAPSES[s]()) for name, s in (
            ("p", "gamma"), ("all but self", "by distance"), ("array", "array"), ("one", "uniform"))])
    assert results[0] == results[1] == results[2]


def test_clone():
    found = []
    for simulator in (pyNN.mock, sim):
        simulator.setup(min_delay=0.1)
        cells, other = (simulator.Population(n, simulator.IF_curr_exp()) for n in (6, 5))
        table = [(0, 1, 0.1, 0.5), (3, 1, 0.2, 0.3), (3, 1, 0.3, 0.4), (5, 4, 0.3, 0.4)]
        first = simulator.Projection(cells, other, c.FromListConnector(table), simulator.StaticSynapse(),
                                     receptor_type="excitatory")
        weight = drawn("uniform", 0.1, 0.2)
        clone = simulator.Projection(cells, other, c.CloneConnector(first), simulator.StaticSynapse(
            weight=weight, delay=0.3), receptor_type="excitatory")
        found.append([tuple(map(float, k)) for k in clone.get(["weight", "delay"], "list")])
    assert found[0] == found[1]
    with pytest.raises(sim.errors.ConnectionError, match="needs the populations of the projection it copies"):
        sim.Projection(other, cells, c.CloneConnector(first), sim.StaticSynapse())


@pytest.mark.parametrize("kind", ["name", "StandardTextFile", "PickleFile", "NumpyBinaryFile"])
@pytest.mark.parametrize("count", [1, 5])
def test_files(tmp_path, kind, count):
    sim.setup()
    cells = sim.Population(6, sim.IF_curr_exp())
    table = [(k, (k * k) % 5, 0.1 * k, 0.5, 0.1 + 0.1 * k) for k in range(count)]
    first = sim.Projection(cells, cells, sim.FromListConnector(table, ("weight", "delay", "U")),
                           sim.TsodyksMarkramSynapse(tau_rec=77.0))
    path = str(tmp_path / "connections")

    def file(mode):
        return path if kind == "name" else getattr(files, kind)(
            path, mode if kind == "StandardTextFile" else mode + "b")

    first.save("all", file("w"))
    names = ["weight", "delay", "U", "tau_rec", "tau_facil"]
    read = sim.Projection(cells, cells, sim.FromFileConnector(file("r")), sim.TsodyksMarkramSynapse())
    assert read.get(names, "list") == first.get(names, "list")


def test_lists_with_other_parameters_of_the_synapse_type():
    """A list may have some parameters; the others come from the synapse type, in all of PyNN's forms."""
    sim.setup()
    cells = sim.Population(6, sim.IF_curr_exp())
    table = [(0, 1, 0.1), (5, 1, 0.2), (2, 4, 0.3)]
    for delay, expected in ((0.7, [0.7] * 3), (lambda d: 0.5 + d, [1.5, 4.5, 2.5]),
                            (np.arange(36.0).reshape(6, 6) + 1, [2.0, 32.0, 17.0])):
        projection = sim.Projection(cells, cells, sim.FromListConnector(table, ("weight",)),
                                    sim.StaticSynapse(delay=delay))
        assert projection.get("delay", "list", with_address=False) == pytest.approx(expected)
        assert projection.get("weight", "list", with_address=False) == [0.1, 0.2, 0.3]


def test_connection_sets():
    csa = pytest.importorskip("csa")
    sim.setup()
    cells, other = sim.Population(6, sim.IF_curr_exp()), sim.Population(5, sim.IF_curr_exp())
    mask = sim.Projection(cells, other, sim.CSAConnector(csa.oneToOne), sim.StaticSynapse(weight=0.3, delay=0.5))
    assert mask.get("weight", "list") == [(i, i, 0.3) for i in range(5)]
    some = csa.cset(csa.cross(range(3), range(2)), 0.4, 1.5)
    valued = sim.Projection(cells, other, sim.CSAConnector(some), sim.StaticSynapse())
    assert sorted(valued.get(["weight", "delay"], "list")) == [(i, j, 0.4, 1.5) for i in range(3) for j in range(2)]


def test_callbacks():
    """With the share that is done, after each postsynaptic cell; also for an assembly."""
    sim.setup()
    cells, other = sim.Population(3, sim.IF_curr_exp()), sim.Population(2, sim.IF_curr_exp())
    for make in (sim.AllToAllConnector, lambda callback: sim.FixedNumberPreConnector(2, callback=callback)):
        seen = []
        sim.Projection(cells, cells + other, make(callback=seen.append), sim.StaticSynapse(weight=0.1))
        assert seen == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])


class OneColumn(c.MapConnector):
    """A connector of a user."""

    def connect(self, projection):
        self.used = True
        self._connect_with_map(projection, LazyArray(lambda i, j: j == 1, shape=projection.shape))


def test_connectors_of_the_user():
    sim.setup()
    one, cells = sim.Population(1, sim.SpikeSourceArray()), sim.Population(3, sim.IF_curr_exp())
    connector = OneColumn()
    for pre in (one, cells):
        projection = sim.Projection(pre, cells, connector, sim.StaticSynapse(weight=0.1))
        assert pairs(projection) == {(i, 1) for i in range(pre.size)}
    assert connector.used
    assert "_standard_connect" not in vars(connector)


def test_no_self_connections_between_views():
    """A cell does not connect to itself, wherever it stands in the views; PyNN looks at whole populations only."""
    sim.setup()
    cells = sim.Population(9, sim.IF_curr_exp())
    some = {"allow_self_connections": False, "rng": NumpyRNG(3)}
    for make in (lambda: sim.FixedNumberPreConnector(5, **some), lambda: sim.FixedNumberPostConnector(5, **some),
                 lambda: sim.FixedNumberPreConnector(5, with_replacement=True, **some),
                 lambda: sim.FixedNumberPostConnector(5, with_replacement=True, **some),
                 lambda: sim.FixedTotalNumberConnector(40, **some), lambda: sim.FixedProbabilityConnector(0.9, **some)):
        projection = sim.Projection(cells[2:], cells[[8, 1, 4, 5]], make(), sim.StaticSynapse(weight=0.1))
        assert len(projection) > 10
        ids = [(int(cells[2:][i]), int(cells[[1, 4, 5, 8]][j])) for i, j in pairs(projection)]
        assert all(i != j for i, j in ids)


def test_a_total_number_without_replacement():
    sim.setup()
    cells = sim.Population(5, sim.IF_curr_exp())
    connector = sim.FixedTotalNumberConnector(20, with_replacement=False, allow_self_connections=False)
    projection = sim.Projection(cells, cells, connector, sim.StaticSynapse(weight=0.1))
    assert pairs(projection) == {(i, j) for i in range(5) for j in range(5) if i != j}
    with pytest.raises(sim.errors.ConnectionError, match="21 connections were asked for, there are 20 pairs"):
        sim.Projection(cells, cells, sim.FixedTotalNumberConnector(
            21, with_replacement=False, allow_self_connections=False), sim.StaticSynapse(weight=0.1))
    drawn_number = sim.FixedTotalNumberConnector(drawn("poisson", 8.0), rng=NumpyRNG(1))
    assert 0 < len(sim.Projection(cells, cells, drawn_number, sim.StaticSynapse(weight=0.1))) < 30


def test_an_array_of_ones_is_a_mask():
    """PyNN takes the numbers of each column for indices."""
    sim.setup()
    cells, other = sim.Population(3, sim.IF_curr_exp()), sim.Population(2, sim.IF_curr_exp())
    mask = np.array([[0, 1], [1, 0], [1, 1]])
    projection = sim.Projection(cells, other, sim.ArrayConnector(mask), sim.StaticSynapse(weight=0.1))
    assert pairs(projection) == set(zip(*map(np.ndarray.tolist, np.nonzero(mask)), strict=True))


class Even(IndexBasedExpression):
    def __call__(self, i, j):
        return 0.5 + 0.0 * (i + j)


MAPS = {"fixed": lambda rng: sim.FixedProbabilityConnector(0.5, rng=rng),
        "distance": lambda rng: sim.DistanceDependentProbabilityConnector("exp(-d/10)", rng=rng),
        "index": lambda rng: sim.IndexBasedProbabilityConnector(Even(), rng=rng)}


@pytest.mark.parametrize("make", MAPS.values(), ids=MAPS)
def test_maps_from_a_shared_generator(make):
    """Repeated, as in PyNN, where each map is drawn from a copy, and said; or another one each time."""
    for mode in ("repeat", "continue"):
        sim.setup(shared_rng=mode)
        cells = sim.Population(20, sim.IF_curr_exp())
        rng = NumpyRNG(1)
        connector = make(rng)
        one = sim.Projection(cells, cells, connector, sim.StaticSynapse(weight=0.1), label="one")
        with (pytest.warns(UserWarning, match="connectivity of two .* as the connectivity of one") if mode == "repeat"
              else warnings.catch_warnings(action="error")):
            two = sim.Projection(cells, cells, connector, sim.StaticSynapse(weight=0.1), label="two")
        three = sim.Projection(cells, cells, make(rng), sim.StaticSynapse(weight=0.1), label="three")
        pyNN.mock.setup()
        others = pyNN.mock.Population(20, pyNN.mock.IF_curr_exp())
        peer = pyNN.mock.Projection(others, others, make(NumpyRNG(1)), pyNN.mock.StaticSynapse(weight=0.1))
        peers = {(i, j) for i, j, _ in peer.get(["weight"], "list")}
        assert pairs(one) == peers
        assert 0 < len(peers) < 400
        assert (pairs(two) == pairs(one)) is (pairs(three) == pairs(one)) is (mode == "repeat")


def test_connectors_without_a_generator():
    """All alike, as in PyNN; each with numbers of its own where shared generators draw on."""
    for mode in ("repeat", "continue"):
        found = []
        for _ in range(2):
            sim.setup(shared_rng=mode)
            cells = sim.Population(20, sim.IF_curr_exp())
            for _ in range(2):
                projection = sim.Projection(cells, cells, sim.FixedProbabilityConnector(0.5),
                                            sim.StaticSynapse(weight=0.1))
                found.append(pairs(projection))
        assert (found[0] == found[1]) is (mode == "repeat")
        assert found[:2] == found[2:]


def test_many_connections_are_made_fast():
    sim.setup()
    pre, post = sim.Population(1000, sim.SpikeSourceArray()), sim.Population(1000, sim.IF_curr_exp())
    for connector in (sim.FixedProbabilityConnector(0.1), sim.FixedNumberPreConnector(100)):
        start = time.perf_counter()
        projection = sim.Projection(pre, post, connector, sim.StaticSynapse(weight=0.1, delay=0.5))
        assert projection.get("weight", "array").shape == (1000, 1000)
        assert time.perf_counter() - start < 2.0


@pytest.mark.parametrize(("connector", "error", "sentence"), [
    (lambda: c.ArrayConnector(np.ones((2, 3), bool)), "InvalidDimensionsError",
     r"shape \(2, 3\), the projection \(5, 5\)"),
    (lambda: c.ArrayConnector(np.full((5, 5), 0.3)), "ConnectionError", "True and False or 1 and 0"),
    (lambda: c.FromListConnector([(0.5, 1, 0.1, 0.5)]), "ConnectionError", r"index 0\.5 is not a whole number"),
    (lambda: c.FromListConnector([(0, 1, float("nan"), 0.5)]), "InvalidParameterValueError",
     "finite numbers, got nan")])
def test_connectors_that_make_no_sense(connector, error, sentence):
    sim.setup()
    cells = sim.Population(5, sim.IF_curr_exp())
    with pytest.raises(getattr(sim.errors, error), match=sentence):
        sim.Projection(cells, cells, connector(), sim.StaticSynapse())


def test_what_connectors_cannot_do():
    sim.setup()
    cells = sim.Population(5, sim.IF_curr_exp())
    with pytest.raises(NotImplementedError, match=r"location_selector='soma', but the cells of .* leave it out"):
        sim.Projection(cells, cells, sim.AllToAllConnector(location_selector="soma"), sim.StaticSynapse())
    with pytest.raises(ValueError, match="U is not a parameter of StaticSynapse; there are weight, delay"):
        sim.Projection(cells, cells, sim.FromListConnector([(0, 1, 0.5)], column_names=("U",)), sim.StaticSynapse())
    with pytest.warns(UserWarning, match="FixedNumberPreConnector can't avoid mutual connections"):
        sim.Projection(cells, cells, sim.FixedNumberPreConnector(2, allow_self_connections="NoMutual"),
                       sim.StaticSynapse())
    with pytest.warns(UserWarning, match=r"p_connect=1\.5 is more than 1; all pairs are connected"):
        assert len(sim.Projection(cells, cells, sim.FixedProbabilityConnector(1.5), sim.StaticSynapse())) == 25
    for weight, sentence in (([0.1, 0.2], r"2 values in a list; .*then set\(weight"),
                             (np.ones((2, 5)), r"array of weight has shape \(2, 5\), the projection \(5, 5\)")):
        with pytest.raises(sim.errors.InvalidDimensionsError, match=sentence):
            sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=weight))
    alone = cells[:1]
    with pytest.raises(sim.errors.ConnectionError, match="no cell to connect to but itself"):
        sim.Projection(alone, alone, sim.FixedNumberPreConnector(2, allow_self_connections=False), sim.StaticSynapse())


@pytest.mark.parametrize(("table", "sentence"), [
    ([(9, 0, 0.1, 0.5)], "source index out of range"), ([(0, 9, 0.1, 0.5)], "target index out of range"),
    ([(-1, 0, 0.1, 0.5)], "source index out of range")])
def test_lists_outside_the_populations_are_refused(table, sentence):
    sim.setup()
    cells = sim.Population(5, sim.IF_curr_exp())
    with pytest.raises(sim.errors.ConnectionError, match=sentence):
        sim.Projection(cells, cells, sim.FromListConnector(table), sim.StaticSynapse())
