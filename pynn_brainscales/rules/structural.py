"""Structural plasticity: slots lose weak partners and try others, so that sparse neurons find the inputs that matter.

In each execution the weight of every slot changes by

    dw = eta c - decay n w + sigma xi,

with its causal correlation c and the spikes n of its neuron since the last execution, and a normal number xi: what
helps to fire grows, neurons that fire much lose weight in all their slots, and noise keeps what is not used moving.
Then *elimination* says which slots lose their partner, *partner selection* proposes another one, and *formation* says
with which weight it begins. Rewriting the label of a slot is both, so no neuron ever gains or loses a slot.

On the chip: S. Billaudelle et al. (2021), Neural Networks 133, 11-20. The three parts are those of P. A. Bogdan et al.
(2018), Front. Neurosci. 12:434. All arrays are (..., rows, columns), as those of the view.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ..emulator import limits
from ..emulator.plasticity.cost import RuntimeModel
from ..emulator.plasticity.neuron_view import NeuronView
from ..emulator.plasticity.views import SynapseView
from ..plasticity import PlasticityRule, Ppu, Recording, Timer

__all__ = ["DistanceDependentFormation", "Elimination", "FixedWeightFormation", "Formation", "PartnerSelection",
           "RandomByWeightElimination", "RandomSelection", "StructuralPlasticity", "UnusedSelection",
           "WeightElimination"]


class PartnerSelection(Protocol):
    """Which candidate a slot gets that has lost its partner."""

    def select(self, ppu: Ppu, view: SynapseView, labels: np.ndarray, eliminated: np.ndarray) -> np.ndarray:
        """New labels of all slots; those of ``eliminated`` ones (bool) count."""


class Formation(Protocol):
    """Whether a synapse with a new partner is formed, and how strong it begins."""

    def form(self, ppu: Ppu, view: SynapseView, labels: np.ndarray) -> np.ndarray:
        """Weights (codes 0..63) that synapses with these labels would begin with; 0 where none is formed."""


class Elimination(Protocol):
    """Which slots lose their partner."""

    def eliminate(self, ppu: Ppu, view: SynapseView, weights: np.ndarray) -> np.ndarray:
        """True where a partner is lost, from the present weights (codes)."""


# --- partner selection -------------------------------------------------------------------------------------


class RandomSelection:
    """Any candidate, with equal probability."""

    def select(self, ppu: Ppu, view: SynapseView, labels: np.ndarray, eliminated: np.ndarray) -> np.ndarray:
        """New labels of all slots."""
        return ppu.rng.integers(0, len(_candidates(view)), labels.shape)


class UnusedSelection:
    """Candidates that no slot of the neuron has, with equal probability; any where there are none."""

    def select(self, ppu: Ppu, view: SynapseView, labels: np.ndarray, eliminated: np.ndarray) -> np.ndarray:
        """New labels of all slots."""
        k = len(_candidates(view))
        kept = (view.there & ~eliminated)[..., None] & (labels[..., None] == np.arange(k))
        # a random order of the candidates for each neuron, the used ones last; the slots take them in turn
        order = np.argsort(ppu.rng.random((*labels.shape[:-2], labels.shape[-1], k)) + kept.any(axis=-3), axis=-1)
        nth = np.where(eliminated, np.cumsum(eliminated, axis=-2) - 1, 0) % k
        return np.take_along_axis(np.swapaxes(order, -1, -2), nth, axis=-2)


# --- formation ---------------------------------------------------------------------------------------------


class FixedWeightFormation:
    """Every synapse is formed, with one weight.

    Parameters
    ----------
    weight : int
        Code 1..63.
    """

    def __init__(self, weight: int = 20) -> None:
        self.weight = _code(weight, "weight")

    def form(self, ppu: Ppu, view: SynapseView, labels: np.ndarray) -> np.ndarray:
        """The weight, everywhere."""
        return np.full(labels.shape, self.weight)


class DistanceDependentFormation(FixedWeightFormation):
    """A synapse is formed with a probability that falls with distance: ``p exp(-d^2 / (2 s^2))``.

    Parameters
    ----------
    distance : float, (candidates, postsynaptic cells)
        From every candidate to every cell, in the units of ``scale``.
    scale : float
        s, > 0.
    probability : float
        p, of a distance of 0; 0 to 1.
    weight : int
        That a new synapse begins with, code 1..63.
    """

    def __init__(self, distance, scale: float, probability: float = 1.0, weight: int = 20) -> None:
        super().__init__(weight)
        if not scale > 0 or not 0 <= probability <= 1:
            raise ValueError(f"scale={scale!r} must be > 0, and probability={probability!r} from 0 to 1")
        self.distance, self.scale, self.probability = np.asarray(distance, float), scale, probability

    def form(self, ppu: Ppu, view: SynapseView, labels: np.ndarray) -> np.ndarray:
        """The weight where a synapse is formed, else 0."""
        wanted = (len(_candidates(view)), int(view.neuron.max()) + 1)
        if self.distance.ndim != 2 or len(self.distance) != wanted[0] or self.distance.shape[1] < wanted[1]:
            raise ValueError(f"distance has shape {self.distance.shape}; there are {wanted[0]} candidates and at least "
                             f"{wanted[1]} postsynaptic cells")
        d = self.distance[labels, np.broadcast_to(view.neuron, labels.shape)]
        formed = ppu.rng.random(labels.shape) < self.probability * np.exp(-(d**2) / (2.0 * self.scale**2))
        return np.where(formed, self.weight, 0)


# --- elimination -------------------------------------------------------------------------------------------


class WeightElimination:
    """Partners are lost when the weight falls below a threshold.

    Parameters
    ----------
    threshold : float
        Code; 0 eliminates nothing.
    """

    def __init__(self, threshold: float = 12.0) -> None:
        self.threshold = float(threshold)

    def eliminate(self, ppu: Ppu, view: SynapseView, weights: np.ndarray) -> np.ndarray:
        """True below the threshold."""
        return weights < self.threshold


class RandomByWeightElimination:
    """Partners are lost at random, those with a weight below a threshold more often.

    Parameters
    ----------
    threshold : float
        Code.
    below, above : float
        Probability of being lost in an execution, below the threshold and from it on.
    """

    def __init__(self, threshold: float, below: float, above: float = 0.0) -> None:
        if not (0 <= below <= 1 and 0 <= above <= 1):
            raise ValueError(f"below={below!r} and above={above!r} must be probabilities from 0 to 1")
        self.threshold, self.below, self.above = float(threshold), below, above

    def eliminate(self, ppu: Ppu, view: SynapseView, weights: np.ndarray) -> np.ndarray:
        """True where chance says so."""
        return ppu.rng.random(weights.shape) < np.where(weights < self.threshold, self.below, self.above)


# --- the rule ----------------------------------------------------------------------------------------------


class StructuralPlasticity(PlasticityRule):
    """Plastic weights and partners of slots (``PlasticSynapse(..., slots=True)``); see the module for the equations.

    Parameters
    ----------
    timer : Timer
    eta : float
        Gain of the correlation, codes for a unit of the converter.
    decay : float
        Share of its weight that a slot loses for each spike of its neuron.
    sigma : float
        Standard deviation of the random walk of an execution, codes.
    selection : PartnerSelection, optional
        By default ``RandomSelection()``.
    formation : Formation, optional
        By default ``FixedWeightFormation(20)``.
    elimination : Elimination, optional
        By default ``WeightElimination(12)``.
    rewire_every : int
        Only in every so many executions partners change.
    runtime_model
        See ``PlasticityRule``.

    Notes
    -----
    Records "rewired", the share of slots that have lost their partner, for each projection. All settings are attributes
    that may be changed during an experiment.
    """

    def __init__(self, timer: Timer, eta: float = 0.5, decay: float = 0.008, sigma: float = 1.0,
                 selection: PartnerSelection | None = None, formation: Formation | None = None,
                 elimination: Elimination | None = None, rewire_every: int = 1,
                 runtime_model: RuntimeModel | str = "chip") -> None:
        super().__init__(timer, runtime_model)
        if sigma < 0 or rewire_every < 1:
            raise ValueError(f"sigma={sigma!r} must be >= 0 and rewire_every={rewire_every!r} at least 1")
        self.eta, self.decay, self.sigma, self.rewire_every = eta, decay, sigma, rewire_every
        self.selection = RandomSelection() if selection is None else selection
        self.formation = FixedWeightFormation() if formation is None else formation
        self.elimination = WeightElimination() if elimination is None else elimination

    def update(self, ppu: Ppu, synapses: Sequence[SynapseView], neurons: Sequence[NeuronView], recording: Recording
               ) -> None:
        """Change weights, then partners, of all projections."""
        counts = [cells.get_rate_counters(reset=True) for cells in neurons]
        rewired = []
        for view in synapses:
            _candidates(view)
            spikes = next(n for n, cells in zip(counts, neurons, strict=True) if cells.receives(view))
            weights = view.get_weights()
            change = self.weight_change(ppu, view, spikes[..., view.neuron], weights)
            weights = np.clip(np.floor(weights + change + 0.5), 0, limits.WEIGHT_MAX).astype(int)
            if ppu.period % self.rewire_every == 0:
                weights, lost = self.rewire(ppu, view, weights)
                rewired.append(lost.sum(axis=(-2, -1)) / view.there.sum())
            view.set_weights(weights)
            view.reset_correlation()
        if rewired:
            recording["rewired"] = np.array(rewired)

    def weight_change(self, ppu: Ppu, view: SynapseView, spikes: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Change of the weights, codes (..., rows, columns); ``spikes`` (..., columns) since the last execution."""
        noise = self.sigma * ppu.rng.standard_normal(weights.shape)
        return self.eta * view.get_causal_correlation() - self.decay * spikes[..., None, :] * weights + noise

    def rewire(self, ppu: Ppu, view: SynapseView, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Write the labels of slots that lose their partner; weights with those of new synapses, and which they are."""
        labels = view.get_labels()
        lost = self.elimination.eliminate(ppu, view, weights) & view.there
        labels = np.where(lost, self.selection.select(ppu, view, labels, lost), labels)
        view.set_labels(labels)
        return np.where(lost, self.formation.form(ppu, view, labels), weights), lost


def _candidates(view: SynapseView) -> np.ndarray:
    if view.candidates is None:
        raise ValueError("structural plasticity needs slots, whose labels mean partners: "
                         "PlasticSynapse(rule, slots=True)")
    return view.candidates


def _code(value: int, name: str) -> int:
    if not 1 <= value <= limits.WEIGHT_MAX or int(value) != value:
        raise ValueError(f"{name}={value!r} must be a code 1..{limits.WEIGHT_MAX}")
    return int(value)
