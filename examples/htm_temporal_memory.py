"""Sequences on the chip: a spiking temporal memory learns which letter follows, in which context.

A letter is a column of 16 cells, each a soma and a plateau dendrite; 14 columns fill a chip. Every run goes through
mapping and emulator, on a chip with the variation of ``htm_tm`` (plateau threshold and threshold 5 %, synapses 20 %),
and with the temporal noise of the default profile, which is a further row. Rule stdsp has the noise without the
variation; what variation makes of it is a further row, too.

Tasks, with the letters before the last one that decide about it:

* Sets I to III: sequences with common parts, which only their first letters tell apart.
* Freshly drawn sets of the same kind; beside them the reference algorithm with as many cells.
* Random sequences, 40 and 80 transitions: how many the memory holds; and how surely it tells a wrong letter.
* The small set in the way of the laboratory: the rule is executed once in five presentations and reads correlation
  sensors; with and without dynamic inhibitory weights.
"""

import warnings

import numpy as np
from figures import arguments, report
from pynn_brainscales.emulator.profile import calibrated, quantised

from pynn_brainscales.htm import SpikingTemporalMemory, TemporalMemory
from pynn_brainscales.htm.metrics import anomaly_area, solved_at
from pynn_brainscales.htm.sequence_network import SequenceParameters
from pynn_brainscales.htm.sequences import SETS, elements, errors, high_order_set, numbered, similarity

LETTERS = 14
TEMPORAL = {name: getattr(calibrated, name) for name in (
    "run_offset", "membrane_noise", "threshold_jitter", "readout_noise", "cadc_noise", "sensor_eta", "sensor_tau",
    "sensor_baseline", "sensor_noise")}
CHIP = quantised.replace(name="htm_tm and noise", threshold_distance=0.05, synapse=0.2, **TEMPORAL)
NOISE = quantised.replace(name="noise", **TEMPORAL)  # without static variation
REFERENCE = {"activationThreshold": 3, "minThreshold": 2, "maxNewSynapseCount": 4}  # 4 columns a letter, 4 cells each
WIDTH = 4
SETTINGS = [{"initialPermanence": i, "predictedSegmentDecrement": d} for i in (0.21, 0.51) for d in (0.02, 0.05)]


def learn(sets, seed, episodes, cells=16, chip=CHIP, letters=LETTERS, **options):
    """Present sets of sequences again and again, each in a replica of its own; the memory and all predictions.

    Predicted columns are bool (set, episode, element, letter).
    """
    memory = SpikingTemporalMemory(letters, cells, seed=seed, chip_seed=seed, chip=chip, replicas=len(sets), **options)
    gap = memory.silence
    parts = [elements(s, gap) for s in sets]
    longest = max(map(len, parts))
    parts = [part + [[]] * (longest - len(part)) for part in parts]
    given = [part * episodes for part in parts] if len(sets) > 1 else parts[0] * episodes
    predicted = memory.predictedColumns(memory.present(given).predicted)
    return memory, predicted.reshape(episodes, longest, len(sets), letters).transpose(2, 0, 1, 3)


def episodes_to_solve(predicted, sequences, gap):
    return solved_at([errors(p, sequences, gap)[0] for p in predicted])


def reference(sequences, episodes, seed, setting, gap=1):
    """The reference algorithm on the same task: predicted letters, bool (episode, element, letter), and the memory."""
    memory = TemporalMemory(LETTERS * WIDTH, WIDTH, seed=seed, **REFERENCE, **setting)
    predicted = []
    for _ in range(episodes):
        for element in elements(sequences, gap):
            if element:
                memory.compute(_columns(element[0]))
                columns = memory.getPredictedColumns().reshape(LETTERS, WIDTH)
                predicted.append(columns.sum(axis=1) >= WIDTH / 2)
            else:
                memory.reset()
                predicted.append(np.zeros(LETTERS, bool))
    return np.array(predicted).reshape(episodes, -1, LETTERS), memory


def _columns(letter):
    return letter * WIDTH + np.arange(WIDTH)


# --- tasks -------------------------------------------------------------------------------------------------------


