"""What a run changes of synapses: from the chips to the projections, and weights back after a change by the user."""

from __future__ import annotations

import numpy as np

from .columns import INDICES
from .describe import by_label, learning_projections
from .emulator import limits
from .emulator.recording import Recording
from .emulator.state import ChipState
from .mapping.mapped import Mapped
from .mapping.readback import plastic_places, signed, weights
from .mapping.relay_probes import present_state, synapse_states


def collect_synapses(state, mapped: Mapped, recording: Recording, start: int, stop: int) -> None:
    """Give every projection what a run from step ``start`` to ``stop`` has made of its synapses, and their samples."""
    learning = learning_projections(state) if mapped.split.learning else {}
    present: dict = {}
    for part, pairs in zip(mapped.split.learning, state.chips.pairs, strict=True):
        projection, here = learning[part.label]
        present.setdefault(projection, np.zeros(len(projection)))[here] = signed(mapped, part, pairs.weights[0])
    for projection, values in present.items():
        projection.take({"weight": values})
    samples = _samples(state, mapped, recording)
    for projection in state.projections:
        if projection.recorder is not None:
            projection.recorder.collect(start, stop, samples.get(projection, {}))


def _samples(state, mapped: Mapped, recording: Recording) -> dict:
    """Projection -> variable -> (steps (k,), values (k, n)) of what was sampled in a run."""
    if not mapped.described.observed:
        return {}
    recorded = by_label(state, lambda prj: prj.recorder is not None)
    sampled = {(label, "weight"): pair for label, pair in weights(mapped, recording).items()}
    result: dict = {}
    for (label, name), (times, values) in (sampled | synapse_states(mapped, recording)).items():
        projection, here = recorded[label]
        steps = np.rint(times / state.dt).astype(int)
        whole = result.setdefault(projection, {}).setdefault(name, (steps, np.zeros((len(steps), len(projection)))))
        whole[1][:, here] = values
    return result


def present_states(state, projection, name: str) -> np.ndarray | None:
    """A variable of short-term plasticity of all connections now, (n,); None where no run has taken the projection."""
    if state.chips is None or state.mapped is None:
        return None
    known = {p.label for p in state.mapped.described.projections}
    parts = by_label(state, lambda prj: prj is projection)
    if not parts.keys() <= known:
        return None
    result = np.zeros(len(projection))
    for label, (_, here) in parts.items():
        result[here] = present_state(state.mapped, state.chips, label, name)
    return result


def with_present_weights(state, chips: ChipState) -> ChipState:
    """The chips' state with the weights that the projections have now: the user may have set some."""
    chips = _with_present_codes(state, chips)
    if not state.mapped.split.learning:
        return chips
    learning = learning_projections(state)
    pairs = []
    for part, before in zip(state.mapped.split.learning, chips.pairs, strict=True):
        projection, here = learning[part.label]
        present = np.abs(projection.present("weight")[here])
        pairs.append(before.replace(weights=np.broadcast_to(present, before.weights.shape).copy()))
    return chips.replace(pairs=tuple(pairs))


def _with_present_codes(state, chips: ChipState) -> ChipState:
    """The same for synapses of plasticity rules: weights to the nearest code, and the partners of slots."""
    parts, places = state.mapped.split.plastic, plastic_places(state.mapped)
    known = by_label(state, lambda prj: type(prj.synapse_type).__name__ == "PlasticSynapse")
    arrays = []
    for (label, part), array in zip(parts.items(), chips.plastic, strict=True):
        (projection, here), place = known[label], places[label]
        present = projection.present("weight")[here]
        alive = (place.row >= 0) & np.isfinite(present)  # what was lost before starts anew
        at = (slice(None), place.row[alive], place.column[alive])
        weight, partner = array.synapses.weight.copy(), array.synapses.label.copy()
        weight[at] = np.clip(np.floor(present[alive] / place.unit[alive] + 0.5), 0, limits.WEIGHT_MAX)
        if part.candidates is not None:
            partner[at] = projection.present(INDICES[0])[here][alive]
        arrays.append(array.replace(synapses=array.synapses.replace(weight=weight, label=partner)))
    return chips.replace(plastic=tuple(arrays))
