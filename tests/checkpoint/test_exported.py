"""Weights of exported programs (.pt2), without the program."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from landscape_gui.checkpoint import digest, peek, read_checkpoint
from landscape_gui.checkpoint.exported import CONSTANTS, read_graph
from landscape_gui.errors import CheckpointError


class Net(torch.nn.Module):
    """With everything that an export keeps apart: tied weights, a view, buffers of both kinds, a constant."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = torch.nn.Linear(3, 3)
        self.tied = self.first
        self.norm = torch.nn.BatchNorm1d(3)
        self.register_buffer("passing", torch.ones(3), persistent=False)
        self.turned = torch.nn.Parameter(torch.randn(4, 3).t())
        self.constant = torch.arange(4.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.norm(self.tied(x)) + self.passing) @ self.turned + self.constant


def export(path: Path) -> Net:
    network = Net().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch speaks of constants that are no buffers
        torch.export.save(torch.export.export(network, (torch.randn(2, 3),)), str(path))
    return network


def test_weights_and_constants(tmp_path: Path) -> None:
    network = export(tmp_path / "a.pt2")
    checkpoint = read_checkpoint(tmp_path / "a.pt2")
    expected = network.state_dict()
    assert set(checkpoint.tensors) == set(expected)
    assert all(torch.equal(checkpoint.tensors[name], tensor) for name, tensor in expected.items())
    assert checkpoint.digest == digest({name: expected[name] for name in checkpoint.tensors})
    assert checkpoint.format == peek(tmp_path / "a.pt2").format == "exported program"
    assert checkpoint.notes == ("An exported program: the weights were read, the program in the file was not run.",)
    constants = read_checkpoint(tmp_path / "a.pt2", group=CONSTANTS).tensors
    assert torch.equal(constants["constant"], torch.arange(4.0)) and torch.equal(constants["passing"], torch.ones(3))
    assert json.loads(read_graph(tmp_path / "a.pt2"))["graph_module"]["graph"]["nodes"]


def saved(value: Any) -> bytes:
    target = io.BytesIO()
    torch.save(value, target)
    return target.getvalue()


@pytest.mark.parametrize("ending", ["pt", "json"])
def test_the_layout_before(tmp_path: Path, ending: str) -> None:
    """As torch 2.1 (.json) and 2.2 to 2.7 (.pt) wrote it: files of torch.save inside the archive."""
    network = Net().state_dict()
    with zipfile.ZipFile(tmp_path / "a.pt2", "w") as file:
        file.writestr("serialized_exported_program.json", '{"graph_module": {}}')
        file.writestr(f"serialized_state_dict.{ending}", saved(network))
        file.writestr(f"serialized_constants.{ending}", saved({"k": torch.ones(2)}))
        file.writestr("version", "5.3")
    checkpoint = read_checkpoint(tmp_path / "a.pt2")
    assert set(checkpoint.tensors) == set(network)
    assert all(torch.equal(checkpoint.tensors[name], tensor) for name, tensor in network.items())
    assert torch.equal(read_checkpoint(tmp_path / "a.pt2", group=CONSTANTS).tensors["k"], torch.ones(2))
    assert read_graph(tmp_path / "a.pt2") == b'{"graph_module": {}}'


def changed(path: Path, change: Callable[[dict[str, Any]], Any], extra: dict[str, bytes] | None = None) -> Path:
    """The archive with its list of weights changed, and members added."""
    target = path.with_name("changed.pt2")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as file:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("model_weights_config.json"):
                table = json.loads(data)
                change(table["config"])
                data = json.dumps(table).encode()
            file.writestr(name, data)
        for name, data in (extra or {}).items():
            file.writestr(name, data)
    return target


LIES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "a path": (lambda c: c["first.weight"].update(path_name="../constants/tensor_0"), "not in the file"),
    "no such member": (lambda c: c["first.weight"].update(path_name="weight_99"), "not in the file"),
    "a size too large": (lambda c: c["first.weight"]["tensor_meta"]["sizes"].__setitem__(0, {"as_int": 99}), "reaches past"),
    "a negative stride": (lambda c: c["first.weight"]["tensor_meta"]["strides"].__setitem__(0, {"as_int": -1}), "negative"),
    "a symbol as size": (lambda c: c["first.weight"]["tensor_meta"]["sizes"].__setitem__(0, {"as_expr": {}}), "negative or too"),
    "an offset": (lambda c: c["first.weight"]["tensor_meta"].update(storage_offset={"as_int": 7}), "reaches past"),
    "an unknown type": (lambda c: c["first.weight"]["tensor_meta"].update(dtype=99), "stored as type '99'"),
    "a type that is none": (lambda c: c["first.weight"]["tensor_meta"].update(dtype=[1]), "stored as type"),
    "sparse": (lambda c: c["first.weight"]["tensor_meta"].update(layout=1), "not dense"),
    "a list": (lambda c: c.update({"first.weight": []}), "not in the file"),
    "no meta": (lambda c: c["first.weight"].update(tensor_meta=3), "malformed"),
}


@pytest.mark.parametrize("lie", LIES)
def test_lists_that_lie(tmp_path: Path, lie: str) -> None:
    export(tmp_path / "a.pt2")
    with pytest.raises(CheckpointError, match=LIES[lie][1]):
        read_checkpoint(changed(tmp_path / "a.pt2", LIES[lie][0]))


def test_a_pickled_weight_is_read_inertly(tmp_path: Path) -> None:
    """torch pickles weights of classes of their own; what is an ordinary tensor in there is read, code is not run."""
    export(tmp_path / "a.pt2")
    place = {"path_name": "weight_77", "use_pickle": True}
    extra = {"a/data/weights/weight_77": saved(torch.full((3, 3), 7.0))}
    path = changed(tmp_path / "a.pt2", lambda c: c["first.weight"].update(place), extra)
    assert torch.equal(read_checkpoint(path).tensors["first.weight"], torch.full((3, 3), 7.0))
    mark = tmp_path / "it ran"

    class Boom:
        def __reduce__(self) -> Any:
            return Path.touch, (mark,)

    path = changed(tmp_path / "a.pt2", lambda c: c["first.weight"].update(place), {"a/data/weights/weight_77": saved(Boom())})
    with pytest.raises(CheckpointError, match=r"'first\.weight' is none, or is damaged"):
        read_checkpoint(path)
    assert not mark.exists()
