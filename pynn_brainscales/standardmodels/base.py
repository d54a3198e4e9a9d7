"""What all standard models share: parameters stay as given, under PyNN's names and in PyNN's units."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from pyNN import errors
from pyNN.parameters import ArrayParameter, ParameterSpace
from pyNN.standardmodels import build_translations
from pyNN.standardmodels.base import check_weights

from .. import simulator
from ..callers import level_of_caller
from ..random_sharing import detached
from .ranges import late_problem, limited, problem

_SHOWN = 120  # characters of a wrong value that an error repeats


def space_of(parameters: Mapping, schema: dict, shape: tuple[int, ...] | None, owner: str) -> ParameterSpace:
    """PyNN's ParameterSpace of values given by the user.

    Raises
    ------
    NonExistentParameterError, InvalidParameterValueError, InvalidDimensionsError
        Each says which parameter of which ``owner``, and what was given.
    """
    space = ParameterSpace({}, schema, shape)
    for name, value in parameters.items():
        if name not in schema:
            raise errors.NonExistentParameterError(name, owner, list(schema))
        try:
            if value is None or isinstance(value, Mapping):
                raise TypeError
            space[name] = listed(value, schema[name])
        except errors.InvalidDimensionsError as error:
            raise errors.InvalidDimensionsError(f"{owner}: {name} can't be {shown(value)}: {error}") from None
        except (AssertionError, TypeError, ValueError):
            raise errors.InvalidParameterValueError(
                f"{owner}: {name} can't be {shown(value)}; it may be a number, an array or list of numbers, a "
                "RandomDistribution or a function") from None
    return space


def shown(value) -> str:
    """A value as errors show it: long ones are cut."""
    text = " ".join(repr(value).split())
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def listed(value, kind: type):
    """A 2-D array of lists, one for each cell, in the form that PyNN takes."""
    several = issubclass(kind, ArrayParameter) and isinstance(value, np.ndarray) and value.ndim == 2
    return list(value) if several else value


def checked_weights(weights, projection) -> None:
    """PyNN's check of the signs of weights, with an error that says what was given."""
    try:
        check_weights(weights, projection)
    except errors.ConnectionError as error:
        given = np.asarray(weights, float)
        raise errors.ConnectionError(
            f"{projection.label}: weights from {given.min():g} to {given.max():g} for receptor type "
            f"{projection.receptor_type!r}. {error}: >= 0 for conductance-based and excitatory synapses, <= 0 for "
            "current-based inhibitory ones; change their sign or the receptor_type") from None


def _checked_range(name: str, values, projection) -> None:
    wrong = problem(name, values)
    if wrong:
        raise errors.InvalidParameterValueError(f"{projection.label}: {wrong}")
    late = late_problem(name, values)
    if late:
        warnings.warn(f"{projection.label}: {late}", UserWarning, stacklevel=4)


def _checked_delay(values, projection) -> None:
    longest = simulator.state.max_delay
    if longest != "auto" and np.max(values) > longest * (1 + 1e-9):
        warnings.warn(
            f"{projection.label}: a delay of {np.max(values):g} ms is longer than max_delay={longest:g} ms in setup(); "
            "it is kept here, other simulators may refuse it", UserWarning, stacklevel=level_of_caller())


def checks_of(names) -> dict[str, Callable]:
    """The checks (values, projection) of synaptic parameters, by name."""
    checks: dict[str, Callable] = {"weight": checked_weights} | ({"delay": _checked_delay} if "delay" in names else {})
    return checks | {name: partial(_checked_range, name) for name in names if limited(name)}


def _defaults(cls) -> Mapping:
    return getattr(cls, "default_parameters", {})


class AsGiven:
    """A standard model whose parameters are kept as given: nothing is translated before the mapping."""

    _by_default: frozenset[str] = frozenset()  # parameters that may be None

    def __init_subclass__(cls, **kwargs) -> None:
        super().__init_subclass__(**kwargs)
        cls.translations = build_translations(*((name, name) for name in _defaults(cls)))
        if cls.__doc__ is None:
            cls.__doc__ = cls.__bases__[-1].__doc__

    def __init__(self, *args, **parameters) -> None:
        if not args:
            schema = self.get_schema()
            given = {name: value for name, value in parameters.items()
                     if value is not None or name not in self._by_default}
            space_of(given, schema, None, type(self).__name__)
            parameters = {name: listed(value, schema[name]) for name, value in parameters.items()}
        super().__init__(*args, **parameters)

    def get_schema(self) -> dict[str, type]:
        """Parameter names and the types that their values have; whole numbers may be any number."""
        return {name: float if kind is int else kind for name, kind in super().get_schema().items()}

    def translate(self, parameters, copy: bool = True) -> ParameterSpace:
        """The same parameters; see ``random_sharing`` for what becomes of random generators."""
        values = detached(parameters) if copy else dict(parameters.items())
        return ParameterSpace(values, None, parameters.shape)

    def contradiction(self, values: Mapping[str, np.ndarray]) -> str | None:
        """What is wrong with the values of several parameters together, or None."""
        return None


class OnTheWay(AsGiven):
    """What models of a synapse, and parts of them, share: values are checked as soon as they are numbers."""

    def __init__(self, *args, **parameters) -> None:
        super().__init__(*args, **parameters)
        known = {name: value.base_value for name, value in self.parameter_space.items()
                 if isinstance(value.base_value, (int, float, np.number, np.ndarray)) and not value.operations}
        wrong = next(filter(None, (problem(name, value) for name, value in known.items())), None)
        wrong = wrong or self.contradiction(known)
        if wrong:
            raise errors.InvalidParameterValueError(f"{type(self).__name__}: {wrong}")
        for late in filter(None, (late_problem(name, value) for name, value in known.items())):
            warnings.warn(f"{type(self).__name__}: {late}", UserWarning, stacklevel=3)


class AnySynapse(OnTheWay):
    """What all synapse types share."""

    _by_default = frozenset({"weight", "delay"})

    def __init_subclass__(cls, **kwargs) -> None:
        super().__init_subclass__(**kwargs)
        cls.parameter_checks = checks_of(_defaults(cls))

    def _get_minimum_delay(self) -> float:
        given = simulator.state.requested_min_delay
        return simulator.state.dt if given == "auto" else given

    def check(self, columns: Mapping[str, np.ndarray], projection) -> None:
        """Raise an error for parameters, (n,) each, that the connections of a projection can't have.

        Raises
        ------
        ConnectionError
            For weights of the wrong sign.
        InvalidParameterValueError
            For other parameters.
        """
        for name, check in self.parameter_checks.items():
            if name in columns and np.size(columns[name]):
                check(columns[name], projection)
        wrong = self.contradiction(columns)
        if wrong:
            raise errors.InvalidParameterValueError(f"{projection.label}: {wrong}")
