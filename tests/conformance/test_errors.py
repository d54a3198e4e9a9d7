"""The errors that PyNN names: each says what was asked for, what there is, or what to do."""

import numpy as np
import pytest

import pynn_brainscales as sim
from pynn_brainscales import errors


@pytest.fixture
def cells(ideal):
    return sim.Population(3, sim.IF_cond_exp(), label="cells")


def source():
    return sim.Population(2, sim.SpikeSourceArray(spike_times=[1.0]), label="source")


def prj(cells, **synapse):
    return sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(**{"weight": 0.1} | synapse))


CASES = {
    "unsorted spikes": (lambda c: sim.Population(1, sim.SpikeSourceArray(spike_times=[2.0, 1.0])),
                        errors.InvalidParameterValueError, "spike_times"),
    "parameter of a wrong type": (lambda c: c.set(tau_m="long"), errors.InvalidParameterValueError, "tau_m"),
    "no such parameter": (lambda c: c.set(tau=1.0), errors.NonExistentParameterError, "tau .*tau_m"),
    "no such parameter of a model": (lambda c: sim.IF_cond_exp(tau=1.0), errors.NonExistentParameterError, "tau_m"),
    "no such state variable": (lambda c: c.initialize(w=1.0), errors.NonExistentParameterError, "w .*gsyn_exc"),
    "no such synaptic parameter": (lambda c: prj(c).set(U=1.0), errors.NonExistentParameterError, "U .*weight"),
    "no such attribute": (lambda c: prj(c).get("U", "list"), errors.NonExistentParameterError, "U .*weight"),
    "as many values": (lambda c: prj(c).set(weight=[1.0]), errors.InvalidDimensionsError, "1 values .* 9 connections"),
    "sign": (lambda c: prj(c, weight=-0.1), errors.ConnectionError, "change their sign or the receptor_type"),
    "delay": (lambda c: prj(c, delay=0.01), errors.ConnectionError, "smallest possible is 0.1 ms"),
    "receptor": (lambda c: sim.Projection(c, c, sim.AllToAllConnector(), sim.StaticSynapse(), receptor_type="NMDA"),
                 errors.ConnectionError, "NMDA"),
    "index": (lambda c: sim.Projection(c, c, sim.FromListConnector([(0, 5)]), sim.StaticSynapse()),
              errors.ConnectionError, "target index out of range"),
    "onto sources": (lambda c: sim.Projection(c, source(), sim.AllToAllConnector(), sim.StaticSynapse()),
                     errors.ConnectionError, "'source' can't receive synapses"),
    "variable": (lambda c: c.record("w"), errors.RecordingError, "Cannot record w"),
    "variable of a source": (lambda c: source().record("v"), errors.RecordingError, "Cannot record v"),
    "nothing recorded": (lambda c: sim.DCSource().get_data(), errors.NothingToWriteError, "call record"),
    "nothing recorded of synapses": (lambda c: prj(c).get_data(), errors.NothingToWriteError, "record\\('weight'\\)"),
    "injecting into sources": (lambda c: source().inject(sim.DCSource()), TypeError, "spike source"),
    "the past": (lambda c: (sim.run(1.0), sim.run_until(0.5)), ValueError, "in the past"),
    "sampling interval": (lambda c: c.record("v", sampling_interval=0.15), ValueError, "multiple of the timestep"),
    "setup": (lambda c: sim.setup(timestep=0.2, min_delay=0.1), ValueError, "at least the timestep"),
    "mindelay": (lambda c: sim.setup(mindelay=0.1), TypeError, "it is called 'min_delay'"),
    "model that is not there": (lambda c: sim.MultiCompartmentNeuron, NotImplementedError, "one compartment"),
}


@pytest.mark.parametrize("case", CASES)
def test_errors(cells, case):
    call, error, sentence = CASES[case]
    with pytest.raises(error, match=sentence):
        call(cells)
    assert np.all(cells.get("tau_m") == 20.0)  # nothing has changed
