"""The spatial pooler in spikes, on a virtual chip, with the interface of the reference."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from .. import simulator
from ..control import default, run, setup
from ..emulator.profile import Profile, profile
from ..mapping.errors import MappingError
from ..plasticity import Timer
from ..trials import run_trials
from .pooler_arguments import (
    counters_of,
    demand_no_topology,
    first_permanences,
    folded,
    step_of,
    timing_for,
    warn_of_several_chips,
    winners_of,
)
from .pooler_network import Timing, build, volleys
from .pooler_queries import PoolerQueries
from .pooler_rule import FULL, PoolerRule
from .sdr import SDR, bits_of
from .session import Session

CHUNK = 100  # records that are learnt in one run
FEW_BITS = 20  # below so many active bits overlaps are too small and too equal to choose by


class SpikingSpatialPooler(PoolerQueries):
    """Spatial pooler of spiking columns; arguments and their order as those of ``SpatialPooler``.

    What an input pattern means to the columns is decided by when they spike, so overlaps that differ by little may
    come in another order, and the number of active columns varies. Permanences have 64 levels. Which inputs were active
    the rule learns from noisy sensors: it takes about one of a hundred wrongly on ``calibrated`` (see ``misjudged``).

    One chip holds 224 inputs and 480 columns, or 240 and 448, or 212 and 496: the pool takes the other circuits. Up to
    248 inputs and 504 columns fit if the pool's spikes go around outside the chip; larger poolers lie on several chips.
    In both cases the pool acts late, and more columns win.

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
    timing : Timing, optional
        By default what fits the chip.
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
        demand_no_topology(potentialRadius, globalInhibition, minPctOverlapDutyCycle)
        self.k = winners_of(localAreaDensity, numActiveColumnsPerInhArea, n_col)
        if stimulusThreshold < 1:
            raise MappingError(f"stimulusThreshold={stimulusThreshold}", "at least 1 connected active input",
                               "SpikingSpatialPooler", "about 0.6 of the active bits of a record")
        if not 0 < potentialPct <= 1:
            raise MappingError(f"potentialPct={potentialPct}", "a share of the inputs, above 0", "SpikingSpatialPooler")
        steps = {name: step_of(name, value) for name, value in (
            ("synPermActiveInc", synPermActiveInc), ("synPermInactiveDec", synPermInactiveDec),
            ("synPermConnected", synPermConnected))}
        self.stimulusThreshold = stimulusThreshold
        permanence = first_permanences(np.random.default_rng(seed), n_in, n_col, potentialPct,
                                       steps["synPermConnected"])
        limited = profile(default("chip") if chip is None else chip).limited
        if limited:
            warn_of_several_chips(n_in, n_col)
        self.timing = t = timing or (timing_for(n_in, n_col) if limited else Timing())
        self._session = Session()
        with self.current():
            setup(timestep=t.step, min_delay=t.step, chip=chip, seed=seed,
                  chip_seed=seed if chip_seed is None else chip_seed, **extra)
            timer = Timer(start=t.cycle - t.step, period=t.cycle)
            self._rule = PoolerRule(timer, permanence, self.k, steps["synPermActiveInc"], steps["synPermInactiveDec"],
                                    steps["synPermConnected"], float(boostStrength), dutyCyclePeriod, runtime_model)
            self.network = build(n_in, n_col, self.k, stimulusThreshold, self._rule.codes().T, self._rule.potential.T,
                                 self._rule, t, counters_of(n_in, n_col) if limited else 1)
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
        if len(self._rule.won) < len(bits):
            raise MappingError(f"{len(bits)} records, one every {self.timing.cycle:g} ms",
                               f"a processor that is busy with a record for {self._rule.processor_time():.0f} ms, and "
                               f"has missed {len(bits) - len(self._rule.won)}", "SpikingSpatialPooler.learn",
                               "a longer cycle, as timing=Timing(cycle=3000.0), or runtime_model=None")
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

    # --- what there is to say about it ---------------------------------------------------------------------------

    def misjudged(self) -> float:
        """Share of inputs that the sensors took for active or inactive wrongly, in what ``learn`` was given last."""
        pairs = [(judged, bits) for judged, bits in zip(self._rule.judged, self._shown, strict=True)
                 if judged is not None]
        return float(np.mean([judged != bits for judged, bits in pairs])) if pairs else 0.0

    def report(self) -> str:
        """What the network has become on the chip, what a record costs there, and the figures of the last training."""
        with self.current():
            mapped = simulator.state.map()
        rule, t = self._rule, self.timing
        return "\n".join([
            folded(str(mapped.report)),
            f"spatial pooler: {self._inputs.size} inputs, {self._columns.size} columns, {self.k} to win; "
            f"permanences of {rule.permanence.nbytes // 1024} KiB",
            f"  a record takes {t.window:g} us on the chip to be watched, {t.cycle:g} us to be learnt, and the rule "
            f"would keep its processor for another {rule.processor_time():.0f} us",
            f"  records learnt: {rule.records}; connected inputs of a column: {self.getConnectedCounts().mean():.1f}"])
