"""Cells beside the chip, relays and learning synapses in one run with circuits."""

import dataclasses

import numpy as np
import pytest
from pynn_brainscales.emulator import coordinates
from pynn_brainscales.emulator.beside.config import CellGroup, Receptor
from pynn_brainscales.emulator.beside.coupling import Beside, BesideProbe, BesideSynapses
from pynn_brainscales.emulator.config import (
    EXC,
    DriverModes,
    LearningSynapses,
    PairProbe,
    Probe,
    RoutedSynapses,
    Routes,
)
from pynn_brainscales.emulator.pairs import PairSynapses
from pynn_brainscales.emulator.relays import Kind, RelayProbe, Relays
from pynn_brainscales.emulator.run import run
from pynn_brainscales.emulator.state import initial_state
from pynn_brainscales.emulator.stimulus import InjectedCurrent, Stimulus

N, EXTERNAL = 12, 6  # circuits, given channels; then channels of cells beside the chip, then those of relays
CELLS = 5


def lif(n, **values):
    parameters = {"cm": 1.0, "tau_m": 10.0, "tau_refrac": 2.0, "v_rest": 80.0, "v_reset": 70.0, "v_thresh": 125.0,
                  "i_offset": 0.0} | values
    taus = [Receptor("exp", False, {"tau_syn": np.full(n, tau)}) for tau in (5.0, 8.0)]
    return CellGroup("LIF", n, {k: np.full(n, v) for k, v in parameters.items()}, tuple(taus))


def whole(make, **values):
    """A network in which everything drives everything; weights differ, so that any confusion shows."""
    rng = np.random.default_rng(3)
    channels = EXTERNAL + CELLS + 8
    sources = N + EXTERNAL + CELLS
    pre, post = np.nonzero(rng.random((sources, N)) < 0.5)
    rows = [(s, t, int(rng.random() < 0.2), rng.uniform(1, 8), int(rng.integers(1, 6)))
            for s, t in zip(pre, post, strict=True)]
    rows += [(N + EXTERNAL + CELLS + r, int(rng.integers(N)), EXC, rng.uniform(2, 9), 1 + r % 3) for r in range(8)]
    pre, post = np.nonzero(rng.random((sources + 8, CELLS)) < 0.5)
    m = len(pre)
    beside = Beside(0.1, EXTERNAL, (lif(3), lif(2, v_thresh=110.0)), tuple(
        BesideSynapses(pre[here], post[here] - first, rng.integers(0, 2, m)[here], rng.uniform(0, 6, m)[here],
                       rng.integers(1, 7, m)[here])
        for first, here in ((0, post < 3), (3, post >= 3))),
        (BesideProbe(0, "v", np.arange(3), 5), BesideProbe(1, "1.g", np.array([1]), 2)))
    r, one = 8, np.ones(8)
    relays = Relays(source=rng.integers(0, sources, r), channel=EXTERNAL + CELLS + np.arange(r),
                    kind=np.array([0, 0, 0, 1, 1, 2, 2, 3]), use=0.4 * one, tau_rec_us=20.0 * one,
                    tau_facil_us=5.0 * one, probability=0.5 * one, sites=np.full(r, 3), start_u=0.1 * one,
                    strength=-one, offset=0.0 * one)
    k = 40
    total = rng.integers(1, 6, k)
    back = np.minimum(total, rng.integers(0, 4, k))

    def learning(group, size, first):
        target = rng.integers(0, size, k)
        parameters = {"tau_plus_us": 15.0, "tau_minus_us": 20.0, "A_plus": 0.05, "A_minus": 0.04, "w_min": 0.0,
                      "w_max": 4.0}
        synapses = PairSynapses(rng.integers(0, sources, k), target, target + first, total - back, back,
                                rng.uniform(0, 4, k), "SpikePairRule", "AdditiveWeightDependence",
                                {name: np.full(k, value) for name, value in parameters.items()})
        return LearningSynapses(synapses, rng.integers(0, 2, k), np.full(k, 0.7), group)

    probes = [Probe("v", np.arange(N), 3), Probe("i_exc", np.arange(N), 4)]
    cfg = make.config(N, rows, channels, probes=probes, **values)
    return cfg.replace(beside=beside, relays=relays, pairs=(learning(-1, N, 0), learning(0, 3, N + EXTERNAL)),
                       pair_probes=(PairProbe(0, np.arange(k), 7),),
                       relay_probes=(RelayProbe("u", np.array([5, 0, 1, 7]), 3), RelayProbe("x", np.arange(8), 2)))


