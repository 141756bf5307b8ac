"""The errors that a person is meant to read: each says what is wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence


class LandscapeError(Exception):
    """What went wrong in one sentence; `remedy` says what to do, in another (may be empty)."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy


class CheckpointError(LandscapeError):
    """A file is no checkpoint, is broken, or holds what is not read."""


class ProblemError(LandscapeError):
    """Model, data and loss do not make a whole: a shape, a folder, a forward pass."""


class ChoiceNeeded(ProblemError):
    """Several things fit what was named. option: the argument of `open_problem` that tells them apart ("architecture", "code");
    choices: what it may be, the likeliest first."""

    def __init__(self, message: str, *, option: str, choices: Sequence[str], remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.option = option
        self.choices = tuple(choices)


class QuestionError(LandscapeError):
    """A probe's field is outside its range or two of them contradict each other."""


class RecorderError(LandscapeError):
    """A training run cannot be recorded as it is asked."""


class StoreError(LandscapeError):
    """An answer cannot be written or read."""


class TrustNeeded(LandscapeError):
    """Code of the user's own would run; nothing has run yet. Show `source`, ask, and call again with `digest` trusted.

    abilities: what it visibly does beyond computing, each in words with its places; a help in reading, no promise. program: what a
    checkpoint holds that is no Python code ("a TorchScript program").
    """

    def __init__(self, path: str, source: str, digest: str, abilities: Sequence[str] = (), program: str = "") -> None:
        seen = f" It visibly {', '.join(abilities)}." if abilities else ""
        super().__init__(
            f"{path} {f'holds {program}' if program else 'is Python code'} and has not been trusted yet.{seen}",
            remedy="Read it; then allow it in the window, or give --trust on the command line.",
        )
        self.path = path
        self.source = source
        self.digest = digest
        self.abilities = tuple(abilities)
        self.program = program


class SurfaceNeeded(LandscapeError):
    """A file holds the path of a run in a plane, and not the surface that it lies on. path: the file's."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} holds the path of a run, and no surface.",
            remedy="Open its surface first, or drop both together; on the command line: export SURFACE.h5 --projection FILE.",
        )
        self.path = path
