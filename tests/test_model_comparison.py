"""Models as rows: columns, order, what is said to make them unequal, and correlations with the gap."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from models_compared import FIVE, number, report
from scipy import stats

from landscape_gui.errors import QuestionError
from landscape_gui.model_comparison import compared, named


def test_measures_are_what_the_gap_is_not_made_of() -> None:
    found = compared(FIVE, columns=("split_loss", "loss_gap", "lambda_max", "parameters"))
    assert found.columns == ("split_loss:train", "split_loss:test", "loss_gap", "lambda_max", "parameters")
    assert [one.name for one in found.related] == ["lambda_max", "parameters"]
    first, second = found.related
    assert (first.tau, first.rho, first.models) == (1.0, 1.0, 5) and first.interval.low > 0
    assert first.p == pytest.approx(2 / 120), "two of 120 orders"
    assert second.why == "It is the same for all models."


def test_the_gap_of_the_accuracy_can_be_asked_for() -> None:
    found = compared(FIVE, columns=("lambda_max",), gap="accuracy_gap")
    assert found.gap == "accuracy_gap" and found.related[0].tau == -1.0
    with pytest.raises(QuestionError, match="no gap 'depth'"):
        compared(FIVE, gap="depth")


def test_where_losses_differ_the_accuracys_gap_is_the_usual_one_and_that_is_said() -> None:
    found = compared([*FIVE, report("F", 0.6, 6.0, loss="mse")])
    assert found.gap == "accuracy_gap"
    assert any(w.startswith("The losses differ (A, B, C, D, E: cross_entropy; F: mse)") for w in found.warnings)


def test_rows_are_sorted_by_a_number_and_those_without_it_stand_last() -> None:
    models = [FIVE[2], report("none", None, 9.0), FIVE[0], FIVE[4]]
    assert compared(models, sort="loss_gap", correlate=False).titles == ("A", "C", "E", "none")
    assert compared(models, sort="loss_gap", descending=True, correlate=False).titles == ("E", "C", "A", "none")
    assert compared(models, sort="title", correlate=False).titles == ("A", "C", "E", "none")
    assert compared(models, correlate=False).titles == ("C", "none", "A", "E")
    with pytest.raises(QuestionError, match="to sort by"):
        compared(models, sort="depth")


def test_a_model_without_a_gap_is_a_row_and_counts_in_no_correlation() -> None:
    found = compared([*FIVE, report("none", None, 0.5)], columns=("lambda_max",))
    assert len(found.titles) == 6 and found.related[0].models == 5 and found.related[0].tau == 1.0


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_model_whose_measure_is_not_finite_counts_in_no_correlation(value: float) -> None:
    """The others' tau, and their p, which shuffles all gaps: NaN and inf are the same to both."""
    models = [*FIVE[:4], report("wild", 0.05, value)]
    one = compared(models, columns=("lambda_max",)).related[0]
    assert (one.models, one.tau) == (4, 1.0)
    every = [abs(stats.kendalltau([1, 2, 3, 4], order[:4]).statistic) for order in itertools.permutations((1, 2, 3, 4, 0.5))]
    assert one.p == pytest.approx(np.mean(np.array(every) > 1 - 1e-9))


def test_a_bound_is_no_standard_error() -> None:
    found = compared(FIVE, columns=("loss_gap", "lambda_max"))
    assert np.isnan(found.values("lambda_max")[1]).all() and found.values("loss_gap")[1].tolist() == [0.02] * 5


def test_without_any_gap_that_is_said_and_nothing_correlated() -> None:
    found = compared([report("A", None, 1.0), report("B", None, 2.0)])
    assert found.gap == "" and found.related == () and "no generalisation gap" in found.cautions[0]


def test_of_three_models_no_interval_is_given_and_that_is_said() -> None:
    found = compared(FIVE[:3], columns=("lambda_max",))
    assert not found.related[0].interval.known
    assert "of so few no interval can be given: one in 3 measures" in found.cautions[0]
    assert "every measure puts 2 models" in compared(FIVE[:2], columns=("lambda_max",)).cautions[0]


def test_many_measures_are_counted() -> None:
    models = [replace(r, numbers={**r.numbers, "trace": number("trace", k * 1.5)}) for k, r in enumerate(FIVE)]
    found = compared(models, columns=("lambda_max", "trace", "loss_gap"))
    assert any(words.startswith("2 measures are held against one gap") and "10 %" in words for words in found.cautions)
    few = compared(models[:4], columns=("lambda_max", "trace")).cautions
    assert not any("measures are held" in words for words in few), "of 4 models no order is rarer than 2 of 24"
    assert not any("measures are held" in words for words in compared(models, columns=("trace",)).cautions)


def test_errors_of_measurement_are_told_from_sampling() -> None:
    close = [report(name, gap, sharp) for name, gap, sharp in zip("ABCD", (0.1, 0.101, 0.102, 0.103), (1, 2, 3, 4), strict=True)]
    noise = compared(close, columns=("lambda_max",)).related[0].noise
    assert noise.low < 0 < noise.high, "gaps differ by a twentieth of their standard error"


def test_what_makes_rows_unequal_is_said() -> None:
    unlike = report("G", 0.6, 6.0, data={"name": "mnist"}, checkpoint={"path": "A/first.pt"})
    part = replace(FIVE[1], provenance=replace(FIVE[1].provenance, question={"limit": 256}))
    found = compared([FIVE[0], part, unlike], correlate=False).warnings
    assert any("The data differ (A, B: digits; G: mnist)" in w for w in found)
    assert any("Curvature is of different examples" in w for w in found)
    assert any("A, G lie in one folder" in w for w in found)
    loose = replace(FIVE[1], numbers={**FIVE[1].numbers, "split_loss:train": number("split_loss:train", 0.9)})
    assert any("Training losses lie between 0.01 (A) and 0.9 (B)" in w for w in compared([FIVE[0], loose]).warnings)
    other = replace(loose, provenance=replace(loose.provenance, problem={**loose.provenance.problem, "loss": "mse"}))
    assert not any("Training losses" in w for w in compared([FIVE[0], other]).warnings), "on other scales"
    files = [report(n, 0.1, 1.0, data={"path": rf"C:\runs\{n}\data.npz", "digest": n * 32}) for n in "ab"]
    assert "(a: data.npz (aaaaaaaa); b: data.npz (bbbbbbbb))" in compared(files, correlate=False).warnings[0]
    assert compared(FIVE, correlate=False).warnings == ()


def test_columns_are_named_or_refused() -> None:
    assert compared(FIVE, columns=("all",), correlate=False).columns == tuple(FIVE[0].numbers)
    with pytest.raises(QuestionError, match="No report has a number 'depth'"):
        compared(FIVE, columns=("depth",))


def test_names_are_short_where_these_tell_models_apart() -> None:
    long = [replace(r, title=f"{r.title}, epoch 3") for r in FIVE[:2]]
    assert [r.title for r in named(long)] == ["A", "B"]
    twins = [replace(FIVE[0], title="A, epoch 3"), replace(FIVE[0], title="A, epoch 4")]
    assert [r.title for r in named(twins)] == ["A, epoch 3", "A, epoch 4"]
    assert compared([FIVE[0], FIVE[0]], correlate=False).titles == ("A (1)", "A (2)")
