"""Spikes that the host sends in real time, between two runs."""

from __future__ import annotations

from . import simulator
from .describe import label_populations
from .sent_spikes import Outbox, senders


def send_spikes(population, index, delay=0.0, replica=None) -> None:
    """Let cells of a ``SpikeSourceArray`` spike from now on, in addition to its own spike times.

    What was described stays as it is, and nothing is mapped anew: the way to decide between two calls of ``run`` what
    a running network sees next. Plasticity rules have ``ppu.send_spikes``.

    Parameters
    ----------
    population : Population
        Of the present network.
    index : int or array of int
        Which cells.
    delay : float or array, broadcastable to ``index``
        ms from now.
    replica : int or array, broadcastable to ``index``, optional
        In which replicas; by default in all of them. ``reset`` forgets what has been sent.

    Raises
    ------
    ValueError
        If the population is no such source, or a number is out of range.
    """
    state = simulator.state
    label_populations(state.populations)
    outbox = Outbox(senders(state), range(state.replicas))
    outbox.put(population, index, delay, replica)
    state.mail.post(outbox, state.t)
