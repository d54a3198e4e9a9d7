"""The spatial pooler in spikes, on a virtual chip, with the interface of the reference."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from .. import simulator
from ..control import run, setup
from ..emulator import limits
from ..emulator.profile import Profile
from ..mapping.errors import MappingError
from ..plasticity import Timer
from ..trials import run_trials
from .pooler_network import W0, Timing, build, volleys
from .pooler_rule import FULL, PoolerRule
from .sdr import SDR, bits_of
from .session import Session

CHUNK = 100  # records that are learnt in one run
FEW_BITS = 20  # below so many active bits overlaps are too small and too equal to choose by
_KILL_ROWS = 8  # of an array, for the inhibition by the pool


class SpikingSpatialPooler:
    """Spatial pooler of spiking columns; arguments and their order as those of ``SpatialPooler``.

    What an input pattern means to the columns is decided by when they spike, so overlaps that differ by little may
    come in another order, and the number of active columns varies. Permanences have 64 levels.

    Parameters
    ----------
    inputDimensions, columnDimensions : int or sequence of int
    potentialRadius : int, optional
        Only None.
    potentialPct : float
        Share of the inputs that are potential ones of a column.
    globalInhibition : bool
        Only True.
    localAreaDensity : float
        Share of the columns that win; 0 if ``numActiveColumnsPerInhArea`` says how many.
    numActiveColumnsPerInhArea : int
    stimulusThreshold : int
        Overlap that just lets a column spike: about 0.6 of the active inputs of a record, and more than a column has
        by chance.
    synPermInactiveDec, synPermActiveInc, synPermConnected : float
        Rounded to multiples of 1/63.
    minPctOverlapDutyCycle : float
        Only 0: overlaps of columns that don't spike are not known to the chip.
    dutyCyclePeriod : int
    boostStrength : float
        0 is no boosting.
    seed : int
        Of the permanences, and of noise.
    spVerbosity, wrapAround
        Without effect.
    chip : str or Profile, optional
        As of ``setup``.
    chip_seed : int, optional
        Names the virtual chip; by default ``seed``.
    timing : Timing
    runtime_model
        How long the rule keeps its processor, as of ``PlasticityRule``; None is no time. "chip" takes far longer than
        a cycle, see ``report``: give ``timing`` a longer one.
    **extra
        Further arguments of ``setup``, as ``max_chips`` and ``on_loss``.

    Attributes
    ----------
    network : PoolerNetwork
        The PyNN objects; use them inside ``with pooler.current():``.
    active : int array
        Columns that were active in the last record.

    Raises
    ------
    MappingError
        If something is asked for that the network can't do.
    """

    def __init__(self, inputDimensions: int | Sequence[int], columnDimensions: int | Sequence[int],
                 potentialRadius: int | None = None, potentialPct: float = 1.0, globalInhibition: bool = True,
                 localAreaDensity: float = 0.02, numActiveColumnsPerInhArea: int = 0, stimulusThreshold: int = 16,
                 synPermInactiveDec: float = 1 / FULL, synPermActiveInc: float = 5 / FULL,
                 synPermConnected: float = 32 / FULL, minPctOverlapDutyCycle: float = 0.0, dutyCyclePeriod: int = 1000,
                 boostStrength: float = 0.0, seed: int = 1, spVerbosity: int = 0, wrapAround: bool = True, *,
                 chip: str | Profile | None = None, chip_seed: int | None = None, timing: Timing | None = None,
                 runtime_model=None, **extra) -> None:
        self._inputs, self._columns = SDR(inputDimensions), SDR(columnDimensions)
        n_in, n_col = self._inputs.size, self._columns.size
        _demand_no_topology(potentialRadius, globalInhibition, minPctOverlapDutyCycle)
        self.k = _winners(localAreaDensity, numActiveColumnsPerInhArea, n_col)
        if stimulusThreshold < 1:
            raise MappingError(f"stimulusThreshold={stimulusThreshold}", "at least 1 connected active input",
                               "SpikingSpatialPooler", "about 0.6 of the active bits of a record")
        if not 0 < potentialPct <= 1:
            raise MappingError(f"potentialPct={potentialPct}", "a share of the inputs, above 0", "SpikingSpatialPooler")
        steps = {name: _step(name, value) for name, value in (
            ("synPermActiveInc", synPermActiveInc), ("synPermInactiveDec", synPermInactiveDec),
            ("synPermConnected", synPermConnected))}
        self.stimulusThreshold, self.timing = stimulusThreshold, timing or Timing()
        rng = np.random.default_rng(seed)
        permanence = _start(rng, n_in, n_col, potentialPct, steps["synPermConnected"])
        self._session = Session()
        with self.current():
            setup(timestep=self.timing.step, min_delay=self.timing.step, chip=chip, seed=seed,
                  chip_seed=seed if chip_seed is None else chip_seed, **extra)
            limited = simulator.state.target.profile.limited
            timer = Timer(start=self.timing.cycle - self.timing.step, period=self.timing.cycle)
            self._rule = PoolerRule(timer, permanence, self.k, steps["synPermActiveInc"], steps["synPermInactiveDec"],
                                    steps["synPermConnected"], float(boostStrength), dutyCyclePeriod, runtime_model)
            self.network = build(n_in, n_col, self.k, stimulusThreshold, self._rule.codes().T, self._rule.potential.T,
                                 self._rule, self.timing, _counters(n_in, n_col) if limited else 1)
        self._chip_size = limited
        self._watched = 1  # records that were run without learning: each has noise of its own
        self._warned = False
        self._shown = np.zeros((0, n_in), bool)
        self.active = np.zeros(0, np.int64)

    # --- records -------------------------------------------------------------------------------------------------

    def compute(self, input, learn: bool = True, output: SDR | None = None) -> np.ndarray:
        """One record.

        Parameters
        ----------
        input : SDR, or array of bits, or indices of the active ones
        learn : bool
        output : SDR, optional
            Becomes the active columns.

        Returns
        -------
        int, (columns,)
            Overlaps, of the permanences before it is learnt; the active columns are in ``output``, and in ``active``.
        """
        record = np.zeros((1, self._inputs.size), bool)
        record[0, bits_of(input, self._inputs.size, "SpikingSpatialPooler.compute")] = True
        overlaps = self.overlaps(record)[0]
        active = (self.learn if learn else self.encode)(record)
        if output is not None:
            output.sparse = np.flatnonzero(active[0])
        return overlaps

    def learn(self, records) -> np.ndarray:
        """Learn records (n, inputs) one after the other; returns the active columns of each, bool (n, columns)."""
        bits = self._checked(records)
        self._rule.won.clear()
        self._rule.judged.clear()
        with self.current():
            for first in range(0, len(bits), CHUNK):
                self._run(bits[first:first + CHUNK])
        self._shown = bits
        return self._dense(self._rule.won)

    def encode(self, records, batch: int = 128) -> np.ndarray:
        """Active columns, bool (n, columns), of records (n, inputs), of which nothing is learnt.

        Every record begins with membranes at rest, and has noise of its own; ``batch`` of them are run at a time.
        """
        bits, t = self._checked(records), self.timing
        active = np.zeros((len(bits), self._columns.size), bool)
        with self.current():
            for first in range(0, len(bits), batch):
                part = bits[first:first + batch]
                result = run_trials(t.window, {self.network.inputs: volleys(part, t)}, len(part), self._watched)
                self._watched += len(part)
                record, column, _ = result.spikes["columns"]
                active[first + record, column] = True
        if len(active):
            self.active = np.flatnonzero(active[-1])
        return active

    def _run(self, bits: np.ndarray) -> None:
        t, now = self.timing, simulator.state.t
        record, source, time = volleys(bits, t)
        time = now + record * t.cycle + time
        order = np.argsort(source, kind="stable")
        edges = np.searchsorted(source[order], np.arange(self._inputs.size + 1))
        trains = [time[order[i:j]] for i, j in pairwise(edges.tolist())]
        self.network.inputs.set(spike_times=trains)
        run(len(bits) * t.cycle)

    def _checked(self, records) -> np.ndarray:
        bits = np.atleast_2d(np.asarray(records)).astype(bool)
        if bits.ndim != 2 or bits.shape[1] != self._inputs.size:
            raise ValueError(f"SpikingSpatialPooler: records have shape {np.shape(records)}; expected (records, "
                             f"{self._inputs.size}), bits")
        few = int(bits.sum(axis=1).min(initial=FEW_BITS))
        if self._chip_size and few < FEW_BITS and not self._warned:
            self._warned = True
            warnings.warn(f"a record has {few} active inputs; with less than {FEW_BITS} most columns have the same "
                          "overlap, and chance decides who wins: use denser patterns", UserWarning, stacklevel=3)
        return bits

    def _dense(self, winners: list[np.ndarray]) -> np.ndarray:
        active = np.zeros((len(winners), self._columns.size), bool)
        for row, columns in zip(active, winners, strict=True):
            row[columns] = True
        if winners:
            self.active = winners[-1]
        return active

    def current(self) -> Session:
        """For ``with``: inside, the pooler's network is that of the simulator; what was there before comes back."""
        return self._session

    # --- what there is to read -----------------------------------------------------------------------------------

    def overlaps(self, records) -> np.ndarray:
        """Connected active inputs (n, columns) of records (n, inputs), from the permanences."""
        linked = self._rule.connected_inputs().T.astype(np.float32)
        return (np.atleast_2d(np.asarray(records)).astype(np.float32) @ linked).astype(np.int64)

    def misjudged(self) -> float:
        """Share of inputs that the sensors took for active or inactive wrongly, in what ``learn`` was given last."""
        pairs = [(judged, bits) for judged, bits in zip(self._rule.judged, self._shown, strict=True)
                 if judged is not None]
        return float(np.mean([judged != bits for judged, bits in pairs])) if pairs else 0.0

    def getPermanence(self, column: int) -> np.ndarray:
        """Permanences of a column to all inputs, multiples of 1/63; 0 where there is no potential synapse."""
        return self._rule.permanence[column] / FULL

    def getPotential(self, column: int) -> np.ndarray:
        """Which inputs a column can connect to, bool."""
        return self._rule.potential[column].copy()

    def getConnectedCounts(self) -> np.ndarray:
        """Connected inputs of every column."""
        return self._rule.connected_inputs().sum(axis=1)

    def getBoostFactors(self) -> np.ndarray:
        """What overlaps are multiplied with, as the weights have it: multiples of 1/16."""
        return self._rule.gain / W0

    def getActiveDutyCycles(self) -> np.ndarray:
        """How often each column has been active of late."""
        return self._rule.duty.copy()

    def getNumInputs(self) -> int:
        """Number of inputs."""
        return self._inputs.size

    def getNumColumns(self) -> int:
        """Number of columns."""
        return self._columns.size

    def report(self) -> str:
        """What the network has become on the chip, what a record costs there, and the figures of the last training."""
        with self.current():
            mapped = simulator.state.map()
        rule, t = self._rule, self.timing
        return "\n".join([
            _folded(str(mapped.report)),
            f"spatial pooler: {self._inputs.size} inputs, {self._columns.size} columns, {self.k} to win; "
            f"permanences of {rule.permanence.nbytes // 1024} KiB",
            f"  a record takes {t.window:g} us on the chip to be watched, {t.cycle:g} us to be learnt, and the rule "
            f"would keep its processor for another {rule.processor_time():.0f} us",
            f"  records learnt: {rule.records}; connected inputs of a column: {self.getConnectedCounts().mean():.1f}"])


