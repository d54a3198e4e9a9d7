"""The router: nothing lost that has a place, nothing delivered that was not asked, losses told."""

import time
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynn_brainscales.emulator import limits
from pynn_brainscales.emulator.profile import calibrated, quantised
from pynn_brainscales.mapping.compile import compile
from pynn_brainscales.mapping.errors import MappingError, MappingWarning
from pynn_brainscales.mapping.mapped import Loss, Way
from pynn_brainscales.mapping.route import route
from pynn_brainscales.mapping.target import Target
from pynn_brainscales.mapping.verify import verify_mapped, verify_routing

WARN = Target(profile=quantised, on_loss="warn")


def quietly(network, target):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MappingWarning)
        return compile(network, target)


@settings(max_examples=40, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 2**20), n=st.integers(1, 90), sources=st.integers(0, 90), density=st.floats(0.01, 1.0),
       joined=st.sampled_from([1, 1, 1, 2, 3, 16]), delays=st.sampled_from(["short", "long", "mixed"]),
       spread=st.floats(0.0, 3.0))
def test_random_networks(make, seed, n, sources, density, joined, delays, spread):
    """Every synapse is on exactly the places that deliver to the right column, or listed as lost."""
    rng = np.random.default_rng(seed)

    def random_delay(m):
        return {"short": np.full(m, 0.2), "long": np.full(m, 2.0), "mixed": rng.choice([0.1, 0.3, 1.0, 2.5, 7.0], m)}[
            delays]

    parts, populations = [], (make.population("A", n), make.population("B", n // 2 + 1))
    sizes = {"A": n, "B": n // 2 + 1, "S": sources}
    for i, (pre, post) in enumerate([("A", "A"), ("A", "B"), ("B", "A"), ("S", "A"), ("S", "A"), ("S", "B")]):
        if sizes[pre] == 0:
            continue
        mask = rng.random((sizes[pre], sizes[post])) < density
        sign = -1 if i in (2, 4) else 1
        m = int(mask.sum())
        parts.append(make.projection(f"p{i}", pre, post, mask, sign * 0.3 * np.exp(spread * rng.standard_normal(m)),
                                     random_delay(m), "inhibitory" if sign < 0 else "excitatory"))
    network = make.Network(populations, (make.poisson("S", sources),) if sources else (), tuple(parts))
    mapped = quietly(network, Target(profile=quantised, on_loss="warn", circuits_per_neuron=joined))
    verify_mapped(mapped)


@settings(max_examples=40, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 2**20), n=st.integers(1, 90), sources=st.integers(1, 90), density=st.floats(0.01, 0.6),
       joined=st.sampled_from([1, 1, 2, 8, 16]), kinds=st.integers(1, 12))
def test_random_networks_with_short_term_plasticity(make, seed, n, sources, density, joined, kinds):
    """Direct and outside events, on one chip or several: no synapse on a driver of another mode, none lost silently."""
    rng = np.random.default_rng(seed)
    use, rec, facil = rng.uniform(0.1, 0.9, kinds), rng.uniform(20, 800, kinds), rng.uniform(0, 800, kinds)
    populations = (make.population("A", n), make.population("B", n // 2 + 1))
    sizes, parts = {"A": n, "B": n // 2 + 1, "S": sources}, []
    ends = [("A", "A"), ("A", "A"), ("B", "A"), ("A", "B"), ("S", "A"), ("S", "B"), ("S", "A")]
    for i, (pre, post) in enumerate(ends):
        mask = rng.random((sizes[pre], sizes[post])) < density
        m, sign = int(mask.sum()), -1 if i in (2, 4) else 1
        own = rng.integers(0, kinds, m) if i % 2 else np.full(m, rng.integers(kinds))
        values = {"U": use[own], "tau_rec": rec[own], "tau_facil": facil[own]}
        parts.append(make.projection(
            f"p{i}", pre, post, mask, sign * 0.3, rng.choice([0.2, 2.5], m), "inhibitory" if sign < 0 else "excitatory",
            "StaticSynapse" if i in (1, 6) else "TsodyksMarkramSynapse", **({} if i in (1, 6) else values)))
    network = make.Network(populations, (make.poisson("S", sources),), tuple(parts))
    mapped = quietly(network, WARN.replace(circuits_per_neuron=joined))
    verify_mapped(mapped)
    assert len(mapped.split.drivers) <= kinds
    placed = mapped.rounded.lost == Loss.NONE
    assert set(np.unique(mapped.scaled.mode[placed])) <= set(np.unique(mapped.routing.driver_mode))


def test_modes_share_the_drivers_of_an_output(make):
    """More modes than an output has drivers: some synapses find no place, and none a wrong one."""
    mapped = quietly(make.recurrent(40, 0.8), WARN)
    m = len(mapped.scaled.mode)
    for modes in (3, 40, 200):
        mode = np.random.default_rng(modes).integers(0, modes, m)
        scaled = mapped.scaled.replace(mode=mode)
        routing = route(mapped.network, scaled, mapped.expanded, mapped.placement, WARN)
        verify_routing(mapped.network, scaled, mapped.expanded, mapped.placement, routing)
        lost = np.mean(routing.lost != Loss.NONE)
        assert (lost == 0) if modes == 3 else (0 < lost < 1)


def test_one_neuron_takes_all_modes_that_have_drivers(make):
    """Eight modes of one source onto one neuron: eight drivers, one row each, nothing lost."""
    pairs = [(0, 1)] * 8
    for delay, way in ((0.2, Way.DIRECT), (2.0, Way.LOOP)):
        network = make.Network((make.population("A", 2),), (), (
            make.projection("p", "A", "A", pairs, 0.1, delay, model="TsodyksMarkramSynapse",
                            U=np.linspace(0.1, 0.9, 8), tau_rec=np.linspace(50, 900, 8)),))
        mapped = compile(network, WARN)
        verify_mapped(mapped)
        assert not mapped.rounded.lost.any()
        assert set(mapped.routing.way.tolist()) == {way}
        assert sorted(mapped.scaled.mode.tolist()) == list(range(1, 9))
        assert len(np.unique(mapped.routing.cell_row // 2)) == 8


def test_many_synapses_between_one_pair(make):
    pairs = [(0, 0)] * 5 + [(1, 0)] * 3
    network = make.Network((make.population("A", 3),), (make.poisson("S", 2),), (
        make.projection("AA", "A", "A", pairs, 0.1, 0.2), make.projection("SA", "S", "A", pairs, 0.2, 1.0),
        make.projection("IA", "S", "A", pairs, -0.2, 1.0, "inhibitory")))
    mapped = compile(network, WARN)
    verify_mapped(mapped)
    assert not mapped.rounded.lost.any()


def test_512_neurons_at_ten_percent_lose_nothing(make):
    mapped = compile(make.recurrent(512, 0.1), Target(profile=calibrated))
    verify_mapped(mapped)
    assert mapped.placement.chips == 1
    assert not mapped.rounded.lost.any()


def test_512_neurons_at_fifty_percent_report_their_loss(make):
    network = make.recurrent(512, 0.5, sources=0)
    with pytest.raises(MappingError, match=r"synapses have no place.*'EE': \d+ of \d+ \(no free row") as caught:
        compile(network, Target(max_chips=2))
    assert "circuits_per_neuron=2" in str(caught.value)
    with pytest.warns(MappingWarning, match="have no place"):
        mapped = compile(network, Target(on_loss="warn", max_chips=2))
    verify_mapped(mapped)
    share = np.mean(mapped.rounded.lost == Loss.ROWS)
    assert 0.0 < share < 0.2


def test_joined_circuits_cure_the_loss(make):
    mapped = quietly(make.recurrent(400, 0.6, sources=0), Target(on_loss="warn", circuits_per_neuron=1))
    assert (mapped.rounded.lost == Loss.ROWS).any()
    cured = quietly(make.recurrent(400, 0.6, sources=0), Target(circuits_per_neuron=2))
    verify_mapped(cured)
    assert not cured.rounded.lost.any()


def test_256_dense_sources_fill_the_rows_and_one_more_is_lost(make):
    def network(sources):
        return make.Network((make.population("A", 512),), (make.poisson("S", sources),), (
            make.projection("SA", "S", "A", np.ones((sources, 512), bool), 0.1, 1.0),))

    mapped = compile(network(256), Target(profile=quantised))
    verify_mapped(mapped)
    assert not mapped.rounded.lost.any()
    lossy = quietly(network(257), Target(profile=quantised, on_loss="warn", max_chips=2))
    verify_mapped(lossy)  # 257 inputs take two circuits each, hence two chips
    assert lossy.placement.chips == 2
    assert not lossy.rounded.lost.any()


def test_sparse_sources_share_rows_until_labels_run_out(make):
    """Sources with one target each share drivers; a driver has 64 labels, an array 128 drivers."""
    n = 2 * 128 * 64 // 512
    pairs = [(s, s % 512) for s in range(512 * n)]
    network = make.Network((make.population("A", 512),), (make.poisson("S", 512 * n),), (
        make.projection("SA", "S", "A", pairs, 0.1, 1.0),))
    mapped = compile(network, Target(profile=quantised))
    verify_mapped(mapped)
    assert not mapped.rounded.lost.any()


def test_one_driver_serves_both_signs_of_a_source(make):
    mask = np.ones((40, 256), bool)
    network = make.Network((make.population("A", 256),), (make.poisson("S", 40),), (
        make.projection("up", "S", "A", mask, 0.1, 1.0),
        make.projection("down", "S", "A", mask, -0.1, 1.0, "inhibitory")))
    mapped = compile(network, Target(profile=quantised))
    verify_mapped(mapped)
    assert len(mapped.routing.route_source) == 40 * 2  # one stream for each source and array


@pytest.mark.slow
def test_4000_neurons_at_two_percent_lose_nothing(make, capsys):
    network = make.recurrent(4000, 0.02, sources=20)
    start = time.perf_counter()
    mapped = compile(network, Target(profile=quantised))
    with capsys.disabled():
        print(f"\n  4000 neurons, {network.synapses} synapses, {mapped.placement.chips} chips: "
              f"{time.perf_counter() - start:.1f} s")
    assert not (mapped.rounded.lost == Loss.ROWS).any()
    assert not (mapped.rounded.lost == Loss.LABELS).any()
    verify_mapped(mapped)


@pytest.mark.parametrize(("asked", "way", "got"), [
    (0.1, Way.DIRECT, 0.2), (0.2, Way.DIRECT, 0.2), (0.5, Way.DIRECT, 0.2), (0.6, Way.LOOP, 0.904),
    (1.0, Way.LOOP, 1.0), (3.3, Way.LOOP, 3.296)])
def test_ways_on_one_chip(make, asked, way, got):
    network = make.Network((make.population("A", 2),), (), (make.projection("AA", "A", "A", [(0, 1)], 0.1, asked),))
    mapped = quietly(network, WARN)
    assert mapped.routing.way.tolist() == [way]
    assert mapped.routing.delay_us[0] == pytest.approx(got, abs=1e-9)


def test_ways_between_chips_and_from_outside(make):
    network = make.Network((make.population("A", 600),), (make.poisson("S", 1),), (
        make.projection("AA", "A", "A", [(0, 599), (0, 598), (599, 0)], 0.1, np.array([0.2, 5.0, 1.5])),
        make.projection("SA", "S", "A", [(0, 0), (0, 599)], 0.1, 0.1),
        make.projection("chain", "A", "A", [(i, i + 1) for i in range(599)], 0.1, 2.0)))
    mapped = quietly(network, WARN)
    verify_mapped(mapped)
    assert mapped.placement.chips == 2
    assert mapped.routing.way[:5].tolist() == [Way.BETWEEN] * 3 + [Way.EXTERNAL] * 2
    np.testing.assert_allclose(mapped.routing.delay_us[:5], [1.304, 5.0, 1.504, 0.104, 0.104])


def test_too_many_delays_of_one_source_are_binned(make):
    delays = np.linspace(1.0, 21.0, 100)
    network = make.Network((make.population("A", 100),), (make.poisson("S", 1),), (
        make.projection("SA", "S", "A", [(0, i) for i in range(100)], 0.1, delays),))
    with pytest.warns(MappingWarning, match="no route has a delay of"):
        mapped = compile(network, WARN)
    verify_mapped(mapped)
    assert len(np.unique(mapped.routing.delay_us)) == 16
    assert np.abs(mapped.routing.delay_us - delays).max() <= 0.5 * 20.0 / 16 + 2 * limits.TIME_STAMP_US


def test_delays_are_exact_without_limits(make):
    from pynn_brainscales.emulator.profile import ideal

    network = make.Network((make.population("A", 2),), (), (
        make.projection("AA", "A", "A", [(0, 1), (1, 0)], 0.1, np.array([0.1, 12.3])),))
    mapped = compile(network, Target(profile=ideal))
    np.testing.assert_allclose(mapped.routing.delay_us, [0.1, 12.3])
    assert mapped.config.synapses.delay_steps.tolist() == [1, 123]
