"""Networks whose code lies in a Hugging Face folder (auto_map in config.json): read, asked for once per content, then run.

Nothing is copied into a cache of modules, and code of another repository is never fetched.
"""

from __future__ import annotations

import contextlib
import copy
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.errors import ProblemError
from landscape_gui.problem import fitting
from landscape_gui.problem.extras import bring
from landscape_gui.problem.huggingface import EXTRA, IMAGE, LANGUAGE, SEQUENCE, Blueprint, quietly, settled
from landscape_gui.problem.huggingface_folder import CONFIG, Folder
from landscape_gui.problem.private_package import FRONT, import_private
from landscape_gui.problem.source import Source, read_package
from landscape_gui.problem.your_code import ask_trust, place_of, told

ENTRIES = {
    "AutoModelForCausalLM": LANGUAGE,
    "AutoModelForSequenceClassification": SEQUENCE,
    "AutoModelForImageClassification": IMAGE,
}
"""What auto_map calls the classes whose loss is known."""
SETTINGS = "AutoConfig"
_NAMED = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\.(?P<name>[A-Za-z_]\w*)")


@dataclass(frozen=True)
class OwnClass:
    """A class in the folder: the dotted name of its module below the folder, and its own."""

    module: str
    name: str


@dataclass(frozen=True)
class RemoteBlueprint(Blueprint):
    """As `Blueprint`, of a class of the folder. source: what was read, allowed and run."""

    source: Source

    def placed(self, error: ProblemError) -> ProblemError:
        """The error with the line of the folder's code where it was raised."""
        if error.__cause__ is None:
            return error
        place = place_of(self.source, error.__cause__, self.kind.__name__).rstrip(":")
        return ProblemError(f"{error.message.rstrip('.')} ({place}).", remedy=error.remedy)

    def _loaded(self, tensors: Mapping[str, Tensor]) -> nn.Module:
        """Built in memory, buffers as its code computes them, then every tensor put in its place and compared."""
        kind: Any = self.kind
        with _registers_kept():
            module: nn.Module = kind._from_config(copy.deepcopy(self.config), attn_implementation="eager", dtype=torch.float32)
            module.tie_weights()  # type: ignore[operator]
        passed = [re.compile(each) for each in getattr(kind, "_keys_to_ignore_on_load_unexpected", None) or ()]
        own = module.state_dict()
        kept = {n: t for n, t in tensors.items() if n in own or not any(each.search(n) for each in passed)}
        what = f"{kind.__name__} of {self.source.path}"
        fitted, _ = fitting.fit(module.float(), kept, what)
        module.load_state_dict(fitted, strict=False)
        own = module.state_dict()
        changed = next((name for name, tensor in fitted.items() if not _same(own[name], tensor)), None)
        if changed is not None:
            raise ProblemError(f"The checkpoint does not fit {what}: its code ties {changed!r} to a tensor with other values.")
        return module

    def _check(self, tensors: Mapping[str, Tensor]) -> None:
        """Where its code asks for values while it is built, there is nothing to check without memory."""
        try:
            with _registers_kept():
                super()._check(tensors)
        except (NotImplementedError, RuntimeError) as error:
            if "meta" not in str(error).casefold():
                raise

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        with _with_remedy(self.folder, self.library), told(self.source, f"making {self.kind.__name__}"):
            yield


def remote_blueprint(folder: Folder, trusted: Callable[[str], bool] | None) -> RemoteBlueprint | None:
    """The class of the folder's own that config.json names; None where it names none, or transformers has the network itself.

    Raises TrustNeeded before anything of it runs; ProblemError: it lies in another repository, is not there, or does not work.
    """
    if not folder.auto_map:
        return None
    with quietly():
        library = bring("transformers", EXTRA, f"{folder.path}, a folder of a {folder.architecture or folder.model_type},")
        if _is_own(library, folder):
            return None
        folder.check_plain()
        entry, network = _network(folder)
        settings = own_class(folder, SETTINGS) if SETTINGS in folder.auto_map else None
        source = read_package(folder.path, list(dict.fromkeys(each.module for each in (network, settings) if each)))
        ask_trust(source, trusted)
        with _registers_kept(), _with_remedy(folder, library.__version__), told(source, "loading"):
            kind = _class(source, network, library.PreTrainedModel)
            described = _class(source, settings, library.PreTrainedConfig) if settings else _described(library, folder, kind)
            config = described.from_dict(settings_for(folder, described))
            task = ENTRIES[entry]
            settled(config, task)
        return RemoteBlueprint(folder, task, kind, config, library.__version__, source)


