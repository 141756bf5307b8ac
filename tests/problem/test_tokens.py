"""A stranger's tokeniser: the same ids as its library gives, in a process of its own that is ended when it takes too long."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tokenizers", reason="the extra hf is not installed")

import tokenizers

from landscape_gui.errors import ProblemError
from landscape_gui.problem import tokeniser_process
from landscape_gui.problem.tokens import read_tokeniser, text_of

TEXTS = ["the quick brown fox", "", "jumps — over 🦊 the lazy dog\n", "the " * 5000, "\x00 \ud7ff"]


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    """Byte pairs of a few words, as GPT-2's are, with marks at a text's ends."""
    found = tokenizers.Tokenizer(tokenizers.models.BPE())
    found.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = tokenizers.decoders.ByteLevel()
    letters = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=300, initial_alphabet=letters, special_tokens=["<s>"], show_progress=False)
    found.train_from_iterator(TEXTS, trainer)
    found.post_processor = tokenizers.processors.TemplateProcessing(single="<s> $A <s>", special_tokens=[("<s>", 0)])
    found.save(str(tmp_path / "tokenizer.json"))
    return found


def slow(folder: Path) -> None:
    """A rule whose time doubles with each letter of a word: a second for one of 25, minutes for a line of them."""
    found = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    found.pre_tokenizer = tokenizers.pre_tokenizers.Split(tokenizers.Regex(r"(a+)+$"), "isolated")
    found.save(str(folder / "tokenizer.json"))


def test_ids_and_texts_are_the_librarys_own(engine: Any, tmp_path: Path) -> None:
    found = read_tokeniser(tmp_path)
    assert found is not None
    for text in TEXTS:
        ids = engine.encode(text, add_special_tokens=False).ids
        assert found.ids(text) == ids
        assert found.text(ids) == text_of(tmp_path / "tokenizer.json", ids) == text
    engine.enable_truncation(7)
    assert found.rows(TEXTS, 7) == [engine.encode(text).ids for text in TEXTS]
    assert len(found.ids(TEXTS[3])) > 7


def test_what_takes_too_long_is_ended_and_told_and_the_next_question_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow(tmp_path)
    found = read_tokeniser(tmp_path)
    assert found is not None
    with monkeypatch.context() as patch:
        patch.setattr(tokeniser_process, "SECONDS", 0.5)
        patch.setattr(tokeniser_process, "SECONDS_A_MEGABYTE", 0.0)
        with pytest.raises(ProblemError, match=r"did not finish within 0\.5 s.*token ids"):
            found.ids(("a" * 22 + "b ") * 20_000)
    assert not found.process.alive
    again = read_tokeniser(tmp_path)
    assert again is not None and again.ids("b") == [0]


def test_what_the_library_gives_up_is_told_in_its_words(tmp_path: Path) -> None:
    slow(tmp_path)
    found = read_tokeniser(tmp_path)
    assert found is not None
    with pytest.raises(ProblemError, match=r"tokenizer\.json is no tokeniser that can be used.*limit"):
        found.ids("a" * 60 + "b")
    assert found.ids("b") == [0]


def test_a_changed_file_is_read_again(engine: Any, tmp_path: Path) -> None:
    first = read_tokeniser(tmp_path)
    assert first is not None and read_tokeniser(tmp_path) is first
    place = tmp_path / "tokenizer.json"
    content = json.loads(place.read_text())
    content["pre_tokenizer"]["add_prefix_space"] = True
    place.write_text(json.dumps(content))
    second = read_tokeniser(tmp_path)
    assert second is not None and second.ids("the") != first.ids("the")


def test_nothing_of_the_current_folder_is_imported(engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tokenizers.py", "json.py", "array.py"):
        (tmp_path / name).write_text("open('ran', 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    os.utime(tmp_path / "tokenizer.json", (1, 1))
    found = read_tokeniser(Path())
    assert found is not None and found.ids("the")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("place", ["tokenizer_config.json", "config.json"])
@pytest.mark.parametrize("value", ["tokenization_own.Own", ["tokenization_own.Own", None], [None, "a/b--tokenization_own.Own"]])
def test_a_tokenisers_code_is_not_run_and_what_to_do_is_said(place: str, value: Any, tmp_path: Path) -> None:
    (tmp_path / place).write_text(json.dumps({"auto_map": {"AutoTokenizer": value}}))
    with pytest.raises(ProblemError, match=r"is code \(tokenization_own\.py\), which is not run.*token ids"):
        read_tokeniser(tmp_path)
