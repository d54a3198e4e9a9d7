"""Brings the currents of learning synapses to their targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .kernels.pairs import Deliveries, PairRun, Row


class _Targets(NamedTuple):
    """Of the synapses of a row: the state of their targets, or where it is in ``flat``, and their factors."""

    view: np.ndarray | None
    index: np.ndarray
    distinct: bool
    factors: tuple[np.ndarray, ...]


class PairDelivery:
    """Adds the currents of one group of learning synapses to the state of their targets.

    Parameters
    ----------
    run : PairRun
    state : float, (inputs, trials, n)
        What currents are added to.
    side, target : int, (M,)
        Input and target of each synapse.
    factors : tuple of float arrays (M,)
        What a weight is multiplied with, in this order.
    """

    def __init__(self, run: PairRun, state: np.ndarray, side: np.ndarray, target: np.ndarray,
                 factors: tuple[np.ndarray, ...]) -> None:
        self._run, self._flat, self._targets, self._factors = run, state.reshape(-1), state.shape[2], factors
        self._place = side * state.shape[1] * state.shape[2] + target
        self._known: dict[tuple[int, int], _Targets] = {}

    def add(self, parts: Sequence[Row | Deliveries]) -> None:
        """Add what ``PairRun.due`` gives, in its order."""
        for trial, row, weight in parts:
            if isinstance(row, int) and isinstance(trial, int):
                self._add_row(self._known.get((trial, row)) or self._look_up(trial, row), weight)
                continue
            amount = weight
            for factor in self._factors:
                amount = amount * factor[row]
            np.add.at(self._flat, self._place[row] + trial * self._targets, amount)

    def _add_row(self, to: _Targets, weight: np.ndarray) -> None:
        for factor in to.factors:
            np.multiply(weight, factor, weight)
        if to.view is not None:
            np.add(to.view, weight, to.view)
        elif to.distinct:
            self._flat[to.index] += weight
        else:
            np.add.at(self._flat, to.index, weight)

    def _look_up(self, trial: int, row: int) -> _Targets:
        synapses = self._run.row_synapses(row)
        index = self._place[synapses] + trial * self._targets
        first, size = int(index[0]), len(index)
        neighbours = np.array_equal(index, np.arange(first, first + size))
        to = _Targets(self._flat[first:first + size] if neighbours else None, index,
                      neighbours or len(np.unique(index)) == size, tuple(factor[synapses] for factor in self._factors))
        self._known[trial, row] = to
        return to
