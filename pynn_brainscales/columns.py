"""A table of connections: columns of one length, filled in pieces, changed without touching what was given out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

INDICES = ("presynaptic_index", "postsynaptic_index")


class Columns:
    """Indices and parameters of connections, each an array (n,)."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._pieces: list[tuple[np.ndarray, object, dict]] = []
        self._arrays = {name: np.zeros(0, int if name in INDICES else float) for name in (*INDICES, *names)}
        self._shared: set[str] = set()

    def append(self, pre, post, values: dict) -> None:
        """Add connections: presynaptic indices, one postsynaptic index or as many, values as arrays or numbers."""
        self._pieces.append((np.asarray(pre, int), post, values))

    def join(self, default: Callable[[str], float] = lambda name: np.nan) -> None:
        """Put all pieces together; ``default(name)`` is the value where a piece has none."""
        if not self._pieces:
            return
        pieces, self._pieces = self._pieces, []
        lengths = [len(pre) for pre, _, _ in pieces]
        new = {INDICES[0]: np.concatenate([pre for pre, _, _ in pieces]),
               INDICES[1]: _joined([post for _, post, _ in pieces], lengths, int)}
        for name in self.names:
            absent = any(name not in values for _, _, values in pieces)
            rest = default(name) if absent else None
            new[name] = _joined([values.get(name, rest) for _, _, values in pieces], lengths, float)
        for name, array in new.items():
            self._arrays[name] = np.concatenate([self._arrays[name], array]) if len(self._arrays[name]) else array
        self._shared.clear()

    def __len__(self) -> int:
        self.join()
        return len(self._arrays[INDICES[0]])

    def __getitem__(self, name: str) -> np.ndarray:
        """A column to look at, not to keep: ``write`` changes it."""
        self.join()
        return self._arrays[name]

    def shared(self) -> dict[str, np.ndarray]:
        """All columns, to keep: ``write`` leaves them as they are from now on."""
        self.join()
        self._shared.update(self._arrays)
        return dict(self._arrays)

    def write(self, name: str, where, value) -> None:
        """Change some entries of a column."""
        self.join()
        if name in self._shared:
            self._arrays[name] = self._arrays[name].copy()
            self._shared.discard(name)
        self._arrays[name][where] = value


def _joined(values: list, lengths: list[int], dtype) -> np.ndarray:
    """One value or as many as ``lengths`` says for each piece, as one array."""
    if all(np.ndim(value) == 0 for value in values):
        return np.repeat(np.asarray(values, dtype), lengths)
    return np.concatenate([np.broadcast_to(np.asarray(v, dtype), (n,)) for v, n in zip(values, lengths, strict=True)])
