"""Documents: exact round trips, and errors that say where and what."""

import copy
import dataclasses
import json
import warnings
from collections.abc import Mapping

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import ideal
from pynn_brainscales.mapping import document
from pynn_brainscales.mapping.compile import compile
from pynn_brainscales.mapping.errors import MappingError, MappingWarning
from pynn_brainscales.mapping.network import Network, Probe
from pynn_brainscales.mapping.target import Target


@pytest.fixture
def network(make):
    rng = np.random.default_rng(1)
    return make.Network(
        (make.population("A", 3, "EIF_cond_exp_isfa_ista", tau_m=rng.uniform(5, 30, 3)), make.population("B", 2)),
        (make.poisson("S", 2, rate=np.pi), make.spike_array("R", 2, [1.5, 2.5, 1.5], [0, 1, 1]),
         make.spike_array("none", 1, [], [])),
        (make.projection("p", "S", "A", [(0, 1), (1, 2)], rng.uniform(0, 1, 2), 1.0),
         make.projection("q", "A", "B", [(0, 1)], -0.1, 0.3, "inhibitory")),
        (Probe("A", "v", np.array([0, 2]), 0.5),), 0.1, 0.2)


def same(a: Network, b: Network):
    assert document.to_dict(a) == document.to_dict(b)
    for p, q in zip((*a.populations, *a.sources), (*b.populations, *b.sources), strict=True):
        for name, values in p.parameters.items():
            assert np.array_equal(values, q.parameters[name])
            assert values.dtype == q.parameters[name].dtype
    for p, q in zip(a.projections, b.projections, strict=True):
        for name in ("pre_index", "post_index", "weight", "delay"):
            assert np.array_equal(getattr(p, name), getattr(q, name))


def test_round_trip(network):
    same(Network.from_dict(json.loads(json.dumps(network.to_dict()))), network)


@pytest.mark.parametrize("largest", [0, 1, 1000])
def test_round_trip_on_disk(network, tmp_path, largest):
    path = tmp_path / "network.json"
    document.save(network, path, largest)
    assert (tmp_path / "network.npz").exists() == (largest < 1000)
    same(document.load(path), network)


def test_infinite_durations_survive(make):
    network = make.Network((), (make.poisson("S", 2).replace(parameters={
        "rate": np.ones(2), "start": np.zeros(2), "duration": np.array([np.inf, 3.0])}),), ())
    again = Network.from_dict(json.loads(json.dumps(network.to_dict(), allow_nan=False)))
    assert again.sources[0].parameters["duration"].tolist() == [np.inf, 3.0]


def edited(network, *path, value=None, delete=False):
    d = copy.deepcopy(network.to_dict())
    part = d
    for key in path[:-1]:
        part = part[key]
    if delete:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return d


@pytest.mark.parametrize(("path", "value", "sentence"), [
    (("populations", 0, "parameters", "tau_m"), None, r"populations\[0\]\.parameters: key 'tau_m' is missing"),
    (("timestep",), None, "document: key 'timestep' is missing; available: keys format"),
    (("projections", 1, "weight"), None, r"projections\[1\]: key 'weight' is missing.*add 'weight'"),
    (("format",), "nest", "document, format: 'nest'; available: 'pynn_brainscales.network'"),
    (("version",), 2, "version: 2; available: 1; read it with the release"),
    (("populations", 1, "model"), "IF_curr", r"populations\[1\]\.model: 'IF_curr'; available: IF_curr_exp"),
    (("populations", 0, "size"), 2.5, r"populations\[0\]\.size: 2.5; available: a whole number"),
    (("populations", 0, "colour"), "red", r"populations\[0\]: unknown key 'colour'"),
    (("populations", 0, "parameters", "tau_x"), 1.0, r"populations\[0\]\.parameters: unknown key 'tau_x'"),
    (("populations", 0, "parameters", "cm"), ["a"], r"populations\[0\]\.parameters\.cm: values that are no numbers"),
    (("populations", 0, "parameters", "cm"), [1.0, 2.0], r"'cm' of shape \(2,\); available: shape \(3,\)"),
    (("projections", 0, "pre_index"), [0.5, 1], r"projections\[0\]\.pre_index: values that are no whole numbers"),
    (("projections", 0, "weight"), {"npz": "w"}, r"projections\[0\]\.weight: array 'w'.*keep the .npz file"),
    (("sources",), {}, "document, sources: a dict; available: a list"),
    (("timestep",), "fast", "timestep: 'fast'; available: a number"),
    (("projections", 0, "post_index"), [0, 9], r"post_index from 0 to 9; available: 0\.\.2")])
def test_bad_documents(network, path, value, sentence):
    bad = edited(network, *path, value=value, delete=value is None)
    with pytest.raises(MappingError, match=sentence):
        Network.from_dict(bad)


