"""Texts, tables of texts and images as a folder's network takes them: each against the network's own answer to one example."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("transformers", reason="the extra hf is not installed")

from small_transformers import (
    ENDS,
    PLACES,
    SIZES,
    VOCABULARY,
    bert,
    edit,
    gpt2,
    library,
    llama,
    reference,
    save,
    tokeniser,
    tokens,
    vit,
)

from landscape_gui.data_choice import DataChoice
from landscape_gui.errors import ProblemError
from landscape_gui.problem import Problem, open_problem
from landscape_gui.problem.preview import look_at

WORDS = ["the", "film", "was", "good", "bad", "very", "and", "not", "long", "short"]


def inputs_of(problem: Problem) -> Any:
    return problem._parts.splits[0].inputs


def message(folder: Path, data: Path, **options: Any) -> str:
    with pytest.raises(ProblemError) as found:
        open_problem(folder, data=str(data), **options)
    return str(found.value)


def test_a_text_becomes_the_folders_own_tokens_in_blocks(tmp_path: Path) -> None:
    folder = save(gpt2, tmp_path / "net")
    tokeniser(folder, WORDS)
    text = "The film was GOOD and very long " * 12
    (tmp_path / "text.txt").write_text(text)
    problem = open_problem(folder, data=str(tmp_path / "text.txt"), block=10)
    ids = [3 + WORDS.index(word) for word in text.lower().split()]
    assert inputs_of(problem).tolist() == [ids[i : i + 10] for i in range(0, 80, 10)]
    assert problem._parts.splits[0].targets.tolist() == [ids[i + 1 : i + 11] for i in range(0, 80, 10)]
    assert inputs_of(open_problem(folder, data=str(tmp_path / "text.txt"))).shape == (5, PLACES)


def test_bytes_are_tokens_where_the_folder_has_no_tokeniser_and_the_vocabulary_holds_them(tmp_path: Path) -> None:
    folder = save(llama, tmp_path / "net", vocab_size=256)
    (tmp_path / "text.txt").write_text("ab" * 40)
    problem = open_problem(folder, data=str(tmp_path / "text.txt"))
    assert set(inputs_of(problem).unique().tolist()) == {97, 98}
    assert any("byte" in note for note in problem.notes)
    small = save(llama, tmp_path / "small")
    assert f"token 98; the network's vocabulary is 0 to {VOCABULARY - 1}" in message(small, tmp_path / "text.txt")


def test_a_tokeniser_of_another_form_is_told_with_the_command_and_token_ids_need_none(tmp_path: Path) -> None:
    folder = save(gpt2, tmp_path / "net")
    (folder / "merges.txt").write_text("#version\n")
    (tmp_path / "text.txt").write_text("the film " * 20)
    text = message(folder, tmp_path / "text.txt")
    assert "merges.txt" in text and "tokenizer.json" in text and "save_pretrained" in text
    assert open_problem(folder, data=str(tokens(tmp_path / "ids.bin"))).splits["data"] == 20
    np.save(tmp_path / "ids.npy", np.arange(65) % VOCABULARY)
    assert open_problem(folder, data=str(tmp_path / "ids.npy")).splits["data"] == 4


@pytest.mark.parametrize("content", ["", "{}", '{"model": {"type": "None"}}', "[" * 100_000], ids=["empty", "bare", "none", "deep"])
def test_a_broken_tokeniser_is_told(content: str, tmp_path: Path) -> None:
    folder = save(gpt2, tmp_path / "net")
    (folder / "tokenizer.json").write_text(content)
    (tmp_path / "text.txt").write_text("the film " * 20)
    assert "tokenizer.json is no tokeniser that can be used" in message(folder, tmp_path / "text.txt")


def test_blocks_longer_than_the_network_and_data_of_another_kind_are_told(tmp_path: Path) -> None:
    folder = save(gpt2, tmp_path / "net")
    ids = tokens(tmp_path / "ids.bin")
    assert f"{PLACES} positions" in message(folder, ids, block=PLACES + 1)
    np.savez(tmp_path / "x.npz", x=np.zeros((4, 3), np.float32), y=np.zeros(4, np.int64))
    assert "holds no tokens" in message(folder, tmp_path / "x.npz")
    np.savez(tmp_path / "long.npz", x=np.ones((4, PLACES + 1), np.int64), y=np.ones((4, PLACES + 1), np.int64))
    np.savez(tmp_path / "pairs.npz", x=np.ones((4, 5), np.int64), y=np.ones((4, 5), np.int64))
    assert inputs_of(open_problem(folder, data=str(tmp_path / "pairs.npz"))).shape == (4, 5)
    assert f"examples of {PLACES + 1} tokens" in message(folder, tmp_path / "long.npz")


def classified(tmp_path: Path, **options: Any) -> tuple[Path, Path]:
    tmp_path.mkdir(exist_ok=True)
    folder = save(bert, tmp_path / "net", **options)
    tokeniser(folder, WORDS)
    rows = ["the film was good,GOOD", "bad,bad", "not very good and not very bad,so so", "the film was very long and very bad,Bad"]
    (tmp_path / "texts.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    return folder, tmp_path / "texts.csv"


def test_texts_of_every_length_count_as_they_do_alone(tmp_path: Path) -> None:
    """Padding changes nothing: the loss is the mean of transformers' own losses of each text by itself."""
    folder, table = classified(tmp_path, id2label={0: "bad", 1: "so so", 2: "good"})
    problem = open_problem(folder, data=str(table))
    rows = [line.rsplit(",", 1) for line in table.read_text().splitlines()[1:]]
    losses = []
    for text, label in rows:
        ids = torch.tensor([[1, *(3 + WORDS.index(word) for word in text.split()), 2]])
        losses.append(reference(folder, {"input_ids": ids}, torch.tensor([["bad", "so so", "good"].index(label.lower())])))
    assert problem.at_checkpoint()["data_loss"] == pytest.approx(sum(losses) / 4, rel=1e-6)
    assert max(losses) - min(losses) > 0.01
    assert inputs_of(problem)["attention_mask"].sum(1).tolist() == [6, 3, 9, 10]
    assert "Labels are numbered as config.json does." in problem.notes
    assert problem.classes == 3 and problem.description["data"]["classes"] == ["bad", "so so", "good"]


