"""setup, end, run, reset and the state queries."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from numbers import Real
from pathlib import Path

import numpy as np
from pyNN import common
from pyNN.common.control import DEFAULT_MAX_DELAY, DEFAULT_MIN_DELAY, DEFAULT_TIMESTEP
from pyNN.recording import get_io

from . import simulator
from .describe import describe
from .emulator.profile import Profile, profile
from .mapping.document import save
from .mapping.errors import MappingError
from .mapping.mapped import Mapped
from .mapping.target import Target
from .random_sharing import check_mode

# of the environment: what scripts get that don't say it
VARIABLES = {"chip": "PYNN_BRAINSCALES_CHIP", "seed": "PYNN_BRAINSCALES_SEED",
             "chip_seed": "PYNN_BRAINSCALES_CHIP_SEED"}
_DEFAULTS = {"chip": "calibrated", "seed": "0", "chip_seed": "0"}

_SEVERAL_BLOCKS = (".nix", ".h5")  # endings of files that take the data of several populations
_OURS = {"on_loss", "speedup", "max_chips", "circuits_per_neuron", "off_chip", "stdp_period"}
# what standard scripts pass on to other simulators; none of it means anything here
_FOREIGN = frozenset({
    "label", "loglevel", "debug", "quit_on_end", "rank", "num_processes", "spike_precision", "verbosity",
    "t_flush", "threads", "local_num_threads", "grng_seed", "rng_seeds", "rng_seeds_seed", "rng_type",
    "recording_precision", "data_path", "data_prefix", "overwrite_files", "use_cvode", "rtol", "atol",
    "default_maxstep", "codegen_target",
    "native_rng_baseseed", "time_scale_factor", "machine_time_step", "n_chips_required", "recording_backend",
    "max_synapses_per_core", "morphology_path"})


def setup(timestep: float = DEFAULT_TIMESTEP, min_delay: float | str = DEFAULT_MIN_DELAY,
          chip: str | Profile | None = None, seed: int | None = None, chip_seed: int | None = None,
          trial_noise: str = "repeat", shared_rng: str = "repeat", progress: bool = False, replicas: int = 1,
          first_replica: int = 0, **extra_params) -> int:
    """Begin anew: forget every network, and choose the chip.

    Parameters
    ----------
    timestep, min_delay : float
        In ms. ``min_delay`` "auto" is the smallest delay in the network.
    chip : str or Profile, optional
        "ideal", "quantised", "calibrated" or "uncalibrated", or one of the profiles of
        ``pynn_brainscales.emulator.profile`` with some effects changed. By default the environment variable
        PYNN_BRAINSCALES_CHIP, else "calibrated".
    seed : int, optional
        Of temporal noise and Poisson sources; by default the environment variable PYNN_BRAINSCALES_SEED, else 0.
    chip_seed : int, optional
        Names the virtual chips: their fixed pattern; by default PYNN_BRAINSCALES_CHIP_SEED, else 0.
    replicas, first_replica : int
        How many copies of the network run side by side on the same chips: with the same fixed pattern and start, and
        noise, random sources and plasticity of their own. Replica number k is what ``replicas=1, first_replica=k``
        runs alone. Recordings have a segment for each, spike counts are of all together; ``Projection.get_replicas``
        gives the weights of all, and ``get`` those of the first.
    trial_noise : {"repeat", "fresh"}
        Whether ``reset()`` brings the same random numbers again, or new ones.
    shared_rng : {"repeat", "continue"}
        Whether a random generator that several distributions share gives them the same numbers, as on PyNN's other
        backends, or draws on.
    progress : bool
        Show a bar on the terminal while running.
    **extra_params
        ``on_loss``, ``speedup``, ``max_chips``, ``circuits_per_neuron``, ``off_chip``, ``stdp_period`` (see
        ``mapping.target.Target``), ``max_delay`` (ms; longer delays are kept, with a warning). Arguments of other
        simulators are accepted and have no effect.

    Returns
    -------
    int
        The MPI rank, always 0.

    Raises
    ------
    ValueError
        If there is no such profile, or a value makes no sense.
    """
    max_delay = extra_params.get("max_delay", DEFAULT_MAX_DELAY)
    _check_times(timestep, min_delay, max_delay)
    for wrong, right in (("dt", "timestep"), ("time_step", "timestep"), ("mindelay", "min_delay"),
                         ("maxdelay", "max_delay")):
        if wrong in extra_params:
            raise TypeError(f"setup() has no argument {wrong!r}; it is called {right!r}")
    if trial_noise not in ("repeat", "fresh"):
        raise ValueError(f"trial_noise={trial_noise!r}; there are 'repeat' and 'fresh'")
    mode = check_mode(shared_rng)
    for name, value, least in (("replicas", replicas, 1), ("first_replica", first_replica, 0)):
        if not _is_whole(value) or value < least:
            raise ValueError(f"{name}={value!r} must be a whole number >= {least}")
    unknown = sorted(set(extra_params) - _OURS - _FOREIGN - {"max_delay"})
    if unknown:
        warnings.warn(f"setup() does not know {', '.join(unknown)}, which have no effect; its own arguments are chip, "
                      f"seed, chip_seed, trial_noise, shared_rng, progress, replicas, first_replica, "
                      f"{', '.join(sorted(_OURS))}", UserWarning, stacklevel=2)
    chosen = profile(default("chip") if chip is None else chip)
    target = Target(profile=chosen, chip_seed=_seed("chip_seed", chip_seed), seed=_seed("seed", seed),
                    **_checked({k: v for k, v in extra_params.items() if k in _OURS}))
    state = simulator.state
    state.clear()
    state.dt, state.requested_min_delay, state.max_delay = float(timestep), min_delay, max_delay
    state.target, state.trial_noise, state.progress = target, trial_noise, bool(progress)
    state.shared_rng, state.replicas, state.first_replica = mode, int(replicas), int(first_replica)
    return rank()


def _check_times(timestep, min_delay, max_delay) -> None:
    for name, value in (("timestep", timestep), ("min_delay", min_delay), ("max_delay", max_delay)):
        if isinstance(value, str) and value == "auto" and name != "timestep":
            continue
        if not isinstance(value, Real) or not 0 < float(value) < np.inf:
            raise ValueError(f"{name}={value!r} must be a time in ms > 0{'' if name == 'timestep' else ', or auto'}")
    if min_delay != "auto":
        if min_delay < timestep:
            raise ValueError(f"min_delay={min_delay} ms must be at least the timestep, {timestep} ms")
        if max_delay != "auto" and min_delay > max_delay:
            raise ValueError(f"min_delay={min_delay} ms must not be greater than max_delay={max_delay} ms")


def default(name: str) -> str:
    """What ``setup`` takes for an argument that isn't given: from the environment, or our own default."""
    return os.environ.get(VARIABLES[name], _DEFAULTS[name])


