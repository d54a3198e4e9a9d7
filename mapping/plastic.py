"""Synapses that a plasticity rule may change: where they sit, and the arrays that the emulator has for them.

The code of a weight is a number of 0..63; what it stands for is at most ``w_max`` / 63, and less fine where the other
synapses of a neuron need a larger gain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from pynn_brainscales.emulator import coordinates, limits
from pynn_brainscales.emulator.config import Circuits, FreeSynapses, RoutedSynapses
from pynn_brainscales.emulator.kernels.correlation import draw_sensors
from pynn_brainscales.emulator.kernels.routing import matching_rows
from pynn_brainscales.emulator.plastic import PlasticArray
from pynn_brainscales.emulator.variation import FixedPattern

from .mapped import Loss, Rounded, Routing, Scaled
from .network import Network, Projection
from .scale import us_per_ms
from .slots import first_labels
from .split import Split
from .table import rank_in_group
from .target import Target

Sources = Callable[[np.ndarray], np.ndarray]
MODEL = "PlasticSynapse"


class Places(NamedTuple):
    """Where the synapses of one projection sit in its array: ``row``, ``column`` (m,), -1 where a synapse is lost.

    ``unit`` (m,) is the weight of one code, in PyNN's unit, with its sign; 0 where lost.
    """

    row: np.ndarray
    column: np.ndarray
    unit: np.ndarray


class _Grid(NamedTuple):
    """Rows and columns of one array: keys of the rows (R, 4), circuit of each column (C,), places of the synapses."""

    keys: np.ndarray
    circuit: np.ndarray
    places: Places
    first: int  # number of the projection's first synapse
    candidates: np.ndarray | None = None  # sources of all events of slots


def plastic_mask(network: Network, split: Split) -> np.ndarray:
    """Which synapses of the network of the chips are plastic, (m,)."""
    parts = [np.full(len(p), p.label in split.plastic) for p in network.projections]
    return np.concatenate(parts) if parts else np.zeros(0, bool)


def _grids(split: Split, scaled: Scaled, routing: Routing, rounded: Rounded, circuits: Circuits, master: np.ndarray,
           step_us: float) -> dict[str, _Grid]:
    result, start = {}, 0
    for p in split.network.projections:
        if p.label in split.plastic:
            mine = np.arange(start, start + len(p))
            grid = (_free_grid if routing.free else _routed_grid)(
                mine, p, scaled, routing, rounded, circuits, master, step_us)
            result[p.label] = grid if p.candidates is None else grid._replace(
                candidates=p.candidates + split.network.offsets()[p.pre])
        start += len(p)
    return result


def _free_grid(mine, p: Projection, scaled, routing, rounded, circuits, master, step_us) -> _Grid:
    """A chip without limits: a row for each source, delay and input, or for each slot of a neuron."""
    ticks = np.floor(routing.delay_us[mine] / step_us + 0.5).astype(np.int64)
    column_of, column = np.unique(master[scaled.neuron[mine]], return_inverse=True)
    first = scaled.source[mine] if p.candidates is None else rank_in_group(column.reshape(-1))
    keys = np.stack([first, ticks, scaled.input[mine], np.zeros(len(mine), np.int64)], axis=1)
    rows, row = np.unique(keys, axis=0, return_inverse=True)
    return _Grid(rows, column_of, Places(row.reshape(-1), column.reshape(-1), p.weight / limits.WEIGHT_MAX),
                 int(mine[0]) if len(mine) else 0)


def _routed_grid(mine, p: Projection, scaled, routing, rounded, circuits, master, step_us) -> _Grid:
    first = int(mine[0]) if len(mine) else 0
    cell = np.flatnonzero((routing.cell_synapse >= first) & (routing.cell_synapse < first + len(mine)))
    cell = cell[rounded.lost[routing.cell_synapse[cell]] == Loss.NONE]
    synapse = routing.cell_synapse[cell] - first
    keys = np.stack([routing.cell_chip[cell], routing.cell_array[cell], routing.cell_row[cell],
                     np.zeros(len(cell), np.int64)], axis=1)
    rows, row = np.unique(keys, axis=0, return_inverse=True)
    index = np.full((int(circuits.chip.max()) + 1, limits.CIRCUITS), -1)
    index[circuits.chip, circuits.circuit] = np.arange(len(circuits))
    on_chip = coordinates.circuit_of(routing.cell_array[cell], routing.cell_column[cell])
    column_of, column = np.unique(index[routing.cell_chip[cell], on_chip], return_inverse=True)
    place_row, place_column, unit = np.full(len(p), -1), np.full(len(p), -1), np.zeros(len(p))
    place_row[synapse], place_column[synapse] = row.reshape(-1), column.reshape(-1)
    wanted, got = rounded.drive.requested[mine][synapse], rounded.drive.realised[mine][synapse]
    unit[synapse] = p.weight[synapse] * (got / wanted) / rounded.cell_weight[cell]
    return _Grid(rows, column_of, Places(place_row, place_column, unit), first)


def places(split: Split, scaled: Scaled, routing: Routing, rounded: Rounded, circuits: Circuits, master: np.ndarray,
           step_us: float) -> dict[str, Places]:
    """Places of the synapses of all plastic projections, by label."""
    grids = _grids(split, scaled, routing, rounded, circuits, master, step_us)
    return {label: grid.places for label, grid in grids.items()}


def plastic_arrays(split: Split, scaled: Scaled, routing: Routing, rounded: Rounded, target: Target,
                   circuits: Circuits, master: np.ndarray, synapses: FreeSynapses | RoutedSynapses,
                   pattern: FixedPattern | None, step_us: float, sources: Sources) -> tuple[PlasticArray, ...]:
    """One array for each plastic projection, in the order of the network."""
    grids = _grids(split, scaled, routing, rounded, circuits, master, step_us)
    return tuple(_array(split.plastic[label], grid, scaled, rounded, target, circuits, synapses, pattern, sources)
                 for label, grid in grids.items())


def _array(described: Projection, grid: _Grid, scaled: Scaled, rounded: Rounded, target: Target, circuits: Circuits,
           synapses, pattern, sources: Sources) -> PlasticArray:
    row, column, unit = grid.places
    shape = (len(grid.keys), len(grid.circuit))
    alive = np.flatnonzero(row >= 0)
    at = (row[alive], column[alive])
    there, weight, label, strength = (np.zeros(shape, kind) for kind in (bool, np.int64, np.int64, float))
    there[at] = True
    weight[at] = initial_codes(described, unit)[alive]
    number = grid.first + alive
    events: tuple[np.ndarray, ...]
    if isinstance(synapses, FreeSynapses):
        strength[at] = rounded.drive.realised[number] / limits.WEIGHT_MAX
        side = grid.keys[:, 2]
        events = (sources(grid.keys[:, 0]), np.arange(shape[0]), np.zeros(shape[0], np.int64), grid.keys[:, 1])
        if grid.candidates is not None:
            label[at] = first_labels(described)[alive]
            events = _to_all_rows(sources(grid.candidates), grid.keys[:, 1])
        where = (np.zeros((4, *shape), np.int64))
    else:
        chip, array, hardware_row = grid.keys[:, 0], grid.keys[:, 1], grid.keys[:, 2]
        hardware_column = coordinates.column_of(circuits.circuit[grid.circuit])
        where = np.stack(np.broadcast_arrays(chip[:, None], array[:, None], hardware_row[:, None], hardware_column))
        place = tuple(w[at] for w in where)
        label[at] = synapses.label[place]
        strength[at] = 1.0
        if pattern is not None and pattern.synapse is not None:
            strength[at] *= pattern.synapse[place]
        if pattern is not None and pattern.driver is not None:
            strength[at] *= pattern.driver[place[0], place[1], coordinates.driver_of_row(place[2])]
        side = (synapses.row_sign[chip, array, hardware_row] < 0).astype(np.int64)
        events = _routed_events(grid.keys, synapses)
    p = target.profile
    eta, tau = (float(described.parameters[name][0]) if len(described) else 1.0 for name in ("eta", "tau"))
    sensors = draw_sensors(target.chip_seed, *where, eta=eta, tau_us=tau * us_per_ms(target), eta_spread=p.sensor_eta,
                           tau_spread=p.sensor_tau, baseline_spread=p.sensor_baseline, read_noise=p.sensor_noise)
    source, event_row, event_label, delay = events
    return PlasticArray(grid.circuit, side, there, weight, label, strength, source, event_row, event_label, delay,
                        sensors)


def _to_all_rows(source: np.ndarray, delay: np.ndarray) -> tuple[np.ndarray, ...]:
    """Source, row, label and delay of the events of all candidates (k,) of slots, which reach all rows (R,)."""
    k, rows = len(source), len(delay)
    return (np.tile(source, rows), np.repeat(np.arange(rows), k), np.tile(np.arange(k), rows), np.repeat(delay, k))


def _routed_events(keys: np.ndarray, synapses: RoutedSynapses) -> tuple[np.ndarray, ...]:
    """Source, row, label and delay of all events that the drivers of some rows let through."""
    route, _, hardware_row = matching_rows(synapses)
    r = synapses.routes
    flat = (keys[:, 0] * limits.HALVES + keys[:, 1]) * limits.ROWS + keys[:, 2]  # ascending, as the keys are
    arrives = (r.chip[route] * limits.HALVES + r.array[route]) * limits.ROWS + hardware_row
    row = np.minimum(np.searchsorted(flat, arrives), max(0, len(flat) - 1))
    hit = flat[row] == arrives if len(flat) else np.zeros(len(arrives), bool)
    route, row = route[hit], row[hit]
    return r.source[route], row, r.label[route], r.delay_steps[route]


def initial_codes(described: Projection, unit: np.ndarray) -> np.ndarray:
    """Codes (m,) of the weights that were asked for."""
    code = np.divide(described.weight, unit, out=np.zeros(len(unit)), where=unit != 0)
    return np.clip(np.floor(code + 0.5), 0, limits.WEIGHT_MAX).astype(np.int64)
