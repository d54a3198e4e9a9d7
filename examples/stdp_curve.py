"""The curve of spike-timing-dependent plasticity, measured with the correlation sensors of a calibrated chip.

Pairs of a presynaptic and a forced postsynaptic spike, each many times; a rule on the plasticity processor reads the
sensors of all synapses through the converter. The control has the presynaptic spikes only.
"""

import numpy as np
from figures import arguments, report

import pynn_brainscales as sim

ETA, TAU = 1.0, 10.0  # units of the converter for a pair, ms: what the sensors are set to
FORCE = 40.0  # nA, enough for one spike
CELL = {"cm": 1.0, "tau_m": 20.0, "tau_syn_E": 2.0, "tau_syn_I": 2.0, "tau_refrac": 30.0, "v_rest": -65.0,
        "v_reset": -65.0, "v_thresh": -50.0}
CONVERTER = (4.0, 160.0)  # correlations that are neither lost in its steps nor near saturation


class ReadSensors(sim.PlasticityRule):
    """Reads all sensors once; weights stay."""

    def update(self, ppu, synapses, neurons, recording):
        recording["causal"] = np.array([s.logical(s.get_causal_correlation()) for s in synapses])
        recording["acausal"] = np.array([s.logical(s.get_acausal_correlation()) for s in synapses])


def measure(seed, cells, distances, pairs, forced=True):
    """Distances of the pairs in ms and correlation for a pair, each (distances, cells), causal and acausal."""
    sim.setup(timestep=0.1, chip="calibrated", seed=seed, chip_seed=seed)
    at = 100.0 + 200.0 * np.arange(pairs)
    neurons = sim.Population(cells, sim.IF_curr_exp(**CELL), label="neurons")
    teacher = sim.Population(1, sim.SpikeSourceArray(spike_times=at if forced else []), label="teacher")
    sources = sim.Population(len(distances), sim.SpikeSourceArray(
        spike_times=[at + d for d in distances]), label="sources")
    sim.Projection(teacher, neurons, sim.AllToAllConnector(), sim.StaticSynapse(weight=FORCE, delay=1.0))
    rule = ReadSensors(sim.Timer(start=at[-1] + 150.0, period=1.0, num_periods=1))
    plastic = sim.Projection(sources, neurons, sim.AllToAllConnector(), sim.PlasticSynapse(
        rule, weight=0.0, w_max=0.5, eta=ETA, tau=TAU, delay=1.0))
    neurons.record("spikes")
    sim.run(at[-1] + 200.0)
    pre, post = plastic.indices
    spikes = [np.array(train) for train in neurons.get_data().segments[0].spiketrains]
    fired = np.array([np.mean(s - at[:len(s)]) if len(s) == pairs else np.nan for s in spikes])
    # an event acts one step after its delay: what the sensor pairs with is the arrival
    distance = fired[post] - (np.asarray(distances)[pre] + 1.0)
    values = {name: rule.get_observable_array(name)[1][0, 0] / pairs for name in ("causal", "acausal")}
    shape = (len(distances), cells)
    order = np.lexsort((post, pre))
    return distance[order].reshape(shape), {k: v[order].reshape(shape) for k, v in values.items()}


def fit(distance, value, pairs):
    """Amplitude and time constant of an exponential through the medians over the cells."""
    middle, height = np.nanmedian(distance, axis=1), np.nanmedian(value, axis=1)
    use = (middle > 0) & (height * pairs > CONVERTER[0]) & (height * pairs < CONVERTER[1])
    slope, start = np.polyfit(middle[use], np.log(height[use]), 1)
    return np.exp(start), -1.0 / slope


def picture(path, distance, values, fits):
    from matplotlib import pyplot as plt

    figure, ax = plt.subplots(figsize=(8, 5), layout="constrained")
    for name, sign, color in (("causal", 1, "C0"), ("acausal", -1, "C3")):
        here = sign * distance > 0
        ax.plot(distance[here], sign * values[name][here], ".", ms=2, alpha=0.3, color=color)
        x = np.linspace(0.5, 45.0, 100)
        amplitude, tau = fits[name]
        ax.plot(sign * x, sign * amplitude * np.exp(-x / tau), color=color,
                label=f"{name}: {amplitude:.2f} exp(-t / {tau:.1f} ms); set {ETA:g}, {TAU:g} ms")
    ax.axhline(0.0, color="0.6", lw=0.8)
    ax.set(xlabel="postsynaptic minus presynaptic spike (ms)", ylabel="correlation for a pair (converter steps)",
           title="sensors of a calibrated chip, one dot a synapse")
    ax.legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    args = arguments("stdp_curve", __doc__, seeds=(1, 2, 3, 4, 5), fast_seeds=(1,))
    cells, pairs = (60, 30) if args.fast else (200, 60)
    distances = np.concatenate([np.arange(-44.0, -1.0, 3.0), np.arange(2.0, 45.0, 3.0)])
    figures = {"amplitude_error": [], "tau_error": [], "amplitude_spread": [], "control_amplitude": []}
    for i, seed in enumerate(args.seeds):
        distance, values = measure(seed, cells, distances, pairs)
        fits = {"causal": fit(distance, values["causal"], pairs), "acausal": fit(-distance, values["acausal"], pairs)}
        near = np.nanargmin(np.where(np.nanmedian(distance, axis=1) > 0, np.nanmedian(distance, axis=1), np.nan))
        _, silent = measure(seed, cells, distances, pairs, forced=False)
        figures["amplitude_error"].append(max(abs(a / ETA - 1) for a, _ in fits.values()))
        figures["tau_error"].append(max(abs(t / TAU - 1) for _, t in fits.values()))
        figures["amplitude_spread"].append(np.nanstd(np.log(np.maximum(values["causal"][near], 1e-3))))
        figures["control_amplitude"].append(max(np.median(v) for v in silent.values()))
        print(f"seed {seed}: " + ", ".join(f"{k} {a:.3f}, {t:.2f} ms" for k, (a, t) in fits.items()))
        if i == 0:
            picture(args.out / "stdp_curve.png", distance, values, fits)
    report(args.out, figures, goals={"amplitude_error": ("<=", 0.1), "tau_error": ("<=", 0.1)})


if __name__ == "__main__":
    main()
