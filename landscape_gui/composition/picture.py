"""A composition as a figure: each answer's panel, looked at as all of its group are. Pure, NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from landscape_gui.arrangement import letter, places, usual_columns
from landscape_gui.composition.caption import caption_of, facts_of
from landscape_gui.composition.composition import Cell, Composition
from landscape_gui.composition.difference import difference_panel
from landscape_gui.composition.lost import Lost
from landscape_gui.composition.questions import probe_of
from landscape_gui.composition.titles import names_of, with_short_labels
from landscape_gui.errors import LandscapeError
from landscape_gui.figure import Figure, Look, Note, Panel, Scale, SharedBar, Surface
from landscape_gui.results import Provenance, Result


@dataclass
class Shown:
    """What has become of a cell: the figure of its answer, its panel, and sentences about it; `lost`: why there is none."""

    cell: Cell
    result: Result | None = None
    figure: Figure | None = None
    panel: Panel | None = None
    said: list[str] = field(default_factory=list)

    @property
    def surface(self) -> Surface | None:
        """The surface that is drawn as one: in 3-D or as contours."""
        if self.panel is None or self.panel.view == "chart" or self.panel.heat_map or self.cell.difference is not None:
            return None
        return self.panel.surface


def composed(composition: Composition, answers: Sequence[Result | Lost | None]) -> Figure:
    """The figure of a composition, a panel a cell. answers: what is known for each cell; where it is lost, or None (not known yet),
    its panel says so. Milliseconds, and for a difference of grids that differ some more."""
    shown = [Shown(cell=cell) for cell in composition.cells]
    for one, answer in zip(shown, answers, strict=True):
        if one.cell.difference is None:
            look_at(one, answer, first_look(composition, one.cell))
    groups = groups_of(shown)
    for group in groups:
        share(composition, group)
    subtract(composition, shown)
    columns = composition.columns or usual_columns(len(shown))
    panels = finished(shown, columns)
    panels, bars = with_bars(composition, shown, panels, groups, columns)
    sources = tuple(one.figure.provenance for one in shown if one.figure is not None)
    letters = [letter(k) for k in range(len(shown))]
    told = [(name, p.title, one.figure, tuple(one.said)) for name, p, one in zip(letters, panels, shown, strict=True)]
    return Figure(
        panels=panels,
        facts=facts_of(told),
        caption=caption_of(composition, told, [group for group in groups if len(group) > 1]),
        provenance=sources[0] if sources else Provenance(),
        sources=sources,
        drawn_from=tuple(source for one in shown if one.figure is not None for source in one.figure.drawn_from),
        title=composition.title,
        columns=columns,
        heads=composition.heads,
        sides=composition.sides,
        bars=bars,
        extra={"composition": composition},
    )


def first_look(composition: Composition, cell: Cell) -> Look:
    return replace(cell.look, camera=composition.camera) if "camera" in composition.share else cell.look


def look_at(one: Shown, answer: Result | Lost | None, look: Look) -> None:
    """The figure of an answer and the panel that is wanted of it."""
    if answer is None or isinstance(answer, Lost):
        one.panel = lost_panel(answer.sentence if answer is not None else "Not computed yet.")
        return
    try:
        one.result, one.figure = answer, probe_of(answer).figure(answer, look)
    except LandscapeError as error:
        one.panel = lost_panel(str(error))
        return
    one.panel = panel_of(one.figure, one.cell)


def panel_of(figure: Figure, cell: Cell) -> Panel:
    """The panel of an answer's figure that a cell shows; the last one where it has fewer."""
    return figure.panels[min(max(cell.panel, 0), len(figure.panels) - 1)]


def lost_panel(sentence: str) -> Panel:
    return Panel(marks=(Note(text=folded(sentence)),), view="chart")


def folded(sentence: str, room: int = 30) -> str:
    """A sentence in short lines."""
    lines = [""]
    for word in sentence.split():
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) > room and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def groups_of(shown: Sequence[Shown]) -> list[list[Shown]]:
    """The surfaces that may share: of one group, in the same quantity and unit."""
    found: dict[Any, list[Shown]] = {}
    for one in shown:
        if one.surface is not None:
            found.setdefault((one.cell.group, one.surface.label, one.surface.unit), []).append(one)
    return list(found.values())


def share(composition: Composition, group: Sequence[Shown]) -> None:
    """Draws the surfaces of a group again, with what they have in common."""
    changes: dict[str, Any] = {}
    if "limits" in composition.share:
        log = any(one.cell.look.scale == "log" for one in group) and all(positive(one) for one in group)
        scale: Scale = "log" if log else "linear"
        changes |= {"scale": scale, "limits": composition.limits or common_limits(group, scale)}
        changes["colour_map"] = group[0].cell.look.colour_map
    if "height" in composition.share:
        changes["height"] = group[0].cell.look.height
    for one in group:
        if changes and one.result is not None:
            look_at(one, one.result, replace(first_look(composition, one.cell), **changes))


