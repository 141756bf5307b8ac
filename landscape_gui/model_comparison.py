"""Models side by side: their reports as rows, and how each measure goes with the generalisation gap. NumPy only."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from landscape_gui.curvature_results import ReportResult
from landscape_gui.errors import QuestionError
from landscape_gui.rank_correlation import (
    FEWEST,
    Interval,
    kendall,
    kendall_interval,
    of_noise,
    permutation_tests,
    spearman,
    spearman_interval,
)
from landscape_gui.results import Array, Number

GAPS = {"loss_gap": "gap of the loss", "accuracy_gap": "gap of the accuracy"}
OUTCOMES = ("split_loss", "accuracy", "loss", *GAPS)
"""What the gap is made of: no measure of it."""
COLUMNS = (
    "split_loss", "accuracy", "loss_gap", "accuracy_gap", "parameters", "lambda_max", "trace", "worst_case", "worst_case_box",
    "adaptive", "gaussian_average", "gradient_norm", "weight_norm", "distance_from_start", "pac_bayes_bound",
)  # fmt: skip
"""Kinds of numbers that stand in a comparison where nobody says which, in this order."""
ALL = "all"
HEADS: Mapping[str, str] = {
    "split_loss": "loss", "accuracy": "accuracy", "loss_gap": "loss gap", "accuracy_gap": "accuracy gap",
    "lambda_max": "λmax", "lambda_min": "λmin", "worst_case": "worst case in a ball", "worst_case_box": "Keskar's sharpness",
    "adaptive": "adaptive sharpness", "gaussian_average": "rise under noise", "gradient_norm": "gradient norm",
    "weight_norm": "weight norm", "distance_from_start": "distance from start", "pac_bayes_bound": "PAC-Bayes bound",
    "ggn_lambda_max": "λmax, Gauss-Newton", "lambda_max_half": "λmax, half the data",
}  # fmt: skip
"""Short names of columns; a number without one stands by its label."""
ALPHA = 0.05
UNKNOWN = Interval()
APART = 2.0
"""Training losses that differ more than so many times are said."""


@dataclass(frozen=True, kw_only=True)
class Related:
    """How one measure goes with the gap over the models that have both: Kendall's tau-b and Spearman's rho with 95 % intervals, the
    permutation p of tau alone and allowing for all measures, and `noise`: between what tau lies when the values are drawn anew from
    their standard errors. why: no correlation can be told, in a sentence."""

    name: str
    head: str
    models: int
    tau: float = math.nan
    interval: Interval = UNKNOWN
    rho: float = math.nan
    rho_interval: Interval = UNKNOWN
    p: float = math.nan
    p_together: float = math.nan
    noise: Interval = UNKNOWN
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class ModelComparison:
    """reports: in the order of the rows, with what each is called; columns: names of their numbers; gap: a key of GAPS, "" where no
    model has one; related: the measures among the columns; warnings: what makes rows unequal; cautions: what may be read off."""

    reports: tuple[ReportResult, ...]
    titles: tuple[str, ...]
    columns: tuple[str, ...]
    gap: str
    related: tuple[Related, ...]
    warnings: tuple[str, ...]
    cautions: tuple[str, ...]

    def number(self, row: int, name: str) -> Number | None:
        return self.reports[row].numbers.get(name)

    def values(self, name: str) -> tuple[Array, Array]:
        """(n,) values and standard errors of a number; NaN where a model has none, or its error is of another kind."""
        return values_of(self.reports, name)

    def head(self, name: str) -> str:
        """What a column is called, with the split that it is of."""
        return head_of(name, self.reports)

    def unit(self, name: str) -> str:
        return next((n.unit for r in self.reports if (n := r.numbers.get(name)) is not None and n.unit), "")


def compared(
    reports: Sequence[ReportResult],
    *,
    columns: Sequence[str] = COLUMNS,
    gap: str = "",
    sort: str = "",
    descending: bool = False,
    correlate: bool = True,
) -> ModelComparison:
    """Rows for reports. columns: names or kinds of numbers, "all" for every one; gap: a key of GAPS, "" for that of the loss where
    losses can be compared; sort: the name of a number, "title", or "" for the order given; correlate: False leaves out what takes
    time. Nothing is ever marked as best.

    Raises QuestionError for a column or gap that no report has. Milliseconds, and some seconds to correlate so many models first.
    """
    chosen = columns_of(reports, columns)
    order = sorted_rows(reports, sort, descending)
    rows = [reports[k] for k in order]
    named = titles_of(reports)
    known = gap_of(rows, gap)
    related = related_to(rows, [name for name in chosen if kind(name) not in OUTCOMES], known) if correlate else ()
    return ModelComparison(
        reports=tuple(rows),
        titles=tuple(named[k] for k in order),
        columns=chosen,
        gap=known,
        related=related,
        warnings=tuple(warnings_of(rows, [named[k] for k in order])),
        cautions=tuple(cautions_of(rows, related, known)) if correlate else (),
    )


def kind(name: str) -> str:
    """`accuracy` of `accuracy:test`."""
    return name.partition(":")[0]


def titles_of(reports: Sequence[ReportResult]) -> list[str]:
    """What each row is called; equal names are counted."""
    found = [report.title or "checkpoint" for report in reports]
    return [f"{t} ({found[:k].count(t) + 1})" if found.count(t) > 1 else t for k, t in enumerate(found)]


def named(reports: Sequence[ReportResult]) -> list[ReportResult]:
    """The reports under their models' names alone, without epochs, where these tell them apart."""
    short = [str(report.provenance.problem.get("title") or report.title) for report in reports]
    return [replace(r, title=t) for r, t in zip(reports, short, strict=True)] if len(set(short)) == len(short) else list(reports)


