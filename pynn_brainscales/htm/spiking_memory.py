"""The temporal memory in spikes, with the face of the reference."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import NamedTuple

import numpy as np

import pynn_brainscales as sim

from .. import simulator
from ..emulator import limits
from .accumulated_rule import AccumulatedRule
from .sdr import SDR, bits_of
from .sequence_network import SequenceNetwork, SequenceParameters
from .sequence_rule import SequenceRule
from .session import Session
from .stdsp_rule import STDSPRule
from .verified_rule import PERMANENCE_MAX, VerifiedPredictionRule

_SENT, _READ = 0.5, 1.0  # ms: after the start of a cycle the element is sent, before its end activity is read
_RESPONSE = 6.0  # ms from an element to the plateaus that it brings, about
_ONLY_REFERENCE = {
    "initialPermanence": "synapses to all cells exist from the start, with permanence 0",
    "minThreshold": "a cell matches with activationThreshold synapses from the winners before",
    "maxNewSynapseCount": "a cell has synapses from all winners before",
    "maxSegmentsPerCell": "a cell has one dendrite", "maxSynapsesPerSegment": "a dendrite has synapses from all cells"}


class Presented(NamedTuple):
    """How many cells of each column were active in each cycle, and predicted at its end.

    Both are int, (cycles, replicas, columns).
    """

    active: np.ndarray
    predicted: np.ndarray


class SpikingTemporalMemory:
    """A temporal memory on the chip: somata with plateau dendrites, and a rule that reads them once in each cycle.

    Arguments have the names, order and meaning of ``TemporalMemory`` where the chip has the like; others must be left
    out. The network is a simulation of its own; use its objects inside ``with memory.current():``.

    Parameters
    ----------
    columnDimensions : int or sequence of int
    cellsPerColumn : int
    activationThreshold : int
        Mature synapses that must be active together for a prediction.
    connectedPermanence, permanenceIncrement, permanenceDecrement, predictedSegmentDecrement : float
        In 1/127, rounded; of rule "htm".
    seed : int
        Of the simulation, and of the order in which cells are used.
    rule : {"htm", "stdsp", "accumulated"}
        "htm" is ``VerifiedPredictionRule``, which tells winner cells; "stdsp" is ``STDSPRule``; "accumulated" is
        ``AccumulatedRule``, for once in many presentations.
    winners : int
        Cells of a column that stand for one context. Three leave cells for more contexts, and survive less mismatch.
    dynamicInhibition : bool
        Only predicted cells drive the inhibitory neuron of their column; see ``SequenceRule``.
    cycle : float
        ms from one element to the next. Predictions last as long as ``parameters.plateau``; another length warns.
    parameters : SequenceParameters, optional
    ruleParameters : dict, optional
        Further arguments of the rule.
    chip, chip_seed, replicas, timestep
        As of ``setup``; ``chip_seed`` is ``seed`` by default. Replicas learn other sequences side by side on the same
        chip.
    source : callable, optional
        Makes what drives the columns: called with this object when the neurons are there. By default a
        ``SpikeSourceArray`` with a cell for each column.
    new : bool
        False adds the network to the present simulation, whose chip, seeds, replicas and timestep it takes.

    Attributes
    ----------
    network : SequenceNetwork
        With all populations and projections.
    rule : SequenceRule
    anomaly : float
        Of the last element, see ``compute``.
    """

    def __init__(self, columnDimensions: int | Sequence[int], cellsPerColumn: int = 16, activationThreshold: int = 2,
                 initialPermanence: float | None = None, connectedPermanence: float = 0.5,
                 minThreshold: int | None = None, maxNewSynapseCount: int | None = None,
                 permanenceIncrement: float = 0.25, permanenceDecrement: float = 0.03,
                 predictedSegmentDecrement: float = 0.05, seed: int = 0, maxSegmentsPerCell: int | None = None,
                 maxSynapsesPerSegment: int | None = None, checkInputs: bool = True, externalPredictiveInputs: int = 0,
                 anomalyMode: str = "raw", *, rule: str = "htm", winners: int = 4,
                 dynamicInhibition: bool = True, cycle: float = 20.0, parameters: SequenceParameters | None = None,
                 ruleParameters: dict | None = None, chip=None, chip_seed: int | None = None, replicas: int = 1,
                 timestep: float = 0.1, source=None, new: bool = True) -> None:
        given = locals()
        for name, why in _ONLY_REFERENCE.items():
            if given[name] is not None:
                raise NotImplementedError(f"SpikingTemporalMemory: {name}={given[name]!r} is not supported: {why}; "
                                          "leave it out, or use TemporalMemory")
        if externalPredictiveInputs or anomalyMode != "raw":
            raise NotImplementedError("SpikingTemporalMemory: there are no externalPredictiveInputs, and anomalyMode "
                                      "is 'raw'; use more columns for further inputs")
        self._columns = SDR(columnDimensions)
        self.cellsPerColumn, self.activationThreshold, self.winners = cellsPerColumn, activationThreshold, winners
        self.numberOfCells = self._columns.size * cellsPerColumn
        self.cycle, self.anomaly, self.replicas = float(cycle), 0.0, replicas
        self.parameters = self._parameters(parameters)
        _warn_of_cycle(self.cycle, self.parameters)
        self._session = Session() if new else nullcontext()
        permanences = {"connected": connectedPermanence, "increment": permanenceIncrement,
                       "decrement": permanenceDecrement, "predicted_decrement": predictedSegmentDecrement}
        self.rule = self._make_rule(rule, dynamicInhibition, permanences, seed, ruleParameters or {})
        with self.current():
            if new:
                sim.setup(timestep=timestep, min_delay=timestep, chip=chip, seed=seed, replicas=replicas,
                          chip_seed=seed if chip_seed is None else chip_seed)
            self._build(source)

    def current(self) -> AbstractContextManager:
        """For ``with``: inside, the memory's network is that of the simulator; what was there before comes back."""
        return self._session

    def _build(self, source) -> None:
        limited = simulator.state.target.profile.limited
        fan_in = (self._columns.size - 1) * self.cellsPerColumn
        if limited and self.parameters.dendrite_circuits * limits.ROWS < fan_in:
            self.parameters = replace(self.parameters, dendrite_circuits=-(-fan_in // limits.ROWS))
        self._connect(source, limited)

    def _parameters(self, given: SequenceParameters | None) -> SequenceParameters:
        if self.activationThreshold < 1 or self.cellsPerColumn < self.winners or self.winners < 1:
            raise ValueError(f"SpikingTemporalMemory: activationThreshold={self.activationThreshold}, winners="
                             f"{self.winners}, cellsPerColumn={self.cellsPerColumn}; needs at least 1 each, and no "
                             "more winners than cells")
        if given is not None:
            return given
        return replace(SequenceParameters(), coincidence=0.9 * self.activationThreshold)

    def _make_rule(self, rule: str, dynamic: bool, permanences: dict, seed: int, further: dict) -> SequenceRule:
        shape = (self.cycle, self.cycle - _READ, self._columns.size, self.cellsPerColumn, dynamic)
        if rule == "htm":
            rounded = {name: round(PERMANENCE_MAX * value) for name, value in permanences.items()}
            return VerifiedPredictionRule(*shape, **{"winners": self.winners, "coincidence": self.activationThreshold,
                                                     "seed": seed, **rounded, **further})
        if rule == "stdsp":
            return STDSPRule(*shape, **{"seed": seed, **further})
        if rule == "accumulated":
            return AccumulatedRule(*shape, **{"seed": seed, **further})
        raise ValueError(f"SpikingTemporalMemory: rule={rule!r}; there are 'htm', 'stdsp' and 'accumulated'")

    def _connect(self, source, limited: bool) -> None:
        columns, cells = self._columns.size, self.cellsPerColumn
        connected = ~np.kron(np.eye(columns, dtype=bool), np.ones((cells, cells), bool))
        delay = simulator.state.dt
        if limited:  # what the chip has, at least
            on_chip = limits.LATENCY_ON_CHIP_US * simulator.state.target.speedup * 1e-3
            delay = max(1.0, np.ceil(on_chip / delay - 1e-9)) * delay
        self.network = SequenceNetwork(columns, cells, self.rule, self.parameters, connected, self.rule.dynamic, delay)
        if isinstance(self.rule, AccumulatedRule):
            self.rule.measure(self.network, connected)
        self._own_inputs = source is None
        if source is None:
            self.inputs = sim.Population(columns, sim.SpikeSourceArray(), label="columns")
            self.network.drive(self.inputs)
        else:
            self.inputs = source(self)

    # --- elements --------------------------------------------------------------------------------------------------

    def compute(self, activeColumns, learn: bool = True) -> None:
        """Present one element, to all replicas.

        ``anomaly`` is then the mean over its columns of ``(fired - 2 winners) / (cells - 2 winners)``, 0 at least: 1
        where they have burst, 0 where only predicted cells have fired.

        Parameters
        ----------
        activeColumns : SDR, or array of bits, or indices
        learn : bool
        """
        columns = bits_of(activeColumns, self._columns.size, "SpikingTemporalMemory.compute")
        if 0 < len(columns) * self.winners < self.activationThreshold:
            warnings.warn(f"SpikingTemporalMemory: {len(columns)} active columns of {self.winners} winners can't reach "
                          f"activationThreshold={self.activationThreshold}: nothing will be predicted", UserWarning,
                          stacklevel=2)
        self.anomaly = float(self.anomalies(self.present([columns], learn).active[0, 0]))

    def present(self, elements: Sequence, learn: bool = True, progress: bool = False) -> Presented:
        """Present elements, one in each cycle, in one run.

        Parameters
        ----------
        elements : sequence
            Of the columns (indices) of each element, an empty one being silence; with several replicas a sequence of
            such sequences for all of them, or one that is meant for all.
        learn : bool
        progress : bool
            Show a bar.

        Raises
        ------
        ValueError
            If the lists of the replicas have several lengths, or a column does not exist.
        """
        if not self._own_inputs:
            raise RuntimeError("SpikingTemporalMemory.present: the columns are driven by cells of the network, not by "
                               "elements; use sim.run()")
        given = [[np.asarray(e, np.int64).reshape(-1) for e in part] for part in self._for_each_replica(elements)]
        count, self.rule.learning = len(given[0]), learn
        with self.current():
            for replica, part in enumerate(given):
                self._send(replica, part)
            before, simulator.state.progress = simulator.state.progress, progress
            sim.run(count * self.cycle)
            simulator.state.progress = before
        return self.presented(count)

    def _send(self, replica: int, elements: list[np.ndarray]) -> None:
        cell = np.concatenate([np.zeros(0, np.int64), *elements])
        if len(cell) and (cell.min() < 0 or cell.max() >= self._columns.size):
            raise ValueError(f"SpikingTemporalMemory: columns from {cell.min()} to {cell.max()}; there are 0 to "
                             f"{self._columns.size - 1}")
        number = np.repeat(np.arange(len(elements)), [len(e) for e in elements])
        sim.send_spikes(self.inputs, cell, _SENT + number * self.cycle, replica)

    def presented(self, cycles: int) -> Presented:
        """What the last cycles have brought, whoever has driven the columns."""
        now = (self.rule.active, self.rule.predicted)
        if cycles <= 1:  # without going through all that was recorded
            return Presented(*(cells.sum(axis=2)[None][:cycles] for cells in now))
        return Presented(*(self.rule.get_observable_array(name)[1][-cycles:] for name in ("active", "predicted")))

    def _for_each_replica(self, elements: Sequence) -> list[list]:
        elements = list(elements)
        nested = bool(elements) and len(elements) == self.replicas and self.replicas > 1 and all(
            not np.isscalar(e) and any(not np.isscalar(c) for c in e) for e in elements)
        given = [list(e) for e in elements] if nested else [elements] * self.replicas
        if len({len(g) for g in given}) > 1:
            raise ValueError(f"SpikingTemporalMemory: {', '.join(str(len(g)) for g in given)} elements for the "
                             "replicas; fill the shorter ones up with silence, []")
        return given

    def reset(self) -> None:
        """End a sequence: silence, until the last plateaus are over."""
        self.present([[]] * self.silence, learn=self.rule.learning)

    @property
    def silence(self) -> int:
        """How many empty cycles end a sequence."""
        return int(np.ceil((self.parameters.plateau + _RESPONSE) / self.cycle - 1e-9)) + 1

    def anomalies(self, active: np.ndarray) -> np.ndarray:
        """Anomaly of each element from the active cells of each column, int (..., columns); 0 for silence."""
        most = max(1.0, self.cellsPerColumn - 2.0 * self.winners)
        score = np.clip((active - 2.0 * self.winners) / most, 0.0, 1.0)
        count = np.count_nonzero(active, axis=-1)
        return np.where(active > 0, score, 0.0).sum(axis=-1) / np.maximum(count, 1)

    def predictedColumns(self, predicted: np.ndarray) -> np.ndarray:
        """Columns with at least half as many predicted cells as there are winners, bool; from counts (..., columns)."""
        return predicted >= max(1, 0.5 * self.winners)

    # --- what there is to read -------------------------------------------------------------------------------------

    def getActiveCells(self, replica: int = 0) -> SDR:
        """Cells that have fired in the last cycle."""
        return self._cells(self.rule.active, replica)

    def getWinnerCells(self, replica: int = 0) -> SDR:
        """Cells that synapses lead to from those that win next; of rule "htm"."""
        return self._cells(self.rule.winning, replica)

    def getPredictiveCells(self, replica: int = 0) -> SDR:
        """Cells that are predicted for the next element."""
        return self._cells(self.rule.predicted, replica)

    def getPredictedColumns(self, replica: int = 0) -> np.ndarray:
        """Columns that are predicted for the next element, bool (columns,)."""
        if len(self.rule.predicted) <= replica:
            return np.zeros(self._columns.size, bool)
        return self.predictedColumns(self.rule.predicted[replica].sum(axis=1))

    def getPermanences(self, replica: int = 0) -> np.ndarray:
        """Permanences from all cells to all cells, as shares of the largest one; zeros before the first element."""
        permanence = self.rule.permanence
        if permanence is None:
            return np.zeros((self.numberOfCells, self.numberOfCells))
        return permanence[replica % len(permanence)] / self.rule.permanence_max

    def cellsToColumns(self, cells: SDR) -> SDR:
        """The columns of some cells."""
        result = SDR(self._columns.dimensions)
        result.sparse = np.unique(cells.sparse // self.cellsPerColumn)
        return result

    def report(self):
        """The report of the mapping: circuits, rows, and what was lost."""
        with self.current():
            return sim.map_network().report

    def _cells(self, cells: np.ndarray, replica: int) -> SDR:
        result = SDR([*self._columns.dimensions, self.cellsPerColumn])
        if len(cells) > replica:
            result.dense = cells[replica]
        return result


def _warn_of_cycle(cycle: float, p: SequenceParameters) -> None:
    """A warning for cycles in which predictions do not last, or elements run into each other."""
    longest = p.plateau + 4.0  # a plateau begins about 5 ms after an element; measured with plateaus of 30 ms
    if not 10.0 <= cycle <= longest:
        warnings.warn(f"SpikingTemporalMemory: cycle={cycle:g} ms; plateaus of {p.plateau:g} ms carry predictions "
                      f"over cycles of 10 to {longest:g} ms. Choose parameters.plateau about 1.5 times the cycle; a "
                      f"chip has up to {limits.REFRACTORY_RANGE[1]:g} us of hardware time", UserWarning, stacklevel=3)
