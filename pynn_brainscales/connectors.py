"""Connectors without a loop over cells, for those that are used most.

They give the same connections in the same order, with the same random numbers, as PyNN's own loop; every other
connector, and every subclass of a known one, takes PyNN's way.
"""

from __future__ import annotations

import numpy as np
from pyNN import connectors as pynn
from pyNN import errors
from pyNN.core import IndexBasedExpression
from pyNN.parameters import ParameterSpace
from pyNN.random import RandomDistribution


def connect(connector, projection) -> None:
    """Make the connections of a projection."""
    builder = _BUILDERS.get(type(connector))
    plain = connector.location_selector is None and connector.callback is None
    if builder is None or not plain or not _plain_parameters(projection.synapse_type) or not builder(
            connector, projection):
        connector.connect(projection)


def _plain_parameters(synapse_type) -> bool:
    """Whether all parameters can be made at once: PyNN draws several random ones in turn, cell by cell."""
    values = list(synapse_type.native_parameters._parameters.values())
    random = [v for v in values if isinstance(v.base_value, RandomDistribution)]
    return (len(random) <= 1 and not any(v.operations for v in random)
            and not any(isinstance(v.base_value, IndexBasedExpression) for v in values))


def _all_to_all(connector, projection) -> bool:
    mask = np.ones(projection.shape[::-1], bool)
    if connector.allow_self_connections is False:
        mask &= ~_same_cell(projection)
    return _by_mask(connector, projection, mask)


def _one_to_one(connector, projection) -> bool:
    return _by_mask(connector, projection, np.eye(projection.post.size, projection.pre.size, dtype=bool))


def _fixed_probability(connector, projection) -> bool:
    if connector.allow_self_connections == "NoMutual" and projection.pre is not projection.post:
        return False
    pre, post = projection.shape
    mask = (connector.rng.next(pre * post, "uniform", {"low": 0, "high": 1}) < connector.p_connect).reshape(post, pre)
    if connector.allow_self_connections == "NoMutual":
        mask &= np.arange(pre)[None, :] > np.arange(post)[:, None]
    elif not connector.allow_self_connections:
        mask &= ~_same_cell(projection)
    return _by_mask(connector, projection, mask)


def _same_cell(projection) -> np.ndarray:
    """(post, pre): whether both are the same cell."""
    pre, post = (cells.all_cells.astype(int) for cells in (projection.pre, projection.post))
    return post[:, None] == pre[None, :]


def _by_mask(connector, projection, mask: np.ndarray) -> bool:
    """Connect where ``mask`` (post, pre) is True: post by post, as PyNN does."""
    post, pre = np.nonzero(mask)
    parameters = _parameters(connector, projection, pre, post)
    if connector.safe:
        for name, check in getattr(projection.synapse_type, "parameter_checks", {}).items():
            if len(pre):
                check(parameters[name], projection)
    projection.append(pre, post, parameters)
    return True


def _parameters(connector, projection, pre: np.ndarray, post: np.ndarray) -> dict:
    """Synaptic parameters of the pairs, as numbers or arrays."""
    values = {}
    for name, value in connector._parameters_from_synapse_type(projection).items():
        if value.is_homogeneous:
            values[name] = value.evaluate(simplify=True)
        elif isinstance(value.base_value, RandomDistribution):
            values[name] = np.atleast_1d(value.base_value.next(len(pre))) if len(pre) else np.zeros(0)
        else:
            values[name] = np.broadcast_to(value.evaluate(), projection.shape)[pre, post]
    return values


def _from_list(connector, projection) -> bool:
    names = projection.synapse_type.get_parameter_names()
    for name in connector.column_names:
        if name not in names:
            raise ValueError(f"{name} is not a parameter of {type(projection.synapse_type).__name__}; there are "
                             f"{', '.join(names)}")
    table = connector.conn_list
    if table.size == 0:
        return True
    table = table[np.argsort(table[:, 1])]  # the sort that PyNN uses: equal targets come in the same order
    pre, post = table[:, 0].astype(int), table[:, 1].astype(int)
    for index, cells, what in ((pre, projection.pre, "source"), (post, projection.post, "target")):
        if index.min() < 0 or index.max() >= cells.size:
            raise errors.ConnectionError(f"{projection.label}: {what} index out of range: the list has {index.min()} "
                                         f"to {index.max()}, the population 0 to {cells.size - 1}")
    space = projection.synapse_type.parameter_space
    if any(isinstance(value.base_value, RandomDistribution) or callable(value.base_value)
           for name, value in space.items() if name not in connector.column_names):
        return False
    given = {name: table[:, 2 + i].astype(float) for i, name in enumerate(connector.column_names)}
    rest = {name: value.base_value for name, value in space.items() if name not in given}
    if any(np.ndim(value) for value in rest.values()):
        return False
    translated = projection.synapse_type.translate(
        ParameterSpace(rest | given, projection.synapse_type.get_schema(), (len(pre),)))
    translated.evaluate(simplify=True)
    projection.append(pre, post, dict(translated.items()))
    return True


_BUILDERS = {pynn.AllToAllConnector: _all_to_all, pynn.OneToOneConnector: _one_to_one,
             pynn.FixedProbabilityConnector: _fixed_probability, pynn.FromListConnector: _from_list}
