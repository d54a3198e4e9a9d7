"""What is written to the chip before a run, and what the virtual chip makes of it.

``ChipConfig`` is frozen, in hardware units, and knows no population. One object may hold several chips: its
circuits are listed one after the other, with their coordinates, so that unused circuits cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from . import coordinates, limits
from .beside.coupling import Beside, verify_beside
from .frozen import Frozen
from .joints import Joints, verify_joints
from .pairs import PairSynapses, verify_pairs
from .plastic import PlasticArray, verify_array
from .relays import RelayProbe, Relays, verify_relays
from .variation import FixedPattern, Noise

EXC, INH = 0, 1  # the two synaptic inputs of a circuit
VARIABLES = ("v", "w", "i_exc", "i_inh")


@dataclass(frozen=True, eq=False)
class Circuits(Frozen):
    """The used neuron circuits of all chips, struct of arrays, all of shape (N,).

    Attributes
    ----------
    chip, circuit : int
        Coordinates: chip, and circuit 0..511 on it.
    master : int
        Index (into these arrays) of the circuit that holds the membrane of this circuit's neuron; its own index
        unless circuits are joined. Joined circuits lend their synaptic inputs, with their own time constants, gains
        and reversal potentials; their other parameters are unused.
    v_leak, v_reset, v_thresh : float
        Potentials, CADC LSB.
    tau_m, tau_syn_exc, tau_syn_inh : float
        Time constants, us.
    refractory_us : float
        Refractory time, us, rounded to the step in a run.
    i_offset : float
        Offset current over the capacitance, CADC LSB / us.
    spiking : bool
        The threshold comparator is connected.
    conductance : bool
        Synaptic inputs are conductance-based.
    e_rev_exc, e_rev_inh, e_ref_exc, e_ref_inh : float
        Reversal potential, and the potential at which the conductance-based input has its nominal strength, LSB.
    gain_exc, gain_inh : float
        Jump of dV/dt (CADC LSB / us) per unit of weight; for a conductance, at its reference potential.
    exponential : bool
        The exponential term is on; delta_t and v_exp are its slope and threshold, LSB.
    adaptation : bool
        Adaptation is on: tau_w dw/dt = a (v - v_leak) - w, and w grows by b at a spike. ``a`` is in units of
        the leak conductance, ``b`` and w in CADC LSB (adaptation current over leak conductance), tau_w in us.
    port : int, optional
        Which pair of receptors of its neuron the inputs of a circuit are; 0 for all by default.
    """

    chip: np.ndarray
    circuit: np.ndarray
    master: np.ndarray
    v_leak: np.ndarray
    v_reset: np.ndarray
    v_thresh: np.ndarray
    tau_m: np.ndarray
    tau_syn_exc: np.ndarray
    tau_syn_inh: np.ndarray
    refractory_us: np.ndarray
    i_offset: np.ndarray
    spiking: np.ndarray
    conductance: np.ndarray
    e_rev_exc: np.ndarray
    e_rev_inh: np.ndarray
    e_ref_exc: np.ndarray
    e_ref_inh: np.ndarray
    gain_exc: np.ndarray
    gain_inh: np.ndarray
    exponential: np.ndarray
    delta_t: np.ndarray
    v_exp: np.ndarray
    adaptation: np.ndarray
    a: np.ndarray
    b: np.ndarray
    tau_w: np.ndarray
    port: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.chip)

    @property
    def ports(self) -> np.ndarray:
        """Pair of receptors of every circuit, (N,)."""
        return np.zeros(len(self), np.int64) if self.port is None else self.port


@dataclass(frozen=True, eq=False)
class FreeSynapses(Frozen):
    """Synapses of a chip without limits: any source to any circuit with any delay; arrays of shape (M,).

    ``source`` counts circuits first (0..N-1), then external channels; ``target`` is a circuit index, ``input``
    EXC or INH, ``weight`` a float >= 0 in units of the circuit's gain, ``delay_steps`` >= 1.
    """

    source: np.ndarray
    target: np.ndarray
    input: np.ndarray
    weight: np.ndarray
    delay_steps: np.ndarray


@dataclass(frozen=True, eq=False)
class Routes(Frozen):
    """Where the events of each source go; one row for each (source, destination), arrays of shape (E,).

    ``source`` counts circuits first (0..N-1), then external channels. An event arrives on PADI bus ``bus`` of
    array ``array`` on chip ``chip`` with a 5-bit ``row_select`` and a 6-bit ``label``, ``delay_steps`` after the
    spike. ``relayed`` is True where the event takes the way outside the chip: then any bus and row select can be
    had; else bus and the upper three bits of the row select are those of the circuit's event output.
    """

    source: np.ndarray
    chip: np.ndarray
    array: np.ndarray
    bus: np.ndarray
    row_select: np.ndarray
    label: np.ndarray
    delay_steps: np.ndarray
    relayed: np.ndarray

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, eq=False)
class DriverModes(Frozen):
    """Settings of short-term plasticity that synapse drivers may have, arrays of shape (K,).

    ``use`` (0..1) and ``tau_us`` of a driver's state; the strength of an event is ``1 + strength (x - offset)``, see
    ``relays.Relays``. Entry 0 is "off" and is not looked at.
    """

    use: np.ndarray
    tau_us: np.ndarray
    strength: np.ndarray
    offset: np.ndarray

    def __len__(self) -> int:
        return len(self.use)


@dataclass(frozen=True, eq=False)
class RoutedSynapses(Frozen):
    """Synapse arrays, drivers and routes of C chips.

    Attributes
    ----------
    weight, label : uint8, (C, 2, 256, 256)
        By chip, array, row, column. A synapse acts on the circuit of its column when the label of an event on its
        row equals its own. Weight 0 is no synapse.
    row_sign : int8, (C, 2, 256)
        +1 excitatory, -1 inhibitory, 0 disabled.
    driver_mask : uint8, (C, 2, 128)
        Bits of the row select that a driver compares with its index on the bus.
    routes : Routes
    driver_mode : uint8, (C, 2, 128), optional
        Which of ``modes`` each driver has; none has any by default.
    modes : DriverModes, optional
    """

    weight: np.ndarray
    label: np.ndarray
    row_sign: np.ndarray
    driver_mask: np.ndarray
    routes: Routes
    driver_mode: np.ndarray | None = None
    modes: DriverModes | None = None


@dataclass(frozen=True, eq=False)
class LearningSynapses(Frozen):
    """Synapses that learn from pairs of spikes, on a chip without limits; arrays of shape (M,).

    Attributes
    ----------
    synapses : PairSynapses
        Their rule and start weights; ``target`` is a circuit, or a cell of a group beside the chip.
    input : int
        EXC or INH of a circuit, or the receptor of a cell.
    strength : float
        Of a unit of weight, in units of the circuit's gain or of the receptor; negative where the weight's magnitude
        stands for a negative current.
    beside : int
        Group of the targets, -1 for circuits.
    """

    synapses: PairSynapses
    input: np.ndarray
    strength: np.ndarray
    beside: int = -1


@dataclass(frozen=True, eq=False)
class PairProbe(Frozen):
    """Samples of the weights of some ``synapses`` of learning synapses ``group`` every ``interval_steps``."""

    group: int
    synapses: np.ndarray
    interval_steps: int


@dataclass(frozen=True, eq=False)
class Probe(Frozen):
    """Samples of ``variable`` (one of VARIABLES) of ``circuits`` (indices of masters) every ``interval_steps``.

    ``i_exc`` and ``i_inh`` are the sum over joined circuits of the same port (for ports above 0, ``circuits`` names the
    first circuit of each): a drive in CADC LSB / us for current-based circuits,
    a conductance over the capacitance in 1 / us for conductance-based ones.
    """

    variable: str
    circuits: np.ndarray
    interval_steps: int


@dataclass(frozen=True, eq=False)
class ChipConfig(Frozen):
    """All that is written to the chips, with the fixed pattern and noise of these chips.

    Attributes
    ----------
    step_us : float
        Integration step, us of hardware time.
    chips : int
    circuits : Circuits
    external : int
        Number of external input channels; those of cells beside the chip and of relays are among them.
    synapses : FreeSynapses or RoutedSynapses
    probes : tuple of Probe
    pattern : FixedPattern or None
        What the virtual chips make of the configuration; None is a perfect chip.
    noise : Noise
    beside : Beside or None
        Cells beside the chip.
    relays : Relays or None
        Short-term plastic and stochastic synapses.
    pairs : tuple of LearningSynapses
    pair_probes : tuple of PairProbe
    relay_probes : tuple of RelayProbe
    plastic : tuple of PlasticArray
        Synapses that a plasticity rule may change; their places in the arrays of ``synapses`` are empty.
    joints : Joints or None
        Conductances between membranes.
    """

    step_us: float
    chips: int
    circuits: Circuits
    external: int
    synapses: FreeSynapses | RoutedSynapses
    probes: tuple[Probe, ...] = ()
    pattern: FixedPattern | None = None
    noise: Noise = Noise()
    beside: Beside | None = None
    relays: Relays | None = None
    pairs: tuple[LearningSynapses, ...] = ()
    pair_probes: tuple[PairProbe, ...] = ()
    relay_probes: tuple[RelayProbe, ...] = ()
    plastic: tuple[PlasticArray, ...] = ()
    joints: Joints | None = None


def verify_config(config: ChipConfig) -> None:
    """Raise ValueError, naming the field and the index, if a configuration breaks what the chip demands."""
    c = config.circuits
    n = len(c)
    if not config.step_us > 0:
        raise ValueError(f"step_us must be > 0, got {config.step_us}")
    for field in fields(c):
        array = getattr(c, field.name)
        if array is None and field.name == "port":
            continue
        if array.shape != (n,):
            raise ValueError(f"circuits.{field.name} has shape {array.shape}, expected ({n},)")
        if array.dtype.kind == "f":
            _demand(np.isfinite(array), f"circuits.{field.name} must be finite")
    _demand((c.chip >= 0) & (c.chip < config.chips), f"circuits.chip must lie in 0..{config.chips - 1}")
    _demand((c.circuit >= 0) & (c.circuit < limits.CIRCUITS), "circuits.circuit must lie in 0..511")
    place = c.chip.astype(np.int64) * limits.CIRCUITS + c.circuit
    if len(np.unique(place)) != n:
        raise ValueError("two circuits share one coordinate")
    _demand((c.master >= 0) & (c.master < n), "circuits.master must be an index of a circuit")
    _demand(c.master[c.master] == c.master, "circuits.master must name a circuit that is its own master")
    _demand((c.chip == c.chip[c.master]), "joined circuits must lie on one chip")
    for name in ("tau_m", "tau_syn_exc", "tau_syn_inh"):
        _demand(getattr(c, name) > 0, f"circuits.{name} must be > 0")
    _demand(c.refractory_us >= 0, "circuits.refractory_us must be >= 0")
    _demand(~c.adaptation | (c.tau_w > 0), "circuits.tau_w must be > 0")
    _demand(~c.exponential | (c.delta_t > 0), "circuits.delta_t must be > 0 where the exponential term is on")
    for side in ("exc", "inh"):
        apart = getattr(c, f"e_rev_{side}") != getattr(c, f"e_ref_{side}")
        _demand(~c.conductance | apart, f"circuits.e_ref_{side} must differ from e_rev_{side}")
        other = c.conductance & (getattr(c, f"e_rev_{side}") != getattr(c, f"e_rev_{side}")[c.master])
        _demand(~other | (c.e_rev_exc != c.e_rev_inh)[c.master], f"circuits.e_rev_{side} of a joined circuit is not "
                "its membrane's, which must have two different ones")
    s = config.synapses
    sources = n + config.external
    if isinstance(s, FreeSynapses):
        _demand((s.source >= 0) & (s.source < sources), f"synapses.source must lie in 0..{sources - 1}")
        _demand((s.target >= 0) & (s.target < n), f"synapses.target must lie in 0..{n - 1}")
        _demand(s.delay_steps >= 1, "synapses.delay_steps must be >= 1")
        _demand((s.input == EXC) | (s.input == INH), "synapses.input must be 0 (excitatory) or 1 (inhibitory)")
        _demand(np.isfinite(s.weight) & (s.weight >= 0), "synapses.weight must be finite and >= 0")
    else:
        _verify_routed(s, c, config.chips, sources)
    for probe in config.probes:
        if probe.variable not in VARIABLES:
            raise ValueError(f"a probe reads one of {VARIABLES}, not {probe.variable!r}")
        if probe.interval_steps < 1:
            raise ValueError(f"a probe's interval_steps must be >= 1, got {probe.interval_steps}")
        _demand((probe.circuits >= 0) & (probe.circuits < n), f"probe.circuits must lie in 0..{n - 1}")
    if config.beside is not None:
        verify_beside(config.beside, n, config.external)
    if config.relays is not None:
        verify_relays(config.relays, sources, config.external)
    if config.joints is not None:
        verify_joints(config.joints, c.master)
        if isinstance(s, RoutedSynapses):
            same = c.chip[config.joints.first] == c.chip[config.joints.second]
            _demand(same, "joined membranes must lie on one chip")
    for group in config.pairs:
        verify_pairs(group.synapses, sources)
    for array in config.plastic:
        verify_array(array, n, sources)
    for p in config.pair_probes:
        if not 0 <= p.group < len(config.pairs) or p.interval_steps < 1:
            raise ValueError(f"a probe of learning synapses {p.group} every {p.interval_steps} steps; there are "
                             f"{len(config.pairs)}, and intervals of at least one step")


def _verify_routed(s: RoutedSynapses, c: Circuits, chips: int, sources: int) -> None:
    shapes = {"weight": (chips, 2, limits.ROWS, limits.COLUMNS), "label": (chips, 2, limits.ROWS, limits.COLUMNS),
              "row_sign": (chips, 2, limits.ROWS), "driver_mask": (chips, 2, limits.DRIVERS)}
    for name, shape in shapes.items():
        if getattr(s, name).shape != shape:
            raise ValueError(f"synapses.{name} has shape {getattr(s, name).shape}, expected {shape}")
    if s.driver_mode is not None:
        if s.modes is None or s.driver_mode.shape != shapes["driver_mask"]:
            raise ValueError(f"synapses.driver_mode has shape {s.driver_mode.shape}, expected {shapes['driver_mask']}, "
                             "and needs synapses.modes")
        _demand(s.driver_mode < len(s.modes), f"synapses.driver_mode must lie in 0..{len(s.modes) - 1}")
    _demand(s.weight <= limits.WEIGHT_MAX, "synapses.weight must lie in 0..63")
    _demand(s.label < limits.LABELS, "synapses.label must lie in 0..63")
    r = s.routes
    _demand((r.source >= 0) & (r.source < sources), f"routes.source must lie in 0..{sources - 1}")
    _demand((r.chip >= 0) & (r.chip < chips), f"routes.chip must lie in 0..{chips - 1}")
    _demand((r.bus >= 0) & (r.bus < limits.BUSES), "routes.bus must lie in 0..3")
    _demand((r.row_select >= 0) & (r.row_select < 2 ** limits.ROW_SELECT_BITS), "routes.row_select must lie in 0..31")
    _demand((r.label >= 0) & (r.label < limits.LABELS), "routes.label must lie in 0..63")
    _demand(r.delay_steps >= 1, "routes.delay_steps must be >= 1")
    direct = np.flatnonzero(~r.relayed)
    if len(direct):
        source = r.source[direct]
        _demand(source < len(c), "an external channel always comes from outside: routes.relayed must be True")
        output = coordinates.output_of(c.circuit[source])
        _demand(r.bus[direct] == coordinates.bus_of_output(output), "a spike reaches bus (output % 4) only")
        _demand(r.row_select[direct] >> 2 == output, "the upper bits of a spike's row select are its output")
        _demand(r.chip[direct] == c.chip[source], "a spike stays on its chip unless it is relayed")


def _demand(ok: np.ndarray, sentence: str) -> None:
    if not np.all(ok):
        where = tuple(int(i) for i in np.argwhere(~np.atleast_1d(ok))[0])
        raise ValueError(f"{sentence}; broken at index {where}")
