"""The spatial pooler, as published, in NumPy: reference and fallback of the spiking one.

Every column has permanences to its potential inputs; those at ``synPermConnected`` or above are connected. Its overlap
is the number of connected active inputs. The columns with the largest boosted overlap win, and learn: permanences to
active inputs grow, the others of the winner shrink (Hawkins, Ahmad, Cui 2017, Front. Comput. Neurosci. 11:111).

Boosting multiplies overlaps by ``exp(boostStrength (target - duty cycle))``. Columns whose overlap duty cycle falls
below a share of the largest one have all their permanences raised.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .sdr import SDR, bits_of

_WEAK_EVERY = 50  # records after which columns of low overlap are looked for


class SpatialPooler:
    """Spatial pooler with global inhibition; arguments and their order as HTM libraries have them.

    Parameters
    ----------
    inputDimensions, columnDimensions : int or sequence of int
    potentialRadius : int, optional
        Only None: every input may be a potential one of every column.
    potentialPct : float
        Share of the inputs that are potential ones of a column.
    globalInhibition : bool
        Only True.
    localAreaDensity : float
        Share of the columns that win; 0 if ``numActiveColumnsPerInhArea`` says how many.
    numActiveColumnsPerInhArea : int
    stimulusThreshold : int
        Overlap that a column needs to win.
    synPermInactiveDec, synPermActiveInc, synPermConnected : float
    minPctOverlapDutyCycle : float
    dutyCyclePeriod : int
    boostStrength : float
        0 is no boosting.
    seed : int
    spVerbosity, wrapAround
        Without effect.

    Raises
    ------
    NotImplementedError
        For topology: local inhibition and potential radii.
    ValueError
        For values that make no sense.
    """

    def __init__(self, inputDimensions: int | Sequence[int], columnDimensions: int | Sequence[int],
                 potentialRadius: int | None = None, potentialPct: float = 0.5, globalInhibition: bool = True,
                 localAreaDensity: float = 0.02, numActiveColumnsPerInhArea: int = 0, stimulusThreshold: int = 0,
                 synPermInactiveDec: float = 0.01, synPermActiveInc: float = 0.1, synPermConnected: float = 0.1,
                 minPctOverlapDutyCycle: float = 0.001, dutyCyclePeriod: int = 1000, boostStrength: float = 0.0,
                 seed: int = 1, spVerbosity: int = 0, wrapAround: bool = True) -> None:
        self._inputs, self._columns = SDR(inputDimensions), SDR(columnDimensions)
        n_in, n_col = self._inputs.size, self._columns.size
        if potentialRadius is not None or not globalInhibition:
            raise NotImplementedError("SpatialPooler has no topology: leave potentialRadius out and keep "
                                      "globalInhibition=True; every input may reach every column")
        if bool(localAreaDensity) == bool(numActiveColumnsPerInhArea):
            raise ValueError(f"SpatialPooler: localAreaDensity={localAreaDensity} and numActiveColumnsPerInhArea="
                             f"{numActiveColumnsPerInhArea}; exactly one of them must be above 0")
        self.k = numActiveColumnsPerInhArea or round(localAreaDensity * n_col)
        if not 1 <= self.k <= n_col or not 0 < potentialPct <= 1 or not 0 < synPermConnected < 1:
            raise ValueError(f"SpatialPooler: {self.k} of {n_col} columns active, potentialPct={potentialPct}, "
                             f"synPermConnected={synPermConnected}; there must be a column, and shares in 0..1")
        self.stimulusThreshold, self.synPermConnected = stimulusThreshold, synPermConnected
        self.synPermActiveInc, self.synPermInactiveDec = synPermActiveInc, synPermInactiveDec
        self.minPctOverlapDutyCycle, self.dutyCyclePeriod = minPctOverlapDutyCycle, dutyCyclePeriod
        self.boostStrength = float(boostStrength)
        self.iteration = 0
        rng = np.random.default_rng(seed)
        potential = round(potentialPct * n_in)
        self._potential = np.zeros((n_col, n_in), bool)
        for row in self._potential:
            row[rng.choice(n_in, potential, replace=False)] = True
        on, height = rng.random((n_col, n_in)) < 0.5, rng.random((n_col, n_in))  # half of them start connected
        start = np.where(on, synPermConnected + (1.0 - synPermConnected) * height, synPermConnected * height)
        self._permanence = np.where(self._potential, start, 0.0).astype(np.float32)
        self._tie = rng.permutation(n_col) / (2.0 * n_col)  # fixed, and less than a count
        self._connected = np.zeros((n_in, n_col), np.uint8)
        self._connect(np.arange(n_col))
        self._active_duty, self._overlap_duty = np.zeros(n_col), np.zeros(n_col)
        self._boost = np.ones(n_col)

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
            Overlaps; the active columns are in ``output``, and in ``active``.
        """
        bits = bits_of(input, self._inputs.size, "SpatialPooler.compute")
        overlaps = self._connected[bits].sum(axis=0, dtype=np.int32)
        active = self.winners(overlaps)
        self.active = active
        if learn:
            self._learn(bits, active, overlaps)
        if output is not None:
            output.sparse = active
        return overlaps

    def winners(self, overlaps: np.ndarray) -> np.ndarray:
        """Columns that win with some overlaps, ascending; of equal ones those that a fixed draw prefers."""
        score = overlaps * self._boost + self._tie
        best = np.argpartition(score, -self.k)[-self.k:]
        return np.sort(best[overlaps[best] >= self.stimulusThreshold])

    def _learn(self, bits: np.ndarray, active: np.ndarray, overlaps: np.ndarray) -> None:
        self.iteration += 1
        change = np.full(self._inputs.size, -self.synPermInactiveDec, np.float32)
        change[bits] = self.synPermActiveInc
        rows = self._permanence[active]
        rows += change
        np.clip(rows, 0.0, 1.0, out=rows)
        rows *= self._potential[active]
        self._permanence[active] = rows
        self._connect(active)
        period = min(self.dutyCyclePeriod, self.iteration)
        won = np.zeros(self._columns.size)
        won[active] = 1.0
        self._active_duty += (won - self._active_duty) / period
        self._overlap_duty += ((overlaps > 0) - self._overlap_duty) / period
        if self.iteration % _WEAK_EVERY == 0:
            self._raise_weak()
        if self.boostStrength:
            target = self.k / self._columns.size
            self._boost = np.exp(self.boostStrength * (target - self._active_duty))

    def _raise_weak(self) -> None:
        weak = np.flatnonzero(self._overlap_duty < self.minPctOverlapDutyCycle * self._overlap_duty.max())
        if len(weak):
            raised = np.minimum(self._permanence[weak] + self.synPermConnected / 10.0, 1.0)
            self._permanence[weak] = raised * self._potential[weak]
            self._connect(weak)

    def _connect(self, columns: np.ndarray) -> None:
        connected = self._permanence[columns] >= np.float32(self.synPermConnected)
        self._connected[:, columns] = (connected & self._potential[columns]).T

    # --- what there is to read -----------------------------------------------------------------------------------

    def getPermanence(self, column: int) -> np.ndarray:
        """Permanences of a column to all inputs, a copy; 0 where there is no potential synapse."""
        return self._permanence[column].copy()

    def setPermanence(self, column: int, permanence: np.ndarray) -> None:
        """Set permanences of a column to all inputs; where it has no potential synapse they have no effect."""
        row = np.clip(np.asarray(permanence, np.float32), 0.0, 1.0)
        self._permanence[column] = row * self._potential[column]
        self._connect(np.array([column]))

    def getPotential(self, column: int) -> np.ndarray:
        """Which inputs a column can connect to, bool."""
        return self._potential[column].copy()

    def getConnectedCounts(self) -> np.ndarray:
        """Connected inputs of every column."""
        return self._connected.sum(axis=0, dtype=np.int64)

    def getBoostFactors(self) -> np.ndarray:
        """What overlaps are multiplied with."""
        return self._boost.copy()

    def getActiveDutyCycles(self) -> np.ndarray:
        """How often each column has been active of late."""
        return self._active_duty.copy()

    def getOverlapDutyCycles(self) -> np.ndarray:
        """How often each column has had an overlap of late."""
        return self._overlap_duty.copy()

    def getNumInputs(self) -> int:
        """Number of inputs."""
        return self._inputs.size

    def getNumColumns(self) -> int:
        """Number of columns."""
        return self._columns.size
