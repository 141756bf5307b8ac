"""Recorder: two lines in anyone's training loop write a run that the window opens.

    from landscape_gui.recorder import Recorder

    rec = Recorder("runs/a", model, optimizer)   # before the loop
    rec.step(loss=loss)                          # after each optimizer.step()

`recorder.lightning` and `recorder.huggingface` have a RecorderCallback each.
"""

from __future__ import annotations

from landscape_gui.errors import RecorderError
from landscape_gui.recorder.costs import Summary
from landscape_gui.recorder.geometry import PROBES
from landscape_gui.recorder.recorder import Recorder, RecorderWarning

__all__ = ["PROBES", "Recorder", "RecorderError", "RecorderWarning", "Summary"]
