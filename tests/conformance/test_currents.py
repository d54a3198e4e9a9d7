"""When injected currents act, on every profile."""

import numpy as np
import pytest

import pynn_brainscales as sim

SOURCES = {
    "DCSource": {"amplitude": 0.3}, "ACSource": {"amplitude": 0.3, "offset": 0.3, "frequency": 100.0, "phase": 80.0},
    "NoisyCurrentSource": {"mean": 0.5, "stdev": 0.01}}


@pytest.mark.filterwarnings("ignore:.*changes during the run")
@pytest.mark.parametrize("name", [*SOURCES, "StepCurrentSource"])
def test_onset_and_end(chip, name):
    cells = sim.Population(3, sim.IF_curr_exp(tau_m=10.0), label="cells")
    if name == "StepCurrentSource":
        source = sim.StepCurrentSource(times=[4.0, 9.0], amplitudes=[0.3, 0.0])
    else:
        source = getattr(sim, name)(start=4.0, stop=9.0, **SOURCES[name])
    source.inject_into(cells[:2])
    source.record()
    cells.record("v")
    sim.run(12.0)
    i = source.get_data().magnitude.ravel()
    assert len(i) == 121
    assert (i[39], i[90]) == (0.0, 0.0)
    assert i[40] != 0.0 != i[89]
    v = cells.get_data().segments[0].analogsignals[0].magnitude
    if chip != "calibrated":  # no noise
        difference = v[:, 0] - v[:, 2]
        assert np.all(difference[:41] == 0.0)
        assert difference[41] > 0.0
        assert np.array_equal(v[:, 0], v[:, 1])
    assert (v[60:90, :2] - v[60:90, 2:]).mean() > 0.3


@pytest.mark.filterwarnings("ignore:.*changes during the run")
def test_a_change_acts_from_now(chip):
    cells = sim.Population(1, sim.IF_curr_exp(tau_m=5.0))
    source = sim.DCSource(amplitude=0.2)
    cells.inject(source)
    source.record()
    sim.run(5.0)
    source.amplitude = -0.2
    sim.run(5.0)
    i = source.get_data().magnitude.ravel()
    assert set(i[:50]) == {0.2}
    assert set(i[50:]) == {-0.2}
    sim.reset()
    sim.run(1.0)
    assert set(source.get_data().magnitude.ravel()) == {-0.2}


def test_a_current_is_an_offset(chip):
    """A constant source does what i_offset does."""
    cells = sim.Population(2, sim.IF_curr_exp(tau_m=10.0, i_offset=[0.5, 0.0]))
    cells[1:].inject(sim.DCSource(amplitude=0.5))
    cells.record("v")
    sim.run(60.0)
    v = cells.get_data().segments[0].analogsignals[0].magnitude
    tolerance = {"ideal": 1e-9, "quantised": 0.15, "calibrated": 3.0}[chip]
    assert v[100:].mean(axis=0) == pytest.approx(v[100:, 0].mean(), abs=tolerance)
