"""The laws of the house: directions of imports, no cycles, frozen values."""

import ast
import dataclasses
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = {"emulator": "pynn_brainscales.emulator", "mapping": "pynn_brainscales.mapping",
          "pynn_brainscales": "pynn_brainscales"}
INNER = ["pynn_brainscales.emulator", "pynn_brainscales.mapping", "pynn_brainscales"]
FOREIGN = {"pynn_brainscales.emulator": {"numpy"}, "pynn_brainscales.mapping": {"numpy", "matplotlib", "nir"},
           "pynn_brainscales": {"numpy", "pyNN", "neo", "quantities", "lazyarray"}}

pytestmark = pytest.mark.skipif(not (ROOT / "setup.cfg").exists(), reason="the laws are about the sources")


def modules():
    """Module name -> (path, layer, syntax tree) of every source file."""
    found = {}
    for folder, package in LAYERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            name = ".".join((package, *parts))
            found[name.removesuffix(".__init__")] = (path, package, ast.parse(path.read_text(encoding="utf-8")))
    return found


MODULES = modules() if (ROOT / "setup.cfg").exists() else {}


def imported(name, path, tree, module_level=False):
    """Full names that a module imports (names of modules where they can be told from names of things)."""
    nodes = tree.body if module_level else ast.walk(tree)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                stem = package.split(".")
                stem = stem[:len(stem) - node.level + 1]
                base = ".".join([*stem, base] if base else stem)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in MODULES else base


def layer_of(name):
    return next((layer for layer in INNER if name == layer or name.startswith(layer + ".")), None)


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_inwards(name):
    path, layer, tree = MODULES[name]
    for other in imported(name, path, tree):
        theirs = layer_of(other)
        if theirs is not None:
            assert INNER.index(theirs) <= INNER.index(layer), f"{name} imports {other}"
            if layer != "pynn_brainscales":
                assert other not in LAYERS.values(), f"{name} imports the package {other}, not a module of it"
            continue
        top = other.split(".")[0]
        assert top in sys.stdlib_module_names or top in FOREIGN[layer] or (
            name == "pynn_brainscales.to_neo" and top == "neo"), f"{name} imports {other}"


def test_one_file_builds_neo_objects():
    users = {name for name, (path, _, tree) in MODULES.items()
             if any(o.split(".")[0] in ("neo", "quantities") for o in imported(name, path, tree))}
    assert users == {"pynn_brainscales.to_neo"}


@pytest.mark.parametrize("name", MODULES)
def test_no_star_imports(name):
    for node in ast.walk(MODULES[name][2]):
        assert not (isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names))


def test_no_import_cycles():
    graph = {name: {o for o in imported(name, path, tree, module_level=True) if o in MODULES and o != name}
             for name, (path, _, tree) in MODULES.items()}
    done, path = set(), []

    def visit(name):
        if name in path:
            pytest.fail("import cycle: " + " -> ".join([*path[path.index(name):], name]))
        if name in done:
            return
        path.append(name)
        for other in sorted(graph[name]):
            visit(other)
        path.pop()
        done.add(name)

    for name in sorted(graph):
        visit(name)


@pytest.mark.parametrize("name", [n for n in MODULES if n not in ("pynn_brainscales",)])
def test_dataclasses_of_the_inner_layers_are_frozen(name):
    if layer_of(name) == "pynn_brainscales":
        return
    module = importlib.import_module(name)
    for thing in vars(module).values():
        if dataclasses.is_dataclass(thing) and isinstance(thing, type) and thing.__module__ == name:
            assert thing.__dataclass_params__.frozen, thing


def test_arrays_in_values_are_read_only():
    from pynn_brainscales.emulator.stimulus import Stimulus

    mine = np.arange(3)
    value = Stimulus(mine, np.zeros(3))
    with pytest.raises(ValueError, match="read-only"):
        value.channel[0] = 1
    mine[0] = 5  # the caller's own array stays writable
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.trials = 2
