"""Correlation sensors: lists of events in plain Python, the converter, the spread of virtual chips."""

import math

import numpy as np
import pytest
from pynn_brainscales.emulator import limits
from pynn_brainscales.emulator.kernels.correlation import (
    SensorParameters,
    SensorRun,
    draw_sensors,
    initial_sensor_state,
    read_streams,
    verify_sensors,
)
from pynn_brainscales.emulator.kernels.sensor_readout import ACAUSAL, CAUSAL, SensorReadout

H = 0.1  # us
B, R, C, STEPS = 3, 5, 7, 400
LABEL = np.random.default_rng(7).integers(0, 2, (R, C))
LABEL[3] = 1  # a row whose synapses all take the same events
KINDS = (CAUSAL, ACAUSAL)
FIELDS = ("causal", "acausal", "t_pre", "t_post")


def sensors(rows=R, columns=C, seed=1, **values):
    """Sensors that all differ."""
    rng = np.random.default_rng(seed)

    def draw(low, high):
        return rng.uniform(low, high, (rows, columns))

    return SensorParameters(draw(0.3, 0.7), draw(0.3, 0.7), draw(2.0, 6.0), draw(2.0, 6.0), draw(150, 200),
                            draw(150, 200), **values)


def trains(trials=B, rows=R, columns=C, steps=STEPS, rate=0.05, seed=2):
    """Events of both kinds: (step, trial, row, label) and (step, trial, column); some at equal steps."""
    rng = np.random.default_rng(seed)
    return (np.argwhere(rng.random((steps, trials, rows, 2)) < rate),
            np.argwhere(rng.random((steps, trials, columns)) < rate))


def as_mask(hit):
    return hit


def as_indices(hit):
    return np.flatnonzero(hit)


def as_short_as_possible(hit):
    index = np.flatnonzero(hit)
    if hit.all():
        return None
    return slice(index[0], index[-1] + 1) if len(index) and np.ptp(index) + 1 == len(index) else index


def play(run, pre, post, label=LABEL, first=0, stop=STEPS, many=False, form=as_mask):
    """Give the events of some steps to sensors."""
    for k in range(first, stop):
        before, after = pre[pre[:, 0] == k], post[post[:, 0] == k]
        if many:
            t, r, own = before.T[1:].astype(np.uint8)  # whatever integers
            run.pre_many(k, t, r, label[r] == own[:, None])
            run.post_many(k, *after.T[1:])
        else:
            for _, t, r, own in before.tolist():
                run.pre(k, t, r, form(label[r] == own))
            for _, t, c in after.tolist():
                run.post(k, t, c)
    return run


def reference(p, pre, post, trial, row, column, saturation=math.inf):
    """What one synapse has stored: it walks along its own events, with a flag for each kind of partner."""
    label = LABEL[row, column]
    events = sorted([(k, 0) for k, t, r, own in pre.tolist() if (t, r, own) == (trial, row, label)]
                    + [(k, 1) for k, t, c in post.tolist() if (t, c) == (trial, column)])
    stored = {CAUSAL: 0.0, ACAUSAL: 0.0}
    last_pre = last_post = None  # None once it has found its partner
    for k, is_post in events:
        kind, partner = (CAUSAL, last_pre) if is_post else (ACAUSAL, last_post)
        if partner is not None:
            eta, tau = (float(getattr(p, f"{name}_{kind}{unit}")[row, column])
                        for name, unit in (("eta", ""), ("tau", "_us")))
            stored[kind] = min(stored[kind] + eta * math.exp(-(k - partner) * H / tau), saturation)
        if is_post:
            last_pre, last_post = None, k
        else:
            last_pre, last_post = k, None
    return stored


