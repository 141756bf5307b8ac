"""Folders whose files make one checkpoint: shards with an index, Hugging Face folders, distributed checkpoints."""

from __future__ import annotations

import json
import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed.checkpoint as dcp
from safetensors.torch import save_file

from landscape_gui.checkpoint import digest, peek, read_checkpoint, source
from landscape_gui.checkpoint import read as reading
from landscape_gui.errors import CheckpointError
from landscape_gui.problem.locate import find_checkpoint
from landscape_gui.run import find_run


def weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Linear(4, 3))
    return dict(network.state_dict())


def same(found: Any, expected: dict[str, torch.Tensor]) -> None:
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor), name


def shards(folder: Path, stem: str = "model", ending: str = "safetensors", count: int = 3) -> dict[str, str]:
    """Write the weights as a hub does; the index's map."""
    folder.mkdir(exist_ok=True)
    names, table = list(weights()), {}
    for index in range(count):
        shard = f"{stem}-{index + 1:05d}-of-{count:05d}.{ending}"
        part = {name: weights()[name] for name in names[index::count]}
        save_file(part, folder / shard) if ending == "safetensors" else torch.save(part, folder / shard)
        table |= dict.fromkeys(part, shard)
    write_index(folder, table, f"{stem}.{ending}")
    return table


def write_index(folder: Path, table: Any, name: str = "model.safetensors") -> None:
    (folder / f"{name}.index.json").write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": table}), encoding="utf-8")


