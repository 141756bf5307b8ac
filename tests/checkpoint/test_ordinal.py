"""Epochs and steps, from metadata and from names."""

from __future__ import annotations

import pytest

from landscape_gui.checkpoint.ordinal import epoch_named, epoch_of, natural, step_named, step_of


@pytest.mark.parametrize(
    ("name", "epoch", "step"),
    [
        ("epoch_012.pt", 12, None),
        ("ep12.pth", 12, None),
        ("e12.pt", 12, None),
        ("net-e3.pt", 3, None),
        ("Epoch-7.ckpt", 7, None),
        ("resnet56_epoch0100.pth.tar", 100, None),
        ("epoch=3-step=900.ckpt", 3, 900),
        ("step-1000.pt", None, 1000),
        ("iter_500.pt", None, 500),
        ("model_it2000.safetensors", None, 2000),
        ("012.pt", 12, None),
        ("model_12.pth", 12, None),
        ("checkpoint-40.pt", 40, None),
        ("epoch_2.5.pt", 2.5, None),
        ("resnet20.pt", None, None),
        ("vgg16-bn.pt", None, None),
        ("best.pt", None, None),
        ("mobile2.pt", None, None),
        ("seed3.pt", None, None),
        ("2024-01-02.pt", None, None),
    ],
)
def test_names(name: str, epoch: float | None, step: int | None) -> None:
    assert epoch_named(name) == epoch
    assert step_named(name) == step


def test_what_is_stored_comes_before_the_name() -> None:
    assert epoch_of({"epoch": 4}, "epoch_9.pt") == 4
    assert step_of({"global_step": 40, "step": 1}, "step-90.pt") == 40
    assert epoch_of({"meta.epoch": 4}) == 4
    assert epoch_of({"args.epochs": 90}, "best.pt") is None


@pytest.mark.parametrize("value", [True, "three", float("nan"), float("inf"), -1, 1e300])
def test_what_is_no_epoch_is_passed_over(value: object) -> None:
    assert epoch_of({"epoch": value}, "epoch_9.pt") == 9  # type: ignore[dict-item]


def test_natural_order() -> None:
    names = ["w10.pt", "w9.pt", "w1.pt", "W2.pt", "a.pt"]
    assert sorted(names, key=natural) == ["a.pt", "w1.pt", "W2.pt", "w9.pt", "w10.pt"]
    assert natural("9" * 5000) == natural("9" * 5000)  # no conversion of endless numbers
