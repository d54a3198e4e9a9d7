"""Which synapses an event reaches: from routes, drivers and labels to events with their targets.

An *event* of the table is one (source, delay, synaptic input); it lists its target circuits, each once, with the
summed strength. Both kinds of chip end here: one without limits, whose synapses are listed, and a real one,
whose events match drivers by row select and synapses by label.
"""

from __future__ import annotations

from dataclasses import fields
from typing import NamedTuple

import numpy as np

from .. import coordinates, limits
from ..config import EXC, INH, ChipConfig, FreeSynapses, RoutedSynapses
from ..relays import Kind, Relays


class Synapses(NamedTuple):
    """Effective synapses as arrays of one shape: what every event finally drives.

    ``weight`` is in units of the target circuit's gain, with the variation of synapse and driver applied; ``mode`` the
    driver's mode of short-term plasticity where some driver has one, else None.
    """

    source: np.ndarray
    target: np.ndarray
    input: np.ndarray
    weight: np.ndarray
    delay_steps: np.ndarray
    mode: np.ndarray | None = None


class EventTable(NamedTuple):
    """Events sorted by (source, delay, input), targets in compressed rows.

    ``source, delay, input`` (E,); event e drives circuits ``target[start[e]:start[e + 1]]`` by ``weight``.
    """

    source: np.ndarray
    delay: np.ndarray
    input: np.ndarray
    start: np.ndarray
    target: np.ndarray
    weight: np.ndarray


