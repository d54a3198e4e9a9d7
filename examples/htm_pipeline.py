"""A stream of symbols through encoder, spiking spatial pooler and spiking temporal memory: prediction and surprise.

Four sequences of six symbols, in pairs that only their first symbols tell apart, come in random order, with one or two
random symbols between them. Nobody says where a sequence begins. All but the first symbol of a sequence can be
predicted. Halfway the sequences are exchanged for others of the same kind. Pooler and memory run through mapping and
emulator, each on a chip of its own with variation and temporal noise; beside them the reference algorithms, with as
many columns and cells, on the same stream.

Accuracy is the share of the predicted columns that become active, at symbols that can be predicted, in the last fifth
before the exchange; recovery is how many symbols after the exchange a running mean over 60 of them reaches it again,
up to a tenth. For comparison, a stream with a reset after every sequence and nothing between them.
"""

import warnings

import numpy as np
from figures import arguments, report
from pynn_brainscales.emulator.profile import calibrated, quantised

from pynn_brainscales.htm import (
    SDR,
    Pipeline,
    SequenceParameters,
    SpatialPooler,
    SpikingSpatialPooler,
    SpikingTemporalMemory,
    TemporalMemory,
)
from pynn_brainscales.htm.metrics import prediction_accuracy

INPUTS, ON, COLUMNS, ACTIVE, CELLS, SYMBOLS = 240, 24, 30, 2, 8, 26
RANDOM = 16  # symbols from here on come between the sequences only
TEMPORAL = {name: getattr(calibrated, name) for name in (
    "run_offset", "membrane_noise", "threshold_jitter", "readout_noise", "cadc_noise", "sensor_noise",
    "sensor_baseline")}
POOLER_CHIP = quantised.replace(name="htm_sp and noise", gain=0.02, synapse=0.1, threshold_distance=0.01, **TEMPORAL)
MEMORY_CHIP = quantised.replace(name="htm_tm and noise", threshold_distance=0.05, synapse=0.2, **TEMPORAL)
WINDOW = 60  # symbols of a running mean


class Symbols:
    """An encoder: a random pattern of its own for each symbol."""

    def __init__(self, seed):
        rng = np.random.default_rng([seed, 8])
        self.patterns = [SDR(INPUTS).randomize(ON / INPUTS, rng) for _ in range(SYMBOLS)]

    def encode(self, value):
        return self.patterns[value]


def sequences_of(rng):
    """Two pairs of sequences with common middles, of the first 16 symbols, each symbol in one place."""
    order = rng.permutation(RANDOM).tolist()
    return [[order[first], *order[2 + 8 * pair:6 + 8 * pair], order[last]]
            for pair in (0, 1) for first, last in ((8 * pair, 6 + 8 * pair), (1 + 8 * pair, 7 + 8 * pair))]


def stream(rng, sequences, length, between=2):
    """Symbols, and which of them can be predicted; ``between`` 0 ends every sequence by None instead."""
    symbols, known = [], []
    while len(symbols) < length:
        symbols += sequences[rng.integers(len(sequences))]
        known += [False] + [True] * 5
        if between:
            noise = rng.integers(RANDOM, SYMBOLS, rng.integers(1, between + 1)).tolist()
            symbols += noise
            known += [False] * len(noise)
        else:
            symbols.append(None)
    return symbols, np.array(known)


def spiking(seed, streaming, pooler_chip=POOLER_CHIP, memory_chip=MEMORY_CHIP):
    pooler = SpikingSpatialPooler(INPUTS, COLUMNS, numActiveColumnsPerInhArea=ACTIVE, localAreaDensity=0.0,
                                  stimulusThreshold=9, boostStrength=10.0, seed=seed, chip=pooler_chip)
    memory = SpikingTemporalMemory(COLUMNS, CELLS, activationThreshold=3, winners=2, seed=seed, chip=memory_chip,
                                   predictedSegmentDecrement=0.15, ruleParameters={"stream": streaming},
                                   parameters=SequenceParameters(coincidence=2.7, inhibiting=0.7,
                                                                 inhibitory_tau_syn=1.5))
    return Pipeline(Symbols(seed), pooler, memory)


def reference(seed):
    pooler = SpatialPooler(INPUTS, COLUMNS, potentialPct=1.0, numActiveColumnsPerInhArea=ACTIVE, localAreaDensity=0.0,
                           boostStrength=10.0, seed=seed)
    memory = TemporalMemory(COLUMNS, CELLS, activationThreshold=2, minThreshold=2, maxNewSynapseCount=2,
                            initialPermanence=0.51, predictedSegmentDecrement=0.05, seed=seed)
    return Pipeline(Symbols(seed), pooler, memory)


