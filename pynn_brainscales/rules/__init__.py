"""Ready plasticity rules, one idea a module."""

from .depression import HomeostaticDepression

__all__ = ["HomeostaticDepression"]
