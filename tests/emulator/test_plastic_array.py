"""Weights and labels that change, and events through them."""

import numpy as np
import pytest
from pynn_brainscales.emulator.kernels import plastic_array
from pynn_brainscales.emulator.kernels.plastic_array import PlasticRun, initial_plastic_state

B, R, C = 3, 6, 11


def run_of(trials=B, seed=1, there=None, labels=3):
    """Synapses in a part of the array, with two signs and all kinds of weights."""
    rng = np.random.default_rng(seed)
    there = rng.random((R, C)) < 0.7 if there is None else there
    weight, label = rng.integers(0, 64, (R, C)), rng.integers(0, labels, (R, C))
    strength = rng.uniform(0.8, 1.2, (R, C)) * np.where(np.arange(R) % 2, -1.0, 1.0)[:, None]
    return PlasticRun(there, strength, initial_plastic_state(trials, weight, label)), there, strength


def expected_row(run, there, strength, trial, row, label):
    """Increments, one synapse after the other."""
    weight, own = run.weights(), run.labels()
    return [float(strength[row, c]) * int(weight[trial, row, c])
            if there[row, c] and own[trial, row, c] == label else 0.0 for c in range(C)]


def columns_of(hit):
    return np.arange(C)[slice(None) if hit is None else hit].tolist()


def check_all(run, there, strength, labels=4):
    events = [(t, r, own) for t in range(B) for r in range(R) for own in range(labels)]
    for event in events:
        increments, hit = run.event(*event)
        assert increments.tolist() == expected_row(run, there, strength, *event), event
        takes = there[event[1]] & (run.labels()[event[0], event[1]] == event[2])
        assert columns_of(hit) == np.flatnonzero(takes).tolist(), event
        assert run.row_vector(*event) is increments  # kept


def test_an_event_goes_where_its_label_is():
    run, there, strength = run_of()
    check_all(run, there, strength)
    assert any(run.row_vector(0, r, own).any() for r in range(R) for own in range(3))
    assert not run.row_vector(0, 0, 63).any()
    with pytest.raises(ValueError, match="read-only"):
        run.row_vector(0, 0, 1)[0] = 1.0


@pytest.mark.parametrize(("label", "kind"), [([5] * C, type(None)), ([4, 5, 5, 5] + [4] * 7, slice),
                                             ([5, 4] * 5 + [4], np.ndarray), ([4] * C, np.ndarray)])
def test_columns_in_the_shortest_form(label, kind):
    label = np.tile(label, (R, 1))
    state = initial_plastic_state(1, 0 * label, label)  # weight 0 takes events too: its sensors see them
    _, hit = PlasticRun(np.ones((R, C), bool), np.ones((R, C)), state).event(0, 2, 5)
    assert type(hit) is kind
    assert columns_of(hit) == np.flatnonzero(label[2] == 5).tolist()


def test_many_events_are_single_ones():
    run, _, _ = run_of()
    rng = np.random.default_rng(2)
    trial, row, label = rng.integers(0, B, 50), rng.integers(0, R, 50), rng.integers(0, 4, 50)
    increments, hits = run.events(trial, row, label)
    for i, event in enumerate(zip(trial.tolist(), row.tolist(), label.tolist(), strict=True)):
        assert np.array_equal(increments[i], run.row_vector(*event))
        assert np.flatnonzero(hits[i]).tolist() == columns_of(run.event(*event)[1])


