"""Speed of the models and synapses that ``chip_speed`` leaves out, through the whole PyNN path, beside NEST.

In every workload 256 Poisson sources of 20 Hz reach all of 512 cells, by 131,072 synapses of 1 ms delay and weights
uniform between 0 and twice their mean, in steps of 0.1 ms; the cells' spikes are recorded. First the cells vary, with
static synapses, then the synapses, onto ``IF_cond_exp``.

NEST runs its own models with the same equations and parameters, by its own Python interface on one thread, the
sources behind parrot neurons. It solves conductance-based cells with steps of adaptive length and its default
tolerance, where ours take one step of second order (Hodgkin-Huxley cells several); Izhikevich's model with Euler
steps. For four exponential conductances ``gif_cond_exp_multisynapse`` stands in, with a sharp threshold and no
adaptation: it is NEST's only model that has them.

Seconds are CPU seconds (user and system) of one thread per biological second, the least of several rounds in which
the engines take turns: other work on the machine disturbs CPU time less than wall time, and all engines alike.
``build`` is from ``setup()`` to the first step, in CPU seconds. Rates are means over all rounds: they show that the
work is alike, and differ by the draw of the Poisson trains, on ``calibrated`` also by the chip. ``lost`` is the share
of synapses that have no place or a weight of zero there. Cells that the chip has no circuits for are computed beside
it, on ``calibrated`` as on ``ideal``. Stochastic synapses are measured on ``ideal`` only: 131,072 of them are as many
streams of events, and a chip has labels for 16,384. STDP is exact on ``ideal``; on ``calibrated`` it is correlation
sensors and an update every 4 s, which the least of several seconds leaves out.
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
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pynn_brainscales.mapping.errors import MappingError

import pynn_brainscales as sim

N, INPUTS, RATE, DELAY, DT = 512, 256, 20.0, 1.0, 0.1
NANO = 1000.0  # nA, nF, uS -> pA, pF, nS
LIF = {"cm": 1.0, "tau_m": 20.0, "tau_refrac": 2.0, "v_rest": -65.0, "v_reset": -65.0, "v_thresh": -50.0}
TAU = {"tau_syn_E": 5.0, "tau_syn_I": 5.0}
COND = {"e_rev_E": 0.0, "e_rev_I": -70.0}
ADEX = {"v_spike": -40.0, "delta_T": 2.0, "a": 4.0, "b": 0.08, "tau_w": 144.0}
RESTS = {"tau_sfa": 110.0, "e_rev_sfa": -75.0, "q_sfa": 15.0, "tau_rr": 2.0, "e_rev_rr": -75.0, "q_rr": 3000.0}
HH = {"gbar_Na": 20.0, "gbar_K": 6.0, "g_leak": 0.01, "cm": 0.2, "v_offset": -63.0, "e_rev_Na": 50.0,
      "e_rev_K": -90.0, "e_rev_leak": -65.0}
GIF = {"delta_v": 0.5, "v_t_star": -50.0, "lambda0": 10.0, "tau_eta": [1.0, 10.0, 100.0],
       "tau_gamma": [1.0, 10.0, 100.0], "a_eta": [0.1, 0.1, 0.1], "a_gamma": [5.0, 1.0, 1.0]}
IZHIKEVICH = {"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0}
# time constant, reversal potential, and weight relative to the mean of the workload
RECEPTORS = {"AMPA": (2.0, 0.0, 5.0), "NMDA": (40.0, 0.0, 0.25), "GABAA": (5.0, -70.0, 0.5),
             "GABAB": (100.0, -90.0, 0.025)}
DEPRESSION = {"U": 0.3, "tau_rec": 100.0, "tau_facil": 50.0}
STDP = {"tau_plus": 20.0, "tau_minus": 20.0, "A_plus": 0.002, "A_minus": 0.0022}

# NEST's names of PyNN's parameters, and the factor between the units
_NAMES = {
    "cm": ("C_m", NANO), "tau_m": ("tau_m", 1.0), "tau_refrac": ("t_ref", 1.0), "v_rest": ("E_L", 1.0),
    "v_reset": ("V_reset", 1.0), "v_thresh": ("V_th", 1.0), "tau_syn_E": ("tau_syn_ex", 1.0),
    "tau_syn_I": ("tau_syn_in", 1.0), "e_rev_E": ("E_ex", 1.0), "e_rev_I": ("E_in", 1.0),
    "v_spike": ("V_peak", 1.0), "delta_T": ("Delta_T", 1.0), "b": ("b", NANO), "e_rev_sfa": ("E_sfa", 1.0),
    "e_rev_rr": ("E_rr", 1.0), "gbar_Na": ("g_Na", NANO), "gbar_K": ("g_K", NANO), "g_leak": ("g_L", NANO),
    "v_offset": ("V_T", 1.0), "e_rev_Na": ("E_Na", 1.0), "e_rev_K": ("E_K", 1.0), "e_rev_leak": ("E_L", 1.0),
    "delta_v": ("Delta_V", 1.0), "v_t_star": ("V_T_star", 1.0), "lambda0": ("lambda_0", 1.0),
    "tau_eta": ("tau_stc", 1.0), "tau_gamma": ("tau_sfa", 1.0), "a_eta": ("q_stc", NANO), "a_gamma": ("q_sfa", 1.0)}


class Workload(NamedTuple):
    """One network in both engines' words.

    ``cell`` makes our cell type; ``synapse`` makes our synapse type from an array of weights (INPUTS, N) in nA, uS or
    mV. ``weight`` is their mean, ``unit`` the factor to NEST's unit. ``receptors`` share the sources in equal
    parts, and have factors of their weights.
    """

    name: str
    cell: Callable
    nest_cell: str
    nest_parameters: dict
    weight: float
    unit: float = NANO
    receptors: dict[str, float] = {"excitatory": 1.0}  # noqa: RUF012
    synapse: Callable = lambda w: sim.StaticSynapse(weight=w, delay=DELAY)
    nest_synapse: dict = {}  # noqa: RUF012
    profiles: tuple[str, ...] = ("ideal", "calibrated")

    def weights(self) -> np.ndarray:
        """Weights of all synapses, (INPUTS, N), in our unit: the same for all engines."""
        result = self.weight * np.random.default_rng(3).uniform(0.0, 2.0, (INPUTS, N))
        for factor, part in zip(self.receptors.values(), self.parts(), strict=True):
            result[part] *= factor
        return result

    def parts(self) -> list[slice]:
        """The sources that act on each receptor."""
        share = INPUTS // len(self.receptors)
        return [slice(i, i + share) for i in range(0, INPUTS, share)]


def in_nest(parameters: dict, leak: bool = False) -> dict:
    """PyNN's parameters in NEST's words; with ``leak`` the membrane's time constant becomes a conductance."""
    result = {}
    for name, value in parameters.items():
        there, factor = _NAMES.get(name, (name, 1.0))
        result[there] = [factor * x for x in value] if isinstance(value, list) else factor * value
    if leak:
        result["g_L"] = result["C_m"] / result.pop("tau_m")
    return result


