"""Speed of plasticity, through the whole PyNN path: 131,072 plastic synapses, and the cost of single updates.

W3: 256 Poisson sources of 20 Hz reach all of 512 conductance-based LIF cells through additive pair-based STDP, in
steps of 0.1 ms; spikes are recorded, and all engines start with the same weights.

* ``ideal``: ``STDPMechanism``, every pair of spikes at its own time;
* ``quantised``: ``STDPMechanism`` by correlation sensors and a ready rule, whose updates come once in several seconds:
  this row is the time between them. An update is a row of its own, and ``quantised, all`` is both at the period
  that the mapping has chosen;
* ``bare NumPy``: the same equations in a loop made for nothing but this network, which checks nothing, counts the
  spikes instead of keeping them, and can't be gone on with. What ``ideal`` is beyond it is the price of generality;
* Brian2 (event-driven synapses, cython) and NEST (``stdp_synapse``) where they are installed, in their own words.

full rule: a ``PlasticityRule`` on ``quantised`` that reads the causal correlation and the weights of all synapses and
writes all weights. Its time is that of many pieces of one step with the rule after each, less that of as many steps
in one piece: so it contains all that a rule costs beside its own arithmetic. The network lies on both halves of a
chip: the rule sees 512 rows of 512 places, half of which have synapses. ``bare NumPy`` is the same arithmetic on bare
arrays of 131,072; ``32 x 32`` a rule on a small array, where it is all overhead.

Seconds are CPU seconds (user and system) of one thread, the least of several short rounds in which the engines take
turns: other work on the machine disturbs CPU time less than wall time.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("PYNEST_QUIET", "1")

import argparse
import json
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from stdp_network import (
    A_MINUS,
    A_PLUS,
    CELL,
    DELAY,
    DT,
    INPUTS,
    RATE,
    TAU,
    W_MAX,
    BareNumPy,
    BareRule,
    N,
    Sums,
    weights,
)

import pynn_brainscales as sim

PEERS = ("Brian2 cython", "NEST")


def stdp(w):
    """The synapse type of W3."""
    return sim.STDPMechanism(sim.SpikePairRule(tau_plus=TAU, tau_minus=TAU, A_plus=A_PLUS, A_minus=A_MINUS),
                             sim.AdditiveWeightDependence(w_min=0.0, w_max=W_MAX), weight=w, delay=DELAY)


class Ours(Sums):
    """One profile of this package; ``synapse`` makes its synapse type from weights (inputs, cells)."""

    def __init__(self, chip, synapse=stdp, inputs=INPUTS, cells=N, **setup):
        super().__init__()
        start = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sim.setup(timestep=DT, chip=chip, seed=1, chip_seed=1, on_loss="warn", **setup)
            self.cells = sim.Population(cells, sim.IF_cond_exp(**CELL), label="cells")
            source = sim.Population(inputs, sim.SpikeSourcePoisson(rate=RATE), label="input")
            self.projection = sim.Projection(source, self.cells, sim.AllToAllConnector(),
                                             synapse(weights()[:inputs, :cells] * INPUTS / inputs))
            self.cells.record("spikes")
            sim.run(DT)
        self.build = time.process_time() - start
        self.state = dict(vars(sim.simulator.state))

    def run(self, seconds):
        """CPU seconds per biological second."""
        vars(sim.simulator.state).update(self.state)
        start = time.process_time()
        sim.run(1000.0 * seconds)
        spent = time.process_time() - start
        self.spikes += sum(map(len, self.cells.get_data("spikes", clear=True).segments[0].spiketrains))
        self.state = dict(vars(sim.simulator.state))
        self.seconds += seconds
        return spent / seconds

    def ready_rule(self):
        """The rule that works for an STDPMechanism on a chip."""
        return self.state["rules"].rules[0]


class Brian(Sums):
    """W3 in Brian2's own words."""

    def __init__(self):
        import brian2 as b

        super().__init__()
        start = time.process_time()
        b.prefs.codegen.target, b.defaultclock.dt = "cython", DT * b.ms
        names = {"vr": CELL["v_rest"], "tm": CELL["tau_m"] * b.ms, "ts": CELL["tau_syn_E"] * b.ms,
                 "rm": CELL["tau_m"] / CELL["cm"], "ee": CELL["e_rev_E"], "ei": CELL["e_rev_I"],
                 "vreset": CELL["v_reset"], "tau": TAU * b.ms, "plus": A_PLUS * W_MAX, "minus": A_MINUS * W_MAX,
                 "wmax": W_MAX}
        group = b.NeuronGroup(N, """dv/dt = (vr - v + rm*(ge*(ee - v) + gi*(ei - v)))/tm : 1 (unless refractory)
            dge/dt = -ge/ts : 1
            dgi/dt = -gi/ts : 1""", threshold=f"v > {CELL['v_thresh']}", reset="v = vreset",
                              refractory=CELL["tau_refrac"] * b.ms, method="exponential_euler", namespace=names)
        group.v = CELL["v_rest"]
        source = b.PoissonGroup(INPUTS, RATE * b.Hz)
        synapses = b.Synapses(source, group, """w : 1
            dx/dt = -x/tau : 1 (event-driven)
            dy/dt = -y/tau : 1 (event-driven)""", on_pre="""w = clip(w - minus*y, 0, wmax)
            ge_post += w
            x += 1""", on_post="""w = clip(w + plus*x, 0, wmax)
            y += 1""", delay={"pre": DELAY * b.ms}, namespace=names)
        synapses.connect()
        synapses.w = weights().reshape(-1)
        self.monitor = b.SpikeMonitor(group)
        self.network, self.b = b.Network(group, source, synapses, self.monitor), b
        self.network.run(1 * b.ms)
        self.build = time.process_time() - start

    def run(self, seconds):
        """CPU seconds per biological second."""
        before = self.monitor.num_spikes
        start = time.process_time()
        self.network.run(seconds * self.b.second)
        spent = time.process_time() - start
        self.spikes += self.monitor.num_spikes - before
        self.seconds += seconds
        return spent / seconds


