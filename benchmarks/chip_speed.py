"""Speed at the size of a chip, through the whole PyNN path, beside Brian2 (cython) in the same run.

Workloads (512 neurons, 256 Poisson inputs of 20 Hz connected to all, 10 % recurrence, 0.1 ms steps):

Input weights are uniformly distributed, so that the neurons differ.

* ``W1curr``: current-based LIF, spikes recorded; ``W1cond``: conductance-based LIF, spikes recorded;
* ``W2``: conductance-based AdEx, and the membranes of eight neurons in every step;
* ``W4``: 1,000 trials of 100 ms, 256 inputs -> 256 -> 10 current-based LIF, by ``run_trials``.

Seconds are CPU seconds (user and system) of one thread per biological second, the least of several rounds in which
the engines take turns; W4 is in milliseconds per trial. ``build`` is from ``setup()`` to the first step, ``get`` is
``get_data`` of all spikes, in seconds. A circuit has 256 rows, and these neurons have about 307 inputs: on
``calibrated`` each takes two circuits, and the network two chips.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import json
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np

import pynn_brainscales as sim

N, INPUTS, RATE = 512, 256, 20.0
CELL = {"cm": 1.0, "tau_m": 20.0, "tau_syn_E": 5.0, "tau_syn_I": 5.0, "tau_refrac": 2.0, "v_rest": -65.0,
        "v_reset": -65.0, "v_thresh": -50.0}
COND = {"e_rev_E": 0.0, "e_rev_I": -70.0}
ADEX = {"v_spike": -40.0, "delta_T": 2.0, "a": 4.0, "b": 0.08, "tau_w": 144.0}
# weights (input, recurrent excitatory, recurrent inhibitory) in nA or uS: rates of about 10 Hz
WORKLOADS = {
    "W1curr": ("IF_curr_exp", CELL, (0.029, 0.02, -0.08)),
    "W1cond": ("IF_cond_exp", CELL | COND, (0.00054, 0.0005, 0.004)),
    "W2": ("EIF_cond_exp_isfa_ista", CELL | COND | ADEX, (0.0007, 0.0005, 0.004))}


def build(name, chip):
    """The workload in PyNN; its population and projections."""
    model, cell, (w_in, w_exc, w_inh) = WORKLOADS[name]
    sim.setup(timestep=0.1, chip=chip, seed=1, chip_seed=1, on_loss="warn")
    cells = sim.Population(N, getattr(sim, model)(**cell), label="cells")
    source = sim.Population(INPUTS, sim.SpikeSourcePoisson(rate=RATE), label="input")
    exc, inh = cells[:N * 4 // 5], cells[N * 4 // 5:]
    projections = [
        sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(
            weight=sim.RandomDistribution("uniform", low=0.0, high=2.0 * w_in, rng=sim.NumpyRNG(3)), delay=0.1)),
        sim.Projection(exc, cells, sim.FixedProbabilityConnector(0.1, rng=sim.NumpyRNG(4)),
                       sim.StaticSynapse(weight=w_exc, delay=0.1)),
        sim.Projection(inh, cells, sim.FixedProbabilityConnector(0.1, rng=sim.NumpyRNG(5)),
                       sim.StaticSynapse(weight=w_inh, delay=0.1), receptor_type="inhibitory")]
    cells.record("spikes")
    if name == "W2":
        cells[:8].record("v")
    return cells, projections


class Ours:
    """One profile of this package."""

    def __init__(self, name, chip):
        start = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.cells, self.projections = build(name, chip)
            sim.run(0.1)
        self.build = time.process_time() - start
        self.state = dict(vars(sim.simulator.state))
        self.chips = sim.last_mapping().placement.chips

    def run(self, seconds):
        vars(sim.simulator.state).update(self.state)
        self.cells.get_data(clear=True)
        start = time.process_time()
        sim.run(1000.0 * seconds)
        spent = time.process_time() - start
        self.state = dict(vars(sim.simulator.state))
        start = time.process_time()
        block = self.cells.get_data("spikes")
        self.get = time.process_time() - start
        self.rate = sum(len(t) for t in block.segments[0].spiketrains) / N / seconds
        return spent / seconds


class Brian:
    """The same network in Brian2's own words, runtime code generation by cython."""

    def __init__(self, name, projections):
        import brian2 as b

        b.prefs.codegen.target = "cython"
        start = time.process_time()
        model, c, _ = WORKLOADS[name]
        b.defaultclock.dt = 0.1 * b.ms
        conductance, adex = model != "IF_curr_exp", model.startswith("EIF")
        names = {"vr": c["v_rest"], "tm": c["tau_m"] * b.ms, "te": c["tau_syn_E"] * b.ms, "ti": c["tau_syn_I"] * b.ms,
                 "rm": c["tau_m"] / c["cm"], "vreset": c["v_reset"], "vt": c["v_thresh"]}
        current = "ge + gi"
        if conductance:
            current = "ge*(ee - v) + gi*(ei - v)"
            names |= {"ee": c["e_rev_E"], "ei": c["e_rev_I"]}
        right, reset, threshold = "vr - v", "v = vreset", f"v > {c['v_thresh']}"
        equations = """dge/dt = -ge/te : 1
            dgi/dt = -gi/ti : 1"""
        if adex:
            right += " + dt_*exp((v - vt)/dt_) - rm*w"
            equations += "\n dw/dt = (a_*(v - vr) - w)/tw : 1"
            names |= {"dt_": c["delta_T"], "a_": c["a"] * 1e-3, "tw": c["tau_w"] * b.ms, "b_": c["b"]}
            reset, threshold = "v = vreset; w += b_", f"v > {c['v_spike']}"
        equations = f"dv/dt = ({right} + rm*({current}))/tm : 1 (unless refractory)\n" + equations
        method = "euler" if adex else "exponential_euler" if conductance else "exact"
        group = b.NeuronGroup(N, equations, threshold=threshold, reset=reset, refractory=c["tau_refrac"] * b.ms,
                              method=method, namespace=names)
        group.v = c["v_rest"]
        source = b.PoissonGroup(INPUTS, RATE * b.Hz)
        parts = [group, source]
        for projection, pre in zip(projections, (source, group, group), strict=True):
            columns = projection._columns()
            first = 0 if projection.pre.size != N - N * 4 // 5 else N * 4 // 5
            target = "gi" if projection.receptor_type == "inhibitory" else "ge"
            synapses = b.Synapses(pre, group, "weight : 1", on_pre=f"{target} += weight", delay=0.1 * b.ms)
            synapses.connect(i=columns["presynaptic_index"] + first, j=columns["postsynaptic_index"])
            synapses.weight = columns["weight"]
            parts.append(synapses)
        self.monitor = b.SpikeMonitor(group)
        parts.append(self.monitor)
        if adex:
            parts.append(b.StateMonitor(group, "v", record=range(8)))
        self.network, self.b = b.Network(parts), b
        self.network.run(1 * b.ms)
        self.build = time.process_time() - start

    def run(self, seconds):
        before = self.monitor.num_spikes
        start = time.process_time()
        self.network.run(seconds * self.b.second)
        spent = time.process_time() - start
        self.rate = (self.monitor.num_spikes - before) / N / seconds
        return spent / seconds


