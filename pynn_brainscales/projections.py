"""Projections as arrays: one entry for each connection, in the order of creation; no object per synapse."""

from __future__ import annotations

import numpy as np
from pyNN import common, errors
from pyNN.parameters import ParameterSpace
from pyNN.space import Space

from . import connectors, simulator
from .simulator import Stale
from .standardmodels.synapses import SYNAPSE_TYPES, StaticSynapse

_INDICES = ("presynaptic_index", "postsynaptic_index")


class Connection(common.Connection):
    """One connection of a projection: a view, through which its parameters can be read and written."""

    def __init__(self, projection: Projection, i: int) -> None:
        object.__setattr__(self, "_projection", projection)
        object.__setattr__(self, "_i", i)

    def __getattr__(self, name: str):
        columns = self._projection._columns()
        if name not in columns:
            raise AttributeError(f"a connection has {', '.join(columns)}, not {name!r}")
        return columns[name][self._i].item()

    def __setattr__(self, name: str, value) -> None:
        self._projection._write(name, self._i, value)

    def as_tuple(self, *names: str) -> tuple:
        """Values of the named attributes."""
        return tuple(getattr(self, name) for name in names)


class Projection(common.Projection):
    __doc__ = common.Projection.__doc__
    _simulator = simulator
    _static_synapse_class = StaticSynapse

    def __init__(self, presynaptic_population, postsynaptic_population, connector, synapse_type=None, source=None,
                 receptor_type=None, space=None, label=None):
        if synapse_type is not None and not isinstance(synapse_type, SYNAPSE_TYPES):
            raise TypeError(f"{type(synapse_type).__name__} does not run on this chip; there are "
                            f"{', '.join(s.__name__ for s in SYNAPSE_TYPES)}; import synapse types from "
                            "pynn_brainscales, not from another simulator")
        if isinstance(postsynaptic_population, (common.BasePopulation, common.Assembly)) and (
                not postsynaptic_population.receptor_types):
            raise errors.ConnectionError(f"{postsynaptic_population.label!r} can't receive synapses: spike sources "
                                         "have no receptors; connect to a population of neurons")
        super().__init__(presynaptic_population, postsynaptic_population, connector, synapse_type, source,
                         receptor_type, Space() if space is None else space, label)
        self._chunks: list[tuple] = []
        self._table: dict[str, np.ndarray] | None = None
        self.parameter_names = tuple(self.synapse_type.get_parameter_names())
        connectors.connect(connector, self)
        self._check()
        simulator.state.projections.append(self)
        simulator.state.changed(Stale.STRUCTURE)

    # --- storage -------------------------------------------------------------------------------------------

    def append(self, pre: np.ndarray, post, parameters: dict) -> None:
        """Add connections: indices into ``pre`` and ``post`` (array or number), parameters as arrays or numbers."""
        self._chunks.append((np.asarray(pre), post, parameters))

    def _convergent_connect(self, presynaptic_indices, postsynaptic_index, location_selector=None, **parameters):
        if location_selector is not None:
            raise NotImplementedError("the chip's neurons have one compartment here: location_selector has no meaning")
        self.append(presynaptic_indices, postsynaptic_index, parameters)

    def _columns(self) -> dict[str, np.ndarray]:
        """Indices and parameters of all connections, each (n,)."""
        if self._table is None or self._chunks:
            parts = [] if self._table is None else [self._table]
            for pre, post, parameters in self._chunks:
                n = len(pre)
                part = {_INDICES[0]: pre, _INDICES[1]: np.broadcast_to(post, (n,))}
                parts.append(part | {k: np.broadcast_to(np.asarray(v, float), (n,)) for k, v in parameters.items()})
            self._table = {name: _joined([p[name] for p in parts], int if name in _INDICES else float)
                           for name in (*_INDICES, *self.parameter_names)}
            self._chunks = []
        return self._table

    def _write(self, name: str, where, value) -> None:
        """Change a parameter of some connections; arrays that the mapping may hold are left as they are."""
        columns = self._columns()
        if name not in self.parameter_names:
            raise AttributeError(f"only {', '.join(self.parameter_names)} of a connection can be set, not {name!r}")
        changed = columns[name].copy()
        changed[where] = value
        columns[name] = changed
        self._check((name,))
        simulator.state.changed(Stale.STRUCTURE if name == "delay" else Stale.VALUES)

    def _check(self, names=("weight", "delay")) -> None:
        columns = self._columns()
        if not len(self):
            return
        if "weight" in names:
            self.synapse_type.parameter_checks["weight"](columns["weight"], self)
        if "delay" in names:
            least = max(simulator.state.dt, self.synapse_type._get_minimum_delay())
            shortest = float(columns["delay"].min())
            if shortest < least * (1 - 1e-9):
                raise errors.ConnectionError(
                    f"{self.label}: a delay of {shortest:g} ms was asked for, the smallest possible is {least:g} ms "
                    "(timestep, min_delay); use a longer delay or a smaller timestep in setup()")

    @property
    def shortest_delay(self) -> float:
        """Smallest delay of all connections, ms."""
        return float(self._columns()["delay"].min())

    # --- PyNN's interface ----------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._columns()[_INDICES[0]])

    def __getitem__(self, i):
        if isinstance(i, slice):
            return [Connection(self, k) for k in range(*i.indices(len(self)))]
        k = i + len(self) if i < 0 else i
        if not 0 <= k < len(self):
            raise IndexError(f"{self.label} has {len(self)} connections, there is none with index {i}")
        return Connection(self, int(k))

    @property
    def connections(self):
        """All connections, as views."""
        return (Connection(self, i) for i in range(len(self)))

    def set(self, **attributes) -> None:
        """Set parameters of the existing connections.

        Values may be numbers, distributions, arrays (pre, post), functions of the distance, or lists and 1-D arrays
        with one value for each connection, in the order of ``get(..., format="list")``.
        """
        general = {}
        for name, value in attributes.items():
            if name not in self.parameter_names:
                raise errors.NonExistentParameterError(name, type(self.synapse_type).__name__,
                                                       list(self.parameter_names))
            if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim == 1):
                if len(value) != len(self):
                    raise errors.InvalidDimensionsError(
                        f"{self.label}: {len(value)} values of {name} were given for {len(self)} connections")
                self._write(name, slice(None), np.asarray(value, float))
            else:
                general[name] = value
        if general:
            space = ParameterSpace(general, self.synapse_type.get_schema(), self.shape)
            self._set_attributes(self.synapse_type.translate(self._handle_distance_expressions(space)))

    def _set_attributes(self, parameter_space) -> None:
        columns = self._columns()
        parameter_space.evaluate(simplify=True)
        for name, value in parameter_space.items():
            if np.ndim(value) == 2:
                value = np.asarray(value)[columns[_INDICES[0]], columns[_INDICES[1]]]
                if np.any(np.isnan(value)):
                    raise errors.InvalidParameterValueError(f"{self.label}: {name} is not a number for a connection")
            self._write(name, slice(None), value)

    def _set_initial_value_array(self, variable, value):
        raise errors.NonExistentParameterError(variable, type(self.synapse_type).__name__, [])

    def _get_attributes_as_list(self, names):
        columns = self._columns()
        return list(zip(*(columns[_singular(name)].tolist() for name in names), strict=True))

    def _get_attributes_as_arrays(self, names, multiple_synapses="sum"):
        columns = self._columns()
        pre, post = (columns[name] for name in _INDICES)
        order = np.lexsort((np.arange(len(pre)), post, pre))
        pair = pre[order] * self.post.size + post[order]
        first = np.flatnonzero(np.concatenate(([True], pair[1:] != pair[:-1]))) if len(pre) else np.zeros(0, int)
        last = np.append(first[1:], len(pre)) - 1 if len(pre) else first
        arrays = []
        for name in names:
            value = columns[_singular(name)][order]
            result = np.full(self.shape, np.nan)
            if len(pre):
                reduced = {"sum": lambda v: np.add.reduceat(v, first), "min": lambda v: np.minimum.reduceat(v, first),
                           "max": lambda v: np.maximum.reduceat(v, first), "first": lambda v: v[first],
                           "last": lambda v: v[last]}[multiple_synapses](value)
                result.reshape(-1)[pair[first]] = reduced
            arrays.append(result)
        return arrays


def _singular(name: str) -> str:
    return {"weights": "weight", "delays": "delay"}.get(name, name)


def _joined(parts: list, dtype) -> np.ndarray:
    return np.concatenate([np.asarray(p, dtype) for p in parts]) if parts else np.zeros(0, dtype)
