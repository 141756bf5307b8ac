"""The loss and the modified loss of finite steps as marks, beside one another. NumPy only."""

from __future__ import annotations

import dataclasses

import numpy as np

from landscape_gui.figure import Axis, Figure, Look, Panel, SharedBar, View
from landscape_gui.probes.landmarks import landmarks
from landscape_gui.probes.pictures import plain_unit, positive, suggested_scale, surface_figure
from landscape_gui.results import Quantity, SurfaceResult

LOSS, MODIFIED, PENALTY = "_loss", "_modified_loss", "penalty"


def implicit_figure(result: SurfaceResult, look: Look) -> Figure:
    """The loss, the modified loss with the same limits, and their difference; of another quantity the surface alone."""
    names = pair_of(result)
    if not names or look.quantity not in ("", *names):
        return surface_figure(result, look, landmarks(result))
    first = look.quantity or names[0]
    common = dataclasses.replace(look, limits=look.limits or common_limits([result.quantities[n] for n in names], look))
    order = (first, next(name for name in names if name != first))
    figures = [surface_figure(result, dataclasses.replace(common, quantity=name), landmarks(result)) for name in order]
    apart = dataclasses.replace(look, quantity=PENALTY, limits=None)
    figures.append(surface_figure(result, apart, landmarks(result)))
    panels = [panel_of(figure, look.view, result, name) for figure, name in zip(figures, (*order, PENALTY), strict=True)]
    shared = tuple(dataclasses.replace(panel, bar=False) for panel in panels)
    extra = {"suggested_scale": suggested_scale(result.quantities[first]), "quantity": first}
    return Figure(
        panels=shared,
        facts=(*figures[0].facts, ("Beside it", beside(result))),
        caption=f"{figures[0].caption} {sentence(result, first)}",
        provenance=result.provenance,
        extra=extra,
        columns=3,
        bars=(SharedBar(panels=(0, 1), place="below"), SharedBar(panels=(2,), place="below")),
    )


def pair_of(result: SurfaceResult) -> tuple[str, ...]:
    """The names of the loss and of its modified form."""
    modified = next((name for name in result.quantities if name.endswith(MODIFIED)), "")
    loss = modified.removesuffix(MODIFIED) + LOSS
    return (loss, modified) if modified and loss in result.quantities else ()


def common_limits(pair: list[Quantity], look: Look) -> tuple[float, float] | None:
    """Limits that hold both, a few towering cells cut off as those of the first would be."""
    from landscape_gui.probes.pictures import chosen_limits

    scale = "log" if look.scale == "log" and all(positive(q.values) for q in pair) else "linear"
    found = [chosen_limits(q, scale, dataclasses.replace(look, limits=None))[0] for q in pair]  # type: ignore[arg-type]
    low, high = min(limits[0] for limits in found), max(limits[1] for limits in found)
    return (low, high) if np.isfinite([low, high]).all() and low < high else None


def panel_of(figure: Figure, view: View, result: SurfaceResult, name: str) -> Panel:
    """One of the three, named by what it is of."""
    panel, quantity = figure.panels[0], result.quantities[name]
    title = "Modified loss less the loss" if name == PENALTY else quantity.label[:1].upper() + quantity.label[1:]
    label = "difference" if name == PENALTY else "loss"
    z = Axis(label=label, unit=plain_unit(quantity.unit), limits=panel.z.limits, scale=panel.z.scale)
    surface = panel.surface
    marks = panel.marks
    if surface is not None:
        named = dataclasses.replace(surface, label=label)
        marks = tuple(named if mark is surface else mark for mark in marks)
    return dataclasses.replace(panel, view=view, title=title if panel.title else "", z=z, marks=marks, equal=view != "chart")


def beside(result: SurfaceResult) -> str:
    lr = float(result.provenance.question.get("lr", 0.0) or 0.0)
    return f"the loss plus lr/4 of the squared gradients, lr {lr:g}, in the same limits; and their difference in its own"


def sentence(result: SurfaceResult, first: str) -> str:
    other = "the modified loss" if not first.endswith(MODIFIED) else "the loss"
    penalty = result.quantities[PENALTY].values
    known = penalty[np.isfinite(penalty)]
    most = f", from {known.min():.3g} to {known.max():.3g} in this plane" if known.size else ""
    return (
        f"Beside it, in the same limits, {other}, L + (lr/4)(‖∇L‖² + the mean over batches of ‖∇Lᵢ − ∇L‖²), "
        f"and their difference{most} (Barrett and Dherin 2021; Smith et al. 2021)."
    )
