"""A step of a membrane: what is asked of it, and the formula shared by those that are not linear."""

from __future__ import annotations

from typing import Protocol

import numpy as np

_TINY = 1e-300  # keeps 0 / 0 away, and changes nothing else


class Membrane(Protocol):
    """What a group asks of the membranes of its model."""

    def integrate(self) -> None:
        """From one step to the next, in place: membrane, the model's own variables, synapses."""


def relax(v: np.ndarray, force: np.ndarray, exponent: np.ndarray, work: np.ndarray) -> None:
    """``v += force (exp(z) - 1) / z`` with z the exponent, all (trials, n); ``exponent`` and ``work`` are overwritten.

    With ``force = h F(v)`` and ``z = h dF/dv`` a step of the exponential Rosenbrock-Euler method (Hochbruck, Ostermann
    & Schweitzer 2009, SIAM J. Numer. Anal. 47:786): exact for linear F, second order for others, stable where the
    membrane decays, however fast.
    """
    np.add(exponent, _TINY, exponent)
    np.expm1(exponent, work)
    np.divide(work, exponent, work)
    np.multiply(work, force, work)
    np.add(v, work, v)
