"""Raw recordings to Neo: the one file that builds Neo objects."""

from __future__ import annotations

import neo
import numpy as np
import quantities as pq
from neo.core.spiketrainlist import SpikeTrainList


def block(population, segments, variables, chosen, annotations) -> neo.Block:
    """A fresh Block.

    Parameters
    ----------
    population : Population
    segments : sequence of pynn_brainscales.recording.Segment
    variables : list of str or None
        None is everything that was recorded.
    chosen : int array or None
        Positions in the population to which the data are restricted.
    annotations : dict
    """
    description = population.describe()
    result = neo.Block(name=population.label, description=description)
    for raw in segments:
        result.segments.append(_segment(population, raw, variables, chosen, description))
        result.segments[-1].block = result
    if segments:
        result.rec_datetime = segments[0].made
    result.annotate(**annotations)
    return result


def _segment(population, raw, variables, chosen, description) -> neo.Segment:
    segment = neo.Segment(name=f"segment{raw.number:03d}", description=description, rec_datetime=raw.made)
    segment.annotate(**raw.annotations)
    if raw.recorded_spikes is not None and (variables is None or "spikes" in variables):
        trains = _spike_trains(population, raw, chosen)
        segment.spiketrains = trains
        segment.spiketrains.segment = segment
    for name in population.celltype.recordable:
        if name in raw.signals and raw.signals[name] and (variables is None or name in variables):
            signal = _signal(population, raw, name, chosen)
            if signal is not None:
                signal.segment = segment
                segment.analogsignals.append(signal)
    return segment


def _spike_trains(population, raw, chosen) -> SpikeTrainList:
    cells = raw.recorded_spikes if chosen is None else np.intersect1d(raw.recorded_spikes, chosen)
    index = np.concatenate([i for i, _ in raw.spikes]) if raw.spikes else np.zeros(0, int)
    times = np.concatenate([t for _, t in raw.spikes]) if raw.spikes else np.zeros(0)
    keep = (times >= raw.start) & (times <= raw.stop)
    if len(cells) < population.size:
        keep &= np.isin(index, cells)
    if not keep.all():
        index, times = index[keep], times[keep]
    first = int(population.first_id)
    return SpikeTrainList.from_spike_time_array(
        pq.Quantity(times, "ms"), index + first, cells + first, t_stop=raw.stop * pq.ms, units="ms",
        t_start=raw.start * pq.ms, source_population=population.label, source_index=cells)


def _signal(population, raw, name: str, chosen) -> neo.AnalogSignal | None:
    cells = np.unique(np.concatenate([p.index for p in raw.signals[name]]))
    if chosen is not None:
        cells = np.intersect1d(cells, chosen)
    if len(cells) == 0:
        return None
    interval = raw.intervals[name]
    values = _without_gaps(raw.signals[name], cells, interval)
    return neo.AnalogSignal(
        values, units=population.celltype.units[name], t_start=raw.signals[name][0].start * pq.ms,
        sampling_period=interval * pq.ms, name=name, channel_ids=cells + int(population.first_id),
        source_population=population.label, array_annotations={"channel_index": cells})


def _without_gaps(pieces, cells: np.ndarray, interval: float) -> np.ndarray:
    """Samples of all runs; NaN for times between them when nothing was recorded."""
    parts, end = [], None
    for piece in pieces:
        missing = 0 if end is None else round((piece.start - end) / interval) - 1
        if missing > 0:
            parts.append(np.full((missing, len(cells)), np.nan))
        parts.append(_columns(piece, cells))
        end = piece.start + (len(piece.values) - 1) * interval
    return np.concatenate(parts)


def _columns(piece, cells: np.ndarray) -> np.ndarray:
    """Columns of some cells; NaN for cells that were not recorded in this run."""
    if np.array_equal(piece.index, cells):
        return piece.values
    result = np.full((len(piece.values), len(cells)), np.nan)
    at = np.searchsorted(piece.index, cells)
    there = (at < len(piece.index)) & (piece.index[np.minimum(at, len(piece.index) - 1)] == cells)
    result[:, there] = piece.values[:, at[there]]
    return result
