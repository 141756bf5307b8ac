"""Tables, arrays and texts: what is read is what was written, what was chosen is said, what is wrong is named with its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from landscape_gui.errors import ProblemError
from landscape_gui.problem.datasets import load_data

IRIS = "5.1,3.5,setosa\n7.0,3.2,versicolor\n6.3,3.3,virginica\n4.9,3.0,setosa\n"


def write(place: Path, text: str) -> Path:
    place.write_text(text, encoding="utf-8")
    return place


def test_the_last_column_of_a_csv_is_the_target_and_its_words_are_classes(tmp_path: Path) -> None:
    for head in ("", "length,width,species\n"):
        data = load_data(write(tmp_path / "iris.csv", head + IRIS))
        (split,) = data.splits
        assert split.inputs.numpy() == pytest.approx(np.array([[5.1, 3.5], [7.0, 3.2], [6.3, 3.3], [4.9, 3.0]]))
        assert split.targets.tolist() == [0, 1, 2, 0]
        assert data.about["classes"] == ["setosa", "versicolor", "virginica"]
        assert any("setosa, versicolor" in note for note in data.notes)


def test_a_column_is_the_target_by_name_by_usual_name_or_by_place(tmp_path: Path) -> None:
    path = write(tmp_path / "d.csv", "a;label;b\n1;2;3.5\n4;0;6.5\n7;1;9.5\n")
    data = load_data(path)
    assert data.splits[0].targets.tolist() == [2, 0, 1]
    assert data.about["target"] == "label"
    named = load_data(path, target="b").splits[0]
    assert named.targets.tolist() == [[3.5], [6.5], [9.5]]
    assert named.inputs.tolist() == [[1, 2], [4, 0], [7, 1]]
    with pytest.raises(ProblemError, match=r"no column 'c'. Its columns are a, label, b"):
        load_data(path, target="c")


def test_whole_numbers_are_classes_where_few_from_0_and_numbers_where_asked_or_many(tmp_path: Path) -> None:
    rows = "x,y\n" + "".join(f"{i}.5,{1 + i % 3}\n" for i in range(9))
    data = load_data(write(tmp_path / "one.csv", rows))
    assert data.splits[0].targets.tolist() == [0, 1, 2] * 3
    assert data.about["classes"] == ["1", "2", "3"]
    number = load_data(tmp_path / "one.csv", target="y:number").splits[0].targets
    assert number.dtype == torch.float32 and number.shape == (9, 1)
    prices = load_data(write(tmp_path / "p.csv", "x,y\n" + "".join(f"{i},{1000 * i + 7}\n" for i in range(9))))
    assert prices.splits[0].targets.shape == (9, 1)
    assert load_data(tmp_path / "p.csv", target="y:class").splits[0].targets.tolist() == list(range(9))
    with pytest.raises(ProblemError, match="COLUMN:class"):
        load_data(tmp_path / "p.csv", target="y:klass")


def test_splits_of_a_folder_share_their_classes(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", "x,y\n1,b\n2,c\n")
    write(tmp_path / "test.csv", "x,y\n3,a\n4,b\n")
    data = load_data(tmp_path)
    assert [(s.name, s.targets.tolist()) for s in data.splits] == [("train", [1, 2]), ("test", [0, 1])]
    write(tmp_path / "test.csv", "x,z\n3,a\n")
    with pytest.raises(ProblemError, match=r"train.csv has other columns than .*test.csv"):
        load_data(tmp_path)


def test_pixels_in_a_table_are_divided_and_a_counting_column_left_out(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (5, 64))
    head = "label," + ",".join(f"p{i}" for i in range(64))
    rows = "\n".join(f"{i % 2}," + ",".join(map(str, row)) for i, row in enumerate(values))
    data = load_data(write(tmp_path / "m.csv", f"{head}\n{rows}\n"))
    assert torch.equal((data.splits[0].inputs * 255).round().long(), torch.from_numpy(values))
    assert "Pixels were divided by 255." in data.notes
    data = load_data(write(tmp_path / "pandas.csv", ",x,y\n0,1.5,a\n1,2.5,b\n2,0.5,a\n"))
    assert data.splits[0].inputs.tolist() == [[1.5], [2.5], [0.5]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x,y\n1,a\n2\n", "row 3 has 1 values; 2 were expected"),
        ("x,y\n1,a\n2,b,c\n", "row 3 has 3 values; 2 were expected"),
        ("x,y\n1,a\n,b\n", "row 3, column 'x' holds nothing"),
        ("x,y,z\n1,2,a\nred,3,b\n", r"column 'x' holds words \('1'\)"),
        ("x,x,y\n1,2,3\n", "two columns called 'x'"),
        ("y\n1\n2\n", "one column"),
        ("x,y\n", "no rows"),
        ("", "empty line"),
        ("x,y\n1," + "9" * 200_000 + "\n", "field larger"),
    ],
)
def test_wrong_tables_are_told_with_their_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ProblemError, match=words):
        load_data(write(tmp_path / "wrong.csv", text))


def test_a_table_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes(b"x,y\n1,\xff\n")
    with pytest.raises(ProblemError, match="no UTF-8 text: byte 6 is 0xff"):
        load_data(tmp_path / "d.csv")


def test_bytes_of_a_text_are_tokens_and_the_next_one_is_the_target(tmp_path: Path) -> None:
    text = "ab" * 7 + "cdé"
    data = load_data(write(tmp_path / "t.txt", text), block=4)
    (split,) = data.splits
    whole = list(text.encode())
    assert split.inputs.tolist() == [whole[i : i + 4] for i in (0, 4, 8, 12)][: len(split.inputs)]
    assert split.targets.tolist() == [whole[i + 1 : i + 5] for i in (0, 4, 8, 12)][: len(split.targets)]
    assert split.examples == 4
    assert data.about["block"] == 4
    assert any("last 1 tokens" in note for note in data.notes)
    cut = load_data(tmp_path / "t.txt", block=4, tokenise=lambda s: [ord(c) - 97 for c in s[:9]]).splits[0]
    assert cut.inputs.tolist() == [[0, 1, 0, 1], [0, 1, 0, 1]]


def test_token_files_by_split_and_arrays_of_tokens(tmp_path: Path) -> None:
    ids = np.arange(300, 321)
    ids.astype("<u2").tofile(tmp_path / "train.bin")
    ids[:6].astype("<u2").tofile(tmp_path / "val.bin")
    data = load_data(tmp_path, block=5)
    assert [(s.name, s.examples) for s in data.splits] == [("train", 4), ("val", 1)]
    assert data.splits[0].targets[0].tolist() == [301, 302, 303, 304, 305]
    np.save(tmp_path / "ids.npy", ids)
    assert torch.equal(load_data(tmp_path / "ids.npy", block=5).splits[0].inputs, data.splits[0].inputs)
    torch.save({"ids": torch.from_numpy(ids)}, tmp_path / "ids.pt")
    assert torch.equal(load_data(tmp_path / "ids.pt", block=5).splits[0].inputs, data.splits[0].inputs)
    rows = load_data(_saved(tmp_path / "rows.npy", ids.reshape(3, 7))).splits[0]
    assert rows.inputs.tolist()[0] == [300, 301, 302, 303, 304, 305]
    assert rows.targets.tolist()[0] == [301, 302, 303, 304, 305, 306]
    (tmp_path / "odd.bin").write_bytes(b"abc")
    with pytest.raises(ProblemError, match="odd number"):
        load_data(tmp_path / "odd.bin")
    with pytest.raises(ProblemError, match="1 tokens; at least 2"):
        load_data(write(tmp_path / "one.txt", "a"))
    with pytest.raises(ProblemError, match="block of tokens is -1"):
        load_data(tmp_path / "ids.npy", block=-1)


def _saved(place: Path, array: np.ndarray) -> Path:
    np.save(place, array)
    return place


def test_npy_files_side_by_side_and_one_alone(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).normal(size=(6, 3)), np.arange(6) % 2
    folder = tmp_path / "pair"
    folder.mkdir()
    np.save(folder / "x_train.npy", x)
    np.save(folder / "y_train.npy", y)
    data = load_data(folder / "x_train.npy")
    assert data.splits[0].name == "train"
    assert data.splits[0].targets.tolist() == y.tolist()
    assert load_data(folder).digest == data.digest
    alone = load_data(_saved(tmp_path / "alone.npy", x))
    assert alone.splits[0].inputs.shape == (6, 2) and alone.splits[0].targets.shape == (6, 1)
    assert "last of 3 columns" in alone.notes[0]
    with pytest.raises(ProblemError, match=r"one array of shape \(2, 3, 4\)"):
        load_data(_saved(tmp_path / "cube.npy", np.zeros((2, 3, 4))))


def test_tensors_without_usual_names_are_taken_in_order_and_it_is_said(tmp_path: Path) -> None:
    x, y = torch.randn(5, 3), torch.arange(5)
    torch.save((x, y), tmp_path / "pair.pt")
    data = load_data(tmp_path / "pair.pt")
    assert torch.equal(data.splits[0].inputs, x) and torch.equal(data.splits[0].targets, y)
    assert "By order" in data.notes[0] and "(5, 3)" in data.notes[0]
    torch.save((x, y, x[:2], y[:2]), tmp_path / "four.pt")
    assert [(s.name, s.examples) for s in load_data(tmp_path / "four.pt").splits] == [("train", 5), ("test", 2)]
    save_file({"a": x, "b": y[:3].clone()}, tmp_path / "unequal.safetensors")
    with pytest.raises(ProblemError, match=r"b \(3,\), a \(5, 3\)"):
        load_data(tmp_path / "unequal.safetensors")


def test_colours_that_stand_last_are_put_first_and_grey_pictures_get_a_channel(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (4, 9, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "d.npz", x_train=pictures, y_train=np.arange(4), x_test=pictures, y_test=np.arange(4))
    data = load_data(tmp_path / "d.npz")
    assert torch.equal((data.splits[0].inputs * 255).round().to(torch.uint8), torch.from_numpy(pictures).permute(0, 3, 1, 2))
    assert sum("Channels stood last" in note for note in data.notes) == 1
    np.savez(tmp_path / "g.npz", x=pictures[..., 0], y=np.arange(4))
    assert load_data(tmp_path / "g.npz").splits[0].inputs.shape == (4, 1, 9, 8)


def test_a_header_that_promises_more_than_the_file_holds_asks_for_no_memory(tmp_path: Path) -> None:
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776, 3), }"
    text = head + b" " * (117 - len(head)) + b"\n"
    (tmp_path / "bomb.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + b"\0" * 48)
    with pytest.raises(ProblemError, match=r"48 bytes; 26,388,279,066,624 were expected"):
        load_data(tmp_path / "bomb.npy")
    (tmp_path / "bomb.npy").write_bytes(b"\x93NUMPY\x01\x00\x05\x00(1,2)")
    with pytest.raises(ProblemError, match="header"):
        load_data(tmp_path / "bomb.npy")


def test_the_same_file_is_read_once_and_again_when_it_changed(tmp_path: Path) -> None:
    path = write(tmp_path / "d.csv", "x,y\n1,0\n2,1\n")
    first = load_data(path, normalise={"mean": 1.0, "std": 2.0}).splits[0].inputs
    assert first.tolist() == [[0.0], [0.5]]
    assert load_data(path).splits[0].inputs.tolist() == [[1.0], [2.0]]  # the kept numbers were not normalised in place
    write(path, "x,y\n11,0\n12,1\n")
    assert load_data(path).splits[0].inputs.tolist() == [[11.0], [12.0]]


def test_texts_and_tables_beyond_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "t.txt", "a" * 3000)
    write(tmp_path / "d.csv", "x,y\n" + "1,2\n" * 3000)
    monkeypatch.setenv("LANDSCAPE_GUI_DATA_LIMIT", "8000")
    for name in ("t.txt", "d.csv"):
        with pytest.raises(ProblemError, match=rf"{name} holds .*GiB are allowed"):
            load_data(tmp_path / name)
