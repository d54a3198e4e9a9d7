"""Hierarchical temporal memory: spiking networks for the chip, their reference in NumPy, encoders, and figures."""

from .encoders import RDSE, CategoryEncoder, RandomDistributedScalarEncoder, ScalarEncoder
from .paper_memory import PaperTemporalMemory
from .sdr import SDR
from .spatial_pooler import SpatialPooler
from .spiking_memory import SpikingTemporalMemory
from .temporal_memory import TemporalMemory

__all__ = ["RDSE", "SDR", "CategoryEncoder", "PaperTemporalMemory", "RandomDistributedScalarEncoder", "ScalarEncoder",
           "SpatialPooler", "SpikingTemporalMemory", "TemporalMemory"]
