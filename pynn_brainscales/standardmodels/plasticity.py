"""Spike-timing-dependent plasticity: the mechanism, and the parts that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Number

import numpy as np
from pyNN import errors
from pyNN.parameters import ParameterSpace
from pyNN.standardmodels import build_translations, synapses

from .base import AnySynapse, OnTheWay, checks_of, space_of
from .ranges import problem

_NO_FILE = "stdpmechanism_default.txt"  # PyNN's default template, which PyNN does not have


class _Part(OnTheWay):
    possible_models = frozenset({"all pairs"})


class _WeightDependence(_Part):
    def contradiction(self, values: Mapping[str, np.ndarray]) -> str | None:
        return _order_of_bounds(values)


class SpikePairRule(_Part, synapses.SpikePairRule):
    pass


class Vogels2011Rule(_Part, synapses.Vogels2011Rule):
    """Inhibitory plasticity with a target rate (Vogels et al. 2011, Science 334:1569).

    Every pair of spikes potentiates, whatever its order, by ``eta exp(-|dt| / tau)``; every presynaptic spike depresses
    by ``2 eta rho tau``. It has amplitudes of its own and goes with AdditiveWeightDependence only.

    Arguments:
        `tau`:
            time constant, in milliseconds.
        `eta`:
            learning rate, in units of the weight.
        `rho`:
            target rate, in Hz.
    """

    possible_models = frozenset({"all pairs, symmetric"})


class AdditiveWeightDependence(_WeightDependence, synapses.AdditiveWeightDependence):
    possible_models = frozenset({"all pairs", "all pairs, symmetric"})


class MultiplicativeWeightDependence(_WeightDependence, synapses.MultiplicativeWeightDependence):
    pass


class AdditivePotentiationMultiplicativeDepression(
        _WeightDependence, synapses.AdditivePotentiationMultiplicativeDepression):
    pass


class GutigWeightDependence(_WeightDependence, synapses.GutigWeightDependence):
    pass


TIMING_RULES = (SpikePairRule, Vogels2011Rule)
WEIGHT_DEPENDENCES = (AdditiveWeightDependence, MultiplicativeWeightDependence,
                      AdditivePotentiationMultiplicativeDepression, GutigWeightDependence)


class STDPMechanism(AnySynapse, synapses.STDPMechanism):

    def __init__(self, timing_dependence=None, weight_dependence=None, voltage_dependence=None,
                 dendritic_delay_fraction=1.0, weight=0.0, delay=None):
        for name, value, known in (("timing_dependence", timing_dependence, TIMING_RULES),
                                   ("weight_dependence", weight_dependence, WEIGHT_DEPENDENCES)):
            if not isinstance(value, known):
                raise TypeError(f"STDPMechanism: {name}={value!r}; there are "
                                f"{', '.join(kind.__name__ for kind in known)}, of pynn_brainscales")
        if not timing_dependence.possible_models & weight_dependence.possible_models:
            raise errors.NoModelAvailableError(
                f"STDPMechanism: {type(timing_dependence).__name__} goes with AdditiveWeightDependence only, not with "
                f"{type(weight_dependence).__name__}")
        if voltage_dependence is not None:
            raise NotImplementedError("STDPMechanism: there is no voltage_dependence; leave it out")
        if not isinstance(dendritic_delay_fraction, Number) or problem(
                "dendritic_delay_fraction", dendritic_delay_fraction):
            raise errors.InvalidParameterValueError(
                f"STDPMechanism: dendritic_delay_fraction must be one number between 0 and 1, got "
                f"{dendritic_delay_fraction!r}")
        # PyNN's own constructor compares delays with numbers, and changes a dictionary of the class
        self.timing_dependence = timing_dependence
        self.weight_dependence = weight_dependence
        self.voltage_dependence = None
        self.dendritic_delay_fraction = float(dendritic_delay_fraction)
        self.weight = 0.0 if weight is None else weight
        nothing = delay is None or (isinstance(delay, Number) and delay == 0)
        self.delay = self._get_minimum_delay() if nothing else delay
        space_of({"weight": self.weight, "delay": self.delay}, self.get_schema(), None, "STDPMechanism")
        self.translations = build_translations(*((name, name) for name in self.get_parameter_names()))
        self.parameter_checks = checks_of(self.get_parameter_names())

    @property
    def parameter_space(self) -> ParameterSpace:
        """Parameters of the mechanism and of its parts."""
        values = {"weight": self.weight, "delay": self.delay,
                  "dendritic_delay_fraction": self.dendritic_delay_fraction}
        for part in (self.timing_dependence, self.weight_dependence):
            values |= dict(part.parameter_space.items())
        return ParameterSpace(values, self.get_schema(), None)

    @property
    def native_parameters(self) -> ParameterSpace:
        """The same."""
        return self.translate(self.parameter_space)

    def describe(self, template: str | None = _NO_FILE, engine: str = "default"):
        """A description; see ``pyNN.standardmodels.synapses.STDPMechanism.describe``."""
        if template == _NO_FILE:
            return (f"STDPMechanism with {type(self.timing_dependence).__name__} and "
                    f"{type(self.weight_dependence).__name__}")
        return super().describe(template, engine)

    def contradiction(self, values: Mapping[str, np.ndarray]) -> str | None:
        return _order_of_bounds(values)


def _order_of_bounds(values: Mapping[str, np.ndarray]) -> str | None:
    if "w_min" not in values or "w_max" not in values:
        return None
    low, high = np.broadcast_arrays(np.asarray(values["w_min"], float), np.asarray(values["w_max"], float))
    wrong = ~(low <= high)
    if not np.any(wrong):
        return None
    return f"w_min must not be greater than w_max, got w_min={low[wrong][0]:g} and w_max={high[wrong][0]:g}"
