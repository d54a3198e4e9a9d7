"""``python -m pynn_brainscales``: run an unchanged script, a network document or a NIR graph on the emulated chip."""

from __future__ import annotations

import argparse
import importlib
import math
import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

import pyNN

from . import control, simulator
from .emulator.profile import PROFILES, profile
from .emulator.run import run as run_chips
from .mapping.compile import compile
from .mapping.document import load
from .mapping.mapped import Mapped
from .mapping.nir_graph import from_nir
from .mapping.readback import spikes
from .mapping.stimuli import described_currents, initial_state, stimulus
from .mapping.target import Target
from .support import support_tables

# names under pyNN that we answer to
SIMULATORS = ("nest", "neuron", "brian2", "brian", "arbor", "mock", "neuroml", "spiNNaker", "brainscales")


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and do what it says; the exit status."""
    args = _parser().parse_args(arguments)
    if args.command == "models":
        print(support_tables(), end="")
        return 0
    if args.file.suffix in (".json", ".nir"):
        if not args.file.is_file():
            raise SystemExit(f"there is no document {args.file}")
        network = load(args.file) if args.file.suffix == ".json" else from_nir(args.file)
        mapped = compile(network, Target(profile=profile(args.chip or control.default("chip")),
                                                 seed=_seed(args, "seed"), chip_seed=_seed(args, "chip_seed"),
                                                 on_loss="warn" if args.command == "map" else "error"))
        if args.command == "run":
            _run_network(mapped, args.duration)
        print(mapped if args.command == "map" else mapped.report)
        return 0
    if args.command == "map":
        raise SystemExit(f"map takes a network document (.json) or a NIR graph (.nir), not {args.file}; run a script "
                         "to see its mapping")
    _run_script(args)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pynn_brainscales", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("models", help="print what runs where", description="print what runs where, in Markdown")
    for name, what in (("run", "run a PyNN script, a network document or a NIR graph"),
                       ("map", "map a network document or a NIR graph only")):
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument("--chip", choices=list(PROFILES), help="profile of the virtual chips")
        command.add_argument("--seed", type=_whole_number, help="of noise and Poisson sources")
        command.add_argument("--chip-seed", type=_whole_number, help="names the virtual chips")
        if name == "run":
            command.add_argument("--duration", type=_time, default=1000.0, help="of a document, ms (default 1000)")
        command.add_argument("file", type=Path,
                             help="a PyNN script (.py), a network document (.json) or a NIR graph (.nir)")
        if name == "run":
            command.add_argument("arguments", nargs=argparse.REMAINDER, help="passed on to the script")
    return parser


def _whole_number(text: str) -> int:
    """A seed; what argparse calls an error is one for the variables of the environment, too."""
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number >= 0")
    return value


def _time(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} must be a time in ms > 0")
    return value


def _seed(args: argparse.Namespace, key: str) -> int:
    """The seed of the command line, else of the environment, else our default."""
    given = getattr(args, key)
    if given is not None:
        return given
    try:
        return _whole_number(control.default(key))
    except argparse.ArgumentTypeError as error:
        raise SystemExit(f"{control.VARIABLES[key]}={error}") from None


def _run_script(args: argparse.Namespace) -> None:
    """Run a script that may say ``import pyNN.nest as sim``, or ask for a simulator by name."""
    if not args.file.exists():
        raise SystemExit(f"there is no script {args.file}")
    _answer_for(SIMULATORS)
    for key in ("chip", "seed", "chip_seed"):
        if getattr(args, key) is not None:
            os.environ[control.VARIABLES[key]] = str(getattr(args, key))
    sys.argv = [str(args.file), *args.arguments]
    sys.path.insert(0, str(args.file.resolve().parent))
    runpy.run_path(str(args.file), run_name="__main__")
    if simulator.state.mapped is not None:
        print(simulator.state.mapped.report)


def _answer_for(names: Sequence[str]) -> None:
    """Be ``pyNN.<name>`` from now on, and our modules those below it, such as ``pyNN.nest.standardmodels.cells``."""
    package = __package__
    ours = importlib.import_module(package)
    inside = {name.removeprefix(package): module for name, module in sys.modules.items()
              if name.startswith(f"{package}.") and name != f"{package}.__main__"}
    for name in names:
        for below in [other for other in sys.modules if other.startswith(f"pyNN.{name}.")]:
            del sys.modules[below]
        sys.modules[f"pyNN.{name}"] = ours
        sys.modules.update({f"pyNN.{name}{below}": module for below, module in inside.items()})
        setattr(pyNN, name, ours)


def _run_network(mapped: Mapped, duration: float) -> None:
    """Run a document and print the rates of its populations."""
    if mapped.split.sensors:
        raise SystemExit(f"the rule of the STDPMechanism of {next(iter(mapped.split.sensors))!r} runs on the chip's "
                         "processor, which a document doesn't have: run a script, or use --chip ideal")
    steps = round(duration / mapped.network.timestep)
    circuits, cells = described_currents(mapped, 0, steps)
    given = stimulus(mapped).replace(currents=circuits, currents_beside=cells)
    recording, _ = run_chips(mapped.config, given, steps * mapped.config.step_us, initial_state(mapped))
    for label, (index, _) in spikes(mapped, recording).items():
        size = next(p.size for p in mapped.described.parts if p.label == label)
        print(f"{label}: {len(index)} spikes, {1000.0 * len(index) / size / duration:.4g} Hz a neuron")


if __name__ == "__main__":
    sys.exit(main())
