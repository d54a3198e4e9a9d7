"""Connectors give the same connections, in the same order, as PyNN's own loop (its mock backend)."""

import numpy as np
import pyNN.mock
import pytest
from pyNN import connectors as c
from pyNN.random import NumpyRNG, RandomDistribution

import pynn_brainscales as sim

CASES = {
    "all": lambda: c.AllToAllConnector(),
    "all but self": lambda: c.AllToAllConnector(allow_self_connections=False),
    "one": lambda: c.OneToOneConnector(),
    "p": lambda: c.FixedProbabilityConnector(0.3, rng=NumpyRNG(3)),
    "p but self": lambda: c.FixedProbabilityConnector(0.5, allow_self_connections=False, rng=NumpyRNG(4)),
    "p default rng": lambda: c.FixedProbabilityConnector(0.5),
    "list": lambda: c.FromListConnector([(0, 1, 0.1, 0.5), (3, 1, 0.2, 0.3), (2, 0, 0.3, 1.0), (3, 1, 0.4, 0.7)]),
    "list without parameters": lambda: c.FromListConnector([(0, 1), (5, 2)]),
    "pre": lambda: c.FixedNumberPreConnector(3, rng=NumpyRNG(5)),
    "post": lambda: c.FixedNumberPostConnector(3, rng=NumpyRNG(5)),
    "total": lambda: c.FixedTotalNumberConnector(20, rng=NumpyRNG(5)),
    "distance": lambda: c.DistanceDependentProbabilityConnector("exp(-d)", rng=NumpyRNG(6)),
    "array": lambda: c.ArrayConnector(np.random.RandomState(1).rand(8, 8) < 0.4)}
SYNAPSES = {
    "numbers": lambda s: s.StaticSynapse(weight=0.25, delay=0.5),
    # the mock backend can't take whole numbers
    "ints": lambda s: s.StaticSynapse(weight=1, delay=2) if s is sim else s.StaticSynapse(weight=1.0, delay=2.0),
    "random": lambda s: s.StaticSynapse(weight=RandomDistribution("uniform", (0.1, 0.2), rng=NumpyRNG(9)), delay=0.5),
    "both random": lambda s: s.StaticSynapse(weight=RandomDistribution("uniform", (0.1, 0.2), rng=NumpyRNG(9)),
                                             delay=RandomDistribution("uniform", (0.5, 2.0), rng=NumpyRNG(8))),
    "by distance": lambda s: s.StaticSynapse(weight="0.1 + 0.02*d", delay="0.5 + 0.1*d")}


def connect(simulator, connector, synapse):
    simulator.setup(timestep=0.1, min_delay=0.1)
    cells = simulator.Population(8, simulator.IF_curr_exp())
    projection = simulator.Projection(cells, cells, connector, synapse(simulator), receptor_type="excitatory")
    return [tuple(map(float, k)) for k in projection.get(["weight", "delay"], "list")]


# a list has its own parameters, the other connectors take those of the synapse type
PAIRS = [(c, s) for c in CASES for s in SYNAPSES if s == "numbers" or not c.startswith("list")]


@pytest.mark.parametrize(("connector", "synapse"), PAIRS)
def test_same_as_pynn(connector, synapse):
    expected = connect(pyNN.mock, CASES[connector](), SYNAPSES[synapse])
    assert len(expected) > 0
    np.testing.assert_allclose(connect(sim, CASES[connector](), SYNAPSES[synapse]), expected, rtol=1e-12)


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
    expected = connect(pyNN.mock, c.FixedProbabilityConnector(rng=NumpyRNG(2), **some), SYNAPSES["numbers"])
    assert connect(sim, c.FixedProbabilityConnector(rng=NumpyRNG(2), **some), SYNAPSES["numbers"]) == expected
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


def test_clone_and_file(tmp_path):
    sim.setup()
    cells = sim.Population(6, sim.IF_curr_exp())
    first = sim.Projection(cells, cells, sim.FixedProbabilityConnector(0.4, rng=NumpyRNG(1)),
                           sim.StaticSynapse(weight=0.2, delay=0.3))
    clone = sim.Projection(cells, cells, sim.CloneConnector(first), sim.StaticSynapse(weight=0.5, delay=0.3))
    assert [k[:2] for k in clone.get(["weight"], "list")] == [k[:2] for k in first.get(["weight"], "list")]
    first.save("all", str(tmp_path / "connections.txt"))
    read = sim.Projection(cells, cells, sim.FromFileConnector(str(tmp_path / "connections.txt")), sim.StaticSynapse())
    assert sorted(read.get(["weight", "delay"], "list")) == sorted(first.get(["weight", "delay"], "list"))


@pytest.mark.parametrize(("table", "sentence"), [
    ([(9, 0, 0.1, 0.5)], "source index out of range"), ([(0, 9, 0.1, 0.5)], "target index out of range"),
    ([(-1, 0, 0.1, 0.5)], "source index out of range")])
def test_lists_outside_the_populations_are_refused(table, sentence):
    sim.setup()
    cells = sim.Population(5, sim.IF_curr_exp())
    with pytest.raises(sim.errors.ConnectionError, match=sentence):
        sim.Projection(cells, cells, sim.FromListConnector(table), sim.StaticSynapse())
