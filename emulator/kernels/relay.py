"""Short-term plasticity and stochastic release: from the firing of a source to the factor of an event.

With ``dt`` the time since the last spike of the source (for the first spike, since step 0), and a time constant of 0
meaning that its exponential is 0:

TSODYKS_MARKRAM (Tsodyks, Uziel and Markram 2000)::

    u <- u exp(-dt / tau_facil);  u <- u + U (1 - u)
    R <- 1 - (1 - R) exp(-dt / tau_rec)
    factor = u R;  R <- R (1 - u)

    With inactivation, resources pass through an active state y with time constant tau_in before they recover.
    Between spikes dy/dt = -y / tau_in, dz/dt = y / tau_in - z / tau_rec, R = 1 - y - z; at a spike u R moves from
    R to y. This is the full model of the paper; without it, tau_in -> 0.
QUANTAL (Fuhrmann et al. 2002)
    u as above; each empty site refills with probability 1 - exp(-dt / tau_rec), each full site then releases with
    probability u. The factor is the number of sites that release: the weight is that of one quantum.
BERNOULLI
    1 with the given probability, else 0.
DRIVER
    The short-term plasticity of a synapse driver: x <- x exp(-dt / tau_rec); factor = 1 + strength (x - offset),
    clipped to 0..1; x <- x + U (1 - x). With strength -1 and offset 0 it is TSODYKS_MARKRAM without facilitation
    over U, with strength 1 - U and offset 1 it is TSODYKS_MARKRAM without depression, tau_rec being its tau_facil.

Other simulators: for the deterministic model they all take the full one, with tau_in the time constant of the
receiving synaptic current. Of the quantal model one delivers the number of released sites, another that number over
all sites: for the latter, divide the row by ``sites``. Both release with u = U at the first spike unless asked
otherwise; here that is so for start_u = 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..frozen import Frozen
from ..relays import Kind, Relays
from ..streams import Stream, generator
from .routing import ranges

Firings = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class RelayState(Frozen):
    """State of all relays after the last spike of their sources; all arrays (trials, R).

    Attributes
    ----------
    u : float
        Utilisation.
    resource : float
        R of TSODYKS_MARKRAM, x of DRIVER.
    active : float
        y of TSODYKS_MARKRAM with inactivation.
    full : int
        Release sites of QUANTAL that are full.
    last : int
        Step of the last spike of the source, -1 if there was none.
    """

    u: np.ndarray
    resource: np.ndarray
    active: np.ndarray
    full: np.ndarray
    last: np.ndarray


def initial_relay_state(relays: Relays, trials: int = 1) -> RelayState:
    """The state at step 0: all resources recovered, all sites full unless ``start_sites`` says otherwise."""
    def spread(value: np.ndarray, dtype: type) -> np.ndarray:
        return np.array(np.broadcast_to(value, (trials, len(relays))), dtype)

    resource = np.where(relays.kind == Kind.DRIVER, relays.start_u, 1.0)
    none = np.full(len(relays), -1)
    return RelayState(spread(relays.start_u, float), spread(resource, float), spread(np.zeros(len(relays)), float),
                      spread(relays.sites if relays.start_sites is None else relays.start_sites, np.int64),
                      spread(none, np.int64))


class Released(NamedTuple):
    """State of relays after a release; all arrays (E,), ``code`` is ``trial * R + relay``."""

    step: np.ndarray
    code: np.ndarray
    u: np.ndarray
    resource: np.ndarray
    active: np.ndarray


class _Decay:
    """exp(-dt / tau) by relay; 0 where tau is 0, that is, where ``on`` is 0."""

    def __init__(self, tau: np.ndarray) -> None:
        self.on = np.where(tau > 0, 1.0, 0.0)
        self._tau = np.where(tau > 0, tau, 1.0).astype(float)

    def __call__(self, dt: np.ndarray, relay: np.ndarray) -> np.ndarray:
        return np.exp(-dt / self._tau[relay]) * self.on[relay]


class RelayRun:
    """Relays during a run; it works on its own copy of the state.

    Draws come from one generator for each trial and step, keyed by the number of the trial and the step: of the
    relays that fire, first the BERNOULLI ones in ascending order, then the QUANTAL ones. So the result does not
    depend on the batch or on where a run is cut.

    Parameters
    ----------
    relays : Relays
        As ``relays.verify_relays`` demands them.
    state : RelayState
    seed, first_trial : int
        Key of the random stream: trial t of the state draws what run ``first_trial + t`` draws alone.
    step_us : float
    """

    def __init__(self, relays: Relays, state: RelayState, seed: int, first_trial: int, step_us: float) -> None:
        if state.u.ndim != 2 or state.u.shape[1] != len(relays):
            raise ValueError(f"the state has shape {state.u.shape}, expected (trials, {len(relays)}): start from "
                             "initial_relay_state(relays, trials)")
        self._relays, self._seed, self._first_trial, self._step_us = relays, seed, first_trial, step_us
        self._trials, self._n = state.u.shape
        self._u, self._resource, self._active, self._full, self._last = (
            getattr(state, name).flatten() for name in ("u", "resource", "active", "full", "last"))
        self._known = int(relays.source.max()) + 1 if self._n else 0  # sources from here on have no relay
        self._order = np.argsort(relays.source, kind="stable")
        self._start = np.searchsorted(relays.source[self._order], np.arange(self._known + 2))
        self._in_order = bool(np.all(np.diff(relays.channel) > 0))
        self._recovery, self._facilitation = _Decay(relays.tau_rec_us), _Decay(relays.tau_facil_us)
        self._inactivating = relays.tau_inact_us is not None and bool(np.any(relays.tau_inact_us))
        if relays.tau_inact_us is not None:
            self._inactivation = _Decay(relays.tau_inact_us)
        kinds: dict[Kind, Callable] = {
            Kind.TSODYKS_MARKRAM: self._tsodyks_markram, Kind.BERNOULLI: self._bernoulli,
            Kind.QUANTAL: self._quantal, Kind.DRIVER: self._driver}
        self._models = [(kind, model) for kind, model in kinds.items() if np.any(relays.kind == kind)]
        self._nothing = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
        self.log: list[Released] | None = None  # a list here is given what every release leaves behind

    def fire(self, k: int, trial: np.ndarray, source: np.ndarray) -> Firings:
        """The firings of channels that follow from all firings of sources at step k.

        Parameters
        ----------
        k : int
        trial, source : int, (F,)
            In any order; a source that is listed twice in a trial fires twice.

        Returns
        -------
        trial, channel : int, (E,)
            Sorted by trial, then channel.
        factor : float, (E,)
            Only those that are not zero.
        """
        source = np.minimum(source, self._known)
        first, stop = self._start[source], self._start[source + 1]
        place = ranges(first, stop)
        if place.size == 0:
            return self._nothing
        code = np.repeat(trial, stop - first) * self._n + self._order[place]
        code.sort()
        factor = np.empty(code.size)
        generators: dict[int, np.random.Generator] = {}
        for now in _rounds(code):
            factor[now] = self._release(k, code[now], generators)
        some = factor.nonzero()[0]
        if some.size < code.size:
            code, factor = code[some], factor[some]
        trial, relay = np.divmod(code, self._n) if len(self._u) > self._n else (np.zeros(code.size, np.int64), code)
        channel = self._relays.channel[relay]
        if self._in_order:
            return trial, channel, factor
        order = np.lexsort((channel, trial))
        return trial[order], channel[order], factor[order]

    def fire_train(self, step: np.ndarray, trial: np.ndarray, source: np.ndarray
                   ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """What follows from firings at many steps, instead of ``fire`` for each of them; not for QUANTAL relays.

        Parameters
        ----------
        step, trial, source : int, (F,)
            In any order; a relay's state ends as after the last step.

        Returns
        -------
        step, trial, channel : int, (E,)
        factor : float, (E,)
            Only those that are not zero.
        """
        source = np.minimum(source, self._known)
        first, stop = self._start[source], self._start[source + 1]
        place, count = ranges(first, stop), stop - first
        code, step = np.repeat(trial, count) * self._n + self._order[place], np.repeat(step, count)
        if code.size == 0:
            return self._nothing[0], *self._nothing
        chance = self._relays.kind[code % self._n] == Kind.BERNOULLI
        if chance.all():
            step, code, factor = self._bernoulli_train(step, code)
        else:
            fixed = ~chance
            parts = [self._fixed_train(step[fixed], code[fixed])]
            if chance.any():
                parts.append(self._bernoulli_train(step[chance], code[chance]))
            step, code, factor = (np.concatenate(a) for a in zip(*parts, strict=True))
        some = factor != 0.0
        trial, relay = np.divmod(code[some], self._n)
        return step[some], trial, self._relays.channel[relay], factor[some]

    def _fixed_train(self, step: np.ndarray, code: np.ndarray) -> Firings:
        order = np.lexsort((step, code))
        code, step = code[order], step[order]
        factor = np.empty(code.size)
        for now in _rounds(code):
            factor[now] = self._release(step[now], code[now], {})
        return step, code, factor

    def _bernoulli_train(self, step: np.ndarray, code: np.ndarray) -> Firings:
        """As step by step: draws of a trial and step go to relays in ascending order, again for a second firing."""
        size = len(self._u)
        order = np.argsort(step * size + code, kind="stable")
        step, code = step[order], code[order]
        again = (step[1:] == step[:-1]) & (code[1:] == code[:-1])
        if again.any():
            index = np.arange(code.size)
            nth = index - np.maximum.accumulate(np.where(np.concatenate(([True], ~again)), index, 0))
            order = np.lexsort((code, nth, code // self._n, step))
            step, code = step[order], code[order]
        trial = code // self._n
        edges = [0, *(np.flatnonzero((np.diff(step) != 0) | (np.diff(trial) != 0)) + 1).tolist(), code.size]
        uniform = np.empty(code.size)
        for (i, j), k, t in zip(pairwise(edges), step[edges[:-1]].tolist(), trial[edges[:-1]].tolist(), strict=True):
            generator(self._seed, Stream.RELEASE, self._first_trial + t, k).random(out=uniform[i:j])
        np.maximum.at(self._last, code, step)
        return step, code, (uniform < self._relays.probability[code % self._n]).astype(float)

    def state(self) -> RelayState:
        """The present state."""
        return RelayState(*(array.reshape(self._trials, self._n).copy() for array in (
            self._u, self._resource, self._active, self._full, self._last)))

    # --- the models: each takes flat indices (trial, relay), relays and times, all (E,), and gives factors ----------

    def _release(self, k: int, code: np.ndarray, generators: dict[int, np.random.Generator]) -> np.ndarray:
        """Factors of relays that all differ, given in ascending order."""
        relay = code % self._n
        dt = (k - np.maximum(self._last[code], 0)) * self._step_us
        self._last[code] = k
        draw = _Draw(self._seed, self._first_trial, k, self._n, generators)
        if len(self._models) == 1:
            factor = self._models[0][1](code, relay, dt, draw)
        else:
            factor = np.empty(code.size)
            for kind, model in self._models:
                at = np.flatnonzero(self._relays.kind[relay] == kind)
                if at.size:
                    factor[at] = model(code[at], relay[at], dt[at], draw)
        if self.log is not None:
            self.log.append(Released(np.full(code.size, k), code, self._u[code], self._resource[code],
                                     self._active[code]))
        return factor

    def _use(self, code: np.ndarray, relay: np.ndarray, dt: np.ndarray) -> np.ndarray:
        u = self._u[code] * self._facilitation(dt, relay)
        u += self._relays.use[relay] * (1.0 - u)
        self._u[code] = u
        return u

    def _tsodyks_markram(self, code: np.ndarray, relay: np.ndarray, dt: np.ndarray, draw: _Draw) -> np.ndarray:
        u = self._use(code, relay, dt)
        resource, active = self._recovered(self._resource[code], self._active[code], dt, relay)
        if self._inactivating:
            self._active[code] = (active + u * resource) * self._inactivation.on[relay]
        self._resource[code] = resource * (1.0 - u)
        return u * resource

    def _recovered(self, resource, active, dt: np.ndarray, relay: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Resources and what of them is active, dt after they were as given."""
        keep = self._recovery(dt, relay)
        if not self._inactivating:
            return 1.0 - (1.0 - resource) * keep, active
        recovering = (1.0 - resource - active) * keep + active * self._inactivated(dt, relay, keep)
        active = active * self._inactivation(dt, relay)
        return 1.0 - active - recovering, active

    def _inactivated(self, dt: np.ndarray, relay: np.ndarray, keep: np.ndarray) -> np.ndarray:
        """Of what was active, the part that is inactive and not yet recovered after dt."""
        rec, inact = self._relays.tau_rec_us[relay], self._relays.tau_inact_us[relay]  # type: ignore[index]
        equal = rec == inact
        apart = np.where(equal, 1.0, rec - inact)
        decayed = (keep - self._inactivation(dt, relay)) * rec / apart
        return np.where(equal, dt / np.where(inact > 0, inact, 1.0) * keep, decayed)

    def _driver(self, code: np.ndarray, relay: np.ndarray, dt: np.ndarray, draw: _Draw) -> np.ndarray:
        x = self._resource[code] * self._recovery(dt, relay)
        self._resource[code] = x + self._relays.use[relay] * (1.0 - x)
        return self._driven(x, relay)

    def _driven(self, x: np.ndarray, relay: np.ndarray) -> np.ndarray:
        return np.clip(1.0 + self._relays.strength[relay] * (x - self._relays.offset[relay]), 0.0, 1.0)

    def between(self, variable: str, relay: np.ndarray, dt: np.ndarray, u: np.ndarray, resource: np.ndarray,
                active: np.ndarray) -> np.ndarray:
        """State of relays the time ``dt`` (us) after it was as given; see ``relays.RelayProbe`` for the variables."""
        wanted = np.where(self._relays.strength > 0, "u", "x")[relay] == variable  # of a driver
        factor = np.where(wanted, self._driven(resource * self._recovery(dt, relay), relay), float(variable == "x"))
        own = u * self._facilitation(dt, relay) if variable == "u" else self._recovered(resource, active, dt, relay)[0]
        return np.where(self._relays.kind[relay] == Kind.DRIVER, factor, own)

    def _bernoulli(self, code: np.ndarray, relay: np.ndarray, dt: np.ndarray, draw: _Draw) -> np.ndarray:
        return (draw.uniform(code) < self._relays.probability[relay]).astype(float)

    def _quantal(self, code: np.ndarray, relay: np.ndarray, dt: np.ndarray, draw: _Draw) -> np.ndarray:
        u = self._use(code, relay, dt)
        full = self._full[code]
        full += draw.binomial(code, self._relays.sites[relay] - full, 1.0 - self._recovery(dt, relay))
        released = draw.binomial(code, full, u)
        self._full[code] = full - released
        return released.astype(float)


