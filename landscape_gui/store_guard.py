"""Bytes that may crash the library that parses them are looked at, then parsed in a process of its own. Standard library only."""

from __future__ import annotations

import importlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from landscape_gui.errors import LandscapeError

MOST = 1 << 30
"""Bytes of a file that are read at once; answers are far smaller."""
SECONDS = 8.0
"""Reading that takes longer is given up."""
CODE = "import sys; sys.path[:0] = sys.argv[2:]; from landscape_gui.store_guard import main; sys.exit(main(sys.argv[1]))"

SIGNATURE = b"\x89HDF\r\n\x1a\n"
CHECKPOINTS = (".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".tar")


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """A file's bytes. A pipe or device, which might block or never end, is refused unopened, and so is more than MOST bytes.

    Raises LandscapeError where it cannot or should not be read.
    """
    try:
        return _read_plain(path)
    except FileNotFoundError as error:
        raise LandscapeError(f"There is no file {path}.") from error
    except (OSError, ValueError) as error:
        raise LandscapeError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def _read_plain(path: str | os.PathLike[str]) -> bytes:
    state = os.stat(path)
    if stat.S_ISDIR(state.st_mode):
        raise LandscapeError(f"{path} is a folder.", remedy="Choose a file in it.")
    if not stat.S_ISREG(state.st_mode):
        raise LandscapeError(f"{path} is not a plain file.", remedy="Choose a file that ends in .h5 or .hdf5.")
    if state.st_size > MOST:
        raise LandscapeError(f"{path} has {state.st_size:,} bytes; {MOST:,} is the most that is read.")
    with open(path, "rb") as file:
        return file.read(state.st_size)


def check_signature(path: str | os.PathLike[str], data: bytes) -> None:
    """LandscapeError where the bytes of `path` are no HDF5 file: its signature stands at 0, 512, 1024, 2048, ..."""
    start = 0
    while start < max(1, len(data)):
        if data.startswith(SIGNATURE, start):
            return
        start = 2 * start or 512
    checkpoint = os.fspath(path).lower().endswith(CHECKPOINTS)
    remedy = "A checkpoint is opened with `landscape-gui surface`." if checkpoint else "Choose a file that ends in .h5 or .hdf5."
    if os.fspath(path).lower().endswith((".h5", ".hdf5")):
        remedy = "Copy it again from where it came from."
    raise LandscapeError(f"{path} is not an HDF5 file.", remedy=remedy)


def try_apart(parse: Callable[[bytes], Any], data: bytes) -> None:
    """Calls `parse(data)` in another process: broken bytes can end the HDF5 library itself, and the process with it.

    parse: a function at the top of a module of ours. Takes about half a second. Raises LandscapeError with parse's own sentence, or
    one that says that the process did not come through. Where no process can be started nothing is tried.
    """
    name = f"{parse.__module__}:{parse.__qualname__}"
    try:
        done = subprocess.run(
            [sys.executable, "-c", CODE, name, *sys.path], input=data, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LandscapeError("This file takes too long to read; it is broken or made to hang.") from error
    except OSError:
        return
    if done.returncode == 1 and done.stdout:
        told = json.loads(done.stdout)
        raise LandscapeError(told["message"], remedy=told["remedy"])
    if done.returncode != 0:
        raise LandscapeError(
            "This file is broken: reading it ends the HDF5 library.", remedy="Copy it again from where it came from."
        )


def main(name: str) -> int:
    """Parse standard input with the function `module:function`: 0, or 1 and its error as JSON. For a process that may die of it."""
    module, _, function = name.partition(":")
    try:
        getattr(importlib.import_module(module), function)(sys.stdin.buffer.read())
    except LandscapeError as error:
        print(json.dumps({"message": error.message, "remedy": error.remedy}))
        return 1
    return 0
