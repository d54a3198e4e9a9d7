"""Brings the currents of learning synapses to their targets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .config import LearningSynapses
from .kernels.pairs import Deliveries, PairRun, Row
from .program import Program


class _Targets(NamedTuple):
    """Of the synapses of a row: where their targets are in the first trial, and the factors of their weights."""

    place: np.ndarray
    neighbours: bool
    distinct: bool
    factors: tuple[np.ndarray, ...]


class _Plan:
    """What does not change from run to run: where the current of each synapse goes, (M,), and its factors."""

    def __init__(self, group: LearningSynapses, p: Program) -> None:
        side, target = group.input, group.synapses.target
        self.factors: tuple[np.ndarray, ...] = (group.strength,)
        if group.beside < 0 or p.config.beside is None:
            self.targets = len(p.circuits)
            self.factors += (p.jump[side, target],)
        else:
            self.targets = p.config.beside.groups[group.beside].size
        self.place = side * p.trials * self.targets + target
        self._rows: dict[int, _Targets] = {}
        self._last: tuple[np.ndarray, ...] = tuple(np.zeros(0) for _ in self.factors)

    def row(self, number: int, synapses: np.ndarray) -> _Targets:
        """Targets of the synapses of a row."""
        if number not in self._rows:
            index = self.place[synapses]
            neighbours = bool((np.diff(index) == 1).all())
            # rows often have the same factors: then they share them, and the cache holds more of the weights
            self._last = tuple(old if np.array_equal(old, new) else new for old, new in zip(
                self._last, (factor[synapses] for factor in self.factors), strict=True))
            self._rows[number] = _Targets(index, neighbours, neighbours or len(np.unique(index)) == len(index),
                                          self._last)
        return self._rows[number]


_plan = lru_cache(maxsize=16)(_Plan)


class PairDelivery:
    """Adds the currents of one group of learning synapses to the state of their targets, (inputs, trials, n)."""

    def __init__(self, group: LearningSynapses, p: Program, run: PairRun, state: np.ndarray) -> None:
        self._run, self._plan, self._flat = run, _plan(group, p), state.reshape(-1)
        self._views: dict[tuple[int, int], tuple] = {}

    def add(self, parts: Sequence[Row | Deliveries]) -> None:
        """Add what ``PairRun.due`` gives, in its order."""
        views = self._views
        for trial, row, weight in parts:
            if isinstance(row, np.ndarray) or isinstance(trial, np.ndarray):
                amount = weight
                for factor in self._plan.factors:
                    amount = amount * factor[row]
                np.add.at(self._flat, self._plan.place[row] + trial * self._plan.targets, amount)
                continue
            to, view = views[trial, row] if (trial, row) in views else self._look_up(trial, row)
            for factor in to.factors:
                np.multiply(weight, factor, weight)
            if view is not None:
                np.add(view, weight, view)
            elif to.distinct:
                self._flat[to.place + trial * self._plan.targets] += weight
            else:
                np.add.at(self._flat, to.place + trial * self._plan.targets, weight)

    def _look_up(self, trial: int, row: int) -> tuple[_Targets, np.ndarray | None]:
        to = self._plan.row(row, self._run.row_synapses(row))
        first = int(to.place[0]) + trial * self._plan.targets
        self._views[trial, row] = to, self._flat[first:first + len(to.place)] if to.neighbours else None
        return self._views[trial, row]
