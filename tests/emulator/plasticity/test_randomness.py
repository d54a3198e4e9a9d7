"""The generators against registers written out bit by bit."""

import numpy as np
import pytest
from pynn_brainscales.emulator.plasticity.cost import CostMeter, Operation
from pynn_brainscales.emulator.plasticity.randomness import (
    PERIOD,
    PpuRandom,
    RandomState,
    feedback_taps,
    initial_random_state,
)

LANES = [0, 1, 77, 128, 255]


def register(taps, state, clocks):
    """A list of bits, newest first; each clock puts the sum of the tapped ones in front. Yields the last 8 bits."""
    bits = [state >> i & 1 for i in range(16)]
    tapped = [i for i in range(16) if taps >> i & 1]
    for _ in range(clocks):
        bits = [sum(bits[i] for i in tapped) % 2, *bits[:15]]
        yield sum(bit << i for i, bit in enumerate(bits[:8]))


def state_of(lanes, scalar=1):
    full = np.ones((1, 256), np.uint16)
    full[0, : len(lanes)] = lanes
    return RandomState(full, np.array([scalar], np.uint32))


def order_of_x(polynomial):
    """Number of times 1 must be multiplied by x until it is 1 again, modulo a polynomial over GF(2)."""
    value = 1
    for count in range(1, PERIOD + 1):
        value <<= 1
        if value >> 16:
            value ^= polynomial
        if value == 1:
            return count
    return None


def test_every_lane_has_a_polynomial_of_its_own():
    taps = feedback_taps()
    assert len(set(taps.tolist())) == 256
    assert np.all(taps >> 15 == 1)
    assert np.all(np.diff(taps.astype(int)) > 0)
    assert taps[:3].tolist() == [0x8016, 0x80A7, 0x810C]  # random numbers stay what they are
    assert taps[-1] > 0xFF00  # from one end of all primitive polynomials to the other
    for lane in LANES:
        assert order_of_x(int(taps[lane]) << 1 | 1) == PERIOD


def test_lanes_are_the_registers_bit_by_bit():
    state = initial_random_state(11, 1)
    x = PpuRandom(state).lfsr((200, 256))
    fresh = PpuRandom(state).uint8((25, 256))
    wide = PpuRandom(state).uniform((12, 256))
    for lane in LANES:
        expected = list(register(int(feedback_taps()[lane]), int(state.lanes[0, lane]), 200))
        assert x[0, :, lane].tolist() == expected
        assert fresh[0, :, lane].tolist() == expected[7::8]
        word = 256 * np.array(expected[7:-8:16]) + expected[15::16]
        np.testing.assert_allclose(wide[0, :, lane], (word - 0.5) / 65535, rtol=1e-12)