@pytest.mark.parametrize("saturation", [math.inf, 2.0])
@pytest.mark.parametrize("form", [as_mask, as_indices, as_short_as_possible])
def test_events_in_plain_python(form, saturation):
    p, (pre, post) = sensors(saturation=saturation), trains()
    run = play(SensorRun(p, initial_sensor_state(B, R, C), H), pre, post, form=form)
    expected = np.array([[[list(reference(p, pre, post, t, r, c, saturation).values()) for c in range(C)]
                          for r in range(R)] for t in range(B)])
    for i, kind in enumerate(KINDS):
        np.testing.assert_allclose(run.stored(kind), expected[..., i], rtol=1e-12)
    assert (expected > 0.0).all()
    assert np.mean(expected == 2.0) > 0.3 if saturation == 2.0 else expected.max() > 2.5
    at_once = {(k, t) for k, t, *_ in pre.tolist()} & {(k, t) for k, t, _ in post.tolist()}
    assert len(at_once) > 50  # pre and post at one step are among them


def both(run):
    return [float(run.stored(kind)[0, 0, 0]) for kind in KINDS]


def one_sensor(**values):
    one = np.ones((1, 1))
    p = SensorParameters(0.5 * one, 0.4 * one, 5.0 * one, 8.0 * one, 180.0 * one, 180.0 * one, **values)
    return SensorRun(p, initial_sensor_state(1, 1, 1), H)


@pytest.mark.parametrize(("events", "causal", "acausal"), [
    ("pre 10, post 30", 0.5 * math.exp(-2 / 5), 0.0),
    ("post 10, pre 30", 0.0, 0.4 * math.exp(-2 / 8)),
    ("pre 10, pre 20, post 30", 0.5 * math.exp(-1 / 5), 0.0),  # the last one before
    ("pre 10, post 30, post 40", 0.5 * math.exp(-2 / 5), 0.0),  # it is used up
    ("post 10, post 20, pre 30, pre 40", 0.0, 0.4 * math.exp(-1 / 8)),
    ("pre 10, post 10", 0.5, 0.0),  # at one step: causal, without any distance
    ("pre 10, post 10, pre 30", 0.5, 0.4 * math.exp(-2 / 8)),
    ("post 5, pre 10, post 10, post 30", 0.5, 0.4 * math.exp(-0.5 / 8)),
    ("pre 10, pre 10, post 20", 0.5 * math.exp(-1 / 5), 0.0),  # twice is once
    ("post 5, pre 10, pre 10", 0.0, 0.4 * math.exp(-0.5 / 8)),
    ("post 5, post 5, pre 10", 0.0, 0.4 * math.exp(-0.5 / 8)),
    ("pre 0, post 10000000", 0.0, 0.0)])
def test_nearest_neighbours(events, causal, acausal):
    run = one_sensor()
    for event in events.split(", "):
        kind, step = event.split()
        getattr(run, kind)(int(step), 0, 0)
    assert both(run) == pytest.approx([causal, acausal], rel=1e-13)


def test_late_steps_are_as_good_as_early_ones():
    run = one_sensor()
    late = 10**14
    run.pre(late, 0, 0)
    run.post(late + 20, 0, 0)
    assert both(run)[0] == pytest.approx(0.5 * math.exp(-2 / 5), rel=1e-13)


@pytest.mark.parametrize("size", [(3, 5, 7), (2, 40, 70), (1, 200, 9)])
def test_many_events_are_single_ones(size):
    """Bit for bit; the larger ones have rows and columns longer than a vector of the processor."""
    p, (pre, post) = sensors(*size[1:], saturation=1.2), trains(*size, steps=60, rate=0.1)
    label = np.random.default_rng(3).integers(0, 2, size[1:])
    states = [play(SensorRun(p, initial_sensor_state(*size), H), pre, post, label, stop=60, many=many).state()
              for many in (False, True)]
    for name in FIELDS:
        assert np.array_equal(*(getattr(s, name) for s in states)), name
    assert states[0].causal.max() == 1.2


