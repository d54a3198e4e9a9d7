"""What projections record: weights and the state of their synapses."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pyNN import errors

from . import simulator, to_neo
from .columns import INDICES
from .tape import Piece, all_segments, interval_of, tapes, without_gaps


class SynapseRecordingError(errors.RecordingError):
    """A variable of synapses that can't be recorded."""

    def __init__(self, variable: str, projection) -> None:
        super().__init__(variable, projection.synapse_type)
        self.label, self.known = projection.label, _recordable(projection)

    def __str__(self) -> str:
        return (f"Cannot record {self.variable} of the projection {self.label!r} of {type(self.cell_type).__name__}: "
                f"of synapses there is {', '.join(self.known)}; record that, or variables of the cells")


def _recordable(projection) -> tuple[str, ...]:
    partners = INDICES[:1] if getattr(projection.synapse_type, "slots", False) else ()
    return ("weight", *partners, *projection.changing_names)


class SynapseRecorder:
    """Keeps what a projection records.

    Attributes
    ----------
    wanted : dict
        Variable -> sampling interval in steps.
    """

    def __init__(self, projection) -> None:
        self.projection = projection
        self.wanted: dict[str, int] = {}
        self.tapes = tapes()

    def record(self, variables, sampling_interval: float | None) -> None:
        """Add variables to those that are recorded; None records nothing any more."""
        if variables is None:
            self.wanted = {}
            return
        names = self._names(variables)
        steps = round(interval_of(sampling_interval) / simulator.state.dt)
        for name in names:
            if sampling_interval is not None and self.wanted.get(name, steps) != steps:
                raise ValueError(f"{name} of {self.projection.label!r} is recorded every "
                                 f"{self.wanted[name] * simulator.state.dt:g} ms already; call record(None) first")
        for name in names:
            self.wanted.setdefault(name, steps)

    def _names(self, variables) -> list[str]:
        if isinstance(variables, str):
            variables = _recordable(self.projection) if variables == "all" else [variables]
        for name in variables:
            if name not in _recordable(self.projection):
                raise SynapseRecordingError(name, self.projection)
        return list(dict.fromkeys(variables))

    def collect(self, start: int, stop: int, values: Mapping[str, tuple[np.ndarray, np.ndarray]],
                replica: int = 0) -> None:
        """Take what a run from step ``start`` to ``stop`` gave.

        Parameters
        ----------
        start, stop : int
            Absolute steps since reset.
        values : mapping
            Variable -> (steps (k,), values (k, n)), the connections in the order of creation. Variables that are not
            in it have not changed during the run: they are sampled here.
        """
        tape = self.tapes[replica]
        tape.ran()
        dt = simulator.state.dt
        for name, every in self.wanted.items():
            if name in values:
                steps, samples = values[name]
            else:  # the first run of an experiment begins with a sample at 0
                steps = np.arange(0 if start == 0 else (start // every + 1) * every, stop + 1, every)
                now = self.projection.kept(name, replica)
                samples = np.broadcast_to(now, (len(steps), len(now)))
            if len(steps):
                tape.live.add(name, every * dt, Piece(float(steps[0]) * dt, None, samples))

    def store_to_cache(self, annotations=None) -> None:
        """End a segment: called by ``reset()``."""
        for tape in self.tapes:
            tape.end_segment(annotations)

    def get(self, variables, clear: bool):
        """The recorded data as a Neo Block."""
        names = None if variables is None else self._names(variables)
        block = to_neo.synapse_block(self.projection, all_segments(self.tapes), names)
        if clear:
            for tape in self.tapes:
                tape.clear()
        return block

    def array(self, name: str, segment: int) -> tuple[np.ndarray, np.ndarray]:
        """Times (k,) in ms and values (k, n) of one variable in one segment."""
        self._names([name])
        segments = all_segments(self.tapes)
        if not -len(segments) <= segment < len(segments) or name not in segments[segment].signals:
            raise errors.NothingToWriteError(
                f"{name} of {self.projection.label!r} was not recorded in segment {segment} of {len(segments)}; call "
                f"record({name!r}) before run()")
        chosen = segments[segment]
        values = without_gaps(chosen.signals[name], None, chosen.intervals[name])
        return chosen.signals[name][0].start + np.arange(len(values)) * chosen.intervals[name], values
