"""The matrix of barriers and its tree as marks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from landscape_gui.connection_order import clustering_order, spanning_tree
from landscape_gui.connection_results import BarriersResult, BarrierTable
from landscape_gui.export.figures import default_size, draw
from landscape_gui.export.paper import Page, settings
from landscape_gui.figure import Line, Look, Points, Surface, Texts
from landscape_gui.probes.barrier_pictures import LEAST, barriers_figure, short, spread
from landscape_gui.results import Provenance, Quantity, freeze


def result(count: int, *, complete: bool = True, name: str = "model") -> BarriersResult:
    rng = np.random.default_rng(count)
    upper = np.triu(rng.uniform(0.01, 2.0, (count, count)), 1)
    values = upper + upper.T
    if not complete:
        values[-1, :-1] = values[:-1, -1] = np.nan
    places = rng.normal(size=(count, 2))
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    apart[np.isnan(values)] = np.nan
    shown = {
        f"train_loss_{kind}": Quantity(
            name=f"train_loss_{kind}", label=f"training loss barrier {kind}", values=freeze(factor * values),
            standard_error=freeze(0.02 + 0 * values), unit="nat", axes=("model", "model"), examples=100,
        )
        for kind, factor in (("above_line", 1.0), ("above_mean", 3.0))
    }  # fmt: skip
    own = Quantity(name="train_loss", label="training loss", values=freeze(0.1 * np.arange(count)), unit="nat", axes=("model",))
    return BarriersResult(
        names=tuple(f"{name} {k}" for k in range(count)), barriers=shown["train_loss_above_line"].values,
        standard_errors=freeze(0.02 + 0 * values), distances=freeze(apart), losses=own.values, own={"train_loss": own},
        order=clustering_order(values) if complete else freeze(np.arange(count), int), tree=spanning_tree(values),
        tables={"line": BarrierTable(path="line", quantities=shown, distances=freeze(apart), lengths=freeze(apart))},
        split="train", subset="all 100 train", complete=complete, provenance=Provenance(question={"points": 25, "seed": 0}),
    )  # fmt: skip


def test_cells_hold_the_barriers_in_the_order_of_the_clustering() -> None:
    found = result(3)
    panel = barriers_figure(found, Look()).panels[0]
    assert panel.surface is not None
    (words,) = (m for m in panel.marks if isinstance(m, Texts))
    names = list(panel.y.names[::-1])
    assert names == [found.names[k] for k in found.order]
    assert list(panel.x.names) == names
    for x, y, text in zip(words.x, words.y, words.texts, strict=True):
        i, j = (found.names.index(axis[int(at)]) for axis, at in ((panel.x.names, x), (panel.y.names, y)))
        if i == j:
            assert text == ""
            assert np.isnan(panel.surface.z[int(y), int(x)])
        else:
            assert float(text.partition("\n")[0]) == pytest.approx(found.barriers[i, j], abs=6e-4)
            assert text.endswith("±0.020")
            assert panel.surface.z[int(y), int(x)] == found.barriers[i, j]


def test_the_tree_joins_models_by_its_edges_and_says_their_barriers() -> None:
    found = result(5)
    panel = barriers_figure(found, Look()).panels[1]
    (nodes,) = (m for m in panel.marks if isinstance(m, Points))
    at = {name: (x, y) for name, x, y in zip(nodes.names, nodes.x, nodes.y, strict=True)}
    lines = [m for m in panel.marks if isinstance(m, Line)]
    edges = next(m for m in panel.marks if isinstance(m, Texts) and m.backed)
    assert len(lines) == len(found.tree) == len(edges.texts) == 4
    for (a, b), line, text in zip(found.tree, lines, edges.texts, strict=True):
        ends = {(float(x), float(y)) for x, y in zip(line.x, line.y, strict=True)}
        assert ends == {at[found.names[a]], at[found.names[b]]}
        assert text == short(found.barriers[a, b])
    assert panel.equal


def test_another_definition_is_shown_with_its_own_tree() -> None:
    found = result(4)
    panel = barriers_figure(found, Look(quantity="train_loss_above_mean")).panels[0]
    assert panel.surface is not None
    assert np.nanmax(panel.surface.z) == pytest.approx(3 * found.barriers.max())


def test_pairs_that_are_missing_are_blank_and_counted() -> None:
    figure = barriers_figure(result(4, complete=False), Look())
    (words,) = (m for m in figure.panels[0].marks if isinstance(m, Texts))
    assert sum(text == "" for text in words.texts) == 4 + 2 * 3
    assert dict(figure.facts)["Computed"] == "3 of 6 pairs so far"
    assert len([m for m in figure.panels[1].marks if isinstance(m, Line)]) == 2


def test_long_names_are_numbered_on_both_pictures_and_in_words() -> None:
    found = result(5, name="a checkpoint with a long name")
    matrix, graph = barriers_figure(found, Look()).panels
    assert matrix.x.names == ("1", "2", "3", "4", "5")
    assert all(row.startswith(f"{k + 1}  ") for k, row in enumerate(matrix.y.names[::-1]))
    told = [text for m in graph.marks if isinstance(m, Texts) and not m.backed for text in m.texts]
    assert sorted(told) == ["1", "2", "3", "4", "5"]
    assert dict(barriers_figure(found, Look()).facts)["Models"].count(":") == 5


def test_what_must_be_known_is_said() -> None:
    figure = barriers_figure(result(3), Look())
    told = dict(figure.facts)
    assert {"Shown", "Models", "Own values", "Path", "Barrier", "Points", "Order", "Tree", "Data"} <= set(told)
    for words in ("3 models", "Average-linkage", "Straight line", "All 100 train", "paired standard errors"):
        assert words.lower() in figure.caption.lower()
    assert barriers_figure(result(3), Look(title=False)).title == ""


@pytest.mark.parametrize("count", [2, 7, 12, 14])
@pytest.mark.parametrize("width", [3.3, 7.0])
def test_nothing_is_cut_off_and_no_names_overlap(count: int, width: float) -> None:
    figure = barriers_figure(result(count, name="a rather long name"), Look())
    inches = default_size(figure, width)
    page = Page(width=inches[0], height=inches[1], dpi=100)
    with settings(page):
        sheet = draw(figure, page)
        canvas: Any = FigureCanvasAgg(sheet)
        canvas.draw()
        texts = [t for t in sheet.findobj(Text) if t.get_visible() and t.get_text().strip()]
        boxes = [t.get_window_extent() for t in texts]
        for text, box in zip(texts, boxes, strict=True):
            assert box.x0 >= -0.5 and box.y0 >= -0.5, text
            assert box.x1 <= sheet.bbox.x1 + 0.5 and box.y1 <= sheet.bbox.y1 + 0.5, text
        nodes = [t.get_window_extent() for t in sheet.findobj(Text) if t.get_text().isdigit() and t.axes is graph_of(sheet)]
        assert len(nodes) in (0, count)
        assert not any(a.overlaps(b) for k, a in enumerate(nodes) for b in nodes[:k])


def graph_of(sheet: Any) -> Any:
    """The axes of the tree."""
    return next(axes for axes in sheet.axes if axes.get_title().startswith("Tree"))


def test_models_that_coincide_are_moved_apart_and_others_are_not() -> None:
    places = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.5, 0.6]])
    found, moved = spread(places)
    apart = np.linalg.norm(found[:, None] - found[None], axis=2) + 9 * np.eye(4)
    assert moved
    assert apart.min() >= LEAST * 0.99
    far = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.8]])
    assert np.array_equal(spread(far)[0], far)
    assert not spread(far)[1]


def test_colours_begin_at_zero_also_where_nothing_stands_between_models() -> None:
    found = result(3)
    panel = barriers_figure(found, Look()).panels[0]
    assert panel.surface is not None
    assert panel.surface.limits == (0.0, found.barriers.max())
    shown = {name: replace(q, values=freeze(0 * q.values)) for name, q in found.quantities.items()}
    flat = replace(found, tables={"line": replace(found.tables["line"], quantities=shown)})
    panel = barriers_figure(flat, Look()).panels[0]
    assert panel.surface is not None
    assert panel.surface.limits == (0.0, 1.0)


def test_two_digits() -> None:
    assert [short(v) for v in (1.777, 0.1234, 0.00344, 0.0, -0.012, 12.3)] == ["1.8", "0.12", "0.0034", "0", "−0.012", "12"]
    assert short(float("inf")) == "∞"
    assert short(3e-7) == "3e-7".replace("-", "−")


def test_the_surface_is_no_plane() -> None:
    panel = barriers_figure(result(3), Look(view="3d")).panels[0]
    assert panel.heat_map
    assert isinstance(panel.marks[0], Surface)