class _Draw:
    """Random numbers of a step for relays in ascending order of (trial, relay), one generator a trial."""

    def __init__(self, seed: int, first_trial: int, k: int, relays: int,
                 generators: dict[int, np.random.Generator]) -> None:
        self._seed, self._first_trial, self._k, self._n = seed, first_trial, k, relays
        self._generators = generators

    def _by_trial(self, code: np.ndarray) -> list[tuple[np.random.Generator, slice]]:
        trial = code // self._n
        if trial[0] == trial[-1]:
            return [(self._generator(int(trial[0])), slice(None))]
        edges = [0, *(np.flatnonzero(np.diff(trial)) + 1).tolist(), code.size]
        return [(self._generator(int(trial[a])), slice(a, b)) for a, b in pairwise(edges)]

    def _generator(self, trial: int) -> np.random.Generator:
        if trial not in self._generators:
            self._generators[trial] = generator(self._seed, Stream.RELEASE, self._first_trial + trial, self._k)
        return self._generators[trial]

    def uniform(self, code: np.ndarray) -> np.ndarray:
        return np.concatenate([rng.random(code[part].size) for rng, part in self._by_trial(code)])

    def binomial(self, code: np.ndarray, n: np.ndarray, p: np.ndarray) -> np.ndarray:
        return np.concatenate([rng.binomial(n[part], p[part]) for rng, part in self._by_trial(code)])


def _rounds(code: np.ndarray) -> list:
    """Selections of sorted codes in which no code comes twice, in the order in which they must be taken."""
    if not (code[1:] == code[:-1]).any():
        return [slice(None)]
    index = np.arange(code.size)
    new = np.concatenate(([True], code[1:] != code[:-1]))
    occurrence = index - np.maximum.accumulate(np.where(new, index, 0))
    return [np.flatnonzero(occurrence == i) for i in range(int(occurrence.max()) + 1)]
