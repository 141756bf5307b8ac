"""What is seen of data before anything is computed: examples, balance, predictions, and which normalisation fits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from landscape_gui.data_choice import DataChoice
from landscape_gui.problem.families import mlp
from landscape_gui.problem.preview import look_at


def trained_on_half(folder: Path) -> tuple[Path, Path, np.ndarray]:
    """A softmax regression that tells bright left halves from bright right ones in pixels from -1 to 1, and such pictures."""
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(90) % 2)
    pictures = rng.integers(100, 120, (90, 1, 4, 6), dtype=np.uint8)
    for i, right in enumerate(y):
        pictures[i, :, :, 3 * right : 3 * right + 3] += 20
    net = mlp.create([24, 2])
    state = net.state_dict()
    weight = next(name for name, t in state.items() if t.ndim == 2)
    bias = next(name for name, t in state.items() if t.ndim == 1)
    state[weight] = torch.tensor([[1.0, 1, 1, -1, -1, -1], [-1.0, -1, -1, 1, 1, 1]]).repeat(1, 4) * 5
    state[bias] = torch.zeros(2)
    torch.save(state, folder / "net.pt")
    np.savez(folder / "d.npz", x=pictures, y=y)
    return folder / "net.pt", folder / "d.npz", pictures


def test_nine_pictures_as_stored_whatever_the_normalisation(tmp_path: Path) -> None:
    net, data, pictures = trained_on_half(tmp_path)
    for name in ("none", "half", "standard"):
        seen = look_at(str(net), DataChoice(path=str(data), normalise=name))
        assert seen.kind == "images" and seen.shape == (1, 4, 6)
        assert len(seen.examples) == 9
        where = np.linspace(0, 89, 9).round().astype(int)
        for example, i in zip(seen.examples, where, strict=True):
            assert example.picture is not None
            assert np.array_equal(example.picture, np.repeat(pictures[i].transpose(1, 2, 0), 3, 2))


def test_labels_predictions_and_balance(tmp_path: Path) -> None:
    net, data, _ = trained_on_half(tmp_path)
    seen = look_at(str(net), DataChoice(path=str(data), normalise="half"))
    assert seen.counts == (45, 45)
    labels = np.load(data)["y"][np.linspace(0, 89, 9).round().astype(int)]
    assert [e.label for e in seen.examples] == [str(v) for v in labels]
    assert all(e.right and e.prediction == e.label and e.share > 0.9 for e in seen.examples)
    assert seen.splits == {"data": 90}


def test_normalisations_are_tried_on_the_same_examples_and_agree_with_opening(tmp_path: Path) -> None:
    net, data, _ = trained_on_half(tmp_path)
    seen = look_at(str(net), DataChoice(path=str(data)), seconds=60)
    assert [t.name for t in seen.tried] == ["none", "mnist", "half", "standard"]
    assert seen.few == 90
    for tried in seen.tried:
        opened = look_at(str(net), DataChoice(path=str(data), normalise=tried.name)).problem.at_checkpoint()
        assert tried.loss == pytest.approx(opened["data_loss"], rel=2e-3, abs=1e-6)
        assert tried.accuracy == pytest.approx(opened["data_accuracy"])
    now, better = seen.now, seen.better
    assert now is not None and now.name == "none"
    assert better is not None and better.loss < 0.9 * now.loss


def test_the_card_s_normalisation_stands_where_none_is_chosen(tmp_path: Path) -> None:
    net, data, _ = trained_on_half(tmp_path)
    (tmp_path / "landscape.json").write_text('{"data": {"file": "d.npz", "normalise": {"mean": [0.4], "std": [0.2]}}}')
    seen = look_at(str(net), DataChoice(path=str(data)))
    assert [t.name for t in seen.tried] == ["", "none", "mnist", "half", "standard"]
    assert seen.now is not None and seen.normalise == ""
    assert seen.now.loss == pytest.approx(seen.problem.at_checkpoint()["data_loss"], rel=2e-3)
    plain = look_at(str(net), DataChoice(path=str(data), normalise="none"))
    assert plain.normalise == "none" and plain.problem.fingerprint != seen.problem.fingerprint


def test_tables_say_their_columns_and_draw_values(tmp_path: Path) -> None:
    torch.manual_seed(0)
    torch.save(mlp.create([2, 3]).state_dict(), tmp_path / "net.pt")
    (tmp_path / "d.csv").write_text("a,b,kind\n" + "".join(f"{i},{i / 2},{'xyz'[i % 3]}\n" for i in range(12)))
    seen = look_at(str(tmp_path / "net.pt"), DataChoice(path=str(tmp_path / "d.csv")))
    assert seen.kind == "numbers"
    assert seen.columns == ("a", "b", "kind") and seen.target == "kind"
    assert seen.classes == ("x", "y", "z") and seen.counts == (4, 4, 4)
    assert seen.examples[1].values is not None and seen.examples[1].values.tolist() == [1.0, 0.5]
    assert {e.label for e in seen.examples} <= set("xyz")


def test_texts_show_what_comes_next(tmp_path: Path) -> None:
    (tmp_path / "landscape.py").write_text(
        "import torch\nfrom torch import nn\n"
        "class Next(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.table = nn.Embedding(256, 256)\n"
        "    def forward(self, x):\n        return self.table(x)\n"
        "def model():\n    return Next()\n"
    )
    table = torch.full((256, 256), -9.0)
    for i in range(255):
        table[i, i + 1] = 9.0
    torch.save({"table.weight": table}, tmp_path / "net.pt")
    (tmp_path / "t.txt").write_text("abcdefgh" * 6)
    seen = look_at(str(tmp_path / "net.pt"), DataChoice(path=str(tmp_path / "t.txt"), block=4), trusted=lambda digest: True)
    assert seen.kind == "texts" and seen.block == 4
    first = seen.examples[0]
    assert first.text == "abcd" and first.label == "'e'" == first.prediction and first.right
    assert seen.counts == ()
    # From h to a is the only step that the table does not make: 5 of 44 tokens.
    assert seen.now is not None
    assert seen.now.accuracy == pytest.approx(1 - 5 / 44)
    assert seen.now.loss == pytest.approx(seen.problem.at_checkpoint()["data_loss"], rel=1e-5)