def test_many_events_may_share_a_row_or_be_there_twice():
    p = sensors()
    one, many = (SensorRun(p, initial_sensor_state(1, R, C), H) for _ in range(2))
    row, column = np.array([2, 2, 2, 1], np.uint8), np.array([3, 3, 5], np.uint8)  # of whatever integers
    hits = np.array([[1, 0, 0, 1, 0, 0, 0], [0, 1, 0, 0, 0, 1, 0], [1, 0, 0, 1, 0, 0, 0], [1] * 7], bool)
    for k in (0, 5, 9):
        for r, hit in zip(row.tolist(), hits, strict=True):
            one.pre(k, 0, r, hit)
        many.pre_many(k, 0 * row, row, hits)
        for c in column.tolist():
            one.post(k, 0, c)
        many.post_many(k, 0 * column, column)
    for name in FIELDS:
        assert np.array_equal(getattr(one.state(), name), getattr(many.state(), name)), name
    assert many.stored(CAUSAL)[0, 2].nonzero()[0].tolist() == [3, 5]


@pytest.mark.parametrize("many", [False, True])
def test_batch_is_a_loop(many):
    p, (pre, post) = sensors(), trains()
    whole = play(SensorRun(p, initial_sensor_state(B, R, C), H), pre, post, many=many).state()
    for t in range(B):
        own = [np.delete(a[a[:, 1] == t], 1, axis=1) for a in (pre, post)]
        own = [np.insert(a, 1, 0, axis=1) for a in own]
        alone = play(SensorRun(p, initial_sensor_state(1, R, C), H), *own, many=many).state()
        for name in FIELDS:
            assert np.array_equal(getattr(alone, name)[0], getattr(whole, name)[t]), name


def test_cuts():
    p, (pre, post) = sensors(), trains()
    whole = play(SensorRun(p, initial_sensor_state(B, R, C), H), pre, post).state()
    state, first = initial_sensor_state(B, R, C), 0
    for stop in (1, 2, 77, 300, STEPS):
        state = play(SensorRun(p, state, H), pre, post, first=first, stop=stop).state()
        first = stop
    for name in FIELDS:
        assert np.array_equal(getattr(whole, name), getattr(state, name)), name


def test_a_run_leaves_its_state_alone():
    state = initial_sensor_state(1, R, C)
    play(SensorRun(sensors(), state, H), *trains(1))
    assert not state.causal.any()
    assert np.isneginf(state.t_pre).all()


def test_only_existing_synapses_store():
    there = np.random.default_rng(5).random((R, C)) < 0.5
    p, (pre, post) = sensors(), trains()
    full, part = (play(SensorRun(p, initial_sensor_state(B, R, C), H, exists), pre, post, form=as_short_as_possible)
                  for exists in (None, there))
    for kind in KINDS:
        assert np.array_equal(part.stored(kind), full.stored(kind) * there)


def test_events_out_of_order():
    run = one_sensor()
    run.pre(10, 0, 0)
    with pytest.raises(ValueError, match="event of step 9 comes too late: sensors have seen events of step 10; give"):
        run.post(9, 0, 0)
    run.post(10, 0, 0)
    run.post_many(11, np.zeros(0, int), np.zeros(0, int))  # no event
    with pytest.raises(ValueError, match=r"step 10, postsynaptic ones among them; .* the presynaptic ones first"):
        run.pre(10, 0, 0)
    again = SensorRun(sensors(1, 1), run.state(), H)  # a state knows it too
    two = np.zeros(2, int)
    with pytest.raises(ValueError, match="an event of step 10"):
        again.pre_many(10, two, two, np.ones((2, 1), bool))
    with pytest.raises(ValueError, match="an event of step 9"):
        again.post_many(9, two, two)
    again.pre(11, 0, 0)


# --- readout ---------------------------------------------------------------------------------------------------------


def filled(causal, acausal, **values):
    """Sensors that have stored something, (t, R, C) each."""
    values = {"baseline": 180.0, **values}
    state = initial_sensor_state(*causal.shape).replace(causal=causal, acausal=acausal)
    p = draw_sensors(1, 0, 0, np.arange(causal.shape[1])[:, None], np.arange(causal.shape[2]), **values)
    return SensorRun(p, state, H)


