"""NIR graphs as networks, and back (``nir_export.to_nir``).

NIR (Pedersen et al. 2024, Nat. Commun. 15:8122) describes spiking networks by equations without units. Its neurons
become populations, its inputs spike sources; what lies between them is linear and is composed into explicit
connections. With S the sum of the spikes that arrive, weighted, b a constant that comes with them, and A the integral
of one spike over time (``spike_area``)::

    LIF, LI           tau dv/dt = v_leak - v + r I,  I = S + b
                      v jumps by r w A / tau for each spike: IF_curr_delta, weight in mV, b as i_offset
    CubaLIF, CubaLI   tau_syn dI/dt = -I + w_in (S + b),  tau_mem dv/dt = v_leak - v + r I
                      IF_curr_exp, where I jumps by w_in w A / tau_syn; b as i_offset, and as an initial current
                      that makes it grow with tau_syn from 0

Potentials are mapped by ``v_rest_mv + mv_per_unit * v``, so that any choice has the same spikes. Every neuron starts at
v = v_leak, I = 0 (NIR says nothing about it). There is no refractory time. A connection takes one timestep where NIR
has no delay, and a constant stays constant behind a Delay. NIR fires above its threshold, PyNN at it.

A by NIR's definition is 1: spikes are Dirac impulses, in a unit that goes with the time constants. Frameworks that step
through time with spikes of height 1, each for one step of length dt, mean A = dt; their graphs then have an r or w_in
of about tau / dt, or weights trained for it.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from os import PathLike
from typing import NamedTuple

import numpy as np

from .errors import MappingError, MappingWarning
from .network import Network, Population, Probe, Projection, Source, verify_network
from .nir_export import to_nir
from .nir_linear import LINEAR, LinearMap, Wires, beside, carried, chain, identity, linear_map
from .nir_units import Units, nir_package

__all__ = ["from_nir", "to_nir"]

_NEURONS = ("LIF", "CubaLIF", "LI", "CubaLI")
_PORTS = ("Input", "Output")
_HINTS = {"IF": "use LIF with a long tau", "I": "use LI with a long tau", "Threshold": "use LIF or CubaLIF"}


def from_nir(graph, *, dt: float = 0.1, time_unit: float = 1000.0, mv_per_unit: float = 15.0, v_rest_mv: float = -65.0,
             spike_area: float = 1.0, cm: float = 1.0, tau_syn: float | None = None, li_range: float = 10.0,
             spikes: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None) -> Network:
    """The network of a NIR graph.

    Parameters
    ----------
    graph : nir.NIRGraph, or path of a NIR file
    dt : float
        Timestep and shortest delay, ms.
    time_unit : float
        ms that NIR's unit of time stands for; 1000 for seconds.
    mv_per_unit, v_rest_mv : float
        A potential v of NIR is ``v_rest_mv + mv_per_unit * v`` mV: with a threshold of 1, a swing of 15 mV.
    spike_area : float
        Integral of one spike, in NIR's unit of time.
    cm : float
        Capacitance, nF, which NIR doesn't know; it has no influence on potentials and spikes.
    tau_syn : float, optional
        Makes LIF and LI nodes IF_curr_exp, which the chip has, with synapses of this time constant (ms) that carry
        the charge of the Dirac impulses. What arrives after a reset then isn't lost with the rest of the impulse, so
        strong synapses make more spikes. By default they are IF_curr_delta, which is exact, and beside the chip.
    li_range : float
        LI and CubaLI don't spike, but every neuron here has a threshold: theirs is this far above ``v_leak``, in
        NIR's unit. Large values cost resolution on the chip.
    spikes : mapping of str to (times, index), optional
        Spike times (ms) of Input nodes, and which element of the input has them; others are silent.

    Returns
    -------
    Network
        Labels are the names of the nodes, "a.b" for node b in subgraph a; shapes are flattened in C order. There is a
        probe of v for all LI and CubaLI nodes, whose potential is their output.

    Raises
    ------
    ImportError
        If the package nir isn't installed.
    MappingError
        For nodes and connections that have no counterpart.
    """
    nir = nir_package()
    units = Units(time_unit, mv_per_unit, v_rest_mv, spike_area)
    for name, value in (("dt", dt), ("cm", cm), ("li_range", li_range), ("tau_syn", tau_syn)):
        if value is not None and not value > 0:
            raise MappingError(f"{name}={value:g}", f"{name} > 0", "from_nir")
    if isinstance(graph, (str, PathLike)):
        graph = nir.read(graph)
    if not isinstance(graph, nir.NIRGraph):
        raise MappingError(f"a {type(graph).__name__}", "a nir.NIRGraph, or the path of its file", "from_nir")
    wiring = _Wiring(*_flattened(graph))
    cells = {name: _cell(node, name, units, cm, tau_syn, li_range) for name, node in wiring.nodes.items()
             if type(node).__name__ in _NEURONS}
    quiet = [name for name, cell in cells.items() if not cell.spiking]
    populations, projections = [], []
    for name, cell in cells.items():
        signal = wiring.into(name)
        wiring.demand_size(signal, cell.shape, name)
        populations.append(_population(name, cell, signal.bias))
        for pre, wires in signal.wires.items():
            if pre in quiet:
                raise MappingError(f"the potential of {pre!r} as an input", "spikes", f"node {name!r}",
                                   "only an Output may follow LI and CubaLI")
            projections += _projections(pre, name, wires, cell, units, dt)
    wiring.demand_outputs()
    if quiet:
        warnings.warn(f"{', '.join(map(repr, quiet))}: neurons that don't spike become neurons with a threshold "
                      f"{li_range:g} above v_leak, and would be reset there", MappingWarning, stacklevel=2)
    network = Network(
        tuple(populations), _sources(wiring, spikes or {}), tuple(projections),
        tuple(Probe(name, "v", np.arange(cells[name].size), dt) for name in quiet), dt, dt)
    verify_network(network)
    return network


# --- the graph ---------------------------------------------------------------------------------------------


class _Signal(NamedTuple):
    """What arrives somewhere: connections from each source of spikes, a constant (n,), the shape of the n elements."""

    wires: dict[str, Wires]
    bias: np.ndarray
    shape: tuple[int, ...]


def _flattened(graph, prefix: str = "") -> tuple[dict, list[tuple[str, str]]]:
    """Nodes and edges of a graph and all its subgraphs; the ports of a subgraph stay as nodes."""
    nodes: dict = {}
    edges: list[tuple[str, str]] = []
    ports: dict[str, dict[str, list[str]]] = {}
    for name, node in graph.nodes.items():
        full = prefix + name
        inner = {full: node}
        if type(node).__name__ == "NIRGraph":
            inner, more = _flattened(node, full + ".")
            edges += more
            ports[name] = {kind: [f"{full}.{k}" for k, n in node.nodes.items() if type(n).__name__ == kind]
                           for kind in _PORTS}
        for key in inner:
            if key in nodes:
                raise MappingError(f"two nodes that are called {key!r}", "unique names", "NIR graph", "rename one")
        nodes |= inner

    def end(name: str, kind: str) -> str:
        if name not in graph.nodes:
            raise MappingError(f"an edge with the node {name!r}", ", ".join(map(repr, graph.nodes)), "NIR graph")
        found = ports[name][kind] if name in ports else [prefix + name]
        if len(found) != 1:
            raise MappingError(f"an edge to a subgraph with {len(found)} {kind} nodes", f"one {kind} node",
                               f"subgraph {prefix + name!r}", "NIR doesn't say which of them is meant")
        return found[0]

    edges += [(end(a, "Output"), end(b, "Input")) for a, b in graph.edges]
    return nodes, edges


class _Wiring:
    """Composes what lies between neurons; every node is looked at once."""

    def __init__(self, nodes: dict, edges: list[tuple[str, str]]) -> None:
        self.nodes = nodes
        self._before: dict[str, list[str]] = {name: [] for name in nodes}
        for a, b in edges:
            self._before[b].append(a)
        self._known: dict[str, _Signal] = {}
        self._open: list[str] = []
        for name, node in nodes.items():
            kind = type(node).__name__
            if kind not in (*_NEURONS, *_PORTS, *LINEAR):
                raise MappingError(f"a {kind} node", ", ".join((*_NEURONS, *LINEAR, *_PORTS, "NIRGraph")),
                                   f"node {name!r}", _HINTS.get(kind, ""))

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a neuron or an Input."""
        node = self.nodes[name]
        if type(node).__name__ != "Input":
            return np.shape(node.v_leak)
        shape = node.input_type["input"]
        if shape is None:
            raise MappingError("an Input without a shape", "the shape of the input", f"node {name!r}")
        return tuple(int(n) for n in np.atleast_1d(shape))

    def is_source(self, name: str) -> bool:
        """Whether spikes come from outside at a node; the Input of a connected subgraph hands on what it gets."""
        return type(self.nodes[name]).__name__ == "Input" and not self._before[name]

    def into(self, name: str) -> _Signal:
        """What arrives at a node."""
        parts = [self._out_of(k) for k in self._before[name]]
        if not parts:
            shape = self.shape(name) if type(self.nodes[name]).__name__ in _NEURONS else ()
            return _Signal({}, np.zeros(int(np.prod(shape))), shape)
        for k, part in zip(self._before[name], parts, strict=True):
            self.demand_size(part, parts[0].shape, name, f" from {k!r}, and another")
        origins = dict.fromkeys(origin for part in parts for origin in part.wires)
        wires = {o: beside([part.wires[o] for part in parts if o in part.wires]) for o in origins}
        return _Signal(wires, np.sum([part.bias for part in parts], axis=0), parts[0].shape)

    def demand_size(self, signal: _Signal, shape: tuple[int, ...], name: str, what: str = "") -> None:
        """Raise MappingError if a signal has another number of elements than a shape."""
        if len(signal.bias) != int(np.prod(shape)):
            raise MappingError(f"an input of shape {signal.shape}{what}", f"an input of shape {tuple(shape)}",
                               f"node {name!r}")

    def _out_of(self, name: str) -> _Signal:
        """What leaves a node."""
        kind = type(self.nodes[name]).__name__
        if kind in _NEURONS or self.is_source(name):
            shape = self.shape(name)
            n = int(np.prod(shape))
            return _Signal({name: identity(n)}, np.zeros(n), shape)
        if name in self._known:
            return self._known[name]
        if name in self._open:
            raise MappingError(f"a loop without a neuron: {' -> '.join([*self._open[self._open.index(name):], name])}",
                               "loops with at least one LIF or CubaLIF", "NIR graph")
        self._open.append(name)
        signal = self.into(name)
        self._open.pop()
        if kind in LINEAR:
            signal = self._through(linear_map(self.nodes[name], signal.shape, f"node {name!r}"), signal)
        self._known[name] = signal
        return signal

    @staticmethod
    def _through(step: LinearMap, signal: _Signal) -> _Signal:
        return _Signal({origin: chain(wires, step.wires) for origin, wires in signal.wires.items()},
                       carried(signal.bias, step), step.shape)

    def demand_outputs(self) -> None:
        """Raise MappingError if something between neurons and outputs isn't realised by any neuron."""
        inside = {name for before in self._before.values() for name in before}
        for name, node in self.nodes.items():
            if type(node).__name__ == "Output" and name not in inside and not all(
                    _plain(self._out_of(k)) for k in self._before[name]):
                raise MappingError("weighted signals as an output", "spikes and potentials of neurons as they are",
                                   f"node {name!r}", "put an LI or a LIF in front of the output")
        for name, node in self.nodes.items():
            if type(node).__name__ in LINEAR and name not in self._known:
                raise MappingError("a node that leads nowhere", "nodes that lead to a neuron or an Output",
                                   f"node {name!r}")


