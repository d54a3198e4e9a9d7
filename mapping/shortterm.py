"""Short-term plasticity of the synapse drivers: the setting that comes nearest to a Tsodyks-Markram synapse.

A driver depresses or facilitates. Its state x decays with tau; an event has the strength ``clip(1 - x, 0, 1)`` when it
depresses and ``clip(1 + x - N, 0, 1)`` when it facilitates, and then x grows by ``U (1 - x)``. Pure depression
(tau_facil = 0) is what a depressing driver does, up to its codes; a synapse that does both is fitted over a train.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from pynn_brainscales.emulator import limits
from pynn_brainscales.emulator.kernels.relay import RelayRun, initial_relay_state
from pynn_brainscales.emulator.relays import Kind, Relays

# the train over which strengths are compared, ms: 10 spikes at 20 Hz, half a second of rest, 5 at 50 Hz
_TRAIN = np.concatenate([np.arange(10) * 50.0, 950.0 + np.arange(5) * 20.0])


class DriverFit(NamedTuple):
    """A driver's mode and how well it does: ``strength`` +1 facilitates, -1 depresses; ``tau_us`` of its state.

    Weights are multiplied by ``scale``; ``error`` is the rms difference of the strengths over the train as a share of
    their rms.
    """

    strength: float
    use: float
    tau_us: float
    offset: float
    scale: float
    error: float


def strengths(u_start: float, use: float, tau_rec: float, tau_facil: float, tau_inact: float,
              times: np.ndarray = _TRAIN) -> np.ndarray:
    """Strengths u R of a Tsodyks-Markram synapse at the spikes of a train (ms), as the emulator computes them."""
    one = np.ones(1)
    zero = 0.0 * one
    relay = Relays(source=np.zeros(1, np.int64), channel=np.zeros(1, np.int64), kind=np.array([Kind.TSODYKS_MARKRAM]),
                   use=use * one, tau_rec_us=tau_rec * one, tau_facil_us=tau_facil * one, probability=one,
                   sites=np.ones(1, np.int64), start_u=u_start * one, strength=zero, offset=zero,
                   tau_inact_us=tau_inact * one)
    unit = 1e-3  # of a step; one "us" of the relay is a millisecond here
    run = RelayRun(relay, initial_relay_state(relay), 0, 0, unit)
    none = np.zeros(1, np.int64)
    factors = [run.fire(round(t / unit), none, none)[2] for t in times]
    return np.array([f[0] if len(f) else 0.0 for f in factors])


def _grid(speedup: float) -> tuple[np.ndarray, ...]:
    """All settings of a driver: strength, use, tau (ms), offset, each (settings,)."""
    codes = np.arange(limits.STP_CODES)
    share = codes / (limits.STP_CODES - 1)
    low, high = limits.STP_TAU_RANGE
    tau = low * (high / low) ** share * speedup * 1e-3
    down = np.meshgrid([-1.0], share[1:], tau, [0.0], indexing="ij")
    up = np.meshgrid([1.0], share[1:], tau, share, indexing="ij")
    return tuple(np.concatenate([a.reshape(-1), b.reshape(-1)]) for a, b in zip(down, up, strict=True))


@lru_cache(maxsize=4)
def _responses(speedup: float) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """All settings, and their strengths at the spikes of the train, (settings, spikes)."""
    settings = strength, use, tau, offset = _grid(speedup)
    x, result = np.zeros(len(use)), np.empty((len(use), len(_TRAIN)))
    for i, dt in enumerate(np.diff(_TRAIN, prepend=0.0)):
        x = x * np.exp(-dt / tau)
        result[:, i] = np.clip(1.0 + strength * (x - offset), 0.0, 1.0)
        x = x + use * (1.0 - x)
    return settings, result


@lru_cache(maxsize=4096)
def fit(u_start: float, use: float, tau_rec: float, tau_facil: float, tau_inact: float, speedup: float) -> DriverFit:
    """The setting, and the factor on the weight, with the least rms error over the train; time constants in ms."""
    wanted = strengths(u_start, use, tau_rec, tau_facil, tau_inact)
    (strength, u, tau, offset), got = _responses(speedup)
    power = np.sum(got**2, axis=1)
    scale = np.divide(got @ wanted, power, out=np.zeros(len(power)), where=power > 0)
    error = np.sum((scale[:, None] * got - wanted) ** 2, axis=1)
    best = int(np.argmin(error))
    size = float(np.sum(wanted**2))
    return DriverFit(float(strength[best]), float(u[best]), float(tau[best] * 1e3 / speedup), float(offset[best]),
                     float(scale[best]), float(np.sqrt(error[best] / size)) if size else 0.0)
