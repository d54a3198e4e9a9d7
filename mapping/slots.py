"""Slots: synapses whose presynaptic partner a rule may change, by writing another label.

A projection of slots has rows, and on a chip drivers, to itself. The events of every *candidate* reach all of these
rows, each with the label that is the candidate's number, the same on every row: so a label means a partner, and
rewriting it is pruning and formation in one. A neuron has as many slots as it had connections, and keeps them.

On a chip the drivers are taken in blocks: 2^b drivers of one bus that differ in the lowest b bits of their index, and
whose mask leaves these bits out. One event with the row select of any of them reaches them all. No other event does:
outside events for other drivers differ in an upper bit; and as every bit pattern that is an index of the block belongs
to it, the argument of ``route`` about direct events and drivers of outside events holds for each of its drivers. The
largest blocks come first: a spike is sent once for each block, 16 slots on one array are 8 drivers and one event.

Candidates on the same chip are relayed outside, too: the chip itself gives their spikes a label that isn't free.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pynn_brainscales.emulator import coordinates, limits

from .errors import MappingError
from .mapped import Loss
from .network import Network, Projection
from .table import Routed, Table, rank_in_group

_FULL_MASK = 2 ** limits.ROW_SELECT_BITS - 1


class Slots(NamedTuple):
    """A projection of slots, in the numbering of the whole network.

    ``first`` is its first synapse; ``source`` (k,) the candidates; ``label`` (m,) whom each synapse hears at first.
    """

    first: int
    source: np.ndarray
    label: np.ndarray
    delay: float


def check_slots(p: Projection, size: int) -> None:
    """Raise MappingError if a projection can't be one of slots; ``size`` is that of its presynaptic population."""
    if p.candidates is None:
        return
    where, candidates = f"projection {p.label!r}", np.asarray(p.candidates)
    if p.model != "PlasticSynapse":
        raise MappingError(f"candidates for synapses of model {p.model!r}", "PlasticSynapse", where,
                           "only a plasticity rule changes the partner of a synapse")
    if candidates.ndim != 1 or candidates.dtype.kind not in "iu" or len(np.unique(candidates)) < len(candidates) or (
            len(candidates) and not 0 <= candidates.min() <= candidates.max() < size):
        raise MappingError("candidates that are not different cells", f"a list of different indices 0..{size - 1}",
                           where)
    if len(candidates) > limits.LABELS:
        raise MappingError(
            f"{len(candidates)} candidates for each slot", f"{limits.LABELS} labels, of which a synapse hears one",
            where, f"connect from a PopulationView of at most {limits.LABELS} cells, or use several projections, each "
            "with candidates of its own")
    if not np.all(np.isin(p.pre_index, candidates)):
        raise MappingError("connections from cells that are no candidates", f"the {len(candidates)} candidates", where)
    if len(p) and np.ptp(p.delay) > 0:
        raise MappingError(f"delays from {p.delay.min():g} to {p.delay.max():g} ms in slots", "one delay for all: an "
                           "event of a candidate reaches all slots", where, "give one delay, or make a projection each")


def first_labels(p: Projection) -> np.ndarray:
    """Whom each synapse of a projection of slots hears at first: numbers (m,) of candidates."""
    if p.candidates is None:
        raise ValueError(f"projection {p.label!r} has no slots, and its synapses no candidates")
    order = np.argsort(p.candidates)
    return order[np.searchsorted(p.candidates[order], p.pre_index)]


def slots_of(network: Network) -> list[Slots]:
    """All projections of slots that have synapses."""
    result, start, offsets = [], 0, network.offsets()
    for p in network.projections:
        if p.candidates is not None and len(p):
            result.append(Slots(start, p.candidates + offsets[p.pre], first_labels(p), float(p.delay[0])))
        start += len(p)
    return result


def slot_mask(network: Network) -> np.ndarray:
    """Which synapses of the network are slots, (m,)."""
    parts = [np.full(len(p), p.candidates is not None) for p in network.projections]
    return np.concatenate(parts) if parts else np.zeros(0, bool)


def drivers_needed(table: Table) -> int:
    """Drivers that the slots of one projection on one array take: as many as the fullest column asks for."""
    return -(-int(np.bincount(table.column).max()) // 2) if len(table) else 0


def route_slots(slots: Slots, table: Table, chip: int, array: int, taken: np.ndarray, sign: np.ndarray,
                mask: np.ndarray, way: np.ndarray, delay: np.ndarray) -> Routed:
    """Place the slots of one projection on one array.

    Parameters
    ----------
    slots : Slots
    table : Table
        Its synapses on this array.
    chip, array : int
    taken : bool, (256,)
        Rows that are in use; those of the drivers that are taken here are added.
    sign : int8, (256,)
        Row signs, written.
    mask : uint8, (128,)
        Driver masks, written.
    way, delay : (k,)
        Of the candidates' events to this chip.
    """
    blocks = _blocks(drivers_needed(table), taken)
    number, drivers = rank_in_group(table.column), []
    for bus, first, size in blocks:
        members = coordinates.driver_of(bus, first + np.arange(size))
        mask[members] = _FULL_MASK & ~(size - 1)
        drivers.append(members)
    driver = np.concatenate([np.zeros(0, np.int64), *drivers])
    rows = coordinates.row_of(np.repeat(driver, 2), np.tile([0, 1], len(driver)))
    taken[rows] = True
    rows = rows[:int(number.max(initial=-1)) + 1]
    placed = number < len(rows)
    if len(table):
        sign[rows] = 1 if table.side[0] == 0 else -1
    row, t = rows[number[placed]], table.only(placed)
    again, k = len(blocks), len(slots.source)
    routes = (np.tile(slots.source, again), np.full(again * k, chip), np.full(again * k, array),
              *(np.repeat(np.array([b[i] for b in blocks], np.int64), k) for i in (0, 1)),
              np.tile(np.arange(k), again), np.tile(delay, again), np.tile(way, again))
    cells = (t.synapse, np.full(len(t), chip), np.full(len(t), array), row, t.column,
             slots.label[t.synapse - slots.first])
    return Routed(routes, cells, table.synapse[~placed], np.full(int((~placed).sum()), Loss.ROWS))


def _blocks(need: int, taken: np.ndarray) -> list[tuple[int, int, int]]:
    """Free blocks (bus, first index, size) with as many drivers as are needed, or as there are; large ones first."""
    driver = coordinates.driver_of(np.arange(limits.BUSES)[:, None], np.arange(limits.DRIVERS_PER_BUS))
    free = ~taken[coordinates.row_of(driver, 0)]
    blocks: list[tuple[int, int, int]] = []
    size = limits.DRIVERS_PER_BUS
    while need and size:
        whole = free.reshape(limits.BUSES, -1, size).all(axis=2)
        if size > need or not whole.any():
            size //= 2
            continue
        bus = int(np.argmax(np.where(whole.any(axis=1), free.sum(axis=1), -1)))
        first = int(np.flatnonzero(whole[bus])[-1]) * size  # from the end: other events begin at the other one
        free[bus, first:first + size] = False
        blocks.append((bus, first, size))
        need -= size
    return blocks
