"""Neurons to circuits.

Chips are filled in the order of the network, evenly. Neurons that fixed synapses tie together, directly or over others,
stay on one chip if all of these fit: small circuits count on short delays. Else chips are filled *abreast*, each with
the same part of every population, if that keeps many more spikes on their chip: what is connected place by place, as
the cells of a column, comes together. On a chip neurons are dealt out to the eight event outputs in turn, so that each
output, and with it each PADI bus, carries a mix of all populations. Two neurons that a conductance joins share a
column, the earlier one in the upper row.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from pynn_brainscales.emulator import coordinates, limits

from .cells import population_of_neuron
from .errors import MappingError
from .joints import demand_capacitances, partner_of_neuron
from .mapped import Expanded, Placement, Scaled
from .network import Network
from .target import Target

_WORTH = 0.1  # share of the synapses between neurons that must come to lie on one chip, to place them abreast


def place(network: Network, scaled: Scaled, expanded: Expanded, target: Target, loose: Collection[str] = (),
          abreast: bool = False) -> Placement:
    """Choose chip and circuits of each neuron; synapses of the projections ``loose`` don't tie neurons together.

    ``abreast`` allows that order, too.

    Raises
    ------
    MappingError
        If the network needs more chips than the target has.
    """
    n = network.neurons
    if not target.profile.limited:
        index = np.arange(n)
        return Placement(max(1, -(-n // limits.CIRCUITS)), index // limits.CIRCUITS,
                         (index % limits.CIRCUITS)[:, None])
    size, partner = expanded.circuits, partner_of_neuron(network)
    demand_capacitances(network, size)
    least = max(1, -(-int(size.sum()) // limits.CIRCUITS))
    together = np.zeros(n, np.int64) if least == 1 else _together(network, scaled, partner, size, loose)
    most = least + 1 + int(np.count_nonzero(size > 1)) // 2
    for chips in range(least, max(most, 2 * least) + 1):
        if target.max_chips is not None and chips > target.max_chips:
            raise MappingError(f"{int(size.sum())} circuits for {n} neurons",
                               f"{target.max_chips} chip(s) of {limits.CIRCUITS} circuits",
                               hint="raise max_chips, join fewer circuits, or use chip='ideal'")
        placement = _on(chips, size, partner, together, np.arange(n))
        if placement is not None:
            other = _on(chips, size, partner, together, _abreast(network)) if abreast and chips > 1 else None
            return placement if other is None else _better(placement, other, scaled)
    raise MappingError(f"{int(size.sum())} circuits in blocks of up to {int(size.max())}",
                       f"chips of {limits.CIRCUITS} circuits in blocks of {limits.MAX_CIRCUITS_PER_NEURON}",
                       hint="join fewer circuits (circuits_per_neuron)")


def _abreast(network: Network) -> np.ndarray:
    """All neurons, by how far in its population each is."""
    place = [(np.arange(p.size) + 0.5) / p.size for p in network.populations]
    return np.lexsort((population_of_neuron(network), np.concatenate(place)))


def _better(in_order: Placement, abreast: Placement, scaled: Scaled) -> Placement:
    """The one of two placements whose spikes stay on their chip; in doubt that in order."""
    inside = scaled.source < len(in_order.chip)
    source, neuron = scaled.source[inside], scaled.neuron[inside]
    kept = [np.count_nonzero(p.chip[source] == p.chip[neuron]) for p in (in_order, abreast)]
    return abreast if kept[1] - kept[0] >= _WORTH * max(1, len(source)) else in_order


def _together(network: Network, scaled: Scaled, partner: np.ndarray, size: np.ndarray, loose: Collection[str]
              ) -> np.ndarray:
    """The first neuron of those that each neuron should share a chip with, (n,)."""
    n = network.neurons
    pairs = np.flatnonzero(partner >= 0)
    fixed = np.repeat(np.array([p.label not in loose for p in network.projections], bool),
                      np.array([len(p) for p in network.projections], np.int64)) & (scaled.source < n)
    tied = _components(n, np.concatenate([scaled.source[fixed], pairs]),
                       np.concatenate([scaled.neuron[fixed], partner[pairs]]))
    if np.bincount(tied, size, minlength=n).max(initial=0) <= limits.CIRCUITS:
        return tied
    return _components(n, pairs, partner[pairs])


def _components(n: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The lowest number in the component of each of n vertices, with edges between a and b."""
    label = np.arange(n)
    while True:
        low = np.minimum(label[a], label[b])
        new = label.copy()
        np.minimum.at(new, label[a], low)
        np.minimum.at(new, label[b], low)
        new = np.minimum(new, new[new])
        new = new[label]
        if np.array_equal(new, label):
            return label
        label = new


