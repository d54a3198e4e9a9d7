"""A balanced network of 400 conductance-based neurons after Vogels & Abbott (2005), on the chip.

A standard PyNN script: another simulator would run it after a change of the import. Only ``setup(chip_seed=...)`` and
``last_mapping()`` are this backend's own.
"""

import itertools
import time

import numpy as np
from figures import arguments, report

import pynn_brainscales as sim

NEURONS, EXCITATORY = 400, 320
CELL = {"cm": 0.2, "tau_m": 20.0, "tau_refrac": 5.0, "v_rest": -60.0, "v_reset": -60.0, "v_thresh": -50.0,
        "tau_syn_E": 5.0, "tau_syn_I": 10.0, "e_rev_E": 0.0, "e_rev_I": -80.0}
P_CONNECT = 0.1  # 40 inputs a neuron, half of those in the original of 4,000 neurons
W_EXC, W_INH = 0.004, 0.051  # uS
DELAY = 0.2  # ms: the chip's own latency


def build(seed):
    """The network; returns the two populations."""
    sim.setup(timestep=0.1, min_delay=DELAY, seed=seed, chip_seed=seed, progress=True)
    rngs = (sim.NumpyRNG(seed=10 * seed + i) for i in itertools.count())  # PyNN draws from copies: one for each use
    v_init = sim.RandomDistribution("uniform", low=CELL["v_reset"], high=CELL["v_thresh"], rng=next(rngs))
    exc = sim.Population(EXCITATORY, sim.IF_cond_exp(**CELL), initial_values={"v": v_init}, label="exc")
    inh = sim.Population(NEURONS - EXCITATORY, sim.IF_cond_exp(**CELL), initial_values={"v": v_init}, label="inh")
    drive = sim.Population(40, sim.SpikeSourcePoisson(rate=60.0), label="drive")

    for target in (exc, inh):
        for source, weight, receptor in ((exc, W_EXC, "excitatory"), (inh, W_INH, "inhibitory"),
                                         (drive, W_EXC, "excitatory")):
            sim.Projection(source, target, sim.FixedProbabilityConnector(P_CONNECT, rng=next(rngs)),
                           sim.StaticSynapse(weight=weight, delay=DELAY), receptor_type=receptor)

    exc.record("spikes")
    inh.record("spikes")
    exc[:1].record("v")
    return exc, inh


def statistics(trains, duration):
    """Mean rate (Hz) and mean coefficient of variation of the interspike intervals."""
    rate = sum(len(t) for t in trains) / len(trains) / duration * 1000.0
    intervals = [np.diff(t.magnitude) for t in trains if len(t) > 3]
    return rate, float(np.mean([i.std() / i.mean() for i in intervals])) if intervals else float("nan")


def picture(path, exc, inh, block):
    """Raster, one membrane trace, and the chip."""
    from matplotlib import pyplot as plt
    from pynn_brainscales.mapping.floorplan import draw_chip

    figure = plt.figure(figsize=(12, 7), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(2, 1), height_ratios=(3, 1))
    raster = figure.add_subplot(grid[0, 0])
    for population, colour, start in ((exc, "C0", 0), (inh, "C1", EXCITATORY)):
        trains = population.get_data("spikes").segments[0].spiketrains
        raster.eventplot([t.magnitude for t in trains], lineoffsets=np.arange(len(trains)) + start, colors=colour,
                         linewidths=0.8)
    raster.set(ylabel="neuron (blue exc, orange inh)", ylim=(0, NEURONS), title="spikes on the emulated chip")
    trace = figure.add_subplot(grid[1, 0], sharex=raster)
    signal = block.segments[0].filter(name="v")[0]
    trace.plot(signal.times.rescale("ms"), signal.magnitude[:, 0], lw=0.7)
    trace.axhline(CELL["v_thresh"], color="0.6", lw=0.8, ls="--")
    trace.set(xlabel="time (ms)", ylabel="v of neuron 0 (mV)")
    chip = figure.add_subplot(grid[:, 1])
    image = draw_chip(sim.last_mapping(), 0, chip)
    if image is not None:
        figure.colorbar(image, ax=chip, shrink=0.5, label="6-bit weight (inhibitory < 0)")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    args = arguments("balanced_network", __doc__, seeds=(1, 2, 3, 4, 5), fast_seeds=(1,))
    duration = 200.0 if args.fast else 1000.0
    figures = {"rate_hz": [], "cv_isi": [], "synapses_lost": [], "chips": []}
    for i, seed in enumerate(args.seeds):
        exc, inh = build(seed)
        start = time.perf_counter()
        sim.run(duration)
        wall = time.perf_counter() - start
        trains = [*exc.get_data("spikes").segments[0].spiketrains, *inh.get_data("spikes").segments[0].spiketrains]
        rate, cv = statistics(trains, duration)
        usage = sim.last_mapping().report.to_dict()
        for name, value in zip(figures, (rate, cv, sum(usage["lost"].values()), usage["chips"]), strict=True):
            figures[name].append(value)
        if i == 0:
            print(f"\n{sim.last_mapping().report}\n")
            block = exc.get_data()
            exc.write_data(str(args.out / "balanced_network.pkl"))
            picture(args.out / "balanced_network.png", exc, inh, block)
        print(f"seed {seed}: {sum(len(t) for t in trains) / duration * 1000.0:.0f} spikes/s, {rate:.1f} Hz a neuron, "
              f"CV of the intervals {cv:.2f}; mapped and run in {wall:.2f} s")
    sim.end()
    report(args.out, figures, goals={"synapses_lost": ("<=", 0)})


if __name__ == "__main__":
    main()
