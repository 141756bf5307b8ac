"""What the window has for connected models: the panel of paths, the handle on their charts, the strip beneath, a table's clicks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from landscape_gui.connection_results import BarriersResult, PathPlaneResult
from landscape_gui.errors import LandscapeError
from landscape_gui.figure import Figure, Panel
from landscape_gui.ui import planes
from landscape_gui.ui.connecting import Connecting
from landscape_gui.ui.connection_panel import ConnectionPanel, is_connection
from landscape_gui.ui.documents import Shown, latest, message_of
from landscape_gui.ui.session import Session
from landscape_gui.ui.way import Way
from landscape_gui.ui.way_panel import WayPanel

if TYPE_CHECKING:
    from landscape_gui.ui.stage import Stage
    from landscape_gui.ui.way_handle import WayHandle


class Connectivity(QObject):
    """Made with the window; `join` brings the handle and the strip to the stage once that is there."""

    def __init__(self, session: Session, connecting: Connecting, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session, self.connecting = session, connecting
        self.way = Way(session, self)
        self.panel = ConnectionPanel(session, self.way)
        self.strip = WayPanel(self.way)
        self.strip.hide()
        self.handle: WayHandle | None = None
        """Made with the first charts, which need pyqtgraph."""
        self.stage: Stage | None = None
        session.shown_changed.connect(self.follow)
        session.current_changed.connect(self.follow)
        self.panel.plane_asked.connect(self.ask_plane)
        self.panel.chart_asked.connect(self.show_chart)
        self.way.changed.connect(self._dress)
        session.inquiries_changed.connect(self._keep_up)

    def join(self, stage: Stage) -> None:
        """Bring handle and strip to the middle of the window."""
        self.stage = stage
        layout = stage.layout()
        assert layout is not None
        layout.addWidget(self.strip)
        stage.figure_shown.connect(self.lie_on)
        stage.cell_chosen.connect(self.connect_pair)
        self.lie_on(stage.figure)

    # what is shown

    @property
    def offered(self) -> bool:
        """Whether the panel of paths has anything to show."""
        return self.panel.shown is not None

    @property
    def pair(self) -> tuple[object, object]:
        """Which two models the paths are between; it stays when more of them are asked for."""
        listed = self.panel.shown
        return (listed.document, getattr(listed.probe, "towards", None)) if listed is not None else (None, None)

    def follow(self) -> None:
        """Another answer: the paths of a connection, or of the one whose plane is shown."""
        shown = self.session.shown
        if shown is not None and shown.document is self.session.current and is_connection(shown.result):
            self.panel.show_connection(shown)
        elif shown is not None and self._is_plane_of(shown):
            self.panel.show_plane(plane_colours(shown.result))
        else:
            self.panel.show_connection(None)

    def _keep_up(self) -> None:
        """While a plane is looked at, the paths' own question may have come to its end."""
        listed = self.panel.shown
        if listed is None or not listed.partial or listed is self.session.shown:
            return
        asked = [i for i in reversed(self.session.inquiries) if (i.document, i.probe) == (listed.document, listed.probe)]
        newest = latest(listed, asked)
        if not newest.partial:
            colours = self.panel.colours
            self.panel.show_connection(newest)
            self.panel.show_plane(colours)

    def _is_plane_of(self, shown: Shown) -> bool:
        """Whether a plane through the paths that are listed is shown."""
        listed = self.panel.shown
        if not isinstance(shown.result, PathPlaneResult) or listed is None or listed.document is not shown.document:
            return False
        ends: Any = [getattr(question, "towards", None) for question in (listed.probe, shown.probe)]
        return shown.document is self.session.current and None not in ends and ends[0].digest == ends[1].digest

    def lie_on(self, figure: Figure | None) -> None:
        """After another picture: the handle upon the charts over t, and the strip beneath them."""
        stage, shown = self.stage, self.session.shown
        about = figure is not None and shown is not None and is_connection(shown.result)
        on = about and stage is not None and stage.view == "chart"
        self.strip.setVisible(on)
        charts, quantities = [], []
        if on and stage is not None and stage.grid is not None and figure is not None:
            self.handle = self.handle or self._make_handle()
            first = str(figure.extra.get("quantity", ""))
            names = (first, f"{first.partition('_')[0]}_accuracy")
            for number, panel in enumerate(figure.panels):
                if panel.x.label == "t" and number < len(names):
                    charts.append(stage.grid.cells[number].chart)
                    quantities.append(names[number])
        if self.handle is not None:
            self.handle.lie_on(charts, quantities, self.colour)
        self._dress()

    def _make_handle(self) -> WayHandle:
        from landscape_gui.ui.way_handle import WayHandle

        return WayHandle(self.way, self)

    @property
    def colour(self) -> int:
        """The number of the colour of the path that one is on: paths have theirs in the order in which they were asked for."""
        names = list(self.panel.connection)
        return names.index(self.way.path) if self.way.path in names else 0

    def _dress(self) -> None:
        names = tuple(getattr(self.panel.shown.result, "names", ())) if self.panel.shown is not None else ()
        if (names, self.colour) != (getattr(self, "_worn", None)):
            self._worn = names, self.colour
            self.strip.name_ends(names, self.colour)
            if self.handle is not None:
                self.handle.colour = self.colour
                self.handle.refresh()

    def restyle(self) -> None:
        """After another theme."""
        if self.handle is not None:
            self.handle.refresh()
        self.strip.bars.update()
        self.panel.paths.viewport().update()

    # what is asked

    def ask_plane(self) -> None:
        """The plane through the path that one is on."""
        shown = self.panel.shown
        if shown is None:
            return
        try:
            probe = planes.plane_question(self.session.services.probes(), shown, self.way.path)
        except LandscapeError as error:
            self.session.said.emit(message_of(error))
            return
        self.session.ask(probe, shown.document, first=True)

    def show_chart(self) -> None:
        """Back from the plane to the chart."""
        shown = self.panel.shown
        if shown is not None and self.session.shown is not shown:
            self.session.show_again(shown)

    def connect_pair(self, panel: Panel, column: int, row: int) -> None:
        """A cell of the table of barriers was clicked: the path between its two models."""
        shown = self.session.shown
        if shown is None or not isinstance(shown.result, BarriersResult):
            return
        pair = planes.pair_at(shown, self.session.look, column, row)
        if pair is not None:
            self.connecting.connect_models(pair)


def plane_colours(result: Any) -> dict[str, int]:
    """The number of each path's colour on a plane."""
    from landscape_gui.probes.path_plane_pictures import colour

    return {name: colour(k) for k, name in enumerate(result.paths)}
