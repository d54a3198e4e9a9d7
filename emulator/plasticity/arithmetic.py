"""Arithmetic of the processor's vector unit, bit by bit, for rules that are meant to be ported to the chip.

Four types wrap an integer array; operators act on each lane:

=============  ========  ===============  =================================================
type           raw       value            overflow of ``+`` and ``-``
=============  ========  ===============  =================================================
``FracSat8``   int8      raw / 128        saturates at -128 and 127
``FracSat16``  int16     raw / 32768      saturates at -32768 and 32767
``Mod8``       uint8     raw              modulo 256
``Mod16``      uint16    raw              modulo 65536
=============  ========  ===============  =================================================

With n bits:

- Fractional product: floor(a b / 2^(n-1)); the one overflow, -1 times -1, gives the largest value. So products round
  towards minus infinity: the smallest negative value times anything positive stays negative.
- Modular product: a b modulo 2^n.
- Negation: 0 - a, so the lowest fractional value becomes the largest.
- ``<<`` of fractional types keeps the sign bit and shifts the n - 1 others, dropping what leaves them: it does not
  saturate. ``>>`` divides and rounds towards minus infinity. Modular types shift bits and fill in zeros. A negative
  count shifts the other way. A shift by n or more gives 0, also of negative values.
- Comparison: lane by lane, an array of bool; unsigned values are never below zero.

The semantics follow the processor's instruction set and the vector classes of its public run-time library (nux guide,
section "FXV vector instruction set"; libnux, ``VectorFracSat8`` and its kin).

An operand is of the same type, or one integer, which stands for its raw value. Anything else is a TypeError: the chip
has no operation that mixes types, and a silent conversion would hide where a ported rule loses bits.
"""

from __future__ import annotations

import operator
from typing import Self

import numpy as np


