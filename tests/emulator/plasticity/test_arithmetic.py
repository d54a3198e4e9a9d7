"""The vector unit's arithmetic against exact rational arithmetic, over all pairs of 8-bit values."""

import math
import operator
from fractions import Fraction

import numpy as np
import pytest
from pynn_brainscales.emulator.plasticity.arithmetic import FracSat8, FracSat16, Mod8, Mod16

TYPES = [FracSat8, FracSat16, Mod8, Mod16]
FRACTIONAL, MODULAR = [FracSat8, FracSat16], [Mod8, Mod16]
RNG = np.random.default_rng(5)


def samples(kind, n=300):
    """All 8-bit values, or the ends and some others of 16 bits."""
    low, high = kind.range()
    if kind.BITS == 8:
        return list(range(low, high + 1))
    return [low, low + 1, -1 if low else 1, 0, 1, high - 1, high, *RNG.integers(low, high + 1, n).tolist()]


def reference(kind, function, a, b):
    """Result of raw a and b by exact arithmetic on values, rounded down to the type's grid and brought into range."""
    low, high = kind.range()
    exact = function(Fraction(a, kind.SCALE), Fraction(b, kind.SCALE))
    raw = math.floor(exact * kind.SCALE)
    return min(max(raw, low), high) if kind in FRACTIONAL else raw % (high + 1)


@pytest.mark.parametrize("function", [operator.add, operator.sub, operator.mul], ids=lambda f: f.__name__)
@pytest.mark.parametrize("kind", TYPES)
def test_operators_agree_with_exact_fractions(kind, function):
    values = samples(kind)
    a, b = np.array([(x, y) for x in values for y in values[:: 1 if kind.BITS == 8 else 20]]).T
    result = function(kind(a), kind(b))
    assert type(result) is kind
    assert result.raw.dtype == kind.DTYPE
    pick = RNG.integers(0, len(a), 4000)
    assert result.raw[pick].tolist() == [reference(kind, function, int(a[i]), int(b[i])) for i in pick]
    ends = np.flatnonzero(np.isin(a, kind.range()) & np.isin(b, kind.range()))
    assert result.raw[ends].tolist() == [reference(kind, function, int(a[i]), int(b[i])) for i in ends]


@pytest.mark.parametrize(("kind", "a", "b", "total", "difference", "product"), [
    # expectations of the public tests of the chip's run-time library
    (FracSat8, -12, 80, 68, -92, -8), (FracSat8, 68, 80, 127, -12, 42), (FracSat8, -72, 60, -12, -128, -34),
    (FracSat8, -12, 42, 30, -54, -4), (FracSat8, -4, 42, 38, -46, -2), (FracSat8, -128, -128, -128, 0, 127),
    (FracSat16, -3000, 20000, 17000, -23000, -1832), (FracSat16, -1832, 20000, 18168, -21832, -1119),
    (FracSat16, -32768, -32768, -32768, 0, 32767),
    (Mod8, 200, 100, 44, 100, 32), (Mod8, 0, 1, 1, 255, 0), (Mod16, 65535, 2, 1, 65533, 65534)])
def test_known_results(kind, a, b, total, difference, product):
    x, y = kind(a), kind(b)
    assert [int((x + y).raw), int((x - y).raw), int((x * y).raw)] == [total, difference, product]
    assert [int((x + b).raw), int((a + y).raw), int((x - b).raw), int((a - y).raw), int((a * y).raw)] == [
        total, total, difference, difference, product]


@pytest.mark.parametrize("kind", TYPES)
def test_negation(kind):
    high = kind.range()[1]
    values = samples(kind)
    expected = [min(-v, high) if kind in FRACTIONAL else -v % (high + 1) for v in values]
    assert (-kind(values)).raw.tolist() == expected


@pytest.mark.parametrize("kind", TYPES)
def test_shifts_move_bits(kind):
    """Against strings of bits: fractional types keep the sign bit, modular types fill in zeros."""
    n = kind.BITS
    for value in samples(kind, 30):
        bits = format(value % 2**n, f"0{n}b")
        for count in range(n + 2):
            if count >= n:
                left = right = "0" * n
            elif kind in FRACTIONAL:
                left = bits[0] + (bits[1:] + "0" * count)[count:]
                right = bits[0] * count + bits[: n - count]
            else:
                left = (bits + "0" * count)[count:]
                right = "0" * count + bits[: n - count]
            for result, text in ((kind(value) << count, left), (kind(value) >> count, right)):
                assert format(int(result.raw) % 2**n, f"0{n}b") == text
            assert int((kind(value) << -count).raw) == int((kind(value) >> count).raw)


def test_shift_is_not_saturating():
    assert (FracSat8([80, -80, 5, -5]) << 2).raw.tolist() == [64, -64, 20, -20]
    with pytest.raises(TypeError, match="one integer for all lanes"):
        FracSat8([1]) << np.array([1])


@pytest.mark.parametrize("kind", TYPES)
def test_float_conversion(kind):
    values = samples(kind)
    assert kind.from_float(kind(values).to_float()).raw.tolist() == values
    low, high = kind.range()
    step = 1.0 / kind.SCALE
    assert kind.from_float([1e9, -1e9, math.inf, -math.inf]).raw.tolist() == [high, low, high, low]
    assert kind.from_float([0.49 * step, 0.51 * step, 1.5 * step, 2.5 * step]).raw.tolist() == [0, 1, 2, 2]
    with pytest.raises(ValueError, match="NaN"):
        kind.from_float([0.0, math.nan])


