"""The linear nodes of NIR as explicit connections: which input reaches which output, how strongly and how late.

Everything here is free of units, as NIR is; arrays of several dimensions are numbered in C order. Convolutions are
cross-correlations, with PyTorch's meaning of stride, padding, dilation and groups, which NIR has taken over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pynn_brainscales.emulator.frozen import Frozen

from .errors import MappingError


@dataclass(frozen=True, eq=False)
class Wires(Frozen):
    """Connections, arrays (m,): input ``pre`` reaches output ``post`` times ``weight``, after ``delay``."""

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray
    delay: np.ndarray


@dataclass(frozen=True, eq=False)
class LinearMap(Frozen):
    """What a node does to its input: connections, a constant (outputs,), and the shape of the output."""

    wires: Wires
    bias: np.ndarray
    shape: tuple[int, ...]


LINEAR = ("Linear", "Affine", "Scale", "Conv1d", "Conv2d", "SumPool2d", "AvgPool2d", "Flatten", "Delay")


def linear_map(node, shape: tuple[int, ...], where: str) -> LinearMap:
    """The map of a NIR node.

    Parameters
    ----------
    node
        Of a type named in ``LINEAR``.
    shape : tuple of int
        Of its input.
    where : str
        What errors call the node.

    Raises
    ------
    MappingError
        If the input doesn't fit the node.
    """
    kind = type(node).__name__
    n = int(np.prod(shape))
    if kind in ("Linear", "Affine"):
        return _dense(node.weight, getattr(node, "bias", None), shape, where)
    if kind in ("Conv1d", "Conv2d"):
        return _convolution(node, shape, where)
    if kind in ("SumPool2d", "AvgPool2d"):
        return _pooling(node, kind == "AvgPool2d", shape, where)
    if kind == "Scale":
        return LinearMap(identity(n).replace(weight=_fitted(node.scale, shape, "scale", where)), np.zeros(n), shape)
    if kind == "Delay":
        delay = _fitted(node.delay, shape, "delay", where)
        if np.any(delay < 0):
            raise MappingError(f"a delay of {delay.min():g}", "delays >= 0", where)
        return LinearMap(identity(n).replace(delay=delay), np.zeros(n), shape)
    return LinearMap(identity(n), np.zeros(n), _flattened(shape, int(node.start_dim), int(node.end_dim)))


def identity(n: int) -> Wires:
    """Every input to the output of the same number."""
    return Wires(np.arange(n), np.arange(n), np.ones(n), np.zeros(n))


def chain(first: Wires, second: Wires) -> Wires:
    """Connections through two maps: one for each way, equal ones added up."""
    order = np.argsort(second.pre, kind="stable")
    begin = np.searchsorted(second.pre[order], first.post)
    count = np.searchsorted(second.pre[order], first.post, side="right") - begin
    left = np.repeat(np.arange(len(count)), count)
    right = order[begin[left] + np.arange(len(left)) - np.repeat(np.cumsum(count) - count, count)]
    return merged(Wires(first.pre[left], second.post[right], first.weight[left] * second.weight[right],
                        first.delay[left] + second.delay[right]))


def beside(parts: list[Wires]) -> Wires:
    """Several connections of the same inputs and outputs, equal ones added up."""
    return merged(Wires(*(np.concatenate([getattr(w, name) for w in parts])
                          for name in ("pre", "post", "weight", "delay"))))


def merged(w: Wires) -> Wires:
    """Connections with the same ends and delay as one, by the sum of their weights; those of weight 0 left out."""
    if len(w.pre) == 0:
        return w
    order = np.lexsort((w.delay, w.post, w.pre))
    pre, post, delay, weight = w.pre[order], w.post[order], w.delay[order], w.weight[order]
    new = (np.diff(pre) != 0) | (np.diff(post) != 0) | ~np.isclose(delay[1:], delay[:-1], rtol=1e-12, atol=0)
    first = np.flatnonzero(np.append(True, new))
    total = np.add.reduceat(weight, first)
    kept = first[total != 0]
    return Wires(pre[kept], post[kept], total[total != 0], delay[kept])


def carried(bias: np.ndarray, step: LinearMap) -> np.ndarray:
    """A constant input behind a map, with the map's own; a constant is the same after any delay."""
    w = step.wires
    return step.bias + np.bincount(w.post, w.weight * bias[w.pre], minlength=len(step.bias))


# --- kinds of nodes ----------------------------------------------------------------------------------------


def _fitted(values, shape: tuple[int, ...], name: str, where: str) -> np.ndarray:
    """An elementwise parameter, for each element of the input."""
    values = np.asarray(values, float)
    if values.size == int(np.prod(shape)):
        return values.reshape(-1)
    try:
        return np.broadcast_to(values, shape).reshape(-1)
    except ValueError:
        raise MappingError(f"{name} of shape {values.shape} for an input of shape {shape}", "equal shapes", where
                           ) from None


def _flattened(shape: tuple[int, ...], start: int, end: int) -> tuple[int, ...]:
    dims = len(shape)
    start, end = (min(max(d + dims if d < 0 else d, 0), dims - 1) for d in (start, end))
    return shape if end <= start else (*shape[:start], int(np.prod(shape[start:end + 1])), *shape[end + 1:])


def _dense(weight, bias, shape: tuple[int, ...], where: str) -> LinearMap:
    """Matrices (.., outputs, inputs), one for each element of the dimensions in front."""
    weight = np.asarray(weight, float)
    *front, outputs, inputs = weight.shape
    blocks = int(np.prod(front))
    if blocks * inputs != int(np.prod(shape)):
        raise MappingError(f"weights of shape {weight.shape} for an input of shape {shape}",
                           f"{blocks * inputs} inputs", where)
    block, post, pre = (a.reshape(-1) for a in np.indices((blocks, outputs, inputs)))
    wires = merged(Wires(block * inputs + pre, block * outputs + post, weight.reshape(-1), np.zeros(weight.size)))
    out = (*front, outputs)
    constant = np.zeros(out) if bias is None else np.broadcast_to(np.asarray(bias, float), out)
    return LinearMap(wires, constant.reshape(-1), out)


