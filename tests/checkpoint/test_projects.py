"""Files laid out as well-known projects save theirs: the network's own weights are the ones that are read, under usable names."""

from __future__ import annotations

import argparse
import collections
import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from landscape_gui.checkpoint import read_checkpoint

W, B = torch.ones(2, 3), torch.zeros(2)


def net(prefix: str = "", fill: float = 1.0) -> dict[str, torch.Tensor]:
    return collections.OrderedDict({f"{prefix}fc.weight": torch.full((2, 3), fill), f"{prefix}fc.bias": B + fill})


class Anything:
    """Stands for a class of a project's own: in the file by name only."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class Detector(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = torch.nn.Linear(3, 2)
        self.stride, self.names, self.yaml = torch.tensor([8.0]), {0: "cat"}, {"nc": 1}


OPTIMISER = {"state": {0: {"exp_avg": W, "step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}

# name of the project: what it saves, the group that is taken, the names of the first tensor
PROJECTS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "torchvision": (lambda: net(), "", "fc.weight"),
    "torchvision's references": (
        lambda: {
            "model": net(),
            "optimizer": OPTIMISER,
            "lr_scheduler": {"last_epoch": 3},
            "args": argparse.Namespace(lr=1),
            "epoch": 3,
        },
        "model",
        "fc.weight",
    ),
    "torch's ImageNet example": (
        lambda: {
            "epoch": 9,
            "arch": "vgg",
            "state_dict": net("features.module."),
            "best_acc1": torch.tensor(71.0),
            "optimizer": OPTIMISER,
        },
        "state_dict",
        "features.fc.weight",
    ),
    "timm": (
        lambda: {
            "epoch": 9,
            "arch": "vit",
            "state_dict": net(),
            "state_dict_ema": net(fill=2),
            "optimizer": OPTIMISER,
            "version": 2,
        },
        "state_dict",
        "fc.weight",
    ),
    "fairseq": (
        lambda: {
            "args": argparse.Namespace(arch="transformer", lr=[0.1]),
            "cfg": {"_name": None, "model": argparse.Namespace(dropout=0.1)},
            "model": net("encoder."),
            "criterion": Anything(weight=None),
            "optimizer_history": [{"num_updates": 100, "lr_scheduler_state": {"best": 1.5}}],
            "extra_state": {"train_iterator": {"epoch": 5}, "val_loss": 2.5},
            "last_optimizer_state": OPTIMISER,
            "task_state": {},
        },
        "model",
        "encoder.fc.weight",
    ),
    "detectron2": (
        lambda: {
            "model": {name: tensor.numpy() for name, tensor in net("backbone.").items()},
            "__author__": "x",
            "matching_heuristics": True,
        },
        "model",
        "backbone.fc.weight",
    ),
    "mmcv": (
        lambda: {
            "meta": {"epoch": 12, "iter": 900, "CLASSES": ("a",), "config": "x = 1\n"},
            "state_dict": net("backbone."),
            "optimizer": OPTIMISER,
        },
        "state_dict",
        "backbone.fc.weight",
    ),
    "YOLO": (
        lambda: {
            "epoch": 9,
            "best_fitness": np.float64(0.5),
            "model": Detector().half(),
            "ema": None,
            "train_args": {"imgsz": 640},
        },
        "model",
        "fc.weight",
    ),
    "YOLO with its average only": (
        lambda: {"epoch": -1, "model": None, "ema": Detector().half(), "updates": 7},
        "ema",
        "fc.weight",
    ),
    "nanoGPT": (
        lambda: {
            "model": net("_orig_mod.transformer."),
            "optimizer": OPTIMISER,
            "model_args": {"n_layer": 6},
            "iter_num": 5000,
            "best_val_loss": torch.tensor(1.4),
            "config": {"dataset": "shakespeare_char"},
        },
        "model",
        "transformer.fc.weight",
    ),
    "DINO": (
        lambda: {
            "student": net("module.backbone."),
            "teacher": net("backbone.", 2),
            "optimizer": OPTIMISER,
            "epoch": 99,
            "dino_loss": {"center": B},
        },
        "student",
        "backbone.fc.weight",
    ),
    "MoCo": (
        lambda: {"epoch": 200, "arch": "resnet50", "state_dict": net("module.encoder_q."), "optimizer": OPTIMISER},
        "state_dict",
        "encoder_q.fc.weight",
    ),
    "Whisper": (lambda: {"dims": {"n_mels": 80}, "model_state_dict": net("encoder.")}, "model_state_dict", "encoder.fc.weight"),
    "Stable Diffusion": (
        lambda: {
            "epoch": 1,
            "global_step": 100,
            "pytorch-lightning_version": "1.4.2",
            "callbacks": {Anything: {"best": torch.tensor(0.1)}},
            "state_dict": {
                **net("model.diffusion_model."),
                "model_ema.decay": torch.tensor(0.9),
                **net("model_ema.diffusion_model"),
            },
        },
        "state_dict",
        "model.diffusion_model.fc.weight",
    ),
    "DeepSpeed": (
        lambda: {
            "module": net(),
            "buffer_names": [],
            "optimizer": None,
            "ds_config": {"zero": 1},
            "global_steps": 10,
            "dp_world_size": 2,
        },
        "module",
        "fc.weight",
    ),
    "Megatron": (
        lambda: {
            "args": argparse.Namespace(hidden=8),
            "checkpoint_version": 3.0,
            "iteration": 100,
            "model": {"language_model": {"encoder": net("layers.0.")}},
        },
        "model.language_model.encoder",
        "layers.0.fc.weight",
    ),
    "LLaMA": (lambda: {name: tensor.bfloat16() for name, tensor in net("layers.0.").items()}, "", "layers.0.fc.weight"),
    "SimCLR": (
        lambda: {"model": net("module."), "optimizer": OPTIMISER, "epoch": 500, "opt": argparse.Namespace(epochs=500)},
        "model",
        "fc.weight",
    ),
    "pix2pix": (lambda: net("model."), "", "model.fc.weight"),
    "BasicSR": (lambda: {"params": net(), "params_ema": net(fill=2)}, "params", "fc.weight"),
    "ESRGAN's average only": (lambda: {"params_ema": net(fill=1)}, "params_ema", "fc.weight"),
    "GAN": (lambda: {"netG": net("main."), "netD": net("main.", 2), "optimizerG": OPTIMISER, "epoch": 3}, "netG", "main.fc.weight"),
    "Decision Transformer's list": (lambda: [net(), OPTIMISER, 3], "0", "fc.weight"),
    "skorch": (lambda: collections.OrderedDict(net("module_.")), "", "module_.fc.weight"),
    "Ignite": (
        lambda: {"model": net(), "trainer": {"epoch_length": 10, "max_epochs": 5, "iteration": 50}, "optimizer": OPTIMISER},
        "model",
        "fc.weight",
    ),
    "Accelerate": (lambda: net("_orig_mod.module."), "", "fc.weight"),
    "fastai": (lambda: {"model": net("0."), "opt": {"state": [], "hypers": [{"lr": 0.1}]}}, "model", "0.fc.weight"),
    "SpeechBrain": (lambda: net("0.w2v2."), "", "0.w2v2.fc.weight"),
    "Git Re-Basin's loops": (
        lambda: {"state_dict": net(), "logs": {"train_loss": [1.0, 0.5], "acc": np.array([0.1, 0.2])}},
        "state_dict",
        "fc.weight",
    ),
    "loss-landscape": (lambda: {"acc": 93.1, "epoch": 300, "state_dict": net("module.")}, "state_dict", "fc.weight"),
    "a sweep's tuple": (lambda: (0.93, net(), {"lr": 0.1}), "1", "fc.weight"),
    "an object with everything": (
        lambda: Anything(step=3, config=Anything(lr=0.1), params=net(), opt_state=OPTIMISER),
        "params",
        "fc.weight",
    ),
}


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("zipped", [True, False])
def test_layouts(tmp_path: Path, project: str, zipped: bool) -> None:
    make, group, first = PROJECTS[project]
    torch.save(make(), tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    checkpoint = read_checkpoint(tmp_path / "a.pth")
    assert checkpoint.groups[0] == group
    assert next(iter(checkpoint.tensors)) == first
    assert checkpoint.tensors[first].shape == (2, 3)
    if "YOLO" not in project:
        assert bool((checkpoint.tensors[first] == 1).all()), "the trained weights, not the average"


@pytest.mark.parametrize("project", ["detectron2", "torchvision", "fairseq"])
@pytest.mark.parametrize("protocol", [2, 4])
def test_plain_pickles(tmp_path: Path, project: str, protocol: int) -> None:
    make, group, first = PROJECTS[project]
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(make(), protocol))
    checkpoint = read_checkpoint(tmp_path / "a.pkl")
    assert (checkpoint.groups[0], next(iter(checkpoint.tensors))) == (group, first)


@pytest.mark.parametrize(
    ("project", "epoch", "step"),
    [
        ("mmcv", 12, 900),
        ("torch's ImageNet example", 9, None),
        ("nanoGPT", None, 5000),
        ("Megatron", None, 100),
        ("Stable Diffusion", 1, 100),
    ],
)
def test_when_it_was_saved(tmp_path: Path, project: str, epoch: float | None, step: int | None) -> None:
    torch.save(PROJECTS[project][0](), tmp_path / "a.pth")
    checkpoint = read_checkpoint(tmp_path / "a.pth")
    assert (checkpoint.epoch, checkpoint.step) == (epoch, step)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_stable_baselines(tmp_path: Path, method: int) -> None:
    """A zip with the policy, its optimiser and settings as files of their own."""
    policy, optimiser = io.BytesIO(), io.BytesIO()
    torch.save(net("mlp_extractor."), policy)
    torch.save(OPTIMISER, optimiser)
    with zipfile.ZipFile(tmp_path / "ppo.zip", "w", method) as file:
        file.writestr("data", '{"policy_class": {":serialized:": "gASV"}}')
        file.writestr("pytorch_variables.pth", b"")
        file.writestr("policy.pth", policy.getvalue())
        file.writestr("policy.optimizer.pth", optimiser.getvalue())
        file.writestr("_stable_baselines3_version", "2.3.0")
    checkpoint = read_checkpoint(tmp_path / "ppo.zip")
    assert list(checkpoint.tensors) == ["mlp_extractor.fc.weight", "mlp_extractor.fc.bias"]
    assert "'policy.pth'" in checkpoint.notes[0]
