"""From a recording back to PyNN's words and units. Units come out here (and only here)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pynn_brainscales.emulator.frozen import Frozen
from pynn_brainscales.emulator.recording import Recording

from .cells import conductance_based, leak_conductance, parameter
from .mapped import Mapped
from .network import Population
from .scale import us_per_ms


@dataclass(frozen=True, eq=False)
class Signal(Frozen):
    """Samples of one probe: ``times`` (n,) in ms, ``values`` (n, cells) in mV, nA or uS."""

    population: str
    variable: str
    index: np.ndarray
    times: np.ndarray
    values: np.ndarray


def spikes(mapped: Mapped, recording: Recording, trial: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Spikes of every population and the events drawn for every Poisson source: label -> (index, times in ms)."""
    network, ms = mapped.network, 1.0 / us_per_ms(mapped.target)
    neuron = np.full(len(mapped.config.circuits), -1, np.int64)
    neuron[mapped.master] = np.arange(network.neurons)
    mine = slice(None) if recording.trials == 1 else recording.spike_trial == trial
    fired = neuron[recording.spike_circuit[mine]]
    times = recording.spike_step[mine] * network.timestep
    mine = slice(None) if recording.trials == 1 else recording.input_trial == trial
    drawn, drawn_times = recording.input_channel[mine], recording.input_time_us[mine] * ms
    result = {}
    for part, start in zip((*network.populations, *network.sources), network.offsets().values(), strict=True):
        if isinstance(part, Population):
            result[part.label] = _part(fired - start, times, part.size, network.neurons)
        elif part.model != "SpikeSourceArray":
            result[part.label] = _part(drawn - (start - network.neurons), drawn_times, part.size, -1)
    return result


def spikes_by_trial(mapped: Mapped, recording: Recording) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Spikes of every population in all trials of a batch: label -> (trial, index, times in ms)."""
    network = mapped.network
    neuron = np.full(len(mapped.config.circuits), -1, np.int64)
    neuron[mapped.master] = np.arange(network.neurons)
    fired = neuron[recording.spike_circuit]
    result = {}
    for p in network.populations:
        index = fired - network.offsets()[p.label]
        here = (index >= 0) & (index < p.size)
        result[p.label] = (recording.spike_trial[here], index[here], recording.spike_step[here] * network.timestep)
    return result


def _part(index: np.ndarray, times: np.ndarray, size: int, whole: int) -> tuple[np.ndarray, np.ndarray]:
    if size == whole:
        return index, times
    here = (index >= 0) & (index < size)
    return index[here], times[here]


def signals(mapped: Mapped, recording: Recording, trial: int = 0) -> list[Signal]:
    """All samples, one Signal for each probe of the network."""
    network = mapped.network
    return [Signal(probe.population, probe.variable, probe.index, samples.steps * network.timestep,
                   _in_biological_units(mapped, probe.variable, probe.index + network.offsets()[probe.population],
                                        samples.values[trial]))
            for probe, samples in zip(network.probes, recording.samples, strict=True)]


def _in_biological_units(mapped: Mapped, variable: str, neuron: np.ndarray, values: np.ndarray) -> np.ndarray:
    network, u = mapped.network, us_per_ms(mapped.target)
    alpha = mapped.scaled.alpha[neuron]
    if variable == "v":
        return (values - mapped.scaled.v_offset[neuron]) / alpha
    if variable == "w":
        return values * (leak_conductance(network)[neuron] / alpha)
    cm = parameter(network, "cm")[neuron]
    conductance = conductance_based(network)[neuron]
    sign = np.where(~conductance & (variable == "isyn_inh"), -1.0, 1.0)
    return values * (sign * cm * u / np.where(conductance, 1.0, alpha))


def physical_in_biological_units(mapped: Mapped, variable: str, values: np.ndarray) -> np.ndarray:
    """State of all neurons (trials, n) as the emulator has it, in PyNN's units; for carrying it to another mapping."""
    return _in_biological_units(mapped, variable, np.arange(mapped.network.neurons), values)
