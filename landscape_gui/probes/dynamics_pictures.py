"""Training dynamics as small charts over one axis, one for each kind of quantity, and the runs' way in their plane. NumPy only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from landscape_gui.dynamics_results import DynamicsResult, RunDynamics
from landscape_gui.figure import Axis, Band, Figure, Line, Look, Mark, Moments, Note, Panel, Points, Scale
from landscape_gui.probes.dynamics_charts import PATH, Chart, both, capital, charts_of, chosen, known
from landscape_gui.probes.dynamics_words import caption_of, dynamics_facts, runs_words, words_at
from landscape_gui.probes.pictures import plain_unit, positive
from landscape_gui.results import Array, Quantity, freeze

EDGE = 2.0
"""Where gradient descent without momentum becomes unstable, in units of the stability ratio."""
MOST = 24
"""Charts of a figure."""
COLUMNS = 3
FAR = 5.0
"""A limit so many times above the largest eigenvalue would flatten the curve on a linear axis."""
EXPLODED = 1e6
"""The same of a value so many times above the median."""
DOTTED = 24
"""Up to so many checkpoints each has a dot, and up to so many rows of a log a cross."""
SE, THIN = 1.96, 0.7


def dynamics_figure(result: DynamicsResult, look: Look) -> Figure:
    """A chart for each kind of quantity; runs share it in colours of their own. `look.quantity` names those that are wanted."""
    charts = chosen(result, look.quantity)[:MOST]
    if not charts:
        return Figure(panels=(Panel(marks=(Note(text="Nothing has been measured yet."),)),), provenance=result.provenance)
    every = dynamics_facts(result)
    what = runs_words(result)
    panels: list[Panel] = []
    for number, (chart, names) in enumerate(charts):
        panels.append(
            way(result, look)
            if chart.key == PATH
            else Drawn(chart, names, result, look, keys=keys_at(charts, number, result)).panel()
        )
    return Figure(
        panels=tuple(panels),
        facts=every,
        caption=caption_of(what, every, result),
        provenance=result.provenance,
        extra={"quantity": look.quantity, "charts": {c.key: c.title for c, _ in charts_of(result)}},
        title=what if look.title and len(panels) > 1 else "",
        columns=min(COLUMNS, len(panels)) if len(panels) != 4 else 2,
    )


class Drawn:
    """One chart being drawn: a line a run and quantity, what the run logged beside it, and limits.

    keys: what its legend says beside limits: of `keys_at`.
    """

    def __init__(self, chart: Chart, names: Sequence[str], result: DynamicsResult, look: Look, *, keys: frozenset[str]) -> None:
        self.chart, self.names, self.result, self.look, self.keys = chart, names, result, look, keys
        self.runs = list(result.runs.values())
        self.several = len(self.runs) > 1
        self.scale = self._scale()
        self.marks: list[Mark] = []
        self.said: set[str] = set()

    def panel(self) -> Panel:
        for number, run in enumerate(self.runs):
            there = [name for name in self.names if known(run, name)]
            for place, name in enumerate(there):
                self._curve(run, name, number if self.several else place, dash=self.several and place > 0)
        if "lambda_max" in self.names:
            self._limits()
        if "stability_ratio" in self.names:
            self._edges()
        unit = next((q.unit for run in self.runs for name in self.names for q in both(run, name)), "")
        return Panel(
            marks=tuple(sorted(self.marks, key=layer)),
            x=Axis(label=self.result.unit, limits=extent(self.result)),
            y=Axis(label=self.chart.label, help=self.chart.help, unit=plain_unit(unit), scale=self.scale),
            title=self.chart.title if self.look.title else "",
            moments=moments(self.result, self.names),
        )

    def _label(self, run: RunDynamics, name: str, place: int) -> str:
        """What the legend says: quantities of one run; names of several runs, and how their further quantities look; "" for what
        was said before."""
        label = next(q.label for q in both(run, name))
        if self.look.title:
            label = label.removesuffix(f" {self.chart.label}")  # the title says it
        if not self.several:
            return label if len(self.names) > 1 and "runs" in self.keys else ""
        first = name == next(n for n in self.names if known(run, n))
        if first:
            return self._once(run.name) if "runs" in self.keys else ""
        return self._once(label) if "marks" in self.keys else ""

    def _once(self, words: str) -> str:
        new = words not in self.said
        self.said.add(words)
        return words if new else ""

    def _curve(self, run: RunDynamics, name: str, colour: int, *, dash: bool) -> None:
        label = self._label(run, name, colour)
        if name in run.quantities:
            x, y, half = reach(run, run.quantities[name])
            if self.scale == "log":
                y = np.where(y > 0, y, np.nan)
            if half is not None and np.nanmax(half, initial=0.0) > 0:
                self.marks.append(Band(x=freeze(x), low=freeze(y - half), high=freeze(y + half), colour=colour))
            if len(x):
                self.marks.append(Line(x=freeze(x), y=freeze(y), label=label, colour=colour, dash=dash, width=1.6))
                label = ""
            if len(run.names) and (len(x) <= DOTTED or not np.isfinite(y).all()):  # one between gaps is on no line
                self.marks.append(Points(x=freeze(x), y=freeze(y), colour=colour, size=3.5))
        if name in run.logged:
            self._logged(run, run.logged[name], colour, label, dash)

    def _logged(self, run: RunDynamics, q: Quantity, colour: int, label: str, dash: bool) -> None:
        """What the run wrote down: crosses, or a thin line where they are many."""
        known_ = np.isfinite(q.values)
        x, y = freeze(run.logged_order[known_]), freeze(q.values[known_])
        words = label or (self._once("as logged") if "logged" in self.keys else "")
        if len(x) <= DOTTED:
            self.marks.append(Points(x=x, y=y, colour=colour, size=5.5, marker="cross", label=words))
        else:
            self.marks.append(Line(x=x, y=y, colour=colour, width=THIN, dash=dash, label=words))

    def _limits(self) -> None:
        """How large the curvature may be, where learning rate and method are known."""
        for number, run in enumerate(self.runs):
            found = run.limit()
            if found is None or not np.isfinite(found).any():
                continue
            x, y = measured(run, found)
            words = f"limit {run.limit_words}" if run.limit_words and not self.several else "limit of stability"
            colour = number if self.several else 3
            self.marks.append(Line(x=freeze(x), y=freeze(y), label=self._once(words), colour=colour, dash=True, width=1.2))

    def _edges(self) -> None:
        """Where each run's steps become unstable, in units of the ratio: lr times its limit, or 2 where nothing is known."""
        drawn = False
        for number, run in enumerate(self.runs):
            limit, rate = run.limit(), run.quantities.get("learning_rate")
            if limit is None or rate is None or not np.isfinite(limit * rate.values).any():
                continue
            x, y = measured(run, limit * rate.values)
            colour = number if self.several else 3
            self.marks.append(
                Line(x=freeze(x), y=freeze(y), label=self._once("edge of stability"), colour=colour, dash=True, width=1.2)
            )
            drawn = True
        if not drawn:
            ends = freeze([min(r.order[0] for r in self.runs), max(r.order[-1] for r in self.runs)])
            self.marks.append(Line(x=ends, y=freeze([EDGE, EDGE]), label="2: edge of stability", colour=7, dash=True))

    def _scale(self) -> Scale:
        """Logarithmic where the look asks for it, a limit is far above every eigenvalue or a run diverges, and all is positive."""
        shown = [q for run in self.runs for name in self.names for q in both(run, name)]
        if not all(positive(q.values) for q in shown if np.isfinite(q.values).any()):
            return "linear"
        wanted = self.chart.logs and (self.look.scale == "log" or self._far())
        return "log" if wanted or explodes(shown) else "linear"

    def _far(self) -> bool:
        if not {"lambda_max", "stability_ratio"} & set(self.names):
            return False
        limits = [limit for run in self.runs if (limit := run.limit()) is not None and np.isfinite(limit).any()]
        largest = [q.values for run in self.runs for q in both(run, "lambda_max")]
        tops = [float(np.nanmax(v[np.isfinite(v)], initial=-np.inf)) for v in (*limits, *largest)]
        return bool(limits) and bool(largest) and max(tops[: len(limits)]) > FAR * max(tops[len(limits) :])


