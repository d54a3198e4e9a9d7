"""Synapses on their way through the router, and what a part of it gives back."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from pynn_brainscales.emulator.frozen import Frozen


@dataclass(frozen=True, eq=False)
class Table(Frozen):
    """Synapses with the column that they must reach; arrays of one shape."""

    synapse: np.ndarray
    source: np.ndarray
    chip: np.ndarray
    array: np.ndarray
    column: np.ndarray
    side: np.ndarray
    rows: np.ndarray
    delay: np.ndarray
    mode: np.ndarray

    def __len__(self) -> int:
        return len(self.synapse)

    def only(self, which: np.ndarray) -> Table:
        """Some of the synapses, by mask or index."""
        return Table(*(getattr(self, f.name)[which] for f in fields(self)))


@dataclass(frozen=True, eq=False)
class Routed(Frozen):
    """Result for one array of one chip.

    ``routes``: source, chip, array, bus, row_select, label, delay_us, way; ``cells``: synapse, chip, array, row,
    column, label; ``lost``: synapses, ``loss``: why.
    """

    routes: tuple[np.ndarray, ...]
    cells: tuple[np.ndarray, ...]
    lost: np.ndarray
    loss: np.ndarray


def rank_in_group(*keys: np.ndarray) -> np.ndarray:
    """Position of each entry among those with equal keys, in the order given."""
    m = len(keys[0])
    if m == 0:
        return np.zeros(0, np.int64)
    order = np.lexsort(keys[::-1])
    new = np.zeros(m, bool)
    new[0] = True
    for key in keys:
        ordered = key[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    start = np.flatnonzero(new)
    rank = np.empty(m, np.int64)
    rank[order] = np.arange(m) - np.repeat(start, np.diff(np.append(start, m)))
    return rank
