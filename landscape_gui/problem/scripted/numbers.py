"""What TorchScript programs do with numbers, texts, lists and dictionaries, as plain functions; tensors are not their matter."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, fx

from landscape_gui.problem.scripted.library import refuse

LONGEST = 1_000_000
"""Items of a list or letters of a text."""
LARGEST = 1 << 63
DTYPES = (
    *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.float32, torch.float64),
    *(torch.complex32, torch.complex64, torch.complex128, torch.bool, None, None, None, torch.bfloat16),
)
"""Types of numbers in the order of the numbers that TorchScript gives them."""


def is_tensor(value: Any) -> bool:
    """Whether torch's own operators take it."""
    return isinstance(value, (Tensor, fx.Proxy))


def dtype_of(value: Any) -> Any:
    """The type of numbers that an integer of the program stands for."""
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    if not 0 <= value < len(DTYPES) or DTYPES[value] is None:
        raise refuse(f"names a type of numbers that is not run ({value})")
    return DTYPES[value]


def limited(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, its results no larger than TorchScript has them."""

    def run(*arguments: Any) -> Any:
        for one, other in (arguments, arguments[::-1]) if len(arguments) == 2 else ():
            if isinstance(one, (list, str)) and isinstance(other, int) and len(one) * abs(other) > LONGEST:
                raise refuse("makes a list without end")
        given = function(*arguments)
        if isinstance(given, int) and abs(given) > LARGEST:
            raise refuse("has an integer of more than 64 bits")
        return given

    return run


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and exponent > 64 and abs(base) > 1:
        raise refuse("has an integer of more than 64 bits")
    return base**exponent


def _division(a: Any, b: Any) -> float:
    return float(a / b)


def _remainder(a: Any, b: Any) -> Any:
    return a % b


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, torch.dtype) or isinstance(b, torch.dtype):
        return bool(dtype_of(a) == dtype_of(b))
    return bool(a == b)


def _append(items: list[Any], value: Any) -> list[Any]:
    if len(items) >= LONGEST:
        raise refuse("makes a list without end")
    items.append(value)
    return items


def _extend(items: list[Any], more: list[Any]) -> None:
    if len(items) + len(more) > LONGEST:
        raise refuse("makes a list without end")
    items.extend(more)


def _insert(items: list[Any], place: int, value: Any) -> None:
    items.insert(place, value)


def _set_item(items: Any, key: Any, value: Any) -> Any:
    items[key] = value
    return items


def _slice(items: Any, start: Any = None, stop: Any = None, step: int = 1) -> Any:
    return items[start:stop:step]


def _format(text: str, *values: Any) -> str:
    """Only "{}" is filled in."""
    parts = text.split("{}")
    return "".join(
        part + (str(value)[:200] if at < len(parts) - 1 else "") for at, (part, value) in enumerate(_pairs(parts, values))
    )


def _pairs(parts: list[str], values: tuple[Any, ...]) -> list[tuple[str, Any]]:
    return [(part, values[at] if at < len(values) else "") for at, part in enumerate(parts)]


def _range_length(low: int, high: int, step: int) -> int:
    return len(range(low, high, step))


def _derive_index(index: int, start: int, step: int) -> int:
    return start + index * step


def _round(value: float) -> float:
    return float(round(value))


def _unwrapped(value: Any) -> Any:
    if value is None:
        raise refuse("needs a value where there is none")
    return value


def _keys(table: dict[Any, Any]) -> list[Any]:
    return list(table.keys())


def _values(table: dict[Any, Any]) -> list[Any]:
    return list(table.values())


def _items(table: dict[Any, Any]) -> list[Any]:
    return list(table.items())


def _is_in(items: Any, value: Any) -> bool:
    return value in items


def _get(table: dict[Any, Any], key: Any, other: Any = None) -> Any:
    return table.get(key, other)


def _sum(items: list[Any]) -> Any:
    return sum(items)


def _nothing(*_: Any, **__: Any) -> None:
    return None


_ARITHMETIC: Mapping[str, Callable[..., Any]] = {
    **{name: limited(getattr(operator, name)) for name in ("add", "sub", "mul", "neg", "and_", "or_", "xor")},
    **{name: getattr(operator, name) for name in ("lt", "le", "gt", "ge")},
    "__and__": operator.and_,
    "__or__": operator.or_,
    "__xor__": operator.xor,
    "__not__": operator.not_,
    "eq": _equal,
    "ne": lambda a, b: not _equal(a, b),
    "div": _division,
    "floordiv": operator.floordiv,
    "floor_divide": operator.floordiv,
    "remainder": _remainder,
    "fmod": math.fmod,
    "pow": limited(_power),
    "abs": abs,
    "round": _round,
    **{
        name: getattr(math, name) for name in ("sqrt", "floor", "ceil", "log", "log2", "log10", "exp", "sin", "cos", "tan", "trunc")
    },
    **{name: getattr(math, name) for name in ("isnan", "isinf", "isfinite", "gcd")},
    "sum": _sum,
}
_CONTAINERS: Mapping[str, Callable[..., Any]] = {
    "append": _append,
    "extend": _extend,
    "insert": _insert,
    "pop": lambda items, at=-1: items.pop(at),
    "clear": lambda items: items.clear(),
    "reverse": lambda items: items.reverse(),
    "list": list,
    "copy": lambda items: items.copy(),
    "index": lambda items, value: items.index(value),
    "count": lambda items, value: items.count(value),
    "keys": _keys,
    "values": _values,
    "items": _items,
    "get": _get,
    "update": lambda table, more: table.update(more),
    "dict": dict,
    "_set_item": _set_item,
    "slice": _slice,
    "__contains__": _is_in,
    "__getitem__": operator.getitem,
    "any": any,
    "all": all,
}
_TEXTS: Mapping[str, Callable[..., Any]] = {
    "format": _format,
    "startswith": lambda text, front: text.startswith(front),
    "endswith": lambda text, back: text.endswith(back),
    "lower": lambda text: text.lower(),
    "upper": lambda text: text.upper(),
    "str": lambda value: str(value)[:LONGEST],
}
PLAIN: Mapping[str, Callable[..., Any]] = {**_ARITHMETIC, **_CONTAINERS, **_TEXTS}
"""Functions of torch.* (aten) where none of the arguments is a tensor."""

ALWAYS: Mapping[str, Callable[..., Any]] = {
    "__is__": operator.is_,
    "__isnot__": operator.is_not,
    "__range_length": _range_length,
    "__derive_index": _derive_index,
    "_unwrap_optional": _unwrapped,
    "append": _append,
    "warn": _nothing,
    "is_scripting": lambda: True,
    "is_grad_enabled": lambda: True,
    "is_autocast_enabled": lambda *_: False,
    "is_autocast_cpu_enabled": lambda: False,
    "manual_seed": _nothing,
}
"""Functions of torch.* that do not look at what they get."""
