"""A folder's own modules as a package under a name that no other code has, from the bytes that were shown and allowed."""

from __future__ import annotations

import hashlib
import importlib
import importlib.abc
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from landscape_gui.problem.shown_loader import bare_spec, shown_spec
from landscape_gui.problem.source import Source

FRONT = "landscape_gui_folder_"


class _Finder(importlib.abc.MetaPathFinder):
    """Serves the modules of every such package, now and when a function imports one later; nothing else."""

    def __init__(self) -> None:
        self.sources: dict[str, Source] = {}

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        package, _, module = name.partition(".")
        source = self.sources.get(package)
        if source is None:
            return None
        if not module:
            return bare_spec(name, source.path.parent)
        if module in source.files:
            return shown_spec(name, *source.files[module])
        if module in source.spaces:
            return bare_spec(name, source.spaces[module])
        raise ModuleNotFoundError(f"No module named {module!r} among the files that were shown", name=name)


_finder = _Finder()


def import_private(source: Source, module: str) -> ModuleType:
    """A module of `source.read_package`, run where this content was not yet run in this process. Only for what was allowed."""
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    package = package_of(source)
    _finder.sources[package] = source
    return importlib.import_module(f"{package}.{module}")


def package_of(source: Source) -> str:
    """The package's name: another one for every content and every folder, so that no two ever meet."""
    place = hashlib.sha256(str(source.path.absolute()).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{FRONT}{source.digest[:16]}_{place[:8]}"
