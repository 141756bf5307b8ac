"""Lightning checkpoints: the class found by parsing, its hyper-parameters read inertly, training_step as loss, loaders as data."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from landscape_gui.data_choice import DataNeeded
from landscape_gui.errors import ChoiceNeeded, ProblemError, TrustNeeded
from landscape_gui.problem import open_problem, remember_trust
from landscape_gui.problem.hyper_parameters import read_hyper_parameters
from landscape_gui.problem.lightning_class import MODULE, read_project

LIT = """
import lightning as L
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from src.blocks import Block

class Base(L.LightningModule):
    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = F.cross_entropy(self(x), y)
        self.log("loss", loss)
        return {"loss": loss}

class LitNet(Base):
    def __init__(self, sizes, classes: int = 3, lr: float = 0.1):
        super().__init__()
        self.save_hyperparameters()
        self.body = torch.nn.Sequential(*[Block(a, b) for a, b in zip(sizes, sizes[1:])])
        self.head = torch.nn.Linear(sizes[-1], classes)
    def forward(self, x):
        return self.head(self.body(x))

class Other(Base):
    def __init__(self, width, lr=1.0):
        super().__init__()
        self.body = torch.nn.Linear(4, width)
"""
DATA = """
import lightning as L
import torch
from torch.utils.data import DataLoader, TensorDataset

class Numbers(L.LightningDataModule):
    def __init__(self, count, batch_size=16):
        super().__init__()
        self.save_hyperparameters()
    def prepare_data(self):
        raise SystemExit("would fetch")
    def setup(self, stage):
        x = torch.linspace(-1, 1, 4 * self.hparams.count).view(-1, 4).sin()
        self.all = TensorDataset(x, x[:, :3].argmax(1))
    def train_dataloader(self):
        return DataLoader(self.all, batch_size=self.hparams.batch_size, shuffle=True)
