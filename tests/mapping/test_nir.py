"""NIR graphs: the equations of NIR against what the emulator makes of them, the linear nodes, the way back, files."""

import sys

import numpy as np
import pytest
from pynn_brainscales.emulator.profile import ideal, quantised
from pynn_brainscales.emulator.run import run
from pynn_brainscales.mapping.compile import compile
from pynn_brainscales.mapping.errors import MappingError, MappingWarning
from pynn_brainscales.mapping.network import Network
from pynn_brainscales.mapping.nir_graph import from_nir, to_nir
from pynn_brainscales.mapping.nir_linear import linear_map
from pynn_brainscales.mapping.readback import signals, spikes
from pynn_brainscales.mapping.stimuli import initial_state, stimulus
from pynn_brainscales.mapping.target import Target
from pynn_brainscales.mapping.verify import verify_mapped
from scipy.linalg import expm
from scipy.signal import correlate

nir = pytest.importorskip("nir")
IDEAL, CHIP = Target(profile=ideal), Target(profile=quantised)
DT = 1e-4  # s
DURATION = 200.0  # ms


# --- NIR by its equations ----------------------------------------------------------------------------------


def simulate(graph, spikes, steps):
    """Spikes and potentials of graphs of Input, Linear, Affine, Delay and neuron nodes, in NIR's units.

    Exact between grid points; a spike of step k, and an input at k DT, arrives one step later, or after its delay.
    """
    cells = {k: n for k, n in graph.nodes.items() if hasattr(n, "v_leak")}
    state = {k: np.stack([np.array(n.v_leak, float), np.zeros(n.v_leak.shape)]) for k, n in cells.items()}
    kept = {k: np.array([propagator(n, i) for i in range(n.v_leak.size)]) for k, n in cells.items()}
    impulses = {k: np.zeros((steps + 1000, n.v_leak.size)) for k, n in cells.items()}
    constant = {k: np.zeros(n.v_leak.size) for k, n in cells.items()}
    for name, node in graph.nodes.items():
        if isinstance(node, nir.Affine):
            for a, b in graph.edges:
                if a == name:
                    constant[b] += node.bias
    fired, trace = {k: [] for k in cells}, {k: [] for k in cells}

    def send(name, values, step, delay=0):
        for a, b in graph.edges:
            node = graph.nodes[b]
            if a != name or isinstance(node, nir.Output):
                continue
            if isinstance(node, nir.Delay):
                for i in np.flatnonzero(values):
                    send(b, np.eye(len(values))[i] * values[i], step, delay + round(node.delay[i] / DT))
            elif b in cells:
                impulses[b][step + max(1, delay)] += values
            else:
                send(b, node.weight @ values, step, delay)

    for k in range(steps + 1):
        for name, (times, index) in spikes.items():
            here = np.flatnonzero(np.round(times * 1e-3 / DT) == k)
            if len(here):
                size = graph.nodes[name].input_type["input"][0]
                send(name, np.bincount(index[here], minlength=size).astype(float), k)
        for name, node in cells.items():
            v, current = state[name]
            if k:
                for i in range(v.size):
                    drive = [node.v_leak[i], constant[name][i]]
                    v[i], current[i] = (kept[name][i] @ [v[i], current[i], *drive])[:2]
            jump = impulses[name][k]
            if hasattr(node, "tau_mem"):
                current += node.w_in * jump / node.tau_syn
            else:
                v += node.r * jump / node.tau
            trace[name].append(v.copy())
            if hasattr(node, "v_threshold"):
                over = v > node.v_threshold
                v[over] = node.v_reset[over]
                fired[name] += [(k, i) for i in np.flatnonzero(over)]
                if over.any():
                    send(name, over.astype(float), k)
    return {k: np.array(sorted(v)).reshape(-1, 2) for k, v in fired.items()}, {k: np.array(v) for k, v in trace.items()}


