"""Events on their way: from the firing of a source to the step at which they act.

Two forms of one contract, ``fire(step, indices)`` and ``deliver(step)``: ``SingleQueue`` for one trial, where each
event is a Python number and one addition, and ``BatchQueue`` for many trials, where the events of a step are arrays.
Both add the events of a step in ascending order of event number within each trial.
"""

from __future__ import annotations

import numpy as np

from .routing import ranges
from .synapse import Delivery

_ROUND_COST = 600  # of one round of whole rows, in units of one number added by index
_BULK = 48  # events in one step from which compressed rows are added in one call


def expand(d: Delivery, step: np.ndarray, trial: np.ndarray, source: np.ndarray
           ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All events of firings: (step at which they act, trial, event number)."""
    first, last = d.source_start[source], d.source_start[source + 1]
    place = ranges(first, last)
    count = last - first
    return np.repeat(step, count) + d.source_delay[place], np.repeat(trial, count), d.source_event[place]


class SingleQueue:
    """Events of one trial."""

    def __init__(self, d: Delivery, x: np.ndarray, circuits: int, start: int, stop: int) -> None:
        self._delivery, self._start, self._stop = d, start, stop
        self._slots = d.max_delay + 1
        self._ring: list[list[int]] = [[] for _ in range(self._slots)]
        self._out = d.outgoing
        synaptic = x[1:3, 0]
        self._flat = x[1:3].reshape(-1)
        self._operations: list[tuple] = []
        for block in d.blocks:
            view = synaptic[block.input, block.start:block.stop]
            self._operations += [(view, row, view) for row in block.rows]
        self._targets = d.flat_target
        self._pieces: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._outside: list[int] = []
        self._edges: list[int] = [0] * (stop - start + 2)

    def schedule(self, step: np.ndarray, trial: np.ndarray, event: np.ndarray) -> None:
        """Known events from outside, in any order; those beyond the end of the run are left out."""
        here = step <= self._stop
        order = np.argsort(step[here], kind="stable")
        self._outside = event[here][order].tolist()
        self._edges = np.searchsorted(step[here][order], np.arange(self._start, self._stop + 2)).tolist()

    def fire(self, step: int, spiked: np.ndarray) -> None:
        out, ring, slots = self._out, self._ring, self._slots
        for circuit in spiked.tolist():
            for delay, event in out[circuit]:
                ring[(step + delay) % slots].append(event)

    def deliver(self, step: int) -> None:
        slot = step % self._slots
        due = self._ring[slot]
        i = step - self._start
        low, high = self._edges[i], self._edges[i + 1]
        if low != high:
            due = due + self._outside[low:high]
        elif not due:
            return
        if len(due) > 1:
            due.sort()
        sparse = self._delivery.first_sparse
        if len(due) > _BULK and due[-1] >= sparse:
            self._bulk(due)
        else:
            operations, add = self._operations, np.add
            for event in due:
                if event < sparse:
                    add(*operations[event])
                else:
                    target, value = self._pieces.get(event) or self._piece(event)
                    self._flat[target] += value
        if self._ring[slot]:
            self._ring[slot] = []

    def _piece(self, event: int) -> tuple[np.ndarray, np.ndarray]:
        d, k = self._delivery, event - self._delivery.first_sparse
        s = slice(int(d.sparse_start[k]), int(d.sparse_start[k + 1]))
        piece = (self._targets[s], d.sparse_value[s])
        self._pieces[event] = piece
        return piece

    def _bulk(self, due: list[int]) -> None:
        d = self._delivery
        events = np.array(due)
        dense = int(np.searchsorted(events, d.first_sparse))
        for event in due[:dense]:
            np.add(*self._operations[event])
        k = events[dense:] - d.first_sparse
        place = ranges(d.sparse_start[k], d.sparse_start[k + 1])
        np.add.at(self._flat, self._targets[place], d.sparse_value[place])


class BatchQueue:
    """Events of many trials, as codes ``trial * events + event`` in ascending order."""

    def __init__(self, d: Delivery, x: np.ndarray, circuits: int, start: int, stop: int) -> None:
        self._delivery, self._start, self._stop = d, start, stop
        self._trials, self._circuits, self._events = x.shape[1], circuits, max(1, d.events)
        self._slots = d.max_delay + 1
        self._ring: list[list[np.ndarray]] = [[] for _ in range(self._slots)]
        self._flat = x[1:3].reshape(-1)
        self._views = [x[1 + b.input][:, b.start:b.stop] for b in d.blocks]
        self._rows = [b.rows for b in d.blocks]
        self._edges = np.array([*(b.first_event for b in d.blocks), d.first_sparse])
        self._blocks = len(d.blocks)
        self._rounds: list[list[tuple[int, np.ndarray, np.ndarray]]] = [[] for _ in range(stop - start + 1)]
        self._one_delay = self._one_event_each()

    def _one_event_each(self) -> int | None:
        """The delay, if every circuit that has events at all has one, and all have the same delay."""
        d, n = self._delivery, self._circuits
        count = np.diff(d.source_start[:n + 1])
        delay = d.source_delay[:d.source_start[n]]
        if len(delay) == 0 or count.max() > 1 or np.ptp(delay):
            return None
        self._event_of = np.where(count == 1, d.source_event[np.minimum(d.source_start[:n], len(delay) - 1)], -1)
        return int(delay[0])

    def schedule(self, step: np.ndarray, trial: np.ndarray, event: np.ndarray) -> None:
        """Known events from outside, in any order; those beyond the end of the run are left out."""
        d = self._delivery
        outside = sum(b.external for b in d.blocks)
        split = d.blocks[outside].first_event if outside < self._blocks else d.first_sparse
        here = step <= self._stop
        mine = here & (event < split)  # rounds of blocks that only outside events use are made beforehand
        other = np.flatnonzero(here & ~mine)
        order = np.argsort(step[other], kind="stable")
        self._codes = (trial[other] * self._events + event[other])[order]
        self._code_edges = np.searchsorted(step[other][order], np.arange(self._start, self._stop + 2)).tolist()
        self._make_rounds(step[mine] - self._start, trial[mine], event[mine])

    def _make_rounds(self, step: np.ndarray, trial: np.ndarray, event: np.ndarray) -> None:
        if len(step) == 0:
            return
        d, trials = self._delivery, self._trials
        first = np.array([b.first_event for b in d.blocks])
        events = d.events + 1
        block = np.searchsorted(first, event, "right") - 1
        key = ((step * self._blocks + block) * trials + trial) * events + event
        order = np.argsort(key)
        key = key[order]
        group = key // events  # (step, block, trial): its events go into successive rounds
        start = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1])))
        rank = np.arange(len(group)) - np.repeat(start, np.diff(np.append(start, len(group))))
        event, trial = key % events, group % trials
        chunk = group // trials * (int(rank.max()) + 1) + rank
        order = np.argsort(chunk, kind="stable")
        chunk, trial, event = chunk[order], trial[order], event[order]
        start = np.flatnonzero(np.concatenate(([True], chunk[1:] != chunk[:-1])))
        stop = np.append(start[1:], len(chunk)).tolist()
        place = chunk[start] // (int(rank.max()) + 1)
        row = event - first[place[np.searchsorted(start, np.arange(len(event)), "right") - 1] % self._blocks]
        for i, j, p in zip(start.tolist(), stop, place.tolist(), strict=True):
            self._rounds[p // self._blocks].append((p % self._blocks, trial[i:j], row[i:j]))

    def fire(self, step: int, spiked: np.ndarray) -> None:
        trial, circuit = np.divmod(spiked, self._circuits)
        if self._one_delay is not None:
            event = self._event_of[circuit]
            code = trial * self._events + event
            self._ring[(step + self._one_delay) % self._slots].append(code[event >= 0])
            return
        due, trial, event = expand(self._delivery, np.full(len(circuit), step), trial, circuit)
        code = trial * self._events + event
        for k in np.unique(due).tolist():
            self._ring[k % self._slots].append(np.sort(code[due == k]))

    def deliver(self, step: int) -> None:
        i = step - self._start
        for block, trial, row in self._rounds[i]:
            self._views[block][trial] += self._rows[block].take(row, 0)
        slot = step % self._slots
        due = self._ring[slot]
        low, high = self._code_edges[i], self._code_edges[i + 1]
        if low != high:
            due = [*due, np.sort(self._codes[low:high])]
        if not due:
            return
        self._ring[slot] = []
        code = due[0] if len(due) == 1 else np.sort(np.concatenate(due))
        if len(code) == 0:
            return
        trial, event = np.divmod(code, self._events)
        first, last = np.searchsorted(self._edges, (event.min(), event.max()), "right") - 1
        if first == last:
            self._add(int(first), trial, event)
            return
        kind = np.searchsorted(self._edges, event, "right") - 1
        for block in range(int(first), int(last) + 1):
            which = kind == block
            self._add(block, trial[which], event[which])

    def _add(self, number: int, trial: np.ndarray, event: np.ndarray) -> None:
        """Add the rows of events of one block, or the compressed ones; sorted by trial, then event."""
        if len(event) == 0:
            return
        if number == self._blocks:
            self._add_sparse(trial, event)
            return
        block, view = self._delivery.blocks[number], self._views[number]
        row = event - block.first_event
        again = trial[1:] == trial[:-1]
        if not again.any():
            view[trial] += block.rows.take(row, 0)
            return
        width = block.stop - block.start
        if int(np.bincount(trial).max()) * _ROUND_COST > len(trial) * width:
            base = (block.input * self._trials + trial) * self._circuits + block.start
            np.add.at(self._flat, (base[:, None] + np.arange(width)).reshape(-1), block.rows.take(row, 0).reshape(-1))
            return
        start = np.flatnonzero(np.concatenate(([True], ~again)))
        rank = np.arange(len(trial)) - np.repeat(start, np.diff(np.append(start, len(trial))))
        for r in range(int(rank.max()) + 1):
            now = rank == r
            view[trial[now]] += block.rows.take(row[now], 0)

    def _add_sparse(self, trial: np.ndarray, event: np.ndarray) -> None:
        d, n = self._delivery, self._circuits
        k = event - d.first_sparse
        first, last = d.sparse_start[k], d.sparse_start[k + 1]
        place = ranges(first, last)
        offset = (d.sparse_input[k] * self._trials + trial) * n
        np.add.at(self._flat, d.sparse_target[place] + np.repeat(offset, last - first), d.sparse_value[place])
