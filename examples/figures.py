"""What all examples share: their arguments, the closing table of figures, and the files they leave."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np


def arguments(name: str, description: str, seeds: Sequence[int], fast_seeds: Sequence[int],
              lists: Mapping[str, str] | None = None) -> argparse.Namespace:
    """Parse the command line; ``seeds``, ``fast`` and ``out`` (an existing folder) are set in what comes back.

    ``lists`` has further options that take whole numbers, each with its help; they are None if they are not given.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--fast", action="store_true", help="the same at a size that ends in seconds")
    parser.add_argument("--seeds", type=int, nargs="+", help=f"any integers; default: {' '.join(map(str, seeds))}")
    parser.add_argument("--out", type=Path, default=Path(f"{name}_output"), help="folder for pictures and figures")
    for option, sentence in (lists or {}).items():
        parser.add_argument(f"--{option}", type=int, nargs="+", help=sentence)
    args = parser.parse_args()
    args.seeds = args.seeds or list(fast_seeds if args.fast else seeds)
    args.out.mkdir(parents=True, exist_ok=True)
    return args


def report(out: Path, figures: dict[str, list[float | None]], goals: dict[str, tuple[str, float]]) -> None:
    """Print each figure with its mean, spread over seeds and goal; write ``figures.json``.

    ``goals`` has (comparison, number) for the figures that have one, the comparison being ">=" or "<=". A value of
    None, as of a task that was never solved, is shown beside the mean of the others, and reaches no goal.
    """
    print(f"\n{'figure':<24}{'mean':>10}{'spread':>10}   goal")
    for name, values in figures.items():
        known = [x for x in values if x is not None]
        mean, spread = (float(np.mean(known)), float(np.std(known))) if known else (np.nan, np.nan)
        line = f"{name:<24}{mean:>10.4g}{spread:>10.2g}"
        if name in goals:
            sign, goal = goals[name]
            reached = len(known) == len(values) and (mean >= goal if sign == ">=" else mean <= goal)
            line += f"   {sign} {goal:g}: {'reached' if reached else 'not reached'}"
        if len(known) < len(values):
            line += f"   ({len(values) - len(known)} of {len(values)} without a value)"
        print(line)
    plain = {name: [None if x is None else float(x) for x in values] for name, values in figures.items()}
    (out / "figures.json").write_text(json.dumps(plain, indent=1) + "\n")
    print(f"files in {out}/: {', '.join(sorted(p.name for p in out.iterdir()))}")