def test_code_falls_with_correlation():
    stored = np.linspace(0.0, 300.0, 61).reshape(1, 1, 61)
    run = filled(stored, np.zeros_like(stored))
    code = run.raw(CAUSAL)
    assert code.dtype == np.int16
    assert code[0, 0, 0] == 180
    assert np.all(np.diff(code[0, 0]) <= 0)
    assert code[0, 0].tolist() == [max(0, math.floor(180.5 - 5.0 * i)) for i in range(61)]
    assert np.array_equal(run.correlation(CAUSAL), 180 - code)
    assert run.correlation(CAUSAL).max() == 180  # code 0
    assert np.all(run.raw(ACAUSAL) == 180)
    assert not run.correlation(ACAUSAL).any()


@pytest.mark.parametrize(("baseline", "stored", "code"), [
    (180.0, 0.5, 180), (180.0, 0.51, 179), (180.0, 1.5, 179), (179.5, 0.0, 180), (254.9, 0.0, 255), (300.0, 0.0, 255),
    (300.0, 46.0, 254)])
def test_code_is_the_nearest(baseline, stored, code):
    run = filled(np.full((1, 1, 1), stored), np.full((1, 1, 1), stored), baseline=baseline)
    assert run.raw(CAUSAL).item() == run.raw(ACAUSAL).item() == code


def test_baseline_of_every_sensor():
    run = filled(np.full((2, 20, 30), 40.0), np.full((2, 20, 30), 7.0), baseline_spread=7.0)
    assert np.ptp(run.baseline(CAUSAL)) > 20
    assert not np.array_equal(run.baseline(CAUSAL), run.baseline(ACAUSAL))
    assert np.all(np.abs(run.correlation(CAUSAL) - 40) <= 1)
    assert np.all(np.abs(run.correlation(ACAUSAL) - 7) <= 1)
    run.reset()
    assert np.array_equal(run.raw(CAUSAL)[1], run.baseline(CAUSAL))


def test_read_noise():
    run = filled(np.full((2, 100, 200), 40.0), np.zeros((2, 100, 200)), read_noise=1.5)
    read = run.correlation(CAUSAL, rng=read_streams(3, 0, 2, 0, 500))
    expected = math.sqrt(1.5**2 + 1 / 12)  # with the rounding
    assert read.mean() == pytest.approx(40.0, abs=4 * expected / 200)
    assert read.std() == pytest.approx(expected, rel=0.02)
    assert abs(np.corrcoef(read[0].ravel(), read[1].ravel())[0, 1]) < 0.03
    assert run.correlation(ACAUSAL, rng=read_streams(3, 0, 2, 0, 500)).min() < -3
    assert np.all(run.correlation(CAUSAL) == 40)  # none is drawn without streams


def test_readings_are_reproducible():
    """By seed, trial, array and step; whatever the batch, and whichever rows come first in it."""
    run = filled(np.full((3, 10, 20), 40.0), np.zeros((3, 10, 20)), read_noise=1.5)

    def read(first=0, trials=None, **key):
        key = {"seed": 3, "group": 0, "step": 500, **key}
        count = 3 if trials is None else 1
        return run.raw(CAUSAL, rng=read_streams(key["seed"], first, count, key["group"], key["step"]), trials=trials)

    base = read()
    assert np.array_equal(base, read())
    for t in range(3):
        assert np.array_equal(read(t, t), base[t:t + 1])
    for other in ({"seed": 4}, {"group": 1}, {"step": 501}, {"first": 1}):
        assert not np.array_equal(read(**other), base)
    rng = read_streams(3, 0, 3, 0, 500)
    parts = [run.raw(CAUSAL, rows, rng) for rows in (slice(0, 4), 4, np.arange(5, 10))]
    assert np.array_equal(np.concatenate(parts, axis=1), base)
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        run.raw(CAUSAL, rng=rng[:2])


