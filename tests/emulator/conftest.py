"""Small configurations to build tests from."""

import numpy as np
import pytest
from pynn_brainscales.emulator.config import ChipConfig, Circuits, FreeSynapses
from pynn_brainscales.emulator.stimulus import Stimulus

DEFAULTS = {
    "v_leak": 80.0, "v_reset": 70.0, "v_thresh": 125.0, "tau_m": 10.0, "tau_syn_exc": 5.0, "tau_syn_inh": 8.0,
    "refractory_us": 2.0, "i_offset": 0.0, "spiking": True, "conductance": False, "e_rev_exc": 300.0,
    "e_rev_inh": 30.0, "e_ref_exc": 100.0, "e_ref_inh": 100.0, "gain_exc": 1.0, "gain_inh": 1.0,
    "exponential": False, "delta_t": 5.0, "v_exp": 110.0, "adaptation": False, "a": 0.0, "b": 0.0, "tau_w": 100.0}


def circuits(n, **values):
    """Circuits 0..n-1 of as many chips as it takes, current-based unless said otherwise."""
    index = np.arange(n)
    fields = {"chip": index // 512, "circuit": index % 512, "master": index, **DEFAULTS, **values}
    return Circuits(**{name: np.array(np.broadcast_to(value, (n,))) for name, value in fields.items()})


def free(entries):
    """Synapses from rows (source, target, input, weight, delay in steps)."""
    table = np.array(entries, float).reshape(-1, 5).T
    source, target, side, delay = (table[i].astype(int) for i in (0, 1, 2, 4))
    return FreeSynapses(source, target, side, table[3], delay)


def config(n, entries=(), external=0, step_us=0.1, probes=(), **values):
    chips = (n - 1) // 512 + 1
    return ChipConfig(step_us, chips, circuits(n, **values), external, free(entries), tuple(probes))


def random_network(n=60, external=20, seed=1, weight=2.5, probes=(), density=0.3, **values):
    """A recurrent network with both signs and several delays, driven by external channels."""
    rng = np.random.default_rng(seed)
    pre, post = np.nonzero(rng.random((n + external, n)) < density)
    inhibitory = (pre < n) & (pre % 4 == 0)
    strength = weight * rng.uniform(0.5, 1.5, len(pre)) * np.where(pre < n, 1.0, 3.0)
    synapses = FreeSynapses(pre, post, inhibitory.astype(int), strength, 1 + (pre + post) % 5)
    return ChipConfig(0.1, 1, circuits(n, **values), external, synapses, tuple(probes))


def poisson_like(external, duration, seed=2, trials=1, rate=0.02):
    """Given spike times of external channels at about ``rate`` per us and channel."""
    rng = np.random.default_rng(seed)
    m = rng.poisson(rate * external * duration * trials)
    return Stimulus(rng.integers(0, external, m), rng.uniform(0, duration, m), rng.integers(0, trials, m), trials)


@pytest.fixture
def make():
    """Namespace of the builders."""
    class Make:
        pass

    for function in (circuits, free, config, random_network, poisson_like):
        setattr(Make, function.__name__, staticmethod(function))
    return Make
