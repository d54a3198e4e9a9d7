"""Ready plasticity rules, one idea a module."""

from .closed_loop import ClosedLoop, Environment, Reply
from .depression import HomeostaticDepression
from .homeostasis import Homeostasis
from .reward import RewardModulatedSTDP
from .stdp import SensorSTDP, SensorVogels2011
from .structural import (
    DistanceDependentFormation,
    FixedWeightFormation,
    RandomByWeightElimination,
    RandomSelection,
    StructuralPlasticity,
    UnusedSelection,
    WeightElimination,
)

__all__ = ["ClosedLoop", "DistanceDependentFormation", "Environment", "FixedWeightFormation", "Homeostasis",
           "HomeostaticDepression", "RandomByWeightElimination", "RandomSelection", "Reply", "RewardModulatedSTDP",
           "SensorSTDP", "SensorVogels2011", "StructuralPlasticity", "UnusedSelection", "WeightElimination"]
