"""A folder's tokeniser: text to token ids by its tokenizer.json alone."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from landscape_gui.errors import ProblemError
from landscape_gui.problem.extras import bring
from landscape_gui.problem.huggingface_folder import CONFIG, read_json
from landscape_gui.problem.tokeniser_process import TokeniserProcess

NAME = "tokenizer.json"
SETTINGS = "tokenizer_config.json"
OTHERS = ("vocab.json", "vocab.txt", "merges.txt", "tokenizer.model", "spiece.model", SETTINGS)
"""Files of a tokeniser that are not read."""
LARGEST = 256 << 20


@dataclass(frozen=True)
class Tokeniser:
    """What a tokenizer.json does to a text, at work in a process of its own: each answer comes within a time or not at all."""

    path: Path
    process: TokeniserProcess

    def ids(self, text: str) -> list[int]:
        """The token ids of a text, without marks at its ends."""
        return self.process.rows([text])[0]

    def rows(self, texts: Sequence[str], length: int) -> list[list[int]]:
        """The token ids of each text with the marks that a classifier expects, cut to `length`."""
        return self.process.rows(list(texts), length)

    def text(self, ids: Sequence[int]) -> str:
        """The text of token ids, marks included."""
        return self.process.text([int(each) for each in ids])


def read_tokeniser(folder: Path) -> Tokeniser | None:
    """The folder's tokeniser; None where it has none. Raises ProblemError: of another form, code, not readable, not installed."""
    place = folder / NAME
    if not place.is_file():
        other = next((name for name in OTHERS if (folder / name).is_file()), None)
        code = _code(folder)
        if code:
            raise ProblemError(
                f"The tokeniser of {folder} is code ({code}), which is not run, and there is no {NAME}.",
                remedy=f"Cut the text with it elsewhere and give the token ids (.npy, .bin), or save a {NAME} in the folder.",
            )
        if other is None:
            return None
        raise ProblemError(
            f"{folder} has {other}, but no {NAME}, the only form of a tokeniser that is read.",
            remedy="Write it with AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER), or give token ids (.npy, .bin).",
        )
    status = place.stat()
    if status.st_size > LARGEST:
        raise ProblemError(f"{place} has {status.st_size:,} bytes; {LARGEST:,} is the most that is read.")
    found = _kept(place, status.st_mtime_ns, status.st_size)
    if not found.process.alive:
        _kept.cache_clear()
        found = _kept(place, status.st_mtime_ns, status.st_size)
    return found


def text_of(place: Path, ids: Sequence[int]) -> str:
    """The text of token ids, by a tokenizer.json. Raises ProblemError."""
    found = read_tokeniser(place.parent)
    if found is None:
        raise ProblemError(f"There is no {place}.")
    return found.text(ids)


@functools.lru_cache(maxsize=1)
def _kept(place: Path, _changed: int, _size: int) -> Tokeniser:
    """The last tokeniser: reading a large one takes a second."""
    bring("tokenizers", "hf", str(place))
    return Tokeniser(place, TokeniserProcess(place))


def _code(folder: Path) -> str:
    """The file of a tokeniser's own code that the folder names, or ""."""
    for name in (SETTINGS, CONFIG):
        content = read_json(folder / name) if (folder / name).is_file() else {}
        entries = content.get("auto_map") if isinstance(content, Mapping) else None
        named = entries.get("AutoTokenizer") if isinstance(entries, Mapping) else None
        first = next((each for each in named if isinstance(each, str)), None) if isinstance(named, list) else named
        if isinstance(first, str):
            return f"{first.rpartition('--')[2].partition('.')[0]}.py"
    return ""