def drive(trials, first_trial=0, duration=120.0):
    """Given spikes that differ from trial to trial, and a current into some cells beside the chip."""
    parts = []
    for t in range(trials):
        rng = np.random.default_rng((8, first_trial + t))
        m = rng.poisson(0.08 * EXTERNAL * duration)
        parts.append((rng.integers(0, EXTERNAL, m), rng.uniform(0, duration, m), np.full(m, t)))
    channel, time, trial = (np.concatenate(a) for a in zip(*parts, strict=True))
    current = InjectedCurrent(np.array([0, 4]), np.ones(2), np.array([100, 500]), np.array([2.0, -1.0]))
    return Stimulus(channel, time, trial, trials, first_trial, currents_beside=(current,))


def recorded(recordings, trial=0):
    """Everything of one trial, in one list of arrays."""
    result = []
    for names in (("spike_step", "spike_circuit"), ("beside_step", "beside_cell")):
        which = [getattr(r, names[0].split("_")[0] + "_trial") == trial for r in recordings]
        pairs = [np.stack([getattr(r, n)[w] for n in names]) for r, w in zip(recordings, which, strict=True)]
        joined = np.concatenate(pairs, axis=1)
        result.append(joined[:, np.lexsort(joined[::-1])])
    for kind in ("samples", "beside_samples", "pair_samples", "relay_samples"):
        for i in range(len(getattr(recordings[0], kind))):
            result.append(np.concatenate([getattr(r, kind)[i].values[trial] for r in recordings]))
    return result


