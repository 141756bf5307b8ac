"""Every number of a checkpoint's curvature in one answer, to stand as a column of a table beside those of other checkpoints."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from landscape_gui.curvature_results import ReportResult
from landscape_gui.errors import ProblemError, QuestionError
from landscape_gui.number_texts import TEXTS
from landscape_gui.probes.base import Ask, Cost, Probe, Progress, Run, field
from landscape_gui.probes.curvature import PASSES, Bench, CurvatureProbe, TrainedProbe, about, bench_of, examples_of
from landscape_gui.probes.eigenvalues import Eigenvalues
from landscape_gui.probes.sharpness import Sharpness, initialisation
from landscape_gui.probes.spectrum import Spectrum
from landscape_gui.probes.standing import standing
from landscape_gui.results import Array, Number, freeze

if TYPE_CHECKING:
    from landscape_gui.figure import Figure, Look
    from landscape_gui.problem import Problem

EFFORTS: dict[str, dict[str, Any]] = {
    "less": {
        "spectrum": {"smallest": 1, "tolerance": 1e-4},
        "sharpness": {"scaled_points": 1, "groups": 4, "pairs": 4, "draws": 40},
    },
    "least": {
        "spectrum": {"smallest": 0, "tolerance": 1e-3, "layers": "never"},
        "sharpness": {"scaled_points": 1, "groups": 0, "pairs": 2, "directions": 5, "steps": 8, "tolerance": 1e-2},
    },
}
"""What is asked of the parts where a network is slow; "least" leaves out the Gauss-Newton matrix and half of the data."""
EFFORT_WORDS = {
    "less": "one smallest eigenvalue, fewer draws for averages and for the bound",
    "least": "no smallest eigenvalues, no comparison with the Gauss-Newton matrix or half of the data, five random directions",
}
SMALLEST_HALF = 16
"""On fewer examples than this, half of the data says nothing."""


@dataclass(frozen=True, kw_only=True)
class Report(TrainedProbe):
    """Model, data and generalisation gap, the spectrum's numbers, the Gauss-Newton matrix's, those on half of the data, and
    sharpness by name.

    Gives a ReportResult. Each part is a question of its own, answered through the store: what was asked before is not computed
    again. Cost: a spectrum of fewer products than one asked for by itself, and a sharpness: together about 700 gradients' time.
    """

    name: ClassVar[str] = "report"
    version: ClassVar[int] = 3
    title: ClassVar[str] = "Report"
    purpose: ClassVar[str] = "Curvature and sharpness"
    summary: ClassVar[str] = "Every number of curvature with its error, for one checkpoint or several side by side"

    operator: str = field("hessian", label="Operator", help="Whose eigenvalues", choices={"hessian": "Hessian"}, hidden=True)
    layer: str = field("", label="Layers", help="All", hidden=True)
    top: int = field(10, label="Eigenvalues", help="How many of the largest eigenvalues", minimum=1, maximum=1000)
    probes: int = field(2, label="Probes", help="Random vectors for the density", minimum=1, maximum=1000)
    steps: int = field(30, label="Lanczos steps", help="Of each random vector", minimum=2, maximum=10_000)
    budget: int = field(
        40, label="Trace", help="Products for the trace", unit="products", minimum=4, maximum=100_000, advanced=True
    )
    radius: float = field(0.05, label="Radius", help="Of the ball in the 2-norm for sharpness", minimum=1e-8, metavar="R")
    points: int = field(
        5, label="Radii", help="Points of sharpness's curve, over a decade to either side (odd; 1: no curve)",
        minimum=1, maximum=101, advanced=True,
    )  # fmt: skip
    bound: bool = field(True, label="PAC-Bayes bound", help="Compute a bound on the test error", advanced=True)
    effort: str | None = field(
        None, label="Effort", help="Less where a network is slow; nothing: as usual", choices=EFFORT_WORDS, silent=True, hidden=True
    )

    def parts(self, problem: Problem) -> list[tuple[str, CurvatureProbe]]:
        """The questions that it is made of, with what each is called."""
        common: dict[str, Any] = {"split": self.split, "limit": self.limit, "seed": self.seed, "precision": self.precision}
        less = EFFORTS.get(self.effort or "", {"spectrum": {}, "sharpness": {}})
        spectrum = {**common, "top": self.top, "probes": self.probes, "steps": self.steps, "budget": self.budget}
        found: list[tuple[str, CurvatureProbe]] = [("spectrum", Spectrum(**{**spectrum, **less["spectrum"]}))]
        half = examples_of(self, problem) // 2
        if self.effort != "least":
            found.append(("gauss-newton", Eigenvalues(**common, operator="gauss-newton", largest=1, smallest=0)))
        if self.effort != "least" and half >= SMALLEST_HALF:
            found.append(("half", Eigenvalues(**{**common, "limit": half}, largest=1, smallest=0)))
        sharpness = {**common, "radius": self.radius, "points": self.points, "bound": self.bound}
        return [*found, ("sharpness", Sharpness(**{**sharpness, **less["sharpness"]}))]

    def cost(self, problem: Problem) -> Cost:
        costs = [part.cost(problem) for _, part in self.parts(problem)]
        seconds = sum(c.seconds for c in costs)
        return Cost(
            points=round(sum(map(passes_of, costs))), examples=examples_of(self, problem), seconds=seconds, unit="evaluation"
        )

    def run(self, problem: Problem, ask: Ask) -> Run:
        yield Progress(done=0, total=1, note="preparing")
        with bench_of(self, problem) as bench:
            answers: dict[str, Any] = {}
            column = Column(self, problem, bench)
            column.facts += yield from standing(problem, initialisation(problem))
            parts = [(name, part, passes_of(part.cost(problem))) for name, part in self.parts(problem)]
            done, total = 0.0, sum(weight for _, _, weight in parts)
            for name, part, weight in parts:
                yield Progress(done=done, total=total, partial=column.result(answers))
                try:
                    answers[name] = yield from _ask(ask, part, done, weight, total)
                except (ProblemError, QuestionError) as error:  # one part that this loss or network does not allow
                    column.notes.append(f"No {part.title.lower()} ({name}): {error}")
                done += weight
            return dataclasses.replace(column.result(answers), complete=True)

    def figure(self, result: ReportResult, look: Look) -> Figure:
        from landscape_gui.probes.report_pictures import report_figure

        return report_figure(result, look)


def passes_of(cost: Cost) -> float:
    """Forward passes that a part takes, about."""
    return cost.points * (PASSES if cost.unit == "product" else 1.0)


def _ask(ask: Ask, part: Probe, done: float, weight: float, total: float) -> Generator[Progress, None, Any]:
    """A part's answer; its progress is that of the whole, and its partial answers are none of the whole's."""
    steps = ask(part)
    try:
        while True:
            try:
                progress = next(steps)
            except StopIteration as stop:
                return stop.value
            share = progress.done / progress.total if progress.total else 0.0
            note = f"{part.title.lower()}: {progress.note}" if progress.note else part.title.lower()
            yield Progress(done=done + weight * min(share, 1.0), total=total, note=note)
    finally:
        steps.close()


class Column:
    """What is known of one checkpoint, part by part."""

    def __init__(self, probe: Report, problem: Problem, bench: Bench) -> None:
        self.probe, self.problem = probe, problem
        self.facts = facts_of(problem, bench)
        self.about = about(probe, problem, bench)
        self.notes = [f"Computed with {probe.effort} effort: {EFFORT_WORDS[probe.effort]}."] if probe.effort else []

    def result(self, answers: dict[str, Any]) -> ReportResult:
        """The numbers of the parts that are answered."""
        spectrum, sharpness = answers.get("spectrum"), answers.get("sharpness")
        numbers = {n.name: n for n in self.facts}
        for part in (sharpness, spectrum):  # the spectrum's where both have one: its errors are the smaller ones
            numbers |= part.numbers if part is not None else {}
        for name, part in (("ggn_lambda_max", answers.get("gauss-newton")), ("lambda_max_half", answers.get("half"))):
            if part is not None and len(part.eigenvalues):
                numbers[name] = made(name, part.eigenvalues[0], part.residuals[0], "bound")
        nothing = freeze([])
        return ReportResult(
            **self.about,
            title=self.problem.title,
            seed=self.probe.seed,
            losses=getattr(sharpness, "losses", 0.0),
            gradients=getattr(sharpness, "gradients", 0.0),
            products=sum(part.products for part in answers.values()),
            numbers=numbers,
            eigenvalues=_all(spectrum, "eigenvalues", "lowest"),
            residuals=_all(spectrum, "residuals", "lowest_residuals"),
            radii=nothing if sharpness is None else sharpness.radii,
            rises=nothing if sharpness is None else sharpness.worst_case,
            notes=tuple(dict.fromkeys([*(note for part in answers.values() for note in part.notes), *self.notes])),
            complete=False,
        )


def _all(spectrum: Any, first: str, last: str) -> Array:
    """The leading values and those of the other end."""
    return freeze([] if spectrum is None else [*getattr(spectrum, first), *getattr(spectrum, last)])


def facts_of(problem: Problem, bench: Bench) -> list[Number]:
    """Size, loss over the examples asked about with its standard error, and the accuracy on every split."""
    found = [made("parameters", bench.objective.size), loss_of(problem, bench)]
    values = problem.at_checkpoint()
    for split, examples in problem.splits.items():
        share = values.get(f"{split}_accuracy", math.nan)
        if not math.isnan(share):
            error = math.sqrt(share * (1 - share) / examples) if examples else math.nan
            label = f"{TEXTS['accuracy'].label}, {split}"
            found.append(made("accuracy", 100 * share, 100 * error, "standard error", label=label, name=f"accuracy:{split}"))
    return found


def loss_of(problem: Problem, bench: Bench) -> Number:
    """The mean loss, with its standard error where there is a value for each example."""
    try:
        rows = bench.objective.losses()
        error = float(rows.std() / math.sqrt(len(rows))) if len(rows) > 1 else math.nan
    except ProblemError:  # a loss that is known as means of batches alone
        error = math.nan
    return made("loss", bench.objective.loss(), error, "standard error", unit=problem.loss_unit)


def made(
    kind: str, value: float, error: float = math.nan, of: str = "exact", *, label: str = "", unit: str | None = None, name: str = ""
) -> Number:
    """A number with its label, unit and three sentences."""
    text = TEXTS[kind]
    return Number(
        name=name or kind,
        label=label or text.label,
        value=float(value),
        error=float(error),
        kind=of,
        unit=text.unit if unit is None else unit,
        help=text.help,
    )
