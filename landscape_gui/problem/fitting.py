"""A checkpoint's tensors into a module, or the sentence that says which tensor does not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from landscape_gui.checkpoint.names import strip
from landscape_gui.errors import ProblemError

Shapes = Mapping[str, tuple[int, ...]]


def shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def misfit(module: nn.Module, shapes: Shapes) -> str:
    """What does not fit, in words; empty where everything does.

    Counters (`num_batches_tracked`) may be missing, and all but one of tied tensors.
    """
    expected = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    missing = [name for name in expected if name not in shapes and not _needless(module, name, shapes)]
    for name, shape in expected.items():
        if name in shapes and tuple(shapes[name]) != shape:
            return f"tensor {name!r} has shape {tuple(shapes[name])}; {shape} was expected"
    if missing:
        return f"tensor {missing[0]!r} of shape {expected[missing[0]]} is missing" + _more(missing, "missing")
    extra = [name for name in shapes if name not in expected]
    return f"tensor {extra[0]!r} of shape {tuple(shapes[extra[0]])} was not expected" + _more(extra, "too many") if extra else ""


def check_fit(module: nn.Module, shapes: Shapes, what: str) -> None:
    """Raise ProblemError naming the tensor that is missing, too many, or of another shape than `module` expects."""
    sentence = misfit(module, shapes)
    if sentence:
        raise ProblemError(f"The checkpoint does not fit {what}: {sentence}.")


def fit(module: nn.Module, tensors: Mapping[str, Tensor], what: str) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The tensors under the module's own names, floats as float32, and notes on what was done; nothing is loaded yet.

    A prefix that all names share is taken off, or put before all, where that makes them fit. Raises ProblemError.
    """
    notes: list[str] = []
    renamed = dict(tensors)
    if misfit(module, shapes_of(renamed)):
        for rename, note in _renamings(module, tensors):
            candidate = {rename(name): tensor for name, tensor in tensors.items()}
            if not misfit(module, shapes_of(candidate)):
                renamed, notes = candidate, [note]
                break
    check_fit(module, shapes_of(renamed), what)
    for name, partner in _tied(module).items():
        if name not in renamed and partner in renamed:
            renamed[name] = renamed[partner]
    cast = sorted(
        {str(t.dtype).removeprefix("torch.") for t in renamed.values() if t.is_floating_point() and t.dtype != torch.float32}
    )
    if cast:
        notes.append(f"Stored as {' and '.join(cast)}, computed in float32.")
    return {name: t.float() if t.is_floating_point() else t for name, t in renamed.items()}, tuple(notes)


def load(module: nn.Module, tensors: Mapping[str, Tensor], what: str) -> tuple[str, ...]:
    """Load a checkpoint's tensors into the module, in evaluation mode and float32. Returns notes; raises ProblemError.

    Which parameters require a gradient stays as it is: curvature is asked of those.
    """
    module.float().eval()
    fitted, notes = fit(module, tensors, what)
    module.load_state_dict(fitted, strict=False)
    return notes


def _renamings(module: nn.Module, tensors: Iterable[str]) -> list[tuple[Callable[[str], str], str]]:
    first = {name.partition(".")[0] for name in tensors if "." in name}
    found: list[tuple[Callable[[str], str], str]] = []
    if len(first) == 1 and all("." in name for name in tensors):
        prefix = first.pop()
        found.append((lambda name: name.partition(".")[2], f"The prefix {prefix!r} was taken off all tensors' names."))
    own = {name.partition(".")[0] for name in module.state_dict() if "." in name}
    if len(own) == 1:
        head = own.pop()
        found.append((lambda name: f"{head}.{name}", f"{head!r} was put before all tensors' names."))
    expected = list(module.state_dict())
    stripped, prefixes = strip(expected)
    if prefixes:
        back = dict(zip(stripped, expected, strict=True))
        words = " and ".join(map(repr, prefixes))
        found.append(
            (lambda name: back.get(name, name), f"The network's own names hold {words}: put back into the tensors' names.")
        )
    return found


def _tied(module: nn.Module) -> dict[str, str]:
    """Names of the same tensor: each name but one -> another."""
    first: dict[int, str] = {}
    partners: dict[str, str] = {}
    for name, tensor in module.state_dict(keep_vars=True).items():
        other = first.setdefault(id(tensor), name)
        if other != name:
            partners[name] = other
            partners.setdefault(other, name)
    return partners


def _needless(module: nn.Module, name: str, shapes: Shapes) -> bool:
    return name.endswith("num_batches_tracked") or _tied(module).get(name) in shapes


def _more(names: list[str], word: str) -> str:
    return f" (and {len(names) - 1} more {word})" if len(names) > 1 else ""
