"""Networks as NIR graphs, as far as NIR has words for them; the equations stand in ``nir_graph``."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

from .errors import MappingError, MappingWarning
from .network import Network, Population, Projection
from .nir_units import Units, nir_package

_MODELS = ("IF_curr_exp", "IF_curr_delta")
LARGEST = 20_000_000  # elements of all weight matrices together


def to_nir(network: Network, *, time_unit: float = 1000.0, mv_per_unit: float = 15.0, v_rest_mv: float = -65.0,
           spike_area: float = 1.0, on_loss: str = "error"):
    """The NIR graph of a network.

    IF_curr_exp becomes CubaLIF and IF_curr_delta LIF, both with r = 1 and w_in = 1; sources become Input nodes, and
    every population gets an Output. Synapses become Linear nodes, or Affine ones where the population has an offset
    current; one timestep of delay is left out, as it is what ``from_nir`` gives a connection, longer delays become
    Delay nodes. NIR has no names for the kind and the times of sources, for start values and for probes: these are
    left out.

    Parameters
    ----------
    network : Network
    time_unit, mv_per_unit, v_rest_mv, spike_area : float
        As in ``from_nir``.
    on_loss : "error" or "warn"
        What to do about refractory times, which NIR hasn't.

    Returns
    -------
    nir.NIRGraph
        Names are the labels, with "_" for "/".

    Raises
    ------
    ImportError
        If the package nir isn't installed.
    MappingError
        For what NIR can't say.
    """
    nir = nir_package()
    if on_loss not in ("error", "warn"):
        raise MappingError(f"on_loss={on_loss!r}", "'error', 'warn'", "to_nir")
    if network.joints:
        raise MappingError("an ElectricalSynapse", "synapses that send spikes",
                           f"projection {network.joints[0].label!r}",
                           "NIR has no conductances between membranes; leave it out")
    units = Units(time_unit, mv_per_unit, v_rest_mv, spike_area)
    graph = _Graph()
    name = {part.label: graph.free(part.label) for part in network.parts}
    for source in network.sources:
        graph.nodes[name[source.label]] = nir.Input(input_type=np.array([source.size]))
    incoming = _incoming(network)
    for p in network.populations:
        _demand_known(p, on_loss)
        cell = _Cell(p, [q for (_, post), group in incoming.items() if post == p.label for q in group], units)
        graph.nodes[name[p.label]] = cell.node(nir)
        graph.add(f"{name[p.label]}_output", nir.Output(output_type=np.array([p.size])), name[p.label])
        bias = cell.bias
        layers = [(pre, layer) for (pre, post), group in incoming.items() if post == p.label
                  for layer in _layers(group, network, pre, p)]
        if bias.any() and not layers:  # an Affine that ignores its input is the only constant that NIR has
            outside = graph.add(f"{name[p.label]}_input", nir.Input(input_type=np.array([1])))
            graph.chain(outside, [("constant", nir.Affine(np.zeros((p.size, 1)), bias))], name[p.label])
        for pre, layer in layers:
            weight = layer.weight * cell.per_weight[:, None]
            linear = nir.Affine(weight, bias) if bias.any() else nir.Linear(weight)
            bias = np.zeros(p.size)
            nodes = [(kind, node) for kind, node in (
                ("delay", _delay(nir, layer.before, units)), ("weights", linear),
                ("delay", _delay(nir, layer.after, units))) if node is not None]
            graph.chain(name[pre], nodes, name[p.label])
    try:
        return nir.NIRGraph(graph.nodes, graph.edges, metadata={
            "time_unit_ms": time_unit, "mv_per_unit": mv_per_unit, "v_rest_mv": v_rest_mv, "spike_area": spike_area,
            "timestep_ms": network.timestep})
    except ValueError as error:
        raise MappingError("a graph that the package nir refuses", str(error), "to_nir",
                           "NIR wants an Input: add a spike source") from error


class _Graph:
    """Nodes and edges as they come."""

    def __init__(self) -> None:
        self.nodes: dict = {}
        self.edges: list[tuple[str, str]] = []
        self._taken: set[str] = set()

    def free(self, wanted: str) -> str:
        """A name that no node has."""
        base = name = wanted.replace("/", "_") or "part"
        k = 1
        while name in self._taken:
            name, k = f"{base}_{k}", k + 1
        self._taken.add(name)
        return name

    def add(self, wanted: str, node, after: str | None = None) -> str:
        """A new node, behind another one."""
        name = self.free(wanted)
        self.nodes[name] = node
        if after is not None:
            self.edges.append((after, name))
        return name

    def chain(self, pre: str, nodes: list, post: str) -> None:
        """New nodes one after the other between two that exist."""
        last = pre
        for kind, node in nodes:
            last = self.add(f"{pre}_{post}_{kind}", node, last)
        self.edges.append((last, post))


class _Cell:
    """A population in NIR's units: ``per_weight`` is what a weight of PyNN is, ``bias`` the offset current, (n,)."""

    def __init__(self, p: Population, synapses: list[Projection], units: Units) -> None:
        q = p.parameters
        self._p, self._units = p, units
        conductance = q["cm"] / q["tau_m"]  # uS
        self._tau = q["tau_m"] / units.time_unit
        if p.model == "IF_curr_exp":
            self._tau_syn = _tau_syn(p, synapses) / units.time_unit
            per_weight = self._tau_syn / conductance
        else:
            per_weight = self._tau
        self.per_weight = per_weight / (units.mv_per_unit * units.spike_area)
        self.bias = q["i_offset"] / (conductance * units.mv_per_unit)

    def node(self, nir):
        """The neurons as a node."""
        q, one = self._p.parameters, np.ones(self._p.size)
        v_leak, threshold, reset = (self._units.potential(q[k]) for k in ("v_rest", "v_thresh", "v_reset"))
        if self._p.model == "IF_curr_exp":
            return nir.CubaLIF(tau_syn=self._tau_syn, tau_mem=self._tau, r=one, v_leak=v_leak, v_threshold=threshold,
                               v_reset=reset, w_in=one)
        return nir.LIF(tau=self._tau, r=one, v_leak=v_leak, v_threshold=threshold, v_reset=reset)


