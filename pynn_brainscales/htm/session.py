"""Networks that live beside the one that a script describes: PyNN's simulators have one network at a time."""

from __future__ import annotations

from typing import Any

from .. import simulator


class Session:
    """A simulation of its own: inside ``with session:`` it is the present one.

    At first it is what ``setup`` makes inside. Afterwards the simulation that was there before goes on as it was.
    """

    def __init__(self) -> None:
        self._own: dict[str, Any] = {}
        self._other: dict[str, Any] = {}
        self._depth = 0

    def __enter__(self) -> Session:
        self._depth += 1
        if self._depth == 1:
            present = vars(simulator.state)
            self._other = dict(present)
            if self._own:
                present.clear()
                present.update(self._own)
        return self

    def __exit__(self, *error) -> None:
        self._depth -= 1
        if self._depth == 0:
            present = vars(simulator.state)
            self._own = dict(present)
            present.clear()
            present.update(self._other)
            self._other = {}
