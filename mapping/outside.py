"""Rows for events from outside: other chips, sources, and spikes that are sent around for their delay.

Greedy and aware of conflicts: the stream of events with the most targets first, each into the row that is free at
most of its targets. Occupied columns of a row are one 256-bit integer, so that asking a row is one operation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pynn_brainscales.emulator import coordinates, limits

from .mapped import Loss
from .table import Routed, Table, rank_in_group

_ALL = (1 << limits.COLUMNS) - 1


class _Claim(NamedTuple):
    stream: int
    row: int
    columns: int


class _Array:
    """Rows of one array while streams are being placed."""

    def __init__(self, taken: np.ndarray, sign: np.ndarray, modes: np.ndarray, need: tuple[int, int],
                 mode_of: list[int]) -> None:
        usable = np.flatnonzero(~taken)
        self.sign, self.modes, self.mode_of = sign, modes, mode_of  # short-term plasticity of drivers, of streams
        self.open_drivers: set[int] = set()
        self.fresh = dict.fromkeys(usable.tolist())  # an ordered set: neighbours lie on different buses
        self.free = dict.fromkeys(usable.tolist(), _ALL)
        self.rows: tuple[list[int], list[int]] = ([], [])
        self.labels: dict[int, dict[int, int]] = {}  # driver -> stream -> label
        self.quota = _quotas(len(usable), need)
        self.claims: list[_Claim] = []
        self.short_of_labels: set[int] = set()
        self.full_rows: tuple[list[int], list[int]] = ([], [])  # open rows whose driver has no label left
        self.age: dict[int, int] = {}  # in which order rows were opened
        self.full_of: dict[int, list[int]] = {}  # stream -> full drivers that it has a label on

    def takes(self, row: int, stream: int) -> bool:
        """Whether a stream has, or can get, a label on the driver of a row, whose mode is its own."""
        if row // 2 in self.open_drivers and self.modes[row // 2] != self.mode_of[stream]:
            return False
        given = self.labels.get(row // 2)
        if given is None or stream in given or len(given) < limits.LABELS:
            return True
        self.short_of_labels.add(stream)
        return False

    def claim(self, stream: int, row: int, columns: int) -> None:
        given = self.labels.setdefault(row // 2, {})
        if stream not in given:
            given[stream] = len(given)
            if len(given) == limits.LABELS:
                self._close(row // 2)
        self.free[row] &= ~columns
        self.claims.append(_Claim(stream, row, columns))

    def _close(self, driver: int) -> None:
        for rows, full in zip(self.rows, self.full_rows, strict=True):
            full += [r for r in rows if r // 2 == driver]
            rows[:] = [r for r in rows if r // 2 != driver]
        for stream in self.labels[driver]:
            self.full_of.setdefault(stream, []).append(driver)

    def _candidates(self, stream: int, side: int) -> list[int]:
        """Open rows on which the stream has, or can get, a label, as they were opened."""
        if stream not in self.full_of:
            return self.rows[side]
        own = [r for r in self.full_rows[side] if r // 2 in self.full_of[stream]]
        return sorted(self.rows[side] + own, key=self.age.__getitem__)

    def open(self, side: int, stream: int, both: bool) -> int | None:
        """A fresh row of a sign, next to one that the stream has already where there is one."""
        best = self._sibling(stream)
        if best is None:
            candidates = [r for r in self.fresh if self.takes(r, stream)]
            pairs = (r for r in candidates if both and r ^ 1 in self.fresh)  # the other sign will want the other row
            best = next(pairs, candidates[0] if candidates else None)
        if best is not None:
            del self.fresh[best]
            self.sign[best] = 1 if side == 0 else -1
            self.open_drivers.add(best // 2)
            self.modes[best // 2] = self.mode_of[stream]
            self.age[best] = len(self.age)
            full = len(self.labels.get(best // 2, ())) == limits.LABELS
            (self.full_rows if full else self.rows)[side].append(best)
        return best

    def _sibling(self, stream: int) -> int | None:
        for claim in reversed(self.claims):
            if claim.stream != stream:
                return None
            if claim.row ^ 1 in self.fresh:
                return claim.row ^ 1
        return None

    def cover(self, stream: int, side: int, wanted: int, both: bool, beyond_quota: bool) -> int:
        """Claim rows for the columns ``wanted``; the columns that are left."""
        while wanted:
            best, most = -1, 0
            size = wanted.bit_count()
            for row in self._candidates(stream, side):
                hit = (self.free[row] & wanted).bit_count()
                if hit > most and self.takes(row, stream):
                    best, most = row, hit
                    if hit == size:
                        break
            opened_rows = len(self.rows[side]) + len(self.full_rows[side])
            may_open = self.fresh and (beyond_quota or opened_rows < self.quota[side])
            if most < size and may_open:
                opened = self.open(side, stream, both)
                if opened is not None:
                    best, most = opened, size
            if most == 0:
                self._note(stream, side, wanted)
                break
            columns = self.free[best] & wanted
            self.claim(stream, best, columns)
            wanted &= ~columns
            if self.free[best] == 0:
                (self.rows if best in self.rows[side] else self.full_rows)[side].remove(best)
                self.quota[side] -= 1
        return wanted

    def _note(self, stream: int, side: int, wanted: int) -> None:
        """Whether it is for want of labels that columns are left."""
        if any(self.free[r] & wanted and self.modes[r // 2] == self.mode_of[stream] for r in self.full_rows[side]):
            self.short_of_labels.add(stream)


def _quotas(rows: int, need: tuple[int, int]) -> list[int]:
    """How many rows of each sign may be opened before the other sign's need is met."""
    total = need[0] + need[1]
    if total == 0:
        return [0, 0]
    if total <= rows:
        spare = rows - total
        exc = need[0] + spare * need[0] // total
    else:
        exc = rows * need[0] // total
    return [exc, rows - exc]


