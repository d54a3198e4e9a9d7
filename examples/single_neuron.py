"""Postsynaptic potentials and spikes of one neuron: on an ideal chip, and on ten circuits of a calibrated one."""

import numpy as np
from figures import arguments, report

import pynn_brainscales as sim

CELL = {"cm": 1.0, "tau_m": 20.0, "tau_syn_E": 5.0, "tau_syn_I": 5.0, "tau_refrac": 2.0, "v_rest": -65.0,
        "v_reset": -65.0, "v_thresh": -50.0}
EXC_TIMES, INH_TIMES = [10.0, 200.0, 203.0, 206.0, 209.0, 212.0], [100.0]
W_EXC, W_INH = 1.2, -0.8  # nA


def closed_form_peak():
    """Height (mV) of a lone excitatory PSP of a leaky integrator with exponential current."""
    tau_m, tau_s, cm = CELL["tau_m"], CELL["tau_syn_E"], CELL["cm"]
    t = np.log(tau_m / tau_s) * tau_m * tau_s / (tau_m - tau_s)
    return W_EXC / cm * tau_m * tau_s / (tau_m - tau_s) * (np.exp(-t / tau_m) - np.exp(-t / tau_s))


def simulate(chip, neurons, seed):
    """Membranes (samples, neurons) with their times, and spike trains."""
    sim.setup(timestep=0.1, chip=chip, seed=seed, chip_seed=seed)
    cells = sim.Population(neurons, sim.IF_curr_exp(**CELL), label="neurons")
    exc = sim.Population(1, sim.SpikeSourceArray(spike_times=EXC_TIMES), label="exc")
    inh = sim.Population(1, sim.SpikeSourceArray(spike_times=INH_TIMES), label="inh")
    sim.Projection(exc, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=W_EXC, delay=1.0))
    sim.Projection(inh, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=W_INH, delay=1.0),
                   receptor_type="inhibitory")
    cells.record(["v", "spikes"])
    sim.run(280.0)
    segment = cells.get_data().segments[0]
    v = segment.filter(name="v")[0]
    return v.times.rescale("ms").magnitude, v.magnitude, segment.spiketrains


def peak(times, v):
    """Height of the first PSP of each neuron above its own rest, mV."""
    rest = v[times < 10.0].mean(axis=0)
    return v[(times > 10.0) & (times < 60.0)].max(axis=0) - rest


def picture(path, ideal, calibrated):
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(3, 1, figsize=(9, 7), sharex=True, height_ratios=(3, 3, 1), layout="constrained")
    for ax, (times, v, _), title in zip(axes, (ideal, calibrated), ("ideal chip", "ten circuits of a calibrated chip"),
                                        strict=False):
        ax.plot(times, v, lw=0.8)
        ax.axhline(CELL["v_thresh"], color="0.6", lw=0.8, ls="--")
        ax.set(ylabel="v (mV)", title=title)
    trains = [*ideal[2], *calibrated[2]]
    axes[2].eventplot([t.magnitude for t in trains], colors=["k"] + ["C0"] * len(calibrated[2]))
    axes[2].set(xlabel="time (ms)", ylabel="spikes", yticks=(0, 5), yticklabels=("ideal", "chip"))
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    args = arguments("single_neuron", __doc__, seeds=(1, 2, 3, 4, 5), fast_seeds=(1,))
    figures = {"psp_error_ideal": [], "psp_ratio_chip": [], "psp_spread_chip": [], "spikes_ideal": [],
               "spikes_chip": []}
    for i, seed in enumerate(args.seeds):
        ideal, chip = simulate("ideal", 1, seed), simulate("calibrated", 10, seed)
        exact, heights = closed_form_peak(), peak(*chip[:2])
        values = (abs(peak(*ideal[:2])[0] / exact - 1), heights.mean() / exact, heights.std() / heights.mean(),
                  len(ideal[2][0]), np.mean([len(t) for t in chip[2]]))
        for name, value in zip(figures, values, strict=True):
            figures[name].append(value)
        if i == 0:
            picture(args.out / "single_neuron.png", ideal, chip)
            print(sim.last_mapping().report)
    report(args.out, figures, goals={"psp_error_ideal": ("<=", 1e-3)})


if __name__ == "__main__":
    main()
