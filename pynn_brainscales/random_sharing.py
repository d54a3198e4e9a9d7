"""Random generators that several distributions share.

PyNN's backends copy a model's parameters before they draw them, and with a distribution its generator. One generator
that is given to several distributions, or one distribution that is used several times, therefore gives the same
numbers again and again; so do connectors that choose pairs of cells with a probability. We give the same numbers as
they do, and say so once; ``setup(shared_rng="continue")`` draws on instead. Initial values and the other connectors
draw from the generator itself in both modes.
"""

from __future__ import annotations

import warnings
from copy import deepcopy
from dataclasses import dataclass, field
from hashlib import blake2b
from weakref import WeakKeyDictionary

import numpy as np
from pyNN.errors import InvalidDimensionsError, InvalidParameterValueError
from pyNN.parameters import LazyArray, ParameterSpace
from pyNN.random import AbstractRNG, NumpyRNG, RandomDistribution

from . import simulator
from .callers import level_of_caller

MODES = ("repeat", "continue")
DEFAULT_SEED = 151985012  # of every PyNN connector that is made without a generator


@dataclass
class Begun:
    """From which states of which generators numbers have been drawn since ``setup()``, and for what."""

    states: WeakKeyDictionary = field(default_factory=WeakKeyDictionary)
    said: bool = False


def continues() -> bool:
    """Whether a shared generator draws on (``setup(shared_rng="continue")``)."""
    return getattr(simulator.state, "shared_rng", "repeat") == "continue"


def check_mode(mode: str) -> str:
    """``mode`` of ``setup(shared_rng=...)``; ValueError if there is no such mode."""
    if mode not in MODES:
        raise ValueError(f"shared_rng={mode!r}; there are {' and '.join(map(repr, MODES))}")
    return mode


def detached(parameters) -> dict[str, LazyArray]:
    """Parameters (name -> LazyArray) that can be evaluated without a trace on the originals.

    Also the generators of distributions are copied, unless shared ones draw on. Each parameter is copied by itself, as
    in PyNN: two parameters of one model that share a generator come out equal, too.
    """
    return {name: _detached(value) for name, value in parameters.items()}


def _detached(value: LazyArray) -> LazyArray:
    if not continues() and any(True for _ in generators(value)):
        return deepcopy(value)
    copy = LazyArray(value)
    copy.operations = list(value.operations)
    return copy


def drawn(parameters, n: int, where: str, mask=None) -> dict:
    """Evaluate the parameters of ``n`` cells: name -> number, or array (n,).

    Parameters
    ----------
    parameters : mapping
        Name -> LazyArray, as the user gave them.
    n : int
    where : str
        Of what they are parameters, for warnings and errors.
    mask : int array, optional
        Evaluate for these cells only.

    Raises
    ------
    InvalidDimensionsError, InvalidParameterValueError
        If an array has another shape, or a function doesn't give numbers.
    """
    if not continues():
        note(parameters, where, object())
    values = {}
    for name, value in detached(parameters).items():
        try:
            value.shape = (n,)
        except ValueError as error:
            raise InvalidDimensionsError(f"{where}: {name} can't be set for {n} cells: {error}") from None
        space = ParameterSpace({name: value}, None, (n,))
        try:
            space.evaluate(mask, simplify=False)
        except (TypeError, ValueError) as error:
            raise InvalidParameterValueError(f"{where}: {name} can't be set for {n} cells: {error}") from None
        values |= space.as_dict()
    return values


def note(parameters, where: str, owner=None) -> None:
    """Remember from where the distributions among the parameters are drawn; warn, once, if that is not new.

    Call it with the originals, just before they, or copies of them, are drawn. Several calls for one parameter of one
    ``owner`` (by default what ``where`` says) count as one.
    """
    for name, value in parameters.items():
        for rng in generators(value):
            _note(rng, f"{name} of {where}", (name, where if owner is None else owner))


def for_map(rng: AbstractRNG, label: str) -> AbstractRNG:
    """The generator from which a connector draws whether pairs of cells of a projection are connected.

    A copy, as in PyNN; where shared ones draw on, one of which copies are the generator itself.
    """
    if continues():
        return _Whole(rng)
    if rng.seed != DEFAULT_SEED:  # of connectors without a generator; that they are all alike is in PyNN's manual
        _note(rng, f"the connectivity of {label}", ("connections", object()))
    return deepcopy(rng)


class _Whole(AbstractRNG):
    """A generator that is not copied."""

    def __init__(self, rng: AbstractRNG) -> None:
        super().__init__(rng.seed)
        self.rng, self.parallel_safe = rng, rng.parallel_safe

    def next(self, *args, **named):
        return self.rng.next(*args, **named)

    def __deepcopy__(self, memo) -> _Whole:
        return self


def generators(value):
    """The generators of the distributions behind a LazyArray."""
    if isinstance(value.base_value, RandomDistribution):
        yield value.base_value.rng
    for _, argument in value.operations:
        if isinstance(argument, LazyArray):
            yield from generators(argument)


def _note(rng, what: str, drawer: tuple) -> None:
    state = simulator.state
    if getattr(state, "begun", None) is None:
        state.begun = Begun()
    here = None if state.begun.said else _position(rng)
    if here is None:
        return
    first, earlier = state.begun.states.setdefault(rng, {}).setdefault(here, (drawer, what))
    if first == drawer:
        return
    state.begun.said = True
    warnings.warn(
        f"{what} is drawn from the same random numbers as {earlier}: both share a generator, which PyNN copies for "
        "each of them, so equal distributions give equal values. Give each distribution a NumpyRNG of its own, or let "
        "a shared one draw on by setup(shared_rng='continue'). This is said only once", UserWarning,
        stacklevel=level_of_caller())


def _position(rng) -> bytes | None:
    """Where a generator is in its sequence; None where that can't be told."""
    if not isinstance(rng, NumpyRNG):
        return None
    if isinstance(rng.rng, np.random.RandomState):
        kind, words, *rest = rng.rng.get_state()
        state = words.tobytes() + repr((kind, *rest)).encode()
    else:
        state = repr(rng.rng.bit_generator.state).encode()
    return blake2b(state, digest_size=16).digest()
