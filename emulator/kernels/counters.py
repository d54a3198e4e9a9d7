"""Spike counters of the circuits: 8 bits and an overflow flag each."""

from __future__ import annotations

import numpy as np

from .. import limits

_OVERFLOW = limits.RATE_COUNTER_MAX + 1  # where counters stand still: 255 is read, and the flag is up


def count(counters: np.ndarray, trial: np.ndarray, circuit: np.ndarray) -> np.ndarray:
    """Counters (trials, N) after further spikes (S,); 256 stands for all beyond 255."""
    if not len(circuit):
        return counters
    trials, n = counters.shape
    spikes = np.bincount(trial * n + circuit, minlength=trials * n).reshape(trials, n)
    return np.minimum(counters + spikes, _OVERFLOW)


def read(counters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What counters say, int16 in 0..255, and whether there were more spikes."""
    return np.minimum(counters, limits.RATE_COUNTER_MAX).astype(np.int16), counters == _OVERFLOW
