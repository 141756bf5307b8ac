"""How each kind of path between two models is found: which other question finds it, and what its answer is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from landscape_gui.connection_results import AlignmentResult, CurveResult
from landscape_gui.errors import QuestionError
from landscape_gui.probes.base import CheckpointRef, Probe
from landscape_gui.probes.facts import plural
from landscape_gui.probes.pair import own_reference
from landscape_gui.probes.path_axes import curve_of
from landscape_gui.probes.path_measuring import Found

if TYPE_CHECKING:
    from landscape_gui.problem import Problem

PATHS = {
    "line": "straight line",
    "bezier": "Bezier curve, trained so that the loss stays low",
    "chain": "polygonal chain, trained so that the loss stays low",
    "band": "nudged elastic band, with pivots inserted where the loss is highest",
    "aligned": "straight line after the second model's units were permuted to match the first's",
    "repaired": "the aligned line with the statistics of its layers repaired (REPAIR)",
}
TRAINED = ("bezier", "chain", "band")
WHO = {"weights": "weight matching", "activations": "activation matching"}


def question_of(path: str, problem: Problem, towards: CheckpointRef, given: Mapping[str, Any]) -> Probe | None:
    """The question whose answer is the path, None for the straight line; about the pair in its one order (`probes.pair`).

    given: values of the fields of any of these questions; each takes those that it has. QuestionError: no such path.
    """
    if path == "line":
        return None
    kind, more = kind_of(path)
    own = own_reference(problem)
    turned = bool(own.digest and towards.digest and towards.digest < own.digest)
    names = {f.name for f in fields(kind)}
    values = {name: value for name, value in {**given, **more}.items() if name in names}
    return kind(**{**values, "towards": own if turned else towards}).completed(problem)


def kind_of(path: str) -> tuple[type[Probe], dict[str, Any]]:
    """The kind of question that finds a kind of path, and what it must say besides."""
    if path in ("bezier", "chain"):
        from landscape_gui.probes.curve import CurveQuestion

        return CurveQuestion, {"path": path}
    if path == "band":
        from landscape_gui.probes.band import BandQuestion

        return BandQuestion, {}
    if path in ("aligned", "repaired"):
        from landscape_gui.probes.alignment import AlignmentQuestion

        return AlignmentQuestion, {}
    raise QuestionError(f"There is no path {path!r}.", remedy=f"Choose one of {', '.join(PATHS)}.")


def straight(problem: Problem, towards: CheckpointRef) -> Found:
    import torch

    from landscape_gui.core.curves import Curve

    return Found("line", "straight line", Curve("line", torch.stack([problem.state, problem.state_of(towards)])))


def found_by(path: str, question: Probe, answer: Any, problem: Problem, towards: CheckpointRef) -> Found:
    """The path that an answer holds, from the problem's checkpoint to `towards`, whichever of them it was asked from."""
    here = getattr(question, "towards", towards).digest == towards.digest
    curve = curve_of(answer, problem, towards, here=here)
    if isinstance(answer, AlignmentResult):
        return Found(path, label_of(path, 0), curve, alignment_words(answer), answer.notes)
    assert isinstance(answer, CurveResult)
    return Found(path, label_of(path, len(answer.points) - 2), curve, training_words(question, answer), answer.notes)


def label_of(path: str, inner: int) -> str:
    """What a kind of path is called in legends; inner: how many control points lie between its ends."""
    bends = plural(inner, "bend")
    return {
        "line": "straight line",
        "bezier": f"Bezier curve, {bends}",
        "chain": f"chain, {bends}",
        "band": f"elastic band, {plural(inner, 'pivot')}",
        "aligned": "aligned line",
        "repaired": "aligned line, repaired",
    }[path]


def training_words(question: Any, answer: CurveResult) -> str:
    """ "1,000 Adam steps at learning rate 0.005, batches of 64 from all 1,437 train, seed 0"."""
    optimiser = {"adam": "Adam", "sgd": "SGD"}.get(question.optimiser, question.optimiser)
    decay = f", weight decay {question.weight_decay:g}" if question.weight_decay else ""
    return (
        f"{answer.steps:,} {optimiser} steps at learning rate {question.lr:g}{decay}, batches of {question.batch} from "
        f"{answer.subset}, seed {question.seed}"
    )


def alignment_words(answer: AlignmentResult) -> str:
    """ "weight matching moved 120 of 128 units; distance 12.1 before, 8.3 after"."""
    distances = f"; distance {answer.distance_before:.4g} before, {answer.distance_after:.4g} after"
    return f"{WHO.get(answer.method, answer.method)} moved {answer.moved:,} of {answer.units:,} units{distances}"
