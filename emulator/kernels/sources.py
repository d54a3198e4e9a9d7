"""Events from outside: given times, Poisson, renewal and inhomogeneous gamma processes, by trial and step."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..stimulus import PoissonSources, RenewalSources, Stimulus
from ..streams import BLOCK_STEPS, Stream, generator
from .inh_gamma import InhGammaSequence, InhGammaSources

_INTERVALS = 64  # of a renewal process that are drawn at once


@lru_cache(maxsize=64)
def _poisson_block(p: PoissonSources, seed: int, trial: int, block: int, block_us: float
                   ) -> tuple[np.ndarray, np.ndarray]:
    """Events of all processes in one block of absolute time: (channel, time in us), in temporal order."""
    rng = generator(seed, Stream.POISSON, trial, p.key, block)
    count = rng.poisson(p.rate * block_us)
    time = (block + rng.random(int(count.sum()))) * block_us
    which = np.repeat(np.arange(len(count)), count)
    live = (time >= p.start_us[which]) & (time < p.stop_us[which])
    time, which = time[live], which[live]
    order = np.argsort(time, kind="stable")
    return p.channels[which[order]], time[order]


class _Sequence:
    """Events of renewal processes from their start on; it grows as far as it is asked for, always by the same draws."""

    def __init__(self, p: RenewalSources, seed: int, trial: int) -> None:
        self._p, self._rng = p, generator(seed, Stream.RENEWAL, trial, p.key)
        self._last = np.array(p.start_us, float)
        self._parts: list[np.ndarray] = []  # times (intervals drawn at once, n)
        self._channel, self._time = np.zeros(0, np.int64), np.zeros(0)

    def between(self, low_us: float, high_us: float) -> tuple[np.ndarray, np.ndarray]:
        """(channel, time) of the events in low <= time < high, in temporal order."""
        p = self._p
        drawn = len(self._parts)
        while np.any(self._last < np.minimum(high_us, p.stop_us)):
            interval = p.dead_us + p.scale_us * self._rng.standard_gamma(p.shape, (_INTERVALS, len(self._last)))
            self._parts.append(self._last + np.cumsum(interval, axis=0))
            self._last = self._parts[-1][-1]
        if len(self._parts) > drawn:
            times = np.concatenate(self._parts)
            row, which = np.nonzero(times < p.stop_us)
            order = np.argsort(times[row, which], kind="stable")
            self._channel, self._time = p.channels[which[order]], times[row, which][order]
        low, high = np.searchsorted(self._time, (low_us, high_us))
        return self._channel[low:high], self._time[low:high]


@lru_cache(maxsize=64)
def _sequence(p: RenewalSources | InhGammaSources, seed: int, trial: int) -> _Sequence | InhGammaSequence:
    if isinstance(p, RenewalSources):
        return _Sequence(p, seed, trial)
    return InhGammaSequence(p, seed, trial)


def draw_sources(stimulus: Stimulus, seed: int, start: int, stop: int, step_us: float
                 ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Drawn events with start <= time / step < stop: (trial, channel, time in us), in temporal order per trial."""
    parts = []
    block_us = BLOCK_STEPS * step_us
    for t in range(stimulus.trials):
        number = stimulus.first_trial + t
        for p in stimulus.poisson:
            for block in range(start // BLOCK_STEPS, -(-stop // BLOCK_STEPS)):
                channel, time = _poisson_block(p, seed, number, block, block_us)
                low, high = np.searchsorted(time, (start * step_us, stop * step_us))
                parts.append((np.full(high - low, t), channel[low:high], time[low:high]))
        for r in (*stimulus.renewal, *stimulus.inh_gamma):
            channel, time = _sequence(r, seed, number).between(start * step_us, stop * step_us)
            parts.append((np.full(len(time), t), channel, time))
    if not parts:
        none = np.zeros(0, np.int64)
        return none, none, np.zeros(0)
    trial, channel, time = (np.concatenate(a) for a in zip(*parts, strict=True))
    if len(stimulus.poisson) + len(stimulus.renewal) + len(stimulus.inh_gamma) > 1:
        order = np.lexsort((time, trial))
        trial, channel, time = trial[order], channel[order], time[order]
    return trial, channel, time


def given_events(stimulus: Stimulus, start: int, stop: int, step_us: float
                 ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Given events with start <= time / step < stop: (trial, channel, time in us)."""
    time = stimulus.time_us
    here = (time >= start * step_us) & (time < stop * step_us)
    trial, channel = stimulus.trial, stimulus.channel
    if not here.all():
        time, channel = time[here], channel[here]
        trial = None if trial is None else trial[here]
    if trial is not None:
        return trial, channel, time
    m = len(time)
    return np.repeat(np.arange(stimulus.trials), m), np.tile(channel, stimulus.trials), np.tile(time, stimulus.trials)


def nearest_step(time_us: np.ndarray, step_us: float) -> np.ndarray:
    """The step at which an event of any time counts as fired."""
    return np.floor(time_us / step_us + 0.5).astype(np.int64)
