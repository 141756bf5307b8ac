"""Folders of checkpoints: which files are the run, in which order, and what was logged beside them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from landscape_gui.problem.locate import find_checkpoint
from landscape_gui.run import Run, find_run


def save(path: Path, size: int = 2, **stored: Any) -> Path:
    """A checkpoint of a network whose shapes depend on `size`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"model": {"weight": torch.ones(size, 2)}, **stored}, path)
    return path


def names(run: Run | None) -> list[str]:
    assert run is not None
    return [entry.path.name for entry in run.checkpoints]


def test_by_the_epoch_that_is_stored(tmp_path: Path) -> None:
    for name, epoch in (("c.pt", 1), ("a.pt", 10), ("b.pt", 9)):
        save(tmp_path / name, epoch=epoch)
    run = find_run(tmp_path)
    assert run is not None
    assert names(run) == ["c.pt", "b.pt", "a.pt"]
    assert [entry.epoch for entry in run.checkpoints] == [1, 9, 10]
    assert run.last.path.name == "a.pt"
    assert run.last.label == "epoch 10"
    assert run.name == tmp_path.name
    assert run.notes == ()


def test_by_the_step_that_is_stored(tmp_path: Path) -> None:
    for name, step in (("c.pt", 100), ("a.pt", 1000), ("b.pt", 900)):
        save(tmp_path / name, global_step=step)
    assert names(find_run(tmp_path)) == ["c.pt", "b.pt", "a.pt"]
    assert find_run(tmp_path).last.label == "step 1000"  # type: ignore[union-attr]


def test_steps_within_epochs(tmp_path: Path) -> None:
    for epoch, step in ((0, 50), (0, 100), (1, 150)):
        save(tmp_path / f"epoch={epoch}-step={step}.ckpt", epoch=epoch, global_step=step)
    assert names(find_run(tmp_path)) == ["epoch=0-step=50.ckpt", "epoch=0-step=100.ckpt", "epoch=1-step=150.ckpt"]


def test_by_the_name(tmp_path: Path) -> None:
    for epoch in (10, 9, 1, 0):
        save(tmp_path / f"epoch_{epoch}.pt")
    assert names(find_run(tmp_path)) == ["epoch_0.pt", "epoch_1.pt", "epoch_9.pt", "epoch_10.pt"]


def test_by_natural_order_of_other_names(tmp_path: Path) -> None:
    for part in ("run-b10", "run-b9", "run-b1"):
        save(tmp_path / f"{part}.pt")
    run = find_run(tmp_path)
    assert names(run) == ["run-b1.pt", "run-b9.pt", "run-b10.pt"]
    assert run is not None
    assert [entry.label for entry in run.checkpoints] == ["run-b1", "run-b9", "run-b10"]


def test_a_stored_epoch_that_is_always_the_same_is_not_the_order(tmp_path: Path) -> None:
    for part in (3, 20, 1):
        save(tmp_path / f"epoch_{part}.pt", epoch=100)
    assert names(find_run(tmp_path)) == ["epoch_1.pt", "epoch_3.pt", "epoch_20.pt"]


def test_initial_weights_come_first(tmp_path: Path) -> None:
    for name in ("epoch_1.pt", "epoch_2.pt", "init.pt"):
        save(tmp_path / name)
    assert names(find_run(tmp_path)) == ["init.pt", "epoch_1.pt", "epoch_2.pt"]


def test_best_and_last_are_left_out_where_they_repeat(tmp_path: Path) -> None:
    for epoch in (1, 2, 3):
        save(tmp_path / f"epoch_{epoch}.pt", epoch=epoch)
    save(tmp_path / "best.pt", epoch=2)
    save(tmp_path / "last.pt", epoch=3)
    save(tmp_path / "final.pt")
    run = find_run(tmp_path)
    assert names(run) == ["epoch_1.pt", "epoch_2.pt", "epoch_3.pt"]
    assert run is not None
    assert "best.pt" in run.notes[0]
    assert "last.pt" in run.notes[0]
    opened = find_run(tmp_path / "best.pt")
    assert opened is not None
    assert opened.position(tmp_path / "best.pt") is not None  # the file that was asked for is always in


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    for epoch in (1, 2):
        save(tmp_path / f"epoch_{epoch}.pt")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "data").write_bytes(bytes(100))
    (tmp_path / ".epoch_3.pt.swp").write_bytes(b"x")
    (tmp_path / "scores.npz").write_bytes(b"PK")
    optimiser = torch.optim.Adam([torch.nn.Parameter(torch.ones(2))])
    torch.save(optimiser.state_dict(), tmp_path / "optimizer.pt")
    run = find_run(tmp_path)
    assert names(run) == ["epoch_1.pt", "epoch_2.pt"]
    assert run is not None
    assert run.notes == ()


