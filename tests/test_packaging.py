"""What the installed package is made of."""

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pynn_brainscales

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(not (ROOT / "setup.cfg").exists(), reason="needs the checkout")


def config():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_listed_packages_are_those_of_the_tree():
    tree = set()
    for folder, package in (("pynn_brainscales", "pynn_brainscales"), ("mapping", "pynn_brainscales.mapping"),
                            ("emulator", "pynn_brainscales.emulator")):
        for init in (ROOT / folder).rglob("__init__.py"):
            tree.add(".".join((package, *init.parent.relative_to(ROOT / folder).parts)))
    assert set(config()["options"]["packages"].split()) == tree


@pytest.mark.parametrize("name", ["mapping", "emulator"])
def test_folders_refuse_their_bare_names(name):
    result = subprocess.run([sys.executable, "-c", f"import {name}"], cwd=ROOT, capture_output=True, text=True,
                            check=False)
    assert result.returncode != 0
    assert f"import this package as 'pynn_brainscales.{name}'" in result.stderr


def test_version_is_the_same_everywhere():
    version = pynn_brainscales.__version__
    assert f"version: {version}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(version)}\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)


def test_readme_names_what_there_is():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in pynn_brainscales.list_standard_models():
        assert f"`{name}`" in readme
    for folder in re.findall(r"`((?:examples|benchmarks|docs|emulator|mapping)/[\w./]*)`", readme):
        assert (ROOT / folder).exists(), folder
    for picture in re.findall(r"\]\((docs/[^)]+)\)", readme):
        assert (ROOT / picture).exists(), picture


def test_types(tmp_path):
    """Type checkers can't follow the editable layout: they get a view of the tree."""
    view = tmp_path / "pynn_brainscales"
    shutil.copytree(ROOT / "pynn_brainscales", view)
    for folder in ("mapping", "emulator"):
        shutil.copytree(ROOT / folder, view / folder)
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--ignore-missing-imports", "--follow-imports=silent", "--cache-dir",
         str(tmp_path / "cache"), "-p", "pynn_brainscales.emulator", "-p", "pynn_brainscales.mapping"],
        cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_pynn_finds_the_backend_after_import():
    import importlib

    assert importlib.import_module("pyNN.brainscales") is pynn_brainscales
