"""Ready plasticity rules, one idea a module."""

from .closed_loop import ClosedLoop, Environment, Reply
from .homeostasis import Homeostasis
from .reward import RewardModulatedSTDP
from .stdp import SensorSTDP, SensorVogels2011

__all__ = ["ClosedLoop", "Environment", "Homeostasis", "Reply", "RewardModulatedSTDP", "SensorSTDP", "SensorVogels2011"]
