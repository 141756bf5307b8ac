"""Paths between two models as one chart, with their barriers, and all that must be known of them in words. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from landscape_gui.connection_results import ConnectionResult, PathResult
from landscape_gui.connection_texts import DEFINITIONS, PLACE
from landscape_gui.figure import Axis, Band, Figure, Line, Look, Mark, Note, Panel, Points, Rule, Scale
from landscape_gui.probes import facts
from landscape_gui.probes.facts import with_error
from landscape_gui.probes.path_captions import path_caption
from landscape_gui.probes.path_numbers import barriers, inside
from landscape_gui.probes.pictures import choose, plain_unit, positive, suggested_scale
from landscape_gui.probes.sampling import SPLIT_WORDS
from landscape_gui.probes.unknowns import with_unknowns
from landscape_gui.results import ConnectedResult, Number, Quantity, freeze

BATCHNORM = {
    "frozen": "frozen at the first model",
    "interpolated": "interpolated with the weights",
    "recalculated": "recalculated at each point from the training data",
    "repaired": "recalculated, and the statistics of the other layers repaired",
}


def path_figure(result: PathResult, look: Look) -> Figure:
    """One path as a chart."""
    return paths_figure(result, {result.name: result}, ("t = 0", "t = 1"), look)


def connection_figure(result: ConnectionResult, look: Look) -> Figure:
    """All paths between two models in one chart, and in a second one their accuracy where there is one."""
    return paths_figure(result, result.paths, result.names, look)


def paths_figure(result: ConnectedResult, paths: Mapping[str, PathResult], names: tuple[str, ...], look: Look) -> Figure:
    first = next(iter(paths.values()), None)
    if first is None or not first.quantities:
        return Figure(panels=(Panel(marks=(Note(text="Nothing has been computed yet."),)),), provenance=result.provenance)
    shown = choose(first.quantities, look if look.quantity else Look(quantity=f"{first.split}_loss"))
    split = shown.name.partition("_")[0]
    second = first.quantities.get(f"{split}_accuracy")
    panels = [panel_of(paths, shown, names, look)]
    if second is not None and second.name != shown.name:
        panels.append(panel_of(paths, second, names, look))
    every = connection_facts(result, paths, names, shown, look.barrier)
    what = f"{shown.label[:1].upper()}{shown.label[1:]} along {facts.plural(len(paths), 'path')} from {names[0]} to {names[-1]}"
    return Figure(
        panels=tuple(panels),
        facts=every,
        caption=path_caption(what, result, every, shown),
        provenance=result.provenance,
        extra={"suggested_scale": suggested_scale(shown), "quantity": shown.name},
        title=f"Between {names[0]} and {names[-1]}" if look.title else "",
    )


def panel_of(paths: Mapping[str, PathResult], shown: Quantity, names: tuple[str, ...], look: Look) -> Panel:
    """One quantity along every path that has it, the straight interpolation of its ends beneath, the barriers marked."""
    having = {name: path for name, path in paths.items() if shown.name in path.quantities}
    marks: list[Mark] = interpolations(paths, shown.name)
    for colour, (name, path) in enumerate(paths.items()):
        if name in having:
            marks += path_marks(path, path.quantities[shown.name], colour, look.barrier)
    t = next(iter(paths.values())).t
    marks += [Rule(at=0.0, label=names[0]), Rule(at=1.0, label=names[-1])]
    quantities = [path.quantities[shown.name] for path in having.values()]
    accuracy = shown.unit == "1"
    scale: Scale = "log" if look.scale == "log" and not accuracy and any(positive(q.values) for q in quantities) else "linear"
    if not any(np.isfinite(q.values).any() for q in quantities):
        marks.append(Note(text="No value is finite."))
    return Panel(
        marks=tuple(marks),
        view="chart",
        x=Axis(label="t", help=PLACE, limits=(float(t[0]), float(t[-1]))),
        y=Axis(label=shown.label, unit=plain_unit(shown.unit), limits=look.limits if not accuracy else None, scale=scale),
        title=f"{shown.label[:1].upper()}{shown.label[1:]}" if look.title else "",
    )


def interpolations(paths: Mapping[str, PathResult], name: str) -> list[Mark]:
    """The straight lines between the ends' values, which the first definition measures from: one in grey where all paths end alike,
    else one in the colour of the first path with these ends (BatchNorm modes may differ at the ends, too)."""
    found: dict[tuple[float, float], int] = {}
    for colour, path in enumerate(paths.values()):
        known = inside(path, name)
        if known is not None:
            found.setdefault(known.ends, colour)
    t = np.linspace(0, 1, 33)  # straight on a linear scale alone
    words = "straight interpolation of the ends" if len(found) < 2 else "straight interpolation of each line's ends"
    marks: list[Mark] = []
    for number, ((first, second), colour) in enumerate(found.items()):
        y = freeze((1 - t) * first + t * second)
        label, ink = words if number == 0 else "", 7 if len(found) < 2 else colour
        marks.append(Line(x=freeze(t), y=y, label=label, colour=ink, dash=True, width=0.8))
    return marks


def path_marks(path: PathResult, q: Quantity, colour: int, definition: str) -> list[Mark]:
    """A path's band of 1.96 standard errors, its line, and how far its highest place stands above what the definition measures
    from."""
    known = path.computed
    x, y = freeze(path.t[known]), freeze(q.values[known])
    marks: list[Mark] = []
    if q.standard_error is not None:
        half = 1.96 * q.standard_error[known]
        marks.append(Band(x=x, low=freeze(y - half), high=freeze(y + half), colour=colour))
    marks.append(Line(x=x, y=y, label=path.label + barrier_words(path, q, definition), colour=colour, width=1.6))
    return [*marks, *barrier_marks(path, q, colour, definition)]


def barrier_words(path: PathResult, q: Quantity, definition: str) -> str:
    """ ", barrier 1.82 ± 0.03"."""
    value, error, _ = barriers(path, q.name)[definition]
    if not np.isfinite(value):
        return ""
    if value <= 0:
        return ", does not fall" if q.unit == "1" else ", no barrier"
    what = "falls by" if q.unit == "1" else "barrier"
    return f", {what} {with_error(value, error, '' if q.unit == '1' else q.unit)}"


def barrier_marks(path: PathResult, q: Quantity, colour: int, definition: str) -> list[Mark]:
    """An upright from what the definition measures from to the place that is highest above it, with a diamond on it."""
    known = inside(path, q.name)
    value, _, t = barriers(path, q.name)[definition]
    if known is None or not np.isfinite(value) or value <= 0:
        return []
    k = int(np.flatnonzero(known.t == t)[0])
    top = float(known.values[k])
    foot = top - known.sign * value
    return [
        Line(x=freeze([t, t]), y=freeze([foot, top]), colour=colour, width=0.8),
        Points(x=freeze([t]), y=freeze([top]), marker="diamond", size=6.0, colour=colour),
    ]


def connection_facts(
    result: ConnectedResult, paths: Mapping[str, PathResult], names: tuple[str, ...], shown: Quantity, definition: str
) -> tuple[facts.Fact, ...]:
    """Barriers by every definition, how each path was found, and what must be known to judge the picture."""
    first = next(iter(paths.values()))
    found: list[facts.Fact] = [("Shown", shown.label + (f" ({shown.unit})" if shown.unit not in ("", "1") else ""))]
    found.append(("From", f"{names[0]} (t = 0) to {names[-1]} (t = 1)"))
    for path in paths.values():
        found.append((path.label[:1].upper() + path.label[1:], path_words(path, shown)))
        found.append((f"How the {path.label} was found", path.training))
    found += [
        ("Distance of the ends", ends_words(result, first)),
        ("Barrier marked", f"{DEFINITIONS[definition]}; the largest of the places measured, ends included"),
        ("Standard errors", errors_words(shown)),
        ("Points", "; ".join(f"{path.label} {points_words(path)}" for path in paths.values())),
        ("Remarks", " ".join(dict.fromkeys((*(n for p in paths.values() for n in p.notes), *result.notes)))),
        *common_facts(result, paths, shown),
    ]
    return tuple(fact for fact in with_unknowns(found, result.provenance.problem) if fact[1])


def path_words(path: PathResult, shown: Quantity) -> str:
    """A path's barriers of what is shown, its score and its length."""
    found = barriers(path, shown.name)
    unit = plain_unit(shown.unit)
    said = [f"{with_error(v, e, unit)} {DEFINITIONS[d]}" for d, (v, e, _) in found.items() if np.isfinite(v)]
    known = path.numbers.get("connectivity_score")
    if known is not None and np.isfinite(known.value):
        said.append(f"connectivity score {number_words(known)} ({SPLIT_WORDS.get(path.split, path.split)} loss)")
    said.append(f"length {facts.number(path.length)}" if np.isfinite(path.length) else "")
    return "; ".join(part for part in said if part)


