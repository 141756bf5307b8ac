"""Figures on paper, numbers in tables, files of other tools."""

from __future__ import annotations

import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from landscape_gui import __version__
from landscape_gui.errors import LandscapeError
from landscape_gui.figure import Figure
from landscape_gui.style import LIGHT, Theme

SUFFIXES = (".png", ".pdf", ".svg")


def export(
    figure: Figure,
    path: str | os.PathLike[str],
    *,
    width_inches: float | None = None,
    height_inches: float | None = None,
    dpi: float = 300.0,
    theme: Theme = LIGHT,
    transparent: bool = False,
    font_size: float = 8.0,
) -> Path:
    """Writes a figure as .png, .pdf or .svg, by the suffix; the same bytes every time on one machine. Returns the path.

    width_inches, height_inches: as printed; by default 3.3 for one panel, 7 for several side by side, and a height that suits.
    dpi: pixels an inch of a .png, and of the rasters (a surface, a plane's colours) inside a .pdf or .svg, whose axes and text are
    vectors. font_size: points as printed. transparent: without the background. The caption and where the numbers come from are in
    the file's metadata. Needs no display and no OpenGL. The file is replaced as a whole or not at all. Raises LandscapeError for
    another suffix, a folder that is missing or cannot be written to, and sizes that make no sense. About 2 s for a 3-D panel.
    """
    target = check_target(path, SUFFIXES)
    return write(target, render_bytes(
        figure, target.suffix.lower(), width_inches=width_inches, height_inches=height_inches, dpi=dpi, theme=theme,
        transparent=transparent, font_size=font_size,
    ))  # fmt: skip


def render_bytes(
    figure: Figure,
    suffix: str,
    *,
    width_inches: float | None = None,
    height_inches: float | None = None,
    dpi: float = 300.0,
    theme: Theme = LIGHT,
    transparent: bool = False,
    font_size: float = 8.0,
) -> bytes:
    """What `export` writes, as bytes: for the clipboard."""
    from landscape_gui.export.figures import default_size, draw
    from landscape_gui.export.paper import Page, settings

    width, height = default_size(figure, width_inches)
    page = Page(
        width=width, height=height_inches or height, dpi=dpi, font_size=font_size, theme=theme, transparent=transparent
    )  # fmt: skip
    _check_page(page)
    buffer = io.BytesIO()
    with settings(page):
        sheet = draw(figure, page)
        face = "none" if transparent else theme.background
        sheet.savefig(buffer, format=suffix.lstrip("."), dpi=dpi, metadata=_metadata(figure, suffix), facecolor=face)
    return buffer.getvalue()


def check_target(path: str | os.PathLike[str], suffixes: tuple[str, ...]) -> Path:
    """The path, if its suffix is known and its folder can be written to; else LandscapeError."""
    target = Path(path)
    if target.suffix.lower() not in suffixes:
        what = f"the suffix {target.suffix!r}" if target.suffix else "a file without a suffix"
        raise LandscapeError(f"Cannot export to {target.name}: {what} is not known.", remedy=f"Use {_or(suffixes)}.")
    folder = target.parent
    if not folder.is_dir():
        raise LandscapeError(f"The folder {folder} does not exist.", remedy="Create it, or choose another one.")
    if not os.access(folder, os.W_OK):
        raise LandscapeError(f"The folder {folder} cannot be written to.", remedy="Choose another one, or change its permissions.")
    if target.is_dir():
        raise LandscapeError(f"{target} is a folder.", remedy="Give the name of a file.")
    return target


def write(target: Path, content: bytes) -> Path:
    """The whole file or nothing: written beside it under another name, then put in its place."""
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=f".{target.stem}-", suffix=target.suffix, delete=False
        ) as handle:
            temporary = Path(handle.name)
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        os.chmod(temporary, _mode(target))
        os.replace(temporary, target)
    except OSError as why:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        reason = why.strerror or str(why)
        raise LandscapeError(
            f"{target} could not be written: {reason}.", remedy="Free some space, or choose another folder."
        ) from why
    return target


def _mode(target: Path) -> int:
    """Permissions of the file that is replaced, else those that the user's mask gives."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _check_page(page: Any) -> None:
    if not (0.5 <= page.width <= 60 and 0.4 <= page.height <= 60):
        raise LandscapeError(
            f"A figure of {page.width:g} x {page.height:g} inches makes no sense.", remedy="Choose 0.5 to 60 inches."
        )
    if not 20 <= page.dpi <= 2400:
        raise LandscapeError(f"A resolution of {page.dpi:g} dots per inch makes no sense.", remedy="Choose 20 to 2400.")
    if not 2 <= page.font_size <= 72:
        raise LandscapeError(f"A font size of {page.font_size:g} points makes no sense.", remedy="Choose 2 to 72.")
    if page.width * page.dpi * page.height * page.dpi > 2e8:
        raise LandscapeError("This picture has more than 200 million pixels.", remedy="Lower the size or the resolution.")


def _metadata(figure: Figure, suffix: str) -> dict[str, Any]:
    """Caption and provenance in each format's own terms; no dates, so that equal figures are equal files."""
    title = figure.title or next((p.title for p in figure.panels if p.title), "Loss landscape")
    program = f"landscape_gui {__version__}"
    origin = json.dumps(provenance(figure), sort_keys=True, ensure_ascii=False, default=str)
    facts = "; ".join(f"{name}: {value}" for name, value in figure.facts)
    if suffix == ".pdf":
        return {
            "Title": title,
            "Subject": figure.caption,
            "Keywords": f"{facts} | {origin}",
            "Creator": program,
            "CreationDate": None,
        }
    if suffix == ".svg":
        return {"Title": title, "Description": f"{figure.caption}\n{facts}\n{origin}", "Creator": program, "Date": None}
    return {"Title": title, "Description": figure.caption, "Facts": facts, "Provenance": origin, "Software": program}


def provenance(figure: Figure) -> dict[str, Any]:
    """Where the numbers come from, without what differs from run to run (when, how long)."""
    p = figure.provenance
    return {
        "probe": p.probe, "version": p.version, "key": p.key, "fingerprint": p.fingerprint, "question": dict(p.question),
        "problem": dict(p.problem), "environment": dict(p.environment),
    }  # fmt: skip


def _or(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
