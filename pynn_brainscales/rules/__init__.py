"""Ready plasticity rules, one idea a module."""

from .stdp import SensorSTDP, SensorVogels2011

__all__ = ["SensorSTDP", "SensorVogels2011"]