def trials(count):
    """Milliseconds of CPU per trial of W4, spikes per trial."""
    sim.setup(timestep=0.1, chip="ideal", seed=1)
    rng = np.random.default_rng(5)
    source = sim.Population(256, sim.SpikeSourceArray(), label="source")
    hidden = sim.Population(256, sim.IF_curr_exp(**CELL), label="hidden")
    output = sim.Population(10, sim.IF_curr_exp(**CELL), label="output")
    for pre, post, mean in ((source, hidden, 0.0275), (hidden, output, 0.3)):
        sim.Projection(pre, post, sim.AllToAllConnector(), sim.StaticSynapse(
            weight=mean * rng.uniform(0.0, 2.0, (pre.size, post.size)), delay=0.1))
    m = rng.poisson(256 * 20.0 * 0.1 * count)
    events = (rng.integers(0, count, m), rng.integers(0, 256, m), rng.uniform(0.0, 100.0, m))
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        result = sim.run_trials(100.0, {source: events}, count)
        best = min(best, time.process_time() - start)
    return 1000.0 * best / count, len(result.spikes["hidden"][0]) / count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="short runs, one round")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    args = parser.parse_args()
    seconds, rounds = (0.1, 1) if args.fast else (1.0, 4)
    try:
        import brian2  # noqa: F401
        peer = True
    except ImportError as error:
        peer = False
        print(f"Brian2 is not here ({error}); no ratios. An environment with it: pip install '.[bench]'")
    rows = []
    print(f"{'workload':<9}{'engine':<14}{'CPU s / s':>10}{'Brian2 / it':>12}{'build':>8}{'get':>9}{'Hz':>7}"
          f"{'chips':>6}")
    for name in WORKLOADS:
        engines = {"ideal": Ours(name, "ideal"), "calibrated": Ours(name, "calibrated")}
        if peer:
            engines["Brian2 cython"] = Brian(name, engines["ideal"].projections)
        best = dict.fromkeys(engines, np.inf)
        for _ in range(rounds):
            for engine, e in engines.items():
                best[engine] = min(best[engine], e.run(seconds))
        for engine, e in engines.items():
            ratio = best["Brian2 cython"] / best[engine] if peer else None
            shown = f"{ratio:.1f}" if ratio else "-"
            get = f"{e.get:.4f}" if hasattr(e, "get") else "-"
            print(f"{name:<9}{engine:<14}{best[engine]:>10.4f}{shown:>12}{e.build:>8.3f}{get:>9}{e.rate:>7.1f}"
                  f"{getattr(e, 'chips', '-'):>6}")
            rows.append({"workload": name, "engine": engine, "seconds": best[engine], "unit": "CPU s per biological s",
                         "ratio": ratio, "peer": "Brian2 cython" if peer else None})
    ms, spikes = trials(20 if args.fast else 1000)
    print(f"{'W4':<9}{'run_trials':<14}{ms:>10.3f} ms per trial of 100 ms, {spikes:.0f} hidden spikes each")
    rows.append({"workload": "W4", "engine": "run_trials", "seconds": ms / 1000, "unit": "CPU s per trial",
                 "ratio": None, "peer": None})
    if args.json:
        versions = {p: version(p) for p in ("numpy", "pyNN", "neo", *(["brian2"] if peer else []))}
        versions["python"] = sys.version.split()[0]
        args.json.write_text(json.dumps([r | {"versions": versions} for r in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
