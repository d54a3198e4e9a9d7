"""One group of cells in a run: its state, and the three parts of a step.

Within a step every cell integrates, then receives the events of the step, then may fire.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..frozen import Frozen
from ..streams import BLOCK_STEPS
from . import adexp, hh, izhikevich
from .config import CellGroup
from .escape import Escape, Uniforms
from .layout import Layout, conducts, growth, layout
from .leaky import ConductingMembrane, LinearMembrane
from .step import Membrane
from .trigger import Comparator, Crossing, Refractory, Trigger

_VANISHED = 1e-150  # states below this are set to zero: subnormal numbers are slow


@dataclass(frozen=True, eq=False)
class GroupState(Frozen):
    """State of a group between two steps.

    Attributes
    ----------
    x : float, (rows, trials, n)
        All that is continuous; ``layout`` says which row is what.
    release : int, (trials, n)
        Step at which the refractory time ends, -1 outside of it.
    above : bool, (trials, n)
        The comparator has fired and the membrane has not been below threshold since.
    """

    x: np.ndarray
    release: np.ndarray
    above: np.ndarray


def initial_state(group: CellGroup, trials: int = 1, initial: Mapping[str, np.ndarray] | None = None) -> GroupState:
    """The state before the first step.

    Parameters
    ----------
    group : CellGroup
    trials : int
    initial : mapping of variable to float, broadcastable to (trials, n), optional
        Names as in ``GroupRun.read``, in the units of ``MODELS``. By default the membrane is at its leak potential
        (-70 mV for Izhikevich's model), gates and ``u`` are at their steady state for this membrane, all else is 0.
        The components of ``i_eta`` and of ``v_t - v_t_star`` start from 0; a start value of the sum is put on the
        slowest component.

    Raises
    ------
    ValueError
        For a variable that the group doesn't have.
    """
    where = layout(group)
    given = {name: np.asarray(value, float) for name, value in (initial or {}).items()}
    unknown = [name for name in given if name not in where.rows]
    if unknown:
        raise ValueError(f"there is no state variable {', '.join(unknown)} in this group of {group.model} cells; it "
                         f"has {', '.join(where.rows)}")
    shape = (trials, group.size)
    x = np.zeros((where.total, *shape))
    p = group.parameters
    x[0] = given.get("v", p["v_rest"] if "v_rest" in p else p.get("e_rev_leak", -70.0))
    for name, value in given.items():
        rows = where.rows[name]
        if name in ("i_eta", "v_t"):
            slowest = rows.start + np.argmax(p["tau_eta" if name == "i_eta" else "tau_gamma"], axis=1)
            rest = 0.0 if name == "i_eta" else p["v_t_star"]
            x[slowest, :, np.arange(group.size)] = np.broadcast_to(value - rest, shape).T
        elif name != "v":
            x[rows.start] = value
    if group.model == "HH":
        for row, steady in enumerate(hh.steady_gates(x[0], p["v_offset"]), start=1):
            if "mnh"[row - 1] not in given:
                x[row] = steady
    if group.model == "Izhikevich" and "u" not in given:
        x[1] = p["b"] * x[0]
    above = x[0] >= hh.LEVEL if group.model == "HH" else np.zeros(shape, bool)
    return GroupState(x, np.full(shape, -1, np.int64), above)


class GroupRun:
    """A group between two steps of a run; the state is copied once and then changed in place.

    Attributes
    ----------
    inputs : float, (R, trials, n)
        One row for each receptor (one unused row where there is none): after ``integrate(k)``, an event of step k
        adds its signed weight in nA, uS, or mV for a delta receptor.
    current : float, (trials, n)
        Injected current, nA, beside i_offset; may be written at any time, acts from the next ``integrate`` on.
    """

    def __init__(self, group: CellGroup, state: GroupState, step_ms: float, start: int, seed: int, first_trial: int
                 ) -> None:
        where = self._where = layout(group)
        shape = state.x.shape[1:]
        if state.x.shape[0] != where.total or shape[1] != group.size:
            raise ValueError(f"the state has {state.x.shape[0]} rows of {shape[1]} cells, the group {where.total} of "
                             f"{group.size}")
        self._group = group
        self._x = state.x.copy()
        self._release, self._above = state.release.copy(), state.above.copy()
        self.current = np.zeros(shape)
        receptors = len(group.receptors)
        self.inputs = self._x[where.first_input:where.first_filter] if receptors else np.zeros((1, *shape))
        uniforms = Uniforms(seed, group.key, first_trial, *shape)
        self._trigger = _trigger(group, step_ms, self._x, where, self._release, self._above, uniforms)
        self._membrane = _membrane(group, step_ms, self._x, where, self.current, self._trigger)
        self._growth = [(self._x[row].reshape(-1), amount) for row, amount in growth(group)]
        self._kicks = [self.inputs[r] for r, receptor in enumerate(group.receptors) if receptor.shape == "delta"]

    def integrate(self, k: int) -> None:
        """From step k - 1 to step k."""
        if k % BLOCK_STEPS == 0:
            self._x[np.abs(self._x) < _VANISHED] = 0.0
        self._membrane.integrate()

    def fire(self, k: int) -> np.ndarray:
        """Flat indices trial * n + cell, ascending, of the spikes at step k; after the events of this step."""
        for jump in self._kicks:
            self._trigger.kick(jump)
            jump[...] = 0.0
        spiked = self._trigger.fire(k)
        if spiked.size and self._growth:
            cell = spiked % self._group.size
            for row, amount in self._growth:
                row[spiked] += amount.take(cell)
        return spiked

    def read(self, variable: str) -> np.ndarray:
        """Present values (trials, n) of a state variable, to look at before the next step.

        Variables are those of ``MODELS``, and ``"r.g"`` (uS or nA) and ``"r.y"`` of receptor number r.
        """
        if variable not in self._where.rows:
            raise ValueError(f"there is no state variable {variable!r} in this group of {self._group.model} cells; it "
                             f"has {', '.join(self._where.rows)}")
        rows = self._x[self._where.rows[variable]]
        if variable not in ("i_eta", "v_t"):
            return rows[0]
        total = rows[0].copy()
        for row in rows[1:]:
            total += row
        return total + self._group.parameters["v_t_star"] if variable == "v_t" else total

    def state(self) -> GroupState:
        """A copy of the present state."""
        return GroupState(self._x.copy(), self._release.copy(), self._above.copy())


def _trigger(group: CellGroup, h: float, x: np.ndarray, where: Layout, release: np.ndarray, above: np.ndarray,
             uniforms: Uniforms) -> Trigger:
    p, v = group.parameters, x[0].reshape(-1)
    release, above = release.reshape(-1), above.reshape(-1)
    if group.model == "HH":
        return Crossing(v, hh.LEVEL, above)
    if group.model == "Izhikevich":
        none = np.zeros(group.size, np.int64)
        return Comparator(v, np.full(group.size, izhikevich.THRESHOLD), p["c"], none, release, above)
    steps = np.floor(p["tau_refrac"] / h + 0.5).astype(np.int64)
    if group.model == "GIF":
        refractory = Refractory(v, p["v_reset"], steps, release)
        return Escape(group, h, x[0], x[where.rows["v_t"]], refractory, uniforms)
    theta = adexp.threshold(group) if group.model == "AdExp" else p["v_thresh"]
    return Comparator(v, theta, p["v_reset"], steps, release, above)


def _membrane(group: CellGroup, h: float, x: np.ndarray, where: Layout, current: np.ndarray, trigger: Trigger
              ) -> Membrane:
    if isinstance(trigger, Crossing):
        return hh.HHMembrane(group, h, x, where.first_trace, current, trigger)
    kinds: dict[str, Callable[..., Membrane]] = {
        "AdExp": adexp.AdExpMembrane, "Izhikevich": izhikevich.IzhikevichMembrane}
    leaky: Callable[..., Membrane] = ConductingMembrane if conducts(group) else LinearMembrane
    return kinds.get(group.model, leaky)(group, h, x, where.first_trace, current, trigger.hold)
