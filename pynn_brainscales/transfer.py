"""The chips' state when the network itself has changed: neurons that were there keep their state variables."""

from __future__ import annotations

import numpy as np

from .emulator.state import ChipState, physical
from .emulator.state import initial_state as start_from
from .mapping.aside import beside_values
from .mapping.mapped import Mapped
from .mapping.network import Population
from .mapping.readback import physical_in_biological_units
from .mapping.scale import physical_from_biological_units
from .mapping.stimuli import initial_state
from .relay_transfer import relay_states


def transfer(state: ChipState, old: Mapped, new: Mapped) -> ChipState:
    """State of a new mapping from that of an old one, population by population.

    Membrane, adaptation and synaptic state are taken over in biological units; refractory times and spikes on their
    way are not. Populations that are new start from their initial values; cells beside the chips, learning synapses
    and those with short-term plasticity that have stayed keep their state.
    """
    fresh = initial_state(new, state.trials, state.first_trial)
    before, after = physical(old.config, state), physical(new.config, fresh)
    names = {"v": "v", "w": "w", "i_exc": "isyn_exc", "i_inh": "isyn_inh"}
    values = {}
    for name, variable in names.items():
        mine = physical_in_biological_units(old, variable, getattr(before, name)[:, old.master])
        now = np.array(getattr(after, name))
        for label in {p.label for p in old.network.populations} & {p.label for p in new.network.populations}:
            size = new.network.population(label).size
            if old.network.population(label).size != size:
                continue
            source = old.network.offsets()[label] + np.arange(size)
            target = new.network.offsets()[label] + np.arange(size)
            converted = physical_from_biological_units(new.network, new.target, new.scaled.alpha, new.scaled.v_offset,
                                                       variable, mine[:, source], target)
            now[:, new.master[target]] = converted
        values[name] = now
    result = start_from(new.config, state.trials, state.first_trial, **values, beside=beside_values(new.split))
    return result.replace(
        step=state.step, beside=_kept(state.beside, old.split.beside, result.beside, new.split.beside),
        relays=relay_states(state, old, new),
        pairs=_kept(state.pairs, old.split.learning, result.pairs, new.split.learning))


def _kept(states, parts, fresh, new_parts) -> tuple:
    """States of the parts that have stayed as they were; fresh ones for the others."""
    before = {part.label: (part, s) for part, s in zip(parts, states, strict=True)}
    result = []
    for part, start in zip(new_parts, fresh, strict=True):
        known = before.get(part.label)
        result.append(known[1] if known is not None and _alike(known[0], part) else start)
    return tuple(result)


def _alike(a, b) -> bool:
    """Two populations, or two projections, whose state has one form."""
    if isinstance(a, Population):
        return (a.model, a.size, dict(a.receptors)) == (b.model, b.size, dict(b.receptors))
    return (a.rule, len(a)) == (b.rule, len(b)) and np.array_equal(a.delay, b.delay)
