"""Relays: the recursions in plain Python, steady states, statistics of release, cuts, batches."""

import math

import numpy as np
import pytest
from pynn_brainscales.emulator.kernels.relay import RelayRun, initial_relay_state
from pynn_brainscales.emulator.relays import Kind, Relays, verify_relays
from scipy.linalg import expm

H = 0.1  # us
SOURCES, CHANNELS = 60, 40  # of the sources, the last 40 are channels


def relays(*rows, **columns):
    """Relays from rows of values by name; channels are numbered backwards unless given."""
    default = {"source": 0, "kind": Kind.TSODYKS_MARKRAM, "use": 0.4, "tau_rec_us": 0.0, "tau_facil_us": 0.0,
               "probability": 0.5, "sites": 1, "start_u": 0.0, "strength": 1.0, "offset": 0.0}
    rows = [{**default, "channel": CHANNELS - 1 - i, **row} for i, row in enumerate(rows)]
    arrays = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    r = Relays(**{**arrays, **columns})
    verify_relays(r, SOURCES, CHANNELS)
    return r


def mixed():
    """Relays of all kinds on a few sources, in an order of their own, neither of sources nor of channels."""
    rng = np.random.default_rng(1)
    return relays(*({
        "source": int(rng.integers(0, 8)), "kind": Kind(i % 4), "use": rng.uniform(0.1, 0.9),
        "tau_rec_us": rng.uniform(1, 20), "tau_facil_us": rng.uniform(1, 20) * (i % 3 > 0),
        "probability": rng.uniform(0.2, 0.8), "sites": 1 + i % 5, "start_u": rng.uniform(0, 1),
        "strength": rng.uniform(-1, 1), "offset": rng.uniform(0, 1), "tau_inact_us": rng.uniform(0.5, 5) * (i % 8 > 0)
    } for i in range(40)))


def firings(trials=1, steps=200, rate=0.05, sources=10):
    """Firings (step, trial, source); some are listed twice, some sources have no relay."""
    fired = np.argwhere(np.random.default_rng(2).random((steps, trials, sources)) < rate)
    return np.concatenate([fired, fired[::13]])


def run_relays(r, fired, trials=1, first_trial=0, seed=7, state=None):
    """The state afterwards, and all firings of channels as rows (step, trial, channel, factor)."""
    run = RelayRun(r, initial_relay_state(r, trials) if state is None else state, seed, first_trial, H)
    out = [np.zeros((0, 4))]
    for k in np.unique(fired[:, 0]).tolist():
        now = fired[fired[:, 0] == k]
        trial, channel, factor = run.fire(k, now[:, 1], now[:, 2])
        out.append(np.stack([np.full(len(factor), float(k)), trial, channel, factor], axis=1))
    return run.state(), np.concatenate(out)


def train(r, steps, trials=1, **options):
    """Factors (spikes, trials) of one relay with source 0 at given steps; 0 where it did not fire."""
    fired = np.array([(k, t, 0) for k in steps for t in range(trials)])
    _, out = run_relays(r, fired, trials, **options)
    factors = np.zeros((len(steps), trials))
    factors[np.searchsorted(steps, out[:, 0]), out[:, 1].astype(int)] = out[:, 3]
    return factors


def tsodyks_markram(steps, use, rec, facil, start=0.0):
    """The factors at given steps, of a recursion written out."""
    u, resource, last, factors = start, 1.0, 0, []
    for k in steps:
        dt = (k - last) * H
        u = use if facil == 0 else u * math.exp(-dt / facil) + use * (1 - u * math.exp(-dt / facil))
        resource = 1.0 if rec == 0 else 1 - (1 - resource) * math.exp(-dt / rec)
        factors.append(u * resource)
        resource -= u * resource
        last = k
    return factors


STEPS = [3, 10, 11, 11, 40, 43, 90, 300]


@pytest.mark.parametrize("start", [0.0, 0.6])
@pytest.mark.parametrize(("use", "rec", "facil"), [
    (0.5, 10.0, 0.0), (0.1, 0.0, 20.0), (0.2, 5.0, 8.0), (1.0, 3.0, 2.0), (0.3, 0.0, 0.0)])
