"""The temporal memory of dendrite, soma and helper cells, as published."""

import warnings

import numpy as np
import pytest

from pynn_brainscales.htm import PaperTemporalMemory, TemporalMemory
from pynn_brainscales.htm.paper_memory import Outcome

COLUMNS, CELLS, STEPS = 40, 8, 5


def predictions(seed, columns=COLUMNS, cells=CELLS, steps=STEPS):
    """Up to three cells of each column, after each element but the last."""
    rng = np.random.default_rng(seed)
    forced = np.zeros((steps, columns, cells), bool)
    for step in range(steps - 1):
        for column in range(columns):
            forced[step, column, rng.choice(cells, rng.integers(0, 4), replace=False)] = True
    return forced


def correctness(forced, **arguments):
    steps, columns, cells = forced.shape
    memory = PaperTemporalMemory(columns, cells, **arguments)
    outcome = memory.present([np.ones(columns, bool)] * steps, forced)
    before = np.concatenate([np.zeros_like(forced[:1]), forced[:-1]])
    return memory, outcome, float(outcome.correct(before).mean())


@pytest.mark.parametrize("cycle", [55.0, 57.0])
def test_predicted_cells_fire_alone_and_columns_without_any_burst(cycle):
    forced = predictions(1)
    _, outcome, correct = correctness(forced, chip="ideal", cycle=cycle)
    assert correct >= 0.98
    np.testing.assert_array_equal(outcome.predictive, forced)
    assert 0.1 < outcome.active.mean() < 0.9  # some columns burst, in others few cells fire


def test_after_too_long_a_cycle_predictions_have_decayed():
    with pytest.warns(UserWarning, match=r"cycle=65 ms; it works from 50 to 60 ms"):
        _, outcome, correct = correctness(predictions(1), chip="ideal", cycle=65.0)
    assert correct < 0.7
    assert outcome.active[1:].mean() > predictions(1)[:-1].mean() * 1.5  # columns burst where they should not


def test_after_too_short_a_cycle_conductances_are_left():
    with pytest.warns(UserWarning, match="cycle=40 ms"):
        _, outcome, correct = correctness(predictions(1), chip="ideal", cycle=40.0)
    assert correct < 0.8
    assert outcome.correct()[:2].all()


def test_windows_own_cycles_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for cycle in (50.0, 57.0, 60.0):
            PaperTemporalMemory(1, chip="ideal", cycle=cycle)


def test_a_predicted_soma_comes_first_then_its_helper_before_the_others_would():
    memory = PaperTemporalMemory(2, 3, chip="ideal")
    memory.network.inhibitory.record("spikes")
    forced = np.zeros((2, 2, 3), bool)
    forced[0, 0, 1] = True
    memory.present([np.ones(2, bool)] * 2, forced)

    def second_cycle(population):
        trains = [np.asarray(t.magnitude) for t in population.get_data("spikes").segments[0].spiketrains]
        return [t[t > memory.cycle] - memory.cycle for t in trains]

    soma, helper = second_cycle(memory.network.soma), second_cycle(memory.network.inhibitory)
    assert [len(t) for t in soma] == [0, 1, 0, 1, 1, 1]
    assert soma[1][0] < helper[1][0] < soma[3][0] - 0.4  # 0.2 ms are the delay to the other somata


def test_segments_alone_fire_neither_somata_nor_helpers():
    memory = PaperTemporalMemory(1, 4, chip="ideal")
    memory.network.inhibitory.record("spikes")
    outcome = memory.present([np.zeros(1, bool)] * 2, np.ones((2, 1, 4), bool))
    assert outcome.predictive.all()
    assert not outcome.active.any()
    assert all(len(t) == 0 for t in memory.network.inhibitory.get_data().segments[0].spiketrains)
    assert outcome.correct().all()  # nothing was shown


def learnt(columns=30, cells=4, width=6):
    """A reference that has learnt two sequences of three, and a stream with both of them and noise."""
    rng = np.random.default_rng(3)
    symbols = rng.permutation(columns)[:4 * width].reshape(4, width)
    first, second = symbols[[0, 1, 2]], symbols[[3, 1, 0]]
    reference = TemporalMemory(columns, cells, activationThreshold=5, minThreshold=4, initialPermanence=0.51,
                               maxNewSynapseCount=width, seed=3)
    noise = [np.sort(rng.choice(columns, width, replace=False)) for _ in range(21)]
    for i in range(10):
        for element in (*first, noise[2 * i], *second, noise[2 * i + 1]):
            reference.compute(np.isin(np.arange(columns), element))
    return reference, [np.isin(np.arange(columns), e) for e in (*first, noise[20], *second)]


