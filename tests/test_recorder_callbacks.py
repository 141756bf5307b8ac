"""The callbacks: Lightning's with a stand-in for its package, that of transformers with the package where it is installed."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from landscape_gui.errors import RecorderError
from landscape_gui.recorder.log import rows_in
from landscape_gui.run import find_run


@pytest.fixture
def fresh() -> Iterator[None]:
    """The modules of the callbacks are imported anew, and forgotten afterwards."""
    names = ("landscape_gui.recorder.lightning", "landscape_gui.recorder.huggingface")
    before = {name: sys.modules.pop(name, None) for name in names}
    yield
    for name, module in before.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


SETTINGS = {"train_batch_size": 4, "gradient_accumulation_steps": 1, "seed": 7}
"""Of transformers' TrainingArguments, which cannot be made without accelerate."""


class Trainer:
    """What a callback sees of Lightning's Trainer, and the order in which it calls: validation before the epoch's end; two batches
    for one step of the optimiser."""

    def __init__(self, callback: Any) -> None:
        self.callback, self.is_global_zero, self.global_step = callback, True, 0
        self.optimizers: list[torch.optim.Optimizer] = []
        self.callback_metrics: dict[str, Any] = {}
        self.train_dataloader = types.SimpleNamespace(batch_size=8)

    def fit(self, module: nn.Module, epochs: int) -> None:
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
        self.optimizers = [optimizer]
        x, y = torch.randn(32, 5), torch.randint(0, 2, (32,))
        self.callback.on_fit_start(self, module)
        for epoch in range(epochs):
            for index, batch in enumerate(torch.arange(32).split(8)):
                loss = F.cross_entropy(module(x[batch]), y[batch])
                loss.backward()
                if index % 2:
                    optimizer.step()
                    optimizer.zero_grad()
                    self.global_step += 1
                self.callback.on_train_batch_end(self, module, {"loss": loss.detach()}, batch, index)
            self.callback_metrics = {"val_loss": torch.tensor(0.5 - 0.1 * epoch), "name": "x"}
            self.callback.on_train_epoch_end(self, module)
        self.callback.on_fit_end(self, module)


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    package, module = types.ModuleType("lightning"), types.ModuleType("lightning.pytorch")
    module.Callback = type("Callback", (), {})  # type: ignore[attr-defined]
    package.pytorch = module  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lightning", package)
    monkeypatch.setitem(sys.modules, "lightning.pytorch", module)


def test_lightning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    stand_in(monkeypatch)
    from landscape_gui.recorder.lightning import RecorderCallback

    net = nn.Linear(5, 2)
    trainer = Trainer(RecorderCallback(tmp_path / "a"))
    trainer.fit(net, 3)
    run = find_run(tmp_path / "a")
    assert run is not None and [entry.step for entry in run.checkpoints] == list(range(7))
    assert [run.logged(e)["val_loss"] for e in run.checkpoints if e.epoch] == pytest.approx([0.5, 0.4, 0.3])
    assert all("train_loss" in run.logged(e) for e in run.checkpoints if e.epoch)
    trainer.callback = RecorderCallback(tmp_path / "a")
    trainer.fit(net, 1)
    run = find_run(tmp_path / "a")
    assert run is not None and [entry.step for entry in run.checkpoints] == list(range(9))


def test_lightning_on_other_processes_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    stand_in(monkeypatch)
    from landscape_gui.recorder.lightning import RecorderCallback

    trainer = Trainer(RecorderCallback(tmp_path / "a"))
    trainer.is_global_zero = False
    trainer.fit(nn.Linear(5, 2), 1)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("name", ["lightning", "huggingface"])
