"""Figures and thumbnails of the samples, drawn without a window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from landscape_gui import Surface, Trajectory, gallery, read_result, samples


def test_a_thumbnail_is_a_small_surface_on_a_transparent_ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "THUMBNAIL_STEPS", (9, 9))
    path = gallery.draw_thumbnail("digits-mlp", tmp_path)
    pixels = np.asarray(Image.open(path).convert("RGBA"))
    assert pixels.shape == (320, 480, 4)
    assert path.stat().st_size < 100_000
    assert (pixels[[0, 0, -1, -1], [0, -1, 0, -1], 3] == 0).all()
    rows, columns = np.nonzero(pixels[..., 3])
    fills = (columns.min(), columns.max()) == (10, 469) or (rows.min(), rows.max()) == (10, 309)
    assert fills, "the surface reaches the margin of 10 pixels in one direction"


def test_the_figures_of_a_sample_and_its_answers_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gallery, "questions", lambda problem: [Surface(steps=(5, 4), limit=50)])
    assert gallery.main(["--output", str(tmp_path / "figures"), "digits-mlp"]) == 0
    names = [Path(line).name for line in capsys.readouterr().out.splitlines()]
    assert sorted(names) == sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert {"digits-mlp-surface-3d.png", "digits-mlp-surface-3d.pdf", "digits-mlp-surface-2d.pdf"} <= set(names)
    assert read_result(tmp_path / "figures" / "digits-mlp-surface.h5").computed.shape == (4, 5)


def test_the_card_s_suggestions_make_the_question_and_a_run_its_trajectory() -> None:
    surface, trajectory = gallery.questions(gallery.open_sample("digits-mlp"))
    assert surface == Surface(
        **{k: tuple(v) if isinstance(v, list) else v for k, v in samples.card("digits-mlp")["defaults"].items()}
    )
    assert isinstance(trajectory, Trajectory)
    assert trajectory.directions == "principal"
    assert trajectory.span == ()


def test_a_sample_that_is_not_there_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert gallery.main(["nothing"]) == 1
    assert "digits-mlp" in capsys.readouterr().err


def test_every_sample_has_its_picture() -> None:
    for name in samples.names():
        assert (samples.pictures() / f"{name}.png").exists(), f"make pictures draws {name}.png"
