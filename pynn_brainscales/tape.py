"""What was recorded, as raw arrays: a segment for each experiment, made of what single runs gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from numbers import Real

import numpy as np

from . import simulator


@dataclass
class Piece:
    """What one run gave for one variable: time of the first sample (ms), samples (k, columns), and which cells these
    are (columns,); None for connections, of which all are recorded.
    """

    start: float
    index: np.ndarray | None
    values: np.ndarray


@dataclass
class Segment:
    """Everything recorded between two resets (or clears), in ms and PyNN's units.

    ``spikes`` are pairs (index, times) of one run each, ``signals`` pieces of one run each, by variable; ``start``
    and ``stop`` are the times between which it was recorded. ``replica`` is None where there is one only.
    """

    number: int
    start: float
    stop: float
    made: datetime
    recorded_spikes: np.ndarray | None = None
    spikes: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    signals: dict[str, list[Piece]] = field(default_factory=dict)
    intervals: dict[str, float] = field(default_factory=dict)
    annotations: dict = field(default_factory=dict)
    replica: int | None = None

    @property
    def name(self) -> str:
        """As PyNN names segments, with the replica where there are several."""
        return f"segment{self.number:03d}" + ("" if self.replica is None else f"_replica{self.replica:03d}")

    def add(self, variable: str, interval: float, piece: Piece) -> None:
        """Add what one run gave for a variable, sampled every ``interval`` ms."""
        self.signals.setdefault(variable, []).append(piece)
        self.intervals[variable] = interval


class Tape:
    """Segments that are over, and the one that goes on."""

    def __init__(self, replica: int | None = None) -> None:
        self.past: list[Segment] = []
        self._replica = replica
        self.live = self._new()
        self._going = simulator.state.running
        self._cleared = False

    def _new(self) -> Segment:
        state = simulator.state
        return Segment(state.segment_counter, state.t, state.t, datetime.now(), replica=self._replica)

    def segments(self) -> list[Segment]:
        """All segments; the one that goes on is there after the first run since reset."""
        return [*self.past, *([self.live] if self._going else [])]

    def ran(self) -> None:
        """A run is over."""
        self._going, self._cleared = True, False
        self.live.stop = simulator.state.t

    def clear(self) -> None:
        """Forget all data; recording goes on from now. The value at this very time begins the new data."""
        before, now = self.live, simulator.state.t
        self.past, self.live, self._cleared = [], self._new(), True
        for name, pieces in before.signals.items():
            last, interval = pieces[-1], before.intervals[name]
            end = last.start + (len(last.values) - 1) * interval
            if abs(end - now) < simulator.state.dt / 2:
                self.live.add(name, interval, Piece(end, last.index, last.values[-1:]))

    def end_segment(self, annotations: dict | None = None) -> None:
        """``reset()`` was called: what comes from now on is another experiment."""
        if self._going and not self._cleared:
            self.live.annotations = dict(annotations or {})
            self.past.append(self.live)
        self._going = self._cleared = False
        self.live = Segment(simulator.state.segment_counter + 1, 0.0, 0.0, datetime.now(), replica=self._replica)


def tapes() -> list[Tape]:
    """Tapes of all replicas of the present simulation."""
    count, first = simulator.state.replicas, simulator.state.first_replica
    return [Tape(None if count == 1 else first + i) for i in range(count)]


def all_segments(several: list[Tape]) -> list[Segment]:
    """Segments of all replicas: of the first experiment, then of the next."""
    return [segment for group in zip(*(tape.segments() for tape in several), strict=True) for segment in group]


def without_gaps(pieces: list[Piece], cells: np.ndarray | None, interval: float) -> np.ndarray:
    """Samples of all runs (k, columns) of some cells; NaN for times between them when nothing was recorded."""
    parts, end = [], None
    for piece in pieces:
        values = piece.values if cells is None else _columns(piece, cells)
        missing = 0 if end is None else round((piece.start - end) / interval) - 1
        if missing > 0:
            parts.append(np.full((missing, values.shape[1]), np.nan))
        parts.append(values)
        end = piece.start + (len(values) - 1) * interval
    return np.concatenate(parts)


def _columns(piece: Piece, cells: np.ndarray) -> np.ndarray:
    """Columns of some cells; NaN for cells that were not recorded in this run."""
    index = piece.index
    if index is None or np.array_equal(index, cells):
        return piece.values
    result = np.full((len(piece.values), len(cells)), np.nan)
    at = np.searchsorted(index, cells)
    there = (at < len(index)) & (index[np.minimum(at, len(index) - 1)] == cells)
    result[:, there] = piece.values[:, at[there]]
    return result


def interval_of(sampling_interval: float | None) -> float:
    """A sampling interval in ms, by default the timestep.

    Raises
    ------
    ValueError
        If it is not a multiple of the timestep.
    """
    dt = simulator.state.dt
    if sampling_interval is None:
        return dt
    if not isinstance(sampling_interval, Real) or not np.isfinite(sampling_interval):
        raise ValueError(f"sampling_interval={sampling_interval!r} must be a time in ms, a multiple of the timestep, "
                         f"{dt} ms")
    steps = sampling_interval / dt
    if not sampling_interval > 0 or abs(steps - round(steps)) > 1e-6:
        raise ValueError(f"sampling_interval={sampling_interval} ms must be a multiple of the timestep, {dt} ms")
    return float(sampling_interval)
