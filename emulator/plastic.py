"""Synapses that a plasticity rule may change: arrays of rows and columns, with the events that reach their rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import limits
from .frozen import Frozen
from .kernels.correlation import SensorParameters, SensorState, initial_sensor_state, verify_sensors
from .kernels.plastic_array import PlasticState, initial_plastic_state


@dataclass(frozen=True, eq=False)
class PlasticArray(Frozen):
    """Synapses of R rows and C columns whose weights and labels may change during an experiment.

    Attributes
    ----------
    circuit : int, (C,)
        Circuit of each column.
    input : int, (R,)
        EXC or INH: the input that a row acts on.
    there : bool, (R, C)
        Where a synapse exists.
    weight, label : int, (R, C)
        At the start, 0..63.
    strength : float, (R, C)
        What a unit of weight is in units of the circuit's gain, static errors included.
    source, row, event_label, delay_steps : int, (E,)
        Events of a source (circuits count first, then external channels) reach a row, with a label, after a delay.
    sensors : SensorParameters or None
        None where no rule reads correlations.
    """

    circuit: np.ndarray
    input: np.ndarray
    there: np.ndarray
    weight: np.ndarray
    label: np.ndarray
    strength: np.ndarray
    source: np.ndarray
    row: np.ndarray
    event_label: np.ndarray
    delay_steps: np.ndarray
    sensors: SensorParameters | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.there.shape


@dataclass(frozen=True, eq=False)
class PlasticArrayState(Frozen):
    """Weights and labels of a plastic array, and its sensors where it has some.

    ``events`` (trials, R, labels) counts the events that have reached each row with each label since the last reset of
    its counter; None where nobody asks.
    """

    synapses: PlasticState
    sensors: SensorState | None = None
    events: np.ndarray | None = None


def initial_array_state(array: PlasticArray, trials: int) -> PlasticArrayState:
    """The configured weights and labels, empty sensors."""
    sensors = None if array.sensors is None else initial_sensor_state(trials, *array.shape)
    weight = np.where(array.there, array.weight, 0)
    events = np.zeros((trials, array.shape[0], limits.LABELS), np.int32)
    return PlasticArrayState(initial_plastic_state(trials, weight, array.label), sensors, events)


def verify_array(array: PlasticArray, circuits: int, sources: int) -> None:
    """Raise ValueError, naming the field, if a plastic array is not what the kernels can run."""
    rows, columns = array.shape
    for name in ("weight", "label", "strength"):
        if getattr(array, name).shape != (rows, columns):
            raise ValueError(f"plastic.{name} has shape {getattr(array, name).shape}, expected {(rows, columns)}")
    for name, size in (("circuit", columns), ("input", rows)):
        if getattr(array, name).shape != (size,):
            raise ValueError(f"plastic.{name} has shape {getattr(array, name).shape}, expected ({size},)")
    bounds = {"circuit": circuits, "input": 2, "weight": limits.WEIGHT_MAX + 1, "label": limits.LABELS,
              "source": sources, "row": rows, "event_label": limits.LABELS}
    for name, bound in bounds.items():
        value = getattr(array, name)
        if value.size and (value.min() < 0 or value.max() >= bound):
            raise ValueError(f"plastic.{name} must lie in 0..{bound - 1}")
    if len(np.unique(array.circuit)) != columns:
        raise ValueError("plastic.circuit must name a circuit for each column, each once")
    if not np.all(np.isfinite(array.strength[array.there])):
        raise ValueError("plastic.strength must be finite where a synapse exists")
    if array.delay_steps.size and array.delay_steps.min() < 1:
        raise ValueError("plastic.delay_steps must be >= 1")
    if array.sensors is not None:
        verify_sensors(array.sensors)
        if array.sensors.eta_causal.shape != (rows, columns):
            raise ValueError(f"plastic.sensors has shape {array.sensors.eta_causal.shape}, expected {(rows, columns)}")
