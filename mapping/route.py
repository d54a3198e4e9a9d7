"""Sources to buses, drivers, rows and labels, under the chip's real constraints.

A spike that stays on its chip (a *direct* event) reaches one bus of each array, its row select is its event output
above two free bits (here 0), its label is chosen per source. An *outside* event may have any bus, row select and
label. Within a row each column listens to the one label that stands in its synapse.

The drivers of one bus that a direct event can reach are the 16 whose index has the output's upper bit; let ``e`` be
the lower four bits of (index xor row select of the direct event). Drivers with ``e < r`` are given to direct
events, with a mask that leaves out the ones of ``e``: all of them take every direct event of the output. The
others take outside events only, with a full mask. An outside event for driver ``e'`` would be taken by a direct
driver ``e`` only if the ones of ``e'`` are among those of ``e``, thus ``e' <= e < r``: never. A direct event
would be taken by an outside driver only if ``e' = 0``: not as long as ``r >= 1``. So the two never meet, however
the drivers are divided.

Slots, whose labels a rule may rewrite, have drivers of their own with masks of their own: see ``slots``.

Both rows of a driver share its short-term plasticity (``mode``): synapses of different modes take different drivers.
"""

from __future__ import annotations

import numpy as np
from pynn_brainscales.emulator import coordinates, limits

from .direct import route_direct
from .mapped import Expanded, Loss, Placement, Routing, Scaled, Way
from .network import Network
from .outside import route_outside
from .scale import us_per_ms
from .slots import drivers_needed, route_slots, slot_mask, slots_of
from .table import Table
from .target import Target
from .ways import choose_ways, ways_to

_ROUTE_FIELDS = ("route_source", "route_chip", "route_array", "route_bus", "route_row_select", "route_label",
                 "route_delay_us", "route_way")
_CELL_FIELDS = ("cell_synapse", "cell_chip", "cell_array", "cell_row", "cell_column", "cell_label")


def route(network: Network, scaled: Scaled, expanded: Expanded, placement: Placement, target: Target) -> Routing:
    """Give every synapse its rows and labels, and every source its streams of events.

    Synapses that find no place are marked in ``lost``; nothing is raised here.
    """
    way, delay = choose_ways(network, scaled, placement, target)
    m = len(scaled.neuron)
    if not target.profile.limited:
        return _routing(True, way, delay, np.full(m, Loss.NONE), [], [], placement.chips)
    circuit = placement.circuit[scaled.neuron, expanded.slot]
    table = Table(
        synapse=np.arange(m), source=scaled.source, chip=placement.chip[scaled.neuron],
        array=coordinates.half_of(circuit), column=coordinates.column_of(circuit), side=scaled.input,
        rows=scaled.rows, delay=delay, mode=scaled.mode)
    lost = np.full(m, Loss.NONE)
    routes, cells, signs, masks, modes = [], [], [], [], []
    direct, slotted, groups = way == Way.DIRECT, slot_mask(network), slots_of(network)
    home = placement.circuit[:, 0]
    for chip in range(placement.chips):
        here = table.chip == chip
        sign = np.zeros((limits.HALVES, limits.ROWS), np.int8)
        mode = np.zeros((limits.HALVES, limits.DRIVERS), np.uint8)
        mask = np.full((limits.HALVES, limits.DRIVERS), 2 ** limits.ROW_SELECT_BITS - 1, np.uint8)
        for array in range(limits.HALVES):
            mine = here & (table.array == array)
            rest = mine & ~direct & ~slotted
            own = [table.only(mine & (table.synapse >= g.first) & (table.synapse < g.first + len(g.label)))
                   for g in groups]
            outside = np.bincount(table.column[rest], table.rows[rest], minlength=limits.COLUMNS)
            outside = outside + 2 * sum(map(drivers_needed, own))  # no other column may use their rows
            found, taken = route_direct(table.only(mine & direct), chip, array, home, sign[array], mask[array],
                                        mode[array], outside)
            parts = [found]
            for g, slots in zip(groups, own, strict=True):
                wanted = np.full(len(g.source), g.delay * us_per_ms(target))
                ways = ways_to(network, placement, g.source, np.full(len(g.source), chip), wanted, True)
                parts.append(route_slots(g, slots, chip, array, taken, sign[array], mask[array], *ways))
            parts.append(route_outside(table.only(rest), chip, array, taken, sign[array], mode[array], way))
            for part in parts:
                routes.append(part.routes)
                cells.append(part.cells)
                lost[part.lost] = part.loss
        signs.append(sign)
        masks.append(mask)
        modes.append(mode)
    return _routing(False, way, delay, lost, routes, cells, placement.chips, np.stack(signs), np.stack(masks),
                    np.stack(modes))


def _routing(free, way, delay, lost, routes, cells, chips, signs=None, masks=None, modes=None) -> Routing:
    columns = [np.concatenate([r[i] for r in routes]) if routes else np.zeros(0, np.int64) for i in range(8)]
    places = [np.concatenate([c[i] for c in cells]) if cells else np.zeros(0, np.int64) for i in range(6)]
    if signs is None:
        signs, masks = np.zeros((chips, 2, limits.ROWS), np.int8), np.zeros((chips, 2, limits.DRIVERS), np.uint8)
    modes = np.zeros_like(masks) if modes is None else modes
    routes = dict(zip(_ROUTE_FIELDS, columns, strict=True))
    cells = dict(zip(_CELL_FIELDS, places, strict=True))
    return Routing(free=free, way=way, delay_us=delay, lost=lost, row_sign=signs, driver_mask=masks, driver_mode=modes,
                   **routes, **cells)