def positive(one: Shown) -> bool:
    return one.surface is not None and bool((one.surface.z > 0).any())


def common_limits(group: Sequence[Shown], scale: Scale) -> tuple[float, float]:
    """From the lowest to the highest limit that the surfaces have by themselves, on that scale."""
    own: list[tuple[float, float]] = []
    for one in group:
        assert one.result is not None and one.surface is not None
        surface = one.surface
        if (surface.scale != scale or one.cell.look.limits is not None) and one.figure is not None:
            look = replace(one.cell.look, scale=scale, limits=one.cell.look.limits)
            surface = panel_of(probe_of(one.result).figure(one.result, look), one.cell).surface or surface
        own.append(surface.limits)
    return min(low for low, _ in own), max(high for _, high in own)


def subtract(composition: Composition, shown: Sequence[Shown]) -> None:
    """The panels that are differences of others."""
    for one in shown:
        if one.cell.difference is None:
            continue
        later, earlier = (shown[k] for k in one.cell.difference)
        names = [letter(k) for k in one.cell.difference]
        title = one.cell.title or f"({names[0]}) \N{MINUS SIGN} ({names[1]})"
        try:
            if later.panel is None or earlier.panel is None or later.figure is None or earlier.figure is None:
                raise LandscapeError("One of the two surfaces is missing.")
            one.panel, said = difference_panel(later.panel, earlier.panel, first_look(composition, one.cell), title)
            one.said += [f"Difference of ({names[0]}) and ({names[1]}) at equal coordinates.", *said]
            one.said += axes_sentences(later.figure.provenance, earlier.figure.provenance)
        except LandscapeError as error:
            one.panel = lost_panel(str(error))


def axes_sentences(a: Provenance, b: Provenance) -> list[str]:
    """What a reader must know where equal coordinates are not equal weights."""
    same = a.fingerprint == b.fingerprint and a.question.get("directions") == b.question.get("directions")
    if same and a.question.get("seed") == b.question.get("seed"):
        return []
    if a.question.get("directions") != b.question.get("directions"):
        return ["The axes are of different kinds: heights at equal coordinates are compared, not equal steps."]
    return ["The axes are different directions: heights at equal coordinates are compared, not equal weights."]


def finished(shown: Sequence[Shown], columns: int) -> tuple[Panel, ...]:
    """The panels with their titles and spans."""
    answered = [one for one in shown if one.cell.difference is None]
    own = [one.panel.title if one.figure is not None and one.panel is not None else one.cell.name for one in answered]
    names = names_of([one.figure.provenance if one.figure is not None else None for one in answered], own)
    named = {id(one): name for one, name in zip(answered, names, strict=True)}
    panels = []
    for one in shown:
        assert one.panel is not None
        title = one.cell.title or named.get(id(one), one.panel.title)
        panel = replace(one.panel, title=title if one.cell.look.title else "", span=one.cell.span)
        panels.append(with_short_labels(panel, columns))
    return tuple(panels)


def with_bars(
    composition: Composition, shown: Sequence[Shown], panels: tuple[Panel, ...], groups: Sequence[Sequence[Shown]], columns: int
) -> tuple[tuple[Panel, ...], tuple[SharedBar, ...]]:
    """The bars in common, and the panels without their own. One on the right of all; below where other panels have theirs too."""
    numbers = {id(one): k for k, one in enumerate(shown)}
    shared = [
        tuple(numbers[id(one)] for one in group) for group in groups if len(group) > 1 and has_one_scale(group, panels, numbers)
    ]
    if not {"limits", "bar"} <= set(composition.share) or not shared:
        return panels, ()
    shows = [k for k, p in enumerate(panels) if any(not isinstance(mark, Note) for mark in p.marks)]
    rest = [k for k in shows if not any(k in group for group in shared)]
    right = composition.bar == "right" or (composition.bar == "" and len(shared) == 1 and not rest)
    found = [SharedBar(panels=group, place="right" if right and len(shared) == 1 else "below") for group in shared]
    rows = [place.row for place in places(panels, columns)]
    if found[0].place == "below":
        low = {max(rows[k] for k in group) for group in shared}
        own = [k for k in rest if rows[k] in low and panels[k].surface is not None and not panels[k].heat_map]
        found += [SharedBar(panels=(k,), place="below") for k in own]
    without = {k for bar in found for k in bar.panels}
    return tuple(replace(p, bar=False) if k in without else p for k, p in enumerate(panels)), tuple(found)


def has_one_scale(group: Sequence[Shown], panels: Sequence[Panel], numbers: dict[int, int]) -> bool:
    surfaces = [panels[numbers[id(one)]].surface for one in group]
    return len({(s.limits, s.scale, s.colour_map) for s in surfaces if s is not None}) == 1
