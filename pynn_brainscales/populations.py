"""Population, PopulationView and Assembly: parameters as arrays under PyNN's names, in PyNN's units."""

from __future__ import annotations

import numpy as np
from pyNN import common, errors
from pyNN.parameters import LazyArray, ParameterSpace, Sequence, simplify
from pyNN.standardmodels import StandardCellType

from . import simulator
from .mapping.network import SOURCE_PARAMETERS
from .recording import Recorder
from .simulator import Stale


class Assembly(common.Assembly):
    __doc__ = common.Assembly.__doc__
    _simulator = simulator

    @property
    def local_size(self) -> int:
        """Number of cells on this process: all of them."""
        return self.size

    @property
    def receptor_types(self) -> list[str]:
        """Receptors that all members have, in the order of the first: PyNN takes the first one as excitatory."""
        members = [p.celltype.receptor_types for p in self.populations]
        return [r for r in members[0] if all(r in others for others in members)]


class _Cells:
    """What populations and views share: ``_parent`` owns the arrays, ``_index`` are the positions in them."""

    _simulator = simulator
    _assembly_class = Assembly

    def _get_view(self, selector, label=None):
        return PopulationView(self, selector, label)

    def _get_parameters(self, *names):
        return self._get_native_parameters(*names)

    def _get_native_parameters(self, *names):
        owner, index = self._owner()
        known = owner._parameters
        for name in names:
            if name not in known:
                raise errors.NonExistentParameterError(name, owner.celltype.__class__.__name__, sorted(known))
        schema = {name: kind for name, kind in owner.celltype.get_schema().items() if name in names}
        return ParameterSpace({name: simplify(known[name][index]) for name in names}, schema, (len(index),))

    def _set_parameters(self, parameter_space):
        owner, index = self._owner()
        try:
            parameter_space.evaluate(simplify=False)
        except (TypeError, ValueError) as error:
            raise errors.InvalidParameterValueError(
                f"{owner.label}: {', '.join(parameter_space.keys())} can't be set: {error}") from None
        for name, value in parameter_space.items():
            array = owner._parameters[name].copy()
            try:
                array[index] = value
            except (TypeError, ValueError):
                raise errors.InvalidParameterValueError(
                    f"{owner.label}: {name} can't be set to {value!r}") from None
            check_parameter(owner.label, name, array[index])
            owner._parameters[name] = array
        model = owner.celltype.__class__.__name__
        simulator.state.changed(Stale.STIMULUS if model in SOURCE_PARAMETERS else Stale.VALUES)

    def _set_initial_value_array(self, variable, initial_values):
        owner, index = self._owner()
        if variable not in owner.celltype.default_initial_values:
            raise errors.NonExistentParameterError(
                variable, owner.celltype.__class__.__name__, sorted(owner.celltype.default_initial_values))
        drawn = np.array(np.broadcast_to(initial_values.evaluate(simplify=False), (len(index),)), float)
        values = owner._initial.setdefault(variable, np.zeros(owner.size)).copy()
        values[index] = drawn
        owner._initial[variable] = values
        simulator.state.changed(Stale.VALUES)

    def initialize(self, **initial_values):
        """Set initial values of state variables; see ``pyNN.common.Population.initialize``.

        Distributions are drawn once, and kept: ``get_initial_value`` says what the cells start from.
        """
        for variable, value in initial_values.items():
            self._set_initial_value_array(variable, LazyArray(value, shape=(self.size,), dtype=float))

    def _get_cell_initial_value(self, id, variable):
        owner, _ = self._owner()
        return float(owner._initial[variable][owner.id_to_index(id)])

    def _set_cell_initial_value(self, id, variable, value):
        owner, _ = self._owner()
        values = owner._initial[variable].copy()
        values[owner.id_to_index(id)] = value
        owner._initial[variable] = values
        simulator.state.changed(Stale.VALUES)


class PopulationView(_Cells, common.PopulationView):
    __doc__ = common.PopulationView.__doc__

    def __init__(self, parent, selector, label=None):
        if isinstance(selector, np.ndarray):
            selector = selector.copy()  # PyNN sorts it in place
        super().__init__(parent, selector, label)

    def _owner(self):
        return self.grandparent, self.index_in_grandparent(np.arange(self.size))

    @property
    def initial_values(self):
        """Initial values of the cells of this view."""
        owner, index = self._owner()
        return {name: _lazy(values[index]) for name, values in owner._initial.items()}


class Population(_Cells, common.Population):
    __doc__ = common.Population.__doc__
    _recorder_class = Recorder

    def __init__(self, size, cellclass, cellparams=None, structure=None, initial_values=None, label=None):
        known = _models()
        given = cellclass if isinstance(cellclass, type) else type(cellclass)
        if given not in known:
            raise TypeError(
                f"{getattr(given, '__name__', given)} does not run on this chip; there are "
                f"{', '.join(c.__name__ for c in known)} (list_standard_models()); import cell types from "
                "pynn_brainscales, not from another simulator")
        if isinstance(cellclass, type):  # PyNN's old form: class and parameters apart
            cellclass, cellparams = cellclass(**(cellparams or {})), None
        super().__init__(size, cellclass, cellparams, structure, initial_values or {}, label)
        simulator.state.populations.append(self)
        simulator.state.changed(Stale.STRUCTURE)

    def _owner(self):
        return self, np.arange(self.size)

    def _create_cells(self):
        state = simulator.state
        first = state.id_counter
        self.all_cells = np.array([simulator.ID(i) for i in range(first, first + self.size)], dtype=simulator.ID)
        self._mask_local = np.ones(self.size, bool)
        for cell in self.all_cells:
            cell.parent = self
        state.id_counter += self.size
        space = self.celltype.native_parameters if isinstance(self.celltype, StandardCellType) else (
            self.celltype.parameter_space)
        space.shape = (self.size,)
        space.evaluate(simplify=False)
        self._parameters = {}
        self._initial = {}
        for name, value in space.items():
            array = _filled(value, self.size)
            check_parameter(self.label, name, array)
            self._parameters[name] = array

    @property
    def initial_values(self):
        """Initial values of all cells, as they were drawn."""
        return {name: _lazy(values) for name, values in self._initial.items()}

    @initial_values.setter
    def initial_values(self, value):
        """PyNN's constructor sets an empty dictionary; the values live elsewhere."""


def _lazy(values: np.ndarray) -> LazyArray:
    """Values as PyNN keeps them: one number where all are equal."""
    return LazyArray(simplify(values), shape=values.shape, dtype=float)


def _filled(value, size: int) -> np.ndarray:
    if isinstance(value, Sequence):
        array = np.empty(size, object)
        array[:] = [value] * size
        return array
    return np.array(np.broadcast_to(value, (size,)))


def check_parameter(label: str, name: str, values: np.ndarray) -> None:
    """Raise InvalidParameterValueError for values that no cell can have."""
    if name == "spike_times":
        for sequence in values:
            times = sequence.value
            if np.any(np.diff(times) < 0):
                raise errors.InvalidParameterValueError(
                    f"{label}: spike_times must be in ascending order; sort them, they are {times!r}")
    elif values.dtype.kind not in "fiub" or not np.all(np.isfinite(values.astype(float))):
        raise errors.InvalidParameterValueError(f"{label}: {name} must be finite numbers, got {values!r}")


def _models():
    from .standardmodels.cells import CELL_TYPES

    return CELL_TYPES
