"""Projections as arrays: one entry for each connection, in the order of creation; no object per synapse."""

from __future__ import annotations

import warnings

import numpy as np
from pyNN import common, errors
from pyNN import connectors as pynn
from pyNN.parameters import LazyArray
from pyNN.space import Space

from . import connectors, forms, projection_data, simulator
from .columns import INDICES, Columns
from .describe import candidates_of
from .learning import present_states
from .mapping.models import CELLS, SYNAPSES
from .simulator import Stale
from .standardmodels.synapses import SYNAPSE_TYPES, ElectricalSynapse, StaticSynapse
from .synapse_recording import SynapseRecorder

_ENDS = (common.BasePopulation, common.Assembly)


class Connection(common.Connection):
    """One connection of a projection: a view, through which its parameters can be read and written."""

    def __init__(self, projection: Projection, i: int) -> None:
        object.__setattr__(self, "_projection", projection)
        object.__setattr__(self, "_i", i)

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        projection = self._projection
        if name not in projection.attribute_names:
            raise AttributeError(f"a connection of {projection.label!r} has {', '.join(projection.attribute_names)}, "
                                 f"not {name!r}")
        return projection.present(name)[self._i].item()

    def __setattr__(self, name: str, value) -> None:
        projection = self._projection
        if name not in projection.parameter_names:
            raise AttributeError(f"only {', '.join(projection.parameter_names)} of a connection of "
                                 f"{projection.label!r} can be set, not {name!r}")
        projection.write({name: value}, self._i)

    def as_tuple(self, *names: str) -> tuple:
        """Values of the named attributes."""
        return tuple(getattr(self, name) for name in names)

    def __repr__(self) -> str:
        return f"Connection({self.presynaptic_index} → {self.postsynaptic_index} of {self._projection.label!r})"


