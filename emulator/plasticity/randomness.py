"""Random numbers of a processor: 256 shift registers for vectors, one xorshift generator for single numbers.

**Lanes.** Lane c belongs to column c and is a linear-feedback shift register of 16 bits (Fibonacci form): each clock
appends b_n = XOR of the b_(n-i) with c_i = 1, i = 1..16. Its output are the last 8 bits. As on the chip each lane has
a polynomial of its own, 1 + sum c_i x^i; which ones the chip has is not published. Here they are every eighth of the
2048 primitive polynomials of degree 16 in ascending order, so each lane has the longest possible period, 65535 clocks,
in which every byte but 0 appears 256 times and 0 appears 255 times.

One reading on the chip appends *one* bit, so readings in sequence share 7 of 8 bits and their correlation is 1/2 at
distance 1, 1/4 at distance 2. ``lfsr`` gives these. ``uint8``, ``uniform`` and ``normal12`` clock a lane as many times
as their numbers have bits, as a rule on the chip has to do by repeated readings, and are charged for it. With fresh
bytes, too, a lane repeats after 65535 of them (256 executions on 256 rows).

**Single numbers.** xorshift32 with the shifts 13, 17, 5 (Marsaglia, "Xorshift RNGs", J. Stat. Softw. 8(14), 2003):
period 2^32 - 1.

Every trial has its own state, started from (seed of the experiment, trial, processor), and all trials draw together:
what a trial draws depends neither on the batch nor on where a run is cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import limits
from ..frozen import Frozen
from ..streams import Stream, generator
from .cost import CostMeter, Operation

PERIOD = 2**16 - 1  # clocks, of every lane
_FACTORS = (3, 5, 17, 257)  # of PERIOD


@dataclass(frozen=True, eq=False)
class RandomState(Frozen):
    """State of one processor's generators in all trials.

    Attributes
    ----------
    lanes : uint16, (trials, 256)
        The last 16 bits of each lane, the newest lowest; never 0.
    scalar : uint32, (trials,)
        Never 0.
    """

    lanes: np.ndarray
    scalar: np.ndarray

    @property
    def trials(self) -> int:
        return len(self.lanes)


def initial_random_state(seed: int, processor: int, trials: int = 1, first_trial: int = 0) -> RandomState:
    """The state at the start of an experiment; the key of a trial is (seed, trial, processor)."""
    lanes = np.empty((trials, limits.RANDOM_LANES), np.uint16)
    scalar = np.empty(trials, np.uint32)
    for t in range(trials):
        rng = generator(seed, Stream.PROCESSOR, first_trial + t, processor)
        lanes[t] = rng.integers(1, 2**16, limits.RANDOM_LANES)
        scalar[t] = rng.integers(1, 2**32)
    return RandomState(lanes, scalar)


class PpuRandom:
    """Draws of one processor, for all trials at once; ``state()`` is where a later part of the run goes on.

    ``shape`` is that of a trial's numbers, its last axis that of columns: vectors are drawn one after another in C
    order. More columns than lanes take several readings for each vector. ``columns`` chooses lanes by their number
    instead of the first ones; its length is then the last axis of ``shape``.

    Parameters
    ----------
    state : RandomState
    meter : CostMeter, optional
        Charged with the readings.
    """

    def __init__(self, state: RandomState, meter: CostMeter | None = None) -> None:
        self.meter = meter
        self._lanes = state.lanes.copy()
        self._scalar = state.scalar.copy()

    def state(self) -> RandomState:
        """The present state, a copy."""
        return RandomState(self._lanes.copy(), self._scalar.copy())

    @property
    def trials(self) -> int:
        return len(self._lanes)

    # --- vectors -----------------------------------------------------------------------------------------------

    def lfsr(self, shape: int | tuple[int, ...] = limits.RANDOM_LANES, columns=None) -> np.ndarray:
        """Readings as the chip gives them, one new bit each: uint8, (trials, *shape)."""
        return self._numbers(shape, columns, 1).astype(np.uint8)

    def uint8(self, shape: int | tuple[int, ...] = limits.RANDOM_LANES, columns=None) -> np.ndarray:
        """Bytes that share no bits: uint8, (trials, *shape)."""
        return self._numbers(shape, columns, 8).astype(np.uint8)

    def uniform(self, shape: int | tuple[int, ...] = limits.RANDOM_LANES, columns=None) -> np.ndarray:
        """Numbers above 0 and below 1 from 16 fresh bits: float64, (trials, *shape)."""
        return (self._numbers(shape, columns, 16) - 0.5) / PERIOD

    def normal12(self, shape: int | tuple[int, ...] = limits.RANDOM_LANES, sigma: float = 1.0, columns=None,
                 fresh: bool = True) -> np.ndarray:
        """Nearly normal numbers of mean 0: the sum of 12 bytes, scaled to ``sigma``; float64, (trials, *shape).

        The largest possible are +-6 sigma. ``fresh=False`` adds up 12 readings with one new bit each, an eighth of the
        time on the chip: their sum is scaled to ``sigma`` too, but reaches no further than +-3.7 sigma, and numbers
        that are drawn in sequence are correlated.
        """
        shape = _shape(shape)
        *outer, inner = shape or (1,)
        bits = 8 if fresh else 1
        total = self._draw((*outer, 12, inner), columns, bits).sum(axis=-2, dtype=np.int64)
        return (total - 12 * 127.5).reshape(self.trials, *shape) * (sigma / _sigma_of_sum(bits))

    def _numbers(self, shape: int | tuple[int, ...], columns, bits: int) -> np.ndarray:
        shape = _shape(shape)
        return self._draw(shape or (1,), columns, bits).reshape(self.trials, *shape)

    def _draw(self, shape: tuple[int, ...], columns, bits: int) -> np.ndarray:
        """Clock the lanes ``bits`` times for each vector; the last 8 bits, or 16 of 16: uint16, (trials, *shape)."""
        *outer, inner = shape
        per_vector = -(-inner // limits.RANDOM_LANES)
        if columns is not None:
            columns = np.asarray(columns)
            if columns.shape != (inner,):
                raise ValueError(f"{len(columns)} columns were named for numbers of shape {shape}, whose last axis "
                                 "counts the columns")
            if inner and not 0 <= columns.min() <= columns.max() < limits.RANDOM_LANES:
                raise ValueError(f"columns {columns.min()} to {columns.max()} were named; a processor has lanes 0 to "
                                 f"{limits.RANDOM_LANES - 1}")
            per_vector = min(inner, 1)
        vectors = int(np.prod(outer, dtype=np.int64)) * per_vector
        mask = 0xFFFF if bits == 16 else 0xFF
        out = np.empty((self.trials, vectors, limits.RANDOM_LANES), np.uint16)
        for v in range(vectors):
            self._lanes = _clock(_clock(self._lanes, 8), 8) if bits == 16 else _clock(self._lanes, bits)
            np.bitwise_and(self._lanes, mask, out=out[:, v])
        if self.meter is not None:
            self.meter.charge(Operation.RANDOM_READ, vectors * bits * limits.VECTORS_PER_ROW)
        out = out.reshape(self.trials, *outer, per_vector * limits.RANDOM_LANES)
        return out[..., :inner] if columns is None else out[..., columns]

    # --- single numbers ----------------------------------------------------------------------------------------

    def xorshift32(self, size: int | None = None) -> np.ndarray:
        """The next numbers of the scalar generator: uint32, (trials,) or (trials, size)."""
        out = np.empty((self.trials, 1 if size is None else size), np.uint32)
        x = self._scalar
        for i in range(out.shape[1]):
            x = x ^ (x << np.uint32(13))
            x = x ^ (x >> np.uint32(17))
            x = x ^ (x << np.uint32(5))
            out[:, i] = x
        self._scalar = x
        return out[:, 0] if size is None else out

    def integers(self, below: int, size: int | None = None) -> np.ndarray:
        """Whole numbers from 0 to ``below`` - 1 from the scalar generator: int64, (trials,) or (trials, size)."""
        if not 1 <= below <= 2**31:
            raise ValueError(f"integers below {below} can't be drawn; 1 to 2^31 can")
        return (self.xorshift32(size).astype(np.uint64) * np.uint64(below) >> np.uint64(32)).astype(np.int64)


def _shape(shape: int | tuple[int, ...]) -> tuple[int, ...]:
    return (int(shape),) if np.isscalar(shape) else tuple(shape)  # type: ignore[arg-type]


def _sigma_of_sum(bits: int) -> float:
    """Standard deviation of a sum of 12 bytes that begin ``bits`` clocks apart.

    A lane's bits are balanced and uncorrelated, so the variance is a quarter of the sum of squares of the weights that
    each bit has in the sum.
    """
    starts = np.zeros(11 * bits + 1)
    starts[::bits] = 1.0
    return float(np.sqrt(np.sum(np.convolve(starts, 2.0 ** np.arange(8)) ** 2) / 4.0))


# --- shift registers -----------------------------------------------------------------------------------------------


def _clock(lanes: np.ndarray, bits: int) -> np.ndarray:
    """Lanes (trials, 256) after 1 to 8 clocks."""
    high, low, offset = _tables()
    new = high.take(offset + (lanes >> 8)) ^ low.take(offset + (lanes & 255))
    return (lanes << bits) | (new >> (8 - bits))


@lru_cache(maxsize=1)
def feedback_taps() -> np.ndarray:
    """Feedback of each lane: uint16, (256,); bit i - 1 is c_i, which multiplies the bit before i clocks."""
    primitive = _primitive_polynomials()
    taps = (primitive[:: len(primitive) // limits.RANDOM_LANES] >> 1).astype(np.uint16)
    taps.flags.writeable = False
    return taps


def _primitive_polynomials() -> np.ndarray:
    """The primitive polynomials of degree 16 over GF(2), ascending; bit i is the coefficient of x^i.

    Primitive means that x has the order 2^16 - 1 modulo the polynomial.
    """
    p = np.arange(2**16 + 1, 2**17, 2, dtype=np.uint32)
    power = np.full(len(p), 2, np.uint32)  # x to the power of 2^k
    for _ in range(16):
        power = _multiply(power, power, p)
    p = p[power == 2]
    for factor in _FACTORS:
        p = p[_power_of_x(PERIOD // factor, p) != 1]
    return p


def _power_of_x(exponent: int, p: np.ndarray) -> np.ndarray:
    result = np.ones(len(p), np.uint32)
    for digit in f"{exponent:b}":
        result = _multiply(result, result, p)
        if digit == "1":
            result = _multiply(result, np.full(len(p), 2, np.uint32), p)
    return result


def _multiply(a: np.ndarray, b: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Product of polynomials over GF(2) modulo p, by Horner's rule."""
    result = np.zeros_like(a)
    for i in range(15, -1, -1):
        result <<= 1
        result ^= p * (result >> 16)
        result ^= a * ((b >> i) & 1)
    return result


@lru_cache(maxsize=1)
def _tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The 8 bits that follow a state: XOR of a table for its high and one for its low byte, both flat (lane, byte).

    Also the offset of each lane in them. Following bits are linear in the state, so tables grow from single bits.
    """
    taps = feedback_taps().astype(np.uint32)
    both = np.zeros((2, limits.RANDOM_LANES, 256), np.uint16)
    for bit in range(16):
        state = np.full(limits.RANDOM_LANES, 1 << bit, np.uint32)
        for _ in range(8):
            state = (state << 1) | _parity(state & taps)
        table, size = both[1 - bit // 8], 1 << bit % 8
        table[:, size:2 * size] = table[:, :size] ^ (state & 255).astype(np.uint16)[:, None]
    both.flags.writeable = False
    offset = 256 * np.arange(limits.RANDOM_LANES)
    offset.flags.writeable = False
    return both[0].reshape(-1), both[1].reshape(-1), offset


def _parity(x: np.ndarray) -> np.ndarray:
    for shift in (8, 4, 2, 1):
        x = x ^ (x >> shift)
    return x & 1
