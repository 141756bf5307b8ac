"""Runs a module from the bytes that were shown and digested: no cached bytecode, no file that changed since."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path
from types import CodeType
from typing import Any


class ShownLoader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, content: bytes) -> None:
        super().__init__(name, path)
        self.content = content

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.content, self.path, "exec", dont_inherit=True)


def shown_spec(name: str, file: Path, content: bytes) -> Any:
    """How Python is to import a file's content under this name; an __init__.py is a package."""
    folders = [str(file.parent)] if file.name == "__init__.py" else None
    loader = ShownLoader(name, str(file), content)
    return importlib.util.spec_from_file_location(name, file, loader=loader, submodule_search_locations=folders)


def bare_spec(name: str, folder: Path) -> Any:
    """A package without an __init__.py."""
    spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    return spec
