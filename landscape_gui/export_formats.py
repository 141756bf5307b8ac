"""What an answer can be written as: one table for the command line and the window. What writes is imported when it writes."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from landscape_gui.errors import LandscapeError

if TYPE_CHECKING:
    from landscape_gui.figure import Figure
    from landscape_gui.page_setup import PageSetup
    from landscape_gui.results import Result

Group = Literal["figure", "animation", "mesh", "numbers", "script", "text"]
GROUPS: dict[Group, str] = {
    "figure": "Figure", "animation": "Animation", "mesh": "Mesh", "numbers": "Numbers", "script": "Script", "text": "Text",
}  # fmt: skip
"""In the order in which they are offered."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """One kind of file.

    suffix: with its dot, lower case. words: what the file holds. writer: "module:function", called as (path, result) where the
    format takes a result, and as (figure, path, setup) where it takes a figure, as `export.export` is. Figures are drawn with
    `export.render`. Animations have no writer: they are set up in a dialog and by a command of their own. layout: whose layout it
    is, where several share a suffix; in a window alone. named: only answers of these kinds (`Provenance.probe`) can be written so;
    empty: any. suits: whether an answer holds what is written. surface: only figures with a surface can. plain: text that can be
    shown as it is. alias: a second name of a suffix, which is not offered.
    """

    suffix: str
    group: Group
    name: str
    words: str
    writer: str = "landscape_gui.export:export"
    takes: Literal["figure", "result"] = "figure"
    layout: str = ""
    named: tuple[str, ...] = ()
    suits: Callable[[Result], bool] | None = None
    surface: bool = False
    plain: bool = False
    alias: bool = False

    @property
    def key(self) -> str:
        """Its suffix, with the layout where there are several."""
        return f"{self.suffix}:{self.layout}" if self.layout else self.suffix

    def fits(self, figure: Figure | None, result: Result | None) -> bool:
        """Whether what is shown can be written as this."""
        given = result if self.takes == "result" else figure
        if given is None:
            return False
        if self.named and (result is None or result.provenance.probe not in self.named):
            return False
        if self.suits is not None and (result is None or not self.suits(result)):
            return False
        return not self.surface or (figure is not None and has_surface(figure, alone=self.group == "mesh"))

    def write(self, path: Path, figure: Figure | None, result: Result | None, setup: PageSetup) -> None:
        """Write the file, whole or not at all. Raises LandscapeError."""
        module, _, name = self.writer.partition(":")
        writer: Callable[..., Any] = getattr(importlib.import_module(module), name)
        if self.takes == "result":
            writer(path, result)
        else:
            writer(figure, path, setup)


def has_surface(figure: Figure, *, alone: bool) -> bool:
    """Whether it shows a surface. alone: and those that it shows are one answer's, a mesh having no panels."""
    shown = sum(panel.surface is not None for panel in figure.panels)
    return shown == 1 or (shown > 1 and not (alone and len(figure.sources) > 1))


def holds_surface(result: Result) -> bool:
    """Whether an answer is, or holds, a surface or a line."""
    from landscape_gui.results import LineResult, SurfaceResult

    return isinstance(getattr(result, "surface", result), SurfaceResult | LineResult)


def holds_path(result: Result) -> bool:
    from landscape_gui.results import TrajectoryResult

    return isinstance(result, TrajectoryResult)