def propagator(n, i):
    """Over one step, of (v, I, v_leak, b)."""
    if hasattr(n, "tau_mem"):
        a = [[-1 / n.tau_mem[i], n.r[i] / n.tau_mem[i], 1 / n.tau_mem[i], 0],
             [0, -1 / n.tau_syn[i], 0, n.w_in[i] / n.tau_syn[i]]]
    else:
        a = [[-1 / n.tau[i], 0, 1 / n.tau[i], n.r[i] / n.tau[i]], [0] * 4]
    return expm(np.array([*a, [0] * 4, [0] * 4]) * DT)


def emulate(network, target=IDEAL):
    """Spikes of all populations as sorted (step, index), and the samples of the probes."""
    mapped = compile(network, target)
    verify_mapped(mapped)
    recording, _ = run(mapped.config, stimulus(mapped), DURATION, initial_state(mapped))
    found = {p.label: spikes(mapped, recording)[p.label] for p in network.populations}
    return ({k: np.array(sorted(zip(np.round(t / 0.1).astype(int), i, strict=True))).reshape(-1, 2)
             for k, (i, t) in found.items()}, {s.population: s.values for s in signals(mapped, recording)})


# --- graphs ------------------------------------------------------------------------------------------------


def lif(n, rng=None, cuba=False, spiking=True, r=None):
    """A neuron node whose parameters all differ."""
    rng = np.random.default_rng(3) if rng is None else rng
    values = {"r": rng.uniform(0.5, 2.0, n), "v_leak": rng.uniform(-0.2, 0.2, n)}
    tau = rng.uniform(0.01, 0.03, n)
    values |= {"tau_mem": tau, "tau_syn": rng.uniform(0.002, 0.008, n), "w_in": rng.uniform(0.5, 2.0, n)} if cuba else {
        "tau": tau}
    if spiking:
        values |= {"v_threshold": rng.uniform(0.8, 1.2, n), "v_reset": rng.uniform(-0.4, 0.1, n)}
    return getattr(nir, ("Cuba" if cuba else "") + ("LIF" if spiking else "LI"))(**values)


def given_spikes(n, seed=4, per_cell=30):
    rng = np.random.default_rng(seed)
    return np.sort(np.round(rng.uniform(1, DURATION - 20, n * per_cell), 1)), rng.integers(0, n, n * per_cell)


def layered(cuba, recurrent=False, seed=1):
    """Input -> Linear -> neurons -> Delay -> Affine -> neurons, with a way back on request."""
    rng = np.random.default_rng(seed)
    nodes = {"in": nir.Input(input_type=np.array([8])), "w1": nir.Linear(rng.normal(0.006, 0.012, (6, 8))),
             "a": lif(6, rng, cuba), "late": nir.Delay(rng.integers(1, 60, 6) * DT),
             "w2": nir.Affine(rng.normal(0.004, 0.01, (5, 6)), rng.uniform(-0.2, 0.5, 5)), "b": lif(5, rng, cuba),
             "out": nir.Output(output_type=np.array([5]))}
    edges = [("in", "w1"), ("w1", "a"), ("a", "late"), ("late", "w2"), ("w2", "b"), ("b", "out")]
    if recurrent:
        nodes |= {"loop": nir.Linear(rng.normal(0.0, 0.008, (6, 6))), "back": nir.Linear(rng.normal(0, 0.008, (6, 5)))}
        edges += [("a", "loop"), ("loop", "a"), ("b", "back"), ("back", "a")]
    return nir.NIRGraph(nodes, edges)


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("cuba", [False, True])
def test_spikes_follow_the_equations(cuba, recurrent):
    graph = layered(cuba, recurrent)
    given = {"in": given_spikes(8)}
    expected, _ = simulate(graph, given, int(DURATION / 0.1))
    found, _ = emulate(from_nir(graph, spikes=given))
    for label in ("a", "b"):
        assert len(expected[label]) > 20
        assert np.array_equal(found[label], expected[label])


@pytest.mark.parametrize("options", [{"mv_per_unit": 3.0, "v_rest_mv": 0.0}, {"cm": 0.2}])
def test_units_have_no_influence(options):
    graph, given = layered(True, True), {"in": given_spikes(8)}
    plain, _ = emulate(from_nir(graph, spikes=given))
    other, _ = emulate(from_nir(graph, spikes=given, **options))
    assert all(np.array_equal(plain[k], other[k]) for k in plain)


