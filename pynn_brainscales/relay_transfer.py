"""The state of short-term plasticity when the network itself has changed: synapses that were there keep theirs."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from .emulator.kernels.relay import RelayState, initial_relay_state
from .emulator.kernels.routing import through_drivers
from .emulator.state import ChipState
from .mapping.mapped import Mapped
from .mapping.network import Projection
from .mapping.relay_probes import driver_sources, setting


def relay_states(state: ChipState, old: Mapped, new: Mapped) -> RelayState | None:
    """Relays of a new mapping: with the state of what was in their place, else as they start.

    What was in their place served the same synapse of the same projection.
    """
    if not (new.split.relays or new.split.drivers):
        return None
    relays = through_drivers(new.config)[1]
    if relays is None:
        return None
    fresh = initial_relay_state(relays, state.trials)
    if state.relays is None:
        return fresh
    before = np.array(_of_synapses(old, new) + _of_drivers(old, new))
    known = np.flatnonzero(before >= 0)
    values = {}
    for field in fields(RelayState):
        values[field.name] = np.array(getattr(fresh, field.name))
        values[field.name][:, known] = getattr(state.relays, field.name)[:, before[known]]
    values["full"] = np.minimum(values["full"], relays.sites)
    return RelayState(**values)


def _of_synapses(old: Mapped, new: Mapped) -> list[int]:
    """For each relay of the new split the one of the old that served the same synapse; -1 if there is none."""
    start, served = 0, {}
    for relay in old.split.relays:
        served[relay.label] = start, relay.model, _served(old, relay.label)
        start += len(relay.source)
    result = []
    for relay in new.split.relays:
        now, before = _served(new, relay.label), np.full(len(relay.source), -1)
        first, model, then = served.get(relay.label, (0, "", None))
        if then is not None and model == relay.model and _same_synapses(then, now):
            before[now.pre_index] = first + then.pre_index
        result += before.tolist()
    return result


def _served(m: Mapped, label: str) -> Projection:
    """The projection from relays on."""
    return next(p for p in (*m.split.network.projections, *m.split.aside) if p.pre == label)


def _same_synapses(a: Projection, b: Projection) -> bool:
    return a.label == b.label and np.array_equal(a.post_index, b.post_index)


def _of_drivers(old: Mapped, new: Mapped) -> list[int]:
    """For each relay of the new drivers the one of the old that served the same synapse; -1 if there is none."""
    start = sum(len(relay.source) for relay in old.split.relays)
    then = {key: start + i for i, key in enumerate(driver_sources(old.split, old.config, old.master))}
    now = {key: i for i, key in enumerate(driver_sources(new.split, new.config, new.master))}
    result = [-1] * len(now)
    for label in old.split.driver_modes.keys() & new.split.driver_modes.keys():
        a, b = (next(p for p in m.described.projections if p.label == label) for m in (old, new))
        if a.pre != b.pre or not (np.array_equal(a.pre_index, b.pre_index) and _same_synapses(a, b)):
            continue
        modes = (m.split.driver_modes[label] for m in (old, new))
        for index, x, y in np.unique(np.stack([a.pre_index, *modes]), axis=1).T.tolist():
            before, after = (m.split.drivers[k - 1] for m, k in ((old, x), (new, y)))
            place = now.get((b.pre, index, *setting(after)))
            if place is not None:
                result[place] = then.get((a.pre, index, *setting(before)), -1)
    return result