def _seed(name: str, value) -> int:
    if value is None:
        try:
            value = int(default(name))
        except ValueError:
            raise ValueError(f"{VARIABLES[name]}={default(name)!r} must be a whole number") from None
    if not _is_whole(value) or value < 0:
        raise ValueError(f"{name}={value!r} must be a whole number >= 0")
    return int(value)


def _is_whole(value) -> bool:
    return isinstance(value, Real) and bool(np.isfinite(value)) and int(value) == value


def _checked(given: dict) -> dict:
    """Arguments of a Target, the numbers of the right kind; it looks at their size itself."""
    for name, also in (("max_chips", ", or None for as many as needed"), ("circuits_per_neuron", "")):
        if name not in given or (also and given[name] is None):
            continue
        if not _is_whole(given[name]):
            raise ValueError(f"{name}={given[name]!r} must be a whole number >= 1{also}")
        given[name] = int(given[name])
    period = given.get("stdp_period")
    if period is not None and (not isinstance(period, Real) or not 0 < float(period) < np.inf):
        raise ValueError(f"stdp_period={period!r} must be a time in ms > 0, or None for a fitting one")
    speedup = given.get("speedup", 1.0)
    if not isinstance(speedup, Real) or not np.isfinite(speedup):
        raise ValueError(f"speedup={speedup!r} must be a number > 0: how much faster the chip runs than biology")
    return given


def end(compatible_output: bool = True) -> None:
    """Write the files that ``record(..., to_file=...)`` asked for. Data and network stay."""
    waiting = simulator.state.write_on_end
    names = [file for _, _, file in waiting if isinstance(file, str) and not file.endswith(_SEVERAL_BLOCKS)]
    for name in sorted({n for n in names if names.count(n) > 1}):
        warnings.warn(f"{names.count(name)} recordings go to the file {name!r}, where only the last one remains; use a "
                      "file each, or one that ends on .nix", UserWarning, stacklevel=2)
    while waiting:  # what could not be written stays for another call
        population, variables, file = waiting[0]
        population.write_data(get_io(file) if isinstance(file, str) else file, variables)
        del waiting[0]


