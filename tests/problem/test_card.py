"""Cards: what is read, and the sentence about each thing that may be wrong with one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from landscape_gui.errors import ProblemError
from landscape_gui.problem.card import read_card


def write(folder: Path, content: Any) -> Path:
    path = folder / "landscape.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_data_are_relative_to_the_card_and_comments_are_skipped(tmp_path: Path) -> None:
    card = read_card(write(tmp_path, {"_comment": 3, "title": "T", "data": "x.npz", "defaults": {"limit": 5}}))
    assert card.data_path == tmp_path.resolve() / "x.npz"
    assert card.title == "T"
    assert card.defaults == {"limit": 5}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", ["no JSON"]),
        ("[" * 100_000, ["no JSON"]),
        ([1], ["a list"]),
        ({"architekture": {}}, ["'architekture'", "architecture"]),
        ({"title": 3}, ["title is 3", "a text"]),
        ({"training": "sgd"}, ["training", "an object"]),
        ({"data": {"path": "x"}}, ["'path'", "file"]),
        ({"data": {"normalise": "mnist"}}, ["no file"]),
        ({"data": 7}, ["data is 7"]),
    ],
)
def test_what_is_wrong_is_said_with_the_files_name(tmp_path: Path, content: Any, words: list[str]) -> None:
    with pytest.raises(ProblemError) as raised:
        read_card(write(tmp_path, content))
    assert all(word in str(raised.value) for word in [*words, "landscape.json"])