def same(a, b):
    return all(x.shape == y.shape and np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("values", [{}, {"conductance": True}, {"conductance": True, "adaptation": True, "b": 2.0}])
def test_cuts_do_not_matter(make, values):
    cfg, stimulus = whole(make, **values), drive(1)
    once, end = run(cfg, stimulus, 120.0)
    assert len(once.beside_step) > 20
    assert len(once.spike_step) > 20
    assert np.ptp(once.pair_samples[0].values[0], axis=0).max() > 0.1
    assert all(np.ptp(s.values[0], axis=0)[:3].min() > 0.1 for s in once.relay_samples)
    pieces, state = [], None
    for duration in (0.1, 33.3, 0.2, 0.1, 41.7, 44.6):
        part, state = run(cfg, stimulus, duration, state)
        pieces.append(part)
    assert state.step == end.step
    assert same(recorded([once]), recorded(pieces))
    for field in dataclasses.fields(end.relays):
        assert np.array_equal(getattr(end.relays, field.name), getattr(state.relays, field.name)), field.name
    assert np.array_equal(end.pairs[0].weights, state.pairs[0].weights)
    assert np.array_equal(end.beside[0].x, state.beside[0].x)


def test_batch_is_a_loop(make):
    cfg = whole(make)
    batch, _ = run(cfg, drive(3), 120.0)
    for t in range(3):
        alone, _ = run(cfg, drive(1, first_trial=t), 120.0)
        assert same(recorded([batch], t), recorded([alone]))


def test_current_based_cells_beside_the_chip_are_circuits(make):
    """The same neurons as circuits and beside the chip: every spike, and every sample, is the same."""
    rows = [(N + 3 + c, c % N, c % 2, 20.0 + c, 1 + c % 4) for c in range(3)]
    cfg = make.config(N, rows, 3 + 3 + N, probes=[Probe("v", np.arange(N), 1)])
    # channels 0..2 drive circuits 0..2 as channel c + 3 + N would: list both targets for the same channels
    pre, post = np.meshgrid(np.arange(3), np.arange(N), indexing="ij")
    pre, post = pre.reshape(-1), post.reshape(-1)
    weight, delay, side = 3.0 + 0.5 * ((pre + 2 * post) % 7), 1 + (pre + post) % 5, (pre + post) % 4 == 0
    synapses = cfg.synapses.replace(source=pre + N, target=post, input=side.astype(int), weight=weight,
                                    delay_steps=delay)
    signed = np.where(side, -weight, weight)
    cells = Beside(0.1, 3, (lif(N),), (BesideSynapses(pre + N, post, side.astype(int), signed, delay),),
                   (BesideProbe(0, "v", np.arange(N), 1),))
    rng = np.random.default_rng(1)
    stimulus = Stimulus(rng.integers(0, 3, 200), rng.uniform(0, 150, 200))
    recording, _ = run(cfg.replace(synapses=synapses, beside=cells), stimulus, 150.0)
    assert len(recording.spike_step) > 30
    here, beside = recorded([recording])[:2]
    assert np.array_equal(here, beside)
    np.testing.assert_allclose(recording.samples[0].values, recording.beside_samples[0].values, atol=1e-9)


def test_relay_scales_the_row_of_its_channel(make):
    """Depression: the jumps of the current are U R_n, with the recursion written out."""
    cfg = make.config(1, [(2, 0, EXC, 10.0, 3)], external=2, probes=[Probe("i_exc", np.array([0]), 1)], v_thresh=1e9)
    one = np.ones(1)
    relays = Relays(source=np.array([1]), channel=np.array([1]), kind=np.array([int(Kind.TSODYKS_MARKRAM)]),
                    use=0.4 * one, tau_rec_us=20.0 * one, tau_facil_us=0.0 * one, probability=one,
                    sites=np.ones(1, int), start_u=0.0 * one, strength=0.0 * one, offset=0.0 * one)
    times = np.array([1.0, 5.0, 9.0, 30.0])
    recording, _ = run(cfg.replace(relays=relays), Stimulus(np.zeros(4, int), times), 40.0)
    current = recording.samples[0].values[0, :, 0]
    r, last = 1.0, None
    for t in times:
        r = 1.0 if last is None else 1 - (1 - r) * np.exp(-(t - last) / 20.0)
        k = round(t / 0.1) + 3
        jump = current[k] - current[k - 1] * np.exp(-0.1 / 5.0)
        assert jump == pytest.approx(10.0 * 0.4 * r, rel=1e-12)
        r, last = r * 0.6, t


def test_driver_with_short_term_plasticity(make):
    """Two sources on one driver keep states of their own; a driver without a mode leaves events as they are."""
    weight, label = np.zeros((1, 2, 256, 256), np.uint8), np.zeros((1, 2, 256, 256), np.uint8)
    sign, mode = np.zeros((1, 2, 256), np.int8), np.zeros((1, 2, 128), np.uint8)
    mask = np.full((1, 2, 128), 31, np.uint8)
    driver = coordinates.driver_of(np.array([0, 0]), np.array([3, 5]))
    for d in driver:
        sign[0, 0, coordinates.row_of(d, 0)] = 1
    mode[0, 0, driver[0]] = 1
    for column, (d, own) in enumerate(((driver[0], 7), (driver[0], 9), (driver[1], 7))):
        weight[0, 0, coordinates.row_of(d, 0), column], label[0, 0, coordinates.row_of(d, 0), column] = 20, own
    routes = Routes(*(np.array(a) for a in (
        [3, 4, 5], [0] * 3, [0] * 3, [0] * 3, [3, 3, 5], [7, 9, 7], [2] * 3, [True] * 3)))
    modes = DriverModes(*(np.array(a) for a in ([0, 0.25], [1.0, 50.0], [0, -1.0], [0, 0.0])))
    base = make.config(3, external=3, v_thresh=1e9, probes=[Probe("i_exc", np.arange(3), 1)])
    cfg = base.replace(synapses=RoutedSynapses(weight, label, sign, mask, routes, mode, modes))
    stimulus = Stimulus(np.array([0, 0, 1, 2, 2]), np.array([1.0, 11.0, 11.0, 1.0, 11.0]))
    recording, _ = run(cfg, stimulus, 20.0)
    current, decay = recording.samples[0].values[0], np.exp(-0.1 / 5.0)
    at = [12, 112]
    jumps = np.array([current[k] - current[k - 1] * decay for k in at])
    np.testing.assert_allclose(jumps[0], [20.0, 0.0, 20.0], atol=1e-12)
    np.testing.assert_allclose(jumps[1], [20.0 * (1 - 0.25 * np.exp(-10.0 / 50.0)), 20.0, 20.0], rtol=1e-12)


def test_learning_synapse_delivers_the_weight_it_has(make):
    """A pair of a presynaptic and a forced postsynaptic spike; the second presynaptic spike shows what it did."""
    cfg = make.config(1, [(1, 0, EXC, 50.0, 1)], external=2, probes=[Probe("i_exc", np.array([0]), 1)],
                      refractory_us=30.0)
    one = np.ones(1)
    synapses = PairSynapses(np.array([2]), np.array([0]), np.array([0]), np.array([0]), np.array([4]), 2.0 * one,
                            "SpikePairRule", "AdditiveWeightDependence",
                            {"tau_plus_us": 15.0 * one, "tau_minus_us": 20.0 * one, "A_plus": 0.1 * one,
                             "A_minus": 0.2 * one, "w_min": 0.0 * one, "w_max": 5.0 * one})
    cfg = cfg.replace(pairs=(LearningSynapses(synapses, np.array([EXC]), 0.3 * one),))
    recording, end = run(cfg, Stimulus(np.array([1, 0, 1]), np.array([1.0, 6.0, 40.0])), 60.0)
    post = int(recording.spike_step[0])
    assert len(recording.spike_step) == 1
    weight = 2.0 + 0.1 * 5.0 * np.exp(-0.1 * (post + 4 - 10) / 15.0)
    weight -= 0.2 * 5.0 * np.exp(-0.1 * (400 - post - 4) / 20.0)
    assert end.pairs[0].weights[0, 0] == pytest.approx(weight, rel=1e-12)
    current = recording.samples[0].values[0, :, 0]
    assert current[404] - current[403] * np.exp(-0.1 / 5.0) == pytest.approx(0.3 * weight, rel=1e-9)


def test_bad_configurations(make):
    cfg = whole(make)
    with pytest.raises(ValueError, match="go beyond the 19 external channels"):
        run(cfg.replace(beside=cfg.beside.replace(first_channel=18)), None, 1.0)
    bad = cfg.beside.synapses[0].replace(receptor=cfg.beside.synapses[0].receptor + 2)
    with pytest.raises(ValueError, match=r"beside.synapses.receptor must lie in 0..1"):
        run(cfg.replace(beside=cfg.beside.replace(synapses=(bad, cfg.beside.synapses[1]))), None, 1.0)
    with pytest.raises(ValueError, match=r"relays.channel must lie in 0..18"):
        run(cfg.replace(relays=cfg.relays.replace(channel=cfg.relays.channel + 9)), None, 1.0)
    with pytest.raises(ValueError, match="a probe of learning synapses 2"):
        run(cfg.replace(pair_probes=(PairProbe(2, np.arange(2), 1),)), None, 1.0)
    with pytest.raises(ValueError, match=r"a probe of 'x' of relays .8. every 1 steps; there are u and x of 8 relays"):
        run(cfg.replace(relay_probes=(RelayProbe("x", np.array([8]), 1),)), None, 1.0)
    current = InjectedCurrent(np.array([7]), np.ones(1), np.array([1]), np.ones(1))
    nowhere = Stimulus(np.zeros(0, int), np.zeros(0), currents_beside=(current,))
    with pytest.raises(ValueError, match=r"cells beside the chip 0..4; a current goes into 7..7"):
        run(cfg, nowhere, 1.0, initial_state(cfg))
