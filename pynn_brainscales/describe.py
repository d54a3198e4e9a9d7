"""From PyNN's objects to the declarative network that is mapped."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pyNN import errors

from .mapping.models import CELLS, RAGGED, SOURCES, cell_model, synapse_model
from .mapping.network import Current, Joint, Network, Population, Probe, Projection, Source, SynapseProbe

_RESPONSES = {"CurrExpPostSynapticResponse": "CurrExp", "CondExpPostSynapticResponse": "CondExp",
              "CondAlphaPostSynapticResponse": "CondAlpha", "CondBetaPostSynapticResponse": "CondBeta"}
_LISTS = {"SpikeSourceArray": ("spike_times",), "SpikeSourceInhGamma": ("a", "b", "tbins")}


def describe(state) -> Network:
    """The network of a ``simulator.State``; its arrays are the projections' own."""
    label_populations(state.populations)
    neurons = [p for p in state.populations if _model(p) in CELLS]
    named = list(_named(state.projections))
    parts = {prj: _projection(prj, label) for prj, label in named if not prj.electrical}
    return Network(
        populations=tuple(_population(p) for p in neurons), sources=describe_sources(state),
        projections=tuple(part for several in parts.values() for part in several), observed=_observed(parts, state.dt),
        probes=tuple(Probe(p.mapped_label, name, index, interval)
                     for p in neurons for name, index, interval in p.recorder.sampled() if len(index)),
        timestep=state.dt, min_delay=state.min_delay, currents=describe_currents(state),
        joints=tuple(joint for prj, label in named if prj.electrical for joint in _joints(prj, label)))


def describe_currents(state) -> tuple[Current, ...]:
    """The current sources with their present parameters, one for each population that they go into."""
    label_populations(state.populations)
    return tuple(Current(type(source).__name__, dict(source._parameters), population.mapped_label, index, number)
                 for number, source in enumerate(state.currents) for population, index in source._cells)


def describe_sources(state) -> tuple[Source, ...]:
    """The spike sources with what they will send."""
    label_populations(state.populations)
    return tuple(_source(p) for p in state.populations if _model(p) in SOURCES)


def _model(p) -> str:
    """Name of the model; that of a point neuron is its membrane's."""
    return type(getattr(p.celltype, "neuron", p.celltype)).__name__


def _receptors(p) -> dict[str, str]:
    """Responses of the receptors of a point neuron."""
    given = getattr(p.celltype, "post_synaptic_receptors", {})
    return {name: _RESPONSES[type(given[name]).__name__] for name in p.celltype.receptor_types} if given else {}


def label_populations(populations) -> None:
    """Labels that are unique, whatever the user has called the populations."""
    seen: dict[str, int] = {}
    for p in populations:
        count = seen[p.label] = seen.get(p.label, 0) + 1
        p.mapped_label = p.label if count == 1 else f"{p.label} ({count})"


def _named(projections):
    seen: dict[str, int] = {}
    for p in projections:
        label = p.label or "projection"
        count = seen[label] = seen.get(label, 0) + 1
        yield p, label if count == 1 else f"{label} ({count})"


def _population(p) -> Population:
    model, receptors = _model(p), _receptors(p)
    cell = cell_model(model, receptors)
    parameters = {name: p._parameters[name].astype(float) for name in cell.parameters}
    initial = {name: p._initial.get(name, np.zeros(p.size)) for name in cell.variables}
    if "v_t" in initial:  # PyNN's default is that of the default v_t_star: the threshold starts where it rests
        untouched = initial["v_t"] == p.celltype.default_initial_values["v_t"]
        initial["v_t"] = np.where(untouched, parameters["v_t_star"], initial["v_t"])
    return Population(p.mapped_label, p.size, model, parameters, initial, receptors)


def _source(p) -> Source:
    model = _model(p)
    parameters: dict[str, np.ndarray] = {}
    for name in _LISTS.get(model, ()):
        lists = [x.value for x in p._parameters[name]]
        parameters[name] = np.concatenate(lists).astype(float) if lists else np.zeros(0)
        parameters[RAGGED[model]] = np.repeat(np.arange(p.size), [len(x) for x in lists])
    rest = [name for name in SOURCES[model] if name not in parameters]
    return Source(p.mapped_label, p.size, model,
                  parameters | {name: p._parameters[name].astype(float) for name in rest})


