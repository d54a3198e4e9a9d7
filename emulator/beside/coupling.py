"""How cells beside the chip are coupled to it: by events, like any other source and target outside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..frozen import Frozen
from .config import CellGroup, verify_group


@dataclass(frozen=True, eq=False)
class BesideSynapses(Frozen):
    """Synapses onto the cells of one group, arrays of shape (M,).

    ``source`` counts circuits first (0..N-1), then external channels; ``target`` is a cell of the group, ``receptor``
    one of its receptors, ``weight`` signed, in the receptor's unit (nA, uS or mV), ``delay_steps`` >= 1.
    """

    source: np.ndarray
    target: np.ndarray
    receptor: np.ndarray
    weight: np.ndarray
    delay_steps: np.ndarray


@dataclass(frozen=True, eq=False)
class BesideProbe(Frozen):
    """Samples of ``variable`` of some ``cells`` of a group every ``interval_steps``; see ``GroupRun.read``."""

    group: int
    variable: str
    cells: np.ndarray
    interval_steps: int


@dataclass(frozen=True, eq=False)
class Beside(Frozen):
    """All cells beside the chip, in ms, mV, nA, nF and uS.

    Cells are numbered over all groups; when cell b fires, external channel ``first_channel + b`` fires.

    Attributes
    ----------
    step_ms : float
    first_channel : int
    groups : tuple of CellGroup
    synapses : tuple of BesideSynapses
        One for each group.
    probes : tuple of BesideProbe
    """

    step_ms: float
    first_channel: int
    groups: tuple[CellGroup, ...]
    synapses: tuple[BesideSynapses, ...]
    probes: tuple[BesideProbe, ...] = ()

    @property
    def size(self) -> int:
        """Number of cells."""
        return sum(g.size for g in self.groups)

    @property
    def first(self) -> np.ndarray:
        """Number of the first cell of each group, and of all cells."""
        return np.cumsum([0, *(g.size for g in self.groups)])


def verify_beside(beside: Beside, circuits: int, external: int) -> None:
    """Raise ValueError, naming the field, if cells beside the chip don't fit the rest of the configuration."""
    if not beside.step_ms > 0:
        raise ValueError(f"beside.step_ms must be > 0, got {beside.step_ms}")
    if len(beside.synapses) != len(beside.groups):
        raise ValueError(f"beside has {len(beside.groups)} groups and synapses of {len(beside.synapses)}")
    if not 0 <= beside.first_channel <= external - beside.size:
        raise ValueError(f"beside.first_channel {beside.first_channel} and {beside.size} cells go beyond the "
                         f"{external} external channels")
    sources = circuits + external
    for g, s in zip(beside.groups, beside.synapses, strict=True):
        verify_group(g)
        if len({a.shape for a in (s.source, s.target, s.receptor, s.weight, s.delay_steps)}) != 1:
            raise ValueError("beside.synapses must have arrays of one shape")
        for name, count in (("source", sources), ("target", g.size), ("receptor", len(g.receptors))):
            index = getattr(s, name)
            if len(index) and (index.min() < 0 or index.max() >= count):
                raise ValueError(f"beside.synapses.{name} must lie in 0..{count - 1}")
        if np.any(s.delay_steps < 1):
            raise ValueError("beside.synapses.delay_steps must be >= 1")
        if not np.all(np.isfinite(s.weight)):
            raise ValueError("beside.synapses.weight must be finite")
    for probe in beside.probes:
        if not 0 <= probe.group < len(beside.groups):
            raise ValueError(f"a probe names group {probe.group}; there are {len(beside.groups)}")
        if probe.interval_steps < 1:
            raise ValueError(f"a probe's interval_steps must be >= 1, got {probe.interval_steps}")
        size = beside.groups[probe.group].size
        if len(probe.cells) and (probe.cells.min() < 0 or probe.cells.max() >= size):
            raise ValueError(f"a probe's cells must lie in 0..{size - 1}")
