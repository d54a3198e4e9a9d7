"""The spiking temporal memory on chips: what it learns, and what it says to wrong use."""

from itertools import pairwise

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import calibrated, quantised

import pynn_brainscales as sim
from pynn_brainscales.htm import SpikingTemporalMemory
from pynn_brainscales.htm.metrics import solved_at
from pynn_brainscales.htm.sequence_network import SequenceParameters
from pynn_brainscales.htm.sequences import SETS, elements, errors, numbered

SET = numbered(SETS["I"])
SMALL = [[0, 1, 2], [3, 1, 0]]


def learnt(episodes=5, sequences=SMALL, columns=4, cells=8, **options):
    memory = SpikingTemporalMemory(columns, cells, **{"chip": "ideal"} | options)
    part = elements(sequences, memory.silence)
    predicted = memory.predictedColumns(memory.present(part * episodes).predicted[:, 0])
    course = [errors(p, sequences, memory.silence)[0] for p in predicted.reshape(episodes, len(part), columns)]
    return memory, course


@pytest.mark.parametrize("chip", ["ideal", "quantised", "calibrated"])
def test_high_order_sequences(chip):
    memory, course = learnt(6, SET, 6, 12, chip=chip, seed=2, chip_seed=2)
    assert solved_at(course) <= 5
    for letter, anomaly, fired in zip(SET[0], (1.0, 0.0, 0.0, 0.0), (12, 4, 4, 4), strict=True):
        memory.compute([letter], learn=False)
        assert memory.anomaly == pytest.approx(anomaly, abs=0.2)
        assert memory.getActiveCells().getSum() == fired
        assert np.array_equal(memory.cellsToColumns(memory.getActiveCells()).sparse, [letter])
    memory.reset()
    memory.compute([SET[0][0]], learn=False)
    predicted = np.flatnonzero(memory.getPredictedColumns())
    assert predicted.tolist() == [SET[0][1]]
    assert memory.cellsToColumns(memory.getPredictiveCells()).sparse.tolist() == [SET[0][1]]
    assert memory.getWinnerCells().getSum() == 4
    permanences, cells = memory.getPermanences(), np.arange(12)
    assert 0.5 <= permanences.max() <= 1.0
    assert not permanences[np.ix_(cells, cells)].any()
    assert memory.present([]).active.shape == (0, 1, 6)


def test_a_wrong_letter_is_a_surprise():
    memory, _ = learnt(winners=3)
    for k in (0, 1):
        memory.compute([k], learn=False)
    memory.compute([3], learn=False)
    assert memory.anomaly == 1.0


@pytest.mark.slow
def test_fourteen_columns_of_sixteen_cells_fit_on_one_chip():
    memory = SpikingTemporalMemory(14, 16, chip="calibrated")
    usage = memory.report().to_dict()
    assert usage["chips"] == 1
    assert sum(usage["lost"].values()) == 0
    assert usage["usage"][0]["circuits"] == 462
    assert all(usage["usage"][0][f"array_{k}"]["rows"] <= 252 for k in (0, 1))


def test_stdsp_learns_too():
    memory, course = learnt(18, columns=4, cells=10, rule="stdsp", seed=1)
    assert solved_at(course) is not None
    assert memory.rule.winning.sum() == 0


def test_accumulated_rule_on_a_chip_with_sensors():
    """Once in an epoch; all weights change at its end only."""
    chip = quantised.replace(sensor_noise=calibrated.sensor_noise, sensor_baseline=calibrated.sensor_baseline)
    memory = SpikingTemporalMemory(4, 8, chip=chip, rule="accumulated",
                                   ruleParameters={"presentations": 3, "probability": 1.0, "homeostasis": 12.0})
    part = elements(SMALL, memory.silence)
    memory.rule.epoch = 3 * len(part)
    mature = []
    for _ in range(5):
        memory.present(part * 3)
        with memory.current():
            mature.append(memory.network.distal.get("weight", "array", multiple_synapses="sum"))
    codes = [np.nan_to_num(m) > 0 for m in mature]
    assert not codes[0].any()
    assert codes[-1].any()
    lag_one = np.zeros((32, 32), bool)
    for s in SMALL:
        for a, b in pairwise(s):
            lag_one[8 * a:8 * a + 8, 8 * b:8 * b + 8] = True
    assert np.mean(codes[-1][lag_one]) > 0.8
    assert np.mean(codes[-1][~lag_one]) < 0.05


def test_replicas_learn_other_sequences_and_are_what_each_is_alone():
    others = [[2, 1, 3], [0, 1, 2]]
    memory = SpikingTemporalMemory(4, 8, chip="calibrated", replicas=2, seed=3)
    parts = [elements(s, memory.silence) * 3 for s in (SMALL, others)]
    together = memory.present(parts)
    alone = SpikingTemporalMemory(4, 8, chip="calibrated", seed=3).present(parts[0])
    np.testing.assert_array_equal(together.active[:, 0], alone.active[:, 0])
    np.testing.assert_array_equal(together.predicted[:, 0], alone.predicted[:, 0])
    assert not np.array_equal(together.active[:, 0], together.active[:, 1])


def test_one_element_at_a_time_is_the_same_as_all_at_once():
    part = elements(SMALL, 3) * 3
    whole = SpikingTemporalMemory(4, 8, chip="calibrated", seed=4).present(part)
    memory = SpikingTemporalMemory(4, 8, chip="calibrated", seed=4)
    for k, element in enumerate(part):
        memory.compute(np.array(element, int))
        np.testing.assert_array_equal(memory.rule.predicted[0].sum(axis=1), whole.predicted[k, 0])


def test_columns_may_be_driven_by_cells_of_the_network():
    def source(memory):
        cells = sim.Population(4, sim.SpikeSourceArray(spike_times=[[1.0], [21.0], [], []]))
        memory.network.drive(cells)
        return cells

    memory = SpikingTemporalMemory(4, 8, chip="ideal", source=source)
    with pytest.raises(RuntimeError, match="driven by cells of the network"):
        memory.compute([1])
    with memory.current():
        sim.run(40.0)
    np.testing.assert_array_equal(memory.presented(2).active[:, 0], [[8, 0, 0, 0], [0, 8, 0, 0]])


def test_wrong_use():
    with pytest.raises(NotImplementedError, match="maxNewSynapseCount=20 is not supported"):
        SpikingTemporalMemory(4, maxNewSynapseCount=20)
    with pytest.raises(NotImplementedError, match="externalPredictiveInputs"):
        SpikingTemporalMemory(4, externalPredictiveInputs=3)
    with pytest.raises(ValueError, match="no more winners than cells"):
        SpikingTemporalMemory(4, 2, winners=3)
    with pytest.raises(ValueError, match="rule='other'"):
        SpikingTemporalMemory(4, 8, rule="other", chip="ideal")
    with pytest.warns(UserWarning, match="cycles of 10 to 34 ms"):
        SpikingTemporalMemory(4, 8, cycle=40.0, chip="ideal")
    memory = SpikingTemporalMemory(4, 8, cycle=40.0, parameters=SequenceParameters(plateau=60.0), chip="ideal")
    with pytest.raises(ValueError, match="columns from 4 to 4; there are 0 to 3"):
        memory.present([[4]])
    memory = SpikingTemporalMemory(4, 8, activationThreshold=5, chip="ideal")
    with pytest.warns(UserWarning, match="nothing will be predicted"):
        memory.compute([1])
    memory = SpikingTemporalMemory(4, 8, replicas=2, chip="ideal")
    with pytest.raises(ValueError, match="3, 2 elements for the replicas"):
        memory.present([[[0], [1], [2]], [[0], [1]]])