def ranges(start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """The concatenation of ``arange(start[i], stop[i])`` over all i."""
    length = stop - start
    total = int(length.sum())
    if total == 0:
        return np.zeros(0, np.intp)
    if total == len(length) and length.min() == 1:  # one each
        return np.array(start)
    before = np.cumsum(length) - length
    return np.repeat(start - before, length) + np.arange(total)


def matching_rows(synapses: RoutedSynapses) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For every route the rows that take its events: (route, driver, row in 0..255), one entry a row."""
    r = synapses.routes
    index = np.arange(limits.DRIVERS_PER_BUS)
    driver = coordinates.driver_of(r.bus[:, None], index[None, :])
    mask = synapses.driver_mask[r.chip[:, None], r.array[:, None], driver]
    hit = coordinates.driver_matches(r.row_select[:, None].astype(np.uint8), index.astype(np.uint8), mask)
    route, i = np.nonzero(hit)
    driver = coordinates.driver_of(r.bus[route], i)
    route, driver = np.repeat(route, 2), np.repeat(driver, 2)
    row = coordinates.row_of(driver, np.arange(len(driver)) % 2)
    return route, driver, row


def effective_synapses(config: ChipConfig) -> Synapses:
    """All synapses as events see them.

    Raises
    ------
    ValueError
        If an event drives a column whose circuit is not part of the configuration.
    """
    s = config.synapses
    if isinstance(s, FreeSynapses):
        return Synapses(s.source, s.target, s.input, np.asarray(s.weight, float), s.delay_steps)
    route, driver, row = matching_rows(s)
    r = s.routes
    # every synapse in use, in an order in which a row's synapses of one label stand together
    chip, array, own_row, column = np.nonzero(s.weight)
    label = s.label[chip, array, own_row, column]
    key = ((chip * limits.HALVES + array) * limits.ROWS + own_row) * limits.LABELS + label
    order = np.argsort(key, kind="stable")
    key = key[order]
    wanted = ((r.chip[route].astype(np.intp) * limits.HALVES + r.array[route]) * limits.ROWS + row
              ) * limits.LABELS + r.label[route]
    first, last = np.searchsorted(key, wanted), np.searchsorted(key, wanted, "right")
    hit = order[ranges(first, last)]
    count = last - first
    route, driver, row = (np.repeat(a, count) for a in (route, driver, row))
    where = (chip[hit], array[hit], own_row[hit], column[hit])
    weight = s.weight[where].astype(float)
    if config.pattern is not None:
        if config.pattern.synapse is not None:
            weight *= config.pattern.synapse[where]
        if config.pattern.driver is not None:
            weight *= config.pattern.driver[where[0], where[1], driver]
    sign = s.row_sign[where[:3]]
    circuit = np.full((config.chips, limits.CIRCUITS), -1)
    circuit[config.circuits.chip, config.circuits.circuit] = np.arange(len(config.circuits))
    target = circuit[where[0], coordinates.circuit_of(where[1], where[3])]
    on = sign != 0
    if np.any(target[on] < 0):
        bad = int(np.flatnonzero(on & (target < 0))[0])
        raise ValueError(f"synapse (chip, array, row, column) {tuple(int(w[bad]) for w in where)} has a weight, but "
                         "its column's circuit is not configured")
    mode = None if s.driver_mode is None else s.driver_mode[where[0], where[1], driver][on].astype(np.int64)
    return Synapses(r.source[route][on], target[on], np.where(sign > 0, EXC, INH)[on], weight[on],
                    r.delay_steps[route][on], mode)


def through_drivers(config: ChipConfig) -> tuple[Synapses, Relays | None]:
    """Effective synapses, and all relays: those of the configuration and of drivers with short-term plasticity.

    A driver keeps its state for each label, and the labels of one source see the same events: so a relay stands for
    each source and mode. Their channels are numbered after the external ones.
    """
    synapses = effective_synapses(config)
    modes = config.synapses.modes if isinstance(config.synapses, RoutedSynapses) else None
    if modes is None or synapses.mode is None or not synapses.mode.any():
        return synapses, config.relays
    plastic = np.flatnonzero(synapses.mode)
    pair = synapses.source[plastic].astype(np.int64) * len(modes) + synapses.mode[plastic]
    pairs, number = np.unique(pair, return_inverse=True)
    source, mode = np.divmod(pairs, len(modes))
    first = len(config.circuits) + config.external
    through = synapses.source.astype(np.int64)
    through[plastic] = first + number.reshape(-1)
    zero = np.zeros(len(source))
    relays = Relays(source=source, channel=config.external + np.arange(len(source)),
                    kind=np.full(len(source), int(Kind.DRIVER)), use=modes.use[mode], tau_rec_us=modes.tau_us[mode],
                    tau_facil_us=zero, probability=zero, sites=np.ones(len(source), np.int64), start_u=zero,
                    strength=modes.strength[mode], offset=modes.offset[mode], tau_inact_us=zero,
                    start_sites=np.ones(len(source), np.int64))
    if config.relays is not None:
        own = config.relays
        own = own.replace(tau_inact_us=np.zeros(len(own)) if own.tau_inact_us is None else own.tau_inact_us,
                          start_sites=own.sites if own.start_sites is None else own.start_sites)
        relays = Relays(**{f.name: np.concatenate([getattr(own, f.name), getattr(relays, f.name)])
                           for f in fields(Relays)})
    return synapses._replace(source=through), relays


def event_table(config: ChipConfig) -> EventTable:
    """Events of a configuration and the circuits that they drive."""
    return tabulate(through_drivers(config)[0], max(1, len(config.circuits)), 2)


def tabulate(s: Synapses, targets: int, inputs: int) -> EventTable:
    """Events and their targets; synapses of one event on one target are summed."""
    if len(s.source) == 0:
        none = np.zeros(0, np.intp)
        return EventTable(none, none, none, np.zeros(1, np.intp), none, np.zeros(0))
    delays = int(s.delay_steps.max()) + 1
    event = (s.source.astype(np.int64) * delays + s.delay_steps) * inputs + s.input
    if int(event.max()) >= (2**62) // targets:
        raise ValueError("too many sources, delays and targets for one table of events")
    key = event * targets + s.target
    order = np.argsort(key, kind="stable")
    key = key[order]
    new = np.empty(len(key), bool)
    new[0] = True
    np.not_equal(key[1:], key[:-1], out=new[1:])
    first = np.flatnonzero(new)
    weight = s.weight[order]
    if len(first) < len(key):
        weight = np.add.reduceat(weight, first)
    key = key[first]
    event, target = np.divmod(key, targets)
    new = np.empty(len(event), bool)
    new[0] = True
    np.not_equal(event[1:], event[:-1], out=new[1:])
    begin = np.flatnonzero(new)
    event = event[begin]
    return EventTable(event // inputs // delays, event // inputs % delays, event % inputs,
                      np.append(begin, len(target)), target, weight)
