"""Invariants of every representation: each ``verify_*`` raises ValueError with a sentence if one is broken.

They are for tests and for hunting faults; ``compile`` does not call them.
"""

from __future__ import annotations

import numpy as np
from pynn_brainscales.emulator import coordinates, limits
from pynn_brainscales.emulator.config import verify_config

from .joints import joined
from .mapped import Expanded, Loss, Mapped, Placement, Rounded, Routing, Scaled, Way
from .network import Network
from .slots import slots_of
from .target import Target


def verify_mapped(mapped: Mapped) -> None:
    """All invariants of all representations."""
    m = mapped
    verify_scaled(m.network, m.scaled)
    verify_expanded(m.network, m.scaled, m.expanded, m.target)
    verify_placement(m.network, m.expanded, m.placement, m.target.profile.limited)
    if not m.routing.free:
        verify_routing(m.network, m.scaled, m.expanded, m.placement, m.routing)
    verify_rounded(m.scaled, m.routing, m.rounded)
    verify_config(m.config)


def verify_scaled(network: Network, scaled: Scaled) -> None:
    """Shapes, and numbers that mean something."""
    units, m = len(scaled.unit_neuron), network.synapses
    _demand(np.array_equal(scaled.unit_neuron[:network.neurons], np.arange(network.neurons)), "a neuron without a unit")
    _demand(np.array_equal(scaled.unit_neuron[scaled.unit], scaled.neuron), "a synapse on the unit of another neuron")
    for name, array in scaled.cells.items():
        _demand(array.shape == (units,), f"cells[{name!r}] has shape {array.shape}, not ({units},)")
        _demand(np.all(np.isfinite(array)), f"cells[{name!r}] is not finite everywhere")
    for name in ("source", "neuron", "unit", "input", "drive", "delay_us", "rows"):
        _demand(getattr(scaled, name).shape == (m,), f"{name} has not one entry for each of {m} synapses")
    _demand(np.all(scaled.drive >= 0), "drive must be >= 0: the sign is in the input")
    _demand(np.all(scaled.rows >= 1), "every synapse takes at least one row")


def verify_expanded(network: Network, scaled: Scaled, expanded: Expanded, target: Target) -> None:
    """Every slot exists, and no circuit is asked for more rows than it has, if that could be avoided."""
    _demand(expanded.circuits.shape == (network.neurons,), "circuits has not one entry for each neuron")
    _demand(np.all(expanded.circuits >= 1), "every neuron has at least one circuit")
    _demand(np.all(expanded.slot < expanded.circuits[scaled.neuron]), "a synapse is on a circuit that doesn't exist")
    _demand(np.array_equal(expanded.unit[scaled.neuron, expanded.slot], scaled.unit), "a synapse on another's circuit")
    if target.profile.limited:
        rows = np.bincount(scaled.neuron, scaled.rows, minlength=network.neurons)
        _demand(np.all(rows <= expanded.circuits * limits.ROWS), "a neuron has more synapses than rows")


def verify_placement(network: Network, expanded: Expanded, placement: Placement, limited: bool = True) -> None:
    """Every circuit is used once; a neuron's circuits share a chip, a side, and whole columns."""
    given = placement.circuit >= 0
    _demand(np.array_equal(given.sum(axis=1), expanded.circuits), "a neuron has not the circuits it was promised")
    neuron, slot = np.nonzero(given)
    circuit = placement.circuit[neuron, slot]
    _demand(np.all(circuit < limits.CIRCUITS), "a circuit beyond the chip")
    _demand(np.all((placement.chip >= 0) & (placement.chip < placement.chips)), "a chip that doesn't exist")
    where = placement.chip[neuron] * limits.CIRCUITS + circuit
    _demand(len(np.unique(where)) == len(where), "two neurons share a circuit")
    side = coordinates.side_of(circuit)
    _demand(np.array_equal(side, coordinates.side_of(placement.circuit[neuron, 0])), "joined circuits on two sides")
    for i in np.flatnonzero(expanded.circuits > 1):
        columns = np.unique(coordinates.column_of(placement.circuit[i, :expanded.circuits[i]]))
        _demand(np.all(np.diff(columns) == 1), f"the circuits of neuron {i} are not neighbours")
    if limited:
        _verify_joints(network, placement)


def _verify_joints(network: Network, placement: Placement) -> None:
    pairs = joined(network)
    for a, b in zip(pairs.first, pairs.second, strict=True):
        circuit = np.concatenate([placement.circuit[a], placement.circuit[b]])
        columns = np.unique(coordinates.column_of(circuit[circuit >= 0]))
        _demand(placement.chip[a] == placement.chip[b] and bool(np.all(np.diff(columns) == 1)),
                "the circuits of joined cells are not neighbours")