def run_until(time_point: float, callbacks=None) -> float:
    """Run until ``time_point`` (ms); see ``run``.

    Raises
    ------
    ValueError
        If that is in the past.
    """
    state = simulator.state
    if not isinstance(time_point, Real) or not np.isfinite(time_point):
        raise ValueError(f"a run to {time_point!r} ms was asked for; it needs a finite number")
    if time_point - state.t < -state.dt / 2:
        raise ValueError(f"a run to {time_point:g} ms was asked for, which is in the past: it is {state.t:g} ms now; "
                         "ask for a later time, or go back to 0 ms by reset()")
    callbacks = _callbacks(callbacks)
    if callbacks:
        _run_with(callbacks, time_point)
    else:
        state.run_until(time_point)
    return state.t


def _callbacks(given) -> list:
    """The callbacks of a run, as a list."""
    callbacks = [given] if callable(given) else () if given is None else given
    if isinstance(callbacks, str) or not isinstance(callbacks, Iterable):
        raise TypeError(f"callbacks={given!r} must be a function of the time in ms, or a list of such functions")
    callbacks = list(callbacks)
    for callback in callbacks:
        if not callable(callback):
            raise TypeError(f"callbacks: {callback!r} can't be called; each must be a function of the time in ms that "
                            "returns when it wants to be called next")
    return callbacks


def _run_with(callbacks: list, stop: float) -> None:
    """Run to ``stop``, and call each callback when it wants to be called, the first of them also at the end.

    Callbacks that want to be called within one step are called together; the next call is a step later at least.
    """
    state = simulator.state
    due = [_next_call(callback) for callback in callbacks]
    while state.t + state.dt / 2 < stop:
        soonest = min(due)
        active = [i for i, time in enumerate(due) if time - soonest < state.dt]
        state.run_until(min(max(soonest, state.t + state.dt), stop))
        for i in active:
            due[i] = _next_call(callbacks[i])


def _next_call(callback) -> float:
    time = callback(simulator.state.t)
    if not isinstance(time, Real) or np.isnan(float(time)):
        raise TypeError(f"the callback {callback!r} has returned {time!r}; it must return the time in ms when it wants "
                        "to be called next")
    return float(time)


def run(simtime: float, callbacks=None) -> float:
    """Run for ``simtime`` ms, in whole steps; returns the time that is reached.

    ``callbacks`` are functions of the time that return when they want to be called next.
    """
    if not isinstance(simtime, Real) or not np.isfinite(simtime):
        raise ValueError(f"a run of {simtime!r} ms was asked for; it needs a finite number")
    return run_until(simulator.state.t + simtime, callbacks)


run_for = run


def reset(annotations: dict | None = None) -> None:
    """Back to t = 0, to the initial values and to the weights as they were given; recorded data begin a new segment.

    ``annotations`` are for the segment that ends.
    """
    state = simulator.state
    for recorder in (*state.recorders, *(p.recorder for p in state.projections if p.recorder is not None)):
        recorder.store_to_cache(annotations)
    state.reset()


initialize = common.initialize
get_current_time, get_time_step, get_min_delay, get_max_delay, num_processes, rank = common.build_state_queries(
    simulator)


def map_network() -> Mapped:
    """Map the network as it is described now, without running it."""
    return simulator.state.map()


def save_network(path) -> None:
    """Write the network as it is described now to a JSON file, which ``python -m pynn_brainscales run`` runs.

    Arrays of more than a thousand values go to an ``.npz`` file beside it.

    Raises
    ------
    ValueError
        If the name of the file does not end on ``.json``.
    """
    if Path(path).suffix != ".json":  # nothing else is read
        raise ValueError(f"save_network({os.fspath(path)!r}): a network is written as JSON; give a name that ends on "
                         ".json")
    save(describe(simulator.state), path)


def last_mapping() -> Mapped:
    """The mapping of the last run: its report (``print(last_mapping().report)``), floorplan and configuration.

    Raises
    ------
    MappingError
        If nothing has been mapped since ``setup()``.
    """
    if simulator.state.mapped is None:
        raise MappingError("the last mapping", "a mapping after run() or map_network()",
                           hint="describe a network and call one of them first")
    return simulator.state.mapped
