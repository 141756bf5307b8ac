"""timm and torchvision: by name, by configuration, by fingerprint; several are offered with their losses, none is guessed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from landscape_gui.data_choice import DataNeeded
from landscape_gui.errors import ChoiceNeeded, ProblemError
from landscape_gui.problem import architecture_table, fingerprint_origin, open_problem
from landscape_gui.problem.architecture_table import Table, fingerprint, table
from landscape_gui.problem.extras import is_there

Shapes = dict[str, tuple[int, ...]]
RESNET18 = ("timm:resnet18", "timm:resnetblur18", "torchvision:resnet18")


def norm(name: str, width: int) -> Shapes:
    shapes: Shapes = {f"{name}.{part}": (width,) for part in ("weight", "bias", "running_mean", "running_var")}
    return {**shapes, f"{name}.num_batches_tracked": ()}


def resnet18(classes: int = 1000) -> Shapes:
    """The names and shapes of He et al.'s ResNet-18 as torchvision lays it out, written down from the paper."""
    shapes: Shapes = {"conv1.weight": (64, 3, 7, 7), **norm("bn1", 64)}
    before = 64
    for stage, width in enumerate((64, 128, 256, 512), 1):
        for block in (0, 1):
            at = f"layer{stage}.{block}"
            shapes |= {f"{at}.conv1.weight": (width, before, 3, 3), **norm(f"{at}.bn1", width)}
            shapes |= {f"{at}.conv2.weight": (width, width, 3, 3), **norm(f"{at}.bn2", width)}
            if before != width:
                shapes |= {f"{at}.downsample.0.weight": (width, before, 1, 1), **norm(f"{at}.downsample.1", width)}
            before = width
    return {**shapes, "fc.weight": (classes, 512), "fc.bias": (classes,)}


def names(shapes: Shapes) -> tuple[str, ...]:
    return tuple(candidate.name for candidate in table().candidates(shapes))


def test_the_table_holds_what_both_libraries_make() -> None:
    whole = table().whole
    assert sum(map(len, whole.values())) >= 1477
    assert len(whole) >= 1351
    assert sum(len(found) == 1 for found in whole.values()) > 1200
    assert set(table().made_with) == {"timm", "torchvision"}


@pytest.mark.parametrize("classes", [1000, 10, 1])
def test_a_network_is_told_whatever_its_number_of_classes(classes: int) -> None:
    assert names(resnet18(classes)) == RESNET18
    assert {candidate.classes for candidate in table().candidates(resnet18(classes))} == {classes}
    assert table().classes("timm:resnet18", resnet18(classes)) == classes


def test_a_prefix_counters_and_the_order_do_not_matter() -> None:
    shapes = resnet18(10)
    assert names({f"backbone.{name}": shape for name, shape in shapes.items()}) == RESNET18
    assert table().classes("timm:resnet18", {f"backbone.{name}": shape for name, shape in shapes.items()}) == 10
    assert names({name: shape for name, shape in reversed(shapes.items()) if not name.endswith("num_batches_tracked")}) == RESNET18


@pytest.mark.parametrize(
    "changed",
    [
        {"conv1.weight": (64, 1, 7, 7)},
        {"fc.bias": (9,)},
        {"more": (1,)},
        {"layer4.1.conv2.weight": (512, 512, 1, 1)},
        {"fc.weight": ()},
    ],
)
def test_one_other_shape_is_another_network(changed: Shapes) -> None:
    assert names({**resnet18(10), **changed}) == ()


def test_a_fingerprint_is_of_all_names_and_shapes() -> None:
    assert fingerprint({"b": (1,), "a": (2, 3)}) == fingerprint({"a": (2, 3), "b": (1,), "x.num_batches_tracked": ()})
    assert fingerprint({"a": (2, 3)}) != fingerprint({"a": (3, 2)})
    assert fingerprint({"a": (2, 3)}, ["a"]) == fingerprint({"a": (5, 3)}, ["a"]) != fingerprint({"a": (5, 4)}, ["a"])
    assert len(fingerprint({})) == 16


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A stand-in for timm, and a folder with weights of its tiny_net with 3 classes, data, and a table that knows it."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "stand_ins"))
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    torch.manual_seed(0)
    torch.save(nn.ModuleDict({"stem": nn.Conv2d(3, 4, 1), "fc": nn.Linear(4, 3)}).state_dict(), tmp_path / "net.pt")
    x = np.random.default_rng(0).normal(size=(20, 3, 5, 5)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x_test=x, y_test=np.arange(20) % 3)
    yield tmp_path
    sys.modules.pop("timm", None)


