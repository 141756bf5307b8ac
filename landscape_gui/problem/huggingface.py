"""Networks of the transformers library from a folder's configuration: its own classes only, no code of the folder, no network.

Weights come as tensors that were read inertly; transformers only puts them under its names.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.errors import LandscapeError, ProblemError
from landscape_gui.problem.extras import bring
from landscape_gui.problem.huggingface_folder import CONFIG, Folder
from landscape_gui.problem.settings import own_randomness

EXTRA = "hf"
OFFLINE = "HF_HUB_OFFLINE"
TASKS = {
    "causal language model": "MODEL_FOR_CAUSAL_LM_MAPPING",
    "sequence classifier": "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING",
    "image classifier": "MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING",
}
"""What is opened, and the table of transformers that knows its classes."""
LANGUAGE, SEQUENCE, IMAGE = TASKS
PARTS_PER_TENSOR, PARTS = 20, 2_000
"""A network has at most so many modules for each tensor of its checkpoint, and so many more."""
SPARE = 64 << 20
"""So many numbers may a network hold beside twice those of its checkpoint: buffers that are not saved."""
_lock = threading.RLock()


@dataclass(frozen=True)
class Blueprint:
    """The class and configuration of a folder's network. task: one of TASKS; library: transformers' version."""

    folder: Folder
    task: str
    kind: type[nn.Module]
    config: Any
    library: str

    def make(self, tensors: Mapping[str, Tensor]) -> nn.Module:
        """The network with these weights, float32 in evaluation mode, giving logits alone (of a language model as (examples,
        vocabulary, places)). Shapes are checked before memory is taken. Raises ProblemError naming the tensor that does not fit."""
        with quietly(), self._told():
            self._check(tensors)
            module = self._loaded(tensors)
        _with_every_derivative(module)
        module.register_forward_hook(_logits_by_place if self.task == LANGUAGE else _logits)
        return module.float().eval()

    def own_names(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A checkpoint's tensors under the names that the network's own state dict has: files keep older ones for some networks."""
        return {name: tensor.detach() for name, tensor in self.make(tensors).state_dict().items()}

    def _loaded(self, tensors: Mapping[str, Tensor]) -> nn.Module:
        kind: Any = self.kind
        module, info = kind.from_pretrained(
            None,
            config=self.config,
            state_dict=dict(tensors),
            attn_implementation="eager",
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            local_files_only=True,
            trust_remote_code=False,
        )
        what = f"The checkpoint does not fit {self.kind.__name__} of {self.folder.path / CONFIG}"
        for name, found, expected in sorted(info["mismatched_keys"], key=str):
            raise ProblemError(f"{what}: tensor {name!r} has shape {tuple(found)}; {tuple(expected)} was expected.")
        own = module.state_dict()
        missing = sorted(name for name in info["missing_keys"] if not name.endswith("num_batches_tracked"))
        if missing:
            shape = tuple(own[missing[0]].shape) if missing[0] in own else ()
            raise ProblemError(f"{what}: tensor {missing[0]!r} of shape {shape} is missing{_more(missing)}.")
        extra = sorted(info["unexpected_keys"])
        if extra:
            shape = tuple(tensors[extra[0]].shape) if extra[0] in tensors else ()
            raise ProblemError(f"{what}: tensor {extra[0]!r} of shape {shape} was not expected{_more(extra)}.")
        return module  # type: ignore[no-any-return]

    def _check(self, tensors: Mapping[str, Tensor]) -> None:
        """Build the network without memory, and compare sizes."""
        with torch.device("meta"), _counting(PARTS + PARTS_PER_TENSOR * len(tensors), self.folder):
            blank = self.kind(self.config)
        what = f"The checkpoint does not fit {self.kind.__name__} of {self.folder.path / CONFIG}"
        for name, tensor in blank.state_dict().items():
            if name in tensors and tensors[name].shape != tensor.shape:
                found, expected = tuple(tensors[name].shape), tuple(tensor.shape)
                raise ProblemError(f"{what}: tensor {name!r} has shape {found}; {expected} was expected.")
        stored = sum(tensor.numel() for tensor in tensors.values())
        needed = sum(t.numel() for t in (*blank.parameters(), *blank.buffers()))
        if needed > 2 * stored + SPARE:
            raise ProblemError(f"{what}: it has {needed:,} numbers, the checkpoint {stored:,}.")

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What transformers raises, as a ProblemError."""
        try:
            yield
        except LandscapeError:
            raise
        except Exception as error:  # the library raises whatever a configuration leads it to
            place = self.folder.path / CONFIG
            raise ProblemError(
                f"{self.kind.__name__} cannot be built as {place} says. {type(error).__name__}: {_short(error)}.",
                remedy=f"The file is of transformers {self.folder.written_by or '(not told)'}; {self.library} is installed.",
            ) from error


def blueprint(folder: Folder) -> Blueprint:
    """What a folder's config.json names, of transformers' own classes. Nothing of the folder runs.

    Raises ProblemError: transformers is missing or too old, the network is none of TASKS, its code lies in the folder.
    """
    folder.check_plain()
    with quietly():
        library = bring("transformers", EXTRA, f"{folder.path}, a folder of a {folder.architecture or folder.model_type},")
        if folder.model_type not in library.CONFIG_MAPPING:
            raise _unknown(folder, library.__version__)
        kind = library.CONFIG_MAPPING[folder.model_type]
        try:
            config = kind.from_dict({k: v for k, v in folder.config.items() if not callable(getattr(kind, k, None))})
        except Exception as error:  # each configuration checks itself in its own way
            raise ProblemError(f"{folder.path / CONFIG} is no configuration of {folder.model_type}: {_short(error)}.") from error
        for task, table in TASKS.items():
            found = getattr(library, table).get(type(config), ())
            for network in found if isinstance(found, (tuple, list)) else [found]:
                if network.__name__ == folder.architecture:
                    settled(config, task)
                    return Blueprint(folder, task, network, config, library.__version__)
    raise _no_task(folder, library.__version__)


def settled(config: Any, task: str) -> None:
    """Logits alone are computed, attention in its plain form; texts of classifiers have a token to pad by."""
    config.return_dict, config.use_cache, config.output_attentions, config.output_hidden_states = True, False, False, False
    config._attn_implementation = "eager"
    if task == SEQUENCE and getattr(config, "pad_token_id", None) is None:
        config.pad_token_id = _ending(getattr(config, "eos_token_id", None))


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Inside, nothing of the library reaches the network, draws from the caller's random numbers, or writes to the terminal.

    One thread at a time: these settings are the whole process's.
    """
    with _lock, own_randomness(), warnings.catch_warnings(), _offline(), _silent():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """The environment's switch, and what huggingface_hub has read from it, as it does at its import."""
    before, known = os.environ.get(OFFLINE), sys.modules.get("huggingface_hub.constants")
    said = getattr(known, OFFLINE) if known is not None else (before or "").upper() in ("1", "ON", "YES", "TRUE")
    os.environ[OFFLINE] = "1"
    try:
        with contextlib.suppress(Exception):  # not installed: blueprint says so
            importlib.import_module("huggingface_hub.constants")
        _set_offline(True)
        yield
    finally:
        _set_offline(said)
        if before is None:
            os.environ.pop(OFFLINE, None)
        else:
            os.environ[OFFLINE] = before


