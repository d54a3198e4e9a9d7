"""What a real chip could follow of the current sources: one sentence for each."""

from __future__ import annotations

import numpy as np
from pynn_brainscales.emulator import limits

from .currents import constant
from .mapped import Mapped
from .network import Current
from .scale import current_gain


def current_notes(m: Mapped) -> list[str]:
    """Sentences about the current sources into circuits; a chip without limits follows everything."""
    if not m.target.profile.limited:
        return []
    beside = {p.label for p in m.split.beside}
    return [_note(m, c) for c in m.described.currents if c.population not in beside and len(c.index)]


def _note(m: Mapped, c: Current) -> str:
    what = f"{c.model} into {len(c.index)} cell{'s' if len(c.index) != 1 else ''} of {c.population!r}"
    amplitude = constant(c.model, c.parameters, m.network.timestep)
    if amplitude is None:
        return f"{what}: it changes in a run; a chip sets its offset currents before a run and can't follow"
    neuron = c.index + m.network.offsets()[c.population]
    per_na = current_gain(m.network, m.target, m.scaled.alpha)[neuron]
    own = m.rounded.cells["i_offset"].realised[neuron]
    most = limits.CAPMEM_MAX * limits.I_OFFSET_LSB_US_PER_CODE
    step = float(np.max(limits.I_OFFSET_LSB_US_PER_CODE / per_na))
    if np.any(np.abs(own + per_na * amplitude) > most):
        reach = float(np.min((most - own) / per_na))
        return f"{what}: {amplitude:.4g} nA as an offset current; a chip has {reach:.4g} nA at most"
    return f"{what}: {amplitude:.4g} nA as an offset current, which a chip has in steps of {step:.2g} nA"
