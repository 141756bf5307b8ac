"""A TorchScript archive: the network is in the file itself, as a program that is asked about before it is computed.

Its text is Python's syntax with a small meaning of its own. It is parsed, never compiled or run as Python, and never given to
torch.jit.load: that is native code which reads a stranger's file, runs whatever operator the file names (some write files), and
gives modules that torch.func refuses, that have no forward-mode derivatives and cannot be mapped over. Interpreted, each operation
is looked up in the list of those of exported programs and computed by torch on the weights that were read inertly.

So the program can do little but compute. It is asked about all the same, as it may take long and much memory, and as it decides
what is plotted: the text is shown, and remembered by SHA-256 of it, its constants and the structure that it works on.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from landscape_gui.checkpoint.limits import shown
from landscape_gui.checkpoint.torch_zip import SCRIPT
from landscape_gui.checkpoint.torchscript import read_script
from landscape_gui.errors import ProblemError, TrustNeeded
from landscape_gui.problem import fitting, your_code
from landscape_gui.problem.abilities import DECEIVES
from landscape_gui.problem.assembly import Network
from landscape_gui.problem.dataset import Data
from landscape_gui.problem.locate import find_beside
from landscape_gui.problem.origins import Origin, Request
from landscape_gui.problem.program_origin import ProgramOrigin, first_inputs, telling
from landscape_gui.problem.scripted.identity import identity
from landscape_gui.problem.scripted.library import Class, Library, parse_library
from landscape_gui.problem.scripted.module import Builder, OneInput, Program
from landscape_gui.problem.scripted.objects import NO_GRAD
from landscape_gui.problem.scripted.operators import is_listed
from landscape_gui.problem.scripted.trial import try_out
from landscape_gui.problem.source import DECEIVING, SPELLED
from landscape_gui.trust import is_trusted

FEW = 3
"""Examples that the program is tried on."""
WHAT = "a TorchScript program"
SHOWN = 8


class TorchScriptOrigin(ProgramOrigin):
    """The program in a TorchScript archive. Data that no flag and no card names come from a landscape.py near it, as does the loss
    then. Nothing of the program is computed before it is trusted."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        with telling(self._path):
            self._script = read_script(self._path)
            self._library = parse_library(self._script.texts)
        ask_trust(self._path, self._script.text, self._script.digest, self._library, request)

    def network(self, data: Data) -> Network:
        checkpoint = self.request.checkpoint
        stored = {checkpoint.stored_names.get(name, name): tensor for name, tensor in checkpoint.tensors.items()}
        few = first_inputs(data, FEW)
        name = f"the TorchScript program {shown(self._title)}"
        with telling(self._path):
            module = Builder(self._script, self._library, stored).build(OneInput if isinstance(few, Tensor) else Program)
            module.whole = self._whole
            notes = fitting.load(module, checkpoint.tensors, name)
            try_out(module, few, _taken(module))
        return Network(module, name, {"torchscript": identity(self._script)}, (*notes, *self._notes(module)))

    @property
    def _title(self) -> str:
        return str(getattr(self._script.root, "name", "")).rpartition(".")[2] or "network"

    def _notes(self, module: Program) -> tuple[str, ...]:
        notes = ["Its text was trusted and is interpreted: torch's own operators, from a list, compute it."]
        if self._script.frozen:
            notes.append(
                "It was frozen: every constant tensor of floating-point numbers counts as a weight, BatchNorm is folded into the "
                "layers before it, and layers have no names."
            )
        if _values_of(module).get("training") is True:
            notes.append("It was saved in training mode; it is computed in evaluation mode.")
        return tuple(notes)


def torchscript_origin(request: Request) -> Origin | None:
    """The program in the file, unless a flag, the card or a landscape.py with a model() beside it says the network otherwise.

    Raises TrustNeeded before any of it is computed, ProblemError: it is not run.
    """
    named = request.code is not None or request.architecture is not None or bool(request.card.architecture)
    if named or not request.checkpoint.format.startswith(SCRIPT) or _has_model(request.checkpoint.path):
        return None
    return TorchScriptOrigin(request)


def ask_trust(path: Path, text: str, digest: str, library: Library, request: Request) -> None:
    """Raise TrustNeeded unless this program was allowed, now or before."""
    if not (is_trusted(digest) or (request.trusted is not None and request.trusted(digest))):
        raise TrustNeeded(str(path), text.translate(SPELLED), digest, abilities(library, text), WHAT)


def abilities(library: Library, text: str) -> tuple[str, ...]:
    """What is to be seen in the program: letters that turn its text round, and operators that are on no list and not computed here,
    whatever they would do elsewhere."""
    functions = [*library.functions.values(), *(m for kind in _used(library) for m in kind.methods.values())]
    names = {name for function in functions for name in _operators(function)}
    unknown = sorted(f"{space}::{name}" for space, name in names if not is_listed(space, name) and name != "RaiseException")
    more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
    named = [f"names operators that are not run here ({', '.join(unknown[:SHOWN])}{more})"] if unknown else []
    return (*([DECEIVES] if DECEIVING & set(text) else []), *named)


def _used(library: Library) -> list[Class]:
    return [kind for kind in library.classes.values() if kind.plain_name != NO_GRAD]


def _operators(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Space and name of each operator that is called."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner, name = node.func.value, node.func.attr
        if isinstance(owner, ast.Name) and owner.id == "torch" and name != "device":
            yield "aten", name
        elif isinstance(owner, ast.Attribute) and isinstance(owner.value, ast.Name) and owner.value.id == "ops":
            yield owner.attr, name


def _has_model(path: Path) -> bool:
    """Whether a landscape.py beside the file makes a network; told from its syntax alone."""
    beside = find_beside(path, your_code.NAME)
    if beside is None:
        return False
    try:
        tree = ast.parse(beside.read_bytes())
    except (OSError, SyntaxError, ValueError, MemoryError, RecursionError):
        return True  # whoever loads it says what is wrong
    named = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == your_code.MODEL]
    assigned = [t for node in tree.body if isinstance(node, ast.Assign) for t in node.targets if isinstance(t, ast.Name)]
    imported = [a.asname or a.name for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names]
    return bool(named) or your_code.MODEL in (*(target.id for target in assigned), *imported)


def _taken(module: Program) -> Any:
    """Gives inputs as the network takes them. Raises ProblemError: one is missing, or too many."""

    def take(inputs: Any) -> tuple[Sequence[Any], Mapping[str, Any]]:
        arguments = (inputs,) if isinstance(inputs, Tensor) else () if isinstance(inputs, Mapping) else tuple(inputs)
        keywords = dict(inputs) if isinstance(inputs, Mapping) else {}
        names, needed = module.names, module.names[: module.needed]
        wrong = [name for name in keywords if name not in names]
        if wrong or len(arguments) > len(names):
            what = f"{shown(wrong[0])} too" if wrong else f"{len(arguments)} inputs"
            raise ProblemError(f"The data give {what}, but the network takes {', '.join(map(shown, names))} alone.")
        lacking = [name for name in needed[len(arguments) :] if name not in keywords]
        if lacking:
            raise ProblemError(f"The network takes {shown(lacking[0])} as well, which the data do not give.")
        return arguments, keywords

    return take


def _values_of(module: Program) -> Mapping[str, Any]:
    return module._script_values
