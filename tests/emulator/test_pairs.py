"""Pair-based plasticity: sums over all pairs in plain Python, equal steps, cuts, batches."""

import math

import numpy as np
import pytest
from pynn_brainscales.emulator.kernels.pairs import PairRun, initial_pair_state
from pynn_brainscales.emulator.pairs import (
    ADDITIVE,
    DEPENDENCE,
    GUTIG,
    MIXED,
    MULTIPLICATIVE,
    TIMING,
    PairSynapses,
    verify_pairs,
)

H = 0.1  # us
PAIR, VOGELS = "SpikePairRule", "Vogels2011Rule"
RULES = [*((PAIR, dependence) for dependence in DEPENDENCE), (VOGELS, ADDITIVE)]


def parameters(timing, dependence, m, rng=None, **values):
    """Parameters of m synapses, all the same, or each its own if a generator is given."""
    values = {"tau_plus_us": 1.5, "tau_minus_us": 2.5, "A_plus": 0.12, "A_minus": 0.1, "tau_us": 2.0, "eta": 0.05,
              "rho_per_us": 0.2, "w_min": 0.2, "w_max": 1.3, "mu_plus": 0.4, "mu_minus": 0.7, **values}
    names = (*TIMING[timing], *DEPENDENCE[dependence])
    return {name: values[name] * (np.ones(m) if rng is None else rng.uniform(0.8, 1.2, m)) for name in names}


def network(timing=PAIR, dependence=ADDITIVE, fraction=1.0, m=150, sources=12, own=False, **values):
    """Random synapses among a few sources, some of them twice; the delays are split by the dendritic fraction."""
    rng = np.random.default_rng(1)
    d = rng.integers(1, 7, m)
    dendritic = np.rint(fraction * d).astype(int)
    p = parameters(timing, dependence, m, rng if own else None, **values)
    post = rng.integers(0, sources, m)
    s = PairSynapses(rng.integers(0, sources, m), post, post, d - dendritic, dendritic,
                     rng.uniform(p["w_min"], p["w_max"]), timing, dependence, p)
    verify_pairs(s, sources)
    return s


def spikes(sources=12, steps=300, rate=0.05, trials=1):
    """Firings (step, trial, source) at about ``rate`` per step and source; a few are listed twice."""
    fired = np.argwhere(np.random.default_rng(2).random((steps, trials, sources)) < rate)
    return np.concatenate([fired, fired[::17]])


def run_pairs(s, fired, steps, trials=1, state=None):
    """The state after ``steps`` steps and all deliveries as rows (step, trial, synapse, weight)."""
    state = initial_pair_state(s, trials) if state is None else state
    run, out = PairRun(s, state, H, state.step), []
    for k in range(state.step, steps + 1):
        if k > state.step:
            trial, synapse, w = run.advance(k)
            out.append(np.stack([np.full(len(w), float(k)), trial, synapse, w], axis=1))
        now = fired[fired[:, 0] == k]
        if len(now):
            run.fire(k, now[:, 1], now[:, 2])
    return run.state(), np.concatenate(out)


def limited(w, p):
    return min(max(w, p["w_min"]), p["w_max"])


def after_pre(s, w, y, p):
    """The weight after a presynaptic spike, by its dependence."""
    width = p["w_max"] - p["w_min"]
    if s.timing == VOGELS:
        return limited(w + p["eta"] * (y - 2 * p["rho_per_us"] * p["tau_us"]), p)
    change = {ADDITIVE: p["w_max"], MULTIPLICATIVE: w - p["w_min"], MIXED: w - p["w_min"],
              GUTIG: width * ((w - p["w_min"]) / width) ** p.get("mu_minus", 1)}[s.dependence]
    return limited(w - p["A_minus"] * change * y, p)