def test_a_broken_checkpoint_is_named(tmp_path: Path) -> None:
    for epoch in (1, 2, 3):
        save(tmp_path / f"epoch_{epoch}.pt")
    path = tmp_path / "epoch_2.pt"
    path.write_bytes(path.read_bytes()[:200])
    run = find_run(tmp_path)
    assert names(run) == ["epoch_1.pt", "epoch_3.pt"]
    assert run is not None
    assert run.notes[0].startswith("epoch_2.pt left out")


def test_the_largest_family_or_that_of_the_file(tmp_path: Path) -> None:
    for epoch in (1, 2, 3):
        save(tmp_path / f"small_epoch_{epoch}.pt", size=2)
    for epoch in (1, 2):
        save(tmp_path / f"large_epoch_{epoch}.pt", size=5)
    run = find_run(tmp_path)
    assert names(run) == [f"small_epoch_{epoch}.pt" for epoch in (1, 2, 3)]
    assert run is not None
    assert "2 files with other tensors" in run.notes[0]
    assert "large_epoch_1.pt" in run.notes[0]
    assert names(find_run(tmp_path / "large_epoch_2.pt")) == ["large_epoch_1.pt", "large_epoch_2.pt"]


def test_a_file_by_itself_is_no_run(tmp_path: Path) -> None:
    path = save(tmp_path / "weights.pt")
    assert find_run(path) is None
    assert names(find_run(tmp_path)) == ["weights.pt"]
    assert find_run(tmp_path / "nowhere") is None


def test_an_empty_folder_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert find_run(tmp_path) is None


def test_formats_may_be_mixed(tmp_path: Path) -> None:
    save(tmp_path / "epoch_1.pt")
    save_file({"weight": torch.ones(2, 2)}, tmp_path / "epoch_2.safetensors")
    assert names(find_run(tmp_path)) == ["epoch_1.pt", "epoch_2.safetensors"]


def test_a_folder_of_checkpoints_inside(tmp_path: Path) -> None:
    for epoch in (1, 2):
        save(tmp_path / "checkpoints" / f"epoch_{epoch}.pt")
    (tmp_path / "metrics.json").write_text(json.dumps([{"epoch": 1, "train_loss": 0.5}]))
    run = find_run(tmp_path)
    assert names(run) == ["epoch_1.pt", "epoch_2.pt"]
    assert run is not None
    assert run.logged(run.checkpoints[0]) == {"epoch": 1, "train_loss": 0.5}


def test_a_folder_for_each_checkpoint(tmp_path: Path) -> None:
    for step in (1000, 500):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        save_file({"weight": torch.ones(2, 2)}, folder / "model.safetensors", metadata={"format": "pt"})
    run = find_run(tmp_path)
    assert run is not None
    assert [(entry.path.parent.name, entry.step) for entry in run.checkpoints] == [
        ("checkpoint-500", 500),
        ("checkpoint-1000", 1000),
    ]
    opened = find_run(tmp_path / "checkpoint-500" / "model.safetensors")
    assert opened is not None
    assert opened.position(tmp_path / "checkpoint-500" / "model.safetensors") == 0


def trained(folder: Path, steps: tuple[int, ...] = (100, 200, 1000), *, size: int = 2) -> Path:
    """What the Trainer of transformers leaves: a folder for each checkpoint, and the network at the end beside them."""
    history = [{"epoch": step / 100, "step": step, "loss": 1 / step, "learning_rate": 1e-3 / step} for step in range(50, 1001, 50)]
    history += [{"epoch": 1.0, "step": 100, "eval_loss": 0.25, "eval_runtime": 3.0}]
    for step in (*steps, None):
        place = folder / f"checkpoint-{step}" if step else folder
        place.mkdir(exist_ok=True, parents=True)
        save_file({"weight": torch.full((size if step is None else 2, 2), float(step or 0))}, place / "model.safetensors")
        (place / "config.json").write_text('{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}')
        if step:
            logged = [row for row in history if float(row["step"]) <= step]
            state = {"global_step": step, "max_steps": 1000, "log_history": logged, "stateful_callbacks": {}}
            (place / "trainer_state.json").write_text(json.dumps(state))
            torch.save({"state": {}, "param_groups": []}, place / "optimizer.pt")
    return folder


def test_the_output_of_a_trainer_is_a_run_with_the_network_at_the_end(tmp_path: Path) -> None:
    folder = trained(tmp_path / "out")
    for opened in (
        folder,
        folder / "checkpoint-200",
        folder / "model.safetensors",
        folder / "checkpoint-200" / "model.safetensors",
    ):
        run = find_run(opened)
        assert run is not None and run.path == folder and run.notes == ()
        assert [(e.path.parent.name, e.step, e.label) for e in run.checkpoints] == [
            ("checkpoint-100", 100, "step 100"),
            ("checkpoint-200", 200, "step 200"),
            ("checkpoint-1000", 1000, "step 1000"),
            ("out", 1000, "final"),
        ]
    place, run = find_checkpoint(folder)
    assert (place, run and run.position(place)) == (folder / "model.safetensors", 3)
    place, run = find_checkpoint(folder / "checkpoint-200")
    assert (place, run and run.position(place)) == (folder / "checkpoint-200" / "model.safetensors", 1)


