"""Models that are circuits under another name do what the circuits' own models, and the cells beside the chip, do."""

import warnings

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import ideal, quantised
from pynn_brainscales.mapping.compile import compile
from pynn_brainscales.mapping.errors import MappingError, MappingWarning
from pynn_brainscales.mapping.network import Network
from pynn_brainscales.mapping.target import Target
from pynn_brainscales.mapping.verify import verify_mapped

IDEAL, CHIP = Target(profile=ideal), Target(profile=quantised)
BOTH = pytest.mark.parametrize("target", [IDEAL, CHIP], ids=lambda t: t.profile.name)
CURRENTS, CONDUCTANCES = {"AMPA": "CurrExp", "GABA": "CurrExp"}, {"AMPA": "CondExp", "GABA": "CondExp"}


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MappingWarning)
        yield


def driven(make, population, exc="excitatory", inh="inhibitory", strength=1.0, recurrent=True):
    """Three neurons under irregular input to one or two receptors, of which everything is recorded."""
    rng = np.random.default_rng(5)
    sign = 1.0 if population.cell.conductance else -1.0
    unit = (0.03 if population.cell.conductance else 2.4) * strength
    sources = (make.spike_array("S", 6, rng.uniform(0, 150, 120).round(1), rng.integers(0, 6, 120)),)
    projections = []
    if exc is not None:
        projections.append(make.projection("up", "S", "A", [(i, j) for i in range(4) for j in range(3)],
                                           unit * rng.uniform(0.5, 1.0, 12), 1.0, exc))
    if inh is not None:
        projections.append(make.projection("down", "S", "A", [(i, j) for i in (4, 5) for j in range(3)],
                                           sign * unit * rng.uniform(0.5, 1.0, 6), 0.5, inh))
        if recurrent:
            ring = [(0, 1), (1, 2), (2, 0)]
            projections.append(make.projection("within", "A", "A", ring, 0.5 * sign * unit, 1.5, inh))
    probes = tuple(make.Probe("A", name, np.arange(3), 0.1) for name in population.cell.variables)
    return make.Network((population,), sources, tuple(projections), probes)


def values(make, model, receptors=None, **changes):
    """Three different neurons; receptors get the time constants and reversal potentials of the standard models."""
    own = {"tau_m": np.array([15.0, 18.0, 22.0]), "i_offset": np.array([0.1, 0.2, 0.0]), "v_thresh": -52.0}
    given = {"AMPA.tau_syn": 4.0, "GABA.tau_syn": 8.0, "AMPA.e_syn": 0.0, "GABA.e_syn": -75.0, "tau_syn_E": 4.0,
             "tau_syn_I": 8.0, "e_rev_E": 0.0, "e_rev_I": -75.0}
    return make.cells("A", 3, model, receptors, **own | given | changes)


PAIRS = [("IF_curr_exp", "LIF", CURRENTS), ("IF_cond_exp", "LIF", CONDUCTANCES),
         ("EIF_cond_exp_isfa_ista", "AdExp", CONDUCTANCES)]


@BOTH
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(("standard", "composed", "receptors"), PAIRS)
def test_point_neurons_are_the_standard_models(make, oracle, standard, composed, receptors, swapped, target):
    """The same configuration, whatever the receptors are called and in which order they come."""
    order = dict(reversed(receptors.items())) if swapped else receptors
    other = driven(make, values(make, composed, order), "AMPA", "GABA")
    mapped, wanted = compile(other, target), compile(driven(make, values(make, standard)), target)
    verify_mapped(mapped)
    key = {p.variable: i for i, p in enumerate(mapped.config.probes)} if swapped else None
    if key:  # probes come in the order of the receptors
        probes = tuple(mapped.config.probes[key[p.variable]] for p in wanted.config.probes)
        mapped = mapped.replace(config=mapped.config.replace(probes=probes))
    assert oracle.differences(mapped.config, wanted.config) == []


