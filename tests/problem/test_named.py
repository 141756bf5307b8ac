"""Networks and data sets by name: counts of parameters from the literature, and cards that open."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from landscape_gui.errors import LandscapeError
from landscape_gui.problem import families, fitting
from landscape_gui.problem.named_data import DATA_SETS, known, load_named
from landscape_gui.problem.named_models import named_model


@pytest.mark.parametrize(
    ("name", "example", "parameters"),
    [
        ("mlp", (1, 8, 8), 64 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10),
        ("mlp-16", (40,), 40 * 16 + 16 + 16 * 10 + 10),
        ("cnn", (1, 8, 8), 3_658),  # samples:digits-seed-a
        ("cnn", (1, 40), 5_210),  # samples:mnist1d-small-batch
        ("lenet", (1, 28, 28), 61_706),  # LeCun et al. 1998, with a third convolution as a Linear layer
        ("resnet20", (3, 32, 32), 269_722),  # He et al. 2016, table 6: 0.27 M
        ("resnet20-plain", (3, 32, 32), 269_722),
        ("resnet18", (3, 32, 32), 11_173_962),  # the usual ResNet-18 for CIFAR
    ],
)
def test_a_name_gives_the_usual_network_that_its_card_opens(name: str, example: tuple[int, ...], parameters: int) -> None:
    made = named_model(name, example=example, classes=10, seed=4)
    assert sum(p.numel() for p in made.module.parameters()) == parameters
    (found,) = families.from_card(json.loads(json.dumps(made.architecture)), fitting.shapes_of(made.module.state_dict()), example)
    again = found.build().eval()
    again.load_state_dict(made.module.state_dict())
    x = torch.randn(3, *example, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(again(x), made.module.eval()(x))


def test_weights_come_from_the_seed_alone() -> None:
    state = torch.get_rng_state()
    one, same, other = (named_model("cnn", example=(1, 8, 8), classes=10, seed=s).module.state_dict() for s in (1, 1, 2))
    assert torch.equal(one["conv1.weight"], same["conv1.weight"]) and not torch.equal(one["conv1.weight"], other["conv1.weight"])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("name", "example", "words"),
    [
        ("resnet19", (3, 32, 32), "6 n"),
        ("resnets", (3, 32, 32), "Built in are mlp"),
        ("resnet-8", (40,), "cannot take inputs"),
        ("lenet", (1, 8, 8), "12 by 12"),
        ("timm:resnet18", (3, 32, 32), "timm"),
    ],
)
def test_names_that_give_no_network_are_told(name: str, example: tuple[int, ...], words: str) -> None:
    with pytest.raises(LandscapeError, match=words):
        named_model(name, example=example, classes=10)


def test_data_by_name_are_normalised_and_checked(tmp_path: Path) -> None:
    data = load_named("digits")
    assert data.example in {(1, 8, 8), (8, 8)} and [s.examples for s in data.splits] == [1437, 360]
    assert abs(float(data.splits[0].inputs.mean())) < 0.02 and abs(float(data.splits[0].inputs.std()) - 1) < 0.02
    np.savez(tmp_path / "c.npz", x_train=np.zeros((4, 3, 32, 32), np.uint8), y_train=np.array([0, 1, 2, 3]))
    wide = load_named("cifar10", str(tmp_path / "c.npz"))
    assert wide.splits[0].inputs[0, 0, 0, 0] == pytest.approx(-0.4914 / 0.2470, rel=1e-4)
    np.savez(tmp_path / "d.npz", x_train=np.zeros((4, 3, 32, 32), np.uint8), y_train=np.array([0, 1, 2, 12]))
    for name, path, words in (
        ("cifar10", str(tmp_path / "d.npz"), "13 classes"),
        ("mnist", str(tmp_path / "c.npz"), "its examples have shape"),
        ("cifar100", None, "nothing is downloaded"),
        ("imagenet", None, "no data set called"),
        ("mnist", str(tmp_path / "nowhere"), "not there"),
    ):
        with pytest.raises(LandscapeError, match=words):
            load_named(name, path)
    assert known("Fashion_MNIST") is DATA_SETS["fashion-mnist"]
