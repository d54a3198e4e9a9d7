"""Homeostatic depression: correlation weakens a synapse, a slow drift restores it, noise lets it wander."""

from __future__ import annotations

import numpy as np

from ..emulator.plasticity.cost import RuntimeModel
from ..plasticity import PlasticityRule, Timer

__all__ = ["HomeostaticDepression"]

_BYTE_SIGMA = float(np.sqrt((256**2 - 1) / 12))  # of a uniform byte


class HomeostaticDepression(PlasticityRule):
    """Weights that fall with the correlation of their spikes and drift back to a set point.

    At every execution each synapse of all projections with this rule changes its code w (0..63) by ::

        w += -(eta * causal + eta_acausal * acausal) + drift * (w0 - w) + noise * xi

    with the correlations in steps of the converter, collected since the last execution, and xi uniform with mean 0
    and variance 1. The result is rounded stochastically, so that changes below one code act on average, and saturated
    at 0 and 63; sensors are emptied. More output means more pairs and smaller weights, so the rule keeps the rate of a
    neuron, whatever feeds it. Inhibitory weights follow the same rule as magnitudes.

    Rounding adds a variance of f (1 - f) to that of the noise, f being the fraction of a code that is rounded. All
    random numbers come from the processor's shift registers. The terms are those of B. Cramer et al., "Control of
    criticality and computation in spiking neuromorphic networks with plasticity", Nat. Commun. 11, 2853 (2020); a
    stochastic term with a positive mean m, as it stands there, is ``w0 = m / drift``.

    Parameters
    ----------
    timer : Timer
        When the rule is executed, in ms.
    w0 : float
        Set point of the drift, codes; above 63 the drift never vanishes.
    eta, eta_acausal : float
        Depression for one step of the converter, codes. Without ``eta_acausal`` the acausal sensors are not read.
    drift : float
        Part of the way to ``w0`` that an execution covers, 0..1.
    noise : float
        Standard deviation of the stochastic term, codes.
    runtime_model : "chip", None, float or callable
        See :class:`PlasticityRule`.
    """

    def __init__(self, timer: Timer, w0: float, eta: float, drift: float, noise: float = 0.0, eta_acausal: float = 0.0,
                 runtime_model: RuntimeModel | str = "chip") -> None:
        super().__init__(timer, runtime_model)
        for name, value in (("w0", w0), ("eta", eta), ("eta_acausal", eta_acausal), ("noise", noise)):
            if not 0.0 <= value < np.inf:
                raise ValueError(f"HomeostaticDepression: {name} must be finite and not negative, got {value}")
        if not 0.0 <= drift <= 1.0:
            raise ValueError(f"HomeostaticDepression: drift must lie in 0..1, got {drift}")
        self.w0, self.eta, self.eta_acausal = float(w0), float(eta), float(eta_acausal)
        self.drift, self.noise = float(drift), float(noise)

    def update(self, ppu, synapses, neurons, recording) -> None:
        """Change the weights of all projections; records nothing."""
        for view in synapses:
            depression = np.zeros(1)
            if self.eta:
                depression = self.eta * view.get_causal_correlation()
            if self.eta_acausal:
                depression = depression + self.eta_acausal * view.get_acausal_correlation()
            view.set_weights(self.changed(view.get_weights(), depression, ppu.lanes))
            view.reset_correlation()

    def changed(self, weights: np.ndarray, depression: np.ndarray, lanes) -> np.ndarray:
        """Weights after one execution, before saturation.

        Parameters
        ----------
        weights : int, (..., rows, columns)
        depression : float, broadcastable to the weights
            Codes to be taken away.
        lanes : PpuRandom
            With as many trials as the leading axes hold.

        Returns
        -------
        int, (..., rows, columns)
        """
        moved = weights - depression + self.drift * (self.w0 - weights)
        shape = weights.shape[-2:]
        moved = moved.reshape(-1, *shape)
        if self.noise:
            moved += (self.noise / _BYTE_SIGMA) * (lanes.uint8(shape) - 127.5)
        return np.floor(moved + (lanes.uint8(shape) + 0.5) / 256.0).astype(np.int64).reshape(weights.shape)
