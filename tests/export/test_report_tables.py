"""Reports as tables: every number where it belongs, read back from the file by a reader of that format."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from reports import report

from landscape_gui.curvature_results import ReportResult
from landscape_gui.errors import LandscapeError
from landscape_gui.export import report_latex, report_tables

SECOND = report("B", lambda_max=3.5, seed=1, extra=False)


def pair() -> tuple[ReportResult, ReportResult]:
    return report(), SECOND


def markdown_cells(text: str) -> dict[str, list[str]]:
    """Rows of the first table by their label; a bar that is escaped does not end a cell."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return {row[0]: row[1:] for row in rows if len(row) == len(rows[0])}


def test_markdown_has_a_column_a_model_and_a_row_a_number() -> None:
    cells = markdown_cells(report_tables.as_markdown(pair()))
    assert cells[""][:2] == [r"net\_1 & 50 %", "B"]
    assert cells["largest eigenvalue"][:3] == ["12.3457 ± 0.0012", "3.5000 ± 0.0012", "bound"]
    assert cells["trace"][:3] == ["98.8 ± 1.2", "98.8 ± 1.2", "s.e."]
    assert cells["worst case in a ball (nat)"][:3] == ["0.2500", "0.2500", "at least"]
    assert cells["PAC-Bayes bound on the test error"][:2] == ["1.400", ""]


def test_markdown_says_what_it_rests_on_and_where_the_numbers_are_from() -> None:
    text = report_tables.as_markdown(pair())
    assert "split train; N 1,437" in text
    assert "seed 0" in text and "seed 1" in text
    assert "1 \\| 2 of the eigenvalues had not converged." in text
    assert "excellent" not in text and text.count("good") >= 2 and "Dinh et al. 2017" in text
    references = re.findall(r"^(\d+)\. (.*)$", text, re.MULTILINE)
    assert [int(n) for n, _ in references] == list(range(1, len(references) + 1))
    used = {int(n) for marks in re.findall(r"\| \[([\d, ]+)\] \|", text) for n in marks.split(", ")}
    assert used == {int(n) for n, _ in references}


def test_the_clipboard_gets_the_table_alone() -> None:
    text = report_tables.as_markdown(pair(), explained=False)
    assert "## " not in text and "largest eigenvalue" in text


def test_latex_escapes_and_balances() -> None:
    text = report_latex.as_latex(pair())
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    rows = [line for line in body.splitlines() if line.endswith("\\\\") and "multicolumn" not in line]
    assert all(len(re.findall(r"(?<!\\)&", row)) == 3 for row in rows)
    assert r"net\_1 \& 50 \%" in body
    assert r"$12.3457 \pm 0.0012$" in body
    code = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert len(re.findall(r"(?<!\\)\$", code)) % 2 == 0
    assert len(re.findall(r"(?<!\\)\{", code)) == len(re.findall(r"(?<!\\)\}", code))
    assert code.count(r"\begin") == code.count(r"\end") == 3
    assert not re.search(r"[^\x00-\x7f]", code)


@pytest.mark.parametrize("title", ["a\\b", "50%", "$x$", "#1", "x_y^z", "{a}", "~", "<a|b>"])
def test_latex_shows_any_title_as_it_is(title: str) -> None:
    head = next(line for line in report_latex.as_latex([report(title)]).splitlines() if line.endswith("& error \\\\"))
    cell = head.split(" & ")[1]
    words = {"textbackslash": "\\", "textasciicircum": "^", "textasciitilde": "~", "textless": "<", "textgreater": ">"}
    words["textbar"] = "|"
    shown = re.sub(r"\\(text\w+)\{\}|\\([&%$#_{}])", lambda m: words[m[1]] if m[1] else m[2], cell)
    assert shown == title


