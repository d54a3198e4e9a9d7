"""What a synapse does to a soma and a dendrite that a conductance joins: for choosing weights."""

from __future__ import annotations

import numpy as np


def peaks(tau_m: tuple[float, float], rate: tuple[float, float], tau_syn: float) -> tuple[float, float]:
    """Largest depolarisations of both membranes by a current ``exp(-t / tau_syn)`` of 1 mV/ms into the first one.

    Parameters
    ----------
    tau_m : float, float
        Of the first and the second membrane, ms.
    rate : float, float
        Conductance between them over the capacitance of each, 1/ms.
    tau_syn : float
        ms.

    Returns
    -------
    float, float
        mV.
    """
    a = np.array([[-1.0 / tau_m[0] - rate[0], rate[0], 1.0], [rate[1], -1.0 / tau_m[1] - rate[1], 0.0],
                  [0.0, 0.0, -1.0 / tau_syn]])
    value, vector = np.linalg.eig(a)
    share = np.linalg.solve(vector, np.array([0.0, 0.0, 1.0]))
    time = np.linspace(0.0, 10.0 * max(*tau_m, tau_syn), 20_001)
    course = np.real((vector * share) @ np.exp(np.outer(value, time)))
    return float(course[0].max()), float(course[1].max())