def standard(name: str, nest_cell: str, parameters: dict, weight: float, leak: bool = True) -> Workload:
    """Cells of one of PyNN's standard types."""
    return Workload(name, lambda: getattr(sim, name)(**parameters), nest_cell, in_nest(parameters, leak), weight)


def composed(name: str, current: bool, weight: float) -> Workload:
    """LIF cells with four exponential receptors."""
    def cell():
        return sim.PointNeuron(sim.LIF(**LIF), **{
            receptor: sim.CurrExpPostSynapticResponse(tau_syn=tau) if current else sim.ExpPSR(tau_syn=tau, e_syn=e)
            for receptor, (tau, e, _) in RECEPTORS.items()})

    taus, reversals = [tau for tau, _, _ in RECEPTORS.values()], [e for _, e, _ in RECEPTORS.values()]
    factors = {r: -f if current and e < LIF["v_rest"] else f for r, (_, e, f) in RECEPTORS.items()}
    if current:
        return Workload(name, cell, "iaf_psc_exp_multisynapse", in_nest(LIF) | {"tau_syn": taus}, weight,
                        receptors=factors)
    membrane = in_nest(LIF, leak=True)
    sharp = {"V_T_star": membrane.pop("V_th"), "Delta_V": 0.01, "lambda_0": 1e3}
    nothing = {key: [] for key in ("tau_sfa", "q_sfa", "tau_stc", "q_stc")}
    return Workload(name, cell, "gif_cond_exp_multisynapse",
                    membrane | sharp | nothing | {"tau_syn": taus, "E_rev": reversals}, weight, receptors=factors)