def _plain(signal: _Signal) -> bool:
    """Whether a signal is what neurons or inputs send, element by element."""
    n = len(signal.bias)
    return not signal.bias.any() and all(
        np.array_equal(w.pre, np.arange(n)) and np.array_equal(w.post, w.pre) and bool(np.all(w.weight == 1))
        and not w.delay.any() for w in signal.wires.values())


# --- neurons and sources -----------------------------------------------------------------------------------


class _Cell(NamedTuple):
    """A neuron node: model, parameters (n,), and what a weight and a constant of 1 are for each neuron."""

    model: str
    shape: tuple[int, ...]
    size: int
    spiking: bool
    parameters: dict[str, np.ndarray]
    per_weight: np.ndarray
    per_bias: np.ndarray
    filtered: bool = False  # constants pass the synapse too


def _cell(node, name: str, units: Units, cm: float, tau_syn: float | None, li_range: float) -> _Cell:
    kind = type(node).__name__
    cuba, spiking = kind.startswith("Cuba"), kind.endswith("LIF")
    v_leak, r, tau = (np.asarray(a, float).reshape(-1) for a in (node.v_leak, node.r,
                                                                 node.tau_mem if cuba else node.tau))
    n = len(v_leak)
    taus = {"tau_mem": tau, "tau_syn": np.asarray(node.tau_syn, float).reshape(-1)} if cuba else {"tau": tau}
    for key, value in taus.items():
        if not np.all(value > 0):
            raise MappingError(f"{key}={value.min():g}", f"{key} > 0", f"node {name!r}")
    conductance = cm / (tau * units.time_unit)  # uS
    parameters = {"cm": np.full(n, float(cm)), "tau_m": tau * units.time_unit, "tau_refrac": np.zeros(n),
                  "v_rest": units.millivolt(v_leak),
                  "v_reset": units.millivolt(node.v_reset if spiking else v_leak),
                  "v_thresh": units.millivolt(node.v_threshold if spiking else v_leak + li_range)}
    per_bias = conductance * units.mv_per_unit * r  # nA
    if cuba:
        w_in = np.broadcast_to(np.asarray(node.w_in, float).reshape(-1), (n,))
        per_bias = per_bias * w_in
        per_weight = per_bias * units.spike_area / taus["tau_syn"]
        synapse = taus["tau_syn"] * units.time_unit
    else:
        per_weight = units.mv_per_unit * r * units.spike_area / tau  # mV
        if tau_syn is None:
            return _Cell("IF_curr_delta", np.shape(node.v_leak), n, spiking, parameters, per_weight, per_bias)
        per_weight = per_weight * cm / tau_syn
        synapse = np.full(n, float(tau_syn))
    parameters |= {"tau_syn_E": synapse, "tau_syn_I": synapse}
    return _Cell("IF_curr_exp", np.shape(node.v_leak), n, spiking, parameters, per_weight, per_bias, cuba)


