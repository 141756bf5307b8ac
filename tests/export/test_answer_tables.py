"""Tables for papers and issues: names, rounding, kinds of errors, and that LaTeX takes them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from drawings import line_result, surface_result

from landscape_gui.connection_results import ConnectionResult, PathResult
from landscape_gui.errors import LandscapeError
from landscape_gui.export.answer_tables import as_latex, as_markdown, table_of, write_table
from landscape_gui.export.report_latex import latex
from landscape_gui.results import CurvatureResult, Number, freeze


def number(name: str, value: float, error: float = float("nan"), kind: str = "standard error", unit: str = "nat") -> Number:
    return Number(name=name, label=f"{name} of 100 %_x", value=value, error=error, kind=kind, unit=unit)


def path(name: str, **numbers: Number) -> PathResult:
    return PathResult(
        name=name, label=f"{name} path", t=freeze([0, 1]), arc=freeze([0, 1]), quantities={}, computed=freeze([1, 1], bool),
        numbers=numbers,
    )  # fmt: skip


def connection() -> ConnectionResult:
    paths = {
        "line": path("line", barrier=number("barrier", 1.23456, 0.0123), length=number("length", 20.6, kind="exact", unit="")),
        "bezier": path("bezier", barrier=number("barrier", 3.21e-5, 1.2e-6)),
    }
    return ConnectionResult(names=("a", "b"), paths=paths)


def test_paths_stand_beside_one_another() -> None:
    table = table_of(connection())
    assert table.heads == ("line path", "bezier path")
    lines = as_markdown(table, "A *caption*.").splitlines()
    assert lines[0] == "|  | line path | bezier path | error |"
    assert lines[2] == r"| barrier of 100 %\_x | 1.235 ± 0.012 nat | (3.21 ± 0.12) × 10⁻⁵ nat | s.e. |"
    assert lines[3] == r"| length of 100 %\_x | 20.60 |  |  |", "only one path has it"
    assert lines[-1] == r"A \*caption\*."


def test_latex_rounds_the_same_and_escapes() -> None:
    text = as_latex(table_of(connection()), "First, with 5 % & _. Then the rest.", "a_kind")
    assert r"    barrier of 100 \%\_x (nat) & $1.235 \pm 0.012$ & $(3.21 \pm 0.12) \times 10^{-5}$ & s.e. \\" in text.splitlines()
    assert r"  \caption{First, with 5 \% \& \_.}" in text and "Then the rest." in text.partition(r"\end{tabular}")[2]
    assert r"\label{tab:a-kind}" in text and r"p{0.5\linewidth}rrl@" in text


def test_a_bound_is_called_one(tmp_path: Path) -> None:
    result = CurvatureResult(numbers={"top": number("top", 1.5, 1e-5, "bound", ""), "low": number("low", -0.1, 0.02)})
    assert [row[2] for row in table_of(result).rows] == ["bound", "s.e."]


def test_a_surface_says_its_extremes_and_where_they_are(tmp_path: Path) -> None:
    rows = {label: cells[0] for label, cells, _ in table_of(surface_result()).rows}
    largest = rows["largest train loss, at (1, 1)"]
    assert largest is not None and largest.value == pytest.approx(11 / 3) and largest.error == 0.01, "inf and nan are passed over"
    assert rows["smallest train loss, at (−1, −2)"] is not None
    assert any(label.startswith("train accuracy at the point nearest to the checkpoint") for label in rows)
    line = {label: cells[0] for label, cells, _ in table_of(line_result()).rows}
    centre = line["train loss at the checkpoint"]
    assert centre is not None and centre.value == pytest.approx(0.4)


def test_an_answer_without_numbers_says_so(tmp_path: Path) -> None:
    with pytest.raises(LandscapeError, match="no number"):
        write_table(tmp_path / "t.md", CurvatureResult())
    assert not list(tmp_path.iterdir())


def test_marks_of_captions_are_in_latex() -> None:
    assert latex("θ + x d₁, Δσ², “a” → b 10⁻³") == r"$\theta$ + x d$_{1}$, $\Delta$$\sigma^2$, ``a'' $\to$ b 10$^{-}$$^{3}$"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
def test_latex_takes_it(tmp_path: Path) -> None:
    write_table(tmp_path / "t.tex", surface_result())
    page = r"\documentclass{article}\usepackage{booktabs}\begin{document}\input{t.tex}\end{document}"
    (tmp_path / "page.tex").write_text(page)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
