"""Before anything is computed: what no chip, and no simulator, can do."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
from pynn_brainscales.emulator import limits

from .canonical import CIRCUITS
from .cells import comparator
from .errors import MappingError, MappingWarning
from .network import Network, Population, Projection, Source, verify_network
from .scale import us_per_ms
from .slots import check_slots
from .target import Target

_POSITIVE = ("cm", "tau_m", "tau_syn_E", "tau_syn_I", "tau_w", "tau_syn", "tau_rise", "tau_decay", "tau_sfa", "tau_rr",
             "tau_eta", "tau_gamma", "delta_v", "tau_plus", "tau_minus", "tau")
_NOT_NEGATIVE = ("tau_refrac", "delta_T", "g_leak", "gbar_Na", "gbar_K", "lambda0", "q_sfa", "q_rr", "tau_rec",
                 "tau_facil", "w_min", "mu_plus", "mu_minus", "rho")
_SHARES = ("U", "p", "u", "dendritic_delay_fraction")  # from 0 to 1


def check(network: Network, target: Target) -> None:
    """Raise MappingError for a network that can't be mapped to any chip; warn where it would be mapped badly."""
    verify_network(network)
    for population in network.populations:
        _check_cells(population)
    for source in network.sources:
        _check_source(source)
    for projection in network.projections:
        _check_synapses(projection, network)
        check_slots(projection, {p.label: p.size for p in network.parts}[projection.pre])
    _check_size(network, target)
    _check_step(network, target)


def _check_cells(p: Population) -> None:
    where = f"population {p.label!r}"
    _check_ranges(p.parameters, where)
    if p.model == "IF_facets_hardware1" and np.any(p.parameters["g_leak"] == 0):
        raise MappingError("g_leak=0", "g_leak > 0", where)
    if "v_thresh" not in p.parameters:
        return
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


def _check_ranges(parameters: Mapping[str, np.ndarray], where: str) -> None:
    """Parameters that must be positive, or not negative, or shares; "AMPA.tau_syn" counts as "tau_syn"."""
    for full, values in parameters.items():
        name = full.rpartition(".")[2]
        least, most = (float(f(values)) for f in (np.min, np.max)) if values.size else (1.0, 1.0)
        if (name in _POSITIVE and least <= 0) or (name in _NOT_NEGATIVE and least < 0):
            raise MappingError(f"{full}={least:g}", f"{full} {'>' if name in _POSITIVE else '>='} 0", where)
        if name in _SHARES and not 0 <= least <= most <= 1:
            raise MappingError(f"{full} from {least:g} to {most:g}", f"{full} from 0 to 1", where)


def _check_source(s: Source) -> None:
    where, p = f"population {s.label!r}", s.parameters
    if "rate" in p and np.any(p["rate"] < 0):
        raise MappingError(f"rate={p['rate'].min():g} Hz", "rate >= 0", where)
    for name in ("alpha", "beta", "a", "b"):
        if name in p and np.any(p[name] <= 0):
            raise MappingError(f"{name}={p[name].min():g}", f"{name} > 0", where)
    if s.model == "SpikeSourceInhGamma":
        index, bins = p["bin_index"], p["tbins"]
        if len(np.unique(index)) != s.size:
            raise MappingError("a source without bins", "at least one bin of a and b for every source", where)
        if np.any((np.diff(bins) <= 0) & (np.diff(index) == 0)):
            raise MappingError("tbins that do not ascend", "ascending tbins (ms) for every source", where)
    if s.model == "SpikeSourcePoissonRefractory" and np.any(p["rate"] * p["tau_refrac"] >= 1e3 * (1 - 1e-12)):
        i = int(np.argmax(p["rate"] * p["tau_refrac"]))
        raise MappingError(f"rate={p['rate'][i]:g} Hz with tau_refrac={p['tau_refrac'][i]:g} ms",
                           f"a mean rate below {1e3 / p['tau_refrac'][i]:g} Hz", where, "lower one of the two")