@pytest.mark.parametrize(("standard", "composed", "receptors"), PAIRS)
@pytest.mark.parametrize("only", ["AMPA", "GABA"])
def test_one_receptor_is_enough(make, oracle, standard, composed, receptors, only):
    """A receptor that is not there changes nothing: as the standard model without synapses on the other one."""
    one = values(make, composed, {only: receptors[only]}, i_offset=1.4)
    exc, inh = ("AMPA", None) if only == "AMPA" else (None, "GABA")
    got = oracle.execute(driven(make, one, exc, inh, 0.2), IDEAL, 150.0)
    two = driven(make, values(make, standard, i_offset=1.4), exc and "excitatory", inh and "inhibitory", 0.2)
    wanted = oracle.execute(two, IDEAL, 150.0)
    assert len(wanted.fired["A"][0]) > 3
    assert np.array_equal(got.fired["A"], wanted.fired["A"])
    np.testing.assert_allclose(got.signals["A", "v"], wanted.signals["A", "v"], rtol=0, atol=1e-8)
    what = "gsyn" if one.cell.conductance else "isyn"
    short = "exc" if only == "AMPA" else "inh"
    np.testing.assert_allclose(got.signals["A", f"{only}.{what}"], wanted.signals["A", f"{what}_{short}"], atol=1e-12)


def beside(population):
    """The same neurons with a receptor more that nothing reaches, of a shape that no circuit has."""
    response = "CondAlpha" if population.cell.conductance else "CurrAlpha"
    names = {"none.tau_syn": 1.0, "none.e_syn": 0.0} if response == "CondAlpha" else {"none.tau_syn": 1.0}
    variable = "none.gsyn" if response == "CondAlpha" else "none.isyn"
    return population.replace(
        receptors=dict(population.receptors) | {"none": response},
        parameters=dict(population.parameters) | {k: np.full(population.size, v) for k, v in names.items()},
        initial=dict(population.initial) | {variable: np.zeros(population.size)})


@pytest.mark.parametrize(("model", "receptors"), [("LIF", CURRENTS), ("LIF", CONDUCTANCES), ("AdExp", CURRENTS),
                                                  ("AdExp", CONDUCTANCES)])
def test_circuits_and_cells_beside_agree(make, oracle, model, receptors):
    """Two implementations of one model: the membranes of both agree to the order of the step, the spikes to a step."""
    cells = values(make, model, receptors)
    here = oracle.execute(driven(make, cells, "AMPA", "GABA", recurrent=False), IDEAL, 150.0)
    there = oracle.execute(driven(make, beside(cells), "AMPA", "GABA", recurrent=False), IDEAL, 150.0)
    assert not here.mapped.split.beside
    assert there.mapped.split.beside
    assert len(here.fired["A"][0]) > 3
    for k in range(3):
        a, b = (np.sort(r.fired["A"][1][r.fired["A"][0] == k]) for r in (here, there))
        assert len(a) == len(b)
        assert np.abs(a - b).max(initial=0) <= (model == "AdExp")
    exact = model == "LIF"
    error = np.abs(here.signals["A", "v"] - there.signals["A", "v"])
    assert np.percentile(error, 95) < (1e-9 if exact else 0.02)
    for r in receptors:
        name = f"{r}.{'gsyn' if cells.cell.conductance else 'isyn'}"
        np.testing.assert_allclose(here.signals["A", name], there.signals["A", name], atol=1e-9)


@BOTH
def test_facets(make, oracle, target):
    """IF_facets_hardware1 is IF_cond_exp with the fixed parameters of its documentation."""
    own = {"g_leak": np.array([40.0, 20.0, 10.0]), "tau_syn_E": 30.0, "tau_syn_I": 20.0, "v_reset": -80.0,
           "e_rev_I": -80.0, "v_rest": -65.0, "v_thresh": -55.0}
    fixed = {"cm": 0.2, "tau_refrac": 1.0, "e_rev_E": 0.0, "i_offset": 0.0, "tau_m": 0.2 / (1e-3 * own.pop("g_leak"))}
    facets = make.cells("A", 3, "IF_facets_hardware1", g_leak=np.array([40.0, 20.0, 10.0]), **own)
    got = compile(driven(make, facets, strength=0.1), target)
    wanted = compile(driven(make, make.cells("A", 3, "IF_cond_exp", **own | fixed), strength=0.1), target)
    verify_mapped(got)
    np.testing.assert_allclose(fixed["tau_m"], [5.0, 10.0, 20.0])
    assert oracle.differences(got.config, wanted.config) == []
    r = oracle.execute(driven(make, facets, strength=0.1), target, 150.0)
    assert len(r.fired["A"][0]) > 3


