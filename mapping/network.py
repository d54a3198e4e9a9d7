"""The declarative description of a network, in PyNN's words and units (ms, mV, nA, nF, uS).

A ``Network`` is frozen and says what is wanted, nothing about the chip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from pynn_brainscales.emulator.frozen import Frozen, read_only

from .errors import MappingError
from .models import (
    CELLS,
    CURRENTS,
    DEPENDENCE,
    RAGGED,
    RESPONSES,
    SOURCES,
    SYNAPSES,
    TIMING,
    CellModel,
    SynapseModel,
    cell_model,
    synapse_model,
)

_NOTHING: Mapping = MappingProxyType({})


def _frozen_arrays(values: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    return MappingProxyType({name: read_only(value) for name, value in values.items()})


@dataclass(frozen=True, eq=False)
class Population(Frozen):
    """Neurons of one model.

    ``model`` is one of ``models.CELLS``; "LIF" and "AdExp" take any ``receptors``: a name and one of
    ``models.RESPONSES`` each. ``parameters`` has one array of shape (size,) for every name in ``cell.parameters``
    (those of a receptor "AMPA" are called "AMPA.tau_syn"), ``initial`` one for every name in ``cell.variables``.
    """

    label: str
    size: int
    model: str
    parameters: Mapping[str, np.ndarray]
    initial: Mapping[str, np.ndarray]
    receptors: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "parameters", _frozen_arrays(self.parameters))
        object.__setattr__(self, "initial", _frozen_arrays(self.initial))
        object.__setattr__(self, "receptors", MappingProxyType(dict(self.receptors)))

    @property
    def cell(self) -> CellModel:
        """The model, with its receptors."""
        return cell_model(self.model, self.receptors)


@dataclass(frozen=True, eq=False)
class Source(Frozen):
    """Spike sources outside the chip.

    ``SpikeSourceArray``: ``spike_times`` (M,) in ms and ``spike_index`` (M,), which source fires.
    ``SpikeSourceInhGamma``: ``tbins`` (ms), ``a`` and ``b`` (s), each (M,), and ``bin_index`` (M,), whose they are.
    The others draw theirs: ``start`` and ``duration`` (ms), and for ``SpikeSourcePoisson`` ``rate`` (Hz), for
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
    """Synapses between two populations (or a source and a population), as arrays of shape (M,).

    ``pre`` and ``post`` are labels, ``pre_index`` and ``post_index`` positions in them. Weights are in nA for
    current-based models (<= 0 for the inhibitory receptor), mV for delta synapses and uS for conductance-based
    ones (>= 0), delays in ms. The order is kept: everything that the mapping says of single synapses comes in this
    order.

    ``model`` is one of ``models.SYNAPSES``, with ``parameters`` and ``initial`` values (M,) as it names them;
    ``rule`` names timing and weight dependence of an STDPMechanism. Plastic synapses with ``candidates`` (k,), cells of
    ``pre``, are slots: a rule may give them another of these as partner, see ``slots``.
    """

    label: str
    pre: str
    post: str
    receptor: str
    pre_index: np.ndarray
    post_index: np.ndarray
    weight: np.ndarray
    delay: np.ndarray
    model: str = "StaticSynapse"
    rule: tuple[str, ...] = ()
    parameters: Mapping[str, np.ndarray] = field(default_factory=lambda: _NOTHING)
    initial: Mapping[str, np.ndarray] = field(default_factory=lambda: _NOTHING)
    candidates: np.ndarray | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "parameters", _frozen_arrays(self.parameters))
        object.__setattr__(self, "initial", _frozen_arrays(self.initial))

    def __len__(self) -> int:
        return len(self.pre_index)

    @property
    def synapse(self) -> SynapseModel:
        """The synapse model, with its rule."""
        return synapse_model(self.model, self.rule)


@dataclass(frozen=True, eq=False)
class Joint(Frozen):
    """Electrical synapses between two populations, arrays (M,): positions in them, and conductances ``weight`` (uS)."""

    label: str
    pre: str
    post: str
    pre_index: np.ndarray
    post_index: np.ndarray
    weight: np.ndarray

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
class Current(Frozen):
    """A current source into the neurons ``index`` of a population.

    ``model`` is one of ``models.CURRENTS``, ``parameters`` its own: numbers, of a StepCurrentSource two lists. Noise of
    sources with the same ``number`` is the same.
    """

    model: str
    parameters: Mapping[str, np.ndarray | float]
    population: str
    index: np.ndarray
    number: int

    def __post_init__(self) -> None:
        super().__post_init__()
        own = {k: read_only(v) if isinstance(v, np.ndarray) else v for k, v in self.parameters.items()}
        object.__setattr__(self, "parameters", MappingProxyType(own))


