"""A report with less effort: the same numbers where it asks for them, fewer passes, and the same key as ever where nobody says."""

from __future__ import annotations

from typing import Any

import pytest

from landscape_gui import open_problem
from landscape_gui.errors import QuestionError
from landscape_gui.jobs import answer
from landscape_gui.probes.base import question
from landscape_gui.probes.report import Report


def test_less_effort_costs_less_and_agrees_within_its_errors() -> None:
    problem = open_problem("samples:digits-mlp", device="cpu", examples=60)
    common: dict[str, Any] = {"top": 2, "probes": 1, "steps": 6, "budget": 8, "points": 1, "bound": False}
    usual, less, least = (answer(Report(**common, effort=effort), problem) for effort in (None, "less", "least"))
    cost = [found.products + found.gradients for found in (usual, less, least)]  # type: ignore[attr-defined]
    assert cost[0] > cost[1] > cost[2]
    for found in (less, least):
        theirs, ours = usual.numbers["lambda_max"], found.numbers["lambda_max"]  # type: ignore[attr-defined]
        assert abs(theirs.value - ours.value) <= theirs.error + ours.error
        assert "effort" in found.notes[0]
    assert "ggn_lambda_max" in less.numbers and "ggn_lambda_max" not in least.numbers  # type: ignore[attr-defined]


def test_where_nobody_says_the_question_is_the_one_that_it_was() -> None:
    assert "effort" not in question(Report()) and question(Report(effort="less"))["effort"] == "less"
    with pytest.raises(QuestionError, match="Effort is 'much'"):
        Report(effort="much")
