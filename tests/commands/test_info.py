"""Words of `landscape-gui info`."""

from __future__ import annotations

from tiny_problem import TinyProblem

from landscape_gui.commands import info


def test_sentences_are_joined_as_sentences_and_words_with_commas() -> None:
    assert info.short(["Weights taken from 'a'.", "Stripped 'b'."]) == "Weights taken from 'a'. Stripped 'b'."
    assert info.short(["a", "b"]) == "a, b"


def test_a_value_that_is_not_finite_is_no_percentage() -> None:
    problem = TinyProblem()
    assert info.value_row(problem, "train_accuracy", float("nan"))[1] == "not finite"  # type: ignore[arg-type]
    assert info.value_row(problem, "train_accuracy", 0.5)[1] == "50.00%"  # type: ignore[arg-type]
