"""Documents: exact round trips, and errors that say where and what."""

import copy
import json

import numpy as np
import pytest
from pynn_brainscales.mapping import document
from pynn_brainscales.mapping.errors import MappingError
from pynn_brainscales.mapping.network import Network, Probe


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