def test_tsodyks_markram(use, rec, facil, start):
    """At an irregular train, with two spikes at one step."""
    r = relays({"use": use, "tau_rec_us": rec, "tau_facil_us": facil, "start_u": start})
    _, out = run_relays(r, np.array([(k, 0, 0) for k in STEPS]))
    expected = np.array(tsodyks_markram(STEPS, use, rec, facil, start))
    np.testing.assert_allclose(out[:, 3], expected[expected > 0], rtol=1e-12)


@pytest.mark.parametrize("facil", [0.0, 15.0])
def test_steady_state(facil):
    """Under a regular train u and R settle where a spike takes what one interval gives back."""
    use, rec, interval = 0.3, 12.0, 25
    factors = train(relays({"use": use, "tau_rec_us": rec, "tau_facil_us": facil}), range(0, 5000, interval))[:, 0]
    back = math.exp(-interval * H / rec)
    u = use if facil == 0 else use / (1 - (1 - use) * math.exp(-interval * H / facil))
    assert factors[-1] == pytest.approx(u * (1 - back) / (1 - (1 - u) * back), rel=1e-12)


@pytest.mark.parametrize(("rec", "inact"), [(10.0, 3.0), (2.0, 6.0), (5.0, 5.0), (0.0, 4.0), (8.0, 0.0)])
def test_inactivation(rec, inact):
    """The three-state model, its linear flow between spikes as the exponential of a matrix."""
    use, facil, steps = 0.4, 6.0, sorted(set(STEPS))
    r = relays({"use": use, "tau_rec_us": rec, "tau_facil_us": facil, "tau_inact_us": inact},
               {"source": 1, "tau_inact_us": 1.0})
    a, b = 1 / max(inact, 1e-3), 1 / max(rec, 1e-3)  # instantaneous: gone after one step
    u, yz, last = 0.0, np.zeros(2), 0
    for k, factor in zip(steps, train(r, steps)[:, 0], strict=True):
        yz = expm(np.array([[-a, 0.0], [a, -b]]) * (k - last) * H) @ yz
        u = u * math.exp(-(k - last) * H / facil)
        u += use * (1 - u)
        assert factor == pytest.approx(u * (1 - yz.sum()), rel=1e-10 if rec * inact else 1e-3)
        yz[0] += u * (1 - yz.sum())
        last = k


def test_driver_is_a_special_case():
    """A depressing driver is depression over U, a facilitating one is facilitation."""
    steps, use = sorted({3, 10, 11, 40, 43, 90, 300}), 0.3
    driver = {"kind": Kind.DRIVER, "use": use, "tau_rec_us": 9.0}
    depressing = train(relays({**driver, "strength": -1.0, "offset": 0.0}), steps)
    facilitating = train(relays({**driver, "strength": 1.0 - use, "offset": 1.0}), steps)
    np.testing.assert_allclose(depressing, train(relays({"use": use, "tau_rec_us": 9.0}), steps) / use, rtol=1e-14)
    np.testing.assert_allclose(facilitating, train(relays({"use": use, "tau_facil_us": 9.0}), steps), rtol=1e-14)


def test_driver_is_clipped():
    x = 0.5 * math.exp(-1.0)
    row = {"kind": Kind.DRIVER, "tau_rec_us": 1.0, "start_u": 0.5}
    for strength, offset, factor in ((-2.0, 0.0, 1 - 2 * x), (3.0, 0.1, 1.0), (-9.0, 0.0, 0.0)):
        assert train(relays({**row, "strength": strength, "offset": offset}), [10])[0, 0] == pytest.approx(factor)


def test_bernoulli():
    r = relays({"kind": Kind.BERNOULLI, "probability": 0.3})
    released = train(r, range(0, 400, 4), trials=60)
    assert set(np.unique(released)) == {0.0, 1.0}
    z = (released.sum() - 6000 * 0.3) / math.sqrt(6000 * 0.3 * 0.7)
    assert abs(z) < 3
    together = np.corrcoef(released[:-1].ravel(), released[1:].ravel())[0, 1]  # of one spike and the next
    assert abs(together) * math.sqrt(5940) < 3
    for probability, always in ((0.0, 0.0), (1.0, 1.0)):
        assert np.all(train(relays({"kind": Kind.BERNOULLI, "probability": probability}), [1, 2]) == always)