def test_a_missing_or_broken_package_is_said(name: str, monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    """None in sys.modules is what an import that fails looks like."""
    for package in ("lightning", "lightning.pytorch", "pytorch_lightning", "transformers"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(RecorderError, match="cannot be imported") as caught:
        importlib.import_module(f"landscape_gui.recorder.{name}")
    assert "pip install" in caught.value.remedy


@pytest.mark.skipif(importlib.util.find_spec("lightning") is None, reason="lightning is not installed")
def test_lightning_itself(tmp_path: Path, fresh: None) -> None:
    import lightning.pytorch as pl
    from torch.utils.data import DataLoader, TensorDataset

    from landscape_gui.recorder.lightning import RecorderCallback

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Linear(5, 2)

        def training_step(self, batch: Any, index: int) -> Any:
            return F.cross_entropy(self.net(batch[0]), batch[1])

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val_loss", F.cross_entropy(self.net(batch[0]), batch[1]))

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    loader = DataLoader(TensorDataset(torch.randn(32, 5), torch.randint(0, 2, (32,))), batch_size=8)
    trainer = pl.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        callbacks=[RecorderCallback(tmp_path / "a")],
    )  # fmt: skip
    trainer.fit(Module(), loader, loader)
    run = find_run(tmp_path / "a")
    assert run is not None and [entry.step for entry in run.checkpoints] == list(range(9))
    assert all("val_loss" in run.logged(entry) for entry in run.checkpoints if entry.epoch)


@pytest.mark.skipif(importlib.util.find_spec("transformers") is None, reason="transformers is not installed")
def test_transformers_with_its_own_flow_of_calls(tmp_path: Path, fresh: None) -> None:
    """Through transformers' own CallbackHandler and TrainerState, in the order of its Trainer's loop."""
    from transformers import TrainerControl, TrainerState
    from transformers.trainer_callback import CallbackHandler

    from landscape_gui.recorder.huggingface import RecorderCallback

    model = nn.Linear(5, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    callback = RecorderCallback(tmp_path / "a")
    handler = CallbackHandler([callback], model, None, optimizer, None)
    args, state, control = types.SimpleNamespace(**SETTINGS), TrainerState(), TrainerControl()
    handler.on_train_begin(args, state, control)
    for epoch in (1, 2):
        handler.on_epoch_begin(args, state, control)
        for _ in range(3):
            handler.on_step_begin(args, state, control)
            F.cross_entropy(model(torch.randn(4, 5)), torch.randint(0, 2, (4,))).backward()
            optimizer.step()
            optimizer.zero_grad()
            state.global_step += 1
            handler.on_step_end(args, state, control)
            handler.on_log(args, state, control, {"loss": 1.0 / state.global_step, "learning_rate": 0.5, "epoch": 0.3})
        handler.on_epoch_end(args, state, control)
        handler.on_evaluate(args, state, control, {"eval_loss": 0.25 / epoch, "eval_runtime": 3.0, "epoch": float(epoch)})
    handler.on_train_end(args, state, control)
    found = list(rows_in(tmp_path / "a" / "metrics.jsonl"))
    assert [row["loss"] for row in found if "loss" in row] == pytest.approx([1 / n for n in range(1, 7)])
    assert all(row["lr"] == 0.01 for row in found) and not any("eval_runtime" in row for row in found)
    run = find_run(tmp_path / "a")
    assert run is not None and [entry.label for entry in run.checkpoints][3:] == ["epoch 1", "step 4", "step 5", "epoch 2"]
    assert [run.logged(e)["eval_loss"] for e in run.checkpoints if e.epoch] == [0.25, 0.125]


@pytest.mark.skipif(importlib.util.find_spec("accelerate") is None, reason="the Trainer of transformers needs accelerate")
def test_transformers_own_trainer(tmp_path: Path, fresh: None) -> None:
    from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

    from landscape_gui.recorder.huggingface import RecorderCallback

    model = BertForSequenceClassification(
        BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    )
    data = [{"input_ids": torch.randint(0, 20, (6,)), "labels": torch.tensor(k % 2)} for k in range(16)]
    args = TrainingArguments(
        output_dir=str(tmp_path / "out"), num_train_epochs=2, per_device_train_batch_size=4, logging_steps=1, report_to=[],
        save_strategy="no", eval_strategy="epoch", use_cpu=True, disable_tqdm=True,
    )  # fmt: skip
    trainer = Trainer(model, args, train_dataset=data, eval_dataset=data, callbacks=[RecorderCallback(tmp_path / "a")])  # type: ignore[arg-type]
    trainer.train()
    run = find_run(tmp_path / "a")
    assert run is not None and [entry.step for entry in run.checkpoints] == list(range(9))
    assert all("eval_loss" in run.logged(entry) for entry in run.checkpoints if entry.epoch)
    assert sum("loss" in row for row in rows_in(tmp_path / "a" / "metrics.jsonl")) == 8
