"""The pages of docs/theory: their blocks run, print what stands beneath them, and what they leave satisfies the statement."""

from __future__ import annotations

import contextlib
import io
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

THEORY = Path(__file__).resolve().parent.parent / "docs" / "theory"
PAGES = sorted(page for page in THEORY.glob("*.md") if page.name != "README.md")
BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<shown>.*?)^```\n)?", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
ROUNDING = 1e-11
"""Below it a number is the rounding of its computation, and is only held to be small."""
AGREES = 0.03
"""Between machines: sums round otherwise, and the last of two digits that are shown may differ."""


def close(printed: str, shown: str) -> bool:
    a, b = float(printed), float(shown)
    return math.isclose(a, b, rel_tol=AGREES) or max(abs(a), abs(b)) < ROUNDING or one_digit_off(printed, shown)


def one_digit_off(printed: str, shown: str) -> bool:
    """Numbers that differ by one in the last digit that is shown."""
    mantissa, _, exponent = shown.partition("e")
    unit = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    return abs(float(printed) - float(shown)) <= 1.01 * unit


def run(page: Path) -> dict[str, Any]:
    """The names that the page's blocks leave; what they print is compared with what the page shows, number by number."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, found in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8")), 1):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(found["code"], f"{page.name}, block {number}", "exec"), names)
        compare(printed.getvalue(), found["shown"] or "", f"{page.name}, block {number}")
    return names


def compare(printed: str, shown: str, where: str) -> None:
    assert NUMBER.sub("#", printed).split() == NUMBER.sub("#", shown).split(), f"{where} prints\n{printed}"
    pairs = list(zip(NUMBER.findall(printed), NUMBER.findall(shown), strict=True))
    assert [pair for pair in pairs if not close(*pair)] == [], f"{where} prints\n{printed}"


def convergence(names: Mapping[str, Any]) -> None:
    assert (names["excess"] <= names["bound"] + 1e-15).all()
    assert (names["distance"] <= names["distance_bound"] * (1 + 1e-9)).all()
    assert names["excess"][0] == names["bound"][0]
    assert names["measured"] <= names["predicted"] < 1 - names["mu"] / names["smooth"]
    assert names["measured"] == pytest.approx(names["predicted"], rel=0.01)  # the slowest part is not quite alone after 200 steps
    assert (names["values"][:33] - names["decay"]).abs().max() < 1e-12  # softmax's own directions: a vector added to every class


def stability(names: Mapping[str, Any]) -> None:
    for below, above in names["quadratic"].values():
        assert below < 1e-6 and above > 1e6
    for ratio, factor in names["stretched"].items():
        assert factor == pytest.approx(1 - ratio, abs=1e-4)  # a step of 1e-6: third derivatives times that
    for ratio, way in names["ways"].items():
        assert way[-1] == pytest.approx(abs(1 - ratio) ** 300, rel=0.02)  # 380 millionths away the loss is still quadratic


def pac_bayes(names: Mapping[str, Any]) -> None:
    assert names["noisy_test_error"] <= names["part"]["value"]
    for runs in names["tried"].values():
        assert (runs[:, 1] <= runs[:, 2]).mean() >= 1 - names["delta"]
    assert (names["tried"][100][:, 1] > names["tried"][100][:, 3]).all()


def spectrum(names: Mapping[str, Any]) -> None:
    assert names["difference"] < 1e-13 and names["apart"] < 1e-13
    assert names["rank"] == 24 * 9
    assert names["negative"] > 0 and float(names["values"][0]) > -1e-13
    for found, predicted in names["variances"].values():
        assert found == pytest.approx(predicted, rel=0.05)  # four standard errors of the variance of 20,000 draws


def ntk(names: Mapping[str, Any]) -> None:
    assert max(names["slopes"]) < -0.5
    assert (np.diff(names["found"], axis=0) < 0).all()


def implicit_bias(names: Mapping[str, Any]) -> None:
    for result in names["found"].values():
        slopes = {name: result.numbers[f"slope_{name}"].value for name in ("plain", "modified", "half")}
        assert slopes["modified"] == pytest.approx(2, abs=0.1)  # the next order, at the largest rate
        assert slopes["plain"] == pytest.approx(1, abs=0.15) and slopes["half"] == pytest.approx(1, abs=0.15)


STATEMENTS: dict[str, Callable[[Mapping[str, Any]], None]] = {
    f.__name__: f for f in (convergence, stability, pac_bayes, spectrum, ntk, implicit_bias)
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_states_is_what_it_measures(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    STATEMENTS[page.stem](run(page))
    pictures = re.findall(r"images/(theory-[a-z-]+\.png)", page.read_text(encoding="utf-8"))
    assert {path.name for path in tmp_path.glob("*.png")} <= set(pictures)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_source_assumptions_and_limits(page: Path) -> None:
    text = page.read_text(encoding="utf-8").lower()
    for part in ("## the statement", "**source.**", "not say.**", "assum", "## measured"):
        assert part in text, f"{page.name} lacks {part}"
    assert f"({page.name})" in (THEORY / "README.md").read_text(encoding="utf-8")


def test_a_number_that_drifts_is_seen() -> None:
    compare("rank 216, off by 5e-16, 0.0020\n", "rank 216, off by 9e-16, 0.0021\n", "page")
    with pytest.raises(AssertionError):
        compare("lambda 1.30\n", "lambda 1.40\n", "page")
    with pytest.raises(AssertionError):
        compare("off by 1e-9\n", "off by 1e-16\n", "page")
