"""The report agrees with what was mapped; connections can be asked one by one."""

import json
import warnings

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import calibrated, ideal, quantised
from pynn_brainscales.mapping.compile import compile
from pynn_brainscales.mapping.errors import MappingError, MappingWarning
from pynn_brainscales.mapping.floorplan import circuit_map, floorplan_text, weight_map
from pynn_brainscales.mapping.mapped import Loss
from pynn_brainscales.mapping.network import Probe
from pynn_brainscales.mapping.report import make_report
from pynn_brainscales.mapping.target import Target


@pytest.fixture
def mapped(make):
    network = make.recurrent(100, 0.2, model="IF_cond_exp", weight=0.002)
    probes = (Probe("E", "v", np.arange(80), 0.1), Probe("E", "gsyn_exc", np.arange(2), 1.0))
    return compile(network.replace(probes=probes), Target(profile=calibrated))


def test_numbers_add_up(mapped):
    report = mapped.report.to_dict()
    json.dumps(report)
    assert report["neurons"] == 100
    assert sum(p["synapses"] for p in report["projections"].values()) == report["synapses"] == mapped.network.synapses
    used = report["usage"][0]
    assert used["circuits"] == 100
    assert used["array_0"]["synapses"] + used["array_1"]["synapses"] == len(mapped.routing.cell_synapse)
    population = report["populations"]["E"]
    assert population["alpha_lsb_per_mv"] == pytest.approx(mapped.scaled.alpha[0])
    assert population["threshold_spread_mv"] == pytest.approx(2.0 / mapped.scaled.alpha[0])
    assert population["parameters"]["tau_m"]["asked"] == [20.0, 20.0]
    assert population["parameters"]["v_rest"]["asked"] == pytest.approx([-65.0, -65.0])
    assert abs(population["parameters"]["v_rest"]["got"][0] + 65.0) < 0.5 / 2.4 / mapped.scaled.alpha[0] + 1e-9


def test_recording_limits_are_told(mapped):
    notes = "\n".join(mapped.report.to_dict()["recording"])
    assert "v of 80 cells of 'E' every 0.1 ms: the chip samples all cells every 0.54 ms" in notes
    assert "several variables of 2 cells at once" in notes


def test_connections(mapped, make):
    c = mapped.connections("EE")
    asked = mapped.network.projections[0]
    assert np.array_equal(c["weight_requested"], asked.weight)
    np.testing.assert_allclose(c["weight"], asked.weight, rtol=0.02)
    assert np.all(c["delay"] == pytest.approx(0.2))
    with pytest.raises(KeyError, match="there is no projection 'X'; there are"):
        mapped.connections("X")
    with pytest.warns(MappingWarning):
        lossy = compile(make.recurrent(512, 0.5, sources=0), Target(profile=quantised, on_loss="warn"))
    lost = lossy.connections("EE")
    assert np.array_equal(np.isnan(lost["weight"]), lost["lost"] != Loss.NONE)
    assert lossy.report.to_dict()["lost"]["rows"] == np.count_nonzero(lossy.rounded.lost == Loss.ROWS)
    assert "no free row" in str(lossy.report)


def test_negative_weights_stay_negative(make):
    mapped = compile(make.recurrent(40, 0.2), Target(profile=quantised))
    assert np.all(mapped.connections("IE")["weight"] < 0)


def test_too_many_events_for_the_link(make):
    network = make.Network((make.population("A", 10),), (make.poisson("S", 200, rate=5000.0),), (
        make.projection("p", "S", "A", np.ones((200, 10), bool), 0.01, 1.0),))
    with pytest.warns(MappingWarning, match=r"send .* events/us of hardware time, and the link sustains about 47"):
        report = compile(network, Target(profile=quantised)).report
    assert report.to_dict()["events"]["too_fast"]
    assert "a real chip would lose events" in " ".join(str(report).split())


