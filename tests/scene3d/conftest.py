"""A canvas needs an application; the tests of the window use the same one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def scene(qapp: Any) -> Any:
    """A scene on a hidden canvas of 800 x 600; nothing is drawn unless a test shows it."""
    from vispy import app

    app.use_app("pyside6")
    from landscape_gui.scene3d import SurfaceScene

    made = SurfaceScene(size=(800, 600))
    yield made
    made.canvas.close()
