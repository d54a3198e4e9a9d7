"""Before anything is computed: what no chip, and no simulator, can do."""

from __future__ import annotations

import warnings

import numpy as np
from pynn_brainscales.emulator import limits

from .cells import CONDUCTANCE_MODELS, comparator
from .errors import MappingError, MappingWarning
from .network import Network, Population, Projection, Source, verify_network
from .scale import us_per_ms
from .target import Target

_POSITIVE = ("cm", "tau_m", "tau_syn_E", "tau_syn_I", "tau_w")
_NOT_NEGATIVE = ("tau_refrac", "delta_T")


def check(network: Network, target: Target) -> None:
    """Raise MappingError for a network that can't be mapped to any chip; warn where it would be mapped badly."""
    verify_network(network)
    for population in network.populations:
        _check_cells(population)
    for source in network.sources:
        _check_source(source)
    for projection in network.projections:
        _check_synapses(projection, network)
    _check_size(network, target)
    _check_step(network, target)


def _check_cells(p: Population) -> None:
    where = f"population {p.label!r}"
    for name in (*_POSITIVE, *_NOT_NEGATIVE):
        if name not in p.parameters:
            continue
        least = float(p.parameters[name].min())
        if least < 0 or (least == 0 and name in _POSITIVE):
            raise MappingError(f"{name}={least:g}", f"{name} {'>' if name in _POSITIVE else '>='} 0", where)
    threshold = comparator(p)
    below = np.minimum(p.parameters["v_rest"], p.parameters["v_reset"])
    if np.any(threshold <= below):
        i = int(np.flatnonzero(threshold <= below)[0])
        name = "v_thresh" if np.array_equal(threshold, p.parameters["v_thresh"]) else "v_spike"
        raise MappingError(
            f"{name}={threshold[i]:g} mV for neuron {i}, below its whole range",
            f"a threshold above the lower of v_rest={p.parameters['v_rest'][i]:g} and "
            f"v_reset={p.parameters['v_reset'][i]:g} mV", where,
            "the comparator fires when the membrane crosses the threshold from below: raise the threshold")


def _check_source(s: Source) -> None:
    where, p = f"population {s.label!r}", s.parameters
    if "rate" in p and np.any(p["rate"] < 0):
        raise MappingError(f"rate={p['rate'].min():g} Hz", "rate >= 0", where)
    for name in ("alpha", "beta"):
        if name in p and np.any(p[name] <= 0):
            raise MappingError(f"{name}={p[name].min():g}", f"{name} > 0", where)
    if s.model == "SpikeSourcePoissonRefractory" and np.any(p["rate"] * p["tau_refrac"] >= 1e3 * (1 - 1e-12)):
        i = int(np.argmax(p["rate"] * p["tau_refrac"]))
        raise MappingError(f"rate={p['rate'][i]:g} Hz with tau_refrac={p['tau_refrac'][i]:g} ms",
                           f"a mean rate below {1e3 / p['tau_refrac'][i]:g} Hz", where, "lower one of the two")


def _check_synapses(p: Projection, network: Network) -> None:
    where = f"projection {p.label!r}"
    if len(p) == 0:
        return
    conductance = network.population(p.post).model in CONDUCTANCE_MODELS
    low, high = float(p.weight.min()), float(p.weight.max())
    if (conductance or p.receptor == "excitatory") and low < 0:
        kind = "conductance-based" if conductance else "current-based excitatory"
        raise MappingError(f"a weight of {low:g} for {kind} synapses", "weights >= 0", where,
                           "the sign of a synapse comes from its receptor_type")
    if not conductance and p.receptor == "inhibitory" and high > 0:
        raise MappingError(f"a weight of {high:g} for current-based inhibitory synapses", "weights <= 0", where,
                           "the sign of a synapse comes from its receptor_type")
    least = max(network.min_delay, network.timestep)
    shortest = float(p.delay.min())
    if shortest < least * (1 - 1e-9):
        raise MappingError(f"a delay of {shortest:g} ms", f"delays of at least {least:g} ms (min_delay, timestep)",
                           where, "raise the delay, or lower timestep and min_delay in setup()")


def _check_size(network: Network, target: Target) -> None:
    if not target.profile.limited or target.max_chips is None:
        return
    circuits = network.neurons * target.circuits_per_neuron
    room = target.max_chips * limits.CIRCUITS
    if circuits > room:
        raise MappingError(f"{network.neurons} neurons of at least {target.circuits_per_neuron} circuit(s)",
                           f"{room} circuits on {target.max_chips} chip(s)",
                           hint="raise max_chips, join fewer circuits, or use chip='ideal'")


def _check_step(network: Network, target: Target) -> None:
    step = network.timestep * us_per_ms(target)
    if target.profile.limited and step > limits.MAX_STEP_US * (1 + 1e-9):
        warnings.warn(f"a timestep of {network.timestep:g} ms is {step:g} us of hardware time; above "
                      f"{limits.MAX_STEP_US:g} us latencies and spike times of the chip are coarse", MappingWarning,
                      stacklevel=2)