def _folded(report: str) -> str:
    """A mapping's report without the sections of the pool's receptors but the first: they are alike."""
    lines, shown = [], True
    for line in report.splitlines():
        if not line.startswith(" "):
            shown = not line.startswith("count") or line.startswith("count0:")
        if shown:
            lines.append(line)
    return "\n".join(lines)


def _demand_no_topology(radius, inhibition, weak) -> None:
    where = "SpikingSpatialPooler"
    if radius is not None or not inhibition:
        raise MappingError(f"potentialRadius={radius}, globalInhibition={inhibition}",
                           "one pool that inhibits all columns: potentialRadius=None, globalInhibition=True", where,
                           "leave them out; topology is beyond the network, and the reference SpatialPooler")
    if weak:
        raise MappingError(f"minPctOverlapDutyCycle={weak:g}",
                           "0: the chip does not know the overlaps of columns that don't spike", where,
                           "boostStrength brings in columns that never win; the reference SpatialPooler has both")


def _winners(density: float, number: int, columns: int) -> int:
    """How many columns are to win."""
    if bool(density) == bool(number):
        raise MappingError(f"localAreaDensity={density} and numActiveColumnsPerInhArea={number}",
                           "one of them above 0, the other 0", "SpikingSpatialPooler")
    k = number or round(density * columns)
    if not 2 <= k <= columns:
        raise MappingError(f"{k} of {columns} columns active", "2 or more, which the pool can count",
                           "SpikingSpatialPooler", "a larger localAreaDensity, or more columns")
    return int(k)


