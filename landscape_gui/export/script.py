"""The script that draws a figure: a short Python file with the data in it, for numpy and matplotlib alone."""

from __future__ import annotations

import ast
import base64
import inspect
import io
import os
import re
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from landscape_gui import __version__
from landscape_gui.arrangement import letter, places
from landscape_gui.errors import LandscapeError
from landscape_gui.export import script_parts
from landscape_gui.export.embedding import comment_lines
from landscape_gui.export.figures import grid, kind, page_of, titled
from landscape_gui.export.files import check_target, write
from landscape_gui.export.metadata import sealed
from landscape_gui.export.paper import Page
from landscape_gui.export.script_lines import broken
from landscape_gui.export.script_panels import panel_lines, text
from landscape_gui.figure import Figure
from landscape_gui.page_setup import PageSetup

LARGE = 1 << 20
"""Characters of packed data above which they lie in a file beside the script."""
WIDTH = 116
FAMILIES = {"sans": "sans-serif", "serif": "STIXGeneral", "mathtext": "serif", "tex": "serif"}
IMPORTS = {
    "np": "import numpy as np",
    "plt": "import matplotlib.pyplot as plt",
    "effects": "import matplotlib.patheffects as effects",
    "ScalarMappable": "from matplotlib.cm import ScalarMappable",
    "base64": "import base64",
    "io": "import io",
    "sys": "import sys",
    "Path": "from pathlib import Path",
}
COLOURS = ("LogNorm", "Normalize")
REMARK = "# What `landscape-gui reproduce` reads: the questions, digests and versions behind the numbers."


def write_script(figure: Figure, path: str | os.PathLike[str], setup: PageSetup = PageSetup()) -> Path:
    """Write a .py that draws the figure again with matplotlib; returns the path.

    `python figure.py` shows it, `python figure.py out.pdf` writes it. Limits, colours, levels, labels, paths and the camera are the
    figure's; letters and the place of a legend are matplotlib's own. The data are in the script, packed; where they take more than
    a megabyte they lie beside it as .npz. Raises LandscapeError for an empty figure and where the file cannot be written.
    """
    target = check_target(path, (".py",))
    if not figure.panels:
        raise LandscapeError("This figure is empty: there is nothing to export.", remedy="Compute something first.")
    data = Data()
    page = page_of(figure, setup)
    code = drawing(titled(figure, setup), page, data)
    packed = data.packed()
    beside = target.with_suffix(".npz")
    if len(packed) > LARGE:
        if beside.exists() and not target.exists():
            message = f"{beside} exists already, and {target.name} needs a file of that name for its data."
            raise LandscapeError(message, remedy="Choose another name.")
        write(beside, packed)
    record = comment_lines(sealed(figure, setup), "# ", WIDTH)
    return write(target, f"{script_text(figure, page, code, data, packed, beside.name)}\n{REMARK}\n{record}".encode())


class Data:
    """The arrays of a script: short ones are written out, long ones packed under a name."""

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray[Any, Any]] = {}

    def __call__(self, name: str, values: Any) -> str:
        """What stands for the values in the script."""
        array = np.asarray(values)
        if array.size <= 8 and np.isfinite(array).all():
            return f"np.array({array.tolist()!r})"
        known = next((n for n, a in self.arrays.items() if a.shape == array.shape and np.array_equal(a, array, equal_nan=True)), "")
        if not known:
            plain = re.sub(r"\W+", "_", name).strip("_") or "data"
            known = next(n for n in (plain, *(f"{plain}_{k}" for k in range(2, 9999))) if n not in self.arrays)
            self.arrays[known] = array
        return f"data[{known!r}]".replace("'", '"')

    def packed(self) -> bytes:
        """As .npz; empty where there are none."""
        buffer = io.BytesIO()
        if self.arrays:
            np.savez_compressed(buffer, allow_pickle=False, **self.arrays)
        return buffer.getvalue()


def drawing(figure: Figure, page: Page, data: Data) -> list[str]:
    """The functions `draw` and one a panel."""
    columns, rows = grid(figure, page.width)
    spots = places(figure.panels, columns)
    lines = [
        "def draw(data):",
        '    """The whole figure."""',
        f'    figure = plt.figure(figsize=({page.width:.4g}, {page.height:.4g}), layout="constrained")',
        f"    grid = figure.add_gridspec({rows}, {columns})",
    ]
    shared = {k for bar in figure.bars for k in bar.panels}
    drawn: list[str] = []
    for k, (panel, spot) in enumerate(zip(figure.panels, spots, strict=True)):
        across = f"{spot.column}" if spot.span == 1 else f"{spot.column}:{spot.column + spot.span}"
        solid = ', projection="3d"' if kind(panel) == "3d" else ""
        lines.append(f"    axes_{k} = figure.add_subplot(grid[{spot.row}, {across}]{solid})")
        body, mappable = panel_lines(panel, page, data, page.width * spot.span / columns)
        lines.append(
            f"    colours_{k} = panel_{k}(axes_{k}, data)" if k in shared and mappable else f"    panel_{k}(axes_{k}, data)"
        )
        ending = [f"    return {mappable}"] if k in shared and mappable else []
        drawn += ["", "", f"def panel_{k}(axes, data):", *(f"    {line}" for line in body), *ending]
        if page.letters:
            lines.append(f'    axes_{k}.set_title("({letter(k)})", loc="left", fontweight="bold")')
        lines += [f"    {line}" for line in around(figure, k, spot.row, spot.column)]
    for bar in figure.bars:
        known = [k for k in bar.panels if k < len(figure.panels)]
        first = next((figure.panels[k] for k in known if figure.panels[k].surface is not None), None)
        if first is None or first.surface is None or not first.surface.has_scale:
            continue
        axes, place = ", ".join(f"axes_{k}" for k in known), "right" if bar.place == "right" else "bottom"
        label = text(first.z.text or first.surface.label)
        lines.append(f'    figure.colorbar(colours_{known[0]}, ax=[{axes}], location="{place}", shrink=0.7, label={label})')
    if figure.title:
        lines.append(f"    figure.suptitle({text(figure.title)}, fontsize={page.font_size:g})")
    return [*lines, "    return figure", *drawn]


