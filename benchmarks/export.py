"""How long a figure takes on its way to a file, and how large the file is: a 4K picture and a hybrid PDF of a 201 x 201 surface.

    python benchmarks/export.py

prints one JSON entry a line. `measure` runs it in a process of its own, without a display, so that what is found is what a command
meets: matplotlib's import and OpenGL's start are told apart as `first`. Seconds are of the wall clock, the least of the rounds:
another program on the machine only ever adds to them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

GOALS = {
    "export.png_4k": 10.0,
    "export.pdf_3d": 5.0,
    "export.pdf_2d": 5.0,
    "export.pdf_3d_size": 1.0,
    "export.pdf_2d_size": 1.0,
    "export.proof": 1.0,
}
POINTS = 201
ROUNDS = 3
PATIENCE = 600.0
"""Seconds that the whole may take."""


def measure() -> Iterator[dict[str, Any]]:
    """The entries, with the software renderer or the hardware that this machine has; a sentence where it fails."""
    with tempfile.TemporaryDirectory(prefix="landscape-gui-export-") as folder:
        environment = {**os.environ, "LANDSCAPE_GUI_CACHE": f"{folder}/cache", "LANDSCAPE_GUI_CONFIG": f"{folder}/config"}
        environment = {name: value for name, value in environment.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
        command = [sys.executable, str(Path(__file__).resolve())]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            yield json.loads(line)
    if done.returncode:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        print(f"export.*: not all measured, it ended with status {done.returncode}: {reason}", flush=True)


def main() -> int:
    from landscape_gui.export import proof, render
    from landscape_gui.page_setup import PageSetup
    from landscape_gui.venues import setup_for

    relief, plane = figure("3d"), figure("2d")
    screen, column = PageSetup(width=12.8, height=7.2, dpi=300), setup_for("neurips")
    jobs = {
        "export.png_4k": lambda: render(relief, ".png", screen),
        "export.pdf_3d": lambda: render(relief, ".pdf", column),
        "export.pdf_2d": lambda: render(plane, ".pdf", column),
        "export.proof": lambda: proof(plane, column),
    }
    for name, job in jobs.items():
        first, seconds, made = timed(job)
        print(json.dumps(entry(name, min(first, *seconds), "s", first=round(first, 2), seconds=seconds)), flush=True)
        if f"{name}_size" in GOALS:
            print(json.dumps(entry(f"{name}_size", len(made) / 1e6, "MB")), flush=True)
    return 0


def timed(job: Any) -> tuple[float, list[float], Any]:
    """Seconds of the first call and of the ones after it, and what the last one gave."""
    seconds, made = [], None
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        made = job()
        seconds.append(round(time.perf_counter() - start, 3))
    return seconds[0], seconds[1:], made


def entry(name: str, value: float, unit: str, **more: Any) -> dict[str, Any]:
    empty = {"ratio_to_forward": None, "ratio_to_best_peer": None}
    return {"name": name, **empty, "goal": GOALS[name], "value": round(value, 3), "unit": unit, **more}


def figure(view: Any) -> Any:
    """A surface with several basins, its contours and a path."""
    import numpy as np
    from landscape_gui.figure import Axis, Figure, Panel, Surface, contour_levels, finite_limits
    from landscape_gui.figure import Path as Way

    x = np.linspace(-1, 1, POINTS)
    u, v = np.meshgrid(x, x)
    z = 0.3 + u**2 + 0.6 * v**2 + 0.15 * np.sin(9 * u + 3 * v) + 0.1 * np.cos(13 * u * v)
    limits, t = finite_limits(z), np.linspace(0, 1, 12)
    surface = Surface(x=x, y=x, z=z, limits=limits, levels=contour_levels(limits, 14), label="train loss", unit="nat")
    axes = [Axis(label=f"filter-normalised direction {k}") for k in (1, 2)]
    way = Way(x=-0.8 * (1 - t), y=0.8 - 0.8 * t**2)
    return Figure(panels=(Panel(marks=(surface, way), view=view, x=axes[0], y=axes[1], z=Axis(label="train loss", unit="nat")),))


if __name__ == "__main__":
    sys.exit(main())