def _population(name: str, cell: _Cell, bias: np.ndarray) -> Population:
    offset = cell.per_bias * bias
    initial = {"v": cell.parameters["v_rest"]}
    if cell.model == "IF_curr_exp":
        initial |= {"isyn_exc": -offset if cell.filtered else np.zeros(cell.size), "isyn_inh": np.zeros(cell.size)}
    return Population(name, cell.size, cell.model, cell.parameters | {"i_offset": offset}, initial)


def _projections(pre: str, post: str, wires: Wires, cell: _Cell, units: Units, dt: float) -> list[Projection]:
    """An excitatory and an inhibitory projection, those that have synapses."""
    weight = wires.weight * cell.per_weight[wires.post]
    delay = wires.delay * units.time_unit
    short = (delay > 0) & (delay < dt * (1 - 1e-9))
    if short.any():
        warnings.warn(f"{pre!r} to {post!r}: delays from {delay[short].min():g} ms become one timestep, {dt:g} ms",
                      MappingWarning, stacklevel=3)
    delay = np.maximum(delay, dt)
    found = []
    for receptor, mine in (("excitatory", weight > 0), ("inhibitory", weight < 0)):
        if mine.any():
            found.append(Projection(f"{pre} -> {post}, {receptor}", pre, post, receptor, wires.pre[mine],
                                    wires.post[mine], weight[mine], delay[mine]))
    return found


def _sources(wiring: _Wiring, spikes: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> tuple[Source, ...]:
    inputs = [name for name in wiring.nodes if wiring.is_source(name)]
    unknown = sorted(set(spikes) - set(inputs))
    if unknown:
        raise MappingError(f"spikes of {unknown[0]!r}", f"Input nodes {', '.join(map(repr, inputs)) or '(none)'}",
                           "from_nir")
    result = []
    for name in inputs:
        times, index = spikes.get(name, ((), ()))
        result.append(Source(name, int(np.prod(wiring.shape(name))), "SpikeSourceArray",
                             {"spike_times": np.asarray(times, float), "spike_index": np.asarray(index, np.int64)}))
    return tuple(result)
