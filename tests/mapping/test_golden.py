"""The text of some mapped networks, report and floorplan: ``REGENERATE=1 python -m pytest`` writes them anew."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import ideal, quantised
from pynn_brainscales.mapping.compile import compile
from pynn_brainscales.mapping.errors import MappingWarning
from pynn_brainscales.mapping.network import Probe
from pynn_brainscales.mapping.target import Target

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def single(make):
    network = make.Network((make.population("neuron", 1),), (make.poisson("source", 1),), (
        make.projection("in", "source", "neuron", [(0, 0)], 1.0, 1.0),), (Probe("neuron", "v", np.array([0]), 0.1),))
    return network, Target()


def both_signs(make):
    mask = np.ones((6, 40), bool)
    network = make.Network((make.population("cells", 40, "IF_cond_exp"),), (make.poisson("source", 6),), (
        make.projection("up", "source", "cells", mask, np.linspace(0.001, 0.02, 240), 1.0),
        make.projection("down", "source", "cells", mask, 0.01, 1.0, "inhibitory")))
    return network, Target()


def two_chips(make):
    network = make.recurrent(40, 0.2, model="EIF_cond_exp_isfa_ista", weight=0.001, sources=4, delay=2.0)
    return network, Target(profile=quantised, circuits_per_neuron=16)


def relayed(make):
    pairs = [(i, (i + k) % 20) for i in range(20) for k in (1, 2, 3)]
    network = make.Network((make.population("ring", 20, tau_refrac=0.1, tau_m=100.0),), (), (
        make.projection("on", "ring", "ring", pairs, 0.2, np.tile([0.2, 1.0, 2.5], 20)),))
    return network, Target(profile=quantised)


def lossy(make):
    return make.recurrent(512, 0.45, sources=0), Target(profile=quantised, on_loss="warn")


def unlimited(make):
    return make.recurrent(30, 0.2, weight=0.1), Target(profile=ideal)


def models(make, learning):
    """Cells on the chip under other names, cells beside it, synapses of all kinds."""
    receptors = {"AMPA": "CondExp", "NMDA": "CondExp", "GABA": "CondExp"}
    point = {"NMDA.tau_syn": 25.0, "GABA.e_syn": -80.0, "GABA.tau_syn": 8.0}
    populations = (make.cells("point", 6, "LIF", receptors, **point), make.cells("facets", 4, "IF_facets_hardware1"),
                   make.cells("delta", 4, "IF_curr_delta"), make.cells("gif", 3, "GIF_cond_exp"),
                   make.cells("plain", 8))
    rule = ("SpikePairRule", "MultiplicativeWeightDependence")
    kinds = [("static", "point", "NMDA", 0.004, "StaticSynapse", (), {}),
             ("depressing", "plain", "excitatory", 0.2, "TsodyksMarkramSynapse", (), {"U": 0.5, "tau_rec": 300.0}),
             ("both", "point", "AMPA", 0.01, "TsodyksMarkramSynapse", (), {"U": [0.1, 0.5] * 6, "tau_facil": 400.0}),
             ("onto gif", "gif", "excitatory", 0.01, "TsodyksMarkramSynapse", (), {}),
             ("chance", "facets", "excitatory", 0.002, "SimpleStochasticSynapse", (), {"p": 0.3}),
             ("sites", "delta", "inhibitory", -0.5, "MultiQuantalSynapse", (), {"n": 5.0})]
    if learning:
        kinds.append(("learns", "plain", "inhibitory", -0.1, "STDPMechanism", rule, {}))
    sizes, ring = {p.label: p.size for p in populations}, [(0, 1), (1, 2), (2, 0)]
    projections = [make.projection("out", "gif", "plain", ring, 0.1, 0.2),
                   make.projection("in", "plain", "gif", ring, 0.01, 0.2),
                   make.projection("within", "gif", "gif", ring, 0.01, 0.2, model="SimpleStochasticSynapse")]
    for label, post, receptor, weight, model, synapse_rule, values in kinds:
        pairs = [(i, j) for i in (0, 1) for j in range(sizes[post])]
        projections.append(make.projection(label, "source", post, pairs, weight, 1.0, receptor, model, synapse_rule,
                                           **values))
    probes = make.Probe("gif", "i_eta", np.arange(3), 0.1), make.Probe("point", "NMDA.gsyn", np.arange(6), 0.1)
    return make.Network(populations, (make.poisson("source", 2),), tuple(projections), probes,
                        observed=(make.SynapseProbe("learns", 1.0),) if learning else ())


def models_on_chips(make):
    return models(make, True), Target(profile=quantised)


def models_unlimited(make):
    return models(make, True), Target(profile=ideal)


def slots(make):
    """48 candidates for 16 slots of each neuron, beside a teacher."""
    pairs = [((5 * i + 3 * j) % 48, j) for j in range(6) for i in range(16)]
    plastic = make.projection("slots", "receptors", "cells", pairs, 0.2, 1.0, model="PlasticSynapse", w_max=0.7,
                              eta=2.0, tau=10.0)
    teacher = make.projection("teacher", "teacher", "cells", [(j // 2, j) for j in range(6)], 2.0, 1.0)
    network = make.Network((make.population("cells", 6),), (make.poisson("receptors", 48), make.poisson("teacher", 3)),
                           (plastic.replace(candidates=np.arange(48)), teacher))
    return network, Target(profile=quantised)


CASES = [single, both_signs, two_chips, relayed, lossy, unlimited, models_on_chips, models_unlimited, slots]


@pytest.mark.parametrize("case", CASES, ids=lambda f: f.__name__)
def test_text_of_a_mapping(make, case):
    network, target = case(make)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MappingWarning)
        text = str(compile(network, target)) + "\n"
    assert max(map(len, text.splitlines())) <= 125
    path = GOLDEN / f"{case.__name__}.txt"
    if os.environ.get("REGENERATE"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_text_of_every_representation(make):
    """Each value between the passes has a text, of a line for each field; golden like the whole."""
    network, target = both_signs(make)
    m = compile(network, target)
    parts = (m.network, m.scaled, m.expanded, m.placement, m.routing, m.rounded, m.config.circuits, m.config.synapses)
    text = "\n\n".join(map(str, parts)) + "\n"
    assert max(map(len, text.splitlines())) <= 100
    path = GOLDEN / "representations.txt"
    if os.environ.get("REGENERATE"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
