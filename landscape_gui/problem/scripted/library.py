"""The text of a TorchScript program as classes and functions by name: parsed as Python is, and never run as Python."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from landscape_gui.checkpoint.limits import shown
from landscape_gui.checkpoint.torchscript import AGAIN
from landscape_gui.errors import ProblemError

ROOT = "__torch__"
_MANGLE = re.compile(r"\.___torch_mangle_\d+")
_FRONT, _BACK = "code/", ".py"


@dataclass(frozen=True)
class Class:
    """A class of the program. kind: "Module", "NamedTuple", "Enum", ... or "" for one without a base; fields: annotated names in
    their order; constants: those with a value."""

    name: str
    kind: str
    parameters: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)
    methods: Mapping[str, ast.FunctionDef] = field(default_factory=dict)

    @property
    def plain_name(self) -> str:
        """Its name as torch calls it, without what told two of one name apart."""
        return plain(self.name)


@dataclass(frozen=True)
class Library:
    """Everything that a program's texts define."""

    classes: Mapping[str, Class]
    functions: Mapping[str, ast.FunctionDef]


def plain(name: str) -> str:
    return _MANGLE.sub("", name)


def refuse(reason: str, remedy: str = AGAIN) -> ProblemError:
    """The error for a program that is not run. reason: completes "Its TorchScript program ..."."""
    return ProblemError(f"Its TorchScript program {reason}.", remedy=remedy)


def parse_library(texts: Mapping[str, str]) -> Library:
    """Raises ProblemError that names the file and line: the text is not TorchScript."""
    classes: dict[str, Class] = {}
    functions: dict[str, ast.FunctionDef] = {}
    for file, text in texts.items():
        front = file.removeprefix(_FRONT).removesuffix(_BACK).replace("/", ".")
        for node in _parsed(file, text).body:
            if isinstance(node, ast.ClassDef):
                classes[f"{front}.{node.name}"] = _class(f"{front}.{node.name}", node, file)
            elif isinstance(node, ast.FunctionDef):
                functions[f"{front}.{node.name}"] = _checked(node, file)
            elif not isinstance(node, ast.Assign):  # op_version_set of early versions
                raise _malformed(file, node)
    return Library(classes, functions)


def _parsed(file: str, text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise refuse(f"cannot be read ({shown(file)}{line})") from error


def _malformed(file: str, node: ast.AST) -> ProblemError:
    return refuse(f"has something else than TorchScript in {shown(file)}, line {getattr(node, 'lineno', 0)}")


def _checked(node: ast.FunctionDef, file: str) -> ast.FunctionDef:
    given = node.args
    if node.decorator_list or given.vararg or given.kwarg or given.posonlyargs or given.kwonlyargs:
        raise _malformed(file, node)
    return node


def _class(name: str, node: ast.ClassDef, file: str) -> Class:
    base = node.bases[0].id if len(node.bases) == 1 and isinstance(node.bases[0], ast.Name) else ""
    if node.decorator_list or node.keywords or (node.bases and not base):
        raise _malformed(file, node)
    methods = {item.name: _checked(item, file) for item in node.body if isinstance(item, ast.FunctionDef)}
    said = dict(_said(node))
    annotated = [item for item in node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)]
    fields = tuple(item.target.id for item in annotated if isinstance(item.target, ast.Name))
    parameters = said.pop("__parameters__", ())
    names = tuple(str(item) for item in parameters) if isinstance(parameters, (list, tuple)) else ()
    return Class(name, base, names, fields, said, methods)


def _said(node: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    """What the class gives a plain value."""
    for item in node.body:
        target = item.targets[0] if isinstance(item, ast.Assign) else item.target if isinstance(item, ast.AnnAssign) else None
        if isinstance(item, (ast.Assign, ast.AnnAssign)) and isinstance(target, ast.Name) and item.value is not None:
            try:
                yield target.id, ast.literal_eval(item.value)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                continue
