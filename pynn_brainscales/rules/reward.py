"""Reward-modulated STDP: causal pairs count as much as the reward exceeds what is usual.

Sources: Fremaux and Gerstner (2016), Front. Neural Circuits 9:85, for the rule; Wunderlich et al. (2019), Front.
Neurosci. 13:260, for its form on the chip.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..emulator.plasticity.cost import RuntimeModel
from ..emulator.plasticity.rounding import stochastic_round
from ..plasticity import PlasticityRule, Ppu, Recording, Timer

if TYPE_CHECKING:
    from ..emulator.plasticity.randomness import PpuRandom
    from ..emulator.plasticity.views import SynapseView

__all__ = ["RewardModulatedSTDP"]

Reward = Callable[[Ppu, np.ndarray], np.ndarray | float]
MEAN = "mean_reward"  # its name in the processor's memory


class RewardModulatedSTDP(PlasticityRule):
    """Weights change with the causal correlation of a period, times what its reward exceeds the mean reward by.

    With A the causal correlation since the last execution (steps of the converter), w the weight (codes), R the reward
    of the neuron j and m the mean reward, of the neuron or of the presynaptic cell k, each execution does

        w_kj <- w_kj + learning_rate (R_j - m) A_kj,  then  m <- m + mean_rate (R - m),

    rounds to whole codes, limits them to 0..63 and empties all sensors. A mean of a presynaptic cell follows the
    average of R over the neurons.

    Subclasses write ``reward``, or it is given as an argument. They may also write ``active`` (which presynaptic cells
    learn in this period) and ``change`` (what a synapse changes by). The arrays have the shapes of the views', with a
    leading axis of replicas where those have one.

    Parameters
    ----------
    timer : Timer
        One execution for each reward.
    learning_rate : float
        Codes for one step of the converter and one unit of reward.
    mean_rate : float
        Part of the way that the mean reward goes to the present one, above 0 and at most 1.
    initial_mean : float, array or None
        Mean reward at the start: above the rewards to be had (optimistic) it weakens what fires and so makes neurons
        try. None takes the first reward, which then changes nothing.
    baseline : "neuron" or "presynaptic"
        Whose mean reward it is: one for each postsynaptic neuron, or one for each presynaptic cell.
    rounding : "stochastic" or "nearest"
        Up with the probability of the fraction, or to the nearest code, halves upwards.
    reward : callable, optional
        ``reward(ppu, counts)`` instead of the method.
    runtime_model
        See ``PlasticityRule``.

    Notes
    -----
    Records "reward", (..., neurons), and "mean_reward", (..., neurons) or (..., presynaptic cells), after each
    execution. The mean rewards are kept in the processor's memory, so ``reset()`` starts them anew.
    """

    def __init__(self, timer: Timer, learning_rate: float = 0.125, mean_rate: float = 0.5,
                 initial_mean: float | np.ndarray | None = None, baseline: str = "neuron",
                 rounding: str = "stochastic", reward: Reward | None = None,
                 runtime_model: RuntimeModel | str = "chip") -> None:
        super().__init__(timer, runtime_model)
        name = type(self).__name__
        if not np.isfinite(learning_rate):
            raise ValueError(f"{name}: learning_rate={learning_rate!r} must be finite")
        if not 0.0 < mean_rate <= 1.0:
            raise ValueError(f"{name}: mean_rate={mean_rate!r} must be above 0 and at most 1")
        if initial_mean is not None and not np.isfinite(initial_mean).all():
            raise ValueError(f"{name}: initial_mean={initial_mean!r} must be finite, or None for the first reward")
        for key, value, known in (("baseline", baseline, ("neuron", "presynaptic")),
                                  ("rounding", rounding, ("stochastic", "nearest"))):
            if value not in known:
                raise ValueError(f"{name}: {key}={value!r} must be {known[0]!r} or {known[1]!r}")
        if reward is not None and not callable(reward):
            raise TypeError(f"{name}: reward={reward!r} must be a function reward(ppu, counts)")
        self.learning_rate, self.mean_rate, self.initial_mean = learning_rate, mean_rate, initial_mean
        self.baseline, self.rounding, self._reward = baseline, rounding, reward
        self._shape: tuple[int, ...] = ()  # of the mean rewards

    # --- for subclasses ------------------------------------------------------------------------------------

    def reward(self, ppu: Ppu, counts: np.ndarray) -> np.ndarray | float:
        """Reward of the period that has just ended.

        Parameters
        ----------
        ppu : Ppu
            ``ppu.period`` is the number of the period, also where earlier ones were missed.
        counts : int, (..., neurons)
            Spikes of the neurons since the last execution, at most 255.

        Returns
        -------
        float, (..., neurons) or (...)
            For each neuron, or one for all.
        """
        if self._reward is None:
            raise NotImplementedError(f"{type(self).__name__} has no reward(self, ppu, counts): write it in a subclass "
                                      "or give reward=...")
        return self._reward(ppu, counts)

    def active(self, ppu: Ppu) -> np.ndarray | None:
        """Which presynaptic cells learn in this period, bool (..., presynaptic cells); None for all.

        The weights of the others stay as they are, and so do their mean rewards.
        """
        return None

    def change(self, ppu: Ppu, view: SynapseView, counts: np.ndarray, modulation: np.ndarray,
               correlation: np.ndarray) -> np.ndarray:
        """What weights change by, in codes, before rounding.

        Parameters
        ----------
        ppu : Ppu
        view : SynapseView
            ``view.neuron`` is the postsynaptic cell of each column.
        counts : int, (..., neurons)
        modulation : float, broadcastable to (..., rows, columns)
            Reward above its mean.
        correlation : int, (..., rows, columns)
            Causal correlation, in steps of the converter; the rows are those in which a synapse learns.

        Returns
        -------
        float, broadcastable to (..., rows, columns)
        """
        return self.learning_rate * modulation * correlation

    def mean_reward(self, ppu: Ppu) -> np.ndarray:
        """Mean rewards, (..., neurons) or (..., presynaptic cells); NaN for cells that wait for their first reward.

        During ``change``, those that the present reward is compared with.
        """
        return ppu.memory[MEAN].reshape(self._shape)

    # --- the execution -------------------------------------------------------------------------------------

    def update(self, ppu: Ppu, synapses, neurons, recording: Recording) -> None:
        """See the class."""
        active = self.active(ppu)
        self._demand_one(synapses, neurons, active)
        counts = neurons[0].get_rate_counters(reset=True)
        reward = self._for_each_neuron(self.reward(ppu, counts), counts)
        mean, seen, moves = self._mean(ppu, synapses, counts, reward, active)
        for view in synapses:
            self._learn(ppu, view, counts, reward, mean, active)
            view.reset_correlation()
        mean = np.where(moves, mean + self.mean_rate * (seen - mean), mean)
        ppu.memory[MEAN] = mean.reshape(-1, mean.shape[-1]).astype(np.float32)
        recording["reward"], recording["mean_reward"] = reward, mean

    def _mean(self, ppu: Ppu, synapses, counts, reward, active):
        """The mean rewards, the reward that they follow, and which of them do so now.

        A mean without a number takes the first reward that it is to follow.
        """
        seen, moves, size = reward, np.True_, counts.shape[-1]
        if self.baseline == "presynaptic":
            seen, size = reward.mean(axis=-1, keepdims=True), int(synapses[0].pre_index.max()) + 1
            moves = np.True_ if active is None else active[..., :size]
        self._shape = (*counts.shape[:-1], size)
        if MEAN not in ppu.memory:
            start = np.array(np.nan if self.initial_mean is None else self.initial_mean, np.float32)
            if start.shape not in ((), (size,), self._shape):
                raise ValueError(f"{type(self).__name__}: initial_mean has shape {start.shape}, expected {self._shape}")
            ppu.memory[MEAN] = np.broadcast_to(start, self._shape).reshape(-1, size)
        kept = self.mean_reward(ppu)
        if np.isnan(kept).any():
            kept = np.where(np.isnan(kept) & moves, seen, kept)
            ppu.memory[MEAN] = kept.reshape(-1, size).astype(np.float32)
        return kept, seen, moves

    def _learn(self, ppu: Ppu, view: SynapseView, counts, reward, mean, active) -> None:
        """Change the weights of one projection."""
        pre = view.physical(view.pre_index).astype(int)
        learns = view.there
        if active is not None:
            learns = learns & active[..., pre]
        rows = np.flatnonzero(learns.any(axis=(*range(learns.ndim - 2), -1)))
        if not rows.size:
            return
        of_synapse = mean[..., None, view.neuron] if self.baseline == "neuron" else mean[..., pre[rows]]
        weights = view.get_weights(rows)
        change = self.change(ppu, view, counts, reward[..., None, view.neuron] - of_synapse,
                             view.get_causal_correlation(rows))
        learns = np.broadcast_to(learns[..., rows, :], weights.shape)
        values = weights + np.where(learns, change, 0.0)
        if self.rounding == "stochastic":
            values = _round_rows(values, np.asarray(learns.any(axis=-1)), ppu.lanes)
        view.set_weights(values, rows)

    def _for_each_neuron(self, reward, counts: np.ndarray) -> np.ndarray:
        name, reward = type(self).__name__, np.asarray(reward, float)
        if reward.shape != counts.shape:
            if reward.shape not in ((), counts.shape[:-1]):
                raise ValueError(f"{name}: the reward has shape {reward.shape}; expected {counts.shape}, one for each "
                                 f"neuron, or {counts.shape[:-1]}, one for all")
            reward = np.broadcast_to(reward[..., None], counts.shape)
        if not np.isfinite(reward).all():
            raise ValueError(f"{name}: a reward isn't finite")
        return reward

    def _demand_one(self, synapses, neurons, active) -> None:
        """What can't be told apart by the numbers of cells is refused."""
        name = type(self).__name__
        if len(neurons) != 1:
            raise ValueError(f"{name} works on the synapses of one population, not of {len(neurons)}: give each its "
                             "own rule")
        if len(synapses) > 1 and (active is not None or self.baseline == "presynaptic"):
            raise ValueError(f"{name}: presynaptic cells are numbered in one projection, and this rule has "
                             f"{len(synapses)}: give each its own rule, or use baseline='neuron' and no active()")
        if active is not None:
            cells = int(synapses[0].pre_index.max()) + 1
            if active.dtype != bool or active.shape[-1] < cells:
                raise ValueError(f"{name}: active() gave {active.dtype} {active.shape}, expected bool (..., {cells})")


def _round_rows(values: np.ndarray, wanted: np.ndarray, lanes: PpuRandom) -> np.ndarray:
    """Round the wanted rows (..., rows) of values (..., rows, columns) stochastically.

    Each replica draws for its own rows only, so it draws the same in any batch whose replicas have equally many.
    """
    most = int(wanted.sum(axis=-1).max())
    order = np.argsort(~wanted, axis=-1, kind="stable")[..., :most, None]
    own = np.take_along_axis(values, order, axis=-2)
    result = np.array(values)
    np.put_along_axis(result, order, stochastic_round(own.reshape(-1, *own.shape[-2:]), lanes).reshape(own.shape), -2)
    return result
