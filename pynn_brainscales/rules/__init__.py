"""Ready plasticity rules, one idea a module."""

from .reward import RewardModulatedSTDP

__all__ = ["RewardModulatedSTDP"]