class Projection(common.Projection):
    __doc__ = common.Projection.__doc__
    _simulator = simulator
    _static_synapse_class = StaticSynapse

    def __init__(self, presynaptic_population, postsynaptic_population, connector, synapse_type=None, source=None,
                 receptor_type=None, space=None, label=None):
        _check_ends(presynaptic_population, postsynaptic_population, synapse_type)
        if isinstance(presynaptic_population, _ENDS) and isinstance(postsynaptic_population, _ENDS):
            forms.check_shapes(synapse_type, (presynaptic_population.size, postsynaptic_population.size))
        super().__init__(presynaptic_population, postsynaptic_population, connector, synapse_type, source,
                         receptor_type, Space() if space is None else space, label)
        self._network = simulator.state.projections
        self.parameter_names = tuple(self.synapse_type.get_parameter_names())
        self.recorder: SynapseRecorder | None = None
        self._table = Columns(self.parameter_names)
        self._changed: dict[str, np.ndarray] = {}  # what a run has made of parameters, each (replicas, n)
        self._initial: dict[str, np.ndarray] = {}
        self._rewritten: list = []  # where the user has set weights since a rule's last run
        candidates_of(self)  # an error if there can't be any
        connectors.connect(connector, self)
        self._table.join(self._parameter)
        self._check_all(connector.safe)
        follows = getattr(self.synapse_type, "starts_from", {})
        self.initialize(**{k: v for k, v in self.synapse_type.default_initial_values.items() if k not in follows})
        simulator.state.projections.append(self)
        simulator.state.changed(Stale.STRUCTURE)

    # --- storage -------------------------------------------------------------------------------------------

    def append(self, pre: np.ndarray, post, parameters: dict) -> None:
        """Add connections: indices into ``pre`` and ``post`` (array or number), parameters as arrays or numbers."""
        self._table.append(pre, post, parameters)

    def _convergent_connect(self, presynaptic_indices, postsynaptic_index, location_selector=None, **parameters):
        if location_selector is not None:
            raise NotImplementedError(f"{self.label}: the cells of {self.post.label!r} have one compartment and no "
                                      "locations; leave location_selector out")
        self.append(presynaptic_indices, postsynaptic_index, parameters)

    def _parameter(self, name: str) -> float:
        """A parameter that a connector has left out."""
        value = self.synapse_type.native_parameters[name]
        value.shape = self.shape
        if not value.is_homogeneous:
            raise errors.ConnectionError(f"{self.label}: {type(self._connector).__name__} gives no {name}, and the "
                                         "synapse type has no single value of it")
        return float(value.evaluate(simplify=True))

    def _columns(self) -> dict[str, np.ndarray]:
        """Indices and parameters of all connections as the user gave them, each (n,); the arrays stay as they are."""
        return self._table.shared()

    @property
    def indices(self) -> tuple[np.ndarray, np.ndarray]:
        """Presynaptic and postsynaptic index of all connections as they were made, each (n,)."""
        return self._table[INDICES[0]], self._table[INDICES[1]]

    @property
    def electrical(self) -> bool:
        """Its connections are conductances between membranes, and send no spikes."""
        return isinstance(self.synapse_type, ElectricalSynapse)

    @property
    def state_names(self) -> tuple[str, ...]:
        """State variables of the synapse type."""
        return tuple(self.synapse_type.default_initial_values)

    @property
    def changing_names(self) -> tuple[str, ...]:
        """State variables that can be followed through a run."""
        return () if self.electrical else SYNAPSES[type(self.synapse_type).__name__].state

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """Everything that can be read of a connection."""
        return tuple(dict.fromkeys((*INDICES, *self.parameter_names, *self.state_names, *self.changing_names)))

    def present(self, name: str, replica: int = 0) -> np.ndarray:
        """Value of all connections now (n,): as a run has left it, else as it was given; not to be written to."""
        if name in self._changed:
            return self._changed[name][replica]
        if name in self.changing_names:
            state = simulator.state
            now = present_states(state, self, name, replica) if self._network is state.projections else None
            if now is not None:
                return now
            if name not in self.state_names:  # resources, all there
                return np.ones(len(self))
        return self._start(name) if name in self.state_names else self._table[name]

    def _start(self, name: str) -> np.ndarray:
        """Start value of a state variable: as set by the user, else that of the parameter that it starts from."""
        return self._initial[name] if name in self._initial else self._table[self.synapse_type.starts_from[name]]

    def kept(self, name: str, replica: int = 0) -> np.ndarray:
        """As ``present``, an array that nobody changes any more."""
        if name in self._changed or name in self._initial or name in self.changing_names:
            return self.present(name, replica)
        return self._table.shared()[name]

    def initial(self) -> dict[str, np.ndarray]:
        """Initial values of the synapses' state variables, each (n,)."""
        return {name: self._start(name) for name in self.state_names}

    def take(self, values: dict[str, np.ndarray]) -> None:
        """Take over what a run has made of parameters, each (replicas, n), in the order of creation."""
        self._changed.update({name: np.array(np.atleast_2d(value), int if name in INDICES else float)
                              for name, value in values.items()})

    def restore(self) -> None:
        """Back to the values that the user gave: called by ``reset()``."""
        self._changed, self._rewritten = {}, []

    def write(self, values: dict, where=slice(None)) -> None:
        """Change parameters of some connections, from now on: all of them, or none if a value makes no sense."""
        self._demand_present("set")
        numbers = {name: self._numbers(name, value) for name, value in values.items()}
        self._check({name: self._table[name][where] for name in self.parameter_names} | numbers, numbers)
        for name, value in numbers.items():
            self._table.write(name, where, value)
            if name in self._changed:
                changed = self._changed[name].copy()
                changed[:, where] = value
                self._changed[name] = changed
        if "weight" in values and simulator.state.rules is not None:
            self._rewritten.append(where)
        simulator.state.changed(Stale.STRUCTURE if "delay" in values else Stale.VALUES)

    def taken_rewritten(self) -> np.ndarray:
        """Which weights the user has set since this was asked last, (n,)."""
        written = np.zeros(len(self), bool)
        while self._rewritten:
            written[self._rewritten.pop()] = True
        return written

    def _demand_present(self, what: str) -> None:
        if self._network is not simulator.state.projections:
            raise RuntimeError(f"{self.label}: {what}() would have no effect: the projection belongs to a network that "
                               "setup() has ended since; make a new one")

    def _numbers(self, name: str, value) -> np.ndarray:
        try:
            number = np.asarray(value, float)
        except (TypeError, ValueError):
            raise errors.InvalidParameterValueError(f"{self.label}: {name} can't be set to {value!r}; it needs numbers"
                                                    ) from None
        if not np.all(np.isfinite(number)):
            raise errors.InvalidParameterValueError(
                f"{self.label}: {name} must be finite numbers, got {number[~np.isfinite(number)].flat[0]}")
        return number

    def _check_all(self, safe: bool) -> None:
        for index, cells, what in zip(self.indices, (self.pre, self.post), ("pre", "post"), strict=True):
            if len(index) and (index.min() < 0 or index.max() >= cells.size):
                raise errors.ConnectionError(
                    f"{self.label}: {what}synaptic index out of range: {type(self._connector).__name__} gives "
                    f"{index.min()} to {index.max()}, {cells.label!r} has 0 to {cells.size - 1}")
        columns = {name: self._numbers(name, self._table[name]) for name in self.parameter_names}
        # lists and files are taken as they are, as PyNN takes them
        self._check(columns, [name for name in columns if safe or name != "weight"],
                    isinstance(self._connector, pynn.FromListConnector))

    def _check(self, columns: dict[str, np.ndarray], changed, lenient: bool = False) -> None:
        """An error for parameters that the connections can't have; those that have changed are looked at.

        ``lenient`` is a warning only for delays that a run will refuse.
        """
        kind = self.synapse_type
        for name in changed:
            if name in kind.parameter_checks and np.size(columns[name]):
                kind.parameter_checks[name](np.atleast_1d(columns[name]), self)
        wrong = kind.contradiction(columns)
        if wrong:
            raise errors.InvalidParameterValueError(f"{self.label}: {wrong}")
        if "delay" in changed and np.size(columns["delay"]):
            self._check_delay(float(np.min(columns["delay"])), lenient)

    def _check_delay(self, shortest: float, lenient: bool) -> None:
        least = max(simulator.state.dt, self.synapse_type._get_minimum_delay())
        if shortest >= least * (1 - 1e-9):
            return
        sentence = (f"{self.label}: a delay of {shortest:g} ms was asked for, the smallest possible is {least:g} ms "
                    "(timestep, min_delay); use a longer delay or a smaller timestep in setup()")
        if not lenient:
            raise errors.ConnectionError(sentence)
        warnings.warn(f"{sentence}. A run will refuse it", UserWarning, stacklevel=5)

    @property
    def shortest_delay(self) -> float:
        """Smallest delay of all connections, ms; of electrical synapses the timestep."""
        return float(self._table["delay"].min()) if "delay" in self.parameter_names else simulator.state.dt

    @property
    def weight_unit(self) -> str:
        """Unit of the weights: uS, nA, or mV where a spike makes the potential jump."""
        cells = self.post.populations[0] if isinstance(self.post, common.Assembly) else self.post
        if self.electrical:
            return "uS"
        model = CELLS.get(type(cells.celltype).__name__)
        if model is not None and any(port.response == "Delta" for port in model.receptors.values()):
            return "mV"
        return "uS" if self.post.conductance_based else "nA"

    # --- connections ---------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, i):
        if isinstance(i, slice):
            return [Connection(self, k) for k in range(*i.indices(len(self)))]
        if not isinstance(i, (int, np.integer)) or isinstance(i, bool):
            raise TypeError(f"{self.label}[{i!r}]: an index of a connection is a whole number or a slice")
        k = int(i) + len(self) if i < 0 else int(i)
        if not 0 <= k < len(self):
            raise IndexError(f"{self.label} has {len(self)} connections, there is none with index {i}")
        return Connection(self, k)

    @property
    def connections(self):
        """All connections, as views."""
        return (Connection(self, i) for i in range(len(self)))

    # --- writing -------------------------------------------------------------------------------------------

    def set(self, **attributes) -> None:
        """Set parameters of the existing connections.

        Values may be numbers, distributions, arrays (pre, post), functions of the distance, or lists and 1-D arrays
        with one value for each connection: by presynaptic and then by postsynaptic cell, as in PyNN's other backends.
        Only a list that ``get(..., "list", with_address=False)`` has given keeps the order of creation, in which it
        is.
        """
        for name in attributes:
            if name not in self.parameter_names:
                raise errors.NonExistentParameterError(name, type(self.synapse_type).__name__,
                                                       list(self.parameter_names))
        self.write({name: forms.at_connections(self, name, value) for name, value in attributes.items()})

    def initialize(self, **initial_values) -> None:
        """Set initial values of the synapses' state variables, in the forms that ``set`` takes."""
        self._demand_present("initialize")
        for name, value in initial_values.items():
            if name not in self.state_names:
                raise errors.NonExistentParameterError(name, type(self.synapse_type).__name__, list(self.state_names))
            drawn = np.array(np.broadcast_to(forms.at_connections(self, name, value), (len(self),)), float)
            if not np.all(np.isfinite(drawn)):
                raise errors.InvalidParameterValueError(f"{self.label}: initial {name} must be finite numbers")
            self._initial[name] = drawn
            self.initial_values[name] = LazyArray(drawn, shape=drawn.shape)
            if not simulator.state.running:
                self._changed.pop(name, None)
            simulator.state.changed(Stale.VALUES)

    # --- reading -------------------------------------------------------------------------------------------

    def get(self, attribute_names, format, gather=True, with_address=True, multiple_synapses="sum"):
        """Values of parameters or state variables of all connections; see ``pyNN.common.Projection.get``.

        Weights of plastic synapses, presynaptic cells of slots and the state of short-term plasticity ("u", "x") are
        those of now, the number "a" of full release sites is that at the start.
        """
        names = [attribute_names] if isinstance(attribute_names, str) else list(attribute_names)
        if names == ["all"]:
            names = list(self.parameter_names)
        for name in names:
            if _singular(name) not in self.attribute_names:
                raise errors.NonExistentParameterError(name, type(self.synapse_type).__name__,
                                                       list(self.attribute_names))
        single = isinstance(attribute_names, str) and len(names) == 1
        if format == "array":
            if multiple_synapses not in common.Projection.MULTI_SYNAPSE_OPERATIONS:
                raise ValueError(f"multiple_synapses={multiple_synapses!r}; there are "
                                 f"{', '.join(common.Projection.MULTI_SYNAPSE_OPERATIONS)}")
            arrays = self._get_attributes_as_arrays(names, multiple_synapses)
            return arrays[0] if single else arrays
        if format != "list":
            raise ValueError(f"format={format!r}; there are 'list' and 'array'")
        values = self._get_attributes_as_list([*INDICES, *names] if with_address else names)
        return forms.CreationOrder(value for value, in values) if single and not with_address else values

    def _get_attributes_as_list(self, names):
        return list(zip(*(self.present(_singular(name)).tolist() for name in names), strict=True))

    def _get_attributes_as_arrays(self, names, multiple_synapses="sum"):
        return forms.as_arrays(self, [_singular(name) for name in names], multiple_synapses)

    def get_replicas(self, name: str) -> np.ndarray:
        """Values now of a parameter or state variable in all replicas of a batch: (replicas, connections).

        ``get`` has those of the first replica.
        """
        if name not in self.attribute_names:
            raise errors.NonExistentParameterError(name, type(self.synapse_type).__name__, list(self.attribute_names))
        return np.stack([self.present(name, r) for r in range(simulator.state.replicas)])

    def save(self, attribute_names, file, format="list", gather=True, with_address=True) -> None:
        """Write parameters to a file: its name, or one of ``pyNN.recording.files``; see ``pyNN.common.Projection``.

        In format "array", zeros stand where there is no connection. A text file takes one array.
        """
        if isinstance(attribute_names, str):
            attribute_names = list(self.parameter_names) if attribute_names in ("all", "connections") else [
                attribute_names]
        forms.save(self, list(attribute_names), file, format, with_address)

    # --- recording -----------------------------------------------------------------------------------------

    def record(self, variables, sampling_interval: float | None = None) -> None:
        """Record weights, and the state of short-term plasticity, of all connections.

        Parameters
        ----------
        variables : str or sequence of str or None
            "weight"; of synapses with short-term plasticity also "u", what is left of the utilisation, and of
            deterministic ones "x", the resources that have recovered: a spike would release the share
            ``(u + U (1 - u)) x`` of the weight. A sample is what a spike at its time finds. A synapse driver of a chip
            has one state only: where it depresses u is 0, where it facilitates x is 1. Of slots also
            "presynaptic_index", the partner at the time. "all" is all of these, None nothing any more.
        sampling_interval : float, optional
            In ms, a multiple of the timestep, which it is by default.
        """
        self._demand_present("record")
        if self.electrical:
            raise NotImplementedError(f"{self.label}: record() of electrical synapses, of which nothing changes in a "
                                      "run; record v of the cells")
        if self.recorder is None:
            self.recorder = SynapseRecorder(self)
        self.recorder.record(variables, sampling_interval)
        simulator.state.changed(Stale.VALUES)

    def get_data(self, variables=None, clear: bool = False):
        """What was recorded, as a Neo Block: one segment for each reset, with one AnalogSignal for each variable.

        A signal is (samples, connections), in the order of creation; its ``array_annotations`` say which cells each
        connects (a slot at the start). What the projection's plasticity rule has recorded comes as
        IrregularlySampledSignals, (executions, values), under its names. ``clear`` forgets the data; recording goes on
        from now.
        """
        return projection_data.block(self, variables, clear)

    def get_array(self, name: str, segment: int = -1) -> tuple[np.ndarray, np.ndarray]:
        """What was recorded of one variable: times (k,) in ms and values (k, n), of one segment.

        Of what the projection's plasticity rule has recorded, values (k, ...) in the shape that it has given them.
        """
        return projection_data.array(self, name, segment)


