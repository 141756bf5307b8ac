"""A report as a figure: the eigenvalues that were resolved by rank, and the worst case in a ball over its radius."""

from __future__ import annotations

import numpy as np

from landscape_gui.curvature_results import ReportResult
from landscape_gui.figure import Axis, Figure, Line, Look, Mark, Note, Panel, Points, Rule
from landscape_gui.probes.curvature import curvature_facts, number_facts
from landscape_gui.probes.curvature_captions import curvature_caption
from landscape_gui.results import freeze

PANELS = "the resolved eigenvalues of the Hessian by rank, and the worst rise of the loss in a ball over its radius (a lower bound)"


def report_figure(result: ReportResult, look: Look) -> Figure:
    """Two panels; every number with its error is among the facts."""
    facts = (*number_facts(result), *curvature_facts(result))
    caption = curvature_caption(f"Curvature of the loss of {result.title or 'the checkpoint'}: {PANELS}", result, facts)
    panels = (eigenvalues_panel(result, look), ball_panel(result, look))
    return Figure(panels=panels, facts=facts, caption=caption, provenance=result.provenance)


def eigenvalues_panel(result: ReportResult, look: Look) -> Panel:
    """|eigenvalue| by rank on a logarithmic scale, positive and negative ones apart, with the stability limit."""
    values = result.eigenvalues
    rank = np.arange(1.0, len(values) + 1)
    marks: list[Mark] = []
    for found, label, marker, colour in (
        (values > 0, "positive", "disc", 0),
        (values < 0, "negative, magnitude", "diamond", 1),
    ):
        if found.any():
            x, y = freeze(rank[found]), freeze(np.abs(values[found]))
            marks.append(Points(x=x, y=y, label=label, marker=marker, colour=colour))  # type: ignore[arg-type]
    if not marks:
        marks.append(Note(text="The eigenvalues are being computed." if not result.complete else "No eigenvalue was resolved."))
    limit = result.numbers.get("stability_limit")
    if limit is not None and marks:
        marks.append(Rule(at=limit.value, orientation="horizontal", label="stability limit"))
    return Panel(
        marks=tuple(marks),
        view="chart",
        x=Axis(label="rank"),
        y=Axis(label="|eigenvalue|", scale="log"),
        title="Resolved eigenvalues" if look.title else "",
    )


def ball_panel(result: ReportResult, look: Look) -> Panel:
    """The largest rise of the loss over the radius, with the reading aid's limits."""
    known = np.isfinite(result.rises) & (result.rises > 0)
    marks: list[Mark] = []
    if known.any():
        x, y = freeze(result.radii[known]), freeze(result.rises[known])
        marks += [Line(x=x, y=y, label="worst case (lower bound)", width=1.6), Points(x=x, y=y)]
    else:
        marks.append(Note(text="No worst case is known yet." if not result.complete else "No worst case was found."))
    unit = result.numbers["loss"].unit if "loss" in result.numbers else ""
    return Panel(
        marks=tuple(marks),
        view="chart",
        x=Axis(label="radius in the 2-norm", scale="log"),
        y=Axis(label="rise of the loss", unit=unit, scale="log"),
        title="Worst case in a ball" if look.title else "",
    )