def know(monkeypatch: pytest.MonkeyPatch, *known: str) -> None:
    """Give the table these architectures alone, each with the tensors of tiny_net."""
    shapes: Shapes = {"stem.weight": (4, 3, 1, 1), "stem.bias": (4,), "fc.weight": (1000, 4), "fc.bias": (1000,)}
    head = ("fc.weight", "fc.bias")
    made = Table(
        whole={fingerprint(shapes): known},
        headless={(0, fingerprint(shapes, head)): known},
        heads=[head],
        head_of=dict.fromkeys(known, 0),
    )
    for place in (fingerprint_origin, architecture_table, sys.modules["landscape_gui.problem.vision_origin"]):
        monkeypatch.setattr(place, "table", lambda: made)


def loss_of(folder: Path, act: str) -> float:
    weights, data = torch.load(folder / "net.pt", weights_only=True), np.load(folder / "data.npz")
    hidden = getattr(torch, act)(functional.conv2d(torch.from_numpy(data["x_test"]), weights["stem.weight"], weights["stem.bias"]))
    output = hidden.mean((2, 3)) @ weights["fc.weight"].T + weights["fc.bias"]
    return functional.cross_entropy(output, torch.from_numpy(data["y_test"])).item()


@pytest.mark.parametrize(("name", "act"), [("tiny_net", "tanh"), ("tiny_net_relu", "relu")])
def test_it_is_named_on_the_command_line_or_in_a_card(tiny: Path, monkeypatch: pytest.MonkeyPatch, name: str, act: str) -> None:
    know(monkeypatch, "timm:tiny_net", "timm:tiny_net_relu")
    data = str(tiny / "data.npz")
    flag = open_problem(tiny / "net.pt", data=data, architecture=f"timm:{name}")
    assert flag.at_checkpoint()["test_loss"] == pytest.approx(loss_of(tiny, act), rel=1e-6)
    assert flag.description["model"] == f"timm:{name} with 3 classes"
    (tiny / "landscape.json").write_text(json.dumps({"architecture": {"family": f"timm:{name}", "width": 4}}), encoding="utf-8")
    card = open_problem(tiny / "net.pt", data=data)
    assert card.at_checkpoint()["test_loss"] == pytest.approx(loss_of(tiny, act), rel=1e-6)


def test_one_candidate_opens_and_says_how_it_was_told(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, "timm:tiny_net")
    problem = open_problem(tiny / "net.pt", data=str(tiny / "data.npz"))
    assert problem.at_checkpoint()["test_loss"] == pytest.approx(loss_of(tiny, "tanh"), rel=1e-6)
    assert any("told by its tensors' names and shapes" in note for note in problem.description["notes"])
    with pytest.raises(DataNeeded, match="It holds timm:tiny_net with 3 classes"):
        open_problem(tiny / "net.pt")


def test_several_candidates_are_offered_with_their_losses_best_first(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, "timm:tiny_net", "timm:tiny_net_relu", "timm:gone")
    losses = {"timm:tiny_net": loss_of(tiny, "tanh"), "timm:tiny_net_relu": loss_of(tiny, "relu")}
    first, second = sorted(losses, key=lambda name: losses[name])
    with pytest.raises(ChoiceNeeded) as raised:
        open_problem(tiny / "net.pt", data=str(tiny / "data.npz"))
    assert raised.value.option == "architecture" and raised.value.choices == (first, second, "timm:gone")
    said = f"fits 3 architectures: {first} (loss {losses[first]:.4g}), {second} (loss {losses[second]:.4g}), timm:gone."
    assert said in raised.value.message
    assert f"--architecture {first}" in raised.value.remedy and f'"family": "{first}"' in raised.value.remedy
    with pytest.raises(ChoiceNeeded, match=r"fits 3 architectures: timm:gone, timm:tiny_net, timm:tiny_net_relu\.") as raised:
        open_problem(tiny / "net.pt")
    assert "With data (--data PATH) each one's loss is said." in raised.value.remedy


