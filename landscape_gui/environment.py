"""In which surroundings an answer is computed: versions and the machine, as every answer records them. Standard library only."""

from __future__ import annotations

import contextlib
import platform
from functools import cache
from importlib import metadata
from typing import Any

import landscape_gui


def environment() -> dict[str, Any]:
    """What any answer may depend on to the bit beyond its question. A probe adds its device, threads and partition of the data."""
    return {
        "landscape_gui": landscape_gui.__version__,
        "torch": version_of("torch"),
        "numpy": version_of("numpy"),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
    }


@cache
def version_of(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


@cache
def processor() -> str:
    """The processor's name as the system gives it."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
