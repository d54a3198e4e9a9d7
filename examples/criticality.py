"""Criticality: a plasticity rule brings 32 recurrent neurons as near to a critical point as their input allows.

Every neuron has 32 synapses. Some listen to Poisson inputs, the others to neurons of the population; the fewer of the
inputs, the more activity has to be made by activity. A rule depresses correlated synapses and lets all others grow, so
each network finds weights that keep its rate; then the weights are frozen and activity is measured. After Cramer et
al., Nat. Commun. 11, 2853 (2020). The controls: the learnt weights with the loop cut, every recurrent synapse hearing a
Poisson source of its neuron's rate; and a network of 8 inputs with the weights that one of 32 has learnt.
"""

import numpy as np
from figures import arguments, report

import pynn_brainscales as sim

NEURONS = 32  # and as many inputs, and as many synapses a neuron
INPUT_RATE = 60.0  # Hz
STEP, PERIOD = 0.25, 650.0  # ms, of the simulation and between executions
W_MAX, START = 0.6, 0.25  # nA, of codes 0..63
RULE = {"w0": 300.0, "eta": 0.018, "drift": 0.0018, "noise": 0.5}  # codes
SLOWER = 0.25  # the rule in the second part of learning: smaller steps, a steadier result
# sensors so slow that nearly every spike finds its pair: they collect rates more than the coincidences of avalanches,
# of which the networks with few inputs have more
SENSORS = {"eta": 2.0, "tau": 30.0}  # steps of the converter for a pair, ms
CELL = {"cm": 1.0, "tau_m": 20.0, "tau_syn_E": 5.0, "tau_syn_I": 5.0, "tau_refrac": 2.0, "v_rest": -65.0,
        "v_reset": -65.0, "v_thresh": -50.0}
INHIBITORY = np.arange(NEURONS) % 5 == 4  # of the inputs and of the neurons
BIN, LONGEST = 2.0, 500.0  # ms, of the activity and of its autocorrelation


def inputs_of(external, seed):
    """Which synapses (source, neuron) listen to the input of that number; the others to the neuron of that number."""
    rng = np.random.default_rng(seed)
    listens = np.eye(NEURONS, dtype=bool)  # no neuron hears itself
    for neuron in range(NEURONS):
        others = np.delete(np.arange(NEURONS), neuron)
        listens[rng.choice(others, external - 1, replace=False), neuron] = True
    return listens


def simulate(external, seed, learning, slow_learning, test, weights=None, surrogates=None):
    """Learn, fast and slowly, freeze, and record.

    Parameters
    ----------
    external : int
        Inputs to each neuron.
    learning, slow_learning, test : float
        ms.
    weights : (32, 32) array, optional
        Magnitudes (source, neuron) to begin with, nA.
    surrogates : (32,) array, optional
        Cuts the loop: rates (Hz) of Poisson sources that replace neurons as sources.

    Returns
    -------
    trains : list of arrays
        Spike times in the test, ms.
    weights : (32, 32) array
        At the end, nA.
    """
    sim.setup(timestep=STEP, chip="calibrated", seed=seed, chip_seed=seed)
    weights = np.full((NEURONS, NEURONS), START) if weights is None else weights
    listens = inputs_of(external, seed)
    cells = sim.Population(NEURONS, sim.IF_curr_exp(**CELL), label="cells")
    inputs = sim.Population(NEURONS, sim.SpikeSourcePoisson(rate=INPUT_RATE), label="inputs")
    loop = cells if surrogates is None else sim.Population(
        NEURONS, sim.SpikeSourcePoisson(rate=surrogates), label="surrogates")
    periods = round((learning + slow_learning) / PERIOD)
    rule = sim.rules.HomeostaticDepression(sim.Timer(start=PERIOD, period=PERIOD, num_periods=periods), **RULE)
    projections = []
    for sources, there in ((inputs, listens), (loop, ~listens)):
        for receptor, sign, of_type in (("excitatory", 1, ~INHIBITORY), ("inhibitory", -1, INHIBITORY)):
            chosen = there & of_type[:, None]
            if chosen.any():
                synapse = sim.PlasticSynapse(rule, weight=sign * weights, w_max=W_MAX, delay=STEP, **SENSORS)
                projections.append(sim.Projection(sources, cells, sim.ArrayConnector(chosen), synapse,
                                                  receptor_type=receptor))
    cells.record("spikes")
    sim.run(learning)
    rule.eta, rule.drift, rule.noise = rule.eta * SLOWER, rule.drift * SLOWER, rule.noise * SLOWER**0.5
    sim.run(slow_learning + test)
    if rule.missed:
        print(f"the rule has missed {rule.missed} of {periods} periods")
    learnt = np.zeros((NEURONS, NEURONS))
    for projection in projections:
        pre, post = projection.indices
        realised = np.abs(projection.get("weight", "list", with_address=False))
        learnt[pre, post] = np.minimum(realised, W_MAX)  # code 63 may be a little more, as far as gains are rounded
    trains = [np.array(train) - learning - slow_learning for train in cells.get_data().segments[0].spiketrains]
    return [train[train >= 0.0] for train in trains], learnt