def test_unit_of_time():
    """A graph in milliseconds: time constants and weights a thousand times larger."""
    graph = layered(True, True)
    given = {"in": given_spikes(8)}
    plain, _ = emulate(from_nir(graph, spikes=given))
    for node in graph.nodes.values():
        for name in ("tau_mem", "tau_syn", "delay", "weight"):
            if hasattr(node, name):
                setattr(node, name, getattr(node, name) * 1e3)
    other, _ = emulate(from_nir(graph, spikes=given, time_unit=1.0))
    assert all(np.array_equal(plain[k], other[k]) for k in plain)
    for node in graph.nodes.values():
        if hasattr(node, "weight"):
            node.weight = node.weight / 0.1
    area, _ = emulate(from_nir(graph, spikes=given, time_unit=1.0, spike_area=0.1))
    assert all(np.array_equal(plain[k], area[k]) for k in plain)


@pytest.mark.parametrize("cuba", [False, True])
def test_potentials_of_leaky_integrators(cuba):
    rng = np.random.default_rng(5)
    graph = nir.NIRGraph.from_list(nir.Affine(rng.normal(0.0, 0.004, (4, 3)), rng.normal(0, 0.3, 4)),
                                   lif(4, rng, cuba, spiking=False))
    given = {"input": given_spikes(3)}
    name = "cubali" if cuba else "li"
    _, expected = simulate(graph, given, int(DURATION / 0.1))
    with pytest.warns(MappingWarning, match=f"{name!r}: neurons that don't spike .* 10 above v_leak"):
        network = from_nir(graph, spikes=given)
    found, v = emulate(network)
    np.testing.assert_allclose(v[name], -65 + 15 * expected[name], rtol=0, atol=1e-9)
    assert np.ptp(expected[name], axis=0).min() > 0.1
    assert len(found[name]) == 0
    with pytest.warns(MappingWarning, match=r"0.01 above"):
        low = from_nir(graph, spikes=given, li_range=0.01)
    assert len(emulate(low)[0][name]) > 0


@pytest.mark.filterwarnings("ignore:'li'")
def test_dirac_impulses_as_short_currents():
    """The charge is the same: potentials differ by what a synapse takes to deliver it."""
    rng = np.random.default_rng(5)
    graph = nir.NIRGraph.from_list(nir.Affine(rng.normal(0.0, 0.002, (4, 3)), rng.normal(0, 0.3, 4)),
                                   lif(4, rng, spiking=False))
    given = {"input": (np.array([20.0, 50.0, 80.0]), np.array([0, 1, 2]))}
    exact = emulate(from_nir(graph, spikes=given))[1]["li"]
    later = np.setdiff1d(np.arange(len(exact)), np.concatenate([t * 10 + np.arange(40) for t in (20, 50, 80)]))
    errors = []
    for tau_syn in (0.4, 0.2):
        network = from_nir(graph, spikes=given, tau_syn=tau_syn)
        assert network.populations[0].model == "IF_curr_exp"
        errors.append(np.abs(emulate(network)[1]["li"] - exact)[later.astype(int)].max())
    assert errors[0] < 0.05 * np.ptp(exact)
    assert errors[1] < 0.6 * errors[0]


@pytest.mark.filterwarnings("ignore::pynn_brainscales.mapping.errors.MappingWarning")
def test_dirac_impulses_on_the_chip():
    given = {"in": given_spikes(8)}
    network = from_nir(layered(False), spikes=given, tau_syn=2.0)
    found, _ = emulate(network, CHIP)
    expected, _ = emulate(network)
    assert len(expected["a"]) > 20
    assert abs(len(found["a"]) / len(expected["a"]) - 1) < 0.1


# --- linear nodes ------------------------------------------------------------------------------------------


def matrix(node, shape):
    """The map of a node as a matrix, its constant, and the shape of its output."""
    found = linear_map(node, shape, "node")
    w = found.wires
    assert not w.delay.any()
    dense = np.zeros((len(found.bias), int(np.prod(shape))))
    np.add.at(dense, (w.post, w.pre), w.weight)
    return dense, found.bias, found.shape


