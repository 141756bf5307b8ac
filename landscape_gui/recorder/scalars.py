"""Numbers that training hands over at every step: a tensor on a GPU is not waited for, but kept and read later."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from landscape_gui.errors import RecorderError

ROW_DIGITS = 12
"""Significant binary digits of a step that has a row of its own in the log: each of the first 4,096, then 2,048 an octave."""
EACH = 1 << ROW_DIGITS

Value = float | Tensor


def has_row(step: int) -> bool:
    return step <= EACH or step.bit_length() - ((step & -step).bit_length() - 1) <= ROW_DIGITS


def handed(name: str, value: Any) -> Value:
    """A number as it is kept: a float, or of a tensor on a GPU a copy without its graph. RecorderError for what is none."""
    try:
        if isinstance(value, Tensor):
            if value.is_cpu:
                return float(value.item() if value.numel() == 1 else value.detach().double().mean().item())
            return (value if value.numel() == 1 else value.double().mean()).detach().clone()
        return float(value)
    except (TypeError, ValueError) as error:
        raise RecorderError(
            f"{name} is a {type(value).__name__}, not a number.", remedy="Hand over numbers, or tensors with one element."
        ) from error


def moment() -> Any:
    """What says that a GPU has come to where it is told to be now; None without one."""
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return None
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record()
    return event
