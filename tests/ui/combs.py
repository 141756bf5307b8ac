"""A spectrum whose lines are known, as panels and as the answer to a question, without torch."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from landscape_gui.curvature_results import SpectrumResult
from landscape_gui.figure import Axis, Band, Bars, Figure, Line, Look, Needles, Panel, Rule, Surface
from landscape_gui.probes.base import Cost, Probe, Progress, field
from landscape_gui.results import Number, Provenance, freeze

LINES = np.array([12.0, 7.0, 3.0, -1.0])
NAMES = ("conv1", "layer1.0.conv1", "layer1.0.downsample.0.a.name.as.long.as.they.come.in.the.wild", "fc")
TRACES, ERRORS = np.array([3.0, 8.0, 1.0, 20.0]), np.array([0.5, 1.0, np.nan, 2.0])
EPOCHS = np.array([0.0, 1.0, 2.0, 4.0, 8.0])


def density_panel(width: float = 0.2, height: float = 1e-3) -> Panel:
    x = np.linspace(-3, 14, 400)
    y = np.exp(-((x / width) ** 2) / 2) + 1e-9
    needles = Needles(
        x=LINES, height=np.full(4, height), residuals=np.full(4, 2e-4), names=("λ1", "λ2", "λ3", "λ−1"), vectors=(1, 2, 3, -1),
        label="eigenvalue",
    )  # fmt: skip
    return Panel(
        marks=(Band(x=x, low=y / 2, high=2 * y, label="95 %"), Line(x=x, y=y, label="bulk"), needles, Rule(at=13.0, label="2/lr")),
        x=Axis(label="eigenvalue", limits=(-3.0, 14.0)),
        y=Axis(label="density", scale="log", limits=(1e-6, 10.0)),
        title="Density of eigenvalues",
    )  # fmt: skip


def bars_panel(groups: int = 1) -> Panel:
    marks = tuple(
        Bars(names=NAMES, values=TRACES / (g + 1), errors=ERRORS / (g + 1), label=f"kind {g}", colour=g) for g in range(groups)
    )
    return Panel(marks=marks, x=Axis(label="trace"), title="By layer")


def heat_panel() -> Panel:
    """Density over uneven epochs: its logarithm rises by one from each epoch to the next."""
    y = np.linspace(-1, 3, 9)
    z = np.broadcast_to(10.0 ** np.arange(len(EPOCHS)), (len(y), len(EPOCHS)))
    surface = Surface(x=EPOCHS, y=y, z=z, limits=(1.0, 1e4), scale="log", label="density", contour_lines=False)
    return Panel(
        marks=(surface, Line(x=EPOCHS, y=EPOCHS / 4, label="λmax", colour=1)), view="2d", x=Axis(label="epoch"),
        y=Axis(label="eigenvalue"), title="Over the run",
    )  # fmt: skip


def figure_of(*panels: Panel, **extra: object) -> Figure:
    return Figure(panels=panels, caption="A comb.", facts=(("Operator", "Hessian"),), extra=extra)


def comb(share: float = 1.0) -> SpectrumResult:
    numbers = {
        "lambda_max": Number(
            name="lambda_max", label="largest eigenvalue", value=12.0 * share, error=2e-4, kind="bound", help="The <largest> one."
        ),
        "condition_number": Number(name="condition_number", label="condition number", value=250.0),
        "trace": Number(name="trace", label="trace", value=21.3456, error=0.4, kind="standard error", unit="nat"),
    }
    return SpectrumResult(
        eigenvalues=freeze(LINES), residuals=freeze(np.full(4, 2e-4)), converged=freeze(np.ones(4), bool), vectors=freeze([[]]),
        nodes=freeze([[0.0, 1.0]]), weights=freeze([[0.5, 0.5]]), node_residuals=freeze([[0.0, 0.0]]), numbers=numbers,
        complete=share == 1.0, provenance=Provenance(probe="spectrum"),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Comb(Probe):
    """A question that is answered at once, in `parts`."""

    name: ClassVar[str] = "spectrum"
    title: ClassVar[str] = "Spectrum"
    summary: ClassVar[str] = "A comb"

    split: str = field("train", label="Data", help="Which split")
    limit: int = field(50, label="Examples", help="How many", minimum=0, maximum=1000)
    parts: int = field(3, label="Parts", help="In which it comes", minimum=1, maximum=9)

    def cost(self, problem: object) -> Cost:
        return Cost(points=1, examples=1)

    def figure(self, result: SpectrumResult, look: Look) -> Figure:
        width = look.width or 0.2
        panels = density_panel(width), density_panel(width, 1e-4), bars_panel()
        return figure_of(*panels, width=width, widths=(0.02, 2.0))


def answer(probe: Probe, problem: object, *, on_progress, cancelled):
    for part in range(1, getattr(probe, "parts", 1) + 1):
        on_progress(Progress(done=part, total=probe.parts, partial=comb(part / probe.parts)))
    return comb()
