"""Events that a mapping sends through the link to the chips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pynn_brainscales.emulator import limits
from pynn_brainscales.emulator.frozen import Frozen

from .mapped import Mapped, Way
from .network import Source
from .scale import us_per_ms
from .split import BESIDE, RELAY


@dataclass(frozen=True)
class LinkLoad(Frozen):
    """Mean events per us of hardware time from sources outside, and what goes around the chips.

    A source that reaches several drivers sends one event to each. Spikes that are relayed are not in ``input_rate``:
    how many there will be, only a run can tell.
    """

    input_rate: float
    neurons_relayed: int
    relay_streams: int

    @property
    def too_fast(self) -> bool:
        """More than the link sustains."""
        return self.input_rate > limits.LINK_EVENTS_PER_US


def link_load(m: Mapped) -> LinkLoad:
    """The load of the link; zero on a chip without limits, which has none."""
    if m.routing.free:
        return LinkLoad(0.0, 0, 0)
    u, neurons, offsets = us_per_ms(m.target), m.network.neurons, m.network.offsets()
    streams = np.bincount(m.routing.route_source[m.routing.route_way != Way.DIRECT],
                          minlength=neurons + sum(s.size for s in m.network.sources))
    rate = 0.0
    for source in m.network.sources:
        mine = streams[offsets[source.label]:offsets[source.label] + source.size]
        rate += _rate_per_us(source, u) * float(mine.mean())
    return LinkLoad(rate, int(np.count_nonzero(streams[:neurons])), int(streams[:neurons].sum()))


def _rate_per_us(source: Source, u: float) -> float:
    """Mean events per us of hardware time of all cells of a source together; of spike arrays, over their span."""
    p = source.parameters
    if source.model in (BESIDE, RELAY):
        return 0.0  # only a run can tell
    if source.model == "SpikeSourceGamma":
        return float(np.sum(p["beta"] / p["alpha"])) * 1e-3 / u
    if source.model == "SpikeSourceInhGamma":  # the fastest of all bins
        return float(np.max(1.0 / (p["a"] * p["b"]))) * source.size * 1e-3 / u
    if source.model != "SpikeSourceArray":
        return float(np.sum(p["rate"])) * 1e-3 / u
    times = p["spike_times"]
    span = float(np.ptp(times)) if len(times) > 1 else 0.0
    return (len(times) - 1) / (span * u) if span else 0.0
