"""How parts of an array are picked."""

from __future__ import annotations

import numpy as np


def as_slice(index: np.ndarray) -> slice | np.ndarray:
    """A slice where an index counts up by one: much faster than picking."""
    first = int(index[0]) if len(index) else 0
    return slice(first, first + len(index)) if np.array_equal(index, np.arange(first, first + len(index))) else index
