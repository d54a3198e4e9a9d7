"""From PyNN's objects to the declarative network that is mapped."""

from __future__ import annotations

import numpy as np

from .mapping.network import (
    CELL_PARAMETERS,
    CELL_VARIABLES,
    SOURCE_PARAMETERS,
    Network,
    Population,
    Probe,
    Projection,
    Source,
)


def describe(state) -> Network:
    """The network of a ``simulator.State``; its arrays are the projections' own."""
    _label(state.populations)
    neurons = [p for p in state.populations if p.celltype.__class__.__name__ in CELL_PARAMETERS]
    return Network(
        populations=tuple(_population(p) for p in neurons), sources=describe_sources(state),
        projections=tuple(part for p in _named(state.projections) for part in _projection(*p)),
        probes=tuple(Probe(p.mapped_label, name, index, interval)
                     for p in neurons for name, index, interval in p.recorder.sampled() if len(index)),
        timestep=state.dt, min_delay=state.min_delay)


def describe_sources(state) -> tuple[Source, ...]:
    """The spike sources with what they will send."""
    _label(state.populations)
    return tuple(_source(p) for p in state.populations if p.celltype.__class__.__name__ not in CELL_PARAMETERS)


def _label(populations) -> None:
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
    model = p.celltype.__class__.__name__
    return Population(p.mapped_label, p.size, model,
                      {name: p._parameters[name].astype(float) for name in CELL_PARAMETERS[model]},
                      {name: p._initial.get(name, np.zeros(p.size)) for name in CELL_VARIABLES[model]})


def _source(p) -> Source:
    model = p.celltype.__class__.__name__
    if model != "SpikeSourceArray":
        return Source(p.mapped_label, p.size, model,
                      {name: p._parameters[name].astype(float) for name in SOURCE_PARAMETERS[model]})
    trains = [t.value for t in p._parameters["spike_times"]]
    lengths = [len(t) for t in trains]
    return Source(p.mapped_label, p.size, model, {
        "spike_times": np.concatenate(trains).astype(float) if trains else np.zeros(0),
        "spike_index": np.repeat(np.arange(p.size), lengths)})


def _projection(prj, label: str) -> list[Projection]:
    """One description for each pair of populations that a projection connects."""
    columns = prj._columns()
    pre, post = columns["presynaptic_index"], columns["postsynaptic_index"]
    sides = []
    for cells, index in ((prj.pre, pre), (prj.post, post)):
        sides.append(_resolve(cells, index))
    (pre_parts, pre_which, pre_index), (post_parts, post_which, post_index) = sides
    receptor = prj.receptor_type
    pre_which, post_which = (np.zeros(len(pre), int) if w is None else w for w in (pre_which, post_which))
    whole = len(pre_parts) == 1 and len(post_parts) == 1
    result = []
    for a, pre_population in enumerate(pre_parts):
        for b, post_population in enumerate(post_parts):
            if whole:
                here, name = slice(None), label
            else:
                here = np.flatnonzero((pre_which == a) & (post_which == b))
                name = f"{label} [{pre_population.mapped_label}→{post_population.mapped_label}]"
            result.append(Projection(
                name, pre_population.mapped_label, post_population.mapped_label, receptor,
                pre_index if whole else pre_index[here], post_index if whole else post_index[here],
                columns["weight"] if whole else columns["weight"][here],
                columns["delay"] if whole else columns["delay"][here]))
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