def convolved(x, node, dims):
    """The definition, by scipy's correlation of each pair of channels on the padded input."""
    kernel = node.weight.shape[2:]
    stride, dilation = (np.broadcast_to(v, dims) for v in (node.stride, node.dilation))
    if node.padding == "same":
        whole = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        padding = [(w // 2, w - w // 2) for w in whole]
    else:
        padding = [(p, p) for p in np.broadcast_to(0 if node.padding == "valid" else node.padding, dims)]
    x = np.pad(x, [(0, 0), *padding])
    wide = np.zeros(node.weight.shape[:2] + tuple(d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)))
    wide[(slice(None), slice(None), *(slice(None, None, d) for d in dilation))] = node.weight
    size, inputs = len(wide) // node.groups, wide.shape[1]
    result = [sum(correlate(x[o // size * inputs + c], wide[o, c], "valid", "direct") for c in range(inputs))
              + node.bias[o] for o in range(len(wide))]
    return np.stack(result)[(slice(None), *(slice(None, None, s) for s in stride))]


@pytest.mark.parametrize(("padding", "stride", "dilation", "groups"), [
    (0, 1, 1, 1), (2, 3, 1, 1), ("same", 1, 2, 1), ("valid", 2, 1, 2), (1, 1, 2, 2), (3, 2, 2, 4)])
def test_convolutions(padding, stride, dilation, groups):
    rng = np.random.default_rng(6)
    one = nir.Conv1d(None, rng.normal(size=(8, 4 // groups, 3)), stride, padding, dilation, groups, rng.normal(size=8))
    two = nir.Conv2d(None, rng.normal(size=(8, 4 // groups, 3, 2)), stride, padding, (dilation, 1), groups,
                     rng.normal(size=8))
    for node, shape in ((one, (4, 11)), (two, (4, 9, 7))):
        x = rng.normal(size=shape)
        w, bias, out = matrix(node, shape)
        expected = convolved(x, node, len(shape) - 1)
        assert out == expected.shape
        np.testing.assert_allclose(w @ x.reshape(-1) + bias, expected.reshape(-1), atol=1e-12)


def test_convolution_of_flat_input():
    node = nir.Conv2d((3, 4), np.ones((1, 2, 2, 2)), 1, 0, 1, 1, np.zeros(1))
    assert np.array_equal(matrix(node, (24,))[0], matrix(node, (2, 3, 4))[0])


@pytest.mark.parametrize(("kernel", "stride", "padding"), [((2, 2), (2, 2), (0, 0)), ((3, 2), (1, 2), (1, 0))])
def test_pooling(kernel, stride, padding):
    rng = np.random.default_rng(7)
    x = rng.normal(size=(3, 6, 8))
    padded = np.pad(x, [(0, 0), *((p, p) for p in padding)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=(1, 2))[:, ::stride[0], ::stride[1]]
    for node, expected in ((nir.SumPool2d, windows.sum(axis=(-2, -1))), (nir.AvgPool2d, windows.mean(axis=(-2, -1)))):
        w, _, out = matrix(node(*map(np.array, (kernel, stride, padding))), x.shape)
        assert out == expected.shape
        np.testing.assert_allclose(w @ x.reshape(-1), expected.reshape(-1), atol=1e-12)


def test_other_linear_nodes():
    rng = np.random.default_rng(8)
    weight, x = rng.normal(size=(3, 4, 5)), rng.normal(size=(3, 5))
    w, bias, out = matrix(nir.Affine(weight, np.arange(4.0)), (3, 5))
    expected = np.einsum("boi,bi->bo", weight, x) + np.arange(4)
    np.testing.assert_allclose((w @ x.reshape(-1) + bias).reshape(out), expected)
    scale = rng.normal(size=(2, 3))
    assert np.array_equal(matrix(nir.Scale(scale), (2, 3))[0], np.diag(scale.reshape(-1)))
    for start, end, shape in ((0, -1, (24,)), (1, -1, (2, 12)), (0, 1, (6, 4)), (1, 1, (2, 3, 4))):
        w, _, out = matrix(nir.Flatten({"input": np.array([2, 3, 4])}, start, end), (2, 3, 4))
        assert out == shape
        assert np.array_equal(w, np.eye(24))


def test_chains_are_composed():
    rng = np.random.default_rng(9)
    conv = nir.Conv2d((6, 6), rng.normal(size=(3, 1, 3, 3)), 1, "same", 1, 1, rng.normal(size=3))
    pool, scale = nir.AvgPool2d(*map(np.array, ((2, 2), (2, 2), (0, 0)))), nir.Scale(rng.normal(size=(3, 3, 3)))
    dense = nir.Affine(rng.normal(size=(4, 27)), rng.normal(size=4))
    cell = lif(4, rng)
    network = from_nir(nir.NIRGraph.from_list(
        nir.Input(input_type=np.array([1, 6, 6])), conv, pool, scale,
        nir.Flatten({"input": np.array([3, 3, 3])}, 0, -1), dense, cell))
    first, bias, shape = matrix(conv, (1, 6, 6))
    for node in (pool, scale, dense):
        step, own, shape = matrix(node, shape if node is not dense else (27,))
        first, bias = step @ first, step @ bias + own
    found = np.zeros((4, 36))
    for p in network.projections:
        assert np.all((p.weight < 0) == (p.receptor == "inhibitory"))
        np.add.at(found, (p.post_index, p.pre_index), p.weight)
    np.testing.assert_allclose(found, first * (15.0 * cell.r / cell.tau)[:, None], rtol=1e-10)
    cells = network.population("lif").parameters
    np.testing.assert_allclose(cells["i_offset"], cells["cm"] / cells["tau_m"] * 15.0 * cell.r * bias, rtol=1e-10)


def test_two_ways_with_different_delays():
    nodes = {"in": nir.Input(input_type=np.array([2])), "w": nir.Linear(np.array([[1.0, 2.0]])),
             "slow": nir.Delay(np.array([0.003, 0.004])), "x": nir.Linear(np.array([[-1.0, 0.0]])), "a": lif(1),
             "out": nir.Output(output_type=np.array([1]))}
    edges = [("in", "w"), ("w", "a"), ("in", "slow"), ("slow", "x"), ("x", "a"), ("slow", "w"), ("a", "out")]
    network = from_nir(nir.NIRGraph(nodes, edges))
    exc, = network.projections  # behind the delay, 1 - 1 = 0 is left of the first input
    assert exc.pre_index.tolist() == [0, 1, 1]
    np.testing.assert_allclose(exc.delay, [0.1, 0.1, 4.0])
    np.testing.assert_allclose(exc.weight / exc.weight[0], [1, 2, 2])


# --- structure ---------------------------------------------------------------------------------------------


def test_subgraphs_are_flattened():
    """The usual form of a recurrent layer: a graph of its own, with a way from the neurons to themselves."""
    rng = np.random.default_rng(2)
    cell, w_in, w_rec = lif(6, rng, True), rng.normal(0.006, 0.012, (6, 8)), rng.normal(0, 0.01, (6, 6))
    inner = nir.NIRGraph(
        {"input": nir.Input(input_type=np.array([6])), "lif": cell, "rec": nir.Linear(w_rec),
         "output": nir.Output(output_type=np.array([6]))},
        [("input", "lif"), ("lif", "rec"), ("rec", "lif"), ("lif", "output")])
    nested = nir.NIRGraph(
        {"in": nir.Input(input_type=np.array([8])), "w": nir.Linear(w_in), "layer": inner,
         "out": nir.Output(output_type=np.array([6]))}, [("in", "w"), ("w", "layer"), ("layer", "out")])
    flat = nir.NIRGraph(
        {"in": nir.Input(input_type=np.array([8])), "w": nir.Linear(w_in), "lif": cell, "rec": nir.Linear(w_rec),
         "out": nir.Output(output_type=np.array([6]))},
        [("in", "w"), ("w", "lif"), ("lif", "rec"), ("rec", "lif"), ("lif", "out")])
    given = {"in": given_spikes(8)}
    network = from_nir(nested, spikes=given)
    assert [p.label for p in network.parts] == ["layer.lif", "in"]
    found, _ = emulate(network)
    expected, _ = simulate(flat, given, int(DURATION / 0.1))
    assert len(expected["lif"]) > 20
    assert np.array_equal(found["layer.lif"], expected["lif"])


def test_inputs_and_shapes():
    graph = nir.NIRGraph.from_list(nir.Input(input_type=np.array([2, 3])), nir.Scale(np.full((2, 3), 0.1)),
                                   nir.LIF(*(np.full((2, 3), x) for x in (0.02, 1.0, 0.0, 1.0))))
    network = from_nir(graph, dt=0.5, spikes={"input": ([3.0, 1.0], [5, 0])})
    assert isinstance(network, Network)
    assert (network.timestep, network.min_delay) == (0.5, 0.5)
    source, cells = network.sources[0], network.populations[0]
    assert (source.label, source.size, cells.label, cells.size) == ("input", 6, "lif", 6)
    assert source.parameters["spike_index"].tolist() == [5, 0]
    projection, = network.projections
    assert np.array_equal(projection.pre_index, projection.post_index)
    np.testing.assert_allclose(projection.weight, 15 * 0.1 / 0.02)
    np.testing.assert_allclose(projection.delay, 0.5)
    assert cells.parameters["tau_refrac"].tolist() == [0.0] * 6
    np.testing.assert_allclose(cells.parameters["v_thresh"], -50.0)


def chain_of(*nodes):
    return nir.NIRGraph.from_list(nir.Input(input_type=np.array([2])), *nodes)


ONE = nir.Linear(np.ones((2, 2)))
REFUSED = [
    (lambda: chain_of(nir.IF(np.ones(2), np.ones(2))), r"node 'if': a IF node; available: LIF, CubaLIF.*long tau"),
    (lambda: chain_of(nir.Threshold(np.ones(2)), ONE, lif(2)), r"'threshold': a Threshold node; .*use LIF or CubaLIF"),
    (lambda: chain_of(lif(2, spiking=False), ONE, lif(2)), r"'lif': the potential of 'li' as an input; av.*: spikes"),
    (lambda: chain_of(lif(2), ONE), r"'output': weighted signals as an output; .*put an LI or a LIF"),
    (lambda: chain_of(ONE, lif(2), nir.Delay(np.ones(2))), r"'output': weighted signals as an output"),
    (lambda: chain_of(nir.Delay(np.array([-1.0, 1.0])), lif(2)), r"'delay': a delay of -1; available: delays >= 0"),
    (lambda: chain_of(nir.LIF(*(np.array([x, x]) for x in (0.0, 1.0, 0.0, 1.0)))), r"'lif': tau=0; available: tau > 0")]


@pytest.mark.parametrize(("build", "sentence"), REFUSED)
def test_refused_nodes(build, sentence):
    with pytest.raises(MappingError, match=sentence):
        from_nir(build())


def unchecked(nodes, edges):
    return nir.NIRGraph(nodes, edges, type_check=False)


def test_refused_structures():
    start = {"in": nir.Input(input_type=np.array([2])), "a": lif(2)}
    loop = unchecked(start | {"x": ONE, "y": ONE}, [("in", "x"), ("x", "y"), ("y", "x"), ("y", "a")])
    with pytest.raises(MappingError, match=r"a loop without a neuron: y -> x -> y"):
        from_nir(loop)
    with pytest.raises(MappingError, match=r"node 'x': a node that leads nowhere"):
        from_nir(unchecked(start | {"x": ONE}, [("in", "a"), ("a", "x")]))
    with pytest.raises(MappingError, match=r"node 'b': an input of shape \(2,\); available: an input of shape \(3,\)"):
        from_nir(unchecked(start | {"b": lif(3)}, [("in", "a"), ("a", "b")]))
    with pytest.raises(MappingError, match=r"weights of shape \(2, 3\) for an input of shape \(2,\); av.*: 3 inputs"):
        from_nir(unchecked(start | {"x": nir.Linear(np.ones((2, 3)))}, [("in", "x"), ("x", "a")]))
    with pytest.raises(MappingError, match=r"an edge with the node 'b'"):
        from_nir(unchecked(start, [("in", "b")]))
    two = unchecked({"i": start["in"], "j": start["in"], "a": lif(2)}, [("i", "a"), ("j", "a")])
    with pytest.raises(MappingError, match=r"subgraph 's': an edge to a subgraph with 2 Input nodes"):
        from_nir(unchecked(start | {"s": two}, [("in", "s")]))
    with pytest.raises(MappingError, match=r"spikes of 'x'; available: Input nodes 'in'"):
        from_nir(unchecked(start, [("in", "a")]), spikes={"x": ([], [])})
    for options, sentence in (({"dt": 0.0}, "dt=0; available: dt > 0"), ({"mv_per_unit": -1.0}, "mv_per_unit=-1; av")):
        with pytest.raises(MappingError, match=sentence):
            from_nir(unchecked(start, [("in", "a")]), **options)
    with pytest.raises(MappingError, match=r"a dict; available: a nir.NIRGraph"):
        from_nir({})


def test_short_delays_become_a_timestep():
    with pytest.warns(MappingWarning, match=r"'input' to 'lif': delays from 0.02 ms become one timestep, 0.1 ms"):
        network = from_nir(chain_of(nir.Delay(np.array([2e-5, 3e-4])), lif(2)))
    np.testing.assert_allclose(network.projections[0].delay, [0.1, 0.3])


def test_the_package_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, "nir", None)
    for call in (from_nir, to_nir):
        with pytest.raises(ImportError, match=r'pip install "pynn-brainscales\[nir\]"'):
            call(None)


# --- the way back ------------------------------------------------------------------------------------------


def sorted_synapses(network):
    """(pre, post, index, index, delay) -> weight, zero ones left out."""
    found = {}
    for p in network.projections:
        for i, j, w, d in zip(p.pre_index, p.post_index, p.weight, p.delay, strict=True):
            key = (p.pre, p.post, int(i), int(j), round(float(d), 6))
            found[key] = found.get(key, 0.0) + w
    return {k: w for k, w in sorted(found.items()) if w}


def assert_same(a, b):
    assert {p.label for p in a.parts} == {p.label for p in b.parts}
    for p in a.populations:
        q = b.population(p.label)
        assert p.model == q.model
        for name, values in (*p.parameters.items(), *p.initial.items()):
            other = q.parameters[name] if name in q.parameters else q.initial[name]
            np.testing.assert_allclose(other, values, rtol=1e-9, atol=1e-9, err_msg=f"{p.label} {name}")
    one, two = sorted_synapses(a), sorted_synapses(b)
    assert list(one) == list(two)
    np.testing.assert_allclose(list(two.values()), list(one.values()), rtol=1e-9)


@pytest.mark.parametrize("options", [{}, {"time_unit": 1.0, "mv_per_unit": 4.0, "v_rest_mv": 0.0, "spike_area": 0.1}])
@pytest.mark.parametrize("cuba", [False, True])
def test_there_and_back(cuba, options):
    graph, given = layered(cuba, True), {"in": given_spikes(8)}
    network = from_nir(graph, spikes=given)
    again = from_nir(to_nir(network, **options), spikes=given, **options)
    if not options:
        assert_same(network, again)
    one, two = emulate(network)[0], emulate(again)[0]
    assert all(np.array_equal(one[k], two[k]) for k in one)
    assert len(one["a"]) > 20


def test_files(tmp_path):
    graph = layered(True, True)
    path = tmp_path / "graph.nir"
    nir.write(path, graph)
    network = from_nir(path)
    assert_same(network, from_nir(graph))
    nir.write(path, to_nir(network))
    assert_same(network, from_nir(str(path)))
    conv = nir.NIRGraph.from_list(
        nir.Input(input_type=np.array([1, 6, 6])),
        nir.Conv2d((6, 6), np.ones((2, 1, 3, 3)), 1, "same", 1, 1, np.zeros(2)),
        nir.SumPool2d(*map(np.array, ((2, 2), (2, 2), (0, 0)))), nir.Flatten({"input": np.array([2, 3, 3])}, 0),
        lif(18))
    nir.write(path, conv)
    assert_same(from_nir(nir.read(path)), from_nir(conv))


@pytest.mark.parametrize("delays", ["one step", "by source", "by target", "by synapse"])
def test_delays_of_a_network(make, delays):
    i, j = (a.reshape(-1) for a in np.indices((4, 3)))
    delay = {"one step": 0.1, "by source": 0.1 + 0.3 * i, "by target": 0.4 + 0.1 * j, "by synapse": 0.1 + 0.2 * (i + j)}
    exc = make.projection("e", "S", "A", np.stack([i, j], axis=1), 0.1 + 0.01 * i, delay[delays])
    inh = make.projection("i", "A", "A", [(0, 1), (1, 0), (2, 2)], -0.3, 1.5, "inhibitory")
    network = make.Network((make.population("A", 3, tau_refrac=0.0),), (make.spike_array("S", 4, [], []),), (exc, inh))
    graph = to_nir(network)
    kinds = [type(n).__name__ for n in graph.nodes.values()]
    assert kinds.count("Linear") == {"by synapse": 6}.get(delays, 1) + 1
    assert kinds.count("Delay") == {"one step": 0, "by synapse": 5}.get(delays, 1) + 1
    assert_same(network, from_nir(graph, cm=1.0))


def test_offset_currents_without_synapses(make):
    network = make.Network((make.population("A", 2, tau_refrac=0.0, i_offset=np.array([0.5, 0.9])),), (), ())
    again = from_nir(to_nir(network))
    np.testing.assert_allclose(again.population("A").parameters["i_offset"], [0.5, 0.9])
    assert again.sources[0].size == 1
    assert not again.projections


def test_what_nir_cannot_say(make):
    synapse = make.projection("p", "S", "A", [(0, 0), (1, 1)], 0.1, 1.0)
    inhibition = make.projection("q", "S", "A", [(0, 0)], -0.1, 1.0, "inhibitory")
    sources = (make.spike_array("S", 2, [], []),)

    def refused(sentence, projections=(synapse,), **values):
        model = values.pop("model", "IF_curr_exp")
        cells = make.population("A", 2, model, **{"tau_refrac": 0.0} | values)
        with pytest.raises(MappingError, match=sentence):
            to_nir(make.Network((cells,), sources, projections))

    refused(r"cell model 'IF_cond_exp' as a NIR node; available: IF_curr_exp, IF_curr_delta", model="IF_cond_exp")
    refused(r"tau_refrac=2 ms as a NIR node; .*on_loss='warn'", tau_refrac=2.0)
    refused(r"'A', neuron 0: tau_syn_E=5 and tau_syn_I=3 ms, both in use", (synapse, inhibition), tau_syn_I=3.0)
    different = make.Network((make.population("A", 2, tau_refrac=0.0, tau_syn_I=3.0),), sources, (synapse,))
    np.testing.assert_allclose(to_nir(different).nodes["A"].tau_syn, 0.005)
    with pytest.warns(MappingWarning, match=r"tau_refrac=2 ms is left out"):
        to_nir(make.Network((make.population("A", 2),), sources, (synapse,)), on_loss="warn")
    with pytest.raises(MappingError, match=r"on_loss='ignore'"):
        to_nir(different, on_loss="ignore")
    many = make.spike_array("S", 5000, [], [])
    wide = make.Network((make.population("A", 5000, tau_refrac=0.0),), (many,), (synapse,))
    with pytest.raises(MappingError, match=r"25000000 elements of weight matrices"):
        to_nir(wide)
    lonely = make.Network((make.population("A", 2, tau_refrac=0.0),), (), (make.projection(
        "p", "A", "A", [(0, 1), (1, 0)], 0.1, 1.0),))
    with pytest.raises(MappingError, match=r"a graph that the package nir refuses; .*add a spike source"):
        to_nir(lonely)
