"""What a group must be like: the error names the field and the index."""

import numpy as np
import pytest
from pynn_brainscales.emulator.beside.config import MODELS, CellGroup, Receptor, verify_group


def changed(beside, model="LIF", n=3, **values):
    g = beside.group(model, n)
    return g.replace(parameters={**g.parameters, **{k: np.asarray(v, float) for k, v in values.items()}})


@pytest.mark.parametrize(("model", "values", "message"), [
    ("LIF", {"tau_m": [1.0, 0.0, 1.0]}, r"parameters\.tau_m must be > 0; at index 1 it is 0\.0"),
    ("LIF", {"cm": [1.0, 1.0, -1.0]}, r"parameters\.cm must be > 0; at index 2 it is -1\.0"),
    ("LIF", {"v_rest": [np.nan, 1.0, 1.0]}, r"parameters\.v_rest must be finite; at index 0"),
    ("LIF", {"tau_refrac": [0.0, -0.1, 0.0]}, r"parameters\.tau_refrac must be >= 0; at index 1"),
    ("LIF", {"v_reset": [1.0, 2.0]}, r"parameters\.v_reset has shape \(2,\), expected \(3,\)"),
    ("AdExp", {"delta_T": [-1.0, 0.0, 0.0]}, r"parameters\.delta_T must be >= 0; at index 0"),
    ("AdExp", {"tau_w": [1.0, np.inf, 1.0]}, r"parameters\.tau_w must be finite; at index 1"),
    ("GsfaGrr", {"tau_rr": [0.0, 1.0, 1.0]}, r"parameters\.tau_rr must be > 0"),
    ("HH", {"gbar_K": [1.0, 1.0, -2.0]}, r"parameters\.gbar_K must be >= 0; at index 2"),
    ("GIF", {"delta_v": [0.0, 1.0, 1.0]}, r"parameters\.delta_v must be > 0"),
    ("GIF", {"tau_eta": [[1.0, 2.0]] * 2}, r"parameters\.tau_eta has shape \(2, 2\), expected \(3, k\)"),
    ("GIF", {"tau_eta": [[1.0, 2.0], [1.0, 0.0], [1.0, 2.0]], "a_eta": np.ones((3, 2))},
     r"parameters\.tau_eta must be > 0; at index \(1, 1\) it is 0\.0"),
    ("GIF", {"a_gamma": np.ones((3, 4))}, r"tau_gamma has shape \(3, 2\) and parameters\.a_gamma \(3, 4\)"),
    ("LIF", {"tau_w": [1.0, 1.0, 1.0]}, r"parameters has tau_w, which the model does not know; it has cm"),
])
def test_parameters(beside, model, values, message):
    with pytest.raises(ValueError, match=message):
        verify_group(changed(beside, model, **values))


def test_missing_parameter(beside):
    g = beside.group("LIF")
    with pytest.raises(ValueError, match="parameters lacks cm; there must be cm, tau_m"):
        verify_group(g.replace(parameters={k: v for k, v in g.parameters.items() if k != "cm"}))


@pytest.mark.parametrize(("changes", "message"), [
    ({"model": "Loebel"}, "no model 'Loebel' beside the chip; choose one of LIF, AdExp"),
    ({"size": -1}, "size must be"), ({"key": -1}, "key names a random stream")])
def test_group(beside, changes, message):
    with pytest.raises(ValueError, match=message):
        verify_group(beside.group("LIF").replace(**changes))


ONE = np.ones(1)


@pytest.mark.parametrize(("receptor", "message"), [
    (Receptor("gamma", False, {}), r"receptors\[1\]\.shape is 'gamma'; choose one of exp, alpha, beta, delta"),
    (Receptor("delta", True, {"e_syn": ONE}), r"receptors\[1\]: a delta receptor moves the membrane itself"),
    (Receptor("exp", True, {"tau_syn": ONE}), r"receptors\[1\]\.parameters lacks e_syn"),
    (Receptor("exp", False, {"tau_syn": ONE, "e_syn": ONE}), r"receptors\[1\]\.parameters has e_syn"),
    (Receptor("delta", False, {"tau_syn": ONE}), "it has no parameters"),
    (Receptor("beta", False, {"tau_rise": ONE, "tau_decay": -ONE}),
     r"receptors\[1\]\.parameters\.tau_decay must be > 0"),
    (Receptor("alpha", False, {"tau_syn": np.ones(2)}), r"tau_syn has shape \(2,\), expected \(1,\)")])
def test_receptors(beside, receptor, message):
    good = beside.receptor("exp", tau_syn=2.0)
    with pytest.raises(ValueError, match=message):
        verify_group(beside.group("LIF").replace(receptors=(good, receptor)))


def test_groups_are_frozen(beside):
    mine = np.ones(1)
    r = Receptor("exp", False, {"tau_syn": mine})
    mine[0] = 5.0  # the caller's own array stays writable
    with pytest.raises(ValueError, match="read-only"):
        r.parameters["tau_syn"][0] = 1.0
    with pytest.raises(TypeError):
        beside.group("LIF").parameters["cm"] = mine
    assert isinstance(CellGroup("LIF", 1, {}, [r]).receptors, tuple)


def test_every_model_has_variables():
    assert {m: w.variables for m, w in MODELS.items()} == {
        "LIF": ("v",), "AdExp": ("v", "w"), "GsfaGrr": ("v", "g_s", "g_r"), "HH": ("v", "m", "h", "n"),
        "Izhikevich": ("v", "u"), "GIF": ("v", "i_eta", "v_t")}
