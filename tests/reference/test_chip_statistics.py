"""The spread of a calibrated chip, measured as a user would: through recordings only."""

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import calibrated

import pynn_brainscales as sim

N = 512
CELL = {"cm": 1.0, "tau_m": 20.0, "tau_syn_E": 5.0, "tau_syn_I": 5.0, "tau_refrac": 2.0, "v_rest": -65.0,
        "v_reset": -65.0, "v_thresh": -50.0}
SAMPLING = 4.0 / np.sqrt(2 * N)  # four standard errors of a standard deviation of 512 numbers


def cells(profile, variables, duration, interval=1.0, source=None, **changes):
    """Record 512 neurons; block, LSB per mV."""
    sim.setup(timestep=0.1, chip=profile, seed=11, chip_seed=11)
    population = sim.Population(N, sim.IF_curr_exp(**CELL | changes))
    population.record(variables, sampling_interval=interval)
    if source is not None:
        times, weight = source
        spikes = sim.Population(1, sim.SpikeSourceArray(spike_times=times))
        sim.Projection(spikes, population, sim.AllToAllConnector(), sim.StaticSynapse(weight=weight, delay=1.0))
    sim.run(duration)
    alpha = float(sim.last_mapping().scaled.alpha[0])
    return population.get_data().segments[0], alpha


def test_leak_potential():
    segment, alpha = cells(calibrated, "v", 400.0)
    rest = alpha * segment.filter(name="v")[0].magnitude[100:].mean(axis=0)
    p = calibrated
    # everything on the way: static error, writing, this run, the reading channel (its gain acts on some 80 LSB)
    expected = np.sqrt(p.v_leak**2 + p.capmem_rewrite**2 + p.run_offset**2 + p.cadc_offset**2 + (80 * p.cadc_gain)**2
                       + (p.membrane_noise**2) * 0.2)
    assert rest.std() == pytest.approx(expected, rel=SAMPLING)


def test_leak_potential_alone():
    only = calibrated.replace(run_offset=0.0, capmem_rewrite=0.0, cadc_offset=0.0, cadc_gain=0.0, membrane_noise=0.0)
    segment, alpha = cells(only, "v", 400.0)
    rest = alpha * segment.filter(name="v")[0].magnitude[100:].mean(axis=0)
    assert rest.std() == pytest.approx(calibrated.v_leak, rel=SAMPLING)


def test_threshold():
    """A constant current: the highest membrane before a reset is the threshold, but for the last step's climb."""
    only = calibrated.replace(cadc_offset=0.0, cadc_gain=0.0, readout_noise=0.0, cadc_noise=0.0, threshold_jitter=0.0,
                              membrane_noise=0.0)
    sim_changes = {"i_offset": 1.0}
    segment, alpha = cells(only, "v", 300.0, interval=0.1, **sim_changes)
    top = alpha * segment.filter(name="v")[0].magnitude.max(axis=0)
    climb = alpha * 0.1 * (1.0 - 15.0 / 20.0)  # LSB in a step at threshold: blurs the measurement uniformly
    expected = np.sqrt(only.v_thresh**2 + only.capmem_rewrite**2 + climb**2 / 12)
    assert top.std() == pytest.approx(expected, rel=SAMPLING)


def test_membrane_time_constant():
    """Relaxation from a start value to rest: the area under it is tau."""
    quiet = calibrated.replace(readout_noise=0.0, cadc_noise=0.0, membrane_noise=0.0)
    sim.setup(timestep=0.1, chip=quiet, seed=11, chip_seed=11)
    population = sim.Population(N, sim.IF_curr_exp(**CELL), initial_values={"v": -60.0})
    population.record("v")
    sim.run(300.0)
    v = population.get_data().segments[0].filter(name="v")[0].magnitude
    fall = v - v[-1]
    half = fall[0] * np.exp(-1.0)
    crossing = np.argmax(fall < half, axis=0)
    columns = np.arange(N)
    before, after = fall[crossing - 1, columns], fall[crossing, columns]
    tau = 0.1 * (crossing - 1 + (before - half) / (before - after))
    assert np.log(tau).std() == pytest.approx(calibrated.tau_m, rel=SAMPLING)
    assert np.median(tau) == pytest.approx(20.0, rel=0.01)


def test_psp_height():
    """One event: gain, synapse, driver, and both time constants, by their known influence on the peak."""
    segment, _ = cells(calibrated, "v", 150.0, interval=0.1, source=([50.0], 1.2))
    v = segment.filter(name="v")[0].magnitude
    trace = v - v[200:500].mean(axis=0)
    times = segment.filter(name="v")[0].times.rescale("ms").magnitude
    window = (times > 51.0) & (times < 90.0)
    # fit the ideal shape, so that readout noise averages out; its height is the measured one
    t = times[window] - 51.0
    shape = np.exp(-t / 20.0) - np.exp(-t / 5.0)
    shape /= shape.max()
    height = shape @ trace[window] / (shape @ shape)
    p = calibrated
    tau_m, tau_s = 20.0, 5.0

    def projected(m, s):
        response = m * s / (m - s) * (np.exp(-t / m) - np.exp(-t / s))
        return shape @ response / (shape @ shape)

    step = 1e-4
    by_m = (np.log(projected(tau_m * (1 + step), tau_s)) - np.log(projected(tau_m, tau_s))) / step
    by_s = (np.log(projected(tau_m, tau_s * (1 + step))) - np.log(projected(tau_m, tau_s))) / step
    per_circuit = np.sqrt(p.gain**2 + p.synapse**2 + p.cadc_gain**2 + (by_m * p.tau_m)**2 + (by_s * p.tau_syn)**2)
    # the slow noise of the membrane is what is left
    noise = p.membrane_noise * 1.2 / (sim.last_mapping().scaled.alpha[0] * height.mean())
    # a driver's error is common to the circuits of its row, here one row in each half
    mapped = sim.last_mapping()
    half = mapped.placement.circuit[:, 0] // 256
    within = np.concatenate([np.log(height[half == h]) - np.log(height[half == h]).mean() for h in (0, 1)])
    assert within.std() == pytest.approx(np.hypot(per_circuit, noise), rel=1.5 * SAMPLING)