def autocorrelation(trains, duration):
    """Autocorrelation of the population's activity, spikes in bins of BIN, at lags of 0 to LONGEST."""
    edges = np.arange(int(duration / BIN) + 1) * BIN
    activity = np.histogram(np.concatenate(trains), edges)[0].astype(float)
    return correlate(activity, int(LONGEST / BIN))


def correlate(activity, lags):
    """Autocorrelation at 0..lags bins, 1 at 0; each lag is a mean over the pairs there are."""
    if not np.ptp(activity):
        raise ValueError("activity does not vary, it has no autocorrelation")
    deviation = activity - activity.mean()
    size = len(deviation)
    spectrum = np.abs(np.fft.rfft(deviation, 2 * size)) ** 2
    covariance = np.fft.irfft(spectrum)[:lags + 1] / (size - np.arange(lags + 1))
    return covariance / covariance[0]


def fit(correlation, width):
    """Least-squares fit of a exp(-lag / tau) + offset, with 0 <= a <= 1, to all lags but 0.

    Lag 0 holds the noise of counting spikes, which is correlated with nothing. The offset takes what lasts longer than
    the lags: slow changes of the rate, and the mean that a finite record can't tell from them. ``tau`` is the best on
    a grid with steps of 1 % from one bin to the longest lag; what is outside cannot be told from the record, and both
    limits make a ratio of long to short smaller, not larger.

    Returns
    -------
    tau, amplitude, offset : float
        ``tau`` in the unit of ``width``, the length of a bin.
    """
    lag = np.arange(1, len(correlation)) * width
    taus = width * 1.01 ** np.arange(1 + int(np.log(lag[-1] / width) / np.log(1.01)))
    shapes = np.exp(-lag / taus[:, None])
    y, x = correlation[1:], shapes - shapes.mean(axis=1, keepdims=True)
    amplitude = np.clip((x @ (y - y.mean())) / (x * x).sum(axis=1), 0.0, 1.0)
    offset = y.mean() - amplitude * shapes.mean(axis=1)
    error = ((amplitude[:, None] * shapes + offset[:, None] - y) ** 2).sum(axis=1)
    best = int(error.argmin())
    return float(taus[best]), float(amplitude[best]), float(offset[best])


