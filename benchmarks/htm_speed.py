"""Speed of hierarchical temporal memory: records per CPU second.

spiking pooler: 256 inputs (26 active) and 512 columns, through the whole PyNN path.

* ``infer``: single records, one after the other in a loop of ``encode``; and 128 at a time, as trials;
* ``learn``: records one after the other in one run, with the rule after each;
* ``ideal`` has no noise; ``htm_sp`` is a chip with limits, 224 inputs and 480 columns (what one holds), and all
  temporal noise of the profile ``calibrated``, of which the slow noise of membranes costs most.

spiking memory: 14 columns of 16 cells on one chip, sequences of five letters, learning, in one run.

reference pooler: the same algorithm in NumPy, at 256 x 512 and at 1024 x 1024 (20 active).

reference memory: likewise, of as many cells on the same letters, and 2048 columns of 32 cells on a stream of sequences
of ten with random elements.

The peer is the reference on the same records, in the same process: the ratio is what spikes cost.

Seconds are CPU seconds (user and system) of one thread, the least of several rounds in which the engines take turns:
other work on the machine disturbs CPU time less than wall time.
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
from pynn_brainscales.emulator.profile import calibrated, htm_sp

from pynn_brainscales.htm import SpatialPooler, SpikingSpatialPooler, SpikingTemporalMemory, TemporalMemory
from pynn_brainscales.htm.sequences import SETS, elements, numbered

SPATIAL = {"spiking pooler, infer single": 200.0, "spiking pooler, infer 128": 4000.0, "spiking pooler, learn": 250.0,
           "reference pooler, learn 1024": 5000.0, "spiking memory, 14 x 16": 30.0,
           "reference memory, 2048 x 32": 150.0}  # records per second that are wanted of the first engine
NOISY = htm_sp.replace(**{name: getattr(calibrated, name) for name in (
    "run_offset", "membrane_noise", "threshold_jitter", "readout_noise", "cadc_noise", "capmem_rewrite",
    "sensor_noise")})


def records(inputs, active, number):
    """Random patterns."""
    rng = np.random.default_rng(1)
    return np.stack([rng.permutation(inputs) < active for _ in range(number)])


class Spiking:
    """A trained spiking pooler and its workloads, each of which returns how many records it has done."""

    def __init__(self, chip, inputs, columns, number):
        self.pooler = SpikingSpatialPooler(inputs, columns, localAreaDensity=0, numActiveColumnsPerInhArea=10,
                                           chip=chip, seed=1)
        self.records, self.few = records(inputs, 26, number), max(10, number // 8)
        self.pooler.learn(self.records[:50])

    def learn(self):
        self.pooler.learn(self.records[:self.few * 2])
        return self.few * 2

    def infer_single(self):
        for record in self.records[:self.few]:
            self.pooler.encode(record[None])
        return self.few

    def infer_batch(self):
        self.pooler.encode(self.records)
        return len(self.records)


class Reference:
    """The algorithm on the same records."""

    def __init__(self, inputs, columns, active, number):
        self.pooler = SpatialPooler(inputs, columns, potentialPct=1.0, localAreaDensity=0,
                                    numActiveColumnsPerInhArea=columns // 50, synPermConnected=0.5,
                                    synPermActiveInc=5 / 63, synPermInactiveDec=1 / 63, seed=1)
        self.records = [np.flatnonzero(r) for r in records(inputs, active, number)]

    def learn(self):
        for record in self.records:
            self.pooler.compute(record, True)
        return len(self.records)

    def infer(self):
        for record in self.records:
            self.pooler.compute(record, False)
        return len(self.records)


class SpikingMemory:
    """A spiking memory that learns a set of sequences."""

    def __init__(self, chip, number):
        self.memory = SpikingTemporalMemory(14, 16, chip=chip, seed=1)
        self.part = (elements(numbered(SETS["II"]), self.memory.silence) * number)[:number]
        self.memory.present(self.part[:10])

    def learn(self):
        self.memory.present(self.part)
        return len(self.part)


class ReferenceMemory:
    """The algorithm: as many cells on the same letters, or a large one on a stream."""

    def __init__(self, number, large):
        if large:
            rng = np.random.default_rng(1)
            symbols = [np.sort(rng.choice(2048, 40, replace=False)) for _ in range(60)]
            order = []
            while len(order) < 13 * number:
                first = 10 * int(rng.integers(5))
                order += [*range(first, first + 10), int(rng.integers(50, 60))]
            self.memory = TemporalMemory(2048, 32, seed=1)
            self.elements = [symbols[k] for k in order[:12 * number]]
            self.learn()  # a memory that holds much is slower
            self.elements = [symbols[k] for k in order[12 * number:13 * number]]
        else:
            self.memory = TemporalMemory(56, 4, activationThreshold=3, minThreshold=2, maxNewSynapseCount=4, seed=1)
            part = (elements(numbered(SETS["II"]), 1) * number)[:number]
            self.elements = [4 * e[0] + np.arange(4) if e else None for e in part]

    def learn(self):
        for element in self.elements:
            if element is None:
                self.memory.reset()
            else:
                self.memory.compute(element, True)
        return len(self.elements)


def temporal(number):
    """As ``spatial``."""
    return {"spiking memory, 14 x 16": {"ideal": SpikingMemory("ideal", number).learn,
                                        "calibrated": SpikingMemory("calibrated", number).learn,
                                        "reference": ReferenceMemory(number, False).learn},
            "reference memory, 2048 x 32": {"reference": ReferenceMemory(number, True).learn}}


def spatial(number):
    """Workload -> engine -> what to run; the first engine of each is what is asked about, the last one its peer."""
    ideal, noisy = Spiking("ideal", 256, 512, number), Spiking(NOISY, 224, 480, number)
    small, large = Reference(256, 512, 26, number), Reference(1024, 1024, 20, number)
    return {
        "spiking pooler, infer single": {"ideal": ideal.infer_single, "htm_sp, 224 x 480": noisy.infer_single,
                                         "reference": small.infer},
        "spiking pooler, infer 128": {"ideal": ideal.infer_batch, "htm_sp, 224 x 480": noisy.infer_batch,
                                      "reference": small.infer},
        "spiking pooler, learn": {"ideal": ideal.learn, "htm_sp, 224 x 480": noisy.learn, "reference": small.learn},
        "reference pooler, learn 1024": {"reference": large.learn}}


def measure(workloads, rounds):
    """CPU seconds per record of every engine of every workload, the least of some rounds."""
    best = {name: dict.fromkeys(engines, np.inf) for name, engines in workloads.items()}
    for _ in range(rounds):
        for name, engines in workloads.items():
            for engine, work in engines.items():
                start = time.process_time()
                done = work()
                best[name][engine] = min(best[name][engine], (time.process_time() - start) / done)
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="few records, one round")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    number, rounds = (128, 1) if args.fast else (512, 5)
    rows = []
    print(f"{'workload':<32}{'engine':<20}{'per second':>10}{'wanted':>8}{'ratio':>9}  peer")
    for workload, engines in measure(spatial(number) | temporal(number // 4), rounds).items():
        peer = list(engines)[-1]
        for i, (engine, seconds) in enumerate(engines.items()):
            ratio = engines[peer] / seconds if engine != peer else None
            rows.append({"workload": workload, "engine": engine, "seconds": seconds,
                         "unit": "CPU s per record or element", "ratio": ratio,
                         "peer": None if ratio is None else peer})
            wanted = f"{SPATIAL[workload]:.0f}" if i == 0 else "-"
            print(f"{workload:<32}{engine:<20}{1.0 / seconds:>10.0f}{wanted:>8}"
                  + ("" if ratio is None else f"{ratio:>9.4f}  {peer}"), flush=True)
    if args.json:
        versions = {p: version(p) for p in ("numpy", "pyNN", "neo")} | {"python": sys.version.split()[0]}
        args.json.write_text(json.dumps([r | {"versions": versions} for r in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
