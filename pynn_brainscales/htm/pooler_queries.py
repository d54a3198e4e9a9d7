"""What a spiking spatial pooler tells about itself, under the names that HTM libraries use."""

from __future__ import annotations

import numpy as np

from .pooler_network import W0
from .pooler_rule import FULL, PoolerRule
from .sdr import SDR


class PoolerQueries:
    """Reads permanences and duty cycles from the rule."""

    _rule: PoolerRule
    _inputs: SDR
    _columns: SDR

    def overlaps(self, records) -> np.ndarray:
        """Connected active inputs (n, columns) of records (n, inputs), from the permanences."""
        linked = self._rule.connected_inputs().T.astype(np.float32)
        return (np.atleast_2d(np.asarray(records)).astype(np.float32) @ linked).astype(np.int64)

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