@dataclass(frozen=True, eq=False)
class SynapseProbe(Frozen):
    """A state variable of a projection's synapses, sampled every ``interval`` ms; weights of those that learn."""

    projection: str
    interval: float
    variable: str = "weight"


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
    observed: tuple[SynapseProbe, ...] = ()
    currents: tuple[Current, ...] = ()
    joints: tuple[Joint, ...] = ()

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
    for label in (p.label for part in (network.projections, network.joints) for p in part):
        if label in seen:
            raise MappingError(f"two projections are labelled {label!r}", "unique labels", hint="rename one of them")
        seen.add(label)
    for projection in network.projections:
        _verify_projection(projection, network)
    for joint in network.joints:
        _verify_joint(joint, network)
    for probe in network.probes:
        where = f"probe of {probe.population!r}"
        try:
            population = network.population(probe.population)
        except KeyError as error:
            raise MappingError(f"unknown population {probe.population!r}", str(error.args[0]), where) from None
        if probe.variable not in population.cell.variables:
            raise MappingError(f"variable {probe.variable!r}", ", ".join(population.cell.variables), where)
        _verify_index(probe.index, population.size, where, "index")
        if not probe.interval > 0:
            raise MappingError(f"a sampling interval of {probe.interval} ms", "an interval > 0", where)
    chemical = {p.label for p in network.projections}
    for o in network.observed:
        if o.projection not in chemical:
            raise MappingError(f"unknown projection {o.projection!r}", ", ".join(sorted(chemical)), "observed synapses")
        where = f"observed synapses of {o.projection!r}"
        known = ("weight", *next(p for p in network.projections if p.label == o.projection).synapse.state)
        if o.variable not in known:
            raise MappingError(f"variable {o.variable!r}", ", ".join(known), where)
        if not o.interval > 0:
            raise MappingError(f"a sampling interval of {o.interval} ms", "an interval > 0", where)
    for current in network.currents:
        _verify_current(current, network)
    if not network.timestep > 0:
        raise MappingError(f"a timestep of {network.timestep} ms", "a timestep > 0")


def _verify_part(part: Population | Source) -> None:
    where = f"population {part.label!r}"
    if part.size < 1:
        raise MappingError(f"size {part.size}", "a size of at least 1", where)
    if isinstance(part, Source):
        _verify_source(part, where)
        return
    if part.model not in CELLS:
        raise MappingError(f"cell model {part.model!r}", ", ".join(CELLS), where)
    for name, response in part.receptors.items():
        if not CELLS[part.model].composed:
            raise MappingError(f"receptors {list(part.receptors)}", f"{', '.join(part.cell.receptors)}", where,
                               "only LIF and AdExp take receptors of any kind")
        if response not in RESPONSES:
            raise MappingError(f"response {response!r} of receptor {name!r}", ", ".join(RESPONSES), where)
    if len({RESPONSES[r].conductance for r in part.receptors.values()}) > 1:
        raise MappingError("current- and conductance-based receptors together", "receptors of one kind", where)
    for kind, given, known in (("parameter", part.parameters, part.cell.parameters),
                               ("initial value", part.initial, part.cell.variables)):
        if set(given) != set(known):
            raise MappingError(f"{kind}s {sorted(given)}", ", ".join(sorted(known)), where)
        for name, array in given.items():
            _verify_values(f"{kind} {name!r}", array, part.size, where, 2 if name in part.cell.several else 1)


def _verify_source(part: Source, where: str) -> None:
    if part.model not in SOURCES:
        raise MappingError(f"source model {part.model!r}", ", ".join(SOURCES), where)
    if set(part.parameters) != set(SOURCES[part.model]):
        raise MappingError(f"parameters {sorted(part.parameters)}", ", ".join(sorted(SOURCES[part.model])), where)
    counted = RAGGED.get(part.model)
    for name, array in part.parameters.items():
        if counted is None or name in ("start", "duration"):
            _verify_values(f"parameter {name!r}", array, part.size, where, 1, finite=name != "duration")
        elif array.ndim != 1 or array.shape != part.parameters[counted].shape:
            raise MappingError(f"{name} {array.shape} and {counted} {part.parameters[counted].shape}",
                               "two equal 1-D shapes", where)
        elif not np.all(np.isfinite(array)):
            raise MappingError(f"{name} that are not finite", "finite numbers", where)
    if counted is not None:
        _verify_index(part.parameters[counted], part.size, where, counted)


def _verify_values(what: str, array: np.ndarray, size: int, where: str, ndim: int, finite: bool = True) -> None:
    if array.ndim != ndim or array.shape[0] != size:
        raise MappingError(f"{what} of shape {array.shape}", f"shape ({size}{', k' if ndim == 2 else ','})", where)
    if finite and not np.all(np.isfinite(array)):
        raise MappingError(f"{what} has values that are not finite", "finite numbers", where)


