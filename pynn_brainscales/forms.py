"""PyNN's forms of connection parameters: numbers, distributions, expressions, lists, arrays (pre, post), files."""

from __future__ import annotations

import numpy as np
from pyNN import errors
from pyNN.parameters import LazyArray, ParameterSpace
from pyNN.random import RandomDistribution
from pyNN.recording.files import StandardTextFile

from .columns import INDICES


class CreationOrder(list):
    """A list of values of all connections, in the order of creation, as ``Projection.get`` gives it.

    ``Projection.set`` takes it back in this order. Other lists are in PyNN's order: by presynaptic cell, then by
    postsynaptic cell.
    """


def check_shapes(synapse_type, shape: tuple[int, int]) -> None:
    """An error for arrays of a synapse type that don't fit a projection of this shape (pre, post)."""
    for name, value in () if synapse_type is None else synapse_type.parameter_space.items():
        array = value.base_value
        if isinstance(array, np.ndarray) and array.ndim == 1:
            raise errors.InvalidDimensionsError(
                f"{type(synapse_type).__name__}: {name} has {len(array)} values in a list; how many connections there "
                f"will be is not known yet. Make the projection first, then set({name}=...), or give an array "
                f"{shape}, or use a FromListConnector")
        if isinstance(array, np.ndarray) and array.ndim == 2 and array.shape != shape:
            raise errors.InvalidDimensionsError(
                f"{type(synapse_type).__name__}: the array of {name} has shape {array.shape}, the projection {shape}: "
                "one row for each presynaptic cell, one column for each postsynaptic one")


def _present(projection) -> tuple[np.ndarray, np.ndarray]:
    """Cells that all connections join now: a plasticity rule may have given another partner to slots."""
    return projection.present(INDICES[0]), projection.present(INDICES[1])


def at_connections(projection, name: str, value):
    """A value in any form as one number, or as one for each connection (n,).

    Lists and 1-D arrays have one value for each connection, by presynaptic and then by postsynaptic cell, or one for
    each pair of cells that are connected; other forms are those of ``pyNN.common.Projection.set``.
    """
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim == 1):
        return _from_list(projection, name, value)
    if isinstance(value, np.ndarray) and value.ndim == 2 and value.shape != projection.shape:
        raise errors.InvalidDimensionsError(
            f"{projection.label}: an array of {name} has shape {value.shape}, the projection {projection.shape}: one "
            "row for each presynaptic cell, one column for each postsynaptic one")
    space = ParameterSpace({name: value}, {name: float}, projection.shape)
    lazy = projection._handle_distance_expressions(space)[name]
    pre, post = _present(projection)
    if lazy.is_homogeneous:
        return lazy.evaluate(simplify=True)
    if isinstance(lazy.base_value, np.ndarray) and not lazy.operations:
        return lazy.base_value[pre, post]
    if isinstance(lazy.base_value, RandomDistribution):  # PyNN draws for all pairs of cells
        return np.broadcast_to(lazy.evaluate(), projection.shape)[pre, post]
    return _by_column(lazy, pre, post)


def _from_list(projection, name: str, value) -> np.ndarray:
    pre, post = _present(projection)
    if isinstance(value, CreationOrder) and len(value) == len(pre):
        return np.asarray(value, float)
    pairs, which = np.unique(pre * projection.post.size + post, return_inverse=True)
    if len(value) not in (len(pre), len(pairs)):
        raise errors.InvalidDimensionsError(
            f"{projection.label}: {len(value)} values of {name} were given for {len(pre)} connections")
    try:
        values = np.asarray(value, float)
    except (TypeError, ValueError):
        raise errors.InvalidParameterValueError(
            f"{projection.label}: the values of {name} must be numbers, got {value!r}") from None
    if len(value) == len(pairs):
        return values[which]
    result = np.empty(len(pre))
    result[np.argsort(which, kind="stable")] = values
    return result


def _by_column(lazy: LazyArray, pre: np.ndarray, post: np.ndarray) -> np.ndarray:
    result = np.zeros(len(pre))
    order = np.argsort(post, kind="stable")
    columns, edges = np.unique(post[order], return_index=True)
    for j, here in zip(columns, np.split(order, edges[1:]), strict=True):
        result[here] = np.asarray(lazy[pre[here], int(j)]).reshape(-1)
    return result


def as_arrays(projection, names: list[str], multiple_synapses: str) -> list[np.ndarray]:
    """Arrays (pre, post), NaN where there is no connection; where there are several, ``multiple_synapses`` of them."""
    pre, post = _present(projection)
    pair = pre * projection.post.size + post
    order = np.argsort(pair, kind="stable")
    pair = pair[order]
    first = np.flatnonzero(np.diff(pair, prepend=-1))
    last = np.append(first[1:], len(pair)) - 1 if len(first) else first
    reduce = {"sum": np.add.reduceat, "min": np.minimum.reduceat, "max": np.maximum.reduceat,
              "first": lambda v, _: v[first], "last": lambda v, _: v[last]}[multiple_synapses]
    arrays = []
    for name in names:
        result = np.full(projection.shape, np.nan)
        if len(first):
            result.reshape(-1)[pair[first]] = reduce(projection.present(name)[order], first)
        arrays.append(result)
    return arrays


def save(projection, names: list[str], file, format: str, with_address: bool) -> None:
    """Write connection parameters to a file, with the names of its columns."""
    values = projection.get(names, format, with_address=with_address)
    columns = names
    if format == "array":
        values = [np.nan_to_num(array, nan=0.0) for array in values]
        if isinstance(file, (str, StandardTextFile)):
            if len(values) > 1:
                raise ValueError(f"{projection.label}: {len(values)} arrays ({', '.join(names)}) do not fit into one "
                                 "text file; write them one by one, or to a PickleFile or NumpyBinaryFile")
            values = values[0]
    elif with_address:
        columns = ["i", "j", *names]
    if isinstance(file, str):
        file = StandardTextFile(file, mode="w")
    file.write(values, {"columns": columns})
    file.close()