def explodes(shown: Sequence[Quantity]) -> bool:
    """Whether some values are so far above most others, as of a run that diverges, that a linear axis would show nothing else."""
    values = np.concatenate([np.ravel(q.values) for q in shown] or [np.zeros(0)])
    values = values[np.isfinite(values)]
    return bool(values.size) and float(values.max()) > EXPLODED * float(np.median(values))


def keys_at(charts: Sequence[tuple[Chart, tuple[str, ...]]], number: int, result: DynamicsResult) -> frozenset[str]:
    """What a chart's legend says beside limits: the first one's which run has which colour; the second of those with several
    quantities, or else the first, which are dashed; one what was logged, that one if it can. So none of them grows long."""
    many = [k for k, (_, names) in enumerate(charts) if len(names) > 1]
    second = many[1] if len(many) > 1 else 0
    said = [k for k, (_, names) in enumerate(charts) if any(name in run.logged for run in result.runs.values() for name in names)]
    logged = second if second in said else min(said, default=-1)
    return frozenset(key for key, place in (("runs", 0), ("marks", second), ("logged", logged)) if place == number)


def layer(mark: Mark) -> tuple[int, bool]:
    """Bands below thin lines, which were logged, below lines below points; of these what a legend names first: runs, then what is
    dashed."""
    thin = isinstance(mark, Line) and mark.width <= THIN
    kind = 0 if isinstance(mark, Band) else 1 if thin else 3 if isinstance(mark, Points) else 2
    return kind, bool(getattr(mark, "dash", False))