def after_post(s, w, x, p):
    width = p["w_max"] - p["w_min"]
    if s.timing == VOGELS:
        return limited(w + p["eta"] * x, p)
    change = {ADDITIVE: p["w_max"], MULTIPLICATIVE: p["w_max"] - w, MIXED: p["w_max"],
              GUTIG: width * ((p["w_max"] - w) / width) ** p.get("mu_plus", 1)}[s.dependence]
    return limited(w + p["A_plus"] * change * x, p)


def reference(s, m, fired, trial=0):
    """Final weight of one synapse and its deliveries (step, weight), from sums over all pairs."""
    p = {name: float(value[m]) for name, value in s.parameters.items()}
    tau_plus, tau_minus = p.get("tau_plus_us", p.get("tau_us")), p.get("tau_minus_us", p.get("tau_us"))
    here = fired[fired[:, 1] == trial]
    pre = [int(k + s.pre_delay_steps[m]) for k in here[here[:, 2] == s.source[m], 0]]
    post = [int(k + s.post_delay_steps[m]) for k in here[here[:, 2] == s.post_source[m], 0]]
    w, given = float(s.weight[m]), []
    for k, is_post in sorted([(k, False) for k in pre] + [(k, True) for k in post]):
        if is_post:
            w = after_post(s, w, sum(math.exp(-(k - j) * H / tau_plus) for j in pre if j < k), p)
        else:
            w = after_pre(s, w, sum(math.exp(-(k - j) * H / tau_minus) for j in post if j < k), p)
            given.append((k + int(s.post_delay_steps[m]), w))
    return w, sorted(given)


def compare(s, fired, steps, synapses):
    state, out = run_pairs(s, fired, steps)
    moved = 0
    for m in synapses:
        w, given = reference(s, m, fired)
        assert state.weights[0, m] == pytest.approx(w, rel=1e-9, abs=1e-12)
        mine = out[out[:, 2] == m]
        assert mine[:, 0].tolist() == [k for k, _ in given]
        np.testing.assert_allclose(np.sort(mine[:, 3]), np.sort([w for _, w in given]), rtol=1e-9, atol=1e-12)
        moved += len(given) > 0 and w != s.weight[m]
    assert moved > 0.8 * len(synapses)
    return state


@pytest.mark.parametrize("fraction", [0.0, 0.4, 1.0])
@pytest.mark.parametrize(("timing", "dependence"), RULES)
def test_all_pairs(timing, dependence, fraction):
    """Several delays, sources that are also targets, synapses and spikes that are there twice."""
    compare(network(timing, dependence, fraction), spikes(), 320, range(0, 150, 3))


@pytest.mark.parametrize(("timing", "dependence"), RULES)
def test_each_synapse_has_its_own_parameters(timing, dependence):
    compare(network(timing, dependence, 0.6, own=True), spikes(), 320, range(0, 150, 3))


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(("timing", "dependence"), RULES)
def test_all_to_all(timing, dependence, whole):
    """Long rows, with and without the synapses to oneself."""
    pre, post = (i.ravel() for i in np.indices((110, 120)))
    there = whole | (pre != post)
    pre, post, m = pre[there], post[there], int(there.sum())
    delay = np.full(m, 3)
    s = PairSynapses(pre, post, post, delay, delay, np.linspace(0.2, 1.3, m), timing, dependence,
                     parameters(timing, dependence, m))
    compare(s, spikes(120, 200), 220, range(0, m, 411))


@pytest.mark.parametrize("tau", [1e-3, 0.05, 1e6])
def test_time_constants_far_from_the_step(tau):
    """Traces that vanish within a step, within some steps, never."""
    s = network(fraction=0.5, tau_plus_us=tau, A_plus=0.005, A_minus=0.005)
    state, _ = run_pairs(s, spikes(), 320)
    for m in range(0, 150, 7):
        assert state.weights[0, m] == pytest.approx(reference(s, m, spikes())[0], rel=1e-9)


@pytest.mark.parametrize(("timing", "values"), [
    (PAIR, {"A_plus": 1.0, "A_minus": 0.9}), (PAIR, {"A_plus": -0.12, "A_minus": -0.1}),
    (VOGELS, {"eta": 0.3, "rho_per_us": 1.6}), (VOGELS, {"eta": -0.3, "rho_per_us": 1.6})])