def test_dry_run(make):
    network = make.recurrent(40, 0.2)
    report = compile(network, Target(profile=ideal)).report
    assert report.to_dict()["dry_run"] == "on calibrated: 1 chip, nothing lost"
    assert "on calibrated: 1 chip, nothing lost" in str(report)
    assert "not made" in make_report(compile(network, Target(profile=ideal)), dry_run=False).to_dict()["dry_run"]
    impossible = make.Network((make.population("A", 2, v_thresh=np.array([-50.0, 950.0])),), (), ())
    assert "from -50 to 950 mV" in compile(impossible, Target(profile=ideal)).report.to_dict()["dry_run"]


def test_floorplan(mapped, make):
    weights, circuits = weight_map(mapped), circuit_map(mapped)
    assert np.count_nonzero(~np.isnan(weights)) == len(mapped.routing.cell_synapse)
    assert np.nanmin(weights) < 0 < np.nanmax(weights)
    assert np.count_nonzero(circuits == 0) == 80
    text = floorplan_text(mapped)
    assert "A E" in text
    assert max(map(len, text.splitlines())) <= 100
    figure = mapped.floorplan()
    assert len(figure.axes) == 2  # one chip and its colour bar
    free = compile(make.recurrent(40, 0.2), Target(profile=ideal))
    assert "no limits" in floorplan_text(free)
    assert len(free.floorplan().axes) == 1


# --- cells and synapses that are not the chip's own ------------------------------------------------------------


@pytest.fixture
def mixed(make):
    """One projection of every kind onto circuits and onto cells beside the chip; with learning ones, or without."""
    def build(learning):
        rule = ("SpikePairRule", "AdditiveWeightDependence")
        models = {"static": ("StaticSynapse", ()), "tm": ("TsodyksMarkramSynapse", ()),
                  "chance": ("SimpleStochasticSynapse", ()), "tm1": ("StochasticTsodyksMarkramSynapse", ()),
                  "sites": ("MultiQuantalSynapse", ())} | ({"learns": ("STDPMechanism", rule)} if learning else {})
        pairs = [(1, 0), (0, 1), (2, 2), (1, 0)]
        projections = [make.projection(f"{label} from {pre} to {post}", pre, post, pairs, np.arange(1.0, 5.0) / 20,
                                       np.array([0.2, 1.0, 3.0, 0.2]), "excitatory", model, rule)
                       for label, (model, rule) in models.items() for pre in "CBS" for post in "CB"]
        return make.Network((make.cells("C", 3), make.cells("B", 3, "IF_curr_alpha")), (make.poisson("S", 3),),
                            tuple(projections), observed=tuple(
                                make.SynapseProbe(p.label, 1.0) for p in projections if p.rule))

    return build


def quiet(network, profile, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MappingWarning)
        return compile(network, Target(profile=profile, **options))


@pytest.mark.parametrize("profile", [ideal, quantised], ids=lambda p: p.name)
def test_connections_of_every_kind(mixed, profile):
    """Requested values as they were given, realised ones in the same units and order; delays as the way allows."""
    network = mixed(profile is ideal)
    mapped = quiet(network, profile)
    assert len(network.projections) == (36 if profile is ideal else 30)
    for p in network.projections:
        c = mapped.connections(p.label)
        assert np.array_equal(c["weight_requested"], p.weight)
        assert np.array_equal(c["delay_requested"], p.delay)
        assert not np.any(c["lost"])
        kind, pre, post = p.label.split()[0], p.pre, p.post
        exact = profile is ideal or post == "B"
        np.testing.assert_allclose(c["weight"], p.weight, rtol=0 if exact else 0.06, err_msg=p.label)
        if profile is ideal or (post, pre) in (("B", "B"), ("B", "S")):
            wanted = p.delay
        elif post == "B":
            wanted = np.maximum(p.delay, 0.9)
        elif pre == "C" and kind in ("static", "tm"):
            wanted = [0.2, 1.0, 3.0, 0.2]  # on the chip or around it
        elif pre == "S":
            wanted = p.delay  # from a source outside
        else:
            wanted = np.maximum(p.delay, 0.904)  # through the host, in steps of the time stamp
        np.testing.assert_allclose(c["delay"], wanted, atol=0.0041, err_msg=p.label)
        assert np.all(c["rows"] == (0 if post == "B" or kind == "learns" else 1))


