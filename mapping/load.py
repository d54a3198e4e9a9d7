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

    A source that reaches several drivers sends one event to each, and a stochastic synapse of a source outside one for
    each release. Spikes of neurons are not in ``input_rate``: how many there will be, only a run can tell.
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
    neurons = m.network.neurons
    streams = np.bincount(m.routing.route_source[m.routing.route_way != Way.DIRECT],
                          minlength=neurons + sum(s.size for s in m.network.sources))
    return LinkLoad(float(_rates(m) @ streams), int(np.count_nonzero(streams[:neurons])), int(streams[:neurons].sum()))


def _rates(m: Mapped) -> np.ndarray:
    """Mean events per us of hardware time of every neuron and cell of a source; 0 where only a run can tell."""
    neurons, offsets, released = m.network.neurons, m.network.offsets(), {r.label: r for r in m.split.relays}
    rates = np.zeros(neurons + sum(s.size for s in m.network.sources))
    for s in m.network.sources:
        here = slice(offsets[s.label], offsets[s.label] + s.size)
        if s.model == RELAY:  # at most as often as what it listens to
            relay = released[s.label]
            rates[here] = rates[relay.source] * relay.parameters.get("p", 1.0)
        elif s.model != BESIDE:
            rates[here] = _rate_per_us(s, us_per_ms(m.target))
    return rates


def _rate_per_us(source: Source, u: float) -> np.ndarray | float:
    """Mean events per us of hardware time of the cells of a source; of spike arrays, over the span of all."""
    p = source.parameters
    if source.model == "SpikeSourceGamma":
        return p["beta"] / p["alpha"] * 1e-3 / u
    if source.model == "SpikeSourceInhGamma":  # the fastest of all bins
        return float(np.max(1.0 / (p["a"] * p["b"]))) * 1e-3 / u
    if source.model != "SpikeSourceArray":
        return p["rate"] * 1e-3 / u
    times = p["spike_times"]
    span = float(np.ptp(times)) if len(times) > 1 else 0.0
    count = np.bincount(p["spike_index"].astype(np.int64), minlength=source.size)
    return count * (1.0 - 1.0 / len(times)) / (span * u) if span else 0.0
