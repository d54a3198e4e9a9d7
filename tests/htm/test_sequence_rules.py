"""Rules of the temporal memory, element by element, without a chip; and their network on one."""

from types import SimpleNamespace

import numpy as np
import pytest
from pynn_brainscales.emulator.plasticity.memory import Memory, Space

from pynn_brainscales.htm.compartments import peaks
from pynn_brainscales.htm.sequence_network import SequenceParameters
from pynn_brainscales.htm.stdsp_rule import STDSPRule
from pynn_brainscales.htm.verified_rule import VerifiedPredictionRule

COLUMNS, CELLS = 3, 6
SIZE = COLUMNS * CELLS


class View:
    """Synapses of all cells to those of other columns; keeps what is written, by connection."""

    def __init__(self):
        there = ~np.kron(np.eye(COLUMNS, dtype=bool), np.ones((CELLS, CELLS), bool))
        self.pre_index, self.post_index = np.nonzero(there)
        self.row = np.arange(len(self.pre_index))
        self.written = None

    def physical(self, values):
        return values

    def set_weights(self, values):
        self.written = np.zeros((len(values), SIZE, SIZE), int)
        self.written[:, self.pre_index, self.post_index] = values


def bits(*cells):
    result = np.zeros((1, SIZE), bool)
    result[0, list(cells)] = True
    return result


class Session:
    """A rule that is told, element by element, which cells have fired and which have a plateau."""

    def __init__(self, kind, **options):
        self.rule = kind(20.0, 19.0, COLUMNS, CELLS, False, **options)
        self.view = View()
        self.ppu = SimpleNamespace(replicas=1, memory=Memory("rule", 1, Space.DRAM))
        self.rule.begin_learning(self.ppu, [self.view])
        self.fired, self.plateau = bits(), bits()

    def element(self, fired, plateau=()):
        fired, plateau = bits(*fired), bits(*plateau)
        self.rule.learn(self.ppu, [self.view], self.fired, fired, self.plateau, plateau)
        self.fired, self.plateau = fired, plateau

    def column(self, k):
        self.element(range(k * CELLS, (k + 1) * CELLS))

    @property
    def permanence(self):
        return self.ppu.memory["permanence"][0]

    @property
    def winners(self):
        return np.flatnonzero(self.ppu.memory["winners"][0]).tolist()


def test_winners_of_a_sequence_are_the_same_ones_each_time():
    session, seen = Session(VerifiedPredictionRule, winners=3), []
    for _ in range(2):
        for k in (0, 1, 2):
            session.column(k)
            seen.append(session.winners)
            assert all(w // CELLS == k for w in session.winners)
        session.element([])
    assert seen[:3] == seen[3:]


def test_synapses_mature_at_the_second_presentation_and_lead_from_winners_to_winners():
    session = Session(VerifiedPredictionRule, winners=3)
    for _ in range(2):
        session.column(0)
        first = session.winners
        session.column(1)
        second = session.winners
        session.element([])
    wanted = np.zeros((SIZE, SIZE), int)
    wanted[np.ix_(first, second)] = 64
    np.testing.assert_array_equal(session.permanence, wanted)
    np.testing.assert_array_equal(session.view.written[0], np.where(wanted, 63, 0))


def test_another_context_takes_other_cells():
    session = Session(VerifiedPredictionRule, winners=3)
    contexts = []
    for first in (0, 2):
        session.column(first)
        session.column(1)
        contexts.append(set(session.winners))
        session.element([])
    assert not contexts[0] & contexts[1]


def test_verified_predictions_win_and_others_do_not():
    session = Session(VerifiedPredictionRule, winners=3)
    for _ in range(2):
        session.column(0)
        first = session.winners
        session.column(1)
        second = session.winners
        session.element([])
    session.element(range(CELLS), plateau=second)
    session.element(second)  # as predicted
    assert session.winners == second
    other = [c for c in range(CELLS, 2 * CELLS) if c not in second]
    session.element([])
    session.element(range(CELLS), plateau=other)
    session.element(other)  # predicted by whom? not by the winners before
    assert session.winners == second
    assert set(first) <= set(range(CELLS))


def test_a_wrong_prediction_is_punished_from_all_cells_that_were_active():
    session = Session(VerifiedPredictionRule, winners=3, predicted_decrement=6)
    for _ in range(2):
        session.column(0)
        first = session.winners
        session.column(1)
        wrong = session.winners
        session.element([])
    session.element(range(CELLS), plateau=wrong)
    session.column(2)  # something else comes
    np.testing.assert_array_equal(session.permanence[np.ix_(first, wrong)], 58)
    np.testing.assert_array_equal(session.view.written[0], 0)


def test_permanences_stay_in_their_range_and_none_is_within_a_column():
    rng = np.random.default_rng(3)
    session = Session(VerifiedPredictionRule, winners=3)
    for _ in range(300):
        k = int(rng.integers(-1, COLUMNS))
        fired = [] if k < 0 else rng.choice(np.arange(k * CELLS, (k + 1) * CELLS), rng.integers(1, CELLS + 1), False)
        session.element(fired, rng.choice(SIZE, 4, False))
        p = session.permanence
        assert p.min() >= 0
        assert p.dtype == np.int8
        for c in range(COLUMNS):
            mine = slice(c * CELLS, (c + 1) * CELLS)
            assert not p[mine, mine].any()


def test_stdsp_by_hand():
    session = Session(STDSPRule, seed=1, potentiation=0.08, depression=0.0015, homeostasis=0.014, tau_h=100.0)
    start = session.permanence.copy()
    session.element([0, 1], plateau=[7])
    session.element([7, 8])
    grow = 20.0 * 0.08 * np.exp(-2.0)
    down = 20.0 * 0.0015
    for post, plateaus in ((7, 1.0), (8, 0.0)):
        # once presynaptic in the first element: not below where it has started
        wanted = start[0, post] + grow + 20.0 * 0.014 * (1.0 - plateaus)
        assert session.permanence[0, post] == pytest.approx(wanted, abs=1e-5)
    assert session.permanence[7, 0] == pytest.approx(start[7, 0])  # shrinks, but has a floor
    session.element([0])
    assert session.permanence[0, 7] == pytest.approx(start[0, 7] + grow - down, abs=1e-5)


def test_peaks_against_a_direct_integration():
    tau, rate, tau_syn, h = (10.0, 8.0), (0.2, 0.1), 4.0, 1e-3
    v, w, i, best = 0.0, 0.0, 1.0, [0.0, 0.0]
    for _ in range(60_000):
        dv = -v / tau[0] + rate[0] * (w - v) + i
        dw = -w / tau[1] + rate[1] * (v - w)
        v, w, i = v + h * dv, w + h * dw, i * (1.0 - h / tau_syn)
        best = [max(best[0], v), max(best[1], w)]
    np.testing.assert_allclose(peaks(tau, rate, tau_syn), best, rtol=1e-3)


def test_a_plateau_depolarises_as_asked():
    p = SequenceParameters()
    rate = p.coupling
    assert p.dendrite_reset * rate / (rate + 1.0 / p.tau_m) == pytest.approx(p.depolarisation)
