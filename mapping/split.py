"""What goes to the chips and what is computed beside them.

The passes after this one see a network of circuits and sources only. Cells beside the chip, and synapses that are
short-term plastic or stochastic, appear in it as sources of events like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from pynn_brainscales.emulator.frozen import Frozen

from .canonical import Canonical, canonical, held_by_chips
from .errors import MappingError
from .models import decay_name
from .network import Network, Population, Probe, Projection, Source
from .shortterm import DriverFit, fit
from .target import Target

BESIDE, RELAY = "cells beside the chip", "relays of synapses"  # models of the sources that stand for them
_STOCHASTIC = {"SimpleStochasticSynapse": ("p",), "StochasticTsodyksMarkramSynapse": ("U", "tau_rec", "tau_facil"),
               "MultiQuantalSynapse": ("U", "n", "tau_rec", "tau_facil")}


class Relay(NamedTuple):
    """Relays of one projection, arrays (r,): ``source`` counts neurons first, then the cells of all sources.

    ``label`` names the source that they are in the network of the chips; ``parameters`` are those of the synapse
    model, and its start value ``u``.
    """

    label: str
    model: str
    source: np.ndarray
    parameters: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Split(Frozen):
    """A network divided into what the chips hold and what is beside them.

    Attributes
    ----------
    network : Network
        Circuits and sources, those that stand for cells beside the chip and for relays among them.
    circuits : mapping of label to Canonical
        Of the populations on the chips.
    beside : tuple of Population
        Computed beside the chips.
    aside : tuple of Projection
        Onto cells beside the chips; ``pre`` is a label of ``network``, or of a population in ``beside``.
    learning : tuple of Projection
        With pair-based plasticity, wherever they end.
    relays : tuple of Relay
    probes : tuple of (bool, int)
        Of each probe of the described network: whether it is beside, and its number there.
    probes_beside : tuple of Probe
    drivers : tuple of DriverFit
        Modes of short-term plasticity that drivers must have: mode k + 1 is ``drivers[k]``.
    driver_modes : mapping of label to int (m,)
        Mode of every synapse of the projections that have one.
    """

    network: Network
    circuits: Mapping[str, Canonical]
    beside: tuple[Population, ...] = ()
    aside: tuple[Projection, ...] = ()
    learning: tuple[Projection, ...] = ()
    relays: tuple[Relay, ...] = ()
    probes: tuple[tuple[bool, int], ...] = ()
    probes_beside: tuple[Probe, ...] = field(default_factory=tuple)
    drivers: tuple[DriverFit, ...] = ()
    driver_modes: Mapping[str, np.ndarray] = field(default_factory=lambda: MappingProxyType({}))


    @property
    def ports(self) -> dict[str, tuple[Population, ...]]:
        """Further pairs of receptors of the populations that have more than one."""
        return {label: c.ports for label, c in self.circuits.items() if c.ports}


def split(network: Network, target: Target) -> Split:
    """Divide a network.

    Raises
    ------
    MappingError
        If something has to be computed beside the chip and ``target.off_chip`` is "error", or a synapse needs what
        no chip profile has.
    """
    signs = signs_of(network)
    circuits: dict[str, Canonical] = {}
    beside: list[Population] = []
    for population in network.populations:
        own = signs.get(population.label, {})
        found = canonical(population, target, own)
        if found is not None:
            circuits[population.label] = found
            continue
        if target.off_chip == "error" and not held_by_chips(population, target, own):
            raise MappingError(
                f"cell model {population.model!r}", "circuits that integrate and fire with exponential synapses",
                f"population {population.label!r}", "setup(off_chip='emulate') computes it beside the chip")
        beside.append(population)
    sources = [*network.sources, *(Source(p.label, p.size, BESIDE, {}) for p in beside)]
    inner = Network(tuple(c.population for c in circuits.values()), tuple(sources), (), (), network.timestep,
                    network.min_delay)
    offsets = inner.offsets()
    onto_chip: list[Projection] = []
    aside: list[Projection] = []
    learning: list[Projection] = []
    relays: list[Relay] = []
    drivers: dict[DriverFit, int] = {}
    modes: dict[str, np.ndarray] = {}
    for p in network.projections:
        if p.model == "STDPMechanism":
            _demand_exact(p, target, p.post in circuits)
            learning.append(p)
            continue
        relay = _relay(p, offsets, target, p.post in circuits, inactivation(p, network))
        if relay is not None:
            relays.append(relay[0])
            sources.append(Source(relay[0].label, len(relay[0].source), RELAY, {}))
            p = relay[1]
        elif p.model == "TsodyksMarkramSynapse" and len(p):
            p, modes[p.label] = _through_drivers(p, drivers, target, inactivation(p, network))
        if p.post in circuits:
            onto_chip.append(_renamed(p, circuits[p.post]))
        else:
            aside.append(p)
    here, there, where = _probes(network, circuits)
    inner = inner.replace(sources=tuple(sources), projections=tuple(onto_chip), probes=here)
    return Split(inner, MappingProxyType(circuits), tuple(beside), tuple(aside), tuple(learning), tuple(relays), where,
                 there, tuple(drivers), MappingProxyType(modes))


def signs_of(network: Network) -> dict[str, dict[str, tuple[bool, bool]]]:
    """For each population and receptor, whether some weights are positive, and some negative."""
    result: dict[str, dict[str, tuple[bool, bool]]] = {}
    for p in network.projections:
        if len(p):
            before = result.setdefault(p.post, {}).get(p.receptor, (False, False))
            result[p.post][p.receptor] = (before[0] or bool(p.weight.max() > 0), before[1] or bool(p.weight.min() < 0))
    return result


def _demand_exact(p: Projection, target: Target, on_chip: bool) -> None:
    if target.profile.limited and on_chip:
        raise MappingError("an STDPMechanism with exact spike pairs", "static and short-term plastic synapses on chip "
                           "profiles", f"projection {p.label!r}", "use chip='ideal'")


def _renamed(p: Projection, c: Canonical) -> Projection:
    """A projection in the words of the circuits that it ends on."""
    receptor = c.receptor[p.receptor]
    if c.strength is not None:
        return p.replace(receptor=receptor, weight=p.weight * c.strength[p.post_index])
    return p if receptor == p.receptor else p.replace(receptor=receptor)


def inactivation(p: Projection, network: Network) -> np.ndarray:
    """Time constant of inactivation of Tsodyks-Markram synapses, (m,), ms: that of the synaptic current."""
    post = network.population(p.post)
    name = decay_name(post.cell, p.receptor)
    return np.zeros(len(p)) if name is None else post.parameters[name][p.post_index]


def _relay(p: Projection, offsets: Mapping[str, int], target: Target, on_chip: bool, tau_inact: np.ndarray
           ) -> tuple[Relay, Projection] | None:
    """Relays of a projection, and the projection from them on; None where it needs none."""
    if p.model == "StaticSynapse" or (p.model == "TsodyksMarkramSynapse" and on_chip and target.profile.limited):
        return None
    label = f"{p.label} ({RELAY})"
    source = p.pre_index + offsets[p.pre]
    parameters = {name: p.parameters[name] for name in p.synapse.parameters}
    parameters |= {name: p.initial[name] for name in p.synapse.initial}
    if p.model in _STOCHASTIC:
        index = np.arange(len(p))
        if "n" in parameters:  # the weight is that of all release sites together
            p = p.replace(weight=p.weight / parameters["n"])
    else:
        parameters["tau_inact"] = tau_inact
        columns = np.stack([source.astype(float), *parameters.values()])
        _, first, index = np.unique(columns, axis=1, return_index=True, return_inverse=True)
        source, index = source[first], index.reshape(-1)
        parameters = {name: value[first] for name, value in parameters.items()}
    static = p.replace(pre=label, pre_index=index, model="StaticSynapse", parameters={}, initial={})
    return Relay(label, p.model, source, MappingProxyType(parameters)), static


def _through_drivers(p: Projection, drivers: dict[DriverFit, int], target: Target, tau_inact: np.ndarray
                     ) -> tuple[Projection, np.ndarray]:
    """The projection with weights as the drivers need them, and the mode of each synapse; modes are collected."""
    columns = parameter_sets(p, tau_inact)
    sets, which = np.unique(columns, axis=1, return_inverse=True)
    fits = [fit(*values, target.speedup) for values in sets.T.tolist()]
    # how well a mode does, and its factor, are no settings of it: equal settings are one mode
    settings = [f._replace(scale=1.0, error=0.0) for f in fits]
    number = np.array([drivers.setdefault(s, len(drivers) + 1) for s in settings])
    factor = np.array([f.scale for f in fits])
    which = which.reshape(-1)
    return p.replace(weight=p.weight * factor[which], model="StaticSynapse", parameters={}, initial={}), number[which]


def parameter_sets(p: Projection, tau_inact: np.ndarray) -> np.ndarray:
    """What ``shortterm.fit`` takes, for every synapse: (5, m)."""
    return np.stack([p.initial["u"], *(p.parameters[name] for name in ("U", "tau_rec", "tau_facil")), tau_inact])


def _probes(network: Network, circuits: Mapping[str, Canonical]):
    here: list[Probe] = []
    there: list[Probe] = []
    where: list[tuple[bool, int]] = []
    for probe in network.probes:
        c = circuits.get(probe.population)
        where.append((c is None, len(there) if c is None else len(here)))
        if c is None:
            there.append(probe)
        else:
            here.append(probe.replace(variable=c.variable[probe.variable]))
    return tuple(here), tuple(there), tuple(where)
