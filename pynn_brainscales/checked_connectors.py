"""PyNN's connectors with checked arguments: its own fail with bare assertions, or only when they connect."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np
from pyNN import connectors as pynn
from pyNN.common import Projection
from pyNN.random import RandomDistribution

from .standardmodels.base import shown


class AllToAllConnector(pynn.AllToAllConnector):
    """Connects all pairs of cells, as PyNN's connector of this name.

    ``allow_self_connections`` may be True, False, or "NoMutual", which PyNN does not take here.
    """

    def __init__(self, allow_self_connections=True, location_selector=None, safe=True, callback=None):
        _check_self_connections(self, allow_self_connections)
        super().__init__(True, location_selector, safe, callback)
        self.allow_self_connections = allow_self_connections


class FixedProbabilityConnector(pynn.FixedProbabilityConnector):
    __doc__ = pynn.FixedProbabilityConnector.__doc__

    def __init__(self, p_connect, allow_self_connections=True, location_selector=None, rng=None, safe=True,
                 callback=None):
        if not isinstance(p_connect, Real) or not p_connect >= 0:
            raise ValueError(f"FixedProbabilityConnector: p_connect={p_connect!r} must be a number from 0 to 1")
        _check_self_connections(self, allow_self_connections)
        super().__init__(p_connect, allow_self_connections, location_selector, rng, safe, callback)


class FixedNumberPreConnector(pynn.FixedNumberPreConnector):
    __doc__ = pynn.FixedNumberPreConnector.__doc__

    def __init__(self, n, allow_self_connections=True, with_replacement=False, location_selector=None, rng=None,
                 safe=True, callback=None):
        _check_self_connections(self, allow_self_connections)
        super().__init__(_number(self, n), allow_self_connections, with_replacement, location_selector, rng, safe,
                         callback)


class FixedNumberPostConnector(pynn.FixedNumberPostConnector):
    __doc__ = pynn.FixedNumberPostConnector.__doc__

    def __init__(self, n, allow_self_connections=True, with_replacement=False, location_selector=None, rng=None,
                 safe=True, callback=None):
        _check_self_connections(self, allow_self_connections)
        super().__init__(_number(self, n), allow_self_connections, with_replacement, location_selector, rng, safe,
                         callback)


class FixedTotalNumberConnector(pynn.FixedTotalNumberConnector):
    __doc__ = pynn.FixedTotalNumberConnector.__doc__

    def __init__(self, n, allow_self_connections=True, with_replacement=True, location_selector=None, rng=None,
                 safe=True, callback=None):
        _check_self_connections(self, allow_self_connections)
        super().__init__(_number(self, n), allow_self_connections, with_replacement, location_selector, rng, safe,
                         callback)


class SmallWorldConnector(pynn.SmallWorldConnector):
    __doc__ = pynn.SmallWorldConnector.__doc__

    def __init__(self, degree, rewiring, allow_self_connections=True, n_connections=None, location_selector=None,
                 rng=None, safe=True, callback=None):
        if not isinstance(degree, Real) or not degree >= 0:
            raise ValueError(f"SmallWorldConnector: degree={degree!r} must be a distance >= 0")
        if not isinstance(rewiring, Real) or not 0 <= rewiring <= 1:
            raise ValueError(f"SmallWorldConnector: rewiring={rewiring!r} must be a probability from 0 to 1")
        if not (n_connections is None or (isinstance(n_connections, Integral) and n_connections >= 0)):
            raise ValueError(f"SmallWorldConnector: n_connections={n_connections!r} must be a whole number >= 0, or "
                             "None for all neighbours")
        _check_self_connections(self, allow_self_connections)
        super().__init__(degree, rewiring, allow_self_connections, n_connections, location_selector, rng, safe,
                         callback)


class FromListConnector(pynn.FromListConnector):
    __doc__ = pynn.FromListConnector.__doc__

    def __init__(self, conn_list, column_names=None, location_selector=None, safe=True, callback=None):
        if not _is_table(conn_list):
            raise TypeError(f"FromListConnector: conn_list={shown(conn_list)} must be a list with (source, target, "
                            "parameters) for each connection; FromFileConnector reads it from a file")
        super().__init__(conn_list, column_names, location_selector, safe, callback)


class CloneConnector(pynn.CloneConnector):
    __doc__ = pynn.CloneConnector.__doc__

    def __init__(self, reference_projection, safe=True, callback=None):
        check_reference(reference_projection)
        super().__init__(reference_projection, safe, callback)


def _check_self_connections(connector, allowed) -> None:
    if not (isinstance(allowed, bool) or allowed == "NoMutual"):
        raise ValueError(f"{type(connector).__name__}: allow_self_connections={allowed!r}; there are True, False and "
                         "'NoMutual'")


def _number(connector, n) -> int | RandomDistribution:
    """A number of connections, as PyNN takes it."""
    if isinstance(n, RandomDistribution):
        return n
    if not isinstance(n, Integral) or n < 0:
        error = ValueError if isinstance(n, Integral) else TypeError
        raise error(f"{type(connector).__name__}: n={n!r} must be a whole number >= 0, or a RandomDistribution of them")
    return int(n)


def _is_table(rows) -> bool:
    """Whether these are rows of one length; there may be none."""
    try:
        return np.ndim(rows) == 2 or (not isinstance(rows, (str, Mapping)) and len(rows) == 0)
    except (TypeError, ValueError):
        return False


def check_reference(projection) -> None:
    if not isinstance(projection, Projection):
        raise TypeError(f"CloneConnector: {shown(projection)} is not a projection; give the one whose connections are "
                        "to be copied")