@pytest.mark.parametrize("tau_m", [20.0, 5.0, 0.8])
def test_delta_synapses(make, oracle, tau_m):
    """A short pulse of current leaves the membrane where a jump would have left it."""
    times = [5.0, 30.0]
    network = make.Network((make.cells("A", 2, "IF_curr_delta", tau_m=tau_m, cm=np.array([0.3, 1.0])),), (
        make.spike_array("S", 2, times, [0, 1]),), (
            make.projection("up", "S", "A", [(0, 0), (0, 1)], np.array([6.0, 4.0]), 1.0),
            make.projection("down", "S", "A", [(1, 0), (1, 1)], np.array([-3.0, -4.0]), 2.0, "inhibitory")),
        (make.Probe("A", "v", np.arange(2), 0.1),))
    jump = oracle.execute(network, IDEAL, 60.0)
    assert [p.label for p in jump.mapped.split.beside] == ["A"]
    v = jump.signals["A", "v"] + 65.0
    k = np.arange(len(v))
    first, second = (np.where(k >= j, np.exp(-0.1 * (k - j) / tau_m), 0.0)[:, None] for j in (60, 320))
    np.testing.assert_allclose(v, first * [6.0, 4.0] - second * [3.0, 4.0], rtol=0, atol=1e-9)
    pulse = oracle.execute(network, CHIP, 60.0)
    assert not pulse.mapped.split.beside
    realised = [pulse.mapped.connections(label)["weight"] for label in ("up", "down")]
    np.testing.assert_allclose(realised, [[6.0, 4.0], [-3.0, -4.0]], rtol=0.01)
    late = np.r_[85:310, 345:len(v)]  # 2.5 ms after a pulse, which has a time constant of 0.3 ms
    np.testing.assert_allclose(pulse.signals["A", "v"][late] + 65.0, v[late], atol=0.01 * 6.0)
    rise = pulse.signals["A", "v"][61:70, 0] + 65.0
    assert np.all(np.diff(rise) > 0) or tau_m < 1.0  # a pulse, no jump
    assert np.all(rise[:2] < 0.5 * 6.0)


# --- reversal potentials and signs -----------------------------------------------------------------------------


@pytest.mark.parametrize("e_syn", [-65.0, -60.0, -52.0])
def test_shunting_receptors(make, oracle, e_syn):
    """A reversal potential between rest and threshold: exact without limits; on a chip the reference moves away."""
    cells = values(make, "LIF", CONDUCTANCES, **{"GABA.e_syn": e_syn, "v_thresh": -45.0})
    network = driven(make, cells, "AMPA", "GABA", recurrent=False, strength=0.3)
    here = oracle.execute(network, IDEAL, 150.0)
    there = oracle.execute(network.replace(populations=(beside(cells),)), IDEAL, 150.0)
    np.testing.assert_allclose(here.signals["A", "v"], there.signals["A", "v"], rtol=0, atol=1e-9)
    assert not len(here.fired["A"][0])
    chip = oracle.execute(network, CHIP, 150.0)
    verify_mapped(chip.mapped)
    swing = np.ptp(here.signals["A", "v"])
    assert swing > 2.0
    assert np.abs(chip.signals["A", "v"] - here.signals["A", "v"]).max() < 0.03 * swing
    c = chip.mapped.config.circuits
    assert np.all(c.e_ref_inh > c.e_rev_inh)


def test_reversal_potentials_that_are_equal(make, oracle):
    """Two receptors of one reversal potential are one receptor with two time constants."""
    cells = values(make, "LIF", CONDUCTANCES, **{"GABA.e_syn": 0.0, "v_thresh": -30.0})
    network = driven(make, cells, "AMPA", "GABA", recurrent=False, strength=0.1)
    here = oracle.execute(network, IDEAL, 100.0)
    there = oracle.execute(network.replace(populations=(beside(cells),)), IDEAL, 100.0)
    assert not here.mapped.split.beside
    np.testing.assert_allclose(here.signals["A", "v"], there.signals["A", "v"], rtol=0, atol=1e-9)


@pytest.mark.parametrize(("a", "b", "place"), [(1.0, -1.0, "circuits"), (-1.0, 1.0, "circuits"), (1.0, 1.0, "beside"),
                                               (-1.0, -1.0, "beside"), (0.0, -1.0, "beside")])
