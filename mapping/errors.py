"""Errors of the mapping: what was asked, what the chip offers, where, and what to do instead."""

from __future__ import annotations


class MappingError(ValueError):
    """A network, or a document of one, that cannot be mapped.

    Parameters
    ----------
    asked : str
        What was asked for.
    available : str
        What the chip, or the format, offers.
    where : str
        The population, projection or place in a document.
    hint : str
        What to do instead.
    """

    def __init__(self, asked: str, available: str = "", where: str = "", hint: str = "") -> None:
        self.asked, self.available, self.where, self.hint = asked, available, where, hint
        parts = [f"{where}: {asked}" if where else asked]
        if available:
            parts.append(f"available: {available}")
        if hint:
            parts.append(hint)
        super().__init__("; ".join(parts))


class MappingWarning(UserWarning):
    """The chip does something else than was asked, and goes on; the mapping report has the numbers."""