def test_bad_files(tmp_path):
    with pytest.raises(FileNotFoundError):
        document.load(tmp_path / "none.json")
    broken = tmp_path / "broken.json"
    broken.write_text('{"format": ')
    with pytest.raises(MappingError, match=r"broken\.json: line 1, column 12"):
        document.load(broken)
    broken.write_text("[1, 2]")
    with pytest.raises(MappingError, match=r"broken\.json: a list; available: an object"):
        document.load(broken)


# --- everything that a network may have ------------------------------------------------------------------------


@pytest.fixture
def everything(make):
    """Receptors of all kinds, arrays of several components, plastic synapses of all kinds, observed weights."""
    rng = np.random.default_rng(2)
    receptors = {"AMPA": "CondExp", "NMDA": "CondBeta", "GABA": "CondAlpha"}
    gamma = make.spike_array("G", 2, [], []).replace(model="SpikeSourceInhGamma", parameters={
        "tbins": np.array([0.0, 50.0, 0.0]), "a": np.full(3, 3.0), "b": np.array([0.01, 0.02, 0.03]),
        "bin_index": np.array([0, 0, 1]), "start": np.zeros(2), "duration": np.array([np.inf, 1e3])})
    rule = ("SpikePairRule", "GutigWeightDependence")
    m = 3
    pairs = [(0, 1), (1, 2), (1, 0)]

    def synapses(label, post, receptor, model, rule=(), **values):
        return make.projection(label, "S", post, pairs, rng.uniform(0, 1, m), 1.5, receptor, model, rule, **values)

    return make.Network(
        (make.cells("point", 3, "AdExp", receptors, **{"NMDA.tau_rise": rng.uniform(1, 3, 3)}),
         make.cells("gif", 3, "GIF_cond_exp", tau_eta=rng.uniform(1, 99, (3, 3)), a_gamma=np.full((3, 3), 0.5)),
         make.cells("one", 3, "GIF_cond_exp", tau_eta=[[4.0]] * 3, a_eta=[[0.1]] * 3, tau_gamma=[[9.0]] * 3,
                    a_gamma=[[0.2]] * 3), make.cells("bare", 3, "LIF", {})),
        (make.poisson("S", 2), gamma),
        (synapses("static", "gif", "inhibitory", "StaticSynapse"),
         synapses("tm", "point", "NMDA", "TsodyksMarkramSynapse", U=rng.uniform(0, 1, m), u=[0.0, 0.1, 0.2]),
         synapses("chance", "gif", "excitatory", "SimpleStochasticSynapse", p=1.0 / 3.0),
         synapses("tm1", "gif", "excitatory", "StochasticTsodyksMarkramSynapse"),
         synapses("sites", "gif", "excitatory", "MultiQuantalSynapse", n=[1.0, 2.0, 3.0], a=[0.0, 2.0, 1.0]),
         synapses("learns", "point", "AMPA", "STDPMechanism", rule, tau_plus=rng.uniform(10, 30, m)),
         synapses("vogels", "gif", "inhibitory", "STDPMechanism", ("Vogels2011Rule", "AdditiveWeightDependence")),
         make.projection("empty", "S", "gif", [], model="TsodyksMarkramSynapse")),
        (Probe("point", "NMDA.gsyn", np.array([0, 2]), 0.5), Probe("gif", "i_eta", np.array([1]), 0.1)), 0.1, 0.2,
        (make.SynapseProbe("learns", 1.0), make.SynapseProbe("vogels", 0.1), make.SynapseProbe("tm", 0.5, "x")))


def equal(a, b, path=""):
    """Whether two values of a description are equal, to the last bit and type."""
    if isinstance(a, np.ndarray):
        assert a.dtype == b.dtype, path
        assert np.array_equal(a, b), path
    elif dataclasses.is_dataclass(a):
        assert type(a) is type(b), path
        for field in dataclasses.fields(a):
            equal(getattr(a, field.name), getattr(b, field.name), f"{path}.{field.name}")
    elif isinstance(a, Mapping):
        assert a.keys() == b.keys(), path
        assert list(a) == list(b) or not path.endswith("receptors"), path  # which come in order
        for key in a:
            equal(a[key], b[key], f"{path}[{key!r}]")
    elif isinstance(a, tuple):
        assert len(a) == len(b), path
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            equal(x, y, f"{path}[{i}]")
    else:
        assert a == b, path


@pytest.mark.parametrize("largest", [0, 5, 1000])
def test_round_trip_of_everything(everything, tmp_path, largest):
    equal(Network.from_dict(json.loads(json.dumps(everything.to_dict(), allow_nan=False))), everything)
    document.save(everything, tmp_path / "all.json", largest)
    assert (tmp_path / "all.npz").exists() == (largest < 1000)
    equal(document.load(tmp_path / "all.json"), everything)


def test_the_same_mapping_comes_of_a_document(everything, oracle):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MappingWarning)
        mapped = [compile(n, Target(profile=ideal)) for n in (everything, Network.from_dict(everything.to_dict()))]
    assert oracle.differences(mapped[0].config, mapped[1].config) == []
    assert str(mapped[0].report) == str(mapped[1].report)


