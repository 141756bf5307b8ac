"""A report as HTML and as Markdown: what stands on it, escaped, and what is folded away; made by hand, nothing is computed."""

from __future__ import annotations

import re

import pytest

from landscape_gui.export.report_html import SHORT, as_html
from landscape_gui.export.report_markdown import as_markdown
from landscape_gui.export.report_page import Page, Section, Table, capital, coded, headline_of, in_per_cent, sure
from landscape_gui.results import Number

LONG = "a sentence that would make the table wider than the page if it stood on one line"


def number(name: str, value: float, error: float = float("nan"), kind: str = "exact", unit: str = "") -> Number:
    return Number(name=name, label=name.replace("_", " "), value=value, error=error, kind=kind, unit=unit)


def page() -> Page:
    table = Table(heads=("", "value", "how sure"), groups=(("Group <1>", (("λmax / |λmin|", "3 ± 1", "bound"), ("b", "2", LONG))),))
    section = Section(
        title="Curvature & co",
        text=("Say `landscape-gui reproduce a_b.pdf` for <this> again.",),
        tables=(table,),
        notes=("1 | 2 <b>",),
        meanings=(("λmax", "The largest & steepest."), ("trace", "Their sum.")),
        files={"a_b.csv": "tables/a_b.csv"},
    )
    other = Section(title="Provenance")
    return Page(
        title="Net <x>",
        subtitle="1 & 2",
        warnings=("Careful <now>",),
        headline=headline_of({"loss": number("loss", 1.5, 0.25, "standard error", "nat")}, ("loss", "absent")),
        sections=(section, other),
        missing=(("Trajectory", "no <run>"),),
        references=("Li & al. 2018",),
    )


def test_html_escapes_what_files_say_and_keeps_what_is_meant() -> None:
    html = as_html(page())
    assert "<x>" not in html and "<now>" not in html and "<run>" not in html and "<b>" not in re.sub(r"<b>[\w. ]", "", html)
    assert "Net &lt;x&gt;" in html and "Li &amp; al. 2018" in html and "Group &lt;1&gt;" in html
    assert "<code>landscape-gui reproduce a_b.pdf</code> for &lt;this&gt; again." in html
    assert "<details><summary>What each number is, and how to read it</summary><dl><dt>λmax</dt>" in html
    assert '<div class="card"><span>Loss</span><b>1.50 ± 0.25 nat</b><span>± one standard error</span></div>' in html
    assert '<a href="#curvature---co">' in html and 'id="curvature---co"' in html
    assert html.count("<details>") == 1, "a section without meanings folds nothing"


def test_only_short_words_are_kept_on_one_line() -> None:
    html = as_html(page())
    assert "<td class=s>bound</td>" in html and f'<td class="s w">{LONG}</td>' in html and len(LONG) > SHORT


def test_markdown_says_the_same() -> None:
    text = as_markdown(page())
    assert "Say `landscape-gui reproduce a_b.pdf` for \\<this\\> again." in text
    assert "# Net \\<x\\>" in text and "- **Trajectory**: no \\<run\\>" in text and "> **Careful \\<now\\>**" in text
    assert "| λmax / \\|λmin\\| | 3 ± 1 | bound |" in text and "1. Li & al. 2018" in text
    folded = text[text.index("<details>") : text.index("</details>")]
    assert "- **λmax**: The largest & steepest." in folded and "- **trace**: Their sum." in folded
    assert "[a\\_b.csv](tables/a_b.csv)" in text


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("trace", "Trace"),
        ("λmax", "λmax"),
        ("σ² trace/2", "σ² trace/2"),
        ("lambda max", "lambda max"),
        ("m-sharpness", "m-sharpness"),
    ],
)
def test_labels_have_a_capital_unless_they_begin_with_a_symbol(label: str, words: str) -> None:
    assert capital(label) == words


def test_code_stands_between_backticks() -> None:
    assert coded("a `b` c") == [("a ", False), ("b", True), (" c", False)] and coded("`b`") == [("b", True)] and coded("") == []


def test_how_sure_a_number_is() -> None:
    assert (
        sure(number("a", 1, 0.1, "standard error")) == "± one standard error"
        and sure(number("a", 1, 0.0, "bound")) == "up to rounding"
    )
    assert (
        sure(number("a", 1, kind="standard error")) == "error not known"
        and sure(number("a", 1, kind="lower bound")) == "at least this"
    )
    share = in_per_cent(number("test_accuracy", 0.5, 0.01, "standard error"))
    assert (share.value, share.error, share.unit) == (50, 1, "%") and in_per_cent(number("loss", 0.5)).value == 0.5
