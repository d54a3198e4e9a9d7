"""Short-term plasticity of the synapse drivers: the setting that comes nearest to a Tsodyks-Markram synapse.

A driver depresses or facilitates. Its state x decays with tau; an event has the strength ``clip(1 - x, 0, 1)`` when it
depresses and ``clip(1 + x - N, 0, 1)`` when it facilitates, and then x grows by ``U (1 - x)``. Pure depression
(tau_facil = 0) is what a depressing driver does, up to its codes; a synapse that does both is fitted over a train.

Synapses of different settings take different drivers, of which there are few. So where each connection has parameters
of its own, they share the settings that together suit them best.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from pynn_brainscales.emulator import limits
from pynn_brainscales.emulator.kernels.relay import RelayRun, initial_relay_state
from pynn_brainscales.emulator.relays import Kind, Relays

MAX_MODES = 8  # settings that the synapses of a network share: the drivers of one event output are 16 in each array
# the train over which strengths are compared, ms: 10 spikes at 20 Hz, half a second of rest, 5 at 50 Hz
_TRAIN = np.concatenate([np.arange(10) * 50.0, 950.0 + np.arange(5) * 20.0])
_CHUNK = 64  # parameter sets that are compared with all settings at once
_SAMPLE = 1000  # parameter sets of which the shared settings are found, if there are more


class DriverFit(NamedTuple):
    """A driver's mode and how well it does: ``strength`` +1 facilitates, -1 depresses; ``tau_us`` of its state.

    Weights are multiplied by ``scale``; ``error`` is the rms difference of the strengths over the train as a share of
    their rms.
    """

    strength: float
    use: float
    tau_us: float
    offset: float
    scale: float = 1.0
    error: float = 0.0

    @property
    def setting(self) -> DriverFit:
        """The mode alone: how well it does, and its factor, are no settings of a driver."""
        return self._replace(scale=1.0, error=0.0)


def strengths(sets: np.ndarray, times: np.ndarray = _TRAIN) -> np.ndarray:
    """Strengths u R of Tsodyks-Markram synapses at the spikes of a train (ms), as the emulator computes them.

    Parameters
    ----------
    sets : float, (5, s)
        Start value of u, U, tau_rec, tau_facil, tau_inact of each synapse; time constants in ms.
    times : float, (spikes,)

    Returns
    -------
    float, (s, spikes)
    """
    s = sets.shape[1]
    start, use, tau_rec, tau_facil, tau_inact = sets
    zero, one, none = np.zeros(s), np.ones(s), np.zeros(1, np.int64)
    relays = Relays(source=np.zeros(s, np.int64), channel=np.arange(s), kind=np.full(s, int(Kind.TSODYKS_MARKRAM)),
                    use=use, tau_rec_us=tau_rec, tau_facil_us=tau_facil, probability=one, sites=np.ones(s, np.int64),
                    start_u=start, strength=zero, offset=zero, tau_inact_us=tau_inact)
    unit = 1e-3  # of a step; one "us" of the relay is a millisecond here
    run = RelayRun(relays, initial_relay_state(relays), 0, 0, unit)
    result = np.zeros((s, len(times)))
    for i, t in enumerate(times):
        _, channel, factor = run.fire(round(t / unit), none, none)
        result[channel, i] = factor
    return result


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
    return settings, _driver_strengths(strength, use, tau, offset)


def _driver_strengths(strength, use, tau, offset) -> np.ndarray:
    x, result = np.zeros(len(use)), np.empty((len(use), len(_TRAIN)))
    for i, dt in enumerate(np.diff(_TRAIN, prepend=0.0)):
        x = x * np.exp(-dt / tau)
        result[:, i] = np.clip(1.0 + strength * (x - offset), 0.0, 1.0)
        x = x + use * (1.0 - x)
    return result


def _compared(wanted: np.ndarray, got: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Best factor and squared relative error of every setting for every synapse, each (s, settings).

    ``wanted`` (s, spikes), ``got`` (settings, spikes).
    """
    power, size = np.sum(got**2, axis=1), np.sum(wanted**2, axis=1)[:, None]
    product, error = np.zeros((len(wanted), len(got))), np.zeros((len(wanted), len(got)))
    for a, b in zip(wanted.T, got.T, strict=True):  # spike by spike: these arrays stay in the cache
        product += a[:, None] * b
    scale = np.divide(product, power, out=np.zeros(product.shape), where=power > 0)
    for a, b in zip(wanted.T, got.T, strict=True):
        error += (scale * b - a[:, None]) ** 2
    return scale, np.divide(error, size, out=np.zeros(error.shape), where=size > 0)


