"""Small networks to build tests from."""

import numpy as np
import pytest
from pynn_brainscales.mapping.models import CELLS
from pynn_brainscales.mapping.network import Network, Population, Probe, Projection, Source

COMMON = {"cm": 1.0, "tau_m": 20.0, "tau_syn_E": 5.0, "tau_syn_I": 5.0, "tau_refrac": 2.0, "v_rest": -65.0,
          "v_reset": -65.0, "v_thresh": -50.0, "i_offset": 0.0}
REVERSAL = {"e_rev_E": 0.0, "e_rev_I": -70.0}
ADAPTIVE = {"v_spike": -40.0, "delta_T": 2.0, "a": 4.0, "b": 0.08, "tau_w": 144.0}


def population(label, size, model="IF_curr_exp", **values):
    """Neurons with PyNN-like parameters, all at -65 mV."""
    parameters = dict(COMMON)
    if model != "IF_curr_exp":
        parameters |= REVERSAL
    if model.startswith("EIF"):
        parameters |= ADAPTIVE
    parameters |= values
    return Population(label, size, model, {k: np.array(np.broadcast_to(float(v) if np.isscalar(v) else v, (size,)))
                                           for k, v in parameters.items()},
                      {k: np.full(size, -65.0 if k == "v" else 0.0) for k in CELLS[model].variables})


def poisson(label, size, rate=20.0):
    return Source(label, size, "SpikeSourcePoisson", {"rate": np.full(size, rate), "start": np.zeros(size),
                                                      "duration": np.full(size, 1e10)})


def spike_array(label, size, times, index):
    return Source(label, size, "SpikeSourceArray", {"spike_times": np.array(times, float),
                                                    "spike_index": np.array(index, int)})


def projection(label, pre, post, pairs, weight=0.1, delay=0.2, receptor="excitatory"):
    """Synapses from a list of (pre, post) or a boolean matrix."""
    pairs = np.argwhere(pairs) if isinstance(pairs, np.ndarray) and pairs.dtype == bool else np.array(pairs, int)
    i, j = pairs.reshape(-1, 2).T
    m = len(i)
    return Projection(label, pre, post, receptor, i, j, np.array(np.broadcast_to(weight, (m,)), float),
                      np.array(np.broadcast_to(delay, (m,)), float))


def recurrent(n=512, p=0.1, seed=1, model="IF_curr_exp", weight=0.03, delay=0.2, sources=20):
    """Excitatory and inhibitory neurons, connected at random, driven by Poisson sources."""
    rng = np.random.default_rng(seed)
    exc, inh = n - n // 5, n // 5
    back = 4 * weight * (-1 if model == "IF_curr_exp" else 1)
    parts = [projection("EE", "E", "E", rng.random((exc, exc)) < p, weight, delay),
             projection("EI", "E", "I", rng.random((exc, inh)) < p, weight, delay),
             projection("IE", "I", "E", rng.random((inh, exc)) < p, back, delay, "inhibitory"),
             projection("II", "I", "I", rng.random((inh, inh)) < p, back, delay, "inhibitory")]
    if sources:
        parts.append(projection("SE", "S", "E", rng.random((sources, exc)) < p, 3 * weight, 1.0))
    return Network((population("E", exc, model), population("I", inh, model)),
                   (poisson("S", sources),) if sources else (), tuple(parts))


@pytest.fixture
def make():
    """Namespace of the builders."""
    class Make:
        pass

    for function in (population, poisson, spike_array, projection, recurrent):
        setattr(Make, function.__name__, staticmethod(function))
    Make.Network, Make.Probe = Network, Probe
    return Make
