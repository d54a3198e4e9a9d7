"""Rows for spikes that stay on their chip.

All drivers that belong to an event output (see ``route``) take every event of its 64 circuits, and each column of a
row picks its source by the label: so a synapse may sit in any row of the right sign, and a column gets as many
synapses from one output as there are rows. Rows are divided among *groups*: an event output, and the short-term
plasticity (mode) that the drivers of a group share.
"""

from __future__ import annotations

import numpy as np
from pynn_brainscales.emulator import coordinates, limits
from pynn_brainscales.emulator.config import EXC

from .mapped import Loss, Way
from .table import Routed, Table

_DRIVERS = limits.DRIVERS_PER_BUS // 2  # that share the upper bit of the index
_MASK = 2 ** (limits.ROW_SELECT_BITS - 1)  # compares only that bit


def label_of(circuit: np.ndarray) -> np.ndarray:
    """The label of a circuit's direct events: its number among the 64 circuits of its output."""
    within = coordinates.column_of(circuit) % limits.COLUMNS_PER_OUTPUT
    return coordinates.half_of(circuit) * limits.COLUMNS_PER_OUTPUT + within


def route_direct(table: Table, chip: int, array: int, home: np.ndarray, sign: np.ndarray, mask: np.ndarray,
                 modes: np.ndarray, outside: np.ndarray) -> tuple[Routed, np.ndarray]:
    """Place the synapses of one array whose sources spike on the same chip.

    Parameters
    ----------
    table : Table
    chip, array : int
    home : int, (n,)
        Circuit of each source.
    sign : int8, (256,)
        Row signs, written.
    mask : uint8, (128,)
        Driver masks, written.
    modes : uint8, (128,)
        Short-term plasticity of the drivers, written.
    outside : int, (256,)
        Rows that events from outside would like to have in each column.

    Returns
    -------
    Routed
    taken : bool, (256,)
        Rows of the drivers that take direct events.
    """
    taken = np.zeros(limits.ROWS, bool)
    row = np.full(len(table), -1)
    output = coordinates.output_of(home[table.source]) if len(table) else np.zeros(0, np.int64)
    many = int(table.mode.max(initial=0)) + 1
    group = output * many + table.mode
    first = _first_rows(table, group)
    where: dict[int, np.ndarray] = {}
    used = dict.fromkeys(range(limits.OUTPUTS), 0)  # drivers of each output
    for g, counts in _divide(table, group, many, outside).items():
        mine = np.flatnonzero(group == g)
        k, mode = divmod(g, many)
        rows = _rows_of(k, used[k], sum(counts), sign, mask, counts)
        used[k] += -(-len(rows) // 2)
        modes[coordinates.driver_of_row(rows)] = mode
        if len(rows):
            taken[_driver_rows(rows)] = True
        side = table.side[mine]
        begin, room = np.where(side == EXC, 0, counts[0]), np.array(counts)[side]
        fits = first[mine] + table.rows[mine] <= room
        row[mine[fits]] = (begin + first[mine])[fits]
        where[g] = rows
    placed = row >= 0
    cells = _cells(table.only(placed), row[placed], group[placed], where, chip, array, home)
    return Routed(_routes(table.only(placed), chip, array, home), cells, table.synapse[~placed],
                  np.full(int((~placed).sum()), Loss.ROWS)), taken


def _first_rows(table: Table, group: np.ndarray) -> np.ndarray:
    """Number of rows that come before a synapse in its column, among those of its group and sign; few rows first."""
    m = len(table)
    first = np.zeros(m, np.int64)
    if m:
        order = np.lexsort((np.arange(m), table.rows, table.side, table.column, group))
        key = (group * limits.COLUMNS + table.column)[order] * 2 + table.side[order]
        before = np.cumsum(table.rows[order]) - table.rows[order]
        start = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
        first[order] = before - np.repeat(before[start], np.diff(np.append(start, m)))
    return first


def _divide(table: Table, group: np.ndarray, many: int, outside: np.ndarray) -> dict[int, tuple[int, int]]:
    """Rows (excitatory, inhibitory) of each group; group g belongs to output ``g // many``.

    An output gets what loses nothing, up to its 32 rows. Where events from outside then have too little, drivers
    are taken from the output that loses fewest synapses by it, as long as that loses fewer in all.
    """
    choices: dict[int, list[tuple[tuple[int, int], int]]] = {}
    for k in np.unique(group).tolist():
        need = np.zeros((2, limits.COLUMNS), np.int64)
        mine = group == k
        np.add.at(need, (table.side[mine], table.column[mine]), table.rows[mine])
        full = min(2 * _DRIVERS, int(need.max(axis=1).sum()))
        choices[k] = [_split(need, room) for room in (*range(full, 0, -2), 0)]
    at = dict.fromkeys(choices, 0)
    _within_outputs(choices, at, many)

    def room_outside() -> int:
        return limits.ROWS - sum(2 * -(-sum(choices[k][i][0]) // 2) for k, i in at.items())

    def lost_outside(rows: int) -> float:
        return float(np.maximum(0.0, outside - rows).sum())

    while lost_outside(room_outside()) > 0:
        costs = {k: choices[k][i + 1][1] - choices[k][i][1] for k, i in at.items() if i + 1 < len(choices[k])}
        if not costs:
            break
        k = min(costs, key=costs.__getitem__)
        rows = room_outside()
        if costs[k] >= lost_outside(rows) - lost_outside(rows + 2):
            break
        at[k] += 1
    return {k: choices[k][i][0] for k, i in at.items()}


def _within_outputs(choices: dict[int, list[tuple[tuple[int, int], int]]], at: dict[int, int], many: int) -> None:
    """Take rows from the groups of an output that together have more drivers than it."""
    for output in {k // many for k in choices}:
        groups = [k for k in choices if k // many == output]
        while sum(-(-sum(choices[k][at[k]][0]) // 2) for k in groups) > _DRIVERS:
            costs = {k: choices[k][at[k] + 1][1] - choices[k][at[k]][1] for k in groups if at[k] + 1 < len(choices[k])}
            at[min(costs, key=costs.__getitem__)] += 1


def _split(need: np.ndarray, room: int) -> tuple[tuple[int, int], int]:
    """The division of ``room`` rows among the two signs that loses fewest synapses, and how many it loses."""
    most = need.max(axis=1)
    if most.sum() <= room:
        return (int(most[0]), int(most[1])), 0
    exc = np.arange(room + 1)
    lost = (np.maximum(0, need[0][:, None] - exc).sum(axis=0)
            + np.maximum(0, need[1][:, None] - (room - exc)).sum(axis=0))
    best = int(np.argmin(lost))
    return (best, room - best), int(lost[best])


def _rows_of(output: int, before: int, count: int, sign: np.ndarray, mask: np.ndarray, counts: tuple[int, int]
             ) -> np.ndarray:
    """Claim drivers of an output that has given ``before``; ``count`` rows, excitatory ones first."""
    row_select = output << 2
    bus, upper, lower = coordinates.bus_of_output(output), row_select & _MASK, row_select & (_MASK - 1)
    e = before + np.arange(-(-count // 2))
    driver = coordinates.driver_of(bus, upper | (e ^ lower))
    mask[driver] = _MASK | (~e & (_MASK - 1))
    rows = coordinates.row_of(np.repeat(driver, 2), np.tile([0, 1], len(driver)))[:count]
    sign[rows[:counts[0]]] = 1
    sign[rows[counts[0]:]] = -1
    return rows


def _driver_rows(rows: np.ndarray) -> np.ndarray:
    driver = coordinates.driver_of_row(rows)
    return np.concatenate([coordinates.row_of(driver, 0), coordinates.row_of(driver, 1)])


def _routes(t: Table, chip: int, array: int, home: np.ndarray) -> tuple[np.ndarray, ...]:
    source = np.unique(t.source)
    circuit = home[source]
    output = coordinates.output_of(circuit)

    def full(value) -> np.ndarray:
        return np.full(len(source), value)

    return (source, full(chip), full(array), coordinates.bus_of_output(output),
            coordinates.row_select_of_circuit(circuit), label_of(circuit), full(limits.LATENCY_ON_CHIP_US),
            full(Way.DIRECT))


def _cells(t: Table, first: np.ndarray, group: np.ndarray, where: dict[int, np.ndarray], chip: int, array: int,
           home: np.ndarray) -> tuple[np.ndarray, ...]:
    again = np.repeat(np.arange(len(t)), t.rows)
    nth = np.arange(len(again)) - np.repeat(np.cumsum(t.rows) - t.rows, t.rows)
    number = first[again] + nth
    row = np.zeros(len(again), np.int64)
    for k, rows in where.items():
        mine = group[again] == k
        row[mine] = rows[number[mine]]

    def full(value) -> np.ndarray:
        return np.full(len(again), value)

    return (t.synapse[again], full(chip), full(array), row, t.column[again], label_of(home[t.source[again]]))
