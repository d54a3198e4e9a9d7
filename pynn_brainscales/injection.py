"""Current sources to what the emulator injects."""

from __future__ import annotations

import warnings

import numpy as np

from .emulator.stimulus import InjectedCurrent
from .mapping.errors import MappingWarning
from .mapping.mapped import Mapped
from .mapping.stimuli import injected


def currents(sources, mapped: Mapped, start: int, stop: int, trial: int | None = None
             ) -> tuple[tuple[InjectedCurrent, ...], tuple[InjectedCurrent, ...]]:
    """All currents from step ``start`` to ``stop``, one for each injection: into circuits, and into cells beside.

    ``trial`` is the number in the random streams; by default the present one.
    """
    into_circuits, into_cells = [], []
    beside = {p.label for p in mapped.split.beside}
    for source in sources:
        if not source._cells or stop <= start:
            continue
        values = source.values(start, stop, trial)
        on_chip = any(population.mapped_label not in beside for population, _ in source._cells)
        if np.ptp(values) > 0 and mapped.target.profile.limited and on_chip:
            warnings.warn(f"{type(source).__name__} changes during the run: the offset current of a real chip is set "
                          "before a run and can't follow; it is emulated as asked", MappingWarning, stacklevel=2)
        for population, index in source._cells:
            aside, current = injected(mapped, population.mapped_label, index, start, values)
            (into_cells if aside else into_circuits).append(current)
    return tuple(into_circuits), tuple(into_cells)
