"""When cells fire, and what a spike does to their membranes: comparator, refractory time, reset.

The same meaning as on the chip. The comparator is edge-triggered: after a spike it waits for the membrane to be below
threshold. After a spike at step k with R refractory steps the membrane stands at its reset potential up to step
k + R, where nothing fires, and integrates again from there.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Trigger(Protocol):
    """What a group asks of it."""

    def hold(self) -> None:
        """Put refractory membranes back to their reset potential."""

    def kick(self, jump: np.ndarray) -> None:
        """Add a jump (trials, n) to the membranes that are not refractory."""

    def fire(self, k: int) -> np.ndarray:
        """Flat indices, ascending, of the cells that fire at step k; their membranes are reset."""


class Refractory:
    """Membranes held at the reset potential for a time after a spike.

    ``v`` flat over (trials, n), changed in place, as is ``release`` of the same shape: the step at which the
    refractory time ends, -1 outside. ``v_reset`` in mV and ``steps`` are (n,).
    """

    def __init__(self, v: np.ndarray, v_reset: np.ndarray, steps: np.ndarray, release: np.ndarray) -> None:
        self._v, self._v_reset, self._steps, self._release = v, v_reset, steps, release
        self._n = max(1, len(v_reset))
        self._any = bool(np.any(steps > 0))
        self._set_held(np.flatnonzero(release >= 0))

    def _set_held(self, held: np.ndarray) -> None:
        self.held, self._held_at = held, self.reset_of(held)

    def reset_of(self, which: np.ndarray) -> np.ndarray:
        """Reset potential of flat indices, mV."""
        return self._v_reset.take(which % self._n)

    def hold(self) -> None:
        """Put refractory membranes back to their reset potential."""
        if self.held.size:
            self._v[self.held] = self._held_at

    def kick(self, jump: np.ndarray) -> None:
        """Add a jump to the membranes that are not refractory."""
        np.add(self._v, jump.reshape(-1), self._v)
        self.hold()

    def end(self, k: int) -> np.ndarray:
        """Those whose refractory time ends at step k."""
        over = self._release.take(self.held) == k
        ended = self.held[over]
        if ended.size:
            self._release[ended] = -1
            self._set_held(self.held[~over])
        return ended

    def begin(self, k: int, spiked: np.ndarray) -> np.ndarray:
        """Reset, and hold; those without a refractory time, which is over at once."""
        self._v[spiked] = self.reset_of(spiked)
        if not self._any:
            return spiked
        steps = self._steps.take(spiked % self._n)
        later = spiked[steps > 0]
        self._release[later] = k + steps[steps > 0]
        self._set_held(np.concatenate((self.held, later)))
        return spiked[steps == 0]


class Comparator:
    """A fixed threshold with reset and refractory time.

    ``theta`` (n,), mV; ``above`` bool, flat: has fired and has not been below threshold since; changed in place.
    """

    def __init__(self, v: np.ndarray, theta: np.ndarray, v_reset: np.ndarray, steps: np.ndarray, release: np.ndarray,
                 above: np.ndarray) -> None:
        self._v, self._above = v, above
        self._theta = np.tile(theta, len(v) // max(1, len(theta)))
        self._refractory = Refractory(v, v_reset, steps, release)
        self._threshold = np.where((release >= 0) | above, np.inf, self._theta)
        self._may_stay = bool(np.any(v_reset >= theta))
        self._waiting = np.flatnonzero(above)
        self._reached = np.empty(v.shape, bool)
        self.hold, self.kick = self._refractory.hold, self._refractory.kick

    def fire(self, k: int) -> np.ndarray:
        """Flat indices of the cells that fire at step k."""
        np.greater_equal(self._v, self._threshold, self._reached)
        spiked = self._reached.nonzero()[0]
        if self._waiting.size:
            self._arm()
        if self._refractory.held.size:
            self._release(self._refractory.end(k))
        if spiked.size:
            self._threshold[spiked] = np.inf
            self._release(self._refractory.begin(k, spiked))
        return spiked

    def _release(self, which: np.ndarray) -> None:
        if not which.size:
            return
        self._threshold[which] = self._theta.take(which)
        if self._may_stay:
            stay = which[self._refractory.reset_of(which) >= self._theta.take(which)]
            self._threshold[stay] = np.inf
            self._above[stay] = True
            self._waiting = np.flatnonzero(self._above)

    def _arm(self) -> None:
        below = self._waiting[self._v.take(self._waiting) < self._theta.take(self._waiting)]
        if below.size:
            self._above[below] = False
            self._threshold[below] = self._theta.take(below)
            self._waiting = np.flatnonzero(self._above)


class Crossing:
    """Upward crossings of a level, without reset or refractory time.

    ``observe`` is called after every sub-step, so that a crossing between two steps isn't missed; a cell fires at most
    once in a step. ``v`` and ``above`` (flat) as for ``Comparator``; ``level`` in mV.
    """

    def __init__(self, v: np.ndarray, level: float, above: np.ndarray) -> None:
        self._v, self._level, self._above = v, level, above
        self._now, self._rose, self._crossed = np.empty(v.shape, bool), np.empty(v.shape, bool), np.zeros(v.shape, bool)

    def hold(self) -> None:
        """Nothing is held."""

    def kick(self, jump: np.ndarray) -> None:
        """Add a jump to all membranes."""
        np.add(self._v, jump.reshape(-1), self._v)

    def observe(self) -> None:
        """Note who has crossed the level since the last call."""
        np.greater_equal(self._v, self._level, self._now)
        np.greater(self._now, self._above, self._rose)
        np.logical_or(self._crossed, self._rose, self._crossed)
        np.copyto(self._above, self._now)

    def fire(self, k: int) -> np.ndarray:
        """Flat indices of the cells that have crossed the level in this step."""
        self.observe()
        spiked = self._crossed.nonzero()[0]
        if spiked.size:
            self._crossed[spiked] = False
        return spiked