def head_of(name: str, reports: Sequence[ReportResult]) -> str:
    own, _, part = name.partition(":")
    label = next((n.label for r in reports if (n := r.numbers.get(name)) is not None), own)
    short = HEADS.get(own, label)
    return f"{part} {short}" if part and own in ("split_loss", "accuracy") else short


def columns_of(reports: Sequence[ReportResult], wanted: Sequence[str]) -> tuple[str, ...]:
    """The names that are wanted, in that order, of those that some report has."""
    known = list(dict.fromkeys(name for report in reports for name in report.numbers))
    if ALL in wanted:
        return tuple(known)
    found: list[str] = []
    for name in wanted:
        fitting = [n for n in known if name in (n, kind(n))]
        if not fitting and name not in COLUMNS:
            remedy = f"Choose of {', '.join(dict.fromkeys(map(kind, known)))}, or all."
            raise QuestionError(f"No report has a number {name!r}.", remedy=remedy)
        found += fitting
    return tuple(dict.fromkeys(found))


def sorted_rows(reports: Sequence[ReportResult], sort: str, descending: bool) -> list[int]:
    """The order of the rows; a model without the number stands last, either way."""
    order = list(range(len(reports)))
    if not sort:
        return order
    if sort == "title":
        named = titles_of(reports)
        return sorted(order, key=lambda k: named[k].casefold(), reverse=descending)
    names = [n for report in reports for n in report.numbers if sort in (n, kind(n))]
    if not names:
        raise QuestionError(f"No report has a number {sort!r} to sort by.", remedy="Name one of the columns, or title.")
    values, _ = values_of(reports, names[0])
    sign = -1.0 if descending else 1.0
    return sorted(order, key=lambda k: (math.isnan(values[k]), sign * float(np.nan_to_num(values[k]))))


def values_of(reports: Sequence[ReportResult], name: str) -> tuple[Array, Array]:
    numbers = [report.numbers.get(name) for report in reports]
    values = np.array([math.nan if n is None else n.value for n in numbers], float)
    errors = np.array([n.error if n is not None and n.kind == "standard error" else math.nan for n in numbers], float)
    return values, errors


