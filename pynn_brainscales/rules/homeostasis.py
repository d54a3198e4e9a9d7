"""Homeostasis: weights that bring neurons to a rate."""

from __future__ import annotations

import numpy as np

from ..plasticity import PlasticityRule, Ppu, Recording, Timer


class Homeostasis(PlasticityRule):
    """Weights of neurons that were slower than the target in the last period grow by a code, those of others shrink.

    For a neuron of n spikes in a period T, every weight onto it changes by ``step * sign(target T - n)`` codes, with
    the opposite sign where ``inhibitory`` says so.

    Parameters
    ----------
    timer : Timer
    target : float
        Rate, Hz; a period should have several spikes, and no more than the counters' 255.
    step : float
        In codes of the weight (0..63).
    inhibitory : bool
        The synapses are inhibitory: their weights grow where neurons are too fast.
    runtime_model
        As of ``PlasticityRule``.
    """

    batched = True

    def __init__(self, timer: Timer, target: float, step: float = 1.0, inhibitory: bool = False,
                 runtime_model="chip") -> None:
        super().__init__(timer, runtime_model)
        most = 255e3 / timer.period
        if not 0 < target < most:
            raise ValueError(f"Homeostasis: target={target:g} Hz; in a period of {timer.period:g} ms a spike counter "
                             f"tells rates above 0 and below {most:g} Hz")
        if not step > 0:
            raise ValueError(f"Homeostasis: step={step:g} must be > 0 codes")
        self.target, self.step, self.sign = target, step, -1.0 if inhibitory else 1.0

    def update(self, ppu: Ppu, synapses, neurons, recording: Recording) -> None:
        """See ``PlasticityRule.update``."""
        wanted = self.target * self.timer.period * 1e-3
        counts = {cells.label: cells.get_rate_counters(reset=True) for cells in neurons}
        for view in synapses:
            error = np.sign(wanted - counts[view.post][..., view.neuron])
            view.set_weights(view.get_weights() + self.sign * self.step * error[..., None, :])
