"""The compiler: every pass, in order."""

from __future__ import annotations

import warnings

import numpy as np
from pynn_brainscales.emulator import limits

from .aside import aside_delay
from .assemble import assemble
from .canonical import Signs, held_by_chips
from .check import check
from .driver_fits import tell_poor_fits
from .errors import MappingError, MappingWarning
from .expand import expand
from .load import link_load
from .mapped import Loss, Mapped
from .models import RESPONSES
from .network import Network, Population
from .place import place
from .quantise import clipped_parameters, quantise
from .readback import PYNN_NAMES, parameter_unit
from .report_sensors import update_ms
from .route import route
from .scale import MAX_ROW_DRIVE, fits_ranges, scale, us_per_ms
from .sensors import asked_taus
from .split import same_parts, signs_of, split
from .target import Target

MAX_ROWS = (8, 4, 3, 2, 1)  # that a strong synapse may take, in successive attempts


def compile(network: Network, target: Target | None = None, previous: Mapped | None = None,
            running: bool = False) -> Mapped:
    """Map a network to chips.

    Parameters
    ----------
    network : Network
    target : Target, optional
        By default one calibrated chip, or as many as the network needs.
    previous : Mapped, optional
        Of a network with the same structure: its places and routes are used again, only values are new.
    running : bool
        The chips are in the middle of a run of ``previous``: its scale and gains are kept too, as long as the new
        values fit, so that a change of one weight does not round all others anew.

    Raises
    ------
    MappingError
        If the network can't be mapped, or loses synapses and ``target.on_loss`` is "error".

    Warns
    -----
    MappingWarning
        Where the chip does something else than was asked; the report has the numbers.
    """
    target = Target() if target is None else target
    check(network, target)
    if previous is not None and same_structure(network, target, previous):
        mapped = _values(network, target, previous, running)
        if mapped is not None:
            return mapped
    mapped = _structure(network, target, MAX_ROWS[0], abreast=True)
    if _lost(mapped) and np.any(np.diff(mapped.placement.chip) < 0):  # placed abreast, which may cost rows
        mapped = _structure(network, target, MAX_ROWS[0])
    for rows in MAX_ROWS[1:]:  # fewer rows a synapse: a smaller swing, but more synapses have a place
        if not _lost(mapped):
            break
        if mapped.scaled.rows.max() > rows:
            plainer = _structure(network, target, rows)
            mapped = plainer if _lost(plainer) < _lost(mapped) else mapped
    _tell_beside(mapped)
    _tell_losses(mapped)
    _tell_differences(mapped)
    return mapped


def _structure(network: Network, target: Target, max_rows: int, abreast: bool = False) -> Mapped:
    described, parts = network, split(network, target)
    network = parts.network
    scaled = scale(network, target, max_rows, modes=parts.driver_modes, ports=parts.ports, single=parts.plastic)
    expanded = expand(network, scaled, target)
    placement = place(network, scaled, expanded, target, parts.plastic, abreast)
    routing = route(network, scaled, expanded, placement, target)
    rounded = quantise(network, scaled, expanded, placement, routing, target)
    config, master = assemble(described, parts, scaled, expanded, placement, routing, rounded, target)
    return Mapped(described, parts, target, scaled, expanded, placement, routing, rounded, config, master)


def _values(network: Network, target: Target, old: Mapped, running: bool) -> Mapped | None:
    """New values on the old places and routes; None where they need other rows, or other parts of the chip."""
    described, parts = network, split(network, target)
    network = parts.network
    if not same_parts(parts, old.split):
        return None
    rows = int(old.scaled.rows.max(initial=1))
    scaled = scale(network, target, rows, old.scaled if running else None, parts.driver_modes, parts.ports,
                   parts.plastic)
    if running and not fits_ranges(scaled):
        scaled = scale(network, target, rows, modes=parts.driver_modes, ports=parts.ports, single=parts.plastic)
    too_strong = scaled.drive > old.scaled.rows * MAX_ROW_DRIVE * (1 + 1e-9)
    if target.profile.quantised and np.any(too_strong):
        warnings.warn("weights have grown beyond the rows that the network was mapped with: it is mapped anew",
                      MappingWarning, stacklevel=3)
        return None
    scaled = scaled.replace(rows=old.scaled.rows)
    rounded = quantise(network, scaled, old.expanded, old.placement, old.routing, target,
                       old.rounded if running else None)
    config, master = assemble(described, parts, scaled, old.expanded, old.placement, old.routing, rounded, target)
    return Mapped(described, parts, target, scaled, old.expanded, old.placement, old.routing, rounded, config, master)


