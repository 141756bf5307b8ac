"""What a script that draws a figure draws: `python told.py figure.py` prints it, where this program cannot be imported."""

import base64
import io
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np


def describe(path: Path) -> dict[str, Any]:
    """The size of the figure, and of each of its axes limits, labels and what stands in it."""
    names: dict[str, Any] = {"__name__": "script", "__file__": str(path)}
    matplotlib.use("Agg")
    with matplotlib.rc_context():
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)
        beside = path.with_suffix(".npz")
        source: Any = io.BytesIO(base64.b64decode(names["DATA"])) if "DATA" in names else beside if beside.exists() else None
        figure = names["draw"](dict(np.load(source)) if source is not None else {})
        figure.canvas.draw()
        found = {"axes": [told(axes) for axes in figure.axes], "size": list(figure.get_size_inches())}
        names["plt"].close(figure)
    return found


def told(axes: Any) -> dict[str, Any]:
    solid = hasattr(axes, "get_zlim")
    meshes = [c for c in axes.collections if type(c).__name__ == "QuadMesh"]
    lines = [line.get_data_3d() if hasattr(line, "get_data_3d") else line.get_data() for line in axes.lines]
    return {
        "label": [axes.get_xlabel(), axes.get_ylabel()], "title": axes.get_title(),
        "limits": [list(axes.get_xlim()), list(axes.get_ylim()), *([list(axes.get_zlim())] if solid else [])],
        "scale": [axes.get_xscale(), axes.get_yscale()],
        "lines": [[list(map(float, v)) for v in line] for line in lines],
        "camera": [axes.elev, axes.azim] if solid else [], "box": list(map(float, axes._box_aspect)) if solid else [],
        "clim": [list(c.get_clim()) for c in meshes],
        "levels": [list(map(float, c.levels)) for c in axes.collections if hasattr(c, "levels")],
        "z": [np.ma.filled(c.get_array(), np.nan).ravel().tolist() for c in meshes],
        "texts": [t.get_text() for t in axes.texts], "bars": [[p.get_x(), p.get_width()] for p in axes.patches],
        "ticks": [t.get_text() for t in axes.get_xticklabels()],
    }  # fmt: skip


if __name__ == "__main__":
    sys.modules["landscape_gui"] = None  # type: ignore[assignment]
    print(json.dumps(describe(Path(sys.argv[1]))))