VECTORS = "vector axes and text"
TABLES = "landscape_gui.export.tables"
FORMATS: tuple[Format, ...] = (
    Format(suffix=".pdf", group="figure", name="PDF", words=VECTORS),
    Format(suffix=".svg", group="figure", name="SVG", words=VECTORS),
    Format(suffix=".png", group="figure", name="PNG", words="pixels"),
    Format(suffix=".tiff", group="figure", name="TIFF", words="pixels"),
    Format(suffix=".tif", group="figure", name="TIFF", words="pixels", alias=True),
    Format(suffix=".eps", group="figure", name="EPS", words=f"{VECTORS}, nothing transparent"),
    Format(
        suffix=".h5", group="numbers", name="HDF5", words="the whole answer, to look at and export elsewhere",
        writer="landscape_gui.store:write_result", takes="result",
    ),
    Format(
        suffix=".json", group="numbers", name="JSON", words="numbers with provenance",
        writer=f"{TABLES}:write_json", takes="result", plain=True,
    ),
    Format(
        suffix=".csv", group="numbers", name="CSV", words="numbers, one point a line",
        writer=f"{TABLES}:write_csv", takes="result", plain=True,
    ),
    Format(
        suffix=".npz", group="numbers", name="NumPy", words="numbers as arrays, by name",
        writer="landscape_gui.export.arrays:write_npz", takes="result",
    ),
    Format(
        suffix=".tex", group="numbers", name="LaTeX table", words="the numbers that the answer comes down to, as a table for LaTeX",
        writer="landscape_gui.export.answer_tables:write_table", takes="result", plain=True,
    ),
    Format(
        suffix=".md", group="numbers", name="Markdown table", words="the same table in Markdown",
        writer="landscape_gui.export.answer_tables:write_table", takes="result", plain=True,
    ),
    Format(
        suffix=".h5", layout="loss-landscape", group="numbers", name="HDF5 of loss-landscape",
        words="losses and accuracies as tomgoldstein/loss-landscape writes them",
        writer="landscape_gui.export.peers:write_surface_of", takes="result", suits=holds_surface,
    ),
    Format(
        suffix=".h5", layout="projection", group="numbers", name="HDF5 of loss-landscape, path",
        words="the run's path in the plane as tomgoldstein/loss-landscape projects it",
        writer="landscape_gui.export.peers_projection:write_projection", takes="result", suits=holds_path,
    ),
    Format(
        suffix=".json", layout="epochs", group="numbers", name="JSON by epochs",
        words="the numbers of the run, an entry an epoch, as others write and read them",
        writer="landscape_gui.export.epochs_json:write_epochs", takes="result", named=("dynamics",), plain=True,
    ),
    *(
        Format(suffix=suffix, group="animation", name=name, words=words, writer="", surface=True)
        for suffix, name, words in (
            (".mp4", "MP4", "a film that plays everywhere"), (".gif", "GIF", "pictures in a loop, 256 colours"),
            (".webp", "WebP", "pictures in a loop, for web pages"),
        )
    ),
    Format(
        suffix=".vtp", group="mesh", name="VTK", words="surface for ParaView, as tomgoldstein/loss-landscape writes it",
        writer="landscape_gui.export.meshes:write_mesh", surface=True,
    ),
    Format(
        suffix=".obj", group="mesh", name="OBJ", words="surface with colours for Blender (its .mtl and _colours.png beside it)",
        writer="landscape_gui.export.meshes:write_mesh", surface=True,
    ),
    Format(
        suffix=".glb", group="mesh", name="glTF", words="surface with colours in one file, for Blender, browsers and slides",
        writer="landscape_gui.export.meshes:write_mesh", surface=True,
    ),
    Format(
        suffix=".py", group="script", name="Python", words="short and with the data: draws the figure with matplotlib",
        writer="landscape_gui.export.script:write_script", plain=True,
    ),
    Format(
        suffix=".txt", group="text", name="Caption", words="what the figure shows, in sentences",
        writer="landscape_gui.export.caption:write_caption", plain=True,
    ),
    Format(
        suffix=".bib", group="text", name="BibTeX", words="the papers whose methods the figure uses",
        writer="landscape_gui.export.references:write_references", plain=True,
    ),
)  # fmt: skip
"""In the order in which they are offered within their group. A new kind of file is one more line here."""
FIGURES = tuple(f.suffix for f in FORMATS if f.group == "figure")


def suffixes(*, figures: bool = False) -> dict[str, str]:
    """What is written under each suffix, for a list of them. figures: what is written of a figure that is no single answer's."""
    known = [f for f in FORMATS if f.writer and not f.layout and (f.takes == "figure" or not figures)]
    return {f.suffix: f.words if f.group in ("numbers", "text") else f"{f.group}, {f.words}" for f in known}


def format_of(path: str | Path) -> Format:
    """The format that a path's suffix names. Raises LandscapeError where there is none."""
    suffix = Path(path).suffix.lower()
    found = next((f for f in FORMATS if f.key == suffix), None)
    if found is None:
        known = ", ".join(suffixes())
        raise LandscapeError(f"{Path(path).name}: nothing is written under the suffix “{suffix}”.", remedy=f"Use one of {known}.")
    return found


def offered(figure: Figure | None, result: Result | None) -> list[Format]:
    """What can be written of what is shown, group by group."""
    groups = list(GROUPS)
    fitting = [f for f in FORMATS if not f.alias and f.fits(figure, result)]
    return sorted(fitting, key=lambda f: groups.index(f.group))
