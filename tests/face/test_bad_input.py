"""Calls that make no sense: each raises an error at once, which says what was asked for and what is allowed."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

import pynn_brainscales as sim

INVALID = sim.errors.InvalidParameterValueError


@pytest.fixture
def net():
    """A small network, and a current source."""
    sim.setup(timestep=0.1, chip="ideal", max_delay=4.0)
    cells = sim.Population(3, sim.IF_cond_exp(), label="cells")
    source = sim.Population(3, sim.SpikeSourceArray(spike_times=[1.0]), label="source")
    return SimpleNamespace(cells=cells, source=source, both=sim.Assembly(cells, source), dc=sim.DCSource(amplitude=0.1))


SETUP = [
    ({"circuits_per_neuron": 1.5}, "circuits_per_neuron=1.5 must be a whole number"),
    ({"circuits_per_neuron": None}, "circuits_per_neuron=None must be a whole number"),
    ({"max_chips": "two"}, "max_chips='two' must be a whole number >= 1, or None"),
    ({"max_chips": 0}, "max_chips=0; available: at least 1"),
    ({"speedup": "fast"}, "speedup='fast' must be a number > 0"),
    ({"speedup": float("inf")}, "speedup=inf must be a number > 0"),
    ({"seed": "a"}, "seed='a' must be a whole number >= 0"),
    ({"seed": float("nan")}, "seed=nan must be a whole number >= 0"),
    ({"chip_seed": -1}, "chip_seed=-1 must be a whole number >= 0"),
]


@pytest.mark.parametrize(("arguments", "message"), SETUP)
def test_setup(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        sim.setup(**arguments)


CALLS = [
    # running
    (lambda n: sim.run("5"), ValueError, "a run of '5' ms was asked for"),
    (lambda n: sim.run(float("nan")), ValueError, "a run of nan ms was asked for"),
    (lambda n: sim.run(1.0, callbacks=3), TypeError, "callbacks=3 must be a function"),
    (lambda n: sim.run(1.0, callbacks=0), TypeError, "callbacks=0 must be a function"),
    (lambda n: sim.run(1.0, callbacks=[3]), TypeError, "callbacks: 3 can't be called"),
    (lambda n: sim.run_until(1.0, callbacks="ab"), TypeError, "callbacks='ab' must be a function"),
    (lambda n: sim.save_network("x.xml"), ValueError, "'x.xml'): a network is written as JSON"),
    # trials
    (lambda n: sim.run_trials(10.0, {}, 1, first_trial=-1), ValueError, "first_trial=-1 must be a whole number >= 0"),
    (lambda n: sim.run_trials(10.0, {}, 1.5), ValueError, "trials=1.5 must be a whole number >= 1"),
    (lambda n: sim.run_trials(10.0, {}, 0), ValueError, "trials=0 must be a whole number >= 1"),
    (lambda n: sim.run_trials(0.04, {}, 1), ValueError, "duration=0.04 must be a time in ms of at least one timestep"),
    (lambda n: sim.run_trials("a", {}, 1), ValueError, "duration='a' must be a time"),
    (lambda n: sim.run_trials(10.0, 3, 1), TypeError, "spikes=3 must be a dictionary"),
    # recording
    (lambda n: n.cells.record("v", to_file=3), TypeError, "cells: to_file=3 must be the name of a file"),
    (lambda n: n.both.record("spikes", to_file=3), TypeError, "to_file=3 must be the name of a file"),
    (lambda n: n.cells.record(3), TypeError, "variables are given by a name or a list of names, not by 3"),
    (lambda n: n.both.record(3), TypeError, "variables are given by a name or a list of names, not by 3"),
    (lambda n: n.cells[:1].record(3), TypeError, "variables are given by a name or a list of names, not by 3"),
    (lambda n: n.cells.get_data(3), TypeError, "variables are given by a name or a list of names, not by 3"),
    (lambda n: n.cells.record("v", sampling_interval="a"), ValueError, "sampling_interval='a' must be a time in ms"),
    (lambda n: n.cells.record("v", sampling_interval=np.inf), ValueError, "sampling_interval=inf must be a time in ms"),
    # cells and sources
    (lambda n: n.cells.sample(2, rng=3), TypeError, "cells: rng=3 must be one of pyNN.random"),
    (lambda n: n.both.sample(2, rng=3), TypeError, "rng=3 must be one of pyNN.random"),
    (lambda n: sim.Population(1, sim.IF_cond_exp(), initial_values=-60.0), TypeError,
     "initial_values=-60.0 must be a dictionary"),
    (lambda n: sim.Population(1, sim.IF_cond_exp, 3), TypeError, "cellparams=3 must be a dictionary"),
    (lambda n: sim.Population(1, sim.SpikeSourceArray(spike_times=[-1.0, 2.0])), INVALID,
     "spike_times count from 0 ms and can't be negative, got -1"),
    (lambda n: n.source.set(spike_times=[-3.0]), INVALID, "can't be negative, got -3"),
    (lambda n: sim.Population(1, sim.SpikeSourcePoisson(rate=1e9)), INVALID,
     "a rate of 1e+09 Hz is more than 1000 spikes in each timestep of 0.1 ms; use at most 1e+07 Hz"),
    (lambda n: sim.Population(1, sim.SpikeSourcePoissonRefractory(rate=1e9)), INVALID, "a rate of 1e+09 Hz is more"),
    (lambda n: sim.Population(1, sim.SpikeSourceGamma(alpha=1.0, beta=1e9)), INVALID, "a rate of 1e+09 Hz is more"),
    # currents
    (lambda n: sim.DCSource(start=50.0, stop=10.0), INVALID, "DCSource: stop must not be before start, 50 ms, got 10"),
    (lambda n: n.dc.set_parameters(start=50.0, stop=10.0), INVALID, "DCSource: stop must not be before start"),
    (lambda n: sim.ACSource(start=50.0, stop=10.0), INVALID, "ACSource: stop must not be before start"),
    (lambda n: sim.NoisyCurrentSource(start=50.0, stop=10.0), INVALID, "stop must not be before start"),
    (lambda n: n.dc.inject_into(3), TypeError, "DCSource can be injected into populations, views"),
    (lambda n: n.dc.inject_into([3]), TypeError, "DCSource can be injected into populations, views"),
    (lambda n: n.cells.inject(3), TypeError, "cells: only a current source can be injected"),
    (lambda n: n.both.inject(3), TypeError, "only a current source can be injected"),
    (lambda n: n.cells[0].inject(3), TypeError, "only a current source can be injected"),
    # connectors
    (lambda n: sim.connectors.FromListConnector("list.txt"), TypeError, "conn_list='list.txt' must be a list with"),
    (lambda n: sim.connectors.FromListConnector([0, 1]), TypeError, "conn_list=[0, 1] must be a list with"),
    (lambda n: sim.connectors.FromListConnector([(0, 1), (0,)]), TypeError, "must be a list with (source, target"),
    (lambda n: sim.connectors.CloneConnector(3), TypeError, "CloneConnector: 3 is not a projection"),
    (lambda n: sim.Projection(n.source, n.cells, sim.CloneConnector(3)), TypeError, "3 is not a projection"),
    (lambda n: sim.Projection(n.source, n.cells, sim.AllToAllConnector(), space=3), TypeError,
     "space=3 must be a Space(...)"),
    (lambda n: sim.connectors.FixedProbabilityConnector(-0.5), ValueError, "p_connect=-0.5 must be a number"),
    (lambda n: sim.connectors.FixedProbabilityConnector(float("nan")), ValueError, "p_connect=nan must be a number"),
    (lambda n: sim.connectors.FixedProbabilityConnector(0.5, allow_self_connections=3), ValueError,
     "allow_self_connections=3; there are True, False and 'NoMutual'"),
    (lambda n: sim.connectors.FixedNumberPreConnector(-1), ValueError, "n=-1 must be a whole number >= 0"),
    (lambda n: sim.connectors.FixedNumberPostConnector(-1), ValueError, "n=-1 must be a whole number >= 0"),
    (lambda n: sim.connectors.FixedTotalNumberConnector(1.5), TypeError, "n=1.5 must be a whole number >= 0"),
    (lambda n: sim.connectors.SmallWorldConnector(-1, 0.5), ValueError, "degree=-1 must be a distance >= 0"),
    (lambda n: sim.connectors.SmallWorldConnector(1, -1), ValueError, "rewiring=-1 must be a probability"),
    (lambda n: sim.connectors.SmallWorldConnector(1, 0.5, n_connections=-1), ValueError, "n_connections=-1 must be"),
]


@pytest.mark.parametrize(("call", "error", "message"), CALLS, ids=[message[:40] for _, _, message in CALLS])
def test_wrong_call(net, call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call(net)


@pytest.mark.parametrize("make", [
    lambda n: sim.Projection(n.source, n.cells, sim.AllToAllConnector(), sim.StaticSynapse(delay=5.0)),
    lambda n: sim.Projection(n.source, n.cells, sim.FromListConnector([(0, 1, 0.1, 5.0)])),
    lambda n: sim.Projection(n.source, n.cells, sim.AllToAllConnector()).set(delay=5.0)])
def test_delays_beyond_the_longest_are_told(net, make):
    """PyNN has no rule for them."""
    with pytest.warns(UserWarning, match="a delay of 5 ms is longer than max_delay=4 ms"):
        make(net)


def test_what_is_allowed(net, tmp_path):
    """What is close to these, and makes sense."""
    net.dc.start = 2.0
    net.dc.set_parameters(start=2.0, stop=2.0)
    net.cells.record("v", to_file=tmp_path / "v.pkl")
    net.cells.sample(2, rng=np.random.default_rng(1))
    sim.Projection(net.source, net.cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.01, delay=4.0))
    sim.run(1.0, callbacks=(lambda t: t + 1.0,))
    sim.end()
    assert (tmp_path / "v.pkl").exists()
    sim.setup(timestep=0.1, circuits_per_neuron=np.int64(2), max_chips=2.0, seed=np.uint8(3))


def test_trials_take_whole_steps():
    sim.setup(timestep=0.1, chip="ideal")
    cells = sim.Population(2, sim.IF_cond_exp(), label="cells")
    cells.record("v")
    one, other = (sim.run_trials(t, {}, 2).signals["cells", "v"] for t in (10.04, 10.0))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("make", [
    lambda kind: kind.FixedProbabilityConnector(0.5, rng=sim.NumpyRNG(1)),
    lambda kind: kind.FixedNumberPreConnector(2, rng=sim.NumpyRNG(1)),
    lambda kind: kind.FixedNumberPostConnector(2, rng=sim.NumpyRNG(1)),
    lambda kind: kind.FixedTotalNumberConnector(7, rng=sim.NumpyRNG(1)),
    lambda kind: kind.SmallWorldConnector(2.5, 0.3, rng=sim.NumpyRNG(1)),
    lambda kind: kind.FromListConnector([(0, 1, 0.1, 1.0), (3, 2, 0.2, 1.0)]),
    lambda kind: kind.FromListConnector([]),
])
def test_checked_connectors_connect_as_those_of_pynn(make):
    import pyNN.connectors

    pairs = []
    for kind in (pyNN.connectors, sim.connectors):
        sim.setup(timestep=0.1, chip="ideal")
        cells = sim.Population(5, sim.IF_cond_exp())
        projection = sim.Projection(cells, cells, make(kind), sim.StaticSynapse(weight=0.1, delay=1.0))
        pairs.append(projection.get(["weight"], "list"))
    assert pairs[0] == pairs[1]