class Nest(Sums):
    """W3 in NEST's own words."""

    def __init__(self):
        import nest

        super().__init__()
        start = time.process_time()
        nest.ResetKernel()
        nest.set(resolution=DT, local_num_threads=1, rng_seed=1)
        nano = 1000.0  # nF, uS -> pF, nS
        cells = nest.Create("iaf_cond_exp", N, params={
            "C_m": nano * CELL["cm"], "g_L": nano * CELL["cm"] / CELL["tau_m"], "E_L": CELL["v_rest"],
            "V_m": CELL["v_rest"], "V_reset": CELL["v_reset"], "V_th": CELL["v_thresh"], "t_ref": CELL["tau_refrac"],
            "tau_syn_ex": CELL["tau_syn_E"], "tau_syn_in": CELL["tau_syn_I"], "E_ex": CELL["e_rev_E"],
            "E_in": CELL["e_rev_I"], "tau_minus": TAU})
        source, parrots = nest.Create("poisson_generator", params={"rate": RATE}), nest.Create("parrot_neuron", INPUTS)
        self.recorder = nest.Create("spike_recorder")
        nest.Connect(source, parrots, syn_spec={"delay": DELAY})
        nest.Connect(parrots, cells, "all_to_all", {
            "synapse_model": "stdp_synapse", "weight": nano * weights().T, "delay": DELAY, "lambda": A_PLUS,
            "alpha": A_MINUS / A_PLUS, "tau_plus": TAU, "mu_plus": 0.0, "mu_minus": 0.0, "Wmax": nano * W_MAX})
        nest.Connect(cells, self.recorder, syn_spec={"delay": DELAY})
        nest.Simulate(1.0)
        self.nest, self.build = nest, time.process_time() - start

    def run(self, seconds):
        """CPU seconds per biological second."""
        before = self.recorder.n_events
        start = time.process_time()
        self.nest.Simulate(1000.0 * seconds)
        spent = time.process_time() - start
        self.spikes += self.recorder.n_events - before
        self.seconds += seconds
        return spent / seconds


class Thresholded(sim.PlasticityRule):
    """Synapses that have seen correlation grow, the others shrink."""

    def update(self, ppu, synapses, neurons, recording):
        view = synapses[0]
        correlation, weight = view.get_causal_correlation(), view.get_weights()
        view.set_weights(weight + np.where(correlation > 2, 1, -1))


class FullRule:
    """Seconds of one call of a rule that reads and writes all synapses of an array, with all that belongs to it."""

    def __init__(self, inputs, cells, pieces):
        def synapse(rule):
            return lambda w: sim.PlasticSynapse(rule, weight=w, w_max=2.0 * float(w.max()), delay=1.0)

        every_step = Thresholded(sim.Timer(start=DT, period=DT), runtime_model=None)
        never = Thresholded(sim.Timer(start=1e9, period=1e9), runtime_model=None)
        self.cut = Ours("quantised", synapse(every_step), inputs, cells)
        self.whole = Ours("quantised", synapse(never), inputs, cells)
        self.rule, self.pieces = every_step, pieces

    def run(self):
        """CPU seconds per call."""
        seconds, before = self.pieces * DT / 1000.0, self.rule.executed
        spent = seconds * (self.cut.run(seconds) - self.whole.run(seconds))
        return spent / (self.rule.executed - before)


