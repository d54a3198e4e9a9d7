"""A configuration made ready to run: effective parameters, working units, kernels' constants, table of events.

``lower`` is a pure function of (config, trials, first trial); its last results are kept, because runs that are
cut by callbacks ask for the same program again and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .config import INH, ChipConfig, Circuits, verify_config
from .effective import effective_circuits, effective_joints, run_offsets
from .frozen import Frozen, read_only
from .joints import Joints
from .kernels.indexing import as_slice
from .kernels.neuron import Adaptive, Lenders, current_propagator, step_mean
from .kernels.relay_samples import verify_relay_probes
from .kernels.routing import EventTable, tabulate, through_drivers
from .kernels.synapse import Delivery, plan_delivery
from .relays import Relays

# kinds of circuits; those that lend their inputs decay before a linear membrane takes them (its stored currents
# count after the decay), and after the others' step (whose stored conductances are the mean over the step to come)
LINEAR, CONDUCTANCE, ADAPTIVE_CURRENT, ADAPTIVE_CONDUCTANCE, LENT_BEFORE, LENT_AFTER = range(6)
_FULL_SIZE = 2**18  # elements
_EXPONENT_LIMIT = 50.0  # exp() of more than this within a step is a spike anyway


@dataclass(frozen=True, eq=False)
class Group(Frozen):
    """Neighbouring circuits ``first`` to ``stop`` of one kind, with the constants of their kernel.

    ``inhibited``: some event reaches an inhibitory input of the group.
    """

    kind: int
    first: int
    stop: int
    decay: np.ndarray
    joined: tuple[Lenders, ...]
    leak: np.ndarray
    constant: np.ndarray
    e_exc: np.ndarray | None
    adaptive: Adaptive | None
    inhibited: bool


@dataclass(frozen=True, eq=False)
class Program(Frozen):
    """What the loop needs; arrays (trials, N) or (N,), membrane in working units x: v = origin + unit * x.

    ``synaptic`` (2, N) is stored synaptic state per physical one; ``jump`` (2, N) stored state per unit of
    weight; ``w_unit`` (N,) and ``w_shift`` (trials, N): stored adaptation = w * w_unit + w_shift at half steps.
    A spike adds ``b``, and ``w_catch_up`` times the height of the reset, since the half step before it was spent
    above. ``noise_gain`` (N,): what a shift of the leak potential by 1 LSB adds to the membrane (linear kind) or to
    ``constant`` in a step. ``relays`` are those of the configuration and of synapse drivers.
    """

    config: ChipConfig
    circuits: Circuits
    joints: Joints | None
    trials: int
    first_trial: int
    groups: tuple[Group, ...]
    origin: np.ndarray
    unit: np.ndarray
    threshold: np.ndarray
    reset: np.ndarray
    refractory: np.ndarray
    synaptic: np.ndarray
    jump: np.ndarray
    w_unit: np.ndarray
    w_shift: np.ndarray
    w_half: np.ndarray
    w_pull: np.ndarray
    b: np.ndarray
    w_catch_up: np.ndarray
    clamped: np.ndarray
    noise_gain: np.ndarray
    events: EventTable
    delivery: Delivery
    relays: Relays | None

    @property
    def accompanied(self) -> bool:
        """Something takes part in a run beside the circuits."""
        c = self.config
        return c.beside is not None or self.relays is not None or bool(c.pairs or c.plastic or c.relay_probes)

    @property
    def any_adaptation(self) -> bool:
        return bool(self.circuits.adaptation.any())


@lru_cache(maxsize=16)
def _events(config: ChipConfig) -> tuple[EventTable, Relays | None]:
    verify_config(config)
    synapses, relays = through_drivers(config)
    return tabulate(synapses, max(1, len(config.circuits)), 2), relays


@lru_cache(maxsize=16)
def lower(config: ChipConfig, trials: int = 1, first_trial: int = 0) -> Program:
    """Make a configuration ready to run; ValueError if it breaks what the chip demands."""
    if first_trial and not config.noise.run_offset:  # nothing else differs from trial to trial
        return lower(config, trials).replace(first_trial=first_trial)
    events, relays = _events(config)
    verify_relay_probes(config.relay_probes, relays)
    c = effective_circuits(config)
    h = config.step_us
    kind = _kinds(c)
    leak_potential = c.v_leak + run_offsets(config, trials, first_trial)  # (trials, n)
    reversal = c.conductance & (c.e_rev_exc != c.e_rev_inh)
    unit = np.where(reversal, c.e_rev_exc - c.e_rev_inh, 1.0)
    origin = np.where(c.conductance, c.e_rev_inh, leak_potential)
    origin = np.where(kind == LINEAR, leak_potential + c.tau_m * c.i_offset, origin)
    e_exc = (c.e_rev_exc - c.e_rev_inh) / unit
    synaptic, jump, delivery = _couplings(config)
    leak = -h / c.tau_m
    keep = np.where(c.adaptation, np.exp(-h / c.tau_w), 1.0)
    w_half = np.exp(-0.5 * h / c.tau_w)
    a = np.where(c.adaptation, c.a, 0.0)
    x_leak = (leak_potential - origin) / unit
    w_unit = -leak / unit
    w_shift = a * -leak * (c.v_leak - origin) / unit  # adaptation refers to the nominal leak potential of the circuit
    constant = leak * x_leak - h * c.i_offset / unit - w_shift
    inhibited = _inhibited(config, events)
    groups = tuple(
        _group(c, int(kind[i]), i, j, trials, h, leak, constant, e_exc, keep, a, origin, unit, inhibited)
        for i, j in _spans(kind))
    threshold = np.where(c.spiking & (kind < LENT_BEFORE), (c.v_thresh - origin) / unit, np.inf)
    return Program(
        config=config, circuits=c, joints=effective_joints(config), trials=trials, first_trial=first_trial,
        groups=groups, origin=origin, unit=unit,
        threshold=threshold, reset=(c.v_reset - origin) / unit,
        refractory=np.floor(c.refractory_us / h + 0.5).astype(np.int64), synaptic=synaptic,
        jump=jump, w_unit=w_unit, w_shift=w_shift, w_half=w_half, w_pull=a * (1 - w_half),
        b=np.where(c.adaptation, c.b * w_unit / w_half, 0.0), w_catch_up=a * (1 - w_half) * -leak / w_half,
        clamped=_clamped(config, kind),
        noise_gain=np.where(kind == LINEAR, -np.expm1(leak), leak / unit), events=events, delivery=delivery,
        relays=relays)


@lru_cache(maxsize=16)
def _couplings(config: ChipConfig) -> tuple[np.ndarray, np.ndarray, Delivery]:
    """Synaptic units, what a unit of weight adds, and the events: the same in all trials, and the same arrays."""
    events, relays = _events(config)
    own = 0 if config.relays is None else len(config.relays)
    channels = config.external + (0 if relays is None else len(relays) - own)
    c = effective_circuits(config)
    synaptic = _synaptic_units(c, _kinds(c), config.step_us)
    jump = synaptic * np.stack([c.gain_exc, c.gain_inh]) / np.where(c.conductance, _reference(c), 1.0)
    synaptic, jump = read_only(synaptic), read_only(jump)
    return synaptic, jump, plan_delivery(events, jump, len(c), channels)


def _inhibited(config: ChipConfig, events: EventTable) -> np.ndarray:
    """Circuits whose inhibitory input some synapse reaches."""
    parts = [events.target[np.repeat(events.input == INH, np.diff(events.start))]]
    parts += [g.synapses.target[g.input == INH] for g in config.pairs if g.beside < 0]
    parts += [array.circuit for array in config.plastic if np.any(array.input == INH)]
    return np.unique(np.concatenate(parts))


def _kinds(c: Circuits) -> np.ndarray:
    adaptive = c.exponential | c.adaptation
    kind = np.where(adaptive, np.where(c.conductance, ADAPTIVE_CONDUCTANCE, ADAPTIVE_CURRENT),
                    np.where(c.conductance, CONDUCTANCE, LINEAR))
    lent = np.where(kind[c.master] == LINEAR, LENT_BEFORE, LENT_AFTER)
    return np.where(c.master == np.arange(len(c)), kind, lent)


def _spans(kind: np.ndarray) -> list[tuple[int, int]]:
    if len(kind) == 0:
        return []
    edges = np.flatnonzero(np.diff(kind)) + 1
    return list(zip([0, *edges.tolist()], [*edges.tolist(), len(kind)], strict=True))


def _reference(c: Circuits) -> np.ndarray:
    """Distance of reversal and reference potential (2, n): strength of a conductance = gain * weight / this."""
    apart = np.abs(np.stack([c.e_rev_exc - c.e_ref_exc, c.e_rev_inh - c.e_ref_inh]))
    return np.where(c.conductance, apart, 1.0)


def _synaptic_units(c: Circuits, kind: np.ndarray, h: float) -> np.ndarray:
    """Stored synaptic state per physical one, (2, n); a lent circuit works in the units of its membrane."""
    membrane = kind[c.master]
    tau = np.stack([c.tau_syn_exc, c.tau_syn_inh])
    linear = current_propagator(h, c.tau_m[c.master], tau) * np.exp(h / tau)
    mean = h * step_mean(h, tau)
    sign = np.array([[1.0], [-1.0]])
    current = sign * np.where(membrane == LINEAR, linear, mean)
    return np.where(c.conductance, -mean, current)


def _group(c: Circuits, kind: int, i: int, j: int, trials: int, h: float, leak, constant, e_exc, keep, a, origin,
           unit, inhibited) -> Group:
    n = j - i
    rows = [np.exp(-h / c.tau_syn_exc[i:j]), np.exp(-h / c.tau_syn_inh[i:j])]
    if kind == LINEAR:
        rows.insert(0, np.exp(leak[i:j]))
    decay = np.stack(rows)[:, None, :]
    if len(rows) * trials * n <= _FULL_SIZE:  # in the cache, a full-size operand beats many short inner loops
        decay = np.ascontiguousarray(np.broadcast_to(decay, (len(rows), trials, n)))
    adaptive = None
    if kind in (ADAPTIVE_CURRENT, ADAPTIVE_CONDUCTANCE):
        adaptive = _adaptive(c, kind, slice(i, j), leak, constant, e_exc, keep, a, origin, unit)
    ones = bool(np.all(e_exc[i:j] == 1))
    return Group(kind, i, j, decay, _joined(c, kind, i, j), leak[i:j], constant[:, i:j],
                 None if ones else e_exc[i:j], adaptive, bool(np.any((inhibited >= i) & (inhibited < j))))


def _adaptive(c: Circuits, kind: int, s: slice, leak, constant, e_exc, keep, a, origin, unit) -> Adaptive:
    slope = shift = limit = None
    exponential = c.exponential[s]
    if exponential.any():
        # circuits without the term get exp(-inf) = 0 through a shift of -inf and a slope of 0
        slope = np.where(exponential, unit[s] / c.delta_t[s], 0.0)
        height = np.where(exponential, -leak[s] * c.delta_t[s] / unit[s], 1.0)
        shift = np.where(exponential, (origin[:, s] - c.v_exp[s]) / c.delta_t[s] + np.log(np.abs(height)), -np.inf)
        reach = (np.maximum(c.v_thresh[s], c.v_reset[s]) - c.v_exp[s]) / c.delta_t[s]
        limit = _EXPONENT_LIMIT if np.any(reach[exponential] > _EXPONENT_LIMIT) else None
    adapting = bool(c.adaptation[s].any())
    ones = bool(np.all(e_exc[s] == 1))
    return Adaptive(leak[s], constant[:, s], None if kind == ADAPTIVE_CURRENT or ones else e_exc[s], slope, shift,
                    limit, keep[s] if adapting else None,
                    (a * (1 - keep) * -leak)[s] if adapting else None)


def _joined(c: Circuits, kind: int, i: int, j: int) -> tuple[Lenders, ...]:
    """Membranes (relative to i) and lending circuits, so that each membrane occurs once in an entry."""
    if kind >= LENT_BEFORE:
        return ()
    lender = np.flatnonzero((c.master != np.arange(len(c))) & (c.master >= i) & (c.master < j))
    if len(lender) == 0:
        return ()
    order = np.argsort(c.master[lender], kind="stable")
    lender = lender[order]
    master = c.master[lender]
    first = np.concatenate(([0], np.flatnonzero(np.diff(master)) + 1))
    rank = np.arange(len(master)) - np.repeat(first, np.diff(np.append(first, len(master))))
    return tuple(Lenders(as_slice(master[rank == r] - i), as_slice(lender[rank == r]),
                         _mix(c, master[rank == r], lender[rank == r])) for r in range(int(rank.max()) + 1))


def _mix(c: Circuits, master: np.ndarray, lender: np.ndarray) -> np.ndarray | None:
    """Shares of the lenders' conductances in those of their membranes; see ``Lenders``."""
    own = np.stack([c.e_rev_exc[master], c.e_rev_inh[master]])
    other = np.stack([c.e_rev_exc[lender], c.e_rev_inh[lender]])
    if not c.conductance[master].any() or np.array_equal(own, other):
        return None
    exc = (other - own[1]) / np.where(own[0] == own[1], 1.0, own[0] - own[1])
    exc = np.where(c.conductance[master], exc, [[1.0], [0.0]])
    return np.stack([exc, 1.0 - exc])


def _clamped(config: ChipConfig, kind: np.ndarray) -> np.ndarray:
    """Circuits whose membrane must stand at reset in every refractory step, not only at its end."""
    clamped = (kind == ADAPTIVE_CURRENT) | (kind == ADAPTIVE_CONDUCTANCE)
    for probe in config.probes:
        if probe.variable == "v":
            clamped[probe.circuits] = True
    if config.joints is not None:
        clamped[config.joints.first] = clamped[config.joints.second] = True
    return clamped
