"""Current sources: their values, and what the report says of them."""

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import ideal, quantised
from pynn_brainscales.emulator.run import run
from pynn_brainscales.mapping.compile import compile
from pynn_brainscales.mapping.currents import constant, drawn, values
from pynn_brainscales.mapping.document import from_dict, to_dict
from pynn_brainscales.mapping.errors import MappingError
from pynn_brainscales.mapping.network import Current, Probe
from pynn_brainscales.mapping.readback import signals
from pynn_brainscales.mapping.stimuli import described_currents, initial_state, stimulus
from pynn_brainscales.mapping.target import Target

STEP = np.arange(0, 100)
DT = 0.1
FOREVER = {"start": 0.0, "stop": 1e12}


def no_noise(number):
    raise AssertionError("only a noisy source draws")


def test_direct_and_alternating():
    p = {"amplitude": 0.5, "start": 1.04, "stop": 5.0}
    wanted = np.where((STEP >= 10) & (STEP < 50), 0.5, 0.0)
    np.testing.assert_array_equal(values("DCSource", p, STEP, DT, no_noise), wanted)
    p = {"amplitude": 0.5, "offset": 0.2, "frequency": 250.0, "phase": 90.0, "start": 1.0, "stop": 5.0}
    t = (STEP - 10) * DT
    wave = 0.2 + 0.5 * np.cos(2 * np.pi * 0.25 * t)
    np.testing.assert_allclose(values("ACSource", p, STEP, DT, no_noise), np.where(wanted > 0, wave, 0.0), atol=1e-15)


def test_steps_hold_their_last_value():
    p = {"times": np.array([1.0, 3.0]), "amplitudes": np.array([0.5, -0.2])}
    wanted = np.select([STEP < 10, STEP < 30], [0.0, 0.5], -0.2)
    np.testing.assert_array_equal(values("StepCurrentSource", p, STEP, DT, no_noise), wanted)
    empty = {"times": np.zeros(0), "amplitudes": np.zeros(0)}
    assert not values("StepCurrentSource", empty, STEP, DT, no_noise).any()


def test_noise_is_the_same_however_it_is_asked_for():
    p = {"mean": 0.1, "stdev": 0.2, "dt": 0.3} | FOREVER
    long = np.arange(0, 9000)
    normals = drawn(seed=4, trial=1, number=2)
    whole = values("NoisyCurrentSource", p, long, DT, normals)
    parts = [values("NoisyCurrentSource", p, part, DT, normals) for part in np.split(long, [7, 3100, 3101])]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    held = whole.reshape(-1, 3)
    assert np.all(held == held[:, :1])
    z = (held[:, 0] - 0.1) / 0.2
    assert abs(z.mean()) < 4 / np.sqrt(len(z))
    assert abs(z.std() - 1) < 4 / np.sqrt(2 * len(z))
    for other in (drawn(5, 1, 2), drawn(4, 0, 2), drawn(4, 1, 3)):
        assert not np.array_equal(values("NoisyCurrentSource", p, long, DT, other), whole)


@pytest.mark.parametrize(("model", "p", "wanted"), [
    ("DCSource", {"amplitude": 0.5} | FOREVER, 0.5), ("DCSource", {"amplitude": 0.5, "start": 1.0, "stop": 1e12}, None),
    ("DCSource", {"amplitude": 0.5, "start": 0.0, "stop": 50.0}, None),
    ("ACSource", {"amplitude": 0.0, "offset": 0.3, "frequency": 1.0, "phase": 0.0} | FOREVER, 0.3),
    ("ACSource", {"amplitude": 0.1, "offset": 0.3, "frequency": 1.0, "phase": 0.0} | FOREVER, None),
    ("StepCurrentSource", {"times": np.array([0.0, 2.0]), "amplitudes": np.array([0.2, 0.2])}, 0.2),
    ("StepCurrentSource", {"times": np.array([0.0, 2.0]), "amplitudes": np.array([0.2, 0.3])}, None),
    ("StepCurrentSource", {"times": np.array([1.0]), "amplitudes": np.array([0.2])}, None),
    ("StepCurrentSource", {"times": np.zeros(0), "amplitudes": np.zeros(0)}, 0.0),
    ("NoisyCurrentSource", {"mean": 0.1, "stdev": 0.1, "dt": 0.1} | FOREVER, None)])