def _on(chips: int, size: np.ndarray, partner: np.ndarray, together: np.ndarray, order: np.ndarray
        ) -> Placement | None:
    """A placement on so many chips, or None if it does not fit; ``partner`` as of ``partner_of_neuron``.

    Chips are filled in some order of the first neurons of those that stay ``together``.
    """
    n = len(size)
    whole = np.bincount(together, size, minlength=n)[order]
    share = np.zeros(n)
    share[order] = np.cumsum(whole) - whole
    share = share[together] if chips > 1 else np.zeros(n)
    chip = np.minimum(share * chips // max(1, int(size.sum())), chips - 1).astype(np.int64)
    circuit = np.full((n, max(1, int(size.max(initial=1)))), -1, np.int64)
    for c in range(chips):
        here = np.flatnonzero(chip == c)
        if not _fill(here, size, partner, circuit):
            return None
    return Placement(chips, chip, circuit)


def _fill(neurons: np.ndarray, size: np.ndarray, partner: np.ndarray, circuit: np.ndarray) -> bool:
    """Place the neurons of one chip: joined circuits first, as blocks of whole columns, then the others."""
    free = np.ones((limits.HALVES, limits.COLUMNS), bool)
    block = size[neurons] + np.where(partner[neurons] >= 0, size[partner[neurons]], 0)
    wide = (block > 1) & ((partner[neurons] < 0) | (neurons < partner[neurons]))
    start = [limits.COLUMNS_PER_OUTPUT * k for k in range(limits.OUTPUTS)]
    joined = neurons[wide][np.argsort(-block[wide], kind="stable")]
    for i, neuron in enumerate(joined.tolist()):
        k, other = int(size[neuron]), int(partner[neuron])
        both = k + (int(size[other]) if other >= 0 else 0)
        width = -(-both // 2)
        at = _gap(np.all(free, axis=0), width, start[i % limits.OUTPUTS])
        if at is None:
            return False
        columns = np.repeat(np.arange(at, at + width), 2)[:both]
        halves = np.tile([0, 1], width)[:both]
        free[halves, columns] = False
        circuits = coordinates.circuit_of(halves, columns)
        circuit[neuron, :k] = circuits[:k]
        if other >= 0:
            circuit[other, :both - k] = circuits[k:]
    single = neurons[block == 1]
    order = _dealt()
    order = order[free.reshape(-1)[order]]
    if len(order) < len(single):
        return False
    circuit[single, 0] = order[:len(single)]
    return True


def _dealt() -> np.ndarray:
    """All circuits of a chip: outputs in turn, within an output columns and halves in turn."""
    index = np.arange(limits.CIRCUITS)
    output, within = index % limits.OUTPUTS, index // limits.OUTPUTS
    return coordinates.circuit_of(within % 2, output * limits.COLUMNS_PER_OUTPUT + within // 2)


def _gap(free: np.ndarray, width: int, start: int) -> int | None:
    """First of ``width`` free columns on one side of the chip, searched from ``start`` on, then from the left."""
    run = np.convolve(free, np.ones(width, int), "valid") == width
    first = np.arange(len(run))
    run &= first // limits.SIDE_COLUMNS == (first + width - 1) // limits.SIDE_COLUMNS
    places = np.flatnonzero(run)
    if len(places) == 0:
        return None
    later = places[places >= start]
    return int(later[0] if len(later) else places[0])