def extent(result: DynamicsResult) -> tuple[float, float]:
    """What all charts have along x in common: from the first to the last place of any run, and a little air."""
    ends = [v for run in result.runs.values() for v in (run.order, run.logged_order) if len(v)]
    low, high = min(float(v.min()) for v in ends), max(float(v.max()) for v in ends)
    air = 0.02 * (high - low) or 0.5
    return low - air, high + air


def reach(run: RunDynamics, q: Quantity) -> tuple[Array, Array, Array | None]:
    """x, y and half the width of the band, at the checkpoints from the first to the last that is measured by now. Where others
    between them are still to come the line is not drawn through."""
    at = shown(run, q.values)
    half = None
    if q.standard_error is not None:
        half = q.standard_error[at] * (1.0 if q.name in ("lambda_max", "stability_ratio") else SE)
    return run.order[at], q.values[at], half


def measured(run: RunDynamics, values: Array) -> tuple[Array, Array]:
    """Places and values at the checkpoints that a line reaches."""
    at = shown(run, values)
    return run.order[at], values[at]


def shown(run: RunDynamics, values: Array) -> Array:
    """(k,) which checkpoints a line reaches; within it one that is not finite, or still to come, leaves a gap."""
    return ~ends_without(values)


def ends_without(values: Array) -> Array:
    """Where a value is missing before the first or after the last one that is there."""
    at = np.flatnonzero(np.isfinite(values))
    outside = np.ones(len(values), dtype=bool)
    if at.size:
        outside[at[0] : at[-1] + 1] = False
    return outside


def moments(result: DynamicsResult, names: Sequence[str]) -> Moments | None:
    """The checkpoints, with what this chart says there; None where the numbers come from no checkpoints."""
    runs = list(result.runs.values())
    if not all(len(run.names) for run in runs):
        return None
    return Moments(
        order=freeze(np.concatenate([run.order for run in runs])),
        run=freeze(np.concatenate([np.full(len(run.order), k) for k, run in enumerate(runs)]), np.int64),
        names=tuple(name for run in runs for name in run.names),
        words=tuple(words_at(run, k, names, several=len(runs) > 1) for run in runs for k in range(len(run.names))),
    )


def way(result: DynamicsResult, look: Look) -> Panel:
    """The runs in the plane of their two leading principal components; a disc where each starts, a star where it ends."""
    marks: list[Mark] = list(ways(result))
    shares = [f" ({100 * share:.0f} %)" for share in result.explained[:2]] or ["", ""]
    found = moments(result, ())
    if found is not None:
        places = np.concatenate([run.place for run in result.runs.values()])
        found = Moments(**{**vars(found), "x": freeze(places[:, 0]), "y": freeze(places[:, 1])})
    return Panel(
        marks=tuple(marks),
        x=Axis(label=f"PC 1{shares[0]}"),
        y=Axis(label=f"PC 2{shares[1]}"),
        title="Trajectory" if look.title else "",
        equal=True,
        moments=found,
    )


def ways(result: DynamicsResult) -> Iterator[Mark]:
    for number, run in enumerate(result.runs.values()):
        if not len(run.place):
            continue
        x, y = run.place[:, 0], run.place[:, 1]
        yield Line(x=freeze(x), y=freeze(y), colour=number, width=1.4)
        if len(x) <= DOTTED:
            yield Points(x=freeze(x), y=freeze(y), colour=number, size=3.5)
        yield Points(x=freeze(x[:1]), y=freeze(y[:1]), colour=number, size=7.0)
        yield Points(x=freeze(x[-1:]), y=freeze(y[-1:]), colour=number, size=11.0, marker="star")


__all__ = ["capital", "dynamics_figure"]
