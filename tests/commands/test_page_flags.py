"""The page on the command line: venues, lengths, fonts, and files that are there already."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image

from landscape_gui import cli
from landscape_gui.results import AxesReport, Quantity, SurfaceResult, freeze
from landscape_gui.store import write_result


@pytest.fixture
def answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANDSCAPE_GUI_RENDERER", "painter")
    axes = AxesReport(kind="filter", labels=("one", "two"), norms=freeze([1, 1]), cosines=freeze([[1, 0], [0, 1]]))
    values = freeze([[1.0, 2.0, 3.0], [0.5, 0.1, 2.0], [1.0, 1.5, 2.5]])
    loss = Quantity(name="train_loss", label="train loss", values=values, unit="nat")
    side = freeze([-1.0, 0.0, 1.0])
    write_result(
        "a.h5", SurfaceResult(x=side, y=side, quantities={"train_loss": loss}, computed=freeze([[True] * 3] * 3, bool), axes=axes)
    )  # fmt: skip
    return "a.h5"


def run(*arguments: str) -> int:
    return cli.main(["export", *arguments])


def width(path: str) -> float:
    """Points across an SVG."""
    found = re.search(r'<svg[^>]*? width="([\d.]+)pt"', Path(path).read_text())
    assert found
    return float(found[1])


@pytest.mark.parametrize(
    ("flags", "points"),
    [
        (("--venue", "neurips"), 396.0), (("--venue", "icml"), 234.0), (("--venue", "icml", "--columns", "2"), 486.0),
        (("--width", "84mm"), 84 / 25.4 * 72), (("--venue", "nature", "--width", "2in"), 144.0), ((), 3.3 * 72),
    ],
)  # fmt: skip
def test_a_figure_is_as_wide_as_is_said(answer: str, flags: tuple[str, ...], points: float) -> None:
    assert run(answer, "--view", "2d", *flags, "-o", "f.svg") == 0
    assert width("f.svg") == pytest.approx(points, abs=1e-4)


def test_every_flag_of_the_page_is_heard(answer: str) -> None:
    flags = ("--height", "5cm", "--width", "10cm", "--dpi", "127", "--theme", "dark", "--transparent", "--no-title", "--letters")
    assert run(answer, *flags, "--font", "serif", "--font-size", "7", "--line-width", "0.8", "-o", "f.png", "-o", "f.svg") == 0
    image = Image.open(io.BytesIO(Path("f.png").read_bytes()))
    assert image.size == (500, 250)
    assert image.getpixel((499, 249))[3] == 0  # type: ignore[index]
    svg = Path("f.svg").read_text()
    assert "STIXGeneral" in svg and "7px" in svg and "(a)" in svg
    assert not [words for words in re.findall(r"<text[^>]*>([^<]*)</text>", svg) if words.startswith("Train")]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--venue", "nips"), "--venue cannot be 'nips'; choose one of neurips, icml"),
        (("--venue", "neurips", "--columns", "2"), "NeurIPS has 1 column, not 2"),
        (("--columns", "2"), "Name it with --venue"),
        (("--width", "wide"), "'wide' is no length"),
        (("--width", "1mm"), "width of 0.0393701 inches"),
        (("--font", "comic"), "--font cannot be 'comic'"),
        (("--font-size", "0"), "font size of 0 points"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_done(
    answer: str, flags: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(answer, *flags, "-o", "f.svg") == 2
    assert said in capsys.readouterr().err
    assert not Path("f.svg").exists()


def test_a_file_that_is_there_is_replaced_only_where_that_is_said(answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("f.svg").write_text("edited by hand")
    Path("f.csv").write_text("mine")
    assert run(answer, "-o", "new.svg", "-o", "f.svg", "-o", "f.csv") == 2
    assert "f.svg, f.csv are there already. Add --overwrite to replace them" in capsys.readouterr().err
    assert (Path("f.svg").read_text(), Path("new.svg").exists()) == ("edited by hand", False)
    assert run(answer, "--overwrite", "-o", "f.svg") == 0
    assert Path("f.svg").read_text().startswith("<?xml")