def text(value):
    return {"number": value}


@pytest.mark.parametrize(("path", "value", "sentence"), [
    (("populations", 0, "receptors"), {"AMPA": "CondGauss"}, r"\.receptors: .*CondGauss.*names with one of"),
    (("populations", 0, "receptors"), {"AMPA": ["CondExp"]}, r"populations\[0\]\.receptors.*names with one of CurrExp"),
    (("populations", 0, "receptors"), [1], r"populations\[0\]\.receptors: \[1\]"),
    (("populations", 0, "receptors", "GABA"), None, r"populations\[0\]\.parameters: unknown key 'GABA\.e_syn'"),
    (("populations", 0, "receptors", "GABA"), "CurrAlpha", r"unknown key 'GABA\.e_syn'; available: .*GABA\.tau_syn"),
    (("populations", 1, "receptors"), {"x": "CondExp"}, r"'gif': receptors \['x'\]; .*only LIF and AdExp take"),
    (("populations", 1, "parameters", "tau_eta"), [[1.0], [1.0, 2.0], [1.0]], "tau_eta: rows of different lengths"),
    (("populations", 1, "parameters", "tau_eta"), [1.0, 2.0, 3.0], r"'tau_eta' of shape \(3,\); .*shape \(3, k\)"),
    (("populations", 0, "parameters", "cm"), text("abc"), r"populations\[0\]\.parameters\.cm: values that"),
    (("populations", 0, "parameters", "cm"), text([1]), r"parameters\.cm: values that are no numbers"),
    (("populations", 0, "parameters", "cm"), {"npz": [1]}, r"parameters\.cm: array \[1\]"),
    (("populations", 0, "parameters"), [1], r"populations\[0\]\.parameters: a list; available: an object"),
    (("populations", 0, "size"), 10**20, r"populations\[0\]\.size: 10+; available: a whole number up to"),
    (("projections", 0, "pre_index"), [text("inf"), 0, 1], "pre_index: values that are no whole numbers"),
    (("projections", 0, "pre_index"), [text("nan"), 0, 1], "pre_index: values that are no whole numbers"),
    (("projections", 0, "parameters"), {"U": 0.5}, r"projections\[0\]\.parameters: unknown key 'U'; available: none"),
    (("projections", 1, "model"), "Tsodyks", r"projections\[1\]\.model: 'Tsodyks'; available: StaticSynapse, Tsodyks"),
    (("projections", 1, "parameters", "U"), None, r"projections\[1\]\.parameters: key 'U' is missing"),
    (("projections", 1, "initial"), {}, r"projections\[1\]\.initial: key 'u' is missing"),
    (("projections", 1, "initial"), 3, r"projections\[1\]\.initial: a int; available: an object"),
    (("projections", 1, "rule"), ["SpikePairRule", "AdditiveWeightDependence"], "'tm': rule .*does not learn"),
    (("projections", 5, "rule"), 5, r"projections\[5\]\.rule: 5; available: a list of strings"),
    (("projections", 5, "rule"), [["a"], "b"], r"projections\[5\]\.rule: .*; available: a list of strings"),
    (("projections", 5, "rule"), ["SpikePairRule"], r"rule: \['SpikePairRule'\]; available: one of SpikePairRule"),
    (("projections", 5, "rule"), ["Vogels2011Rule", "AdditiveWeightDependence"], "unknown key 'A_minus'"),
    (("observed",), 5, "document, observed: a int; available: a list"),
    (("observed", 0), 5, r"observed\[0\]: a int; available: an object"),
    (("observed", 0, "projection"), "nobody", "observed synapses: unknown projection 'nobody'; available: chance"),
    (("observed", 0, "interval"), 0, "observed synapses of 'learns': a sampling interval of 0"),
    (("observed", 2, "variable"), "a", "observed synapses of 'tm': variable 'a'; available: weight, u, x"),
    (("probes", 0, "variable"), "GABA.isyn", "variable 'GABA.isyn'; available: v, w, AMPA.gsyn"),
    (("sources", 1, "parameters", "a"), [1.0], r"population 'G': a \(1,\) and bin_index \(3,\)"),
    (("sources", 1, "parameters", "bin_index"), [0, 0, 2], r"bin_index from 0 to 2; available: 0\.\.1")])
def test_bad_documents_of_everything(everything, path, value, sentence):
    bad = edited(everything, *path, value=value, delete=value is None)
    with pytest.raises(MappingError, match=sentence):
        Network.from_dict(json.loads(json.dumps(bad)))


def test_documents_without_the_newer_keys(network):
    """A document says nothing of what it does not use."""
    old = network.to_dict()
    for key in ("observed", "currents"):
        old.pop(key, None)
    same(Network.from_dict(old), network)
