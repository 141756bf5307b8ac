"""A spectrum as marks: density with needles, the bulk, the cumulative count, layers. Pure, NumPy only, milliseconds."""

from __future__ import annotations

import math

import numpy as np

from landscape_gui.curvature_results import SpectrumResult
from landscape_gui.density import Density
from landscape_gui.figure import Axis, Band, Bars, Figure, Line, Look, Mark, Needles, Note, Panel, Rule
from landscape_gui.probes import facts
from landscape_gui.probes.curvature import OPERATORS, curvature_facts, number_facts
from landscape_gui.probes.curvature_captions import curvature_caption
from landscape_gui.probes.headings import heading
from landscape_gui.probes.spectral_density import bulk_of, bulk_range, density_of, usual_width
from landscape_gui.results import Array, freeze

DECADES = 8.0
"""The logarithmic density goes so many decades down from its top at most."""
BULK_POINTS = 800


def spectrum_figure(result: SpectrumResult, look: Look) -> Figure:
    """Log density with its outliers as needles; the bulk, zoomed; how many eigenvalues lie above; traces by layer."""
    width = look.width or usual_width(result)
    panels = []
    if (found := density_of(result, width)) is not None:
        panels += [density_panel(result, found, look), bulk_panel(result, width, look), count_panel(result, found, look)]
    elif len(every_line(result)[0]):
        panels.append(lines_panel(result, look))
    if len(result.layers) > 1:
        panels.append(layers_panel(result, look))
    if not panels:
        panels.append(Panel(marks=(Note(text="Nothing has been computed yet."),)))
    told = (*number_facts(result), *method_facts(result, width, look), *curvature_facts(result))
    what = f"Density of the eigenvalues of the {OPERATORS.get(result.operator, result.operator)}"
    usual = usual_width(result)
    return Figure(
        panels=tuple(panels),
        facts=told,
        caption=curvature_caption(what, result, told),
        provenance=result.provenance,
        extra={"width": width, "widths": (usual / 20, usual * 10), "suggested_scale": "log"},
        title=heading("Spectrum", result, look, width=width),
    )


def method_facts(result: SpectrumResult, width: float, look: Look) -> tuple[facts.Fact, ...]:
    """How the density was made, and what may be missing of it."""
    probes, steps = result.nodes.shape if result.nodes.ndim == 2 else (0, 0)
    share = "" if look.width else " (a hundredth of the range)"
    return (
        ("Kernel width", facts.number(width) + share),
        ("Density", f"{facts.plural(probes, 'probe')} of {steps} Lanczos steps" if probes else "not computed yet"),
        ("Lines", f"{result.deflated} exact eigenvalues, taken out of the probes" if result.deflated else "none taken out"),
        ("Band", "95 % over probes (Student)" if probes > 1 else "none: a single probe"),
        *(("Note", note) for note in result.notes),
        *((("State", "still being computed"),) if not result.complete else ()),
    )


def every_line(result: SpectrumResult) -> tuple[Array, Array, tuple[int, ...], tuple[str, ...]]:
    """Eigenvalues of both ends, residuals, the number of each one's eigenvector (from 1; from the lower end -1, -2, ...), names."""
    values = np.concatenate([result.eigenvalues, result.lowest])
    residuals = np.concatenate([result.residuals, result.lowest_residuals])
    top, low = len(result.eigenvalues), len(result.lowest)
    vectors = (*range(1, top + 1), *range(-low, 0))
    names = tuple(f"λ{k}" if k > 0 else f"λ−{-k}" for k in vectors)
    return freeze(values), freeze(residuals), vectors, names


def needles(result: SpectrumResult, height: float, within: tuple[float, float] | None = None) -> tuple[Needles, ...]:
    """A needle for each eigenvalue that is known by itself; as high as its kernel's top."""
    values, residuals, vectors, names = every_line(result)
    low, high = within or (-math.inf, math.inf)
    at = np.flatnonzero((values >= low) & (values <= high))
    if not len(at):
        return ()
    return (
        Needles(
            x=freeze(values[at]),
            height=freeze(np.full(len(at), height)),
            residuals=freeze(residuals[at]),
            names=tuple(names[i] for i in at),
            vectors=tuple(vectors[i] for i in at) if result.operator == "hessian" and not result.layer else (),
            label="eigenvalue with its eigenvector" if result.operator == "hessian" else "eigenvalue",
        ),
    )