def test_constant(model, p, wanted):
    assert constant(model, p, DT) == wanted


def with_currents(make):
    population = make.population("A", 3, tau_refrac=0.1, v_thresh=1e3)
    beside = make.population("B", 2, "IF_cond_alpha", v_thresh=1e3)
    index = np.array([0, 2])
    currents = (Current("DCSource", {"amplitude": 0.5} | FOREVER, "A", index, 0),
                Current("StepCurrentSource", {"times": np.array([2.0]), "amplitudes": np.array([0.4])}, "A", index, 1),
                Current("NoisyCurrentSource", {"mean": 0.1, "stdev": 0.1, "dt": 0.2} | FOREVER, "B", np.array([1]), 2))
    probes = (Probe("A", "v", np.arange(3), 0.1), Probe("B", "v", np.arange(2), 0.1))
    return make.Network((population, beside), (), (), probes).replace(currents=currents)


def test_described_currents_charge_the_membrane(make):
    network = with_currents(make)
    network = from_dict(to_dict(network))  # they are part of a document
    mapped = compile(network, Target(profile=ideal))
    circuits, cells = described_currents(mapped, 0, 100)
    given = stimulus(mapped).replace(currents=circuits, currents_beside=cells)
    recording, _ = run(mapped.config, given, 10.0, initial_state(mapped))
    a, b = (s.values for s in signals(mapped, recording))
    p = network.populations[0].parameters
    r, tau = p["tau_m"][0] / p["cm"][0], p["tau_m"][0]
    wanted = -65.0 + r * 0.5 * (1 - np.exp(-10.0 / tau)) + r * 0.4 * (1 - np.exp(-8.0 / tau))
    np.testing.assert_allclose(a[-1], [wanted, -65.0, wanted], rtol=1e-9)
    assert np.all(b[:, 0] == -65.0)
    noise = values("NoisyCurrentSource", network.currents[2].parameters, np.arange(100), DT, drawn(0, 0, 2))
    v = -65.0
    r, tau = (network.populations[1].parameters[k][0] for k in ("cm", "tau_m"))
    for current in noise:
        v += (-65.0 + tau / r * current - v) * -np.expm1(-DT / tau)
    assert b[-1, 1] == pytest.approx(v, rel=1e-9)


def test_report_says_what_a_chip_could_follow(make):
    network = with_currents(make)
    notes = compile(network, Target(profile=quantised)).report.to_dict()["currents"]
    assert len(notes) == 2  # what is beside the chip gets its current anyway
    assert "0.5 nA as an offset current, which a chip has in steps of" in notes[0]
    assert notes[1].startswith("StepCurrentSource into 2 cells of 'A': it changes in a run")
    strong = network.currents[0].replace(parameters={"amplitude": 1e3} | FOREVER)
    notes = compile(network.replace(currents=(strong,)), Target(profile=quantised)).report.to_dict()["currents"]
    assert "1000 nA as an offset current; a chip has" in notes[0]
    assert compile(network, Target(profile=ideal)).report.to_dict()["currents"] == []


@pytest.mark.parametrize(("change", "sentence"), [
    ({"model": "PulseSource"}, "current source 'PulseSource'; available: DCSource"),
    ({"parameters": {"amplitude": 1.0}}, r"parameters \['amplitude'\]; available: amplitude, start, stop"),
    ({"population": "C"}, "unknown population 'C'"), ({"index": np.array([3])}, r"index from 3 to 3; available: 0..2"),
    ({"parameters": {"amplitude": np.nan} | FOREVER}, "amplitude that is not finite"),
    ({"model": "StepCurrentSource", "parameters": {"times": np.array([2.0, 1.0]), "amplitudes": np.ones(2)}},
     "two lists of one length, times ascending")])
def test_bad_currents(make, change, sentence):
    network = with_currents(make)
    with pytest.raises(MappingError, match=sentence):
        compile(network.replace(currents=(network.currents[0].replace(**change),)), Target(profile=ideal))
