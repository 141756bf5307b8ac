"""What tells a question from others about the same problem, in a few words; for lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landscape_gui.results import ConnectedResult, Result


def asked_words(question: Mapping[str, Any]) -> str:
    """What tells a question from others about the same problem, in a few words; for lists."""
    steps, span = question.get("steps"), question.get("span") or ()
    parts = [
        " × ".join(str(n) for n in steps)
        if isinstance(steps, (list, tuple))
        else f"{steps} {'steps' if 'probes' in question else 'points'}"
        if steps and "radius" not in question and "path" not in question
        else ""
    ]
    parts += curvature_words(question) + path_words(question) + training_words(question)
    parts.append(str(question["directions"]) if isinstance(question.get("directions"), str) else "")
    if question.get("directions") in ("filter", "layer", "raw"):
        draws = question.get("draws", 1)
        parts.append(f"{draws} seeds" if isinstance(draws, int) and draws > 1 else f"seed {question.get('seed', 0)}")
    parts.append(" and ".join(map(str, question.get("which", ()))) if question.get("directions") == "eigenvectors" else "")
    parts.append("span " + " ".join(f"{v:g}" for v in span if isinstance(v, (int, float))) if span else "")
    parts.append("" if question.get("split", "all") == "all" else str(question["split"]))
    parts.append(f"{question['limit']} examples" if question.get("limit") else "")
    parts.append("adaptive" if question.get("adaptive") else "")
    parts.append("float64" if question.get("precision") == "float64" else "")
    return ", ".join(part for part in parts if part)[:200]


def connected_words(result: Result) -> str:
    """Of an answer about connected models: with which others, and along which paths."""
    names: tuple[str, ...] = getattr(result, "names", ()) if isinstance(result, ConnectedResult) else ()
    if len(names) < 2:
        return ""
    path = result.provenance.question.get("path", ())
    paths = [path] if isinstance(path, str) else list(path) if isinstance(path, (list, tuple)) else []
    whom = f"with {names[1]}" if len(names) == 2 or result.provenance.question.get("towards") else ", ".join(names)
    return ": ".join(filter(None, (whom, ", ".join(map(str, paths)))))


def path_words(question: Mapping[str, Any]) -> list[str]:
    """Of a question about paths: at how many places, how far, and how long what is trained was trained."""
    if "path" not in question:
        return []
    points, beyond, steps = (question.get(name) for name in ("points", "beyond", "steps"))
    return [
        f"{points} points" if points else "",
        f"{beyond:g} beyond the ends" if isinstance(beyond, (int, float)) and beyond else "",
        f"{steps} training steps" if isinstance(steps, int) and steps else "",
    ]


def curvature_words(question: Mapping[str, Any]) -> list[str]:
    """Of a question about curvature: how, whose, how many, how far, over what."""
    names = {"hessian": "", "gauss-newton": "Gauss-Newton", "residual": "Hessian minus Gauss-Newton", "ntk": "NTK"}
    operator = str(question.get("operator", ""))
    power, most = question.get("method") == "power", question.get("checkpoints")
    return [
        "power iteration" if power else "",
        names.get(operator, operator),
        f"layer {question['layer']}" if question.get("layer") else "",
        f"{question['largest']} largest" if question.get("largest") and not power else "",
        f"radius {question['radius']:g}" if isinstance(question.get("radius"), (int, float)) else "",
        f"{most} checkpoints" if isinstance(most, int) and most else "",
        f"seed {question['seed']}" if operator and question.get("seed") else "",
    ]


def training_words(question: Mapping[str, Any]) -> list[str]:
    """Of a question about steps of training: at which rate, in which batches; of descents by which optimizers, and from where."""
    lr, batch, at, optimizer = (question.get(name) for name in ("lr", "batch", "at", "optimizer"))
    before, updates = question.get("before"), question.get("updates")
    names = ", ".join(map(str, optimizer)) if isinstance(optimizer, (list, tuple)) else ""
    known = isinstance(at, (list, tuple)) and len(at) == 2 and all(isinstance(v, (int, float)) for v in at)
    return [
        f"{names} from ({at[0]:.3g}, {at[1]:.3g})" if names and known and at is not None else "",
        f"{len(before)} before" if isinstance(before, (list, tuple)) and before else "",
        f"{updates} updates" if isinstance(updates, int) and updates else "",
        f"lr {lr:g}" if isinstance(lr, (int, float)) and lr and "bends" not in question else "",
        f"batch {batch}" if isinstance(batch, int) and batch and "bends" not in question else "",
    ]
