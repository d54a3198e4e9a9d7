"""Rules that send spikes into the chip, read membranes and counters, reset neurons, and see further populations."""

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import calibrated

import pynn_brainscales as sim


class Send(sim.PlasticityRule):
    """Sends one spike for each that it has counted, 2 ms apart."""

    batched = True

    def __init__(self, timer, source, **options):
        super().__init__(timer, **options)
        self.source = source

    def update(self, ppu, synapses, neurons, recording):
        counts = neurons[0].get_rate_counters(reset=True)
        recording["counts"] = counts
        for replica, n in enumerate(counts.sum(axis=1).tolist()):
            ppu.send_spikes(self.source, np.full(n, 1), 2.0 * np.arange(n), replica)


def loop(chip="ideal", cuts=(200.0,), replicas=1, runtime_model=None):
    """A kick at 5 ms makes the first cell spike; the rule answers every 50 ms by the second source."""
    sim.setup(timestep=0.1, chip=chip, seed=1, replicas=replicas)
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[[5.0], []]), label="source")
    cells = sim.Population(2, sim.IF_curr_exp(tau_refrac=20.0), label="cells")
    sim.Projection(source, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=8.0, delay=1.0))
    rule = Send(sim.Timer(start=20.0, period=50.0), source, runtime_model=runtime_model)
    sim.attach_rule(rule, cells)
    cells.record("spikes")
    source.record("spikes")
    for t in cuts:
        sim.run(t)
    return source, cells, rule


def trains(population, segment=0):
    return [np.array(t) for t in population.get_data().segments[segment].spiketrains]


@pytest.mark.parametrize("chip", ["ideal", "quantised"])
def test_a_rule_answers_spikes(chip):
    source, cells, rule = loop(chip)
    first, second = trains(cells)
    _, counts = rule.get_observable_array("counts")
    assert counts[:, 0].sum(axis=1).tolist() == [1, 1, 1, 1]
    assert counts[0, 0].tolist() == [1, 0]
    assert counts[1, 0].tolist() == [0, 1]
    assert len(first) == 1
    np.testing.assert_allclose(second - [20.0, 70.0, 120.0, 170.0], second[0] - 20.0, atol=0.21)
    assert 21.0 < second[0] < 24.0
    np.testing.assert_allclose(trains(source)[1], [20.0, 70.0, 120.0, 170.0])
    assert trains(source)[0].tolist() == [5.0]


def test_cuts_reset_and_replicas():
    whole = trains(loop()[1])
    source, cells, _ = loop(cuts=(20.0, 0.1, 1.0, 48.9, 0.1, 99.9, 30.0))
    for a, b in zip(trains(cells), whole, strict=True):
        np.testing.assert_array_equal(a, b)
    sim.reset()
    sim.run(200.0)
    np.testing.assert_array_equal(trains(cells, 1)[1], whole[1])
    np.testing.assert_allclose(trains(source, 1)[1], [20.0, 70.0, 120.0, 170.0])
    _, cells, _ = loop(replicas=3)
    for replica in range(3):
        np.testing.assert_array_equal(trains(cells, replica)[1], whole[1])


def test_spikes_leave_when_the_run_time_is_over():
    source, _, rule = loop("quantised", runtime_model=7.3)
    np.testing.assert_allclose(trains(source)[1], [27.3, 77.3, 127.3, 177.3])
    assert rule.missed == 0


class Look(sim.PlasticityRule):
    """Notes membranes, then resets every second neuron."""

    def update(self, ppu, synapses, neurons, recording):
        cells = neurons[-1]
        codes = cells.get_analog_readouts()
        recording["codes"], recording["v"] = codes, cells.to_mv(codes)
        cells.reset_neurons(np.arange(cells.size) % 2 == 1)
        recording["after"] = cells.get_analog_readouts()
        recording["overflow"] = cells.get_rate_counter_overflows()


@pytest.mark.parametrize("chip", ["ideal", "quantised", calibrated.replace(readout_noise=0.0, cadc_noise=0.0)])
def test_membranes(chip):
    """Codes are 8-bit and within half of one of the potential; a reset neuron stands at its reset potential."""
    sim.setup(timestep=0.1, chip=chip, seed=1, chip_seed=1)
    cells = sim.Population(4, sim.IF_curr_exp(v_reset=-70.0, v_rest=-65.0, v_thresh=-50.0, tau_m=20.0,
                                              i_offset=[0.1, 0.1, 0.3, 0.3]), label="cells")
    rule = Look(sim.Timer(start=30.0, period=1000.0), runtime_model=None)
    sim.attach_rule(rule, cells)
    cells.record("v", sampling_interval=0.1)
    sim.run(30.0)
    before = cells.get_data().segments[0].analogsignals[0].magnitude[-1]
    sim.run(10.0)
    after = cells.get_data().segments[0].analogsignals[0].magnitude
    codes, v, reset = (rule.get_observable_array(k)[1][0] for k in ("codes", "v", "after"))
    assert codes.dtype == np.int16
    code = np.diff(rule_scale(rule, cells))[0]
    np.testing.assert_allclose(v, before, atol=0.51 * code + 1e-9)
    assert np.ptp(v) > 3.0
    np.testing.assert_array_equal(reset[::2], codes[::2])
    assert np.all(after[301, 1::2] < before[1::2] - 2.0)
    assert np.all(np.abs(after[301, ::2] - before[::2]) < 0.2)
    assert not rule.get_observable_array("overflow")[1].any()


