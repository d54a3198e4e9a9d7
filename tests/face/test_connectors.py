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
