"""Networks whose code lies in a Hugging Face folder: shown, asked for, run from there; against the code run by Python itself."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("transformers", reason="the extra hf is not installed")

from own_transformers import AUTO_MAP, FILES, imported, own_network
from small_transformers import PLACES, edit, gpt2, library, save, tokens

from landscape_gui.core.curvature import Hessian
from landscape_gui.errors import ProblemError, TrustNeeded
from landscape_gui.problem import Problem, open_problem
from landscape_gui.problem.private_package import FRONT
from landscape_gui.problem.source import read_package
from landscape_gui.trust import remember_trust

CANARY = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDSCAPE_GUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return own_network(tmp_path / "tinynet")


def opened(folder: Path, **options: Any) -> Problem:
    return open_problem(folder, data=str(tokens(folder.parent / "data.bin")), trusted=lambda digest: True, **options)


def asked(folder: Path) -> TrustNeeded:
    with pytest.raises(TrustNeeded) as found:
        open_problem(folder, data=str(tokens(folder.parent / "data.bin")))
    return found.value


def refused(folder: Path) -> str:
    with pytest.raises(ProblemError) as found:
        opened(folder)
    return str(found.value)


def add(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text((folder / name).read_text() + text)


def test_its_loss_and_products_with_the_hessian_are_those_of_the_code_itself(folder: Path) -> None:
    problem = opened(folder)
    objective = problem.objective(precision="float64")
    split = problem._parts.splits[0]
    x, y = split.inputs, split.targets
    vector = torch.randn(objective.size, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    with imported(folder) as code:
        module = code.TinyForCausalLM(code.TinyConfig())
        module.load_state_dict(problem.checkpoint.tensors, strict=False)
        module = module.double().eval()
        own = dict(module.named_parameters())
        leaves = [own[segment.name] for segment in objective.segments]
        logits = module(x).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten())
        gradient = torch.cat([g.reshape(-1) for g in torch.autograd.grad(loss, leaves, create_graph=True)])
        product = torch.cat([h.reshape(-1) for h in torch.autograd.grad(gradient @ vector, leaves)])
    assert "head.weight" not in own and len(leaves) == len(own)
    assert problem.at_checkpoint()["data_loss"] == pytest.approx(float(loss.detach()), rel=1e-6)
    found = Hessian(objective).apply(vector[None])[0]
    assert float((found - product).norm() / product.norm()) < 1e-9
    assert any("code of the folder's own" in note and "attention.py" in note for note in problem.notes)


def test_all_that_runs_is_shown_first_and_nothing_has_run(folder: Path) -> None:
    for name in FILES:
        add(folder, name, CANARY)
    add(folder, "layers/attention.py", "import os\nos.system\n")
    (folder / "unused.py").write_text("UNUSED = 1\n")
    error = asked(folder)
    assert not list(folder.rglob("ran"))
    assert error.path == str(folder / "modeling_tiny.py")
    assert error.source.startswith("# ---- modeling_tiny.py; below it") and "configuration_tiny.py, attention.py\n" in error.source
    assert all(text in error.source for text in FILES.values()) and "UNUSED" not in error.source
    assert any("starts other programs (attention.py" in each for each in error.abilities)


@pytest.mark.parametrize("changed", [None, *FILES])
def test_trust_is_remembered_for_this_content_alone(folder: Path, changed: str | None) -> None:
    remember_trust(asked(folder).digest)
    if changed is None:
        open_problem(folder, data=str(tokens(folder.parent / "data.bin")))
    else:
        add(folder, changed, "\n# another day\n")
        asked(folder)


@pytest.mark.parametrize("switch", ["HF_TRUST_REMOTE_CODE", "TRUST_REMOTE_CODE", "TRANSFORMERS_TRUST_REMOTE_CODE"])
def test_switches_of_the_environment_change_nothing(folder: Path, switch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(switch, "1")
    edit(folder, trust_remote_code=True)
    asked(folder)


def test_nothing_is_copied_fetched_or_left_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: reached.append(a) or (_ for _ in ()).throw(OSError()))
    before = {str(path) for path in folder.rglob("*")}
    path, names = list(sys.path), {name for name in sys.modules if not name.startswith((FRONT, "transformers"))}
    opened(folder)
    assert reached == [] and sys.path == path
    assert {str(path) for path in folder.rglob("*")} == before
    assert not Path(os.environ["HF_MODULES_CACHE"]).exists()
    own = {name for name in sys.modules if not name.startswith((FRONT, "transformers"))} - names
    assert not {name for name in own if "tiny" in name or "attention" in name}
    assert "tiny_own" not in library().CONFIG_MAPPING
    opened(folder)


def test_two_folders_with_files_of_one_name_do_not_mix(folder: Path, tmp_path: Path) -> None:
    first = opened(folder)
    values = first.at_checkpoint()
    other = own_network(tmp_path / "othernet")
    text = (other / "layers/attention.py").read_text().replace("** 0.5", "** 0.25")
    (other / "layers/attention.py").write_text(text)
    second = opened(other)
    assert second.checkpoint.digest == first.checkpoint.digest
    assert second.at_checkpoint() != values and second.fingerprint != first.fingerprint
    assert opened(folder).at_checkpoint() == values
    assert opened(folder).fingerprint == first.fingerprint


def test_cached_bytecode_that_nobody_saw_does_not_run(folder: Path) -> None:
    import py_compile

    seen = (folder / "layers/attention.py").read_text()
    (folder / "layers/attention.py").write_text(CANARY + seen)
    py_compile.compile(str(folder / "layers/attention.py"), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    (folder / "layers/attention.py").write_text(seen)
    opened(folder)
    assert not list(folder.rglob("ran"))


def test_a_relative_import_within_a_function_is_shown_and_works_later(folder: Path) -> None:
    text = (folder / "modeling_tiny.py").read_text()
    text = text.replace("        loss = None\n", "        from .late import scaled\n        logits, loss = scaled(logits), None\n")
    (folder / "modeling_tiny.py").write_text(text)
    (folder / "late.py").write_text("def scaled(x):\n    return x * 0\n")
    assert "return x * 0" in asked(folder).source
    assert opened(folder).at_checkpoint()["data_loss"] == pytest.approx(float(torch.log(torch.tensor(40.0))), rel=1e-6)


def test_another_checkpoint_of_the_same_code_is_the_other_end_of_a_path(folder: Path, tmp_path: Path) -> None:
    problem = opened(folder)
    other = own_network(tmp_path / "othernet", seed=1)
    alone = opened(other)
    reference = problem.reference(other)
    assert torch.equal(problem.state_of(reference), alone.state)
    assert problem.at(reference).at_checkpoint() == alone.at_checkpoint()


def test_code_of_another_repository_is_refused(folder: Path) -> None:
    edit(folder, auto_map={**AUTO_MAP, "AutoModelForCausalLM": "someone/else--modeling_tiny.TinyForCausalLM"})
    text = refused(folder)
    assert "modeling_tiny.py of someone/else" in text and "Nothing is fetched" in text and "Copy" in text
    edit(folder, auto_map={**AUTO_MAP, "AutoConfig": "someone/else--configuration_tiny.TinyConfig"})
    assert "configuration_tiny.py of someone/else" in refused(folder)


def test_a_network_of_transformers_own_is_not_replaced_by_code(tmp_path: Path) -> None:
    folder = save(gpt2, tmp_path / "net")
    (folder / "modeling_tiny.py").write_text(CANARY)
    edit(folder, auto_map=AUTO_MAP)
    assert any("it was not run" in note for note in opened(folder).notes)
    assert not (folder / "ran").exists()


def test_shapes_are_checked_and_tied_weights_are_held_to(folder: Path) -> None:
    edit(folder, max_position_embeddings=PLACES + 1)
    assert f"'places.weight' has shape ({PLACES}, 16); ({PLACES + 1}, 16) was expected" in refused(folder)
    edit(folder, max_position_embeddings=PLACES)
    tensors = dict(opened(folder).checkpoint.tensors)
    (folder / "model.safetensors").unlink()
    torch.save({**tensors, "head.weight": tensors["tokens.weight"] + 1}, folder / "pytorch_model.bin")
    assert "ties" in refused(folder) and "other values" in refused(folder)
    torch.save({**tensors, "extra": torch.zeros(2)}, folder / "pytorch_model.bin")
    assert "'extra' of shape (2,) was not expected" in refused(folder)
    del tensors["norm.weight"]
    torch.save(tensors, folder / "pytorch_model.bin")
    assert "'norm.weight' of shape (16,) is missing" in refused(folder)


def test_code_that_needs_values_while_it_is_built_is_built_in_memory_at_once(folder: Path) -> None:
    expected = opened(folder).at_checkpoint()
    text = (folder / "layers/attention.py").read_text()
    text = text.replace("super().__init__()\n", "super().__init__()\n        self.first = torch.linspace(0, 1, 3)[0].item()\n")
    (folder / "layers/attention.py").write_text(text)
    assert opened(folder).at_checkpoint() == expected


def break_off(folder: Path) -> None:
    add(folder, "layers/attention.py", "raise ValueError('not today')\n")


def lose(folder: Path) -> None:
    (folder / "layers/attention.py").unlink()


def need(folder: Path) -> None:
    add(folder, "modeling_tiny.py", "import no_such_package_at_all\n")


def misspell(folder: Path) -> None:
    add(folder, "layers/attention.py", "def (\n")


def climb(folder: Path) -> None:
    add(folder, "modeling_tiny.py", "from ..secrets import key\n")


def rename(folder: Path) -> None:
    edit(folder, auto_map={**AUTO_MAP, "AutoModelForCausalLM": "modeling_tiny.Other"})


def misname(folder: Path) -> None:
    edit(folder, auto_map={**AUTO_MAP, "AutoModelForCausalLM": "../modeling_tiny.TinyForCausalLM"})


def leave_out(folder: Path) -> None:
    edit(folder, auto_map={"AutoModel": "modeling_tiny.TinyForCausalLM"})


def raise_later(folder: Path) -> None:
    text = (folder / "modeling_tiny.py").read_text().replace("        loss = None\n", "        raise KeyError('lost')\n")
    (folder / "modeling_tiny.py").write_text(text)


WRONG = [
    (break_off, ["layers/attention.py, line ", "ValueError: not today."]),
    (lose, ["No module named 'layers'", "Copy the whole folder"]),
    (need, ["modeling_tiny.py, line", "Install no_such_package_at_all"]),
    (misspell, ["attention.py, line ", "syntax"]),
    (climb, ["modeling_tiny.py, line ", "from outside of its folder"]),
    (rename, ["modeling_tiny.py has no Other", "landscape.py"]),
    (misname, ["'../modeling_tiny.TinyForCausalLM'", "no MODULE.CLASS"]),
    (leave_out, ["names code (AutoModel)", "AutoModelForCausalLM", "landscape.py"]),
    (raise_later, ["KeyError", "lost", "modeling_tiny.py, line "]),
]


@pytest.mark.parametrize(("change", "words"), WRONG, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_wrong_is_said_with_file_and_line(folder: Path, change: Any, words: list[str]) -> None:
    change(folder)
    text = refused(folder)
    assert all(word in text for word in words), text


def test_a_plain_folder_is_read_by_its_relative_imports_alone(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "net.py").write_text("import helper\nfrom . import side\nfrom .pack import part\nfrom .pack.deep import *\n")
    for name in ("helper.py", "side.py", "pack/part.py", "pack/deep.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "pack/__init__.py").write_text("from ..top import x\n")
    (tmp_path / "top.py").write_text("x = 1\n")
    source = read_package(tmp_path, ["net"])
    assert sorted(source.files) == ["net", "pack", "pack.deep", "pack.part", "side", "top"]
    assert json.dumps(source.text)
