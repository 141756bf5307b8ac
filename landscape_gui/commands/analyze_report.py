"""The report of an analysis: what was analysed, the answers' sections, and how to come to the same again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from landscape_gui.environment import environment
from landscape_gui.export.report_page import Page, Section, Table, headline_of, in_per_cent
from landscape_gui.results import Number

if TYPE_CHECKING:
    from landscape_gui.commands.analyze_parts import Outcome
    from landscape_gui.problem import Problem
    from landscape_gui.results import Result

UNTRAINED = ("The weights are random", "a look at how training begins")
"""What warnings say that make those about an accuracy at chance needless."""
HEADLINE = ("lambda_max", "trace", "negative_eigenvalues", "worst_case")
READING = (
    "Every number is of the mean loss over the examples named. The column “how sure” says what stands behind it: ± is one standard "
    "error, or a bound within which the true value lies; a worst case found by search is a lower bound. Flat is not the same as "
    "good: rescaling layers moves sharpness without changing the function (Dinh et al. 2017)."
)


def page_of(
    problem: Problem,
    outcome: Outcome,
    sections: Sequence[Section],
    warnings: Sequence[str],
    command: str,
    when: datetime,
) -> Page:
    """The page. command: as it was typed, "" where that is not known; when: in UTC."""
    facts = facts_of(problem)
    numbers = {n.name: n for n in facts}
    curvature: Any = outcome.answers.get("curvature")
    if curvature is not None:
        numbers |= curvature.numbers
    names = [n.name for n in facts if n.name.endswith(("_loss", "_accuracy"))]
    said = (*warnings, *(() if untrained(warnings) else problem.warnings()))
    title = str(problem.description.get("title") or problem.title)
    return Page(
        title=f"Loss landscape of {title}",
        subtitle=f"{problem.description.get('model', '')} · {problem.layout.parameters:,} parameters · {when:%d %B %Y, %H:%M} UTC",
        warnings=tuple(dict.fromkeys(said)),
        headline=headline_of(numbers, [*names[:4], *HEADLINE]),
        sections=(subject_section(problem), *sections, provenance_section(problem, outcome, command)),
        missing=tuple(outcome.missing.items()),
        references=references_of(outcome),
    )


def untrained(warnings: Sequence[str]) -> bool:
    """Whether it is said already that the network knows nothing yet."""
    return any(words in warning for warning in warnings for words in UNTRAINED)


def facts_of(problem: Problem) -> list[Number]:
    """Loss and accuracy of every split, over all its examples, with the standard errors of means over examples."""
    from landscape_gui.jobs import answer
    from landscape_gui.probes.endpoint import Endpoint
    from landscape_gui.store import Store

    found: Any = answer(Endpoint(), problem, store=Store())
    numbers = []
    for name, quantity in found.quantities.items():
        error = math.nan if quantity.standard_error is None else float(quantity.standard_error[0])
        unit = "" if quantity.unit == "1" else quantity.unit
        made = Number(
            name=name, label=quantity.label, value=float(quantity.values[0]), error=error, kind="standard error", unit=unit
        )
        numbers.append(in_per_cent(made))
    return numbers


def subject_section(problem: Problem) -> Section:
    """Network, data and loss."""
    about = problem.description
    data = about.get("data", {})
    checkpoint = about.get("checkpoint", {})
    examples = ", ".join(f"{count:,} {split}" for split, count in problem.splits.items())
    rows = [
        ("Network", str(about.get("model", ""))),
        ("Parameters", f"{problem.layout.parameters:,}"),
        ("Checkpoint", str(checkpoint.get("path", ""))),
        ("Epoch", "" if checkpoint.get("epoch") is None else f"{checkpoint['epoch']:g}"),
        ("Data", str(data.get("name") or data.get("path", ""))),
        ("Examples", examples),
        ("Loss", f"{problem.loss_name}, mean over examples"),
        ("Training", ", ".join(f"{k} {v}" for k, v in about.get("training", {}).items() if not isinstance(v, Mapping))),
    ]
    table = Table(heads=("", ""), groups=(("", tuple(row for row in rows if row[1])),))
    return Section(title="Network and data", text=(READING,), tables=(table,), notes=problem.notes)


def provenance_section(problem: Problem, outcome: Outcome, command: str) -> Section:
    """Where every number comes from."""
    about, here = problem.description, environment()
    rows = [
        ("Command", command),
        ("Weights", f"digest {problem.checkpoint.digest}"),
        ("Data", f"digest {about.get('data', {}).get('digest', '')}"),
        ("Device", f"{problem.device}, {problem.threads} thread{'s' if problem.threads != 1 else ''}"),
        ("Versions", ", ".join(f"{name} {here[name]}" for name in ("landscape_gui", "torch", "numpy"))),
        ("Machine", f"{here['system']}, {here['processor']}"),
        *((f"Answer {name}", answer_words(result)) for name, result in outcome.answers.items()),
    ]
    table = Table(heads=("", ""), groups=(("", tuple(row for row in rows if row[1])),))
    text = (
        "Each answer is kept under a key that is made of weights, network, data, loss and question: asked again it is found, not "
        "computed. `landscape-gui reproduce figures/NAME.pdf` computes what a figure shows again and says whether it is the same.",
    )
    return Section(title="Provenance", text=text, tables=(table,))


def answer_words(result: Result) -> str:
    where = result.provenance
    return f"{where.key}, {where.seconds:.1f} s, {where.created.replace('T', ' ').replace('+00:00', ' UTC')}"


def references_of(outcome: Outcome) -> tuple[str, ...]:
    """Of the numbers of the report."""
    from landscape_gui.curvature_results import ReportResult
    from landscape_gui.export.report_tables import sources
    from landscape_gui.number_references import REFERENCES

    reports = [result for result in outcome.answers.values() if isinstance(result, ReportResult)]
    known: Mapping[str, str] = REFERENCES
    return tuple(known[key] for key in sources(reports)) if reports else ()
