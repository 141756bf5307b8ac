"""info FILE...: what a file is, its layers, its loss and accuracy on the data, and the run that it belongs to."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_gui.commands import opening
from landscape_gui.commands.parser import Parser
from landscape_gui.commands.terminal import plain, table
from landscape_gui.errors import CheckpointError, LandscapeError

if TYPE_CHECKING:
    from landscape_gui.checkpoint import Manifest
    from landscape_gui.problem import Problem

MANY_LAYERS = 60


def add_flags(parser: Parser) -> None:
    parser.add_argument(
        "paths", metavar="FILE", nargs="+", help="checkpoints, folders that are one or hold some, answers (.h5), or samples:NAME"
    )
    parser.add_argument("--json", action="store_true", help="the same as JSON, one object a file")
    parser.add_argument("--tensors", action="store_true", help="every tensor of the file, with its shape")
    parser.add_argument(
        "--header", action="store_true", help="only what the file's header says: no tensor is read, nothing computed"
    )
    opening.add_opening_flags(parser)


def run(namespace: argparse.Namespace) -> int:
    """Returns 1 where one of the files could not be read; 0 where all were, though a network may not fit or its code may not be
    trusted: what is then not known is said."""
    worst = 0
    for index, path in enumerate(namespace.paths):
        if index and not namespace.json:
            print()
        try:
            tell(path, namespace)
        except LandscapeError as error:
            print(f"landscape-gui: {error}", file=sys.stderr)
            worst = 1
    return worst


def tell(path: str, namespace: argparse.Namespace) -> None:
    from landscape_gui.export.peers_kinds import is_answer

    if path.endswith((".h5", ".hdf5")) or is_answer(path):
        tell_answer(path, as_json=namespace.json)
        return
    manifest = look_inside(path)
    problem: Problem | None = None
    reason: LandscapeError | None = None
    if not namespace.header:
        try:
            problem = opening.open_named(path, namespace)
        except LandscapeError as error:
            if manifest is not None and isinstance(error, CheckpointError) and is_about(error, manifest.path):
                raise
            reason = error
    if manifest is None and (namespace.json or problem is None):
        manifest = look_at_last(path)
    if namespace.json:
        print(json.dumps(without_infinities(as_json(path, manifest, problem, reason)), default=str))
        return
    if manifest is not None:
        print(manifest_text(path, manifest, tensors=namespace.tensors))
    if problem is not None:
        print(problem_text(problem))
    if reason is not None:
        print(f"loss and accuracy: not known. {reason}")


def is_about(error: CheckpointError, path: Path) -> bool:
    """Whether it is this file that cannot be read, and not its data. Errors show names with what cannot be printed as "?"."""
    shown = "".join(character if character.isprintable() else "?" for character in str(path))
    return error.message.startswith(f"{shown} ")


def look_inside(path: str) -> Manifest | None:
    """What the header of a file, or of a folder that is one checkpoint, says; None for a run or a sample. CheckpointError where
    it is no checkpoint."""
    from landscape_gui.checkpoint import peek
    from landscape_gui.checkpoint.whole import find_whole

    if path.startswith("samples:") or (Path(path).is_dir() and find_whole(Path(path)) is None):
        return None
    return peek(path)


def look_at_last(path: str) -> Manifest:
    """What the header of a run's last checkpoint says. CheckpointError where there is none."""
    from landscape_gui.checkpoint import peek
    from landscape_gui.problem.locate import find_checkpoint

    return peek(find_checkpoint(path)[0])


def tell_answer(path: str, *, as_json: bool = False) -> None:
    from landscape_gui.commands import summary
    from landscape_gui.export import tables
    from landscape_gui.export.peers_opening import read_answer
    from landscape_gui.probes.unknowns import source_words

    result = read_answer(path)
    if as_json:
        print(json.dumps({"path": path, "form": "answer", **tables.as_json(result)}))
        return
    where = result.provenance
    about = plain(where.problem.get("title", "a checkpoint"))
    told = where.problem.get("read_from")
    whence = f"read from {plain(source_words(told))}" if told else f"about {about}, computed {where.created[:19]}"
    print(f"{path}: an answer ({where.probe}) {whence}")
    print(summary.describe(result))