def _projection(prj, label: str) -> list[Projection]:
    """One description for each pair of populations that a projection connects."""
    columns = prj._columns()
    pre, post = columns["presynaptic_index"], columns["postsynaptic_index"]
    sides = []
    for cells, index in ((prj.pre, pre), (prj.post, post)):
        sides.append(_resolve(cells, index))
    (pre_parts, _, pre_index), (post_parts, _, post_index) = sides
    receptor, kind = prj.receptor_type, type(prj.synapse_type)
    rule = tuple(type(part).__name__ for part in (getattr(prj.synapse_type, "timing_dependence", None),
                                                  getattr(prj.synapse_type, "weight_dependence", None)) if part)
    synapse, initial = synapse_model(kind.__name__, rule), prj.initial()
    whole = len(pre_parts) == 1 and len(post_parts) == 1
    result, candidates = [], candidates_of(prj)
    pairs = [(a, b) for a in pre_parts for b in post_parts]
    for (pre_population, post_population), here in zip(pairs, parts_of(prj), strict=True):
        name = label if whole else f"{label} [{pre_population.mapped_label}→{post_population.mapped_label}]"
        result.append(Projection(
            name, pre_population.mapped_label, post_population.mapped_label, receptor, pre_index[here],
            post_index[here], columns["weight"][here], columns["delay"][here], kind.__name__, rule,
            {k: columns[k][here] for k in synapse.parameters}, {k: initial[k][here] for k in synapse.initial},
            candidates))
    return result


def _joints(prj, label: str) -> list[Joint]:
    """One description for each pair of populations that electrical synapses connect."""
    columns = prj._columns()
    (pre_parts, _, pre_index), (post_parts, _, post_index) = (
        _resolve(cells, index) for cells, index in zip((prj.pre, prj.post), prj.indices, strict=True))
    whole = len(pre_parts) == 1 and len(post_parts) == 1
    return [Joint(label if whole else f"{label} [{a.mapped_label}→{b.mapped_label}]", a.mapped_label, b.mapped_label,
                  pre_index[here], post_index[here], columns["weight"][here])
            for (a, b), here in zip([(a, b) for a in pre_parts for b in post_parts], parts_of(prj), strict=True)]


def candidates_of(prj) -> np.ndarray | None:
    """Cells of the presynaptic population that a rule may choose from as partners; None if the synapses are no slots.

    Raises
    ------
    ConnectionError
        If the cells belong to several populations.
    """
    if not getattr(prj.synapse_type, "slots", False):
        return None
    roots, _, where = _resolve(prj.pre, np.arange(prj.pre.size))
    if len(roots) > 1:
        raise errors.ConnectionError(
            f"{prj.label}: slots choose their partners from one population, {prj.pre.label!r} has cells of "
            f"{', '.join(repr(p.label) for p in roots)}; make a projection for each of them")
    return where


def parts_of(prj) -> list[np.ndarray | slice]:
    """Which connections of a projection each of its descriptions holds, in the order of ``describe``."""
    pre, post = prj.indices
    (pre_parts, pre_which, _), (post_parts, post_which, _) = _resolve(prj.pre, pre), _resolve(prj.post, post)
    if len(pre_parts) == 1 and len(post_parts) == 1:
        return [slice(None)]
    pre_which, post_which = (np.zeros(len(pre), int) if w is None else w for w in (pre_which, post_which))
    return [np.flatnonzero((pre_which == a) & (post_which == b))
            for a in range(len(pre_parts)) for b in range(len(post_parts))]


def _observed(parts: dict, dt: float) -> tuple[SynapseProbe, ...]:
    """Variables of synapses that change in a run and are recorded."""
    return tuple(SynapseProbe(part.label, every * dt, name) for prj, several in parts.items()
                 if prj.recorder is not None for name, every in prj.recorder.wanted.items() for part in several
                 if name in part.synapse.state or (name, part.model) == ("weight", "STDPMechanism"))


def described_parts(state) -> dict:
    """Of each projection, the labels of its descriptions and which of its connections they hold."""
    return {prj: [(part.label, here) for part, here in zip(_projection(prj, label), parts_of(prj), strict=True)]
            for prj, label in _named(state.projections) if not prj.electrical}


def learning_projections(state) -> dict[str, tuple]:
    """By label of the description: projection, and which of its connections, for those that learn."""
    return by_label(state, lambda prj: type(prj.synapse_type).__name__ == "STDPMechanism")


def by_label(state, wanted: Callable) -> dict[str, tuple]:
    """By label of the description: projection, and which of its connections, for those that are wanted."""
    result = {}
    for prj, label in _named(state.projections):
        if wanted(prj) and not prj.electrical:
            for part, here in zip(_projection(prj, label), parts_of(prj), strict=True):
                result[part.label] = (prj, here)
    return result


def _resolve(cells, index: np.ndarray):
    """Populations behind a population, view or assembly; which of them, and where in it, each index is."""
    if hasattr(cells, "populations"):
        roots, which, where = [], np.zeros(cells.size, int), np.zeros(cells.size, int)
        start = 0
        for part in cells.populations:
            root, positions = part._owner()
            if root not in roots:
                roots.append(root)
            which[start:start + part.size] = roots.index(root)
            where[start:start + part.size] = positions
            start += part.size
        return roots, which[index], where[index]
    root, positions = cells._owner()
    if root is cells:
        return [root], None, index
    return [root], None, positions[index]
