"""Path integration: bees of spiking neurons wander off, turn, and find home by a memory that lies in synaptic weights.

After the insect on BrainScaleS-2 (Billaudelle et al. 2020, Pehle et al. 2022). Eight compass cells spike for the
heading of the bee. A rule on the plasticity processor counts their spikes and keeps how far the bee has come in each
direction in the 6-bit weights of the synapses from the compass onto two pools of steering cells, shifted by 90 degrees
to either side. So the pools weigh the heading against the way home, and two motor cells turn the bee. The control has
the same chips, bees and ways out, but its memory is wiped at the turning point and stays flat.

Home: during the return a bee comes closer to its start than 10 % of the outbound distance, which is the distance
between the start and the point where it turns back.
"""

import time
import warnings

import numpy as np
from figures import arguments, report
from pynn_brainscales.emulator.profile import variation

import pynn_brainscales as sim
from pynn_brainscales.rules import ClosedLoop, Environment, Reply

TIMESTEP = 0.5  # ms
TICK = 20.0  # ms; a bee flies one unit of length in each
DIRECTIONS = np.arange(8) * np.pi / 4
COMPASS_RATE = 150.0  # Hz, of the cell whose direction the bee flies in
WANDER = 0.25  # rad, standard deviation of the turn in a tick of the way out
TURN = 0.3  # rad that one spike of a motor cell turns the bee
CODES_PER_SPIKE = 1.0 / 16.0  # what one spike of the compass adds to the memory
MEMORY_TICKS = 5  # between executions of the memory's rule
POOL = 8  # steering cells on either side
CELL = {"cm": 1.0, "tau_m": 20.0, "tau_syn_E": 5.0, "tau_syn_I": 5.0, "tau_refrac": 4.0, "v_rest": -65.0,
        "v_reset": -65.0, "v_thresh": -50.0, "i_offset": 0.7}  # nA, a little less than makes a cell fire
RELAY = CELL | {"tau_m": 10.0, "tau_syn_E": 2.0, "i_offset": 0.0}
W_RELAY, W_MAX, W_MOTOR = 24.0, 4.0, 1.2  # nA; the first makes one spike of each, on the weakest circuits too


class Meadow(Environment):
    """Where the bees fly: a random walk on the way out, then as their motor cells say."""

    def __init__(self, outbound):
        self.outbound = outbound

    def reset(self, rng, replicas):
        self.position, self.heading = np.zeros((replicas, 2)), 2 * np.pi * rng.random()
        self.path = [self.position]
        return self._compass(rng)

    def step(self, rng, counts):
        left, right = counts.T
        if len(self.path) <= self.outbound:
            self.heading = self.heading + WANDER * rng.standard_normal()
        else:
            self.heading = self.heading + TURN * (left - right)
        self.position = self.position + np.stack([np.cos(self.heading), np.sin(self.heading)], axis=1)
        self.path.append(self.position)
        return self._compass(rng)

    def _compass(self, rng):
        """Regular trains at the rates of the compass, with random phases."""
        rate = COMPASS_RATE * np.maximum(np.cos(self.heading[:, None] - DIRECTIONS), 0.0)
        phase = rng.random(8)
        number = np.floor(rate * TICK * 1e-3 + phase).astype(int)
        replica, index = (np.repeat(i.reshape(-1), number.reshape(-1)) for i in np.indices(number.shape))
        first = np.cumsum(number) - number.reshape(-1)
        rank = np.arange(len(index)) - np.repeat(first, number.reshape(-1))
        delay = (rank + rng.random(8)[replica, index]) * TICK / number[replica, index]
        return Reply(np.zeros(len(rate)), replica, index, delay)


class PathMemory(sim.PlasticityRule):
    """Weights count how far the bee has come in each direction; opposite directions cancel.

    The synapse from the cell of direction d onto a steering cell holds what was flown at 90 degrees to d: to its right
    for the left pool, so that the pool is driven when home is on the left, and the other way round. Less than a code
    remains in the processor's memory until it has become one.
    """

    batched = True

    def __init__(self, timer, lesion_at=np.inf):
        super().__init__(timer)
        self.lesion_at = lesion_at

    def update(self, ppu, synapses, neurons, recording):
        (view,), (_, compass) = synapses, neurons
        spikes = compass.get_rate_counters(reset=True).astype(float)
        holds = (view.pre_index + np.where(view.post_index < POOL, -2, 2)) % 8  # the direction of each synapse
        weights = view.logical(view.get_weights())
        flown = np.stack([weights[:, np.argmax(holds == d)] for d in range(8)], axis=1)
        rest = ppu.memory["rest"] if "rest" in ppu.memory else np.zeros((ppu.replicas, 4))
        change = rest + CODES_PER_SPIKE * (spikes[:, :4] - spikes[:, 4:])
        codes = np.trunc(change)
        ppu.memory["rest"] = change - codes
        axis = flown[:, :4] - flown[:, 4:] + codes
        if ppu.now >= self.lesion_at:
            axis[:] = 0.0
        flown = np.maximum(np.concatenate([axis, -axis], axis=1), 0.0)
        view.set_weights(view.physical(flown[:, holds]))
        recording["flown"] = np.minimum(flown, 63)