def _check_synapses(p: Projection, network: Network) -> None:
    where = f"projection {p.label!r}"
    if len(p) == 0:
        return
    conductance = network.population(p.post).cell.conductance
    low, high = float(p.weight.min()), float(p.weight.max())
    if (conductance or p.receptor == "excitatory") and low < 0:
        kind = "conductance-based" if conductance else "current-based excitatory"
        raise MappingError(f"a weight of {low:g} for {kind} synapses", "weights >= 0", where,
                           "the sign of a synapse comes from its receptor_type")
    if not conductance and p.receptor == "inhibitory" and high > 0:
        raise MappingError(f"a weight of {high:g} for current-based inhibitory synapses", "weights <= 0", where,
                           "the sign of a synapse comes from its receptor_type")
    _check_ranges(dict(p.parameters) | dict(p.initial), where)
    if "n" in p.parameters and np.any((p.parameters["n"] < 1) | (p.parameters["n"] % 1 != 0)):
        raise MappingError(f"n from {p.parameters['n'].min():g} to {p.parameters['n'].max():g} release sites",
                           "whole numbers >= 1", where)
    if "a" in p.initial and np.any((p.initial["a"] < 0) | (p.initial["a"] % 1 != 0)):
        raise MappingError(f"a from {p.initial['a'].min():g} to {p.initial['a'].max():g} full release sites",
                           "whole numbers from 0 to n", where)
    if p.rule:
        _check_rule(p, where)
    if p.model == "PlasticSynapse":
        _check_plastic(p, where)
    least = max(network.min_delay, network.timestep)
    shortest = float(p.delay.min())
    if shortest < least * (1 - 1e-9):
        raise MappingError(f"a delay of {shortest:g} ms", f"delays of at least {least:g} ms (min_delay, timestep)",
                           where, "raise the delay, or lower timestep and min_delay in setup()")


def _check_rule(p: Projection, where: str) -> None:
    """Limits and weights of synapses that learn, whose weights are magnitudes."""
    timing, dependence = p.rule
    if timing == "Vogels2011Rule" and dependence != "AdditiveWeightDependence":
        raise MappingError(f"{timing} with {dependence}", f"{timing} with AdditiveWeightDependence", where,
                           "its eta is an amplitude of its own")
    low, high, weight = p.parameters["w_min"], p.parameters["w_max"], np.abs(p.weight)
    if np.any(low > high):
        raise MappingError("w_min above w_max", "w_min <= w_max", where)
    wrong = np.flatnonzero((weight < low) | (weight > high))
    if len(wrong):
        i = wrong[0]
        raise MappingError(f"a weight of {p.weight[i]:g} for a synapse that learns",
                           f"magnitudes from w_min={low[i]:g} to w_max={high[i]:g}", where,
                           "set w_min and w_max of the weight dependence")


def _check_plastic(p: Projection, where: str) -> None:
    """Ranges of the chip's sensors, and weights within the largest."""
    w_max, weight = p.parameters["w_max"], np.abs(p.weight)
    if np.any(w_max <= 0):
        raise MappingError(f"w_max={w_max.min():g}", "w_max > 0, the largest weight that a rule may set", where)
    if np.any(weight > w_max * (1 + 0.5 / limits.WEIGHT_MAX)):  # up to half a code it is code 63, as it may be read
        raise MappingError(f"weights from {weight.min():g} to {weight.max():g} beyond w_max={w_max.min():g}",
                           "magnitudes from 0 to w_max", where, "raise w_max")
    for name in ("eta", "tau"):
        if len(np.unique(p.parameters[name])) > 1:
            raise MappingError(f"several values of {name}", f"one {name} for a projection: it is a setting of the "
                               "sensors of a whole chip", where)
    low, high = limits.SENSOR_ETA_RANGE
    if not low <= float(p.parameters["eta"][0]) <= high:
        raise MappingError(f"eta={p.parameters['eta'][0]:g}", f"{low:g} to {high:g} CADC LSB for a pair", where)


def _check_size(network: Network, target: Target) -> None:
    if not target.profile.limited or target.max_chips is None:
        return
    neurons = sum(p.size for p in network.populations if p.model in CIRCUITS)
    circuits = neurons * target.circuits_per_neuron
    room = target.max_chips * limits.CIRCUITS
    if circuits > room:
        raise MappingError(f"{neurons} neurons of at least {target.circuits_per_neuron} circuit(s)",
                           f"{room} circuits on {target.max_chips} chip(s)",
                           hint="raise max_chips, join fewer circuits, or use chip='ideal'")


def _check_step(network: Network, target: Target) -> None:
    step = network.timestep * us_per_ms(target)
    if target.profile.limited and step > limits.MAX_STEP_US * (1 + 1e-9):
        warnings.warn(f"a timestep of {network.timestep:g} ms is {step:g} us of hardware time; above "
                      f"{limits.MAX_STEP_US:g} us latencies and spike times of the chip are coarse", MappingWarning,
                      stacklevel=2)