@pytest.mark.parametrize("room", [None, 1, 5])
def test_nothing_kept_is_out_of_date(room, monkeypatch):
    """All events are looked up between random writes of some rows of some trials; also with little room to keep."""
    if room is not None:
        monkeypatch.setattr(plastic_array, "_KEPT", room * 8 * C)
    run, there, strength = run_of()
    rng = np.random.default_rng(3)
    for _ in range(40):
        check_all(run, there, strength)
        rows = [None, int(rng.integers(R)), -1, slice(1, 4), np.array([5, 0]), np.arange(R) % 2 == 0][rng.integers(6)]
        trials = [None, int(rng.integers(B)), np.array([0, 2])][rng.integers(3)]
        shape = run.weights(rows, trials).shape
        if rng.random() < 0.5:
            run.set_weights(rng.integers(0, 64, shape), rows, trials=trials)
        else:
            run.set_labels(rng.integers(0, 4, shape), rows, trials=trials)


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(plastic_array, "_KEPT", 7 * 8 * C)
    run, _, _ = run_of()
    for _ in range(3):
        for row in range(R):
            for label in range(5):
                run.row_vector(1, row, label)
                assert 1 <= sum(len(v) for v in run._kept.values()) <= 7
        run.set_weights(1, 2)
        run.set_labels(1, slice(0, 1), trials=2)
        assert sum(len(v) for v in run._kept.values()) + run._space == 7


def test_a_write_goes_to_its_rows_and_trials_only():
    run, there, _ = run_of()
    before = run.weights()
    values = np.arange(C) + 10
    clipped = run.set_weights(values, np.array([4, 1]), trials=2)
    assert clipped.shape == (1, 2, C)
    assert not clipped.any()
    expected = before.copy()
    expected[2, [4, 1]] = values * there[[4, 1]]
    assert np.array_equal(run.weights(), expected)
    assert np.array_equal(run.weights(-2, trials=slice(1, 3)), expected[1:3, 4:5])
    before = run.labels()
    run.set_labels(values, 3)
    expected = before.copy()
    expected[:, 3] = np.where(there[3], values, before[:, 3])
    assert np.array_equal(run.labels(), expected)
    copy = run.weights()
    copy[...] = 0
    assert run.weights().any()


def test_weights_from_floats():
    """floor(x + 1/2): halves go up, on both sides of zero."""
    run, _, _ = run_of(there=np.ones((R, C), bool))
    values = [0.49, 0.5, 1.5, 2.5, -0.5, -0.51, 63.49, 63.5, 1e300, -np.inf, 7.0]
    clipped = run.set_weights(np.array(values), 2)
    assert run.weights(2)[0, 0].tolist() == [0, 1, 2, 3, 0, 0, 63, 63, 63, 0, 7]
    assert clipped[1, 0].tolist() == [False] * 5 + [True, False, True, True, True, False]


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.uint8, np.uint64, np.float32])
def test_nothing_wraps_around(kind):
    run, _, _ = run_of(there=np.ones((R, C), bool))
    largest = np.iinfo(kind).max if kind is not np.float32 else np.finfo(kind).max
    values = np.array([largest, 64, 63, 0] + [5] * 7, kind)
    clipped = run.set_weights(values, 1)
    assert run.weights(1)[0, 0, :5].tolist() == [63, 63, 63, 0, 5]
    assert clipped[0, 0, :5].tolist() == [True, True, False, False, False]
    if np.dtype(kind).kind != "u":
        run.set_weights(-values, 1)
        assert run.weights(1)[0, 0, :5].tolist() == [0] * 5


def test_weights_may_be_refused_instead():
    run, _, _ = run_of(there=np.ones((R, C), bool))
    before, event = run.weights(), run.row_vector(0, 1, 1)
    values = np.full((B, 1, C), 20)
    values[1, 0, [3, 7]] = 64, -2
    with pytest.raises(ValueError, match=r"2 weights are outside of 0\.\.63, the first of them 64; saturate=True"):
        run.set_weights(values, 1, saturate=False)
    assert np.array_equal(run.weights(), before)
    assert run.row_vector(0, 1, 1) is event
    assert not run.set_weights(20, 1, saturate=False).any()
    assert np.all(run.weights(1) == 20)


def test_where_there_is_no_synapse_nothing_is_written():
    run, there, _ = run_of()
    labels = run.labels()
    values = np.where(there, 8.6, np.nan)
    assert not run.set_weights(values).any()
    assert np.array_equal(run.weights(), np.broadcast_to(9 * there, (B, R, C)))
    assert not run.set_weights(np.where(there, 1, 999), saturate=False).any()
    run.set_labels(np.where(there, 2, 999))
    assert np.array_equal(run.labels(), np.where(there, 2, labels))
    state = run.state()
    again = PlasticRun(there, np.where(there, 1.0, np.nan), state.replace(weight=np.full((B, R, C), 7, np.uint8)))
    assert np.array_equal(again.weights() > 0, np.broadcast_to(there, (B, R, C)))
    assert np.array_equal(again.row_vector(0, 0, 2), 7.0 * there[0])