def fit(sets: np.ndarray, speedup: float, count: np.ndarray | None = None, most: int | None = None
        ) -> list[DriverFit]:
    """For each synapse the setting, and the factor on its weight, with the least rms error over the train.

    Parameters
    ----------
    sets : float, (5, s)
        See ``strengths``.
    speedup : float
    count : int, (s,), optional
        How many synapses have these parameters.
    most : int, optional
        Of different settings: beyond that, those that together give the least squared error, found one after the
        other, and from an even sample of the synapses where they are many.
    """
    s = sets.shape[1]
    wanted = strengths(sets)
    settings, got = _responses(speedup)
    count = np.ones(s) if count is None else count
    look = np.arange(s) if most is None or s <= _SAMPLE else np.linspace(0, s - 1, _SAMPLE).astype(np.int64)
    used = np.unique(_nearest(wanted[look], got)[0])
    if most is not None and len(used) > most:
        used = _shared(wanted[look], got, used, count[look], most)
    best, scale, error = _nearest(wanted, got[used])
    strength, use, tau, offset = (a[used[best]] for a in settings)
    return [DriverFit(*row) for row in zip(*(a.tolist() for a in (
        strength, use, tau * 1e3 / speedup, offset, scale, np.sqrt(error))), strict=True)]


def _nearest(wanted: np.ndarray, got: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each synapse the best of the settings, its factor and squared error, each (s,)."""
    best, scale, error = np.zeros(len(wanted), np.int64), np.zeros(len(wanted)), np.zeros(len(wanted))
    for i in range(0, len(wanted), _CHUNK):
        here = slice(i, i + _CHUNK)
        scales, errors = _compared(wanted[here], got)
        best[here] = np.argmin(errors, axis=1)
        row = np.arange(len(errors)), best[here]
        scale[here], error[here] = scales[row], errors[row]
    return best, scale, error


def _shared(wanted: np.ndarray, got: np.ndarray, candidates: np.ndarray, count: np.ndarray, most: int) -> np.ndarray:
    """``most`` of the candidate settings, each the one that most lowers what is left of the squared error."""
    error = np.concatenate([_compared(wanted[i:i + _CHUNK], got[candidates])[1]
                            for i in range(0, len(wanted), _CHUNK)])
    left = np.full(len(wanted), np.inf)
    chosen: list[int] = []
    for _ in range(most):
        total = count @ np.minimum(left[:, None], error)
        total[chosen] = np.inf
        chosen.append(int(np.argmin(total)))
        left = np.minimum(left, error[:, chosen[-1]])
    return candidates[np.sort(chosen)]


def suits(sets: np.ndarray, setting: DriverFit, speedup: float) -> list[DriverFit]:
    """How well one setting suits each synapse, and the factor on its weight."""
    got = _driver_strengths(*(np.array([x]) for x in (setting.strength, setting.use, setting.tau_us * speedup * 1e-3,
                                                      setting.offset)))
    scale, error = _compared(strengths(sets), got)
    return [setting._replace(scale=a, error=b) for a, b in zip(scale[:, 0].tolist(), np.sqrt(error[:, 0]).tolist(),
                                                               strict=True)]
