"""Finds the sub-packages ``mapping`` and ``emulator`` in a checkout, where they stand beside this folder."""

from pathlib import Path


def extend(path: list[str], package_file: str) -> None:
    """Append the checkout's root to a package's ``__path__`` where no installed ``mapping`` stands in it."""
    here = Path(package_file).resolve().parent
    if not (here / "mapping").is_dir() and (here.parent / "mapping").is_dir():
        path.append(str(here.parent))
