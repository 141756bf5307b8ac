"""Networks exported to .pt2 files, the program in a file as a module, and files whose program was tampered with."""

from __future__ import annotations

import json
import logging
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from landscape_gui.checkpoint import read_checkpoint
from landscape_gui.checkpoint.exported import CONSTANTS, read_graph
from landscape_gui.problem import fitting
from landscape_gui.problem.exported.graph import parse_program
from landscape_gui.problem.exported.module import Exported, OneInput

FREE = {0: torch.export.Dim.AUTO}


def export(path: Path, module: nn.Module, *inputs: Any, decompose: bool = False, fixed: bool = False, **keywords: Any) -> Path:
    """Save the module's program. Each tensor's first size is free unless `fixed`; decompose: into torch's core operators."""
    free = None if fixed else (*(FREE for _ in inputs),)
    by_name = {name: FREE if isinstance(value, torch.Tensor) else None for name, value in keywords.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch speaks of constants that are no buffers, and of its own deprecated functions
        logging.disable(logging.WARNING)
        try:
            shapes = by_name if keywords else free
            program = torch.export.export(module, inputs, keywords, dynamic_shapes=shapes, strict=False)
            torch.export.save(program.run_decompositions() if decompose else program, str(path))
        finally:
            logging.disable(logging.NOTSET)
    return path


def opened(path: Path, *, traceable: bool = True) -> Exported:
    """The program in the file, weights loaded. traceable: as opening makes those of one input."""
    checkpoint = read_checkpoint(path)
    constants = read_checkpoint(path, group=CONSTANTS).tensors if CONSTANTS in checkpoint.groups else {}
    program = parse_program(read_graph(path))
    kind = OneInput if traceable and len(program.inputs) == 1 else Exported
    module = kind(program, checkpoint.tensors, constants)
    fitting.load(module, checkpoint.tensors, "the program")
    return module


def tampered(source: Path, target: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """The same file with its program's JSON changed in place by `change`."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("/models/model.json"):
                table = json.loads(content)
                change(table)
                content = json.dumps(table).encode()
            new.writestr(name, content)
    return target


def nodes(table: dict[str, Any]) -> list[dict[str, Any]]:
    """The operations in a program's JSON."""
    return table["graph_module"]["graph"]["nodes"]  # type: ignore[no-any-return]