def accuracies(course):
    """Accuracy of the prediction for each symbol, from the second on."""
    return np.array([prediction_accuracy(p, a) for p, a in zip(course.predicted[:-1], course.active[1:], strict=True)])


def running(accuracy, known):
    """Mean accuracy of the last symbols that could be predicted, at each of these."""
    mine = accuracy[known]
    total = np.cumsum(np.concatenate([[0.0], mine]))
    width = np.minimum(np.arange(1, len(mine) + 1), WINDOW)
    return (total[1:] - total[np.arange(1, len(mine) + 1) - width]) / width, np.flatnonzero(known)


def recovery(accuracy, known, exchange, level):
    """Symbols after the exchange until the running mean is at the level again; None if it never is."""
    mean, at = running(accuracy[exchange:], known[exchange:])
    good = np.flatnonzero((mean >= level - 0.1) & (np.arange(len(mean)) >= WINDOW - 1))
    return int(at[good[0]]) + 1 if len(good) else None


def one(pipeline, seed, length):
    """A stream with an exchange in the middle."""
    rng = np.random.default_rng([seed, 9])
    first, second = sequences_of(rng), sequences_of(rng)
    symbols, known = stream(rng, first, length)
    exchange = len(symbols)
    more, known_more = stream(rng, second, length)
    symbols, known = symbols + more, np.concatenate([known, known_more])
    pipeline.train_pooler(list(range(SYMBOLS)) * 2, 5)
    course = pipeline.run(symbols)
    accuracy, known = accuracies(course), known[1:]
    late = np.arange(len(accuracy)) >= 0.8 * exchange
    late &= np.arange(len(accuracy)) < exchange - 1
    level = float(accuracy[late & known].mean())
    surprise = course.anomaly[1:]
    return {"accuracy": level, "recovery": recovery(accuracy, known, exchange, level), "exchange": exchange,
            "curve": running(accuracy, known), "surprise": (surprise[late & known].mean(),
                                                            surprise[late & ~known].mean())}


def with_reset(pipeline, seed, length):
    """Late accuracy with resets between the sequences, from the third symbol of each on."""
    rng = np.random.default_rng([seed, 10])
    symbols, _ = stream(rng, sequences_of(rng), length, between=0)
    pipeline.train_pooler(list(range(SYMBOLS)) * 2, 5)
    accuracy = accuracies(pipeline.run(symbols))
    place = np.arange(len(accuracy) + 1)[1:] % 6
    return float(accuracy[(place >= 2) & (np.arange(len(accuracy)) >= 0.8 * len(accuracy))].mean())


def picture(out, results):
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(figsize=(9, 4), layout="constrained")
    for name, colour in (("spiking", "C0"), ("reference", "C1")):
        for k, result in enumerate(results[name]):
            mean, at = result["curve"]
            axis.plot(at, mean, color=colour, lw=0.9, label=name if k == 0 else None)
    axis.axvline(results["spiking"][0]["exchange"], color="k", ls=":", label="other sequences")
    axis.set(xlabel="symbol", ylabel="accuracy, symbols that can be predicted", ylim=(0, 1.02))
    axis.legend(frameon=False)
    figure.savefig(out / "htm_pipeline.png", dpi=110)
    plt.close(figure)


def main():
    args = arguments("htm_pipeline", __doc__, seeds=(1, 2, 3, 4, 5), fast_seeds=(1,))
    warnings.filterwarnings("ignore", message=".*(clipped|time constants).*")
    length = 120 if args.fast else 1000
    figures = {name: [] for name in ("accuracy", "reference_accuracy", "recovery_elements",
                                     "reference_recovery_elements", "accuracy_with_reset")}
    results = {"spiking": [], "reference": []}
    for seed in args.seeds:
        mine, theirs = one(spiking(seed, True), seed, length), one(reference(seed), seed, length)
        results["spiking"].append(mine)
        results["reference"].append(theirs)
        values = (mine["accuracy"], theirs["accuracy"], mine["recovery"], theirs["recovery"],
                  with_reset(spiking(seed, False), seed, length // 2))
        for name, value in zip(figures, values, strict=True):
            figures[name].append(value)
        print(f"seed {seed}: accuracy {mine['accuracy']:.2f} (reference {theirs['accuracy']:.2f}), surprise at known "
              f"and random symbols {mine['surprise'][0]:.2f}, {mine['surprise'][1]:.2f}; with reset {values[-1]:.2f}",
              flush=True)
    picture(args.out, results)
    if not args.fast:
        default = one(spiking(args.seeds[0], True, calibrated, calibrated), args.seeds[0], length)
        print(f"default profile, seed {args.seeds[0]}: accuracy {default['accuracy']:.2f}")
    report(args.out, figures, goals={})


if __name__ == "__main__":
    main()
