"""What populations have recorded: raw arrays for each segment; Neo objects are made anew at every call."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from pyNN import errors, recording
from pyNN.recording import Variable

from . import simulator, to_neo
from .simulator import Stale


@dataclass
class Piece:
    """What one run gave for one variable: time of the first sample (ms), ``index`` of the cells in the population,
    samples (n, cells).
    """

    start: float
    index: np.ndarray
    values: np.ndarray


@dataclass
class Segment:
    """Everything recorded between two resets (or clears), in ms and PyNN's units.

    ``spikes`` are pairs (index, times) of one run each, ``signals`` pieces of one run each, by variable; ``start``
    and ``stop`` are the times between which it was recorded.
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


class Recorder(recording.Recorder):
    """Keeps what a population records."""

    _simulator = simulator

    def __init__(self, population, file=None) -> None:
        super().__init__(population, file)
        self.intervals: dict[str, float] = {}
        self.past: list[Segment] = []
        self.live = self._new_segment()

    def _new_segment(self) -> Segment:
        state = simulator.state
        return Segment(state.segment_counter, state.t, state.t, datetime.now())

    # --- what to record ------------------------------------------------------------------------------------

    def record(self, variables, ids, sampling_interval=None, locations=None) -> None:
        """Add cells to those that are recorded; ``variables`` may be "all"."""
        if locations is not None:
            raise NotImplementedError("the chip's neurons have one compartment here: locations have no meaning")
        if isinstance(variables, str):
            variables = self.population.celltype.recordable if variables == "all" else [variables]
        dt = simulator.state.dt
        if sampling_interval is not None:
            steps = sampling_interval / dt
            if sampling_interval <= 0 or abs(steps - round(steps)) > 1e-6:
                raise ValueError(f"sampling_interval={sampling_interval} ms must be a multiple of the timestep, "
                                 f"{dt} ms")
        for variable in variables:
            if not self.population.can_record(variable):
                raise errors.RecordingError(variable, self.population.celltype)
            self._set_interval(variable, sampling_interval)
            key = Variable(variable, None, None)
            self.recorded[key] = self.recorded[key].union(ids)
        simulator.state.changed(Stale.VALUES)

    def _set_interval(self, variable: str, sampling_interval: float | None) -> None:
        if variable == "spikes":
            return
        present = self.intervals.get(variable)
        wanted = simulator.state.dt if sampling_interval is None else sampling_interval
        if present is not None and abs(present - wanted) > 1e-9 and sampling_interval is not None:
            raise ValueError(f"{variable} of {self.population.label} is recorded every {present} ms already: all cells "
                             "of a population have one sampling interval for a variable")
        if present is None:
            self.intervals[variable] = wanted

    def _reset(self) -> None:
        """``record(None)``: record nothing from now on; what was recorded stays."""
        self.intervals = {}
        simulator.state.changed(Stale.VALUES)

    def index_of(self, variable: str) -> np.ndarray:
        """Positions in the population of the cells that are recorded, ascending."""
        ids = self.recorded.get(Variable(variable, None, None), ())
        return np.sort(np.fromiter(ids, int, len(ids))) - int(self.population.first_id)

    def sampled(self) -> list[tuple[str, np.ndarray, float]]:
        """Variables with a sampling interval: (name, index, interval in ms), in a fixed order."""
        names = [v for v in self.population.celltype.recordable if v in self.intervals]
        return [(name, self.index_of(name), self.intervals[name]) for name in names]

    # --- what comes in -------------------------------------------------------------------------------------

    def collect(self, start: int, stop: int, fired: dict, sampled: list) -> None:
        """Take this population's share of a run from step ``start`` to ``stop``."""
        state, label = simulator.state, self.population.mapped_label
        self.clear_flag = False
        self.live.stop = state.t
        if Variable("spikes", None, None) in self.recorded:
            index, times = fired[label] if label in fired else self._own_spikes(start * state.dt, stop * state.dt)
            recorded = self.index_of("spikes")
            before = self.live.recorded_spikes
            self.live.recorded_spikes = recorded if before is None else np.union1d(before, recorded)
            if len(recorded) < self.population.size:
                keep = np.isin(index, recorded)
                index, times = index[keep], times[keep]
            self.live.spikes.append((index, times))
        for signal in sampled:
            if signal.population == label and len(signal.times):
                first = float(signal.times[0])
                self.live.signals.setdefault(signal.variable, []).append(Piece(first, signal.index, signal.values))
                self.live.intervals[signal.variable] = self.intervals[signal.variable]

    def _own_spikes(self, start: float, stop: float) -> tuple[np.ndarray, np.ndarray]:
        """Spikes of a SpikeSourceArray, with their exact times."""
        trains = self.population._parameters["spike_times"]
        lengths = [len(t.value) for t in trains]
        times = np.concatenate([t.value for t in trains]) if trains.size else np.zeros(0)
        index = np.repeat(np.arange(len(trains)), lengths)
        here = (times >= start) & (times < stop)
        order = np.argsort(times[here], kind="stable")
        return index[here][order], times[here][order]

    # --- what goes out -------------------------------------------------------------------------------------

    def get(self, variables, gather=False, filter_ids=None, clear=False, annotations=None, locations=None):
        """The recorded data as a Neo Block, one segment for each reset."""
        if isinstance(variables, str):
            variables = None if variables == "all" else [variables]
        for variable in variables or ():
            if not self.population.can_record(variable):
                raise errors.RecordingError(variable, self.population.celltype)
        chosen = None if filter_ids is None else np.asarray(filter_ids, int) - int(self.population.first_id)
        segments = [*self.past, *([self.live] if simulator.state.running else [])]
        block = to_neo.block(self.population, segments, variables, chosen, self.metadata | (annotations or {}))
        if clear:
            self.clear()
        return block

    def clear(self) -> None:
        """Forget all data; recording goes on from now."""
        self.past = []
        before = self.live
        self.live = self._new_segment()
        self.clear_flag = True
        for name, pieces in before.signals.items():
            last, interval = pieces[-1], before.intervals[name]
            end = last.start + (len(last.values) - 1) * interval
            if end > simulator.state.t - interval / 2:  # the value at the time of clearing begins the new data
                self.live.signals[name] = [Piece(end, last.index, last.values[-1:])]
                self.live.intervals[name] = interval

    def store_to_cache(self, annotations=None) -> None:
        """End a segment: called by ``reset()``."""
        if simulator.state.running and not self.clear_flag:
            self.live.annotations = dict(annotations or {})
            self.past.append(self.live)
        self.clear_flag = False
        number = simulator.state.segment_counter + 1
        self.live = Segment(number, 0.0, 0.0, datetime.now())

    @property
    def metadata(self) -> dict:
        """What a Block says of the population; with what the NWB format demands."""
        started = simulator.state.session_start
        return super().metadata | {"session_start_time": started, "chip": simulator.state.target.profile.name}

    def _local_count(self, variable, filter_ids=None) -> dict[int, int]:
        recorded = self.index_of("spikes")
        count = np.zeros(self.population.size, int)
        for index, _ in self.live.spikes if simulator.state.running else ():
            count += np.bincount(index, minlength=self.population.size)
        first = int(self.population.first_id)
        if filter_ids is not None:
            recorded = np.intersect1d(recorded, np.asarray(filter_ids, int) - first)
        return {first + int(i): int(count[i]) for i in recorded}
