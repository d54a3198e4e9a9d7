"""Currents from outside that change during a run.

A current into a circuit acts like a shift of its leak potential by ``tau_m * current``; so it enters where slow noise
does. A value that is set at step k acts from there on: the membrane shows it at step k + 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..stimulus import InjectedCurrent


class Injection:
    """The currents of a run: ``shift`` (N,) is the present sum of all, each times ``scale`` (N,).

    For circuits ``scale`` makes it a shift of the leak potential, LSB; cells beside the chip take the current itself.
    """

    def __init__(self, currents: Sequence[InjectedCurrent], scale: np.ndarray, start: int) -> None:
        self.shift = np.zeros(len(scale))
        self._where = [c.circuits for c in currents]
        self._per_unit = [c.gain * scale[c.circuits] for c in currents]
        self._values: list[float] = []
        self.changes: dict[int, list[tuple[int, float]]] = {}
        for i, c in enumerate(currents):
            first = int(np.searchsorted(c.step, start, "right"))
            self._values.append(float(c.value[first - 1]) if first else 0.0)
            for step, value in zip(c.step[first:].tolist(), c.value[first:].tolist(), strict=True):
                self.changes.setdefault(step, []).append((i, value))
        self._sum()

    def at(self, step: int) -> None:
        """Take the values that are set at a step."""
        for i, value in self.changes[step]:
            self._values[i] = value
        self._sum()

    def _sum(self) -> None:
        # anew each time, in one order: so the sum does not depend on where a run was cut
        self.shift[:] = 0.0
        for where, per_unit, value in zip(self._where, self._per_unit, self._values, strict=True):
            if value:
                self.shift[where] += per_unit * value
