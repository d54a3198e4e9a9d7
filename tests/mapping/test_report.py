"""The report agrees with what was mapped; connections can be asked one by one."""

import json

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import calibrated, ideal, quantised
from pynn_brainscales.mapping.compile import compile
from pynn_brainscales.mapping.errors import MappingWarning
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
