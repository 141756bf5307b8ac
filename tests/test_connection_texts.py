"""The texts of numbers about paths: three sentences, known references, and the same words in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from landscape_gui.connection_texts import DEFINITIONS, TEXTS
from landscape_gui.number_references import CONNECTIVITY, REFERENCES, cite

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "connectivity.md").read_text(encoding="utf-8")


def paragraph(label: str) -> str:
    """What stands under a heading of the page."""
    return " ".join(PAGE.partition(f"\n### {label}\n")[2].split("\n#")[0].split())


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_three_sentences_with_a_reference(name: str) -> None:
    text = TEXTS[name]
    for sentence in (text.what, text.estimate, text.reading):
        assert sentence.endswith(".") and sentence[:1].isupper(), sentence
        assert not re.search(r"[.!?] [A-Z]", sentence[:-1]), f"more than one sentence: {sentence}"
    assert text.references and set(text.references) <= REFERENCES.keys() | CONNECTIVITY.keys()
    assert text.help.endswith(f"({cite(text.references)})")


@pytest.mark.parametrize("name", TEXTS)
def test_the_page_holds_every_text_word_for_word(name: str) -> None:
    found = paragraph(TEXTS[name].label)
    assert found.startswith(f"`{name}`")
    assert found.endswith(f". {TEXTS[name].help}")


def test_the_page_describes_nothing_else() -> None:
    assert sorted(re.findall(r"^### (.*)$", PAGE, re.MULTILINE)) == sorted(text.label for text in TEXTS.values())


def test_every_definition_of_a_barrier_has_a_text() -> None:
    assert DEFINITIONS.keys() <= TEXTS.keys()
