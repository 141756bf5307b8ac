"""Answers on the disk: whole or not at all, equal to the bit when read back, harmless when they are a stranger's."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import resource
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from landscape_gui import store_encoding
from landscape_gui.errors import LandscapeError, StoreError
from landscape_gui.probes import Line, Spectrum, Surface, Trajectory
from landscape_gui.probes.base import CheckpointRef
from landscape_gui.results import AxesReport, LineResult, Provenance, Quantity, SurfaceResult, TrajectoryResult, freeze
from landscape_gui.store import MAGIC, Store, key_of, pack, read_result, write_result

KEY = "0123456789abcdef" * 2


def make_surface(nx: int = 5, ny: int = 3, **more: Any) -> SurfaceResult:
    values = np.arange(nx * ny, dtype=float).reshape(ny, nx)
    values[0, 1], values[1, 2], values[2, 0] = np.nan, np.inf, -0.0
    loss = Quantity(
        name="train_loss",
        label="training loss",
        values=freeze(values),
        standard_error=freeze(values / 10),
        unit="nat",
        axes=("y", "x"),
        examples=7,
    )
    odd = Quantity(name="a/b\n../c", label="<b>ö</b>", values=freeze(values[:, :1]), axes=("y",))
    axes = AxesReport(
        kind="filter",
        labels=("one", "two"),
        norms=freeze([1, 2]),
        cosines=freeze(np.eye(2)),
        layers=("ä/ö", "", "x"),
        shares=freeze(np.ones((2, 3))),
    )
    where = Provenance(
        probe="surface",
        version=2,
        key=KEY,
        fingerprint="f",
        question={"a": [1, 2.5, None]},
        problem={"title": "net", "deep": {"x": [1]}},
        environment={"threads": 1},
        created="2026-01-02T03:04:05+00:00",
        seconds=1.25,
    )
    return SurfaceResult(
        x=freeze(np.linspace(-1, 1, nx)),
        y=freeze(np.linspace(0, 1, ny)),
        quantities={"train_loss": loss, "a/b\n../c": odd},
        computed=freeze(np.ones((ny, nx)), bool),
        axes=axes,
        centre={"train_loss": 0.1, "z": float("nan")},
        draws={"train_loss": freeze(np.ones((2, ny, nx)))},
        seeds=(3, 4),
        notes=("a note", "\0"),
        provenance=where,
        **more,
    )


def same(a: Any, b: Any) -> bool:
    """Equal to the bit, field by field."""
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if dataclasses.is_dataclass(a):
        return type(a) is type(b) and all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, float) and a != a:
        return bool(b != b)
    return type(a) is type(b) and bool(a == b)


def test_every_field_comes_back_to_the_bit(tmp_path: Path) -> None:
    surface = dataclasses.replace(make_surface(), notes=("a note", "�"))  # HDF5 holds no NUL
    line = LineResult(x=freeze([0, 1]), quantities=surface.quantities, computed=freeze([1, 0], bool), axes=surface.axes)
    run = TrajectoryResult(
        names=("epoch 0", "epoch 1"),
        order=freeze([0, 1]),
        x=freeze([1, 0]),
        y=freeze([0, 0]),
        off_plane=freeze([0, 0]),
        distance=freeze([1, 0]),
        quantities={},
        plane_quantities=surface.quantities,
        surface=surface,
    )
    for number, result in enumerate((surface, line, run)):
        write_result(tmp_path / f"{number}.h5", result)
        assert same(read_result(tmp_path / f"{number}.h5"), result)


def test_arrays_that_were_read_cannot_be_written_to(tmp_path: Path) -> None:
    write_result(tmp_path / "s.h5", make_surface())
    found = read_result(tmp_path / "s.h5")
    assert isinstance(found, SurfaceResult)
    with pytest.raises(ValueError, match="read-only"):
        found.x[0] = 3


def test_a_file_is_ordinary_hdf5_that_describes_itself(tmp_path: Path) -> None:
    write_result(tmp_path / "s.h5", make_surface())
    with h5py.File(tmp_path / "s.h5") as file:
        assert file.attrs["probe"] == "surface" and file.attrs["title"] == "net"
        loss = file["quantities/train_loss/values"]
        assert loss.shape == (3, 5) and dict(loss.attrs) == {"label": "training loss", "unit": "nat", "axes": "y, x"}
        assert dict(file["x"].attrs) == {"label": "position along the first axis", "unit": "direction", "axes": "x"}
        assert file["computed"].attrs["axes"] == "y, x"
        assert json.loads(file["provenance/question"][()])["a"] == [1, 2.5, None]
        assert sorted(g.attrs["name"] for g in file["quantities"].values()) == ["a/b\n../c", "train_loss"]


def test_a_surface_that_is_not_square_keeps_rows_as_y(tmp_path: Path) -> None:
    write_result(tmp_path / "s.h5", make_surface(nx=7, ny=4))
    found = read_result(tmp_path / "s.h5")
    assert isinstance(found, SurfaceResult)
    assert found.quantities["train_loss"].values.shape == (4, 7) == (found.y.size, found.x.size)


def test_a_kept_answer_is_found_and_a_finished_one_drops_its_partial(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.get(KEY) is None
    store.put_partial(KEY, make_surface(), done=2, total=4)
    assert store.partial(KEY) is not None and store.entries() == []
    (entry,) = store.entries(partial=True)
    assert (entry.done, entry.total, entry.finished) == (2, 4, False)
    store.put(KEY, make_surface())
    assert store.partial(KEY) is None and same(store.get(KEY).x, make_surface().x)
    (entry,) = store.find("f")
    assert (entry.key, entry.probe, entry.title, entry.seconds, entry.fingerprint) == (KEY, "surface", "net", 1.25, "f")
    assert store.find("another") == []


@pytest.mark.parametrize("where", [len(MAGIC) + 2, 40, 3000, -1])
def test_one_flipped_bit_anywhere_sets_the_file_aside(tmp_path: Path, where: int) -> None:
    store = Store(tmp_path)
    store.put(KEY, make_surface())
    data = bytearray(store.path(KEY).read_bytes())
    data[where] ^= 1
    store.path(KEY).write_bytes(data)
    assert store.get(KEY) is None
    assert not store.path(KEY).exists() and len(list((tmp_path / "broken").iterdir())) == 1


@pytest.mark.parametrize("length", [0, 10, 1000, 2048, 5000])
def test_a_file_cut_short_is_set_aside(tmp_path: Path, length: int) -> None:
    store = Store(tmp_path)
    store.put(KEY, make_surface())
    store.path(KEY).write_bytes(store.path(KEY).read_bytes()[:length])
    assert store.verify()[f"{KEY}.h5"].startswith("broken")
    assert store.get(KEY) is None and store.entries() == []


def test_clearing_takes_everything_of_ours_and_nothing_else(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(KEY, make_surface())
    store.put_partial(KEY[::-1], make_surface())
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / f".{KEY}.h5.999.tmp").write_text("left by a killed process")
    assert store.clear() == 3
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["notes.txt"]


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path: Path) -> None:
    left = tmp_path / f".{KEY}.h5.999999.tmp"
    left.write_text("half")
    Store(tmp_path).put(KEY, make_surface())
    assert not left.exists()


def test_a_key_is_no_path(tmp_path: Path) -> None:
    for key in ("../../etc/passwd", "", KEY + "0", KEY.upper()):
        with pytest.raises(StoreError):
            Store(tmp_path).get(key)


# ------------------------------------------------------------------------------------------------------------------------- keys


CHANGES: dict[type, dict[str, Any]] = {
    Surface: {
        "directions": "layer", "seed": 1, "include_biases": True, "towards": CheckpointRef("a", "d1"), "split": "train", "limit": 5,
        "batchnorm": "frozen",
        "precision": "float64", "tier": "exact", "steps": (51, 50), "span": (0.5,), "draws": 2, "adaptive": True, "tolerance": 0.04,
        "run_checkpoints": (CheckpointRef("a", "d1"),), "third": CheckpointRef("a", "d2"), "directions_file": None,
        "which": (2, 1), "through": Spectrum(),
    },
    Line: {"steps": 7, "along": "y", "at": (0.0, 1.0), "span": (0.1, 0.2)},
    Trajectory: {"steps": (3, 4), "directions": "filter"},
}  # fmt: skip


def test_the_key_changes_with_every_field() -> None:
    for probe, changes in CHANGES.items():
        base = key_of(probe(), "f")
        keys = {base}
        for name, value in changes.items():
            if value is not None:
                keys.add(key_of(probe(**{name: value}), "f"))
        assert len(keys) == 1 + sum(v is not None for v in changes.values())
    assert set(CHANGES[Surface]) == {f.name for f in dataclasses.fields(Surface)}


def test_the_key_counts_problem_probe_and_version_and_not_where_a_file_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    base = key_of(Surface(), "f")
    assert base != key_of(Surface(), "g") and base != key_of(Trajectory(directions="filter"), "f")
    here, there = (key_of(Surface(towards=CheckpointRef(path, "same")), "f") for path in ("a", "b"))
    assert here == there
    monkeypatch.setattr(Surface, "version", 99)
    assert key_of(Surface(), "f") != base


# -------------------------------------------------------------------------------------------------------------------- full disk


def test_a_full_disk_is_a_sentence_and_leaves_nothing_broken(tmp_path: Path) -> None:
    """A process that may write no file above 20 kB, as on a disk with no more room: EFBIG comes in the middle of the writing."""
    code = textwrap.dedent("""
        import resource, signal, sys
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        sys.path.insert(0, sys.argv[2])
        from test_store import KEY, make_surface
        from landscape_gui.errors import StoreError
        from landscape_gui.store import Store
        store = Store(sys.argv[1])
        store.put(KEY, make_surface())
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            store.put(KEY, make_surface(nx=200, ny=200))
        except StoreError as error:
            print(error)
        print(store.get(KEY).x.size, sorted(p.name for p in store.folder.iterdir()))
    """)
    here = str(Path(__file__).parent)
    env = {**os.environ, "PYTHONPATH": str(Path(here).parent)}
    out = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), here], capture_output=True, text=True, env=env, check=True
    ).stdout
    sentence, rest = out.strip().split("\n")
    assert "cannot be written" in sentence and "LANDSCAPE_GUI_CACHE" in sentence
    assert rest == f"5 ['{KEY}.h5']"
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 20_000


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_that_may_not_be_written_is_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be written"):
        Store(tmp_path / "answers").put(KEY, make_surface())


def test_a_file_where_the_folder_should_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "answers").write_text("in the way")
    with pytest.raises(StoreError):
        Store(tmp_path / "answers").put(KEY, make_surface())
    assert Store(tmp_path / "answers").entries() == [] and Store(tmp_path / "answers").get(KEY) is None


# ---------------------------------------------------------------------------------------------------------------- strangers' files


def forged(change: Any) -> bytes:
    """An answer's HDF5 part (without a checksum, as another program would save it) after `change(file)`."""
    buffer = io.BytesIO(pack(make_surface())[store_encoding.USER_BLOCK :])
    with h5py.File(buffer, "r+") as file:
        change(file)
    return buffer.getvalue()


