"""Stochastic rounding is right on average and never further than one step."""

import numpy as np
import pytest
from pynn_brainscales.emulator.plasticity.arithmetic import FracSat8, FracSat16, Mod8, Mod16
from pynn_brainscales.emulator.plasticity.randomness import PpuRandom, initial_random_state
from pynn_brainscales.emulator.plasticity.rounding import round_bits, stochastic_round


class Bytes:
    """Gives every byte once, in order, for counting."""

    def __init__(self, trials):
        self.trials = trials

    def uint8(self, shape):
        assert np.prod(shape) == 256
        return np.broadcast_to(np.arange(256, dtype=np.uint8).reshape(shape), (self.trials, *shape))


@pytest.mark.parametrize("rng", [PpuRandom(initial_random_state(1, 0, 2)), np.random.default_rng(2)],
                         ids=["lanes", "numpy"])
def test_mean_is_the_value(rng):
    values = np.broadcast_to([-3.0, -2.75, -0.5, 0.0, 0.1, 0.9, 5.0, 1e6 + 0.5], (2, 20_000, 8))
    result = stochastic_round(values, rng)
    assert result.dtype == np.int64
    assert np.abs(result - values).max() < 1.0
    fraction = values[0, 0] - np.floor(values[0, 0])
    error = result.mean(axis=(0, 1)) - values[0, 0]
    assert np.all(np.abs(error) <= 5 * np.sqrt(fraction * (1 - fraction) / 40_000) + 1e-9)
    assert np.array_equal(result[..., fraction == 0], values[..., fraction == 0])


def test_what_cannot_be_rounded_is_refused():
    with pytest.raises(ValueError, match="finite"):
        stochastic_round(np.array([np.nan]), np.random.default_rng(1))
    with pytest.raises(ValueError, match="axis of trials"):
        stochastic_round(0.5, PpuRandom(initial_random_state(1, 0)))


@pytest.mark.parametrize("kind", [FracSat8, Mod8])
def test_bits_are_rounded_as_often_as_their_value_says(kind):
    """With every random byte once, the share that is rounded up is exact."""
    for bits in range(7):
        for value in (kind.range()[0], -100 if kind is FracSat8 else 100, 0, 1, 37, 50):
            vector = kind(np.full((1, 256), value))
            result = round_bits(vector, bits, Bytes(1)).raw.astype(int)
            down = value >> bits << bits
            rest = value - down
            assert set(np.unique(result)) <= {down, down + 2**bits}
            assert (result != down).sum() == 256 * rest / 2**bits


def test_at_the_upper_end_fractions_saturate_and_integers_wrap():
    assert set(round_bits(FracSat8(np.full((1, 256), 127)), 4, Bytes(1)).raw.ravel()) == {112}
    assert set(round_bits(Mod8(np.full((1, 256), 255)), 4, Bytes(1)).raw.ravel()) == {240, 0}


@pytest.mark.parametrize("kind", [FracSat16, Mod16])
def test_16_bits(kind):
    rng = PpuRandom(initial_random_state(3, 1))
    result = round_bits(kind(np.full((1, 200, 256), 1000 + 300)), 10, rng).raw.astype(float)
    assert set(np.unique(result)) == {1024.0, 2048.0}
    assert result.mean() == pytest.approx(1300.0, abs=5 * 512 / np.sqrt(result.size))
    assert round_bits(kind([[5]]), 0, rng).raw.tolist() == [[5]]
    with pytest.raises(ValueError, match="has 16 bits, of which 0 to 15"):
        round_bits(kind([[5]]), 16, rng)
