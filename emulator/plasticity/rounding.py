"""Rounding that is right on average: up with the probability of the fraction.

A learning rate so small that its steps vanish in six bits still acts, step by step, on average.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

import numpy as np

from .arithmetic import Lanes

L = TypeVar("L", bound=Lanes)


class RandomLanes(Protocol):
    """What stochastic rounding needs of a source of random numbers (see ``randomness.PpuRandom``)."""

    def uint8(self, shape: tuple[int, ...]) -> np.ndarray:
        """Bytes of shape (trials, *shape)."""

    def uniform(self, shape: tuple[int, ...]) -> np.ndarray:
        """Numbers above 0 and below 1, of shape (trials, *shape)."""


def stochastic_round(values, rng: RandomLanes | np.random.Generator) -> np.ndarray:
    """Round to one of the two next integers, up with the probability of the fraction: right on average.

    Parameters
    ----------
    values : float, (trials, ...)
        Finite. Integers stay as they are.
    rng : PpuRandom or numpy Generator
        A PpuRandom gives each trial its own numbers; a Generator draws one array for all.

    Returns
    -------
    int64, same shape
    """
    values = np.asarray(values, float)
    if not np.isfinite(values).all():
        raise ValueError("stochastic_round was given a value that isn't finite, which has no next integer")
    if isinstance(rng, np.random.Generator):
        u = rng.random(values.shape)
    else:
        if values.ndim == 0:
            raise ValueError("stochastic_round needs the axis of trials first: an array of shape (trials, ...)")
        u = rng.uniform(values.shape[1:])
    low = np.floor(values)
    return low.astype(np.int64) + (values - low + u >= 1.0)


def round_bits(vector: L, bits: int, rng: RandomLanes) -> L:
    """Clear the lowest ``bits`` after adding random ones below them: stochastic rounding inside the number format.

    As in the chip's library: the sum is that of the type, so a fractional value next to the upper end saturates and
    then loses its lower bits, a modular one wraps to 0.

    Parameters
    ----------
    vector : FracSat8, FracSat16, Mod8 or Mod16, (trials, ...)
    bits : int, 0 .. width of the type - 1
    rng : PpuRandom
    """
    if not 0 <= bits < vector.BITS:
        raise ValueError(f"{type(vector).__name__} has {vector.BITS} bits, of which 0 to {vector.BITS - 1} can be "
                         f"rounded away, not {bits}")
    if bits == 0:
        return vector
    shape = vector.shape[1:]
    random = rng.uint8(shape).astype(np.int64)
    if vector.BITS == 16:
        random = (random << 8) | rng.uint8(shape)
    added = vector + type(vector)(random >> (vector.BITS - bits))
    return type(vector)(added.raw.astype(np.int64) & -(1 << bits))
