from landscape_gui.ui.view_bar import combo


def test_a_name_that_does_not_fit_ends_in_an_ellipsis(qtbot, dressed, monkeypatch):
    box = combo("quantity", "Quantity shown", 11)
    qtbot.addWidget(box)
    seen = []
    painted = "PySide6.QtWidgets.QStylePainter.drawControl"
    monkeypatch.setattr(painted, lambda self, element, option: seen.append(option.currentText))
    box.addItem("|smallest| over |largest| Hessian eigenvalue", "lambda_ratio")
    box.addItem("Loss", "loss")
    box.resize(130, 26)
    box.grab()
    box.setCurrentIndex(1)
    box.grab()
    assert seen[0].endswith("…") and seen[0].startswith("|smallest|") and seen[-1] == "Loss"
