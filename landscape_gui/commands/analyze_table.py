"""The tables of an analysis's report: curvature by section, and a course of training step by step."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from landscape_gui.dynamics_results import DynamicsResult, RunDynamics
    from landscape_gui.export.report_page import Table

ROWS = 13
"""Of a course in the report at most; its files hold all."""
COURSE: Mapping[str, str] = {
    "train_loss": "Training loss",
    "test_loss": "Test loss",
    "train_accuracy": "Training accuracy",
    "test_accuracy": "Test accuracy",
    "gradient_norm": "Gradient norm",
    "epsilon_sharpness": "Sharpness, at least",
    "lambda_max": "Largest eigenvalue",
    "distance_from_start": "Distance from the start",
    "learning_rate": "Learning rate",
    "stability_ratio": "Rate × eigenvalue",
}
"""What of a course is written into its file, and what it is in words."""
SHOWN = ("train_loss", "test_loss", "test_accuracy", "gradient_norm", "epsilon_sharpness", "lambda_max", "distance_from_start")


def report_table(result: Any) -> Table:
    """A report's numbers by section."""
    from landscape_gui.export.number_table import value_text
    from landscape_gui.export.report_page import Table, capital, sure
    from landscape_gui.export.report_tables import sections

    groups = []
    for section in sections([result]):
        rows = [(capital(row.label), value_text(n), sure(n)) for row in section.rows if (n := row.numbers[0]) is not None]
        groups.append((section.title, tuple(rows)))
    return Table(heads=("", "value", "how sure"), groups=tuple(groups))


def course_table(result: DynamicsResult) -> Table:
    """One row a checkpoint, evenly chosen where there are many."""
    from landscape_gui.export.report_page import Table

    run = next(iter(result.runs.values()))
    names = [name for name in SHOWN if name in run.quantities]
    bounds = run.quantities["lambda_max"].standard_error if "lambda_max" in run.quantities else None
    measured = measured_places(run)
    chosen = measured[np.unique(np.linspace(0, len(measured) - 1, min(ROWS, len(measured))).round().astype(int))]
    heads = (result.unit.capitalize(), *(COURSE[name] for name in names), "bound of the eigenvalue's error")
    rows = tuple(
        (
            f"{run.order[k]:g}",
            *(shown(run.quantities[name].values[k], share=name.endswith("accuracy")) for name in names),
            "" if bounds is None or not math.isfinite(bounds[k]) else f"± {bounds[k]:.1g}",
        )
        for k in chosen
    )
    return Table(heads=heads, groups=(("", rows),))


def measured_places(run: RunDynamics) -> Any:
    """Indices of the checkpoints that were measured."""
    known = np.asarray(run.computed, bool) if len(run.computed) == len(run.order) else np.ones(len(run.order), bool)
    return np.flatnonzero(known)


def shown(value: float, *, share: bool = False) -> str:
    if not math.isfinite(value):
        return "–" if math.isnan(value) else f"{value}"
    return f"{100 * value:.1f} %" if share else f"{value:.4g}"


def course_json(result: DynamicsResult, *, own: bool) -> bytes:
    """The course under the names of LossLandscapeAnalyzer.analyze_optimization_trajectory; what is unknown is null. `steps` are
    epochs where `unit` says so."""
    from landscape_gui.analyzer_numbers import listed

    run = next(iter(result.runs.values()))
    places = measured_places(run)
    lists = {listed(name): [plain(run.quantities[name].values[k]) for k in places] for name in COURSE if name in run.quantities}
    about = {"course": "the network's own run" if own else "a copy that was optimised from the checkpoint", "unit": result.unit}
    return (json.dumps({**about, "steps": [plain(run.order[k]) for k in places], **lists}, indent=1) + "\n").encode()


def plain(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