def verify_routing(network: Network, scaled: Scaled, expanded: Expanded, placement: Placement, routing: Routing
                   ) -> None:
    """Every synapse gets the events of its source, once on each of its rows, and no place gets anything else.

    Independent of the router: it compares what drivers and labels let through with what was asked.
    """
    r = routing
    placed = r.lost == Loss.NONE
    rows = np.bincount(r.cell_synapse, minlength=len(r.lost))
    _demand(np.array_equal(rows, np.where(placed, scaled.rows, 0)), "a synapse is not on as many rows as it needs")
    circuit = placement.circuit[scaled.neuron, expanded.slot][r.cell_synapse]
    _demand(np.array_equal(r.cell_chip, placement.chip[scaled.neuron][r.cell_synapse]), "a synapse on a wrong chip")
    _demand(np.array_equal(coordinates.circuit_of(r.cell_array, r.cell_column), circuit), "a synapse in a wrong column")
    cell = ((r.cell_chip * 2 + r.cell_array) * limits.ROWS + r.cell_row) * limits.COLUMNS + r.cell_column
    _demand(len(np.unique(cell)) == len(cell), "two synapses share a place")
    sign = r.row_sign[r.cell_chip, r.cell_array, r.cell_row]
    _demand(np.array_equal(sign, np.where(scaled.input[r.cell_synapse] == 0, 1, -1)),
            "a synapse on a row of the wrong sign")
    mode = r.driver_mode[r.cell_chip, r.cell_array, coordinates.driver_of_row(r.cell_row)]
    _demand(np.array_equal(mode, scaled.mode[r.cell_synapse]), "a synapse on a driver with other short-term plasticity")
    for labels in (r.cell_label, r.route_label):
        _demand(np.all((labels >= 0) & (labels < limits.LABELS)), "a label beyond 6 bits")
    _verify_direct(network, placement, r)
    _verify_delivery(scaled, r)
    _verify_slots(network, r)


def _verify_direct(network: Network, placement: Placement, r: Routing) -> None:
    direct = np.flatnonzero(r.route_way == Way.DIRECT)
    source = r.route_source[direct]
    _demand(np.all(source < network.neurons), "a source outside the chip has a direct route")
    output = coordinates.output_of(placement.circuit[source, 0])
    _demand(np.array_equal(r.route_bus[direct], output % limits.BUSES), "a direct route on a wrong bus")
    _demand(np.array_equal(r.route_row_select[direct] >> 2, output), "a direct route with a wrong row select")
    _demand(np.array_equal(r.route_chip[direct], placement.chip[source]), "a direct route leaves its chip")


def _verify_delivery(scaled: Scaled, r: Routing) -> None:
    index = np.arange(limits.DRIVERS_PER_BUS)
    arrived_cell, arrived_route = [], []
    place = (r.cell_chip * 2 + r.cell_array) * limits.DRIVERS + coordinates.driver_of_row(r.cell_row)
    key = place * limits.LABELS + r.cell_label
    order = np.argsort(key, kind="stable")
    for i in index:
        driver = coordinates.driver_of(r.route_bus, i)
        mask = r.driver_mask[r.route_chip, r.route_array, driver].astype(np.int64)
        route = np.flatnonzero(((r.route_row_select ^ i) & mask) == 0)
        there = ((r.route_chip * 2 + r.route_array) * limits.DRIVERS + driver)[route] * limits.LABELS
        wanted = there + r.route_label[route]
        first, last = np.searchsorted(key[order], wanted), np.searchsorted(key[order], wanted, "right")
        count = last - first
        offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        arrived_cell.append(order[np.repeat(first, count) + offset])
        arrived_route.append(np.repeat(route, count))
    cell, route = np.concatenate(arrived_cell), np.concatenate(arrived_route)
    synapse = r.cell_synapse[cell]
    _demand(np.array_equal(r.route_source[route], scaled.source[synapse]), "a place gets the events of another source")
    _demand(np.allclose(r.route_delay_us[route], r.delay_us[synapse], atol=1e-9), "events with another delay arrive")
    _demand(np.array_equal(r.route_way[route], r.way[synapse]), "events come another way than the synapse's")
    _demand(np.array_equal(np.bincount(cell, minlength=len(r.cell_synapse)), np.ones(len(r.cell_synapse))),
            "a place gets its events twice, or not at all")


def _verify_slots(network: Network, r: Routing) -> None:
    """Every candidate's events reach every row of its slots once, with its number, and nothing else does."""
    for slots in slots_of(network):
        number = r.cell_synapse - slots.first
        mine = (number >= 0) & (number < len(slots.label))
        places = zip(r.cell_chip[mine], r.cell_array[mine], coordinates.driver_of_row(r.cell_row[mine]), strict=True)
        for chip, array, driver in set(places):
            mask = int(r.driver_mask[chip, array, driver])
            there = (r.route_chip == chip) & (r.route_array == array)
            there &= r.route_bus == coordinates.bus_of_driver(driver)
            there &= coordinates.driver_matches(r.route_row_select, coordinates.index_of_driver(driver), mask)
            order = np.argsort(r.route_label[there])
            _demand(np.array_equal(r.route_source[there][order], slots.source), "a slot that not all candidates reach, "
                    "or others do")
            _demand(np.array_equal(r.route_label[there][order], np.arange(len(order))), "a candidate's label is not "
                    "its number")


def verify_rounded(scaled: Scaled, routing: Routing, rounded: Rounded) -> None:
    """Weights and codes in their ranges; lost synapses drive nothing."""
    _demand(np.all((rounded.cell_weight >= 0) & (rounded.cell_weight <= limits.WEIGHT_MAX)), "a weight beyond 6 bits")
    _demand(np.all(rounded.drive.realised[rounded.lost != Loss.NONE] == 0), "a lost synapse has a weight")
    if routing.free:
        return
    total = np.bincount(routing.cell_synapse, rounded.cell_weight, minlength=len(rounded.lost))
    unit = rounded.gain.realised[scaled.input, scaled.unit]
    _demand(np.allclose(total * unit, rounded.drive.realised), "realised drives are not what the weights give")
    low, high = limits.SYNIN_GM_RANGE
    _demand(np.all((rounded.gm >= low) & (rounded.gm <= high)), "a gain code beyond its range")


def _demand(ok: bool | np.bool_, sentence: str) -> None:
    if not ok:
        raise ValueError(sentence)
