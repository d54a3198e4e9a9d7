"""Small networks to build tests from."""

import dataclasses
from collections.abc import Mapping
from types import SimpleNamespace

import numpy as np
import pytest
from pynn_brainscales.emulator.run import run
from pynn_brainscales.mapping.compile import compile
from pynn_brainscales.mapping.models import CELLS, cell_model, synapse_model
from pynn_brainscales.mapping.network import Network, Population, Probe, Projection, Source, SynapseProbe
from pynn_brainscales.mapping.readback import signals, spikes, weights
from pynn_brainscales.mapping.stimuli import initial_state, stimulus
from scipy.linalg import expm

COMMON = {"cm": 1.0, "tau_m": 20.0, "tau_syn_E": 5.0, "tau_syn_I": 5.0, "tau_refrac": 2.0, "v_rest": -65.0,
          "v_reset": -65.0, "v_thresh": -50.0, "i_offset": 0.0}
REVERSAL = {"e_rev_E": 0.0, "e_rev_I": -70.0}
ADAPTIVE = {"v_spike": -40.0, "delta_T": 2.0, "a": 4.0, "b": 0.08, "tau_w": 144.0}
# what a model has besides the above, or has with another meaning
OWN = {
    "IF_facets_hardware1": {"g_leak": 40.0, "e_rev_I": -80.0},
    "IF_cond_exp_gsfa_grr": {"tau_sfa": 100.0, "e_rev_sfa": -75.0, "q_sfa": 15.0, "tau_rr": 2.0, "e_rev_rr": -75.0,
                             "q_rr": 3000.0},
    "HH_cond_exp": {"gbar_Na": 20.0, "gbar_K": 6.0, "g_leak": 0.01, "cm": 0.2, "v_offset": -63.0, "e_rev_Na": 50.0,
                    "e_rev_K": -90.0, "e_rev_leak": -65.0, "tau_syn_E": 0.2, "tau_syn_I": 2.0},
    "Izhikevich": {"a": 0.02, "b": 0.2, "c": -65.0, "d": 2.0},
    "GIF_cond_exp": {"delta_v": 0.5, "v_t_star": -48.0, "lambda0": 1.0, "tau_eta": (1.0, 10.0, 100.0),
                     "tau_gamma": (1.0, 10.0, 100.0), "a_eta": (0.1, 0.1, 0.1), "a_gamma": (0.2, 0.1, 0.5)}}
RESPONSE = {"tau_syn": 5.0, "tau_rise": 1.0, "tau_decay": 6.0, "e_syn": 0.0}
SYNAPSE = {"U": 0.4, "tau_rec": 60.0, "tau_facil": 0.0, "p": 0.5, "n": 3.0, "dendritic_delay_fraction": 1.0,
           "tau_plus": 20.0, "tau_minus": 20.0, "A_plus": 0.01, "A_minus": 0.01, "tau": 20.0, "eta": 0.01, "rho": 5.0,
           "w_min": 0.0, "w_max": 1.0, "mu_plus": 0.5, "mu_minus": 0.5, "u": 0.0}


def cells(label, size, model="IF_curr_exp", receptors=None, **values):
    """Neurons of any model, at -65 mV; receptors of "LIF" and "AdExp" as a mapping of name to response.

    Parameters of a receptor are given as "AMPA.tau_syn", in a mapping after two stars.
    """
    cell, given = cell_model(model, receptors), COMMON | REVERSAL | ADAPTIVE | OWN.get(model, {})
    parameters = {}
    for name in cell.parameters:
        value = values.get(name, given.get(name, RESPONSE.get(name.rpartition(".")[2])))
        shape = (size, len(np.atleast_1d(value)) if np.ndim(value) < 2 else np.shape(value)[1])
        shape = shape if name in cell.several else (size,)
        parameters[name] = np.array(np.broadcast_to(np.asarray(value, float), shape))
    start = {"v": -65.0, "m": 0.05, "h": 0.6, "n": 0.32, "u": -13.0, "v_t": -48.0}
    initial = {name: np.full(size, start.get(name, 0.0)) for name in cell.variables}
    return Population(label, size, model, parameters, initial, receptors or {})


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


