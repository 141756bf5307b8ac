"""The wheel holds all that the program needs beside its code, and runs from where it is unpacked."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from landscape_gui import __version__, samples

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the unpacked wheel, as pip lays it out."""
    from hatchling.builders.wheel import WheelBuilder

    folder = tmp_path_factory.mktemp("wheel")
    wheel = next(iter(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])))
    unpacked = folder / "site"
    zipfile.ZipFile(wheel).extractall(unpacked)
    return unpacked


def test_the_wheel_holds_code_samples_pictures_licence_and_command(site: Path) -> None:
    package = site / "landscape_gui"
    for name in samples.names():
        assert (package / "assets" / "samples" / f"{name}.png").stat().st_size < 100_000, name
    assert list((package / "sample_checkpoints" / "data").glob("*.npz"))
    for file in (ROOT / "landscape_gui").rglob("*.py"):
        assert (package / file.relative_to(ROOT / "landscape_gui")).exists(), file
    about = site / f"landscape_gui-{__version__}.dist-info"
    assert "landscape-gui = landscape_gui.cli:main" in (about / "entry_points.txt").read_text()
    assert list(about.rglob("LICENSE"))


def test_the_wheel_is_no_larger_than_samples_allow(site: Path) -> None:
    """20 MB of samples at most, and less than 5 MB of everything else."""
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    assert size < 25e6


def test_the_unpacked_wheel_finds_its_samples(site: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(site)}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert Path(run("-c", "import landscape_gui; print(landscape_gui.__file__)").strip()).is_relative_to(site)
    names = run("-m", "landscape_gui", "samples", "--names").split()
    assert names == list(samples.names())
    place = run("-c", f"from landscape_gui import samples; print(samples.path({names[0]!r}))").strip()
    assert Path(place).resolve().is_relative_to(site.resolve())
    assert "digits" in run("-m", "landscape_gui", "info", f"samples:{names[0]}").lower()
