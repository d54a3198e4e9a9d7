"""What a run changes of synapses: from the chips to the projections, and weights back after a change by the user."""

from __future__ import annotations

import numpy as np

from .columns import INDICES
from .describe import by_label, learning_projections
from .emulator.plastic import PlasticArrayState, initial_array_state
from .emulator.recording import Recording
from .emulator.state import ChipState
from .mapping.mapped import Mapped
from .mapping.readback import plastic_places, signed, weights
from .mapping.relay_probes import present_state, synapse_states
from .mechanisms import codes_of


def collect_synapses(state, mapped: Mapped, recording: Recording, start: int, stop: int) -> None:
    """Give every projection what a run from step ``start`` to ``stop`` has made of its synapses, and their samples."""
    learning = learning_projections(state) if mapped.split.learning else {}
    present: dict = {}
    for part, pairs in zip(mapped.split.learning, state.chips.pairs, strict=True):
        projection, here = learning[part.label]
        now = np.array([projection.present("weight", r) for r in range(state.replicas)], float)  # of all its parts
        values = present.setdefault(projection, now)
        values[:, here] = signed(mapped, part, pairs.weights)
    for projection, values in present.items():
        projection.take({"weight": values})
    recorders = [p.recorder for p in state.projections if p.recorder is not None]
    for replica in range(state.replicas if recorders else 0):
        samples = _samples(state, mapped, recording, replica)
        for recorder in recorders:
            recorder.collect(start, stop, samples.get(recorder.projection, {}), replica)


def _samples(state, mapped: Mapped, recording: Recording, replica: int) -> dict:
    """Projection -> variable -> (steps (k,), values (k, n)) of what was sampled in one replica of a run."""
    if not mapped.described.observed:
        return {}
    recorded = by_label(state, lambda prj: prj.recorder is not None)
    sampled = {(label, "weight"): pair for label, pair in weights(mapped, recording, replica).items()}
    result: dict = {}
    for (label, name), (times, values) in (sampled | synapse_states(mapped, recording, replica)).items():
        projection, here = recorded[label]
        steps = np.rint(times / state.dt).astype(int)
        # parts that rules change stay as they are within a piece of a run
        rest = np.tile(projection.present(name, replica), (len(steps), 1))
        whole = result.setdefault(projection, {}).setdefault(name, (steps, rest))
        whole[1][:, here] = values
    return result


def present_states(state, projection, name: str, replica: int = 0) -> np.ndarray | None:
    """A variable of short-term plasticity of all connections now, (n,); None where no run has taken the projection."""
    if state.chips is None or state.mapped is None:
        return None
    known = {p.label for p in state.mapped.described.projections}
    parts = by_label(state, lambda prj: prj is projection)
    if not parts.keys() <= known:
        return None
    result = np.zeros(len(projection))
    for label, (_, here) in parts.items():
        result[here] = present_state(state.mapped, state.chips, label, name, replica)
    return result


def with_present_weights(state, chips: ChipState, old: Mapped) -> ChipState:
    """The chips' state with the weights that the projections have now: the user may have set some.

    Plastic arrays that have kept their places since the mapping ``old`` keep what their sensors and counters hold; the
    others begin with empty ones.
    """
    chips = chips.replace(plastic=_plastic_states(state, chips, old))
    if not state.mapped.split.learning:
        return chips
    learning = learning_projections(state)
    pairs = []
    for part, before in zip(state.mapped.split.learning, chips.pairs, strict=True):
        projection, here = learning[part.label]
        present = np.stack([np.abs(projection.present("weight", r)[here]) for r in range(state.replicas)])
        pairs.append(before.replace(weights=present))
    return chips.replace(pairs=tuple(pairs))


def same_places(old: Mapped, new: Mapped) -> bool:
    """Whether all plastic synapses have stayed where they were."""
    before, after = plastic_places(old), plastic_places(new)
    return before.keys() == after.keys() and all(
        a.there.shape == b.there.shape for a, b in zip(old.config.plastic, new.config.plastic, strict=True)) and all(
        np.array_equal(before[k].row, p.row) and np.array_equal(before[k].column, p.column) for k, p in after.items())


def _plastic_states(state, chips: ChipState, old: Mapped) -> tuple[PlasticArrayState, ...]:
    new = state.mapped
    if not new.split.plastic:
        return ()
    kept = same_places(old, new) and len(chips.plastic) == len(new.config.plastic)
    parts = by_label(state, lambda prj: True)
    places, result = plastic_places(new), []
    for number, (label, array) in enumerate(zip(new.split.plastic, new.config.plastic, strict=True)):
        before = chips.plastic[number] if kept else initial_array_state(array, chips.trials)
        projection, here = parts[label]
        place = places[label]
        alive = place.row >= 0
        weight, label_of = before.synapses.weight.copy(), before.synapses.label.copy()
        for replica in range(chips.trials):
            at = (replica, place.row[alive], place.column[alive])
            weight[at] = codes_of(projection.present("weight", replica)[here], place.unit)[alive]
            if new.split.plastic[label].candidates is not None:  # partners of slots
                label_of[at] = projection.present(INDICES[0], replica)[here][alive]
        result.append(before.replace(synapses=before.synapses.replace(weight=weight, label=label_of)))
    return tuple(result)