def hub(folder: Path) -> Path:
    """A folder as `save_pretrained` leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}), encoding="utf-8")
    (folder / "vocab.json").write_text("{}", encoding="utf-8")
    save_file(weights(), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize(("stem", "ending"), [("model", "safetensors"), ("pytorch_model", "bin")])
@pytest.mark.parametrize("opened", ["", "index", "shard"])
def test_shards_are_one_checkpoint(tmp_path: Path, stem: str, ending: str, opened: str) -> None:
    table = shards(tmp_path / "net", stem, ending)
    place = tmp_path / "net" / {"": "", "index": f"{stem}.{ending}.index.json", "shard": table["0.weight"]}[opened]
    checkpoint = read_checkpoint(place)
    same(checkpoint.tensors, weights())
    assert checkpoint.digest == digest(weights())
    assert checkpoint.format.startswith("sharded")
    assert "Read from 3 shards." in checkpoint.notes
    assert any("all were read" in note for note in checkpoint.notes) == (opened == "shard")
    assert {tensor.name for tensor in peek(place).tensors} == set(weights())


def test_a_hub_folder(tmp_path: Path) -> None:
    hub(tmp_path / "gpt2")
    torch.save(weights(), tmp_path / "gpt2" / "pytorch_model.bin")
    checkpoint = read_checkpoint(tmp_path / "gpt2")
    same(checkpoint.tensors, weights())
    assert checkpoint.format == "Hugging Face folder, safetensors"
    assert checkpoint.metadata["config.model_type"] == "gpt2"
    assert checkpoint.metadata["config.architectures"] == "GPT2LMHeadModel"
    assert checkpoint.name == "gpt2"


def test_a_quantised_hub_folder_is_refused(tmp_path: Path) -> None:
    folder = hub(tmp_path / "net")
    said = {"model_type": "gpt_oss", "quantization_config": {"quant_method": "mxfp4"}}
    (folder / "config.json").write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"quantised \('mxfp4'\), as its config\.json says"):
        read_checkpoint(folder)


@pytest.mark.parametrize("config", ["{}", "[1]", "no JSON", '{"lr": 0.1}'])
def test_a_folder_whose_config_speaks_of_no_network_is_a_run(tmp_path: Path, config: str) -> None:
    for epoch in (1, 2):
        torch.save(weights(), tmp_path / f"epoch_{epoch}.pt")
    save_file(weights(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(config, encoding="utf-8")
    assert len(find_run(tmp_path).checkpoints) > 1  # type: ignore[union-attr]
    with pytest.raises(CheckpointError, match="a folder"):
        read_checkpoint(tmp_path)


def test_a_hub_folder_is_no_run(tmp_path: Path) -> None:
    """`model.safetensors` and `pytorch_model.bin` are the same weights twice, not two epochs."""
    folder = hub(tmp_path / "gpt2")
    torch.save(weights(), folder / "pytorch_model.bin")
    assert find_checkpoint(folder) == (folder / "model.safetensors", None)
    for name in ("model.safetensors", "pytorch_model.bin"):
        assert find_checkpoint(folder / name) == (folder / name, None)


def test_shards_are_no_run(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    table = shards(folder)
    assert find_checkpoint(folder) == (folder, None)
    for name in ("model.safetensors.index.json", table["0.weight"]):
        assert find_checkpoint(folder / name) == (folder, None)


@pytest.mark.parametrize("kind", ["hub", "shards"])
def test_a_trainers_folders_are_a_run(tmp_path: Path, kind: str) -> None:
    for step in (500, 1000):
        hub(tmp_path / f"checkpoint-{step}")
        if kind == "shards":
            (tmp_path / f"checkpoint-{step}" / "model.safetensors").unlink()
            shards(tmp_path / f"checkpoint-{step}")
        torch.save({"state": {}, "param_groups": []}, tmp_path / f"checkpoint-{step}" / "optimizer.pt")
    run = find_run(tmp_path)
    assert run is not None and [entry.step for entry in run.checkpoints] == [500, 1000]
    for opened in (tmp_path, tmp_path / "checkpoint-1000"):
        place, found = find_checkpoint(opened)
        assert found is not None and found.position(place) == 1
        same(read_checkpoint(place).tensors, weights())


@pytest.mark.parametrize("name", ["consolidated.{:02d}.pth", "mp_rank_{:02d}_model_states.pt", "net_rank{}.pt", "rank-{}.pth"])
def test_pieces_of_one_network_are_no_run(tmp_path: Path, name: str) -> None:
    for device in range(2):
        torch.save({"w": torch.full((2, 2), float(device))}, tmp_path / name.format(device))
    with pytest.raises(CheckpointError, match="cut to pieces over devices") as caught:
        find_checkpoint(tmp_path)
    assert "Gather" in caught.value.remedy
    assert read_checkpoint(tmp_path / name.format(1)).tensors["w"][0, 0] == 1


def test_ranks_of_another_kind_are_a_run(tmp_path: Path) -> None:
    for rank in (4, 8, 16):
        torch.save({"w": torch.ones(2, 2)}, tmp_path / f"lora_rank_{rank}.pt")
    assert len(find_run(tmp_path).checkpoints) == 3  # type: ignore[union-attr]


LINKS = ["../secret.safetensors", "/etc/passwd", "..", "", "a/b.safetensors", "a\\b.safetensors", "C:x", "a\0b", 3, None, "x" * 300]


@pytest.mark.parametrize("link", LINKS)
def test_an_index_leads_nowhere_else(tmp_path: Path, link: Any) -> None:
    folder = tmp_path / "net"
    table: dict[str, Any] = dict(shards(folder))
    save_file(weights(), tmp_path / "secret.safetensors")
    table["0.weight"] = link
    write_index(folder, table)
    for place in (folder, folder / "model.safetensors.index.json"):
        with pytest.raises(CheckpointError, match="not one beside it"):
            read_checkpoint(place)
        with pytest.raises(CheckpointError, match="not one beside it"):
            peek(place)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    table = shards(tmp_path / "net")
    (tmp_path / "net" / table["0.weight"]).unlink()
    with pytest.raises(CheckpointError, match=r"shard 'model-00001-of-00003\.safetensors' is missing"):
        read_checkpoint(tmp_path / "net")


def test_a_broken_shard_is_named(tmp_path: Path) -> None:
    table = shards(tmp_path / "net")
    shard = tmp_path / "net" / table["0.weight"]
    shard.write_bytes(shard.read_bytes()[:-3])
    with pytest.raises(CheckpointError, match=r"shard 'model-00001-of-00003\.safetensors' cannot be read: it ends before"):
        read_checkpoint(tmp_path / "net")


def test_a_tensor_that_its_shard_has_not_is_named(tmp_path: Path) -> None:
    table = shards(tmp_path / "net")
    write_index(tmp_path / "net", {**table, "ghost": table["0.weight"]})
    with pytest.raises(CheckpointError, match="'ghost' is not in the shard"):
        peek(tmp_path / "net")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_shard_that_is_a_pipe_does_not_block(tmp_path: Path) -> None:
    table = shards(tmp_path / "net")
    shard = tmp_path / "net" / table["0.weight"]
    shard.unlink()
    os.mkfifo(shard)
    with pytest.raises(CheckpointError, match="not a plain file"):
        read_checkpoint(tmp_path / "net")


def test_a_shard_that_is_rewritten_is_seen(tmp_path: Path) -> None:
    table = shards(tmp_path / "net")
    assert peek(tmp_path / "net").parameters == sum(tensor.numel() for tensor in weights().values())
    names = [name for name, shard in table.items() if shard == table["0.weight"]]
    save_file({name: torch.zeros(2) for name in names}, tmp_path / "net" / table["0.weight"])
    assert {tensor.shape for tensor in peek(tmp_path / "net").tensors if tensor.name in names} == {(2,)}


def test_a_shard_that_changes_meanwhile_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = shards(tmp_path / "net")
    shard = tmp_path / "net" / table["3.bias"]
    names = [name for name in table if table[name] == shard.name]
    original = reading._load
    rewritten = []

    def rewrite_once(*args: Any) -> Any:
        found = original(*args)
        if not rewritten:
            rewritten.append(True)
            save_file({name: torch.full_like(weights()[name], 5) for name in names}, tmp_path / "new")
            os.replace(tmp_path / "new", shard)
        return found

    monkeypatch.setattr(reading, "_load", rewrite_once)
    assert bool((read_checkpoint(tmp_path / "net").tensors["3.bias"] == 5).all())


@pytest.mark.parametrize("most", [1, 2])
def test_few_files_are_open_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(source, "OPEN", most)
    shards(tmp_path / "net")
    same(read_checkpoint(tmp_path / "net").tensors, weights())
    assert torch.equal(split(tmp_path / "pieces"), read_checkpoint(tmp_path / "pieces").tensors["w"])


def saved(folder: Path, **options: Any) -> dict[str, Any]:
    """A distributed checkpoint of a network after a step, with its optimiser; what was saved."""
    network = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.BatchNorm1d(4))
    optimiser = torch.optim.Adam(network.parameters())
    network(torch.randn(5, 6)).sum().backward()
    optimiser.step()
    state = {"model": network.state_dict(), "optim": optimiser.state_dict(), "epoch": 3}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that it saves in one process
        dcp.save(state, storage_writer=dcp.FileSystemWriter(folder, **options), no_dist=True)
    return state


@pytest.mark.parametrize("opened", ["", ".metadata", "__0_0.distcp"])
def test_a_distributed_checkpoint(tmp_path: Path, opened: str) -> None:
    state = saved(tmp_path / "step-30")
    checkpoint = read_checkpoint(tmp_path / "step-30" / opened)
    same(checkpoint.tensors, state["model"])
    assert checkpoint.format == "distributed checkpoint"
    assert checkpoint.groups[0] == "model"
    assert [(t.name, t.shape) for t in peek(tmp_path / "step-30").tensors] == [
        (name, tuple(tensor.shape)) for name, tensor in state["model"].items()
    ]


def test_a_distributed_checkpoint_is_no_run_but_several_are(tmp_path: Path) -> None:
    for step in (10, 20):
        saved(tmp_path / f"step-{step}")
    run = find_run(tmp_path)
    assert run is not None and [entry.step for entry in run.checkpoints] == [10, 20]
    assert find_checkpoint(tmp_path / "step-10")[0] == tmp_path / "step-10"
    saved(tmp_path / "alone")
    assert find_checkpoint(tmp_path / "alone") == (tmp_path / "alone", None)


def split(folder: Path) -> torch.Tensor:
    """A distributed checkpoint of one tensor in 2 x 2 pieces in two files, as four devices would save it; the tensor."""
    saved(folder)
    metadata = pickle.loads((folder / ".metadata").read_bytes())
    whole = torch.randn(6, 4)
    from torch.distributed.checkpoint.filesystem import _StorageInfo
    from torch.distributed.checkpoint.metadata import ChunkStorageMetadata, MetadataIndex, TensorProperties, TensorStorageMetadata

    chunks = [((row, column), (4 if row == 0 else 2, 2)) for row in (0, 4) for column in (0, 2)]
    metadata.state_dict_metadata = {
        "w": TensorStorageMetadata(
            TensorProperties(torch.float32), whole.shape, [ChunkStorageMetadata(torch.Size(a), torch.Size(b)) for a, b in chunks]
        )
    }
    metadata.planner_data = {"w": ("w",)}
    metadata.storage_data = {}
    for index, ((row, column), (height, width)) in enumerate(chunks):
        name = f"__{index % 2}_0.distcp"
        with (folder / name).open("ab" if index > 1 else "wb") as file:
            start = file.tell()
            torch.save(whole[row : row + height, column : column + width].clone(), file)
            metadata.storage_data[MetadataIndex("w", (row, column))] = _StorageInfo(name, start, file.tell() - start)
    (folder / ".metadata").write_bytes(pickle.dumps(metadata))
    return whole


def test_pieces_are_put_together(tmp_path: Path) -> None:
    whole = split(tmp_path / "net")
    assert torch.equal(read_checkpoint(tmp_path / "net").tensors["w"], whole)


def test_a_missing_piece_is_named(tmp_path: Path) -> None:
    split(tmp_path / "net")
    (tmp_path / "net" / "__1_0.distcp").unlink()
    with pytest.raises(CheckpointError, match=r"'__1_0\.distcp' is missing"):
        read_checkpoint(tmp_path / "net")


def rewritten(folder: Path, change: Any) -> None:
    metadata = pickle.loads((folder / ".metadata").read_bytes())
    change(metadata)
    (folder / ".metadata").write_bytes(pickle.dumps(metadata))


def infos(metadata: Any) -> list[Any]:
    return list(metadata.storage_data.values())


LIES: dict[str, tuple[Any, str]] = {
    "elsewhere": (lambda m: setattr(infos(m)[0], "relative_path", "../secret"), "not one beside it"),
    "past the end": (lambda m: setattr(infos(m)[3], "length", 1 << 40), r"'__1_0\.distcp' ends before its data does"),
    "another type": (lambda m: setattr(m.state_dict_metadata["w"].properties, "dtype", torch.float64), "another type"),
    "negative": (lambda m: setattr(infos(m)[0], "offset", -1), "malformed"),
    "overlapping": (lambda m: setattr(infos(m)[2], "offset", 3), "overlap"),
    "a piece too few": (lambda m: m.state_dict_metadata["w"].chunks.pop(), "only a part"),
    "a piece outside": (lambda m: setattr(m.state_dict_metadata["w"].chunks[0], "sizes", torch.Size([9, 2])), "reaches past"),
    "too large": (lambda m: setattr(m.state_dict_metadata["w"], "size", torch.Size([1 << 30, 1 << 30])), "larger than any"),
    "swapped": (lambda m: m.storage_data.update(zip(m.storage_data, infos(m)[::-1], strict=True)), "is none, or is damaged"),
    "compressed": (lambda m: setattr(infos(m)[0], "transform_descriptors", ["zstd"]), "compressed"),
    "no places": (lambda m: setattr(m, "storage_data", None), "malformed"),
    "not listed": (lambda m: m.storage_data.clear(), "not in its files"),
}


@pytest.mark.parametrize("lie", LIES)
def test_metadata_that_lies(tmp_path: Path, lie: str) -> None:
    split(tmp_path / "net")
    rewritten(tmp_path / "net", LIES[lie][0])
    with pytest.raises(CheckpointError, match=LIES[lie][1]):
        read_checkpoint(tmp_path / "net")


class Boom:
    def __reduce__(self) -> Any:
        return (os.system, ("touch /tmp/landscape-gui-boom",))


def test_metadata_runs_nothing(tmp_path: Path) -> None:
    mark = Path("/tmp/landscape-gui-boom")
    mark.unlink(missing_ok=True)
    whole = split(tmp_path / "net")
    rewritten(tmp_path / "net", lambda m: setattr(m, "version", Boom()))
    assert torch.equal(read_checkpoint(tmp_path / "net").tensors["w"], whole)
    assert not mark.exists()


def test_shards_saved_as_safetensors(tmp_path: Path) -> None:
    """torch can write each item of a .distcp file as safetensors."""
    from torch.distributed.checkpoint.filesystem import SerializationFormat

    state = saved(tmp_path / "net", serialization_format=SerializationFormat.SAFETENSORS)
    same(read_checkpoint(tmp_path / "net").tensors, state["model"])
    assert peek(tmp_path / "net").format == "distributed checkpoint"
