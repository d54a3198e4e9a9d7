"""Arguments of a spiking spatial pooler: what they mean to a chip, and what it can't do."""

from __future__ import annotations

import warnings

import numpy as np

from ..emulator import limits
from ..mapping.errors import MappingError, MappingWarning
from .pooler_network import Timing
from .pooler_rule import FULL

_KILL_ROWS = 8  # of an array, for the inhibition by the pool
_COUNTERS = (8, 16, 32, 64)  # circuits of the pool
_AROUND = 1.0  # ms: longer than the way around outside a chip


def folded(report: str) -> str:
    """A mapping's report without the sections of the pool's receptors but the first: they are alike."""
    lines, shown = [], True
    for line in report.splitlines():
        if not line.startswith(" "):
            shown = not line.startswith("count") or line.startswith("count0:")
        if shown:
            lines.append(line)
    return "\n".join(lines)


def demand_no_topology(radius, inhibition, weak) -> None:
    where = "SpikingSpatialPooler"
    if radius is not None or not inhibition:
        raise MappingError(f"potentialRadius={radius}, globalInhibition={inhibition}",
                           "one pool that inhibits all columns: potentialRadius=None, globalInhibition=True", where,
                           "leave them out; topology is beyond the network, and the reference SpatialPooler")
    if weak:
        raise MappingError(f"minPctOverlapDutyCycle={weak:g}",
                           "0: the chip does not know the overlaps of columns that don't spike", where,
                           "boostStrength brings in columns that never win; the reference SpatialPooler has both")


def winners_of(density: float, number: int, columns: int) -> int:
    """How many columns are to win."""
    if bool(density) == bool(number):
        raise MappingError(f"localAreaDensity={density} and numActiveColumnsPerInhArea={number}",
                           "one of them above 0, the other 0", "SpikingSpatialPooler")
    k = number or round(density * columns)
    if not 2 <= k <= columns:
        raise MappingError(f"{k} of {columns} columns active", "2 or more, which the pool can count",
                           "SpikingSpatialPooler", "a larger localAreaDensity, or more columns")
    return int(k)


def step_of(name: str, value: float) -> int:
    """A permanence in 63rds."""
    code = round(value * FULL)
    if not 1 <= code <= FULL:
        raise MappingError(f"{name}={value:g}", f"multiples of 1/{FULL} = {1 / FULL:.4f} up to 1: permanences have 6 "
                           "bits", "SpikingSpatialPooler", "the ratio of increment to decrement is what counts: 5/63 "
                           "and 1/63 stand for 0.02 and 0.004")
    return code


def first_permanences(rng: np.random.Generator, n_in: int, n_col: int, share: float, connected: int) -> np.ndarray:
    """Permanences to begin with: half of the potential synapses are connected; -1 where there is none."""
    on = rng.random((n_in, n_col)) < 0.5
    value = np.where(on, rng.integers(connected, FULL + 1, on.shape), rng.integers(0, connected, on.shape))
    if share < 1.0:
        order = rng.random(on.shape).argsort(axis=0).argsort(axis=0)
        value[order >= max(1, round(share * n_in))] = -1
    return value


def counters_of(n_in: int, n_col: int) -> int:
    """Receptors of the pool on a chip.

    Spikes of columns come to its circuits in rows that no input can use: with c circuits, which stand in both halves,
    n_col / (8 c) rows for each of the eight outputs of a chip. The more circuits, the more rows for inputs and the
    fewer columns.
    """
    found = next((c for c in _COUNTERS if _stays(n_in, n_col, c)), _COUNTERS[0])  # around outside rows are shared
    return min(found, n_col)


def _stays(n_in: int, n_col: int, counters: int) -> bool:
    """Whether there are rows for spikes of columns to stay on their chip."""
    rows = limits.OUTPUTS * -(-n_col // (limits.OUTPUTS * counters))
    uneven = counters // 4 if counters < _COUNTERS[-1] else 0  # outputs have not quite equal shares, as maps show
    return n_in + rows + uneven + _KILL_ROWS <= limits.ROWS


def timing_for(n_in: int, n_col: int) -> Timing:
    """Times for a chip: where rows are too few for spikes of columns to stay on it, they go around outside."""
    if n_in + _KILL_ROWS > limits.ROWS or _stays(n_in, n_col, counters_of(n_in, n_col)):
        return Timing()
    warnings.warn(f"{n_in} inputs leave no rows for spikes of {n_col} columns on their own chip: they go around "
                  f"outside, which takes {_AROUND:g} ms instead of {Timing().delay:g}, so more columns win; 240 inputs "
                  "leave enough for 448 columns", MappingWarning, stacklevel=3)
    return Timing(delay=_AROUND)


def warn_of_several_chips(n_in: int, n_col: int) -> None:
    """Between chips the pool's spikes take their time."""
    circuits = n_col + counters_of(n_in, n_col)
    if circuits > limits.CIRCUITS or n_in + _KILL_ROWS > limits.ROWS:
        warnings.warn(f"{n_in} inputs and {n_col} columns take more than one chip; spikes to the pool and back take "
                      f"{limits.LATENCY_BETWEEN_CHIPS_US:g} us each instead of {limits.LATENCY_ON_CHIP_US:g}, so more "
                      "columns win: 224 inputs and 480 columns fit on one", MappingWarning, stacklevel=3)