def projection(label, pre, post, pairs, weight=0.1, delay=0.2, receptor="excitatory", model="StaticSynapse", rule=(),
               **values):
    """Synapses from a list of (pre, post) or a boolean matrix; ``values`` are those of a synapse model."""
    pairs = np.argwhere(pairs) if isinstance(pairs, np.ndarray) and pairs.dtype == bool else np.array(pairs, int)
    i, j = pairs.reshape(-1, 2).T
    m, synapse = len(i), synapse_model(model, rule)

    def column(name):
        value = values.get(name, values.get("n", SYNAPSE["n"]) if name == "a" else SYNAPSE.get(name))
        return np.array(np.broadcast_to(value, (m,)), float)

    return Projection(label, pre, post, receptor, i, j, np.array(np.broadcast_to(weight, (m,)), float),
                      np.array(np.broadcast_to(delay, (m,)), float), model, rule,
                      {name: column(name) for name in synapse.parameters},
                      {name: column(name) for name in synapse.initial})


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


# --- runs, and what they must give -------------------------------------------------------------------------


def execute(network, target, duration):
    """Compile and run: ``mapped``, ``recording``, ``state``, ``weights``, ``fired`` and ``signals``.

    ``fired`` has (index, step) of every population and source, ``signals`` arrays by label and variable.
    """
    mapped = compile(network, target)
    steps = round(duration / network.timestep)
    recording, state = run(mapped.config, stimulus(mapped), steps * mapped.config.step_us, initial_state(mapped))
    fired = dict(spikes(mapped, recording))
    for s in network.sources:
        if s.model == "SpikeSourceArray":
            fired[s.label] = s.parameters["spike_index"], s.parameters["spike_times"]
    fired = {label: (index, np.floor(times / network.timestep + 0.5).astype(int))
             for label, (index, times) in fired.items()}
    return SimpleNamespace(mapped=mapped, recording=recording, state=state, fired=fired, steps=steps,
                           weights=weights(mapped, recording),
                           signals={(s.population, s.variable): s.values for s in signals(mapped, recording)})


def facilitated(steps, h, u0, use, tau_rec, tau_facil, tau_inact):
    """u R at every spike, from the equations of Tsodyks, Uziel and Markram (2000): the states x, y, z and u."""
    state, u, before, result = np.array([1.0, 0.0, 0.0]), u0, 0, []
    rates = np.zeros((3, 3))  # of x, y, z
    if tau_inact > 0:
        rates[1, 1], rates[2, 1] = -1.0 / tau_inact, 1.0 / tau_inact
    if tau_rec > 0:
        rates[2, 2], rates[0, 2] = -1.0 / tau_rec, 1.0 / tau_rec
    for k in steps:
        dt, before = (k - before) * h, k
        u *= np.exp(-dt / tau_facil) if tau_facil > 0 else 0.0
        u += use * (1.0 - u)
        state = expm(rates * dt) @ state
        if tau_rec == 0:
            state[[0, 2]] = state[0] + state[2], 0.0
        result.append(u * state[0])
        released = u * state[0]
        state = state + np.array([-released, released, 0.0] if tau_inact > 0 else [-released, 0.0, released])
        if tau_rec == 0 and tau_inact == 0:
            state = np.array([1.0, 0.0, 0.0])
    return np.array(result)


def drivers(steps, h, fit):
    """Strengths of a driver (``shortterm.DriverFit``) at every spike, at a speed-up of 1000."""
    x, before, result = 0.0, 0, []
    for k in steps:
        x, before = x * np.exp(-(k - before) * h / fit.tau_us), k
        result.append(min(1.0, max(0.0, 1.0 + fit.strength * (x - fit.offset))))
        x += fit.use * (1.0 - x)
    return np.array(result)


def learned(pre, post, h, rule, p, delay, weight):
    """A plastic synapse: weights with which its spikes arrive, and at the end; every pair is summed by itself.

    ``pre`` and ``post`` are steps of spikes, ``delay`` steps; equal times: presynaptic first, and such a pair is none.
    """
    timing, dependence = rule
    back = int(np.floor(p["dendritic_delay_fraction"] * delay + 0.5))
    events = [(k + delay - back, 0, i) for i, k in enumerate(pre)] + [(k + back, 1, i) for i, k in enumerate(post)]
    events.sort()
    vogels = timing == "Vogels2011Rule"
    tau_plus, tau_minus = (p["tau"], p["tau"]) if vogels else (p["tau_plus"], p["tau_minus"])
    low, high = p["w_min"], p["w_max"]

    def trace(side, now, tau):
        return sum(np.exp(-(now - k) * h / tau) for k, which, _ in events if which == side and k < now)

    def scaled(distance, mu):
        return (high - low) * (distance / (high - low)) ** p[mu]

    arrived = np.zeros(len(pre))
    for now, side, i in events:
        if side == 0:
            y = trace(1, now, tau_minus)
            if vogels:
                weight += p["eta"] * (y - 2.0 * p["rho"] * 1e-3 * p["tau"])
            elif dependence == "AdditiveWeightDependence":
                weight -= p["A_minus"] * high * y
            elif dependence == "GutigWeightDependence":
                weight -= p["A_minus"] * y * scaled(weight - low, "mu_minus")
            else:
                weight -= p["A_minus"] * y * (weight - low)
        else:
            x = trace(0, now, tau_plus)
            if vogels:
                weight += p["eta"] * x
            elif dependence == "MultiplicativeWeightDependence":
                weight += p["A_plus"] * x * (high - weight)
            elif dependence == "GutigWeightDependence":
                weight += p["A_plus"] * x * scaled(high - weight, "mu_plus")
            else:
                weight += p["A_plus"] * high * x
        weight = min(high, max(low, weight))
        if side == 0:
            arrived[i] = weight
    return arrived, weight