def rule_scale(rule, cells):
    from pynn_brainscales.mapping.readback import membrane_converter
    converter = membrane_converter(sim.simulator.state.mapped, "cells")
    return converter.mv_per_code * np.arange(2) + converter.mv_at_0


def test_membranes_have_the_noise_of_the_converter():
    sim.setup(timestep=0.1, chip=calibrated.replace(readout_noise=0.0, cadc_noise=2.0), seed=1)
    cells = sim.Population(400, sim.IF_curr_exp())
    rule = Look(sim.Timer(start=5.0, period=10.0), runtime_model=None)
    sim.attach_rule(rule, cells)
    sim.run(20.0)
    codes = rule.get_observable_array("codes")[1].astype(float)
    assert np.std(codes[1] - codes[0]) == pytest.approx(2.0 * np.sqrt(2), rel=0.2)


def test_membranes_and_sensors_share_the_converter():
    """Reading both takes a switch: the run time grows by it."""
    class Both(sim.PlasticityRule):
        def update(self, ppu, synapses, neurons, recording):
            neurons[0].get_analog_readouts()
            synapses[0].get_causal_correlation()
            recording["cost"] = [synapses[0]._meter.count(op) for op in Operation if "switch" in op.value]

    from pynn_brainscales.emulator.plasticity.cost import Operation
    sim.setup(chip="quantised")
    cells = sim.Population(2, sim.IF_curr_exp())
    source = sim.Population(2, sim.SpikeSourceArray())
    rule = Both(sim.Timer(start=5.0, period=100.0))
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.PlasticSynapse(rule, weight=0.1))
    sim.run(10.0)
    assert rule.get_observable_array("cost")[1].tolist() == [[1]]


def test_bad_calls():
    sim.setup(chip="ideal")
    cells, source = sim.Population(2, sim.IF_curr_exp()), sim.Population(3, sim.SpikeSourceArray())
    poisson = sim.Population(1, sim.SpikeSourcePoisson())
    rule = Look(sim.Timer(start=5.0, period=10.0))
    with pytest.raises(TypeError, match="must be a PlasticityRule"):
        sim.attach_rule(cells, cells)
    with pytest.raises(ValueError, match="name at least one population"):
        sim.attach_rule(rule)
    with pytest.raises(TypeError, match="not a view or an assembly"):
        sim.attach_rule(rule, cells[:1])
    with pytest.raises(TypeError, match="only neurons have counters"):
        sim.attach_rule(rule, poisson)
    sim.attach_rule(rule, cells)
    sim.run(1.0)
    sim.attach_rule(Look(sim.Timer(start=5.0, period=10.0)), cells)
    with pytest.raises(RuntimeError, match="in the middle of an experiment"):
        sim.run(1.0)

    class Wrong(sim.PlasticityRule):
        def update(self, ppu, synapses, neurons, recording):
            for call, sentence in (
                    ((poisson, [0]), "must be a SpikeSourceArray"), ((source, [3]), "index runs from 3 to"),
                    ((source, [0.5]), "index must be whole"), ((source, [0], -1.0), "delay must be >= 0"),
                    ((source, [0], 0.0, [1]), "replica runs from 1 to 1")):
                with pytest.raises(ValueError, match=sentence):
                    ppu.send_spikes(*call)
            recording["done"] = 1

    sim.setup(chip="ideal")
    cells, source = sim.Population(2, sim.IF_curr_exp()), sim.Population(3, sim.SpikeSourceArray())
    poisson = sim.Population(1, sim.SpikeSourcePoisson())
    rule = Wrong(sim.Timer(start=5.0, period=10.0))
    sim.attach_rule(rule, cells)
    sim.run(10.0)
    assert rule.get_observable_array("done")[1].tolist() == [1]
    elsewhere = sim.Population(2, sim.IF_curr_exp())
    sim.setup(chip="ideal")
    with pytest.raises(ValueError, match="does not belong to the present network"):
        sim.attach_rule(rule, elsewhere)


def test_own_and_sent_spikes_of_one_cell_are_in_order():
    """A source with spike times of its own, between which a rule sends further ones."""
    class Twice(sim.PlasticityRule):
        def update(self, ppu, synapses, neurons, recording):
            ppu.send_spikes(source, [0, 0], [12.0, 2.0])

    sim.setup(chip="ideal")
    cells = sim.Population(1, sim.IF_curr_exp())
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0, 20.0, 25.0]))
    sim.attach_rule(Twice(sim.Timer(start=10.0, period=100.0)), cells)
    source.record("spikes")
    sim.run(50.0)
    assert trains(source)[0].tolist() == [5.0, 12.0, 20.0, 22.0, 25.0]