def manifest_text(path: str, manifest: Manifest, *, tensors: bool) -> str:
    """The header's lines."""
    when = [f"epoch {manifest.epoch:g}"] if manifest.epoch is not None else []
    when += [f"step {manifest.step}"] if manifest.step is not None else []
    size = f"{len(manifest.tensors)} tensors, {manifest.parameters:,} numbers"
    lines = [f"{path}: {manifest.format}, {', '.join([size, *when])}"]
    lines += [f"{plain(name)}: {plain(value)}" for name, value in list(manifest.metadata.items())[:20]]
    lines += [plain(note) for note in manifest.notes]
    if tensors:
        lines.append(table([(plain(t.name), t.dtype, " x ".join(map(str, t.shape)) or "one number") for t in manifest.tensors]))
    return "\n".join(lines)


def problem_text(problem: Problem) -> str:
    """What the problem says of itself: description, layers, run, loss and accuracy."""
    rows = [(key, plain(short(value))) for key, value in problem.description.items() if key != "layers" and short(value)]
    lines = [problem.title, table(rows)] if rows else [problem.title]
    lines.append(layers_text(problem))
    if problem.run is not None:
        labels = [plain(entry.label) for entry in problem.run.checkpoints]
        lines.append(f"run: {len(labels)} checkpoints, {labels[0]} to {labels[-1]}")
    values = problem.at_checkpoint()
    lines.append(
        table([("", "value", "examples"), *(value_row(problem, name, value) for name, value in values.items())], right=(1, 2))
    )
    return "\n".join(line for line in lines if line)


def short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {short(v)}" for k, v in value.items() if short(v))
    if isinstance(value, (list, tuple)):
        if value and all(str(item).endswith(".") for item in value):
            return " ".join(map(str, value))
        return ", ".join(map(str, value)) if len(value) <= 12 else f"{len(value)} items"
    return "" if value is None else f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def layers_text(problem: Problem) -> str:
    layers = problem.layout.layers()
    rows = [("layer", "parameters", "shapes")]
    for name, segments in layers[:MANY_LAYERS]:
        shapes = "; ".join(" x ".join(map(str, s.shape)) or "1" for s in segments)
        rows.append((plain(name), f"{sum(s.stop - s.start for s in segments):,}", shapes))
    more = f"\n... and {len(layers) - MANY_LAYERS} more" if len(layers) > MANY_LAYERS else ""
    return table(rows, right=(1,)) + more


def value_row(problem: Problem, name: str, value: float) -> tuple[str, str, str]:
    split = next((s for s in problem.splits if name.startswith(f"{s}_")), "")
    text = "not finite" if not math.isfinite(value) else f"{value:.2%}" if name.endswith("_accuracy") else f"{value:.6g}"
    return name, text, f"{problem.splits[split]:,}" if split else ""


def without_infinities(value: Any) -> Any:
    """What is not finite as text, as JSON has no such numbers."""
    if isinstance(value, dict):
        return {key: without_infinities(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_infinities(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def as_json(path: str, manifest: Manifest | None, problem: Problem | None, reason: LandscapeError | None) -> dict[str, Any]:
    found: dict[str, Any] = {"path": path}
    if manifest is not None:
        found |= {"form": manifest.format, "epoch": manifest.epoch, "step": manifest.step, "metadata": dict(manifest.metadata)}
        found["tensors"] = [{"name": t.name, "dtype": t.dtype, "shape": list(t.shape)} for t in manifest.tensors]
        found |= {"notes": list(manifest.notes), "groups": list(manifest.groups)}
    if problem is not None:
        found |= {"title": problem.title, "description": dict(problem.description), "values": problem.at_checkpoint()}
        found |= {"splits": dict(problem.splits), "warnings": list(problem.warnings())}
        found["run"] = [entry.label for entry in problem.run.checkpoints] if problem.run is not None else []
    if reason is not None:
        found["not_opened"] = str(reason)
    return found
