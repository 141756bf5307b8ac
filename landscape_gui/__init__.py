"""Open a checkpoint and explore the loss landscape of the network in it.

    from landscape_gui import Surface, answer, open_problem

    result = answer(Surface(steps=(51, 51)), open_problem("samples:digits-mlp"))

The package imports nothing heavy by itself: torch, Qt and vispy come in with the rooms that need them, when a name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from landscape_gui.analyzer import LossLandscapeAnalyzer
    from landscape_gui.errors import LandscapeError
    from landscape_gui.figure import Camera, Look
    from landscape_gui.jobs import answer
    from landscape_gui.probes import PROBES, Connect, Line, Surface, Trajectory
    from landscape_gui.problem import open_problem
    from landscape_gui.recorder import Recorder
    from landscape_gui.store import read_result, write_result

__version__ = "0.1.0"

_HOMES = {
    "LandscapeError": "errors",
    "LossLandscapeAnalyzer": "analyzer",
    "Camera": "figure",
    "Look": "figure",
    "answer": "jobs",
    "PROBES": "probes",
    "Connect": "probes",
    "Line": "probes",
    "Surface": "probes",
    "Trajectory": "probes",
    "open_problem": "problem",
    "Recorder": "recorder",
    "read_result": "store",
    "write_result": "store",
}

__all__ = [
    "PROBES",
    "Camera",
    "Connect",
    "LandscapeError",
    "Line",
    "Look",
    "LossLandscapeAnalyzer",
    "Recorder",
    "Surface",
    "Trajectory",
    "__version__",
    "answer",
    "open_problem",
    "read_result",
    "write_result",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"landscape_gui.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'landscape_gui' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
