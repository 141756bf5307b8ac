"""A film written by a process of its own: the window goes on meanwhile, and a film that is stopped leaves nothing behind.

In come, through standard input, a pickle of film, path and setup with its length before it; one more byte, or the end of the input,
means stop. Out come lines: "frame DONE TOTAL", and at last "written", "stopped", or "failed" with sentence and remedy as JSON.
"""

from __future__ import annotations

import json
import os
import pickle
import struct
import sys
import threading
from pathlib import Path

from landscape_gui.film import Film, FilmSetup

LENGTH = struct.Struct("<Q")


def order(film: Film, path: str, setup: FilmSetup) -> bytes:
    """What the process is told."""
    message = pickle.dumps((film, path, setup), protocol=5)
    return LENGTH.pack(len(message)) + message


def command() -> list[str]:
    """How the process is started."""
    return [sys.executable, "-c", "from landscape_gui.export.film_apart import main; main()"]


def environment() -> dict[str, str]:
    """In which surroundings: this program can be imported, and no toolkit's choice of a display is handed on."""
    kept = {k: v for k, v in os.environ.items() if k != "QT_QPA_PLATFORM"}
    root = str(Path(__file__).resolve().parent.parent.parent)
    return kept | {"PYTHONPATH": os.pathsep.join([root, *filter(None, [kept.get("PYTHONPATH")])])}


def main() -> None:
    from landscape_gui.errors import LandscapeError
    from landscape_gui.export.films import FilmStopped, write_film

    given = sys.stdin.buffer
    (size,) = LENGTH.unpack(given.read(LENGTH.size))
    film, path, setup = pickle.loads(given.read(size))
    stop = threading.Event()

    def wait() -> None:
        given.read(1)
        stop.set()

    threading.Thread(target=wait, daemon=True).start()
    try:
        write_film(film, path, setup, on_progress=lambda done, total: say(f"frame {done} {total}"), stopped=stop.is_set)
        say("written")
    except FilmStopped:
        say("stopped")
    except LandscapeError as error:
        say(f"failed {json.dumps([error.message, error.remedy])}")
    os._exit(0)  # not waiting for the thread that reads


def say(words: str) -> None:
    print(words, flush=True)