def curve_marks(found: Density, floor: float, label: str) -> list[Mark]:
    """A density and its band, cut off below the foot of a logarithmic axis."""
    marks: list[Mark] = []
    if np.isfinite(found.low).all() and (found.high > found.low).any():
        marks.append(Band(x=freeze(found.x), low=cut(found.low, floor), high=cut(found.high, floor), label="95 % over probes"))
    return [*marks, Line(x=freeze(found.x), y=cut(found.y, floor), label=label, width=1.6)]


def cut(values: Array, floor: float) -> Array:
    return freeze(np.maximum(values, floor / 10))


def density_panel(result: SpectrumResult, found: Density, look: Look) -> Panel:
    shown = bulk_of(result, found.width, grid=found.x) or found
    height = 1 / (max(result.size, 1) * found.width * math.sqrt(2 * math.pi))
    top = float(max(shown.y.max(), height))
    floor = max(top * 10**-DECADES, height / 30)
    marks: list[Mark] = [*curve_marks(shown, floor, "bulk"), *needles(result, height)]
    stability = result.numbers.get("stability_limit")
    if stability is not None and found.x[0] < stability.value < found.x[-1]:
        marks.append(Rule(at=stability.value, label="stability limit"))
    return Panel(
        marks=tuple(marks),
        x=Axis(label="eigenvalue", limits=(float(found.x[0]), float(found.x[-1]))),
        y=Axis(label="density", scale="log", limits=(floor, top * 2)),
        title="Density of eigenvalues" if look.title else "",
    )


def bulk_panel(result: SpectrumResult, width: float, look: Look) -> Panel:
    """Where all but a two hundredth of the bulk lies, with a kernel as much finer as the range is narrower."""
    low, high = bulk_range(result)
    if not high > low:
        return lines_panel(result, look)
    fine = (high - low) / 100 * width / usual_width(result)
    edge = 0.06 * (high - low)
    grid = np.linspace(low - edge, high + edge, BULK_POINTS)
    found = bulk_of(result, fine, grid=grid)
    assert found is not None
    top = float(found.y.max()) or 1.0
    floor = top * 1e-5
    marks: list[Mark] = [*curve_marks(found, floor, "bulk"), *needles(result, floor * 10, (grid[0], grid[-1]))]
    if grid[0] < 0 < grid[-1]:
        marks.append(Rule(at=0.0))
    return Panel(
        marks=tuple(marks),
        x=Axis(label="eigenvalue", limits=(float(grid[0]), float(grid[-1]))),
        y=Axis(label="density", scale="log", limits=(floor, top * 2)),
        title=f"The bulk, kernel width {facts.number(fine)}" if look.title else "",
    )


def count_panel(result: SpectrumResult, found: Density, look: Look) -> Panel:
    """How many eigenvalues lie above each place, on a logarithmic scale."""
    above = np.maximum(result.size - found.count, 0.0)
    return Panel(
        marks=(Line(x=freeze(found.x), y=freeze(np.maximum(above, 0.3)), label="eigenvalues above", colour=2, width=1.6),),
        x=Axis(label="eigenvalue", limits=(float(found.x[0]), float(found.x[-1]))),
        y=Axis(label="eigenvalues above", scale="log", limits=(0.3, 1.5 * max(result.size, 1))),
        title="Cumulative count" if look.title else "",
    )


def lines_panel(result: SpectrumResult, look: Look) -> Panel:
    """The eigenvalues alone, before anything is known of the bulk, or where there is none."""
    values = every_line(result)[0]
    spread = float(np.ptp(values)) or abs(float(values[0])) or 1.0
    limits = (float(values.min()) - 0.06 * spread, float(values.max()) + 0.06 * spread)
    return Panel(
        marks=needles(result, 1.0),
        x=Axis(label="eigenvalue", limits=limits),
        y=Axis(label="", limits=(0.0, 1.2)),
        title="Eigenvalues" if look.title else "",
    )


def layers_panel(result: SpectrumResult, look: Look) -> Panel:
    """The trace of each layer's own block, and its largest eigenvalue where it is known."""
    names = result.layers
    bars = [Bars(names=names, values=result.layer_traces, errors=result.layer_trace_errors, label="trace")]
    if len(result.layer_eigenvalues) and np.isfinite(result.layer_eigenvalues).any():
        largest = {"values": result.layer_eigenvalues, "errors": result.layer_residuals}
        bars.append(Bars(names=names, **largest, label="largest eigenvalue", colour=1))
    return Panel(
        marks=tuple(bars),
        x=Axis(label="trace and largest eigenvalue" if len(bars) > 1 else "trace"),
        y=Axis(label="", names=names),
        title="By layer" if look.title else "",
    )
