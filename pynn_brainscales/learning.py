"""Weights that a run changes: from the chips' state to the projections, and back after a change by the user."""

from __future__ import annotations

import numpy as np

from .describe import learning_projections
from .emulator.recording import Recording
from .emulator.state import ChipState
from .mapping.mapped import Mapped
from .mapping.readback import signed, weights


def collect_weights(state, mapped: Mapped, recording: Recording, start: int, stop: int) -> None:
    """Give every projection what a run from step ``start`` to ``stop`` has made of its weights, and their samples."""
    learning = learning_projections(state) if mapped.split.learning else {}
    present: dict = {}
    samples: dict = {}
    sampled = weights(mapped, recording)
    for part, pairs in zip(mapped.split.learning, state.chips.pairs, strict=True):
        projection, here = learning[part.label]
        present.setdefault(projection, np.zeros(len(projection)))[here] = signed(mapped, part, pairs.weights[0])
        if part.label in sampled:
            times, values = sampled[part.label]
            steps = np.rint(times / state.dt).astype(int)
            whole = samples.setdefault(projection, (steps, np.zeros((len(steps), len(projection)))))
            whole[1][:, here] = values
    for projection, values in present.items():
        projection.take({"weight": values})
    for projection in state.projections:
        if projection.recorder is not None:
            projection.recorder.collect(start, stop, {"weight": samples[projection]} if projection in samples else {})


def with_present_weights(state, chips: ChipState) -> ChipState:
    """The chips' state with the weights that the projections have now: the user may have set some."""
    if not state.mapped.split.learning:
        return chips
    learning = learning_projections(state)
    pairs = []
    for part, before in zip(state.mapped.split.learning, chips.pairs, strict=True):
        projection, here = learning[part.label]
        present = np.abs(projection.present("weight")[here])
        pairs.append(before.replace(weights=np.broadcast_to(present, before.weights.shape).copy()))
    return chips.replace(pairs=tuple(pairs))
