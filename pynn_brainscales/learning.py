"""What a run changes of synapses: from the chips to the projections, and weights back after a change by the user."""

from __future__ import annotations

import numpy as np

from .describe import by_label, learning_projections
from .emulator.recording import Recording
from .emulator.state import ChipState
from .mapping.mapped import Mapped
from .mapping.readback import signed, weights
from .mapping.relay_probes import present_state, synapse_states


def collect_synapses(state, mapped: Mapped, recording: Recording, start: int, stop: int) -> None:
    """Give every projection what a run from step ``start`` to ``stop`` has made of its synapses, and their samples."""
    learning = learning_projections(state) if mapped.split.learning else {}
    present: dict = {}
    for part, pairs in zip(mapped.split.learning, state.chips.pairs, strict=True):
        projection, here = learning[part.label]
        whole = present.setdefault(projection, np.zeros((state.replicas, len(projection))))
        whole[:, here] = signed(mapped, part, pairs.weights)
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
        whole = result.setdefault(projection, {}).setdefault(name, (steps, np.zeros((len(steps), len(projection)))))
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


def with_present_weights(state, chips: ChipState) -> ChipState:
    """The chips' state with the weights that the projections have now: the user may have set some."""
    if not state.mapped.split.learning:
        return chips
    learning = learning_projections(state)
    pairs = []
    for part, before in zip(state.mapped.split.learning, chips.pairs, strict=True):
        projection, here = learning[part.label]
        present = np.stack([np.abs(projection.present("weight", r)[here]) for r in range(state.replicas)])
        pairs.append(before.replace(weights=present))
    return chips.replace(pairs=tuple(pairs))