def _set_offline(value: bool) -> None:
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        setattr(constants, OFFLINE, value)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    try:
        from transformers.utils import logging
    except Exception:  # blueprint says what is wrong
        yield
        return
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


@contextlib.contextmanager
def _counting(most: int, folder: Folder) -> Iterator[None]:
    """ProblemError from within where this thread builds more modules than that."""
    thread, count = threading.get_ident(), 0

    def counted(*_: Any) -> None:
        nonlocal count
        if threading.get_ident() == thread:
            count += 1
            if count > most:
                raise ProblemError(f"{folder.path / CONFIG} describes a network of more parts than the checkpoint has weights for.")

    registered = nn.modules.module.register_module_module_registration_hook(counted)
    try:
        yield
    finally:
        registered.remove()


def _logits(_module: nn.Module, _inputs: Any, output: Any) -> Tensor:
    if isinstance(output, Tensor):
        return output
    found: Tensor = output[0] if isinstance(output, tuple) else output.logits
    return found


def _logits_by_place(module: nn.Module, inputs: Any, output: Any) -> Tensor:
    """Classes along dimension 1, as cross-entropy takes them whatever the sizes."""
    return _logits(module, inputs, output).movedim(-1, 1)


def _ending(token: Any) -> int:
    """The token to pad by where a configuration names none: classifiers that read the last token ask for one."""
    last = token[0] if isinstance(token, list) and token else token
    return last if isinstance(last, int) else 0


def _with_every_derivative(module: nn.Module) -> None:
    """A token to pad by has a derivative like any other where it is read: torch would leave it out."""
    for part in module.modules():
        if type(part) is nn.Embedding:
            part.padding_idx = None


def _unknown(folder: Folder, version: str) -> ProblemError:
    what = f"{folder.path} is a {folder.model_type or 'nameless'!r} network ({folder.architecture or 'no architecture is named'})"
    wanted = folder.written_by
    return ProblemError(
        f"{what}, which transformers {version} does not know{f'; it was written by {wanted}' if wanted else ''}.",
        remedy=f'Run pip install "transformers>={wanted}".' if wanted else "Install a newer transformers.",
    )


def _no_task(folder: Folder, version: str) -> ProblemError:
    if not folder.architecture:
        return ProblemError(
            f"{folder.path / CONFIG} names no architecture.", remedy='Add it: "architectures": ["GPT2LMHeadModel"].'
        )
    return ProblemError(
        f"{folder.path} is a {folder.architecture} of {folder.model_type}; transformers {version} knows it as none of "
        f"{', '.join(TASKS)}, so that its loss is not known.",
        remedy="Write a landscape.py beside it, with its loss: see docs/landscape_py.md.",
    )


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:300].rstrip(".")


def _more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
