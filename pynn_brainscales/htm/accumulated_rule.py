"""STDSP as the chip's own processor does it: once in many presentations, from what its sensors have accumulated."""

from __future__ import annotations

import numpy as np

import pynn_brainscales as sim

from ..plasticity import Ppu
from .sequence_network import SequenceNetwork
from .sequence_rule import CODE_MAX, SequenceRule

PERMANENCE_MAX = 127.0
_BASELINE_READINGS = 32


class AccumulatedRule(SequenceRule):
    """Once in an epoch of many presentations permanences follow the correlation sensors.

    A projection without weight from somata to somata measures their causal pairs: ``c``, relative to what one pair in
    each presentation would give. Where it is above a threshold ::

        P += potentiation c + homeostasis (target - z)            P -= depression n

    with the postsynaptic plateaus z (1 at most) and the presynaptic spikes n in a presentation, by the counters. A
    synapse is mature, with the largest weight, from ``mature`` on. With several replicas sensors and counters are
    averaged over them, and all get the same weights.

    ``potentiation`` is little more than ``depression``: once a cell has its plateaus, only surely correlated synapses
    stay. Sensors vary from synapse to synapse, and some see pairs that are two cycles apart.

    After the rule of Dietrich et al. 2024 for the chip, which reads plateaus from sensors, too.

    Parameters
    ----------
    epoch : int
        In cycles.
    presentations : int
        Of each sequence in an epoch.
    potentiation, homeostasis, depression, target : float
        The first three in units of 1/127.
    correlation : float
        Threshold of ``c``.
    start_permanence, mature : float
    probability : float
        With which a synapse may grow at all.
    eta, tau : float
        Of the sensors. With a longer time constant a pair is read more surely, but pairs that are two cycles apart are
        less different from those of one.
    readings : int
        Of each sensor at the end of an epoch, to be averaged.
    seed : int
    others
        As of ``SequenceRule``. With ``dynamic`` weights, cells that had a plateau in at least half of the
        presentations drive their inhibitory neuron in the next epoch.
    """

    permanence_max = PERMANENCE_MAX

    def __init__(self, cycle: float, start: float, columns: int, cells: int, dynamic: bool, epoch: int = 50,
                 presentations: int = 5, potentiation: float = 1.2, homeostasis: float = 3.0, depression: float = 0.6,
                 target: float = 1.0, correlation: float = 0.5, start_permanence: float = 5.0, mature: float = 40.0,
                 probability: float = 0.4, eta: float = 2.0, tau: float = 12.0, readings: int = 16, seed: int = 0,
                 runtime_model=None) -> None:
        super().__init__(cycle, start, columns, cells, dynamic, runtime_model)
        self.epoch, self.presentations, self.eta, self.tau, self.readings = epoch, presentations, eta, tau, readings
        self.potentiation, self.homeostasis, self.depression = potentiation, homeostasis, depression
        self.target, self.correlation, self.seed = target, correlation, seed
        self.start_permanence, self.mature, self.probability = start_permanence, mature, probability
        self._pair = presentations * eta * float(np.exp(-cycle / tau))

    def measure(self, network: SequenceNetwork, connected: np.ndarray) -> None:
        """Add the projection that measures to the network; ``connected`` bool (somata, somata)."""
        values = {"weight": 0.0, "w_max": network.parameters.weights["distal"], "delay": network.delay,
                  "eta": self.eta, "tau": self.tau}
        self.pairs = sim.Projection(network.soma, network.soma, sim.ArrayConnector(connected),
                                    sim.PlasticSynapse(self, **values), label="soma to soma, to measure")

    def begin_learning(self, ppu: Ppu, synapses) -> None:
        """See ``SequenceRule.begin_learning``."""
        size, view = self.columns * self.cells, synapses[0]
        rng = np.random.default_rng([self.seed, 37])
        there = np.zeros((size, size), bool)
        there[view.pre_index, view.post_index] = view.row >= 0
        self._there = there & (rng.random((size, size)) < self.probability)
        self.permanence = np.where(self._there, self.start_permanence, 0.0)[None]  # one for all replicas
        synapses[-1].reset_correlation()
        self._baseline = self._mean(synapses[-1], _BASELINE_READINGS)
        self._spikes, self._plateaus, self._cycles = np.zeros(size), np.zeros(size), 0

    def learn(self, ppu: Ppu, synapses, before, fired, predicted, plateau) -> None:
        """See ``SequenceRule.learn``."""
        self._spikes += fired.mean(axis=0)
        self._plateaus += plateau.mean(axis=0)
        self._cycles += 1
        if self._cycles < self.epoch:
            return
        sensors, c = synapses[-1], np.zeros(self.permanence.shape[1:])
        c[sensors.pre_index, sensors.post_index] = self._read(sensors)
        z, n = (count / self.presentations for count in (self._plateaus, self._spikes))
        grow = self.potentiation * c + self.homeostasis * (self.target - np.minimum(z, 1.0))
        p = self.permanence[0] + np.where(c > self.correlation, grow, 0.0) - self.depression * n[:, None]
        self.permanence = (np.clip(p, 0.0, PERMANENCE_MAX) * self._there)[None]
        self.write(synapses[0], np.repeat(self.permanence >= self.mature, ppu.replicas, axis=0))
        if self.dynamic:
            view = synapses[1]
            driving = np.repeat((self._plateaus >= 0.5 * self.presentations)[None], ppu.replicas, axis=0)
            view.set_weights(view.physical(CODE_MAX * driving[:, view.pre_index]))
        self._spikes, self._plateaus, self._cycles = np.zeros_like(self._spikes), np.zeros_like(self._plateaus), 0

    def _read(self, view) -> np.ndarray:
        """Correlation of each connection, in pairs for each presentation; the sensors are emptied."""
        value = self._mean(view, self.readings) - self._baseline
        view.reset_correlation()
        return np.nan_to_num(value) / self._pair

    @staticmethod
    def _mean(view, readings: int) -> np.ndarray:
        """Mean of several readings, by connection."""
        return view.logical(np.mean([view.get_causal_correlation().mean(axis=0) for _ in range(readings)], axis=0))

    def inhibit(self, ppu: Ppu, view, plateau: np.ndarray) -> None:
        """Weights change at the end of an epoch only."""
