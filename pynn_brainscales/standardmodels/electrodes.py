"""Current sources. On the chip they are the offset current of a circuit."""

from __future__ import annotations

import numpy as np
from pyNN import errors
from pyNN.parameters import ParameterSpace, Sequence
from pyNN.standardmodels import build_translations, electrodes

from .. import simulator

_DRAWN_AT_ONCE = 1024


class _CurrentSource:
    """What all sources share; a source says its value at each step, ``_values(start, stop)`` in nA."""

    def __init__(self, **parameters) -> None:
        # PyNN's base class takes every attribute for a parameter: these must be there before it asks
        for name, value in (("_parameters", {}), ("_cells", []), ("_recorded", False), ("_past", [])):
            object.__setattr__(self, name, value)
        super().__init__(**parameters)
        space = self.native_parameters
        space.shape = (1,)
        self.set_native_parameters(space)
        simulator.state.currents.append(self)

    def set_native_parameters(self, parameters) -> None:
        parameters.evaluate(simplify=True)
        new = dict(self._parameters)
        for name, value in parameters.items():
            new[name] = np.asarray(value.value, float) if isinstance(value, Sequence) else float(value)
        object.__setattr__(self, "_parameters", self._accepted(new))

    def get_native_parameters(self):
        values = {k: Sequence(v) if isinstance(v, np.ndarray) else v for k, v in self._parameters.items()}
        return ParameterSpace(values, self.get_schema(), (1,))

    def __getattr__(self, name: str):
        """Parameters as numbers and arrays."""
        parameters = object.__getattribute__(self, "_parameters")
        return parameters[name] if name in parameters else super().__getattr__(name)

    def _accepted(self, p: dict) -> dict:
        """The parameters as they are used; an error for those that make no sense."""
        return p

    def inject_into(self, cells, location=None) -> None:
        """Inject into a Population, PopulationView, Assembly, or a list of cells.

        Raises
        ------
        TypeError
            If some of them are spike sources.
        """
        if location is not None:
            raise NotImplementedError("the chip's neurons have one compartment here: location has no meaning")
        parts: dict = {}
        for cell in cells:
            if not cell.celltype.injectable:
                raise TypeError("Can't inject current into a spike source.")
            parts.setdefault(cell.parent, []).append(cell.parent.id_to_index(cell))
        for population, index in parts.items():
            self._cells.append((population, np.array(index)))

    def record(self) -> None:
        """Keep the current from now on, for ``get_data()``."""
        object.__setattr__(self, "_recorded", True)

    def values(self, start: int, stop: int) -> np.ndarray:
        """Values from step ``start`` to before ``stop``, nA, with the present parameters."""
        return self._values(np.arange(start, stop))

    def keep(self, start: int, stop: int) -> None:
        """Note what was injected in a run, if this source is recorded."""
        if self._recorded:
            self._past.append(self.values(start, stop))

    def reset(self) -> None:
        """Back to t = 0."""
        self._past.clear()

    def _get_data(self) -> tuple[np.ndarray, np.ndarray]:
        state = simulator.state
        if not self._recorded:
            raise errors.NothingToWriteError("this current source was not recorded: call record() before run()")
        values = np.concatenate([*self._past, self._values(np.array([state.step]))])
        first = state.step + 1 - len(values)
        return np.arange(first, state.step + 1) * state.dt, values

    def _between(self, step: np.ndarray) -> np.ndarray:
        p, dt = self._parameters, simulator.state.dt
        return (step >= np.rint(p["start"] / dt)) & (step < np.rint(p["stop"] / dt))


def _same_names(base) -> dict:
    return build_translations(*((name, name) for name in base.default_parameters))


class DCSource(_CurrentSource, electrodes.DCSource):
    __doc__ = electrodes.DCSource.__doc__
    translations = _same_names(electrodes.DCSource)

    def _values(self, step: np.ndarray) -> np.ndarray:
        return np.where(self._between(step), self._parameters["amplitude"], 0.0)


class ACSource(_CurrentSource, electrodes.ACSource):
    __doc__ = electrodes.ACSource.__doc__
    translations = _same_names(electrodes.ACSource)

    def _values(self, step: np.ndarray) -> np.ndarray:
        p, dt = self._parameters, simulator.state.dt
        since = (step - np.rint(p["start"] / dt)) * dt  # the phase counts from the onset
        wave = np.sin(2e-3 * np.pi * p["frequency"] * since + np.deg2rad(p["phase"]))
        return np.where(self._between(step), p["offset"] + p["amplitude"] * wave, 0.0)


class StepCurrentSource(_CurrentSource, electrodes.StepCurrentSource):
    __doc__ = electrodes.StepCurrentSource.__doc__
    translations = _same_names(electrodes.StepCurrentSource)

    def _accepted(self, p: dict) -> dict:
        times, amplitudes = p["times"], p["amplitudes"]
        if len(times) != len(amplitudes):
            raise ValueError(f"a step current needs as many times as amplitudes, got {len(times)} and "
                             f"{len(amplitudes)}")
        if np.any(times < 0):
            raise ValueError(f"Step current cannot accept negative timestamps: {times}; times count from 0 ms")
        if np.any(np.diff(times) < 0):
            raise ValueError(f"Step current timestamps should be monotonically increasing: {times}")
        dt = simulator.state.dt
        at = np.rint(times / dt)
        last = np.append(at[1:] != at[:-1], True) if len(at) else np.zeros(0, bool)  # of several at one step, the last
        return {"times": (at * dt)[last], "amplitudes": amplitudes[last]}

    def _values(self, step: np.ndarray) -> np.ndarray:
        p = self._parameters
        if len(p["times"]) == 0:
            return np.zeros(len(step))
        last = np.searchsorted(np.rint(p["times"] / simulator.state.dt), step, "right") - 1
        return np.where(last >= 0, p["amplitudes"][np.maximum(last, 0)], 0.0)


class NoisyCurrentSource(_CurrentSource, electrodes.NoisyCurrentSource):
    __doc__ = electrodes.NoisyCurrentSource.__doc__
    translations = _same_names(electrodes.NoisyCurrentSource)

    def __init__(self, rng=None, **parameters) -> None:
        number = len(simulator.state.currents)
        own = np.random.default_rng((simulator.state.target.seed, number))
        standard = {"mu": 0.0, "sigma": 1.0}
        draw = own.standard_normal if rng is None else lambda n: rng.next(n, "normal", standard)
        object.__setattr__(self, "_draw", draw)
        object.__setattr__(self, "_normals", np.zeros(0))
        super().__init__(**parameters)

    def _accepted(self, p: dict) -> dict:
        steps = p["dt"] / simulator.state.dt
        if steps < 1 - 1e-9 or abs(steps - round(steps)) > 1e-6:
            raise ValueError(f"dt={p['dt']} ms of a noisy current must be a multiple of the timestep, "
                             f"{simulator.state.dt} ms")
        return p

    def _values(self, step: np.ndarray) -> np.ndarray:
        p, dt = self._parameters, simulator.state.dt
        number = (step - int(np.rint(p["start"] / dt))) // max(1, round(p["dt"] / dt))
        on = self._between(step)
        most = int(number[on].max()) if on.any() else -1
        while len(self._normals) <= most:  # drawn once and kept: the same again after reset()
            object.__setattr__(self, "_normals", np.concatenate([self._normals, self._draw(_DRAWN_AT_ONCE)]))
        values = np.zeros(len(step))
        values[on] = p["mean"] + p["stdev"] * self._normals[number[on]]
        return values