def test_rows_and_trials():
    stored = np.random.default_rng(1).uniform(0, 50, (3, 10, 20))
    run = filled(stored, stored + 1.0)
    for rows in (3, -1, slice(2, 5), np.array([7, 1]), np.arange(10) % 3 == 0):
        for trials in (None, 1, np.array([2, 0])):
            t = slice(None) if trials is None else np.atleast_1d(trials)
            expected = stored[t][:, np.atleast_1d(rows) if not isinstance(rows, slice) else rows]
            assert np.array_equal(run.stored(CAUSAL, rows, trials), expected)
            assert np.array_equal(run.stored(ACAUSAL, rows, trials), expected + 1.0)
            assert np.array_equal(run.raw(CAUSAL, rows, trials=trials), np.floor(180.5 - expected))
    assert run.baseline(CAUSAL, 3).shape == (1, 20)
    with pytest.raises(IndexError):
        run.raw(CAUSAL, 10)
    with pytest.raises(ValueError, match="a sensor is 'causal' or 'acausal', not 'both'"):
        run.raw("both")
    with pytest.raises(ValueError, match="not 'both'"):
        run.baseline("both")
    copy = run.stored(CAUSAL)
    copy[...] = 0.0
    assert run.stored(CAUSAL).any()


def test_reset():
    stored = np.full((2, 4, 6), 9.0)
    run = filled(stored, stored)
    run.reset(1)
    run.reset(np.array([2, 3]), slice(0, 2))
    run.reset(columns=np.array([5]), trials=1)
    run.reset(0, slice(-3, -1))
    expected = stored.copy()
    expected[:, 1] = expected[:, 2:, :2] = expected[1, :, 5] = expected[:, 0, 3:5] = 0.0
    for kind in KINDS:
        assert np.array_equal(run.stored(kind), expected)
    run.reset()
    assert not run.stored(CAUSAL).any()


def test_a_reset_does_not_forget_the_last_events():
    run = one_sensor()
    run.pre(0, 0, 0)
    run.post(10, 0, 0)
    run.pre(30, 0, 0)
    run.reset()
    assert both(run) == [0.0, 0.0]
    run.post(40, 0, 0)
    assert both(run) == pytest.approx([0.5 * math.exp(-1 / 5), 0.0], rel=1e-13)


# --- virtual chips ---------------------------------------------------------------------------------------------------

ROWS, COLUMNS = np.arange(256)[:, None], np.arange(256)
SPREAD = {"eta_spread": 0.35, "tau_spread": 0.3, "baseline_spread": 7.0}
QUANTITIES = ("eta_causal", "eta_acausal", "tau_causal_us", "tau_acausal_us", "baseline_causal", "baseline_acausal")


def drawn(seed=1, chip=0, array=0, row=ROWS, column=COLUMNS, **values):
    return draw_sensors(seed, chip, array, row, column, **{**SPREAD, **values})


def test_spread_of_sensors():
    p = drawn(eta=0.8, tau_us=6.0, baseline=170.0)
    for kind in KINDS:
        for name, unit, median, sigma in (("eta", "", 0.8, 0.35), ("tau", "_us", 6.0, 0.3)):
            log = np.log(getattr(p, f"{name}_{kind}{unit}") / median)
            assert np.median(log) == pytest.approx(0.0, abs=0.02 * sigma)
            assert log.std() == pytest.approx(sigma, rel=0.01)
        baseline = getattr(p, f"baseline_{kind}")
        assert baseline.mean() == pytest.approx(170.0, abs=0.15)
        assert baseline.std() == pytest.approx(7.0, rel=0.01)
        assert baseline.shape == (256, 256)
    table = np.array([np.log(getattr(p, name)).ravel() for name in QUANTITIES])
    assert np.abs(np.corrcoef(table) - np.eye(6)).max() < 0.02