def _check_ends(pre, post, synapse_type) -> None:
    if synapse_type is not None and not isinstance(synapse_type, SYNAPSE_TYPES):
        name = synapse_type.__name__ if isinstance(synapse_type, type) else type(synapse_type).__name__
        if isinstance(synapse_type, type) and issubclass(synapse_type, SYNAPSE_TYPES):
            raise TypeError(f"synapse_type is the class {name}; give an object of it: {name}(weight=..., delay=...)")
        raise TypeError(f"{name} does not run on this chip; there are {', '.join(s.__name__ for s in SYNAPSE_TYPES)}; "
                        "import synapse types from pynn_brainscales, not from another simulator")
    for cells in (pre, post):
        parts = cells.populations if isinstance(cells, common.Assembly) else [cells]
        for part in parts:
            whole = getattr(part, "grandparent", part)
            if isinstance(whole, common.Population) and whole not in simulator.state.populations:
                raise errors.ConnectionError(
                    f"{whole.label!r} does not belong to the present network: it was made before setup() was called, "
                    "or with another simulator; make it again")
    if isinstance(post, _ENDS) and not post.receptor_types:
        raise errors.ConnectionError(f"{post.label!r} can't receive synapses: spike sources have no receptors; connect "
                                     "to a population of neurons")


def _singular(name: str) -> str:
    return {"weights": "weight", "delays": "delay"}.get(name, name)