def same_structure(network: Network, target: Target, mapped: Mapped) -> bool:
    """Whether a network differs from a mapped one in values only: parameters, weights, probes, spike times."""
    old = mapped.described
    if target != mapped.target or (network.timestep, network.min_delay) != (old.timestep, old.min_delay):
        return False

    def shape(n: Network) -> list[tuple]:
        cells: list[tuple] = [(p.label, p.size, p.model, dict(getattr(p, "receptors", {}))) for p in n.parts]
        return cells + [(p.label, p.pre, p.post, p.receptor, len(p), p.model, p.rule) for p in n.projections]

    if shape(network) != shape(old) or not _same_joints(network, old):
        return False
    pairs = list(zip(network.projections, old.projections, strict=True))
    same = all(_equal(getattr(p, name), getattr(q, name)) for p, q in pairs
               for name in ("pre_index", "post_index", "delay"))
    same = same and all(_same_candidates(p.candidates, q.candidates) for p, q in pairs)
    # relays are shared by synapses of equal parameters
    return same and all(np.array_equal(values, getattr(q, kind)[name]) for p, q in pairs
                        for kind in ("parameters", "initial") for name, values in getattr(p, kind).items())


def _same_joints(a: Network, b: Network) -> bool:
    return [(j.label, j.pre, j.post, len(j)) for j in a.joints] == [
        (j.label, j.pre, j.post, len(j)) for j in b.joints] and all(
        _equal(getattr(p, name), getattr(q, name)) for p, q in zip(a.joints, b.joints, strict=True)
        for name in ("pre_index", "post_index"))


