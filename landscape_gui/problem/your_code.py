"""landscape.py: a network, data and loss of the user's own. Nothing in it runs before its content is trusted."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from torch import nn

from landscape_gui.errors import LandscapeError, ProblemError, TrustNeeded
from landscape_gui.problem.dataset import Data, gather
from landscape_gui.problem.settings import data_limit, own_randomness
from landscape_gui.problem.source import Source, read_source
from landscape_gui.problem.trust import is_trusted

NAME = "landscape.py"
_loading = threading.RLock()


@dataclass
class YourCode:
    """A loaded landscape.py. source: what was read, trusted and run; modules: what it imported from its folder, by name."""

    source: Source
    module: ModuleType
    modules: dict[str, ModuleType] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return self.source.path

    @property
    def loss(self) -> Any:
        return getattr(self.module, "loss", None)

    @property
    def batch_loss(self) -> Callable[..., Any] | None:
        found = getattr(self.module, "batch_loss", None)
        return None if found is None else guarded(self.source, found, "batch_loss")

    @property
    def metrics(self) -> dict[str, Callable[..., Any]]:
        """The functions in `metrics`. Raises ProblemError for a name or value that is none."""
        given = getattr(self.module, "metrics", None) or {}
        if not isinstance(given, Mapping) or not all(isinstance(k, str) and callable(v) for k, v in given.items()):
            raise ProblemError(f"{self.path}: metrics is no dict of functions by name.")
        for name in given:
            if not name.isidentifier() or name == "loss":
                raise ProblemError(f"{self.path}: a metric is called {name!r}.", remedy="Use a plain word that is not loss.")
        return {name: guarded(self.source, function, f"the metric {name}") for name, function in given.items()}

    def make_model(self) -> nn.Module:
        """What model() returns. Raises ProblemError with file and line where it raises, or returns no nn.Module."""
        made = self._call("model")
        if not isinstance(made, nn.Module):
            raise ProblemError(f"{self.path}: model() returned a {type(made).__name__}; an nn.Module was expected.")
        return made

    @property
    def has_data(self) -> bool:
        return callable(getattr(self.module, "data", None))

    def read_data(self) -> Data:
        """What data() returns, gathered. Raises ProblemError with file and line."""
        with self._running("data"):
            returned = self.module.data()
            about = {"path": str(self.path), "kind": "code"}
            return gather(returned, whole_batches=self.batch_loss is not None, limit=data_limit(), about=about)

    def _call(self, name: str) -> Any:
        function = getattr(self.module, name, None)
        if not callable(function):
            raise ProblemError(f"{self.path} defines no {name}().", remedy="docs/landscape_py.md shows what it holds.")
        with self._running(name):
            return function()

    @contextmanager
    def _running(self, what: str) -> Iterator[None]:
        with told(self.source, f"{what}()"), own_randomness(), importing(self.source, self.modules):
            yield


def load_code(path: Path, trusted: Callable[[str], bool] | None = None) -> YourCode:
    """Run a landscape.py. Raises TrustNeeded, with source and digest, unless `trusted(digest)` or it was remembered; nothing has
    run then. Raises ProblemError, with file and line, where it raises."""
    source = read_source(path)
    if not (is_trusted(source.digest) or (trusted is not None and trusted(source.digest))):
        raise TrustNeeded(str(path), source.text, source.digest)
    module = ModuleType(f"landscape_gui_code_{source.digest[:16]}")
    module.__file__ = str(path)
    code = YourCode(source, module)
    with told(source, "loading"), own_randomness(), importing(source, code.modules):
        sys.modules[module.__name__] = module
        exec(compile(source.content, str(path), "exec"), module.__dict__)
    return code


class _Finder(importlib.abc.MetaPathFinder):
    """Serves the trusted modules from the bytes that were digested: no cached bytecode, no file that was not shown."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        if name not in self.source.files:
            return None
        file, content = self.source.files[name]
        folders = [str(file.parent)] if file.name == "__init__.py" else None
        loader = _Loader(name, str(file), content)
        return importlib.util.spec_from_file_location(name, file, loader=loader, submodule_search_locations=folders)


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, content: bytes) -> None:
        super().__init__(name, path)
        self.content = content

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.content, self.path, "exec", dont_inherit=True)


@contextmanager
def importing(source: Source, modules: dict[str, ModuleType]) -> Iterator[None]:
    """Inside, modules of the file's folder can be imported; afterwards their names mean what they meant before."""
    with _loading:
        finder = _Finder(source)
        before = {name: sys.modules.pop(name) for name in list(source.files) if name in sys.modules}
        sys.modules.update(modules)
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
            for name in source.files:
                if name in sys.modules:
                    modules[name] = sys.modules.pop(name)
            sys.modules.update(before)


@contextmanager
def told(source: Source, what: str) -> Iterator[None]:
    """What is raised inside comes out as a ProblemError that names the file and line of the user's own code."""
    try:
        yield
    except LandscapeError:
        raise
    except FileNotFoundError as error:
        raise ProblemError(f"{place_of(source, error, what)} {missing_file(error)}", remedy=remedy_for(source, error)) from error
    except (Exception, SystemExit) as error:
        raise ProblemError(f"{place_of(source, error, what)} {type(error).__name__}: {error}") from error


def missing_file(error: FileNotFoundError) -> str:
    """Which file is missing, and where a relative path was looked for."""
    if error.filename is None:
        return f"{type(error).__name__}: {str(error).rstrip('.')}."
    name = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else str(error.filename)
    return f"there is no {name}." if os.path.isabs(name) else f"there is no {name} in {Path.cwd()}, the folder of the program."


def remedy_for(source: Source, error: FileNotFoundError) -> str:
    """What to do about a missing file: a relative path is better taken from where the code lies."""
    name = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else ""
    if not name or os.path.isabs(name):
        return f"Put the file there, or correct the path in {source.path.name}."
    beside = source.path.parent / name
    found = f" ({beside} exists)" if beside.exists() else ""
    return f"Name it from where the code lies, Path(__file__).parent / {name!r}{found}, or start the program in the folder with it."


def place_of(source: Source, error: BaseException, what: str) -> str:
    """ "/folder/landscape.py, line 7, in data:" for the innermost line of the user's own files."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in source.filenames]
    return f"{frames[-1].filename}, line {frames[-1].lineno}, in {frames[-1].name}:" if frames else f"{source.path}, {what}:"


def guarded(source: Source, function: Callable[..., Any], what: str) -> Callable[..., Any]:
    """The function, its exceptions told with file and line."""

    def call(*arguments: Any, **keywords: Any) -> Any:
        with told(source, what):
            return function(*arguments, **keywords)

    return call
