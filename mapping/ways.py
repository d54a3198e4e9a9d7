"""Which way each event takes, and the delay it gets.

The chip has no delay per synapse. A spike that stays on the chip has the chip's own latency; any other delay is
made outside, where an event can wait, and costs external bandwidth and a label of its own.
"""

from __future__ import annotations

import numpy as np
from pynn_brainscales.emulator import limits

from .mapped import Placement, Scaled, Way
from .network import Network
from .scale import us_per_ms
from .slots import slot_mask
from .split import BESIDE, RELAY
from .target import Target

MAX_DELAYS = 16  # different delays of one source into one chip, each of which takes a label


def choose_ways(network: Network, scaled: Scaled, placement: Placement, target: Target
                ) -> tuple[np.ndarray, np.ndarray]:
    """Way and realised delay (us) of every synapse, each (m,)."""
    step = network.timestep * us_per_ms(target)
    wanted = scaled.delay_us
    if not target.profile.limited:
        return np.full(len(wanted), Way.FREE), np.maximum(1.0, np.floor(wanted / step + 0.5)) * step
    chip, slot = placement.chip[scaled.neuron], slot_mask(network)
    way, delay = ways_to(network, placement, scaled.source, chip, wanted, slot)
    outside = np.flatnonzero((way != Way.DIRECT) & ~slot)
    delay[outside] = _binned(scaled.source[outside], chip[outside], delay[outside])
    return way, delay


def ways_to(network: Network, placement: Placement, source: np.ndarray, chip: np.ndarray, wanted: np.ndarray,
            relayed: np.ndarray | bool) -> tuple[np.ndarray, np.ndarray]:
    """Way and delay (us) of events of sources to chips, from the delays that are wanted (us); arrays of one shape.

    ``relayed``: spikes go around even where they could stay on their chip, because their label is to be chosen.
    """
    inside = source < network.neurons
    home = np.full(len(wanted), -1)
    home[inside] = placement.chip[source[inside]]
    same = home == chip
    middle = 0.5 * (limits.LATENCY_ON_CHIP_US + limits.LATENCY_LOOP_US)
    way = np.select([~inside, ~same, ~np.asarray(relayed) & (wanted <= middle)],
                    [Way.EXTERNAL, Way.BETWEEN, Way.DIRECT], Way.LOOP)
    least = np.array([0.0, limits.LATENCY_ON_CHIP_US, limits.LATENCY_LOOP_US, limits.LATENCY_BETWEEN_CHIPS_US,
                      limits.TIME_STAMP_US])[way]
    slow = _through_host(network)
    if slow.any():
        least = np.where(np.isin(source, np.flatnonzero(slow)), limits.LATENCY_LOOP_US, least)
    stamp = limits.TIME_STAMP_US
    # the smallest multiple that is not below the latency, the nearest multiple above it
    delay = np.maximum(np.ceil(least / stamp - 1e-9), np.floor(wanted / stamp + 0.5)) * stamp
    delay[way == Way.DIRECT] = limits.LATENCY_ON_CHIP_US
    return way, delay


def _through_host(network: Network) -> np.ndarray:
    """Sources of events that the host computes from spikes of the chips, (neurons + cells of all sources,).

    Relays of spikes that come from outside aren't among them: their events are known before they are sent.
    """
    slow = np.zeros(network.neurons + sum(s.size for s in network.sources), bool)
    offsets = network.offsets()
    for s in network.sources:
        here = slice(offsets[s.label], offsets[s.label] + s.size)
        if s.model == BESIDE:
            slow[here] = True
        elif s.model == RELAY:  # after what it listens to
            heard = s.parameters["source"].astype(np.int64)
            slow[here] = (heard < network.neurons) | slow[heard]
    return slow


def _binned(source: np.ndarray, chip: np.ndarray, delay: np.ndarray) -> np.ndarray:
    """Delays with at most ``MAX_DELAYS`` different values per (source, chip): equal bins between the extremes."""
    if len(delay) == 0:
        return delay
    stamp = limits.TIME_STAMP_US
    pair = source * (int(chip.max()) + 1) + chip
    tick = np.floor(delay / stamp + 0.5).astype(np.int64)
    span = int(tick.max()) + 1
    distinct = np.unique(pair * span + tick) // span
    pairs, count = np.unique(distinct, return_counts=True)
    full = pairs[count > MAX_DELAYS]
    if len(full) == 0:
        return delay
    which = np.flatnonzero(np.isin(pair, full))
    group = np.searchsorted(full, pair[which])
    low = np.full(len(full), span)
    np.minimum.at(low, group, tick[which])
    high = np.zeros(len(full), np.int64)
    np.maximum.at(high, group, tick[which])
    width = (high - low + 1) / MAX_DELAYS
    number = np.floor((tick[which] - low[group]) / width[group])
    centre = low[group] + np.floor((number + 0.5) * width[group])
    result = delay.copy()
    result[which] = centre * stamp
    return result
