"""A virtual world beside a rule: spikes of motor neurons go in, input spikes and reward come out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np

from ..plasticity import PlasticityRule, Ppu, Recording, Timer

_NONE = np.zeros(0, np.int64)


@dataclass
class Reply:
    """What a world answers.

    Attributes
    ----------
    reward : float, (replicas,)
        For what was done since the last step.
    replica, index : int, (S,)
        Spikes that the world sends: in which replica, and which cell of the source.
    delay : float, (S,)
        ms from when the rule's execution ends.
    """

    reward: np.ndarray
    replica: np.ndarray = field(default_factory=lambda: _NONE)
    index: np.ndarray = field(default_factory=lambda: _NONE)
    delay: np.ndarray = field(default_factory=lambda: np.zeros(0))


class Environment(ABC):
    """A world with as many copies as there are replicas of the network.

    ``rng`` has the methods of ``numpy.random.Generator``; each draws for all replicas and gives (replicas, ...), so
    that a replica sees the same world in every batch.
    """

    @abstractmethod
    def reset(self, rng, replicas: int) -> Reply:
        """Begin anew; the first spikes. The reward is not used."""

    @abstractmethod
    def step(self, rng, counts: np.ndarray) -> Reply:
        """Go on; ``counts`` int (replicas, neurons) are the motor neurons' spikes since the last step."""


class ClosedLoop(PlasticityRule):
    """Moves an environment on once in each period.

    The first execution begins the world, each further one gives it the spikes of the first population that the rule
    sees, and hands its reward to ``learn``, which subclasses write. A loop without plastic synapses is attached to its
    motor neurons by ``attach_rule``.

    Parameters
    ----------
    timer : Timer
    environment : Environment
    source : Population
        A ``SpikeSourceArray``, whose cells send the world's spikes.
    runtime_model
        As of ``PlasticityRule``.
    """

    batched = True

    def __init__(self, timer: Timer, environment: Environment, source, runtime_model="chip") -> None:
        super().__init__(timer, runtime_model)
        if not isinstance(environment, Environment):
            raise TypeError(f"{type(self).__name__}: environment={environment!r} must be an Environment, with reset() "
                            "and step()")
        self.environment, self.source = environment, source

    def update(self, ppu: Ppu, synapses, neurons, recording: Recording) -> None:
        """See ``PlasticityRule.update``."""
        counts = neurons[0].get_rate_counters(reset=True)
        if "begun" in ppu.memory:
            reply = self.environment.step(ppu.rng, counts)
            self.learn(ppu, synapses, counts, np.asarray(reply.reward, float), recording)
        else:
            ppu.memory["begun"] = np.ones(ppu.replicas, np.int8)
            reply = self.environment.reset(ppu.rng, ppu.replicas)
        if len(reply.index):
            ppu.send_spikes(self.source, reply.index, reply.delay, reply.replica)

    def learn(self, ppu: Ppu, synapses, counts: np.ndarray, reward: np.ndarray, recording: Recording) -> None:
        """Change synapses after a step of the world; by default nothing.

        Parameters
        ----------
        ppu, synapses, recording
            As of ``PlasticityRule.update``.
        counts : int, (replicas, neurons)
            Spikes of the motor neurons in the step.
        reward : float, (replicas,)
        """
