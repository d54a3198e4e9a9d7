"""The parameters of all neurons of a network side by side, still in PyNN's units."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .network import Network, Population

# what a model without the parameter amounts to
_ABSENT = {"e_rev_E": 0.0, "e_rev_I": -70.0, "v_spike": 0.0, "delta_T": 0.0, "a": 0.0, "b": 0.0, "tau_w": 100.0}
# EIF_curr_exp is no standard model of its own: PointNeuron's AdExp with exponential currents becomes one
CONDUCTANCE_MODELS = frozenset({"IF_cond_exp", "EIF_cond_exp_isfa_ista"})
ADAPTIVE_MODELS = frozenset({"EIF_cond_exp_isfa_ista", "EIF_curr_exp", "EIF_cond_alpha_isfa_ista", "AdExp"})


def over_neurons(network: Network, value: Callable[[Population], object], dtype=float) -> np.ndarray:
    """One array (n,) from a value (number or array) for each population."""
    parts = [np.broadcast_to(np.asarray(value(p), dtype), (p.size,)) for p in network.populations]
    return np.concatenate(parts) if parts else np.zeros(0, dtype)


def parameter(network: Network, name: str) -> np.ndarray:
    """A parameter of all neurons, (n,), in PyNN's units; models that lack it get the value that switches it off."""
    return over_neurons(network, lambda p: p.parameters.get(name, _ABSENT.get(name)))


def population_of_neuron(network: Network) -> np.ndarray:
    """Index of each neuron's population, (n,)."""
    return np.repeat(np.arange(len(network.populations)), [p.size for p in network.populations])


def conductance_based(network: Network) -> np.ndarray:
    """Whether each neuron has conductance-based inputs, (n,)."""
    return over_neurons(network, lambda p: p.model in CONDUCTANCE_MODELS, bool)


def comparator(p: Population) -> np.ndarray:
    """Potential (mV) at which the comparator of each neuron fires.

    With an exponential term that is ``v_spike``; where ``delta_T`` is 0 the term is off, and the lower of
    ``v_thresh`` and ``v_spike`` counts.
    """
    v_thresh = p.parameters["v_thresh"]
    if p.model not in ADAPTIVE_MODELS:
        return v_thresh
    v_spike = p.parameters["v_spike"]
    return np.where(p.parameters["delta_T"] > 0, v_spike, np.minimum(v_thresh, v_spike))


def leak_conductance(network: Network) -> np.ndarray:
    """cm / tau_m in uS, (n,)."""
    return parameter(network, "cm") / parameter(network, "tau_m")
