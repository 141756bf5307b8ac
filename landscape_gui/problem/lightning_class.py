"""Lightning's modules and datamodules in a project's Python files, found by parsing them; nothing is imported."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

MODULE, DATA = "LightningModule", "LightningDataModule"
MOST_FILES, MOST_ENTRIES, DEPTH, LARGEST = 500, 20_000, 6, 1 << 20
SKIPPED = frozenset({"node_modules", "site-packages", "dist-packages", "__pycache__", "venv", "env", "build", "dist"})


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
    """The classes in the Python files of a folder."""

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
    """Every class at the top of the Python files below a folder; of a large one so many files. Costs some ms a file."""
    found = [each for file in list(python_files(folder))[:MOST_FILES] for each in classes_of(file)]
    return Project(folder, tuple(found))


def python_files(folder: Path) -> Iterator[Path]:
    """The .py files below a folder, its own first; hidden folders, environments and packages of others are left out."""
    seen = 0
    for place, folders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if _is_project(Path(place) / name)) if depth < DEPTH else []
        seen += len(files) + len(folders)
        yield from (Path(place) / name for name in sorted(files) if name.endswith(".py"))
        if seen > MOST_ENTRIES:
            return


def _is_project(folder: Path) -> bool:
    return not folder.name.startswith(".") and folder.name not in SKIPPED and not (folder / "pyvenv.cfg").is_file()


def classes_of(file: Path) -> Iterator[PythonClass]:
    """The classes of a file; none where it cannot be read or parsed."""
    try:
        content = file.read_bytes() if file.is_file() and file.stat().st_size <= LARGEST else b""
        tree = ast.parse(content) if b"class " in content else ast.Module([], [])
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield _class(file, node)


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
