"""What the rules of a spiking temporal memory share: activity and predictions are read once in each cycle."""

from __future__ import annotations

import numpy as np

from ..plasticity import PlasticityRule, Ppu, Recording, Timer

CODE_MAX = 63  # of a weight


class SequenceRule(PlasticityRule):
    """Executed at the end of each cycle, when an element has come and gone and its predictions stand.

    It reads the spike counters of somata and dendrites: a soma that has fired is active, a dendrite that has fired
    predicts its cell for the next element. A cycle without any active soma is a reset. How many cells of each column
    are active and predicted is recorded.

    Parameters
    ----------
    cycle : float
        ms.
    start : float
        When the first cycle ends, ms.
    columns, cells : int
    dynamic : bool
        Dynamic inhibitory weights: only cells that are predicted drive the inhibitory neuron of their column. So it
        is silent in a column without prediction, and a mismatched chip can't cut its burst short.

    Attributes
    ----------
    learning : bool
    soma, dendrite : Population or None
        Whose counters are read.
    active, predicted, winning : bool, (replicas, columns, cells)
        As the last cycle has left them; winners only where a rule chooses some.
    permanence : (replicas, somata, dendrites), or None before the first cycle
        As it is kept, ``permanence_max`` at most.
    """

    batched = True
    permanence_max = 1.0
    follows = False  # whether learn() is to be called while nothing is learnt, too, to follow what goes on

    def __init__(self, cycle: float, start: float, columns: int, cells: int, dynamic: bool, runtime_model=None) -> None:
        super().__init__(Timer(start=start, period=cycle), runtime_model)
        self.columns, self.cells, self.dynamic = columns, cells, dynamic
        self.learning, self.soma, self.dendrite = True, None, None
        self.permanence: np.ndarray | None = None
        self.active = self.predicted = self.winning = np.zeros((1, columns, cells), bool)

    def update(self, ppu: Ppu, synapses, neurons, recording: Recording) -> None:
        """See ``PlasticityRule.update``."""
        shape = (ppu.replicas, self.columns, self.cells)
        before, predicted = self.active.reshape(len(self.active), -1), self.predicted.reshape(len(self.predicted), -1)
        fired, plateau = (next(cells for cells in neurons if cells.label == p.mapped_label).get_rate_counters(
            reset=True) > 0 for p in (self.soma, self.dendrite))
        if "begun" not in ppu.memory:
            ppu.memory["begun"] = np.ones(ppu.replicas, np.int8)
            before = predicted = np.zeros_like(fired)
            self.begin_learning(ppu, synapses)
        if self.learning or self.follows:
            self.learn(ppu, synapses, before, fired, predicted, plateau)
        self.active, self.predicted = fired.reshape(shape), plateau.reshape(shape)
        if self.dynamic:
            self.inhibit(ppu, synapses[1], plateau)
        recording["active"] = self.active.sum(axis=2).astype(np.int16)
        recording["predicted"] = self.predicted.sum(axis=2).astype(np.int16)

    def begin_learning(self, ppu: Ppu, synapses) -> None:
        """Set up what the rule keeps."""

    def inhibit(self, ppu: Ppu, view, plateau: np.ndarray) -> None:
        """Dynamic weights from somata to inhibitory neurons, by the plateaus (replicas, dendrites) of this cycle."""
        view.set_weights(view.physical(CODE_MAX * plateau[:, view.pre_index]))

    def learn(self, ppu: Ppu, synapses, before: np.ndarray, fired: np.ndarray, predicted: np.ndarray,
              plateau: np.ndarray) -> None:
        """Change synapses after an element; with ``learning`` False only follow, where the rule does.

        Parameters
        ----------
        ppu, synapses
            As of ``PlasticityRule.update``; the first synapses are those from somata to dendrites.
        before, fired : bool, (replicas, somata)
            Active after the element before, and after this one.
        predicted, plateau : bool, (replicas, dendrites)
            Predicted for this element, and for the next one.
        """
        raise NotImplementedError(f"{type(self).__name__} has no learn()")

    def write(self, view, mature: np.ndarray) -> None:
        """Weights by maturity (replicas, somata, dendrites): the largest one or none."""
        view.set_weights(view.physical(np.where(mature[:, view.pre_index, view.post_index], CODE_MAX, 0)))