def _per_dimension(value, dims: int) -> tuple[int, ...]:
    values = np.asarray(value).reshape(-1)
    return tuple(int(v) for v in (np.repeat(values, dims) if values.size == 1 else values))


def _taps(size: int, kernel: int, stride: int, before: int, after: int, dilation: int) -> tuple[int, np.ndarray]:
    """Along one dimension: the number of outputs, and rows (output, place in the kernel, input) that exist."""
    outputs = (size + before + after - dilation * (kernel - 1) - 1) // stride + 1
    out, tap = (a.reshape(-1) for a in np.indices((max(outputs, 0), kernel)))
    at = out * stride + tap * dilation - before
    return outputs, np.stack([out, tap, at])[:, (at >= 0) & (at < size)]


def _places(shape, kernel, stride, padding, dilation, where: str) -> tuple[tuple[int, ...], np.ndarray]:
    """Of a kernel that moves over ``shape``: shape of the output, and rows (output, place in the kernel, input)."""
    found = [_taps(*args) for args in zip(shape, kernel, stride, *zip(*padding, strict=True), dilation, strict=True)]
    outputs = tuple(n for n, _ in found)
    if min(outputs) < 1:
        raise MappingError(f"a kernel of shape {tuple(kernel)} with dilation {tuple(dilation)} over an input of shape "
                           f"{tuple(shape)}", "a kernel that fits into the padded input", where)
    picks = np.indices([rows.shape[1] for _, rows in found]).reshape(len(found), -1)
    each = [rows[:, pick] for (_, rows), pick in zip(found, picks, strict=True)]
    return outputs, np.stack([np.ravel_multi_index([rows[i] for rows in each], dims)
                              for i, dims in enumerate((outputs, tuple(kernel), tuple(shape)))])


def _padding(padding, kernel, stride, dilation, where: str) -> list[tuple[int, int]]:
    if isinstance(padding, bytes):
        padding = padding.decode()
    if not isinstance(padding, str):
        return [(p, p) for p in _per_dimension(padding, len(kernel))]
    if padding == "valid":
        return [(0, 0)] * len(kernel)
    if padding != "same":
        raise MappingError(f"padding {padding!r}", "'same', 'valid' or numbers", where)
    if any(s != 1 for s in stride):
        raise MappingError(f"padding 'same' with stride {stride}", "stride 1", where, "give the padding as numbers")
    whole = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    return [(w // 2, w - w // 2) for w in whole]


def _convolution(node, shape: tuple[int, ...], where: str) -> LinearMap:
    weight = np.asarray(node.weight, float)  # (outputs, inputs of a group, places in the kernel ..)
    groups, kernel = int(node.groups), weight.shape[2:]
    dims, channels = len(kernel), weight.shape[1] * groups
    if len(shape) != dims + 1 or shape[0] != channels:
        given = () if node.input_shape is None else _per_dimension(node.input_shape, dims)
        if len(given) != dims or channels * int(np.prod(given)) != int(np.prod(shape)):
            raise MappingError(f"an input of shape {shape}", f"{channels} channels of {dims} dimension(s)", where)
        shape = (channels, *given)
    if weight.shape[0] % groups:
        raise MappingError(f"{weight.shape[0]} output channels in {groups} groups", "equal groups", where)
    stride, dilation = _per_dimension(node.stride, dims), _per_dimension(node.dilation, dims)
    outputs, (out, tap, at) = _places(shape[1:], kernel, stride,
                                      _padding(node.padding, kernel, stride, dilation, where), dilation, where)
    c_out, c_in = (a.reshape(-1, 1) for a in np.indices(weight.shape[:2]))
    source = c_out // (weight.shape[0] // groups) * weight.shape[1] + c_in
    pre = source * int(np.prod(shape[1:])) + at
    post = c_out * int(np.prod(outputs)) + out
    strength = weight.reshape(len(c_out), -1)[:, tap]
    bias = np.zeros(weight.shape[0]) if node.bias is None else np.broadcast_to(np.asarray(node.bias, float).reshape(-1),
                                                                              weight.shape[:1])
    wires = merged(Wires(pre.reshape(-1), post.reshape(-1), strength.reshape(-1), np.zeros(strength.size)))
    return LinearMap(wires, np.repeat(bias, int(np.prod(outputs))), (weight.shape[0], *outputs))


def _pooling(node, average: bool, shape: tuple[int, ...], where: str) -> LinearMap:
    """Sums over windows of each channel; the average divides by the window's size, padding included."""
    if len(shape) != 3:
        raise MappingError(f"an input of shape {shape}", "(channels, height, width)", where)
    kernel, stride, padding = (_per_dimension(v, 2) for v in (node.kernel_size, node.stride, node.padding))
    outputs, (out, _, at) = _places(shape[1:], kernel, stride, [(p, p) for p in padding], (1, 1), where)
    channel = np.arange(shape[0])[:, None]
    pre, post = (channel * int(np.prod(size)) + index for size, index in ((shape[1:], at), (outputs, out)))
    weight = np.full(pre.size, 1.0 / np.prod(kernel) if average else 1.0)
    return LinearMap(Wires(pre.reshape(-1), post.reshape(-1), weight, np.zeros(pre.size)),
                     np.zeros(shape[0] * int(np.prod(outputs))), (shape[0], *outputs))