def external_link(file: h5py.File) -> None:
    del file["x"]
    file["x"] = h5py.ExternalLink("/etc/passwd", "/x")


def soft_link(file: h5py.File) -> None:
    del file["x"]
    file["x"] = h5py.SoftLink("/y")


def external_storage(file: h5py.File) -> None:
    del file["x"]
    file.create_dataset("x", (5,), "f8", external=[("/etc/passwd", 0, 40)])


def virtual(file: h5py.File) -> None:
    del file["x"]
    layout = h5py.VirtualLayout((5,), "f8")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (5,))
    file.create_virtual_dataset("x", layout)


def never_written(file: h5py.File) -> None:
    del file["x"]
    file.create_dataset("x", (1 << 40,), "f8")


def bomb(file: h5py.File) -> None:
    del file["x"]
    file.create_dataset("x", (1 << 26,), "f8", chunks=(1 << 20,), compression="gzip", fillvalue=0)


def heap_of_texts(file: h5py.File) -> None:
    del file["notes"]
    file.create_dataset("notes", data=["a" * 1000] * 1000, dtype=h5py.string_dtype())


def group_for_array(file: h5py.File) -> None:
    del file["x"]
    file.create_group("x")


def array_for_text(file: h5py.File) -> None:
    file.attrs["precision"] = np.zeros(1000)


