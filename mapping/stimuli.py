"""What a network's sources send, as the emulator wants it, and the state that its neurons start from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pynn_brainscales.emulator.kernels.inh_gamma import InhGammaSources
from pynn_brainscales.emulator.state import ChipState
from pynn_brainscales.emulator.state import initial_state as emulator_state
from pynn_brainscales.emulator.stimulus import InjectedCurrent, PoissonSources, RenewalSources, Stimulus

from .aside import beside_values
from .currents import drawn, values
from .mapped import Mapped
from .network import Source
from .scale import current_gain, initial_values, physical_from_biological_units, us_per_ms


def stimulus(mapped: Mapped, sources: Sequence[Source] | None = None, trials: int = 1, first_trial: int = 0
             ) -> Stimulus:
    """The input of all sources.

    Parameters
    ----------
    mapped : Mapped
    sources : sequence of Source, optional
        In the order and sizes of the mapped network's; by default those.
    trials, first_trial : int
        Every trial gets the same spike arrays, and Poisson events of its own.
    """
    u = us_per_ms(mapped.target)
    channel, time = [np.zeros(0, np.int64)], [np.zeros(0)]
    poisson: list[PoissonSources] = []
    renewal: list[RenewalSources] = []
    inh_gamma: list[InhGammaSources] = []
    start = 0
    for key, source in enumerate(mapped.described.sources if sources is None else sources):
        p = source.parameters
        if source.model == "SpikeSourceArray":
            channel.append(p["spike_index"] + start)
            time.append(p["spike_times"] * u)
        else:
            channels, begin = np.arange(start, start + source.size), p["start"] * u
            end = begin + p["duration"] * u
            if source.model == "SpikeSourceInhGamma":
                inh_gamma.append(_inh_gamma(source, channels, begin, end, key, u))
            elif source.model == "SpikeSourcePoisson":
                poisson.append(PoissonSources(channels, p["rate"] * 1e-3 / u, begin, end, key))
            else:
                renewal.append(RenewalSources(channels, *_intervals(source, u), begin, end, key))
        start += source.size
    return Stimulus(np.concatenate(channel), np.concatenate(time), None, trials, first_trial, tuple(poisson),
                    tuple(renewal), tuple(inh_gamma))


def _inh_gamma(source: Source, channels: np.ndarray, begin: np.ndarray, end: np.ndarray, key: int, u: float
               ) -> InhGammaSources:
    p = source.parameters
    order = np.argsort(p["bin_index"], kind="stable")
    first = np.searchsorted(p["bin_index"][order], np.arange(source.size + 1))
    return InhGammaSources(channels, first, p["tbins"][order] * u, p["a"][order], p["b"][order] * (1e3 * u), begin, end,
                           key)


def _intervals(source: Source, u: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shape, scale (us) and dead time (us) of the intervals of a renewal source."""
    p = source.parameters
    if source.model == "SpikeSourceGamma":
        return p["alpha"], 1e3 * u / p["beta"], np.zeros(source.size)
    dead = p["tau_refrac"]
    return np.ones(source.size), (1e3 / p["rate"] - dead) * u, dead * u  # the mean rate includes the dead time


def injected(mapped: Mapped, label: str, index: np.ndarray, start: int, values: np.ndarray
             ) -> tuple[bool, InjectedCurrent]:
    """A current in nA, by step from ``start`` on, into some cells of a population; first whether they are beside."""
    change = np.concatenate(([0], np.flatnonzero(np.diff(values)) + 1))
    step, value = change + start, values[change]
    first = 0
    for p in mapped.split.beside:
        if p.label == label:
            return True, InjectedCurrent(index + first, np.ones(len(index)), step, value)
        first += p.size
    neuron = index + mapped.network.offsets()[label]
    gain = current_gain(mapped.network, mapped.target, mapped.scaled.alpha)
    return False, InjectedCurrent(mapped.master[neuron], gain[neuron], step, value)


def described_currents(mapped: Mapped, start: int, stop: int, trial: int = 0
                       ) -> tuple[tuple[InjectedCurrent, ...], tuple[InjectedCurrent, ...]]:
    """The currents of the described network from step ``start`` to ``stop``: into circuits, and into cells beside."""
    if stop <= start:
        return (), ()
    timestep, seed = mapped.network.timestep, mapped.target.seed
    parts = [injected(mapped, c.population, c.index, start, values(
        c.model, c.parameters, np.arange(start, stop), timestep, drawn(seed, trial, c.number)))
        for c in mapped.described.currents]
    return tuple(c for beside, c in parts if not beside), tuple(c for beside, c in parts if beside)


def initial_state(mapped: Mapped, trials: int = 1, first_trial: int = 0) -> ChipState:
    """The chips' state at time 0, from the initial values of the network."""
    values = initial_values(mapped.network, mapped.target, mapped.scaled.alpha, mapped.scaled.v_offset)
    circuits = len(mapped.config.circuits)
    master = mapped.config.circuits.master
    neuron = np.empty(circuits, np.int64)
    neuron[mapped.master] = np.arange(len(mapped.master))
    own = master == np.arange(circuits)
    full = {name: value[neuron[master]] for name, value in values.items()}
    for name in ("i_exc", "i_inh"):
        full[name] = np.where(own, full[name], 0.0)  # joined circuits start without input of their own
    _set_ports(mapped, full)
    return emulator_state(mapped.config, trials, first_trial, beside=beside_values(mapped.split), **full)


def _set_ports(mapped: Mapped, full: dict[str, np.ndarray]) -> None:
    """Start values of the inputs of further pairs of receptors, on the first circuit of each."""
    c, network = mapped.config.circuits, mapped.network
    for label, ports in mapped.split.ports.items():
        neuron = network.offsets()[label] + np.arange(network.population(label).size)
        for number, pair in enumerate(ports, 1):
            of_master = np.full(len(c), -1)
            mine = np.flatnonzero(c.ports == number)[::-1]
            of_master[c.master[mine]] = mine  # the first one wins
            circuit = of_master[mapped.master[neuron]]
            for name, variable in (("i_exc", "exc"), ("i_inh", "inh")):
                names = (f"gsyn_{variable}", f"isyn_{variable}")
                given = next(pair.initial[k] for k in names if k in pair.initial)
                full[name][circuit] = physical_from_biological_units(
                    network, mapped.target, mapped.scaled.alpha, mapped.scaled.v_offset, f"isyn_{variable}", given,
                    neuron)