def test_a_sensor_is_the_same_whatever_else_is_used():
    whole, other = drawn(), drawn(array=1)
    column = np.arange(512)
    chip = drawn(array=column // 256, column=column % 256)
    row, few = np.array([200, 3, 77]), np.array([255, 0, 12, 13])
    part = drawn(row=row[:, None], column=few)
    two = drawn(chip=np.array([0, 4]), row=np.array([[9]]), column=np.array([5, 5]))
    for name in QUANTITIES:
        assert np.array_equal(getattr(chip, name), np.hstack([getattr(whole, name), getattr(other, name)])), name
        assert np.array_equal(getattr(part, name), getattr(whole, name)[np.ix_(row, few)]), name
        assert getattr(two, name)[0, 0] == getattr(whole, name)[9, 5] != getattr(two, name)[0, 1]
    assert not np.array_equal(whole.eta_causal, other.eta_causal)
    assert not np.array_equal(whole.eta_causal, drawn(2).eta_causal)


def test_a_larger_spread_is_the_same_pattern():
    base, larger = drawn(), drawn(eta_spread=0.7)
    assert np.allclose(np.log(larger.eta_causal / 0.5), 2 * np.log(base.eta_causal / 0.5))
    assert np.array_equal(larger.tau_causal_us, base.tau_causal_us)


def test_perfect_sensors_have_no_place():
    p = draw_sensors(1, 0, 0, np.arange(1000)[:, None], np.arange(300))
    assert p.eta_causal.shape == (1000, 300)
    assert np.all(p.eta_acausal == limits.SENSOR_ETA_LSB)
    assert np.all(p.tau_causal_us == limits.SENSOR_TAU_US)
    assert np.all(p.baseline_causal == limits.SENSOR_BASELINE_LSB)
    assert p.saturation == limits.SENSOR_SATURATION_LSB


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"row": np.arange(257)[:, None]}, r"row must lie in 0\.\.255, got 0\.\.256: .* leave all spreads 0"),
    ({"array": 2}, r"array must lie in 0\.\.1, got 2\.\.2"),
    ({"chip": -1}, "chip must lie in"),
    ({"column": np.arange(256) - 1}, r"column must lie in 0\.\.255, got -1\.\.254"),
    ({"eta_spread": -0.1}, "eta_spread must be >= 0, got -0.1"),
    ({"baseline_spread": np.nan}, "baseline_spread must be >= 0, got nan"),
    ({"tau_us": 0.0}, "tau_causal_us must be finite and > 0; it is 0.0 at row 0, column 0"),
    ({"eta": -1.0}, "eta_causal must be finite and >= 0"),
    ({"saturation": 0.0}, "saturation must be > 0 CADC LSB, or inf for none, got 0.0"),
    ({"read_noise": -1.0}, "read_noise is a spread")])