def settings_for(folder: Folder, kind: Any) -> dict[str, Any]:
    """The configuration without what would hide a method of its class."""
    return {k: v for k, v in folder.config.items() if not callable(getattr(kind, k, None))}


def own_class(folder: Folder, entry: str) -> OwnClass:
    """The class that auto_map names. Raises ProblemError where it is of another repository, or no name of a class."""
    value = folder.auto_map[entry]
    place = folder.path / CONFIG
    if "--" in value:
        repository, _, rest = value.partition("--")
        file = f"{rest.rpartition('.')[0] or rest}.py"
        raise ProblemError(
            f"{place} takes {entry} from another repository: {file} of {repository}. Nothing is fetched from the network.",
            remedy=f"Copy {file} and what it imports into {folder.path}, read them, and take '{repository}--' out of auto_map.",
        )
    found = _NAMED.fullmatch(value)
    if found is None:
        raise ProblemError(f"In {place}, auto_map names {value!r}, which is no MODULE.CLASS.")
    return OwnClass(found["module"], found["name"])


def _network(folder: Folder) -> tuple[str, OwnClass]:
    """The entry of auto_map with the network that the architecture says, or with the only one whose loss is known."""
    entries = [entry for entry in ENTRIES if entry in folder.auto_map]
    named = [entry for entry in entries if folder.auto_map[entry].rpartition(".")[2] == folder.architecture]
    if named or len(entries) == 1:
        entry = (named or entries)[0]
        return entry, own_class(folder, entry)
    said = ", ".join(folder.auto_map)
    raise ProblemError(
        f"{folder.path / CONFIG} names code ({said}), but no one network whose loss is known for {folder.architecture or 'it'}.",
        remedy=f"It is to name one of {', '.join(ENTRIES)}; or write a landscape.py beside it: see docs/landscape_py.md.",
    )


def _is_own(library: Any, folder: Folder) -> bool:
    """Whether the installed transformers has this network itself, which then comes first."""
    kind = getattr(library, folder.architecture, None) if folder.architecture.isidentifier() else None
    known = folder.model_type in library.CONFIG_MAPPING
    return known and isinstance(kind, type) and issubclass(kind, library.PreTrainedModel)


def _class(source: Source, named: OwnClass, base: type) -> Any:
    found = getattr(import_private(source, named.module), named.name, None)
    if isinstance(found, type) and issubclass(found, base):
        return found
    raise ProblemError(
        f"{source.files[named.module][0]} has no {named.name} that is a {base.__name__}.",
        remedy="Write a landscape.py beside it, whose model() makes the network: see docs/landscape_py.md.",
    )


def _described(library: Any, folder: Folder, kind: Any) -> Any:
    """The configuration's class where auto_map names none: transformers' own, or the one that the network names."""
    known = folder.model_type in library.CONFIG_MAPPING  # a mapping whose get() does not take other values
    found = library.CONFIG_MAPPING[folder.model_type] if known else kind.config_class
    if found is None:
        raise ProblemError(f"{folder.path / CONFIG} names no {SETTINGS} in auto_map, and {kind.__name__} has no config_class.")
    return found


@contextlib.contextmanager
def _with_remedy(folder: Folder, version: str) -> Iterator[None]:
    """Code for another version of the library often fails: say which."""
    try:
        yield
    except ProblemError as error:
        if error.remedy or error.__cause__ is None:
            raise
        raise ProblemError(f"{error.message.rstrip('.')}.", remedy=_remedy(error.__cause__, folder, version)) from error.__cause__


def _remedy(cause: BaseException, folder: Folder, version: str) -> str:
    lacking = (cause.name or "") if isinstance(cause, ModuleNotFoundError) else ""
    if lacking.startswith(FRONT):
        return f"Copy the whole folder to {folder.path}, all its .py files too."
    if lacking:
        return f"Install {lacking}, which its code imports."
    by = folder.written_by
    return f"Its code was written with transformers {by}; {version} is installed." if by != version else ""


@contextlib.contextmanager
def _registers_kept() -> Iterator[None]:
    """Inside, code may register its classes with the library's Auto classes; afterwards these know what they knew before."""
    modules = [module for name, module in sys.modules.items() if name.startswith("transformers.models.auto.")]
    registers = {id(each): each for module in modules for each in vars(module).values() if hasattr(each, "_extra_content")}
    before = [(each, dict(each._extra_content)) for each in registers.values()]
    try:
        yield
    finally:
        for register, content in before:
            register._extra_content = content


def _same(own: Tensor, stored: Tensor) -> bool:
    return torch.equal(own.nan_to_num(), stored.to(own.dtype).nan_to_num())
