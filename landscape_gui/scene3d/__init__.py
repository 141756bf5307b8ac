"""The loss surface in 3-D, on the screen and off it: vispy without Qt."""

from __future__ import annotations

from landscape_gui.scene3d.camera import PRESETS
from landscape_gui.scene3d.scene import SurfaceScene

__all__ = ["PRESETS", "SurfaceScene"]
