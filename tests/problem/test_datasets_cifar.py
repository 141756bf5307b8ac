"""CIFAR's batches: pickles as Python 2 and 3 write them, the binary version and the archives, equal to the bit; nothing runs."""

from __future__ import annotations

import io
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from landscape_gui.errors import ProblemError
from landscape_gui.problem.datasets import load_data

NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 3072), dtype=np.uint8)
LABELS = [3, 8, 0, 6, 9, 1, 2, 5, 4, 7, 0, 3]


def python_2(rows: np.ndarray[Any, Any], labels: list[int]) -> bytes:
    """A batch of the download: protocol 2 with Python 2's strings, pixels among them, written by hand."""

    def text(raw: bytes) -> bytes:
        return b"T" + len(raw).to_bytes(4, "little") + raw if len(raw) > 255 else b"U" + bytes([len(raw)]) + raw

    shape = b"K" + bytes([len(rows)]) + b"M" + (3072).to_bytes(2, "little") + b"\x86"
    made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    dtype = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    state = b"(K\x01" + shape + dtype + b"\x89" + text(rows.tobytes()) + b"tb"
    numbers = b"](" + b"".join(b"K" + bytes([n]) for n in labels) + b"e"
    return b"\x80\x02}(" + text(b"data") + made + state + text(b"labels") + numbers + b"u."


def batch(start: int, stop: int, kind: str = "labels") -> dict[str, Any]:
    return {"batch_label": "one of many", kind: LABELS[start:stop], "data": PIXELS[start:stop]}


def ten(folder: Path, write: Callable[[int, int], bytes], suffix: str = "") -> Path:
    folder.mkdir()
    for number, (start, stop) in enumerate(((0, 4), (4, 8)), 1):
        (folder / f"data_batch_{number}{suffix}").write_bytes(write(start, stop))
    (folder / f"test_batch{suffix}").write_bytes(write(8, 12))
    return folder


def binary(start: int, stop: int) -> bytes:
    return b"".join(bytes([LABELS[i]]) + PIXELS[i].tobytes() for i in range(start, stop))


def pickled(start: int, stop: int) -> bytes:
    return pickle.dumps(batch(start, stop), protocol=4)


WRITERS: dict[str, Callable[[int, int], bytes]] = {
    "python 2": lambda a, b: python_2(PIXELS[a:b], LABELS[a:b]),
    "protocol 2": lambda a, b: pickle.dumps(batch(a, b), protocol=2),
    "protocol 5": lambda a, b: pickle.dumps({"data": PIXELS[a:b], "labels": np.array(LABELS[a:b])}, protocol=5),
    "keys of bytes": lambda a, b: pickle.dumps({b"labels": LABELS[a:b], b"data": PIXELS[a:b]}, protocol=3),
    "torch": lambda a, b: pickle.dumps({"labels": LABELS[a:b], "data": torch.from_numpy(PIXELS)[a:b].clone()}, protocol=4),
    "binary": binary,
}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_version_of_cifar_10_gives_the_same(tmp_path: Path, kind: str) -> None:
    folder = ten(tmp_path / "c", WRITERS[kind], ".bin" if kind == "binary" else "")
    if kind == "binary":
        (folder / "batches.meta.txt").write_text("\n".join(NAMES) + "\n\n", encoding="utf-8")
    else:
        (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": NAMES}, protocol=2))
    data = load_data(folder)
    assert [(s.name, s.examples) for s in data.splits] == [("train", 8), ("test", 4)]
    train, test = data.splits
    pixels = torch.from_numpy(PIXELS).view(-1, 3, 32, 32)
    assert torch.equal((torch.cat([train.inputs, test.inputs]) * 255).round().to(torch.uint8), pixels)
    assert [*train.targets.tolist(), *test.targets.tolist()] == LABELS
    assert data.about["classes"] == NAMES
    assert data.about["kind"] == "cifar"


def test_python_2_strings_are_what_python_reads_as_latin_1() -> None:
    """The batch written by hand above is one: pickle itself, told that its strings are bytes, reads the same."""
    loaded = pickle.loads(python_2(PIXELS[:3], LABELS[:3]), encoding="bytes")
    assert np.array_equal(loaded[b"data"], PIXELS[:3])
    assert loaded[b"labels"] == LABELS[:3]


def test_archives_are_read_as_they_were_downloaded(tmp_path: Path) -> None:
    folder = ten(tmp_path / "cifar-10-batches-py", pickled)
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(folder, folder.name)
    assert load_data(tmp_path / "cifar-10-python.tar.gz").digest == load_data(folder).digest
    assert load_data(folder / "test_batch").splits[0].targets.tolist() == LABELS[8:]


@pytest.mark.parametrize("form", ["python", "binary"])
def test_cifar_100_has_fine_labels_and_coarse_ones(tmp_path: Path, form: str) -> None:
    fine, coarse = [99, 0, 41, 7], [19, 0, 11, 3]
    if form == "python":
        entries = {"data": PIXELS[:4], "fine_labels": fine, "coarse_labels": coarse}
        (tmp_path / "test").write_bytes(pickle.dumps(entries, protocol=2))
        (tmp_path / "meta").write_bytes(pickle.dumps({"fine_label_names": ["apple"] * 100}, protocol=2))
    else:
        rows = [bytes([c, f]) + PIXELS[i].tobytes() for i, (c, f) in enumerate(zip(coarse, fine, strict=True))]
        (tmp_path / "test.bin").write_bytes(b"".join(rows))
    data = load_data(tmp_path)
    assert data.splits[0].targets.tolist() == fine
    assert "coarse_labels can be named" in data.notes[0]
    assert load_data(tmp_path, target="coarse_labels").splits[0].targets.tolist() == coarse
    with pytest.raises(ProblemError, match=r"no labels called 'finest'.*fine_labels, coarse_labels"):
        load_data(tmp_path, target="finest")


class Evil:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("/tmp/landscape-gui-was-here"),)


