"""The texts of a topology's numbers: three sentences, known references, and the same words in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from landscape_gui.number_references import TOPOLOGY, cite
from landscape_gui.topology_texts import TEXTS

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "topology.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_three_sentences_with_a_reference(name: str) -> None:
    text = TEXTS[name]
    for sentence in (text.what, text.estimate, text.reading):
        assert sentence.endswith(".") and sentence[:1].isupper(), sentence
        assert not re.search(r"[.!?] [A-Z]", sentence[:-1]), f"more than one sentence: {sentence}"
    assert text.references and set(text.references) <= TOPOLOGY.keys()
    assert text.help.endswith(f"({cite(text.references)})")


@pytest.mark.parametrize("name", TEXTS)
def test_the_page_holds_every_text_word_for_word(name: str) -> None:
    found = " ".join(PAGE.partition(f"\n### {TEXTS[name].label}\n")[2].split("\n#")[0].split())
    assert found.startswith(f"`{name}`")
    assert found.endswith(f". {TEXTS[name].help}")


def test_the_page_describes_nothing_else_and_names_every_reference() -> None:
    assert sorted(re.findall(r"^### (.*)$", PAGE, re.MULTILINE)) == sorted(text.label for text in TEXTS.values())
    assert all(f"- {reference}\n" in PAGE for reference in TOPOLOGY.values())
    assert {key for text in TEXTS.values() for key in text.references} == TOPOLOGY.keys()
