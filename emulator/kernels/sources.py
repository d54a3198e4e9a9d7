"""Events from outside: given times and Poisson processes, by trial and step."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..stimulus import PoissonSources, Stimulus
from ..streams import BLOCK_STEPS, Stream, generator


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


def draw_poisson(stimulus: Stimulus, seed: int, start: int, stop: int, step_us: float
                 ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Poisson events with start <= time / step < stop: (trial, channel, time in us), in temporal order per trial."""
    parts = []
    block_us = BLOCK_STEPS * step_us
    for t in range(stimulus.trials):
        for p in stimulus.poisson:
            for block in range(start // BLOCK_STEPS, -(-stop // BLOCK_STEPS)):
                channel, time = _poisson_block(p, seed, stimulus.first_trial + t, block, block_us)
                low, high = np.searchsorted(time, (start * step_us, stop * step_us))
                parts.append((np.full(high - low, t), channel[low:high], time[low:high]))
    if not parts:
        none = np.zeros(0, np.int64)
        return none, none, np.zeros(0)
    trial, channel, time = (np.concatenate(a) for a in zip(*parts, strict=True))
    if len(stimulus.poisson) > 1:
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
