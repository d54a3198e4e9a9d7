"""Population, PopulationView and Assembly: parameters as arrays under PyNN's names, in PyNN's units."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
from pyNN import common, errors
from pyNN.models import BaseCellType, BaseModelType
from pyNN.parameters import ArrayParameter, LazyArray, ParameterSpace, simplify
from pyNN.space import BaseStructure

from . import simulator
from .mapping.models import SOURCES
from .parameter_arrays import check_parameter, from_array, to_array
from .random_sharing import drawn, note
from .recording import Recorder
from .selection import checked_positions, checked_sample, indices_of, selected
from .simulator import Stale
from .standardmodels.base import shown, space_of
from .standardmodels.cells import CELL_TYPES
from .standardmodels.composed import NEURONS
from .to_neo import merged


class Assembly(common.Assembly):
    __doc__ = common.Assembly.__doc__
    _simulator = simulator

    def __init__(self, *populations, label=None):
        if not (label is None or isinstance(label, str)):
            raise TypeError(f"the label of an assembly is a string, not {label!r}")
        super().__init__(*populations, **({} if label is None else {"label": label}))

    @property
    def local_size(self) -> int:
        """Number of cells on this process."""
        return sum(p.local_size for p in self.populations)

    @property
    def receptor_types(self) -> list[str]:
        """Receptors that all members have, in the order of the first: PyNN takes the first one as excitatory."""
        members = [p.celltype.receptor_types for p in self.populations]
        return [r for r in members[0] if all(r in others for others in members)]

    def __getitem__(self, index):
        """A cell, or an Assembly of some of the cells; see ``pyNN.common.Assembly``."""
        if isinstance(index, (int, np.integer)):
            if not -self.size <= index < self.size:
                raise IndexError(f"{self.label} has {self.size} cells, there is none with index {index}")
            return super().__getitem__(int(index) % self.size)
        chosen = selected(self, index)
        return super().__getitem__(np.arange(self.size)[chosen] if isinstance(chosen, slice) else chosen)

    def id_to_index(self, id):
        """Index, or indices, of cells in this assembly; IndexError for cells that are not in it."""
        return indices_of(self, id)

    def sample(self, n, rng=None):
        """An Assembly of ``n`` cells, drawn at random."""
        _check_generator(self, rng)
        return super().sample(checked_sample(self, n), rng)

    def set(self, **parameters):
        """Set parameters of all cells; see ``pyNN.common.Assembly.set``.

        Lists and arrays may have one value for each cell of the assembly, or one for each cell of every member.
        """
        for p in self.populations:
            _names_known(p._owner()[0], parameters)
        for p, share in self._shares(parameters):
            p.set(**share)

    def initialize(self, **initial_values):
        """Set initial values of state variables of all cells; see ``set`` for what they may be."""
        for p, share in self._shares(initial_values):
            p.initialize(**share)

    def annotate(self, **annotations):
        """Add annotations."""
        self.annotations.update(annotations)

    def record(self, variables, to_file=None, sampling_interval=None, locations=None):
        """Record variables of all cells; ``to_file`` gets the data of the whole assembly when ``end()`` is called."""
        _check_file(self, to_file)
        for p in self.populations:
            p.record(variables, None, sampling_interval, locations)
        _write_on_end(self, variables, to_file)

    def get_data(self, variables="all", gather=True, clear=False, annotations=None):
        """Recorded data of all members in one Neo Block: see ``pyNN.common.Assembly.get_data``.

        Segments are merged by their number, also where some members have fewer.
        """
        block, offset = None, 0
        for p in self.populations:
            part = p.get_data(variables, gather, clear)
            for segment in part.segments:
                for signal in segment.analogsignals:  # of views, not the positions in their populations
                    index = p.id_to_index(signal.annotations["channel_ids"])
                    signal.array_annotations["channel_index"] = offset + np.asarray(index)
            block, offset = merged(block, part), offset + p.size
        block.name, block.description = self.label, self.describe()
        block.annotate(**(annotations or {}))
        return block

    def inject(self, current_source):
        """Inject the current of a source into all cells."""
        _check_source(self, current_source)
        super().inject(current_source)

    @property
    def position_generator(self):
        """Position of each cell, for distance-dependent expressions."""
        positions = self.positions.T
        return lambda i: positions[i]

    def _shares(self, values: dict):
        """(member, its values): arrays with one value for each cell of the assembly are divided."""
        start = 0
        for p in self.populations:
            schema = p.celltype.get_schema()
            own = {}
            for name, value in values.items():
                divided = _one_for_each(value, schema.get(name, float)) and len(value) == self.size != p.size
                own[name] = value[start:start + p.size] if divided else value
            yield p, own
            start += p.size


def _write_on_end(cells, variables, to_file) -> None:
    """Note that recorded data go to a file, by its name or as a Neo IO object."""
    if to_file is not None and variables is not None and not isinstance(to_file, bool):
        file = os.fspath(to_file) if isinstance(to_file, os.PathLike) else to_file
        simulator.state.write_on_end.append((cells, variables, file))


def _check_file(cells, to_file) -> None:
    """Raise TypeError for what recorded data can't be written to."""
    known = to_file is None or isinstance(to_file, (bool, str, os.PathLike))
    if not (known or any(hasattr(to_file, name) for name in ("write", "write_block"))):
        raise TypeError(f"{cells.label}: to_file={to_file!r} must be the name of a file, like 'data.nix', or a Neo IO "
                        "object")


