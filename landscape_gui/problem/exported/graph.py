"""The graph of an exported program (.pt2) as plain data, checked: no name in it is looked up and no expression evaluated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from landscape_gui.checkpoint.json_text import parse_object
from landscape_gui.checkpoint.limits import shown
from landscape_gui.errors import ProblemError

AGAIN = "Export it again with torch.export.export and torch.export.save."
_DTYPES: Mapping[int, torch.dtype] = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    10: torch.complex64,
    11: torch.complex128,
    12: torch.bool,
    13: torch.bfloat16,
}
_FORMATS = {1: torch.contiguous_format, 2: torch.channels_last, 3: torch.channels_last_3d, 4: torch.preserve_format}
_STRIDED = 7
_FLOATS = {"Infinity": float("inf"), "-Infinity": float("-inf"), "NaN": float("nan")}
_WEIGHTS = {"parameter": "parameter_name", "buffer": "buffer_name", "tensor_constant": "tensor_constant_name"}


@dataclass(frozen=True, slots=True)
class Ref:
    """A value of the graph, by its name there."""

    name: str


@dataclass(frozen=True, slots=True)
class Here:
    """The device that the network computes on, whichever one it was exported on."""


@dataclass(frozen=True)
class Node:
    """One operation. arguments: (name, value, by keyword), values being numbers, texts, Refs, lists, or a Graph; outputs: a name
    each, None where nothing is given, and a tuple of names for a list."""

    target: str
    arguments: tuple[tuple[str, Any, bool], ...]
    outputs: tuple[str | tuple[str, ...] | None, ...]


@dataclass(frozen=True)
class Graph:
    """Operations in order. sizes: of each tensor at the time of export, None where a size is free; dtypes: likewise."""

    inputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    results: tuple[Any, ...]
    sizes: Mapping[str, tuple[int | None, ...]]
    dtypes: Mapping[str, torch.dtype]
    trainable: frozenset[str]


@dataclass(frozen=True)
class Weight:
    """A tensor of the file that the graph calls `name`. kind: "parameter", "buffer" or "tensor_constant"; stored: its name in the
    file; persistent: whether a state dict holds it."""

    name: str
    kind: str
    stored: str
    persistent: bool


@dataclass(frozen=True)
class Program:
    """A whole exported program. inputs: a Ref for each value to be given, else the constant that stands in its place; takes: how
    they are nested in (arguments, keywords); gives: how the results are; names: of the positional arguments; written: names of
    buffers and inputs that the program changes; major: of the schema."""

    graph: Graph
    weights: tuple[Weight, ...]
    inputs: tuple[Any, ...]
    results: tuple[int, ...]
    written: tuple[str, ...]
    takes: Any
    gives: Any
    names: tuple[str, ...]
    modules: tuple[str, ...]


def parse_program(raw: bytes) -> Program:
    """The program that a file's JSON describes. Raises ProblemError: malformed, or of a kind that is not run; Broken: no JSON."""
    table = parse_object(raw, "its program")
    try:
        module = _table(table.get("graph_module"))
        signature = _table(module.get("signature"))
        graph = _graph(_table(module.get("graph")))
        weights, inputs = _inputs(_list(signature.get("input_specs")))
        results, written = _results(_list(signature.get("output_specs")), len(graph.results))
        calls = [_table(entry) for entry in _list(module.get("module_call_graph"))]
        takes, gives, names = _calling(calls)
        modules = tuple(_text(entry.get("fqn")) for entry in calls)
    except RecursionError:
        raise malformed("it is nested too deep") from None
    return Program(graph, weights, inputs, results, written, takes, gives, names, modules)


def malformed(what: str) -> ProblemError:
    return ProblemError(f"Its program is malformed: {what}.", remedy=AGAIN)


def _graph(table: Mapping[str, Any]) -> Graph:
    tensors = {name: _table(meta) for name, meta in _table(table.get("tensor_values")).items()}
    return Graph(
        inputs=tuple(value.name for value in map(_value, _list(table.get("inputs"))) if isinstance(value, Ref)),
        nodes=tuple(_node(_table(item)) for item in _list(table.get("nodes"))),
        results=tuple(_value(item) for item in _list(table.get("outputs"))),
        sizes={name: _sizes(meta) for name, meta in tensors.items()},
        dtypes={name: _dtype(meta.get("dtype")) for name, meta in tensors.items() if _known(meta.get("dtype"))},
        trainable=frozenset(name for name, meta in tensors.items() if meta.get("requires_grad") is True),
    )