def test_signs_of_currents(make, oracle, a, b, place):
    """Receptors are excitatory or inhibitory by the signs of their weights; one of both signs has no circuit."""
    names = {"one": "CurrExp", "two": "CurrExp"}
    cells = make.cells("A", 2, "LIF", names, **{"one.tau_syn": 3.0, "two.tau_syn": 9.0})
    weight = {"one": np.array([0.3, 0.3]) * a if a else np.array([0.3, -0.3]), "two": np.array([0.2, 0.4]) * b}
    network = make.Network((cells,), (make.spike_array("S", 2, [5.0, 12.0], [0, 1]),), tuple(
        make.projection(r, "S", "A", [(0, 0), (1, 1)], w, 1.0, r) for r, w in weight.items()),
        tuple(make.Probe("A", v, np.arange(2), 0.1) for v in ("v", "one.isyn", "two.isyn")))
    t = 0.1 * np.arange(401)[:, None] - np.array([6.0, 13.0])
    for target in (IDEAL, CHIP):
        r = oracle.execute(network, target, 40.0)
        verify_mapped(r.mapped)
        if target is IDEAL:
            assert [p.label for p in r.mapped.split.beside] == ([] if place == "circuits" else ["A"])
        exact = target is IDEAL
        v = np.zeros(t.shape)
        for name, tau in (("one", 3.0), ("two", 9.0)):
            wanted = np.where(t > -1e-9, weight[name] * np.exp(-t / tau), 0.0)
            np.testing.assert_allclose(r.signals["A", f"{name}.isyn"], wanted, rtol=0, atol=1e-12 if exact else 0.01)
            v += np.where(t > 0, weight[name] * 20.0 * tau / (20.0 - tau) * (np.exp(-t / 20.0) - np.exp(-t / tau)), 0.0)
        np.testing.assert_allclose(r.signals["A", "v"] + 65.0, v, rtol=0, atol=1e-9 if exact else 0.05)


def test_receptors_of_several_circuits(make, oracle):
    """Four conductances on a chip are two joined circuits; an ideal chip computes the neuron beside it."""
    four = {"fast": "CondExp", "slow": "CondExp", "shunt": "CondExp", "GABA": "CondExp"}
    own = {"fast.tau_syn": 2.0, "slow.tau_syn": 20.0, "shunt.tau_syn": 6.0, "GABA.tau_syn": 9.0, "fast.e_syn": 0.0,
           "slow.e_syn": 10.0, "shunt.e_syn": -62.0, "GABA.e_syn": -85.0, "v_thresh": -45.0}
    cells = make.cells("A", 2, "LIF", four, **own)
    start = {"slow.gsyn": np.array([0.002, 0.0]), "shunt.gsyn": np.array([0.0, 0.01])}
    cells = cells.replace(initial=dict(cells.initial) | start)
    rng = np.random.default_rng(3)
    spikes = make.spike_array("S", 4, rng.uniform(0, 90, 60).round(1), rng.integers(0, 4, 60))
    network = make.Network((cells,), (spikes,),
                           tuple(make.projection(r, "S", "A", [(i, 0), (i, 1)], np.array([0.5, 1.0]) * w, 1.0, r)
                                 for i, (r, w) in enumerate(zip(four, (0.02, 0.003, 0.02, 0.02), strict=True))),
                           tuple(make.Probe("A", v, np.arange(2), 0.1) for v in cells.cell.variables))
    exact, chip = oracle.execute(network, IDEAL, 100.0), oracle.execute(network, CHIP, 100.0)
    assert exact.mapped.split.beside
    assert chip.mapped.expanded.circuits.tolist() == [2, 2]
    verify_mapped(chip.mapped)
    for (_, name), wanted in exact.signals.items():
        scale = np.abs(wanted).max() if name != "v" else np.ptp(wanted)
        assert np.abs(chip.signals["A", name] - wanted).max() < 0.04 * scale, name
    report = chip.mapped.report.to_dict()["populations"]["A"]
    assert (report["model"], report["circuits"]) == ("LIF", 4)
    assert report["parameters"]["slow.tau_syn"]["asked"] == pytest.approx([20.0, 20.0])
    assert report["parameters"]["GABA.e_syn"]["got"][0] == pytest.approx(-85.0, abs=0.1)
    assert "tau_syn_E" not in report["parameters"]


def test_reversal_potentials_on_both_sides_of_threshold(make):
    """Such a receptor is neither excitatory nor inhibitory for all neurons: no circuits for the population."""
    cells = values(make, "LIF", CONDUCTANCES, **{"AMPA.e_syn": np.array([0.0, 0.0, -60.0])})
    network = Network((cells,), (), ())
    assert compile(network, CHIP).split.beside
    assert not compile(network, IDEAL).split.beside  # where the circuits take any two potentials
    crossed = values(make, "LIF", CONDUCTANCES, **{"AMPA.e_syn": np.array([0.0, 0.0, -80.0])})
    assert compile(Network((crossed,), (), ()), IDEAL).split.beside
    with pytest.raises(MappingError, match=r"cell model 'LIF'.*setup\(off_chip='emulate'\)"):
        compile(network, CHIP.replace(off_chip="error"))
