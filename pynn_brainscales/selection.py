"""Which cells of a population, view or assembly are meant."""

from __future__ import annotations

import numpy as np
from pyNN.common import Assembly, BasePopulation
from pyNN.errors import InvalidDimensionsError


def selected(cells, selector) -> slice | np.ndarray:
    """A slice, or indices >= 0 in the order given; errors for what selects no cells, or others than there are.

    The selector may be a slice, a list, tuple or array of indices (those < 0 count from the end), or one of truth
    values for all cells.
    """
    if isinstance(selector, slice):
        if len(range(*selector.indices(cells.size))) == 0:
            raise InvalidDimensionsError(f"{cells.label}: {_words(selector)} selects none of its {cells.size} cells")
        return selector
    if not isinstance(selector, (list, tuple, np.ndarray)):
        raise TypeError(f"{cells.label}: cells are selected by integers, slices, lists, arrays or tuples, not by "
                        f"{selector!r}")
    chosen = np.array(selector)  # a copy: PyNN sorts it in place
    if chosen.size and (chosen.ndim != 1 or chosen.dtype.kind not in "biu"):
        raise IndexError(f"{cells.label}: cells are selected by a list of whole numbers or truth values, got "
                         f"{selector!r}")
    if chosen.dtype == bool:
        if len(chosen) != cells.size:
            raise InvalidDimensionsError(f"{cells.label}: a mask needs one value for each of {cells.size} cells, got "
                                         f"{len(chosen)}")
        chosen = np.flatnonzero(chosen)
    if len(chosen) == 0:
        raise InvalidDimensionsError(f"{cells.label}: {selector!r} selects none of its {cells.size} cells")
    if chosen.min() < -cells.size or chosen.max() >= cells.size:
        raise IndexError(f"{cells.label}: indices from {chosen.min()} to {chosen.max()} were given, its {cells.size} "
                         f"cells have 0 to {cells.size - 1}")
    return np.where(chosen < 0, chosen + cells.size, chosen)


def indices_of(cells, id):
    """Index (int) of a cell in a view or assembly, or indices of several; IndexError for cells that are not in it."""
    numbers = np.asarray(cells.all_cells, int)
    order = np.argsort(numbers)
    wanted = np.asarray(id.all_cells if isinstance(id, (BasePopulation, Assembly)) else id, int)
    at = np.minimum(np.searchsorted(numbers, wanted, sorter=order), len(numbers) - 1)
    result = order[at]
    missing = numbers[result] != wanted
    if np.any(missing):
        raise IndexError(f"{cells.label} has no cell with ID {np.atleast_1d(wanted)[np.atleast_1d(missing)][0]}")
    return int(result) if result.ndim == 0 else result


def checked_sample(cells, n) -> int:
    """The size of a sample; ValueError if there are not so many cells."""
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool):
        raise TypeError(f"{cells.label}: the size of a sample is a whole number, not {n!r}")
    if not 1 <= n <= cells.size:
        raise ValueError(f"{cells.label}: a sample of {n} cells was asked for, there are {cells.size}")
    return int(n)


def checked_positions(cells, positions, shape: tuple[int, ...]) -> np.ndarray:
    """Coordinates as an array of a shape; InvalidDimensionsError if they have another one."""
    try:
        result = np.asarray(positions, float)
    except (TypeError, ValueError):
        result = np.zeros(0)
    if result.shape != shape:
        raise InvalidDimensionsError(f"{cells.label}: positions are numbers of shape {shape}, x, y and z first, not "
                                     f"{positions!r}")
    return result


def _words(selector: slice) -> str:
    parts = [selector.start, selector.stop, *([] if selector.step is None else [selector.step])]
    return "[" + ":".join("" if p is None else str(p) for p in parts) + "]"
