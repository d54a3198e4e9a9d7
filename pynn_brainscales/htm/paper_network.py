"""Cells, receptors and wires of the temporal memory that the paper template is made of.

An HTM cell is three kinds of neurons: distal segments D, a soma S, and a helper I that inhibits the other somata of
the column; a column has a head cell P. P excites all S of its column enough to fire, about 6 ms later. A segment that
has fired leaves conductances whose reversal potentials are the thresholds of its S and its I: they bring these close
to firing, and can never fire them. So a predicted S fires a millisecond or two earlier, then its I, in time to hold
back every S that was not predicted (Billaudelle and Ahmad 2015, arXiv 1505.02142; potentials in mV, times in ms,
conductances in uS, capacitances 1 nF).

D to I and P to I both depolarise, with time constants of their own: I has two excitatory receptors, S two and an
inhibitory one. On a chip both are two joined circuits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

import pynn_brainscales as sim

WEIGHTS: Mapping[str, float] = MappingProxyType({
    "input_head": 0.4, "head_soma": 0.08, "head_inhibitory": 0.042, "inhibitory_soma": 0.2,
    "dendrite_inhibitory": 0.15, "dendrite_soma": 0.15, "teacher_dendrite": 0.025})
COINCIDENCE = 0.098  # what the synapses that fire a segment have together: 7 of 0.014, or 4 of 0.0245
DELAY = 0.2  # of every connection: what a chip takes

_HEAD = {"cm": 1.0, "tau_m": 20.0, "v_rest": -65.0, "v_reset": -65.0, "v_thresh": -50.0, "tau_refrac": 5.0,
         "tau_syn_E": 1.0, "e_rev_E": 0.0}  # of a synapse so short that an input is one spike
_DENDRITE = {"cm": 1.0, "tau_m": 30.0, "v_rest": -65.0, "v_reset": -70.0, "v_thresh": -50.0, "tau_refrac": 1.0,
             "tau_syn_E": 4.0, "tau_syn_I": 4.0, "e_rev_E": 0.0}
_INHIBITORY = {"cm": 1.0, "tau_m": 30.0, "v_rest": -65.0, "v_reset": -65.0, "v_thresh": -55.0, "tau_refrac": 1.0}
_SOMA = {"cm": 1.0, "tau_m": 1.0 / 0.0667, "v_rest": -65.0, "v_reset": -70.0, "v_thresh": -50.0, "tau_refrac": 5.0}


@dataclass(frozen=True, eq=False)
class PaperNetwork:
    """Populations and projections of the template.

    Attributes
    ----------
    input : Population of SpikeSourceArray, (columns,)
    teacher : Population of SpikeSourceArray, (columns * cells,), or None
        Fires the first segment of each cell.
    head, dendrite, inhibitory, soma : Population
        Of size columns, columns * cells * segments, and twice columns * cells.
    projections : mapping of str to Projection
        By "from_to"; "soma_dendrite" is there if any segment has synapses.
    """

    input: sim.Population
    teacher: sim.Population | None
    head: sim.Population
    dendrite: sim.Population
    inhibitory: sim.Population
    soma: sim.Population
    projections: Mapping[str, sim.Projection]


def build(columns: int, cells: int, segments: int, synapses: Sequence[tuple[int, Sequence[int]]], threshold: int,
          teacher: bool = True, spread: float = 0.0, rng: np.random.Generator | None = None) -> PaperNetwork:
    """Describe the network to the simulator that is set up.

    Parameters
    ----------
    columns, cells, segments : int
        Segments of each cell, which belong to ``cell * segments`` and the numbers after it.
    synapses : sequence of (dendrite, somata)
    threshold : int
        Spikes at once that fire a segment.
    teacher : bool
    spread : float
        Of all weights: standard deviation of the logarithm of a factor whose median is 1.
    rng : numpy.random.Generator, optional
        For that.
    """
    size = columns * cells
    source = sim.Population(columns, sim.SpikeSourceArray(), label="columns")
    force = sim.Population(size, sim.SpikeSourceArray(), label="teacher") if teacher else None
    head = sim.Population(columns, sim.IF_cond_exp(**_HEAD), label="P")
    dendrite = sim.Population(size * segments, sim.IF_cond_exp(**_DENDRITE), label="D")
    inhibitory = sim.Population(size, sim.PointNeuron(
        sim.LIF(**_INHIBITORY), proximal=sim.ExpPSR(e_syn=0.0, tau_syn=5.0),
        distal=sim.ExpPSR(e_syn=_INHIBITORY["v_thresh"], tau_syn=15.0)), label="I")
    soma = sim.Population(size, sim.PointNeuron(
        sim.LIF(**_SOMA), proximal=sim.ExpPSR(e_syn=0.0, tau_syn=9.0), inhibition=sim.ExpPSR(e_syn=-90.0, tau_syn=6.0),
        distal=sim.ExpPSR(e_syn=_SOMA["v_thresh"], tau_syn=20.0)), label="S")
    cell, segment, first = np.arange(size), np.arange(size * segments), np.arange(size) * segments
    others = np.nonzero(~np.eye(cells, dtype=bool))
    within = [(np.arange(columns)[:, None] * cells + side).reshape(-1) for side in others]
    wires = {
        "input_head": (source, head, "excitatory", np.arange(columns), np.arange(columns)),
        "head_soma": (head, soma, "proximal", cell // cells, cell),
        "head_inhibitory": (head, inhibitory, "proximal", cell // cells, cell),
        "inhibitory_soma": (inhibitory, soma, "inhibition", *within),
        "dendrite_inhibitory": (dendrite, inhibitory, "distal", segment, segment // segments),
        "dendrite_soma": (dendrite, soma, "distal", segment, segment // segments)}
    if force is not None:
        wires["teacher_dendrite"] = (force, dendrite, "excitatory", cell, first)
    if synapses:
        post = np.repeat([d for d, _ in synapses], [len(pre) for _, pre in synapses])
        wires["soma_dendrite"] = (soma, dendrite, "excitatory", np.concatenate([pre for _, pre in synapses]), post)
    weights = dict(WEIGHTS) | {"soma_dendrite": COINCIDENCE / threshold}
    projections = {name: _wire(name, *wire, weights[name], spread, rng) for name, wire in wires.items() if
                   len(wire[3])}
    return PaperNetwork(source, force, head, dendrite, inhibitory, soma, MappingProxyType(projections))


def _wire(label: str, pre, post, receptor: str, i: np.ndarray, j: np.ndarray, weight: float, spread: float,
          rng: np.random.Generator | None) -> sim.Projection:
    factor = np.exp(rng.normal(0.0, spread, len(i))) if spread and rng is not None else np.ones(len(i))
    wires = np.column_stack([i, j, weight * factor, np.full(len(i), DELAY)])
    return sim.Projection(pre, post, sim.FromListConnector(wires, column_names=["weight", "delay"]),
                          receptor_type=receptor, label=label)
