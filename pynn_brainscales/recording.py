"""What populations have recorded: raw arrays for each segment; Neo objects are made anew at every call."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

import numpy as np
from pyNN import errors, recording
from pyNN.recording import Variable

from . import simulator, to_neo
from .simulator import Stale
from .tape import Piece, all_segments, interval_of, tapes


class Recorder(recording.Recorder):
    """Keeps what a population records."""

    _simulator = simulator

    def __init__(self, population, file=None) -> None:
        super().__init__(population, file)
        self.intervals: dict[str, float] = {}
        self.tapes = tapes()
        self._sorted: tuple = (None, None, None)
        state = simulator.state
        self._made = {"dt": state.dt, "session_start_time": state.session_start, "chip": state.target.profile.name}

    # --- what to record ------------------------------------------------------------------------------------

    def record(self, variables, ids, sampling_interval=None, locations=None) -> None:
        """Add cells to those that are recorded; ``variables`` may be "all"."""
        names = self._names(variables, locations)
        interval = interval_of(sampling_interval)
        for variable in names:
            self._check_interval(variable, sampling_interval)
        for variable in names:
            if variable != "spikes":
                self.intervals.setdefault(variable, interval)
            key = Variable(variable, None, None)
            self.recorded[key] = self.recorded[key].union(ids)
        simulator.state.changed(Stale.VALUES)

    def _names(self, variables, locations) -> list[str]:
        """Names of variables, in a fixed order and each once; an error for those that can't be recorded."""
        if locations is not None:
            raise NotImplementedError(f"locations={locations!r}: the cells of {self.population.label!r} have one "
                                      "compartment and no locations; leave it out")
        celltype = self.population.celltype
        if isinstance(variables, str):
            variables = list(celltype.recordable) if variables == "all" else [variables]
        if not isinstance(variables, Iterable):
            raise TypeError(f"{self.population.label!r}: variables are given by a name or a list of names, not by "
                            f"{variables!r}; there are {', '.join(celltype.recordable)}, and 'all'")
        variables = list(variables)
        for variable in variables:
            if not self.population.can_record(variable):
                raise errors.RecordingError(variable, celltype)
        return list(dict.fromkeys(variables))

    def _check_interval(self, variable: str, wanted: float | None) -> None:
        present = self.intervals.get(variable)
        if present is not None and wanted is not None and abs(present - wanted) > 1e-9:
            raise ValueError(
                f"{variable} of {self.population.label!r} is recorded every {present:g} ms already, and every "
                f"{wanted:g} ms was asked for: all cells of a population have one sampling interval for a variable. "
                "Call record(None) first to record something else")

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

    def collect(self, start: int, stop: int, fired: dict, sampled: list, sent: Sequence = (), replica: int = 0) -> None:
        """Take this population's share of a run of one replica from step ``start`` to ``stop``.

        ``sent`` are the spikes that plasticity rules have sent (``sent_spikes.Sent``).
        """
        state, label, tape = simulator.state, self.population.mapped_label, self.tapes[replica]
        live = tape.live
        tape.ran()
        if Variable("spikes", None, None) in self.recorded:
            index, times = fired[label] if label in fired else self._own_spikes(start * state.dt, stop * state.dt)
            mine = [s for s in sent if s.label == label]
            if mine:
                index, times = self._with_sent(index, times, mine, replica)
            recorded = self.index_of("spikes")
            before = live.recorded_spikes
            live.recorded_spikes = recorded if before is None else np.union1d(before, recorded)
            if len(recorded) < self.population.size:
                keep = np.isin(index, recorded)
                index, times = index[keep], times[keep]
            live.spikes.append((index, times))
        for signal in sampled:
            if signal.population == label and len(signal.times):
                live.add(signal.variable, self.intervals[signal.variable],
                         Piece(float(signal.times[0]), signal.index, signal.values))

    @staticmethod
    def _with_sent(index: np.ndarray, times: np.ndarray, sent: Sequence, replica: int) -> tuple[np.ndarray, np.ndarray]:
        """Spikes of the source and those that rules have sent in a replica, in temporal order."""
        here = [s.trial == replica for s in sent]
        index = np.concatenate([index, *(s.index[h] for s, h in zip(sent, here, strict=True))])
        times = np.concatenate([times, *(s.time[h] for s, h in zip(sent, here, strict=True))])
        order = np.argsort(times, kind="stable")
        return index[order], times[order]

    def _own_spikes(self, start: float, stop: float) -> tuple[np.ndarray, np.ndarray]:
        """Spikes of a SpikeSourceArray, with their exact times."""
        trains = self.population._parameters["spike_times"]
        if self._sorted[0] is not trains:
            times = np.concatenate([t.value for t in trains]) if trains.size else np.zeros(0)
            index = np.repeat(np.arange(len(trains)), [len(t.value) for t in trains])
            order = np.argsort(times, kind="stable")
            self._sorted = (trains, index[order], times[order].astype(float))
        _, index, times = self._sorted
        here = slice(*np.searchsorted(times, [start, stop]))
        return index[here], times[here]

    # --- what goes out -------------------------------------------------------------------------------------

    def get(self, variables, gather=False, filter_ids=None, clear=False, annotations=None, locations=None):
        """The recorded data as a Neo Block, one segment for each reset."""
        named = None if isinstance(variables, str) and variables == "all" else self._names(variables, locations)
        chosen = None if filter_ids is None else np.asarray(filter_ids, int) - int(self.population.first_id)
        segments = all_segments(self.tapes)
        self._warn_of_unrecorded(named or (), segments)
        block = to_neo.block(self.population, segments, named, chosen, self.metadata | (annotations or {}))
        if clear:
            self.clear()
        return block

    def _warn_of_unrecorded(self, names, segments) -> None:
        for name in names:
            if not (Variable(name, None, None) in self.recorded or any(
                    name in s.signals or (name == "spikes" and s.recorded_spikes is not None) for s in segments)):
                warnings.warn(f"{name} of {self.population.label!r} was never recorded, there are no data of it; call "
                              f"record({name!r}) before run()", UserWarning, stacklevel=4)

    def clear(self) -> None:
        """Forget all data; recording goes on from now."""
        for tape in self.tapes:
            tape.clear()

    def store_to_cache(self, annotations=None) -> None:
        """End a segment: called by ``reset()``."""
        for tape in self.tapes:
            tape.end_segment(annotations)

    @property
    def metadata(self) -> dict:
        """What a Block says of the population; with what the NWB format demands."""
        return super().metadata | self._made

    def _local_count(self, variable, filter_ids=None) -> dict[int, int]:
        recorded = self.index_of("spikes")
        count = np.zeros(self.population.size, int)  # of all replicas together
        for index, _ in (run for tape in self.tapes for run in tape.live.spikes):
            count += np.bincount(index, minlength=self.population.size)
        first = int(self.population.first_id)
        if filter_ids is not None:
            recorded = np.intersect1d(recorded, np.asarray(filter_ids, int) - first)
        return dict(zip((recorded + first).tolist(), count[recorded].tolist(), strict=True))
