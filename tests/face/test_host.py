"""Spikes that the host sends between two runs."""

import numpy as np
import pytest

import pynn_brainscales as sim


def network(**setup):
    sim.setup(timestep=0.1, min_delay=0.1, chip="ideal", **setup)
    source = sim.Population(3, sim.SpikeSourceArray(spike_times=[[5.0], [], []]), label="source")
    cells = sim.Population(3, sim.IF_curr_exp(tau_refrac=15.0), label="cells")
    sim.Projection(source, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=8.0, delay=1.0))
    source.record("spikes")
    cells.record("spikes")
    return source, cells


def trains(cells, segment=0):
    return [t.magnitude.round(6).tolist() for t in cells.get_data().segments[segment].spiketrains]


def test_sent_spikes_arrive_and_are_recorded():
    source, cells = network()
    sim.send_spikes(source, [1, 2], [2.0, 30.0])
    sim.run(20.0)
    sim.send_spikes(source, 0, 1.0)
    sim.run(20.0)
    assert trains(source) == [[5.0, 21.0], [2.0], [30.0]]
    assert [len(t) for t in trains(cells)] == [2, 1, 1]


def test_reset_forgets_what_was_sent():
    source, cells = network()
    sim.send_spikes(source, 1, 30.0)
    sim.run(10.0)
    sim.reset()
    sim.run(40.0)
    assert trains(cells, 1)[1] == []


def test_each_replica_its_own():
    source, cells = network(replicas=2)
    sim.send_spikes(source, np.array([1, 2]), 3.0, replica=np.array([0, 1]))
    sim.run(20.0)
    assert [[len(t) for t in trains(cells, r)] for r in (0, 1)] == [[1, 1, 0], [1, 0, 1]]


def test_only_sources_send():
    source, cells = network()
    with pytest.raises(ValueError, match="can't send spikes"):
        sim.send_spikes(cells, 0)
    with pytest.raises(ValueError, match="there are 0 to 2"):
        sim.send_spikes(source, 3)
    with pytest.raises(ValueError, match="delay must be >= 0"):
        sim.send_spikes(source, 0, -1.0)
