"""Networks saved as TorchScript, the program in a file as a module, and files whose program was tampered with."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from landscape_gui.checkpoint import read_checkpoint
from landscape_gui.core.splits import Split
from landscape_gui.problem.assembly import Network
from landscape_gui.problem.card import Card
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.origins import Request
from landscape_gui.problem.torchscript_origin import TorchScriptOrigin


def yes(_: str) -> bool:
    return True


def traced(path: Path, module: nn.Module, *inputs: Tensor) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls it deprecated
        torch.jit.trace(module, inputs, check_trace=False).save(str(path))
    return path


def scripted(path: Path, module: nn.Module, *, frozen: bool = False) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = torch.jit.script(module)
        (torch.jit.freeze(made) if frozen else made).save(str(path))
    return path


def loaded(path: Path) -> Any:
    """The program as torch runs it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.load(str(path))


def opened(path: Path, inputs: Any) -> Network:
    """The network in the file, tried on these inputs."""
    count = len(inputs[0] if isinstance(inputs, tuple) else inputs)
    split = Split("train", inputs, torch.zeros(count, dtype=torch.long), count)
    request = Request(path=path, checkpoint=read_checkpoint(path), run=None, card=Card(), trusted=yes)
    return TorchScriptOrigin(request).network(Data([split], ""))


def tampered(source: Path, target: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """The same archive, each member's content changed by `change`."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name.partition("/")[2], old.read(name)))
    return target


def rewritten(source: Path, target: Path, old: str, new: str, file: str = "code/__torch__.py") -> Path:
    """The same archive with a part of its program's text replaced, however torch numbered the file."""
    seen = 0

    def change(name: str, content: bytes) -> bytes:
        nonlocal seen
        if re.sub(r"/___torch_mangle_\d+", "", name) != file:
            return content
        seen += content.count(old.encode())
        return content.replace(old.encode(), new.encode())

    made = tampered(source, target, change)
    assert seen, f"{old!r} is not in {file}"
    return made