def known_sets(seed, episodes, chip=CHIP):
    """Episodes to solve sets I, II and III, side by side on one chip."""
    sets = [numbered(SETS[name]) for name in ("I", "II", "III")]
    memory, predicted = learn(sets, seed, episodes, chip=chip)
    return [episodes_to_solve(p, s, memory.silence) for p, s in zip(predicted, sets, strict=True)], memory, predicted


def window(seed, cycles=(8.0, 10.0, 14.0, 20.0, 24.0, 26.0, 28.0, 30.0, 34.0, 40.0)):
    """Episodes to solve sets I and II for several cycles, ms, with plateaus of 30 ms."""
    sets = [numbered(SETS[name]) for name in ("I", "II")]
    solved = {}
    for cycle in cycles:
        memory, predicted = learn(sets, seed, 6, cycle=cycle)
        solved[cycle] = [episodes_to_solve(p, s, memory.silence) for p, s in zip(predicted, sets, strict=True)]
    return solved


def stdsp(seed, episodes, chip=NOISE):
    sequences = numbered(SETS["I"])
    memory, predicted = learn([sequences], seed, episodes, cells=15, chip=chip, letters=6, rule="stdsp",
                              winners=3, parameters=SequenceParameters(coincidence=1.6))
    return episodes_to_solve(predicted[0], sequences, memory.silence)


def as_published(seed, episodes):
    """Set I with 150 cells a letter, connected at random, on a chip without limits; also the active cells."""
    sequences = numbered(SETS["I"])
    parameters = SequenceParameters(coincidence=4.5, inhibiting=16.7)
    memory, predicted = learn([sequences], seed, episodes, cells=150, chip="ideal", letters=6, rule="stdsp",
                              winners=20, dynamicInhibition=False, parameters=parameters,
                              ruleParameters={"probability": 0.2})
    active = memory.presented(len(predicted[0, 0])).active[:, 0].max(axis=1).reshape(len(sequences), -1)[:, 1:4]
    return episodes_to_solve(predicted[0], sequences, memory.silence), active


def fresh(draws, seed, episodes, cells, at_once=10):
    """1 for each drawn set that is solved within the episodes, else 0."""
    sets = [high_order_set(np.random.default_rng([d, 5])) for d in draws]
    solved = []
    for k in range(0, len(sets), at_once):
        memory, predicted = learn(sets[k:k + at_once], seed, episodes, cells, winners=3)
        solved += [int(episodes_to_solve(p, s, memory.silence) is not None)
                   for p, s in zip(predicted, sets[k:k + at_once], strict=True)]
    return solved


def fresh_reference(draws, episodes):
    """As ``fresh``, by the reference with as many cells, for each of its settings."""
    sets = [high_order_set(np.random.default_rng([d, 5])) for d in draws]
    return [[int(episodes_to_solve(reference(s, episodes, d, setting)[0], s, 1) is not None)
             for d, s in zip(draws, sets, strict=True)] for setting in SETTINGS]


def capacity(seed, episodes, counts=(8, 16), length=6):
    """Similarity of prediction and sequence after learning, spiking and reference; and how surely it is surprised."""
    rng = np.random.default_rng([seed, 6])
    sets = [[rng.choice(LETTERS, length, replace=False).tolist() for _ in range(n)] for n in counts]
    memory, predicted = learn(sets, seed, episodes, winners=3)
    mine = [similarity(p[-1], s, memory.silence) for p, s in zip(predicted, sets, strict=True)]
    best = [max(similarity(reference(s, 40, seed, setting)[0][-1], s, 1) for setting in SETTINGS) for s in sets]
    return mine, best, surprise(memory, sets, rng)


def surprise(memory, sets, rng):
    """Area under the curve of a wrong last letter against right ones from the third on, of the first set."""
    wrong = [[*s[:-1], rng.choice(np.setdiff1d(np.arange(LETTERS), s))] for s in sets[0]]
    gap, length = memory.silence, len(sets[0][0])
    scores = []
    for sequences in (wrong, sets[0]):
        part = elements(sequences, gap)
        active = memory.present([part] * len(sets), learn=False).active[:, 0]
        scores.append(memory.anomalies(active).reshape(len(sequences), length + gap)[:, :length])
    return anomaly_area(scores[0][:, -1], scores[1][:, 2:].reshape(-1))


