"""What a network has become on the chip, what it cost, and what it lost.

Everything here is computed from ``Mapped``; nothing is noted on the way.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from pynn_brainscales.emulator import coordinates, limits
from pynn_brainscales.emulator.frozen import Frozen
from pynn_brainscales.emulator.profile import calibrated

from .cells import comparator, population_of_neuron
from .connections import connections, synapse_slices
from .driver_fits import driver_fits
from .errors import MappingError
from .load import link_load
from .mapped import Loss, Mapped, Way
from .models import port_of
from .network import Population, Projection
from .readback import PYNN_NAMES, parameter_unit
from .report_currents import current_notes
from .report_sensors import sensor_notes
from .scale import us_per_ms

_WAYS = {Way.FREE: "any delay", Way.DIRECT: "on the chip", Way.LOOP: "around the chip", Way.BETWEEN: "between chips",
         Way.EXTERNAL: "from outside"}
_DRY_RUN_LIMIT = 20_000  # synapses up to which a report on an ideal chip maps the network to real ones, too


@dataclass(frozen=True, eq=False)
class Report(Frozen):
    """Numbers of a mapping; ``str()`` is the text for a terminal, ``to_dict()`` plain data."""

    sections: Mapping[str, object]

    def to_dict(self) -> dict:
        """Everything, as plain dicts, lists, strings and numbers."""
        return _plain(self.sections)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        s = self.sections
        return f"<Report: {s['neurons']} neurons, {s['synapses']} synapses, chips: {s['chips']}>"

    def summary(self) -> str:
        """The report as text, at most 100 columns wide."""
        from .report_text import text

        return text(self.to_dict())


def make_report(mapped: Mapped, dry_run: bool | None = None) -> Report:
    """The report of a mapping.

    Parameters
    ----------
    mapped : Mapped
    dry_run : bool, optional
        On a chip without limits: also map the network to calibrated chips and say what would come of it. By default
        for networks of up to 20,000 synapses.
    """
    m = mapped
    if dry_run is None:
        dry_run = m.network.synapses <= _DRY_RUN_LIMIT
    sections: dict[str, object] = {
        "profile": str(m.target.profile), "speedup": m.target.speedup, "timestep_ms": m.network.timestep,
        "chips": m.placement.chips, "neurons": m.network.neurons, "synapses": m.network.synapses,
        "lost": {reason.name.lower(): int(np.count_nonzero(m.rounded.lost == reason)) for reason in Loss if reason},
        "usage": _usage(m), "populations": {p.label: _population(m, i) for i, p in enumerate(m.network.populations)},
        "projections": {p.label: _projection(m, p.label) for p in m.network.projections},
        "joints": {j.label: _joint(m, i) for i, j in enumerate(m.network.joints)},
        "recording": _recording(m), "events": _events(m), "beside": _beside(m),
        "currents": current_notes(m)}
    if m.routing.free:
        sections["dry_run"] = _dry_run(m) if dry_run else "not made: make_report(mapped, dry_run=True) maps it"
    return Report(MappingProxyType(sections))


def _joint(m: Mapped, i: int) -> dict:
    """Electrical synapses of one projection: how many, and conductance over capacitance."""
    joints = m.network.joints
    start = sum(len(j) for j in joints[:i])
    here, rate, ms = slice(start, start + len(joints[i])), m.rounded.icc_rate, 1.0 / us_per_ms(m.target)
    wanted, got = (rate_[:, here] / ms for rate_ in (rate.requested, rate.realised))
    error = np.abs(got - wanted) / np.where(wanted > 0, wanted, 1.0)
    span = [float(got.min(initial=np.inf)), float(got.max(initial=0.0))]
    return {"joints": len(joints[i]), "rate_per_ms": span,
            "largest_error": float(error.max(initial=0.0)), "clipped": int(np.any(rate.clipped[:, here], axis=0).sum())}


def _plain(value):
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


# --- resources ---------------------------------------------------------------------------------------------


def _usage(m: Mapped) -> list[dict]:
    """Per chip: circuits of 512; rows, drivers and labels of each array; streams of events that reach it."""
    r = m.routing
    circuits = np.bincount(np.repeat(m.placement.chip, m.expanded.circuits), minlength=m.placement.chips)
    usage = []
    for chip in range(m.placement.chips):
        part: dict[str, object] = {"circuits": int(circuits[chip])}
        if not r.free:
            for array in range(limits.HALVES):
                here = (r.cell_chip == chip) & (r.cell_array == array)
                row, label = r.cell_row[here], r.cell_label[here]
                driver = coordinates.driver_of_row(row)
                part[f"array_{array}"] = {
                    "synapses": int(here.sum()), "rows": len(np.unique(row)), "drivers": len(np.unique(driver)),
                    "labels": len(np.unique(driver * limits.LABELS + label)),
                    "streams": int(np.count_nonzero((r.route_chip == chip) & (r.route_array == array)))}
        usage.append(part)
    return usage


# --- populations and projections ---------------------------------------------------------------------------


def _population(m: Mapped, number: int) -> dict:
    p, described = m.network.populations[number], m.described.population(m.network.populations[number].label)
    mine = population_of_neuron(m.network) == number
    alpha = float(m.scaled.alpha[mine][0])
    swing = float(np.min(comparator(p) - np.minimum(p.parameters["v_rest"], p.parameters["v_reset"])))
    profile = m.target.profile
    error_mv = float(np.hypot(profile.v_thresh / alpha, profile.threshold_distance * swing))
    result: dict[str, Any] = {
        "model": described.model, "circuit_model": p.model, "size": p.size,
        "circuits": int(m.expanded.circuits[mine].sum()),
        "alpha_lsb_per_mv": alpha, "swing_lsb": alpha * swing, "threshold_spread_mv": error_mv,
        "threshold_spread_of_swing": error_mv / swing, "parameters": {}}
    for name, q in m.rounded.cells.items():
        if name not in PYNN_NAMES or _unused(m, name, mine):
            continue
        factor, offset = (a[mine] for a in parameter_unit(m, name))
        for label, which in _places(m, described, name, mine):
            asked, got = (a[which] * factor + offset for a in (q.requested, q.realised))
            result["parameters"][label] = {
                "unit": PYNN_NAMES[name][1], "asked": _range(asked), "got": _range(got),
                "max_error": float(np.abs(got - asked).max()), "clipped": int(np.count_nonzero(q.clipped[which]))}
    return result


def _places(m: Mapped, p: Population, name: str, mine: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """The user's names of a parameter of the chip, and the units of the population that have it.

    A point neuron's receptors have names of their own, and may be on several circuits.
    """
    kind = {"tau_syn": "tau_syn", "e_rev": "e_syn"}.get(name[:-4])
    if kind is None or not p.cell.composed:
        return [(PYNN_NAMES[name][0], np.flatnonzero(mine))]
    found, neurons = [], np.flatnonzero(mine)
    for receptor, circuit in m.split.circuits[p.label].receptor.items():
        side, port = port_of(circuit)
        if side[:3] == name[-3:]:
            units = np.flatnonzero((m.scaled.unit_port == port) & np.isin(m.scaled.unit_neuron, neurons))
            found.append((f"{receptor}.{kind}", units))
    return found


def _unused(m: Mapped, name: str, mine: np.ndarray) -> bool:
    """Whether a parameter belongs to a term that no neuron of the population has switched on."""
    term = {"e_rev_exc": "conductance", "e_rev_inh": "conductance", "delta_t": "exponential", "v_exp": "exponential",
            "a": "adaptation", "b": "adaptation", "tau_w": "adaptation"}.get(name)
    return term is not None and not np.any(m.scaled.cells[term][:len(mine)][mine])


def _range(values: np.ndarray) -> list[float]:
    return [float(values.min()), float(values.max())]


def _projection(m: Mapped, label: str) -> dict:
    c = connections(m, label)
    s = synapse_slices(m)[label]
    n = len(c["weight"])
    result: dict[str, Any] = {
        "synapses": n, "lost": {r.name.lower(): int(np.count_nonzero(c["lost"] == r)) for r in Loss if r}}
    alive = c["lost"] == Loss.NONE
    if not np.any(alive):
        return result
    asked, got = c["weight_requested"][alive], c["weight"][alive]
    error = np.abs(got - asked)
    scale = float(np.sqrt(np.mean(asked**2)))
    clipped = m.rounded.drive.clipped[s]
    result["weight"] = {
        "asked": _range(asked), "got": _range(got), "mean_asked": float(asked.mean()), "mean_got": float(got.mean()),
        "rms_error": float(np.sqrt(np.mean(error**2))) / scale if scale else 0.0,
        "max_error": float(error.max()) / scale if scale else 0.0, "clipped": int(np.count_nonzero(clipped)),
        "rows_per_synapse": [int(c["rows"].min()), int(c["rows"].max())]}
    described = next((p for p in m.described.projections if p.label == label), None)
    if described is not None and label in m.split.driver_modes:
        result["short_term"] = _short_term(m, described)
    if described is not None and label in m.split.sensors:
        result["learning"] = sensor_notes(m, described)
    if described is not None and described.candidates is not None:
        result["slots"] = _slots(m, described, s)
    result["ways"] = {}
    for way in Way:
        mine = alive & (m.routing.way[s] == way)
        if np.any(mine):
            off = np.abs(c["delay"][mine] - c["delay_requested"][mine])
            result["ways"][_WAYS[way]] = {
                "synapses": int(mine.sum()), "delay_asked": _range(c["delay_requested"][mine]),
                "delay_got": _range(c["delay"][mine]), "mean_error": float(off.mean()), "max_error": float(off.max())}
    return result


def _slots(m: Mapped, p: Projection, s: slice) -> dict:
    """Slots of a neuron, their candidates, and the events that a candidate's spike is on its way to them."""
    r = m.routing
    count = np.bincount(p.post_index[m.rounded.lost[s] == Loss.NONE])
    result: dict[str, Any] = {"a_neuron": [int(count[count > 0].min()), int(count.max())],
                              "candidates": len(p.candidates if p.candidates is not None else ())}
    if not r.free:
        mine = (r.cell_synapse >= s.start) & (r.cell_synapse < s.stop)
        driver = coordinates.driver_of_row(r.cell_row[mine])
        index = coordinates.index_of_driver(driver) & r.driver_mask[r.cell_chip[mine], r.cell_array[mine], driver]
        blocks = np.stack([r.cell_chip[mine], r.cell_array[mine], coordinates.bus_of_driver(driver), index])
        result |= {"drivers": len(np.unique(np.stack([*blocks[:2], driver]), axis=1).T),
                   "events_a_spike": len(np.unique(blocks, axis=1).T)}
    return result


