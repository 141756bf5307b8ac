"""What a measured path comes down to for a table of many pairs: barriers by split, metric and definition. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from landscape_gui.connection_results import PathResult
from landscape_gui.connection_texts import DEFINITIONS
from landscape_gui.errors import QuestionError
from landscape_gui.results import Array, Quantity, freeze

METRICS = {"loss": "the loss", "error": "the error rate of a classifier"}
SPLIT_WORDS = {"train": "training", "val": "validation", "valid": "validation"}
BATCHNORM = {
    "frozen": "statistics frozen at the first of two models",
    "interpolated": "statistics interpolated with the weights",
    "recalculated": "statistics recalculated at each point from the training data",
}


def barriers_of(path: PathResult) -> dict[str, tuple[float, float]]:
    """`<split>_<metric>_<definition>` -> the barrier and its paired standard error; of an accuracy, of the error rate."""
    found = {}
    for name in path.quantities:
        split, metric = metric_of(name)
        if not metric:
            continue
        for definition in DEFINITIONS:
            number = path.numbers.get(f"{name}_{definition}")
            if number is not None:
                found[f"{split}_{metric}_{definition}"] = number.value, number.error
    return found


def own_of(path: PathResult, t: float) -> dict[str, tuple[float, float]]:
    """`<split>_<metric>` -> an end's own loss or error rate and its standard error."""
    (at,) = np.flatnonzero(path.t == t)
    found = {}
    for name, quantity in path.quantities.items():
        split, metric = metric_of(name)
        if metric:
            error = np.nan if quantity.standard_error is None else float(quantity.standard_error[at])
            value = float(quantity.values[at])
            found[f"{split}_{metric}"] = (value if metric == "loss" else 1 - value), error
    return found


def examples_in(path: PathResult) -> dict[str, int]:
    """`<split>_<metric>` -> how many examples it is the mean of."""
    split_of = {name: "_".join(metric_of(name)) for name in path.quantities}
    return {key: path.quantities[name].examples for name, key in split_of.items() if not key.endswith("_")}


def metric_of(name: str) -> tuple[str, str]:
    """ "train_accuracy" -> ("train", "error"); the metric is "" where it is neither a loss nor an accuracy."""
    for ending, metric in (("_loss", "loss"), ("_accuracy", "error")):
        if name.endswith(ending):
            return name.removesuffix(ending), metric
    return name, ""


def check_metric(metric: str, metrics: tuple[str, ...]) -> None:
    """QuestionError where error rates are asked of a network that is no classifier."""
    if metric == "error" and "accuracy" not in metrics:
        raise QuestionError("This network is no classifier: it has no error rate.", remedy="Ask for the barrier of the loss.")


def quantities(
    values: Mapping[str, Array], errors: Mapping[str, Array], examples: Mapping[str, int], unit: str, axes: tuple[str, ...]
) -> dict[str, Quantity]:
    """Barriers, or models' own values, by name: snapshots of the arrays."""
    return {
        name: Quantity(
            name=name,
            label=label_of(name),
            values=freeze(found),
            standard_error=freeze(errors[name]),
            unit=unit if "_loss" in name else "1",
            axes=axes,
            examples=next((count for key, count in examples.items() if name.startswith(key)), 0),
        )
        for name, found in values.items()
    }


def label_of(name: str) -> str:
    """ "train_error_above_mean" -> "training error barrier above the mean of the ends"."""
    definition = next((d for d in DEFINITIONS if name.endswith(f"_{d}")), "")
    split, _, metric = name.removesuffix(f"_{definition}").rpartition("_")
    word = "error rate" if metric == "error" else metric
    of = f"{SPLIT_WORDS.get(split, split)} {word}"
    return f"{of} barrier {DEFINITIONS[definition]}" if definition else of
