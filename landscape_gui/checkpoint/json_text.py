"""JSON in and beside checkpoints, parsed within bounds."""

from __future__ import annotations

import json
import math
from typing import Any

from landscape_gui.checkpoint.budget import spend
from landscape_gui.checkpoint.limits import DAMAGED, DIMENSIONS, Broken, valid


def parse_object(raw: bytes, what: str) -> dict[str, Any]:
    """The object; Broken, with `what` ("its header"), where it is none, is nested too deep, or has one name twice."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = {valid(key): valid(value) if isinstance(value, str) else value for key, value in pairs}
        if len(table) != len(pairs):
            raise Broken(f"{what} has one name twice")
        return table

    spend(len(raw) // 10)
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError):
        raise Broken(f"{what} is no valid JSON", DAMAGED) from None
    if not isinstance(value, dict):
        raise Broken(f"{what} is no JSON object", DAMAGED)
    return value


def whole_numbers(values: Any, what: str) -> tuple[int, ...]:
    """A list of sizes, strides or offsets; Broken where it is none."""
    if not isinstance(values, list | tuple) or len(values) > DIMENSIONS:
        raise Broken(f"{what} is malformed", DAMAGED)
    for value in values:
        if type(value) is not int or not 0 <= value < 1 << 48:
            raise Broken(f"{what} has a size that is negative or too large", DAMAGED)
    return tuple(values)


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides, in elements, of a tensor that is stored row by row."""
    return tuple(math.prod(shape[index + 1 :]) for index in range(len(shape)))