def _steps_of(fired, label, cell):
    index, steps = fired[label]
    return np.sort(steps[index == cell])


def arrivals(network, p, fired, weight, delay, tau_inact, driver=None):
    """Events of a projection: (step, post, amount), from the spikes ``fired``.

    ``weight``, ``delay`` (steps) and ``tau_inact`` are those of each synapse; ``driver`` (DriverFit) of each stands for
    its short-term plasticity, where given.
    """
    h, parts = network.timestep, []
    for s, (i, j) in enumerate(zip(p.pre_index.tolist(), p.post_index.tolist(), strict=True)):
        steps, amount = _steps_of(fired, p.pre, i), 1.0
        own = {name: float(values[s]) for name, values in (dict(p.parameters) | dict(p.initial)).items()}
        if driver is not None:
            amount = driver[s].scale * drivers(steps, h, driver[s])
        elif p.model == "TsodyksMarkramSynapse":
            amount = facilitated(steps, h, own["u"], own["U"], own["tau_rec"], own["tau_facil"], tau_inact[s])
        elif p.model == "STDPMechanism":
            post = _steps_of(fired, p.post, j)
            amount, _ = learned(steps, post, h, p.rule, own, int(delay[s]), abs(weight[s]))
            amount = amount * (np.sign(weight[s]) or 1.0) / (weight[s] or 1.0)
        elif p.model != "StaticSynapse":
            assert own.get("p", 1.0) == 1.0 == own.get("U", 1.0), "a stochastic synapse without chance"
        amounts = np.broadcast_to(weight[s] * amount, steps.shape)
        parts.append(np.stack([steps + delay[s], np.full(len(steps), j), amounts]))
    return np.concatenate(parts, axis=1) if parts else np.zeros((3, 0))


def course(events, cells, steps, tau, h, shape="exp"):
    """Current or conductance (steps + 1, cells) that events (step, cell, amount) make; tau in ms, one or (cells,)."""
    t = np.arange(steps + 1)[:, None] * h
    result, tau = np.zeros((steps + 1, cells)), np.broadcast_to(tau, (cells,))
    for k, cell, amount in events.T:
        at, s = t - k * h, tau[int(cell)]
        response = np.exp(-at / s) if shape == "exp" else at / s * np.exp(1.0 - at / s)
        result[:, int(cell)] += np.where(at >= -1e-9, amount * response, 0.0)[:, 0]
    return result


def differences(a, b, path="config"):
    """Paths of the fields in which two frozen values differ."""
    if type(a) is not type(b):
        return [f"{path}: {type(a).__name__} and {type(b).__name__}"]
    if isinstance(a, np.ndarray):
        return [] if np.array_equal(a, b) else [path]
    if dataclasses.is_dataclass(a):
        return [x for f in dataclasses.fields(a)
                for x in differences(getattr(a, f.name), getattr(b, f.name), f"{path}.{f.name}")]
    if isinstance(a, Mapping):
        return [x for k in {*a, *b} for x in differences(a.get(k), b.get(k), f"{path}[{k!r}]")]
    if isinstance(a, tuple) and len(a) == len(b):
        return [x for i, (p, q) in enumerate(zip(a, b, strict=True)) for x in differences(p, q, f"{path}[{i}]")]
    return [] if a == b else [path]


@pytest.fixture
def oracle():
    """What a network must do, computed from its description and the recorded spikes alone."""
    return SimpleNamespace(execute=execute, facilitated=facilitated, drivers=drivers, learned=learned,
                           arrivals=arrivals, course=course, differences=differences)


@pytest.fixture
def make():
    """Namespace of the builders."""
    class Make:
        pass

    for function in (population, cells, poisson, spike_array, projection, recurrent):
        setattr(Make, function.__name__, staticmethod(function))
    Make.Network, Make.Probe, Make.SynapseProbe = Network, Probe, SynapseProbe
    return Make