def test_period_and_balance():
    """After 65535 clocks, and no earlier, a lane is back; in between every byte but 0 came 256 times, 0 255 times."""
    start = initial_random_state(2, 0)
    rng = PpuRandom(start)
    x = rng.lfsr((PERIOD, len(LANES)), columns=LANES)[0]
    assert np.array_equal(rng.state().lanes, start.lanes)
    for i in range(len(LANES)):
        assert np.bincount(x[:, i], minlength=256).tolist() == [255] + [256] * 255
        for factor in (3, 5, 17, 257):
            assert not np.array_equal(x[:, i], np.roll(x[:, i], PERIOD // factor))


def test_readings_in_sequence_share_seven_bits_and_fresh_bytes_none():
    rng = PpuRandom(initial_random_state(3, 0))
    for draw, expected in ((rng.lfsr, [0.5, 0.25, 0.125]), (rng.uint8, [0.0, 0.0, 0.0])):
        x = draw((2000, 256))[0].astype(float) - 127.5
        x = x / x.std()
        measured = [np.mean(x[k:] * x[:-k]) for k in (1, 2, 3)]
        np.testing.assert_allclose(measured, expected, atol=0.01)


def test_lanes_are_not_correlated():
    x = PpuRandom(initial_random_state(4, 0)).uint8((4000, 256))[0]
    r = np.corrcoef(x.T)[np.triu_indices(256, 1)]
    assert abs(r.mean()) < 0.001
    assert r.std() == pytest.approx(1 / np.sqrt(4000), rel=0.05)
    assert np.abs(r).max() < 6 / np.sqrt(4000)


@pytest.mark.parametrize("fresh", [True, False])
def test_normal12(fresh):
    rng = PpuRandom(initial_random_state(5, 0, 4))
    z = rng.normal12((300, 256), sigma=3.0, fresh=fresh)
    assert z.shape == (4, 300, 256)
    assert z.mean() == pytest.approx(0.0, abs=0.05)
    assert z.std() == pytest.approx(3.0, rel=0.01)
    # share inside one and two sigma of a normal distribution
    assert np.mean(np.abs(z) < 3.0) == pytest.approx(0.6827, abs=0.015)
    assert np.mean(np.abs(z) < 6.0) == pytest.approx(0.9545, abs=0.015)


def test_normal12_is_the_sum_of_twelve_bytes():
    state = initial_random_state(6, 1, 2)
    z = PpuRandom(state).normal12((3, 256), sigma=2.0)
    bytes_ = PpuRandom(state).uint8((3, 12, 256)).astype(float)
    np.testing.assert_allclose(z, 2.0 * (bytes_.sum(axis=2) - 1530.0) / np.sqrt(65535.0), rtol=1e-12)
    assert PpuRandom(state).normal12((), sigma=2.0).shape == (2,)


def test_uniform_lies_between_0_and_1():
    u = PpuRandom(initial_random_state(7, 0)).uniform((3000, 256))
    assert 0.0 < u.min() < 1e-4
    assert 1.0 - 1e-4 < u.max() < 1.0
    assert u.mean() == pytest.approx(0.5, abs=0.002)
    assert u.std() == pytest.approx(1 / np.sqrt(12), rel=0.005)


def test_a_trial_draws_the_same_in_any_batch():
    def draws(state):
        rng = PpuRandom(state)
        return [rng.lfsr(), rng.uint8((3, 100)), rng.normal12((2, 300)), rng.uniform(()), rng.xorshift32(),
                rng.integers(7, 5)]

    together = draws(initial_random_state(8, 3, trials=4, first_trial=2))
    for t in range(4):
        for many, one in zip(together, draws(initial_random_state(8, 3, first_trial=2 + t)), strict=True):
            assert np.array_equal(many[t], one[0])
    assert not np.array_equal(together[1][0], together[1][1])
    other = draws(initial_random_state(8, 2, trials=4, first_trial=2))
    assert not np.array_equal(together[1], other[1])


def test_state_goes_on_where_it_was_left():
    whole = PpuRandom(initial_random_state(9, 0, 3))
    expected = whole.uint8((10, 256)), whole.xorshift32(6)
    part = PpuRandom(initial_random_state(9, 0, 3))
    first, numbers = part.uint8((4, 256)), part.xorshift32(2)
    saved = part.state()
    part.uint8((5, 256))  # the saved state doesn't move
    rest = PpuRandom(saved)
    assert np.array_equal(np.concatenate([first, rest.uint8((6, 256))], axis=1), expected[0])
    assert np.array_equal(np.concatenate([numbers, rest.xorshift32(4)], axis=1), expected[1])
    with pytest.raises(ValueError, match="read-only"):
        saved.lanes[0, 0] = 1


def test_columns_choose_lanes_and_more_columns_read_again():
    state = initial_random_state(10, 0, 2)
    whole = PpuRandom(state).uint8((6, 256))
    chosen = PpuRandom(state).uint8((6, 3), columns=[200, 5, 5])
    assert np.array_equal(chosen, whole[..., [200, 5, 5]])
    wide = PpuRandom(state).uint8((3, 400))
    assert np.array_equal(wide, whole.reshape(2, 3, 512)[..., :400])
    assert PpuRandom(state).uint8((2, 0, 5)).shape == (2, 2, 0, 5)
    with pytest.raises(ValueError, match="3 columns were named"):
        PpuRandom(state).uint8((6, 4), columns=[1, 2, 3])
    with pytest.raises(ValueError, match="lanes 0 to 255"):
        PpuRandom(state).uint8(1, columns=[256])


def test_readings_are_charged():
    meter = CostMeter()
    rng = PpuRandom(initial_random_state(1, 0, 5), meter)
    for draw, vectors in ((lambda: rng.lfsr(), 2), (lambda: rng.uint8((3, 256)), 48), (lambda: rng.uniform(10), 32),
                          (lambda: rng.normal12(10), 192), (lambda: rng.normal12(10, fresh=False), 24)):
        before = meter.count(Operation.RANDOM_READ)
        draw()
        assert meter.count(Operation.RANDOM_READ) - before == vectors


def test_xorshift32():
    """Against the textbook generator on Python integers; the first number from seed 1 is 270369."""
    x, expected = 1, []
    for _ in range(1000):
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        expected.append(x)
    assert expected[0] == 270369
    rng = PpuRandom(state_of([1]))
    assert rng.xorshift32(1000)[0].tolist() == expected
    again = PpuRandom(state_of([1]))
    numbers = again.integers(10, 1000)[0]
    assert numbers.tolist() == [10 * v // 2**32 for v in expected]
    assert np.bincount(numbers).max() < 140
    with pytest.raises(ValueError, match="1 to 2"):
        again.integers(0)
