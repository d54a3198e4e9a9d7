"""The rule of HTM's temporal memory on soma and dendrite: predictions are verified against the winners before."""

from __future__ import annotations

import numpy as np

from ..plasticity import Ppu
from .sequence_rule import SequenceRule

PERMANENCE_MAX = 127
_RANKS = 16


class VerifiedPredictionRule(SequenceRule):
    """Winner cells learn from the winner cells of the element before; permanences lie in the rule's memory.

    In each active column:

    * Predicted cells that have fired are verified if each of them has at least ``coincidence`` mature synapses from the
      previous winners (not only from other active cells), and they are a majority of the predicted ones. Then they win.
    * Else the ``winners`` cells win that have most permanence from the previous winners, of those with at least
      ``coincidence`` synapses from them; where these are too few, cells that have been used least are added. The first
      element of a sequence has winners of its own in each column, the same ones each time.
    * Winners need not have fired. Their permanences from previous winners grow by ``increment``, all others shrink by
      ``decrement``. Cells that were predicted and have not fired lose ``predicted_decrement`` from all cells that were
      active before.

    In a *stream* nobody says where a sequence begins. There an element that nothing had predicted tells of no context:
    all its cells are taken for winners when the next one is verified and matched. Cells that match grow the synapses
    that they have, and no others: they belong to another context, perhaps. So a new context is learnt one element
    further at each presentation.

    A synapse is mature, with the largest weight, from a permanence of ``connected`` of 127 on; else its weight is 0.

    Parameters
    ----------
    winners : int
        In each column. More of them survive more mismatch; fewer leave cells for more contexts.
    coincidence : int
    connected, increment, decrement, predicted_decrement : int
        In units of 1/127.
    stream : bool
        Sequences are not told apart by silence.
    seed : int
        Of the fixed order in which cells are taken that were used equally often.
    others
        As of ``SequenceRule``.
    """

    permanence_max = PERMANENCE_MAX
    follows = True
    bytes_kept = 2  # for a synapse, at most: it chooses the memory

    def __init__(self, cycle: float, start: float, columns: int, cells: int, dynamic: bool, winners: int = 4,
                 coincidence: int = 2, connected: int = 64, increment: int = 32, decrement: int = 4,
                 predicted_decrement: int = 6, stream: bool = False, seed: int = 0, runtime_model=None) -> None:
        super().__init__(cycle, start, columns, cells, dynamic, runtime_model)
        self.winners, self.coincidence, self.connected = winners, coincidence, connected
        self.stream = stream
        self.increment, self.decrement, self.predicted_decrement = increment, decrement, predicted_decrement
        # ties between cells, for each number of uses anew: cells that were taken together before are not again
        self._rank = np.random.default_rng([seed, 29]).permuted(
            np.tile(np.arange(cells), (_RANKS, columns, 1)), axis=2)

    def begin_learning(self, ppu: Ppu, synapses) -> None:
        """See ``SequenceRule.begin_learning``."""
        size, view = self.columns * self.cells, synapses[0]
        self._there = np.zeros((size, size), bool)
        self._there[view.pre_index, view.post_index] = view.row >= 0
        ppu.memory["permanence"] = np.zeros((ppu.replicas, size, size), np.int8)
        self.permanence = ppu.memory["permanence"]
        ppu.memory["uses"] = np.zeros((ppu.replicas, self.columns, self.cells), np.int16)
        ppu.memory["start"] = np.zeros((ppu.replicas, size), bool)
        ppu.memory["winners"] = np.zeros((ppu.replicas, size), bool)
        ppu.memory["context"] = np.zeros((ppu.replicas, size), bool)  # cells that stand for what came before

    def learn(self, ppu: Ppu, synapses, before, fired, predicted, plateau) -> None:
        """See ``SequenceRule.learn``."""
        changed = False
        permanence, uses, start, winning, context = (
            ppu.memory[name] for name in ("permanence", "uses", "start", "winners", "context"))
        if not self.learning:
            uses, start = uses.copy(), start.copy()
        for r in range(ppu.replicas):
            p, active = permanence[r], np.flatnonzero(fired[r].reshape(self.columns, -1).any(axis=1))
            previous, known = np.flatnonzero(winning[r]), np.flatnonzero(context[r])
            now = [self._win(p, uses[r, k], k, known, fired[r], predicted[r]) if len(previous)
                   else self._begin(uses[r, k], k, start[r]) for k in active.tolist()]
            winning[r] = False
            if now:
                winning[r, np.concatenate(now)] = True
            context[r] = self._context(winning[r], fired[r], predicted[r])
            if not self.learning:
                continue
            mature = p >= self.connected
            if len(previous) and now:
                self._reinforce(p, previous, known, np.concatenate(now))
            wrong = np.flatnonzero(predicted[r] & ~fired[r])
            if len(wrong) and len(active):
                rows = np.ix_(before[r], wrong)
                p[rows] = np.maximum(p[rows].astype(np.int16) - self.predicted_decrement, 0)
            changed |= not np.array_equal(mature, p >= self.connected)
        self.winning = winning.reshape(ppu.replicas, self.columns, self.cells).copy()
        if changed:
            self.write(synapses[0], permanence >= self.connected)

    def _win(self, p, uses, k: int, previous, fired, predicted) -> np.ndarray:
        """Winners of a column, as numbers of cells."""
        first = k * self.cells
        mine = slice(first, first + self.cells)
        from_previous = p[previous, mine]
        expected, hit = predicted[mine], predicted[mine] & fired[mine]
        enough = np.count_nonzero(from_previous >= self.connected, axis=0) >= self.coincidence
        if hit.any() and enough[hit].all() and 2 * np.count_nonzero(hit) > np.count_nonzero(expected):
            found = np.flatnonzero(hit)
            if self.stream and len(found) > self.winners:  # of several contexts the one that is known best
                found = found[np.argsort(-from_previous[:, found].sum(axis=0, dtype=np.int64), kind="stable")]
                found = found[:self.winners]
            return first + found
        total, matching = from_previous.sum(axis=0, dtype=np.int64), np.count_nonzero(from_previous, axis=0)
        candidate = np.flatnonzero(matching >= self.coincidence)
        best = candidate[np.lexsort((self._rank[0, k, candidate], -total[candidate]))][:self.winners]
        rest = np.setdiff1d(np.arange(self.cells), best)
        return first + np.concatenate([best, self._least_used(uses, k, rest, self.winners - len(best))])

    def _begin(self, uses, k: int, start) -> np.ndarray:
        """Winners of a column at the start of a sequence, the same ones each time."""
        first = k * self.cells
        mine = np.flatnonzero(start[first:first + self.cells])
        if not len(mine):
            mine = self._least_used(uses, k, np.arange(self.cells), self.winners)
            start[first + mine] = True
        return first + mine

    def _least_used(self, uses, k: int, cells, count: int) -> np.ndarray:
        level = np.minimum(uses[cells], _RANKS - 1)
        new = cells[np.lexsort((self._rank[level, k, cells], uses[cells]))][:count]
        uses[new] += 1
        return new

    def _context(self, winning, fired, predicted) -> np.ndarray:
        """Winners; in a stream all cells that have fired in a column of which none was predicted."""
        if not self.stream:
            return winning
        by_column = (fired & predicted).reshape(self.columns, self.cells).any(axis=1)
        return np.where(np.repeat(by_column, self.cells), winning, fired)

    def _reinforce(self, p, previous, known, winners) -> None:
        columns = p[:, winners].astype(np.int16)
        grow = np.full(columns.shape, -self.decrement, np.int16)
        grow[known] = np.where(columns[known] > 0, self.increment, -self.decrement)
        certain = np.array_equal(known, previous)  # else only cells that are new to all contexts get new synapses
        new = np.count_nonzero(columns[known], axis=0) < self.coincidence
        grow[np.ix_(previous, np.flatnonzero(new | certain))] = self.increment
        p[:, winners] = np.clip(columns + grow, 0, PERMANENCE_MAX) * self._there[:, winners]