def test_quantal_second_spike():
    """Of n = 3 sites, mean and variance of the number released at the second spike."""
    use, n, back, trials = 0.6, 3, 1 - math.exp(-0.5), 4000
    r = relays({"kind": Kind.QUANTAL, "use": use, "sites": n, "tau_rec_us": 4.0})
    first, second = train(r, [5, 25], trials)
    p = use * (1 - use + use * back)  # a site was kept or refilled, and releases: sites are independent
    for released, q in ((first, use), (second, p)):
        assert abs(released.mean() - n * q) < 3 * math.sqrt(n * q * (1 - q) / trials)
        assert released.var() == pytest.approx(n * q * (1 - q), rel=0.1)
    empty = use * (1 - back)  # released both times is possible only after a refill
    both = np.mean(first * second)
    expected = n * (n - 1) * use * p + n * use * (use - empty)
    assert both == pytest.approx(expected, rel=0.05)


def test_quantal_mean_is_tsodyks_markram():
    """Released over n, of many sites, along a train with facilitation and depression."""
    steps, n, trials = [3, 10, 11, 40, 43, 90, 300], 500, 200
    row = {"use": 0.2, "tau_rec_us": 6.0, "tau_facil_us": 9.0, "sites": n}
    released = train(relays({**row, "kind": Kind.QUANTAL}), steps, trials) / n
    expected = np.array(tsodyks_markram(steps, 0.2, 6.0, 9.0))
    error = np.sqrt(expected * (1 - expected) / (n * trials))
    assert np.all(np.abs(released.mean(axis=1) - expected) < 3.5 * error)


def test_one_site_releases_once():
    """With no recovery in reach, a single site gives one quantum."""
    released = train(relays({"kind": Kind.QUANTAL, "use": 0.7, "tau_rec_us": 1e9}), range(0, 60, 3), trials=200)
    assert np.all(released.sum(axis=0) == 1.0)


def test_batch_is_a_loop():
    r, fired = mixed(), firings(trials=4)
    state, out = run_relays(r, np.random.default_rng(3).permutation(fired), trials=4, first_trial=10)
    assert len(out) > 1000
    assert np.all(out[:, 3] != 0.0)
    assert np.array_equal(out, out[np.lexsort((out[:, 2], out[:, 1], out[:, 0]))])
    for trial in range(4):
        alone, given = run_relays(r, fired[fired[:, 1] == trial] * [1, 0, 1], first_trial=10 + trial)
        assert np.array_equal(out[out[:, 1] == trial][:, [0, 2, 3]], given[:, [0, 2, 3]])
        for name in ("u", "resource", "active", "full", "last"):
            assert np.array_equal(getattr(state, name)[trial], getattr(alone, name)[0])
    other = run_relays(r, fired, trials=4, first_trial=10, seed=8)[1]
    deterministic = r.channel[np.isin(r.kind, (Kind.TSODYKS_MARKRAM, Kind.DRIVER))]
    assert np.array_equal(*(rows[np.isin(rows[:, 2], deterministic)] for rows in (out, other)))
    assert not np.array_equal(out, other)


def test_cuts():
    r, fired = mixed(), firings(trials=2)
    whole, all_out = run_relays(r, fired, trials=2)
    state, outs = None, []
    for first, last in ((0, 1), (1, 50), (50, 51), (51, 200)):
        state, out = run_relays(r, fired[(fired[:, 0] >= first) & (fired[:, 0] < last)], trials=2, state=state)
        outs.append(out)
    assert np.array_equal(np.concatenate(outs), all_out)
    assert np.array_equal(state.full, whole.full)
    assert np.array_equal(state.u, whole.u)


