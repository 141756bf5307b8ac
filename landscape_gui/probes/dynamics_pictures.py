"""Training dynamics as charts over the epochs, one for each kind of quantity. NumPy only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from landscape_gui.dynamics_results import DynamicsResult, RunDynamics
from landscape_gui.figure import Axis, Figure, Line, Look, Mark, Note, Panel, Scale
from landscape_gui.probes import facts
from landscape_gui.probes.pictures import plain_unit, positive
from landscape_gui.probes.unknowns import spoken, with_unknowns
from landscape_gui.results import Quantity, freeze


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart: its title, the label of its axis, and which quantities stand in it: those named, or those that end so."""

    title: str
    label: str
    names: tuple[str, ...] = ()
    ending: str = ""
    logs: bool = False
    """It follows the look's logarithmic scale."""

    def holds(self, name: str) -> bool:
        return name in self.names or bool(self.ending and name.endswith(self.ending))


CHARTS = (
    Chart(title="Loss", label="loss", names=("loss",), ending="_loss", logs=True),
    Chart(title="Accuracy", label="accuracy", names=("accuracy",), ending="_accuracy"),
    Chart(title="Gradient norm", label="gradient norm", names=("gradient_norm",), logs=True),
    Chart(title="Largest Hessian eigenvalue", label="λmax", names=("lambda_max",), logs=True),
    Chart(title="Stability ratio", label="stability ratio", names=("stability_ratio",)),
    Chart(title="Directional sharpness", label="directional sharpness", names=("directional_sharpness",), logs=True),
    Chart(title="LGDI", label="LGDI", names=("lgdi",)),
    Chart(title="Learning rate", label="learning rate", names=("learning_rate",), logs=True),
)
EDGE = 2.0
"""Where gradient descent becomes unstable, in units of the stability ratio."""
MOST = 24
"""Charts of a figure."""


def dynamics_figure(result: DynamicsResult, look: Look) -> Figure:
    """A chart for each kind of quantity; runs share it in colours of their own."""
    charts = list(charts_of(result))
    if not charts:
        return Figure(panels=(Panel(marks=(Note(text="Nothing has been measured yet."),)),), provenance=result.provenance)
    every = dynamics_facts(result)
    names = " and ".join(result.runs)
    what = f"Training dynamics of {names} over {facts.plural(records(result), result.unit)}"
    return Figure(
        panels=tuple(panel_of(chart, names, result, look) for chart, names in charts[:MOST]),
        facts=every,
        caption=caption_of(what, every),
        provenance=result.provenance,
        extra={"suggested_scale": "linear"},
        title=f"Training dynamics of {names}" if look.title else "",
    )


def charts_of(result: DynamicsResult) -> Iterator[tuple[Chart, tuple[str, ...]]]:
    """The charts that have something to show, each with its quantities; whatever belongs to none gets its own."""
    left = [name for name in result.names if any(known(run, name) for run in result.runs.values())]
    for chart in CHARTS:
        names = tuple(name for name in left if chart.holds(name))
        left = [name for name in left if name not in names]
        if names:
            yield chart, names
    for name in left:
        label = next(run.quantities[name].label for run in result.runs.values() if name in run.quantities)
        yield Chart(title=capital(label), label=label, names=(name,), logs=True), (name,)


def capital(label: str) -> str:
    """With a capital letter, Greek ones left as they are."""
    return label[:1].upper() + label[1:] if label.isascii() else label


def known(run: RunDynamics, name: str) -> bool:
    return name in run.quantities and bool(np.isfinite(run.quantities[name].values).any())


def panel_of(chart: Chart, names: Sequence[str], result: DynamicsResult, look: Look) -> Panel:
    """One chart: a line a run and quantity. A line breaks where a value is not finite."""
    marks: list[Mark] = []
    shown: list[Quantity] = []
    for number, run in enumerate(result.runs.values()):
        for place, name in enumerate(n for n in names if known(run, n)):
            q = run.quantities[name]
            several = len(result.runs) > 1
            label = f"{run.name}, {q.label}" if several and len(names) > 1 else run.name if several else q.label
            colour = number if several else place
            alone = not several and len(names) == 1 and name != "stability_ratio"
            shown.append(q)
            line = Line(x=run.order, y=q.values, label="" if alone else label, colour=colour, dash=several and place > 0, width=1.6)
            marks.append(line)
        marks += limits(run, number) if "lambda_max" in names else []
    if "stability_ratio" in names:
        ends = freeze([min(r.order[0] for r in result.runs.values()), max(r.order[-1] for r in result.runs.values())])
        marks.append(Line(x=ends, y=freeze([EDGE, EDGE]), label="2: edge of stability", colour=7, dash=True))
    scale: Scale = "log" if chart.logs and look.scale == "log" and all(positive(q.values) for q in shown) else "linear"
    return Panel(
        marks=tuple(marks),
        x=Axis(label=result.unit),
        y=Axis(label=chart.label, unit=plain_unit(shown[0].unit), scale=scale),
        title=chart.title if look.title else "",
    )


def limits(run: RunDynamics, colour: int) -> list[Mark]:
    """How large the curvature may be, where learning rate and method are known."""
    found = run.limit()
    return [] if found is None else [Line(x=run.order, y=freeze(found), label="limit of stability", colour=colour, dash=True)]


def records(result: DynamicsResult) -> int:
    return max(len(run.order) for run in result.runs.values())


def dynamics_facts(result: DynamicsResult) -> tuple[facts.Fact, ...]:
    """How many epochs, each quantity's first, last and extreme values, and what is unknown."""
    found: list[facts.Fact] = []
    for run in result.runs.values():
        span = f", {run.order[0]:g} to {run.order[-1]:g}" if len(run.order) else ""
        found.append((run.name if len(result.runs) > 1 else "Run", f"{facts.plural(len(run.order), result.unit)}{span}"))
        for name, q in run.quantities.items():
            label = capital(q.label)
            found.append((f"{run.name}: {label}" if len(result.runs) > 1 else label, course(run, name, result.unit)))
    if "stability_ratio" in result.names:
        found.append(("Edge of stability", "2, where the ratio is learning rate × λmax and there is no momentum"))
    found.append(("Remarks", " ".join(result.notes)))
    return tuple(fact for fact in with_unknowns(found, result.provenance.problem) if fact[1])


def course(run: RunDynamics, name: str, unit: str) -> str:
    """ "2.31 at first, 0.042 at last, least 0.041 at epoch 37"."""
    q = run.quantities[name]
    at = np.flatnonzero(np.isfinite(q.values))
    if not at.size:
        return "no finite value"
    best = at[int(np.argmax(q.values[at]) if q.unit == "1" or "loss" not in name else np.argmin(q.values[at]))]
    word = "least" if "loss" in name else "greatest"
    first, last, top = (facts.with_unit(float(q.values[k]), q.unit) for k in (at[0], at[-1], best))
    holes = len(q.values) - len(at)
    return f"{first} at first, {last} at last, {word} {top} at {unit} {run.order[best]:g}" + (
        f"; {holes:,} missing" if holes else ""
    )


def caption_of(what: str, every: Sequence[facts.Fact]) -> str:
    """Sentences for under a figure."""
    said = [what, *(f"{label}: {words}" for label, words in spoken(every) if label != "Run")]
    return " ".join(capital(s[:1]) + s[1:].rstrip(".") + "." for s in said)
