"""First pass with numbers: from PyNN's units to the chip's, nothing rounded. Units go in here (and only here).

Time shrinks by the speed-up; potentials are mapped by ``v_lsb = alpha v_mV + offset``, one pair per population.
A large alpha makes the chip's errors of thresholds and leak potentials small against the swing, but asks for
strong synapses, since a jump of the membrane is stretched with everything else. So alpha is as large as the ranges
of the potentials, the ceiling of the synaptic gain and the rows allow.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from pynn_brainscales.emulator import limits
from pynn_brainscales.emulator.config import EXC, INH

from .cells import (
    ADAPTIVE_MODELS,
    comparator,
    conductance_based,
    leak_conductance,
    over_neurons,
    parameter,
    population_of_neuron,
)
from .errors import MappingError
from .joints import groups_of_populations
from .mapped import Scaled
from .models import port_of
from .network import Network, Population
from .target import Target

MAX_ROW_DRIVE = limits.WEIGHT_MAX * limits.synaptic_gain(limits.SYNIN_GM_RANGE[1], limits.SYNAPSE_DAC_RANGE[1])
MIN_SWING_LSB = 10.0  # from rest or reset to threshold; with less, noise and mismatch decide about spikes
_MAX_ALPHA = 60.0  # LSB / mV, where nothing else bounds it
_ROW_SHARE = 0.75  # of a circuit's rows that synapses of several rows may fill: routing needs some slack
_MIN_REVERSAL_LSB = 20.0  # distance of reversal and reference potential below which the reference moves away
_CANDIDATES = 12
_FINEST, _EXTRA_ROWS = 4, 1.25  # how much finer than the largest weight asks, and at how many more rows


def us_per_ms(target: Target) -> float:
    """Hardware microseconds for a biological millisecond."""
    return 1000.0 / target.speedup


def scale(network: Network, target: Target, max_rows: int = 8, like: Scaled | None = None,
          modes: Mapping[str, np.ndarray] | None = None, ports: Mapping[str, tuple[Population, ...]] | None = None,
          single: Collection[str] = ()) -> Scaled:
    """The network in hardware units.

    Parameters
    ----------
    network : Network
    target : Target
    max_rows : int
        Most rows that one synapse may take.
    like : Scaled, optional
        Whose map of the potentials to use; by default the best one is found.
    modes : mapping of label to int (m,), optional
        Short-term plasticity of the synapses of some projections (``Split.driver_modes``).
    ports : mapping of label to tuple of Population, optional
        Further pairs of receptors of some populations (``Split.ports``).
    single : collection of str
        Projections whose synapses take one row, however strong they are.

    Raises
    ------
    MappingError
        If the potentials of a population don't fit into the chip's ranges together.
    """
    units, unit_neuron, unit_port = _units(network, ports or {})
    source, neuron, unit, side, weight, delay = _synapses(network, unit_neuron, unit_port)
    cm = parameter(network, "cm")
    slope = np.abs(weight) / cm[neuron]  # mV / ms; for a conductance 1 / ms, made mV / ms below
    conductance = conductance_based(network)
    exact = not target.profile.quantised
    reference = _references_mv(units)
    if not exact:
        distance = np.abs(np.stack([parameter(units, "e_rev_E"), parameter(units, "e_rev_I")]) - reference)
        slope = np.where(conductance[neuron], slope * distance[side, unit], slope)
    one_row = np.repeat(np.array([p.label in single for p in network.projections], bool),
                        np.array([len(p) for p in network.projections], np.int64))
    alpha, offset = (like.alpha, like.v_offset) if like is not None else _affine(
        network, target, neuron, slope, max_rows, one_row)
    per_us = alpha / us_per_ms(target)
    alpha_u, offset_u = alpha[unit_neuron], offset[unit_neuron]
    cells = _cells(units, target, alpha_u, offset_u, reference, exact)
    drive = slope * np.where(exact & conductance[neuron], 1.0 / us_per_ms(target), per_us[neuron])
    if not exact:  # references were moved by the chip's ranges after alpha was known
        drive = _with_moved_references(drive, cells, unit, side, alpha_u, offset_u, reference)
    rows = np.ones(len(drive), np.int64)
    if target.profile.quantised:
        rows = np.clip(np.ceil(drive / MAX_ROW_DRIVE - 1e-9), 1, max_rows).astype(np.int64)
        rows = np.maximum(rows, _finer_rows(unit, side, drive, rows, max_rows))
        rows = np.where(one_row, 1, rows)
    return Scaled(alpha=alpha, v_offset=offset, cells=cells, unit_neuron=unit_neuron, unit_port=unit_port,
                  source=source, neuron=neuron, unit=unit, input=side, drive=drive,
                  delay_us=delay * us_per_ms(target), rows=rows, mode=_modes(network, modes or {}))


def _units(network: Network, ports: Mapping[str, tuple[Population, ...]]) -> tuple[Network, np.ndarray, np.ndarray]:
    """Neurons with one pair of receptors each, as a network, and neuron and port of each: first pairs come first."""
    neuron, port = [np.arange(network.neurons)], [np.zeros(network.neurons, np.int64)]
    more: list[Population] = []
    for p in network.populations:
        for number, pair in enumerate(ports.get(p.label, ()), 1):
            neuron.append(network.offsets()[p.label] + np.arange(p.size))
            port.append(np.full(p.size, number))
            more.append(pair)
    units = network.replace(populations=(*network.populations, *more)) if more else network
    return units, np.concatenate(neuron), np.concatenate(port)


def _modes(network: Network, modes: Mapping[str, np.ndarray]) -> np.ndarray:
    parts = [modes.get(p.label, np.zeros(len(p), np.int64)) for p in network.projections]
    return np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, np.int64)


def _synapses(network: Network, unit_neuron: np.ndarray, unit_port: np.ndarray) -> tuple[np.ndarray, ...]:
    """All synapses: source, neuron, unit, input, weight (PyNN's units), delay (ms)."""
    offsets = network.offsets()
    if not network.projections:
        none = np.zeros(0, np.int64)
        return none, none, none, none, np.zeros(0), np.zeros(0)
    neuron = np.concatenate([p.post_index + offsets[p.post] for p in network.projections])
    receptors, lengths = [port_of(p.receptor) for p in network.projections], [len(p) for p in network.projections]
    unit = neuron
    if len(unit_neuron) > network.neurons:
        where = np.full((int(unit_port.max()) + 1, network.neurons), -1)
        where[unit_port, unit_neuron] = np.arange(len(unit_neuron))
        unit = where[np.repeat([port for _, port in receptors], lengths), neuron]
    return (
        np.concatenate([p.pre_index + offsets[p.pre] for p in network.projections]), neuron, unit,
        np.repeat([EXC if name == "excitatory" else INH for name, _ in receptors], lengths),
        np.concatenate([p.weight for p in network.projections]).astype(float),
        np.concatenate([p.delay for p in network.projections]).astype(float))


def _finer_rows(neuron: np.ndarray, side: np.ndarray, drive: np.ndarray, rows: np.ndarray, max_rows: int
                ) -> np.ndarray:
    """Rows (m,) with which few strong synapses don't make all others of their unit and input coarse.

    With a unit that is k times finer than what the largest weight asks for, the strong ones take several rows. The
    largest k is taken that needs at most a quarter more rows, within a circuit's.
    """
    result = np.ones(len(drive), np.int64)
    if len(drive) == 0 or max_rows == 1:
        return result
    group = neuron * 2 + side
    size = int(group.max()) + 1
    largest = np.zeros(size)
    np.maximum.at(largest, group, drive)
    share = np.where(largest[group] > 0, drive / np.where(largest[group] > 0, largest[group], 1.0), 0.0)
    count = np.bincount(group, minlength=size)
    for k in range(2, min(max_rows, _FINEST) + 1):
        wanted = np.maximum(rows, np.ceil(k * share - 1e-9).astype(np.int64))
        total = np.bincount(group, wanted, minlength=size)
        both = np.bincount(neuron, wanted, minlength=size // 2 + 1)
        fits = (total <= _EXTRA_ROWS * count)[group] & (both <= _ROW_SHARE * limits.ROWS)[neuron] & (wanted <= max_rows)
        result = np.where(fits, wanted, result)
    return result


def fits_ranges(scaled: Scaled) -> bool:
    """Whether all potentials lie in the chip's ranges."""
    ranges = {"v_leak": limits.V_LEAK_RANGE, "v_reset": limits.V_LEAK_RANGE, "v_thresh": limits.V_THRESH_RANGE}
    return all(bool(np.all((scaled.cells[name] >= low - 1e-6) & (scaled.cells[name] <= high + 1e-6)))
               for name, (low, high) in ranges.items())


# --- potentials --------------------------------------------------------------------------------------------


def _affine(network: Network, target: Target, neuron: np.ndarray, slope: np.ndarray, max_rows: int,
            one_row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """alpha and offset of each neuron; ``slope`` (m,) are the synapses' jumps in mV / ms.

    Where ``one_row`` is True a synapse has one row however strong it is.
    """
    if not target.profile.quantised:
        n = network.neurons
        return np.ones(n), np.zeros(n)
    population = population_of_neuron(network)
    pairs: list = [None] * len(network.populations)
    for group in groups_of_populations(network):  # joined membranes have one scale
        ps = [network.populations[i] for i in group]
        mine = np.isin(population[neuron], group)
        ceiling, floor = _range_ceiling(ps), _floor(ps)
        single = float(slope[mine & one_row].max(initial=0.0)) / us_per_ms(target)
        ceiling = min(ceiling, MAX_ROW_DRIVE / single) if single else ceiling
        alpha = _strongest(ceiling, neuron[mine], slope[mine] / us_per_ms(target), max_rows, one_row[mine])
        alpha = max(alpha, floor)
        for i in group:
            pairs[i] = (alpha, _offset(ps, alpha))
    alpha_of, offset_of = (np.array([pair[k] for pair in pairs]) for k in (0, 1))
    return alpha_of[population], offset_of[population]


def _extremes(ps: list[Population]) -> tuple[float, float, float, float]:
    """Lowest and highest of rest and reset, lowest and highest comparator threshold, mV."""
    rest, reset = (np.concatenate([p.parameters[name] for p in ps]) for name in ("v_rest", "v_reset"))
    threshold = np.concatenate([comparator(p) for p in ps])
    return (float(min(rest.min(), reset.min())), float(max(rest.max(), reset.max())),
            float(threshold.min()), float(threshold.max()))


def _range_ceiling(ps: list[Population]) -> float:
    """Largest alpha at which all potentials of some populations have a place in the chip's ranges."""
    low, high, first, last = _extremes(ps)
    leak = limits.V_LEAK_RANGE[1] - limits.V_LEAK_RANGE[0]
    threshold = limits.V_THRESH_RANGE[1] - limits.V_THRESH_RANGE[0]
    spans = [(high - low, leak), (high - first, limits.V_LEAK_RANGE[1] - limits.V_THRESH_RANGE[0]),
             (last - low, min(limits.MAX_SWING_LSB, limits.V_THRESH_RANGE[1] - limits.V_LEAK_RANGE[0])),
             (last - first, threshold)]
    return min([_MAX_ALPHA, *(room / span for span, room in spans if span > 0)])


def _offset(ps: list[Population], alpha: float) -> float:
    """Puts the lower of rest and reset at the preferred place, or as near as the ranges allow."""
    low, high, first, last = _extremes(ps)
    least = max(limits.V_LEAK_RANGE[0] - alpha * low, limits.V_THRESH_RANGE[0] - alpha * first)
    most = min(limits.V_LEAK_RANGE[1] - alpha * high, limits.V_THRESH_RANGE[1] - alpha * last)
    return float(np.clip(limits.PREFERRED_V_LOW - alpha * low, least, max(least, most)))


def _strongest(ceiling: float, neuron: np.ndarray, slope: np.ndarray, max_rows: int, single: np.ndarray) -> float:
    """Largest alpha up to ``ceiling`` whose synapses fit into the rows; ``slope`` in mV / us of hardware time.

    Where ``single`` is True a synapse takes one row. A neuron with many synapses that all take one row does not bind
    the others.
    """
    largest = float(slope.max()) if len(slope) else 0.0
    if largest * ceiling <= MAX_ROW_DRIVE:
        return ceiling
    one_row = MAX_ROW_DRIVE / largest
    _, neuron = np.unique(neuron, return_inverse=True)
    room = np.maximum(_ROW_SHARE * limits.ROWS, np.bincount(neuron))
    for alpha in np.geomspace(ceiling, one_row, _CANDIDATES)[:-1] if max_rows > 1 else ():
        rows = np.where(single, 1.0, np.maximum(np.ceil(slope * (alpha / MAX_ROW_DRIVE) - 1e-9), 1.0))
        load = np.bincount(neuron, rows)
        if rows.max() <= max_rows and np.all(load <= room):
            return float(alpha)
    return one_row


def _floor(ps: list[Population]) -> float:
    """Smallest alpha that still makes a neuron; synapses too strong for it are clipped, and reported."""
    swing = min(float((comparator(p) - np.minimum(p.parameters["v_rest"], p.parameters["v_reset"])).min()) for p in ps)
    floor = MIN_SWING_LSB / swing
    if floor > _range_ceiling(ps):
        low, high, first, last = _extremes(ps)
        raise MappingError(
            f"rest and reset from {low:g} to {high:g} mV with thresholds from {first:g} to {last:g} mV, the smallest "
            f"swing being {swing:g} mV",
            f"rest and reset in {limits.V_LEAK_RANGE} and threshold in {limits.V_THRESH_RANGE} CADC LSB with a swing "
            f"of at least {MIN_SWING_LSB:g} LSB", f"population {' and '.join(repr(p.label) for p in ps)}",
            "split the population by its potentials, or use chip='ideal'")
    return floor


def _references_mv(network: Network) -> np.ndarray:
    """Where a conductance has its nominal strength, (2, n), mV: midway from rest to threshold."""
    middle = over_neurons(network, lambda p: 0.5 * (p.parameters["v_rest"] + comparator(p)))
    return np.stack([middle, middle])


def _moved_references(network: Network, alpha, offset, reference) -> np.ndarray:
    """References in LSB, (2, n), inside their range and on the side of the reversal potential that keeps the sign."""
    e_rev = alpha * np.stack([parameter(network, "e_rev_E"), parameter(network, "e_rev_I")]) + offset
    low, high = limits.E_REF_RANGE
    wanted = np.clip(alpha * reference + offset, low, high)
    exc = np.minimum(wanted[0], e_rev[0] - _MIN_REVERSAL_LSB)
    inh = np.maximum(wanted[1], e_rev[1] + _MIN_REVERSAL_LSB)
    moved = np.stack([np.clip(exc, low, high), np.clip(inh, low, high)])
    return moved


def _with_moved_references(drive, cells, unit, side, alpha, offset, reference) -> np.ndarray:
    e_rev = np.stack([cells["e_rev_exc"], cells["e_rev_inh"]])
    e_ref = np.stack([cells["e_ref_exc"], cells["e_ref_inh"]])
    planned = np.abs(e_rev - (alpha * reference + offset))
    factor = np.where(cells["conductance"] & (planned > 0), np.abs(e_rev - e_ref) / np.where(planned > 0, planned, 1.0),
                      1.0)
    return drive * factor[side, unit]


# --- cells -------------------------------------------------------------------------------------------------


def _cells(network: Network, target: Target, alpha, offset, reference, exact: bool) -> dict[str, np.ndarray]:
    u = us_per_ms(target)
    get = {name: parameter(network, name) for name in (
        "cm", "tau_m", "tau_syn_E", "tau_syn_I", "tau_refrac", "v_rest", "v_reset", "v_thresh", "i_offset", "e_rev_E",
        "e_rev_I", "delta_T", "a", "b", "tau_w")}
    adaptive = over_neurons(network, lambda p: p.model in ADAPTIVE_MODELS, bool)
    e_rev = alpha * np.stack([get["e_rev_E"], get["e_rev_I"]]) + offset
    e_ref = e_rev - np.array([[1.0], [-1.0]])
    conductance = conductance_based(network)
    if not exact:
        e_ref = _moved_references(network, alpha, offset, reference)
        _demand_references(network, conductance, e_rev, e_ref)
    g_leak = leak_conductance(network)
    exponential = adaptive & (get["delta_T"] > 0)
    return {
        "v_leak": alpha * get["v_rest"] + offset, "v_reset": alpha * get["v_reset"] + offset,
        "v_thresh": alpha * over_neurons(network, comparator) + offset, "tau_m": get["tau_m"] * u,
        "tau_syn_exc": get["tau_syn_E"] * u, "tau_syn_inh": get["tau_syn_I"] * u,
        "refractory_us": get["tau_refrac"] * u, "i_offset": get["i_offset"] * current_gain(network, target, alpha),
        "spiking": np.ones(network.neurons, bool), "conductance": conductance,
        "e_rev_exc": e_rev[0], "e_rev_inh": e_rev[1], "e_ref_exc": e_ref[0], "e_ref_inh": e_ref[1],
        "exponential": exponential, "delta_t": np.where(exponential, alpha * get["delta_T"], 1.0),
        "v_exp": alpha * get["v_thresh"] + offset, "adaptation": adaptive & ((get["a"] != 0) | (get["b"] != 0)),
        "a": 1e-3 * get["a"] / g_leak, "b": alpha * get["b"] / g_leak, "tau_w": get["tau_w"] * u}


def _demand_references(network: Network, conductance, e_rev, e_ref) -> None:
    """The reference must lie between the reversal potential and the membrane's range, or the sign is lost."""
    wrong = conductance & ((e_ref[0] >= e_rev[0] - 1.0) | (e_ref[1] <= e_rev[1] + 1.0))
    if np.any(wrong):
        i = int(np.flatnonzero(wrong)[0])
        p = network.populations[population_of_neuron(network)[i]]
        raise MappingError(
            f"reversal potentials of {parameter(network, 'e_rev_E')[i]:g} and {parameter(network, 'e_rev_I')[i]:g} mV",
            f"a reference potential in {limits.E_REF_RANGE} CADC LSB below the excitatory and above the inhibitory one",
            f"population {p.label!r}", "move the reversal potentials apart, or use chip='ideal'")


def current_gain(network: Network, target: Target, alpha: np.ndarray) -> np.ndarray:
    """What 1 nA into each neuron is, LSB / us, (n,)."""
    return alpha / (parameter(network, "cm") * us_per_ms(target))


def synaptic_strength(network: Network, target: Target, alpha: np.ndarray) -> np.ndarray:
    """What a weight of 1 is to each neuron of a chip without limits, (n,): LSB / us for 1 nA, 1 / us for 1 uS."""
    per_unit = np.where(conductance_based(network), 1.0, alpha)
    return per_unit / (parameter(network, "cm") * us_per_ms(target))


# --- state -------------------------------------------------------------------------------------------------


def initial_values(network: Network, target: Target, alpha: np.ndarray, offset: np.ndarray) -> dict[str, np.ndarray]:
    """Start values of all neurons, each (n,): v and w in LSB, i_exc and i_inh as the emulator's probes read them."""
    def value(variable: str, *names: str) -> np.ndarray:
        given = over_neurons(network, lambda p: next((p.initial[k] for k in names if k in p.initial), 0.0))
        return physical_from_biological_units(network, target, alpha, offset, variable, given,
                                              np.arange(network.neurons))

    return {"v": value("v", "v"), "w": value("w", "w"), "i_exc": value("isyn_exc", "gsyn_exc", "isyn_exc"),
            "i_inh": value("isyn_inh", "gsyn_inh", "isyn_inh")}


def physical_from_biological_units(network: Network, target: Target, alpha: np.ndarray, offset: np.ndarray,
                                   variable: str, values: np.ndarray, neuron: np.ndarray) -> np.ndarray:
    """State in PyNN's units (..., k) of the neurons ``neuron`` (k,) as the emulator has it."""
    if variable == "v":
        return alpha[neuron] * values + offset[neuron]
    if variable == "w":
        return alpha[neuron] * values / leak_conductance(network)[neuron]
    conductance = conductance_based(network)[neuron]
    strength = np.where(conductance, 1.0, alpha[neuron]) / (parameter(network, "cm")[neuron] * us_per_ms(target))
    return values * strength * np.where(~conductance & (variable == "isyn_inh"), -1.0, 1.0)
