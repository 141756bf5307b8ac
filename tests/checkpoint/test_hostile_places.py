"""Places that are no files, links that lead elsewhere, folders that name what is not theirs, and names made to deceive."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import forged
import pytest
import torch
from forged import table, tensor

HONEST = forged.archive(forged.pickled(table({"w": tensor()})))
TENSORS = {"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}
NAMES = (
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a\nb", "a\r\nb", "\x1b[2J\x1b]0;title\x07", "\u202egnp.tp"),
    *("../../etc/passwd", "/etc/passwd", "a/b/../c", "C:\\x", "%s%n{0}{name}", "$(touch canary)", "`touch canary`", "; rm -rf ~"),
    *(
        "",
        " ",
        ".",
        "..",
        "\0",
        "a\0b",
        "\u0000\u0001\u0002",
        "\ufeffw",
        "\u200b",
        "w" * 900,
        "é",
        "e\u0301",
        "\U0010ffff",
        "'\"\\",
    ),
    *("__class__", "__init__.__globals__", "{{7*7}}", "#{7*7}", "w=1;DROP TABLE", "true", "None", "0", "-1", "1e999", "nan"),
)
SURROGATES = ("\ud800", "a\udfffb", "\udc80")


def fifo(place: Path) -> None:
    os.mkfifo(place)


def unix_socket(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))


def link_to(target: str) -> Callable[[Path], None]:
    return lambda place: place.symlink_to(target)


def link_to_pipe(place: Path) -> None:
    os.mkfifo(place.with_name("pipe"))
    place.symlink_to("pipe")


def hole(place: Path) -> None:
    """A terabyte of nothing, which takes no room."""
    with place.open("wb") as file:
        file.truncate(1 << 40)


def honest_hole(place: Path) -> None:
    """Honest weights and then a terabyte of nothing."""
    hole(place)
    with place.open("r+b") as file:
        file.write(b"\x80\x02}.")


def header_of_a_hole(place: Path) -> None:
    """A tensor of a terabyte that does stand in its file, as a hole."""
    raw = json.dumps({"w": {"dtype": "F32", "shape": [1 << 38], "data_offsets": [0, 1 << 40]}}).encode()
    with place.open("wb") as file:
        file.write(len(raw).to_bytes(8, "little") + raw)
        file.truncate(8 + len(raw) + (1 << 40))


PLACES: dict[str, Callable[[Path], object]] = {
    "pipe": fifo,
    "socket": unix_socket,
    "link to a pipe": link_to_pipe,
    "link to itself": link_to("net.pt"),
    "link to nothing": link_to("nowhere"),
    "link to zeros": link_to("/dev/zero"),
    "link to nothing at all": link_to("/dev/null"),
    "link to random bytes": link_to("/dev/urandom"),
    "link to a terminal": link_to("/dev/tty"),
    "link to standard input": link_to("/dev/stdin"),
    "link to memory": link_to("/proc/self/mem"),
    "link to the kernel's log": link_to("/proc/kmsg"),
    "link to its environment": link_to("/proc/self/environ"),
    "link to passwords": link_to("/etc/passwd"),
    "link to a folder": link_to("/etc"),
    "folder": Path.mkdir,
    "hole": hole,
    "honest hole": honest_hole,
    "header of a hole": header_of_a_hole,
    "no permission": lambda place: place.write_bytes(b"\x80"),
}


@pytest.mark.parametrize("suffix", ["pt", "h5"])
@pytest.mark.parametrize("name", PLACES)
def test_places(watched, tmp_path: Path, name: str, suffix: str) -> None:
    """Refused in a sentence, at once, whichever reader is asked. What a link leads to is looked at, and no more."""
    place = tmp_path / f"net.{suffix}"
    PLACES[name](place)
    if suffix == "h5" and place.is_symlink() and not place.exists():
        return
    answer = watched.read(place, "checkpoint" if suffix == "pt" else "answer")
    assert answer.outcome == "refused" or (name.endswith("hole") and "memory" in answer.words), answer
    assert answer.seconds < 5 and answer.peak < 1 << 30
    assert place.name in answer.words
    assert all(event.startswith(("open ", "os.scandir ")) for event in answer.events), answer.events
    assert "root:" not in answer.words and "PATH" not in answer.words


def test_a_link_to_a_checkpoint_is_followed(guard, tmp_path: Path) -> None:
    (tmp_path / "blobs").write_bytes(HONEST)
    (tmp_path / "net.pt").symlink_to("blobs")
    guard.opens(tmp_path / "net.pt")


@pytest.mark.parametrize(
    "name", ["a.pt", "-rf", "--help", "a b.pt", "<b>.pt", "a%s.pt", "é\u0301.pt", "w" * 200, "$(touch canary)"]
)
def test_names_of_files(guard, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(HONEST)
    guard.opens(tmp_path / name)
    (tmp_path / name).write_bytes(HONEST[:100])
    guard.refuse(tmp_path / name)
    assert [item.name for item in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a\nb.pt", "a\x1b[2Jb.pt", "a\rb.pt", "\u202etp.exe"])
def test_names_of_files_that_cannot_be_shown(watched, tmp_path: Path, name: str) -> None:
    """The sentence is one line without control characters."""
    (tmp_path / name).write_bytes(b"nonsense")
    answer = watched.read(tmp_path / name)
    assert answer.outcome == "refused" and answer.fine, answer
    assert answer.words.isprintable()


def named(name: str) -> dict[str, bytes]:
    """The name as that of a tensor, of a group, of metadata, of a class and of a storage, in several kinds of file."""
    raw = name.encode("utf-8", "surrogatepass")
    pushed = b"X" + len(raw).to_bytes(4, "little") + raw
    line = name.encode("unicode-escape")
    beside = b"}(" + forged.text("model") + table({"w": tensor()}) + pushed + pushed + b"u"
    place = forged.storage().replace(forged.text("0"), pushed)
    files = {
        "tensor.pt": forged.archive(forged.pickled(b"}(" + pushed + tensor() + b"u")),
        "group.pt": forged.archive(forged.pickled(b"}(" + pushed + table({"w": tensor()}) + b"u")),
        "metadata.pt": forged.archive(forged.pickled(beside)),
        "class.pt": forged.archive(forged.pickled(table({"a": b"c" + line + b"\n" + line + b"\n)R", "w": tensor()}))),
        "storage.pt": forged.archive(forged.pickled(table({"w": tensor(source=place)}))),
        "kind.pt": forged.archive(forged.pickled(b"cm\n" + line + b"\n)R")),
    }  # fmt: skip
    if name not in SURROGATES:
        files["tensor.safetensors"] = forged.safetensors({name: TENSORS["w"], "__metadata__": {name: name}}, bytes(16))
        files["type.safetensors"] = forged.safetensors({"w": {**TENSORS["w"], "dtype": name}}, bytes(16))
    return files


@pytest.mark.parametrize("reader", ["checkpoint", "info"])
def test_names_inside(guard, tmp_path: Path, reader: str) -> None:
    """Opened or refused; what is said is printable, `info --json` is JSON, nothing is made of them."""
    count = 0
    for name in (*NAMES, *SURROGATES):
        for file, content in named(name).items():
            (tmp_path / file).write_bytes(content)
            guard.read(tmp_path / file, reader)
            count += 1
    assert count > 300
    assert not (guard.watched.folder / "canary").exists()
    assert {item.suffix for item in tmp_path.iterdir()} == {".pt", ".safetensors"}


ELSEWHERE = (
    *("../secret.safetensors", "/etc/passwd", "..", ".", "", "sub/../../secret.safetensors", "..\\secret.safetensors", "a\0b"),
    *("file:///etc/passwd", "https://example.org/x", "~/x", "$HOME/x", "\\\\server\\x", "C:\\x", "a.safetensors/", "x" * 5000),
)  # fmt: skip


@pytest.mark.parametrize("shard", [*ELSEWHERE, 3, None, [], {}, True])
def test_an_index_that_leads_elsewhere(guard, tmp_path: Path, shard: object) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.safetensors").write_bytes(forged.safetensors(TENSORS, bytes(16)))
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"w": shard}}))
    guard.refuse(index)
    guard.refuse(folder)


def distributed(place: Path, changed: Callable[[bytes], bytes]) -> None:
    """A folder of torch.distributed.checkpoint whose .metadata is changed."""
    import torch.distributed.checkpoint as dcp

    with pytest.warns(UserWarning, match="torch.distributed"):
        dcp.save({"model": {"w": torch.ones(2, 3)}}, checkpoint_id=place)
    raw = (place / ".metadata").read_bytes()
    (place / ".metadata").write_bytes(changed(raw))


@pytest.mark.parametrize("name", ["../__0_0.distc", "/etc/hostname_", "./__0_0.distcp", "sub/../0.distc"])
def test_distributed_data_that_lies_elsewhere(guard, tmp_path: Path, name: str) -> None:
    place = tmp_path / "run"
    distributed(place, lambda raw: raw.replace(b"\x8c\x0c__0_0.distcp", forged.text(name)))
    shutil.copy(place / "__0_0.distcp", tmp_path / "__0_0.distc")
    guard.refuse(place)


def test_distributed_data_in_a_pipe(guard, tmp_path: Path) -> None:
    place = tmp_path / "run"
    distributed(place, lambda raw: raw)
    guard.opens(place)
    (place / "__0_0.distcp").unlink()
    os.mkfifo(place / "__0_0.distcp")
    guard.refuse(place)


@pytest.mark.parametrize("target", ["pipe", "/dev/zero", "model.safetensors.index.json", ".", "nowhere"])
def test_a_shard_that_is_no_file(guard, tmp_path: Path, target: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "model-00001-of-00001.safetensors").symlink_to(target)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"w": "model-00001-of-00001.safetensors"}}))
    guard.refuse(index)


def test_code_beside_weights_is_not_touched(guard, tmp_path: Path) -> None:
    """A Hugging Face folder with code of its own, a tokeniser's pickle and a template: only weights and configuration are read."""
    (tmp_path / "model.safetensors").write_bytes(forged.safetensors(TENSORS, bytes(16)))
    config = {"model_type": "x", "architectures": ["X"], "auto_map": {"AutoModel": "modeling_x.X"}, "trust_remote_code": True}
    (tmp_path / "config.json").write_text(json.dumps(config))
    for name in ("modeling_x.py", "__init__.py", "setup.py", "sitecustomize.py", "conftest.py", "usercustomize.py"):
        (tmp_path / name).write_text("open('canary', 'w')")
    (tmp_path / "tokenizer.pkl").write_bytes(b"cos\nsystem\n(X\x0c\0\0\0touch canarytR.")
    guard.opens(tmp_path)
    assert not (tmp_path / "canary").exists() and not (guard.watched.folder / "canary").exists()