def not_json(file: h5py.File) -> None:
    del file["provenance/question"]
    text = b"[" * 50_000
    file["provenance"].create_dataset("question", data=np.array(text, dtype=h5py.string_dtype("utf-8", len(text))))


def objects(file: h5py.File) -> None:
    del file["x"]
    file.create_dataset("x", data=np.array([file.ref], dtype=h5py.ref_dtype))


def another_class(file: h5py.File) -> None:
    file.attrs["class"] = "Provenance"


def missing(file: h5py.File) -> None:
    del file["axes"]


HOSTILE = [
    external_link, soft_link, external_storage, virtual, never_written, bomb, heap_of_texts, group_for_array, array_for_text,
    not_json, objects, another_class, missing,
]  # fmt: skip


@pytest.mark.parametrize("change", HOSTILE, ids=lambda f: f.__name__)
def test_a_hostile_file_is_refused_with_a_sentence(tmp_path: Path, change: Any) -> None:
    path = tmp_path / "strange.h5"
    path.write_bytes(forged(change))
    with pytest.raises(StoreError):
        store_encoding.from_bytes(path.read_bytes())


def test_the_sentence_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "strange.h5").write_bytes(forged(external_link))
    with pytest.raises(StoreError, match=r"strange\.h5: .*is a link to somewhere else"):
        read_result(tmp_path / "strange.h5")