def _check_generator(cells, rng) -> None:
    if rng is not None and not callable(getattr(rng, "permutation", None)):
        raise TypeError(f"{cells.label}: rng={rng!r} must be one of pyNN.random, like NumpyRNG(seed)")


def _check_source(cells, source) -> None:
    if not callable(getattr(source, "inject_into", None)):
        raise TypeError(f"{cells.label}: only a current source can be injected, like DCSource(amplitude=0.1), not "
                        f"{source!r}")


def _one_for_each(value, kind: type) -> bool:
    """Whether a value is a list with one entry for each cell; a list of numbers may be one value, as of spike times."""
    if not isinstance(value, (list, tuple, np.ndarray)) or np.ndim(value) == 0 or len(value) == 0:
        return False
    return not issubclass(kind, ArrayParameter) or isinstance(value[0], (ArrayParameter, list, tuple, np.ndarray))


class _Cells:
    """What populations and views share: ``_owner()`` is who has the arrays, and the positions in them."""

    _simulator = simulator
    _assembly_class = Assembly

    def _get_view(self, selector, label=None):
        return PopulationView(self, selector, label)

    def __getitem__(self, index):
        """A cell, or a view of some of the cells; see ``pyNN.common.Population``."""
        if isinstance(index, (int, np.integer)) and not -self.size <= index < self.size:
            raise IndexError(f"{self.label} has {self.size} cells, there is none with index {index}")
        return super().__getitem__(index)

    def __add__(self, other):
        """An Assembly of both."""
        if isinstance(other, common.Assembly):
            return Assembly(self, *other.populations)
        if not isinstance(other, common.BasePopulation):
            raise TypeError(f"{self.label}: only a Population, PopulationView or Assembly can be added, not {other!r}")
        return super().__add__(other)

    def sample(self, n, rng=None):
        """A view of ``n`` cells, drawn at random."""
        _check_generator(self, rng)
        return super().sample(checked_sample(self, n), rng)

    def nearest(self, position):
        """The cell that is nearest to ``position`` (x, y, z)."""
        return super().nearest(checked_positions(self, position, (3,)))

    # --- parameters ----------------------------------------------------------------------------------------

    def _get_parameters(self, *names):
        return self._get_native_parameters(*names)

    def _get_native_parameters(self, *names):
        owner, index = self._owner()
        schema = owner.celltype.get_schema()
        _names_known(owner, names)
        index = index[self._mask_local]
        values = {name: simplify(from_array(owner._parameters[name][index], schema[name])) for name in names}
        return ParameterSpace(values, {name: schema[name] for name in names}, (len(index),))

    def set(self, **parameters):  # PyNN's own would copy random generators
        owner, _ = self._owner()
        owner._demand_present("set")
        self._set_parameters(space_of(parameters, owner.celltype.get_schema(), (self.size,), _of(owner)))

    set.__doc__ = common.BasePopulation.set.__doc__

    def _set_parameters(self, parameter_space):
        owner, index = self._owner()
        owner._write(parameter_space, index, self._mask_local)
        model = owner.celltype.__class__.__name__
        simulator.state.changed(Stale.STIMULUS if model in SOURCES else Stale.VALUES)

    # --- initial values ------------------------------------------------------------------------------------

    def initialize(self, **initial_values):
        """Set initial values of state variables; see ``pyNN.common.Population.initialize``.

        Distributions are drawn once, and kept: ``get_initial_value`` says what the cells start from.
        """
        owner, _ = self._owner()
        owner._demand_present("initialize")
        schema = dict.fromkeys(owner.celltype.default_initial_values, float)
        for variable, value in space_of(initial_values, schema, (self.size,), _of(owner)).items():
            self._set_initial_value_array(variable, value)

    def _set_initial_value_array(self, variable, initial_values):
        owner, index = self._owner()
        owner._demand_variable(variable)
        note({f"initial {variable}": initial_values}, owner.label)
        try:
            value = initial_values.evaluate(simplify=False)
        except (TypeError, ValueError) as error:
            raise errors.InvalidParameterValueError(f"{owner.label}: initial {variable}: {error}") from None
        owner._write_initial(variable, index, value)

    def _get_cell_initial_value(self, id, variable):
        owner, _ = self._owner()
        owner._demand_variable(variable)
        return float(owner._initial[variable][owner.id_to_index(id)])

    def _set_cell_initial_value(self, id, variable, value):
        owner, _ = self._owner()
        owner._demand_variable(variable)
        owner._write_initial(variable, np.array([owner.id_to_index(id)]), value)

    # --- recording and injecting ---------------------------------------------------------------------------

    def record(self, variables, to_file=None, sampling_interval=None, locations=None):
        self._owner()[0]._demand_present("record")
        _check_file(self, to_file)
        super().record(variables, None, sampling_interval, locations)
        _write_on_end(self, variables, to_file)

    record.__doc__ = common.BasePopulation.record.__doc__

    def inject(self, current_source):
        """Inject the current of a source into all cells."""
        self._owner()[0]._demand_present("inject")
        _check_source(self, current_source)
        super().inject(current_source)


