"""Connectors: those that are used most without a loop over cells, the others by one loop of our own.

All give the same connections in the same order, with the same random numbers, as PyNN's own loop, where that works.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import warnings
from collections.abc import Callable

import numpy as np
from pyNN import connectors as pynn
from pyNN import errors
from pyNN.core import IndexBasedExpression
from pyNN.parameters import LazyArray, ParameterSpace
from pyNN.random import NumpyRNG, RandomDistribution
from pyNN.space import Space

from . import fixed_numbers, simulator
from .checked_connectors import (
    AllToAllConnector,
    CloneConnector,
    FixedNumberPostConnector,
    FixedNumberPreConnector,
    FixedProbabilityConnector,
    FixedTotalNumberConnector,
    FromListConnector,
    SmallWorldConnector,
    check_reference,
)
from .random import NativeRNG, own_generator
from .random_sharing import continues, for_map, note

_BLOCK = 1 << 21  # pairs of cells that are looked at together
# numbers of these can be drawn in one go: the others draw some again, in batches
_DRAWN_ONE_BY_ONE = {"binomial", "gamma", "exponential", "lognormal", "normal", "poisson", "uniform", "uniform_int",
                     "vonmises"}
# PyNN decides on connections by arithmetic with lazy arrays, which copies their generators
_DRAWN_FROM_A_COPY = (pynn.FixedProbabilityConnector, pynn.DistanceDependentProbabilityConnector,
                      pynn.IndexBasedProbabilityConnector)


def connect(connector, projection) -> None:
    """Make the connections of a projection."""
    if not isinstance(projection.space, Space):
        raise TypeError(f"{projection.label}: space={projection.space!r} must be a Space(...), in which distances are "
                        "measured")
    if connector.location_selector is not None:
        raise NotImplementedError(
            f"{projection.label}: location_selector={connector.location_selector!r}, but the cells of "
            f"{projection.post.label!r} have one compartment and no locations; leave it out")
    rng = own_generator(connector, len(simulator.state.projections))
    if isinstance(connector, _DRAWN_FROM_A_COPY) and rng is not None:
        rng = for_map(rng, projection.label)
    builder = _BUILDERS.get(type(connector))
    if builder is not None:
        mine = copy.copy(connector)
        mine.rng = rng
        if builder(mine, projection):
            return
    ours = {"_standard_connect": functools.partial(by_column, connector),
            "_get_connection_map_no_mutual_connections": functools.partial(_no_mutual_map, connector)}
    with _replaced(connector, ours | ({} if rng is None else {"rng": rng})):
        connector.connect(projection)


@contextlib.contextmanager
def _replaced(thing, attributes: dict):
    """Give one object other attributes, for a while."""
    before = {name: vars(thing)[name] for name in attributes if name in vars(thing)}
    vars(thing).update(attributes)
    try:
        yield
    finally:
        for name in attributes:
            vars(thing).pop(name, None)
        vars(thing).update(before)


# --- parameters ----------------------------------------------------------------------------------------------


def _parameters(connector, projection, distance_map=None) -> ParameterSpace:
    """Synaptic parameters as lazy arrays (pre, post); to be made before any random number is drawn, as in PyNN."""
    space = connector._parameters_from_synapse_type(projection, distance_map)
    if not continues():
        note(dict(projection.synapse_type.parameter_space.items()), projection.label, projection)
    return space


def _can_be_drawn_at_once(space: ParameterSpace) -> bool:
    """Whether all parameters can be made at once: PyNN draws several random ones in turn, cell by cell."""
    values = [value for _, value in space.items()]
    drawn = [v for v in values if isinstance(v.base_value, RandomDistribution)]
    return (len(drawn) <= 1 and all(type(v.base_value.rng) in (NumpyRNG, NativeRNG) and not v.operations
                                    and v.base_value.name in _DRAWN_ONE_BY_ONE for v in drawn)
            and not any(isinstance(v.base_value, IndexBasedExpression) for v in values))


def _check(connector, projection, values: dict) -> None:
    if connector.safe:
        for name, value in values.items():
            if not np.all(np.isfinite(value)):
                raise errors.InvalidParameterValueError(f"{projection.label}: {name} must be finite numbers, got "
                                                        f"{np.extract(~np.isfinite(value), value)[0]}")
        projection.synapse_type.check(values, projection)


# --- one loop over postsynaptic cells ------------------------------------------------------------------------


def by_column(connector, projection, generate, distance_map=None, space=None) -> None:
    """Connect post by post.

    Parameters
    ----------
    generate : callable
        Gives an iterable with one entry for each postsynaptic cell: presynaptic indices, a mask of them, or one bool
        for all of them.
    distance_map : LazyArray, optional
    space : ParameterSpace, optional
        What ``_parameters`` gave, if it was called before.
    """
    columns = generate()
    if space is None:
        space = _parameters(connector, projection, distance_map)
    pre, post = projection.shape
    for j, chosen in enumerate(columns):
        sources = _indices(chosen, pre)
        if not len(sources):
            continue
        values = {name: v.evaluate(simplify=True) if v.is_homogeneous else _one_column(v, sources, j)
                  for name, v in space.items()}
        _check(connector, projection, values)
        projection.append(sources, j, values)
        if connector.callback:
            connector.callback(j / post)


def _one_column(value: LazyArray, sources: np.ndarray, j: int) -> np.ndarray:
    return np.broadcast_to(np.asarray(value[sources, j]).reshape(-1), (len(sources),))


def _indices(chosen, size: int) -> np.ndarray:
    chosen = np.asarray(chosen)
    if chosen.dtype == bool:
        return np.flatnonzero(np.broadcast_to(chosen.reshape(-1), (size,)))
    return chosen.astype(int).reshape(-1)


# --- blocks of postsynaptic cells ----------------------------------------------------------------------------


def _by_mask(connector, projection, rows) -> bool:
    """Connect where a mask is True: post by post, as PyNN does, but many cells together.

    ``rows(a, b)`` gives the mask of the postsynaptic cells from a to before b, (b - a, pre), and is called once for
    each block, in ascending order.
    """
    space = _parameters(connector, projection)
    pre, post = projection.shape
    block = max(1, _BLOCK // max(1, pre))
    if connector.callback is not None or not _can_be_drawn_at_once(space):
        by_column(connector, projection, lambda: (rows(j, j + 1)[0] for j in range(post)), space=space)
        return True
    for a in range(0, post, block):
        b = min(a + block, post)
        column, source = np.nonzero(rows(a, b))
        if not len(source):
            continue
        values = {name: _block(v, source, column, pre, a, b) for name, v in space.items()}
        _check(connector, projection, values)
        projection.append(source, column + a, values)
    return True


def _block(value: LazyArray, source: np.ndarray, column: np.ndarray, pre: int, a: int, b: int):
    """Values of the pairs (source, a + column)."""
    if value.is_homogeneous:
        return value.evaluate(simplify=True)
    if isinstance(value.base_value, RandomDistribution):
        return np.atleast_1d(value.base_value.next(len(source)))
    values = np.asarray(value[:, a:b])
    return np.broadcast_to(values if values.size == 1 else values.reshape(pre, b - a), (pre, b - a))[source, column]


def _all_to_all(connector, projection) -> bool:
    return _by_mask(connector, projection, lambda a, b: allowed(connector, projection, a, b))


def _one_to_one(connector, projection) -> bool:
    return _by_mask(connector, projection, lambda a, b: np.eye(b - a, projection.pre.size, k=a, dtype=bool))


def _fixed_probability(connector, projection) -> bool:
    if not connector.p_connect <= 1:
        warnings.warn(f"{projection.label}: p_connect={connector.p_connect:g} is more than 1; all pairs are connected",
                      UserWarning, stacklevel=2)
    pre = projection.pre.size

    def rows(a, b):
        return (_draw_columns(connector.rng, b - a, pre) < connector.p_connect) & allowed(connector, projection, a, b)

    return _by_mask(connector, projection, rows)


def _draw_columns(rng, columns: int, size: int) -> np.ndarray:
    """Uniform numbers, ``size`` for each column in turn: (columns, size)."""
    parts = [columns * size] if type(rng) in (NumpyRNG, NativeRNG) else [size] * columns
    return np.concatenate([np.atleast_1d(rng.next(n, "uniform", {"low": 0, "high": 1}))
                           for n in parts]).reshape(columns, size)


def _array(connector, projection) -> bool:
    array = np.asarray(connector.array)
    if array.shape != projection.shape:
        raise errors.InvalidDimensionsError(
            f"{projection.label}: the array of the ArrayConnector has shape {array.shape}, the projection "
            f"{projection.shape}: one row for each presynaptic cell, one column for each postsynaptic one")
    if array.dtype != bool and not np.isin(array, (0, 1)).all():
        raise errors.ConnectionError(f"{projection.label}: the array of the ArrayConnector says where connections are, "
                                     "by True and False or 1 and 0; give weights to the synapse type")
    return _by_mask(connector, projection, lambda a, b: array[:, a:b].T.astype(bool))


def _clone(connector, projection) -> bool:
    model = connector.reference_projection
    check_reference(model)
    if projection.pre != model.pre or projection.post != model.post:
        raise errors.ConnectionError(
            f"{projection.label}: a CloneConnector needs the populations of the projection it copies, from "
            f"{model.pre.label!r} to {model.post.label!r}; got {projection.pre.label!r} to {projection.post.label!r}")
    pairs = np.zeros(model.shape, bool)
    pairs[model.indices] = True
    return _by_mask(connector, projection, lambda a, b: pairs[:, a:b].T)


def _small_world(connector, projection) -> bool:
    """Each cell to its neighbours closer than ``degree``; every connection is moved elsewhere with a probability.

    A moved connection goes to a cell that is not connected yet, drawn evenly (Watts & Strogatz 1998, Nature
    393:440). With ``n_connections`` each cell keeps so many of its neighbours, drawn at random.
    """
    near = connector._generate_distance_map(projection).evaluate() < float(connector.d_expression.split("<")[1])
    near = np.broadcast_to(near, projection.shape)
    free_pairs = allowed(connector, projection, 0, projection.post.size).T
    mask = np.zeros(projection.shape, bool)
    for i in range(projection.pre.size):
        targets = np.flatnonzero(near[i] & free_pairs[i])
        if connector.n_connections is not None:
            if len(targets) < connector.n_connections:
                raise errors.ConnectionError(
                    f"{projection.label}: n_connections={connector.n_connections}, but cell {i} has {len(targets)} "
                    "neighbours within the degree; use a larger degree or fewer connections")
            targets = np.sort(targets[np.argsort(_uniform(connector, len(targets)))[:connector.n_connections]])
        mask[i, targets] = True
        for target in targets[_uniform(connector, len(targets)) < connector.rewiring]:
            free = np.flatnonzero(free_pairs[i] & ~mask[i])
            if len(free):
                mask[i, target] = False
                mask[i, free[int(_uniform(connector, 1)[0] * len(free))]] = True
    return _by_mask(connector, projection, lambda a, b: mask[:, a:b].T)


def _uniform(connector, n: int) -> np.ndarray:
    return np.atleast_1d(connector.rng.next(n, "uniform", {"low": 0, "high": 1})) if n else np.zeros(0)


def allowed(connector, projection, a: int, b: int) -> np.ndarray:
    """Pairs that ``allow_self_connections`` permits, for the postsynaptic cells from a to before b: (b - a, pre).

    "NoMutual" keeps, of two pairs that are each other's reverse, the one whose presynaptic cell has the greater
    number: within one population PyNN's own rule; pairs whose reverse is not in the projection are all kept.
    """
    pre, post = (cells.all_cells.astype(int) for cells in (projection.pre, projection.post))
    here = post[a:b]
    if connector.allow_self_connections is True:
        return np.ones((b - a, len(pre)), bool)
    if connector.allow_self_connections == "NoMutual":
        reversible = np.isin(here, pre)[:, None] & np.isin(pre, post)[None, :]
        return ~reversible | (pre[None, :] > here[:, None])
    return here[:, None] != pre[None, :]


def _no_mutual_map(connector, projection) -> LazyArray:
    return LazyArray(allowed(connector, projection, 0, projection.post.size).T, shape=projection.shape)


# --- lists ---------------------------------------------------------------------------------------------------


def _from_file(connector, projection) -> bool:
    file = connector.file
    if connector.distributed:  # one file for each process, of which there is one
        file.rename(f"{file.name}.0")
    columns = list(file.get_metadata().get("columns", ("weight", "delay")))
    connector.column_names = [name for name in columns if name not in ("i", "j")]
    connector.conn_list = np.atleast_2d(np.asarray(file.read(), float))
    return _from_list(connector, projection)


def _from_list(connector, projection) -> bool:
    names = projection.synapse_type.get_parameter_names()
    for name in connector.column_names:
        if name not in names:
            raise ValueError(f"{name} is not a parameter of {type(projection.synapse_type).__name__}; there are "
                             f"{', '.join(names)}")
    table = connector.conn_list
    if table.size == 0:
        return True
    if table.ndim != 2 or table.shape[1] != 2 + len(connector.column_names):
        raise errors.InvalidDimensionsError(
            f"{projection.label}: the list has shape {table.shape}; it needs one row for each connection, with source, "
            f"target{''.join(', ' + n for n in connector.column_names)}")
    table = table[np.argsort(table[:, 1])]  # the sort that PyNN uses: equal targets come in the same order
    _check_indices(projection, table[:, 0], table[:, 1])
    pre, post = table[:, 0].astype(int), table[:, 1].astype(int)
    given = {name: table[:, 2 + i].astype(float) for i, name in enumerate(connector.column_names)}
    space = _parameters(connector, projection)
    rest = {name: value for name, value in space.items() if name not in given}
    if all(value.is_homogeneous for value in rest.values()):
        values = {name: value.evaluate(simplify=True) for name, value in rest.items()} | given
        _check(connector, projection, values)
        projection.append(pre, post, values)
        return True
    edges = np.searchsorted(post, np.arange(projection.post.size + 1))
    for j in np.unique(post):
        here = slice(int(edges[j]), int(edges[j + 1]))
        # PyNN copies the generators anew for each target
        values = {name: v.evaluate(simplify=True) if v.is_homogeneous else _one_column(
            v if continues() else copy.deepcopy(v), pre[here], int(j)) for name, v in rest.items()}
        values |= {name: v[here] for name, v in given.items()}
        _check(connector, projection, values)
        projection.append(pre[here], int(j), values)
    return True


def _check_indices(projection, *columns) -> None:
    for index, cells, what in zip(columns, (projection.pre, projection.post), ("source", "target"), strict=True):
        if np.any(index != np.rint(index)):
            raise errors.ConnectionError(f"{projection.label}: {what} index {index[index != np.rint(index)][0]} is not "
                                         "a whole number; the list needs positions in the population")
        if index.min() < 0 or index.max() >= cells.size:
            raise errors.ConnectionError(
                f"{projection.label}: {what} index out of range: the list has {index.min():g} to {index.max():g}, the "
                f"population 0 to {cells.size - 1}")


def _csa(connector, projection) -> bool:
    """Connection sets with values: PyNN hands over cells where a projection expects their positions."""
    csa = pynn.csa
    if csa.arity(connector.cset) != 2:
        return False
    pairs = csa.cross((0, projection.pre.size - 1), (0, projection.post.size - 1)) * connector.cset
    table = np.array([tuple(map(float, entry)) for entry in pairs]).reshape(-1, 4)
    listed = pynn.FromListConnector(table, column_names=("weight", "delay"), safe=connector.safe)
    return _from_list(listed, projection)


_BUILDERS: dict[type, Callable[..., bool]] = {  # those of PyNN are for scripts that import them from there
    pynn.AllToAllConnector: _all_to_all, AllToAllConnector: _all_to_all, pynn.ArrayConnector: _array,
    pynn.CSAConnector: _csa, pynn.CloneConnector: _clone, pynn.SmallWorldConnector: _small_world,
    pynn.OneToOneConnector: _one_to_one, pynn.FixedProbabilityConnector: _fixed_probability,
    pynn.FromListConnector: _from_list, pynn.FromFileConnector: _from_file,
    pynn.FixedNumberPreConnector: functools.partial(fixed_numbers.pre, by_column),
    pynn.FixedNumberPostConnector: functools.partial(fixed_numbers.post, by_column),
    pynn.FixedTotalNumberConnector: functools.partial(fixed_numbers.total, by_column)}
_BUILDERS |= {ours: _BUILDERS[ours.__base__] for ours in (
    CloneConnector, FixedNumberPostConnector, FixedNumberPreConnector, FixedProbabilityConnector,
    FixedTotalNumberConnector, FromListConnector, SmallWorldConnector)}