def test_each_relay_alone():
    """What a deterministic relay does among others is what it does alone."""
    r, fired = mixed(), firings()
    _, out = run_relays(r, fired)
    for i in np.flatnonzero(np.isin(r.kind, (Kind.TSODYKS_MARKRAM, Kind.DRIVER))):
        one = Relays(**{name: value[i:i + 1] for name, value in vars(r).items() if value is not None})
        assert np.array_equal(run_relays(one, fired)[1], out[out[:, 2] == r.channel[i]])


def test_no_relays():
    r = relays({}).replace(**{name: value[:0] for name, value in vars(relays({})).items() if value is not None})
    trial, channel, factor = RelayRun(r, initial_relay_state(r, 2), 1, 0, H).fire(1, np.zeros(3, int), np.arange(3))
    assert trial.shape == channel.shape == factor.shape == (0,)


@pytest.mark.parametrize(("row", "sentence"), [
    ({"source": 60}, r"relays.source must lie in 0\.\.59; broken at index 1"),
    ({"channel": 40}, r"relays.channel must lie in 0\.\.39"),
    ({"source": 20 + 39}, "relays don't form chains"),
    ({"source": 0.5}, "relays.source must be integers"),
    ({"kind": 4}, r"relays.kind must be one of \[0, 1, 2, 3\]"),
    ({"use": 1.1}, r"relays.use must lie in 0\.\.1"),
    ({"probability": -0.1}, r"relays.probability must lie in 0\.\.1"),
    ({"tau_rec_us": -1.0}, "relays.tau_rec_us must be >= 0"),
    ({"tau_facil_us": np.inf}, "relays.tau_facil_us must be finite"),
    ({"kind": Kind.QUANTAL, "sites": 0}, "relays.sites must be >= 1")])
def test_bad_relays(row, sentence):
    with pytest.raises(ValueError, match=sentence):
        relays({}, row)


def test_bad_shapes():
    with pytest.raises(ValueError, match=r"relays.use has shape \(3,\), expected \(1,\)"):
        relays({}, use=np.ones(3))
    with pytest.raises(ValueError, match=r"the state has shape \(1, 2\), expected \(trials, 1\)"):
        RelayRun(relays({}), initial_relay_state(relays({}, {})), 1, 0, H)


@pytest.mark.parametrize("piece", [1, 7, 128, 1000])
@pytest.mark.parametrize("trials", [1, 3])
def test_many_steps_at_once(trials, piece):
    """Known firings in pieces give the same firings, and the same state, as step by step."""
    kinds = (Kind.TSODYKS_MARKRAM, Kind.BERNOULLI, Kind.DRIVER)
    rng = np.random.default_rng(3)
    r = relays(*({"source": int(rng.integers(0, 8)), "kind": kinds[i % 3], "use": rng.uniform(0.1, 0.9),
                  "tau_rec_us": rng.uniform(1, 20), "tau_facil_us": rng.uniform(1, 20) * (i % 2),
                  "probability": rng.uniform(0.2, 0.8), "strength": rng.uniform(-1, 1),
                  "tau_inact_us": 2.0 * (i % 6 > 0)}
                 for i in range(30)))
    fired = firings(trials)
    fired = fired[(fired[:, 0] < 50) | (fired[:, 0] > 80)]  # also pieces without any
    expected, wanted = run_relays(r, fired, trials)
    run, parts = RelayRun(r, initial_relay_state(r, trials), 7, 0, H), []
    for start in range(0, 200, piece):
        here = fired[(fired[:, 0] >= start) & (fired[:, 0] < start + piece)]
        step, trial, channel, factor = run.fire_train(*here.T)
        parts.append(np.stack([step, trial, channel, factor], axis=1))
    got = np.concatenate(parts)
    order = np.lexsort((got[:, 3], got[:, 2], got[:, 1], got[:, 0]))
    wanted = wanted[np.lexsort((wanted[:, 3], wanted[:, 2], wanted[:, 1], wanted[:, 0]))]
    np.testing.assert_array_equal(got[order], wanted)
    for name, values in vars(run.state()).items():
        np.testing.assert_array_equal(values, getattr(expected, name), err_msg=name)
