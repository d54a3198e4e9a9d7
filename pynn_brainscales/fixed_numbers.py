"""Connectors that make a fixed number of connections: for each target, for each source, or in total.

They draw the numbers that PyNN's own connectors draw. Beyond those, a cell is kept from connecting to itself also where
the two sides are different views of one population, and the total number heeds ``allow_self_connections`` and
``with_replacement``.
"""

from __future__ import annotations

import warnings

import numpy as np
from pyNN import errors
from pyNN.random import RandomDistribution


def pre(by_column, connector, projection) -> bool:
    """``n`` sources for each postsynaptic cell."""
    _warn_of_no_mutual(connector, projection)
    size = projection.pre.size
    itself = _itself(connector, projection.post, projection.pre)

    def columns():
        posts = projection.post.size
        wanted = np.broadcast_to(connector.n if isinstance(connector.n, int) else connector.n.next(posts), (posts,))
        for n, cell in zip(wanted, itself, strict=True):
            yield _partners(connector, projection, _whole(projection, n), size, cell)

    by_column(connector, projection, columns)
    return True


def post(by_column, connector, projection) -> bool:
    """``n`` targets for each presynaptic cell."""
    _warn_of_no_mutual(connector, projection)
    itself = _itself(connector, projection.pre, projection.post)
    sources: list[list[int]] = [[] for _ in range(projection.post.size)]
    for i in range(projection.pre.size):
        n = _whole(projection, connector.n if isinstance(connector.n, int) else connector.n.next())
        for target in _partners(connector, projection, n, projection.post.size, itself[i]):
            sources[target].append(i)
    by_column(connector, projection, _listed(sources))
    return True


def total(by_column, connector, projection) -> bool:
    """``n`` connections in total, between cells that are drawn evenly."""
    _warn_of_no_mutual(connector, projection)
    rng, (pre_size, post_size) = connector.rng, projection.shape
    n = connector.n
    if isinstance(n, RandomDistribution):
        n = _whole(projection, n.next())
    n = int(rng.next(1, "binomial", {"n": n, "p": 1.0})[0])  # PyNN draws how many of them its process makes: all
    itself = _itself(connector, projection.post, projection.pre)
    possible = pre_size * post_size - int((itself >= 0).sum())
    if n and (possible == 0 or (n > possible and not connector.with_replacement)):
        raise errors.ConnectionError(
            f"{projection.label}: {n} connections were asked for, there are {possible} pairs of cells; ask for fewer, "
            "or set with_replacement=True")
    sources: list[list[int]] = [[] for _ in range(post_size)]
    targets, taken = np.arange(post_size), set()
    made = 0
    while made < n:
        source = int(rng.next(1, "uniform_int", {"low": 0, "high": pre_size}, mask=None)[0])
        target = int(rng.choice(targets, size=1)[0])
        if source == itself[target] or (source, target) in taken:
            continue
        if not connector.with_replacement:
            taken.add((source, target))
        sources[target].append(source)
        made += 1
    by_column(connector, projection, _listed(sources))
    return True


def _listed(sources: list[list[int]]):
    """What ``by_column`` takes, from the sources of each postsynaptic cell."""
    return lambda: (np.array(s, int) for s in sources)


def _partners(connector, projection, n: int, size: int, itself: int) -> np.ndarray:
    """``n`` cells out of ``size``; ``itself`` is the one that must not be drawn, or -1."""
    rng = connector.rng
    if n and size - (itself >= 0) == 0:
        raise errors.ConnectionError(f"{projection.label}: {n} connections for each cell were asked for, but there is "
                                     "no cell to connect to but itself")
    if not connector.with_replacement:
        cells = np.arange(size)
        cells = cells[cells != itself]
        sets, rest = divmod(n, len(cells)) if len(cells) else (0, 0)
        parts = [cells] * sets + ([rng.permutation(cells)[:rest]] if rest else [])
        return np.concatenate(parts) if parts else np.zeros(0, int)
    chosen = np.array(_draw(rng, n, size))
    again = np.flatnonzero(chosen == itself)
    while len(again):
        chosen[again] = _draw(rng, len(again), size)
        again = again[chosen[again] == itself]
    return chosen


def _draw(rng, n: int, size: int) -> np.ndarray:
    return np.atleast_1d(rng.next(n, "uniform_int", {"low": 0, "high": size}, mask=None))


def _itself(connector, cells, others) -> np.ndarray:
    """Position among ``others`` of each of ``cells`` where it must not connect to itself, else -1: (cells,)."""
    mine, theirs = (c.all_cells.astype(int) for c in (cells, others))
    if connector.allow_self_connections is not False:
        return np.full(len(mine), -1)
    order = np.argsort(theirs)
    at = np.minimum(np.searchsorted(theirs, mine, sorter=order), len(theirs) - 1)
    return np.where(theirs[order[at]] == mine, order[at], -1)


def _whole(projection, n) -> int:
    if n < 0 or not np.isfinite(n):
        raise errors.ConnectionError(f"{projection.label}: a number of connections of {n} was drawn; use a "
                                     "distribution of numbers >= 0")
    return int(n)


def _warn_of_no_mutual(connector, projection) -> None:
    if connector.allow_self_connections == "NoMutual":
        warnings.warn(f"{projection.label}: {type(connector).__name__} can't avoid mutual connections, here as in "
                      "PyNN; allow_self_connections='NoMutual' is taken as True", UserWarning, stacklevel=2)
