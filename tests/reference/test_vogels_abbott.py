"""The balanced networks of Vogels and Abbott, written once in PyNN: against NEST, and on the chips that they need.

Benchmarks 1 and 2 of Brette et al. (2007, J. Comput. Neurosci. 23:349): conductances (COBA), which a short stimulus
starts, and currents (CUBA), whose neurons are above threshold by themselves. NEST runs through its own PyNN backend,
with spikes on the grid as ours are.
"""

import time
import warnings
from typing import NamedTuple

import numpy as np
import pytest
from pyNN.random import NumpyRNG, RandomDistribution
from pynn_brainscales.mapping.errors import MappingWarning
from pynn_brainscales.mapping.mapped import Loss
from scipy.stats import ttest_ind

import pynn_brainscales as ours

STEP, SETTLED, BIN, PAIRS = 0.1, 100.0, 5.0, 500  # ms
UNLIKELY = 1e-3  # a difference between the simulators that is less likely than this is one


def build(sim, benchmark, n, p, number, **setup):
    """Network ``number``, with a generator of its own for every projection; excitatory and inhibitory neurons."""
    conductances = benchmark == "COBA"
    sim.setup(timestep=STEP, min_delay=0.2, max_delay=1.0, **setup)
    generators = iter([NumpyRNG(seed=100 * number + k, parallel_safe=True) for k in range(7)])
    values = {"tau_m": 20.0, "cm": 0.2, "tau_refrac": 5.0, "v_reset": -60.0, "v_thresh": -50.0, "tau_syn_E": 5.0,
              "tau_syn_I": 10.0, "v_rest": -60.0 if conductances else -49.0}
    cell = sim.IF_cond_exp(**values, e_rev_E=0.0, e_rev_I=-80.0) if conductances else sim.IF_curr_exp(**values)
    exc, inh = (sim.Population(size, cell, label=label) for size, label in ((n - n // 5, "exc"), (n // 5, "inh")))
    start = RandomDistribution("uniform", low=-60.0, high=-50.0, rng=next(generators))
    for population in (exc, inh):
        population.initialize(v=start)
        population.record("spikes")
    # uS; or nA, at a driving force of 60 mV and 20 mV; the network has 80 inputs for each neuron, whatever its size
    weights = (4e-3, 51e-3) if conductances else (0.27e-3 * 60.0, -4.5e-3 * 20.0)
    for pre, weight, receptor in ((exc, weights[0], "excitatory"), (inh, weights[1], "inhibitory")):
        for post in (exc, inh):
            sim.Projection(pre, post, sim.FixedProbabilityConnector(p, rng=next(generators)),
                           sim.StaticSynapse(weight=weight, delay=0.2), receptor_type=receptor)
    if conductances:
        lasting = 50.0 if n >= 4000 else 1e6  # fewer neurons don't go on by themselves
        stimulus = sim.Population(20, sim.SpikeSourcePoisson(rate=100.0, duration=lasting), label="stimulus")
        for post in (exc, inh):
            sim.Projection(stimulus, post, sim.FixedProbabilityConnector(0.5 * p, rng=next(generators)),
                           sim.StaticSynapse(weight=0.1, delay=0.2), receptor_type="excitatory")
    return exc, inh


def trains(populations):
    """Steps at which each neuron fired."""
    return [np.sort(np.round(np.asarray(t.magnitude) / STEP).astype(int))
            for p in populations for t in p.get_data("spikes").segments[0].spiketrains]


class Figures(NamedTuple):
    """Rate (Hz), mean coefficient of variation of the intervals, mean correlation of spike counts of pairs."""

    rate: float
    cv: float
    correlation: float


def figures(spikes, duration):
    """Of a network that has settled."""
    spikes = [t[t >= SETTLED / STEP] * STEP for t in spikes]
    rate = 1e3 * np.mean([len(t) for t in spikes]) / (duration - SETTLED)
    intervals = [np.diff(t) for t in spikes if len(t) > 3]
    if len(intervals) < 10:  # the network has fallen silent
        return Figures(float(rate), np.nan, np.nan)
    counts = np.array([np.histogram(t, np.arange(SETTLED, duration + 1e-9, BIN))[0] for t in spikes if len(t)], float)
    counts -= counts.mean(axis=1, keepdims=True)
    counts /= np.sqrt(np.mean(counts**2, axis=1, keepdims=True))
    rng = np.random.default_rng(0)
    one = rng.integers(0, len(counts), PAIRS)
    other = (one + rng.integers(1, len(counts), PAIRS)) % len(counts)
    return Figures(float(rate), float(np.mean([d.std() / d.mean() for d in intervals])),
                   float(np.mean(counts[one] * counts[other])))


class Outcome(NamedTuple):
    trains: list
    figures: Figures
    seconds: float


def outcome(sim, benchmark, n, p, number, duration, **setup):
    exc, inh = build(sim, benchmark, n, p, number, **setup)
    sim.run(0.0)
    start = time.perf_counter()
    sim.run(duration)
    seconds = time.perf_counter() - start
    spikes = trains((exc, inh))
    return Outcome(spikes, figures(spikes, duration), seconds)


def compared(benchmark, n, p, seeds, duration, capsys):
    """Both simulators over some seeds: figures are printed, and compared by Welch's test."""
    nest = pytest.importorskip("nest", reason="NEST has no package for this platform")
    import pyNN.nest as theirs

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nest.set_verbosity("M_ERROR")
        mine = [outcome(ours, benchmark, n, p, s, duration, chip="ideal", seed=s) for s in seeds]
        reference = [outcome(theirs, benchmark, n, p, s, duration, spike_precision="on_grid", rng_seed=s + 1,
                             verbosity="error") for s in seeds]
    rows = [np.array([o.figures for o in side]) for side in (mine, reference)]
    probability = ttest_ind(*rows, equal_var=False).pvalue
    with capsys.disabled():
        seconds = [np.mean([o.seconds for o in side]) * 1e3 / duration for side in (mine, reference)]
        print(f"\n  {benchmark}, {n} neurons, {len(seeds)} networks: {seconds[0]:.2f} s for a second, NEST "
              f"{seconds[1]:.2f} s")
        for name, a, b, q in zip(Figures._fields, rows[0].T, rows[1].T, probability, strict=True):
            print(f"    {name:<12} {a.mean():.4f} +- {a.std(ddof=1):.4f}, NEST {b.mean():.4f} +- "
                  f"{b.std(ddof=1):.4f}, p = {q:.2g}")
    assert np.all(probability > UNLIKELY)  # NaN, of a silent network, is not
    return mine, reference


def same(mine, reference, duration, capsys):
    """Up to when (ms) all networks have fired alike, each spike within a step."""
    first = round(duration / STEP)
    for x, y in ((x, y) for a, b in zip(mine, reference, strict=True) for x, y in zip(a.trains, b.trains, strict=True)):
        m = min(len(x), len(y))
        wrong = np.abs(x[:m] - y[:m]) > 1
        first = min([first, *np.minimum(x[:m], y[:m])[wrong], *x[m:], *y[m:]])
    with capsys.disabled():
        print(f"    every spike within a step of NEST's up to {first * STEP:.0f} of {duration:.0f} ms")
    return first * STEP


@pytest.mark.parametrize("benchmark", ["CUBA", "COBA"])
def test_small(benchmark, capsys):
    """400 neurons, connected ten times as densely."""
    mine, reference = compared(benchmark, 400, 0.2, range(5), 600.0, capsys)
    if benchmark == "CUBA":  # nothing is drawn but the network, which is the same
        assert same(mine, reference, 600.0, capsys) > 100.0


@pytest.mark.slow
@pytest.mark.parametrize(("benchmark", "seeds", "duration"), [("CUBA", 4, 1000.0), ("COBA", 4, 700.0)])
def test_4000_neurons(benchmark, seeds, duration, capsys):
    mine, reference = compared(benchmark, 4000, 0.02, range(seeds), duration, capsys)
    if benchmark == "CUBA":
        assert same(mine, reference, duration, capsys) > 50.0


def on_chips(benchmark, n, p, profile, duration, capsys):
    """The script as it stands, on chips: how many, what is lost, what the network does."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MappingWarning)
        exc, inh = build(ours, benchmark, n, p, 1, chip=profile, seed=1)
        ours.run(0.0)
        mapped = time.perf_counter()
        ours.run(duration)
    m, done = ours.last_mapping(), time.perf_counter()
    counted = figures(trains((exc, inh)), duration)
    lost = {reason.name.lower(): int(np.sum(m.rounded.lost == reason)) for reason in Loss if reason}
    with capsys.disabled():
        print(f"\n  {benchmark}, {n} neurons, {profile}: {m.placement.chips} chip(s), {m.network.synapses} synapses, "
              f"lost {lost}; mapped in {mapped - start:.1f} s, {1e3 * (done - mapped) / duration:.1f} s for a second; "
              f"{counted.rate:.1f} Hz, CV {counted.cv:.2f}")
    return m, counted


@pytest.mark.parametrize("benchmark", ["CUBA", "COBA"])
@pytest.mark.parametrize("profile", ["quantised", "calibrated", "uncalibrated"])
def test_small_on_chips(benchmark, profile, capsys):
    mapped, found = on_chips(benchmark, 400, 0.2, profile, 300.0, capsys)
    assert mapped.placement.chips == 1
    assert not np.any(mapped.rounded.lost)
    assert found.cv > 0.2


@pytest.mark.slow
@pytest.mark.parametrize("benchmark", ["CUBA", "COBA"])
@pytest.mark.parametrize("profile", ["quantised", "calibrated", "uncalibrated"])
def test_4000_neurons_on_chips(benchmark, profile, capsys):
    """As many chips as neurons need; how its delays between chips change the network is printed, and left open."""
    mapped, found = on_chips(benchmark, 4000, 0.02, profile, 1000.0, capsys)
    assert mapped.placement.chips == 8
    assert not np.any((mapped.rounded.lost == Loss.ROWS) | (mapped.rounded.lost == Loss.LABELS))
    assert found.rate > 0.0
