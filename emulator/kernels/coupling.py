"""What a conductance between two membranes does in half a step, exactly.

With ``d = v_a - v_b`` and rates ``r = g / C`` of the two, ``d`` decays with ``r_a + r_b`` and ``v_a / r_a + v_b / r_b``
stays; a membrane that is held at its reset potential is a voltage source to the other one. Half a step of this before
and half a step after the step that the circuits take on their own is of second order (Strang 1968, SIAM J. Numer.
Anal. 5:506).
"""

from __future__ import annotations

import numpy as np

from ..joints import Joints
from .indexing import as_slice


class Coupling:
    """Acts on the membranes in working units, ``x`` (trials, n), of which ``v = origin + unit x``.

    Parameters
    ----------
    joints : Joints
    h : float
        Step, us.
    x : float, (trials, n)
        Changed in place.
    origin : float, (trials, n)
    unit : float, (n,)
    held : bool, (trials, n)
        Which membranes are held at the start.
    """

    def __init__(self, joints: Joints, h: float, x: np.ndarray, origin: np.ndarray, unit: np.ndarray,
                 held: np.ndarray) -> None:
        self.x, self.n = x, x.shape[1]
        self._index = np.stack([joints.first, joints.second])
        self._first, self._second = as_slice(joints.first), as_slice(joints.second)
        self._unit = unit[self._index][:, None, :]
        self._ratio = self._unit[1] / self._unit[0]
        self._same_unit = bool(np.all(self._ratio == 1.0))
        self._shift = (origin[:, joints.first] - origin[:, joints.second]) / self._unit[0]
        # share of the distance that each membrane goes: if both are free, the other is held, it is held itself
        rate = np.stack([joints.rate_first, joints.rate_second])
        total = np.where(rate.sum(axis=0) > 0, rate.sum(axis=0), 1.0)
        free, driven = rate / total * -np.expm1(-0.5 * h * rate.sum(axis=0)), -np.expm1(-0.5 * h * rate)
        shape = (2, len(x), len(joints))
        self._shares = tuple(np.broadcast_to(share[:, None, :], shape) for share in (free, driven))
        self._pair = np.full(self.n, -1)
        self._pair[self._index] = np.arange(len(joints))
        self._side = np.zeros(self.n, np.int64)
        self._side[joints.second] = 1
        self._held = held[:, self._index].transpose(1, 0, 2).copy()
        self._go = np.empty(self._held.shape)
        self._d, self._move = np.empty_like(self._shift), np.empty_like(self._shift)
        self._set(slice(None), slice(None))

    def _set(self, trial, pair) -> None:
        """Shares of some pairs, with those that are held now; of the first in units of x, of the second negative."""
        held = self._held[:, trial, pair]
        free, driven = (share[:, trial, pair] for share in self._shares)
        share = np.where(held, 0.0, np.where(held[::-1], driven, free))
        self._go[0, trial, pair] = -share[0]
        self._go[1, trial, pair] = share[1] / self._ratio[0, pair]

    def hold(self, which: np.ndarray, held: bool) -> None:
        """Membranes, as flat indices (trial * n + circuit), are held from now on, or let go."""
        trial, circuit = np.divmod(which, self.n)
        mine = self._pair[circuit] >= 0
        if mine.any():
            trial, circuit = trial[mine], circuit[mine]
            pair = self._pair[circuit]
            self._held[self._side[circuit], trial, pair] = held
            self._set(trial, pair)

    def half(self) -> None:
        """Half a step."""
        a, b, d, move = self.x[:, self._first], self.x[:, self._second], self._d, self._move
        if self._same_unit:
            np.subtract(a, b, d)
        else:
            np.multiply(b, self._ratio, d)
            np.subtract(a, d, d)
        np.add(d, self._shift, d)
        np.multiply(d, self._go[0], move)
        np.multiply(d, self._go[1], d)
        if isinstance(self._first, slice):
            np.add(a, move, a)
        else:
            self.x[:, self._first] = a + move
        if isinstance(self._second, slice):
            np.add(b, d, b)
        else:
            self.x[:, self._second] = b + d
