"""What a TorchScript program computes, as a digest: the same for each checkpoint of a run, however torch numbered its classes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xxhash
from torch import Tensor

from landscape_gui.checkpoint import digest, peek
from landscape_gui.checkpoint.limits import DEPTH
from landscape_gui.checkpoint.rebuilt import attributes_of, tensor_of
from landscape_gui.checkpoint.torch_zip import SCRIPT
from landscape_gui.checkpoint.torchscript import Script, read_script
from landscape_gui.checkpoint.values import Object
from landscape_gui.problem.scripted.library import plain, refuse

_NUMBERED = re.compile(r"\.?___torch_mangle_\d+")


def identity(script: Script) -> str:
    """xxh3-128 over the definitions, without the numbers that tell classes of one name apart, the modules with their plain values,
    and the constants. Raises ProblemError: the text is not TorchScript."""
    constants = script.constants if not script.frozen else tuple(c for c in script.constants if not isinstance(c, Tensor))
    tensors = {f"c{number}": value for number, value in enumerate(constants) if isinstance(value, Tensor)}
    said = (sorted(_definitions(script)), list(_values(script.root)), sum(1 for c in constants if not isinstance(c, Tensor)))
    return xxhash.xxh3_128_hexdigest(f"{said!r} {digest(tensors)}".encode("utf-8", "surrogatepass"))


def identity_at(path: Path) -> str:
    """That of the program in a file; "" where the file holds none. Raises ProblemError and Broken: it is malformed."""
    return identity(read_script(path)) if peek(path).format.startswith(SCRIPT) else ""


def _definitions(script: Script) -> Iterator[str]:
    for file, text in script.texts.items():
        lines = text.split("\n")
        try:
            nodes = ast.parse(text).body
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            raise refuse(f"cannot be read ({file})") from None
        for node in nodes:
            yield _NUMBERED.sub("", "\n".join(lines[node.lineno - 1 : node.end_lineno]))


def _values(root: Any) -> Iterator[tuple[str, str]]:
    """Every module's class, and its values that are no tensors, by place; its mode is always evaluation."""
    stack: list[tuple[str, Any, int]] = [("", root, 0)]
    seen: set[int] = set()
    while stack:
        place, value, depth = stack.pop()
        if isinstance(value, Object) and depth < DEPTH:
            yield place, plain(value.name)
            if tensor_of(value) is None and id(value) not in seen:
                seen.add(id(value))
                stack += [(f"{place}.{key}", item, depth + 1) for key, item in (attributes_of(value) or {}).items()]
                stack += [(f"{place}[{number}]", item, depth + 1) for number, item in enumerate(value.args)]
        elif isinstance(value, (list, tuple)) and depth < DEPTH:
            stack += [(f"{place}[{number}]", item, depth + 1) for number, item in enumerate(value)]
        elif isinstance(value, (bool, int, float, str, type(None))) and not place.endswith(".training"):
            yield place, repr(value)
