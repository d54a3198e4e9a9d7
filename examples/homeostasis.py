"""Homeostasis: 512 neurons of a chip with 20 % variation learn weights that make them all fire at one rate.

Every neuron hears the same source. A rule on the plasticity processor reads the spike counters and raises or lowers
each weight by one code. The control has no rule: all weights stay at the code that is right on average.
"""

import numpy as np
from figures import arguments, report
from pynn_brainscales.emulator.profile import variation

import pynn_brainscales as sim

TARGET = 20.0  # Hz
PERIOD = 1000.0  # ms
W_MAX, START = 0.8, 0.45  # nA
CELL = {"cm": 1.0, "tau_m": 20.0, "tau_syn_E": 5.0, "tau_syn_I": 5.0, "tau_refrac": 2.0, "v_rest": -65.0,
        "v_reset": -65.0, "v_thresh": -50.0}


class SignRule(sim.PlasticityRule):
    """One code up for neurons that were too slow in the last period, one down for those that were too fast."""

    def update(self, ppu, synapses, neurons, recording):
        (view,), (cells,) = synapses, neurons
        rate = cells.get_rate_counters(reset=True)[view.neuron] * (1000.0 / PERIOD)
        view.set_weights(view.get_weights() + np.sign(TARGET - rate).astype(int))
        recording["weight"] = view.logical(view.get_weights())


def simulate(chip, seed, neurons, periods, learning, start):
    """Rates (Hz) over the last quarter of the run, the weights at its end (nA), and the course of both."""
    sim.setup(timestep=0.1, chip=chip, seed=seed, chip_seed=seed)
    cells = sim.Population(neurons, sim.IF_curr_exp(**CELL), label="cells")
    source = sim.Population(1, sim.SpikeSourcePoisson(rate=500.0), label="source")
    rule = SignRule(sim.Timer(start=PERIOD, period=PERIOD, num_periods=None if learning else 0))
    projection = sim.Projection(source, cells, sim.AllToAllConnector(), sim.PlasticSynapse(
        rule, weight=start, w_max=W_MAX, delay=1.0))
    cells.record("spikes")
    sim.run(periods * PERIOD)
    trains = cells.get_data().segments[0].spiketrains
    counts = np.array([np.histogram(t.magnitude, np.arange(periods + 1) * PERIOD)[0] for t in trains])
    rates = counts * (1000.0 / PERIOD)
    weights = np.array(projection.get("weight", "list", with_address=False))
    course = rule.get_observable_array("weight")[1] if learning else None
    return rates[:, -max(1, periods // 4):].mean(axis=1), weights, rates, course


def excitability(chip, seed, neurons, start):
    """Rate of every neuron at one and the same weight: how excitable the chip has made it."""
    return simulate(chip, seed, neurons, 8, False, start)[0]


def picture(path, rates, course, weights, excitable):
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    axes[0].plot(rates[:60].T, lw=0.5, alpha=0.6)
    axes[0].axhline(TARGET, color="k", lw=1)
    axes[0].set(xlabel="time (s)", ylabel="rate (Hz)", title="60 of the neurons")
    axes[1].plot(course[:, :60], lw=0.5, alpha=0.6)
    axes[1].set(xlabel="period", ylabel="weight (code)", title="their weights")
    axes[2].plot(excitable, weights, ".", ms=3)
    axes[2].set(xlabel="rate at equal weights (Hz)", ylabel="learnt weight (nA)", title="weights undo the variation")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    args = arguments("homeostasis", __doc__, seeds=(1, 2, 3, 4, 5), fast_seeds=(1,))
    neurons, periods = (128, 24) if args.fast else (512, 60)
    figures = {"rate_error": [], "rate_cv": [], "weight_excitability_r": [], "control_rate_cv": []}
    for i, seed in enumerate(args.seeds):
        chip = variation(0.2)
        learnt, weights, rates, course = simulate(chip, seed, neurons, periods, True, START)
        mean = float(weights.mean())
        control = excitability(chip, seed, neurons, mean)
        figures["rate_error"].append(np.abs(learnt / TARGET - 1).mean())
        figures["rate_cv"].append(learnt.std() / learnt.mean())
        figures["weight_excitability_r"].append(np.corrcoef(weights, control)[0, 1])
        figures["control_rate_cv"].append(control.std() / control.mean())
        print(f"seed {seed}: {learnt.mean():.2f} Hz, weights {mean:.3f} +- {weights.std():.3f} nA, without the rule "
              f"{control.mean():.1f} Hz with a CV of {figures['control_rate_cv'][-1]:.2f}")
        if i == 0:
            picture(args.out / "homeostasis.png", rates, course, weights, control)
    report(args.out, figures, goals={"rate_error": ("<=", 0.2), "rate_cv": ("<=", 0.1),
                                     "weight_excitability_r": ("<=", -0.5)})


if __name__ == "__main__":
    main()
