"""Events over the link: of sources, and of the stochastic synapses that listen to them."""

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import ideal, quantised
from pynn_brainscales.mapping.compile import compile
from pynn_brainscales.mapping.errors import MappingWarning
from pynn_brainscales.mapping.load import link_load
from pynn_brainscales.mapping.network import Source
from pynn_brainscales.mapping.target import Target

CHIP = Target(profile=quantised)  # at a speed-up of 1000 an event per ms is one per us


def chain(make, **synapse):
    pairs = [(0, 0), (0, 1), (1, 1)]
    return make.Network(
        (make.cells("A", 2, "IF_cond_exp"),), (make.poisson("P", 2),),
        (make.projection("in", "P", "A", pairs, 0.001, 1.0, **synapse),))


def test_stochastic_synapses_send_what_they_release(make):
    rate = make.poisson("P", 2).parameters["rate"] * 1e-3
    assert np.all(rate > 0)
    static = link_load(compile(chain(make), CHIP)).input_rate
    assert static == pytest.approx(rate.sum())  # one driver for each
    network = chain(make, model="SimpleStochasticSynapse")
    p = network.projections[0].parameters["p"]
    assert link_load(compile(network, CHIP)).input_rate == pytest.approx(p @ rate[[0, 0, 1]])
    assert link_load(compile(network, Target(profile=ideal))).input_rate == 0.0


def test_spike_arrays_over_their_span(make):
    times = np.array([0.0, 2.0, 10.0, 4.0, 6.0])
    source = Source("P", 2, "SpikeSourceArray", {"spike_times": times, "spike_index": np.array([0, 0, 0, 1, 1])})
    network = chain(make).replace(sources=(source,))
    assert link_load(compile(network, CHIP)).input_rate == pytest.approx(4 / 10.0)


def test_too_many_stochastic_events_are_told(make):
    source = make.poisson("P", 2)
    fast = source.replace(parameters=dict(source.parameters) | {"rate": np.full(2, 60e3)})
    with pytest.warns(MappingWarning, match="sources send 90 events/us of hardware time, and the link sustains about"):
        compile(chain(make, model="SimpleStochasticSynapse").replace(sources=(fast,)), CHIP)