def picture(path, results, closed, opened, test):
    """``results`` has (trains, weights, rate, tau) by the number of inputs, ``opened`` those of the cut loop."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(14, 7.5), layout="constrained")
    few, many = min(results), max(results)
    shown = min(4000.0, test)
    for ax, external in zip(axes[0], (many, few), strict=False):
        edges = np.arange(0.0, shown + 5.0, 5.0)
        activity = np.histogram(np.concatenate(results[external][0]), edges)[0] / (NEURONS * 0.005)
        ax.plot(edges[:-1] / 1000.0, activity, lw=0.6)
        ax.set(xlabel="time (s)", ylabel="activity (Hz, bins of 5 ms)", title=f"{external} inputs to each neuron")
    rows = [(str(k), correlation, f"C{i}") for i, (k, correlation) in enumerate(closed.items())]
    for name, correlation, color in [*rows, (f"{few}, loop cut", opened, "0.6")]:
        tau, amplitude, offset = fit(correlation, BIN)
        lag = np.arange(1, len(correlation)) * BIN
        axes[0, 2].plot(lag, correlation[1:], color=color, lw=0.8, label=f"{name}: {tau:.1f} ms")
        axes[0, 2].plot(lag, amplitude * np.exp(-lag / tau) + offset, "--", color=color, lw=1)
    axes[0, 2].set(xlim=(0, 200), xlabel="lag (ms)", ylabel="autocorrelation", title="of the activity, and fits")
    axes[0, 2].legend(fontsize=8)
    inputs = list(results)
    axes[1, 0].semilogy(inputs, [results[k][3] for k in inputs], "o-")
    axes[1, 0].semilogy([few], [fit(opened, BIN)[0]], "x", color="0.6", label="loop cut")
    axes[1, 0].set(xlabel="inputs to each neuron", ylabel="autocorrelation time (ms)", title="nearer to criticality")
    axes[1, 0].legend()
    axes[1, 1].plot(inputs, [results[k][2] for k in inputs], "o-")
    axes[1, 1].set(xlabel="inputs to each neuron", ylabel="rate (Hz)", title="at about the same rate", ylim=(0, None))
    codes = np.arange(65) * W_MAX / 63 - W_MAX / 126
    for external in (many, few):
        axes[1, 2].hist(results[external][1].ravel(), codes, histtype="step", label=f"{external} inputs")
    axes[1, 2].set(xlabel="learnt weight (nA)", ylabel="synapses", title="weights, one step a code")
    axes[1, 2].legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def mean_rate(trains, duration):
    return sum(map(len, trains)) / (NEURONS * duration / 1000.0)


def main():
    args = arguments("criticality", __doc__, seeds=(1, 2, 3, 4, 5), fast_seeds=(1,))
    learning, slow_learning, test = (3900.0, 1300.0, 4000.0) if args.fast else (39000.0, 19500.0, 30000.0)
    sweep = (32, 8) if args.fast else (32, 24, 16, 12, 8)
    figures = {"autocorrelation_ratio": [], "rate_ratio": [], "tau_32_ms": [], "tau_8_ms": [], "rate_ratio_all": [],
               "control_autocorrelation_ratio": [], "control_rate_fraction": []}
    for i, seed in enumerate(args.seeds):
        results, closed = {}, {}
        for external in sweep:
            trains, weights = simulate(external, seed, learning, slow_learning, test)
            closed[external] = autocorrelation(trains, test)
            results[external] = trains, weights, mean_rate(trains, test), fit(closed[external], BIN)[0]
            print(f"seed {seed}, {external:2} inputs: {results[external][2]:5.1f} Hz, autocorrelation time "
                  f"{results[external][3]:6.1f} ms, mean weight {weights.mean():.3f} nA", flush=True)
        trains, weights, rate, tau = results[8]
        own_rates = np.array([len(train) / (test / 1000.0) for train in trains])
        cut, _ = simulate(8, seed, 0.0, 0.0, test, weights, own_rates)
        opened = autocorrelation(cut, test)
        foreign, _ = simulate(8, seed, 0.0, 0.0, min(test, 10000.0), results[32][1])
        figures["autocorrelation_ratio"].append(tau / results[32][3])
        rates = [result[2] for result in results.values()]
        figures["rate_ratio"].append(max(rate, rates[0]) / min(rate, rates[0]))
        figures["rate_ratio_all"].append(max(rates) / min(rates))
        figures["tau_32_ms"].append(results[32][3])
        figures["tau_8_ms"].append(tau)
        figures["control_autocorrelation_ratio"].append(fit(opened, BIN)[0] / results[32][3])
        figures["control_rate_fraction"].append(mean_rate(foreign, min(test, 10000.0)) / rates[0])
        print(f"seed {seed}, loop cut: {mean_rate(cut, test):.1f} Hz, {fit(opened, BIN)[0]:.1f} ms; weights of 32 "
              f"inputs: {figures['control_rate_fraction'][-1] * rates[0]:.2f} Hz", flush=True)
        if i == 0:
            picture(args.out / "criticality.png", results, closed, opened, test)
    report(args.out, figures, goals={"autocorrelation_ratio": (">=", 5.0), "rate_ratio": ("<=", 1.5)})


if __name__ == "__main__":
    main()