def _demand_known(p: Population, on_loss: str) -> None:
    where = f"population {p.label!r}"
    if p.model not in _MODELS:
        raise MappingError(f"cell model {p.model!r} as a NIR node", ", ".join(_MODELS), where)
    longest = float(p.parameters["tau_refrac"].max())
    if longest > 0 and on_loss == "error":
        raise MappingError(f"tau_refrac={longest:g} ms as a NIR node", "no refractory time", where,
                           "set tau_refrac=0, or leave it out by on_loss='warn'")
    if longest > 0:
        warnings.warn(f"{where}: tau_refrac={longest:g} ms is left out, NIR has no refractory time", MappingWarning,
                      stacklevel=3)


def _tau_syn(p: Population, synapses: list[Projection]) -> np.ndarray:
    """The time constant of each neuron's synapses, (n,), ms; MappingError where those in use have two."""
    tau = {"excitatory": p.parameters["tau_syn_E"], "inhibitory": p.parameters["tau_syn_I"]}
    used = {receptor: np.zeros(p.size, bool) for receptor in tau}
    for q in synapses:
        used[q.receptor][q.post_index] = True
    two = used["excitatory"] & used["inhibitory"] & (tau["excitatory"] != tau["inhibitory"])
    if two.any():
        i = int(np.flatnonzero(two)[0])
        raise MappingError(f"tau_syn_E={tau['excitatory'][i]:g} and tau_syn_I={tau['inhibitory'][i]:g} ms, both in use",
                           "one tau_syn for both in a NIR node", f"population {p.label!r}, neuron {i}",
                           "give both receptors the same time constant")
    return np.where(used["inhibitory"] & ~used["excitatory"], tau["inhibitory"], tau["excitatory"])


# --- synapses ----------------------------------------------------------------------------------------------


class _Layer(NamedTuple):
    """Weights (post, pre) as PyNN has them, delays (ms) before (pre,) and after (post,) them; None where immediate."""

    weight: np.ndarray
    before: np.ndarray | None = None
    after: np.ndarray | None = None


def _incoming(network: Network) -> dict[tuple[str, str], list[Projection]]:
    """Projections by (pre, post); MappingError for synapses that NIR hasn't."""
    found: dict[tuple[str, str], list[Projection]] = {}
    for p in network.projections:
        if p.model != "StaticSynapse":
            raise MappingError(f"synapse model {p.model!r} as NIR nodes", "StaticSynapse", f"projection {p.label!r}")
        if len(p):
            found.setdefault((p.pre, p.post), []).append(p)
    sizes = {part.label: part.size for part in network.parts}
    elements = sum(sizes[pre] * sizes[post] for pre, post in found)
    if elements > LARGEST:
        raise MappingError(f"{elements} elements of weight matrices", f"{LARGEST} elements, NIR's matrices being dense",
                           "to_nir", "use mapping.document for networks with many zeros")
    return found


def _layers(group: list[Projection], network: Network, pre: str, post: Population) -> list[_Layer]:
    """Synapses between two populations: one layer, or one for each delay where delays go with single synapses."""
    shape = post.size, next(part.size for part in network.parts if part.label == pre)
    i, j, weight, delay = (np.concatenate([getattr(p, name) for p in group])
                           for name in ("post_index", "pre_index", "weight", "delay"))
    delay = np.where(delay <= network.timestep * (1 + 1e-9), 0.0, delay)

    def matrix(mine) -> np.ndarray:
        return np.bincount(i[mine] * shape[1] + j[mine], weight[mine], shape[0] * shape[1]).reshape(shape)

    everything = slice(None)
    if not delay.any():
        return [_Layer(matrix(everything))]
    for field, index, size in (("before", j, shape[1]), ("after", i, shape[0])):
        one = np.zeros(size)
        one[index] = delay
        if np.allclose(one[index], delay, rtol=1e-9, atol=0):
            return [_Layer(matrix(everything))._replace(**{field: one})]
    kinds = np.unique(np.round(delay, 9))
    if len(kinds) * shape[0] * shape[1] > LARGEST:
        raise MappingError(f"{len(kinds)} delays between {shape[1]} and {shape[0]} cells", f"{LARGEST} elements, NIR "
                           "having one dense matrix for each", f"{pre!r} to {post.label!r}", "use fewer delays")
    return [_Layer(matrix(np.round(delay, 9) == d), np.full(shape[1], d) if d else None) for d in kinds]


def _delay(nir, delay: np.ndarray | None, units: Units):
    return None if delay is None else nir.Delay(delay / units.time_unit)
