"""Spike-timing-dependent plasticity from the correlation sensors: ``SensorSTDP`` and ``SensorVogels2011``.

Both read the sensors of all their synapses in every period, and change each weight by what its sensors have collected
since. With C and A the sums of exp(-dt / tau) over the causal and the anticausal pairs of the period, w the weight
before it and r = w_max - w_min:

==================================================  ============================  ==============================
SensorSTDP, weight_dependence                       causal: w + A_plus C ...      anticausal: w - A_minus A ...
==================================================  ============================  ==============================
"AdditiveWeightDependence"                          w_max                         w_max
"MultiplicativeWeightDependence"                    w_max - w                     w - w_min
"AdditivePotentiationMultiplicativeDepression"      w_max                         w - w_min
"GutigWeightDependence"                             r ((w_max - w) / r)^mu_plus   r ((w - w_min) / r)^mu_minus
==================================================  ============================  ==============================

SensorVogels2011 adds eta (C + A - a N) with N the presynaptic events of the period. The sensors pair nearest
neighbours, of which there are fewer than all pairs: for Poisson spikes of rates r_pre and r_post and every window C is
smaller by 1 + (r_pre + r_post) tau. So the offset is a = 2 rho tau / (1 + (r_pre + rho) tau), with r_pre as it has
been counted: then the target is rho still. Every pair would make it 2 rho tau.

Sensors are not emptied in each period: the converter would lose pairs of less than half a step each time. A rule
remembers its last reading, and takes the difference; it empties the sensors of a row when one of them has passed the
middle of its range. So errors of single readings do not add up. Changes are rounded at random, right on average.
"""

from __future__ import annotations

import warnings

import numpy as np

from ..callers import level_of_caller
from ..emulator import limits
from ..emulator.plasticity.cost import RuntimeModel
from ..emulator.plasticity.rounding import stochastic_round
from ..emulator.plasticity.timer import Timer
from ..mapping.errors import MappingWarning
from ..mapping.models import DEPENDENCE
from ..mapping.sensors import COUNT_BYTES, FULL_LSB, KEPT_BYTES
from ..plasticity import PlasticityRule, Ppu, Recording

__all__ = ["SensorSTDP", "SensorVogels2011"]

_NOTHING = 32  # a reading of 0 as it is kept, in a byte: noise brings some below, sensors saturate at 172

PerSynapse = float | np.ndarray


