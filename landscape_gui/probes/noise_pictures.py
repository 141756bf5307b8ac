"""The gradient noise scale as marks: what a batch's squared gradient is made of, and the layers beside one another. NumPy only."""

from __future__ import annotations

import math

import numpy as np

from landscape_gui.figure import Axis, Bars, Figure, Line, Look, Mark, Panel, Points, Rule
from landscape_gui.probes.curvature import curvature_facts, number_facts
from landscape_gui.probes.curvature_captions import curvature_caption
from landscape_gui.probes.headings import heading
from landscape_gui.results import freeze
from landscape_gui.training_results import NoiseScaleResult

MOST = 24
"""Layers that are drawn; those with the most noise."""


def noise_figure(result: NoiseScaleResult, look: Look) -> Figure:
    """The expected squared gradient of a batch over its size, its noise and its mean; and each layer's share of both."""
    panels = (sizes_panel(result, look), *layers_panel(result, look))
    every = (
        *(("Says", note) for note in result.notes),
        *number_facts(result),
        ("Measured with", f"{result.batches:,} batches of {result.batch:,} of one permutation"),
        *(fact for fact in curvature_facts(result) if fact[0] not in ("Operator", "Weight decay")),
    )
    every = tuple(fact for fact in every if fact[1])
    title = heading("Gradient noise", result, look, matrix=False)
    what = "expected squared gradient of a batch over the batch's size: its noise, tr Σ/B, and that of the mean gradient, ‖G‖²"
    caption = curvature_caption(what, result, every, result.notes)
    return Figure(panels=panels, facts=every, caption=caption, provenance=result.provenance, title=title)


def sizes_panel(result: NoiseScaleResult, look: Look) -> Panel:
    trace, square = (result.numbers[name].value for name in ("gradient_trace", "gradient_square"))
    scale = result.numbers["noise_scale"]
    far = max(float(result.examples), 4.0, scale.value * 4 if math.isfinite(scale.value) else 0.0)
    sizes = np.geomspace(1, far, 120)
    noise = trace / sizes
    marks: list[Mark] = [
        Line(x=freeze(sizes), y=freeze(noise + max(square, 0.0)), label="squared gradient of a batch", colour=0, width=2.0),
        Line(x=freeze(sizes), y=freeze(noise), label="noise, tr Σ/B", colour=1, dash=True, width=1.4),
    ]
    if square > 0:
        marks.append(
            Line(
                x=freeze(sizes), y=freeze(np.full(len(sizes), square)), label="mean gradient, ‖G‖²", colour=2, dash=True, width=1.4
            )
        )
    if math.isfinite(scale.value) and scale.value > 0:
        words = "noise scale" if scale.kind != "lower bound" else "noise scale, at least"
        marks.append(Rule(at=scale.value, label=f"{words} {examples_words(scale.value)}", dash=False))
    if result.trained_batch:
        at, value = float(result.trained_batch), trace / result.trained_batch + max(square, 0.0)
        label = f"trained with {result.trained_batch:,}"
        marks.append(Points(x=freeze([at]), y=freeze([value]), size=9.0, colour=0, label=label))
    return Panel(
        marks=tuple(marks),
        x=Axis(label="examples in a batch", scale="log", limits=(1.0, far)),
        y=Axis(label="expected squared norm", scale="log"),
        title="A batch's gradient" if look.title else "",
    )


def examples_words(value: float) -> str:
    """26,100; 1.38: three digits, never a power of ten."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"


def layers_panel(result: NoiseScaleResult, look: Look) -> tuple[Panel, ...]:
    if len(result.layers) < 2:
        return ()
    order = np.argsort(-result.traces, kind="stable")[:MOST]
    names = tuple(result.layers[k] for k in order)
    left = len(result.layers) - len(order)
    marks = (
        Bars(
            names=names, values=freeze(result.traces[order]), errors=freeze(result.trace_errors[order]), label="tr Σ, one example",
            colour=1,
        ),
        Bars(
            names=names, values=freeze(np.maximum(result.squares[order], 0.0)), errors=freeze(result.square_errors[order]),
            label="‖G‖², mean gradient", colour=2,
        ),
    )  # fmt: skip
    title = f"The {MOST} layers with the most noise" if left else "Layer by layer"
    return (Panel(marks=marks, x=Axis(label="squared norm"), title=title if look.title else ""),)
