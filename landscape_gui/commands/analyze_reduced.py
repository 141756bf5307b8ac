"""What an analysis did with less for want of time, and what that means for its numbers: a section of the report."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from landscape_gui.commands.analyze_size import LEVELS, Costs, Size

if TYPE_CHECKING:
    from landscape_gui.export.report_page import Section


def reduced(costs: Costs, size: Size, namespace: argparse.Namespace) -> Section | None:
    """None where nothing was reduced."""
    from landscape_gui.export.report_page import Section, Table

    rows = [row for row in rows_of(costs, size) if row[1] != row[2]]
    if not rows:
        return None
    why = f"{namespace.minutes:g} min were allowed (--minutes). {pace_words(costs)}So "
    if namespace.limit is not None:
        why = "As was asked for with --limit, "
    text = (
        f"{why}less was computed than usual, all at random with seed {size.seed}; --minutes M, --limit N, --steps N and --top N "
        "ask for more. Errors that are stated elsewhere are those on the examples that were taken; what it means that these are a "
        "part of all stands here.",
    )
    heads = ("", "here", "usual", "what it means")
    return Section(title="What was reduced", text=text, tables=(Table(heads=heads, groups=(("", tuple(rows)),)),))


def pace_words(costs: Costs) -> str:
    """How long the network's passes were measured to take."""
    if costs.pace is None:
        return ""
    loss, product = (1000 * pace(256) / 256 for pace in (costs.pace.loss, costs.pace.product))
    return (
        f"On this machine a forward pass takes {loss:.3g} ms an example and a product with the Hessian {product:.3g} ms, at "
        f"{costs.problem.layout.parameters:,} parameters. "
    )


def rows_of(costs: Costs, size: Size) -> list[tuple[str, str, str, str]]:
    """What, how much here, how much usually, and what the difference means."""
    how, usual = size.how, LEVELS[0]
    whole = costs.problem.description.get("data", {}).get("drawn_from") or {}
    first = next(iter(costs.problem.splits))
    known, limit = costs.examples, min(size.limit or costs.examples, costs.examples)
    everything = int(whole.get(first, known))
    lessened = how.effort or "usual"
    return [
        (f"Examples known ({first})", f"{known:,}", f"{everything:,}",
         "losses and accuracies are means over these, ± their standard error"),
        ("Examples of surfaces and curvature", f"{limit:,}", f"{everything:,}",
         "largest eigenvalue, trace and sharpness come out too large: they fall towards the whole data's"),
        ("Points a side of the surface", f"{how.steps}", f"{usual.steps}",
         "no less exact at each point; what is finer than a cell is not seen"),
        ("Eigenvalues", f"{how.top}", f"{usual.top}", "those shown have their own bound"),
        ("Vectors x Lanczos steps of the density", f"{how.vectors} x {how.lanczos}", f"{usual.vectors} x {usual.lanczos}",
         "the bulk is coarser; of one vector no spread can be told"),
        ("Products for the trace", f"{how.trace}", f"{usual.trace}", "its standard error is larger, and says so"),
        ("Radii of sharpness", f"{how.radii}", f"{usual.radii}", "a coarser curve, or the reference radius alone"),
        ("Draws and comparisons", lessened, "usual",
         "averages have larger standard errors; the worst case was sought less long and stays a lower bound"),
        ("PAC-Bayes bound", "yes" if how.bound else "no", "yes", "left out where it takes too long"),
        ("Checkpoints measured, at most", f"{how.moments}", f"{usual.moments}", "fewer points on the curves over training"),
    ]  # fmt: skip
