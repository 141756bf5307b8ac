"""One file that is to be written, and what asking about it says: under which name, over what, how large it became."""

from __future__ import annotations

import datetime
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from landscape_gui.export.apart import Drawer
from landscape_gui.export.files import check_target, write
from landscape_gui.export_formats import FORMATS, Format
from landscape_gui.figure import Figure
from landscape_gui.page_setup import PageSetup
from landscape_gui.results import Result
from landscape_gui.ui.page_choice import PageChoice
from landscape_gui.ui.recolouring import recoloured

VIEWS = {
    "both": "Surface and contours", "3d": "Surface, 3-D", "2d": "Contours, 2-D", "chart": "Lines", "": "As it is",
}  # fmt: skip


FILES = re.compile(r"(\.figure)?\.(h5|hdf5|json|npz|pt|pt2|pth|ckpt|safetensors)$", re.IGNORECASE)
"""What files that are opened end in."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What can be exported: a figure in each of its views, the one on the screen first, and the answer that it shows, where it
    shows one (a figure composed of several has none), both as they are when they are asked for. name: for the file. page: what a
    figure's own file asks for, None where it asks for nothing; keep_page: for that file, what was chosen when it was exported.
    letters: its panels have them to begin with."""

    figure_of: Callable[[str], Figure | None]
    views: tuple[str, ...] = ("",)
    result_of: Callable[[], Result | None] = lambda: None
    name: str = ""
    page: PageChoice | None = None
    keep_page: Callable[[PageChoice], None] | None = None
    letters: bool = False


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is written, as what, on which page, and where; `content` where it has been drawn already. subject, view, colour_map:
    where the figure comes from, for another of the same."""

    kind: Format
    figure: Figure | None
    result: Result | None
    setup: PageSetup
    path: Path
    content: bytes | None = None
    subject: Subject | None = None
    view: str = ""
    colour_map: str = ""

    def again(self) -> Order:
        """The same of what is shown now."""
        if self.subject is None:
            return self
        figure = self.subject.figure_of(self.view)
        coloured = recoloured(figure, self.colour_map) if figure is not None else None
        return replace(self, figure=coloured, result=self.subject.result_of(), content=None)

    def carry_out(self, drawer: Drawer, stop: threading.Event | None = None) -> int:
        """Write the file, whole or not at all, in a thread; the bytes that it has. Raises LandscapeError; Stopped after `stop`."""
        stopped = (stop or threading.Event()).is_set
        if self.kind.group == "figure":
            target = check_target(self.path, (self.kind.suffix,))
            content = self.content or drawer.ask("whole", self.figure, self.kind.suffix, self.setup, stopped=stopped)
            write(target, content)
        else:
            check_target(self.path, (self.kind.suffix,))
            self.kind.write(self.path, self.figure, self.result, self.setup)
        return self.path.stat().st_size


def suggested_name(name: str, probe: str, view: str) -> str:
    """A file's name without its suffix, from what is shown: "digits-mlp-surface-3d"."""
    words = [FILES.sub("", name.removeprefix("samples:")), probe, view if view in ("2d", "3d") else ""]
    plain = [re.sub(r"[^\w.]+", "-", word).strip("-.") for word in words]
    return "-".join(filter(None, plain))[:80] or "landscape"


def with_suffix(path: str, suffix: str) -> Path:
    """The path with a suffix that is known: the one that was typed, else the chosen one."""
    typed = Path(path).suffix.lower()
    return Path(path) if typed in {f.suffix for f in FORMATS} else Path(path + suffix)


def over_words(path: Path, now: datetime.datetime | None = None) -> str:
    """What would be replaced: "surface.pdf, written today at 12:03 (0.3 MB)"."""
    told = path.stat()
    when, now = datetime.datetime.fromtimestamp(told.st_mtime), now or datetime.datetime.now()
    days = (now.date() - when.date()).days
    day = {0: "today", 1: "yesterday"}.get(days, f"on {when:%Y-%m-%d}")
    return f"{path.name}, written {day} at {when:%H:%M} ({size_words(told.st_size)})"


def size_words(count: float) -> str:
    """Bytes in the unit that a person would use."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f} bytes"
