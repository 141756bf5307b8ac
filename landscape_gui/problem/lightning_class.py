"""Lightning's modules and datamodules in a project's Python files, found by parsing them; nothing is imported."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from landscape_gui.problem.python_files import OTHERS, python_files

MODULE, DATA = "LightningModule", "LightningDataModule"
MOST_FILES, LARGEST, TOTAL, PARSED = 500, 1 << 19, 8 << 20, 2 << 20


@dataclass(frozen=True)
class PythonClass:
    """file, name; bases: their last names; required, optional: parameters of its own __init__ (has_init: whether there is one),
    open: it takes **keywords; attributes: what its methods set on self; methods: their names; dynamic: attributes' names are made
    while it runs."""

    file: Path
    name: str
    bases: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    has_init: bool = False
    open: bool = False
    attributes: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    dynamic: bool = False


@dataclass(frozen=True)
class Project:
    """The classes in the Python files of a folder, as far as Lightning is about them."""

    folder: Path
    classes: tuple[PythonClass, ...] = field(default=())

    def derived(self, base: str) -> list[PythonClass]:
        """Those that derive from a class of this name, over classes of the project too."""
        return [found for found in self.classes if any(base in each.bases for each in self.line(found))]

    def line(self, found: PythonClass) -> list[PythonClass]:
        """The class and the project's classes that it derives from, nearest first."""
        line = [found]
        for each in line:
            for base in each.bases:
                near = sorted((c for c in self.classes if c.name == base and c not in line), key=lambda c: c.file != each.file)
                line += near[:1]
        return line

    def parameters(self, found: PythonClass) -> PythonClass:
        """The class whose __init__ is called."""
        return next((each for each in self.line(found) if each.has_init), found)

    def attributes(self, found: PythonClass) -> frozenset[str] | None:
        """What the class sets on itself; None: not to be told."""
        line = self.line(found)
        return None if any(each.dynamic for each in line) else frozenset().union(*(each.attributes for each in line))

    def defines(self, found: PythonClass, method: str) -> bool:
        return any(method in each.methods for each in self.line(found))


def read_project(folder: Path) -> Project:
    """Lightning's classes, and those that they derive from, at the top of the Python files below a folder.

    Reads up to 500 files and 8 MiB, and parses those that name Lightning's classes or one that was found, up to 2 MiB; some ms for
    each of these.
    """
    left = dict(_contents(folder))
    project, wanted, budget = Project(folder), {MODULE, DATA}, PARSED
    while found := [file for file, content in left.items() if any(name.encode() in content for name in wanted)]:
        for file in found:
            content = left.pop(file)
            budget -= len(content)
            if budget >= 0:
                project = Project(folder, (*project.classes, *classes_of(file, content)))
        ours = [*project.derived(MODULE), *project.derived(DATA)]
        wanted |= {name for each in ours for name in (each.name, *(base for c in project.line(each) for base in c.bases))}
    return project


def _contents(folder: Path) -> Iterator[tuple[Path, bytes]]:
    total = 0
    for file in itertools.islice(python_files(folder, skipping=OTHERS), MOST_FILES):
        content = _content(file)
        total += len(content)
        if total > TOTAL:
            return
        yield file, content


def _content(file: Path) -> bytes:
    """What is in the file; nothing where it cannot be read or is no code that a person wrote."""
    try:
        return file.read_bytes() if file.stat().st_size <= LARGEST else b""
    except OSError:
        return b""


def classes_of(file: Path, content: bytes) -> list[PythonClass]:
    """The classes of a file; none where it cannot be parsed."""
    try:
        return [_class(file, node) for node in ast.parse(content).body if isinstance(node, ast.ClassDef)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _class(file: Path, node: ast.ClassDef) -> PythonClass:
    methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    init = methods.get("__init__")
    required, optional = _parameters(init.args) if init is not None else ((), ())
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    return PythonClass(
        file,
        node.name,
        tuple(ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases),
        required,
        optional,
        init is not None,
        init is not None and init.args.kwarg is not None,
        frozenset(_attributes(node, calls)),
        frozenset(methods),
        any(isinstance(c.func, ast.Name) and c.func.id == "setattr" and not _texts(c.args[1:2]) for c in calls),
    )


def _parameters(args: ast.arguments) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = [each.arg for each in (*args.posonlyargs, *args.args)][1:]
    without = len(names) - min(len(args.defaults), len(names))
    required = names[:without] + [a.arg for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d is None]
    optional = names[without:] + [a.arg for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d is not None]
    return tuple(required), tuple(optional)


def _attributes(node: ast.ClassDef, calls: Iterable[ast.Call]) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store) and _is_self(each.value):
            yield each.attr
    for call in calls:
        named = call.func.attr if isinstance(call.func, ast.Attribute) and _is_self(call.func.value) else ""
        if named in ("add_module", "register_buffer", "register_parameter", "register_module"):
            yield from _texts(call.args[:1])
        elif isinstance(call.func, ast.Name) and call.func.id == "setattr":
            yield from _texts(call.args[1:2])


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _texts(nodes: Iterable[ast.AST]) -> list[str]:
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