def test_what_a_trainer_logged_is_the_runs_log(tmp_path: Path) -> None:
    run = find_run(trained(tmp_path / "out"))
    assert run is not None and len(run.metrics) == 20
    row = run.logged(run.checkpoints[0])
    assert (row["loss"], row["learning_rate"], row["eval_loss"]) == (0.01, 1e-5, 0.25)
    assert run.logged(run.last)["learning_rate"] == 1e-6


def test_the_end_of_a_training_that_was_stopped_has_the_step_that_its_own_state_says(tmp_path: Path) -> None:
    folder = trained(tmp_path / "out", (100, 200))
    run = find_run(folder)
    assert run is not None and run.last.step is None and run.logged(run.last) == {}
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": 230, "log_history": [{"step": 230, "loss": 0.5}]}))
    run = find_run(folder)
    assert run is not None and run.last.step == 230 and run.logged(run.last) == {"step": 230.0, "loss": 0.5}


def test_a_network_with_other_tensors_beside_its_checkpoints_stands_alone(tmp_path: Path) -> None:
    folder = trained(tmp_path / "out", size=3)
    assert find_run(folder) is None
    assert find_checkpoint(folder) == (folder / "model.safetensors", None)
    run = find_run(folder / "checkpoint-100")
    assert run is not None and len(run.checkpoints) == 3
    assert run.notes == ("model.safetensors of out itself left out: it has other tensors.",)


@pytest.mark.parametrize("content", ["", "[]", "[" * 100_000, '{"log_history": 3}', '{"global_step": true, "log_history": [3]}'])
def test_a_broken_state_of_a_trainer_is_passed_over(tmp_path: Path, content: str) -> None:
    folder = trained(tmp_path / "out", (100, 200))
    for place in (folder, folder / "checkpoint-200"):
        (place / "trainer_state.json").write_text(content)
    run = find_run(folder)
    assert run is not None and len(run.checkpoints) == 3 and run.last.step is None and run.metrics == ()


def test_seeds_side_by_side_are_no_run(tmp_path: Path) -> None:
    for seed in (1, 2):
        save(tmp_path / f"seed_{seed}" / "last.pt")
    assert find_run(tmp_path) is None


LOGS = {
    "metrics.json": json.dumps([{"epoch": 1, "train_loss": 0.5, "note": "x"}, {"epoch": 2, "train_loss": 0.25}]),
    "history.json": json.dumps({"epoch": [1, 2], "train_loss": [0.5, 0.25]}),
    "log.json": json.dumps({"name": "run", "rows": [{"epoch": 1, "train_loss": 0.5}, {"epoch": 2, "train_loss": 0.25}]}),
    "log.jsonl": '{"epoch": 1, "train_loss": 0.5}\n\n{"epoch": 2, "train_loss": 0.25}\n',
    "metrics.jsonl": '{"epoch": 1, "train_loss": 0.5}\n{"epoch": 2, "train_loss": 0.25}\n{"epoch": 3, "train_loss": 0.1',
    "log.csv": "epoch,train_loss,note\n1,0.5,\n2,0.25,x\n",
}


@pytest.mark.parametrize("name", LOGS)
def test_logs(tmp_path: Path, name: str) -> None:
    for epoch in (1, 2, 3):
        save(tmp_path / f"epoch_{epoch}.pt")
    (tmp_path / name).write_text(LOGS[name])
    run = find_run(tmp_path)
    assert run is not None
    assert [run.logged(entry).get("train_loss") for entry in run.checkpoints] == [0.5, 0.25, None]


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", '{"a": 3}', "[" * 100_000, '[{"epoch": ' + "9" * 10_000 + "}]", "\0\0"])
def test_broken_logs_are_passed_over(tmp_path: Path, content: str) -> None:
    for epoch in (1, 2):
        save(tmp_path / f"epoch_{epoch}.pt")
    for name in ("metrics.json", "log.csv", "log.jsonl"):
        (tmp_path / name).write_text(content)
    run = find_run(tmp_path)
    assert run is not None
    assert len(run.checkpoints) == 2
    assert run.logged(run.checkpoints[0]) == {}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_cannot_be_listed(tmp_path: Path) -> None:
    from landscape_gui.errors import CheckpointError

    folder = tmp_path / "closed"
    folder.mkdir(mode=0o000)
    with pytest.raises(CheckpointError, match="cannot be listed"):
        find_run(folder)


def test_the_folder_that_one_stands_in_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "a.pt", epoch=1)
    save(tmp_path / "b.pt", epoch=2)
    monkeypatch.chdir(tmp_path)
    assert find_run("a.pt").name == find_run(".").name == tmp_path.name  # type: ignore[union-attr]
