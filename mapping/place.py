"""Neurons to circuits.

Chips are filled in the order of the network, evenly. On a chip neurons are dealt out to the eight event outputs in
turn, so that each output, and with it each PADI bus, carries a mix of all populations. Two neurons that a conductance
joins share a column, the first in the upper row.
"""

from __future__ import annotations

import numpy as np
from pynn_brainscales.emulator import coordinates, limits

from .errors import MappingError
from .joints import demand_single_circuits, partner_of_neuron
from .mapped import Expanded, Placement, Scaled
from .network import Network
from .target import Target


def place(network: Network, scaled: Scaled, expanded: Expanded, target: Target) -> Placement:
    """Choose chip and circuits of each neuron.

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
    demand_single_circuits(network, size)
    least = max(1, -(-int(size.sum()) // limits.CIRCUITS))
    most = least + 1 + int(np.count_nonzero(size > 1)) // 2
    for chips in range(least, max(most, 2 * least) + 1):
        if target.max_chips is not None and chips > target.max_chips:
            raise MappingError(f"{int(size.sum())} circuits for {n} neurons",
                               f"{target.max_chips} chip(s) of {limits.CIRCUITS} circuits",
                               hint="raise max_chips, join fewer circuits, or use chip='ideal'")
        placement = _on(chips, size, partner)
        if placement is not None:
            return placement
    raise MappingError(f"{int(size.sum())} circuits in blocks of up to {int(size.max())}",
                       f"chips of {limits.CIRCUITS} circuits in blocks of {limits.MAX_CIRCUITS_PER_NEURON}",
                       hint="join fewer circuits (circuits_per_neuron)")


def _on(chips: int, size: np.ndarray, partner: np.ndarray) -> Placement | None:
    """A placement on so many chips, or None if it does not fit; ``partner`` as of ``partner_of_neuron``."""
    n = len(size)
    first = np.where(partner < 0, np.arange(n), np.minimum(partner, np.arange(n)))  # of two joined neurons
    both = np.bincount(first, size, minlength=n)
    share = (np.cumsum(both) - both)[first]
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
    block = np.where(partner[neurons] >= 0, 2, size[neurons])
    wide = (block > 1) & ((partner[neurons] < 0) | (neurons < partner[neurons]))
    start = [limits.COLUMNS_PER_OUTPUT * k for k in range(limits.OUTPUTS)]
    joined = neurons[wide][np.argsort(-block[wide], kind="stable")]
    for i, neuron in enumerate(joined.tolist()):
        pair = partner[neuron] >= 0
        k = 2 if pair else int(size[neuron])
        width = -(-k // 2)
        at = _gap(np.all(free, axis=0), width, start[i % limits.OUTPUTS])
        if at is None:
            return False
        columns = np.repeat(np.arange(at, at + width), 2)[:k]
        halves = np.tile([0, 1], width)[:k]
        free[halves, columns] = False
        if pair:  # one above the other
            circuit[[neuron, partner[neuron]], 0] = coordinates.circuit_of(halves, columns)
        else:
            circuit[neuron, :k] = coordinates.circuit_of(halves, columns)
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
