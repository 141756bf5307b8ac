"""A comparison as Markdown, LaTeX, CSV, JSON, HTML and a figure: what stands in each, read back."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from models_compared import FIVE, number, report

from landscape_gui.comparison_figure import comparison_figure, signed
from landscape_gui.errors import LandscapeError
from landscape_gui.export.comparison_latex import as_latex
from landscape_gui.export.comparison_tables import as_markdown, blocks, in_one, write_comparison
from landscape_gui.figure import Line, Note, Points, Rule
from landscape_gui.model_comparison import ModelComparison, compared


@pytest.fixture(scope="module")
def five() -> ModelComparison:
    return compared([*FIVE[:4], report("net_5 & | 50 %", 0.5, 5.0)])


def test_markdown_has_a_row_a_model_and_a_row_a_measure(five: ModelComparison) -> None:
    text = as_markdown(five)
    assert "| A | 0.0100 ± 0.0010 | 0.110 ± 0.020 | 0.100 ± 0.020 |" in text
    assert "net\\_5 & \\| 50 %" in text
    row = next(line for line in text.splitlines() if line.startswith("| λmax | 5"))
    assert row.split("|")[3].strip() == "1.00" and "| 0.017 | 0.017 |" in row
    assert "## References" in text and "## References" not in as_markdown(five, explained=False)


def test_what_differs_in_a_columns_label_is_said_alone(five: ModelComparison) -> None:
    labels = [f"average rise under Gaussian noise, deviation {x}" for x in (0.1, 0.2, 0.1, 0.3)]
    assert in_one(labels) == "average rise under Gaussian noise, deviation 0.1; 0.2; 0.3"
    assert in_one(["loss", "loss"]) == "loss" and in_one(["loss", "loss of all"]) == "loss; loss of all" and in_one([]) == ""


def test_a_minus_is_no_hyphen(tmp_path: Path) -> None:
    falling = [report(name, gap, sharp) for name, gap, sharp in zip("ABCD", (-0.1, 0.2, 0.3, 0.4), (-4, -3, -5, -6), strict=True)]
    found = compared(falling, columns=("loss_gap", "lambda_max"))
    text, page = as_markdown(found, explained=False), write_comparison(tmp_path / "c.html", found).read_text(encoding="utf-8")
    assert "| −0.100 ± 0.020 |" in text and "| −0.67 |" in text and "−0.100 ± 0.020" in page
    assert not re.search(r"(?<![\w⁻])-\d", re.sub(r"base64,[\w+/=]+", "", text))
    assert "-0.1" in write_comparison(tmp_path / "c.csv", found).read_text(encoding="utf-8"), "for programs, as Python writes it"
    assert "$-0.100 \\pm 0.020$" in as_latex(found)


def test_no_value_is_marked_as_best(five: ModelComparison) -> None:
    table = as_markdown(five, explained=False)
    assert "**" not in table and "best" not in table.lower()


def test_csv_reads_back_to_the_last_digit(five: ModelComparison, tmp_path: Path) -> None:
    path = write_comparison(tmp_path / "c.csv", five)
    rows = list(csv.DictReader(path.open(encoding="utf-8", newline="")))
    assert [row["model"] for row in rows] == list(five.titles)
    assert [float(row["loss_gap"]) for row in rows] == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert float(rows[0]["loss_gap error"]) == 0.02 and rows[0]["parameters error"] == ""


def test_json_holds_correlations_with_their_intervals(five: ModelComparison, tmp_path: Path) -> None:
    found = json.loads(write_comparison(tmp_path / "c.json", five).read_text(encoding="utf-8"))
    own = found["correlations"]["lambda_max"]
    assert own["tau"] == 1.0 and own["models"] == 5 and 0 < own["interval"]["low"] < own["interval"]["high"] == 1.0
    assert found["models"][0]["numbers"]["loss_gap"]["error"] == 0.02 and found["cautions"]


def test_html_loads_nothing_and_shows_the_figure(five: ModelComparison, tmp_path: Path) -> None:
    text = write_comparison(tmp_path / "c.html", five).read_text(encoding="utf-8")
    assert "net_5 &amp; | 50 %" in text and "data:image/png" in text and "http-equiv" in text
    assert 'src="http' not in text and "<script" not in text


def wide() -> ModelComparison:
    """Every usual number, with errors as long as they come, and measures with long names."""
    names = (
        "accuracy:train",
        "accuracy:test",
        "trace",
        "gaussian_average",
        "adaptive",
        "worst_case",
        "worst_case_box",
        "weight_norm",
    )
    long = [number(name, 0.001234567 * (k + 1), 0.00002) for k, name in enumerate(names)]
    rows = [replace(r, numbers={**r.numbers, **{n.name: n for n in long}}, title=f"{r.title}-tanh") for r in FIVE]
    return compared([replace(r, numbers={k: replace(n, value=n.value * (j + 1)) for k, n in r.numbers.items()})
                     for j, r in enumerate(rows)])  # fmt: skip


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs LaTeX")
@pytest.mark.parametrize("all_numbers", [False, True])
def test_latex_compiles_within_its_margins(five: ModelComparison, tmp_path: Path, all_numbers: bool) -> None:
    (tmp_path / "t.tex").write_text(as_latex(wide() if all_numbers else five), encoding="utf-8")
    document = r"\documentclass{article}\usepackage{booktabs}\begin{document}\input{t.tex}\end{document}"
    (tmp_path / "d.tex").write_text(document, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "d.tex"], cwd=tmp_path, capture_output=True, check=False
    )
    log = done.stdout.decode("latin-1")
    assert done.returncode == 0, log[-2000:]
    assert "Overfull" not in log and r"\lambda_{\max}" in as_latex(five)


def test_another_suffix_is_refused(five: ModelComparison, tmp_path: Path) -> None:
    with pytest.raises(LandscapeError, match=r"\.xlsx"):
        write_comparison(tmp_path / "c.xlsx", five)


def test_blocks_hold_every_column_once(five: ModelComparison) -> None:
    every = compared(FIVE, columns=("all",), correlate=False)
    assert sorted(name for block in blocks(every) for name in block.columns) == sorted(every.columns)


def test_the_figure_names_models_and_draws_errors_to_both_sides(five: ModelComparison) -> None:
    figure = comparison_figure(five)
    gaps = figure.panels[0]
    assert gaps.y.names == tuple(reversed(five.titles))
    bar = next(mark for mark in gaps.marks if isinstance(mark, Line))
    assert bar.x.tolist() == pytest.approx([0.08, 0.12])
    scatter = next(panel for panel in figure.panels if panel.x.label == "λmax")
    points = [mark for mark in scatter.marks if isinstance(mark, Points)]
    assert [p.names[0] for p in points] == list(five.titles) and len({(p.colour, p.marker) for p in points}) == 5
    note = next(mark.text for mark in scatter.marks if isinstance(mark, Note))
    assert note.startswith("τ = 1.00 [") and note.endswith("n = 5")
    assert scatter.x.limits is not None and scatter.x.limits[0] < 1 and scatter.x.limits[1] > 5, "no mark is cut off"
    assert "5 models" in figure.caption and "order, not cause" in figure.caption


def test_of_three_models_the_figure_says_that_there_is_no_interval() -> None:
    figure = comparison_figure(compared(FIVE[:3], columns=("loss_gap", "lambda_max")))
    assert any("n = 3: no interval" in mark.text for p in figure.panels for mark in p.marks if isinstance(mark, Note))
    row = next(line for line in as_markdown(compared(FIVE[:3])).splitlines() if line.startswith("| λmax | 3"))
    assert row.split("|")[4].strip() == "none"


def test_intervals_are_drawn_whole_beside_no_relation(five: ModelComparison) -> None:
    measures = [replace(r, numbers={**r.numbers, "trace": number("trace", v)}) for r, v in zip(FIVE, (2, 1, 3, 5, 4), strict=True)]
    found = compared(measures, columns=("loss_gap", "lambda_max", "trace"))
    panel = comparison_figure(found).panels[1]
    bars = [mark.x.tolist() for mark in panel.marks if isinstance(mark, Line)]
    assert bars == [[one.interval.low, one.interval.high] for one in found.related]
    assert [mark.at for mark in panel.marks if isinstance(mark, Rule)] == [0.0]
    assert [mark.at for mark in comparison_figure(found).panels[0].marks if isinstance(mark, Rule)] == [0.0]


def test_words_in_a_panel_lie_above_every_mark(five: ModelComparison) -> None:
    panel = next(panel for panel in comparison_figure(five).panels if panel.x.label == "λmax")
    low, high = panel.y.limits or (0.0, 0.0)
    ends = [y for mark in panel.marks if isinstance(mark, Line) for y in mark.y.tolist()]
    assert low < min(ends) and max(ends) < low + 0.82 * (high - low)


def test_zero_has_no_sign() -> None:
    assert (signed(-0.004), signed(0.0), signed(-0.006), signed(0.5)) == ("0.00", "0.00", "−0.01", "0.50")


def test_without_a_gap_the_figure_is_a_sentence() -> None:
    figure = comparison_figure(compared([report("A", None, 1.0), report("B", None, 2.0)]))
    assert len(figure.panels) == 1 and "no generalisation gap" in figure.panels[0].marks[0].text  # type: ignore[union-attr]


def test_values_far_apart_stand_on_a_logarithmic_axis() -> None:
    wide = [report(name, gap, sharp) for name, gap, sharp in zip("ABCD", (0.1, 0.3, 0.2, 0.4), (0.1, 1, 10, 100), strict=True)]
    panel = comparison_figure(compared(wide, columns=("loss_gap", "lambda_max"))).panels[-1]
    assert panel.x.scale == "log" and np.log10(panel.x.limits[1]) > 2  # type: ignore[index]