def _short_term(m: Mapped, p: Projection) -> dict:
    """How near the drivers come to the Tsodyks-Markram synapses of a projection."""
    fits = driver_fits(m, p)
    asked = {name: _range(p.parameters[name]) for name in ("U", "tau_rec", "tau_facil")}
    return {"asked": asked,
            "facilitating": sum(f.strength > 0 for f in fits), "depressing": sum(f.strength < 0 for f in fits),
            "use": _range(np.array([f.use for f in fits])),
            "tau_ms": _range(np.array([f.tau_us / us_per_ms(m.target) for f in fits])),
            "error": max(f.error for f in fits)}


# --- beside the chips --------------------------------------------------------------------------------------


def _beside(m: Mapped) -> dict:
    """Populations that no circuit holds, and synapses that the host computes."""
    populations = {p.label: {"model": p.model, "size": p.size} for p in m.split.beside}
    synapses = {p.label: {"synapses": len(p)} | _delays(m, p.label) for p in m.split.aside}
    relays = {r.label: {"model": r.model, "relays": len(r.source)} for r in m.split.relays}
    learning = {p.label: {"rule": list(p.rule), "synapses": len(p)} | _delays(m, p.label) for p in m.split.learning}
    return {"populations": populations, "projections": synapses, "relays": relays, "learning": learning}


