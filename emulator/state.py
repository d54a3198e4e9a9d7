"""All that changes in a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .beside.group import GroupState
from .beside.group import initial_state as group_state
from .config import ChipConfig
from .frozen import Frozen, read_only
from .kernels.noise import first_jitter
from .kernels.pairs import PairState, initial_pair_state
from .kernels.relay import RelayState, initial_relay_state
from .plastic import PlasticArrayState, initial_array_state
from .program import Program, lower

_NONE = read_only(np.zeros(0, np.int64))
_NO_FACTOR = read_only(np.zeros(0))


@dataclass(frozen=True, eq=False)
class ChipState(Frozen):
    """State of all trials between two steps, in the kernels' working units (see ``program``).

    Attributes
    ----------
    step : int
        Steps done since the start of the experiment.
    first_trial : int
        Number of the first trial in the random streams.
    x : float, (3, trials, N)
        Membrane, excitatory and inhibitory synaptic state.
    w : float, (trials, N)
        Adaptation, half a step behind.
    theta : float, (trials, N)
        Threshold with its present jitter; inf where no comparator is connected.
    release : int, (trials, N)
        Step at which the refractory time ends, -1 outside of it.
    unarmed : bool, (trials, N)
        The comparator has fired and the membrane has not been below threshold since.
    passages : int, (trials, N)
        Thresholds drawn in this block of steps.
    slow : float, (trials, N)
        Slow noise of the leak potential, CADC LSB.
    counters : int, (trials, N)
        Spikes since the last reset of the circuit's counter, 256 for all beyond 255 (``kernels.counters``).
    fired_step, fired_trial, fired_source : int, (F,)
        Firing of circuits and external channels whose events are still on their way.
    beside : tuple of GroupState
        Cells beside the chip.
    relays : RelayState or None
    pairs : tuple of PairState
        Learning synapses.
    plastic : tuple of PlasticArrayState
    sent_step, sent_trial, sent_channel : int, (S,)
    sent_factor : float, (S,)
        What relays have sent and what may still be on its way.
    """

    step: int
    first_trial: int
    x: np.ndarray
    w: np.ndarray
    theta: np.ndarray
    release: np.ndarray
    unarmed: np.ndarray
    passages: np.ndarray
    slow: np.ndarray
    counters: np.ndarray
    fired_step: np.ndarray
    fired_trial: np.ndarray
    fired_source: np.ndarray
    beside: tuple[GroupState, ...] = ()
    relays: RelayState | None = None
    pairs: tuple[PairState, ...] = ()
    plastic: tuple[PlasticArrayState, ...] = ()
    sent_step: np.ndarray = field(default_factory=lambda: _NONE)
    sent_trial: np.ndarray = field(default_factory=lambda: _NONE)
    sent_channel: np.ndarray = field(default_factory=lambda: _NONE)
    sent_factor: np.ndarray = field(default_factory=lambda: _NO_FACTOR)

    @property
    def trials(self) -> int:
        return self.x.shape[1]


@dataclass(frozen=True, eq=False)
class Physical(Frozen):
    """State variables in hardware units, each (trials, N): v and w in CADC LSB, i_* as probes read them."""

    v: np.ndarray
    w: np.ndarray
    i_exc: np.ndarray
    i_inh: np.ndarray


def initial_state(config: ChipConfig, trials: int = 1, first_trial: int = 0, v=None, w=None, i_exc=None,
                  i_inh=None, beside: Sequence[Mapping[str, np.ndarray]] | None = None) -> ChipState:
    """The state before the first step.

    Parameters
    ----------
    config : ChipConfig
    trials, first_trial : int
    v, w : float, broadcastable to (trials, N), optional
        Membrane and adaptation, CADC LSB; by default at the circuit's own leak potential and 0.
    i_exc, i_inh : float, broadcastable to (trials, N), optional
        Synaptic state, by circuit: drive in LSB / us, or conductance over capacitance in 1 / us; default 0.
    beside : sequence of mappings, optional
        Start values of every group beside the chip, by variable; see ``beside.group.initial_state``.
    """
    p = lower(config, trials, first_trial)
    c = p.circuits
    shape = (trials, len(c))

    def full(value, default) -> np.ndarray:
        return np.array(np.broadcast_to(default if value is None else value, shape), float)

    physical = Physical(full(v, c.v_leak), full(w, 0.0), full(i_exc, 0.0), full(i_inh, 0.0))
    x, stored_w = to_working(p, physical)
    none = np.zeros(0, np.int64)
    jitter, passages = first_jitter(config, trials, first_trial)
    return ChipState(
        step=0, first_trial=first_trial, x=x, w=stored_w, theta=p.threshold + jitter / p.unit,
        release=np.full(shape, -1, np.int64), unarmed=np.zeros(shape, bool), passages=passages,
        slow=np.zeros(shape), counters=np.zeros(shape, np.int64), fired_step=none, fired_trial=none, fired_source=none,
        beside=_beside_states(config, trials, beside),
        relays=None if p.relays is None else initial_relay_state(p.relays, trials),
        pairs=tuple(initial_pair_state(g.synapses, trials) for g in config.pairs),
        plastic=tuple(initial_array_state(array, trials) for array in config.plastic))


def _beside_states(config: ChipConfig, trials: int, given) -> tuple[GroupState, ...]:
    if config.beside is None:
        return ()
    values = [{} for _ in config.beside.groups] if given is None else given
    return tuple(group_state(g, trials, v) for g, v in zip(config.beside.groups, values, strict=True))


def to_working(p: Program, s: Physical) -> tuple[np.ndarray, np.ndarray]:
    """Working state (x, w) of a physical one."""
    v = (s.v - p.origin) / p.unit
    x = np.stack([v, s.i_exc * p.synaptic[0], s.i_inh * p.synaptic[1]])
    half_before = (s.w - p.w_pull * (s.v - p.circuits.v_leak)) / p.w_half
    w = half_before * p.w_unit + p.w_shift
    return x, np.where(p.circuits.adaptation, w, 0.0)


def to_physical(p: Program, x: np.ndarray, w: np.ndarray) -> Physical:
    """Physical state of a working one."""
    return Physical(p.origin + p.unit * x[0], adaptation(p, x[0], w), x[1] / p.synaptic[0], x[2] / p.synaptic[1])


def adaptation(p: Program, x: np.ndarray, w: np.ndarray, at=slice(None)) -> np.ndarray:
    """Adaptation (LSB) at the full step from its stored value half a step before.

    ``x``, ``w`` are (trials, n) or (trials, samples, n), of the circuits ``at``.
    """
    c = p.circuits
    origin, shift = p.origin[:, at], p.w_shift[:, at]
    if x.ndim == 3:
        origin, shift = origin[:, None], shift[:, None]
    above_leak = origin + p.unit[at] * x - c.v_leak[at]
    half_before = (w - shift) / p.w_unit[at]
    return np.where(c.adaptation[at], half_before * p.w_half[at] + p.w_pull[at] * above_leak, 0.0)


def physical(config: ChipConfig, state: ChipState) -> Physical:
    """State variables of a state, in hardware units."""
    return to_physical(lower(config, state.trials, state.first_trial), state.x, state.w)


def same_circuits(a: ChipConfig, b: ChipConfig) -> bool:
    """Whether two configurations have the same circuits in the same order, and as many external channels."""
    return a.external == b.external and all(
        np.array_equal(getattr(a.circuits, name), getattr(b.circuits, name)) for name in ("chip", "circuit", "master"))


def carry(state: ChipState, old: ChipConfig, new: ChipConfig) -> ChipState:
    """The same physical state under a configuration whose values have changed.

    Both must have the same circuits in the same order; events on their way go where the new one sends them. Relays
    go on if they are as many as before, else they start anew: who knows which is which can replace them.
    """
    p = lower(old, state.trials, state.first_trial)
    q = lower(new, state.trials, state.first_trial)
    if not same_circuits(old, new):
        raise ValueError("a state can be carried over only between configurations with the same circuits and "
                         "external channels; start from initial_state(config) instead")
    x, w = to_working(q, to_physical(p, state.x, state.w))
    connected = np.isfinite(p.threshold)
    with np.errstate(invalid="ignore"):
        jitter = np.where(connected, (state.theta - p.threshold) * p.unit, 0.0)
    changes = {}
    if q.relays is not None and (p.relays is None or len(p.relays) != len(q.relays)):
        changes["relays"] = initial_relay_state(q.relays, state.trials)
    return state.replace(x=x, w=w, theta=q.threshold + jitter / q.unit, **changes)
