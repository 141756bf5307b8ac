"""Figures of the shipped samples without a window, and the small pictures by which the window offers them.

`python -m landscape_gui.gallery --output figures digits-mlp` draws a sample's surface, contours and trajectory;
`python -m landscape_gui.gallery --thumbnails` draws assets/samples/<name>.png again.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_gui.commands.terminal import ProgressBar
from landscape_gui.errors import LandscapeError
from landscape_gui.figure import Camera, Figure, Look, Panel

if TYPE_CHECKING:
    from PIL import Image

    from landscape_gui.probes.base import Probe, Progress
    from landscape_gui.problem import Problem
    from landscape_gui.results import Result

THUMBNAIL = (480, 320)
"""Width and height in pixels."""
MARGIN = 10
"""Pixels around the surface."""
LARGEST = 100_000
"""Bytes of a picture."""
THUMBNAIL_STEPS = (41, 41)
THUMBNAIL_LIMIT = 128
"""Examples: a small picture shows the shape, not the third digit."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m landscape_gui.gallery", description=__doc__, allow_abbrev=False)
    parser.add_argument("names", metavar="NAME", nargs="*", help="samples (default: all)")
    parser.add_argument("--output", default="figures", metavar="FOLDER", help="where figures go (default: figures)")
    parser.add_argument("--thumbnails", action="store_true", help="draw the small pictures of the samples instead")
    namespace = parser.parse_args(arguments)
    from landscape_gui import samples

    names = namespace.names or list(samples.names())
    try:
        for name in names:
            if namespace.thumbnails:
                print(draw_thumbnail(name, samples.pictures()))
            else:
                for path in draw_sample(name, Path(namespace.output)):
                    print(path)
    except LandscapeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def draw_sample(name: str, folder: Path) -> Iterator[Path]:
    """Draw the sample's default question: surface (PNG, PDF), contours (PDF), its trajectory where it is a run, and the answer
    itself (HDF5). Yields each file when it is there."""
    from landscape_gui.export import export
    from landscape_gui.store import write_result

    folder.mkdir(parents=True, exist_ok=True)
    problem = open_sample(name)
    for question in questions(problem):
        result = ask(question, problem)
        yield written(write_result, folder / f"{name}-{question.name}.h5", result)
        for view, suffixes in (("3d", (".png", ".pdf")), ("2d", (".pdf",))):
            figure = question.figure(result, Look(view=view))  # type: ignore[arg-type]
            for suffix in suffixes:
                path = folder / f"{name}-{question.name}-{view}{suffix}"
                export(figure, path)
                yield path


def written(write: Any, path: Path, result: Result) -> Path:
    write(path, result)
    return path


def questions(problem: Problem) -> list[Probe]:
    """What the window asks by itself, and the trajectory where there is a run."""
    from landscape_gui.probes import PROBES

    asked = [suited(PROBES["surface"], problem.defaults)]
    if problem.run is not None and len(problem.run.checkpoints) > 2:
        asked.append(suited(PROBES["trajectory"], problem.defaults, leave_out=("span", "directions", "seed")))
    return asked


def suited(probe: type[Probe], defaults: Mapping[str, Any], leave_out: tuple[str, ...] = ()) -> Probe:
    """The probe with a card's suggestions for those of its fields that the card names."""
    names = {f.name for f in dataclasses.fields(probe)} - set(leave_out)
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in defaults.items() if name in names}
    return probe(**values)


def ask(question: Probe, problem: Problem) -> Result:
    from landscape_gui.jobs import answer
    from landscape_gui.store import Store

    bar = ProgressBar(f"{problem.title}: {question.title}")

    def show(progress: Progress) -> None:
        bar.update(progress.done / progress.total if progress.total else 0.0)

    try:
        return answer(question, problem, store=Store(), on_progress=show)
    finally:
        bar.close()


def open_sample(name: str) -> Problem:
    from landscape_gui.problem import open_problem

    return open_problem(f"samples:{name}")


def draw_thumbnail(name: str, folder: Path) -> Path:
    """The small picture of a sample: its loss surface alone, on a transparent ground, as a PNG."""
    from landscape_gui.probes import PROBES

    problem = open_sample(name)
    small = {"steps": THUMBNAIL_STEPS, "limit": THUMBNAIL_LIMIT, "split": next(iter(problem.splits)), "draws": 1, "adaptive": False}
    question = suited(PROBES["surface"], {**problem.defaults, **small})
    figure = question.figure(ask(question, problem), Look(view="3d", scale="log", title=False, camera=Camera(elevation=50.0)))
    path = folder / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_thumbnail(bare(figure), path)
    return path


def bare(figure: Figure) -> Panel:
    """The surface alone: at this size, letters are dust."""
    surface = figure.panels[0].surface
    assert surface is not None
    return dataclasses.replace(figure.panels[0], marks=(surface,), title="")


def save_thumbnail(panel: Panel, path: Path) -> None:
    """The surface as large as it fits, on a transparent ground."""
    from PIL import Image

    from landscape_gui.scene3d.model import model_of
    from landscape_gui.scene3d.raster import framed, render

    width, height = THUMBNAIL
    projection, _ = framed(model_of(panel), (width, height), fit=True)
    drawn = Image.fromarray(render(panel, width, height, 3.0, True, view=(projection, None)))
    drawn = drawn.crop(drawn.getbbox())
    shrink = min((width - 2 * MARGIN) / drawn.width, (height - 2 * MARGIN) / drawn.height)
    drawn = drawn.resize((round(drawn.width * shrink), round(drawn.height * shrink)), Image.Resampling.LANCZOS)
    picture = Image.new("RGBA", THUMBNAIL)
    picture.paste(drawn, ((width - drawn.width) // 2, (height - drawn.height) // 2))
    for bits in range(4):
        save_coarser(picture, bits, path)
        if path.stat().st_size <= LARGEST:
            return


def save_coarser(picture: Image.Image, bits: int, path: Path) -> None:
    """With the last `bits` of each colour left out: nothing that one sees, and a smaller file."""
    shades = [value >> bits << bits for value in range(256)]
    picture.point(shades * 3 + list(range(256))).save(path, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
