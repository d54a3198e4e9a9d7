"""A group in a run: cuts, batches, start values, what can be read."""

import numpy as np
import pytest
from pynn_brainscales.emulator.beside.config import CellGroup, Receptor
from pynn_brainscales.emulator.beside.group import GroupRun, initial_state

MODELS = ["LIF", "AdExp", "GsfaGrr", "HH", "Izhikevich", "GIF"]
OFFSET = {"LIF": 0.4, "AdExp": 0.5, "GsfaGrr": 0.5, "HH": 0.3, "Izhikevich": 0.008, "GIF": 0.6}
WEIGHT = {"HH": 20.0, "Izhikevich": 0.02}  # strength of the input, relative


def driven(beside, model, n=7, conductance=True, key=3):
    rng = np.random.default_rng(8)
    e = ({"e_syn": 0.0}, {"e_syn": -80.0}) if conductance else ({}, {})
    receptors = [beside.receptor("exp", n, tau_syn=rng.uniform(2.0, 4.0, n), **e[0]), beside.receptor("delta", n),
                 beside.receptor("alpha", n, tau_syn=rng.uniform(2.0, 4.0, n), **e[1]),
                 beside.receptor("beta", n, tau_rise=1.0, tau_decay=rng.uniform(2.0, 4.0, n), **e[0])]
    return beside.group(model, n, receptors, key, i_offset=OFFSET[model] * rng.uniform(0.8, 1.2, n))


def input_of(model, trials, n, steps, conductance=True):
    rng = np.random.default_rng(9)
    m = 4 * trials * n
    receptor = rng.integers(0, 4, m)
    unit = (0.003 if conductance else 0.05) * WEIGHT.get(model, 1.0)
    weight = np.where(receptor == 1, 3.0, unit) * rng.uniform(0.5, 1.5, m)
    return list(zip(rng.integers(1, steps, m).tolist(), receptor.tolist(), rng.integers(0, trials, m).tolist(),
                    rng.integers(0, n, m).tolist(), weight.tolist(), strict=True))