@pytest.mark.parametrize("content", [{"num_classes": 3}, {"pretrained_cfg": {"num_classes": 3, "mean": [0.5], "std": [0.5]}}])
def test_timms_configuration_beside_it_names_it(tiny: Path, content: dict[str, object]) -> None:
    (tiny / "config.json").write_text(json.dumps({"architecture": "tiny_net.a1_in1k", "model_args": {"width": 4}, **content}))
    problem = open_problem(tiny / "net.pt", data=str(tiny / "data.npz"))
    assert problem.at_checkpoint()["test_loss"] == pytest.approx(loss_of(tiny, "tanh"), rel=1e-6)
    assert "Architecture and images as config.json says." in problem.description["notes"]


@pytest.mark.parametrize(
    ("architecture", "words"),
    [
        ("timm:tiny_nut", ["timm 0.0 has no network called 'tiny_nut'", "Near to it are tiny_net"]),
        ("timm:tiny_net,depth=3", ["timm does not make tiny_net", "depth"]),
        ("timm:tiny_net,num_classes=4", ["does not fit timm:tiny_net", "(3, 4)", "(4, 4)"]),
        ("timm:tiny_net,num_classes=3,width=5", ["does not fit timm:tiny_net"]),
    ],
)
def test_what_does_not_go_is_said(tiny: Path, architecture: str, words: list[str]) -> None:
    with pytest.raises(ProblemError) as raised:
        open_problem(tiny / "net.pt", data=str(tiny / "data.npz"), architecture=architecture)
    assert all(word in str(raised.value) for word in words), str(raised.value)


def test_a_missing_library_is_named_with_its_command(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    know(monkeypatch, "timm:tiny_net")
    for architecture in (None, "timm:tiny_net"):
        with pytest.raises(ProblemError, match=r"net.pt is timm:tiny_net, which needs timm") as raised:
            open_problem(tiny / "net.pt", data=str(tiny / "data.npz"), architecture=architecture)
        assert 'pip install "landscape-gui[vision]"' in raised.value.remedy


def test_a_library_that_raises_when_imported_says_what(tiny: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "timm.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ProblemError, match=r"cannot be imported .RuntimeError: operator torchvision::nms does not exist"):
        open_problem(tiny / "net.pt", data=str(tiny / "data.npz"), architecture="timm:tiny_net")


def test_a_resnet_is_offered_with_the_built_in_one_which_needs_nothing(tmp_path: Path) -> None:
    tensors = {name: torch.ones(shape) * 0.01 for name, shape in resnet18(3).items()}
    torch.save({k: v.long() if k.endswith("tracked") else v for k, v in tensors.items()}, tmp_path / "net.pt")
    np.savez(tmp_path / "data.npz", x_test=np.ones((2, 3, 32, 32), np.float32), y_test=np.zeros(2, np.int64))
    with pytest.raises(ChoiceNeeded) as raised:
        open_problem(tmp_path / "net.pt", data=str(tmp_path / "data.npz"))
    assert set(raised.value.choices) == {"resnet", *RESNET18}
    assert "resnet (built in) (loss 1.099)" in raised.value.message, "equal weights: the loss is log 3"
    assert open_problem(tmp_path / "net.pt", data=str(tmp_path / "data.npz"), architecture="resnet").splits == {"test": 2}


@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_the_library_itself_still_makes_what_the_table_says(library: str) -> None:
    if not is_there(library):
        pytest.skip(f"{library} cannot be imported here")
    from landscape_gui.problem.fitting import shapes_of
    from landscape_gui.problem.vision_origin import Model, build

    module = build(Model(name=f"{library}:resnet18", options={"num_classes": 7}), "net.pt")
    assert set(RESNET18) == set(names(shapes_of(module.state_dict())))


def test_the_recipe_of_the_documentation_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not is_there("timm"):
        pytest.skip("timm cannot be imported here")
    page = (Path(__file__).resolve().parents[2] / "docs" / "open_your_own.md").read_text(encoding="utf-8")
    recipe = next(part for part in page.split("```python no-run\n") if "timm.create_model" in part).partition("\n```")[0]
    monkeypatch.chdir(tmp_path)
    exec(recipe, {})
    np.savez("data.npz", x_test=np.ones((2, 3, 64, 64), np.float32), y_test=np.zeros(2, np.int64))
    problem = open_problem("net.pt", data="data.npz")
    assert problem.description["model"] == "timm:mobilenetv3_small_050 with 10 classes"