class Lanes:
    """A vector of lanes; immutable. The subclasses say how it overflows."""

    __slots__ = ("_raw",)
    __array_ufunc__ = None  # NumPy arrays leave mixed operations to this class, which refuses them
    __hash__ = None  # type: ignore[assignment]  # equality is by lane

    BITS: int
    DTYPE: type[np.signedinteger] | type[np.unsignedinteger]
    SCALE: int  # raw value that stands for 1.0
    _raw: np.ndarray

    def __init__(self, raw) -> None:
        """Wrap raw integers that fit the type.

        Parameters
        ----------
        raw : int or array of int, any shape
            ValueError where one is out of range; ``of`` brings any integer into range.
        """
        if isinstance(raw, Lanes):
            raise TypeError(f"{type(self).__name__} was given a {type(raw).__name__}: convert with as_bits(), "
                            "contiguous(), widen() or narrow()")
        array = np.asarray(raw)
        if array.dtype.kind not in "iub":
            raise TypeError(f"{type(self).__name__} holds integers and was given {array.dtype.name}: use "
                            f"{type(self).__name__}.from_float")
        low, high = self.range()
        if array.size and (array.min() < low or array.max() > high):
            raise ValueError(f"{type(self).__name__} holds {low} to {high} and was given {array.min()} to "
                             f"{array.max()}: use {type(self).__name__}.of, which brings values into range")
        self._raw = array.astype(self.DTYPE)
        self._raw.flags.writeable = False

    # --- making and reading ------------------------------------------------------------------------------------

    @classmethod
    def range(cls) -> tuple[int, int]:
        """Lowest and highest raw value."""
        info = np.iinfo(cls.DTYPE)
        return int(info.min), int(info.max)

    @classmethod
    def of(cls, values) -> Self:
        """Wrap integers of any size, brought into range as the type does it: saturated or modulo."""
        array = np.asarray(values)
        if array.dtype.kind not in "iub":
            raise TypeError(f"{cls.__name__}.of takes integers and was given {array.dtype.name}: use "
                            f"{cls.__name__}.from_float")
        if array.dtype == np.uint64:  # beyond int64: bring the upper half into it without changing the result
            array = np.where(array < 2**62, array, 2**62 + (array & np.uint64(2**16 - 1)))
        return cls._fit(array.astype(np.int64))

    @classmethod
    def from_float(cls, values) -> Self:
        """Round to the nearest representable value (half to even); saturate what is out of range, also modular types.

        Parameters
        ----------
        values : float or array of float, any shape
            In units of the value: FracSat8.from_float(0.5) has the raw value 64. ValueError for NaN.
        """
        scaled = np.asarray(values, float) * cls.SCALE
        if np.isnan(scaled).any():
            raise ValueError(f"{cls.__name__}.from_float was given NaN, which no integer stands for")
        return cls(np.clip(np.rint(scaled), *cls.range()).astype(np.int64))

    def to_float(self) -> np.ndarray:
        """Values as float64, exact."""
        return self._raw / self.SCALE

    @property
    def raw(self) -> np.ndarray:
        """The raw integers, read-only."""
        return self._raw

    @property
    def shape(self) -> tuple[int, ...]:
        return self._raw.shape

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        if not copy and (dtype is None or dtype == self.DTYPE):
            return self._raw
        if copy is False:
            raise ValueError(f"{type(self).__name__} can't be seen as {np.dtype(dtype).name} without a copy")
        return self._raw.astype(self.DTYPE if dtype is None else dtype)

    def __len__(self) -> int:
        return len(self._raw)

    def __getitem__(self, index) -> Self:
        return type(self)(self._raw[index])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({np.array2string(self._raw, threshold=20, separator=', ')})"

    # --- arithmetic --------------------------------------------------------------------------------------------

    @classmethod
    def _fit(cls, wide: np.ndarray) -> Self:
        """Bring an exact int64 result into range."""
        raise NotImplementedError

    def _operand(self, other) -> np.ndarray | None:
        """The other operand as int64; None if it isn't an operand for lanes at all."""
        if type(other) is type(self):
            return other._raw.astype(np.int64)
        mine = type(self).__name__
        if isinstance(other, bool | np.bool_):
            raise TypeError(f"{mine} can't be combined with a bool: use where() to select lanes")
        if isinstance(other, int | np.integer):
            low, high = self.range()
            if not low <= other <= high:
                raise ValueError(f"{other} is no raw value of {mine}, which holds {low} to {high}")
            return np.asarray(int(other), np.int64)
        if isinstance(other, Lanes):
            raise TypeError(f"{mine} can't be combined with {type(other).__name__}: convert one of them with "
                            "as_bits(), contiguous(), widen() or narrow()")
        if isinstance(other, float | np.floating):
            raise TypeError(f"{mine} can't be combined with the float {other}: use {mine}.from_float({other})")
        if isinstance(other, np.ndarray | list | tuple):
            raise TypeError(f"{mine} can't be combined with a bare array: wrap it, {mine}(array) or "
                            f"{mine}.from_float(array)")
        return None

    def _binary(self, other, function, swap: bool = False):
        b = self._operand(other)
        if b is None:
            return NotImplemented
        a = self._raw.astype(np.int64)
        return self._fit(function(b, a) if swap else function(a, b))

    def __add__(self, other) -> Self:
        return self._binary(other, operator.add)

    def __radd__(self, other) -> Self:
        return self._binary(other, operator.add, swap=True)

    def __sub__(self, other) -> Self:
        return self._binary(other, operator.sub)

    def __rsub__(self, other) -> Self:
        return self._binary(other, operator.sub, swap=True)

    def __mul__(self, other) -> Self:
        return self._binary(other, self._product)

    def __rmul__(self, other) -> Self:
        return self._binary(other, self._product)

    def __neg__(self) -> Self:
        return self._fit(-self._raw.astype(np.int64))

    @classmethod
    def _product(cls, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a * b if cls.SCALE == 1 else (a * b) >> (cls.BITS - 1)

    def __lshift__(self, count) -> Self:
        return self._shift(self._count(count))

    def __rshift__(self, count) -> Self:
        return self._shift(-self._count(count))

    def _count(self, count) -> int:
        if not isinstance(count, int | np.integer) or isinstance(count, bool):
            raise TypeError(f"{type(self).__name__} is shifted by one integer for all lanes, not by {count!r}")
        return int(count)

    def _shift(self, left: int) -> Self:
        if abs(left) >= self.BITS:
            return type(self)(np.zeros(self.shape, self.DTYPE))
        a = self._raw.astype(np.int64)
        return self._fit(a >> -left if left < 0 else self._left(a, left))

    @classmethod
    def _left(cls, a: np.ndarray, count: int) -> np.ndarray:
        raise NotImplementedError

    # --- comparison and selection ------------------------------------------------------------------------------

    def _compare(self, other, function):
        b = self._operand(other)
        return NotImplemented if b is None else function(self._raw.astype(np.int64), b)

    def __eq__(self, other) -> np.ndarray:  # type: ignore[override]
        return self._compare(other, operator.eq)

    def __ne__(self, other) -> np.ndarray:  # type: ignore[override]
        return self._compare(other, operator.ne)

    def __lt__(self, other) -> np.ndarray:
        return self._compare(other, operator.lt)

    def __le__(self, other) -> np.ndarray:
        return self._compare(other, operator.le)

    def __gt__(self, other) -> np.ndarray:
        return self._compare(other, operator.gt)

    def __ge__(self, other) -> np.ndarray:
        return self._compare(other, operator.ge)

    def where(self, mask, other) -> Self:
        """This vector where ``mask`` (bool, broadcastable) holds, ``other`` (same type or an integer) elsewhere."""
        mask = np.asarray(mask)
        if mask.dtype != bool:
            raise TypeError("where() selects by an array of bool, such as a comparison gives, not by "
                            f"{mask.dtype.name}")
        b = self._operand(other)
        if b is None:
            raise TypeError(f"where() needs a {type(self).__name__} or an integer to select from, not {other!r}")
        return type(self)(np.where(mask, self._raw.astype(np.int64), b))

    # --- conversion --------------------------------------------------------------------------------------------

    def as_bits(self, kind: type[Lanes]) -> Lanes:
        """The same bits as another type of the same width: a Mod8 of 200 becomes a FracSat8 of -56."""
        if kind.BITS != self.BITS:
            raise TypeError(f"{type(self).__name__} and {kind.__name__} differ in width: use widen() or narrow()")
        return kind(self._raw.view(kind.DTYPE))

    def contiguous(self) -> Lanes:
        """The other type of this width, order kept: FracSat8 -128..127 becomes Mod8 0..255, and back."""
        kind = _PARTNER[type(self)]
        half = 2 ** (self.BITS - 1)
        return kind(self._raw.astype(np.int64) + (half if self.SCALE > 1 else -half))

    def widen(self) -> Lanes:
        """16 bits: fractional types keep their value (raw times 256), modular types their number."""
        kind = _WIDER.get(type(self))
        if kind is None:
            raise TypeError(f"{type(self).__name__} is the widest of its kind")
        return kind(self._raw.astype(np.int64) * (256 if self.SCALE > 1 else 1))

    def narrow(self) -> Lanes:
        """8 bits: fractional types keep the high byte (rounding down), modular types the low byte."""
        kind = {wide: small for small, wide in _WIDER.items()}.get(type(self))
        if kind is None:
            raise TypeError(f"{type(self).__name__} is the narrowest of its kind")
        a = self._raw.astype(np.int64)
        return kind(a >> 8 if self.SCALE > 1 else a & 255)


class _Fractional(Lanes):
    __slots__ = ()

    @classmethod
    def _fit(cls, wide: np.ndarray) -> Self:
        return cls(np.clip(wide, *cls.range()))

    @classmethod
    def _left(cls, a: np.ndarray, count: int) -> np.ndarray:
        magnitude = 2 ** (cls.BITS - 1)
        return np.where(a < 0, -magnitude, 0) + ((a << count) & (magnitude - 1))


class _Modular(Lanes):
    __slots__ = ()

    @classmethod
    def _fit(cls, wide: np.ndarray) -> Self:
        return cls(wide & (2**cls.BITS - 1))

    @classmethod
    def _left(cls, a: np.ndarray, count: int) -> np.ndarray:
        return a << count


class FracSat8(_Fractional):
    """Signed fractions of 8 bits (Q0.7), saturating: -1 to 127/128. The type for weights and their changes."""

    __slots__ = ()
    BITS, DTYPE, SCALE = 8, np.int8, 128


class FracSat16(_Fractional):
    """Signed fractions of 16 bits (Q0.15), saturating: -1 to 32767/32768."""

    __slots__ = ()
    BITS, DTYPE, SCALE = 16, np.int16, 32768


class Mod8(_Modular):
    """Unsigned integers of 8 bits, modulo 256. What converters, counters and random lanes give."""

    __slots__ = ()
    BITS, DTYPE, SCALE = 8, np.uint8, 1


class Mod16(_Modular):
    """Unsigned integers of 16 bits, modulo 65536."""

    __slots__ = ()
    BITS, DTYPE, SCALE = 16, np.uint16, 1


_PARTNER: dict[type[Lanes], type[Lanes]] = {FracSat8: Mod8, Mod8: FracSat8, FracSat16: Mod16, Mod16: FracSat16}
_WIDER: dict[type[Lanes], type[Lanes]] = {FracSat8: FracSat16, Mod8: Mod16}