def same(a, b):
    for name in ("x", "release", "above"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


@pytest.mark.parametrize("conductance", [True, False])
@pytest.mark.parametrize("model", MODELS)
def test_cut_anywhere(beside, model, conductance):
    """Bit for bit, over the edge of a block of random numbers, and in the refractory time."""
    cells, trials, start, steps = driven(beside, model, conductance=conductance), 2, 900, 260
    events = [(start + k, *rest) for k, *rest in input_of(model, trials, 7, steps, conductance)]
    whole = beside.Course(cells, 0.1, steps, events, trials=trials, start=start)
    assert len(whole.spikes) > 10
    if model not in ("HH", "Izhikevich"):
        cuts = [*(whole.spikes[3:6, 0] - start + 3), 124, 125]
    else:
        cuts = [60, 124, 125, 200]
    state, at, spikes = None, 0, []
    for cut in [*sorted(set(cuts)), steps]:
        part = beside.Course(cells, 0.1, cut - at, events, trials=trials, start=start + at, state=state)
        state, at = part.state, cut
        spikes.append(part.spikes)
    np.testing.assert_array_equal(np.concatenate(spikes), whole.spikes)
    same(state, whole.state)


@pytest.mark.parametrize("conductance", [True, False])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("n", [1, 7])
def test_batch_is_loop(beside, model, conductance, n):
    """Bit for bit: trial t of a batch that begins with trial f is trial f + t alone."""
    cells, trials, steps = driven(beside, model, n, conductance), 3, 200
    events = input_of(model, trials, n, steps, conductance)
    start = {"v": np.random.default_rng(1).uniform(-70.0, -60.0, (trials, n))}
    batch = beside.Course(cells, 0.1, steps, events, start, trials=trials, first_trial=5)
    for t in range(trials):
        one = [(k, r, 0, i, w) for k, r, trial, i, w in events if trial == t]
        alone = beside.Course(cells, 0.1, steps, one, {"v": start["v"][t]}, first_trial=5 + t)
        np.testing.assert_array_equal(alone.spikes[:, [0, 2]], batch.spikes[batch.spikes[:, 1] == t][:, [0, 2]])
        np.testing.assert_array_equal(alone.state.x[:, 0], batch.state.x[:, t])


@pytest.mark.parametrize("model", MODELS[:-1])  # GIF draws its random numbers for the group
def test_cells_are_independent(beside, model):
    """Bit for bit, a cell's course doesn't depend on its neighbours."""
    cells, steps = driven(beside, model), 200
    events = input_of(model, 1, 7, steps)
    whole = beside.Course(cells, 0.1, steps, events)
    one = CellGroup(model, 1, {k: v[4:5] for k, v in cells.parameters.items()},
                    tuple(Receptor(r.shape, r.conductance, {k: v[4:5] for k, v in r.parameters.items()})
                          for r in cells.receptors))
    alone = beside.Course(one, 0.1, steps, [(k, r, t, 0, w) for k, r, t, i, w in events if i == 4])
    assert alone.steps_of() == whole.steps_of(4)
    np.testing.assert_array_equal(alone.values["v"][:, 0, 0], whole.values["v"][:, 0, 4])


def test_random_numbers_by_key_seed_and_trial(beside):
    def spikes(key=3, **more):
        return beside.Course(driven(beside, "GIF", key=key), 0.1, 400, **more).spikes.tolist()

    assert spikes() == spikes()
    for other in (spikes(key=4), spikes(seed=2), spikes(first_trial=1)):
        assert other != spikes()


def test_the_state_given_is_not_changed(beside):
    cells = driven(beside, "AdExp")
    state = initial_state(cells, 2)
    before = state.x.copy()
    beside.Course(cells, 0.1, 100, state=state)
    np.testing.assert_array_equal(state.x, before)
    with pytest.raises(ValueError, match="read-only"):
        state.x[0] = 0.0


def test_start_values(beside):
    cells = driven(beside, "AdExp", 2)
    state = initial_state(cells, 3, {"v": np.array([-60.0, -61.0]), "w": np.full((3, 2), 0.1), "0.g": 0.02,
                                     "2.g": np.array([0.03, 0.04])})
    run = GroupRun(cells, state, 0.1, 0, 1, 0)
    np.testing.assert_array_equal(run.read("v"), [[-60.0, -61.0]] * 3)
    np.testing.assert_array_equal(run.read("w"), np.full((3, 2), 0.1))
    np.testing.assert_array_equal(run.read("0.g"), np.full((3, 2), 0.02))
    np.testing.assert_array_equal(run.read("2.g"), [[0.03, 0.04]] * 3)
    np.testing.assert_array_equal(run.read("2.y"), np.zeros((3, 2)))
    np.testing.assert_array_equal(run.inputs[0], run.read("0.g"))


@pytest.mark.parametrize(("model", "v"), [("LIF", -65.0), ("HH", -65.0), ("Izhikevich", -70.0), ("GIF", -65.0)])
def test_default_membrane(beside, model, v):
    run = GroupRun(beside.group(model), initial_state(beside.group(model)), 0.1, 0, 1, 0)
    assert run.read("v")[0, 0] == v


def test_sums_start_on_the_slowest_component(beside):
    cells = beside.group("GIF", 2, tau_eta=[[1.0, 9.0], [8.0, 2.0]], a_eta=[0.1, 0.1], lambda0=0.0)
    course = beside.Course(cells, 0.1, 10, initial={"i_eta": [0.3, 0.4], "v_t": -40.0}, variables=("i_eta", "v_t"))
    np.testing.assert_allclose(course.values["i_eta"][0, 0], [0.3, 0.4])
    np.testing.assert_allclose(course.values["i_eta"][10, 0], [0.3 * np.exp(-1 / 9), 0.4 * np.exp(-1 / 8)])
    np.testing.assert_allclose(course.values["v_t"][[0, 10], 0, 0], [-40.0, -48.0 + 8.0 * np.exp(-1 / 200)])


def test_unknown_variables(beside):
    cells = beside.group("LIF", receptors=[beside.receptor("exp", tau_syn=2.0), beside.receptor("delta")])
    with pytest.raises(ValueError, match=r"no state variable w in this group of LIF cells; it has v, 0\.g"):
        initial_state(cells, 1, {"w": 0.0})
    run = GroupRun(cells, initial_state(cells), 0.1, 0, 1, 0)
    with pytest.raises(ValueError, match=r"'1\.g'.*it has v, 0\.g"):
        run.read("1.g")


def test_state_of_another_group(beside):
    with pytest.raises(ValueError, match="the state has 1 rows of 2 cells, the group 2 of 2"):
        GroupRun(beside.group("AdExp", 2), initial_state(beside.group("LIF", 2)), 0.1, 0, 1, 0)


@pytest.mark.parametrize("model", MODELS)
def test_no_receptors_and_no_cells(beside, model):
    assert GroupRun(beside.group(model), initial_state(beside.group(model)), 0.1, 0, 1, 0).inputs.shape == (1, 1, 1)
    empty = beside.group(model, 0, [beside.receptor("alpha", 0, tau_syn=2.0)])
    assert len(beside.Course(empty, 0.1, 20).spikes) == 0


def test_states_that_have_vanished_become_zero(beside):
    cells = beside.group("LIF", receptors=[beside.receptor("exp", tau_syn=0.5)])
    course = beside.Course(cells, 0.1, 2100, [(1, 0, 0, 0, 0.1)], variables=("0.g",))
    assert course.values["0.g"][1000, 0, 0] > 0.0
    assert course.values["0.g"][2048, 0, 0] == 0.0
