"""Encoders: values to sparse distributed representations, so that near values share bits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from .sdr import SDR


class ScalarEncoder:
    """A run of ``activeBits`` neighbouring bits, whose place is the value.

    Parameters
    ----------
    minimum, maximum : float
        A periodic encoder takes ``minimum`` and ``maximum`` for the same value.
    size : int
        Number of bits.
    activeBits : int
    clipInput : bool
        Take values outside for the nearest one inside, instead of an error.
    periodic : bool
    """

    def __init__(self, minimum: float, maximum: float, size: int, activeBits: int, clipInput: bool = False,
                 periodic: bool = False) -> None:
        if not maximum > minimum:
            raise ValueError(f"ScalarEncoder: maximum={maximum:g} must be above minimum={minimum:g}")
        if not 1 <= activeBits < size:
            raise ValueError(f"ScalarEncoder: activeBits={activeBits} must lie in 1..{size - 1}, below size")
        self.minimum, self.maximum, self.size, self.activeBits = float(minimum), float(maximum), size, activeBits
        self.clipInput, self.periodic = clipInput, periodic

    def encode(self, value: float, output: SDR | None = None) -> SDR:
        """The bits of a value; of NaN none."""
        result = SDR(self.size) if output is None else output.zero()
        if np.isnan(value):
            return result
        if self.clipInput:
            value = min(max(value, self.minimum), self.maximum)
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"ScalarEncoder: {value:g} is outside of {self.minimum:g} to {self.maximum:g}; "
                             "clipInput=True takes the nearest value inside")
        share = (value - self.minimum) / (self.maximum - self.minimum)
        if self.periodic:
            first = round(share * self.size)
            result.sparse = (first + np.arange(self.activeBits)) % self.size
        else:
            first = round(share * (self.size - self.activeBits))
            result.sparse = first + np.arange(self.activeBits)
        return result


class RandomDistributedScalarEncoder:
    """Random bits for each interval of ``resolution``, of which neighbouring intervals share all but one.

    Any value can be encoded. Two bits of a value may fall together by chance.

    Parameters
    ----------
    size, activeBits : int
    resolution : float
        Values nearer than this share their bits; at ``activeBits`` times it nothing but chance is shared.
    seed : int
    """

    def __init__(self, size: int, activeBits: int, resolution: float, seed: int = 0) -> None:
        if not 1 <= activeBits < size:
            raise ValueError(f"RandomDistributedScalarEncoder: activeBits={activeBits} must lie in 1..{size - 1}")
        if not resolution > 0:
            raise ValueError(f"RandomDistributedScalarEncoder: resolution={resolution:g} must be > 0")
        self.size, self.activeBits, self.resolution, self.seed = size, activeBits, float(resolution), int(seed)

    def encode(self, value: float, output: SDR | None = None) -> SDR:
        """The bits of a value; of NaN none."""
        result = SDR(self.size) if output is None else output.zero()
        if not np.isnan(value):
            first = int(np.floor(value / self.resolution))
            result.sparse = [_bit(self.seed, self.size, first + i) for i in range(self.activeBits)]
        return result


RDSE = RandomDistributedScalarEncoder


@lru_cache(maxsize=1 << 16)
def _bit(seed: int, size: int, number: int) -> int:
    """Bit of one number among all integers."""
    key = 2 * number if number >= 0 else -2 * number - 1
    return int(np.random.default_rng([seed, key]).integers(size))


class CategoryEncoder:
    """Bits of its own for each of some categories.

    Parameters
    ----------
    categories : sequence
        Anything that can be told apart.
    activeBits : int
        For each.
    """

    def __init__(self, categories: Sequence, activeBits: int) -> None:
        self.categories = list(dict.fromkeys(categories))
        if len(self.categories) != len(list(categories)) or not self.categories:
            raise ValueError("CategoryEncoder: categories must be some different values")
        if activeBits < 1:
            raise ValueError(f"CategoryEncoder: activeBits={activeBits} must be >= 1")
        self.activeBits, self.size = activeBits, activeBits * len(self.categories)

    def encode(self, category, output: SDR | None = None) -> SDR:
        """The bits of a category."""
        if category not in self.categories:
            raise ValueError(f"CategoryEncoder: {category!r} is none of {', '.join(map(repr, self.categories))}")
        result = SDR(self.size) if output is None else output
        result.sparse = self.categories.index(category) * self.activeBits + np.arange(self.activeBits)
        return result
