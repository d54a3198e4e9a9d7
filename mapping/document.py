"""Networks as documents: plain dictionaries, and JSON on disk.

A document says its format and version. Arrays are written by value; long ones may go to an ``.npz`` file beside the
JSON, and are then named by their key in it. An array whose elements are all equal is written as one number.
Floating-point numbers survive exactly.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from .errors import MappingError
from .models import (
    CELLS,
    CURRENTS,
    DEPENDENCE,
    RAGGED,
    RESPONSES,
    SOURCES,
    SYNAPSES,
    TIMING,
    cell_model,
    synapse_model,
)
from .network import Current, Joint, Network, Population, Probe, Projection, Source, SynapseProbe, verify_network

FORMAT = "pynn_brainscales.network"
VERSION = 1
_FIELDS = {
    "": {"format", "version", "timestep", "min_delay", "populations", "sources", "projections", "probes", "observed",
         "currents", "joints"},
    "populations": {"label", "size", "model", "receptors", "parameters", "initial"},
    "sources": {"label", "size", "model", "parameters"},
    "projections": {"label", "pre", "post", "receptor", "pre_index", "post_index", "weight", "delay", "model", "rule",
                    "parameters", "initial", "candidates"},
    "joints": {"label", "pre", "post", "pre_index", "post_index", "weight"},
    "probes": {"population", "variable", "index", "interval"},
    "observed": {"projection", "interval", "variable"},
    "currents": {"model", "parameters", "population", "index", "number"}}
_LARGEST = 2**31 - 1  # of the size of a population
_INTEGERS = {"pre_index", "post_index", "index", "spike_index", "bin_index", "candidates"}


# --- writing -----------------------------------------------------------------------------------------------


def to_dict(network: Network) -> dict:
    """A network as a plain dictionary, arrays by value."""
    return _document(network, lambda path, array: _by_value(array))


def save(network: Network, path: str | Path, largest: int = 1000) -> None:
    """Write a network to a JSON file.

    Parameters
    ----------
    network : Network
    path : path
        Of the JSON file.
    largest : int
        Arrays of more elements than this go into a file of the same name with the ending ``.npz``.
    """
    path = Path(path)
    beside: dict[str, np.ndarray] = {}

    def write(where: str, array: np.ndarray):
        value = _by_value(array)
        if isinstance(value, list) and array.size > largest:
            beside[where] = array
            return {"npz": where}
        return value

    document = _document(network, write)
    if beside:
        np.savez_compressed(path.with_suffix(".npz"), **cast(dict[str, Any], beside))
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _by_value(array: np.ndarray):
    if array.ndim == 2:
        return [[_number(x) for x in row] for row in array]
    if array.dtype.kind == "f" and array.size > 1 and np.all(array == array[0]):
        return _number(array[0])
    return [_number(x) for x in array]


def _number(x):
    """JSON has no infinity."""
    value = x.item()
    return {"number": repr(value)} if isinstance(value, float) and not np.isfinite(value) else value


def _document(network: Network, write: Callable) -> dict:
    def arrays(where: str, values: Mapping[str, np.ndarray]) -> dict:
        return {name: write(f"{where}.{name}", array) for name, array in values.items()}

    populations = [{"label": p.label, "size": p.size, "model": p.model}
                   | ({"receptors": dict(p.receptors)} if p.receptors else {})
                   | {"parameters": arrays(f"populations[{i}].parameters", p.parameters),
                    "initial": arrays(f"populations[{i}].initial", p.initial)}
                   for i, p in enumerate(network.populations)]
    sources = [{"label": s.label, "size": s.size, "model": s.model,
                "parameters": arrays(f"sources[{i}].parameters", s.parameters)} for i, s in enumerate(network.sources)]
    projections = [{"label": p.label, "pre": p.pre, "post": p.post, "receptor": p.receptor}
                   | arrays(f"projections[{i}]", {k: getattr(p, k) for k in ("pre_index", "post_index", "weight",
                                                                             "delay")})
                   | ({} if p.model == "StaticSynapse" else
                      {"model": p.model, "rule": list(p.rule),
                       "parameters": arrays(f"projections[{i}].parameters", p.parameters),
                       "initial": arrays(f"projections[{i}].initial", p.initial)})
                   | ({} if p.candidates is None else arrays(f"projections[{i}]", {"candidates": p.candidates}))
                   for i, p in enumerate(network.projections)]
    probes = [{"population": p.population, "variable": p.variable, "interval": p.interval,
               "index": write(f"probes[{i}].index", p.index)} for i, p in enumerate(network.probes)]
    joints = [{"label": j.label, "pre": j.pre, "post": j.post}
              | arrays(f"joints[{i}]", {k: getattr(j, k) for k in ("pre_index", "post_index", "weight")})
              for i, j in enumerate(network.joints)]
    return {"format": FORMAT, "version": VERSION, "timestep": network.timestep, "min_delay": network.min_delay,
            "populations": populations, "sources": sources, "projections": projections, "probes": probes,
            "observed": [{"projection": o.projection, "interval": o.interval, "variable": o.variable}
                         for o in network.observed],
            "currents": [{"model": c.model, "population": c.population, "number": c.number,
                          "index": write(f"currents[{i}].index", c.index),
                          "parameters": {k: [_number(x) for x in v] if isinstance(v, np.ndarray) else _number(
                              np.float64(v)) for k, v in c.parameters.items()}}
                         for i, c in enumerate(network.currents)]} | ({"joints": joints} if joints else {})


# --- reading -----------------------------------------------------------------------------------------------


def from_dict(document: Mapping, arrays: Mapping[str, np.ndarray] | None = None, name: str = "document") -> Network:
    """The network of a dictionary.

    Parameters
    ----------
    document : mapping
    arrays : mapping, optional
        Contents of the ``.npz`` file.
    name : str
        What errors call the document.

    Raises
    ------
    MappingError
        Saying where and what, if the document is not one of a network.
    """
    reader = _Reader({} if arrays is None else arrays, name)
    if not isinstance(document, Mapping):
        raise reader.error("", f"a {type(document).__name__}", "an object with the keys of a network")
    for key, wanted in (("format", FORMAT), ("version", VERSION)):
        if reader.get(document, "", key) != wanted:
            raise reader.error(key, f"{document[key]!r}", f"{wanted!r}",
                               "read it with the release that has written it" if key == "version" else "")
    reader.keys(document, "")
    network = Network(
        tuple(reader.population(p, f"populations[{i}]") for i, p in enumerate(reader.list(document, "populations"))),
        tuple(reader.source(p, f"sources[{i}]") for i, p in enumerate(reader.list(document, "sources"))),
        tuple(reader.projection(p, f"projections[{i}]") for i, p in enumerate(reader.list(document, "projections"))),
        tuple(reader.probe(p, f"probes[{i}]") for i, p in enumerate(reader.list(document, "probes"))),
        reader.number(document, "", "timestep"), reader.number(document, "", "min_delay"),
        tuple(reader.observed(o, f"observed[{i}]") for i, o in enumerate(reader.list(document, "observed", False))),
        tuple(reader.current(c, f"currents[{i}]") for i, c in enumerate(reader.list(document, "currents", False))),
        tuple(reader.joint(j, f"joints[{i}]") for i, j in enumerate(reader.list(document, "joints", False))))
    verify_network(network)
    return network


def load(path: str | Path) -> Network:
    """Read a network from a JSON file, and the ``.npz`` file beside it where there is one.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    MappingError
        If it is not the document of a network.
    """
    path = Path(path)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise MappingError(f"line {error.lineno}, column {error.colno}: {error.msg}", "a JSON document", path.name
                           ) from None
    beside = path.with_suffix(".npz")
    arrays: dict[str, np.ndarray] = {}
    if beside.exists():
        with np.load(beside, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    return from_dict(document, arrays, path.name)


def _from_text(value):
    """The number of {"number": text}; anything else as it is."""
    if not isinstance(value, Mapping) or not isinstance(value.get("number"), str):
        return value
    try:
        return float(value["number"])
    except ValueError:
        return value


class _Reader:
    """Reads parts of a document; every error says where it is."""

    def __init__(self, arrays: Mapping[str, np.ndarray], name: str) -> None:
        self.arrays, self.name = arrays, name

    def error(self, where: str, asked: str, available: str, hint: str = "") -> MappingError:
        return MappingError(asked, available, f"{self.name}, {where}" if where else self.name, hint)

    def get(self, part: Mapping, where: str, key: str):
        if not isinstance(part, Mapping):
            raise self.error(where, f"a {type(part).__name__}", "an object")
        if key not in part:
            raise self.error(where, f"key {key!r} is missing", f"keys {', '.join(map(str, part)) or 'none'}",
                             f"add {key!r}")
        return part[key]

    def keys(self, part: Mapping, where: str) -> None:
        if not isinstance(part, Mapping):
            raise self.error(where, f"a {type(part).__name__}", "an object")
        known = _FIELDS[where.split("[")[0]]
        unknown = sorted(set(part) - known)
        if unknown:
            raise self.error(where, f"unknown key {unknown[0]!r}", ", ".join(sorted(known)))

    def list(self, part: Mapping, key: str, needed: bool = True) -> list:
        value = self.get(part, "", key) if needed or key in part else []
        if not isinstance(value, list):
            raise self.error(key, f"a {type(value).__name__}", "a list")
        return value

    def text(self, part: Mapping, where: str, key: str) -> str:
        value = self.get(part, where, key)
        if not isinstance(value, str):
            raise self.error(f"{where}.{key}", f"a {type(value).__name__}", "a string")
        return value

    def number(self, part: Mapping, where: str, key: str) -> float:
        value = self.get(part, where, key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.error(f"{where}.{key}".lstrip("."), f"{value!r}", "a number")
        return float(value)

    def size(self, part: Mapping, where: str) -> int:
        value = self.get(part, where, "size")
        if isinstance(value, bool) or not isinstance(value, int) or value > _LARGEST:
            raise self.error(f"{where}.size", f"{value!r}", f"a whole number up to {_LARGEST}")
        return value

    def array(self, value, where: str, size: int | None) -> np.ndarray:
        dtype = np.int64 if where.split(".")[-1] in _INTEGERS else np.float64
        if isinstance(value, Mapping) and "npz" in value:
            key = value["npz"]
            if not isinstance(key, str) or key not in self.arrays:
                raise self.error(where, f"array {key!r}", f"{len(self.arrays)} arrays in the .npz file",
                                 "keep the .npz file beside the document")
            return self.arrays[key].astype(dtype)
        if isinstance(value, list) and value and all(isinstance(row, list) for row in value):
            if len({len(row) for row in value}) > 1:
                raise self.error(where, "rows of different lengths", "a list of lists of one length")
            return np.stack([self.array(row, where, None) for row in value])
        single = not isinstance(value, list)
        items = [_from_text(v) for v in ([value] if single else value)]
        if any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in items):
            raise self.error(where, "values that are no numbers", "numbers, or {'npz': key}")
        if dtype is np.int64 and any(not np.isfinite(v) or v != int(v) for v in items):
            raise self.error(where, "values that are no whole numbers", "whole numbers")
        array = np.array(items, dtype)
        if single:
            if size is None:
                raise self.error(where, "one number", "a list")
            array = np.full(size, array[0])
        return array

    def group(self, part: Mapping, where: str, key: str, names, size: int) -> dict[str, np.ndarray]:
        values = self.get(part, where, key)
        path = f"{where}.{key}"
        if not isinstance(values, Mapping):
            raise self.error(path, f"a {type(values).__name__}", "an object")
        unknown = sorted(set(values) - set(names))
        if unknown:
            raise self.error(path, f"unknown key {unknown[0]!r}", ", ".join(names) or "none")
        return {name: self.array(self.get(values, path, name), f"{path}.{name}", size) for name in names}

    def model(self, part: Mapping, where: str, known: Mapping) -> str:
        model = self.text(part, where, "model")
        if model not in known:
            raise self.error(f"{where}.model", repr(model), ", ".join(known))
        return model

    def population(self, part: Mapping, where: str) -> Population:
        size, model = self.size(part, where), self.model(part, where, CELLS)
        self.keys(part, where)
        receptors = part.get("receptors", {})
        if not isinstance(receptors, Mapping) or any(
                not isinstance(r, str) or r not in RESPONSES for r in receptors.values()):
            raise self.error(f"{where}.receptors", f"{receptors}", f"names with one of {', '.join(RESPONSES)} each")
        cell = cell_model(model, receptors)
        return Population(self.text(part, where, "label"), size, model,
                          self.group(part, where, "parameters", cell.parameters, size),
                          self.group(part, where, "initial", cell.variables, size), receptors)

    def source(self, part: Mapping, where: str) -> Source:
        size, model = self.size(part, where), self.model(part, where, SOURCES)
        self.keys(part, where)
        names = SOURCES[model]
        values = self.get(part, where, "parameters")
        if model in RAGGED:  # its lists have a length of their own: that of the index
            counted = RAGGED[model]
            length = len(self.array(self.get(values, f"{where}.parameters", counted), f"{where}.parameters.{counted}",
                                    None))
            path, own = f"{where}.parameters", ("start", "duration")
            given = {name: self.array(self.get(values, path, name), f"{path}.{name}", size if name in own else length)
                     for name in names}
            unknown = sorted(set(values) - set(names))
            if unknown:
                raise self.error(path, f"unknown key {unknown[0]!r}", ", ".join(names))
            return Source(self.text(part, where, "label"), size, model, given)
        return Source(self.text(part, where, "label"), size, model, self.group(part, where, "parameters", names, size))

    def projection(self, part: Mapping, where: str) -> Projection:
        index = self.array(self.get(part, where, "pre_index"), f"{where}.pre_index", None)
        arrays = {name: self.array(self.get(part, where, name), f"{where}.{name}", len(index))
                  for name in ("post_index", "weight", "delay")}
        self.keys(part, where)
        label, pre, post, receptor = (self.text(part, where, k) for k in ("label", "pre", "post", "receptor"))
        model = self.model(part, where, SYNAPSES) if "model" in part else "StaticSynapse"
        rule = self.strings(part, where, "rule")
        if model == "STDPMechanism" and (len(rule) != 2 or rule[0] not in TIMING or rule[1] not in DEPENDENCE):
            raise self.error(f"{where}.rule", f"{list(rule)}", f"one of {', '.join(TIMING)} and one of "
                             f"{', '.join(DEPENDENCE)}")
        synapse = synapse_model(model, rule)
        own = {key: self.group(part, where, key, names, len(index)) for key, names in (
            ("parameters", synapse.parameters), ("initial", synapse.initial)) if names or key in part}
        candidates = (self.array(part["candidates"], f"{where}.candidates", None) if "candidates" in part else None)
        return Projection(label, pre, post, receptor, index, arrays["post_index"], arrays["weight"], arrays["delay"],
                          model, rule, **own, candidates=candidates)

    def joint(self, part: Mapping, where: str) -> Joint:
        self.keys(part, where)
        label, pre, post = (self.text(part, where, k) for k in ("label", "pre", "post"))
        index = [self.array(self.get(part, where, k), f"{where}.{k}", None) for k in ("pre_index", "post_index")]
        weight = self.array(self.get(part, where, "weight"), f"{where}.weight", len(index[0]))
        return Joint(label, pre, post, index[0], index[1], weight)

    def strings(self, part: Mapping, where: str, key: str) -> tuple[str, ...]:
        values = part.get(key, [])
        if not isinstance(values, list) or any(not isinstance(v, str) for v in values):
            raise self.error(f"{where}.{key}", f"{values!r}", "a list of strings")
        return tuple(values)

    def current(self, part: Mapping, where: str) -> Current:
        self.keys(part, where)
        model = self.model(part, where, CURRENTS)
        given, path = self.get(part, where, "parameters"), f"{where}.parameters"
        parameters: dict[str, np.ndarray | float] = {}
        for name in CURRENTS[model]:
            value = self.get(given, path, name)
            array = self.array(value, f"{path}.{name}", 1)
            parameters[name] = array if isinstance(value, list) else float(array[0])
        unknown = sorted(set(given) - set(CURRENTS[model]))
        if unknown:
            raise self.error(path, f"unknown key {unknown[0]!r}", ", ".join(CURRENTS[model]))
        return Current(model, parameters, self.text(part, where, "population"),
                       self.array(self.get(part, where, "index"), f"{where}.index", None),
                       int(self.number(part, where, "number")))

    def observed(self, part: Mapping, where: str) -> SynapseProbe:
        self.keys(part, where)
        variable = self.text(part, where, "variable") if "variable" in part else "weight"
        return SynapseProbe(self.text(part, where, "projection"), self.number(part, where, "interval"), variable)

    def probe(self, part: Mapping, where: str) -> Probe:
        self.keys(part, where)
        return Probe(self.text(part, where, "population"), self.text(part, where, "variable"),
                     self.array(self.get(part, where, "index"), f"{where}.index", None),
                     self.number(part, where, "interval"))