@pytest.mark.parametrize("profile", [ideal, quantised], ids=lambda p: p.name)
def test_what_is_beside_the_chip(mixed, profile):
    network = mixed(profile is ideal)
    report = quiet(network, profile).report.to_dict()
    json.dumps(report)
    b = report["beside"]
    assert b["populations"] == {"B": {"model": "IF_curr_alpha", "size": 3}}
    onto_b = [p.label for p in network.projections if p.post == "B" and not p.rule]
    assert list(b["projections"]) == onto_b
    onto_c = [p.label for p in network.projections if p.post == "C" and not p.rule]
    assert list(report["projections"]) == onto_c
    assert report["synapses"] == 4 * len(onto_c)
    assert list(b["learning"]) == [p.label for p in network.projections if p.rule]
    chance = {p.label for p in network.projections if p.label.split()[0] in ("chance", "tm1", "sites")}
    depressing = {p.label for p in network.projections if p.label.startswith("tm ") and (
        profile is ideal or p.post == "B")}
    relays = {label.removesuffix(" (relays of synapses)"): r["relays"] for label, r in b["relays"].items()}
    # two of the four synapses are of one source; deterministic ones share its relay
    assert relays == dict.fromkeys(chance, 4) | dict.fromkeys(depressing, 3)
    for label, p in report["projections"].items():
        assert ("short_term" in p) == (label.startswith("tm ") and profile is quantised)
    if profile is quantised:
        fit = report["projections"]["tm from C to C"]["short_term"]
        assert (fit["depressing"], fit["facilitating"]) == (1, 0)
        assert 0 < fit["error"] < 0.1
        assert fit["use"] == pytest.approx([0.4, 0.4], abs=1 / 15)
    else:
        assert report["dry_run"].endswith("nothing lost; STDPMechanism by correlation sensors, not exact")


def test_the_words_of_the_user(make):
    """Names of receptors, variables and models as they were given, not those of the circuits that they became."""
    cells = make.cells("A", 3, "AdExp", {"one": "CondExp", "two": "CondExp", "three": "CondExp"},
                       **{"two.e_syn": -5.0, "three.e_syn": -90.0, "three.tau_syn": 12.0, "two.tau_syn": 7.0})
    network = make.Network((cells, make.cells("D", 1, "IF_curr_delta")), (), (),
                           (Probe("A", "two.gsyn", np.arange(3), 0.1), Probe("A", "v", np.array([1]), 1.0)))
    for p in (quantised, calibrated):
        report = quiet(network, p).report
        text, values = str(report), report.to_dict()["populations"]["A"]
        assert "A: 3 AdExp on 6 circuits" in text
        assert "D: 1 IF_curr_delta (as IF_curr_exp) on 1 circuit" in text
        assert "two.gsyn of 3 cells of 'A' every 0.1 ms" in " ".join(text.split())
        assert "several variables of 1 cells at once" in text
        assert "@" not in text
        names = [f"{r}.{k}" for r in ("one", "two", "three") for k in ("tau_syn", "e_syn")]
        assert set(names) <= set(values["parameters"])
        assert not {"tau_syn_E", "tau_syn_I", "e_rev_E", "e_rev_I"} & set(values["parameters"])
        for name in names:
            asked = cells.parameters[name]
            assert values["parameters"][name]["asked"] == pytest.approx([asked.min(), asked.max()])
            assert values["parameters"][name]["got"] == pytest.approx([asked.min(), asked.max()], rel=0.02, abs=0.1)
        assert max(map(len, text.splitlines())) <= 125


def test_all_cells_and_synapses_are_counted(mixed):
    for profile, learning in ((ideal, "; 24 learning synapses"), (quantised, "")):
        report = quiet(mixed(profile is ideal), profile).report
        text = " ".join(str(report).split())
        assert f"3 neurons, 60 synapses, none lost; 3 cells and 60 synapses beside the chip{learning} " in text
        assert max(map(len, str(report).splitlines()[:4])) <= 100