# ---------------------------------------------------------------------------------------------------------------- correlation


def gap_of(reports: Sequence[ReportResult], asked: str) -> str:
    """The gap that measures are held against: of the loss where all have the same one, else of the accuracy."""
    have = [name for name in GAPS if any(name in report.numbers for report in reports)]
    if asked:
        if asked not in GAPS:
            raise QuestionError(f"There is no gap {asked!r}.", remedy=f"Choose one of {', '.join(GAPS)}.")
        return asked if asked in have else ""
    losses = {loss_name(report) for report in reports}
    usual = [name for name in have if name != "loss_gap" or len(losses) == 1]
    return usual[0] if usual else have[0] if have else ""


def related_to(reports: Sequence[ReportResult], measures: Sequence[str], gap: str) -> tuple[Related, ...]:
    """Every measure against the gap, over the models that have a finite one."""
    if not gap:
        return ()
    gaps, gap_errors = values_of(reports, gap)
    with_gap = np.isfinite(gaps)
    table = np.array([values_of(reports, name)[0][with_gap] for name in measures]).reshape(len(measures), int(with_gap.sum()))
    table[~np.isfinite(table)] = np.nan
    alone, together = permutation_tests(table, gaps[with_gap])
    found = []
    for k, name in enumerate(measures):
        values, errors = values_of(reports, name)
        both = with_gap & np.isfinite(values)
        own = Related(name=name, head=head_of(name, reports), models=int(both.sum()))
        found.append(related(own, values[both], errors[both], gaps[both], gap_errors[both], float(alone[k]), float(together[k])))
    return tuple(found)


def related(own: Related, x: Array, x_errors: Array, y: Array, y_errors: Array, p: float, p_together: float) -> Related:
    n = own.models
    why = ""
    if n < 2:
        why = f"{'No model has' if n == 0 else 'One model has'} both this measure and the gap."
    elif math.isnan(kendall(x, y)):
        why = "It is the same for all models." if np.ptp(x) == 0 else "The gap is the same for all models."
    if why:
        return Related(name=own.name, head=own.head, models=n, why=why)
    return Related(
        name=own.name,
        head=own.head,
        models=n,
        tau=kendall(x, y),
        interval=kendall_interval(x, y),
        rho=spearman(x, y),
        rho_interval=spearman_interval(x, y),
        p=p,
        p_together=p_together,
        noise=of_noise(x, x_errors, y, y_errors),
    )


def cautions_of(reports: Sequence[ReportResult], found: Sequence[Related], gap: str) -> Iterator[str]:
    """What the correlations may be taken for, and no more."""
    if not gap:
        yield "No model has data beside those that it was trained on, so there is no generalisation gap and no correlation."
        return
    told = [one for one in found if not one.why]
    n = int(np.isfinite(values_of(reports, gap)[0]).sum())
    if not told:
        yield f"The gap is known for {n} model{'s' if n != 1 else ''}: no measure can be ranked against it."
        return
    if n < FEWEST:
        chance = (
            "every measure puts 2 models"
            if n == 2
            else f"one in {math.factorial(n) // 2} measures without relation puts {n} models"
        )
        yield (
            f"The gap is known for {n} models, and of so few no interval can be given: {chance} in the gap's order or the opposite "
            f"one. Compare {FEWEST} models or more."
        )
    else:
        yield (
            f"Kendall's tau-b over {n} models; in brackets the 95 % interval for models drawn independently from one population, "
            "which these need not be. It is about the models named alone, and about order, not cause."
        )
    if len(told) > 1 and 2 / math.factorial(n) <= ALPHA:  # of fewer models no order is rarer than that
        once = 1 - (1 - ALPHA) ** len(told)
        yield (
            f"{len(told)} measures are held against one gap. If none had to do with it and they were independent, at least one "
            f"would pass a test at 5 % with a chance of {100 * once:.0f} %: read the p that allows for all of them."
        )


