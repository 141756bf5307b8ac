"""The numbers' texts: three sentences, known references, and the same words in the documentation."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from landscape_gui.number_references import REFERENCES, cite
from landscape_gui.number_texts import EIGENVALUES, FACTS, SHARPNESS, SPECTRUM, TEXTS
from landscape_gui.reading_aids import AIDS, reading

PACKAGE = Path(__file__).resolve().parent.parent / "landscape_gui"
PAGE = (Path(__file__).resolve().parent.parent / "docs" / "curvature.md").read_text(encoding="utf-8")


def flat(text: str) -> str:
    return " ".join(text.split())


def paragraph(label: str) -> str:
    """What stands under a heading of the page."""
    return flat(PAGE.partition(f"\n### {label}\n")[2].split("\n#")[0])


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_three_sentences_with_a_reference(name: str) -> None:
    text = TEXTS[name]
    for sentence in (text.what, text.estimate, text.reading):
        inner = re.sub(r"et al\.|\be\.g\.|v \. \(H v\)|g \. \(A g\)", "", sentence[:-1])
        assert sentence.endswith(".") and sentence[:1].isupper() | (sentence[:1] in "|1"), sentence
        assert not re.search(r"[.!?] [A-Z]", inner), f"more than one sentence: {sentence}"
    assert text.references and set(text.references) <= REFERENCES.keys()
    assert text.help.endswith(f"({cite(text.references)})")


@pytest.mark.parametrize("name", TEXTS)
def test_the_page_holds_every_text_word_for_word(name: str) -> None:
    found = paragraph(TEXTS[name].label)
    assert found.startswith(f"`{name}`")
    assert found.endswith(f". {TEXTS[name].help}")


def test_no_number_is_made_without_its_text() -> None:
    """Wherever a question makes a Number, what it says comes from TEXTS, and so stands on the page."""
    made = 0
    for path in sorted((PACKAGE / "probes").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)) if "Number(" in source else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Number":
                given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                assert given.get("help") == "text.help" and "text = TEXTS[" in source, f"{path.name}:{node.lineno}"
                made += 1
    assert made >= 3


def test_the_page_describes_nothing_else() -> None:
    assert sorted(re.findall(r"^### (.*)$", PAGE, re.MULTILINE)) == sorted(t.label for t in TEXTS.values())
    assert len({t.label for t in TEXTS.values()}) == len(TEXTS) == sum(map(len, (FACTS, EIGENVALUES, SPECTRUM, SHARPNESS)))


def test_the_page_lists_every_reference_and_every_reading_aid() -> None:
    listed = re.findall(r"^- (.*)$", PAGE.partition("\n## References\n")[2], re.MULTILINE)
    assert listed == [REFERENCES[key] for key in sorted(REFERENCES)]
    used = {key for text in TEXTS.values() for key in text.references}
    assert used == REFERENCES.keys()
    for aid in AIDS.values():
        assert f"| {'; '.join(aid.words)} | {aid.caveat} |" in PAGE


def test_every_reference_begins_with_authors_and_a_year() -> None:
    assert cite(("cohen2021", "maddox2020")) == "Cohen et al. 2021; Maddox, Benton and Wilson 2020"
    assert all(re.fullmatch(r"[A-Z][^\d]* \d{4}", cite((key,))) for key in REFERENCES)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("condition_number", 99.9, "excellent"),
        ("condition_number", 100.0, "good"),
        ("condition_number", 1000.0, "challenging: tune the learning rate, precondition"),
        ("worst_case", 0.0999, "flat"),
        ("worst_case", 0.1, "moderate"),
        ("worst_case", 1.5, "sharp"),
        ("negative_eigenvalues", 5.0, "near a minimum"),
        ("negative_eigenvalues", 6.0, "likely a saddle"),
        ("barrier", 0.05, "one basin"),
        ("barrier", 1.5, "disconnected"),
        ("condition_number", float("nan"), ""),
        ("trace", 3.0, ""),
    ],
)
def test_reading_aids_change_where_they_are_said_to(name: str, value: float, words: str) -> None:
    assert reading(name, value) == words


def test_no_aid_calls_flat_good() -> None:
    assert "Flat is not the same as good" in AIDS["worst_case"].caveat
