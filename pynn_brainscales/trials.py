"""Many short runs of one network at once, beyond PyNN's interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from numbers import Integral, Real

import numpy as np

from . import simulator
from .emulator.config import ChipConfig
from .emulator.kernels.plastic_array import PlasticState
from .emulator.plastic import PlasticArrayState, initial_array_state
from .emulator.run import run
from .emulator.stimulus import Stimulus
from .injection import currents
from .mapping.readback import signals, spikes_by_trial
from .mapping.scale import us_per_ms
from .mapping.stimuli import initial_state

BATCH = 200  # trials that are stepped together: more would leave the cache, fewer pay the calls more often


@dataclass(frozen=True, eq=False)
class Trials:
    """Results of ``run_trials``.

    Attributes
    ----------
    trials : int
    spikes : dict
        By population label: (trial, index, time in ms), three arrays of one shape, ordered by trial, time and index.
    signals : dict
        By (population label, variable): array (trials, samples, cells), of the cells and at the interval that
        ``record`` has named.
    """

    trials: int
    spikes: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
    signals: dict[tuple[str, str], np.ndarray]


def run_trials(duration: float, spikes: Mapping, trials: int, first_trial: int = 0) -> Trials:
    """Run the present network many times from its initial values, each time with other input.

    Time, state and recordings of the simulation are not touched. Plasticity rules are not executed: plastic synapses
    have the weights that the simulation has come to.

    Parameters
    ----------
    duration : float
        Of each trial, ms; in whole steps, as in ``run``.
    spikes : mapping
        Population (``SpikeSourceArray``) -> (trial, index, time): three arrays of one shape; times in ms. Sources that
        are not named send what they send otherwise, in every trial.
    trials : int
    first_trial : int
        Each trial has random streams of its own, from this number on; so has the noise of a ``NoisyCurrentSource``,
        unless it was given a generator. With such noise trials run one by one.

    Returns
    -------
    Trials

    Raises
    ------
    ValueError
        If a number makes no sense, a key is not a SpikeSourceArray of this network, or arrays don't fit.
    """
    state = simulator.state
    steps = _checked(duration, trials, first_trial)
    if not isinstance(spikes, Mapping):
        raise TypeError(f"spikes={spikes!r} must be a dictionary: population -> (trial, index, time)")
    mapped = state.map()
    if mapped.split.sensors:
        raise NotImplementedError(f"run_trials: the rule of the STDPMechanism of {next(iter(mapped.split.sensors))!r} "
                                  "runs on the chip's processor, in run() only; use run(), or chip='ideal'")
    base = state.stimulus
    u = us_per_ms(mapped.target)
    channel, time, trial = _events(mapped, spikes, trials, u)
    named = np.isin(base.channel, _channels_of(mapped, spikes))
    everywhere = (base.channel[~named], base.time_us[~named])
    order = np.argsort(trial, kind="stable")
    channel, time, trial = channel[order], time[order], trial[order]
    alone = any(source.differs_by_trial for source in state.currents)  # the emulator takes one current for a batch
    batch = 1 if alone else BATCH
    config, bare = _without_sensors(mapped.config)
    plastic = _learnt(config, None if state.chips is None else state.chips.plastic)
    edges = np.searchsorted(trial, np.arange(0, trials + batch, batch))
    injected = currents(state.currents, mapped, 0, steps, first_trial)
    parts = []
    for k, start in enumerate(range(0, trials, batch)):
        if alone and start:
            injected = currents(state.currents, mapped, 0, steps, first_trial + start)
        count = min(batch, trials - start)
        mine = slice(int(edges[k]), int(edges[k + 1]))
        repeated = len(everywhere[0])
        stimulus = Stimulus(
            np.concatenate([channel[mine], np.tile(everywhere[0], count)]),
            np.concatenate([time[mine], np.tile(everywhere[1], count)]),
            np.concatenate([trial[mine] - start, np.repeat(np.arange(count), repeated)]), count, first_trial + start,
            base.poisson, base.renewal, base.inh_gamma, *injected)
        begin = initial_state(mapped.replace(config=bare), count, first_trial + start).replace(plastic=plastic)
        recording, _ = run(config, stimulus, steps * config.step_us, begin)
        parts.append((start, recording))
    return _results(mapped, trials, parts)


@lru_cache(maxsize=8)
def _without_sensors(config: ChipConfig) -> tuple[ChipConfig, ChipConfig]:
    """The same chips with plastic synapses that no rule reads; and without these synapses, for the state of the rest.

    Nothing of a pair or an event need be kept.
    """
    blind = config.replace(plastic=tuple(array.replace(sensors=None) for array in config.plastic))
    return blind, config.replace(plastic=())


@lru_cache(maxsize=2)
def _learnt(config: ChipConfig, now: tuple[PlasticArrayState, ...] | None) -> tuple[PlasticArrayState, ...]:
    """Weights and labels that the simulation has come to, in its first replica, for all trials."""
    arrays = []
    for i, array in enumerate(config.plastic):
        if not now:
            arrays.append(initial_array_state(array, 1).replace(events=None))
            continue
        synapses = now[i].synapses
        arrays.append(PlasticArrayState(PlasticState(synapses.weight[:1], synapses.label[:1])))
    return tuple(arrays)


def _checked(duration, trials, first_trial) -> int:
    """Number of timesteps of each trial; ValueError for numbers that make no sense."""
    for name, value, least in (("trials", trials, 1), ("first_trial", first_trial, 0)):
        if not isinstance(value, Integral) or value < least:
            raise ValueError(f"run_trials: {name}={value!r} must be a whole number >= {least}")
    dt = simulator.state.dt
    if not isinstance(duration, Real) or not np.isfinite(duration) or round(duration / dt) < 1:
        raise ValueError(f"run_trials: duration={duration!r} must be a time in ms of at least one timestep, {dt:g} ms")
    return round(duration / dt)


def _channels_of(mapped, spikes: Mapping) -> np.ndarray:
    offsets, neurons = mapped.network.offsets(), mapped.network.neurons
    ranges = [np.arange(p.size) + offsets[p.mapped_label] - neurons for p in spikes]
    return np.concatenate(ranges) if ranges else np.zeros(0, int)


def _events(mapped, spikes: Mapping, trials: int, u: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    offsets, neurons = mapped.network.offsets(), mapped.network.neurons
    parts = [(np.zeros(0, int), np.zeros(0), np.zeros(0, int))]
    for population, given in spikes.items():
        label = getattr(population, "mapped_label", None)
        if label not in offsets or population.celltype.__class__.__name__ != "SpikeSourceArray":
            raise ValueError(f"{population!r} is not a SpikeSourceArray population of this network")
        trial, index, time = (np.asarray(a) for a in given)
        if not trial.shape == index.shape == time.shape:
            raise ValueError(f"{label}: trial, index and time have shapes {trial.shape}, {index.shape}, {time.shape}; "
                             "they must be one")
        for name, values, size in (("trial", trial, trials), ("index", index, population.size)):
            if len(values) and (values.min() < 0 or values.max() >= size):
                raise ValueError(f"{label}: {name} runs from {values.min()} to {values.max()}, there are 0 to "
                                 f"{size - 1}")
        parts.append((index + (offsets[label] - neurons), time * u, trial))
    return tuple(np.concatenate(p) for p in zip(*parts, strict=True))


def _results(mapped, trials: int, parts) -> Trials:
    fired: dict[str, list] = {p.label: [] for p in mapped.described.populations}
    sampled: dict[tuple[str, str], list] = {}
    for start, recording in parts:
        for label, (trial, index, time) in spikes_by_trial(mapped, recording).items():
            fired[label].append((trial + start, index, time))
        for t in range(recording.trials):
            for signal in signals(mapped, recording, t):
                sampled.setdefault((signal.population, signal.variable), []).append(signal.values)
    return Trials(trials, {label: _in_order(parts) for label, parts in fired.items()},
                  {k: np.stack(v) for k, v in sampled.items()})


def _in_order(parts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spikes of several batches, trial by trial."""
    trial, index, time = (np.concatenate(a) for a in zip(*parts, strict=True))
    order = np.lexsort((index, time, trial))
    return trial[order], index[order], time[order]
