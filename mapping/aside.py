"""What is beside the chips, as the emulator wants it: cells, relays, learning synapses.

Cells beside the chips keep ms and mV; of relays and learning synapses only times become hardware time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pynn_brainscales.emulator import limits
from pynn_brainscales.emulator.beside.config import CellGroup, Receptor
from pynn_brainscales.emulator.beside.coupling import Beside, BesideProbe, BesideSynapses
from pynn_brainscales.emulator.config import EXC, INH, LearningSynapses, PairProbe
from pynn_brainscales.emulator.pairs import PairSynapses
from pynn_brainscales.emulator.relays import Kind, Relays

from .errors import MappingError
from .mapped import Scaled
from .models import RESPONSES, CellModel, receptor_of_variable
from .network import Network, Population, Projection, SynapseProbe
from .scale import synaptic_strength, us_per_ms
from .split import Split
from .target import Target

Sources = Callable[[np.ndarray], np.ndarray]  # from the numbering of the network to that of the configuration

_KINDS = {"TsodyksMarkramSynapse": Kind.TSODYKS_MARKRAM, "SimpleStochasticSynapse": Kind.BERNOULLI,
          "StochasticTsodyksMarkramSynapse": Kind.QUANTAL, "MultiQuantalSynapse": Kind.QUANTAL}


# --- cells -------------------------------------------------------------------------------------------------


def beside_cells(split: Split, described: Network, target: Target, circuits: int, sources: Sources) -> Beside | None:
    """All cells beside the chips with their synapses and probes; None if there are none."""
    if not split.beside:
        return None
    inner = split.network
    offsets = inner.offsets()
    number = {p.label: i for i, p in enumerate(described.populations)}
    first = int(sources(np.array([offsets[split.beside[0].label]]))[0]) - circuits
    return Beside(
        step_ms=inner.timestep, first_channel=first,
        groups=tuple(_group(p, number[p.label]) for p in split.beside),
        synapses=tuple(_synapses(p, split, target, sources) for p in split.beside),
        probes=tuple(_probe(probe, split.beside, inner.timestep) for probe in split.probes_beside))


def _group(p: Population, key: int) -> CellGroup:
    cell = p.cell
    of_receptors = {name for port in cell.receptors.values() for name in port.names.values()}
    receptors = []
    for port in cell.receptors.values():
        response = RESPONSES[port.response]
        receptors.append(Receptor(response.shape, response.conductance,
                                  {own: p.parameters[name] for own, name in port.names.items()}))
    parameters = {name: value for name, value in p.parameters.items() if name not in of_receptors}
    return CellGroup(cell.kernel, p.size, parameters, tuple(receptors), key)


def kernel_variable(cell: CellModel, variable: str) -> str:
    """The emulator's name of a state variable of a cell beside the chip."""
    receptor = receptor_of_variable(cell, variable)
    return variable if receptor is None else f"{list(cell.receptors).index(receptor)}.g"


def beside_values(split: Split) -> tuple[dict[str, np.ndarray], ...]:
    """Start values of every group, by the emulator's names."""
    return tuple({kernel_variable(p.cell, name): value for name, value in p.initial.items()} for p in split.beside)


def _synapses(p: Population, split: Split, target: Target, sources: Sources) -> BesideSynapses:
    parts = [prj for prj in split.aside if prj.post == p.label]
    receptors, offsets = list(p.cell.receptors), split.network.offsets()
    if not parts:
        none = np.zeros(0, np.int64)
        return BesideSynapses(none, none, none, np.zeros(0), none)
    return BesideSynapses(
        sources(np.concatenate([prj.pre_index + offsets[prj.pre] for prj in parts])),
        np.concatenate([prj.post_index for prj in parts]),
        np.repeat([receptors.index(prj.receptor) for prj in parts], [len(prj) for prj in parts]),
        np.concatenate([prj.weight for prj in parts]).astype(float),
        np.concatenate([_steps(aside_delay(prj, split, target), split.network.timestep) for prj in parts]))


def aside_delay(p: Projection, split: Split, target: Target) -> np.ndarray:
    """Delays onto cells beside the chips, or of learning synapses, ms.

    A spike of a chip takes at least the way around it.
    """
    if not target.profile.limited:
        return p.delay
    from_chip = any(q.label == p.pre for q in split.network.populations)
    for relay in split.relays:
        if relay.label == p.pre:
            from_chip = bool(np.any(relay.source < split.network.neurons))
    return np.maximum(p.delay, limits.LATENCY_LOOP_US / us_per_ms(target)) if from_chip else p.delay


def _steps(delay: np.ndarray, timestep: float) -> np.ndarray:
    return np.maximum(1, np.floor(delay / timestep + 0.5)).astype(np.int64)


def _probe(probe, populations: tuple[Population, ...], timestep: float) -> BesideProbe:
    labels = [p.label for p in populations]
    group = labels.index(probe.population)
    return BesideProbe(group, kernel_variable(populations[group].cell, probe.variable), probe.index,
                       interval_steps(probe.interval, timestep, f"probe of {probe.population!r}"))