def _step(name: str, value: float) -> int:
    """A permanence in 63rds."""
    code = round(value * FULL)
    if not 1 <= code <= FULL:
        raise MappingError(f"{name}={value:g}", f"multiples of 1/{FULL} = {1 / FULL:.4f} up to 1: permanences have 6 "
                           "bits", "SpikingSpatialPooler", "the ratio of increment to decrement is what counts: 5/63 "
                           "and 1/63 stand for 0.02 and 0.004")
    return code


def _start(rng: np.random.Generator, n_in: int, n_col: int, share: float, connected: int) -> np.ndarray:
    """Permanences to begin with: half of the potential synapses are connected; -1 where there is none."""
    on = rng.random((n_in, n_col)) < 0.5
    value = np.where(on, rng.integers(connected, FULL + 1, on.shape), rng.integers(0, connected, on.shape))
    if share < 1.0:
        order = rng.random(on.shape).argsort(axis=0).argsort(axis=0)
        value[order >= max(1, round(share * n_in))] = -1
    return value


def _counters(n_in: int, n_col: int) -> int:
    """Receptors of the pool on a chip.

    Spikes of columns come to its circuits in rows that no input can use: with c circuits, which stand in both halves,
    n_col / (8 c) rows for each of the eight outputs of a chip. The more circuits, the more rows for inputs and the
    fewer columns.
    """
    for c in (2, 4, 8, 16, 32, 64):
        rows = limits.OUTPUTS * -(-n_col // (limits.OUTPUTS * c))
        if n_in + rows + _KILL_ROWS <= limits.ROWS:
            return c
    return 64
