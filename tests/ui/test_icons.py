from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon

from landscape_gui.ui.icons import GlyphEngine, icon


def test_an_icon_is_drawn_in_its_size_and_not_at_all_where_there_is_no_room(qtbot, dressed, qtlog):
    assert not icon("gear").pixmap(QSize(20, 20)).isNull()
    for size in (QSize(0, 0), QSize(20, 0)):
        assert GlyphEngine("gear").pixmap(size, QIcon.Mode.Normal, QIcon.State.Off).isNull()
    assert [record.message for record in qtlog.records if "QPainter" in record.message] == []
