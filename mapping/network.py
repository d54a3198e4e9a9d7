"""The declarative description of a network, in PyNN's words and units (ms, mV, nA, nF, uS).

A ``Network`` is frozen and says what is wanted, nothing about the chip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from pynn_brainscales.emulator.frozen import Frozen, read_only

from .errors import MappingError

_COMMON = ("cm", "tau_m", "tau_syn_E", "tau_syn_I", "tau_refrac", "v_rest", "v_reset", "v_thresh", "i_offset")
_CONDUCTANCE = ("e_rev_E", "e_rev_I")

# cell model -> its parameters, all per neuron
CELL_PARAMETERS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "IF_curr_exp": _COMMON,
    "IF_cond_exp": _COMMON + _CONDUCTANCE,
    "EIF_cond_exp_isfa_ista": _COMMON + _CONDUCTANCE + ("v_spike", "delta_T", "a", "b", "tau_w"),
})
# cell model -> its state variables with a start value; gsyn are conductances (uS), isyn currents (nA)
CELL_VARIABLES: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "IF_curr_exp": ("v", "isyn_exc", "isyn_inh"),
    "IF_cond_exp": ("v", "gsyn_exc", "gsyn_inh"),
    "EIF_cond_exp_isfa_ista": ("v", "w", "gsyn_exc", "gsyn_inh"),
})
SOURCE_PARAMETERS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "SpikeSourceArray": ("spike_times", "spike_index"),
    "SpikeSourcePoisson": ("rate", "start", "duration"),
    "SpikeSourcePoissonRefractory": ("rate", "tau_refrac", "start", "duration"),
    "SpikeSourceGamma": ("alpha", "beta", "start", "duration"),
})
RECEPTORS = ("excitatory", "inhibitory")


def _frozen_arrays(values: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    return MappingProxyType({name: read_only(value) for name, value in values.items()})


@dataclass(frozen=True, eq=False)
class Population(Frozen):
    """Neurons of one model.

    ``parameters`` has one array of shape (size,) for every name in ``CELL_PARAMETERS[model]``, ``initial`` one
    for every name in ``CELL_VARIABLES[model]``.
    """

    label: str
    size: int
    model: str
    parameters: Mapping[str, np.ndarray]
    initial: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "parameters", _frozen_arrays(self.parameters))
        object.__setattr__(self, "initial", _frozen_arrays(self.initial))


@dataclass(frozen=True, eq=False)
class Source(Frozen):
    """Spike sources outside the chip.

    ``SpikeSourceArray``: ``spike_times`` (M,) in ms and ``spike_index`` (M,), which source fires;
    the others draw theirs: ``start`` and ``duration`` (ms), and for ``SpikeSourcePoisson`` ``rate`` (Hz), for
    ``SpikeSourcePoissonRefractory`` also ``tau_refrac`` (ms), for ``SpikeSourceGamma`` ``alpha`` (the shape of the
    intervals' distribution) and ``beta`` (its rate, Hz), each of shape (size,).
    """

    label: str
    size: int
    model: str
    parameters: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "parameters", _frozen_arrays(self.parameters))


@dataclass(frozen=True, eq=False)
class Projection(Frozen):
    """Static synapses between two populations (or a source and a population), as arrays of shape (M,).

    ``pre`` and ``post`` are labels, ``pre_index`` and ``post_index`` positions in them. Weights are in nA for
    current-based models (<= 0 for the inhibitory receptor) and uS for conductance-based ones (>= 0), delays in
    ms. The order is kept: everything that the mapping says of single synapses comes in this order.
    """

    label: str
    pre: str
    post: str
    receptor: str
    pre_index: np.ndarray
    post_index: np.ndarray
    weight: np.ndarray
    delay: np.ndarray

    def __len__(self) -> int:
        return len(self.pre_index)


@dataclass(frozen=True, eq=False)
class Probe(Frozen):
    """What is sampled: ``variable`` of the neurons ``index`` of a population, every ``interval`` ms.

    Spikes need no probe: all are recorded.
    """

    population: str
    variable: str
    index: np.ndarray
    interval: float


@dataclass(frozen=True, eq=False)
class Network(Frozen):
    """Populations, sources, projections and probes; ``timestep`` and ``min_delay`` in ms.

    Labels are unique over populations and sources together, and over projections.
    """

    populations: tuple[Population, ...]
    sources: tuple[Source, ...]
    projections: tuple[Projection, ...]
    probes: tuple[Probe, ...] = ()
    timestep: float = 0.1
    min_delay: float = 0.1

    def population(self, label: str) -> Population:
        """The population with a label; KeyError if there is none."""
        return _by_label(self.populations, label)

    def source(self, label: str) -> Source:
        """The source with a label; KeyError if there is none."""
        return _by_label(self.sources, label)

    def offsets(self) -> dict[str, int]:
        """Where each population and source begins in the numbering of the whole network.

        Neurons of all populations come first (0..neurons-1), then the sources: sources + neurons is the
        numbering of everything that can fire.
        """
        start, result = 0, {}
        for part in self.parts:
            result[part.label] = start
            start += part.size
        return result

    def to_dict(self) -> dict:
        """A plain dictionary: see ``mapping.document``."""
        from . import document

        return document.to_dict(self)

    @staticmethod
    def from_dict(values: Mapping) -> Network:
        """The network of a dictionary; MappingError, saying where and what, if it isn't one."""
        from . import document

        return document.from_dict(values)

    @property
    def parts(self) -> tuple[Population | Source, ...]:
        """Populations, then sources."""
        return (*self.populations, *self.sources)

    @property
    def neurons(self) -> int:
        return sum(p.size for p in self.populations)

    @property
    def synapses(self) -> int:
        return sum(len(p) for p in self.projections)


def _by_label(parts, label):
    for part in parts:
        if part.label == label:
            return part
    raise KeyError(f"there is no {label!r}; there are {[p.label for p in parts]}")


def verify_network(network: Network) -> None:
    """Raise MappingError if a description contradicts itself (shapes, names, indices); units are not judged."""
    labels: set[str] = set()
    for part in network.parts:
        if part.label in labels:
            raise MappingError(f"two parts are labelled {part.label!r}", "unique labels", hint="rename one of them")
        labels.add(part.label)
        _verify_part(part)
    seen: set[str] = set()
    for projection in network.projections:
        if projection.label in seen:
            raise MappingError(f"two projections are labelled {projection.label!r}", "unique labels",
                               hint="rename one of them")
        seen.add(projection.label)
        _verify_projection(projection, network)
    for probe in network.probes:
        where = f"probe of {probe.population!r}"
        try:
            population = network.population(probe.population)
        except KeyError as error:
            raise MappingError(f"unknown population {probe.population!r}", str(error.args[0]), where) from None
        if probe.variable not in CELL_VARIABLES[population.model]:
            raise MappingError(f"variable {probe.variable!r}", ", ".join(CELL_VARIABLES[population.model]), where)
        _verify_index(probe.index, population.size, where, "index")
        if not probe.interval > 0:
            raise MappingError(f"a sampling interval of {probe.interval} ms", "an interval > 0", where)
    if not network.timestep > 0:
        raise MappingError(f"a timestep of {network.timestep} ms", "a timestep > 0")


def _verify_part(part: Population | Source) -> None:
    where = f"population {part.label!r}"
    known = CELL_PARAMETERS if isinstance(part, Population) else SOURCE_PARAMETERS
    if part.model not in known:
        kind = "cell" if isinstance(part, Population) else "source"
        raise MappingError(f"{kind} model {part.model!r}", ", ".join(known), where)
    if part.size < 1:
        raise MappingError(f"size {part.size}", "a size of at least 1", where)
    if set(part.parameters) != set(known[part.model]):
        raise MappingError(f"parameters {sorted(part.parameters)}", ", ".join(sorted(known[part.model])), where)
    groups = [("parameter", part.parameters)]
    if isinstance(part, Population):
        if set(part.initial) != set(CELL_VARIABLES[part.model]):
            raise MappingError(f"initial values {sorted(part.initial)}", ", ".join(CELL_VARIABLES[part.model]), where)
        groups.append(("initial value", part.initial))
    if part.model == "SpikeSourceArray":
        times, index = part.parameters["spike_times"], part.parameters["spike_index"]
        if times.ndim != 1 or times.shape != index.shape:
            raise MappingError(f"spike_times {times.shape} and spike_index {index.shape}", "two equal 1-D shapes",
                               where)
        _verify_index(index, part.size, where, "spike_index")
        if not np.all(np.isfinite(times)):
            raise MappingError("spike times that are not finite", "finite times in ms", where)
        return
    for kind, values in groups:
        for name, array in values.items():
            if array.shape != (part.size,):
                raise MappingError(f"{kind} {name!r} of shape {array.shape}", f"shape ({part.size},)", where)
            if not np.all(np.isfinite(array)) and name != "duration":
                raise MappingError(f"{kind} {name!r} has values that are not finite", "finite numbers", where)


def _verify_projection(projection: Projection, network: Network) -> None:
    where = f"projection {projection.label!r}"
    sizes = {p.label: p.size for p in network.parts}
    targets = [p.label for p in network.populations]
    if projection.pre not in sizes:
        raise MappingError(f"presynaptic population {projection.pre!r}", ", ".join(map(repr, sizes)), where)
    if projection.post not in targets:
        raise MappingError(f"postsynaptic population {projection.post!r}", ", ".join(map(repr, targets)), where,
                           "spike sources receive no synapses")
    if projection.receptor not in RECEPTORS:
        raise MappingError(f"receptor {projection.receptor!r}", ", ".join(RECEPTORS), where)
    shape = projection.pre_index.shape
    for name in ("pre_index", "post_index", "weight", "delay"):
        if getattr(projection, name).shape != shape or len(shape) != 1:
            raise MappingError(f"{name} of shape {getattr(projection, name).shape}", "four equal 1-D shapes", where)
    _verify_index(projection.pre_index, sizes[projection.pre], where, "pre_index")
    _verify_index(projection.post_index, sizes[projection.post], where, "post_index")
    for name in ("weight", "delay"):
        if not np.all(np.isfinite(getattr(projection, name))):
            raise MappingError(f"{name} has values that are not finite", "finite numbers", where)


def _verify_index(index: np.ndarray, size: int, where: str, name: str) -> None:
    if index.dtype.kind not in "iu":
        raise MappingError(f"{name} of type {index.dtype}", "integers", where)
    if len(index) and (index.min() < 0 or index.max() >= size):
        raise MappingError(f"{name} from {index.min()} to {index.max()}", f"0..{size - 1}", where)