def route_outside(table: Table, chip: int, array: int, taken: np.ndarray, sign: np.ndarray, modes: np.ndarray,
                  way: np.ndarray) -> Routed:
    """Place the synapses of one array whose events come from outside.

    Parameters
    ----------
    table : Table
    chip, array : int
    taken : bool, (256,)
        Rows that are in use.
    sign : int8, (256,)
        Row signs, written.
    modes : uint8, (128,)
        Short-term plasticity of the drivers, written.
    way : int, (m,)
        Of all synapses of the network.
    """
    if len(table) == 0:
        none = np.zeros(0, np.int64)
        return Routed((none,) * 8, (none,) * 6, none, none)
    tick = np.floor(table.delay / limits.TIME_STAMP_US + 0.5).astype(np.int64)
    pair = (table.source.astype(np.int64) * (int(tick.max()) + 1) + tick) * (int(table.mode.max()) + 1) + table.mode
    _, example, stream = np.unique(pair, return_index=True, return_inverse=True)
    demand = np.zeros((2, len(example), limits.COLUMNS), np.int64)
    np.add.at(demand, (table.side, stream, table.column), table.rows)
    exc, inh = (int(d.sum(axis=0).max(initial=0)) for d in demand)
    state = _Array(taken, sign, modes, (exc, inh), table.mode[example].tolist())
    _place(state, demand)
    cells, label = _decode(state)
    return _result(table, stream, example, state, cells, label, chip, array, way)


def _place(state: _Array, demand: np.ndarray) -> None:
    """Streams with the most targets first; what is left over may then use any row."""
    masks = [[_as_integers(demand[side] > level) for level in range(int(demand[side].max(initial=0)))]
             for side in (0, 1)]
    order = np.argsort(-demand.sum(axis=(0, 2)), kind="stable").tolist()
    left: list[tuple[int, int, int]] = []
    for stream in order:
        wanted = [(side, level[stream]) for side in (0, 1) for level in masks[side] if level[stream]]
        both = len({side for side, _ in wanted}) == 2
        for side, columns in wanted:
            rest = state.cover(stream, side, columns, both, beyond_quota=False)
            if rest:
                left.append((stream, side, rest))
    for stream, side, rest in left:
        state.cover(stream, side, rest, False, beyond_quota=True)