def _verify_projection(projection: Projection, network: Network) -> None:
    where = f"projection {projection.label!r}"
    sizes = {p.label: p.size for p in network.parts}
    targets = [p.label for p in network.populations]
    if projection.pre not in sizes:
        raise MappingError(f"presynaptic population {projection.pre!r}", ", ".join(map(repr, sizes)), where)
    if projection.post not in targets:
        raise MappingError(f"postsynaptic population {projection.post!r}", ", ".join(map(repr, targets)), where,
                           "spike sources receive no synapses")
    receptors = network.population(projection.post).cell.receptors
    if projection.receptor not in receptors:
        raise MappingError(f"receptor {projection.receptor!r}", ", ".join(receptors) or "no receptors", where)
    shape = projection.pre_index.shape
    for name in ("pre_index", "post_index", "weight", "delay"):
        if getattr(projection, name).shape != shape or len(shape) != 1:
            raise MappingError(f"{name} of shape {getattr(projection, name).shape}", "four equal 1-D shapes", where)
    _verify_index(projection.pre_index, sizes[projection.pre], where, "pre_index")
    _verify_index(projection.post_index, sizes[projection.post], where, "post_index")
    for name in ("weight", "delay"):
        if not np.all(np.isfinite(getattr(projection, name))):
            raise MappingError(f"{name} has values that are not finite", "finite numbers", where)
    _verify_synapse(projection, where)


def _verify_joint(joint: Joint, network: Network) -> None:
    where, sizes = f"projection {joint.label!r}", {p.label: p.size for p in network.populations}
    for label, index, name in ((joint.pre, joint.pre_index, "pre_index"), (joint.post, joint.post_index, "post_index")):
        if label not in sizes:
            raise MappingError(f"an electrical synapse of {label!r}", ", ".join(map(repr, sizes)), where,
                               "spike sources have no membranes")
        if index.ndim != 1 or index.shape != joint.weight.shape:
            raise MappingError(f"{name} of shape {index.shape}", "three equal 1-D shapes", where)
        _verify_index(index, sizes[label], where, name)
    if not np.all(np.isfinite(joint.weight)):
        raise MappingError("weight has values that are not finite", "finite numbers", where)


def _verify_current(current: Current, network: Network) -> None:
    where = f"{current.model} into {current.population!r}"
    if current.model not in CURRENTS:
        raise MappingError(f"current source {current.model!r}", ", ".join(CURRENTS), where)
    if set(current.parameters) != set(CURRENTS[current.model]):
        raise MappingError(f"parameters {sorted(current.parameters)}", ", ".join(CURRENTS[current.model]), where)
    sizes = {p.label: p.size for p in network.populations}
    if current.population not in sizes:
        raise MappingError(f"unknown population {current.population!r}", ", ".join(map(repr, sizes)), where,
                           "spike sources take no current")
    _verify_index(current.index, sizes[current.population], where, "index")
    for name, value in current.parameters.items():
        if np.any(np.isnan(value)) or (name != "stop" and not np.all(np.isfinite(value))):
            raise MappingError(f"{name} that is not finite", "finite numbers", where)
    if current.model == "StepCurrentSource":
        times, amplitudes = (np.asarray(current.parameters[k]) for k in ("times", "amplitudes"))
        if times.ndim != 1 or times.shape != amplitudes.shape or np.any(np.diff(times) < 0):
            raise MappingError("times and amplitudes", "two lists of one length, times ascending", where)


def _verify_synapse(projection: Projection, where: str) -> None:
    if projection.model not in SYNAPSES:
        raise MappingError(f"synapse model {projection.model!r}", ", ".join(SYNAPSES), where)
    plastic = projection.model == "STDPMechanism"
    known = plastic and len(projection.rule) == 2 and projection.rule[0] in TIMING and projection.rule[1] in DEPENDENCE
    if plastic != bool(projection.rule) or (plastic and not known):
        raise MappingError(f"rule {projection.rule}", f"one of {', '.join(TIMING)} with one of {', '.join(DEPENDENCE)}"
                           if plastic else "no rule: the synapse does not learn", where)
    model = projection.synapse
    for kind, given, names in (("parameter", projection.parameters, model.parameters),
                               ("initial value", projection.initial, model.initial)):
        if set(given) != set(names):
            raise MappingError(f"{kind}s {sorted(given)} of {projection.model}", ", ".join(sorted(names)) or "none",
                               where)
        for name, array in given.items():
            _verify_values(f"{kind} {name!r}", array, len(projection), where, 1)


def _verify_index(index: np.ndarray, size: int, where: str, name: str) -> None:
    if index.dtype.kind not in "iu":
        raise MappingError(f"{name} of type {index.dtype}", "integers", where)
    if len(index) and (index.min() < 0 or index.max() >= size):
        raise MappingError(f"{name} from {index.min()} to {index.max()}", f"0..{size - 1}", where)