def onto_lif(name: str, synapse: Callable, nest_synapse: dict, weight: float, **nest_cell) -> Workload:
    """Synapses of one type onto IF_cond_exp."""
    cell = LIF | TAU | COND
    return Workload(name, lambda: sim.IF_cond_exp(**cell), "iaf_cond_exp", in_nest(cell, leak=True) | nest_cell, weight,
                    synapse=synapse, nest_synapse=nest_synapse)


def workloads() -> list[Workload]:
    """All of them; weights are such that the cells fire at 5 to 15 Hz."""
    cond = LIF | TAU | COND
    w_stdp = 0.00055

    def depressing(w):
        return sim.TsodyksMarkramSynapse(weight=w, delay=DELAY, **DEPRESSION)

    def stochastic(w):
        return sim.SimpleStochasticSynapse(weight=w, delay=DELAY, p=0.5)

    def plastic(w):
        return sim.STDPMechanism(sim.SpikePairRule(**STDP), sim.AdditiveWeightDependence(w_max=4.0 * w_stdp),
                                 weight=w, delay=DELAY)

    rule = {"synapse_model": "stdp_synapse", "lambda": STDP["A_plus"], "alpha": STDP["A_minus"] / STDP["A_plus"],
            "tau_plus": STDP["tau_plus"], "mu_plus": 0.0, "mu_minus": 0.0, "Wmax": 4.0 * w_stdp * NANO}
    u = {"U": DEPRESSION["U"], "tau_rec": DEPRESSION["tau_rec"], "tau_fac": DEPRESSION["tau_facil"],
         "tau_psc": TAU["tau_syn_E"]}
    izhikevich = IZHIKEVICH | {"V_m": -70.0, "U_m": -14.0}
    return [
        standard("IF_curr_alpha", "iaf_psc_alpha", LIF | TAU, 0.0105, leak=False),
        standard("IF_cond_alpha", "iaf_cond_alpha", cond, 0.000205),
        standard("EIF_cond_alpha_isfa_ista", "aeif_cond_alpha", cond | ADEX, 0.00024),
        standard("IF_cond_exp_gsfa_grr", "iaf_cond_exp_sfa_rr", cond | RESTS, 0.00074),
        standard("HH_cond_exp", "hh_cond_exp_traub", HH | TAU | COND, 0.00002, leak=False),
        Workload("Izhikevich", lambda: sim.Izhikevich(**IZHIKEVICH), "izhikevich", izhikevich, 0.72, unit=1.0),
        standard("GIF_cond_exp", "gif_cond_exp", {k: v for k, v in cond.items() if k != "v_thresh"} | GIF, 0.00067),
        composed("PointNeuron, 4 currents", True, 0.037),
        composed("PointNeuron, 4 conductances", False, 0.00061),
        onto_lif("StaticSynapse", lambda w: sim.StaticSynapse(weight=w, delay=DELAY), {}, 0.00055),
        onto_lif("TsodyksMarkramSynapse", depressing, {"synapse_model": "tsodyks_synapse"} | u, 0.0024),
        onto_lif("SimpleStochasticSynapse", stochastic, {"synapse_model": "bernoulli_synapse", "p_transmit": 0.5},
                 0.00108)._replace(profiles=("ideal",)),
        onto_lif("STDP, additive", plastic, rule, w_stdp, tau_minus=STDP["tau_minus"])]


class Ours:
    """One profile of this package."""

    def __init__(self, workload: Workload, chip: str) -> None:
        start = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sim.setup(timestep=DT, chip=chip, seed=1, chip_seed=1, on_loss="warn")
            self.cells = sim.Population(N, workload.cell(), label="cells")
            source = sim.Population(INPUTS, sim.SpikeSourcePoisson(rate=RATE), label="input")
            weights = workload.weights()
            for receptor, part in zip(workload.receptors, workload.parts(), strict=True):
                sim.Projection(source[part], self.cells, sim.AllToAllConnector(), workload.synapse(weights[part]),
                               receptor_type=receptor)
            self.cells.record("spikes")
            sim.run(DT)
        self.build = time.process_time() - start
        self.state = dict(vars(sim.simulator.state))
        self.spikes, self.seconds = 0, 0.0
        self.lost = sum(sim.last_mapping().report.to_dict()["lost"].values()) / (INPUTS * N)

    def run(self, seconds: float) -> float:
        vars(sim.simulator.state).update(self.state)
        start = time.process_time()
        sim.run(1000.0 * seconds)
        spent = time.process_time() - start
        self.state = dict(vars(sim.simulator.state))
        self.spikes += sum(map(len, self.cells.get_data("spikes", clear=True).segments[0].spiketrains))
        self.seconds += seconds
        return spent / seconds


