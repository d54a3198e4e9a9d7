"""Raw recordings to Neo: the one file that builds Neo objects."""

from __future__ import annotations

from datetime import datetime

import neo
import numpy as np
import quantities as pq
from neo.core.spiketrainlist import SpikeTrainList

from . import simulator
from .tape import Segment, without_gaps


def block(population, segments, variables, chosen, annotations) -> neo.Block:
    """A fresh Block.

    Parameters
    ----------
    population : Population
    segments : sequence of pynn_brainscales.tape.Segment
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


def merged(block: neo.Block | None, other: neo.Block) -> neo.Block:
    """Two Blocks as one: segments of one name are joined, signals of one name and time side by side."""
    if block is None:
        return other
    own = {segment.name: segment for segment in block.segments}
    apart = []
    for segment in other.segments:
        segment.block = block
        target = own.get(segment.name, segment)
        twins = {signal.name: signal for signal in target.analogsignals}
        joined = [s for s in segment.analogsignals if _side_by_side(s, twins.get(s.name, s))]
        apart += [(target, s) for s in segment.analogsignals if not any(s is x for x in joined)]
        segment.analogsignals = joined
        for signal in joined:  # Neo joins signals that name the same segment
            signal.segment = target
    block.merge(other)
    for segment in block.segments:
        segment.spiketrains = _one_list(segment)
    for target, signal in apart:
        target.analogsignals.append(signal)
    block.segments = sorted(block.segments, key=lambda segment: segment.name)
    return block


def _one_list(segment: neo.Segment) -> SpikeTrainList:
    """The spike trains of a merged segment anew: after a merge, Neo's arrays of them are those of the first member."""
    trains = list(segment.spiketrains)
    for train in trains:
        if "channel_id" in train.annotations:  # Neo heeds those of type int only
            train.annotations["channel_id"] = int(train.annotations["channel_id"])
    return SpikeTrainList(items=trains or None, parent=segment)


def _side_by_side(a: neo.AnalogSignal, b: neo.AnalogSignal) -> bool:
    return a.t_start == b.t_start and a.sampling_rate == b.sampling_rate and len(a) == len(b)


def _segment(population, raw, variables, chosen, description) -> neo.Segment:
    segment = neo.Segment(name=raw.name, description=description, rec_datetime=raw.made)
    _annotate(segment, raw)
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


def _annotate(segment: neo.Segment, raw) -> None:
    segment.annotate(**raw.annotations)
    if raw.replica is not None:
        segment.annotate(replica=raw.replica)


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
    values = np.array(without_gaps(raw.signals[name], cells, interval))
    return neo.AnalogSignal(
        values, units=population.celltype.units[name], t_start=raw.signals[name][0].start * pq.ms,
        sampling_period=interval * pq.ms, name=name, channel_ids=cells + int(population.first_id),
        source_population=population.label, array_annotations={"channel_index": cells})


def synapse_block(projection, segments, variables) -> neo.Block:
    """A fresh Block of what a projection has recorded; arguments as those of ``block``."""
    result = neo.Block(name=projection.label, description=projection.describe())
    pre, post = projection.indices
    for raw in segments:
        segment = neo.Segment(name=raw.name, rec_datetime=raw.made)
        _annotate(segment, raw)
        for name, pieces in raw.signals.items():
            if variables is not None and name not in variables:
                continue
            segment.analogsignals.append(neo.AnalogSignal(
                np.array(without_gaps(pieces, None, raw.intervals[name])), name=name, t_start=pieces[0].start * pq.ms,
                units=projection.weight_unit if name == "weight" else "dimensionless",
                sampling_period=raw.intervals[name] * pq.ms,
                source_projection=projection.label,
                array_annotations={"presynaptic_index": pre.copy(), "postsynaptic_index": post.copy()}))
            segment.analogsignals[-1].segment = segment
        segment.block = result
        result.segments.append(segment)
    if segments:
        result.rec_datetime = segments[0].made
    result.annotate(**projection.annotations)
    return result


def add_observables(block: neo.Block, projection, rule, names) -> None:
    """What a plasticity rule has recorded under some names, to the segments of a projection's Block.

    Values of one execution are flattened.
    """
    own = {segment.name: segment for segment in block.segments}
    replicas, first = simulator.state.replicas, simulator.state.first_replica
    for place, number in enumerate(rule.segments()):
        for replica in range(replicas):
            raw = Segment(number, 0.0, 0.0, datetime.now(), replica=None if replicas == 1 else first + replica)
            segment = own.get(raw.name)
            if segment is None:
                segment = own[raw.name] = neo.Segment(name=raw.name)
                _annotate(segment, raw)
                segment.block = block
                block.segments.append(segment)
            for observable in names:
                try:
                    times, values = rule.get_observable_array(observable, replica, place)
                except KeyError:  # in another segment, or by another replica
                    continue
                segment.irregularlysampledsignals.append(neo.IrregularlySampledSignal(
                    times, np.array(values, float).reshape(len(times), -1), units="dimensionless", time_units="ms",
                    name=observable, source_projection=projection.label))
                segment.irregularlysampledsignals[-1].segment = segment
    block.segments = sorted(block.segments, key=lambda segment: segment.name)
