"""Data files and splits: what is read is what was written, and what is wrong is said with the file's name."""

from __future__ import annotations

import gzip
import io
import os
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from landscape_gui.core.splits import Split
from landscape_gui.errors import ProblemError
from landscape_gui.problem import raw
from landscape_gui.problem.dataset import Data, digest_of, gather
from landscape_gui.problem.datasets import load_data
from landscape_gui.problem.idx import read_idx
from landscape_gui.problem.problem import draw

X = np.arange(60, dtype=np.float32).reshape(5, 3, 4)
Y = np.array([0, 1, 2, 1, 0])
PARENTS = Path(__file__).resolve().parents
SHARED = Path(os.environ.get("LANDSCAPE_GUI_TEST_DATA", PARENTS[2].parent / "shared" / "data"))


def take(splits: dict[str, Any], *, whole: bool = False, limit: int = 1 << 30) -> Data:
    return gather(splits, whole_batches=whole, limit=limit, about={})


def idx(array: np.ndarray[Any, Any]) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def png(shade: int, size: tuple[int, int] = (6, 4), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, shade if mode == "L" else (shade, 0, 255 - shade)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("names", [("x_train", "y_train"), ("train_images", "train_labels")])
def test_npz_splits_by_name(tmp_path: Path, names: tuple[str, str]) -> None:
    np.savez(tmp_path / "d.npz", **{names[0]: X, names[1]: Y, "x_test": X[:2], "y_test": Y[:2], "remark": np.array([1.0])})
    data = load_data(tmp_path / "d.npz")
    assert [(s.name, s.examples) for s in data.splits] == [("train", 5), ("test", 2)]
    assert torch.equal(data.splits[0].inputs, torch.from_numpy(X))
    assert data.splits[0].targets.dtype == torch.int64


def test_x_and_y_alone_are_one_split_in_any_byte_order(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "d.npz", x=X.astype(">f8"), y=Y.astype(">i4")[:, None])
    (split,) = load_data(tmp_path / "d.npz").splits
    assert split.name == "data"
    assert torch.equal(split.inputs, torch.from_numpy(X))
    assert torch.equal(split.targets, torch.from_numpy(Y))


def test_saved_tensors_are_read_by_the_same_names(tmp_path: Path) -> None:
    tensors = {"x_train": torch.from_numpy(X), "y_train": torch.from_numpy(Y)}
    torch.save(tensors, tmp_path / "d.pt")
    save_file(tensors, tmp_path / "d.safetensors")
    assert load_data(tmp_path / "d.pt").digest == load_data(tmp_path / "d.safetensors").digest


def test_normalisation_by_channel_and_of_bytes(tmp_path: Path) -> None:
    images = np.stack([np.full((2, 2), v, np.uint8) for v in (0, 51, 255)])[None].repeat(4, 0)
    np.savez(tmp_path / "d.npz", x=images, y=Y[:4])
    data = load_data(tmp_path / "d.npz", normalise={"mean": [0.0, 0.2, 0.5], "std": [1, 2, 0.5]})
    # 51/255 is 0.2 to rounding.
    assert torch.allclose(data.splits[0].inputs[0, :, 0, 0], torch.tensor([0.0, 0.0, 1.0]), atol=1e-7)
    assert "255" in data.notes[0]
    standard = load_data(tmp_path / "d.npz", normalise="standard").splits[0].inputs
    assert abs(standard.mean().item()) < 1e-6
    assert data.digest != load_data(tmp_path / "d.npz").digest


@pytest.mark.parametrize(
    ("normalise", "words"),
    [
        ("mnst", ["'mnst'", "cifar10"]),
        ({"mean": [0.1, 0.2]}, ["mean", "1 or 3"]),
        ({"std": [0.0]}, ["std", "positive"]),
        ({"mean": ["a"]}, ["['a']"]),
        ({"mean": 0.1, "sd": 2}, ["sd"]),
    ],
)
def test_wrong_normalisations_are_told(tmp_path: Path, normalise: Any, words: list[str]) -> None:
    np.savez(tmp_path / "d.npz", x=X, y=Y)
    with pytest.raises(ProblemError) as raised:
        load_data(tmp_path / "d.npz", normalise=normalise)
    assert all(word in str(raised.value) for word in words)


@pytest.mark.parametrize("packed", [False, True])
def test_mnist_idx_files(tmp_path: Path, packed: bool) -> None:
    images = np.random.default_rng(0).integers(0, 256, (7, 4, 5))
    for name, array in (("t10k-images-idx3-ubyte", images), ("t10k-labels-idx1-ubyte", np.arange(7))):
        content = idx(array)
        (tmp_path / (name + ".gz" * packed)).write_bytes(gzip.compress(content) if packed else content)
    data = load_data(tmp_path)
    assert [s.name for s in data.splits] == ["test"]
    assert torch.equal((data.splits[0].inputs * 255).round()[:, 0].long(), torch.from_numpy(images))
    assert torch.equal(data.splits[0].targets, torch.arange(7))
    (tmp_path / f"t10k-labels-idx1-ubyte{'.gz' * packed}").unlink()
    with pytest.raises(ProblemError, match="no labels of the split test"):
        load_data(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\0\0\x08", b"\0\0\x08\x02\0\0\0\x09", idx(np.zeros((3, 3)))[:-1], b"PK\x03\x04"])
def test_broken_idx_files_are_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(ProblemError, match="train-images"):
        read_idx(path)


@pytest.mark.skipif(not (SHARED / "mnist").is_dir(), reason="MNIST is not there (LANDSCAPE_GUI_TEST_DATA)")
def test_real_mnist() -> None:
    data = load_data(SHARED / "mnist", normalise="mnist")
    (split,) = data.splits
    assert split.inputs.shape == (10_000, 1, 28, 28)
    assert torch.bincount(split.targets).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    # The constants are of the training images, so the test images are standard to about 2 %.
    assert abs(split.inputs.mean().item()) < 0.02


@pytest.mark.parametrize("zipped", [False, True])
def test_images_by_class_in_folder_or_zip(tmp_path: Path, zipped: bool) -> None:
    files = {
        f"set/{split}/{name}/{i}.png": png(10 * i + 100 * c)
        for split in ("test", "train")
        for c, name in enumerate("ab")
        for i in range(2)
    }
    files["set/read.me"] = b"no image"
    path = tmp_path / ("d.zip" if zipped else "set")
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
    data = load_data(path)
    assert [(s.name, s.examples) for s in data.splits] == [("train", 4), ("test", 4)]
    assert data.splits[0].inputs.shape == (4, 3, 4, 6)
    assert data.splits[0].targets.tolist() == [0, 0, 1, 1]
    assert (data.splits[0].inputs[:, 0, 0, 0] * 255).round().tolist() == [0, 10, 100, 110]
    assert data.about["classes"] == ["a", "b"]
    assert load_data(path, size=[2, 3]).splits[0].inputs.shape == (4, 3, 2, 3)


def test_folders_that_are_links_are_entered_once_and_hidden_ones_not(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "a").mkdir(parents=True)
    (tmp_path / "elsewhere" / "a" / "1.png").write_bytes(png(10))
    (tmp_path / "set" / "b").mkdir(parents=True)
    (tmp_path / "set" / "b" / "2.png").write_bytes(png(20))
    (tmp_path / "set" / ".cache").mkdir()
    (tmp_path / "set" / ".cache" / "3.png").write_bytes(png(30))
    (tmp_path / "set" / "a").symlink_to(tmp_path / "elsewhere" / "a")
    (tmp_path / "set" / "b" / "again").symlink_to(tmp_path / "set")
    data = load_data(tmp_path / "set")
    assert data.about["classes"] == ["a", "b"]
    assert data.splits[0].examples == 2


def test_a_folder_of_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(4):
        (tmp_path / f"{i}.log").touch()
    monkeypatch.setattr(raw, "MOST_FILES", 3)
    with pytest.raises(ProblemError, match="more than 3 files"):
        load_data(tmp_path)


def test_pictures_in_arrays_are_scaled_too_and_what_is_not_meant_is_refused(tmp_path: Path) -> None:
    ramp = np.arange(64, dtype=np.uint8).reshape(1, 1, 8, 8).repeat(3, 0) * 3
    np.savez(tmp_path / "d.npz", x=ramp, y=Y[:3])
    data = load_data(tmp_path / "d.npz", size=16)
    assert data.splits[0].inputs.shape == (3, 1, 16, 16)
    assert any("Images of 8 × 8 are resized to 16, cropped 16 × 16 from the centre" in note for note in data.notes)
    # Bilinear interpolation of a plane is that plane inside: the middle of the picture keeps its mean.
    assert data.splits[0].inputs[0, 0, 7:9, 7:9].mean().item() == pytest.approx(ramp.mean() / 255, abs=1e-6)
    assert load_data(tmp_path / "d.npz", size=8).digest == load_data(tmp_path / "d.npz").digest
    np.savez(tmp_path / "flat.npz", x=X[:, 0], y=Y)
    for options, words in (({"size": 8}, "cannot be scaled"), ({"target": "y"}, "no columns"), ({"block": 4}, "no text to cut")):
        with pytest.raises(ProblemError, match=words):
            load_data(tmp_path / "flat.npz", **options)


def test_images_of_unequal_size_ask_for_a_size(tmp_path: Path) -> None:
    for i, size in enumerate(((6, 4), (5, 4))):
        (tmp_path / f"c{i}").mkdir()
        (tmp_path / f"c{i}" / "x.png").write_bytes(png(9, size, "L"))
    with pytest.raises(ProblemError, match=r"5 x 4, the first image 6 x 4.*size"):
        load_data(tmp_path)
    assert load_data(tmp_path, size=4).splits[0].inputs.shape == (2, 1, 4, 4)
    (tmp_path / "c0" / "y.png").write_bytes(b"nothing")
    with pytest.raises(ProblemError, match=r"y.png is no readable image"):
        load_data(tmp_path, size=4)


def test_decoders_that_were_not_chosen_are_let_at_no_file(tmp_path: Path) -> None:
    """Pillow reads a picture by its content: PostScript called .png would start another program."""
    (tmp_path / "c").mkdir()
    Image.new("L", (4, 4)).save(tmp_path / "c" / "a.png", "PCX")
    with pytest.raises(ProblemError, match=r"a.png is no readable image"):
        load_data(tmp_path)


def test_a_damaged_stream_inside_an_archive_is_told(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "d.npz", x=np.arange(4000.0).reshape(1000, 4), y=np.arange(1000))
    content = bytearray((tmp_path / "d.npz").read_bytes())
    content[200:260] = b"\xff" * 60
    (tmp_path / "d.npz").write_bytes(content)
    with pytest.raises(ProblemError, match=r"d.npz cannot be read: they are damaged"):
        load_data(tmp_path / "d.npz")


def test_missing_or_foreign_data_are_told(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match=r"nowhere.npz are not there"):
        load_data(tmp_path / "nowhere.npz")
    with pytest.raises(ProblemError, match="no images by class"):
        load_data(tmp_path)
    for name, content, words in (
        ("a.npz", b"no zip", "cannot be read"),
        ("a.xyz", b"1,2", "no data that is read"),
        ("a.pt", b"junk", "cannot be read"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ProblemError, match=words):
            load_data(tmp_path / name)
    np.savez(tmp_path / "b.npz", weights=X)
    with pytest.raises(ProblemError, match=r"weights \(5, 3, 4\)"):
        load_data(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", x=np.array([{}], dtype=object), y=Y)
    with pytest.raises(ProblemError, match="numbers"):
        load_data(tmp_path / "c.npz")


def test_what_unpacks_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "d.npz", x=np.zeros((1000, 100)), y=np.zeros(1000, int))
    monkeypatch.setenv("LANDSCAPE_GUI_DATA_LIMIT", "100000")
    with pytest.raises(ProblemError, match="GiB are allowed"):
        load_data(tmp_path / "d.npz")


class Squares(Dataset[tuple[Tensor, int]]):
    def __len__(self) -> int:
        return 10

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        return torch.tensor([float(i), float(i * i)]), i % 2


class Stream(IterableDataset[tuple[Tensor, Tensor]]):
    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return iter([(torch.full((2,), float(i)), torch.tensor(i % 2)) for i in range(7)])


@pytest.mark.parametrize("source", [Squares(), DataLoader(Squares(), batch_size=3, shuffle=True, drop_last=True)])
def test_datasets_and_loaders_are_gathered_whole_and_in_order(source: Any) -> None:
    (split,) = take({"train": source}).splits
    assert split.examples == 10
    assert split.inputs[:, 0].tolist() == list(range(10))
    assert split.targets.tolist() == [i % 2 for i in range(10)]


def test_iterable_datasets_dictionaries_and_several_inputs() -> None:
    assert take({"a": Stream()}).splits[0].examples == 7
    data = take({"a": {"ids": torch.ones(4, 3), "mask": torch.ones(4), "labels": torch.zeros(4)}})
    assert set(data.splits[0].inputs) == {"ids", "mask"}
    assert data.splits[0].targets.shape == (4,)
    data = take({"a": (np.ones((4, 2), np.float32), np.ones((4, 3), np.float32), np.zeros(4, int))})
    assert [t.shape for t in data.splits[0].inputs] == [(4, 2), (4, 3)]
    data = take({"a": {"ids": torch.ones(4, 3)}}, whole=True)
    assert data.splits[0].targets is None


def test_data_larger_than_the_limit_stream_the_same_at_every_pass() -> None:
    loader = DataLoader(TensorDataset(torch.randn(50, 4), torch.arange(50)), batch_size=8, shuffle=True)
    whole, streamed = take({"a": loader}).splits[0], take({"a": loader}, limit=200)
    split = streamed.splits[0]
    assert split.streams
    assert split.examples == 50
    assert "streams" in streamed.notes[0]
    for _ in range(2):
        batches = list(split.inputs)
        assert torch.equal(torch.cat([x for x, _ in batches]), whole.inputs)
        assert torch.equal(torch.cat([y for _, y in batches]), whole.targets)
    few = draw(split, 11, 0)
    assert few.examples == 11
    assert torch.equal(torch.cat([y for _, y in few.inputs]), torch.arange(11))


def test_streams_with_random_augmentation_repeat_and_leave_the_global_generator() -> None:
    class Noisy(Squares):
        def __getitem__(self, i: int) -> tuple[Tensor, int]:
            return torch.randn(2), i % 2

    split = take({"a": DataLoader(Noisy(), batch_size=4)}, limit=10).splits[0]
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first = [x for x, _ in split.inputs]
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(a, b) for a, (b, _) in zip(first, split.inputs, strict=True))
    assert not torch.equal(first[0], first[1])


def test_the_digest_tells_content_order_names_and_types_apart() -> None:
    x, y = torch.arange(12.0).view(4, 3), torch.arange(4)
    digests = {
        digest_of([Split("a", x, y, 4)]),
        digest_of([Split("b", x, y, 4)]),
        digest_of([Split("a", x.flip(0), y, 4)]),
        digest_of([Split("a", x.view(4, 3, 1), y, 4)]),
        digest_of([Split("a", x.double(), y, 4)]),
        digest_of([Split("a", x, y + 1, 4)]),
        digest_of([Split("a", {"u": x}, y, 4)]),
    }
    assert len(digests) == 7
    assert digest_of([Split("a", x, y, 4)]) == digest_of([Split("a", x.t().contiguous().t(), y.clone(), 4)])


def test_subsets_are_drawn_once_from_their_seed_in_order() -> None:
    split = Split("a", {"x": torch.arange(100.0), "table": torch.ones(3)}, torch.arange(100), 100)
    one, same, other = draw(split, 10, 1), draw(split, 10, 1), draw(split, 10, 2)
    assert one.targets.tolist() == sorted(one.targets.tolist())
    assert len(set(one.targets.tolist())) == 10
    assert torch.equal(one.targets, same.targets)
    assert not torch.equal(one.targets, other.targets)
    assert torch.equal(one.inputs["x"].long(), one.targets)
    assert one.inputs["table"].shape == (3,)
    assert draw(split, 100, 1) is split
