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


class AllToAllConnector(pynn.AllToAllConnector):
    """Connects all pairs of cells, as PyNN's connector of this name.

    ``allow_self_connections`` may be True, False, or "NoMutual", which PyNN does not take here.
    """

    def __init__(self, allow_self_connections=True, location_selector=None, safe=True, callback=None):
        if not (isinstance(allow_self_connections, bool) or allow_self_connections == "NoMutual"):
            raise ValueError(f"allow_self_connections={allow_self_connections!r}; there are True, False and 'NoMutual'")
        super().__init__(True, location_selector, safe, callback)
        self.allow_self_connections = allow_self_connections


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
    return _by_mask(connector, projection, _allowed(connector, projection))


def _one_to_one(connector, projection) -> bool:
    return _by_mask(connector, projection, np.eye(projection.post.size, projection.pre.size, dtype=bool))


def _fixed_probability(connector, projection) -> bool:
    pre, post = projection.shape
    mask = (connector.rng.next(pre * post, "uniform", {"low": 0, "high": 1}) < connector.p_connect).reshape(post, pre)
    return _by_mask(connector, projection, mask & _allowed(connector, projection))


def _small_world(connector, projection) -> bool:
    """Each cell to its neighbours closer than ``degree``; every connection is moved elsewhere with a probability.

    A moved connection goes to a cell that is not connected yet, drawn evenly (Watts & Strogatz 1998, Nature
    393:440). With ``n_connections`` each cell keeps so many of its neighbours, drawn at random.
    """
    near = connector._generate_distance_map(projection).evaluate() < float(connector.d_expression.split("<")[1])
    allowed = _allowed(connector, projection).T
    mask = np.zeros(projection.shape, bool)
    for i in range(projection.pre.size):
        targets = np.flatnonzero(near[i] & allowed[i])
        if connector.n_connections is not None:
            if len(targets) < connector.n_connections:
                raise errors.ConnectionError(
                    f"{projection.label}: n_connections={connector.n_connections}, but cell {i} has {len(targets)} "
                    "neighbours within the degree; use a larger degree or fewer connections")
            targets = np.sort(targets[np.argsort(_uniform(connector, len(targets)))[:connector.n_connections]])
        mask[i, targets] = True
        for target in targets[_uniform(connector, len(targets)) < connector.rewiring]:
            free = np.flatnonzero(allowed[i] & ~mask[i])
            if len(free):
                mask[i, target] = False
                mask[i, free[int(_uniform(connector, 1)[0] * len(free))]] = True
    return _by_mask(connector, projection, np.ascontiguousarray(mask.T))


def _uniform(connector, n: int) -> np.ndarray:
    return np.atleast_1d(connector.rng.next(n, "uniform", {"low": 0, "high": 1})) if n else np.zeros(0)


def _allowed(connector, projection) -> np.ndarray:
    """(post, pre): pairs that ``allow_self_connections`` permits.

    "NoMutual" keeps, of two pairs that are each other's reverse, the one whose presynaptic cell has the greater
    number: within one population PyNN's own rule; pairs whose reverse is not in the projection are all kept.
    """
    pre, post = (cells.all_cells.astype(int) for cells in (projection.pre, projection.post))
    if connector.allow_self_connections is True:
        return np.ones((len(post), len(pre)), bool)
    if connector.allow_self_connections == "NoMutual":
        reversible = np.isin(post, pre)[:, None] & np.isin(pre, post)[None, :]
        return ~reversible | (pre[None, :] > post[:, None])
    return post[:, None] != pre[None, :]


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


_BUILDERS = {pynn.AllToAllConnector: _all_to_all, AllToAllConnector: _all_to_all,
             pynn.SmallWorldConnector: _small_world, pynn.OneToOneConnector: _one_to_one,
             pynn.FixedProbabilityConnector: _fixed_probability, pynn.FromListConnector: _from_list}
