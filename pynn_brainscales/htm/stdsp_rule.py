"""Spike-timing-dependent structural plasticity with homeostasis of dendritic action potentials."""

from __future__ import annotations

import numpy as np

from ..plasticity import Ppu
from .sequence_rule import SequenceRule

PERMANENCE_MAX, MATURE = 20.0, 10.0


class STDSPRule(SequenceRule):
    """Permanences by the order of spikes, cell by cell; no cell is told that it should win.

    At each spike of a soma that follows, in the cycle before, a spike of the presynaptic soma, a permanence P of at
    most 20 grows, and at each presynaptic spike it shrinks::

        P += 20 (potentiation exp(-cycle / tau_plus) + homeostasis (target - z))      P -= 20 depression

    z counts the plateaus of the postsynaptic dendrite, with the time constant ``tau_h``. Each synapse has a lowest
    permanence of its own, from which it starts: it breaks the symmetry between cells. From 10 on a synapse is mature.

    The rule of Bouhadjar et al. 2022, PLOS Comput. Biol. 18:e1010233, with what happens in one cycle taken together.

    Parameters
    ----------
    potentiation, depression, homeostasis : float
    target : float
        Plateaus in ``tau_h``.
    tau_plus, tau_h : float
        ms.
    initial : float
        The lowest permanences are uniform in 0..initial.
    probability : float
        With which a synapse may grow at all.
    seed : int
        Of lowest permanences.
    others
        As of ``SequenceRule``.
    """

    permanence_max = PERMANENCE_MAX
    bytes_kept = 5  # for a synapse, at most: it chooses the memory

    def __init__(self, cycle: float, start: float, columns: int, cells: int, dynamic: bool, potentiation: float = 0.08,
                 depression: float = 0.0015, homeostasis: float = 0.014, target: float = 1.0,
                 tau_plus: float | None = None, tau_h: float | None = None, initial: float = 8.0,
                 probability: float = 1.0, seed: int = 0, runtime_model=None) -> None:
        super().__init__(cycle, start, columns, cells, dynamic, runtime_model)
        self.potentiation, self.depression, self.homeostasis = potentiation, depression, homeostasis
        self.target, self.initial, self.probability, self.seed = target, initial, probability, seed
        self.trace = float(np.exp(-cycle / (0.5 * cycle if tau_plus is None else tau_plus)))
        self.decay = float(np.exp(-cycle / (14.0 * cycle if tau_h is None else tau_h)))

    def begin_learning(self, ppu: Ppu, synapses) -> None:
        """See ``SequenceRule.begin_learning``."""
        size, view = self.columns * self.cells, synapses[0]
        rng = np.random.default_rng([self.seed, 31])
        self._least = rng.uniform(0.0, self.initial, (size, size)).astype(np.float32)
        there = np.zeros((size, size), bool)
        there[view.pre_index, view.post_index] = view.row >= 0
        self._there = there & (rng.random((size, size)) < self.probability)
        ppu.memory["permanence"] = np.repeat((self._least * self._there)[None], ppu.replicas, axis=0)
        self.permanence = ppu.memory["permanence"]
        ppu.memory["plateaus"] = np.zeros((ppu.replicas, size), np.float32)

    def learn(self, ppu: Ppu, synapses, before, fired, predicted, plateau) -> None:
        """See ``SequenceRule.learn``."""
        permanence, z = ppu.memory["permanence"], ppu.memory["plateaus"]
        old = permanence >= MATURE
        for r in range(ppu.replicas):
            p, pre, post = permanence[r], np.flatnonzero(before[r]), np.flatnonzero(fired[r])
            if len(pre) and len(post):
                grow = self.potentiation * self.trace + self.homeostasis * (self.target - z[r, post])
                p[np.ix_(pre, post)] += PERMANENCE_MAX * grow.astype(np.float32)
            p[post] -= np.float32(PERMANENCE_MAX * self.depression)
            touched = np.union1d(pre, post)
            p[touched] = np.clip(p[touched], self._least[touched], PERMANENCE_MAX) * self._there[touched]
        z *= np.float32(self.decay)
        z += plateau
        if not np.array_equal(old, permanence >= MATURE):
            self.write(synapses[0], permanence >= MATURE)
