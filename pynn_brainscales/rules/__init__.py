"""Ready plasticity rules, one idea a module."""

from .closed_loop import ClosedLoop, Environment, Reply
from .homeostasis import Homeostasis

__all__ = ["ClosedLoop", "Environment", "Homeostasis", "Reply"]
