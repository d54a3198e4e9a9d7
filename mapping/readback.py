"""From a recording back to PyNN's words and units. Units come out here (and only here)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from pynn_brainscales.emulator.frozen import Frozen, Same
from pynn_brainscales.emulator.plasticity.neuron_view import Converter
from pynn_brainscales.emulator.recording import Recording

from .aside import learning_sign
from .cells import conductance_based, leak_conductance, parameter
from .mapped import Mapped
from .models import port_of
from .network import Population, Projection
from .plastic import Places, places
from .scale import us_per_ms
from .split import BESIDE, RELAY

_DEFAULT_SWING_LSB, _THRESHOLD_CODE = 120.0, 170.0


@dataclass(frozen=True, eq=False)
class Signal(Frozen):
    """Samples of one probe: ``times`` (n,) in ms, ``values`` (n, cells) in mV, nA or uS."""

    population: str
    variable: str
    index: np.ndarray
    times: np.ndarray
    values: np.ndarray


def spikes(mapped: Mapped, recording: Recording, trial: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Spikes of every population and the events drawn for every random source: label -> (index, times in ms)."""
    network, ms = mapped.network, 1.0 / us_per_ms(mapped.target)
    neuron = np.full(len(mapped.config.circuits), -1, np.int64)
    neuron[mapped.master] = np.arange(network.neurons)
    mine = slice(None) if recording.trials == 1 else recording.spike_trial == trial
    fired = neuron[recording.spike_circuit[mine]]
    times = recording.spike_step[mine] * network.timestep
    mine = slice(None) if recording.trials == 1 else recording.input_trial == trial
    drawn, drawn_times = recording.input_channel[mine], recording.input_time_us[mine] * ms
    mine = slice(None) if recording.trials == 1 else recording.beside_trial == trial
    result = _beside(mapped, recording.beside_cell[mine], recording.beside_step[mine] * network.timestep)
    for part, start in zip(network.parts, network.offsets().values(), strict=True):
        if isinstance(part, Population):
            result[part.label] = _part(fired - start, times, part.size, network.neurons)
        elif part.model not in ("SpikeSourceArray", BESIDE, RELAY):
            result[part.label] = _part(drawn - (start - network.neurons), drawn_times, part.size, -1)
    return result


