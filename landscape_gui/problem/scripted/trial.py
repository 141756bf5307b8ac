"""The first passes of a TorchScript program, watched: on a few examples, each operation first without memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from landscape_gui.checkpoint.limits import shown
from landscape_gui.core.splits import map_tensors, tensors_of
from landscape_gui.errors import LandscapeError
from landscape_gui.problem.exported.steps import Step
from landscape_gui.problem.exported.trial import SECONDS, Guard
from landscape_gui.problem.scripted.layers import install_layers, tensors_own
from landscape_gui.problem.scripted.library import refuse
from landscape_gui.problem.scripted.module import Program
from landscape_gui.problem.scripted.running import Pass

EVALUATION = "Call model.eval() before torch.jit.trace, and save it again."
BATCH = (
    "Was it traced at a fixed batch? Write x.flatten(1) or x.view(x.size(0), -1) in place of a size in numbers, and trace it again "
    "(or use torch.jit.script)."
)
RECURRENT = ("lstm", "gru", "rnn_tanh", "rnn_relu")
_DROPOUT = ("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")


def try_out(program: Program, few: Any, take: Callable[[Any], tuple[Sequence[Any], Mapping[str, Any]]]) -> None:
    """Run the program on a few examples, put layers of torch.nn into it, and run it on fewer.

    few: inputs of two or three examples; take: gives them as arguments and keywords. What the program writes into is found out:
    inputs are copied for it from now on, weights must not be written into. Raises ProblemError for that, for an operation that
    fails or is not run, for training mode, for a fixed number of examples, for one result of more than 2 GiB, and where all take
    more than 10 s.
    """
    count = next((len(tensor) for tensor in tensors_of(few) if tensor.dim()), 0)
    first = _watched(program, few, take)
    install_layers(program, first[1])
    sizes = {count: _rows(first[0])}
    if count > 1:
        fewer = map_tensors(few, lambda t: t[:1] if t.dim() and len(t) == count else t)
        sizes[1] = _rows(_watched(program, fewer, take)[0])
        if not program.whole and (sizes[1] is None or sizes[count] != count * sizes[1]):
            given = " and ".join(f"{rows} for {examples}" for examples, rows in sizes.items())
            raise refuse(f"gives another number of results than it gets examples ({given})", BATCH)


def _rows(result: Any) -> int | None:
    return len(result) if isinstance(result, Tensor) and result.dim() else None


def _watched(program: Program, few: Any, take: Callable[[Any], tuple[Sequence[Any], Mapping[str, Any]]]) -> Any:
    """The result and the calls of modules in one pass."""
    given = map_tensors(few, torch.clone)
    arguments, keywords = take(given)
    own, inputs = tensors_own(program), list(tensors_of(list(arguments)))
    versions = [t._version for t in (*own.values(), *inputs)]
    watch = _Watch()
    calls: list[Any] = []

    def prepare(passed: Pass) -> None:
        passed.watch, passed.calls, passed.until = watch, calls, time.perf_counter() + SECONDS

    try:
        with torch.no_grad():
            result = program.run(arguments, keywords, prepare)
    except LandscapeError:
        raise
    except Exception as error:  # whatever torch's operators raise
        words = next(iter(str(error).splitlines()), "")
        shapes = ", ".join(str(tuple(t.shape)) for t in tensors_of(few))
        raise refuse(
            f"fails at {shown(watch.operator)} on inputs of shape {shapes}: {type(error).__name__}: {words}",
            f"Do the data have the shape that the network takes? {BATCH}",
        ) from error
    changed = [t._version != before for t, before in zip((*own.values(), *inputs), versions, strict=True)]
    for name, written in zip(own, changed, strict=False):
        if written:
            raise refuse(f"writes into {shown(name)} at each call: the loss would depend on past calls", EVALUATION)
    program.copy_inputs(range(len(arguments)) if any(changed[len(own) :]) else ())
    return result, calls


class _Watch:
    """Refuses what draws random numbers or takes statistics of the batch, and what would give too much."""

    def __init__(self) -> None:
        self._guard = Guard()

    @property
    def operator(self) -> str:
        return self._guard.operator.removeprefix("torch.ops.aten.")

    def __call__(self, name: str, function: Callable[..., Any], arguments: Sequence[Any], keywords: Mapping[str, Any]) -> None:
        if _trains(name.rstrip("_"), arguments, keywords):
            raise refuse(f"is in training mode: {shown(name)} takes each batch's own statistics, or chance", EVALUATION)
        if name in RECURRENT and _has_too_many_layers(arguments):
            raise refuse(f"is malformed: {shown(name)} has more layers than weights")
        self._guard(Step(f"torch.ops.aten.{name}", function, [], (), (), (), ()), arguments, keywords)


def _has_too_many_layers(arguments: Sequence[Any]) -> bool:
    """Whether there are more layers than tensors of weights: torch would count them all before it says so."""
    layers, weights = arguments[4:5], arguments[2]
    return not (layers and isinstance(layers[0], int) and isinstance(weights, (list, tuple))) or layers[0] > len(weights)


def _trains(name: str, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> bool:
    if name == "batch_norm":
        return arguments[5] is True
    if name == "instance_norm":
        return arguments[5] is True and arguments[3] is not None
    if name in _DROPOUT:
        return arguments[2] is True and arguments[1] != 0
    if name == "scaled_dot_product_attention":
        return bool((arguments[4] if len(arguments) > 4 else keywords.get("dropout_p", 0.0)) > 0)
    return name in RECURRENT and len(arguments) > 6 and arguments[6] is True and arguments[5] != 0