def test_integers_come_into_range_or_are_refused():
    assert FracSat8.of([300, -300, 5]).raw.tolist() == [127, -128, 5]
    assert Mod8.of([300, -1, 5]).raw.tolist() == [44, 255, 5]
    big = np.array([2**64 - 1, 2**63 + 7, 3], np.uint64)
    assert Mod16.of(big).raw.tolist() == [65535, 7, 3]
    assert FracSat16.of(big).raw.tolist() == [32767, 32767, 3]
    with pytest.raises(ValueError, match=r"FracSat8 holds -128 to 127 and was given 0 to 200: use FracSat8\.of"):
        FracSat8([0, 200])
    with pytest.raises(TypeError, match=r"FracSat8\.from_float"):
        FracSat8([0.5])
    with pytest.raises(ValueError, match="300 is no raw value of Mod8"):
        Mod8([1]) + 300


@pytest.mark.parametrize("function", [operator.add, operator.sub, operator.mul, operator.lt, operator.eq])
def test_mixing_is_refused_in_a_sentence(function):
    a = FracSat8([1, 2])
    for other, words in ((Mod8([1, 2]), "FracSat8 can't be combined with Mod8"), (0.5, "from_float"),
                         (np.float64(0.5), "from_float"), (np.array([1, 2]), "bare array"), ([1, 2], "bare array"),
                         (True, "use where"), (FracSat16([1, 2]), "widen")):
        with pytest.raises(TypeError, match=words):
            function(a, other)
    for other in (0.5, np.array([1, 2]), [1, 2]):
        with pytest.raises(TypeError, match="FracSat8 can't be combined"):
            function(other, a)
    with pytest.raises(TypeError, match="FracSat8"):
        np.add(np.array([1, 2]), a)
    with pytest.raises(TypeError):
        a + "1"
    with pytest.raises(TypeError, match="given a Mod8"):
        FracSat8(Mod8(3))


def test_comparison_and_selection():
    a = FracSat8([-5, 0, 5])
    assert (a < 0).tolist() == [True, False, False]
    assert (a >= 0).tolist() == [False, True, True]
    assert (a == FracSat8([-5, 5, 5])).tolist() == [True, False, True]
    assert (a != 0).tolist() == [True, False, True]
    assert (FracSat8([1]) > a).tolist() == [True, True, False]
    assert (a <= FracSat8([-5, -1, 5])).tolist() == [True, False, True]
    assert not (Mod8([0, 128, 255]) < 0).any()  # unsigned values are never below zero
    assert a.where(a > 0, 0).raw.tolist() == [0, 0, 5]
    assert a.where(a > 0, -a).raw.tolist() == [5, 0, 5]
    with pytest.raises(TypeError, match="array of bool"):
        a.where([1, 0, 1], 0)
    with pytest.raises(TypeError, match="can't be combined with Mod8"):
        a.where(a > 0, Mod8(0))


def test_casts_keep_bits_order_or_value():
    assert Mod8([0, 127, 128, 200]).as_bits(FracSat8).raw.tolist() == [0, 127, -128, -56]  # counts turn negative
    assert FracSat8([-12]).as_bits(Mod8).raw.tolist() == [244]
    assert FracSat8([-128, -12, 127]).contiguous().raw.tolist() == [0, 116, 255]
    assert Mod8([0, 116, 255]).contiguous().raw.tolist() == [-128, -12, 127]
    assert FracSat16([-12]).contiguous().raw.tolist() == [32756]
    assert FracSat8([-3, 127]).widen().raw.tolist() == [-768, 32512]
    assert np.array_equal(FracSat8([-3, 127]).widen().to_float(), FracSat8([-3, 127]).to_float())
    assert FracSat16([-769, 32767, 255]).narrow().raw.tolist() == [-4, 127, 0]
    assert Mod8([200]).widen().raw.tolist() == [200]
    assert Mod16([0x1234]).narrow().raw.tolist() == [0x34]
    for a, method in ((FracSat16(1), "widen"), (Mod8(1), "narrow")):
        with pytest.raises(TypeError, match="est of its kind"):
            getattr(a, method)()
    with pytest.raises(TypeError, match="differ in width"):
        Mod8(1).as_bits(FracSat16)


def test_arrays_in_and_out():
    given = np.array([[1, 2], [3, 4]])
    a = FracSat8(given)
    given[0, 0] = 9
    assert a.raw[0, 0] == 1
    assert a.shape == (2, 2)
    assert a[1].raw.tolist() == [3, 4]
    assert len(a) == 2
    plain = np.asarray(a)
    assert plain.dtype == np.int8
    with pytest.raises(ValueError, match="read-only"):
        plain[0, 0] = 5
    copy = np.array(a)
    copy[0, 0] = 5
    assert a.raw[0, 0] == 1
    assert np.asarray(a, float).dtype == float
    assert repr(FracSat8([1, -2])) == "FracSat8([ 1, -2])"
    total = FracSat8(np.zeros((3, 4), int)) + FracSat8(np.arange(4))  # broadcasts
    assert total.shape == (3, 4)
    a += 100  # gives a new vector
    a += 100
    assert a.raw.max() == 127
