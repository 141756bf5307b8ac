"""The source of a person's code and of what it imports from its folder, found without running anything."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from landscape_gui.errors import ProblemError
from landscape_gui.problem.python_files import python_files

LARGEST = 1 << 20
MOST_FILES = 500
TOTAL = 4 << 20
DECEIVING = frozenset(
    "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\r\x00\x08\x1b"
)
SPELLED = {ord(each): f"<U+{ord(each):04X}>" for each in DECEIVING - {"\r"}}
OURS = frozenset({"torch", "numpy", "landscape_gui"})


@dataclass(frozen=True)
class Source:
    """path: the file; files: module name -> (file, its bytes) for what it imports from its folder; these bytes, not the files, are
    what is shown, digested and run. digest: SHA-256 over names and bytes. name: the module that the file itself is, "" where it is
    run by itself (it is among `files` then)."""

    path: Path
    content: bytes
    files: Mapping[str, tuple[Path, bytes]]
    name: str = ""

    @property
    def digest(self) -> str:
        hasher = hashlib.sha256()
        for name, content in [("", self.content), *((name, self.files[name][1]) for name in sorted(self.files))]:
            hasher.update(f"{name}\0{len(content)}\0".encode())
            hasher.update(content)
        return hasher.hexdigest()

    @property
    def filenames(self) -> frozenset[str]:
        """The files as tracebacks name them."""
        return frozenset({str(self.path), *(str(file) for file, _ in self.files.values())})

    @property
    def spaces(self) -> Mapping[str, Path]:
        """Packages without an __init__.py, by name: the folders that hold modules among `files`."""
        found: dict[str, Path] = {}
        for name, (file, _) in self.files.items():
            folder = file.parent.parent if file.name == "__init__.py" else file.parent
            while name := name.rpartition(".")[0]:
                if name not in self.files:
                    found[name] = folder
                folder = folder.parent
        return found

    @property
    def text(self) -> str:
        """What to show before it is trusted: which files there are, the file, then those that it imports, each under its name.
        Characters that would show the text in another order than it runs are spelled out."""
        further = [(name, *file) for name, file in sorted(self.files.items()) if name != self.name]
        parts = [visible(self.content.decode("utf-8", "replace"))]
        if further:
            listed = ", ".join(visible(path.name) for _, path, _ in further)
            parts.insert(0, f"# ---- {visible(self.path.name)}; below it, what it imports from its folder: {listed}")
        for name, path, content in further:
            parts.append(f"\n# ---- {visible(path.name)} ({name})\n{visible(content.decode('utf-8', 'replace'))}")
        return "\n".join(parts)


def visible(text: str) -> str:
    """The text with characters that reorder or hide others spelled out."""
    return text.translate(SPELLED)


def read_source(path: Path, name: str = "", also: Sequence[str] = ()) -> Source:
    """The file and, transitively, the modules beside it that it imports (anywhere in the code, functions included).

    name: the dotted name under which the file is imported ("models.net"), its modules then lie where that name begins; also:
    further modules there. A package counts with all its .py files. Modules of the standard library are never taken from the
    folder. Raises ProblemError for a syntax error, with its line.
    """
    folder = path.parent
    for _ in range(name.count(".") + (path.name == "__init__.py" and bool(name))):
        folder = folder.parent
    content = _read(path)
    files: dict[str, tuple[Path, bytes]] = {}
    total = len(content)
    waiting = [*([name] if name else []), *also, *imports_of(path, content)]
    while waiting:
        top = waiting.pop().partition(".")[0]
        if top in files or top in sys.stdlib_module_names or (top in OURS and not name.startswith(top)):
            continue
        for module, file in _modules(folder, top):
            if module in files:
                continue
            if len(files) >= MOST_FILES:
                raise ProblemError(f"{path} imports more than {MOST_FILES} files from its folder.")
            files[module] = (file, _read(file))
            total += len(files[module][1])
            if total > TOTAL:
                raise ProblemError(f"{path} imports more than {TOTAL:,} bytes of code from its folder.")
            waiting += imports_of(file, files[module][1])
    return Source(path, files[name][1] if name else content, files, name)


def _modules(folder: Path, top: str) -> Iterator[tuple[str, Path]]:
    """The module or package called `top` in the folder, as (dotted name, file)."""
    package = folder / top
    if (package / "__init__.py").is_file():
        yield from _package(folder, package)
    elif (folder / f"{top}.py").is_file():
        yield top, folder / f"{top}.py"
    elif package.is_dir() and not _installed(top):
        yield from _package(folder, package)


def _package(folder: Path, package: Path) -> Iterator[tuple[str, Path]]:
    for file in python_files(package):
        parts = file.relative_to(folder).with_suffix("").parts
        if all(part.isidentifier() for part in parts):
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


def _installed(top: str) -> bool:
    """Whether Python would find a module or a package with an __init__.py of this name: it comes before a bare folder."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return True
    return spec is not None and spec.origin is not None


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ProblemError(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > LARGEST:
        raise ProblemError(f"{path} is larger than {LARGEST:,} bytes; that is no code that is run.")
    return content


def imports_of(path: Path, content: bytes) -> Iterator[str]:
    """The dotted names that the code imports, relative ones left out. Raises ProblemError for a syntax error, with its line."""
    try:
        tree = ast.parse(content, str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        raise ProblemError(f"{path}{f', line {line}' if line else ''}: {getattr(error, 'msg', error)}.") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def read_package(folder: Path, modules: Sequence[str]) -> Source:
    """Modules of a folder that is a package by itself, and what they import from it relatively (`from .nets import Net`).

    modules: dotted names below the folder, the one to show first in front. files: by such names as well, the folder's own
    __init__.py left out. Raises ProblemError: no such file, a syntax error, an import from outside of the folder.
    """
    files: dict[str, tuple[Path, bytes]] = {}
    waiting, total = list(modules), 0
    while waiting:
        name = waiting.pop()
        file = _module_file(folder, name) if name not in files else None
        if file is None:
            continue
        files[name] = (file, _read(file))
        total += len(files[name][1])
        if len(files) > MOST_FILES or total > TOTAL:
            raise ProblemError(f"{folder / modules[0]}.py imports more than {MOST_FILES} files, or {TOTAL:,} bytes, of its folder.")
        waiting += [name[:i] for i, each in enumerate(name) if each == "."]
        waiting += _relative_imports(name, file, files[name][1])
    lacking = next((name for name in modules if name not in files), None)
    if lacking is not None:
        raise ProblemError(
            f"There is no {lacking.replace('.', '/')}.py in {folder}.", remedy="Copy the whole folder, its .py files too."
        )
    path, content = files[modules[0]]
    return Source(path, content, files, modules[0])


def _module_file(folder: Path, name: str) -> Path | None:
    place = folder.joinpath(*name.split("."))
    return next((file for file in (place / "__init__.py", place.with_name(f"{place.name}.py")) if file.is_file()), None)


def _relative_imports(name: str, file: Path, content: bytes) -> Iterator[str]:
    """The dotted names below the folder that a module of it may mean by its relative imports."""
    list(imports_of(file, content))  # a syntax error is told
    package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(content)):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        if node.level - 1 > len(package):
            raise ProblemError(f"{file}, line {node.lineno}: it imports from outside of its folder.")
        target = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
        target = [part for part in target if part]
        yield from [".".join(target)] if target else []
        yield from (".".join([*target, alias.name]) for alias in node.names if alias.name != "*")