def errors_words(shown: Quantity) -> str:
    if shown.standard_error is None:
        return ""
    return "of barriers: paired, over the same examples at the place and at the ends; bands: ±1.96 over examples"


def number_words(number: Number) -> str:
    return with_error(number.value, number.error, number.unit)


def ends_words(result: ConnectedResult, first: PathResult) -> str:
    distance = result.end_distance if isinstance(result, ConnectionResult) else first.end_distance
    return f"{facts.number(distance)} over all parameters" if np.isfinite(distance) else ""


def points_words(path: PathResult) -> str:
    """ "25 of 25, t from 0 to 1"."""
    return f"{int(path.computed.sum()):,} of {path.t.size:,}, t from {path.t[0]:g} to {path.t[-1]:g}"


def common_facts(result: ConnectedResult, paths: Mapping[str, PathResult], shown: Quantity) -> list[facts.Fact]:
    """Data, BatchNorm, precision, machine, checkpoint."""
    where = result.provenance
    modes = {path.batchnorm: [] for path in paths.values() if path.batchnorm}  # type: dict[str, list[str]]
    for path in paths.values():
        if path.batchnorm:
            modes[path.batchnorm].append(path.label)
    said = [BATCHNORM.get(m, m) + (f" ({', '.join(labels)})" if len(modes) > 1 else "") for m, labels in modes.items()]
    examples = f" ({shown.examples:,} in what is shown)" if shown.examples else ""
    return [
        ("Data", facts.data_words(where.problem) + result.subset + examples),
        ("BatchNorm", "; ".join(said)),
        ("Precision", facts.PRECISION_WORDS.get(result.precision, result.precision)),
        ("Computed on", facts.machine(where.environment)),
        ("Checked against the plain pass", facts.difference_words(where.environment)),
        ("Model", str(where.problem.get("model", ""))),
        *facts.checkpoint_facts(where.problem),
        ("Computed at", where.created.replace("T", " ").replace("+00:00", " UTC") if where.created else ""),
    ]
