"""What comes back from a run, in hardware units."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .frozen import Frozen, read_only

_NONE = read_only(np.zeros(0, np.int64))


@dataclass(frozen=True, eq=False)
class Samples(Frozen):
    """Samples of one probe: ``steps`` (n,) absolute step numbers, ``values`` (trials, n, circuits).

    A run from step k0 to k1 has the samples in k0 < k <= k1, and that of step 0 if it starts there (a run
    of no steps has none), so the samples of consecutive runs join without gap or overlap.
    """

    variable: str
    circuits: np.ndarray
    steps: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Recording(Frozen):
    """Spikes and samples of one run.

    Attributes
    ----------
    start_step, stop_step : int
    step_us : float
    trials : int
    spike_trial, spike_circuit, spike_step : int, (S,)
        Spikes of all circuits in temporal order; the time of a spike is ``spike_step * step_us``.
    input_trial, input_channel : int, (I,)
    input_time_us : float, (I,)
        Events of Poisson and renewal sources, as they were drawn, in temporal order.
    samples : tuple of Samples
        One for each probe of the configuration.
    beside_trial, beside_cell, beside_step : int, (B,)
        Spikes of the cells beside the chip, in temporal order.
    beside_samples : tuple of Samples
        One for each probe of cells beside the chip, in PyNN's units; ``circuits`` are cells of a group.
    pair_samples : tuple of Samples
        One for each probe of learning synapses; ``circuits`` are synapses.
    relay_samples : tuple of Samples
        One for each probe of relays, which are its ``circuits``.
    """

    start_step: int
    stop_step: int
    step_us: float
    trials: int
    spike_trial: np.ndarray
    spike_circuit: np.ndarray
    spike_step: np.ndarray
    input_trial: np.ndarray
    input_channel: np.ndarray
    input_time_us: np.ndarray
    samples: tuple[Samples, ...]
    beside_trial: np.ndarray = field(default_factory=lambda: _NONE)
    beside_cell: np.ndarray = field(default_factory=lambda: _NONE)
    beside_step: np.ndarray = field(default_factory=lambda: _NONE)
    beside_samples: tuple[Samples, ...] = ()
    pair_samples: tuple[Samples, ...] = ()
    relay_samples: tuple[Samples, ...] = ()