"""
BLOCKS = """
import torch
class Block(torch.nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.inner = torch.nn.Linear(a, b)
    def forward(self, x):
        return torch.relu(self.inner(x))
"""


def yes(_: str) -> bool:
    return True


class Block(nn.Module):
    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.inner = nn.Linear(a, b)


def save(path: Path, **more: Any) -> dict[str, torch.Tensor]:
    """A Lightning checkpoint of LitNet(sizes=[4, 6, 5])."""
    torch.manual_seed(0)
    module = nn.ModuleDict({"body": nn.Sequential(Block(4, 6), Block(6, 5)), "head": nn.Linear(5, 3)})
    content = {
        "epoch": 3,
        "global_step": 12,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": module.state_dict(),
        "hparams_name": "kwargs",
        "hyper_parameters": {"sizes": [4, 6, 5], "classes": 3, "lr": 0.1},
        "datamodule_hparams_name": "kwargs",
        "datamodule_hyper_parameters": {"count": 40, "batch_size": 16},
        **more,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path)
    return module.state_dict()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """src/lit.py, src/data.py and src/blocks.py, imported from the folder above them; the checkpoint where Lightning puts it."""
    monkeypatch.setenv("LANDSCAPE_GUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "stand_ins"))
    monkeypatch.delitem(sys.modules, "lightning", raising=False)
    place = tmp_path / "project"
    (place / "src").mkdir(parents=True)
    for name, content in (("lit", LIT), ("data", DATA), ("blocks", BLOCKS)):
        (place / "src" / f"{name}.py").write_text(content, encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    save(checkpoint(place))
    yield place
    sys.modules.pop("lightning", None)


def checkpoint(project: Path) -> Path:
    return project / "lightning_logs" / "version_0" / "checkpoints" / "epoch=3-step=12.ckpt"


def loss_of(weights: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> float:
    for i in (0, 1):
        x = torch.relu(x @ weights[f"body.{i}.inner.weight"].T + weights[f"body.{i}.inner.bias"])
    return functional.cross_entropy(x @ weights["head.weight"].T + weights["head.bias"], y).item()


def test_it_opens_with_its_class_its_loss_and_its_data(project: Path) -> None:
    """The loss is that of the same weights and data in code of our own; the loader's shuffling and prepare_data are left out."""
    weights = save(checkpoint(project))
    problem = open_problem(checkpoint(project), trusted=yes)
    x = torch.linspace(-1, 1, 160).view(-1, 4).sin()
    assert problem.splits == {"train": 40}
    assert problem.description["model"] == "LitNet"
    assert problem.at_checkpoint()["train_loss"] == pytest.approx(loss_of(weights, x, x[:, :3].argmax(1)), rel=1e-6)
    assert "src.lit" not in sys.modules and "src" not in sys.modules


def test_data_that_are_named_go_through_training_step_too(project: Path) -> None:
    weights = save(checkpoint(project))
    x = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    np.savez(project / "data.npz", x_test=x, y_test=x[:, :3].argmin(1))
    problem = open_problem(checkpoint(project), data=str(project / "data.npz"), trusted=yes)
    expected = loss_of(weights, torch.from_numpy(x), torch.from_numpy(x[:, :3].argmin(1)))
    assert problem.at_checkpoint() == pytest.approx({"test_loss": expected}, rel=1e-6)


@pytest.mark.parametrize("changed", ["lit", "data", "blocks"])
def test_nothing_runs_before_trust_which_is_for_all_of_it(project: Path, changed: str) -> None:
    marker = project / "ran"
    file = project / "src" / f"{changed}.py"
    file.write_text(f"open({str(marker)!r}, 'w')\n{file.read_text(encoding='utf-8')}", encoding="utf-8")
    with pytest.raises(TrustNeeded) as raised:
        open_problem(checkpoint(project))
    assert not marker.exists()
    assert all(word in raised.value.source for word in ("class LitNet", "class Numbers", "class Block"))
    assert raised.value.abilities == (f"writes, moves or deletes files ({changed}.py, line 1: open)",)
    remember_trust(raised.value.digest)
    open_problem(checkpoint(project))
    assert marker.exists()
    file.write_text(file.read_text(encoding="utf-8") + "\n# more", encoding="utf-8")
    with pytest.raises(TrustNeeded):
        open_problem(checkpoint(project))


def test_a_checkpoint_without_a_datamodule_asks_for_data(project: Path) -> None:
    (project / "src" / "data.py").unlink()
    with pytest.raises(DataNeeded, match=r"It holds LitNet, for which no datamodule was found"):
        open_problem(checkpoint(project), trusted=yes)


def test_several_that_fit_are_listed_and_one_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    twin = LIT.replace("class LitNet", "class Twin").replace("classes: int = 3", "classes: int = 3, more=1")
    (project / "src" / "twin.py").write_text(twin, encoding="utf-8")
    with pytest.raises(ChoiceNeeded) as raised:
        open_problem(checkpoint(project), trusted=yes)
    assert "fits 2 classes: LitNet" in str(raised.value) and "Twin" in str(raised.value)
    assert raised.value.choices[1] == f"{project / 'src' / 'twin.py'}:Twin"
    monkeypatch.chdir(project)
    problem = open_problem(checkpoint(project), code="src/twin.py:Twin", trusted=yes)
    assert problem.description["model"] == "Twin"
    again = open_problem(checkpoint(project), code="src.twin:Twin(lr=2.0)", trusted=yes)
    assert again.at_checkpoint() == problem.at_checkpoint()


def test_the_one_that_knows_all_hyper_parameters_is_taken(project: Path) -> None:
    twin = LIT.replace("class LitNet", "class Older").replace(", lr: float = 0.1", "")
    (project / "src" / "twin.py").write_text(twin, encoding="utf-8")
    assert open_problem(checkpoint(project), trusted=yes).description["model"] == "LitNet"


def test_an_argument_that_the_file_does_not_hold_is_named(project: Path) -> None:
    lit = (project / "src" / "lit.py").read_text(encoding="utf-8")
    (project / "src" / "lit.py").write_text(lit.replace("(self, sizes,", "(self, backbone, sizes,"), encoding="utf-8")
    with pytest.raises(ProblemError, match=r"LitNet \(.*lit.py\) needs backbone, which the checkpoint's hyper-parameters"):
        open_problem(checkpoint(project), trusted=yes)


def test_all_hyper_parameters_in_one_argument(project: Path) -> None:
    lit = (project / "src" / "lit.py").read_text(encoding="utf-8")
    lit = lit.replace("(self, sizes, classes: int = 3, lr: float = 0.1)", "(self, hparams)")
    lit = lit.replace("self.save_hyperparameters()", "sizes, classes = hparams['sizes'], hparams.classes")
    (project / "src" / "lit.py").write_text(lit, encoding="utf-8")
    save(checkpoint(project), hparams_name="hparams")
    assert open_problem(checkpoint(project), trusted=yes).splits == {"train": 40}


def test_dataloaders_of_the_module_itself(project: Path) -> None:
    own = """
    def train_dataloader(self):
        x = torch.ones(7, 4)
        return [DataLoader(TensorDataset(x, torch.zeros(7, dtype=torch.long)))]
"""
    lit = (project / "src" / "lit.py").read_text(encoding="utf-8").replace("\nclass Other", f"{own}\nclass Other")
    (project / "src" / "lit.py").write_text(lit, encoding="utf-8")
    (project / "src" / "data.py").unlink()
    assert open_problem(checkpoint(project), trusted=yes).splits == {"train": 7}


def test_optimising_by_hand_is_refused_in_words(project: Path) -> None:
    lit = (project / "src" / "lit.py").read_text(encoding="utf-8")
    lit = lit.replace("        self.save_hyperparameters()", "        self.automatic_optimization = False", 1)
    (project / "src" / "lit.py").write_text(lit, encoding="utf-8")
    with pytest.raises(ProblemError, match="optimises by hand"):
        open_problem(checkpoint(project), trusted=yes)


def test_what_training_step_raises_is_told_with_file_and_line(project: Path) -> None:
    lit = (project / "src" / "lit.py").read_text(encoding="utf-8").replace("x, y = batch", "x, y = self.trainer.batch")
    (project / "src" / "lit.py").write_text(lit, encoding="utf-8")
    with pytest.raises(ProblemError, match=r"lit.py, line 10, in training_step.*not attached"):
        open_problem(checkpoint(project), trusted=yes)


def test_lightning_that_is_missing_is_named_with_its_command(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightning", None)
    with pytest.raises(TrustNeeded):  # which comes first: packages run when they are imported
        open_problem(checkpoint(project))
    with pytest.raises(ProblemError, match=r"LitNet .* needs lightning") as raised:
        open_problem(checkpoint(project), trusted=yes)
    assert 'pip install "landscape-gui[lightning]"' in raised.value.remedy


def test_a_checkpoint_without_its_project_falls_back_to_shapes(project: Path) -> None:
    (project / "src" / "lit.py").unlink()
    with pytest.raises(ProblemError, match="has no data"):
        open_problem(checkpoint(project))


def test_hyper_parameters_are_read_inertly(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Runs:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return open, (str(marker), "w")

    place = tmp_path / "net.ckpt"
    save(place, hyper_parameters={"a": 1, "b": [1, (2.5, "x")], "c": {"d": None, "e": True}, "loss": Runs(), "p": Path("x")})
    found = read_hyper_parameters(place)
    assert found is not None
    assert {k: v for k, v in found.module.items() if k != "p"} == {"a": 1, "b": [1, (2.5, "x")], "c": {"d": None, "e": True}}
    assert "loss" in found.unread and found.data == {"count": 40, "batch_size": 16}
    assert not marker.exists()
    torch.save({"state_dict": {}, "hyper_parameters": {}}, place)
    assert read_hyper_parameters(place) is None


def test_parsing_finds_classes_through_bases_and_leaves_environments_out(project: Path) -> None:
    (project / ".venv").mkdir()
    (project / ".venv" / "lit.py").write_text(LIT, encoding="utf-8")
    (project / "env1").mkdir()
    (project / "env1" / "pyvenv.cfg").touch()
    (project / "env1" / "lit.py").write_text(LIT, encoding="utf-8")
    (project / "broken.py").write_text("class (:", encoding="utf-8")
    found = {each.name: each for each in read_project(project).derived(MODULE)}
    assert set(found) == {"Base", "LitNet", "Other"}
    assert found["LitNet"].required == ("sizes",) and found["LitNet"].optional == ("classes", "lr")
    assert {"body", "head"} <= found["LitNet"].attributes


def test_the_recipe_of_the_documentation_opens(project: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "open_your_own.md").read_text(encoding="utf-8")
    recipe = next(part for part in page.split("```python no-run\n") if "class LitNet" in part).partition("\n```")[0]
    (project / "src" / "lit.py").write_text(recipe, encoding="utf-8")
    net = nn.Sequential(nn.Linear(2, 9), nn.Tanh(), nn.Linear(9, 3))
    weights = nn.ModuleDict({"net": net}).state_dict()
    save(checkpoint(project), state_dict=weights, hyper_parameters={"width": 9}, datamodule_hyper_parameters={})
    (project / "src" / "data.py").unlink()
    problem = open_problem(checkpoint(project), trusted=yes)
    x = torch.linspace(-1, 1, 600).view(300, 2).sin()
    assert problem.splits == {"train": 300}
    expected = functional.cross_entropy(net(x), (x[:, 0] > 0).long()).item()
    assert problem.at_checkpoint()["train_loss"] == pytest.approx(expected, rel=1e-6)
