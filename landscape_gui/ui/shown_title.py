"""The line above the canvases: what is shown, and over which axes."""

from __future__ import annotations

from landscape_gui.figure import Figure
from landscape_gui.ui.documents import Shown, surface_of

AXES = {
    "filter": "filter-normalised random directions",
    "layer": "layer-normalised random directions",
    "raw": "random directions",
    "principal": "principal components of the run",
    "file": "directions read from a file",
}


def title_of(figure: Figure, shown: Shown) -> str:
    """What is shown, over which axes, in a line."""
    if figure.title:
        labels = {panel.x.label for panel in figure.panels[:-1]}
        shared = next(iter(labels)) if len(labels) == 1 and figure.is_of_many else ""  # small ones do not say it each
        return f"{figure.title}  \N{MIDDLE DOT}  x axis: {shared}" if shared else figure.title
    result = shown.result
    axes = getattr(surface_of(result) or result, "axes", None)
    alone = figure.panels[0].title if len(figure.panels) == 1 else ""  # of several, each stands above its own panel
    parts = [alone or shown.probe.title]
    if axes is not None:
        words = AXES.get(axes.kind, "; ".join(axes.labels))
        seeds: tuple[int, ...] = getattr(surface_of(result), "seeds", ()) if axes.kind in ("filter", "layer", "raw") else ()
        told = f", seed {seeds[0]}" if len(seeds) == 1 else f", {len(seeds)} seeds" if seeds else ""
        parts.append(words + told)
    return "  \N{MIDDLE DOT}  ".join(parts)