# ------------------------------------------------------------------------------------------------------------------ what differs


def warnings_of(reports: Sequence[ReportResult], titles: Sequence[str]) -> Iterator[str]:
    """What makes rows unequal, a sentence each."""
    apart: list[tuple[Any, str, str]] = [
        (data_name, "The data differ", "Gaps and curvature are of each model's own data: their order tells of the data as well."),
        (loss_name, "The losses differ", "Losses, their gaps and curvature are not on one scale."),
        (subset_of, "Curvature is of different examples", "Ask about the same number of examples to compare it."),
        (asked_of, "The questions differ", "Compare only what does not depend on that."),
    ]  # fmt: skip
    for of, what, then in apart:
        groups: dict[str, list[str]] = {}
        for report, title in zip(reports, titles, strict=True):
            groups.setdefault(of(report), []).append(title)
        if len(groups) > 1:
            told = "; ".join(f"{', '.join(names)}: {value or 'not known'}" for value, names in groups.items())
            yield f"{what} ({told}). {then}"
    yield from training_words(reports, titles)
    yield from kinship(reports, titles)


def data_name(report: ReportResult) -> str:
    """What the data are called, else their file with the beginning of their digest, as two files may be called the same."""
    told = report.provenance.problem.get("data")
    if not isinstance(told, Mapping):
        return str(told or "")
    file, digest = str(told.get("path", "")).replace("\\", "/").rpartition("/")[2], str(told.get("digest", ""))[:8]
    return str(told.get("name") or " ".join(filter(None, (file, f"({digest})" if file and digest else digest))))


def loss_name(report: ReportResult) -> str:
    return str(report.provenance.problem.get("loss", ""))


def subset_of(report: ReportResult) -> str:
    """Of the same data: how many, of which split; of others only whether it was a part."""
    return f"{'a part' if report.provenance.question.get('limit') else 'all'} of {report.split}"


def asked_of(report: ReportResult) -> str:
    asked = report.provenance.question
    told = {"seed": report.seed, "precision": report.precision, **{k: asked[k] for k in ("top", "steps", "radius") if k in asked}}
    return ", ".join(f"{name} {value}" for name, value in told.items())


def training_words(reports: Sequence[ReportResult], titles: Sequence[str]) -> Iterator[str]:
    """Measures are meant to be compared between models that fit their training data alike."""
    if len({loss_name(report) for report in reports}) > 1:
        return
    names = [n for n in dict.fromkeys(n for r in reports for n in r.numbers) if kind(n) == "split_loss"]
    values = values_of(reports, names[0])[0] if names else np.zeros(0)
    known = np.isfinite(values) & (values > 0)
    if known.sum() > 1 and values[known].max() > APART * values[known].min():
        low, high = (int(np.flatnonzero(known)[f(values[known])]) for f in (np.argmin, np.argmax))
        yield (
            f"Training losses lie between {values[low]:.3g} ({titles[low]}) and {values[high]:.3g} ({titles[high]}): a network "
            "that did not fit its training data has a small gap for that reason alone (Jiang et al. 2020 stop all at one loss)."
        )


def kinship(reports: Sequence[ReportResult], titles: Sequence[str]) -> Iterator[str]:
    """Checkpoints of one run are no independent models."""
    groups: dict[str, list[str]] = {}
    for report, title in zip(reports, titles, strict=True):
        told = report.provenance.problem.get("checkpoint")
        path = str(told.get("path", "")) if isinstance(told, Mapping) else ""
        folder = path.replace("\\", "/").rpartition("/")[0]
        groups.setdefault(folder or title, []).append(title)
    for names in groups.values():
        if len(names) > 1:
            yield f"{', '.join(names)} lie in one folder: checkpoints of one run are not independent models."
