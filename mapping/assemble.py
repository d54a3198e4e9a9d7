"""Last pass: the configuration that is written to the chips."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pynn_brainscales.emulator import limits
from pynn_brainscales.emulator.config import (
    ChipConfig,
    Circuits,
    DriverModes,
    FreeSynapses,
    Probe,
    RoutedSynapses,
    Routes,
    verify_config,
)
from pynn_brainscales.emulator.joints import Joints
from pynn_brainscales.emulator.variation import draw_pattern, noise_of

from .aside import beside_cells, learning_config, pair_probes, relay_config
from .errors import MappingError
from .joints import joined, side_of_joint
from .mapped import Expanded, Loss, Placement, Rounded, Routing, Scaled, Way
from .models import port_of
from .network import Network
from .plastic import plastic_arrays, plastic_mask
from .relay_probes import relay_probes
from .scale import us_per_ms
from .shortterm import DriverFit
from .split import Split
from .target import Target

_VARIABLES = {"v": "v", "w": "w", "gsyn_exc": "i_exc", "gsyn_inh": "i_inh", "isyn_exc": "i_exc", "isyn_inh": "i_inh"}


def assemble(described: Network, split: Split, scaled: Scaled, expanded: Expanded, placement: Placement,
             routing: Routing, rounded: Rounded, target: Target) -> tuple[ChipConfig, np.ndarray]:
    """Put the configuration together; also the index of each neuron's membrane circuit in it, (n,).

    Circuits are sorted by the kernel that steps them, then by coordinate, joined circuits last: so each kernel works
    on one contiguous piece, and so do most synaptic rows. Within a kind, both sides of joints are pieces, too.
    """
    network = split.network
    neuron, slot = np.nonzero(placement.circuit >= 0)
    chip, circuit = placement.chip[neuron], placement.circuit[neuron, slot]
    c, unit = scaled.cells, expanded.unit[neuron, slot]
    kind = np.where(c["exponential"] | c["adaptation"], 2, c["conductance"].astype(int))[neuron]
    order = np.lexsort((circuit, chip, side_of_joint(network)[neuron], kind, slot > 0))
    neuron, slot, chip, circuit, unit = (a[order] for a in (neuron, slot, chip, circuit, unit))
    membrane = np.flatnonzero(slot == 0)
    master = np.empty(network.neurons, np.int64)
    master[neuron[membrane]] = membrane
    values = {name: q.realised[unit] for name, q in rounded.cells.items()}
    values |= {name: c[name][unit] for name in ("spiking", "conductance", "exponential", "adaptation")}
    gain, port = rounded.gain.realised[:, unit], scaled.unit_port[unit]
    circuits = Circuits(chip=chip, circuit=circuit, master=master[neuron], gain_exc=gain[0], gain_inh=gain[1],
                        port=port if port.any() else None, **values)
    first = {}  # port above 0 -> circuit of each neuron that has it
    for p in np.unique(port[port > 0]).tolist():
        mine = np.flatnonzero(port == p)[::-1]
        first[p] = np.full(network.neurons, -1)
        first[p][neuron[mine]] = mine
    step = network.timestep * us_per_ms(target)
    external = sum(s.size for s in network.sources)
    fixed = ~plastic_mask(network, split)
    if routing.free:
        synapses: FreeSynapses | RoutedSynapses = _free(scaled, routing, rounded, master, step, fixed)
    else:
        synapses = _routed(routing, rounded, master, step, len(circuits), placement.chips, split.drivers, fixed)

    def sources(index: np.ndarray) -> np.ndarray:
        return _source(index, master, len(circuits))

    profile = target.profile
    pattern = draw_pattern(profile, target.chip_seed, target.seed, placement.chips, chip, circuit)
    config = ChipConfig(
        step_us=step, chips=placement.chips, circuits=circuits, external=external, synapses=synapses,
        probes=_probes(network, master, first), noise=noise_of(profile, target.seed),
        pattern=pattern,
        beside=beside_cells(split, described, target, len(circuits), sources),
        relays=relay_config(split, target, len(circuits), sources),
        pairs=learning_config(split, scaled, target, master, sources),
        pair_probes=pair_probes(described.observed, split, network.timestep),
        plastic=plastic_arrays(split, scaled, routing, rounded, target, circuits, master, synapses, pattern, step,
                               sources))
    pairs, rate = joined(network), rounded.icc_rate.realised
    if len(pairs.first):
        first, second = master[pairs.first], master[pairs.second]
        order = np.argsort(first)  # on a chip both sides are then pieces of the state
        config = config.replace(joints=Joints(first[order], second[order], rate[0, order], rate[1, order]))
    config = config.replace(relay_probes=relay_probes(described, split, config, master))
    verify_config(config)
    return config, master


def _source(source: np.ndarray, master: np.ndarray, circuits: int) -> np.ndarray:
    """Sources of events in the numbering of the configuration: circuits first, then external channels."""
    neurons = len(master)
    result = np.asarray(source, np.int64) - neurons + circuits
    inside = source < neurons
    result[inside] = master[source[inside]]
    return result


def _steps(delay_us: np.ndarray, step: float) -> np.ndarray:
    return np.maximum(1, np.floor(delay_us / step + 0.5)).astype(np.int64)


def _free(scaled: Scaled, routing: Routing, rounded: Rounded, master: np.ndarray, step: float, fixed: np.ndarray
          ) -> FreeSynapses:
    parts = (_source(scaled.source, master, len(master)), master[scaled.neuron], scaled.input, rounded.drive.realised,
             _steps(routing.delay_us, step))
    return FreeSynapses(*(parts if fixed.all() else (a[fixed] for a in parts)))


def _routed(routing: Routing, rounded: Rounded, master: np.ndarray, step: float, circuits: int, chips: int,
            drivers: tuple[DriverFit, ...], fixed: np.ndarray) -> RoutedSynapses:
    shape = (chips, limits.HALVES, limits.ROWS, limits.COLUMNS)
    weight, label = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    alive = rounded.lost[routing.cell_synapse] == Loss.NONE
    at = tuple(a[alive] for a in (routing.cell_chip, routing.cell_array, routing.cell_row, routing.cell_column))
    # what is plastic has its weights elsewhere
    weight[at] = np.where(fixed[routing.cell_synapse[alive]], rounded.cell_weight[alive], 0)
    label[at] = routing.cell_label[alive]
    routes = Routes(
        source=_source(routing.route_source, master, circuits), chip=routing.route_chip,
        array=routing.route_array, bus=routing.route_bus, row_select=routing.route_row_select,
        label=routing.route_label, delay_steps=_steps(routing.route_delay_us, step),
        relayed=routing.route_way != Way.DIRECT)
    if not drivers:
        return RoutedSynapses(weight, label, routing.row_sign, routing.driver_mask, routes)
    modes = DriverModes(*(np.array([off, *(getattr(d, name) for d in drivers)]) for off, name in (
        (0.0, "use"), (1.0, "tau_us"), (0.0, "strength"), (0.0, "offset"))))
    return RoutedSynapses(weight, label, routing.row_sign, routing.driver_mask, routes, routing.driver_mode, modes)


def _probes(network: Network, master: np.ndarray, first: Mapping[int, np.ndarray]) -> tuple[Probe, ...]:
    offsets = network.offsets()
    probes = []
    for p in network.probes:
        steps = p.interval / network.timestep
        if abs(steps - round(steps)) > 1e-6 or round(steps) < 1:
            raise MappingError(f"a sampling interval of {p.interval:g} ms",
                               f"multiples of the timestep, {network.timestep:g} ms", f"probe of {p.population!r}")
        name, port = port_of(p.variable)
        circuits = first[port] if port else master
        probes.append(Probe(_VARIABLES[name], circuits[p.index + offsets[p.population]], round(steps)))
    return tuple(probes)