def test_what_was_asked_of_the_drivers(mixed):
    report = quiet(mixed(False), quantised).report
    asked = report.to_dict()["projections"]["tm from C to C"]["short_term"]["asked"]
    assert list(asked) == ["U", "tau_rec", "tau_facil"]
    assert "  asked      U 0.4, tau_rec " in str(report)


def test_short_representations(mapped):
    for value in (mapped, mapped.report):
        assert "100 neurons" in repr(value)
        assert "chips: 1" in repr(value)
        assert len(repr(value)) < 120
        assert "\n" not in repr(value)


def test_thresholds_have_the_name_of_the_user(make):
    adaptive = make.population("X", 2, "EIF_cond_exp_isfa_ista", v_spike=np.array([-40.0, -38.77]))
    network = make.Network((make.population("A", 2, v_thresh=np.array([-50.0, -49.77])), adaptive), (), ())
    lines = [line.split()[0] for line in str(quiet(network, calibrated).report).splitlines() if line.split()]
    assert "threshold" not in lines
    assert lines.index("v_thresh") < lines.index("X:") < lines.index("v_spike")


def test_rows_of_strong_synapses(make):
    network = make.Network((make.population("A", 1, "IF_cond_exp"),), (make.poisson("S", 1),), (
        make.projection("p", "S", "A", [(0, 0)], 1.0, 1.0),))
    report = quiet(network, quantised).report
    rows = report.to_dict()["projections"]["p"]["weight"]["rows_per_synapse"]
    assert rows[0] == rows[1] > 1
    assert f", {rows[0]} rows each" in str(report)


@pytest.mark.parametrize(("receptors", "values", "weights", "reason"), [
    ({"a": "CondExp", "b": "CondAlpha"}, {}, [], r"synapses are exponential: receptor 'b' has alpha responses"),
    ({"a": "CondBeta"}, {}, [], r"receptor 'a' has beta responses"),
    ({"a": "Delta"}, {}, [], r"receptor 'a' has delta responses"),
    ({"a": "CurrExp"}, {}, [0.1, -0.1], r"'a' has weights of both signs"),
    ({"a": "CondExp"}, {"a.e_syn": np.array([0.0, -80.0])}, [], r"above threshold in some cells and below it in other"),
])
def test_why_cells_are_beside_the_chip(make, receptors, values, weights, reason):
    projections = (make.projection("p", "S", "A", [(0, 0), (0, 1)], weights, 1.0, "a"),) if weights else ()
    network = make.Network((make.cells("A", 2, "LIF", receptors, **values),), (make.poisson("S", 1),), projections)
    with pytest.warns(MappingWarning, match=f"population 'A': LIF is computed beside the chip, .*{reason}"):
        compile(network, Target(profile=quantised))


def test_models_without_circuits_are_named(make):
    network = make.Network((make.cells("A", 2, "HH_cond_exp"), make.cells("B", 2, "IF_curr_alpha")), (), ())
    with pytest.warns(MappingWarning) as caught:
        compile(network, Target(profile=quantised))
    assert [str(w.message).split(", ", 1)[1] for w in caught] == [
        "which has no circuits for it", "whose synapses are exponential: receptor 'excitatory' has alpha responses"]


def test_stochastic_synapses_that_run_out_of_labels(make):
    network = make.Network((make.population("A", 200),), (make.poisson("S", 100),), (make.projection(
        "p", "S", "A", np.ones((100, 200), bool), 0.01, 1.0, model="SimpleStochasticSynapse"),))
    with pytest.raises(MappingError, match=r"'p': 3616 of 20000 .no free label.*each stochastic synapse takes a label "
                       "of its own, of which a chip has 16384") as caught:
        compile(network, Target(profile=quantised))
    assert "circuits_per_neuron=2" not in str(caught.value)
    assert not np.any(quiet(network, quantised, circuits_per_neuron=4).rounded.lost)
