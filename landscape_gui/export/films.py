"""Films written: frames drawn off the screen, streamed into a file that is there as a whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from landscape_gui import __version__
from landscape_gui.errors import LandscapeError
from landscape_gui.export.files import check_target
from landscape_gui.export.film_encoders import SUFFIXES, encoder_of
from landscape_gui.export.film_frames import frame
from landscape_gui.export.metadata import provenance, sealed
from landscape_gui.film import Film, FilmSetup
from landscape_gui.page_setup import PageSetup
from landscape_gui.results import Array

SAMPLES = 8
"""Frames that a palette is made from."""


class FilmStopped(LandscapeError):
    """A film was stopped before it was finished."""


def write_film(
    film: Film,
    path: str | os.PathLike[str],
    setup: FilmSetup | None = None,
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    stopped: Callable[[], bool] = lambda: False,
    overwrite: bool = True,
) -> Path:
    """Write a film as .mp4, .gif or .webp, by the suffix; returns the path.

    Needs no display. One frame is held in memory at a time. on_progress: called with frames done and frames in all; stopped: asked
    before each frame; where it says yes nothing is left behind, and FilmStopped is raised. Caption and provenance are in an .mp4's
    metadata, the record in all three. The same film is the same file, byte for byte, on one machine. About 30 s for 6 s at
    1280 x 720 on two cores. Raises LandscapeError where the file cannot be written.
    """
    setup = setup or FilmSetup()
    target = check_target(path, tuple(SUFFIXES), overwrite=overwrite)
    suffix = target.suffix.lower()
    encode = encoder_of(suffix)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}-", suffix=suffix)
    os.close(handle)
    beside = Path(name)
    try:
        samples = [frame(film, setup, k) for k in chosen(setup.count)] if suffix == ".gif" else []
        encode(beside, frames(film, setup, on_progress, stopped), setup, samples, told(film))
        beside.chmod(0o644)
        os.replace(beside, target)
    except OSError as why:
        reason = why.strerror or str(why)
        raise LandscapeError(
            f"{target} could not be written: {reason}.", remedy="Free some space, or choose another folder."
        ) from why
    finally:
        beside.unlink(missing_ok=True)
    return target


def frames(film: Film, setup: FilmSetup, on_progress: Callable[[int, int], None], stopped: Callable[[], bool]) -> Iterator[Array]:
    for k in range(setup.count):
        if stopped():
            raise FilmStopped("The film was stopped.", remedy="Nothing was written.")
        yield frame(film, setup, k)
        on_progress(k + 1, setup.count)


def chosen(count: int) -> list[int]:
    """Numbers of frames all over the film."""
    return sorted({int(k) for k in np.linspace(0, count - 1, SAMPLES)})


def told(film: Film) -> dict[str, str]:
    """What a film says of itself."""
    title = film.figure.title or next((p.title for p in film.figure.panels if p.title), "Loss landscape")
    return {
        "title": title,
        "comment": film.figure.caption,
        "description": f"{provenance(film.figure)}\n{sealed(film.figure, PageSetup())}",
        "encoder": f"landscape_gui {__version__}",
    }
