"""Electrical synapses: on a chip, two neighbouring circuits joined by a conductance.

A circuit of one row and a neighbour in the other row are joined through one resistor. All circuits have the same
capacitance, so the capacitances of two joined cells are as their numbers of circuits; and both must read potentials by
one scale, which ``scale`` sees to.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .cells import parameter
from .errors import MappingError
from .network import Network


class Joined(NamedTuple):
    """All joints of a network: neurons of the whole network, and conductance over capacitance of each, 1 / ms; (K,)."""

    first: np.ndarray
    second: np.ndarray
    rate_first: np.ndarray
    rate_second: np.ndarray


def joined(network: Network) -> Joined:
    """The joints of all projections, in order."""
    offsets, cm = network.offsets(), parameter(network, "cm")
    first = _all([j.pre_index + offsets[j.pre] for j in network.joints], np.int64)
    second = _all([j.post_index + offsets[j.post] for j in network.joints], np.int64)
    g = _all([j.weight for j in network.joints], float)
    return Joined(first, second, g / cm[first], g / cm[second])


def _all(parts: list, dtype: type) -> np.ndarray:
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(0, dtype)


def groups_of_populations(network: Network) -> list[list[int]]:
    """Indices of the populations that joints connect, together; in the order of their first ones."""
    number = {p.label: i for i, p in enumerate(network.populations)}
    group = list(range(len(number)))
    for j in network.joints:
        a, b = group[number[j.pre]], group[number[j.post]]
        group = [min(a, b) if g in (a, b) else g for g in group]
    return [[i for i, g in enumerate(group) if g == first] for first in dict.fromkeys(group)]


def partner_of_neuron(network: Network) -> np.ndarray:
    """The neuron that each neuron is joined to, (n,); -1 where there is none."""
    partner = np.full(network.neurons, -1)
    pairs = joined(network)
    partner[pairs.first], partner[pairs.second] = pairs.second, pairs.first
    return partner


def side_of_joint(network: Network) -> np.ndarray:
    """0 for neurons that are not joined, 1 for the first and 2 for the second of two, (n,)."""
    side, pairs = np.zeros(network.neurons, np.int64), joined(network)
    side[pairs.first], side[pairs.second] = 1, 2
    return side


def check_joints(network: Network, on_circuits: set[str]) -> None:
    """MappingError for joints that circuits can't have; ``on_circuits`` are the populations that circuits hold."""
    for j in network.joints:
        where = f"projection {j.label!r}"
        if not {j.pre, j.post} <= on_circuits:
            raise MappingError("an ElectricalSynapse of cells beside the chip", "conductances between two circuits",
                               where, "use cell models that a circuit holds")
        if np.any(j.weight < 0):
            raise MappingError(f"a conductance of {j.weight.min():g} uS", "conductances >= 0", where)
    ends = [(network.joints[k].label, int(i)) for k in range(len(network.joints)) for i in _neurons(network, k)]
    _demand_single(network, ends)


def _neurons(network: Network, k: int) -> np.ndarray:
    j, offsets = network.joints[k], network.offsets()
    return np.concatenate([j.pre_index + offsets[j.pre], j.post_index + offsets[j.post]])


def _demand_single(network: Network, ends: list[tuple[str, int]]) -> None:
    """Each cell is joined to one other cell at most."""
    seen: set[int] = set()
    for label, neuron in ends:
        if neuron in seen:
            raise MappingError("a cell with several electrical synapses, or with itself", "one resistor for a circuit: "
                               "one partner for each cell", f"projection {label!r}",
                               "join cells in pairs (OneToOneConnector)")
        seen.add(neuron)


def demand_capacitances(network: Network, circuits: np.ndarray) -> None:
    """MappingError where the capacitances of joined cells are not as their circuits; ``circuits`` (n,)."""
    pairs, cm = joined(network), parameter(network, "cm")
    a, b = (circuits[end] / cm[end] for end in (pairs.first, pairs.second))
    wrong = np.flatnonzero(~np.isclose(a, b, rtol=1e-9))
    if len(wrong):
        first, second = pairs.first[wrong[0]], pairs.second[wrong[0]]
        one, two = (f"{circuits[i]} circuit{'s' if circuits[i] > 1 else ''}" for i in (first, second))
        raise MappingError(f"an ElectricalSynapse between cells of {cm[first]:g} and {cm[second]:g} nF",
                           f"cells of {one} and {two}, which have equal capacitances each",
                           hint="give the two a cm in this ratio: a cell takes more than one circuit if its fan-in is "
                           "beyond 256 rows")
