"""Ready plasticity rules, one idea a module."""

from .structural import (
    DistanceDependentFormation,
    FixedWeightFormation,
    RandomByWeightElimination,
    RandomSelection,
    StructuralPlasticity,
    UnusedSelection,
    WeightElimination,
)

__all__ = ["DistanceDependentFormation", "FixedWeightFormation", "RandomByWeightElimination", "RandomSelection",
           "StructuralPlasticity", "UnusedSelection", "WeightElimination"]
