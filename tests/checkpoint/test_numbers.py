"""Arrays of numbers out of a .npz, the same as NumPy reads them, and nothing unpickled."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from landscape_gui.checkpoint.limits import Broken
from landscape_gui.checkpoint.numbers import array_names, read_numbers
from landscape_gui.checkpoint.peers import peer_arrays, peer_words

ARRAYS = {
    "row": np.arange(6.0).reshape(2, 3),
    "column": np.asfortranarray(np.arange(6.0).reshape(2, 3) + 1),
    "big": np.arange(5, dtype=">f4"),
    "half": np.linspace(0, 1, 7, dtype=np.float16),
    "flags": np.array([True, False]),
    "small": np.arange(-3, 3, dtype=np.int8),
    "one": np.array(2.5),
    "deep": np.arange(24, dtype=np.uint16).reshape(2, 3, 4),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_every_kind_of_number_is_read_as_numpy_reads_it(tmp_path: Path, save: object) -> None:
    save(tmp_path / "a.npz", **ARRAYS)  # type: ignore[operator]
    assert array_names(tmp_path / "a.npz") == ARRAYS.keys()
    found = read_numbers(tmp_path / "a.npz")
    for name, array in ARRAYS.items():
        assert found[name].shape == array.shape and found[name].dtype == array.dtype.newbyteorder("="), name
        assert np.array_equal(found[name], array), name
    assert read_numbers(tmp_path / "a.npz", ["one", "missing"]).keys() == {"one"}


def test_only_numbers_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", objects=np.array([{}], object), text=np.array(["a"]), complex=np.ones(2, complex))
    for name, words in (("objects", "pickled objects"), ("text", "'<U1'"), ("complex", "'<c16'")):
        with pytest.raises(Broken, match=words):
            read_numbers(tmp_path / "t.npz", [name])


def test_an_archive_of_other_files_has_no_arrays(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.npz", "w") as archive:
        archive.writestr("a.npy", b"")
        archive.writestr("readme.txt", b"")
    assert array_names(tmp_path / "z.npz") == frozenset()
    (tmp_path / "no.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(Broken, match="has no end"):
        array_names(tmp_path / "no.npz")


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ({"grid", "alphas", "betas", "tr_loss", "te_acc"}, "plane"),
        ({"ts", "dl", "te_err"}, "curve"),
        ({"loss", "coordinates"}, "landscape"),
        ({"grid", "alphas", "betas"}, ""),  # no value of it: a network may be called so
        ({"ts", "dl"}, ""),
        ({"loss", "coordinates", "fc.weight"}, ""),
        ({"fc.weight", "fc.bias", "loss"}, ""),
        (set(), ""),
    ],
)
def test_results_of_other_programs_are_told_by_their_names(names: set[str], kind: str) -> None:
    assert peer_arrays(names) == kind
    assert (peer_words(names) is not None) == bool(kind)
