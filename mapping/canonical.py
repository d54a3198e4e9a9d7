"""Standard models that are circuits of the chip under another name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from pynn_brainscales.emulator import limits
from pynn_brainscales.emulator.frozen import Frozen
from pynn_brainscales.emulator.profile import quantised

from .cells import comparator
from .models import RESPONSES
from .network import Population
from .target import Target

CIRCUITS = ("IF_curr_exp", "IF_cond_exp", "EIF_cond_exp_isfa_ista")  # models that need no change of name
_FACETS = {"cm": 0.2, "tau_refrac": 1.0, "e_rev_E": 0.0, "i_offset": 0.0}  # fixed there; nF, ms, mV, nA
_PLAIN = ("excitatory", "inhibitory")

Signs = Mapping[str, tuple[bool, bool]]  # of each receptor: whether some weights are positive, and some negative


@dataclass(frozen=True, eq=False)
class Canonical(Frozen):
    """A population as circuits of the chip.

    ``receptor`` and ``variable`` bring the names of the population to those of the circuit's model, "excitatory@1"
    being in the second pair of receptors; ``ports`` are the same neurons with the further pairs. Weights are
    multiplied by ``strength`` (n,).
    """

    population: Population
    receptor: Mapping[str, str]
    variable: Mapping[str, str]
    strength: np.ndarray | None = None
    ports: tuple[Population, ...] = ()


def canonical(p: Population, target: Target, signs: Signs) -> Canonical | None:
    """The population as circuits of the chip, None if no circuit can hold it.

    Parameters
    ----------
    p : Population
    target : Target
    signs : Signs
    """
    same = {name: name for name in p.cell.variables}
    if p.model in CIRCUITS:
        return Canonical(p, {r: r for r in _PLAIN}, same)
    if p.model == "IF_facets_hardware1":
        return Canonical(_facets(p), {r: r for r in _PLAIN}, same)
    if p.model == "IF_curr_delta":
        return _short_pulse(p, target) if target.profile.quantised else None
    return _composed(p, target, signs) if p.cell.composed else None


def held_by_chips(p: Population, target: Target, signs: Signs) -> bool:
    """Whether circuits of a chip with limits hold the population."""
    return canonical(p, target.replace(profile=quantised), signs) is not None


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


def _composed(p: Population, target: Target, signs: Signs) -> Canonical | None:
    """A point neuron whose receptors are all exponential: pairs of an excitatory and an inhibitory one.

    A circuit has one of each; a neuron with more becomes as many joined circuits as it needs. A chip without limits
    has the first pair only.
    """
    if any(RESPONSES[r].shape != "exp" for r in p.receptors.values()):
        return None
    sides = _by_reversal(p, target) if p.cell.conductance else _by_sign(p, signs)
    if sides is None:
        return None
    pairs = max(1, len(sides[0]), len(sides[1]))
    if pairs > 1 and not target.profile.limited:
        return None
    receptor, variable = {}, {name: name for name in p.initial if "." not in name}
    what = "gsyn" if p.cell.conductance else "isyn"
    for names, side, short in zip(sides, _PLAIN, ("exc", "inh"), strict=True):
        for port, name in enumerate(names):
            suffix = f"@{port}" if port else ""
            receptor[name] = side + suffix
            variable[f"{name}.{what}"] = f"{what}_{short}{suffix}"
    populations = [_pair(p, *(names[k] if k < len(names) else None for names in sides)) for k in range(pairs)]
    return Canonical(populations[0], MappingProxyType(receptor), MappingProxyType(variable), None,
                     tuple(populations[1:]))


def _pair(p: Population, exc: str | None, inh: str | None) -> Population:
    """The population with these two of its receptors; None is a receptor that nothing reaches."""
    conductance = p.cell.conductance
    what = "gsyn" if conductance else "isyn"
    model = {("LIF", False): "IF_curr_exp", ("LIF", True): "IF_cond_exp", ("AdExp", False): "EIF_curr_exp",
             ("AdExp", True): "EIF_cond_exp_isfa_ista"}[p.model, conductance]
    parameters = {name: value for name, value in p.parameters.items() if "." not in name}
    initial = {name: value for name, value in p.initial.items() if "." not in name}
    for name, other, short, letter in ((exc, inh, "exc", "E"), (inh, exc, "inh", "I")):
        like = name or other
        parameters[f"tau_syn_{letter}"] = np.full(p.size, 5.0) if like is None else p.parameters[f"{like}.tau_syn"]
        if conductance:
            parameters[f"e_rev_{letter}"] = (_idle_reversal(p, letter == "E") if name is None
                                             else p.parameters[f"{name}.e_syn"])
        initial[f"{what}_{short}"] = np.zeros(p.size) if name is None else p.initial[f"{name}.{what}"]
    return Population(p.label, p.size, model, parameters, initial)


def _idle_reversal(p: Population, excitatory: bool) -> np.ndarray:
    """A reversal potential for a receptor that is not there: beyond threshold, or below rest."""
    others = [p.parameters[f"{r}.e_syn"] for r in p.receptors]
    if excitatory:
        return np.maximum.reduce([comparator(p) + 40.0, *(e + 1.0 for e in others)])
    return np.minimum.reduce([p.parameters["v_rest"] - 20.0, *(e - 1.0 for e in others)])


def _by_reversal(p: Population, target: Target) -> tuple[list[str], list[str]] | None:
    """Excitatory and inhibitory receptors, by their reversal potentials: at or above threshold, or below.

    Of two receptors of a chip without limits, whose circuits take any two potentials, the higher one is excitatory.
    """
    e = {r: p.parameters[f"{r}.e_syn"] for r in p.receptors}
    if not target.profile.limited and len(e) == 2:
        first, second = e
        if np.all(e[first] >= e[second]):
            return [first], [second]
        return ([second], [first]) if np.all(e[first] <= e[second]) else None
    above = {r: x >= comparator(p) for r, x in e.items()}
    if any(x.any() and not x.all() for x in above.values()):
        return None
    return [r for r in e if above[r].all()], [r for r in e if not above[r].any()]


def _by_sign(p: Population, signs: Signs) -> tuple[list[str], list[str]] | None:
    """Excitatory and inhibitory receptors, by the signs of their weights; None where one has both."""
    given = {r: signs.get(r, (False, False)) for r in p.receptors}
    if any(positive and negative for positive, negative in given.values()):
        return None
    inhibitory = [r for r, (positive, negative) in given.items() if negative or (not positive and "inh" in r.lower())]
    return [r for r in given if r not in inhibitory], inhibitory
