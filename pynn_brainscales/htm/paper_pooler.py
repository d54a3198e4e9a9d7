"""The spatial pooler of Billaudelle and Ahmad (2015), arXiv:1505.02142, with its parameters.

A column is a conductance-based cell. How many of its connected inputs are active is computed on the host: source j
sends as many spikes to column j, all about 1 ms after a record begins. The column with most spikes crosses its
threshold first. A cell with a fast membrane and slow synapses, the *kill switch*, counts the spikes of the columns;
when it fires it shunts all columns for the rest of the record. All stimulus events also bring a weak shunting
inhibition onto all columns, which divides their potentials by the total input. The weights of the stimuli differ a
little, so that ties are broken.

The paper's network was simulated; so is this one, on the ``ideal`` chip. ``report`` says what chips with limits make
of it. What learns on a chip is ``SpikingSpatialPooler``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pyNN.connectors import OneToOneConnector

from .. import simulator
from ..checked_connectors import AllToAllConnector
from ..control import setup
from ..emulator.profile import Profile
from ..populations import Population
from ..projections import Projection
from ..standardmodels.cells import IF_cond_exp, SpikeSourceArray
from ..standardmodels.synapses import StaticSynapse
from ..trials import run_trials
from .session import Session

COLUMN = {"cm": 1.0, "tau_m": 20.0, "tau_refrac": 5.0, "v_rest": -65.0, "v_reset": -65.0, "v_thresh": -50.0,
          "tau_syn_E": 8.0, "tau_syn_I": 10.0, "e_rev_E": 0.0, "e_rev_I": -65.0}
KILL_SWITCH = {"cm": 1.0, "tau_m": 0.1, "tau_refrac": 5.0, "v_rest": -65.0, "v_reset": -70.0, "v_thresh": -60.0,
               "tau_syn_E": 15.0, "tau_syn_I": 5.0, "e_rev_E": 0.0, "e_rev_I": -65.0}
STIMULUS, JITTER = 0.0021, 5e-5  # uS: mean and spread of the weights of stimuli
COUNT, KILL, SHUNT = 0.023, 1.0, 6.1e-6  # uS: columns to kill switch, back, and of each stimulus event to all columns
POTENTIAL, PERMANENCE, SPREAD, CONNECTED = 0.4, 0.3, 0.05, 0.3  # permanences are normal; share of potential synapses
ARRIVAL, ARRIVAL_SPREAD = 1.0, 0.01  # ms
STEP, WINDOW = 0.01, 12.0  # ms; all columns that win do so within 6 ms
BUNDLE = 50  # stimulus events that share a shunting one, which is as many times as strong: only their sum matters
BATCH = 32


class PaperNetwork(NamedTuple):
    """The PyNN objects."""

    inputs: Population
    shunt: Population
    columns: Population
    kill_switch: Population


class PaperSpatialPooler:
    """Made by ``paper_spatial_pooler``; use ``network`` inside ``with pooler.session:``."""

    def __init__(self, session: Session, network: PaperNetwork, connected: np.ndarray, seed: int) -> None:
        self.session, self.network, self.connected = session, network, connected
        self._rng, self._watched = np.random.default_rng([seed, 2]), 0

    def overlaps(self, records: np.ndarray) -> np.ndarray:
        """Connected active inputs, int (n, columns), of records (n, inputs)."""
        return np.stack([self.connected[np.flatnonzero(r)].sum(axis=0, dtype=np.int64) for r in records])

    def encode(self, records: np.ndarray) -> np.ndarray:
        """Active columns, bool (n, columns)."""
        counts = self.overlaps(records)
        active = np.zeros(counts.shape, bool)
        with self.session:
            for first in range(0, len(counts), BATCH):
                part = counts[first:first + BATCH]
                spikes = {self.network.inputs: self._volley(part),
                          self.network.shunt: self._volley(np.rint(part.sum(axis=1, keepdims=True) / BUNDLE))}
                result = run_trials(WINDOW, spikes, len(part), self._watched)
                self._watched += len(part)
                record, column, _ = result.spikes["columns"]
                active[first + record, column] = True
        return active

    def _volley(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Record, source and time of as many spikes as ``counts`` (n, sources) says."""
        counts = counts.astype(np.int64)
        record, source = (np.repeat(a, counts.reshape(-1)) for a in np.indices(counts.shape).reshape(2, -1))
        time = self._rng.normal(ARRIVAL, ARRIVAL_SPREAD, len(record))
        return record, source, np.maximum(time, 0.0)

    def reference(self, records: np.ndarray, k: int = 40) -> np.ndarray:
        """What the algorithm does: the k columns of largest overlap, ties at random, bool (n, columns)."""
        counts = self.overlaps(records)
        score = counts + self._rng.random(counts.shape[1])  # of a column the same in all records
        active = np.zeros(counts.shape, bool)
        np.put_along_axis(active, np.argsort(score, axis=1)[:, -k:], True, axis=1)
        return active

    def report(self) -> str:
        """The mapping, which for the ideal chip also says what chips with limits would make of it."""
        with self.session:
            return str(simulator.state.map().report)


def paper_spatial_pooler(columns: int = 1000, inputs: int = 10_000, seed: int = 1,
                         chip: str | Profile = "ideal") -> PaperSpatialPooler:
    """The network of the paper.

    Parameters
    ----------
    columns, inputs : int
    seed : int
        Of wiring, weights and spike times, and of the chip.
    chip : str or Profile
        As of ``setup``.
    """
    rng = np.random.default_rng([seed, 1])
    connected = np.empty((inputs, columns), np.uint8)
    for row in connected:
        row[:] = (rng.random(columns) < POTENTIAL) & (rng.normal(PERMANENCE, SPREAD, columns) > CONNECTED)
    session = Session()
    with session:
        setup(timestep=STEP, min_delay=STEP, chip=chip, seed=seed, chip_seed=seed, on_loss="warn")
        network = PaperNetwork(Population(columns, SpikeSourceArray(), label="stimuli"),
                               Population(1, SpikeSourceArray(), label="shunt"),
                               Population(columns, IF_cond_exp(**COLUMN), label="columns"),
                               Population(1, IF_cond_exp(**KILL_SWITCH), label="kill switch"))
        stimuli = Projection(network.inputs, network.columns, OneToOneConnector(), StaticSynapse(delay=STEP))
        stimuli.set(weight=rng.normal(STIMULUS, JITTER, columns))
        Projection(network.shunt, network.columns, AllToAllConnector(),
                   StaticSynapse(weight=BUNDLE * SHUNT, delay=STEP), receptor_type="inhibitory")
        Projection(network.columns, network.kill_switch, AllToAllConnector(), StaticSynapse(weight=COUNT, delay=STEP))
        Projection(network.kill_switch, network.columns, AllToAllConnector(), StaticSynapse(weight=KILL, delay=STEP),
                   receptor_type="inhibitory")
    return PaperSpatialPooler(session, network, connected, seed)