def test_limits_are_reached_and_kept(timing, values):
    """Also with negative amplitudes, where both changes have the other sign."""
    state = compare(network(timing, **values), spikes(rate=0.15), 320, range(0, 150, 5))
    assert {0.2, 1.3} <= set(state.weights[0])
    assert state.weights.min() == 0.2
    assert state.weights.max() == 1.3


def single(dependence=ADDITIVE, pre_delay=0, post_delay=5, weight=0.7):
    one = np.ones(1, int)
    return PairSynapses(0 * one, one, one, pre_delay * one, post_delay * one, weight * np.ones(1), PAIR, dependence,
                        parameters(PAIR, dependence, 1))


@pytest.mark.parametrize(("pre", "post", "change"), [
    (10, 20, 0.12 * 1.3 * math.exp(-15 * H / 1.5)), (20, 10, -0.1 * 1.3 * math.exp(-5 * H / 2.5)), (15, 10, 0.0)])
def test_one_pair(pre, post, change):
    """The window of the additive rule; the postsynaptic spike is effective 5 steps later."""
    state, out = run_pairs(single(), np.array([[pre, 0, 0], [post, 0, 1]]), 60)
    assert state.weights[0, 0] == pytest.approx(0.7 + change, rel=1e-12)
    assert out[0, 0] == pre + 5
    assert out[0, 3] == pytest.approx(0.7 + min(change, 0.0), rel=1e-12)


@pytest.mark.parametrize("pre_delay", [0, 2])
def test_equal_steps(pre_delay):
    """At one step: first the presynaptic change, then the postsynaptic one, by the pairs with other steps only."""
    s = single(MULTIPLICATIVE, pre_delay)
    fired = np.array([[2, 0, 1], [3, 0, 0], [20, 0, 1], [25 - pre_delay, 0, 0]])  # the last two are effective at 25
    state, out = run_pairs(s, fired, 60)
    p = {name: float(value[0]) for name, value in s.parameters.items()}
    w = 0.7 + 0.12 * (1.3 - 0.7) * math.exp(-(7 - 3 - pre_delay) * H / 1.5)
    down = w - 0.1 * (w - p["w_min"]) * math.exp(-(25 - 7) * H / 2.5)
    up = down + 0.12 * (p["w_max"] - down) * math.exp(-(25 - 3 - pre_delay) * H / 1.5)
    assert out[1, 0] == 30
    assert out[1, 3] == pytest.approx(down, rel=1e-12)
    assert state.weights[0, 0] == pytest.approx(up, rel=1e-12)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
def test_cuts(fraction, own):
    """A state that goes on gives the same, also where the firings of one step come partly before, partly after it."""
    s, fired = network(dependence=GUTIG, fraction=fraction, own=own), spikes(trials=2)
    whole, all_out = run_pairs(s, fired, 320, trials=2)
    late = np.random.default_rng(3).random(len(fired)) < 0.5
    state, outs, last = None, [], -1
    for cut in (1, 2, 3, 64, 100, 101, 127, 128, 320):
        after = (fired[:, 0] > last) | ((fired[:, 0] == last) & late)
        before = (fired[:, 0] < cut) | ((fired[:, 0] == cut) & ~late)
        state, out = run_pairs(s, fired[after & before], cut, trials=2, state=state)
        outs.append(out)
        last = cut
    assert len(all_out) > 1000
    assert np.array_equal(np.concatenate(outs), all_out)
    for name in ("weights", "pre_trace", "post_trace", "arrival_step", "delivery_weight"):
        assert np.array_equal(getattr(state, name), getattr(whole, name))


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("m", [20, 400])
def test_batch_is_a_loop(m, own):
    """Bit for bit, for few and for many events in a step; the order in which firings are noted does not matter."""
    s, fired = network(dependence=GUTIG, fraction=0.5, m=m, own=own), spikes(trials=5)
    batch, out = run_pairs(s, np.random.default_rng(4).permutation(fired), 320, trials=5)
    for trial in range(5):
        alone = fired[fired[:, 1] == trial] * [1, 0, 1]
        state, given = run_pairs(s, alone, 320)
        assert np.array_equal(batch.weights[trial], state.weights[0])
        assert np.array_equal(out[out[:, 1] == trial][:, [0, 2, 3]], given[:, [0, 2, 3]])