def test_a_batch_that_would_run_code_runs_none(tmp_path: Path) -> None:
    canary = Path("/tmp/landscape-gui-was-here")
    canary.unlink(missing_ok=True)
    (tmp_path / "test_batch").write_bytes(pickle.dumps({**batch(0, 4), "more": Evil()}, protocol=2))
    assert load_data(tmp_path).splits[0].targets.tolist() == LABELS[:4]
    (tmp_path / "test_batch").write_bytes(pickle.dumps({"data": Evil(), "labels": LABELS}, protocol=2))
    with pytest.raises(ProblemError, match=r"test_batch has no images.*3072"):
        load_data(tmp_path)
    assert not canary.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (pickled(0, 4)[:-500], "breaks off"),
        (pickle.dumps({"data": PIXELS[:4], "labels": LABELS[:3]}, 2), "4 images and under 'labels' 3"),
        (pickle.dumps({"data": PIXELS[:2], "labels": [0, 10]}, 2), "'10' among its labels; 0 to 9"),
        (pickle.dumps({"data": PIXELS[:2, :100], "labels": [0, 1]}, 2), r"found an array \(2, 100\)"),
        (pickle.dumps({"data": PIXELS[:2]}, 2), "no labels"),
        (pickle.dumps([1, 2], 2), "no dictionary"),
        (b"", "breaks off"),
    ],
)
def test_broken_batches_are_told(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "test_batch").write_bytes(content)
    with pytest.raises(ProblemError, match=f"test_batch.*{words}"):
        load_data(tmp_path)


def test_broken_binary_batches_and_archives_are_told(tmp_path: Path) -> None:
    (tmp_path / "test_batch.bin").write_bytes(binary(0, 3)[:-1])
    (tmp_path / "data_batch_1.bin").write_bytes(binary(0, 3))
    with pytest.raises(ProblemError, match=r"test_batch.bin has 9,218 bytes, no whole number"):
        load_data(tmp_path)
    wrong = tmp_path / "cifar-10-binary.tar.gz"
    wrong.write_bytes(b"no archive")
    with pytest.raises(ProblemError, match=r"cifar-10-binary.tar.gz is a broken archive"):
        load_data(wrong)
    with tarfile.open(wrong, "w") as archive:
        info = tarfile.TarInfo("readme.html")
        archive.addfile(info, io.BytesIO())
    with pytest.raises(ProblemError, match="holds no batches of CIFAR"):
        load_data(wrong)


def test_an_archive_that_unpacks_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ten(tmp_path / "c", pickled)
    with tarfile.open(tmp_path / "cifar.tgz", "w:gz") as archive:
        archive.add(folder, "c")
    monkeypatch.setenv("LANDSCAPE_GUI_DATA_LIMIT", "20000")
    for place in (folder, tmp_path / "cifar.tgz"):
        with pytest.raises(ProblemError, match="GiB are allowed"):
            load_data(place)