def test_it_does_as_the_reference_whose_segments_it_has():
    reference, stream = learnt()
    segments = reference.connectedSegments()
    most = int(np.bincount([cell for cell, _ in segments]).max())
    memory = PaperTemporalMemory(30, 4, most, segments, activationThreshold=5, teacher=False, chip="ideal")
    reference.reset()
    predicted = 0
    for element in stream:
        reference.compute(element, learn=False)
        memory.compute(element)
        np.testing.assert_array_equal(memory.getActiveCells().sparse, reference.getActiveCells().sparse)
        np.testing.assert_array_equal(memory.getPredictiveCells().sparse, reference.getPredictiveCells().sparse)
        assert memory.anomaly == pytest.approx(reference.anomaly)
        predicted += len(memory.getPredictiveCells().sparse)
    assert predicted > 0


def test_elements_one_by_one_are_those_in_one_go_and_reset_begins_again():
    forced = predictions(2, 6)
    memory = PaperTemporalMemory(6, chip="ideal")
    at_once = memory.present([np.ones(6, bool)] * STEPS, forced)
    memory.reset()
    singly = [memory.present([np.ones(6, bool)], f[None]) for f in forced]
    for name in ("active", "predicted", "predictive"):
        np.testing.assert_array_equal(np.concatenate([getattr(o, name) for o in singly]), getattr(at_once, name))
    memory.reset()
    again = memory.present([np.ones(6, bool)] * STEPS, forced)
    np.testing.assert_array_equal(again.active, at_once.active)
    assert not again.predicted[0].any()


def test_on_a_chip_with_six_bit_weights_nothing_is_lost_and_all_is_right():
    forced = predictions(4, 4)
    memory, _, correct = correctness(forced, chip="quantised")
    report = memory.report()
    assert sum(report["lost"].values()) == 0
    assert report["usage"][0]["circuits"] == 4 * (1 + 8 * 6)  # of each cell two segments, helper and soma, both double
    assert correct == 1.0


def test_columns_stay_whole_on_several_chips():
    """Between chips a spike takes 1.3 ms: about as long as a predicted soma is ahead."""
    columns = 32
    size = columns * CELLS
    tie = [(cell, [(7 * cell + 11) % size]) for cell in range(size)]  # one synapse fires no segment
    memory, _, correct = correctness(predictions(6, columns), chip="quantised", segments=tie)
    report = memory.report()
    assert report["chips"] == 4
    own = report["projections"]["inhibitory_soma"]
    assert own["ways"]["on the chip"]["synapses"] > 0.9 * own["synapses"]
    assert correct >= 0.98


def test_a_spread_of_weights_harms():
    forced = predictions(5)
    fair, poor = (correctness(forced, chip="ideal", weight_spread=s, seed=5)[2] for s in (0.01, 0.1))
    assert poor < 0.7 < fair


def test_what_is_correct():
    predicted = np.array([[[True, False], [False, False], [False, False]]])
    shown = np.array([[True, True, False]])

    def judged(active):
        active = np.array([active], bool)
        return Outcome(shown, active, predicted, predicted).correct()[0].tolist()

    assert judged([[1, 0], [1, 1], [0, 0]]) == [True, True, True]
    assert judged([[1, 1], [1, 0], [0, 1]]) == [False, False, False]
    assert judged([[0, 1], [0, 0], [0, 0]]) == [False, False, True]


def test_errors_say_what_there_is():
    memory = PaperTemporalMemory(2, 3, chip="ideal")
    with pytest.raises(NotImplementedError, match="connectedSegments"):
        memory.compute([1], learn=True)
    with pytest.raises(ValueError, match="forced has shape"):
        memory.present([[1]], np.zeros((1, 2, 4), bool))
    with pytest.raises(ValueError, match="at least 1"):
        PaperTemporalMemory(2, 0)
    with pytest.raises(ValueError, match="more than segmentsPerCell=1"):
        PaperTemporalMemory(2, 3, 1, [(0, [3]), (0, [4])], chip="ideal")
    with pytest.raises(ValueError, match="there are cells 0 to 5"):
        PaperTemporalMemory(2, 3, 1, [(0, [6])], chip="ideal")
    with pytest.raises(ValueError, match="no elements"):
        memory.present([])
    with pytest.raises(TypeError, match="side by side"):
        PaperTemporalMemory(2, 3, replicas=2)
    silent = PaperTemporalMemory(2, 3, chip="ideal", teacher=False)
    with pytest.raises(ValueError, match="teacher=True"):
        silent.present([[1]], np.ones((1, 2, 3), bool))
