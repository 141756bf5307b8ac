"""Parquet, Arrow and folders that `datasets` saved, where pyarrow is installed; where it is not, how to install it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from landscape_gui.errors import ProblemError
from landscape_gui.problem.datasets import load_data


def library() -> Any:
    return pytest.importorskip("pyarrow", exc_type=ImportError), pytest.importorskip("pyarrow.parquet", exc_type=ImportError)


def png(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (6, 4), shade).save(out, "PNG")
    return out.getvalue()


def test_without_pyarrow_the_command_that_installs_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ProblemError, match=r'not installed.*pip install "landscape-gui\[hf\]"'):
        load_data(tmp_path / "train.parquet")


def test_numbers_and_words_in_parquet_by_split(tmp_path: Path) -> None:
    pa, pq = library()
    pq.write_table(pa.table({"x": [1.5, 2.5], "y": ["b", "c"]}), tmp_path / "train-00000-of-00002.parquet")
    pq.write_table(pa.table({"x": [3.5], "y": ["a"]}), tmp_path / "train-00001-of-00002.parquet")
    pq.write_table(pa.table({"x": [4.5], "y": ["b"]}), tmp_path / "test-00000-of-00001.parquet")
    data = load_data(tmp_path)
    assert [(s.name, s.inputs.tolist(), s.targets.tolist()) for s in data.splits] == [
        ("train", [[1.5], [2.5], [3.5]], [1, 2, 0]),
        ("test", [[4.5]], [1]),
    ]


def test_pictures_of_a_saved_data_set_with_the_names_of_their_classes(tmp_path: Path) -> None:
    pa, _ = library()
    names = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
    cells = [{"bytes": png(10), "path": None}, {"bytes": png(200), "path": None}]
    table = pa.table({"image": cells, "label": [1, 0]}).replace_schema_metadata({"huggingface": json.dumps(names)})
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["test"]}')
    folder = tmp_path / "test"
    folder.mkdir()
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}))
    with pa.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data = load_data(tmp_path)
    (split,) = data.splits
    assert split.inputs.shape == (2, 1, 4, 6)
    assert (split.inputs[:, 0, 0, 0] * 255).round().tolist() == [10, 200]
    assert split.targets.tolist() == [1, 0]
    assert data.about["classes"] == ["cat", "dog"]
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "../../etc/passwd"}]}))
    with pytest.raises(ProblemError, match=r"state.json names '../../etc/passwd'"):
        load_data(tmp_path)


def test_texts_and_token_ids(tmp_path: Path) -> None:
    pa, pq = library()
    pq.write_table(pa.table({"text": ["abc", "def"]}), tmp_path / "t.parquet")
    data = load_data(tmp_path / "t.parquet", block=7)
    assert bytes(data.splits[0].inputs[0].tolist()) == b"abc\n\nde"
    pq.write_table(pa.table({"input_ids": [[1, 2, 3], [4, 5, 6]]}), tmp_path / "i.parquet")
    split = load_data(tmp_path / "i.parquet").splits[0]
    assert (split.inputs.tolist(), split.targets.tolist()) == ([[1, 2], [4, 5]], [[2, 3], [5, 6]])
    pq.write_table(pa.table({"input_ids": [[1, 2, 3], [4]]}), tmp_path / "i.parquet")
    with pytest.raises(ProblemError, match="rows of unequal length"):
        load_data(tmp_path / "i.parquet")


def test_broken_and_incomplete_files_are_told(tmp_path: Path) -> None:
    pa, pq = library()
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and nothing PAR1")
    with pytest.raises(ProblemError, match=r"a.parquet cannot be read"):
        load_data(tmp_path / "a.parquet")
    (tmp_path / "a.arrow").write_bytes(b"nonsense" * 9)
    with pytest.raises(ProblemError, match=r"a.arrow cannot be read"):
        load_data(tmp_path / "a.arrow")
    pq.write_table(pa.table({"x": [1.0, None], "y": [0, 1]}), tmp_path / "n.parquet")
    with pytest.raises(ProblemError, match="'x' has 1 empty values"):
        load_data(tmp_path / "n.parquet")
    pq.write_table(pa.table({"x": [np.zeros(3), np.zeros(3)], "y": [0, 1]}), tmp_path / "l.parquet")
    with pytest.raises(ProblemError, match="'x' holds list"):
        load_data(tmp_path / "l.parquet")


def test_offsets_that_lead_out_of_the_file_are_told_and_not_followed(tmp_path: Path) -> None:
    pa, _ = library()
    table = pa.table({"x": [1.5, 2.5], "y": ["one", "two"]})
    with pa.OSFile(str(tmp_path / "s.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content = (tmp_path / "s.arrow").read_bytes()
    offsets = np.array([0, 3, 6], "<i4").tobytes()
    assert content.count(offsets) == 1
    (tmp_path / "s.arrow").write_bytes(content.replace(offsets, np.array([0, 3, 1 << 30], "<i4").tobytes()))
    with pytest.raises(ProblemError, match=r"s.arrow cannot be read"):
        load_data(tmp_path / "s.arrow")
