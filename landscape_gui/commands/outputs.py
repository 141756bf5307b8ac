"""-o FILE, several times: the suffix decides what is written. And the flags that say how a figure looks."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_gui.commands.page_flags import add_page_flags, setup_of
from landscape_gui.commands.parser import Parser, UsageError, number, split_numbers, whole_number
from landscape_gui.errors import StoreError
from landscape_gui.export_formats import format_of, suffixes
from landscape_gui.figure import Camera, Look

if TYPE_CHECKING:
    from landscape_gui.figure import Figure
    from landscape_gui.results import Result

SUFFIXES = suffixes()
VIEWS = {"3d": "height field", "2d": "contours", "chart": "curves"}


def add_output_flags(parser: Parser) -> None:
    kinds = "\n".join(f"  {suffix}: {meaning}" for suffix, meaning in SUFFIXES.items())
    help = f"write FILE, several times if wanted; its suffix decides what\n{kinds}"
    parser.add_argument("-o", "--output", action="append", default=[], metavar="FILE", help=help)
    parser.add_argument("--overwrite", action="store_true", help="replace files that are to be written and are there already")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress and no summary")


def add_look_flags(parser: Parser, *, page: bool = True) -> None:
    """page: with those of a printed page, and of meshes."""
    from landscape_gui.style import COLOUR_MAPS

    group = parser.add_argument_group("the figure")
    group.add_argument(
        "--view", choices=tuple(VIEWS), metavar="|".join(VIEWS), help="; ".join(f"{k}: {v}" for k, v in VIEWS.items())
    )
    group.add_argument("--quantity", metavar="NAME", help="train_loss, test_accuracy, ... (default: the first split's loss)")
    group.add_argument(
        "--statistic",
        choices=("first", "median", "minimum", "maximum", "spread"),
        metavar="NAME",
        help="of several draws: first, median, minimum, maximum or spread",
    )
    group.add_argument("--log", action="store_true", help="height and colours on a logarithmic scale")
    parser.numeric.update(("--limits", "--camera"))
    group.add_argument("--limits", type=two_numbers, metavar="LOW HIGH", help="range of colours and heights")
    group.add_argument("--camera", type=two_numbers, metavar="AZIMUTH ELEVATION", help="of the 3-D view, in degrees")
    group.add_argument("--colour-map", choices=tuple(COLOUR_MAPS), metavar="NAME", help=", ".join(COLOUR_MAPS))
    group.add_argument("--levels", type=whole_number, metavar="N", help="number of contour intervals")
    group.add_argument("--relief", type=number, metavar="X", help="height of the 3-D box, relative to the usual 1")
    group.add_argument("--no-contours", action="store_true", help="no contour lines")
    group.add_argument(
        "--kernel-width", type=number, metavar="X", help="of a density of eigenvalues, in their units (default: range/100)"
    )
    if page:
        add_heights_flag(group)
        add_page_flags(parser)


def add_heights_flag(group: argparse._ArgumentGroup) -> None:
    from landscape_gui.export.mesh import HEIGHTS

    words = "; ".join(f"{name}: {meaning}" for name, meaning in HEIGHTS.items())
    group.add_argument(
        "--heights", choices=tuple(HEIGHTS), metavar="|".join(HEIGHTS), help=f"of a mesh; {words} (default: true in a .vtp)"
    )


def two_numbers(text: str) -> tuple[float, float]:
    values = [number(part) for part in split_numbers(text)]
    if len(values) != 2:
        raise argparse.ArgumentTypeError(f"takes two numbers, not {len(values)}")
    return values[0], values[1]


def look_of(namespace: argparse.Namespace) -> Look:
    """The look that the flags describe; what was not given stays as the window has it."""
    given: dict[str, Any] = {
        name: getattr(namespace, name)
        for name in ("view", "quantity", "statistic", "limits", "colour_map", "levels")
        if getattr(namespace, name) is not None
    }
    if namespace.relief is not None:
        given["height"] = namespace.relief
    if namespace.log:
        given["scale"] = "log"
    if namespace.kernel_width is not None:
        given["width"] = namespace.kernel_width
    if namespace.camera:
        given["camera"] = Camera(azimuth=namespace.camera[0], elevation=namespace.camera[1])
    return Look(**given, contour_lines=not namespace.no_contours, title=not namespace.no_title)


def check_outputs(paths: Sequence[str], *, overwrite: bool = False) -> None:
    """Said before anything is computed: a suffix that is not known, a folder that is not there or cannot be written, a file that
    is there and may not be replaced."""
    for name in paths:
        if Path(name).suffix.lower() not in SUFFIXES:
            raise UsageError(f"{name}: the suffix decides what is written; it can be {', '.join(SUFFIXES)}.")
    check_places(paths, overwrite=overwrite)


def check_places(paths: Sequence[str], *, overwrite: bool = False) -> None:
    """Of files whose kind another flag decides: their folders, and whether they are there already."""
    check_folders(paths)
    if not overwrite:
        check_absent(paths)


def check_absent(paths: Sequence[str]) -> None:
    """A file that is there is not replaced unless that is said."""
    there = [name for name in paths if Path(name).exists()]
    if there:
        words = f"{', '.join(there)} {'is' if len(there) == 1 else 'are'} there already."
        raise UsageError(f"{words} Add --overwrite to replace {'it' if len(there) == 1 else 'them'}, or give another name.")


def check_folders(paths: Sequence[str]) -> None:
    for name in paths:
        path = Path(name)
        if path.is_dir():
            raise UsageError(f"{name} is a folder. Name a file in it.")
        if not path.parent.is_dir():
            raise UsageError(f"{name}: there is no folder {path.parent}. Make it first: mkdir -p {path.parent}")
        if not os.access(path.parent, os.W_OK):
            raise UsageError(f"{name}: the folder {path.parent} cannot be written. Name another one.")


def write_outputs(namespace: argparse.Namespace, result: Result, figure: Figure | None) -> None:
    """Every -o of the command. StoreError names the file that could not be written."""
    for name in namespace.output:
        try:
            write_output(Path(name), namespace, result, figure)
        except OSError as error:
            remedy = "Free some space, or name another folder."
            raise StoreError(f"{name} could not be written: {error.strerror or error}.", remedy=remedy) from error


def write_output(path: Path, namespace: argparse.Namespace, result: Result, figure: Figure | None) -> None:
    kind = format_of(path)
    if kind.group == "mesh" and figure is not None:
        from landscape_gui.export.meshes import write_mesh

        write_mesh(figure, path, heights=namespace.heights)
        return
    kind.write(path, figure, result, setup_of(namespace))


def needs_figure(paths: Sequence[str]) -> bool:
    return any(format_of(name).takes == "figure" for name in paths)