def laboratory(seed, epochs, dynamic, chip=calibrated):
    """Mean error over all elements in each epoch of the small set, four letters of 15 cells."""
    sequences, presentations = numbered(SETS["small"]), 5
    memory = SpikingTemporalMemory(4, 15, seed=seed, chip_seed=seed, chip=chip, rule="accumulated",
                                   winners=3, dynamicInhibition=dynamic,
                                   ruleParameters={"presentations": presentations})
    part = elements(sequences, memory.silence)
    memory.rule.epoch = presentations * len(part)
    predicted = memory.predictedColumns(memory.present(part * (presentations * epochs)).predicted[:, 0])
    return np.mean([[errors(p, sequences, memory.silence, 1)[0] for p in epoch]
                    for epoch in predicted.reshape(epochs, presentations, len(part), 4)], axis=1)


# --- pictures ----------------------------------------------------------------------------------------------------


def picture_of_learning(out, memory, predicted, courses):
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(14, 3.8), layout="constrained")
    for number, name in enumerate(("I", "II", "III")):
        sequences = numbered(SETS[name])
        course = [errors(p, sequences, memory.silence)[0] for p in predicted[number]]
        axes[0].plot(np.arange(1, len(course) + 1), course, "o-", label=f"set {name}")
    axes[0].set(xlabel="episode", ylabel="error of the last letter", title="rule htm")
    axes[0].legend(frameon=False)
    sequences = numbered(SETS["II"])
    image = axes[1].imshow(predicted[1, -1].T, aspect="auto", origin="lower", cmap="Greys", interpolation="nearest")
    for k, element in enumerate(elements(sequences, memory.silence)):
        for letter in element:
            axes[1].plot(k - 0.5, letter, ">", color="C3", ms=4)
    axes[1].set(xlabel="element", ylabel="letter", yticks=range(LETTERS), yticklabels=[chr(65 + i) for i in range(14)],
                title="set II: predicted (grey), shown (red)")
    image.set_clim(0, 2)
    for dynamic, course in courses.items():
        axes[2].plot(np.arange(1, course.shape[1] + 1), course.T, color="C0" if dynamic else "C3", lw=0.9,
                     label=["dynamic weights" if dynamic else "fixed weights", *[None] * (len(course) - 1)])
    axes[2].set(xlabel="epoch of five presentations", ylabel="error", title="laboratory, all seeds")
    axes[2].legend(frameon=False)
    figure.savefig(out / "htm_temporal_memory.png", dpi=110)
    plt.close(figure)


def picture_of_a_column(out, seed, episodes=5):
    """Membranes of one column while a set is presented once more."""
    from matplotlib import pyplot as plt

    sequences = numbered(SETS["I"])
    memory = SpikingTemporalMemory(LETTERS, 16, seed=seed, chip_seed=seed, chip=CHIP)
    with memory.current():
        for cells in (memory.network.soma, memory.network.dendrite):
            cells[16:32].record("v", sampling_interval=0.5)  # letter B
    memory.present(elements(sequences, memory.silence) * episodes)
    figure, axes = plt.subplots(2, 1, figsize=(9, 5), sharex=True, layout="constrained")
    for axis, cells, name in zip(axes, (memory.network.soma, memory.network.dendrite), ("soma", "dendrite"),
                                 strict=True):
        with memory.current():
            signal = cells.get_data().segments[0].analogsignals[0]
        axis.plot(signal.times.rescale("ms"), signal.magnitude, lw=0.7)
        axis.set(ylabel=f"{name} (mV)")
    start = len(elements(sequences, memory.silence)) * (episodes - 1) * memory.cycle
    axes[1].set(xlabel="ms", xlim=(start, start + 5 * memory.cycle))
    axes[0].set_title("column B in 'ADBE': cells with a plateau fire first, and the others are silenced")
    figure.savefig(out / "htm_column.png", dpi=110)
    plt.close(figure)
    return memory


