"""A folder's tokeniser: text to token ids by its tokenizer.json alone."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landscape_gui.errors import ProblemError
from landscape_gui.problem.extras import bring

NAME = "tokenizer.json"
OTHERS = ("vocab.json", "vocab.txt", "merges.txt", "tokenizer.model", "spiece.model", "tokenizer_config.json")
"""Files of a tokeniser that are not read."""
LARGEST = 256 << 20


@dataclass(frozen=True)
class Tokeniser:
    """What a tokenizer.json does to a text. Made once; reading large ones takes a second."""

    path: Path
    engine: Any

    def ids(self, text: str) -> list[int]:
        """The token ids of a text, without marks at its ends."""
        return list(self._told(lambda: self.engine.encode(text, add_special_tokens=False).ids))

    def rows(self, texts: Sequence[str], length: int) -> list[list[int]]:
        """The token ids of each text with the marks that a classifier expects, cut to `length`."""

        def encode() -> list[list[int]]:
            self.engine.enable_truncation(length)
            try:
                return [list(found.ids) for found in self.engine.encode_batch(list(texts), add_special_tokens=True)]
            finally:
                self.engine.no_truncation()

        return self._told(encode)  # type: ignore[no-any-return]

    def _told(self, function: Any) -> Any:
        return told(self.path, function)


def read_tokeniser(folder: Path) -> Tokeniser | None:
    """The folder's tokeniser; None where it has none. Raises ProblemError: of another form, not readable, not installed."""
    place = folder / NAME
    if not place.is_file():
        other = next((name for name in OTHERS if (folder / name).is_file()), None)
        if other is None:
            return None
        raise ProblemError(
            f"{folder} has {other}, but no {NAME}, the only form of a tokeniser that is read.",
            remedy="Write it with AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER), or give token ids (.npy, .bin).",
        )
    if place.stat().st_size > LARGEST:
        raise ProblemError(f"{place} has {place.stat().st_size:,} bytes; {LARGEST:,} is the most that is read.")
    library = bring("tokenizers", "hf", str(place))
    engine = told(place, lambda: library.Tokenizer.from_str(place.read_text(encoding="utf-8")))
    engine.no_padding()
    engine.no_truncation()
    return Tokeniser(place, engine)


def text_of(place: Path, ids: Sequence[int]) -> str:
    """The text of token ids, by a tokenizer.json. Raises ProblemError."""
    return str(told(place, lambda: _kept(place, place.stat().st_mtime_ns).decode(list(ids), skip_special_tokens=False)))


@functools.lru_cache(maxsize=2)
def _kept(place: Path, _changed: int) -> Any:
    found = read_tokeniser(place.parent)
    if found is None:
        raise ProblemError(f"There is no {place}.")
    return found.engine


def told(path: Path, function: Any) -> Any:
    """What the function gives; what it raises, panics of the library included, as a ProblemError."""
    try:
        return function()
    except Exception as error:
        raise _refusal(path, error) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise _refusal(path, error) from None


def _refusal(path: Path, error: BaseException) -> ProblemError:
    return ProblemError(f"{path} is no tokeniser that can be used: {' '.join(str(error).split())[:300].rstrip('.')}.")