def _as_integers(mask: np.ndarray) -> list[int]:
    packed = np.packbits(mask, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


def _decode(state: _Array) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """All claimed places as (stream, side, row, column), and the label of each."""
    claims = state.claims
    raw = b"".join(c.columns.to_bytes(limits.COLUMNS // 8, "little") for c in claims)
    bits = np.unpackbits(np.frombuffer(raw, np.uint8).reshape(len(claims), limits.COLUMNS // 8), axis=1,
                         bitorder="little")
    claim, column = np.nonzero(bits)
    stream = np.array([c.stream for c in claims], np.int64)[claim]
    row = np.array([c.row for c in claims], np.int64)[claim]
    label = np.array([state.labels[c.row // 2][c.stream] for c in claims], np.int64)[claim]
    return (stream, (state.sign[row] < 0).astype(np.int64), row, column), label


def _result(table: Table, stream, example, state: _Array, cells, label, chip: int, array: int, way) -> Routed:
    """Deal the places of each (stream, sign, column) to its synapses, those that need few rows first."""
    cell_stream, cell_side, cell_row, cell_column = cells
    number = rank_in_group(cell_stream, cell_side, cell_column)
    place_key = _key(cell_stream, cell_side, cell_column)
    order = np.lexsort((np.arange(len(table)), table.rows, table.column, table.side, stream))
    key = _key(stream, table.side, table.column)[order]
    before = np.cumsum(table.rows[order]) - table.rows[order]
    start = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
    first = np.empty(len(table), np.int64)
    first[order] = before - np.repeat(before[start], np.diff(np.append(start, len(key))))
    keys, count = np.unique(place_key, return_counts=True)
    own = _key(stream, table.side, table.column)
    at = np.minimum(np.searchsorted(keys, own), max(0, len(keys) - 1))
    room = np.where(keys[at] == own, count[at], 0) if len(keys) else np.zeros(len(table), np.int64)
    placed = first + table.rows <= room
    again = np.repeat(np.flatnonzero(placed), table.rows[placed])
    nth = first[again] + np.arange(len(again)) - np.repeat(
        np.cumsum(table.rows[placed]) - table.rows[placed], table.rows[placed])
    sort = np.lexsort((number, place_key))
    place = sort[np.searchsorted(place_key[sort], own[again]) + nth]
    row, column = cell_row[place], cell_column[place]

    def full(value, like) -> np.ndarray:
        return np.full(len(like), value)

    result = (table.synapse[again], full(chip, again), full(array, again), row, column, label[place])
    lost = np.flatnonzero(~placed)
    loss = np.where(np.isin(stream[lost], list(state.short_of_labels)), Loss.LABELS, Loss.ROWS)
    return Routed(_streams(table, stream[again], example, row, label[place], chip, array, way), result,
                  table.synapse[lost], loss)


def _key(stream: np.ndarray, side: np.ndarray, column: np.ndarray) -> np.ndarray:
    return (stream * 2 + side) * limits.COLUMNS + column


def _streams(table: Table, stream, example, row, label, chip: int, array: int, way) -> tuple[np.ndarray, ...]:
    """One route for every driver that a stream uses."""
    driver = coordinates.driver_of_row(row)
    _, once = np.unique(stream * limits.DRIVERS + driver, return_index=True)
    stream, driver, label = stream[once], driver[once], label[once]
    of = example[stream]

    def full(value) -> np.ndarray:
        return np.full(len(once), value)

    return (table.source[of], full(chip), full(array), coordinates.bus_of_driver(driver),
            coordinates.index_of_driver(driver), label, table.delay[of], way[table.synapse[of]])
