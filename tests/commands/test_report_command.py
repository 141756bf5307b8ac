"""The command report: several checkpoints, several files, and what it refuses before it computes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from landscape_gui import cli

QUICK = ["--limit", "60", "--top", "2", "--probes", "2", "--steps", "4", "--points", "1", "--no-bound"]


def test_several_checkpoints_stand_side_by_side_in_every_format(
    tmp_path: Path, sample_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = sample_folder / "digits-mlp"
    paths = [str(run / "epoch-005.safetensors"), str(run / "epoch-040.safetensors")]
    outputs = [part for suffix in ("md", "tex", "csv", "json") for part in ("-o", str(tmp_path / f"r.{suffix}"))]
    assert cli.main(["report", *paths, *QUICK, "--seed", "3", *outputs]) == 0
    assert capsys.readouterr().out == ""
    found = json.loads((tmp_path / "r.json").read_text())
    assert [m["title"].rpartition(" ")[2] for m in found["models"]] == ["5", "40"]
    assert all(m["seed"] == 3 and m["examples"] == 60 for m in found["models"])
    losses = [m["numbers"]["loss"]["value"] for m in found["models"]]
    assert losses[0] > losses[1], "training lowers the loss"
    assert all(m["numbers"]["lambda_max"]["error"] >= 0 for m in found["models"])
    head = (tmp_path / "r.md").read_text().splitlines()[2]
    assert head.count("epoch") == 2 and r"\toprule" in (tmp_path / "r.tex").read_text()
    assert cli.main(["report", *paths, *QUICK, "--seed", "3"]) == 0  # from the store
    shown = capsys.readouterr().out
    assert "largest eigenvalue" in shown and "SHARPNESS" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["samples:digits-mlp", "-o", "r.docx"], "suffix"),
        (["samples:digits-mlp", "samples:digits-seed-a", "-o", "r.h5"], "one answer"),
        ([], "missing"),
        (["samples:digits-mlp", "-o", "nowhere/r.md"], "no folder"),
        (["samples:digits-mlp", "--layer", "fc1"], "not known"),
    ],
)
def test_what_cannot_be_written_is_said_before_anything_is_opened(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["report", *arguments]) == 2
    assert words in capsys.readouterr().err