def _delays(m: Mapped, label: str) -> dict:
    """Delays of a projection that ends beside the chips, or learns."""
    c, h = connections(m, label), m.network.timestep
    if not len(c["delay"]):
        return {}
    return {"delay_asked": _range(c["delay_requested"]), "delay_got": _range(np.floor(c["delay"] / h + 0.5) * h)}


# --- recording and events ----------------------------------------------------------------------------------


def _recording(m: Mapped) -> list[str]:
    """What is recorded here and a chip could not record at once."""
    if not m.target.profile.limited:
        return []
    u = us_per_ms(m.target)
    notes: list[str] = []
    variables: dict[int, set[str]] = {}
    for probe, (beside, _) in zip(m.described.probes, m.split.probes, strict=True):
        if beside:
            continue
        interval, cells = probe.interval * u, len(probe.index)
        if cells == 0:
            continue
        for neuron in (probe.index + m.network.offsets()[probe.population]).tolist():
            variables.setdefault(neuron, set()).add(probe.variable)
        if interval >= limits.CADC_MIN_INTERVAL_US:
            continue
        fine = limits.MADC_MIN_INTERVAL_US * min(cells, limits.MADC_CHANNELS)
        if cells > limits.MADC_CHANNELS or interval < fine:
            notes.append(
                f"{probe.variable} of {cells} cells of {probe.population!r} every {probe.interval:g} ms: the chip "
                f"samples all cells every {limits.CADC_MIN_INTERVAL_US / u:g} ms, or "
                f"{limits.MADC_CHANNELS} of them faster")
    several = sum(len(v) > 1 for v in variables.values())
    if several:
        notes.append(f"several variables of {several} cells at once: a circuit shows one of its variables at a time")
    return notes


def _events(m: Mapped) -> dict:
    result: dict[str, object] = {"hardware_ms_per_s": us_per_ms(m.target), "streams": len(m.routing.route_source)}
    if m.routing.free:
        return result
    load = link_load(m)
    return result | {"input_events_per_us": load.input_rate, "link_events_per_us": limits.LINK_EVENTS_PER_US,
                     "neurons_relayed": load.neurons_relayed, "relay_streams": load.relay_streams,
                     "too_fast": load.too_fast}


def _dry_run(m: Mapped) -> str:
    """What would come of the network on calibrated chips."""
    from .compile import compile

    network = m.described.replace(probes=(), observed=())
    target = m.target.replace(profile=calibrated, on_loss="warn", max_chips=None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mapped = compile(network, target)
    except MappingError as error:
        return f"on calibrated chips: {error}"
    lost = int(np.count_nonzero(mapped.rounded.lost))
    chips = mapped.placement.chips
    return (f"on calibrated: {chips} chip{'s' if chips != 1 else ''}, "
            f"{f'{lost} of {network.synapses} synapses lost' if lost else 'nothing lost'}"
            + ("; STDPMechanism by correlation sensors, not exact" if mapped.split.sensors else ""))