def _same_candidates(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return a is b if a is None or b is None else np.array_equal(a, b)


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    same_memory = a.__array_interface__ == b.__array_interface__  # views of one array: nothing to compare
    return same_memory or np.array_equal(a, b)


def _lost(mapped: Mapped) -> int:
    return int(np.count_nonzero((mapped.rounded.lost == Loss.ROWS) | (mapped.rounded.lost == Loss.LABELS)))


def projection_of_synapse(network: Network) -> np.ndarray:
    """Index of each synapse's projection, (m,)."""
    return np.repeat(np.arange(len(network.projections)), [len(p) for p in network.projections])


def _tell_beside(mapped: Mapped) -> None:
    """One warning for each population that no circuit holds."""
    signs = signs_of(mapped.described) if mapped.split.beside else {}
    for p in mapped.split.beside:
        if held_by_chips(p, mapped.target, signs.get(p.label, {})):  # only on an ideal chip it is computed otherwise
            continue
        warnings.warn(f"population {p.label!r}: {p.model} is computed beside the chip, "
                      f"{_why_beside(p, signs.get(p.label, {}))}", MappingWarning, stacklevel=3)


def _why_beside(p: Population, signs: Signs) -> str:
    """What of a population no circuit has: its model, or a receptor."""
    if p.cell.kernel not in ("LIF", "AdExp"):
        return "which has no circuits for it"
    for name, port in p.cell.receptors.items():
        shape = RESPONSES[port.response].shape
        if shape != "exp":
            return f"whose synapses are exponential: receptor {name!r} has {shape} responses"
    for name in p.cell.receptors:
        if not p.cell.conductance and all(signs.get(name, (False, False))):
            return f"where a receptor is excitatory or inhibitory: {name!r} has weights of both signs"
    return ("where a receptor is excitatory or inhibitory: the reversal potential of one is above threshold in some "
            "cells and below it in others")


def _tell_losses(mapped: Mapped) -> None:
    """Error or warning for synapses that found no place; a warning for weights that round to zero."""
    network, lost = mapped.network, mapped.rounded.lost
    which = projection_of_synapse(network)
    reasons = {Loss.ROWS: "no free row of the right sign", Loss.LABELS: "no free label",
               Loss.WEIGHT: "weight rounds to 0"}

    def sentence(kinds: tuple[Loss, ...]) -> str:
        parts = []
        for i, p in enumerate(network.projections):
            mine = lost[which == i]
            for kind in kinds:
                count = int(np.count_nonzero(mine == kind))
                if count:
                    parts.append(f"{p.label!r}: {count} of {len(p)} ({reasons[kind]})")
        return "; ".join(parts)

    hard = _lost(mapped)
    if hard:
        asked = f"{hard} of {len(lost)} synapses have no place: {sentence((Loss.ROWS, Loss.LABELS))}"
        if mapped.target.on_loss == "error":
            raise MappingError(
                asked, f"{mapped.placement.chips} chip(s); a circuit has 256 rows, 32 of them for each 64 circuits "
                "that spike on the same chip, all of one sign a row",
                hint=f"setup(on_loss='warn') goes on without them, {_more_room(mapped, which)}, chip='ideal' has no "
                "limits")
        warnings.warn(asked, MappingWarning, stacklevel=3)
    clipped = [f"{p.label!r}: {np.count_nonzero(mapped.rounded.drive.clipped[which == i])} of {len(p)}"
               for i, p in enumerate(network.projections) if mapped.rounded.drive.clipped[which == i].any()]
    if clipped:
        warnings.warn(f"weights beyond what the chip's strongest synapses give are clipped: {'; '.join(clipped)}",
                      MappingWarning, stacklevel=3)
    if np.any(lost == Loss.WEIGHT):
        warnings.warn(f"weights too small beside the largest of their neuron: {sentence((Loss.WEIGHT,))}",
                      MappingWarning, stacklevel=3)


def _more_room(mapped: Mapped, which: np.ndarray) -> str:
    """What helps synapses to a place: synapses with a relay each want labels, others rows."""
    relayed = {r.label for r in mapped.split.relays}
    short = np.unique(which[mapped.rounded.lost == Loss.LABELS])
    if any(mapped.network.projections[i].pre in relayed for i in short):
        labels = limits.HALVES * limits.DRIVERS * limits.LABELS
        return (f"each stochastic synapse takes a label of its own, of which a chip has {labels}: use fewer of them, "
                "or a circuits_per_neuron that spreads the neurons over more chips")
    return "circuits_per_neuron=2 spreads the fan-in over more circuits"


def _tell_differences(mapped: Mapped) -> None:
    """One warning for each population with clipped parameters, and each projection with other delays."""
    clipped: dict[str, list[str]] = {}
    for label, name, neuron in clipped_parameters(mapped.network, mapped.rounded):
        value, (factor, offset) = mapped.rounded.cells[name], parameter_unit(mapped, name)
        wanted, got = (a[neuron] * factor[neuron] + offset[neuron] for a in (value.requested, value.realised))
        pynn, unit = PYNN_NAMES[name]
        clipped.setdefault(label, []).append(f"{pynn} {wanted:.4g} -> {got:.4g} {unit}")
    for label, parts in clipped.items():
        warnings.warn(f"population {label!r}: outside the chip's range: {', '.join(parts)}", MappingWarning,
                      stacklevel=3)
    tell_poor_fits(mapped)
    _tell_joints(mapped)
    _tell_sensors(mapped)
    if mapped.routing.free:
        return
    load = link_load(mapped)
    if load.too_fast:
        warnings.warn(f"sources send {load.input_rate:.3g} events/us of hardware time, and the link sustains about "
                      f"{limits.LINK_EVENTS_PER_US:g}: a real chip would lose events", MappingWarning, stacklevel=3)
    which, step = projection_of_synapse(mapped.network), mapped.config.step_us
    off = np.abs(mapped.routing.delay_us - mapped.scaled.delay_us)
    for i, p in enumerate(mapped.network.projections):
        mine = np.flatnonzero(which == i)
        if len(mine) and off[mine].max() > 0.5 * step * (1 + 1e-9):
            worst = mine[np.argmax(off[mine])]
            ms = 1.0 / us_per_ms(mapped.target)
            warnings.warn(
                f"projection {p.label!r}: no route has a delay of {mapped.scaled.delay_us[worst] * ms:.4g} ms, the "
                f"nearest is {mapped.routing.delay_us[worst] * ms:.4g} ms", MappingWarning, stacklevel=3)
    for p in (*mapped.split.aside, *mapped.split.learning):
        raised = aside_delay(p, mapped.split, mapped.target) - p.delay
        if np.any(raised > 0.5 * mapped.network.timestep):
            worst = np.argmax(raised)
            warnings.warn(
                f"projection {p.label!r}: spikes of a chip reach cells beside it after "
                f"{p.delay[worst] + raised[worst]:.4g} ms, not {p.delay[worst]:.4g} ms", MappingWarning, stacklevel=3)


def _tell_joints(mapped: Mapped) -> None:
    """One warning for each projection of electrical synapses whose conductances the chip hasn't."""
    start, rate, per_ms = 0, mapped.rounded.icc_rate, us_per_ms(mapped.target)
    for j in mapped.network.joints:
        here = slice(start, start + len(j))
        start += len(j)
        bad = np.argwhere(rate.clipped[:, here])
        if len(bad):
            wanted, got = (a[:, here][tuple(bad[0])] * per_ms for a in (rate.requested, rate.realised))
            warnings.warn(f"projection {j.label!r}: outside the chip's range: conductance / capacitance {wanted:.4g} "
                          f"-> {got:.4g} per ms", MappingWarning, stacklevel=4)


def _tell_sensors(mapped: Mapped) -> None:
    """One warning for each STDPMechanism whose time constants the correlation sensors don't reach."""
    for p in mapped.described.projections:
        setting = mapped.split.sensors.get(p.label)
        if setting is not None and setting.clipped:
            taus = np.concatenate(asked_taus(p))
            warnings.warn(
                f"projection {p.label!r}: time constants of {taus.min():.4g} to {taus.max():.4g} ms were asked for; "
                f"the chip's correlation sensors get {setting.tau:.4g} ms, with amplitudes that keep the areas of the "
                "windows", MappingWarning, stacklevel=4)
    period = mapped.target.stdp_period
    takes = sum(update_ms(mapped, p) for p in mapped.described.projections if p.label in mapped.split.sensors)
    if period is not None and takes > period:
        warnings.warn(f"updates of all STDPMechanisms take the processor about {takes:.3g} ms, longer than "
                      f"stdp_period={period:g} ms: weights change less often than that", MappingWarning, stacklevel=4)