def peers():
    """Those that are installed."""
    found = {}
    for name, make, module, how in (
            ("Brian2 cython", Brian, "brian2", "an environment with it: pip install '.[bench]'"),
            ("NEST", Nest, "nest", "a wheel for Linux: pip install nest-simulator")):
        try:
            __import__(module)
        except ImportError as error:
            print(f"{name} is not here ({error}); no ratio. Get {how}")
            continue
        found[name] = make
    if "NEST" in found:
        import nest

        if hasattr(nest, "VerbosityLevel"):
            nest.verbosity = nest.VerbosityLevel.ERROR
        else:
            nest.set_verbosity("M_ERROR")
    return found


def network_rows(seconds, rounds, make_peers):
    """Rows of W3."""
    engines = {"ideal": Ours("ideal"), "quantised": Ours("quantised"), "bare NumPy": BareNumPy()}
    engines |= {name: make() for name, make in make_peers.items()}
    best = dict.fromkeys(engines, np.inf)
    for _ in range(rounds):
        for name, engine in engines.items():
            best[name] = min(best[name], engine.run(seconds))
    return engines, best


def update_row(engine, count):
    """Period (s) of the ready rule's timer, and CPU seconds of an update: the least of several.

    It is measured as a run of two steps with an update in the middle. This is one piece of a run more than without it,
    as there is another one later, when the new weights become visible.
    """
    rule, best = engine.ready_rule(), np.inf
    timer, step = rule.timer, DT / 1000.0
    for _ in range(count):
        due = timer.due(timer_periods(timer, engine.state["step"] * DT)) / 1000.0
        engine.run(due - step - engine.state["step"] * step)
        before = rule.executed
        spent = 2 * step * engine.run(2 * step)
        if rule.executed != before + 1:
            raise RuntimeError(f"the rule was executed {rule.executed - before} times in the measured steps")
        best = min(best, spent)
    return timer.period / 1000.0, best


def timer_periods(timer, now):
    """Number of the first period that begins later than a step from now (ms)."""
    k = 0
    while timer.due(k) < now + 2.5 * DT:
        k += 1
    return k


def row(workload, engine, seconds, unit, others):
    """One row: ``others`` are seconds of the peers."""
    ratios = {name: other / seconds for name, other in others.items()}
    peer = next(iter(ratios), None)
    return {"workload": workload, "engine": engine, "seconds": seconds, "unit": unit,
            "ratio": None if peer is None else ratios[peer], "peer": peer, "ratios": ratios}


def show(r, **more):
    shown = "".join(f"{r['ratios'][name]:>9.2f}" if name in r["ratios"] else f"{'-':>9}"
                    for name in (*PEERS, "bare NumPy"))
    extra = "  ".join(f"{name} {value}" for name, value in more.items())
    print(f"{r['workload']:<11}{r['engine']:<18}{r['seconds']:>9.4f} {r['unit']:<22}{shown}  {extra}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="short runs, one round")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    args = parser.parse_args()
    seconds, rounds = (0.5, 2) if args.fast else (1.0, 6)
    make_peers = peers()
    print(f"{'workload':<11}{'engine':<18}{'seconds':>9} {'':<22}{'Brian2/it':>9}{'NEST/it':>9}{'bare/it':>9}")
    engines, best = network_rows(seconds, rounds, make_peers)
    rows = []
    others = {name: best[name] for name in (*make_peers, "bare NumPy")}
    per_second = "CPU s per biological s"
    for name, engine in engines.items():
        rows.append(row("W3", name, best[name], per_second, others))
        build = f"{engine.build:.2f} s" if hasattr(engine, "build") else "-"
        show(rows[-1], rate=f"{engine.rate:.1f} Hz", build=build)
    period, spent = update_row(engines["quantised"], 1 if args.fast else 3)
    rows.append(row("W3", "quantised, all", best["quantised"] + spent / period, per_second, others))
    show(rows[-1])
    rows.append(row("W3", "quantised, update", spent, "CPU s per update", {}))
    show(rows[-1], period=f"{period:g} s")
    full, bare, small = FullRule(INPUTS, N, 10 if args.fast else 30), BareRule(), FullRule(32, 32, 50)
    best = {"quantised": np.inf, "bare NumPy": np.inf, "quantised, 32 x 32": np.inf}
    for _ in range(rounds):
        for name, engine in zip(best, (full, bare, small), strict=True):
            best[name] = min(best[name], engine.run())
    for name, spent in best.items():
        rows.append(row("full rule", name, spent, "CPU s per call",
                        {} if "32" in name else {"bare NumPy": best["bare NumPy"]}))
        show(rows[-1])
    if args.json:
        packages = ("numpy", "pyNN", "neo", *(p for p, name in (("brian2", "Brian2 cython"), ("nest-simulator", "NEST"))
                                              if name in make_peers))
        versions = {p: version(p) for p in packages} | {"python": sys.version.split()[0]}
        args.json.write_text(json.dumps([r | {"versions": versions} for r in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