def test_an_answer_saved_again_by_another_program_opens(tmp_path: Path) -> None:
    """Without the checksum, as h5repack leaves it."""
    (tmp_path / "s.h5").write_bytes(forged(lambda file: None))
    assert isinstance(read_result(tmp_path / "s.h5"), SurfaceResult)


@pytest.mark.parametrize("content", [b"", b"hello", MAGIC, MAGIC + b"0" * 5000, b"\x89HDF\r\n\x1a\n" + bytes(500)])
def test_what_is_no_answer_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.h5").write_bytes(content)
    with pytest.raises(LandscapeError):
        read_result(tmp_path / "s.h5")
    with pytest.raises(StoreError, match=r"none\.h5"):
        read_result(tmp_path / "none.h5")


def test_scrambled_files_never_end_the_process(tmp_path: Path) -> None:
    """Some of these bytes crash the HDF5 library itself; whoever opens such a file gets a sentence, or an answer."""
    whole, rng, told = forged(lambda file: None), np.random.default_rng(0), 0
    for trial in range(6):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), 5 + 10 * trial):
            data[at] = rng.integers(256)
        (tmp_path / "s.h5").write_bytes(data)
        try:
            read_result(tmp_path / "s.h5")
        except StoreError as error:
            told += "s.h5" in str(error)
    assert told >= 3


def test_a_file_whose_reading_kills_the_process_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a crash of the HDF5 library: the process that tries the file first dies of a signal."""
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\ncat > /dev/null; kill -SEGV $$\n")
    fake.chmod(0o755)
    monkeypatch.setattr("landscape_gui.store_guard.sys.executable", str(fake))
    (tmp_path / "s.h5").write_bytes(forged(lambda file: None))
    with pytest.raises(StoreError, match=r"s\.h5: This file is broken"):
        read_result(tmp_path / "s.h5")