@pytest.mark.parametrize(("write", "sentence"), [
    (lambda run: run.set_weights(np.nan), "a weight is NaN where a synapse exists"),
    (lambda run: run.set_weights(np.ones((B, C)), 1), r"weights have shape \(3, 11\); expected .* \(3, 1, 11\)"),
    (lambda run: run.set_weights("much"), "weights must be numbers"),
    (lambda run: run.set_labels(64), r"labels are outside of 0\.\.63, the first of them 64"),
    (lambda run: run.set_labels(-1), r"labels are outside of 0\.\.63, the first of them -1"),
    (lambda run: run.set_labels(2.0), r"labels are integers 0\.\.63, got float64"),
    (lambda run: run.set_labels(np.zeros((R, C + 1), int)), r"labels have shape \(6, 12\); expected")])
def test_bad_writes_write_nothing(write, sentence):
    run, _, _ = run_of()
    weights, labels = run.weights(), run.labels()
    with pytest.raises(ValueError, match=sentence):
        write(run)
    assert np.array_equal(run.weights(), weights)
    assert np.array_equal(run.labels(), labels)


def test_places_that_do_not_exist():
    run, _, _ = run_of()
    for call in (lambda: run.set_weights(1, R), lambda: run.labels(R), lambda: run.weights(trials=B),
                 lambda: run.event(-1, 0, 0), lambda: run.event(0, -1, 0), lambda: run.row_vector(0, R, 0)):
        with pytest.raises(IndexError):
            call()


def test_a_run_goes_on_from_a_state():
    run, there, strength = run_of()
    first = run.state()
    run.set_weights(33, 1, trials=0)
    run.set_labels(2, 1)
    assert not np.array_equal(first.weight, run.state().weight)  # a state is a copy
    assert first.weight.dtype == first.label.dtype == np.uint8
    again = PlasticRun(there, strength, run.state())
    assert np.array_equal(again.weights(), run.weights())
    assert np.array_equal(again.labels(), run.labels())
    check_all(again, there, strength)


def test_bad_states():
    _, there, strength = run_of()
    one = np.ones((R, C), int)
    with pytest.raises(ValueError, match=r"weight has shape \(6, 11\) and label \(11,\)"):
        initial_plastic_state(1, one, one[0])
    with pytest.raises(ValueError, match=r"66 weights are outside of 0\.\.63, the first of them 64"):
        initial_plastic_state(1, 64 * one, one)
    with pytest.raises(ValueError, match=r"weights are integers 0\.\.63, got float64"):
        initial_plastic_state(1, 1.0 * one, one)
    state = initial_plastic_state(1, one, one)
    with pytest.raises(ValueError, match=r"state.weight is int64 \(1, 6, 11\), expected uint8"):
        PlasticRun(there, strength, state.replace(weight=one[None]))
    with pytest.raises(ValueError, match=r"strength has shape \(11,\)"):
        PlasticRun(there, strength[0], state)
    with pytest.raises(ValueError, match="strength must be finite"):
        PlasticRun(there, strength * np.nan, state)


def test_some_columns_are_written():
    run, there, _ = run_of()
    before, some = run.weights(), np.array([3, 1])
    values = np.arange(2 * before.shape[1]).reshape(before.shape[1], 2)
    run.set_weights(values, columns=some)
    expected = before.copy()
    expected[:, :, some] = np.where(there[:, some], np.minimum(values, 63), 0)
    assert np.array_equal(run.weights(), expected)
    run.set_weights(7, rows=np.array([0]), trials=np.array([1]), columns=2)
    expected[1, 0, 2] = 7 * there[0, 2]
    assert np.array_equal(run.weights(), expected)
