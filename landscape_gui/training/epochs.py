"""`epochs.json`: what was measured after each epoch, as other programs read it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

from landscape_gui.errors import ProblemError
from landscape_gui.recorder.files import write_whole

EPOCHS = "epochs.json"
METRICS = (
    "train_loss",
    "test_loss",
    "test_accuracy",
    "grad_norm",
    "lambda_max",
    "directional_sharpness",
    "lgdi",
    "stability_ratio",
)


def write_epochs(folder: Path, rows: Sequence[dict[str, float]]) -> None:
    """A JSON list of the rows, whole or not at all; null where a number is not known, 1e999 where it is infinite."""
    text = ",\n ".join(json.dumps({k: None if math.isnan(v) else v for k, v in row.items()}) for row in rows)
    text = text.replace("-Infinity", "-1e999").replace("Infinity", "1e999")
    try:
        write_whole(folder / EPOCHS, f"[\n {text}\n]\n".encode())
    except OSError as error:
        raise ProblemError(f"{folder / EPOCHS} cannot be written: {error.strerror}.") from error
