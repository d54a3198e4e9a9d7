"""Pictures of the chips: which circuits and synapses a network uses."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from pynn_brainscales.emulator import coordinates, limits

from .cells import population_of_neuron
from .mapped import Mapped

_SHADES = " .:-=+*#%@"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_WIDTH, _HEIGHT = 64, 12  # characters of an array in the text form


def circuit_map(mapped: Mapped) -> np.ndarray:
    """Number of the population on each circuit, (chips, 2, 256); -1 where none is."""
    grid = np.full((mapped.placement.chips, limits.HALVES, limits.COLUMNS), -1)
    neuron, slot = np.nonzero(mapped.placement.circuit >= 0)
    circuit = mapped.placement.circuit[neuron, slot]
    where = (mapped.placement.chip[neuron], coordinates.half_of(circuit), coordinates.column_of(circuit))
    grid[where] = population_of_neuron(mapped.network)[neuron]
    return grid


def weight_map(mapped: Mapped) -> np.ndarray:
    """Signed weights of all synapses, (chips, 2, 256, 256); NaN where there is none.

    Empty on a chip without limits, which has no arrays.
    """
    r = mapped.routing
    grid = np.full((mapped.placement.chips if not r.free else 0, limits.HALVES, limits.ROWS, limits.COLUMNS), np.nan)
    if r.free:
        return grid
    sign = r.row_sign[r.cell_chip, r.cell_array, r.cell_row]
    grid[r.cell_chip, r.cell_array, r.cell_row, r.cell_column] = sign * mapped.rounded.cell_weight
    return grid


def floorplan_text(mapped: Mapped) -> str:
    """The chips in letters: density of the synapse arrays, and the population on the circuits between them.

    An array is drawn with the row next to the neurons nearest to them; one letter stands for four columns, and for
    the population that has most of their circuits.
    """
    circuits, weights = circuit_map(mapped), weight_map(mapped)
    names = [p.label for p in mapped.network.populations]
    lines = []
    for chip in range(mapped.placement.chips):
        lines.append(f"chip {chip}  " + "  ".join(
            f"{_letter(i)} {name}" for i, name in enumerate(names) if np.any(circuits[chip] == i))[:88])
        if len(weights):
            lines += [f"  |{line}|" for line in _density(weights[chip, 0])[::-1]]
        lines += [f"  [{_strip(circuits[chip, half], len(names))}]" for half in range(limits.HALVES)]
        if len(weights):
            lines += [f"  |{line}|" for line in _density(weights[chip, 1])]
    if not len(weights):
        lines.append("no synapse arrays: this chip has no limits")
    return "\n".join(lines)


def _letter(i: int) -> str:
    return _LETTERS[i % len(_LETTERS)]


def _density(weights: np.ndarray) -> list[str]:
    edges = np.linspace(0, limits.ROWS, _HEIGHT + 1).astype(int)
    columns = limits.COLUMNS // _WIDTH
    used = ~np.isnan(weights)
    lines = []
    for i, j in pairwise(edges):
        share = used[i:j].mean(axis=0).reshape(_WIDTH, columns).mean(axis=1)
        shade = np.ceil(share * (len(_SHADES) - 1)).astype(int)
        lines.append("".join(_SHADES[k] for k in shade))
    return lines


def _strip(row: np.ndarray, populations: int) -> str:
    letters = []
    for group in row.reshape(_WIDTH, -1):
        count = np.bincount(group[group >= 0], minlength=populations)
        letters.append(_letter(int(np.argmax(count))) if count.sum() else ".")
    return "".join(letters)


def floorplan_figure(mapped: Mapped, chips: int = 4):
    """The chips as a matplotlib figure.

    Parameters
    ----------
    mapped : Mapped
    chips : int
        At most so many chips are drawn.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        If matplotlib is not installed (``pip install "pynn-brainscales[plot]"``).
    """
    from matplotlib.figure import Figure

    shown = min(chips, mapped.placement.chips)
    figure = Figure(figsize=(4.6 * shown + 1.4, 7.4), layout="constrained")
    axes = figure.subplots(1, shown, squeeze=False)[0]
    for chip, ax in enumerate(axes):
        image = draw_chip(mapped, chip, ax)
    if image is not None:
        figure.colorbar(image, ax=axes, shrink=0.6, label="weight (inhibitory < 0)")
    if shown < mapped.placement.chips:
        figure.suptitle(f"{shown} of {mapped.placement.chips} chips")
    return figure


def draw_chip(mapped: Mapped, chip: int, ax):
    """Draw one chip into matplotlib axes: array 0 above, the two neuron rows, array 1 below; the image or None."""
    from matplotlib import colormaps
    from matplotlib.patches import Patch

    circuits, weights = circuit_map(mapped)[chip], weight_map(mapped)
    names = [p.label for p in mapped.network.populations]
    colours = colormaps["tab20" if len(names) > 10 else "tab10"]
    band = 14  # rows of the picture that each neuron row takes
    top = limits.ROWS if len(weights) else 0
    image = None
    if len(weights):
        # row 0 of each array lies next to the neurons
        for array, extent in ((0, (0, 256, top, 0)), (1, (0, 256, 2 * top + 2 * band, top + 2 * band))):
            picture = weights[chip, array][::-1] if array == 0 else weights[chip, array]
            image = ax.imshow(picture, cmap="RdBu_r", vmin=-63, vmax=63, extent=extent, aspect="auto",
                              interpolation="nearest")
    for half in range(limits.HALVES):
        for i in range(len(names)):
            columns = np.flatnonzero(circuits[half] == i)
            ax.bar(columns + 0.5, band - 2, 1.0, bottom=top + half * band + 1, color=colours(i % colours.N))
    ax.set(xlim=(0, 256), ylim=(2 * top + 2 * band, 0), xlabel="column", xticks=range(0, 257, 32))
    middle = top + band
    if len(weights):
        ax.set_yticks([128, middle, middle + band + 128], ["array 0", "neurons", "array 1"])
    else:
        ax.set_yticks([middle], ["neurons"])
    used = int(np.count_nonzero(circuits >= 0))
    ax.set_title(f"chip {chip}: {used} of {limits.CIRCUITS} circuits", fontsize=10)
    present = [i for i in range(len(names)) if np.any(circuits == i)]
    ax.legend([Patch(color=colours(i % colours.N)) for i in present], [names[i] for i in present], fontsize=7,
              loc="upper right", framealpha=0.85)
    return image
