"""The state of short-term plasticity: which relay stands for each synapse, and what its samples mean."""

from __future__ import annotations

import numpy as np
from pynn_brainscales.emulator.config import ChipConfig
from pynn_brainscales.emulator.kernels.relay import RelayRun
from pynn_brainscales.emulator.kernels.routing import through_drivers
from pynn_brainscales.emulator.recording import Recording
from pynn_brainscales.emulator.relays import RelayProbe
from pynn_brainscales.emulator.state import ChipState

from .aside import interval_steps
from .mapped import Mapped
from .network import Network, Projection
from .shortterm import DriverFit
from .split import Split


def relay_probes(described: Network, split: Split, config: ChipConfig, master: np.ndarray) -> tuple[RelayProbe, ...]:
    """Probes of the state of synapses, one for each that is observed, with one relay for each synapse."""
    wanted = [o for o in described.observed if o.variable != "weight"]
    if not wanted:
        return ()
    numbers = synapse_relays([_projection(described, o.projection) for o in wanted], split, config, master)
    return tuple(RelayProbe(o.variable, relays, interval_steps(
        o.interval, described.timestep, f"{o.variable} of {o.projection!r}"))
        for o, relays in zip(wanted, numbers, strict=True))


def synapse_relays(projections: list[Projection], split: Split, config: ChipConfig, master: np.ndarray
                   ) -> list[np.ndarray]:
    """Relay of every synapse of some projections, in the numbering of ``RelayProbe``; -1 where it is lost."""
    first, own = {}, 0
    for relay in split.relays:
        first[relay.label] = own
        own += len(relay.source)
    by_driver = {key: own + i for i, key in enumerate(driver_sources(split, config, master))}
    relayed = {p.label: p for p in (*split.network.projections, *split.aside) if p.pre in first}
    result = []
    for p in projections:
        if p.label in relayed:
            q = relayed[p.label]
            result.append(first[q.pre] + q.pre_index)
        elif p.label in split.driver_modes:
            keys = zip(p.pre_index.tolist(), split.driver_modes[p.label].tolist(), strict=True)
            result.append(np.array([by_driver.get((p.pre, i, *setting(split.drivers[mode - 1])), -1)
                                    for i, mode in keys], np.int64))
        else:
            result.append(np.full(len(p), -1))
    return result


def setting(fit: DriverFit) -> tuple[float, ...]:
    """What tells the modes of drivers apart."""
    return fit.use, fit.tau_us, fit.strength, fit.offset


def driver_sources(split: Split, config: ChipConfig, master: np.ndarray) -> list[tuple]:
    """Label and position of the source of each relay of drivers, and the ``setting`` of its mode."""
    relays = through_drivers(config)[1]
    own = sum(len(relay.source) for relay in split.relays)
    if relays is None or len(relays) == own:
        return []
    network = split.network
    neurons, circuits = network.neurons, len(config.circuits)
    number = np.full(circuits, -1)
    number[master] = np.arange(neurons)
    source = relays.source[own:]
    source = np.where(source < circuits, number[np.minimum(source, circuits - 1)], source - circuits + neurons)
    labels, starts = list(network.offsets()), np.array(list(network.offsets().values()))
    part = np.searchsorted(starts, source, side="right") - 1
    mode = zip(*(getattr(relays, name)[own:].tolist() for name in ("use", "tau_rec_us", "strength", "offset")),
               strict=True)
    return [(labels[p], int(s - starts[p]), *m) for p, s, m in zip(part.tolist(), source.tolist(), mode, strict=True)]


def synapse_states(mapped: Mapped, recording: Recording, trial: int = 0
                   ) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    """Sampled states of synapses: (label, variable) -> (times in ms, values (samples, connections)).

    A spike would release the share ``(u + U (1 - u)) x`` of the weight. A driver of a chip has one state only: where
    it depresses u stays 0, where it facilitates x stays 1, and the other is what gives the share that it sends.
    """
    observed = [o for o in mapped.described.observed if o.variable != "weight"]
    return {(o.projection, o.variable): (
        s.steps * mapped.network.timestep,
        _of_driver(mapped, _projection(mapped.described, o.projection), o.variable, s.values[trial]))
        for o, s in zip(observed, recording.relay_samples, strict=True)}


def present_state(mapped: Mapped, chips: ChipState, label: str, variable: str, trial: int = 0) -> np.ndarray:
    """State of the synapses of one projection now, (m,), as ``synapse_states`` has it; NaN where they are lost."""
    p = _projection(mapped.described, label)
    relay = synapse_relays([p], mapped.split, mapped.config, mapped.master)[0]
    result = np.full(len(p), np.nan)
    relays, state = through_drivers(mapped.config)[1], chips.relays
    if relays is not None and state is not None:
        at = np.flatnonzero(relay >= 0)
        here = relay[at]
        dt = (chips.step - np.maximum(state.last[trial, here], 0)) * mapped.config.step_us
        run = RelayRun(relays, state, 0, 0, mapped.config.step_us)
        result[at] = run.between(variable, here, dt, *(a[trial, here] for a in (state.u, state.resource,
                                                                                state.active)))
    return _of_driver(mapped, p, variable, result)


def _projection(network: Network, label: str) -> Projection:
    return next(p for p in network.projections if p.label == label)


def _of_driver(mapped: Mapped, p: Projection, variable: str, values: np.ndarray) -> np.ndarray:
    """u or x (..., m) from the factors of drivers; others are what they are."""
    if p.label not in mapped.split.driver_modes:
        return values
    modes = [mapped.split.drivers[mode - 1] for mode in mapped.split.driver_modes[p.label].tolist()]
    facilitates = np.array([mode.strength > 0 for mode in modes], bool)
    share, use = values * mapped.split.driver_factors[p.label], p.parameters["U"]
    if variable == "x":
        return np.where(facilitates, values, np.divide(share, use, out=np.ones(share.shape), where=use > 0))
    grown = np.divide(share - use, 1.0 - use, out=np.zeros(share.shape), where=use < 1)
    return np.where(facilitates, grown, values)