def main():
    args = arguments("htm_temporal_memory", __doc__, seeds=range(1, 11), fast_seeds=(1,),
                     lists={"draw-seeds": "seeds of the freshly drawn sets, one each; default: 1 to 20"})
    warnings.filterwarnings("ignore", message=".*time constants.*")
    draws = args.draw_seeds or (args.seeds if args.fast else list(range(1, 21)))
    few = args.seeds[:5]
    names = ("stdsp_episodes_set1", "htm_episodes_set1", "htm_episodes_set2", "htm_episodes_set3")
    figures = {name: [] for name in names}
    for seed in args.seeds:
        solved, memory, predicted = known_sets(seed, 5 if args.fast else 10)
        if seed == args.seeds[0]:
            print(memory.report().summary().split("soma:")[0])
            first = memory, predicted
        values = [None if args.fast else stdsp(seed, 40), *solved]
        for name, value in zip(names, values, strict=True):
            figures[name].append(value)
        print(f"seed {seed}: episodes to solve set I by stdsp {values[0]}; sets I, II, III by htm {solved}", flush=True)
    figures["fresh_solved"] = fresh(draws, args.seeds[0], 5 if args.fast else 8, 16)
    by_setting = fresh_reference(draws, 10 if args.fast else 60)
    best = int(np.argmax(np.sum(by_setting, axis=1)))
    figures["fresh_solved_reference"] = by_setting[best]
    print(f"fresh sets: {sum(figures['fresh_solved'])} of {len(draws)} solved; reference {SETTINGS[best]}: "
          f"{sum(by_setting[best])}, by setting {[sum(s) for s in by_setting]}", flush=True)
    courses = {}
    if not args.fast:
        figures["fresh_solved_24"] = fresh(draws, args.seeds[0], 8, 24)
        print(f"with 24 cells a column, on several chips: {sum(figures['fresh_solved_24'])}", flush=True)
        for name in ("jaccard_40", "jaccard_80", "jaccard_reference_40", "jaccard_reference_80", "anomaly_area"):
            figures[name] = []
        for seed in few:
            mine, others, area = capacity(seed, 10)
            for name, value in zip(("jaccard_40", "jaccard_80", "jaccard_reference_40", "jaccard_reference_80",
                                    "anomaly_area"), [*mine, *others, area], strict=True):
                figures[name].append(value)
            print(f"seed {seed}: similarity {mine}, reference {others}, surprise {area:.3f}", flush=True)
        episodes, active = as_published(few[0], 45)
        print(f"as published, seed {few[0]}: set I solved at {episodes}, {active.min()} to {active.max()} active cells")
    epochs = 2 if args.fast else 100
    for dynamic, name in ((True, "lab_error_diw"), (False, "lab_error_no_diw")):
        courses[dynamic] = np.array([laboratory(seed, epochs, dynamic) for seed in few])
        figures[name] = courses[dynamic][:, epochs // 2:].mean(axis=1).tolist()
        print(f"laboratory, {'with' if dynamic else 'without'} dynamic weights: late errors {figures[name]}",
              flush=True)
    picture_of_learning(args.out, *first, courses)
    picture_of_a_column(args.out, args.seeds[0])
    if args.fast:
        del figures["stdsp_episodes_set1"]
    else:
        print(f"cycles (ms), seed {few[0]}: {window(few[0])}")
        default = [known_sets(seed, 10, chip=calibrated)[0] for seed in few]
        print(f"default profile, seeds {few}: sets I, II, III solved at {default}")
        for chip in (CHIP, calibrated):
            print(f"stdsp on {chip.name}, seeds {few}: {[stdsp(seed, 40, chip) for seed in few]}")
    report(args.out, figures, goals={
        "stdsp_episodes_set1": ("<=", 40), "htm_episodes_set1": ("<=", 10), "htm_episodes_set2": ("<=", 10),
        "htm_episodes_set3": ("<=", 10), "fresh_solved": (">=", 0.6), "fresh_solved_24": (">=", 0.9),
        "jaccard_40": (">=", 0.93), "jaccard_80": (">=", 0.6), "anomaly_area": (">=", 0.98),
        "lab_error_diw": ("<=", 0.12)})


if __name__ == "__main__":
    main()
