"""A PyNN backend for the BrainScaleS-2 chip, whose chip is an emulator.

``import pynn_brainscales as sim`` instead of another simulator; then ``sim.last_mapping().report`` says what the
network has become on the chip.
"""

from . import _layout

_layout.extend(__path__, __file__)

import sys as _sys  # noqa: E402

import pyNN as _pyNN  # noqa: E402
from pyNN import errors, space  # noqa: E402
from pyNN.connectors import (  # noqa: E402
    ArrayConnector,
    CSAConnector,
    DisplacementDependentProbabilityConnector,
    DistanceDependentProbabilityConnector,
    FromFileConnector,
    IndexBasedProbabilityConnector,
    OneToOneConnector,
)
from pyNN.network import Network  # noqa: E402
from pyNN.space import Space  # noqa: E402

from . import (  # noqa: E402
    connectors,
    control,
    populations,
    procedural_api,
    projections,
    random,
    recording,
    rules,
    simulator,
)
from .attachment import attach_rule  # noqa: E402
from .checked_connectors import (  # noqa: E402
    AllToAllConnector,
    CloneConnector,
    FixedNumberPostConnector,
    FixedNumberPreConnector,
    FixedProbabilityConnector,
    FixedTotalNumberConnector,
    FromListConnector,
    SmallWorldConnector,
)
from .control import (  # noqa: E402
    end,
    get_current_time,
    get_max_delay,
    get_min_delay,
    get_time_step,
    initialize,
    last_mapping,
    map_network,
    num_processes,
    rank,
    reset,
    run,
    run_for,
    run_until,
    save_network,
    setup,
)
from .host import send_spikes  # noqa: E402
from .plasticity import PlasticityRule, Timer  # noqa: E402, F401
from .populations import Assembly, Population, PopulationView  # noqa: E402
from .procedural_api import connect, create, record, record_gsyn, record_v, set  # noqa: E402
from .projections import Projection  # noqa: E402
from .random import GSLRNG, NativeRNG, NumpyRNG, RandomDistribution  # noqa: E402
from .standardmodels.cells import (  # noqa: E402
    CELL_TYPES,
    LIF,
    AdExp,
    EIF_cond_alpha_isfa_ista,
    EIF_cond_exp_isfa_ista,
    GIF_cond_exp,
    HH_cond_exp,
    IF_cond_alpha,
    IF_cond_exp,
    IF_cond_exp_gsfa_grr,
    IF_curr_alpha,
    IF_curr_delta,
    IF_curr_exp,
    IF_facets_hardware1,
    Izhikevich,
    PointNeuron,
    SpikeSourceArray,
    SpikeSourceGamma,
    SpikeSourceInhGamma,
    SpikeSourcePoisson,
    SpikeSourcePoissonRefractory,
)
from .standardmodels.electrodes import ACSource, DCSource, NoisyCurrentSource, StepCurrentSource  # noqa: E402
from .standardmodels.hybrid import PlasticSynapse  # noqa: E402
from .standardmodels.plasticity import (  # noqa: E402
    AdditivePotentiationMultiplicativeDepression,
    AdditiveWeightDependence,
    GutigWeightDependence,
    MultiplicativeWeightDependence,
    SpikePairRule,
    STDPMechanism,
    Vogels2011Rule,
)
from .standardmodels.receptors import (  # noqa: E402
    AlphaPSR,
    BetaPSR,
    CondAlphaPostSynapticResponse,
    CondBetaPostSynapticResponse,
    CondExpPostSynapticResponse,
    CurrExpPostSynapticResponse,
    ExpPSR,
)
from .standardmodels.synapses import (  # noqa: E402
    ElectricalSynapse,
    MultiQuantalSynapse,
    SimpleStochasticSynapse,
    StaticSynapse,
    StochasticTsodyksMarkramSynapse,
    TsodyksMarkramSynapse,
)
from .standardmodels.unavailable import missing  # noqa: E402
from .trials import run_trials  # noqa: E402
from .version import __version__  # noqa: E402

__all__ = [
    "ACSource", "AdExp", "AdditivePotentiationMultiplicativeDepression", "AdditiveWeightDependence",
    "AllToAllConnector", "AlphaPSR", "ArrayConnector", "Assembly", "BetaPSR", "CSAConnector", "CloneConnector",
    "CondAlphaPostSynapticResponse", "CondBetaPostSynapticResponse", "CondExpPostSynapticResponse",
    "CurrExpPostSynapticResponse", "DCSource", "DisplacementDependentProbabilityConnector",
    "DistanceDependentProbabilityConnector", "EIF_cond_alpha_isfa_ista", "EIF_cond_exp_isfa_ista", "ElectricalSynapse",
    "ExpPSR",
    "FixedNumberPostConnector", "FixedNumberPreConnector", "FixedProbabilityConnector", "FixedTotalNumberConnector",
    "FromFileConnector", "FromListConnector", "GIF_cond_exp", "GSLRNG", "GutigWeightDependence", "HH_cond_exp",
    "IF_cond_alpha", "IF_cond_exp", "IF_cond_exp_gsfa_grr", "IF_curr_alpha", "IF_curr_delta", "IF_curr_exp",
    "IF_facets_hardware1", "IndexBasedProbabilityConnector", "Izhikevich", "LIF", "MultiQuantalSynapse",
    "MultiplicativeWeightDependence", "NativeRNG", "Network", "NoisyCurrentSource", "NumpyRNG", "OneToOneConnector",
    "PlasticSynapse", "PlasticityRule", "PointNeuron", "Population", "PopulationView", "Projection",
    "RandomDistribution", "STDPMechanism", "SimpleStochasticSynapse", "SmallWorldConnector", "Space",
    "SpikePairRule", "SpikeSourceArray", "SpikeSourceGamma", "SpikeSourceInhGamma", "SpikeSourcePoisson",
    "SpikeSourcePoissonRefractory", "StaticSynapse", "StepCurrentSource", "StochasticTsodyksMarkramSynapse",
    "TsodyksMarkramSynapse", "Vogels2011Rule", "__version__", "attach_rule", "connect", "connectors", "control",
    "create", "end", "errors", "get_current_time", "get_max_delay", "get_min_delay", "get_time_step", "initialize",
    "last_mapping", "list_standard_models", "map_network", "num_processes", "populations", "procedural_api",
    "projections", "random", "rank", "record", "record_gsyn", "record_v", "recording", "reset", "rules", "run",
    "run_for", "run_trials", "run_until", "save_network", "send_spikes",
    "set", "setup", "simulator", "space", "standardmodels"]


def list_standard_models() -> list[str]:
    """Names of the standard cell types that run on this chip."""
    return [cell.__name__ for cell in CELL_TYPES]


def __getattr__(name: str):
    raise missing(__name__, name)


# scripts choose a simulator by ``import_module("pyNN." + name)``: answer to that name once we are imported
_sys.modules.setdefault("pyNN.brainscales", _sys.modules[__name__])
_pyNN.brainscales = _sys.modules[__name__]