def test_csv_reads_back_to_the_last_digit(tmp_path: Path) -> None:
    path = report_tables.write_report(tmp_path / "r.csv", pair())
    with open(path, newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert float(rows["lambda_max"]["net_1 & 50 %"]) == 12.34567
    assert float(rows["lambda_max"]["B error"]) == 0.0012
    assert rows["N"]["B"] == "1,437" and rows["seed"]["B"] == "1"
    assert rows["pac_bayes_bound"]["B"] == ""


def test_json_is_standard_and_holds_everything(tmp_path: Path) -> None:
    path = report_tables.write_report(tmp_path / "r.json", pair())
    found = json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    first, second = found["models"]
    assert (first["title"], second["title"], second["seed"], first["examples"]) == ("net_1 & 50 %", "B", 1, 1437)
    assert first["numbers"]["lambda_max"]["value"] == 12.34567
    assert first["numbers"]["worst_case"]["error"] is None
    assert first["numbers"]["worst_case"]["reading_aid"] == "moderate" and "Dinh" in first["numbers"]["worst_case"]["caveat"]
    assert set(first["numbers"]["trace"]["references"]) <= set(found["references"])


def test_equal_titles_are_told_apart() -> None:
    assert report_tables.titles([report("A"), report("B"), report("A")]) == ["A (1)", "B", "A (2)"]


def test_a_number_that_is_not_known_stands_last() -> None:
    odd = dataclasses.replace(report().numbers["trace"], name="odd", label="an odd one")
    found = report_tables.sections([dataclasses.replace(report(), numbers={"odd": odd, **report().numbers})])
    assert found[-1].title == "Other" and [row.name for row in found[-1].rows] == ["odd"]


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(LandscapeError, match=r"\.docx"):
        report_tables.write_report(tmp_path / "r.docx", pair())
    with pytest.raises(LandscapeError, match="no report"):
        report_tables.write_report(tmp_path / "r.md", [])


def test_what_a_row_is_at_is_told_apart_where_models_differ() -> None:
    def at(deviation: str) -> ReportResult:
        number = dataclasses.replace(report().numbers["trace"], label=f"trace, deviation {deviation}")
        return dataclasses.replace(report(deviation), numbers={"trace": number})

    found = report_tables.sections([at("0.1"), at("0.2")])[0].rows[0]
    assert (found.label, found.details) == ("trace", ("deviation 0.1", "deviation 0.2"))
    assert "0.2: " in (text := report_tables.as_markdown([at("0.1"), at("0.2")])) and "trace deviation 0.2" in text
    assert report_tables.sections([at("0.1"), at("0.1")])[0].rows[0].label == "trace, deviation 0.1"


def test_symbols_stand_in_math_mode() -> None:
    for label in ("λmax / |λmin|", "lambda_max / |lambda_min|"):  # as answers of earlier versions call it
        ratio = dataclasses.replace(report().numbers["trace"], name="max_min_ratio", label=label)
        text = report_latex.as_latex([dataclasses.replace(report(), numbers={"max_min_ratio": ratio})])
        assert r"$\lambda_{\max}$ / $|\lambda_{\min}|$ &" in text
    assert report_latex.latex("σ² trace/2") == r"$\sigma^2$ trace/2"


def test_long_titles_stand_in_the_caption_and_letters_above_the_columns() -> None:
    text = report_latex.as_latex([report("a network of some length"), report("B")])
    assert "A: a network of some length; B: B." in text and " & A & B & error" in text
    assert report_latex.headings(pair()) == ["net_1 & 50 %", "B"]


def test_latex_leaves_out_an_error_below_the_last_digit_alone() -> None:
    number = report().numbers["lambda_max"]
    assert report_latex.cell(dataclasses.replace(number, value=1.3088215, error=1.2e-9)) == "$1.30882$"
    assert report_latex.cell(dataclasses.replace(number, value=1.3088215, error=0.0012)) == r"$1.3088 \pm 0.0012$"


def test_a_sign_of_minus_compiles_and_remarks_of_all_models_stand_once() -> None:
    assert report_latex.latex("below −0.0013") == "below $-$0.0013"
    same = [dataclasses.replace(r, notes=("Said of both.", *own)) for r, own in zip(pair(), ((), ("Of B.",)), strict=True)]
    assert report_tables.remarks(same) == ["Said of both.", "B: Of B."]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
def test_the_table_compiles_and_fits_the_page(tmp_path: Path) -> None:
    from landscape_gui.number_texts import TEXTS

    number = dataclasses.replace(report().numbers["trace"], value=-0.00109007, error=1.6e-7)
    every = {name: dataclasses.replace(number, name=name, label=text.label, unit=text.unit) for name, text in TEXTS.items()}
    made = [
        dataclasses.replace(report(f"a network of some length, {k}"), numbers=every, notes=("√n − 1 ≤ σ² × 3 …",)) for k in (1, 2)
    ]
    report_tables.write_report(tmp_path / "r.tex", made)
    document = r"\documentclass{article}\usepackage{booktabs}\begin{document}\input{r.tex}\end{document}"
    (tmp_path / "d.tex").write_text(document)
    run = subprocess.run(["pdflatex", "-halt-on-error", "d.tex"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-500:]
    assert "Overfull" not in run.stdout and "too large" not in run.stdout
