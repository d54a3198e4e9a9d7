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
    """Join circuits where the fan-in of a neuron exceeds the rows of one.

    Synapses are dealt out to a neuron's circuits in turn, per input: so sources that are neighbours, and share an
    event output, come to lie on different circuits.

    Raises
    ------
    MappingError
        If a neuron's fan-in exceeds what the largest joined neuron offers.
    """
    n, m = network.neurons, len(scaled.neuron)
    if not target.profile.limited:
        return Expanded(np.ones(n, np.int64), np.zeros(m, np.int64))
    rows = np.bincount(scaled.neuron, scaled.rows, minlength=n).astype(np.int64)
    circuits = np.maximum(target.circuits_per_neuron, -(-rows // limits.ROWS))
    if np.any(circuits > limits.MAX_CIRCUITS_PER_NEURON):
        worst = int(np.argmax(rows))
        label = network.populations[population_of_neuron(network)[worst]].label
        raise MappingError(
            f"a fan-in of {rows[worst]} rows for one neuron",
            f"{limits.MAX_CIRCUITS_PER_NEURON} joined circuits of {limits.ROWS} rows each", f"population {label!r}",
            "fewer or weaker synapses onto one neuron, or chip='ideal'")
    return Expanded(circuits, rank_in_group(scaled.neuron, scaled.input) % circuits[scaled.neuron])