class Nest:
    """The same network in NEST's own words."""

    def __init__(self, workload: Workload) -> None:
        import nest

        start = time.process_time()
        nest.ResetKernel()
        nest.set(resolution=DT, local_num_threads=1, rng_seed=1)
        self.nest, weights = nest, workload.unit * workload.weights()
        cells = nest.Create(workload.nest_cell, N, params=workload.nest_parameters)
        if "E_L" in workload.nest_parameters:
            cells.V_m = workload.nest_parameters["E_L"]
        source, parrots = nest.Create("poisson_generator", params={"rate": RATE}), nest.Create("parrot_neuron", INPUTS)
        self.recorder = nest.Create("spike_recorder")
        nest.Connect(source, parrots, syn_spec={"delay": DELAY})
        for i, part in enumerate(workload.parts(), start=1):
            port = {"receptor_type": i} if len(workload.receptors) > 1 else {}
            nest.Connect(parrots[part], cells, "all_to_all",
                         {"weight": weights[part].T, "delay": DELAY} | port | workload.nest_synapse)
        nest.Connect(cells, self.recorder, syn_spec={"delay": DELAY})
        nest.Simulate(DELAY)
        self.build = time.process_time() - start
        self.spikes, self.seconds, self.lost = 0, 0.0, 0.0

    def run(self, seconds: float) -> float:
        before = self.recorder.n_events
        start = time.process_time()
        self.nest.Simulate(1000.0 * seconds)
        spent = time.process_time() - start
        self.spikes += self.recorder.n_events - before
        self.seconds += seconds
        return spent / seconds


def measure(workload: Workload, peer: bool, seconds: float, rounds: int) -> list[dict]:
    """Rows of one workload."""
    engines: dict[str, Ours | Nest] = {}
    for chip in workload.profiles:
        try:
            engines[chip] = Ours(workload, chip)
        except MappingError as error:
            print(f"{workload.name} does not map on {chip}: {error}")
    if peer:
        engines["NEST"] = Nest(workload)
    best = dict.fromkeys(engines, np.inf)
    for _ in range(rounds):
        for name, engine in engines.items():
            best[name] = min(best[name], engine.run(seconds))
    return [{"workload": workload.name, "engine": name, "seconds": best[name], "unit": "CPU s per biological s",
             "ratio": best["NEST"] / best[name] if peer else None, "peer": "NEST" if peer else None,
             "rate_hz": engine.spikes / N / engine.seconds, "build_s": engine.build,
             "lost": engine.lost}
            for name, engine in engines.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="short runs, one round")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    args = parser.parse_args()
    seconds, rounds = (0.05, 1) if args.fast else (1.0, 4)
    try:
        import nest
        if hasattr(nest, "VerbosityLevel"):
            nest.verbosity = nest.VerbosityLevel.ERROR
        else:
            nest.set_verbosity("M_ERROR")
        peer = True
    except ImportError as error:
        peer = False
        print(f"NEST is not here ({error}); no ratios. A wheel for Linux: pip install nest-simulator")
    rows = []
    print(f"{'workload':<29}{'engine':<12}{'CPU s / s':>10}{'NEST / it':>11}{'rate Hz':>9}{'build s':>9}{'lost %':>8}")
    for workload in workloads():
        for row in measure(workload, peer, seconds, rounds):
            ratio = f"{row['ratio']:.1f}" if peer else "-"
            print(f"{row['workload']:<29}{row['engine']:<12}{row['seconds']:>10.4f}{ratio:>11}{row['rate_hz']:>9.1f}"
                  f"{row['build_s']:>9.3f}{100.0 * row['lost']:>8.1f}", flush=True)
            rows.append(row)
    if args.json:
        versions = {p: version(p) for p in ("numpy", "pyNN", "neo", *(["nest-simulator"] if peer else []))}
        versions["python"] = sys.version.split()[0]
        args.json.write_text(json.dumps([r | {"versions": versions} for r in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