class SensorRule(PlasticityRule):
    """Reads what is new, empties full sensors, rounds and limits the weights; subclasses say the change."""

    bytes_kept = KEPT_BYTES
    """For each synapse, in the processor's memory."""

    def __init__(self, timer: Timer, w_min: PerSynapse, w_max: PerSynapse | None,
                 runtime_model: RuntimeModel | str) -> None:
        super().__init__(timer, runtime_model)
        self.w_min, self.w_max = w_min, w_max
        self.saturated = 0

    def update(self, ppu: Ppu, synapses, neurons, recording: Recording) -> None:
        """One execution; see the module."""
        if "begun" not in ppu.memory:  # the first execution of an experiment
            ppu.memory["begun"] = np.ones(1, np.int8)
            self.saturated = 0
        for number, view in enumerate(synapses):
            code = view.get_weights().astype(float)
            causal, acausal = self._new_pairs(ppu, number, view)
            unit = view.physical(np.where(view.unit > 0, view.unit, 1.0), 1.0)
            low = view.physical(self.w_min) / unit
            high = np.full(code.shape, float(limits.WEIGHT_MAX)) if self.w_max is None else (
                view.physical(self.w_max, 1.0) / unit)
            change = self._change(ppu, number, view, code, causal, acausal, low, high, unit)
            rounded = self._rounded(ppu, view.there, code + change)
            view.set_weights(np.clip(rounded, _nearest(low), _nearest(high)))

    def _rounded(self, ppu: Ppu, there: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Up or down at random, with full vectors of random numbers for the synapses that exist."""
        several = values[there]
        vectors = np.zeros((1, -(-len(several) // limits.RANDOM_LANES), limits.RANDOM_LANES))
        vectors.reshape(-1)[:len(several)] = several
        result = np.zeros(values.shape, np.int64)
        result[there] = stochastic_round(vectors, ppu.lanes).reshape(-1)[:len(several)]
        return result

    def _change(self, ppu, number, view, code, causal, acausal, low, high, unit) -> np.ndarray:
        """Change of all weights, in codes; ``low`` and ``high`` are the limits in codes, ``unit`` the weight of one."""
        raise NotImplementedError

    def _new_pairs(self, ppu: Ppu, number: int, view) -> tuple[np.ndarray, np.ndarray]:
        """Sums of exp(-dt / tau) over the pairs since the last reading, causal and anticausal."""
        now = np.stack([view.get_causal_correlation(), view.get_acausal_correlation()])
        now *= view.there
        name = f"readings{number}"
        before = np.zeros_like(now)
        if name in ppu.memory:
            before[:, view.there] = ppu.memory[name][0].astype(np.int16) - _NOTHING
        if np.any(now >= limits.SENSOR_USABLE_LSB[1]):
            self._tell(int(np.count_nonzero(now >= limits.SENSOR_USABLE_LSB[1])))
        full = np.flatnonzero((now >= FULL_LSB).any(axis=(0, 2)))
        kept = now.copy()
        if len(full):
            view.reset_correlation(full)
            kept[:, full] = 0
        ppu.memory[name] = (kept[:, view.there] + _NOTHING).astype(np.uint8)[None]
        new = (now - before) / view.eta
        return new[0], new[1]

    def _tell(self, number: int) -> None:
        if not self.saturated:
            warnings.warn(f"{type(self).__name__}: more pairs of spikes in a period of {self.timer.period:g} ms than "
                          "the correlation sensors hold; what is beyond is lost. Let the rule run more often (for an "
                          "STDPMechanism by setup(stdp_period=...)), or lower the sensors' eta", MappingWarning,
                          stacklevel=level_of_caller())
        self.saturated += number

    def forget_readings(self, memory) -> None:
        """The sensors have been emptied by others."""
        for name in [name for name in memory if name.startswith("readings")]:
            del memory[name]


class SensorSTDP(SensorRule):
    """Pair-based plasticity of nearest neighbours; see the module for its equations.

    Parameters
    ----------
    timer : Timer
        When weights are updated, ms.
    weight_dependence : str
        Name of one of PyNN's weight dependences.
    A_plus, A_minus : float, or array (connections,) for a single projection
        Amplitudes of the causal and the anticausal window.
    w_min, w_max : float, or array (connections,) for a single projection
        Limits of the weight, magnitudes in PyNN's unit, realised by the nearest code. Without w_max it is code 63.
    mu_plus, mu_minus : float, or array (connections,) for a single projection
        Exponents of GutigWeightDependence.
    runtime_model
        As of any PlasticityRule.

    Attributes
    ----------
    saturated : int
        Readings in the present experiment beyond the usable range of the sensors.
    """

    def __init__(self, timer: Timer, weight_dependence: str = "AdditiveWeightDependence", A_plus: PerSynapse = 0.01,
                 A_minus: PerSynapse = 0.01, w_min: PerSynapse = 0.0, w_max: PerSynapse | None = None,
                 mu_plus: PerSynapse = 0.5, mu_minus: PerSynapse = 0.5,
                 runtime_model: RuntimeModel | str = "chip") -> None:
        super().__init__(timer, w_min, w_max, runtime_model)
        if weight_dependence not in DEPENDENCE:
            raise ValueError(f"SensorSTDP: weight_dependence={weight_dependence!r}; there are {', '.join(DEPENDENCE)}")
        self.weight_dependence, self.A_plus, self.A_minus = weight_dependence, A_plus, A_minus
        self.mu_plus, self.mu_minus = mu_plus, mu_minus

    def _change(self, ppu, number, view, code, causal, acausal, low, high, unit) -> np.ndarray:
        up, down = (np.maximum(d, 0.0) for d in (high - code, code - low))
        if self.weight_dependence == "AdditiveWeightDependence":
            up, down = high, high
        elif self.weight_dependence == "AdditivePotentiationMultiplicativeDepression":
            up = high
        elif self.weight_dependence == "GutigWeightDependence":
            width = np.maximum(high - low, 1e-9)
            up = width * (up / width) ** view.physical(self.mu_plus)
            down = width * (down / width) ** view.physical(self.mu_minus)
        return view.physical(self.A_plus) * up * causal - view.physical(self.A_minus) * down * acausal


class SensorVogels2011(SensorRule):
    """Inhibitory plasticity with a target rate, from nearest neighbours; see the module for its equation.

    Parameters
    ----------
    timer : Timer
        When weights are updated, ms.
    eta : float, or array (connections,) for a single projection
        Learning rate, in PyNN's unit of the weight.
    rho : float, or array (connections,) for a single projection
        Target rate, Hz.
    tau : float, or array (connections,) for a single projection
        Time constant of the window, ms: that of the sensors.
    w_min, w_max, runtime_model
        As of SensorSTDP.
    window : float, or array (connections,) for a single projection
        What sums over pairs are multiplied with, where the sensors' time constant is not ``tau``.
    """

    bytes_kept = KEPT_BYTES + COUNT_BYTES

    def __init__(self, timer: Timer, eta: PerSynapse = 1e-10, rho: PerSynapse = 3.0, tau: PerSynapse = 20.0,
                 w_min: PerSynapse = 0.0, w_max: PerSynapse | None = None, window: PerSynapse = 1.0,
                 runtime_model: RuntimeModel | str = "chip") -> None:
        super().__init__(timer, w_min, w_max, runtime_model)
        self.eta, self.rho, self.tau, self.window = eta, rho, tau, window

    def _change(self, ppu, number, view, code, causal, acausal, low, high, unit) -> np.ndarray:
        name = f"events{number}"
        events = view.get_event_counts(reset=True)
        total = events.copy()
        if name in ppu.memory:
            total[view.there] += ppu.memory[name][0]
        ppu.memory[name] = total[view.there].astype(np.uint32)[None]
        tau, rho = view.physical(self.tau, 1.0) / 1000.0, view.physical(self.rho)
        rate = total / max(ppu.now / 1000.0, 1e-9)
        offset = 2.0 * rho * tau / (1.0 + (rate + rho) * tau)
        return view.physical(self.eta) / unit * (view.physical(self.window) * (causal + acausal) - offset * events)


def _nearest(code: np.ndarray) -> np.ndarray:
    """The code next to a limit."""
    return np.clip(np.floor(code + 0.5), 0, limits.WEIGHT_MAX).astype(np.int64)