def _node(table: Mapping[str, Any]) -> Node:
    arguments = []
    for item in map(_table, _list(table.get("inputs"))):
        arguments.append((_text(item.get("name")), _value(item.get("arg")), item.get("kind") == 2))
    return Node(_text(table.get("target")), tuple(arguments), tuple(_output(item) for item in _list(table.get("outputs"))))


def _output(item: Any) -> str | tuple[str, ...] | None:
    value = _value(item)
    if isinstance(value, list) and all(isinstance(part, Ref) for part in value):
        return tuple(part.name for part in value)
    if value is None or isinstance(value, Ref):
        return None if value is None else value.name
    raise malformed("an operation gives what is no tensor and no number")


def _value(item: Any) -> Any:
    """One argument of the schema's union, whose only key says of which kind it is."""
    kind, value = _union(item)
    maker = _VALUES.get(kind)
    if maker is None:
        raise ProblemError(f"Its program passes a value of the kind {shown(kind)}, which is not run.", remedy=AGAIN)
    return maker(value)


def _ref(value: Any) -> Ref:
    return Ref(_text(_table(value).get("name")))


def _symbol(value: Any) -> Any:
    """A size: a number, or the value of the graph that holds it."""
    kind, inner = _union(value)
    return Ref(_text(inner)) if kind == "as_name" else _number(inner)


def _optional(value: Any) -> Ref | None:
    kind, inner = _union(value)
    return None if kind == "as_none" else _ref(inner)


def _float(value: Any) -> float:
    return _FLOATS[value] if isinstance(value, str) and value in _FLOATS else float(_number(value))


def _complex(value: Any) -> complex:
    return complex(_float(_table(value).get("real")), _float(_table(value).get("imag")))


def _dtype(value: Any) -> torch.dtype:
    if not _known(value):
        raise ProblemError(f"Its program computes with numbers of type {shown(value)}, which is not run.", remedy=AGAIN)
    return _DTYPES[value]


def _known(value: Any) -> bool:
    return type(value) is int and value in _DTYPES


def _format(value: Any) -> torch.memory_format:
    if type(value) is not int or value not in _FORMATS:
        raise malformed(f"{shown(value)} is no memory format")
    return _FORMATS[value]


def _layout(value: Any) -> torch.layout:
    if value != _STRIDED:
        raise ProblemError("Its program computes with tensors that are not dense.", remedy="Export it with dense tensors.")
    return torch.strided


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise malformed(f"{shown(value)} is neither true nor false")
    return value


def _each(maker: Any) -> Any:
    return lambda value: [maker(item) for item in _list(value)]


_VALUES: Mapping[str, Any] = {
    "as_none": lambda _value: None,
    "as_tensor": _ref,
    "as_tensors": _each(_ref),
    "as_optional_tensor": _optional,
    "as_optional_tensors": _each(_optional),
    "as_int": lambda value: _whole(value),
    "as_ints": _each(lambda value: _whole(value)),
    "as_float": _float,
    "as_floats": _each(_float),
    "as_complex": _complex,
    "as_bool": _bool,
    "as_bools": _each(_bool),
    "as_string": lambda value: _text(value),
    "as_strings": _each(lambda value: _text(value)),
    "as_sym_int": _symbol,
    "as_sym_ints": _each(_symbol),
    "as_sym_float": _symbol,
    "as_sym_floats": _each(_symbol),
    "as_sym_bool": _symbol,
    "as_sym_bools": _each(_symbol),
    "as_scalar_type": _dtype,
    "as_memory_format": _format,
    "as_layout": _layout,
    "as_device": lambda _value: Here(),
    "as_graph": lambda value: _graph(_table(_table(value).get("graph"))),
}


