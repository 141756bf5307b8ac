"""Data looked at before anything is computed: nine examples, the classes' balance, and what the network says of them at once."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape_gui.core.losses import HEADS, classes_last
from landscape_gui.core.splits import Split, call, cut, length_of
from landscape_gui.data_choice import NONE, DataChoice, Example, Preview, Tried
from landscape_gui.errors import LandscapeError
from landscape_gui.problem.normalisation import offered, statistics
from landscape_gui.problem.opening import open_problem
from landscape_gui.problem.problem import Problem
from landscape_gui.problem.tokens import text_of

SHOWN = 9
FIRST, BATCH = 2, 32
"""Examples that go through the network at once: at first, and at most. A large language model takes a second for each."""
FEW = 512
SECONDS = 2.0
"""Normalisations are tried on batches of the first split, all on the same ones, until this is over."""
TEXT = 120
MOST_COUNTED = 100_000
LINE = 2048
"""Values of one example that are drawn at most."""


def look_at(
    path: str,
    choice: DataChoice,
    *,
    trusted: Callable[[str], bool] | None = None,
    code: str | None = None,
    architecture: str | None = None,
    chosen: Callable[[str], str] | None = None,
    seconds: float = SECONDS,
) -> Preview:
    """The checkpoint opened with these data, and what is to be seen of them. Reads both, runs the network on nine examples, and on
    up to 512 for each normalisation that is offered. Raises what `open_problem` does."""
    problem = open_problem(path, trusted=trusted, code=code, architecture=architecture, chosen=chosen, **choice.options)
    parts = problem._parts
    split = parts.splits[0]
    inputs, targets = _first(split)
    about: Mapping[str, Any] = problem.description.get("data", {})
    classes = tuple(map(str, about.get("classes", ())))
    example = tuple(inputs.shape[1:]) if isinstance(inputs, Tensor) else ()
    kind = _kind(inputs, about)
    tried, few = _try_normalisations(problem, inputs, targets, about, choice, seconds)
    return Preview(
        problem=problem,
        choice=choice,
        kind=kind,
        shape=example,
        splits=dict(problem.splits),
        examples=_examples(problem, inputs, targets, kind, about, classes),
        counts=_counts(targets, problem.classes, len(classes)),
        classes=classes,
        tried=tried,
        few=few,
        columns=(*map(str, about.get("columns", ())), str(about["target"])) if "target" in about else (),
        target=str(about.get("target", "")),
        block=int(about.get("block", 0)),
        resize=str(about.get("resize", "")),
        loss_name=problem.loss_name,
        notes=problem.notes,
    )


def _first(split: Split) -> tuple[Any, Any]:
    if not split.streams:
        return split.inputs, split.targets
    first = next(iter(split.inputs))
    return first if isinstance(first, tuple) and len(first) == 2 else (first, None)


def _kind(inputs: Any, about: Mapping[str, Any]) -> str:
    if about.get("kind") in ("bytes", "tokens"):
        return "texts"
    if isinstance(inputs, Tensor) and inputs.ndim == 4 and inputs.shape[1] in (1, 3) and min(inputs.shape[2:]) > 1:
        return "images"
    return "numbers"


def _examples(
    problem: Problem, inputs: Any, targets: Any, kind: str, about: Mapping[str, Any], classes: Sequence[str]
) -> tuple[Example, ...]:
    """Nine, evenly spread over the first split, so that data in the order of their classes show several."""
    count = length_of(inputs)
    chosen = torch.linspace(0, count - 1, min(SHOWN, count)).round().long().tolist()
    few = [(cut(inputs, i, i + 1, count), None if targets is None else cut(targets, i, i + 1, count)) for i in chosen]
    pictures = _pictures([x for x, _ in few], about) if kind == "images" else [None] * len(few)
    made = []
    for (x, y), picture in zip(few, pictures, strict=True):
        said = _said(problem, x, y, about, classes)
        shown: dict[str, Any] = {"picture": picture}
        if kind == "texts" and isinstance(x, Tensor):
            shown = {"text": words(x.flatten().tolist(), about)[-TEXT:]}
        elif isinstance(x, Mapping) and "input_ids" in x:
            shown = {"text": words(_unpadded(x), about)[:TEXT], "whole": True}
        elif kind == "numbers" and isinstance(x, Tensor):
            shown = {"values": x.flatten()[:LINE].double().cpu().numpy()}
        made.append(Example(**shown, **said))
    return tuple(made)


def _pictures(inputs: Sequence[Tensor], about: Mapping[str, Any]) -> list[Any]:
    """(height, width, 3) uint8 as before normalisation; where values are not from 0 to 1 even so, the nine are stretched alike."""
    x = torch.cat(list(inputs)).double().cpu()
    known = about.get("normalisation")
    if isinstance(known, Mapping):
        x = x * torch.tensor(known["std"]).double().view(1, -1, 1, 1) + torch.tensor(known["mean"]).double().view(1, -1, 1, 1)
    low, high = float(x.min()), float(x.max())
    if not (low >= -1e-3 and high <= 1.001) and math.isfinite(low) and math.isfinite(high) and high > low:
        x = (x - low) / (high - low)
    bytes_ = (x.nan_to_num(0.0).clamp(0, 1) * 255).round().to(torch.uint8).expand(-1, 3, -1, -1)
    return list(bytes_.permute(0, 2, 3, 1).contiguous().numpy())


def _said(problem: Problem, x: Any, y: Any, about: Mapping[str, Any], classes: Sequence[str]) -> dict[str, Any]:
    """Label and prediction of one example in words. A network or loss that does not play along says nothing."""
    device = problem.device
    try:
        with torch.inference_mode():
            output = call(problem.module, _moved(x, device))
        if not isinstance(output, Tensor) or not isinstance(y, Tensor):
            return {"label": _value(y) if isinstance(y, Tensor) and y.numel() == 1 else ""}
        if problem.loss_name == "cross_entropy" and not y.is_floating_point():
            logits, labels = classes_last(output, y.to(device))
            likely = logits[-1].double().softmax(0)
            found, wanted = int(likely.argmax()), int(labels[-1])
            names = [_class_name(number, about, classes) for number in (wanted, found)]
            return {"label": names[0], "prediction": names[1], "share": float(likely[found]), "right": found == wanted}
    except (RuntimeError, TypeError, ValueError, IndexError, LandscapeError):
        return {"label": _value(y) if isinstance(y, Tensor) and y.numel() == 1 else ""}
    return {"label": _value(y), "prediction": _value(output)}


def _moved(x: Any, device: torch.device) -> Any:
    from landscape_gui.core.splits import map_tensors

    return map_tensors(x, lambda t: t.to(device))


def _class_name(number: int, about: Mapping[str, Any], classes: Sequence[str]) -> str:
    if about.get("kind") in ("bytes", "tokens"):
        return repr(words([number], about))
    return classes[number] if 0 <= number < len(classes) else str(number)


def words(ids: Sequence[int], about: Mapping[str, Any]) -> str:
    """Tokens as text where they are bytes or their tokeniser is known, else their numbers."""
    if about.get("kind") == "bytes" and all(0 <= i < 256 for i in ids):
        return bytes(ids).decode("utf-8", "replace")
    if about.get("tokeniser"):
        with contextlib.suppress(LandscapeError, OSError):  # it has gone meanwhile
            return text_of(Path(str(about["tokeniser"])), ids)
    return " ".join(map(str, ids))


def _unpadded(inputs: Mapping[str, Tensor]) -> list[int]:
    ids, mask = inputs["input_ids"].flatten(), inputs.get("attention_mask")
    kept: list[int] = (ids if mask is None else ids[mask.flatten() != 0]).tolist()
    return kept


def _value(tensor: Tensor) -> str:
    values = tensor.flatten()[:3].tolist()
    return ", ".join(f"{v:.4g}" if isinstance(v, float) else str(v) for v in values) + (" …" if tensor.numel() > 3 else "")


def _counts(targets: Any, classes: int | None, named: int) -> tuple[int, ...]:
    """How many examples of each class; empty where targets are no class indices, or tokens."""
    if not isinstance(targets, Tensor) or targets.is_floating_point() or targets.ndim != 1 or not targets.numel():
        return ()
    kept = targets[targets >= 0].cpu()
    highest = int(kept.max()) + 1 if kept.numel() else 0
    if highest > MOST_COUNTED:
        return ()
    return tuple(torch.bincount(kept, minlength=max(classes or 0, named, highest)).tolist())


def _try_normalisations(
    problem: Problem, inputs: Any, targets: Any, about: Mapping[str, Any], choice: DataChoice, seconds: float
) -> tuple[tuple[Tried, ...], int]:
    """Loss and accuracy under each normalisation that is offered (none alone for tokens), on the same few examples, and how many
    those were."""
    head = HEADS.get(problem.loss_name)
    if head is None or not isinstance(inputs, Tensor) or not isinstance(targets, Tensor):
        return (), 0
    known = about.get("normalisation")
    now = choice.normalise or ("" if isinstance(known, Mapping) else NONE)
    chosen = torch.linspace(0, len(inputs) - 1, min(FEW, len(inputs))).round().long()
    chosen = chosen[torch.randperm(len(chosen), generator=torch.Generator().manual_seed(0))]  # the first ones are of all classes
    raw, wanted = _raw(inputs[chosen.to(inputs.device)], about), targets[chosen.to(targets.device)]
    names = list(dict.fromkeys((now, *offered(raw)))) if raw.is_floating_point() else [NONE]
    mean_stds = {name: statistics(name or known, raw) for name in names}
    sums = {name: np.zeros(2) for name in names}
    end, done, batch = time.monotonic() + seconds, 0, FIRST
    while done < len(raw):
        began = time.monotonic()
        x, y = raw[done : done + batch], wanted[done : done + batch]
        for name, mean_std in mean_stds.items():
            scaled = x if mean_std is None else (x - mean_std[0].to(x.device)) / mean_std[1].to(x.device)
            sums[name] += len(x) * np.array(_judged(problem, head, scaled, y))
        done += len(x)
        ended = time.monotonic()
        batch = min(BATCH, int(len(x) * (end - ended) / max(ended - began, 1e-9)))
        if batch < 1:
            break
    return tuple(Tried(name=name, loss=float(s[0]) / done, accuracy=float(s[1]) / done) for name, s in sums.items()), done


def _raw(inputs: Tensor, about: Mapping[str, Any]) -> Tensor:
    """The inputs before they were normalised."""
    known = about.get("normalisation")
    if not isinstance(known, Mapping):
        return inputs
    shape = (1, -1, *[1] * (inputs.ndim - 2)) if inputs.ndim > 2 else (1, -1)
    mean, std = (torch.tensor(known[word], device=inputs.device).view(shape) for word in ("mean", "std"))
    return inputs * std + mean


def _judged(problem: Problem, head: Any, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Mean loss and share of right answers (NaN where there are none to tell)."""
    try:
        with torch.inference_mode():
            output = call(problem.module, x)
            rows = head.function(output, y)
            loss = float((rows[0] if isinstance(rows, tuple) else rows).double().mean())
            if head.name != "cross_entropy" or y.is_floating_point():
                return loss, math.nan
            logits, labels = classes_last(output, y)
            return loss, float((logits.argmax(1) == labels).double().mean())
    except (RuntimeError, TypeError, ValueError, IndexError, LandscapeError):
        return math.nan, math.nan


def with_normalisation(preview: Preview, name: str) -> DataChoice:
    """The same data under another normalisation."""
    return dataclasses.replace(preview.choice, normalise=name)