def test_a_network_that_reads_the_last_token_is_padded_behind_it(tmp_path: Path) -> None:
    t = library()
    sizes = {**SIZES, **ENDS, "num_key_value_heads": 1, "vocab_size": VOCABULARY, "max_position_embeddings": PLACES}
    named = {0: "bad", 1: "so so", 2: "good"}
    folder = save(lambda: t.LlamaForSequenceClassification(t.LlamaConfig(**sizes, id2label=named)), tmp_path / "llama")
    _, table = classified(tmp_path)
    tokeniser(folder, WORDS)
    engine = json.loads((folder / "tokenizer.json").read_text())
    engine["post_processor"] = None
    (folder / "tokenizer.json").write_text(json.dumps(engine))
    problem = open_problem(folder, data=str(table))
    rows, y = inputs_of(problem), problem._parts.splits[0].targets
    losses = []
    for i in range(4):
        length = int(rows["attention_mask"][i].sum())
        losses.append(reference(folder, {"input_ids": rows["input_ids"][i : i + 1, :length]}, y[i : i + 1]))
    assert problem.at_checkpoint()["data_loss"] == pytest.approx(sum(losses) / 4, rel=1e-5)


def test_labels_that_the_network_does_not_have_and_texts_without_a_tokeniser_are_told(tmp_path: Path) -> None:
    folder, table = classified(tmp_path)
    table.write_text("text,label\ngood,0\nbad,3\n")
    assert "class numbered 3; the network tells 3 classes apart" in message(folder, table)
    (folder / "tokenizer.json").unlink()
    assert "no tokenizer.json" in message(folder, table)
    assert "are not there" in message(folder, tmp_path / "none.csv")


def test_what_is_seen_before_anything_is_computed_is_words(tmp_path: Path) -> None:
    folder = save(gpt2, tmp_path / "net")
    tokeniser(folder, WORDS)
    (tmp_path / "text.txt").write_text("The film was GOOD and very long " * 12)
    seen = look_at(str(folder), DataChoice(path=str(tmp_path / "text.txt"), block=7))
    first = seen.examples[0]
    assert (seen.kind, seen.block, first.text, first.label) == ("texts", 7, "the film was good and very long", "'the'")
    assert first.prediction.strip("'") in WORDS or first.prediction
    folder, table = classified(tmp_path / "texts", id2label={0: "bad", 1: "so so", 2: "good"})
    seen = look_at(str(folder), DataChoice(path=str(table)))
    assert [(e.text, e.label, e.whole) for e in seen.examples[:2]] == [
        ("[CLS] the film was good [SEP]", "good", True),
        ("[CLS] bad [SEP]", "bad", True),
    ]
    assert (seen.classes, seen.counts) == (("bad", "so so", "good"), (2, 1, 1))
    (folder / "tokenizer.json").unlink()
    assert (
        look_at(str(save(gpt2, tmp_path / "other")), DataChoice(path=str(tokens(tmp_path / "i.bin")))).examples[0].text[0].isdigit()
    )


def pictures(folder: Path, names: list[str]) -> Path:
    for i, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        pixels = np.random.default_rng(i).integers(0, 255, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name / "0.png")
    return folder


def test_images_are_normalised_and_numbered_as_the_folder_says(tmp_path: Path) -> None:
    folder = save(vit, tmp_path / "net", id2label={0: "zebra", 1: "ape", 2: "dog"})
    mean, std = [0.5, 0.4, 0.3], [0.2, 0.3, 0.4]
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": mean, "image_std": std, "do_normalize": True}))
    problem = open_problem(folder, data=str(pictures(tmp_path / "images", ["ape", "dog", "zebra"])))
    assert problem._parts.splits[0].targets.tolist() == [1, 2, 0]
    raw = np.stack([np.asarray(Image.open(tmp_path / "images" / name / "0.png")) for name in ("ape", "dog", "zebra")])
    pixels = torch.from_numpy((raw / 255 - mean) / std).permute(0, 3, 1, 2)
    expected = reference(folder, {"pixel_values": pixels}, torch.tensor([1, 2, 0]))
    assert problem.at_checkpoint()["data_loss"] == pytest.approx(expected, rel=1e-5)
    plain = open_problem(folder, data=str(tmp_path / "images"), normalise="none")
    assert float(inputs_of(plain).min()) >= 0 and float(inputs_of(plain).max()) <= 1


def test_images_are_scaled_to_the_networks_size_and_other_names_are_said(tmp_path: Path) -> None:
    folder = save(vit, tmp_path / "net", image_size=16)
    problem = open_problem(folder, data=str(pictures(tmp_path / "images", ["a", "b"])))
    assert inputs_of(problem).shape == (2, 3, 16, 16)
    assert any("resized to 16, cropped 16 × 16 from the centre" in note for note in problem.notes)
    edit(folder, id2label={"0": "x", "1": "y", "2": "z"}, label2id={"x": 0, "y": 1, "z": 2})
    assert any("calls them otherwise" in note for note in open_problem(folder, data=str(tmp_path / "images")).notes)
    pictures(tmp_path / "many", list("abcd"))
    assert "class numbered 3; the network tells 3 classes apart" in message(folder, tmp_path / "many")