def interval_steps(interval: float, timestep: float, where: str) -> int:
    steps = interval / timestep
    if abs(steps - round(steps)) > 1e-6 or round(steps) < 1:
        raise MappingError(f"a sampling interval of {interval:g} ms", f"multiples of the timestep, {timestep:g} ms",
                           where)
    return round(steps)


# --- synapses ----------------------------------------------------------------------------------------------


def relay_config(split: Split, target: Target, circuits: int, sources: Sources) -> Relays | None:
    """All relays; None if there are none."""
    if not split.relays:
        return None
    offsets, u = split.network.offsets(), us_per_ms(target)

    def column(name: str, default: float) -> np.ndarray:
        return np.concatenate([np.asarray(r.parameters.get(name, np.full(len(r.source), default)), float)
                               for r in split.relays])

    channel = np.concatenate([np.arange(len(r.source)) + offsets[r.label] for r in split.relays])
    sites = column("n", 1.0).astype(np.int64)
    return Relays(
        source=sources(np.concatenate([r.source for r in split.relays])), channel=sources(channel) - circuits,
        kind=np.repeat([int(_KINDS[r.model]) for r in split.relays], [len(r.source) for r in split.relays]),
        use=column("U", 0.5), tau_rec_us=column("tau_rec", 0.0) * u, tau_facil_us=column("tau_facil", 0.0) * u,
        probability=column("p", 1.0), sites=sites, start_u=column("u", 0.0), strength=column("strength", 0.0),
        offset=column("offset", 0.0), tau_inact_us=column("tau_inact", 0.0) * u,
        start_sites=np.minimum(column("a", np.inf), sites).astype(np.int64))


def learning_config(split: Split, scaled: Scaled, target: Target, master: np.ndarray, sources: Sources
                    ) -> tuple[LearningSynapses, ...]:
    """One group of learning synapses for each projection with pair-based plasticity."""
    return tuple(_learning(p, split, scaled, target, master, sources) for p in split.learning)


def _learning(p: Projection, split: Split, scaled: Scaled, target: Target, master: np.ndarray,
              sources: Sources) -> LearningSynapses:
    offsets, u, inner = split.network.offsets(), us_per_ms(target), split.network
    total = _steps(aside_delay(p, split, target), inner.timestep)
    back = np.floor(p.parameters["dendritic_delay_fraction"] * total + 0.5).astype(np.int64)
    names = {name: value for name, value in p.parameters.items() if name != "dendritic_delay_fraction"}
    parameters = dict(_in_hardware_time(name, value, u) for name, value in names.items())
    beside = [q.label for q in split.beside]
    neuron = p.post_index + offsets[p.post]
    if p.post in beside:
        group = beside.index(p.post)
        receptors = list(split.beside[group].cell.receptors)
        target_of, side = p.post_index, np.full(len(p), receptors.index(p.receptor))
        strength = learning_sign(p, split.beside[group].cell)
    else:
        group, receptor = -1, split.circuits[p.post].receptor[p.receptor]
        target_of, side = master[neuron], np.full(len(p), EXC if receptor == "excitatory" else INH)
        strength = synaptic_strength(inner, target, scaled.alpha)[neuron]
    synapses = PairSynapses(
        source=sources(p.pre_index + offsets[p.pre]), target=target_of, post_source=sources(neuron),
        pre_delay_steps=total - back, post_delay_steps=back, weight=np.abs(p.weight), timing=p.rule[0],
        dependence=p.rule[1], parameters=parameters)
    return LearningSynapses(synapses, side, strength, group)


def learning_sign(p: Projection, cell: CellModel) -> np.ndarray:
    """-1 for learning synapses whose weights, magnitudes in the kernel, stand for negative currents, else 1; (m,).

    A weight that starts at 0 has the sign of the others, and the one that the receptor asks for if all are 0.
    """
    below = not cell.conductance and (p.receptor == "inhibitory" or bool(np.any(p.weight < 0)))
    return np.where((p.weight < 0) | ((p.weight == 0) & below), -1.0, 1.0)


def _in_hardware_time(name: str, value: np.ndarray, u: float) -> tuple[str, np.ndarray]:
    """A parameter of a rule: time constants from ms to us, rates from Hz to events per us."""
    if name.startswith("tau"):
        return f"{name}_us", value * u
    return ("rho_per_us", value * (1e-3 / u)) if name == "rho" else (name, value)


def pair_probes(observed: tuple[SynapseProbe, ...], split: Split, timestep: float) -> tuple[PairProbe, ...]:
    """Probes of weights that change in a run."""
    labels = [p.label for p in split.learning]
    return tuple(PairProbe(labels.index(o.projection), np.arange(len(split.learning[labels.index(o.projection)])),
                           interval_steps(o.interval, timestep, f"weights of {o.projection!r}"))
                 for o in observed if o.projection in labels and o.variable == "weight")