def test_weights_of_a_state_can_be_replaced():
    s = network()
    state, _ = run_pairs(s, spikes(), 100)
    again, _ = run_pairs(s, spikes()[:0], 130, state=state.replace(weights=np.full((1, 150), 0.5)))
    assert not np.array_equal(again.weights, state.weights)
    assert np.array_equal(initial_pair_state(s, 3).weights, np.tile(s.weight, (3, 1)))


@pytest.mark.parametrize("dependence", DEPENDENCE)
def test_weights_without_a_range_stay(dependence):
    s = network(dependence=dependence, w_min=0.7, w_max=0.7, mu_plus=2.0)
    assert np.all(run_pairs(s, spikes(), 100)[0].weights == 0.7)


def test_no_synapses():
    s = network(m=0)
    state, out = run_pairs(s, spikes(), 30)
    assert out.shape == (0, 4)
    assert state.weights.shape == (1, 0)


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"timing": "triplet"}, "timing must be one of SpikePairRule"),
    ({"dependence": "none"}, "dependence must be one of"),
    ({"timing": VOGELS, "dependence": GUTIG}, "goes with AdditiveWeightDependence only"),
    ({"dependence": GUTIG}, "takes the parameters A_minus, .*mu_plus"),
    ({"source": np.full(9, 12)}, r"source must lie in 0\.\.11; broken at index 0"),
    ({"post_source": np.arange(9) - 1}, r"post_source must lie in 0\.\.11"),
    ({"source": np.zeros(9)}, "source must be integers"),
    ({"pre_delay_steps": np.arange(9) - 1}, "pre_delay_steps must be >= 0"),
    ({"pre_delay_steps": np.zeros(9, int), "post_delay_steps": np.zeros(9, int)}, "the delay, .* must be >= 1"),
    ({"weight": np.full(9, 1.5)}, "weight must lie between w_min and w_max"),
    ({"weight": np.full(9, np.nan)}, "weight must be finite"),
    ({"weight": np.ones(8)}, r"weight has shape \(8,\), expected \(9,\)"),
    ({"parameters": parameters(PAIR, ADDITIVE, 9, w_max=0.1)}, "w_max must not be below w_min"),
    ({"parameters": parameters(PAIR, ADDITIVE, 9, w_min=-0.1)}, "w_min must be >= 0"),
    ({"parameters": parameters(PAIR, ADDITIVE, 9, tau_plus_us=0.0)}, "tau_plus_us must be > 0"),
    ({"parameters": parameters(PAIR, ADDITIVE, 3)}, r"shape \(3,\), expected \(9,\)")])
def test_bad_synapses(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        verify_pairs(network(m=9).replace(**changes), 12)


def test_bad_use():
    s = network()
    run = PairRun(s, initial_pair_state(s), H, 0)
    with pytest.raises(ValueError, match="after 0 comes 1, not 2"):
        run.advance(2)
    run.advance(1)
    with pytest.raises(ValueError, match="the present step is 1; firings of step 0"):
        run.fire(0, np.zeros(1, int), np.zeros(1, int))
    with pytest.raises(ValueError, match="the present step is 1; firings of step 0"):
        run.fire_train(np.arange(2), np.zeros(2, int), np.zeros(2, int))
    with pytest.raises(ValueError, match="the state is of step 0, the run starts at 3"):
        PairRun(s, initial_pair_state(s), H, 3)
    with pytest.raises(ValueError, match=r"state.weights has shape \(1, 150\), expected \(1, 20\)"):
        PairRun(network(m=20), initial_pair_state(s), H, 0)
