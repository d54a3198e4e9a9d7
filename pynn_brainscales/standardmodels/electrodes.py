"""Current sources. On the chip they are the offset current of a circuit."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np
from pyNN import errors
from pyNN.parameters import ParameterSpace, Sequence
from pyNN.random import AbstractRNG
from pyNN.standardmodels import build_translations, electrodes
from pyNN.standardmodels.base import StandardCurrentSource

from .. import simulator
from ..mapping.currents import drawn
from ..mapping.currents import values as current_values
from ..simulator import Stale

_DRAWN_AT_ONCE = 1024


class _CurrentSource:
    """What all sources share; a source says its value at each step, ``values(start, stop)`` in nA."""

    def __init__(self, **parameters) -> None:
        # PyNN's base class takes every attribute for a parameter: these must be there before it asks
        for name, value in (("_parameters", {}), ("_cells", []), ("_recorded", False), ("_past", []), ("_now", 0),
                            ("_dt", simulator.state.dt), ("_network", simulator.state.currents),
                            ("_number", len(simulator.state.currents))):
            object.__setattr__(self, name, value)
        super().__init__(**parameters)
        self.set_native_parameters(self.native_parameters)
        simulator.state.currents.append(self)

    def set_native_parameters(self, parameters) -> None:
        """Take over parameters, all or none."""
        new, given = dict(self._parameters), set()
        for name, value in parameters.items():
            given.add(name)
            try:
                value.shape = (1,)
                evaluated = value.evaluate(simplify=True)
                evaluated = evaluated.value if isinstance(evaluated, Sequence) else np.asarray(evaluated).item()
                number = np.asarray(evaluated, float)
            except (TypeError, ValueError):
                self._refuse(name, value.base_value, "must be a number")
            if number.ndim > 1 or (number.ndim == 1) != (self.get_schema()[name] is Sequence):
                self._refuse(name, evaluated, "must be a number, of a step current a list of them")
            if np.isnan(number).any() or (name != "stop" and np.isinf(number).any()):
                self._refuse(name, evaluated, "must be finite")
            new[name] = number if number.ndim else float(number)
        if {"start", "stop"} <= given and new["stop"] < new["start"]:  # one alone may wait for the other
            self._refuse("stop", new["stop"], f"must not be before start, {new['start']:g} ms")
        object.__setattr__(self, "_parameters", self._accepted(new))
        simulator.state.changed(Stale.STIMULUS)

    def _refuse(self, name: str, value, why: str):
        raise errors.InvalidParameterValueError(f"{type(self).__name__}: {name} {why}, got {value!r}")

    def get_native_parameters(self):
        """All parameters, as PyNN takes them."""
        values = {k: Sequence(v) if isinstance(v, np.ndarray) else v for k, v in self._parameters.items()}
        return ParameterSpace(values, self.get_schema(), (1,))

    def __getattr__(self, name: str):
        """Parameters as numbers and arrays."""
        if name.startswith("__"):  # asked for by copy and pickle, before there are parameters
            raise AttributeError(name)
        parameters = object.__getattribute__(self, "_parameters")
        return parameters[name] if name in parameters else StandardCurrentSource.__getattr__(self, name)

    def _accepted(self, p: dict) -> dict:
        """The parameters as they are used; an error for those that make no sense."""
        return p

    def inject_into(self, cells, location=None) -> None:
        """Inject into a Population, PopulationView, Assembly, a list of cells, or one cell.

        A source may be injected into any number of them; into one cell several times adds up.

        Raises
        ------
        TypeError
            If some of them are spike sources.
        RuntimeError
            If source or cells are from before ``setup()``.
        """
        if location is not None:
            raise NotImplementedError(f"location={location!r}: the cells have one compartment and no locations; leave "
                                      "it out")
        if self._network is not simulator.state.currents:
            raise RuntimeError(f"{type(self).__name__}: inject_into() would have no effect: the source was made before "
                               "setup() was called; make it again")
        cells = [cells] if isinstance(cells, simulator.ID) or not isinstance(cells, Iterable) else cells
        parts: list[dict] = []
        for cell in cells:
            if not isinstance(cell, simulator.ID):
                raise TypeError(f"{type(self).__name__} can be injected into populations, views, assemblies and cells "
                                f"of pynn_brainscales, not into {cell!r}")
            if not cell.celltype.injectable:
                raise TypeError("Can't inject current into a spike source.")
            cell.parent._demand_present("inject_into")
            # of a cell that comes several times, each goes into another part
            part = next((p for p in parts if cell not in p), None)
            if part is None:
                parts.append(part := {})
            part[cell] = cell.parent
        for part in parts:
            for population in dict.fromkeys(part.values()):
                index = [population.id_to_index(cell) for cell, parent in part.items() if parent is population]
                self._cells.append((population, np.array(index)))
        simulator.state.changed(Stale.STIMULUS)

    def record(self) -> None:
        """Keep the current from now on, for ``get_data()``."""
        object.__setattr__(self, "_recorded", True)
        object.__setattr__(self, "_now", simulator.state.step)

    def values(self, start: int, stop: int, trial: int | None = None) -> np.ndarray:
        """Values from step ``start`` to before ``stop``, nA, with the present parameters; in the present trial."""
        return self._values(np.arange(start, stop), trial)

    def keep(self, start: int, stop: int) -> None:
        """Note what was injected in a run, if this source is recorded."""
        if self._recorded:
            self._past.append(self.values(start, stop))
            object.__setattr__(self, "_now", stop)

    def reset(self) -> None:
        """Back to t = 0."""
        self._past.clear()
        object.__setattr__(self, "_now", 0)

    def _get_data(self) -> tuple[np.ndarray, np.ndarray]:
        if not self._recorded:
            raise errors.NothingToWriteError("this current source was not recorded: call record() before run()")
        values = np.concatenate([*self._past, self._values(np.array([self._now]))])
        return np.arange(self._now + 1 - len(values), self._now + 1) * self._dt, values

    def _values(self, step: np.ndarray, trial: int | None = None) -> np.ndarray:
        normals = partial(self._normals, trial=simulator.state.trial if trial is None else trial)
        return current_values(type(self).__name__, self._parameters, step, self._dt, normals)

    def _normals(self, number: np.ndarray, trial: int) -> np.ndarray:
        return drawn(simulator.state.target.seed, trial, self._number)(number)

    @property
    def differs_by_trial(self) -> bool:
        """Whether its values are others in each trial."""
        return False


def _same_names(base) -> dict:
    return build_translations(*((name, name) for name in base.default_parameters))


class DCSource(_CurrentSource, electrodes.DCSource):
    __doc__ = electrodes.DCSource.__doc__
    translations = _same_names(electrodes.DCSource)


class ACSource(_CurrentSource, electrodes.ACSource):
    __doc__ = electrodes.ACSource.__doc__
    translations = _same_names(electrodes.ACSource)


class StepCurrentSource(_CurrentSource, electrodes.StepCurrentSource):
    __doc__ = electrodes.StepCurrentSource.__doc__
    translations = _same_names(electrodes.StepCurrentSource)

    def _accepted(self, p: dict) -> dict:
        times, amplitudes = p["times"], p["amplitudes"]
        if len(times) != len(amplitudes):
            raise errors.InvalidParameterValueError(
                f"StepCurrentSource needs as many times as amplitudes, got {len(times)} and {len(amplitudes)}; set "
                "both in one call of set_parameters()")
        if np.any(times < 0):
            raise errors.InvalidParameterValueError(
                f"StepCurrentSource: times count from 0 ms and can't be negative, got {times}")
        if np.any(np.diff(times) < 0):
            raise errors.InvalidParameterValueError(
                f"StepCurrentSource: times must be monotonically increasing, got {times}")
        dt = self._dt
        at = np.rint(times / dt)
        last = np.append(at[1:] != at[:-1], True) if len(at) else np.zeros(0, bool)  # of several at one step, the last
        return {"times": (at * dt)[last], "amplitudes": amplitudes[last]}


class NoisyCurrentSource(_CurrentSource, electrodes.NoisyCurrentSource):
    __doc__ = electrodes.NoisyCurrentSource.__doc__
    translations = _same_names(electrodes.NoisyCurrentSource)

    def __init__(self, rng=None, **parameters) -> None:
        if not (rng is None or isinstance(rng, AbstractRNG)):
            raise TypeError(f"NoisyCurrentSource: rng={rng!r} must be one of pyNN.random, like NumpyRNG(seed)")
        for name, value in (("_rng", rng), ("_kept", np.zeros(0)), ("_drawn", 0)):
            object.__setattr__(self, name, value)
        usual, step = self.default_parameters["dt"], simulator.state.dt
        if "dt" not in parameters and abs(usual / step - round(usual / step)) > 1e-6:
            parameters["dt"] = step
        super().__init__(**parameters)

    def _accepted(self, p: dict) -> dict:
        steps = p["dt"] / self._dt
        if steps < 1 - 1e-9 or abs(steps - round(steps)) > 1e-6:
            self._refuse("dt", p["dt"], f"in ms must be a multiple of the timestep, {self._dt} ms")
        if p["stdev"] < 0:
            self._refuse("stdev", p["stdev"], "must be >= 0")
        return p

    @property
    def differs_by_trial(self) -> bool:
        """Whether its values are others in each trial: not those of a generator that the user gave."""
        return self._rng is None

    def _normals(self, number: np.ndarray, trial: int) -> np.ndarray:
        """The numbers of some intervals, ascending; the same whenever they are asked for."""
        return super()._normals(number, trial) if self._rng is None else self._from_rng(int(number[-1]) + 1)[number]

    def _from_rng(self, count: int) -> np.ndarray:
        """The first numbers of the user's own generator, which are kept: the same again after ``reset()``."""
        missing = count - self._drawn
        if missing > 0:
            if count > len(self._kept):
                space = np.zeros(max(count, 2 * len(self._kept), _DRAWN_AT_ONCE))
                space[:self._drawn] = self._kept[:self._drawn]
                object.__setattr__(self, "_kept", space)
            self._kept[self._drawn:count] = self._rng.next(missing, "normal", {"mu": 0.0, "sigma": 1.0})
            object.__setattr__(self, "_drawn", count)
        return self._kept

    def reset(self) -> None:
        """Back to t = 0."""
        super().reset()
        if simulator.state.trial_noise == "fresh":
            object.__setattr__(self, "_drawn", 0)
