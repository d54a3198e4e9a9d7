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
from .joints import check_joints
from .models import decay_name
from .network import Network, Population, Probe, Projection, Source
from .sensors import SensorSetting, on_sensors, sensor_setting, update_period
from .shortterm import MAX_MODES, DriverFit, fit
from .target import Target

BESIDE, RELAY = "cells beside the chip", "relays of synapses"  # models of the sources that stand for them


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
        With exact pair-based plasticity, wherever they end.
    relays : tuple of Relay
    probes : tuple of (bool, int)
        Of each probe of the described network: whether it is beside, and its number there.
    probes_beside : tuple of Probe
    plastic : mapping of label to Projection
        Those that a plasticity rule may change, as they were described, or with the chip's synapses in place of an
        STDPMechanism; in ``network`` they have their largest weight.
    sensors : mapping of label to SensorSetting
        Of the plastic ones that stand for an STDPMechanism.
    drivers : tuple of DriverFit
        Modes of short-term plasticity that drivers must have: mode k + 1 is ``drivers[k]``.
    driver_modes : mapping of label to int (m,)
        Mode of every synapse of the projections that have one.
    driver_factors : mapping of label to float (m,)
        What a driver's factor is multiplied with, beside the weight, for the share of it that is released.
    """

    network: Network
    circuits: Mapping[str, Canonical]
    beside: tuple[Population, ...] = ()
    aside: tuple[Projection, ...] = ()
    learning: tuple[Projection, ...] = ()
    relays: tuple[Relay, ...] = ()
    probes: tuple[tuple[bool, int], ...] = ()
    probes_beside: tuple[Probe, ...] = field(default_factory=tuple)
    plastic: Mapping[str, Projection] = field(default_factory=lambda: MappingProxyType({}))
    sensors: Mapping[str, SensorSetting] = field(default_factory=lambda: MappingProxyType({}))
    drivers: tuple[DriverFit, ...] = ()
    driver_modes: Mapping[str, np.ndarray] = field(default_factory=lambda: MappingProxyType({}))
    driver_factors: Mapping[str, np.ndarray] = field(default_factory=lambda: MappingProxyType({}))

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
        its place does not have.
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
    check_joints(network, set(circuits))
    inner = inner.replace(joints=network.joints)
    offsets = inner.offsets()
    onto_chip: list[Projection] = []
    aside: list[Projection] = []
    learning: list[Projection] = []
    relays: list[Relay] = []
    plastic: dict[str, Projection] = {}
    sensors = _sensors(network, circuits, target)
    drivers, modes, factors = _driver_modes(network, circuits, target)
    for p in network.projections:
        if p.label in sensors:
            p = on_sensors(p, sensors[p.label])
        if p.model == "STDPMechanism":
            learning.append(p)
            continue
        if p.model == "PlasticSynapse":
            _demand_on_chip(p, p.post in circuits)
            plastic[p.label] = _renamed(p, circuits[p.post])
            p = _static(p, np.where(_downwards(p, network), -1.0, 1.0) * p.parameters["w_max"])
        elif p.label in modes:
            p = _static(p, p.weight * factors[p.label])
        elif p.model != "StaticSynapse" and len(p):
            relay, p = _relay(p, _free_label(f"{p.label} ({RELAY})", sources, network), offsets, network)
            relays.append(relay)
            sources.append(Source(relay.label, len(relay.source), RELAY, {"source": relay.source}))
        if p.post in circuits:
            onto_chip.append(_renamed(p, circuits[p.post]))
        else:
            aside.append(p)
    here, there, where = _probes(network, circuits)
    inner = inner.replace(sources=tuple(sources), projections=tuple(onto_chip), probes=here)
    return Split(inner, MappingProxyType(circuits), tuple(beside), tuple(aside), tuple(learning), tuple(relays), where,
                 there, MappingProxyType(plastic), MappingProxyType(sensors), drivers, MappingProxyType(modes),
                 MappingProxyType(factors))


def same_parts(a: Split, b: Split) -> bool:
    """Whether places and routes found for one also serve the other: only values differ.

    Values may move a population from the chips, or a receptor to the other input; and a change of time constants may
    ask for other modes of drivers, or for more relays.
    """
    def shape(s: Split) -> list[tuple]:
        circuits = [(label, c.population.model, tuple(c.receptor.items()), len(c.ports))
                    for label, c in s.circuits.items()]
        return [*circuits, *((q.label, q.size, q.model) for q in s.network.sources), *s.drivers]

    return shape(a) == shape(b) and a.driver_modes.keys() == b.driver_modes.keys() and all(
        np.array_equal(mode, b.driver_modes[label]) for label, mode in a.driver_modes.items())


def signs_of(network: Network) -> dict[str, dict[str, tuple[bool, bool]]]:
    """For each population and receptor, whether some weights are positive, and some negative."""
    result: dict[str, dict[str, tuple[bool, bool]]] = {}
    for p in network.projections:
        if len(p):
            before = result.setdefault(p.post, {}).get(p.receptor, (False, False))
            result[p.post][p.receptor] = (before[0] or bool(p.weight.max() > 0), before[1] or bool(p.weight.min() < 0))
    return result


def _demand_on_chip(p: Projection, on_chip: bool) -> None:
    if not on_chip:
        raise MappingError("a PlasticSynapse onto cells beside the chip", "synapses with correlation sensors, on the "
                           "chip", f"projection {p.label!r}", "use a cell model that a circuit holds")


def _downwards(p: Projection, network: Network) -> bool:
    """Whether the weights of a projection are negative: currents through an inhibitory receptor."""
    negative = len(p) > 0 and p.weight.min() < 0
    return negative or (p.receptor == "inhibitory" and not network.population(p.post).cell.conductance)


def _sensors(network: Network, circuits: Mapping[str, Canonical], target: Target) -> dict[str, SensorSetting]:
    """What stands for the STDPMechanisms that end on chips with limits."""
    mine = [p for p in network.projections
            if p.model == "STDPMechanism" and p.post in circuits and target.profile.limited and len(p)]
    if not mine:
        return {}
    period = update_period(((p, network.population(p.post).size) for p in mine), target)
    return {p.label: sensor_setting(p, target, period) for p in mine}


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


def _free_label(wanted: str, sources: list[Source], network: Network) -> str:
    """The label, with a number where something is called so already."""
    taken = {part.label for part in (*network.parts, *sources)}
    label, number = wanted, 1
    while label in taken:
        number += 1
        label = f"{wanted} {number}"
    return label


def _static(p: Projection, weight: np.ndarray, **changes) -> Projection:
    """A projection whose synapses stay as they are."""
    return p.replace(weight=weight, model="StaticSynapse", parameters={}, initial={}, **changes)


def _relay(p: Projection, label: str, offsets: Mapping[str, int], network: Network) -> tuple[Relay, Projection]:
    """Relays of a projection, and the projection from them on."""
    source = p.pre_index + offsets[p.pre]
    parameters = {name: p.parameters[name] for name in p.synapse.parameters}
    parameters |= {name: p.initial[name] for name in p.synapse.initial}
    weight, index = p.weight, np.arange(len(p))
    if p.model == "TsodyksMarkramSynapse":
        parameters["tau_inact"] = inactivation(p, network)
        columns = np.stack([source.astype(float), *parameters.values()])
        _, first, index = np.unique(columns, axis=1, return_index=True, return_inverse=True)
        source, index = source[first], index.reshape(-1)
        parameters = {name: value[first] for name, value in parameters.items()}
    elif "n" in parameters:  # the weight is that of all release sites together
        weight = weight / parameters["n"]
    return Relay(label, p.model, source, MappingProxyType(parameters)), _static(p, weight, pre=label, pre_index=index)


def _driver_modes(network: Network, circuits: Mapping[str, Canonical], target: Target
                  ) -> tuple[tuple[DriverFit, ...], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Modes of drivers; and for each projection that needs them, by label, the mode and factor of every synapse."""
    mine = [p for p in network.projections
            if p.model == "TsodyksMarkramSynapse" and p.post in circuits and target.profile.limited and len(p)]
    if not mine:
        return (), {}, {}
    columns = np.concatenate([parameter_sets(p, inactivation(p, network)) for p in mine], axis=1)
    sets, which, count = np.unique(columns, axis=1, return_inverse=True, return_counts=True)
    fits = fit(sets, target.speedup, count, MAX_MODES)
    number: dict[DriverFit, int] = {}
    mode = np.array([number.setdefault(f.setting, len(number) + 1) for f in fits])[which.reshape(-1)]
    factor = np.array([f.scale for f in fits])[which.reshape(-1)]
    edges = np.cumsum([len(p) for p in mine])[:-1]
    labels = [p.label for p in mine]
    return (tuple(number), dict(zip(labels, np.split(mode, edges), strict=True)),
            dict(zip(labels, np.split(factor, edges), strict=True)))


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
