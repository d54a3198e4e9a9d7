"""Delivers events to the synaptic state: one row of strengths is added for each event.

All events that fall into one step are added in ascending order of (kind of row, event), per trial, whatever the
batch size and however they are grouped: so sums are equal to the last bit.

Rows that reach more than a few percent of the circuits, or most of a short piece of them, are dense (a contiguous
piece of the state gets the row); others are compressed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from ..frozen import Frozen
from .routing import EventTable, ranges

DENSE = 0.05  # reach, as a share of the circuits, from which a row is kept dense
_MAX_SPANS = 8  # of dense rows, per input and kind of source; more are brought to one common span


@dataclass(frozen=True, eq=False)
class Block(Frozen):
    """Dense rows ``first_event`` and up: ``rows`` (events, stop - start) for circuits start..stop of one input."""

    first_event: int
    external: bool
    input: int
    start: int
    stop: int
    rows: np.ndarray


@dataclass(frozen=True, eq=False)
class Delivery(Frozen):
    """Events in the order of delivery: dense blocks first, then compressed rows.

    ``source_start`` (S + 1,), ``source_event``, ``source_delay``: the events of every source, the first ``inside``
    of which are circuits. ``sparse_start`` (events + 1,), ``sparse_target`` (0..targets-1), ``sparse_value`` belong
    to event numbers ``first_sparse`` and up. The synaptic state is an array (inputs, trials, targets).
    """

    events: int
    targets: int
    inside: int
    max_delay: int
    source_start: np.ndarray
    source_event: np.ndarray
    source_delay: np.ndarray
    blocks: tuple[Block, ...]
    first_sparse: int
    sparse_input: np.ndarray
    sparse_start: np.ndarray
    sparse_target: np.ndarray
    sparse_value: np.ndarray

    @cached_property
    def outgoing(self) -> list[list[tuple[int, int]]]:
        """(delay, event) of every circuit, as plain numbers."""
        events = list(zip(self.source_delay.tolist(), self.source_event.tolist(), strict=True))
        bounds = self.source_start[:self.inside + 1].tolist()
        return [events[i:j] for i, j in pairwise(bounds)]

    @cached_property
    def flat_target(self) -> np.ndarray:
        """Targets of compressed rows as indices into (inputs, targets)."""
        return self.sparse_target + np.repeat(self.sparse_input, np.diff(self.sparse_start)) * self.targets


def plan_delivery(table: EventTable, jump: np.ndarray, inside: int, external: int) -> Delivery:
    """Bring a table of events into the form in which they are delivered.

    Parameters
    ----------
    table : EventTable
    jump : float, (inputs, n)
        Stored synaptic state per unit of weight, by input of each of n targets.
    inside, external : int
        Sources that are circuits, and external channels.
    """
    events, n = len(table.source), jump.shape[1]
    count = np.diff(table.start)
    value = table.weight * jump[np.repeat(table.input, count), table.target]
    outside = table.source >= inside
    low, high = np.zeros(events, np.intp), np.zeros(events, np.intp)
    if events:
        low, high = table.target[table.start[:-1]], table.target[table.start[1:] - 1] + 1
    dense, low, high = _spans(count, n, len(jump), outside, table.input, low, high)
    order = np.lexsort((np.arange(events), high * dense, low * dense, table.input * dense, ~outside, ~dense))
    number = np.empty(events, np.intp)
    number[order] = np.arange(events)
    blocks = _blocks(table, order[:int(dense.sum())], outside, low, high, value)
    sparse = order[int(dense.sum()):]
    place = ranges(table.start[sparse], table.start[sparse + 1])
    by_source = np.argsort(table.source, kind="stable")  # the table is sorted already: this keeps its order
    return Delivery(
        events=events, targets=n, inside=inside, max_delay=int(table.delay.max()) if events else 0,
        source_start=np.searchsorted(table.source[by_source], np.arange(inside + external + 1)),
        source_event=number[by_source], source_delay=table.delay[by_source], blocks=blocks,
        first_sparse=int(dense.sum()), sparse_input=table.input[sparse],
        sparse_start=np.concatenate(([0], np.cumsum(count[sparse]))), sparse_target=table.target[place],
        sparse_value=value[place])


def _spans(count, n, inputs, outside, input_, low, high):
    """Which rows are dense, and the span of circuits that each of them covers.

    Rows that fill most of their own span are dense too, as long as there are few different spans.
    """
    dense = count > max(1.0, DENSE * n)
    compact = (count > 1) & (2 * count >= high - low)
    low, high = low.copy(), high.copy()
    for out in (False, True):
        for side in range(inputs):
            here = (outside == out) & (input_ == side)
            which = np.flatnonzero(here & (dense | compact))
            if len(np.unique(low[which] * (n + 1) + high[which])) <= _MAX_SPANS:
                dense |= here & compact
                continue
            which = np.flatnonzero(here & dense)
            if len(np.unique(low[which] * (n + 1) + high[which])) > _MAX_SPANS:
                low[which], high[which] = low[which].min(), high[which].max()
    return dense, low, high


def _blocks(table: EventTable, order, outside, low, high, value) -> tuple[Block, ...]:
    if len(order) == 0:
        return ()
    kind = np.stack([outside[order], table.input[order], low[order], high[order]])
    edges = np.flatnonzero(np.any(np.diff(kind, axis=1), axis=0)) + 1
    blocks = []
    for i, j in zip([0, *edges.tolist()], [*edges.tolist(), len(order)], strict=True):
        members = order[i:j]
        external, side, start, stop = (int(k) for k in kind[:, i])
        rows = np.zeros((j - i, stop - start))
        place = ranges(table.start[members], table.start[members + 1])
        row = np.repeat(np.arange(j - i), table.start[members + 1] - table.start[members])
        rows[row, table.target[place] - start] = value[place]
        blocks.append(Block(i, bool(external), side, start, stop, rows))
    return tuple(blocks)
