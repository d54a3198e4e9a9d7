"""Temporal noise that enters the dynamics: slow noise of the membrane, jitter of the threshold.

Slow membrane noise is an Ornstein-Uhlenbeck process of the leak potential, piecewise constant over
``INTERVAL_US``. A membrane with time constant tau_m filters it; its standard deviation is chosen as
``sigma sqrt((tau + tau_m) / tau)``, so that the free membrane has ``sigma``.

All normals are drawn by blocks that are keyed by absolute time, for all circuits of a chip: a circuit's noise does
not depend on which others are used, on the batch, or on where a run is cut.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .. import limits
from ..config import ChipConfig, Circuits
from ..streams import BLOCK_STEPS, Stream, generator

INTERVAL_US = 2.0
_INTERVALS = 64  # of slow noise in a block
_MANY = 8  # trials from which on only what a run needs is drawn


def _normals(config: ChipConfig, stream: Stream, trials: int, first_trial: int, rows: int, *key: int) -> np.ndarray:
    """Standard normals (rows, trials, N) of a block, single precision in the draw."""
    return _drawn(config.circuits, config.chips, config.noise.seed, stream, trials, first_trial, rows, *key)


@lru_cache(maxsize=8)
def _drawn(c: Circuits, chips: int, seed: int, stream: Stream, trials: int, first_trial: int, rows: int, *key: int
           ) -> np.ndarray:
    """They are kept by what they depend on: configurations of one network ask for the same."""
    out = np.empty((rows, trials, len(c)))
    for t in range(trials):
        for chip in range(chips):
            here = np.flatnonzero(c.chip == chip)
            if len(here):
                rng = generator(seed, stream, first_trial + t, chip, *key)
                z = rng.standard_normal((rows, limits.CIRCUITS), dtype=np.float32)
                out[:, t, here] = z[:, c.circuit[here]]
    out.flags.writeable = False
    return out


class SlowNoise:
    """The slow process of a run up to ``stop``: ``at(step)`` moves ``value`` (trials, N), LSB, to a step's interval."""

    def __init__(self, config: ChipConfig, trials: int, first_trial: int, value: np.ndarray, stop: int) -> None:
        noise, c = config.noise, config.circuits
        self.interval = max(1, round(INTERVAL_US / config.step_us))
        self.value = value
        self._sigma = noise.membrane_noise * np.sqrt(1.0 + c.tau_m / noise.membrane_noise_tau)
        self._keep = np.exp(-self.interval * config.step_us / noise.membrane_noise_tau)
        self._key = (config, Stream.MEMBRANE, trials, first_trial)
        self._last = (stop - 1) // self.interval
        self._many = trials > _MANY

    def at(self, step: int) -> None:
        """Move on to the interval that begins at ``step``, a multiple of ``interval``."""
        block, row = divmod(step // self.interval, _INTERVALS)
        # the first rows of a block are the same, however many are drawn; few trials draw all, and keep them
        rows = min(_INTERVALS, self._last - block * _INTERVALS + 1) if self._many else _INTERVALS
        z = self._sigma * _normals(*self._key, rows, block)[row]
        if step == 0:
            self.value[...] = z
        else:
            self.value *= self._keep
            self.value += np.sqrt(1.0 - self._keep**2) * z


class ThresholdJitter:
    """New thresholds for circuits that spiked: normals by (block of steps, how many were drawn in it)."""

    def __init__(self, config: ChipConfig, trials: int, first_trial: int, passages: np.ndarray) -> None:
        self._key = (config, Stream.THRESHOLD, trials, first_trial, 1)
        self._sigma = config.noise.threshold_jitter
        self._passages = passages.reshape(-1)
        self._table = np.zeros((0, passages.size))  # one row for each threshold drawn in the present block
        self._block = -1

    def draw(self, step: int, spiked: np.ndarray) -> np.ndarray:
        """Jitter (LSB) for the flat indices of circuits that spiked at ``step``."""
        block = step // BLOCK_STEPS
        if block != self._block:
            self._block, self._table = block, self._table[:0]
        nth = self._passages.take(spiked)
        while len(self._table) <= int(nth.max()):
            row = _normals(*self._key, block, len(self._table)).reshape(1, -1)
            self._table = np.concatenate([self._table, row])
        self._passages[spiked] = nth + 1
        return self._sigma * self._table[nth, spiked]

    def new_block(self) -> None:
        """Start counting anew; to be called at every multiple of ``BLOCK_STEPS``."""
        self._passages[:] = 0


def first_jitter(config: ChipConfig, trials: int, first_trial: int) -> tuple[np.ndarray, np.ndarray]:
    """Jitter of the thresholds before the first spike, and the count of thresholds drawn, both (trials, N)."""
    shape = (trials, len(config.circuits))
    if not config.noise.threshold_jitter:
        return np.zeros(shape), np.zeros(shape, np.int64)
    z = _normals(config, Stream.THRESHOLD, trials, first_trial, 1, 0, 0)[0]
    return config.noise.threshold_jitter * z, np.ones(shape, np.int64)
