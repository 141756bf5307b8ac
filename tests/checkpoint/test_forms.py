"""Every form of honest file opens and gives the very bits that were saved, and that torch gives where it opens it."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from honest import FORMS, network, state

from landscape_gui.checkpoint import peek, read_checkpoint


def bits(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8)


def safely(path: Path) -> Any:
    """What torch's own safe loader makes of the file; None where it refuses it."""
    if path.is_dir():
        return None
    try:
        return torch.load(path, weights_only=True)
    except Exception:
        return None


def weights_in(value: Any) -> dict[str, torch.Tensor]:
    inner = value.get("model", value.get("state_dict", value))
    return {name: tensor for name, tensor in inner.items() if isinstance(tensor, torch.Tensor)}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("form", FORMS)
def test_every_form(tmp_path: Path, form: str) -> None:
    path = tmp_path / "saved"
    FORMS[form](path)
    checkpoint = read_checkpoint(path)
    prefix = "model." if form == "Lightning" else ""
    assert set(checkpoint.tensors) == {prefix + name for name in state()}
    for name, tensor in state().items():
        found = checkpoint.tensors[prefix + name]
        assert found.dtype == tensor.dtype and found.shape == tensor.shape and torch.equal(bits(found), bits(tensor)), name
    assert network().load_state_dict({name.removeprefix(prefix): tensor for name, tensor in checkpoint.tensors.items()})
    manifest = peek(path)
    assert [tensor.name for tensor in manifest.tensors] == list(checkpoint.tensors)
    assert (manifest.format, manifest.notes) == (checkpoint.format, checkpoint.notes)
    theirs = safely(path)
    if theirs is not None:
        tensors = {checkpoint.stored_names[name]: tensor for name, tensor in checkpoint.tensors.items()}
        for name, tensor in weights_in(theirs).items():
            if name in tensors:
                assert torch.equal(bits(tensors[name]), bits(tensor)), name
        assert set(tensors) <= set(weights_in(theirs))


@pytest.mark.parametrize("form", [form for form in FORMS if "parallel" in form.lower() or "compiled" in form or "FSDP" in form])
def test_what_is_stripped_is_said(tmp_path: Path, form: str) -> None:
    FORMS[form](tmp_path / "saved")
    assert any(note.startswith("Stripped '") for note in read_checkpoint(tmp_path / "saved").notes)


def test_settings_are_kept(tmp_path: Path) -> None:
    expected = {
        "with a Namespace": {"beside.lr": 0.1, "beside.path": "/data", "beside.act": "torch.nn.modules.activation.ReLU"},
        "with NumPy scalars": {"beside.loss": 0.5, "beside.step": 3, "beside.ok": True},
        "with a path": {"beside": "/data/run"},
        "with dataclasses": {"beside.a.lr": 0.1, "beside.a.inner.name": "cosine"},
        "with enums": {"beside.train": 3},
        "with dates": {"beside.a": "2024-05-06 07:08:00", "beside.b": "2024-05-06"},
        "Lightning": {"hyper_parameters.lr": 1e-3, "hyper_parameters.depth": 20, "global_step": 500},
    }
    for form, settings in expected.items():
        FORMS[form](tmp_path / "saved")
        found = read_checkpoint(tmp_path / "saved").metadata
        assert {key: found.get(key) for key in settings} == settings, form


@pytest.fixture
def omegaconf(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Classes with the names and states of OmegaConf's, which need not be installed to be read."""

    class Held:
        def __init__(self, **attributes: Any) -> None:
            self.__dict__.update(attributes)

    made: dict[str, Any] = {}
    monkeypatch.setitem(sys.modules, "omegaconf", types.ModuleType("omegaconf"))
    for module, name in (("nodes", "AnyNode"), ("dictconfig", "DictConfig"), ("listconfig", "ListConfig"), ("base", "Metadata")):
        place = types.ModuleType(f"omegaconf.{module}")
        made[name] = type(name, (Held,), {"__module__": place.__name__, "__qualname__": name})
        setattr(place, name, made[name])
        monkeypatch.setitem(sys.modules, place.__name__, place)
    return types.SimpleNamespace(**made)


def test_omegaconf(tmp_path: Path, omegaconf: Any) -> None:
    def node(value: Any, parent: Any) -> Any:
        meta = omegaconf.Metadata(ref_type=Any, object_type=None, optional=True, key="lr", flags={}, resolver_cache={})
        return omegaconf.AnyNode(_metadata=meta, _parent=parent, _flags_cache=None, _val=value)

    config = omegaconf.DictConfig(_metadata=None, _parent=None, _flags_cache=None)
    inner = omegaconf.ListConfig(_metadata=None, _parent=config, _flags_cache=None)
    inner._content = [node(3, inner), node(4, inner)]
    config._content = {"lr": node(0.1, config), "depths": inner, "missing": node("???", config)}
    torch.save({"model": state(), "cfg": config}, tmp_path / "a.pt")
    checkpoint = read_checkpoint(tmp_path / "a.pt")
    assert set(checkpoint.tensors) == set(state())
    wanted = {"cfg.lr": 0.1, "cfg.depths.0": 3, "cfg.depths.1": 4, "cfg.missing": "???"}
    assert {key: checkpoint.metadata.get(key) for key in wanted} == wanted
