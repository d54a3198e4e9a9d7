"""The representations between the passes, and ``Mapped``, their sum.

Numbering: neurons count 0..n-1 over all populations in order, synapses 0..m-1 over all projections in order,
sources of events 0..n-1 are neurons and n.. the external channels (``Network.offsets``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

import numpy as np
from pynn_brainscales.emulator.config import ChipConfig
from pynn_brainscales.emulator.frozen import Frozen, read_only

from .network import Network
from .split import Split
from .target import Target


class Way(IntEnum):
    """How an event gets from its source to a synapse."""

    FREE = 0  # a chip without limits: any delay
    DIRECT = 1  # on the chip, with the chip's own latency
    LOOP = 2  # out of the chip and back to the same chip
    BETWEEN = 3  # from one chip to another
    EXTERNAL = 4  # from a source outside


class Loss(IntEnum):
    """Why a synapse is lost."""

    NONE = 0
    ROWS = 1  # no free row of the right sign reaches the target's column
    LABELS = 2  # the drivers that could take it have given out all labels
    WEIGHT = 3  # rounds to zero


@dataclass(frozen=True, eq=False)
class Quantised(Frozen):
    """A value as it was asked for, as the chip has it, and where it was clipped to the range; equal shapes."""

    requested: np.ndarray
    realised: np.ndarray
    clipped: np.ndarray


@dataclass(frozen=True, eq=False)
class Scaled(Frozen):
    """The network in hardware units, before anything is rounded.

    Attributes
    ----------
    alpha, v_offset : float, (n,)
        v_lsb = alpha * v_mV + v_offset, one pair per population.
    cells : dict of arrays, (u,)
        By the names of ``emulator.config.Circuits`` (all but chip, circuit, master, port, gain_exc, gain_inh), of
        each *unit*: a neuron with one pair of receptors. Units 0..n-1 are the neurons with their first pair.
    unit_neuron, unit_port : int, (u,)
        Neuron of each unit, and which of its pairs of receptors.
    source, neuron, unit, input : int, (m,)
        Of each synapse: source of events, target neuron and unit, EXC or INH.
    drive : float, (m,)
        Jump of dV/dt (LSB/us) for one event; for a conductance, at the reference potential. >= 0.
    delay_us : float, (m,)
    rows : int, (m,)
        How many rows a synapse takes: more than one where its weight exceeds what one row can give.
    mode : int, (m,)
        Short-term plasticity that the driver of a synapse must have (``split.Split.drivers``), 0 for none.
    """

    alpha: np.ndarray
    v_offset: np.ndarray
    cells: Mapping[str, np.ndarray]
    unit_neuron: np.ndarray
    unit_port: np.ndarray
    source: np.ndarray
    neuron: np.ndarray
    unit: np.ndarray
    input: np.ndarray
    drive: np.ndarray
    delay_us: np.ndarray
    rows: np.ndarray
    mode: np.ndarray

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "cells", MappingProxyType({k: read_only(v) for k, v in self.cells.items()}))


@dataclass(frozen=True, eq=False)
class Expanded(Frozen):
    """``circuits`` (n,): how many circuits are joined for each neuron; ``slot`` (m,): which of them takes a synapse;
    ``unit`` (n, kmax): the unit that each of them belongs to, -1 where a neuron has fewer.
    """

    circuits: np.ndarray
    slot: np.ndarray
    unit: np.ndarray


@dataclass(frozen=True, eq=False)
class Placement(Frozen):
    """``chips``; ``chip`` (n,) of each neuron; ``circuit`` (n, kmax) on it, -1 where a neuron has fewer."""

    chips: int
    chip: np.ndarray
    circuit: np.ndarray


@dataclass(frozen=True, eq=False)
class Routing(Frozen):
    """Where events go and where each synapse sits.

    On a chip without limits (``free``) only ``way``, ``delay_us`` and ``lost`` have content.

    Attributes
    ----------
    free : bool
    way : int (Way), (m,)
    delay_us : float, (m,)
        What the route gives.
    lost : int (Loss), (m,)
    route_source, route_chip, route_array, route_bus, route_row_select, route_label : int, (e,)
    route_delay_us : float, (e,)
    route_way : int (Way), (e,)
        One row for each stream of events: a source, its destination and label.
    cell_synapse, cell_chip, cell_array, cell_row, cell_column, cell_label : int, (p,)
        One row for each place on the arrays; a synapse that takes several rows has several.
    row_sign : int8, (chips, 2, 256)
    driver_mask, driver_mode : uint8, (chips, 2, 128)
    """

    free: bool
    way: np.ndarray
    delay_us: np.ndarray
    lost: np.ndarray
    route_source: np.ndarray
    route_chip: np.ndarray
    route_array: np.ndarray
    route_bus: np.ndarray
    route_row_select: np.ndarray
    route_label: np.ndarray
    route_delay_us: np.ndarray
    route_way: np.ndarray
    cell_synapse: np.ndarray
    cell_chip: np.ndarray
    cell_array: np.ndarray
    cell_row: np.ndarray
    cell_column: np.ndarray
    cell_label: np.ndarray
    row_sign: np.ndarray
    driver_mask: np.ndarray
    driver_mode: np.ndarray


@dataclass(frozen=True, eq=False)
class Rounded(Frozen):
    """Everything on the chip's grids.

    Attributes
    ----------
    cells : dict of Quantised, each (u,)
        The float fields of ``Scaled.cells``, hardware units.
    gain : Quantised, (2, u)
        LSB/us per weight LSB for input EXC and INH; requested is what uses the whole weight range.
    gm : int, (2, u)
        Bias code of the synaptic input.
    dac : int, (chips, 4)
        Bias code of the synapse DAC per quadrant.
    drive : Quantised, (m,)
        Of each synapse, summed over its rows, LSB/us; 0 where lost. Requested is what gives the wanted conductance
        with the potentials as they are realised.
    cell_weight : int, (p,)
        Weight of each place of ``Routing.cell_*``.
    lost : int (Loss), (m,)
        ``Routing.lost`` and the weights that round to zero.
    icc_rate : Quantised, (2, K)
        Conductance of each joint over the capacitances of its two membranes, 1 / us of hardware time.
    """

    cells: Mapping[str, Quantised]
    gain: Quantised
    gm: np.ndarray
    dac: np.ndarray
    drive: Quantised
    cell_weight: np.ndarray
    lost: np.ndarray
    icc_rate: Quantised

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "cells", MappingProxyType(dict(self.cells)))


@dataclass(frozen=True, eq=False)
class Mapped(Frozen):
    """A compiled network: every representation on the way, and the configuration at its end.

    ``described`` is the network as it was given, ``network`` what of it goes to the chips (``split.network``).
    ``master`` (n,) is the index of each neuron's membrane circuit in ``config.circuits``. ``config.probes`` has one
    probe for each of the network's, with its cells in the same order.
    """

    described: Network
    split: Split
    target: Target
    scaled: Scaled
    expanded: Expanded
    placement: Placement
    routing: Routing
    rounded: Rounded
    config: ChipConfig
    master: np.ndarray

    @property
    def network(self) -> Network:
        """The network of the chips."""
        return self.split.network

    @property
    def report(self):
        """What the network became and what it lost: :class:`pynn_brainscales.mapping.report.Report`."""
        from .report import make_report

        return make_report(self)

    def connections(self, projection: str) -> dict[str, np.ndarray]:
        """Requested and realised weights and delays of one projection: see ``mapping.connections``."""
        from .connections import connections

        return connections(self, projection)

    def floorplan(self):
        """The chips as a matplotlib figure."""
        from .floorplan import floorplan_figure

        return floorplan_figure(self)

    def __repr__(self) -> str:
        n = self.network
        return (f"<Mapped: {n.neurons} neurons, {n.synapses} synapses, chips: {self.placement.chips}, "
                f"profile {self.target.profile.name!r}>")

    def __str__(self) -> str:
        from .floorplan import floorplan_text

        return f"{self.report}\n{floorplan_text(self)}"
