"""Code of the user's own: a network, data and loss. Nothing in it runs before its content is trusted."""

from __future__ import annotations

import copy
import importlib
import importlib.abc
import inspect
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from landscape_gui.errors import LandscapeError, ProblemError, TrustNeeded
from landscape_gui.problem.abilities import abilities
from landscape_gui.problem.dataset import Data, gather
from landscape_gui.problem.settings import data_limit, own_randomness
from landscape_gui.problem.shown_loader import bare_spec, shown_spec
from landscape_gui.problem.source import Source, read_source
from landscape_gui.trust import is_trusted

NAME = "landscape.py"
MODEL = "model"
_loading = threading.RLock()


@dataclass
class YourCode:
    """A loaded landscape.py, or another file of which a function makes the network.

    source: what was read, trusted and run; modules: what it imported from its folder, by name; function: what makes the network, a
    function, a class or a module that is there already; arguments: for it, by name.
    """

    source: Source
    module: ModuleType
    modules: dict[str, ModuleType] = field(default_factory=dict)
    function: str = MODEL
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return self.source.path

    @property
    def loss(self) -> Any:
        return self._given("loss")

    @property
    def batch_loss(self) -> Callable[..., Any] | None:
        found = self._given("batch_loss")
        return None if found is None else guarded(self.source, found, "batch_loss")

    @property
    def metrics(self) -> dict[str, Callable[..., Any]]:
        """The functions in `metrics`. Raises ProblemError for a name or value that is none."""
        given = self._given("metrics") or {}
        if not isinstance(given, Mapping) or not all(isinstance(k, str) and callable(v) for k, v in given.items()):
            raise ProblemError(f"{self.path}: metrics is no dict of functions by name.")
        for name in given:
            if not name.isidentifier() or name == "loss":
                raise ProblemError(f"{self.path}: a metric is called {name!r}.", remedy="Use a plain word that is not loss.")
        return {name: guarded(self.source, function, f"the metric {name}") for name, function in given.items()}

    def make_model(self) -> nn.Module:
        """What model() returns. Raises ProblemError with file and line where it raises, or returns no nn.Module."""
        found = getattr(self.module, self.function, None)
        if isinstance(found, nn.Module) and not self.arguments:
            return copy.deepcopy(found)
        if not callable(found):
            raise ProblemError(f"{self.path} defines no {self.function}().", remedy="docs/landscape_py.md shows what it holds.")
        arguments = {**no_download(found), **self.arguments}
        self._check_arguments(found, arguments)
        with self._running(self.function):
            made = found(**arguments)
        if not isinstance(made, nn.Module):
            raise ProblemError(f"{self.path}: {self.function}() returned a {type(made).__name__}; an nn.Module was expected.")
        return made

    def _check_arguments(self, function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
        lacking = [name for name in needed(function) if name not in arguments]
        if lacking:
            raise ProblemError(
                f"{self.path}: {self.function}() needs {' and '.join(lacking)}.",
                remedy=f'Give it, as in --code "{self.path.name}:{self.function}({lacking[0]}=...)", or name one that needs none.',
            )

    def _given(self, name: str) -> Any:
        """What the file calls loss, metrics and so on. Of a file that was not written for this program, only what can be meant."""
        found = getattr(self.module, name, None)
        if self.function == MODEL or (isinstance(found, Mapping) if name == "metrics" else callable(found)):
            return found
        return None

    @property
    def has_data(self) -> bool:
        found = getattr(self.module, "data", None)
        return callable(found) and (self.function == MODEL or not needed(found))

    def read_data(self) -> Data:
        """What data() returns, gathered. Raises ProblemError with file and line."""
        with self._running("data"):
            returned = self.module.data()
            about = {"path": str(self.path), "kind": "code"}
            return gather(returned, whole_batches=self.batch_loss is not None, limit=data_limit(), about=about)

    @contextmanager
    def _running(self, what: str) -> Iterator[None]:
        with told(self.source, f"{what}()"), own_randomness(), importing(self.source, self.modules):
            yield


def load_code(path: Path, trusted: Callable[[str], bool] | None = None) -> YourCode:
    """Run a landscape.py. Raises TrustNeeded, with source and digest, unless `trusted(digest)` or it was remembered; nothing has
    run then. Raises ProblemError, with file and line, where it raises."""
    return load_source(read_source(path), trusted)


def load_source(
    source: Source, trusted: Callable[[str], bool] | None = None, function: str = MODEL, arguments: Mapping[str, Any] | None = None
) -> YourCode:
    """Run code that was read. function, arguments: what makes the network. Raises as `load_code` does."""
    ask_trust(source, trusted)
    code = YourCode(source, ModuleType(f"landscape_gui_code_{source.digest[:16]}"), {}, function, arguments or {})
    code.module.__file__ = str(source.path)
    with told(source, "loading"), own_randomness(), importing(source, code.modules):
        if source.name:
            code.module = importlib.import_module(source.name)
        else:
            sys.modules[code.module.__name__] = code.module
            exec(compile(source.content, str(source.path), "exec"), code.module.__dict__)
    return code


def ask_trust(source: Source, trusted: Callable[[str], bool] | None) -> None:
    """Raise TrustNeeded unless this content was allowed, now or before."""
    if not (is_trusted(source.digest) or (trusted is not None and trusted(source.digest))):
        raise TrustNeeded(str(source.path), source.text, source.digest, abilities(source))


def needed(function: Callable[..., Any]) -> list[str]:
    """The parameters without which it cannot be called."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind not in variable]


def no_download(function: Callable[..., Any]) -> dict[str, Any]:
    """{"pretrained": False} where the function would take it: weights come from the checkpoint, and nothing is fetched."""
    try:
        return {"pretrained": False} if "pretrained" in inspect.signature(function).parameters else {}
    except (TypeError, ValueError):
        return {}


class _Finder(importlib.abc.MetaPathFinder):
    """Serves the trusted modules from the bytes that were digested: no cached bytecode, no file that was not shown."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tops = frozenset(name.partition(".")[0] for name in source.files)

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        if name in self.source.spaces:
            return bare_spec(name, self.source.spaces[name])
        if name not in self.source.files:
            if name.partition(".")[0] in self.tops:
                raise ModuleNotFoundError(f"No module named {name!r} among the files that were shown", name=name)
            return None
        return shown_spec(name, *self.source.files[name])


@contextmanager
def importing(source: Source, modules: dict[str, ModuleType]) -> Iterator[None]:
    """Inside, modules of the file's folder can be imported; afterwards their names mean what they meant before."""
    with _loading:
        finder = _Finder(source)
        names = [*source.files, *source.spaces]
        before = {name: sys.modules.pop(name) for name in names if name in sys.modules}
        sys.modules.update(modules)
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
            for name in names:
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