class PopulationView(_Cells, common.PopulationView):
    __doc__ = common.PopulationView.__doc__

    def __init__(self, parent, selector, label=None):
        if not isinstance(parent, _Cells):
            raise TypeError(f"a PopulationView is made of a Population or PopulationView, not of {parent!r}")
        super().__init__(parent, selected(parent, selector), label)

    def _owner(self):
        return self.grandparent, self.index_in_grandparent(np.arange(self.size))

    def id_to_index(self, id):
        """Index, or indices, of cells in this view; IndexError for cells that are not in it."""
        return indices_of(self, id)

    @property
    def initial_values(self):
        """Initial values of the cells of this view."""
        owner, index = self._owner()
        return {name: _lazy(values[index]) for name, values in owner._initial.items()}


class Population(_Cells, common.Population):
    __doc__ = common.Population.__doc__
    _recorder_class = Recorder

    def __init__(self, size, cellclass, cellparams=None, structure=None, initial_values=None, label=None):
        celltype = _cell_type(cellclass, cellparams)
        size = _size(size)
        if structure is not None:
            _check_structure(structure)
        if not (initial_values is None or isinstance(initial_values, Mapping)):
            raise TypeError(f"initial_values={shown(initial_values)} must be a dictionary of state variables, like "
                            "{'v': -65.0}")
        state = simulator.state
        recorders = set(state.recorders)
        self._network = state.populations
        try:
            super().__init__(size, celltype, None, structure, initial_values or {}, label)
        except Exception:
            state.recorders.intersection_update(recorders)  # nobody else knows this population
            raise
        state.populations.append(self)
        state.changed(Stale.STRUCTURE)

    def _owner(self):
        return self, np.arange(self.size)

    def _create_cells(self):
        state = simulator.state
        first = state.id_counter
        self.all_cells = np.array([simulator.ID(i) for i in range(first, first + self.size)], dtype=simulator.ID)
        self._mask_local = np.arange(self.size) % state.num_processes == state.mpi_rank
        for cell in self.all_cells:
            cell.parent = self
        state.id_counter += self.size
        self._parameters: dict[str, np.ndarray] = {}
        self._initial: dict[str, np.ndarray] = {}
        self._write(self.celltype.parameter_space, np.arange(self.size), self._mask_local)

    def _write(self, space, index: np.ndarray, local: np.ndarray) -> None:
        """Take over parameters of the cells at ``index``, as far as they are ``local``: all of them, or none."""
        schema = self.celltype.get_schema()
        mask = None if local.all() else np.flatnonzero(local)
        values = drawn(dict(space.items()), len(index), self.label, mask)
        here = index[local]
        new = dict(self._parameters)
        for name, value in values.items():
            array = to_array(value, len(here), schema[name], name, self.label)
            check_parameter(self.label, name, array)
            new[name] = self._merged(name, array, here)
        wrong = self.celltype.contradiction({name: array[here] for name, array in new.items()})
        if wrong:
            raise errors.InvalidParameterValueError(f"{self.label}: {wrong}")
        self._parameters = new

    def _merged(self, name: str, array: np.ndarray, index: np.ndarray) -> np.ndarray:
        """The values of all cells, those at ``index`` replaced; the old array may belong to somebody by now."""
        if len(index) == self.size:
            result = np.empty_like(array)
        elif name in self._parameters:
            result = self._parameters[name].copy()
            if result.shape[1:] != array.shape[1:]:
                raise errors.InvalidParameterValueError(
                    f"{self.label}: {name} has {result.shape[1]} values for every cell, {array.shape[1]} were given "
                    "for some; set all cells at once")
        else:
            result = np.full((self.size, *array.shape[1:]), None if array.dtype == object else np.nan, array.dtype)
        result[index] = array
        return result

    def _write_initial(self, variable: str, index: np.ndarray, value) -> None:
        numbers = to_array(value, len(index), float, f"initial {variable}", self.label)
        check_parameter(self.label, f"initial {variable}", numbers)
        values = self._initial[variable].copy() if variable in self._initial else np.zeros(self.size)
        values[index] = numbers
        self._initial[variable] = values
        simulator.state.changed(Stale.VALUES)

    def _demand_variable(self, variable: str) -> None:
        known = self.celltype.default_initial_values
        if variable not in known:
            raise errors.NonExistentParameterError(variable, _of(self), list(known))

    def _demand_present(self, what: str) -> None:
        if self._network is not simulator.state.populations:
            raise RuntimeError(f"{self.label}: {what}() would have no effect: the population belongs to a network that "
                               "setup() has ended since; make a new one (its data can still be read)")

    @property
    def structure(self):
        """How the cells are arranged: one of ``pyNN.space``, or None where positions were given."""
        return self._get_structure()

    @structure.setter
    def structure(self, structure):
        _check_structure(structure)
        if type(structure) is not type(self._structure) or structure != self._structure:
            self._structure, self._positions = structure, None

    @property
    def positions(self) -> np.ndarray:
        """Coordinates of all cells, (3, size)."""
        return self._get_positions()

    @positions.setter
    def positions(self, positions):
        self._set_positions(checked_positions(self, positions, (3, self.size)))

    @property
    def initial_values(self):
        """Initial values of all cells, as they were drawn."""
        return {name: _lazy(values) for name, values in self._initial.items()}

    @initial_values.setter
    def initial_values(self, value):
        """PyNN's constructor sets an empty dictionary; the values live elsewhere."""