def test_bad_sensors_are_not_drawn(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        drawn(**changes)


def test_bad_use():
    p = sensors()
    with pytest.raises(ValueError, match=r"tau_acausal_us has shape \(2, 2\), expected \(5, 7\)"):
        verify_sensors(p.replace(tau_acausal_us=np.ones((2, 2))))
    with pytest.raises(ValueError, match=r"eta_causal has shape \(5,\), expected \(rows, columns\)"):
        verify_sensors(p.replace(eta_causal=np.ones(5)))
    bad = p.tau_causal_us.copy()
    bad[4, 2] = np.inf
    with pytest.raises(ValueError, match="tau_causal_us must be finite and > 0; it is inf at row 4, column 2"):
        SensorRun(p.replace(tau_causal_us=bad), initial_sensor_state(1, R, C), H)
    with pytest.raises(ValueError, match=r"state.causal has shape \(1, 7, 5\), expected \(1, 5, 7\)"):
        SensorRun(p, initial_sensor_state(1, C, R), H)
    with pytest.raises(ValueError, match=r"state.t_post has shape \(2, 7\), expected \(1, 7\)"):
        SensorRun(p, initial_sensor_state(1, R, C).replace(t_post=np.zeros((2, C))), H)
    with pytest.raises(ValueError, match=r"there has shape \(7,\), expected \(5, 7\)"):
        SensorRun(p, initial_sensor_state(1, R, C), H, np.ones(C, bool))
    assert "eta_causal" in str(p)


def test_readout_between_two_pieces_is_that_of_the_run():
    rng = np.random.default_rng(4)
    there = rng.random((R, C)) < 0.8
    there.flags.writeable = False
    p = sensors(read_noise=2.0)
    state = play(SensorRun(p, initial_sensor_state(B, R, C), H, there), *trains(1)).state()
    assert state.causal.any()
    assert state.acausal.any()
    run, between = SensorRun(p, state, H, there), SensorReadout(p, state)
    before = state.causal.copy(), state.acausal.copy()
    for rows, trials in ((None, None), (2, 1), (slice(1, 3), None), (np.array([3, 0]), slice(0, 1))):
        for kind in (CAUSAL, ACAUSAL):
            assert np.array_equal(run.stored(kind, rows, trials), between.stored(kind, rows, trials))
            count = B if trials is None else 1
            one, other = (s.correlation(kind, rows, read_streams(1, 0, count, 0, 5), trials) for s in (run, between))
            assert one.dtype == np.int16
            assert np.array_equal(one, other)
        run.reset(rows, trials=trials)
        between.reset(rows, trials=trials)
        for one, other in zip(vars(run.state()).values(), vars(between.state()).values(), strict=True):
            assert np.array_equal(one, other)
    assert np.array_equal(state.causal, before[0])
    assert np.array_equal(state.acausal, before[1])


@pytest.mark.parametrize("columns", [2, C])
def test_many_postsynaptic_events_of_a_step_are_as_single_ones(columns):
    """Few of them are taken one after the other, many at once."""
    there = np.arange(R)[:, None] >= np.arange(C)[None, :]  # columns begin at different rows, and some have none
    one, many = (SensorRun(sensors(), initial_sensor_state(B, R, C), H, there) for _ in range(2))
    trial, column = (a.reshape(-1) for a in np.mgrid[:B, :columns])
    for step in (3, 9, 12):
        for run in (one, many):
            for t in range(B):
                run.pre(step - 1, t, step % R)
        for t, c in zip(trial.tolist(), column.tolist(), strict=True):
            one.post(step, t, c)
        many.post_many(step, trial, column)
    assert (many.stored(CAUSAL) > 0.0).any()
    for a, b in zip(vars(one.state()).values(), vars(many.state()).values(), strict=True):
        assert np.array_equal(a, b)


def test_some_columns_are_read_and_all_are_reset():
    """Of a run and of a state between two; whatever is chosen, it is what lies there."""
    p = sensors()
    run = SensorRun(p, initial_sensor_state(B, R, C), H)
    play(run, *trains())
    between = SensorReadout(p, run.state())
    some = np.array([4, 0])
    for kind in KINDS:
        for source in (run, between):
            whole = source.stored(kind)
            assert whole.max() > 0.5
            assert np.array_equal(source.stored(kind, columns=some), whole[:, :, some])
            part = source.stored(kind, rows=[1, 3], trials=2, columns=some)
            assert np.array_equal(part, whole[2:, [1, 3]][:, :, some])
            assert np.array_equal(source.correlation(kind, columns=some), source.correlation(kind)[:, :, some])
    between.reset()
    assert all(between.stored(kind).max() == 0.0 for kind in KINDS)
    again = SensorRun(p, between.state(), H)
    assert np.array_equal(again.state().t_pre, run.state().t_pre)


def test_the_last_state_is_the_same():
    run = SensorRun(sensors(), initial_sensor_state(B, R, C), H)
    play(run, *trains())
    copied, last = run.state(), run.state(last=True)
    for name in FIELDS:
        assert np.array_equal(getattr(copied, name), getattr(last, name))