def _beside(mapped: Mapped, cell: np.ndarray, times: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    result, start = {}, 0
    for p in mapped.split.beside:
        result[p.label] = _part(cell - start, times, p.size, -1)
        start += p.size
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
    start = 0
    for p in mapped.split.beside:
        here = (recording.beside_cell >= start) & (recording.beside_cell < start + p.size)
        result[p.label] = (recording.beside_trial[here], recording.beside_cell[here] - start,
                           recording.beside_step[here] * network.timestep)
        start += p.size
    return result


def _part(index: np.ndarray, times: np.ndarray, size: int, whole: int) -> tuple[np.ndarray, np.ndarray]:
    if size == whole:
        return index, times
    here = (index >= 0) & (index < size)
    return index[here], times[here]


def signals(mapped: Mapped, recording: Recording, trial: int = 0) -> list[Signal]:
    """All samples, one Signal for each probe of the described network."""
    network = mapped.network
    result = []
    for probe, (beside, number) in zip(mapped.described.probes, mapped.split.probes, strict=True):
        if beside:
            samples = recording.beside_samples[number]
            values = samples.values[trial]
        else:
            samples = recording.samples[number]
            values = _in_biological_units(mapped, network.probes[number].variable,
                                          probe.index + network.offsets()[probe.population], samples.values[trial])
        result.append(Signal(probe.population, probe.variable, probe.index, samples.steps * network.timestep, values))
    return result


def weights(mapped: Mapped, recording: Recording, trial: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Sampled weights of learning projections: label -> (times in ms, weights (samples, connections))."""
    learning = {p.label: p for p in mapped.split.learning}
    observed = [o for o in mapped.described.observed if o.projection in learning and o.variable == "weight"]
    return {o.projection: (s.steps * mapped.network.timestep, signed(mapped, learning[o.projection], s.values[trial]))
            for o, s in zip(observed, recording.pair_samples, strict=True)}


def plastic_places(mapped: Mapped) -> dict[str, Places]:
    """Where the synapses of plastic projections sit, and what a code of their weights is in PyNN's unit, by label."""
    parts = (mapped.split, mapped.scaled, mapped.routing, mapped.rounded, mapped.config.circuits, mapped.master)
    return dict(_plastic_places(tuple(map(Same, parts)), mapped.config.step_us))


@lru_cache(maxsize=8)
def _plastic_places(parts: tuple[Same, ...], step_us: float) -> dict[str, Places]:
    """They are kept: other spike times make another mapping with the same places."""
    split, scaled, routing, rounded, circuits, master = (part.array for part in parts)
    found = places(split, scaled, routing, rounded, circuits, master, step_us)
    for label, p in split.plastic.items():
        strength = split.circuits[p.post].strength
        if strength is not None:  # the circuit's weights are in another unit than the user's
            found[label] = found[label]._replace(unit=found[label].unit / strength[p.post_index])
    return found


def signed(mapped: Mapped, p: Projection, magnitude: np.ndarray) -> np.ndarray:
    """Weights of a learning projection from their magnitudes (..., m): negative where they stand for such currents."""
    return magnitude * learning_sign(p, mapped.described.population(p.post).cell) + 0.0  # which makes -0.0 to 0.0


def _in_biological_units(mapped: Mapped, variable: str, neuron: np.ndarray, values: np.ndarray) -> np.ndarray:
    network, u, variable = mapped.network, us_per_ms(mapped.target), port_of(variable)[0]
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


# parameter of the chip -> (PyNN's name of it, unit)
PYNN_NAMES = {
    "v_leak": ("v_rest", "mV"), "v_reset": ("v_reset", "mV"), "v_thresh": ("threshold", "mV"), "tau_m": ("tau_m", "ms"),
    "tau_syn_exc": ("tau_syn_E", "ms"), "tau_syn_inh": ("tau_syn_I", "ms"), "refractory_us": ("tau_refrac", "ms"),
    "i_offset": ("i_offset", "nA"), "e_rev_exc": ("e_rev_E", "mV"), "e_rev_inh": ("e_rev_I", "mV"),
    "delta_t": ("delta_T", "mV"), "v_exp": ("v_thresh", "mV"), "a": ("a", "nS"), "b": ("b", "nA"),
    "tau_w": ("tau_w", "ms")}


def parameter_unit(mapped: Mapped, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Factor and offset (n,) that bring a parameter of the chip to PyNN's unit: ``factor * value + offset``."""
    network, u, alpha = mapped.network, us_per_ms(mapped.target), mapped.scaled.alpha
    zero = np.zeros(len(alpha))
    if name in ("v_leak", "v_reset", "v_thresh", "v_exp", "e_rev_exc", "e_rev_inh"):
        return 1.0 / alpha, -mapped.scaled.v_offset / alpha
    if name in ("tau_m", "tau_syn_exc", "tau_syn_inh", "refractory_us", "tau_w"):
        return zero + 1.0 / u, zero
    factors = {"delta_t": 1.0 / alpha, "i_offset": parameter(network, "cm") * u / alpha,
               "a": 1e3 * leak_conductance(network), "b": leak_conductance(network) / alpha}
    return factors[name], zero


def membrane_converter(mapped: Mapped, label: str) -> Converter:
    """The column converters' scale for the membranes of a population.

    On a chip a code is an LSB. On a chip without limits, whose potentials are in mV, a converter is set as the mapping
    sets one by default: 120 codes from the lowest of rest and reset to threshold, which is at 170.
    """
    start, size = mapped.network.offsets()[label], mapped.network.population(label).size
    if not size:
        return Converter(1.0, 0.0, 1.0, 0.0)
    factor, offset = (float(a[start]) for a in parameter_unit(mapped, "v_leak"))
    if not mapped.routing.free:
        return Converter(1.0, 0.0, factor, offset)
    leak, reset, threshold = (mapped.rounded.cells[name].realised[start:start + size]
                              for name in ("v_leak", "v_reset", "v_thresh"))
    high = float(threshold.max())
    gain = _DEFAULT_SWING_LSB / max(1e-9, high - float(min(leak.min(), reset.min())))
    shift = _THRESHOLD_CODE - gain * high
    return Converter(gain, shift, factor / gain, offset - factor * shift / gain)


def delay_ms(mapped: Mapped, delay_us: np.ndarray) -> np.ndarray:
    """Delays in ms."""
    return delay_us / us_per_ms(mapped.target)
