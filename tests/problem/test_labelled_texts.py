"""Tables of texts and labels: which columns they are, and how labels are numbered."""

from __future__ import annotations

from pathlib import Path

import pytest

from landscape_gui.errors import ProblemError
from landscape_gui.problem.labelled_texts import is_labelled, numbered, read_labelled_texts, table_files

LIMIT = 1 << 20


def write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", 'id,Text,Label\n7,"good, very ""good""",pos\n8,"bad\nline",neg\n'),
        ("t.tsv", 'label\tsentence\npos\t"good, very ""good"""\nneg\t"bad\nline"\n'),
        ("t.csv", 'utterance,label\n"good, very ""good""",pos\n"bad\nline",neg\n'),
        ("t.csv", 'text,mood\n"good, very ""good""",pos\n"bad\nline",neg\n'),
    ],
    ids=["names", "tab", "label of two", "text of two"],
)
def test_columns_are_found_by_their_usual_names_or_because_there_are_two(name: str, content: str, tmp_path: Path) -> None:
    found = read_labelled_texts(write(tmp_path / name, content), LIMIT)["data"]
    assert found.texts == ('good, very "good"', "bad\nline")
    assert found.labels == ("pos", "neg")


def test_the_labels_column_can_be_named(tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", "text,label,Stars\na,x,1\nb,y,2\n")
    assert read_labelled_texts(file, LIMIT, "stars")["data"].labels == ("1", "2")
    assert read_labelled_texts(file, LIMIT)["data"].labels == ("x", "y")


def test_a_folder_is_its_splits(tmp_path: Path) -> None:
    for split in ("train", "validation", "notes"):
        write(tmp_path / f"{split}.csv", f"text,label\n{split},1\n")
    found = read_labelled_texts(tmp_path, LIMIT)
    assert {name: split.texts for name, split in found.items()} == {"train": ("train",), "val": ("validation",)}
    assert table_files(tmp_path / "train.csv") == [tmp_path / "train.csv"] and table_files(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,b,c\n1,2,3\n", "has the columns 'a', 'b', 'c'"),
        ("text,label\nx,1\ny\n", "row 3 has 1 values; 2 were expected"),
        ("text,label\n", "has no rows"),
        ("", "has the columns none"),
    ],
)
def test_a_table_of_something_else_is_told(content: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match=words):
        read_labelled_texts(write(tmp_path / "t.csv", content), LIMIT)


def test_arrow_and_parquet_are_read_as_tables_are(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="the extra hf is not installed")
    import pyarrow.parquet

    table = arrow.table({"idx": [0, 1], "sentence": ["good", "bad"], "label": [1, 0]})
    for split in ("train", "validation"):
        pyarrow.parquet.write_table(table, tmp_path / f"{split}-00000-of-00001.parquet")
    assert is_labelled(tmp_path)
    found = read_labelled_texts(tmp_path, LIMIT)
    assert {name: (part.texts, part.labels) for name, part in found.items()} == dict.fromkeys(
        ("train", "val"), (("good", "bad"), ("1", "0"))
    )
    pyarrow.parquet.write_table(arrow.table({"input_ids": [[1, 2]], "labels": [[1, 0]]}), tmp_path / "ids.parquet")
    assert not is_labelled(tmp_path / "ids.parquet")


def test_bytes_that_are_no_text_and_files_too_large_are_told(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"text,label\n\xff\xfe,1\n")
    with pytest.raises(ProblemError, match="no UTF-8"):
        read_labelled_texts(tmp_path / "t.csv", LIMIT)
    with pytest.raises(ProblemError, match="allowed"):
        read_labelled_texts(tmp_path / "t.csv", 10)


def test_the_networks_own_numbers_count_where_it_names_all_labels() -> None:
    own = {"POSITIVE": 0, "NEGATIVE": 1}
    assert numbered({"a": ["negative", "positive"]}, own) == ({"a": [1, 0]}, ("Labels are numbered as config.json does.",))
    assert numbered({"a": ["1", "0"]}, own)[0] == {"a": [1, 0]}
    numbers, notes = numbered({"train": ["pos", "neg"], "test": ["neg", "neutral"]}, own)
    assert numbers == {"train": [2, 0], "test": [0, 1]} and "neg, neutral, pos" in notes[0] and "does not name them" in notes[0]
