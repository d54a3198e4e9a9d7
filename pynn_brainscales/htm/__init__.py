"""Hierarchical temporal memory: reference algorithms in NumPy, encoders, and the figures to compare by."""

from .encoders import RDSE, CategoryEncoder, RandomDistributedScalarEncoder, ScalarEncoder
from .paper_memory import PaperTemporalMemory
from .sdr import SDR
from .spatial_pooler import SpatialPooler
from .temporal_memory import TemporalMemory

__all__ = ["RDSE", "SDR", "CategoryEncoder", "PaperTemporalMemory", "RandomDistributedScalarEncoder", "ScalarEncoder",
           "SpatialPooler", "TemporalMemory"]
