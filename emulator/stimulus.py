"""What comes from outside during a run: spikes of external channels, given or drawn on the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .frozen import Frozen
from .kernels.inh_gamma import InhGammaSources


@dataclass(frozen=True, eq=False)
class PoissonSources(Frozen):
    """Poisson processes that are drawn during the run.

    Attributes
    ----------
    channels : int, (n,)
        External channels.
    rate : float, (n,)
        Events per us of hardware time.
    start_us, stop_us : float, (n,)
        The process is silent outside.
    key : int
        Names the random stream; two groups with the same key and size have the same events.
    """

    channels: np.ndarray
    rate: np.ndarray
    start_us: np.ndarray
    stop_us: np.ndarray
    key: int


@dataclass(frozen=True, eq=False)
class RenewalSources(Frozen):
    """Renewal processes that are drawn during the run: intervals are a dead time plus a gamma-distributed time.

    Attributes
    ----------
    channels : int, (n,)
        External channels.
    shape : float, (n,)
        Of the gamma distribution; 1 is an exponential.
    scale_us, dead_us : float, (n,)
        Scale of the gamma distribution, and dead time, us.
    start_us, stop_us : float, (n,)
        The first interval begins at ``start_us``.
    key : int
        Names the random stream, among all groups of sources.
    """

    channels: np.ndarray
    shape: np.ndarray
    scale_us: np.ndarray
    dead_us: np.ndarray
    start_us: np.ndarray
    stop_us: np.ndarray
    key: int


@dataclass(frozen=True, eq=False)
class InjectedCurrent(Frozen):
    """A current, the same in all trials, into some circuits, or into some cells beside the chip.

    Attributes
    ----------
    circuits : int, (n,)
        Membrane circuits, or cells beside the chip, each once.
    gain : float, (n,)
        What a unit of ``value`` is in each of them, CADC LSB / us, or nA beside the chip.
    step : int, (m,)
        Absolute steps at which the value changes, ascending; before the first it is 0.
    value : float, (m,)
    """

    circuits: np.ndarray
    gain: np.ndarray
    step: np.ndarray
    value: np.ndarray


@dataclass(frozen=True, eq=False)
class Stimulus(Frozen):
    """Input of ``trials`` runs of one configuration.

    Attributes
    ----------
    channel : int, (M,)
        External channel of each event.
    time_us : float, (M,)
        When the source fires, us since the start of the experiment; off-grid times are kept. The order is free.
    trial : int, (M,) or None
        To which run an event belongs; None is all of them.
    trials : int
        Number of runs.
    first_trial : int
        Number of the first run in the random streams: trial t of this batch draws what run ``first_trial + t``
        draws alone.
    poisson : tuple of PoissonSources
    renewal : tuple of RenewalSources
    inh_gamma : tuple of InhGammaSources
    currents : tuple of InjectedCurrent
        Into circuits.
    currents_beside : tuple of InjectedCurrent
        Into cells beside the chip.
    """

    channel: np.ndarray
    time_us: np.ndarray
    trial: np.ndarray | None = None
    trials: int = 1
    first_trial: int = 0
    poisson: tuple[PoissonSources, ...] = ()
    renewal: tuple[RenewalSources, ...] = ()
    inh_gamma: tuple[InhGammaSources, ...] = ()
    currents: tuple[InjectedCurrent, ...] = ()
    currents_beside: tuple[InjectedCurrent, ...] = ()


def no_stimulus(trials: int = 1) -> Stimulus:
    """No input at all."""
    return Stimulus(np.zeros(0, np.int64), np.zeros(0), None, trials)


def verify_stimulus(stimulus: Stimulus, external: int, circuits: int, beside: int = 0) -> None:
    """Raise ValueError if a stimulus names channels, circuits or trials that don't exist, or isn't made of numbers."""
    s = stimulus
    if s.trials < 1:
        raise ValueError(f"a stimulus has at least one trial, got {s.trials}")
    if s.channel.shape != s.time_us.shape or (s.trial is not None and s.trial.shape != s.channel.shape):
        raise ValueError("stimulus.channel, time_us and trial must have one shape")
    groups: list[PoissonSources | RenewalSources | InhGammaSources] = [*s.poisson, *s.renewal, *s.inh_gamma]
    for channels in (s.channel, *(p.channels for p in groups)):
        if len(channels) and (channels.min() < 0 or channels.max() >= external):
            raise ValueError(f"the configuration has external channels 0..{external - 1}; the stimulus names "
                             f"{channels.min()}..{channels.max()}")
    if s.trial is not None and len(s.trial) and (s.trial.min() < 0 or s.trial.max() >= s.trials):
        raise ValueError(f"stimulus.trial must lie in 0..{s.trials - 1}")
    if not np.all(np.isfinite(s.time_us)):
        raise ValueError("stimulus.time_us must be finite")
    for c, count, what in [*((c, circuits, "circuits") for c in s.currents),
                           *((c, beside, "cells beside the chip") for c in s.currents_beside)]:
        if len(c.circuits) and (c.circuits.min() < 0 or c.circuits.max() >= count):
            raise ValueError(f"there are {what} 0..{count - 1}; a current goes into {c.circuits.min()}.."
                             f"{c.circuits.max()}")
        if np.any(np.diff(c.step) <= 0):
            raise ValueError("the steps of a current must be ascending")
        if not (np.all(np.isfinite(c.value)) and np.all(np.isfinite(c.gain))):
            raise ValueError("currents must be finite")
