"""How a spiking spatial pooler learns: a plasticity rule, executed after each record.

Columns whose spike counter is not 0 have won. In all of them synapses of inputs that were active gain ``increment``,
the others lose ``decrement``; columns that have not won keep what they have. The permanences (0..63) live in the rule's
memory; the weight of a synapse at or above ``connected`` is the same for all synapses of a column,

    round(W0 exp(boost (k / columns - duty))), limited to 1..63,

with the share of records that the column has won of late (duty), and 0 below it: boosting multiplies the overlap of a
column, as in the algorithm.

Whether an input was active the causal sensors tell: they hold a pair for each of its synapses onto a winner. One pair
is less than 2 LSB, and a reading has a noise of more than 1 LSB; but all winners have seen the same inputs. So the
processor takes the mean over the winners that have a synapse of the input, and reads again if they are few.
"""

from __future__ import annotations

import numpy as np

from ..emulator import limits
from ..emulator.plasticity.cost import CostMeter, Operation, transfer_time
from ..plasticity import PlasticityRule, Ppu, Recording, Timer
from .pooler_network import W0

FULL = 63  # largest permanence
SAMPLES = 20  # readings of synapses of an input that are averaged, if the winners have that many
SHARE = 0.35  # of the largest correlation: what means that an input was active


class PoolerRule(PlasticityRule):
    """Permanences, boost and weights of a spatial pooler.

    Parameters
    ----------
    timer : Timer
        One period for each record.
    permanence : int, (inputs, columns)
        To begin with, 0..63; -1 where there is no potential synapse.
    k : int
        Columns that are to win.
    increment, decrement, connected : int
        In units of the permanences.
    boost : float
        0 is no boosting.
    duty_period : int
        Records over which duty cycles are taken.
    runtime_model
        As of ``PlasticityRule``.

    Attributes
    ----------
    permanence : int16, (columns, inputs)
        Of now, as in the rule's memory; ``potential`` says where there is a synapse.
    duty, gain : (columns,)
        Duty cycles, which begin at what they are to be, and codes of connected synapses.
    won : list of int arrays
        Winners of all records since somebody has emptied the list.
    judged : list of bool arrays (inputs,)
        Which inputs the sensors have found active in these records; None where nobody won.
    """

    batched = True
    bytes_kept = 2  # of a synapse

    def __init__(self, timer: Timer, permanence: np.ndarray, k: int, increment: int = 5, decrement: int = 1,
                 connected: int = 32, boost: float = 0.0, duty_period: int = 1000, runtime_model=None) -> None:
        super().__init__(timer, runtime_model)
        self.k, self.increment, self.decrement, self.connected = k, increment, decrement, connected
        self.boost, self.duty_period = boost, duty_period
        self.potential = np.ascontiguousarray(permanence.T >= 0)
        self.permanence = np.where(self.potential, permanence.T, 0).astype(np.int16)
        columns = len(self.permanence)
        # as if every column had already won once: otherwise the first records would boost all others to the full
        self.duty, self.records, self._before = np.full(columns, k / columns), 0, round(columns / k)
        self.gain = self._gain()
        self.won: list[np.ndarray] = []
        self.judged: list[np.ndarray | None] = []

    def connected_inputs(self, columns=slice(None)) -> np.ndarray:
        """Which synapses are connected, bool (columns, inputs)."""
        return (self.permanence[columns] >= self.connected) & self.potential[columns]

    def codes(self, columns=slice(None)) -> np.ndarray:
        """Weights (columns, inputs) that belong to the present permanences."""
        return self.connected_inputs(columns) * self.gain[columns, None]

    def update(self, ppu: Ppu, synapses, neurons, recording: Recording) -> None:
        """See ``PlasticityRule.update``."""
        (view,), cells = synapses, neurons[0]
        if "permanence" not in ppu.memory:
            self._begin(ppu, view)
        self.permanence = ppu.memory["permanence"][0]
        winners = np.flatnonzero(cells.get_rate_counters(reset=True)[0])
        active = self._active(view, winners) if len(winners) else None
        if active is not None:
            rows = self.permanence[winners] + np.where(active, self.increment, -self.decrement)
            self.permanence[winners] = np.clip(rows, 0, FULL) * self.potential[winners]
        before = self.gain
        self._count(winners)
        self._write(view, np.union1d(winners, np.flatnonzero(self.gain != before)))
        view.reset_correlation()
        cells.reset_neurons()
        self.won.append(winners)
        self.judged.append(active)

    def processor_time(self) -> float:
        """How long an execution with ``k`` winners takes the processor of a half of a chip, us of hardware time."""
        meter, rows = CostMeter(), np.arange(min(limits.ROWS, self.permanence.shape[1]))
        for _ in range(self._readings(self.k)):
            meter.read_correlation(rows)
        meter.rows(Operation.WEIGHT_WRITE, rows)
        meter.rows(Operation.CORRELATION_RESET, rows)
        meter.charge(Operation.COUNTER_READ, len(self.permanence) // limits.HALVES)
        vectors = -(-self.permanence.nbytes // (limits.HALVES * limits.PROCESSOR_LANES))
        meter.charge(Operation.EXTERNAL_LOAD, vectors)
        meter.charge(Operation.EXTERNAL_STORE, vectors)
        return transfer_time(meter)

    def _readings(self, winners: int) -> int:
        """How often the sensors are read for so many winners."""
        return -(-SAMPLES // winners)

    def _begin(self, ppu: Ppu, view) -> None:
        """Where the synapses of inputs onto columns lie; -1 is nowhere."""
        ppu.memory["permanence"] = self.permanence[None]
        self._row, self._column = (np.full(self.permanence.shape, -1) for _ in range(2))
        self._row[view.post_index, view.pre_index] = view.row
        self._column[view.post_index, view.pre_index] = view.column
        self._threshold = SHARE * view.eta

    def _active(self, view, winners: np.ndarray) -> np.ndarray:
        """Which inputs the sensors of the winners have found active, bool (inputs,)."""
        row, column = self._row[winners], self._column[winners]
        there = row >= 0
        columns = np.unique(column[there])
        at = row, np.searchsorted(columns, column)
        total = np.zeros(row.shape)
        readings = self._readings(len(winners))
        for _ in range(readings):
            total += view.get_causal_correlation(column=columns)[0][at]
        voters = there.sum(axis=0)
        return (total * there).sum(axis=0) > self._threshold * readings * np.maximum(voters, 1)

    def _count(self, winners: np.ndarray) -> None:
        self.records += 1
        won = np.zeros(len(self.duty))
        won[winners] = 1.0
        self.duty += (won - self.duty) / min(self.duty_period, self._before + self.records)
        self.gain = self._gain()

    def _gain(self) -> np.ndarray:
        target = self.k / len(self.duty)
        return np.clip(np.floor(W0 * np.exp(self.boost * (target - self.duty)) + 0.5), 1, FULL).astype(np.int16)

    def _write(self, view, changed: np.ndarray) -> None:
        """Weights of the columns that have changed."""
        if not len(changed):
            return
        row, column = self._row[changed], self._column[changed]
        there = row >= 0
        columns = np.unique(column[there])
        values = np.zeros((view.shape[0], len(columns)), np.int16)
        values[row[there], np.searchsorted(columns, column[there])] = self.codes(changed)[there]
        view.set_weights(values, column=columns)
