"""Standard models that are circuits of the chip under another name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from pynn_brainscales.emulator import limits
from pynn_brainscales.emulator.frozen import Frozen

from .cells import comparator
from .models import RESPONSES
from .network import Population
from .target import Target

CIRCUITS = ("IF_curr_exp", "IF_cond_exp", "EIF_cond_exp_isfa_ista")  # models that need no change of name
_FACETS = {"cm": 0.2, "tau_refrac": 1.0, "e_rev_E": 0.0, "i_offset": 0.0}  # fixed there; nF, ms, mV, nA
_PLAIN = ("excitatory", "inhibitory")


@dataclass(frozen=True, eq=False)
class Canonical(Frozen):
    """A population as circuits of the chip.

    ``receptor`` and ``variable`` bring the names of the population to those of the circuit's model; weights are
    multiplied by ``strength`` (n,).
    """

    population: Population
    receptor: Mapping[str, str]
    variable: Mapping[str, str]
    strength: np.ndarray | None = None


def canonical(p: Population, target: Target, signs: Mapping[str, tuple[bool, bool]]) -> Canonical | None:
    """The population as circuits of the chip, None if no circuit can hold it.

    Parameters
    ----------
    p : Population
    target : Target
    signs : mapping of receptor to (bool, bool)
        Whether some of its weights are positive, and whether some are negative.
    """
    same = {name: name for name in p.cell.variables}
    if p.model in CIRCUITS:
        return Canonical(p, {r: r for r in _PLAIN}, same)
    if p.model == "IF_facets_hardware1":
        return Canonical(_facets(p), {r: r for r in _PLAIN}, same)
    if p.model == "IF_curr_delta":
        return _short_pulse(p, target) if target.profile.quantised else None
    return _composed(p, target, signs) if p.cell.composed else None


def _facets(p: Population) -> Population:
    fixed = {name: np.full(p.size, value) for name, value in _FACETS.items()}
    own = {name: value for name, value in p.parameters.items() if name != "g_leak"}
    tau_m = fixed["cm"] / (1e-3 * p.parameters["g_leak"])
    return Population(p.label, p.size, "IF_cond_exp", fixed | own | {"tau_m": tau_m}, p.initial)


def _short_pulse(p: Population, target: Target) -> Canonical:
    """Jumps of the membrane as the shortest pulses of current.

    A jump by w and a pulse ``w cm (1 / tau_syn - 1 / tau_m) exp(-t / tau_syn)`` leave the same membrane potential
    after the pulse.
    """
    tau = limits.TAU_SYN_RANGE[0] * target.speedup * 1e-3
    taus = np.minimum(tau, 0.5 * p.parameters["tau_m"])
    parameters = dict(p.parameters) | {"tau_syn_E": taus, "tau_syn_I": taus}
    strength = p.parameters["cm"] * (1.0 / taus - 1.0 / p.parameters["tau_m"])
    zero = np.zeros(p.size)
    population = Population(p.label, p.size, "IF_curr_exp", parameters,
                            {"v": p.initial["v"], "isyn_exc": zero, "isyn_inh": zero})
    return Canonical(population, {r: r for r in _PLAIN}, {"v": "v"}, strength)


def _composed(p: Population, target: Target, signs) -> Canonical | None:
    """A point neuron with at most one excitatory and one inhibitory receptor of exponential shape."""
    responses = [RESPONSES[r] for r in p.receptors.values()]
    if len(responses) > 2 or any(r.shape != "exp" for r in responses):
        return None
    conductance = p.cell.conductance
    sides = _by_reversal(p, target) if conductance else _by_sign(p, signs)
    if sides is None:
        return None
    what = "gsyn" if conductance else "isyn"
    model = {("LIF", False): "IF_curr_exp", ("LIF", True): "IF_cond_exp", ("AdExp", False): "EIF_curr_exp",
             ("AdExp", True): "EIF_cond_exp_isfa_ista"}[p.model, conductance]
    parameters = {name: value for name, value in p.parameters.items() if "." not in name}
    initial = {name: value for name, value in p.initial.items() if "." not in name}
    variable = {name: name for name in initial}
    for side, short, letter in (("excitatory", "exc", "E"), ("inhibitory", "inh", "I")):
        name = next((r for r, s in sides.items() if s == side), None)
        parameters[f"tau_syn_{letter}"] = np.full(p.size, 5.0) if name is None else p.parameters[f"{name}.tau_syn"]
        if conductance:
            parameters[f"e_rev_{letter}"] = (_idle_reversal(p, side) if name is None
                                             else p.parameters[f"{name}.e_syn"])
        initial[f"{what}_{short}"] = np.zeros(p.size) if name is None else p.initial[f"{name}.{what}"]
        if name is not None:
            variable[f"{name}.{what}"] = f"{what}_{short}"
    population = Population(p.label, p.size, model, parameters, initial)
    return Canonical(population, MappingProxyType(sides), variable)


def _idle_reversal(p: Population, side: str) -> np.ndarray:
    """A reversal potential for a receptor that is not there: beyond threshold, or below rest."""
    others = [p.parameters[f"{r}.e_syn"] for r in p.receptors]
    high = np.maximum.reduce([comparator(p) + 40.0, *(e + 1.0 for e in others)])
    low = np.minimum.reduce([p.parameters["v_rest"] - 20.0, *(e - 1.0 for e in others)])
    return high if side == "excitatory" else low


def _by_reversal(p: Population, target: Target) -> dict[str, str] | None:
    """Receptors by side: the higher reversal potential is the excitatory one."""
    names = list(p.receptors)
    e = [p.parameters[f"{r}.e_syn"] for r in names]
    above = [bool(np.all(x >= comparator(p))) for x in e]
    if len(names) == 1:
        return {names[0]: "excitatory" if above[0] else "inhibitory"}
    if len(names) == 2 and target.profile.limited and all(above):
        return None  # two excitatory ones: a circuit has one
    if len(names) == 2:
        if np.all(e[0] >= e[1]):
            return {names[0]: "excitatory", names[1]: "inhibitory"}
        if np.all(e[0] <= e[1]):
            return {names[0]: "inhibitory", names[1]: "excitatory"}
        return None
    return {}


def _by_sign(p: Population, signs: Mapping[str, tuple[bool, bool]]) -> dict[str, str] | None:
    """Receptors by side: weights of one sign only, and not both receptors on one side."""
    sides: dict[str, str] = {}
    for name in p.receptors:
        positive, negative = signs.get(name, (False, False))
        if positive and negative:
            return None
        sides[name] = "inhibitory" if negative or (not positive and "inh" in name.lower()) else "excitatory"
    taken = list(sides.values())
    if len(taken) == 2 and taken[0] == taken[1]:
        idle = [r for r in sides if signs.get(r, (False, False)) == (False, False)]
        if not idle:
            return None
        sides[idle[0]] = "excitatory" if taken[0] == "inhibitory" else "inhibitory"
    return sides