def _size(size):
    """The size of a population, or of its grid, as PyNN takes it."""
    parts = size if isinstance(size, tuple) else (size,)
    if not 1 <= len(parts) <= 3 or not all(
            isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n > 0 for n in parts):
        raise ValueError(f"the size of a population is a whole number > 0, or a tuple of one to three, not {size!r}")
    return tuple(int(n) for n in parts) if isinstance(size, tuple) else int(size)


def _check_structure(structure) -> None:
    if not isinstance(structure, BaseStructure):
        raise TypeError(f"structure={structure!r} must be one of pyNN.space, like Grid2D() or Line()")


def _cell_type(cellclass, cellparams) -> BaseCellType:
    """The cell type that a population is to be made of."""
    given = cellclass if isinstance(cellclass, type) else type(cellclass)
    if given in NEURONS:
        raise TypeError(f"{given.__name__} is a part of a neuron: give PointNeuron({given.__name__}(), ...) with its "
                        "receptors")
    if given not in CELL_TYPES:
        what = f"{given.__module__}.{given.__name__}" if issubclass(given, BaseModelType) else shown(cellclass)
        raise TypeError(
            f"{what} does not run on this chip; there are {', '.join(c.__name__ for c in CELL_TYPES)} "
            "(list_standard_models()); import cell types from pynn_brainscales, not from another simulator")
    if not (cellparams is None or isinstance(cellparams, Mapping)):
        raise TypeError(f"cellparams={shown(cellparams)} must be a dictionary of the parameters of {given.__name__}")
    if isinstance(cellclass, type):  # PyNN's old form: class and parameters apart
        return cellclass(**(cellparams or {}))
    if cellparams is not None:
        raise TypeError(f"{given.__name__} has its parameters already: give a cell type with parameters, or a class "
                        "and cellparams")
    return cellclass


def _of(population) -> str:
    """How errors name a model."""
    return f"{type(population.celltype).__name__} of population {population.label!r}"


def _names_known(population, names) -> None:
    schema = population.celltype.get_schema()
    for name in names:
        if name not in schema:
            raise errors.NonExistentParameterError(name, _of(population), list(schema))


def _lazy(values: np.ndarray) -> LazyArray:
    """Values as PyNN keeps them: one number where all are equal."""
    return LazyArray(simplify(values), shape=values.shape, dtype=float)
