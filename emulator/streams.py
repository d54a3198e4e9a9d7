"""Random streams: every draw comes from a generator keyed by a seed and by what the numbers are for.

A key names the quantity, the trial or chip, and the block of absolute steps, never the position in a run: so a
result does not depend on the batch size or on how a run is cut.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

BLOCK_STEPS = 1024  # noise and Poisson sources are drawn for this many steps at a time


class Stream(IntEnum):
    """What a stream is for: the first word of its key."""

    PATTERN = 1
    REWRITE = 2
    RUN_OFFSET = 3
    MEMBRANE = 4
    THRESHOLD = 5
    READOUT = 6
    POISSON = 7
    RENEWAL = 8
    ESCAPE = 9
    RELEASE = 10
    CURRENT = 11
    SENSOR = 12
    PROCESSOR = 13


def generator(seed: int, stream: Stream, *key: int) -> np.random.Generator:
    """The generator of a key; the same key gives the same numbers."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, int(stream), *key))))
