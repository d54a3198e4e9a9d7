"""Hierarchical temporal memory: spiking networks of PyNN objects, the reference algorithms, encoders, and figures."""

from .encoders import RDSE, CategoryEncoder, RandomDistributedScalarEncoder, ScalarEncoder
from .paper_memory import PaperTemporalMemory
from .paper_pooler import PaperSpatialPooler, paper_spatial_pooler
from .pipeline import Pipeline
from .pooler_network import Timing
from .pooler_rule import PoolerRule
from .sdr import SDR
from .sequence_network import SequenceParameters
from .spatial_pooler import SpatialPooler
from .spiking_memory import SpikingTemporalMemory
from .spiking_pooler import SpikingSpatialPooler
from .temporal_memory import TemporalMemory

__all__ = ["RDSE", "SDR", "CategoryEncoder", "PaperSpatialPooler", "PaperTemporalMemory", "Pipeline", "PoolerRule",
           "RandomDistributedScalarEncoder", "ScalarEncoder", "SequenceParameters", "SpatialPooler",
           "SpikingSpatialPooler", "SpikingTemporalMemory", "TemporalMemory", "Timing", "paper_spatial_pooler"]
