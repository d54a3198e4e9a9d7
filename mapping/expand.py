"""How many circuits each neuron gets, and which of them takes which synapse."""

from __future__ import annotations

import numpy as np
from pynn_brainscales.emulator import limits

from .cells import population_of_neuron
from .errors import MappingError
from .mapped import Expanded, Scaled
from .network import Network
from .table import rank_in_group
from .target import Target


def expand(network: Network, scaled: Scaled, target: Target) -> Expanded:
    """Join circuits where the fan-in of a neuron exceeds the rows of one, or it has more than one pair of receptors.

    Synapses are dealt out to a unit's circuits in turn, per input, beginning one further each time that sources and
    circuits have come round together: neighbours lie on event outputs in turn (see ``place``), and those of one output
    must not all come to one circuit, where they would want rows of their own.

    Raises
    ------
    MappingError
        If a neuron's fan-in exceeds what the largest joined neuron offers.
    """
    n, m = network.neurons, len(scaled.neuron)
    if not target.profile.limited:
        return Expanded(np.ones(n, np.int64), np.zeros(m, np.int64), np.arange(n)[:, None])
    units = len(scaled.unit_neuron)
    rows = np.bincount(scaled.unit, scaled.rows, minlength=units).astype(np.int64)
    of_unit = np.maximum(np.where(scaled.unit_port == 0, target.circuits_per_neuron, 1), -(-rows // limits.ROWS))
    circuits = np.bincount(scaled.unit_neuron, of_unit, minlength=n).astype(np.int64)
    if np.any(circuits > limits.MAX_CIRCUITS_PER_NEURON):
        worst = int(np.argmax(circuits))
        rows = np.bincount(scaled.neuron, scaled.rows, minlength=n).astype(np.int64)
        label = network.populations[population_of_neuron(network)[worst]].label
        raise MappingError(
            f"a fan-in of {rows[worst]} rows for one neuron, in {circuits[worst]} circuits",
            f"{limits.MAX_CIRCUITS_PER_NEURON} joined circuits of {limits.ROWS} rows each", f"population {label!r}",
            "fewer or weaker synapses onto one neuron, or chip='ideal'")
    order = np.lexsort((scaled.unit_port, scaled.unit_neuron))
    before = np.empty(units, np.int64)
    ends = np.cumsum(of_unit[order])
    before[order] = ends - of_unit[order] - (np.cumsum(circuits) - circuits)[scaled.unit_neuron[order]]
    unit = np.full((n, max(1, int(circuits.max(initial=1)))), -1, np.int64)
    each = np.repeat(order, of_unit[order])
    slot = np.arange(len(each)) - np.repeat(ends - of_unit[order], of_unit[order])
    unit[scaled.unit_neuron[each], before[each] + slot] = each
    rank, many = rank_in_group(scaled.unit, scaled.input), of_unit[scaled.unit]
    within = (rank + rank // np.lcm(limits.OUTPUTS, many)) % many
    return Expanded(circuits, before[scaled.unit] + within, unit)