def _inputs(specs: list[Any]) -> tuple[tuple[Weight, ...], tuple[Any, ...]]:
    weights: list[Weight] = []
    inputs: list[Any] = []
    for kind, table in (_union(spec) for spec in specs):
        if kind in _WEIGHTS:
            name = _ref(_table(table).get("arg")).name
            stored = _text(table.get(_WEIGHTS[kind]))
            persistent = kind == "parameter" or (kind == "buffer" and table.get("persistent") is not False)
            weights.append(Weight(name, kind, stored, persistent))
        elif kind == "user_input":
            inputs.append(_value(_table(table).get("arg")))
        elif kind == "constant_input":
            inputs.append(_value(_table(table).get("value")))
        else:
            raise ProblemError(
                f"Its program takes an object of its own ({shown(kind)}), such as a tokeniser, which is not made.",
                remedy="Export the network alone, so that its inputs are tensors.",
            )
    return tuple(weights), tuple(inputs)


def _results(specs: list[Any], count: int) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The places of what the caller gets, and the names of what the program changes."""
    kinds = [_union(spec) for spec in specs]
    if len(kinds) != count:
        raise malformed("its results are more or fewer than it says")
    results = tuple(place for place, (kind, _) in enumerate(kinds) if kind in ("user_output", "loss_output"))
    keys = {"buffer_mutation": "buffer_name", "parameter_mutation": "parameter_name", "user_input_mutation": "user_input_name"}
    written = tuple(_text(_table(table).get(keys[kind])) for kind, table in kinds if kind in keys)
    other = [kind for kind, _ in kinds if kind not in keys and kind not in ("user_output", "loss_output")]
    if other:
        raise ProblemError(f"Its program gives {shown(other[0])}, which is not run.", remedy="Export the forward pass alone.")
    return results, written


def _calling(entries: list[Mapping[str, Any]]) -> tuple[Any, Any, tuple[str, ...]]:
    """How arguments and results are nested, and the names of the positional ones; a flat call where the file does not say."""
    root = next((entry for entry in entries if entry.get("fqn") == ""), {})
    signature = root.get("signature")
    if not isinstance(signature, Mapping):
        return None, None, ()
    names = signature.get("forward_arg_names")
    return _tree(signature.get("in_spec")), _tree(signature.get("out_spec")), tuple(_text(name) for name in _list(names or []))


def _tree(text: Any) -> Any:
    """None for a leaf, else ("list" | "dict", keys, children): what is neither tuple, list nor dict counts as what it holds."""
    try:
        parsed = json.loads(_text(text))
    except ValueError:
        raise malformed("how its inputs and results are nested is no JSON") from None
    return _branch(_table(parsed[1]) if isinstance(parsed, list) and len(parsed) == 2 else None)


def _branch(table: Any) -> Any:
    table = _table(table)
    kind = table.get("type")
    if kind is None:
        return None
    children = tuple(_branch(child) for child in _list(table.get("children_spec")))
    if kind in ("builtins.tuple", "builtins.list"):
        return "list", (), children
    keys = _keys(table.get("context"), len(children))
    return ("dict", keys, children) if keys else ("list", (), children)


def _keys(context: Any, count: int) -> tuple[str, ...]:
    """The names of a dictionary's, named tuple's or dataclass's parts; () where the file does not give one for each."""
    try:
        found = json.loads(context) if isinstance(context, str) else context
    except ValueError:
        return ()
    if isinstance(found, list) and len(found) == 2 and isinstance(found[1], list):
        found = found[1]
    fits = isinstance(found, list) and len(found) == count and all(isinstance(key, str) for key in found)
    return tuple(found) if fits else ()


def _sizes(meta: Mapping[str, Any]) -> tuple[int | None, ...]:
    sizes = (_union(item) for item in _list(meta.get("sizes")))
    return tuple(value if kind == "as_int" and type(value) is int else None for kind, value in sizes)


def _union(value: Any) -> tuple[str, Any]:
    table = _table(value)
    if len(table) != 1:
        raise malformed("a value is of no kind, or of several")
    return next(iter(table.items()))


def _table(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise malformed(f"{shown(value)} stands where a table is expected")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise malformed(f"{shown(value)} stands where a list is expected")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise malformed(f"{shown(value)} stands where a name is expected")
    return value


def _number(value: Any) -> int | float | bool:
    if not isinstance(value, (int, float)) or (isinstance(value, int) and abs(value) >= 1 << 63):
        raise malformed(f"{shown(value)} stands where a number is expected")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or abs(value) >= 1 << 63:
        raise malformed(f"{shown(value)} stands where a whole number is expected")
    return value
