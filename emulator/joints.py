"""Pairs of circuits whose membranes are joined by a conductance: the compartments of a neuron.

    C_a dv_a/dt = ... + g (v_b - v_a)        C_b dv_b/dt = ... + g (v_a - v_b)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .frozen import Frozen


@dataclass(frozen=True, eq=False)
class Joints(Frozen):
    """Joined membranes, arrays of shape (K,).

    Attributes
    ----------
    first, second : int
        Circuits, masters both; a circuit is in one pair at most.
    rate_first, rate_second : float
        Conductance over the capacitance of each of the two, 1 / us.
    """

    first: np.ndarray
    second: np.ndarray
    rate_first: np.ndarray
    rate_second: np.ndarray

    def __len__(self) -> int:
        return len(self.first)


def verify_joints(joints: Joints, master: np.ndarray) -> None:
    """Raise ValueError if joints break what the chip demands; ``master`` (N,) as of ``Circuits``."""
    n, both = len(master), np.concatenate([joints.first, joints.second])
    for name in ("first", "second", "rate_first", "rate_second"):
        if getattr(joints, name).shape != (len(joints),):
            raise ValueError(f"joints.{name} has shape {getattr(joints, name).shape}, expected ({len(joints)},)")
    if np.any((both < 0) | (both >= n)):
        raise ValueError(f"joints name circuits from {both.min()} to {both.max()}; there are 0..{n - 1}")
    if np.any(master[both] != both):
        raise ValueError("joints must name circuits that hold a membrane of their own")
    if len(np.unique(both)) != len(both):
        raise ValueError("a circuit is in more than one pair of joined membranes")
    rates = np.concatenate([joints.rate_first, joints.rate_second])
    if not np.all(np.isfinite(rates) & (rates >= 0)):
        raise ValueError("rates of joints must be finite and >= 0")
