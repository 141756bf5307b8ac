"""The first run of an exported program, watched: on a few examples, each operation first without memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from landscape_gui.checkpoint.limits import shown
from landscape_gui.core.splits import map_tensors, tensors_of
from landscape_gui.errors import LandscapeError, ProblemError
from landscape_gui.problem.exported.ceiling import ceiling
from landscape_gui.problem.exported.graph import AGAIN
from landscape_gui.problem.exported.module import Exported
from landscape_gui.problem.exported.steps import Step

RESULT_BYTES = 2 << 30
"""What one operation may give for the examples tried: honest attention of 12 heads over 2 x 2048 tokens takes 0.4 GiB."""
SECONDS = 10.0
"""How long the examples tried may take, asked between operations."""


def try_out(module: Exported, inputs: Sequence[Any]) -> None:
    """Run the program once on the values of its inputs, two examples or so.

    What it writes into is found out: inputs are copied for it from now on, weights must not be written into. Raises ProblemError
    for that, for an operation that fails, for one that would give more than `RESULT_BYTES`, and where all take more than `SECONDS`.
    """
    own = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    given = map_tensors(list(inputs), torch.clone)
    versions = [t._version for t in (*own.values(), *tensors_of(given))]
    watch = Guard()
    try:
        with torch.no_grad():
            module.run(given, watch)
    except LandscapeError:
        raise
    except Exception as error:  # whatever torch's operators raise
        words = next(iter(str(error).splitlines()), "")
        raise ProblemError(
            f"Its program fails at {shown(watch.operator)} on inputs of shape {_shapes(inputs)}: {type(error).__name__}: {words}.",
            remedy="Do the data have the shape that the network was exported with? If so, export it again with dynamic_shapes.",
        ) from error
    changed = [t._version != before for t, before in zip((*own.values(), *tensors_of(given)), versions, strict=True)]
    for name, written in zip(own, changed, strict=False):
        if written:
            raise writing(name)
    module.copy_inputs(place for place, value in enumerate(given) if _is_any(changed[len(own) :], given, place, value))


def writing(name: str) -> ProblemError:
    """The refusal of a program that changes its own weights or buffers."""
    return ProblemError(
        f"Its program writes into {shown(name)} at each call, as in training mode: the loss would depend on past calls.",
        remedy=f"Call model.eval() before torch.export.export. {AGAIN}",
    )


def _is_any(changed: Sequence[bool], given: Sequence[Any], place: int, value: Any) -> bool:
    """Whether one of the tensors of an input was written into."""
    before = sum(1 for item in given[:place] for _ in tensors_of(item))
    return any(changed[before : before + sum(1 for _ in tensors_of(value))])


class Guard:
    """Carries operations out on tensors without memory first, to see what they would give, where sizes alone do not bound it."""

    def __init__(self) -> None:
        self.operator = ""
        self._stop = time.perf_counter() + SECONDS

    def __call__(self, step: Step, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> None:
        self.operator = step.operator
        if time.perf_counter() > self._stop:
            raise ProblemError(f"Its program takes more than {SECONDS:g} s for two examples.", remedy="Take a smaller network.")
        if ceiling(step, arguments, keywords) <= RESULT_BYTES:
            return
        function = _without_memory(step.function)
        try:
            given = function(*_light(list(arguments)), **_light(dict(keywords)))
        except Exception:  # torch does not know the size beforehand, or the real call says better what is wrong
            return
        size = sum(_bytes(tensor) for tensor in tensors_of(given))
        if size > RESULT_BYTES:
            raise ProblemError(
                f"Its program asks for {size / 2**30:,.0f} GiB at {shown(step.operator)} for two examples, more than the "
                f"{RESULT_BYTES >> 30} GiB that are given.",
                remedy="Do not trust where it comes from, or take a smaller network.",
            )


def _without_memory(function: Callable[..., Any]) -> Callable[..., Any]:
    if not isinstance(function, nn.Module):
        return function
    tensors = {name: _light(tensor) for name, tensor in (*function.named_parameters(), *function.named_buffers())}
    return lambda *arguments: functional_call(function, tensors, arguments)


def _light(tree: Any) -> Any:
    """The same arguments with tensors that have sizes but no memory, in the same places of the same strides."""
    if isinstance(tree, Tensor):
        return torch.empty_strided(tree.shape, tree.stride(), dtype=tree.dtype, device="meta")
    if isinstance(tree, torch.device):
        return torch.device("meta")
    if isinstance(tree, dict):
        return {key: _light(value) for key, value in tree.items()}
    return [_light(item) for item in tree] if isinstance(tree, list) else tree


def _bytes(tensor: Tensor) -> int:
    return int(tensor.untyped_storage().nbytes())


def _shapes(inputs: Sequence[Any]) -> str:
    return ", ".join(str(tuple(t.shape)) for t in tensors_of(list(inputs)))
