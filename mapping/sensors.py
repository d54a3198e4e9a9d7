"""STDPMechanism on the chip: what its correlation sensors are set to, and when a rule reads them.

A chip has one time constant and one amplitude for the causal and the anticausal sensors of a quadrant. Where the
windows of a mechanism have several time constants, the sensors get their geometric mean, and the amplitude of each
window is changed such that its area stays: A tau is what sets the drift under uncorrelated spikes.

The rule itself is the face's (``rules.stdp``); here is what the mapping decides about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from pynn_brainscales.emulator import limits
from pynn_brainscales.emulator.frozen import Frozen

from .errors import MappingError
from .network import Projection
from .target import Target

FULL_LSB = limits.SENSOR_USABLE_LSB[1] / 2  # a rule empties sensors beyond; the other half is for the next period
CLOSE_PAIRS_HZ = 50.0  # must not saturate a sensor within a period; Poisson spikes of 100 Hz on both sides make fewer
SHORTEST_PERIOD_MS = 100.0
KEPT_BYTES, COUNT_BYTES = 2, 4  # a synapse's last reading of either sensor; its events since the beginning
_MARGIN = 1.25  # from the estimated run time of all rules to the period
_DRAW_BITS = 16
VOGELS = "Vogels2011Rule"


@dataclass(frozen=True, eq=False)
class SensorSetting(Frozen):
    """How an STDPMechanism is realised on the chip.

    Attributes
    ----------
    eta : float
        Amplitude of the sensors, CADC LSB for a pair at no distance.
    tau : float
        Their time constant, ms.
    period : float
        Of the rule's timer, ms.
    plus, minus : float, (m,)
        What amplitudes of the causal and the anticausal window are multiplied with: tau asked for over tau realised.
    clipped : bool
        The geometric mean of the time constants was outside of the sensors' range.
    """

    eta: float
    tau: float
    period: float
    plus: np.ndarray
    minus: np.ndarray
    clipped: bool


def asked_taus(p: Projection) -> tuple[np.ndarray, np.ndarray]:
    """Time constants (m,) of the causal and the anticausal window of a mechanism, ms."""
    if p.rule[0] == VOGELS:
        return p.parameters["tau"], p.parameters["tau"]
    return p.parameters["tau_plus"], p.parameters["tau_minus"]


def sensor_setting(p: Projection, target: Target, period: float) -> SensorSetting:
    """Sensors for a projection with an STDPMechanism; ``period`` in ms."""
    plus, minus = asked_taus(p)
    wanted = float(np.exp(np.mean(np.log([plus, minus]))))
    low, high = (limit * target.speedup / 1000.0 for limit in limits.SENSOR_TAU_RANGE)
    tau = float(np.clip(wanted, low, high))
    eta = float(np.clip(FULL_LSB / (CLOSE_PAIRS_HZ * period / 1000.0), *limits.SENSOR_ETA_RANGE))
    return SensorSetting(eta, tau, period, plus / tau, minus / tau,
                         clipped=not low * (1 - 1e-9) <= wanted <= high * (1 + 1e-9))


def update_period(projections: Iterable[tuple[Projection, int]], target: Target) -> float:
    """Time between two updates, ms: as asked for, else what all rules need with a margin, rounded up to one digit.

    ``projections`` are those with an STDPMechanism on the chip, each with the size of the population it ends on. The
    rows of one are at least the largest number of synapses on one of its neurons; a population lies on both halves of
    its chips, each with a processor of its own.
    """
    if target.stdp_period is not None:
        return target.stdp_period
    us = 0.0
    for p, size in projections:
        halves = min(size, limits.HALVES * -(-size // limits.CIRCUITS))
        us += update_us(int(np.bincount(p.post_index).max()), len(p), halves, p.rule[0] == VOGELS)
    ms = max(SHORTEST_PERIOD_MS, _MARGIN * us * target.speedup / 1000.0)
    decade = 10.0 ** np.floor(np.log10(ms))
    return float(np.ceil(ms / decade * (1 - 1e-9)) * decade)


def update_us(rows: int, synapses: int, processors: int, counting: bool) -> float:
    """About how long an update takes, us: sensors, weights, last readings and random numbers.

    ``rows`` are those of each processor, ``synapses`` those of all; ``counting`` is that of presynaptic events.
    """
    kept = KEPT_BYTES + counting * COUNT_BYTES
    load, store = ((limits.SRAM_LOAD_CYCLES, limits.SRAM_STORE_CYCLES) if kept * synapses <= limits.SRAM_BYTES // 2 else
                   (limits.EXTERNAL_LOAD_CYCLES, limits.EXTERNAL_STORE_CYCLES))
    row = 2 * limits.CADC_READ_CYCLES + counting * limits.COUNTER_READ_CYCLES + limits.VECTORS_PER_ROW * (
        limits.WEIGHT_READ_CYCLES + limits.WEIGHT_WRITE_CYCLES)
    synapse = (kept * (load + store) + _DRAW_BITS * limits.RANDOM_READ_CYCLES) / limits.PROCESSOR_LANES
    return limits.UPDATE_BASE_US + (rows * row + synapses / processors * synapse) / limits.PROCESSOR_CLOCK_MHZ


def on_sensors(p: Projection, setting: SensorSetting) -> Projection:
    """The projection with the chip's own plastic synapses in place of the mechanism."""
    w_max = p.parameters["w_max"]
    if np.any(w_max <= 0):
        raise MappingError(f"w_max={w_max.min():g}", "w_max > 0 on chips, where it is the largest 6-bit weight",
                           f"projection {p.label!r}")
    same = np.ones(len(p))
    return p.replace(model="PlasticSynapse", rule=(), initial={}, parameters={
        "w_max": w_max, "eta": setting.eta * same, "tau": setting.tau * same})
