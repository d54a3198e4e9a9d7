"""The spatial pooler as a network of PyNN objects: inputs, columns, and a pool that ends the race between them.

Every active input sends one spike to the columns. Their synaptic currents and membranes are slow, so the more connected
active inputs a column has, the earlier it reaches its threshold. The *pool* is one cell with a fast membrane and slow
synapses: a counter. Once about k columns have spiked, it fires and inhibits all columns, for as long as their drive
lasts: the first k have won ("kill switch", Billaudelle and Ahmad 2015, arXiv:1505.02142).

Everything is slow in terms of the chip (60 and 12 us there), for two reasons: a delay on the chip (0.2 us) is then
short against the time that one more active input gains, so that few columns slip through before the pool acts; and the
more charge a spike brings, the larger the swing of a membrane, beside which the errors of a chip are small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..checked_connectors import AllToAllConnector
from ..connectors import FromListConnector
from ..emulator import limits
from ..plasticity import PlasticityRule
from ..populations import Population
from ..projections import Projection
from ..standardmodels.cells import LIF, IF_curr_exp, PointNeuron, SpikeSourceArray
from ..standardmodels.hybrid import PlasticSynapse
from ..standardmodels.receptors import CurrExpPostSynapticResponse
from ..standardmodels.synapses import StaticSynapse

V_REST, V_THRESH = -65.0, -50.0
W0 = 16  # code of a connected synapse without boost: leaves room to boost it to 63
COUNTED = 0.78  # share of k that lets the pool fire: the others come while its spike is on its way
SILENCING = 1.75  # the pool's inhibition, in units of the drive that just reaches threshold


@dataclass(frozen=True)
class Timing:
    """Times of a spiking pooler, ms.

    Attributes
    ----------
    step : float
        Of the emulator. Columns that cross their thresholds in one step tie.
    cycle : float
        From one record to the next while learning: what is left of the drive has to vanish.
    window : float
        How long a record is watched when nothing is learnt: until the weakest winner could have crossed.
    start, gap : float
        The first input spike of a record, and from one to the next.
    tau_m, tau_syn : float
        Of the columns.
    tau_pool, tau_count : float
        Membrane and synapses of the pool.
    delay : float
        From columns to pool and back; on chips 0.2.
    """

    step: float = 0.25
    cycle: float = 48.0
    window: float = 20.0
    start: float = 0.25
    gap: float = 0.05
    tau_m: float = 60.0
    tau_syn: float = 12.0
    tau_pool: float = 0.5
    tau_count: float = 8.0
    delay: float = 0.25

    @property
    def peak(self) -> float:
        """Largest potential that a spike of weight 1 nA brings to a column (1 nF), mV; times 1 / nA."""
        a, b = self.tau_m, self.tau_syn
        at = math.log(a / b) * a * b / (a - b)
        return a * b / (a - b) * (math.exp(-at / a) - math.exp(-at / b))


class PoolerNetwork(NamedTuple):
    """The PyNN objects of a spiking pooler."""

    inputs: Population
    columns: Population
    pool: Population
    plastic: Projection
    count: tuple[Projection, ...]
    kill: Projection


def build(n_in: int, n_col: int, k: int, threshold: float, codes: np.ndarray, potential: np.ndarray,
          rule: PlasticityRule, timing: Timing, counters: int) -> PoolerNetwork:
    """Make the network in the present simulation.

    Parameters
    ----------
    n_in, n_col, k : int
        Inputs, columns, and how many columns are to win.
    threshold : float
        Connected active inputs that just reach the columns' threshold.
    codes : int, (n_in, n_col)
        Weights to begin with.
    potential : bool, (n_in, n_col)
        Where there is a synapse.
    rule : PlasticityRule
    timing : Timing
    counters : int
        Receptors of the pool, among which the columns are divided; each is a circuit of its own on a chip.
    """
    unit = (V_THRESH - V_REST) / (threshold * timing.peak)  # nA of code W0
    inputs = Population(n_in, SpikeSourceArray(), label="inputs")
    columns = Population(n_col, IF_curr_exp(
        cm=1.0, tau_m=timing.tau_m, tau_syn_E=timing.tau_syn, tau_syn_I=timing.tau_syn, v_rest=V_REST, v_reset=V_REST,
        v_thresh=V_THRESH, tau_refrac=30.0), label="columns")
    receptors = {f"count{i}": CurrExpPostSynapticResponse(tau_syn=timing.tau_count) for i in range(counters)}
    pool = Population(1, PointNeuron(LIF(cm=1.0, tau_m=timing.tau_pool, v_rest=V_REST, v_reset=V_REST,
                                         v_thresh=V_THRESH, tau_refrac=20.0), **receptors), label="pool")
    code = unit / W0
    synapse = {"w_max": limits.WEIGHT_MAX * code, "eta": limits.SENSOR_ETA_RANGE[1], "tau": limits.SENSOR_TAU_RANGE[1],
               "delay": timing.step}
    if potential.all():
        plastic = Projection(inputs, columns, AllToAllConnector(),
                             PlasticSynapse(rule, weight=code * codes, **synapse), label="plastic")
    else:
        pre, post = potential.nonzero()
        listed = np.column_stack([pre, post, code * codes[pre, post]])
        plastic = Projection(inputs, columns, FromListConnector(listed, column_names=["weight"]),
                             PlasticSynapse(rule, **synapse), label="plastic")
    spike = (V_THRESH - V_REST) / (timing.tau_pool * (COUNTED * k - 0.5))  # nA
    edges = np.linspace(0, n_col, counters + 1).astype(int)
    count = tuple(Projection(columns[edges[i]:edges[i + 1]], pool, AllToAllConnector(safe=False),
                             StaticSynapse(weight=spike, delay=timing.delay), receptor_type=name, label=name)
                  for i, name in enumerate(receptors))
    kill = Projection(pool, columns, AllToAllConnector(),
                      StaticSynapse(weight=-SILENCING * threshold * unit, delay=timing.delay),
                      receptor_type="inhibitory", label="kill")
    return PoolerNetwork(inputs, columns, pool, plastic, count, kill)


def volleys(bits: np.ndarray, timing: Timing) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Record, input and time within the record (ms) of the spikes of records, bool (n, inputs)."""
    record, source = bits.nonzero()
    first = np.searchsorted(record, np.arange(len(bits)))
    return record, source, timing.start + timing.gap * (np.arange(len(record)) - first[record])
