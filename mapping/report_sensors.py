"""What the report says of an STDPMechanism that correlation sensors and a rule stand for."""

from __future__ import annotations

from typing import Any

import numpy as np
from pynn_brainscales.emulator import limits

from .connections import synapse_slices
from .mapped import Mapped
from .network import Projection
from .readback import plastic_places
from .sensors import FULL_LSB, VOGELS, asked_taus, update_us


def sensor_notes(m: Mapped, p: Projection) -> dict[str, Any]:
    """Numbers of a projection; weights are magnitudes in PyNN's unit, a step is the weight of one code."""
    setting = m.split.sensors[p.label]
    unit = np.abs(plastic_places(m)[p.label].unit)
    alive = unit > 0
    if not np.any(alive):
        unit, alive = np.ones(len(p)), np.ones(len(p), bool)
    plus, minus = asked_taus(p)
    parameters, cell = p.parameters, m.described.population(p.post).cell
    delta = any(port.response == "Delta" for port in cell.receptors.values())
    vogels = p.rule[0] == VOGELS
    largest = (np.max(parameters["eta"][alive] / unit[alive]) if vogels else
               np.max(np.maximum(np.abs(parameters["A_plus"] * setting.plus), np.abs(
                   parameters["A_minus"] * setting.minus))[alive] * (parameters["w_max"] / np.where(alive, unit, 1.0))[
                       alive]))
    result = {
        "rule": list(p.rule), "period_ms": setting.period,
        "update_ms": update_ms(m, p),
        "delay_fraction": _range(parameters["dendritic_delay_fraction"]), "w_min": _range(parameters["w_min"]),
        "w_max": _range(parameters["w_max"]), "unit": "mV" if delta else "uS" if cell.conductance else "nA",
        "weight_step": _range(unit[alive]),
        "steps": _range(np.floor(parameters["w_max"][alive] / unit[alive] + 0.5)),
        "tau_plus": _range(plus), "tau_minus": _range(minus), "tau": setting.tau,
        "areas_kept": bool(np.any(np.abs(np.concatenate([setting.plus, setting.minus]) - 1.0) > 1e-9)),
        "eta": setting.eta, "usable": limits.SENSOR_USABLE_LSB[1],
        "settings": len({(float(q.parameters["eta"][0]), float(q.parameters["tau"][0]))
                         for q in m.split.plastic.values() if len(q)}),
        "pairs": (limits.SENSOR_USABLE_LSB[1] - FULL_LSB) / setting.eta, "change": float(largest / setting.eta)}
    return result | ({"target": _range(parameters["rho"])} if vogels else {})


def update_ms(m: Mapped, p: Projection) -> float:
    """About how long an update of a mechanism takes, in ms of biological time."""
    array, number = m.config.plastic[list(m.split.plastic).index(p.label)], processors(m, p.label)
    us = update_us(array.shape[0] // number, int(array.there.sum()), number, p.rule[0] == VOGELS)
    return us * m.target.speedup / 1000.0


def processors(m: Mapped, *labels: str) -> int:
    """On how many halves of chips, each with a processor, the plastic synapses of projections lie; at least 1."""
    slices, synapse = synapse_slices(m), m.routing.cell_synapse
    cells = np.zeros(len(synapse), bool)
    for label in labels:
        cells |= (synapse >= slices[label].start) & (synapse < slices[label].stop)
    return max(1, len(np.unique(m.routing.cell_chip[cells] * limits.HALVES + m.routing.cell_array[cells])))


def _range(values: np.ndarray) -> list[float]:
    return [float(np.min(values)), float(np.max(values))]