def fly(chip, seed, bees, outbound, back, lesion=False):
    """Paths (1 + ticks, bees, 2), and what the memory holds: times in ticks and codes (k, bees, directions)."""
    sim.setup(timestep=TIMESTEP, min_delay=TIMESTEP, chip=chip, seed=seed, chip_seed=seed, replicas=bees)
    world = sim.Population(8, sim.SpikeSourceArray(), label="world")
    compass = sim.Population(8, sim.IF_curr_exp(**RELAY), label="compass")
    steering = sim.Population(2 * POOL, sim.IF_curr_exp(**CELL), label="steering")
    motors = sim.Population(2, sim.IF_curr_exp(**CELL), label="motors")

    memory = PathMemory(sim.Timer(start=MEMORY_TICKS * TICK, period=MEMORY_TICKS * TICK),
                        lesion_at=outbound * TICK if lesion else np.inf)
    sim.attach_rule(memory, compass)
    sim.Projection(world, compass, sim.OneToOneConnector(), sim.StaticSynapse(weight=W_RELAY, delay=1.0))
    sim.Projection(compass, steering, sim.AllToAllConnector(), sim.PlasticSynapse(
        memory, weight=0.0, w_max=W_MAX, delay=1.0), label="memory")
    # each pool drives its own motor cell and holds back the other one
    own = [(i, i // POOL) for i in range(2 * POOL)]
    other = [(i, 1 - j) for i, j in own]
    sim.Projection(steering, motors, sim.FromListConnector(own), sim.StaticSynapse(weight=W_MOTOR, delay=1.0))
    sim.Projection(steering, motors, sim.FromListConnector(other), sim.StaticSynapse(weight=-W_MOTOR, delay=1.0),
                   receptor_type="inhibitory")

    meadow = Meadow(outbound)
    loop = ClosedLoop(sim.Timer(start=0.0, period=TICK), meadow, world)
    sim.attach_rule(loop, motors)
    sim.run((outbound + back) * TICK + TIMESTEP)
    times, flown = memory.get_observable_array("flown")
    return np.array(meadow.path), times / TICK, flown, memory.missed + loop.missed


def distances(path, outbound):
    """Distance from home in units of the outbound distance, (ticks, bees), and the latter, (bees,)."""
    away = np.hypot(*np.moveaxis(path, 2, 0))
    return away / away[outbound], away[outbound]


def home_fraction(path, outbound):
    """Fraction of bees whose closest approach during the return is within 10 % of the outbound distance."""
    return float(np.mean(distances(path, outbound)[0][outbound:].min(axis=0) <= 0.1))


def picture(path, outbound, intact, control):
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(11, 9), layout="constrained")
    for ax, (way, *_), title in zip(axes[0], (intact, control), ("memory intact", "memory wiped at the turn"),
                                    strict=True):
        for bee in range(min(5, way.shape[1])):
            x, y = way[:, bee].T
            ax.plot(x[:outbound + 1], y[:outbound + 1], color="0.75", lw=0.8)
            ax.plot(x[outbound:], y[outbound:], color=f"C{bee}", lw=0.8)
            ax.plot(x[outbound], y[outbound], "o", color=f"C{bee}", ms=5)
        ax.plot(0, 0, "k*", ms=12, zorder=3)
        ax.set(title=f"{title}: out (grey) and back", xlabel="x (ticks of flight)", ylabel="y", aspect="equal",
               adjustable="datalim")
    for (way, *_), color, label in ((intact, "C0", "intact"), (control, "C3", "wiped")):
        away = distances(way, outbound)[0]
        axes[1, 0].plot(away, color=color, lw=0.3, alpha=0.3)
        axes[1, 0].plot(np.median(away, axis=1), color=color, lw=2, label=f"{label}, median")
    axes[1, 0].axvline(outbound, color="0.6", lw=0.8, ls="--")
    axes[1, 0].axhline(0.1, color="k", lw=0.8, ls=":")
    axes[1, 0].set(ylim=(0, 3), xlabel="tick", ylabel="distance from home / outbound distance")
    axes[1, 0].legend()
    _, ticks, flown, _ = intact
    for direction in range(8):
        axes[1, 1].plot(ticks, flown[:, 0, direction], drawstyle="steps-post", color=plt.get_cmap("hsv")(direction / 8),
                        label=f"{45 * direction}°")
    axes[1, 1].axvline(outbound, color="0.6", lw=0.8, ls="--")
    axes[1, 1].set(xlabel="tick", ylabel="weight (code)", title="memory of the first bee")
    axes[1, 1].legend(ncols=2, fontsize="small")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    args = arguments("insect_navigation", __doc__, seeds=(1, 2, 3, 4, 5), fast_seeds=(1,))
    # the step is coarse beside the chip's latencies (0.9 us), and these are short beside a tick
    warnings.filterwarnings("ignore", message="a timestep of")
    bees, few, outbound, back = (8, 4, 80, 120) if args.fast else (64, 16, 300, 500)
    figures = {"home_fraction": [], "control_home_fraction": [], "calibrated_home_fraction": []}
    for i, seed in enumerate(args.seeds):
        start = time.perf_counter()
        flights = [fly(variation(0.1), seed, bees, outbound, back),
                   fly(variation(0.1), seed, bees, outbound, back, lesion=True),
                   fly("calibrated", seed, few, outbound, back)]
        for values, flight in zip(figures.values(), flights, strict=True):
            values.append(home_fraction(flight[0], outbound))
        away = distances(flights[0][0], outbound)[1]
        print(f"seed {seed}: of {bees} bees, {away.min():.0f} to {away.max():.0f} units away, come home: "
              + ", ".join(f"{name} {values[-1]:.3f}" for name, values in figures.items())
              + f"; periods missed by the rules: {sum(f[3] for f in flights)}; {time.perf_counter() - start:.0f} s")
        if i == 0:
            picture(args.out / "insect_navigation.png", outbound, *flights[:2])
    report(args.out, figures, goals={"home_fraction": (">=", 0.75), "control_home_fraction": ("<=", 0.1)})


if __name__ == "__main__":
    main()