def around(figure: Figure, number: int, row: int, column: int) -> Iterable[str]:
    """What stands above its column and left of its row."""
    style = 'xycoords="axes fraction", textcoords="offset points", ha="center", va="center"'
    if row == 0 and column < len(figure.heads) and figure.heads[column]:
        yield f"axes_{number}.annotate({text(figure.heads[column])}, (0.5, 1), (0, 22), {style})"
    if column == 0 and row < len(figure.sides) and figure.sides[row]:
        yield f"axes_{number}.annotate({text(figure.sides[row])}, (0, 0.5), (-46, 0), rotation=90, {style})"


def script_text(figure: Figure, page: Page, code: list[str], data: Data, packed: bytes, beside: str) -> str:
    """The file: what it is, imports, settings, drawing, data."""
    body = "\n".join([*settings(page), "", "", *broken(code), "", "", *parts("\n".join(code))])
    last = "\n".join(ending(data, packed, beside))
    return "\n".join([heading(figure), "", *import_lines(f"{body}\n{last}"), body.rstrip("\n"), "", "", last, ""])


def heading(figure: Figure) -> str:
    title = figure.title or next((p.title for p in figure.panels if p.title), "Loss landscape")
    lines = [*textwrap.wrap(f"{title}.", WIDTH), ""]
    told = f"Written by landscape_gui {__version__}; needs numpy and matplotlib."
    lines += [f"{told} Run it to see the figure, or with the name of a file.", ""]
    lines += textwrap.wrap(figure.caption, WIDTH)
    words = "\n".join(line.rstrip() for line in lines).strip().replace("\\", "/").replace('"""', "'''")
    return f'"""{words}\n"""'


def settings(page: Page) -> list[str]:
    """Sizes and colours of letters and lines."""
    ink, ground = text(page.theme.ink), text(page.theme.background)
    small = f"{page.tick_size:g}"
    given = {
        "font.size": f"{page.font_size:g}", "font.family": text(FAMILIES[page.font]),
        "axes.titlesize": f"{page.font_size:g}", "axes.labelsize": f"{page.font_size:g}",
        "xtick.labelsize": small, "ytick.labelsize": small, "legend.fontsize": small,
        "lines.linewidth": f"{page.line_width:g}", "axes.linewidth": f"{page.points(0.55):.3g}",
        "figure.dpi": "150", "savefig.dpi": f"{page.dpi:g}", "savefig.transparent": str(page.transparent),
        "pdf.fonttype": "42", "svg.fonttype": text("none"), "text.usetex": str(page.font == "tex"),
    }  # fmt: skip
    if page.font == "mathtext":
        given |= {"font.serif": '["cmr10"]', "mathtext.fontset": text("cm"), "axes.formatter.use_mathtext": "True"}
    if page.theme.dark:
        given |= dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), ink)
        given |= {"figure.facecolor": ground, "axes.facecolor": ground}
    return ["plt.rcParams.update(", "    {", *(f"        {text(name)}: {value}," for name, value in given.items()), "    }", ")"]


def parts(code: str) -> list[str]:
    """Sources of the functions that the code calls, and those that they call."""
    known: Mapping[str, Any] = {n: f for n, f in vars(script_parts).items() if inspect.isfunction(f)}
    found: dict[str, str] = {}
    waiting = [code]
    while waiting:
        here = waiting.pop()
        for name, function in known.items():
            if name not in found and re.search(rf"(?<![\w.]){name}\(", here):
                found[name] = inspect.getsource(function).rstrip()
                waiting.append(found[name])
    return [line for name in known if name in found for line in (found[name], "", "")]


def import_lines(code: str) -> list[str]:
    """Sorted as a tidy script has them; only what is used."""
    used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    standard = [IMPORTS[name] for name in ("base64", "io", "sys", "Path") if name in used]
    colours = [name for name in COLOURS if name in used]
    third = [IMPORTS[name] for name in ("effects", "plt", "np") if name in used]
    third += [IMPORTS["ScalarMappable"]] if "ScalarMappable" in used else []
    third += [f"from matplotlib.colors import {', '.join(colours)}"] if colours else []
    return [*standard, "", *third, ""]


def ending(data: Data, packed: bytes, beside: str) -> list[str]:
    """The data, and what is done when the script is run."""
    lines: list[str] = []
    if not data.arrays:
        read = ["    figure = draw({})"]
    elif len(packed) > LARGE:
        read = [f"    with np.load(Path(__file__).with_name({text(beside)})) as archive:", "        figure = draw(dict(archive))"]
    else:
        rows = textwrap.wrap(base64.b64encode(packed).decode(), WIDTH)
        lines = ["# The numbers: an .npz archive, packed as text.", 'DATA = """', *rows, '"""', ""]
        read = ["    with np.load(io.BytesIO(base64.b64decode(DATA))) as archive:", "        figure = draw(dict(archive))"]
    show = ["    if len(sys.argv) > 1:", "        figure.savefig(sys.argv[1])", "    else:", "        plt.show()"]
    return [*lines, 'if __name__ == "__main__":', *read, *show]
