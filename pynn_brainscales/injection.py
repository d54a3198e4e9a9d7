"""Current sources to what the emulator injects."""

from __future__ import annotations

import warnings

import numpy as np

from .emulator.stimulus import InjectedCurrent
from .mapping.errors import MappingWarning
from .mapping.mapped import Mapped
from .mapping.stimuli import injected


def currents(sources, mapped: Mapped, start: int, stop: int) -> tuple[InjectedCurrent, ...]:
    """All currents from step ``start`` to ``stop``, one for each injection."""
    result = []
    for source in sources:
        if not source._cells or stop <= start:
            continue
        values = source.values(start, stop)
        change = np.concatenate(([0], np.flatnonzero(np.diff(values)) + 1))
        if len(change) > 1 and mapped.target.profile.limited:
            warnings.warn(f"{type(source).__name__} changes during the run: the offset current of a real chip is set "
                          "before a run and can't follow; it is emulated as asked", MappingWarning, stacklevel=2)
        for population, index in source._cells:
            neuron = index + mapped.network.offsets()[population.mapped_label]
            result.append(injected(mapped, neuron, change + start, values[change]))
    return tuple(result)
