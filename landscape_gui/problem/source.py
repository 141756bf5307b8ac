"""The source of a landscape.py and of what it imports from its folder, found without running anything."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from landscape_gui.errors import ProblemError

LARGEST = 4 << 20
MOST_FILES = 500
OURS = frozenset({"torch", "numpy", "landscape_gui"})


@dataclass(frozen=True)
class Source:
    """path: the landscape.py; files: module name -> (file, its bytes) for what it imports from its folder; these bytes, not the
    files, are what is shown, digested and run. digest: SHA-256 over names and bytes."""

    path: Path
    content: bytes
    files: Mapping[str, tuple[Path, bytes]]

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
    def text(self) -> str:
        """What to show before it is trusted: the file, then those that it imports, each under its name."""
        parts = [self.content.decode("utf-8", "replace")]
        parts += [
            f"\n# ---- {path.name} ({name})\n{content.decode('utf-8', 'replace')}"
            for name, (path, content) in sorted(self.files.items())
        ]
        return "\n".join(parts)


def read_source(path: Path) -> Source:
    """The file and, transitively, the modules beside it that it imports (anywhere in the code, functions included).

    A package counts with all its .py files. Modules of the standard library are never taken from the folder. Raises ProblemError
    for a syntax error, with its line.
    """
    content = _read(path)
    files: dict[str, tuple[Path, bytes]] = {}
    waiting = list(_imports(path, content))
    while waiting:
        top = waiting.pop().partition(".")[0]
        if top in files or top in sys.stdlib_module_names or top in OURS:
            continue
        for name, file in _modules(path.parent, top):
            if len(files) >= MOST_FILES:
                raise ProblemError(f"{path} imports more than {MOST_FILES} files from its folder.")
            files[name] = (file, _read(file))
            waiting += _imports(file, files[name][1])
    return Source(path, content, files)


def _modules(folder: Path, top: str) -> Iterator[tuple[str, Path]]:
    """The module or package called `top` in the folder, as (dotted name, file)."""
    package = folder / top
    if (package / "__init__.py").is_file():
        for file in sorted(package.rglob("*.py")):
            parts = file.relative_to(folder).with_suffix("").parts
            if all(part.isidentifier() for part in parts):
                yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file
    elif (folder / f"{top}.py").is_file():
        yield top, folder / f"{top}.py"


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ProblemError(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > LARGEST:
        raise ProblemError(f"{path} is larger than {LARGEST:,} bytes; that is no code that is run.")
    return content


def _imports(path: Path, content: bytes) -> Iterator[str]:
    try:
        tree = ast.parse(content, str(path))
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        raise ProblemError(f"{path}{f', line {line}' if line else ''}: {getattr(error, 'msg', error)}.") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
