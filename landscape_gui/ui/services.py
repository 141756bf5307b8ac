"""What the window asks of the rest of the program. `app` fills this in; tests put in what they like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from landscape_gui.composition import is_composition
from landscape_gui.data_choice import DataChoice, Preview
from landscape_gui.probes.base import Probe, Progress
from landscape_gui.results import Result

if TYPE_CHECKING:
    from landscape_gui.reproduction.reopening import Reopened

ANSWER_FILES = (".h5", ".hdf5")


class Opener(Protocol):
    """A problem from a path; raises LandscapeError (TrustNeeded before any code of the user's runs)."""

    def __call__(self, path: str, *, trusted: Callable[[str], bool], code: str | None = None) -> Any: ...


class Answerer(Protocol):
    """A probe's answer; `cancelled` is looked at between pieces. A cancelled question answers with what there is, or None."""

    def __call__(
        self, probe: Probe, problem: Any, *, on_progress: Callable[[Progress], None], cancelled: Callable[[], bool]
    ) -> Result | None: ...


@dataclass(frozen=True)
class Entry:
    """One answer of the store, as the library lists it."""

    key: str
    probe: str
    title: str
    created: str = ""
    detail: str = ""


def no_probes() -> Mapping[str, type[Probe]]:
    return {}


def no_entries(fingerprint: str) -> Sequence[Entry]:
    return ()


class Reader(Protocol):
    """The answer in a file; raises LandscapeError."""

    def __call__(self, path: str, projection: str = "") -> Result: ...


def named_as_answer(path: str) -> bool:
    return path.lower().endswith(ANSWER_FILES)


def no_figure(path: str) -> bool:
    return False


def nothing(key: str) -> Result | None:
    return None


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the session is made with. All but `probes` run in a worker's thread.

    stored: what the store holds for a fingerprint; fetch: one answer of it; read: an answer's file, a run's path in its plane from
    another file laid onto it where one is named; is_answer: whether a file is one, by its content; is_figure: whether a file is an
    exported figure, and reopen: what it shows, as far as that is found; measure: a cell on all data, an
    answer with `quantities`; save: a cell's weights as a checkpoint; way: the models on a path of a connection
    (`probes.waypoint.Waypoints`); warm_up: imports what is slow to import; preview: a checkpoint opened with chosen data, and what
    is seen of them; known_data: how data at a path were read last; data_beside: those of a checkpoint beside this one; keep_data:
    remember a choice for a checkpoint (None: only drop what previews kept in memory); choose: open a path with this option
    ("architecture" or "code") and value from now on ("": forget it); sized: the default surface of a problem at the size that it is
    asked at; growth_of: what lets an answer about a run grow with it (None: no such answer), and grow: one step of that, for a
    problem whose run has gone on: the question and its answer, or None where it was stopped.
    """

    opener: Opener
    answerer: Answerer
    probes: Callable[[], Mapping[str, type[Probe]]] = no_probes
    stored: Callable[[str], Sequence[Entry]] = no_entries
    fetch: Callable[[str], Result | None] = nothing
    read: Reader | None = None
    is_answer: Callable[[str], bool] = named_as_answer
    reopen: Callable[[str], Reopened] | None = None
    is_figure: Callable[[str], bool] = no_figure
    measure: Callable[[Probe, Any, float, float], Any] | None = None
    way: Callable[[Probe, Any, str], Any] | None = None
    save: Callable[[Probe, Any, float, float, str], None] | None = None
    warm_up: Callable[[], None] | None = None
    preview: Callable[[str, DataChoice, frozenset[str]], Preview] | None = None
    known_data: Callable[[str], DataChoice | None] | None = None
    data_beside: Callable[[str], DataChoice | None] | None = None
    keep_data: Callable[[str, DataChoice | None], None] | None = None
    choose: Callable[[str, str, str], None] | None = None
    sized: Callable[[Any, Any], Any] | None = None
    growth_of: Callable[[Probe | None, Result | None], Any] | None = None
    grow: Callable[[Any, Any, Callable[[], bool]], tuple[Probe, Result] | None] | None = None

    def load(self, path: str, trusted: frozenset[str]) -> tuple[Any, Mapping[str, float], tuple[str, ...]]:
        """What is at a path, in a worker's thread: a problem with its loss at the checkpoint and its warnings, or an answer."""
        if is_composition(path):
            from landscape_gui.ui.composed import load

            return load(path, self.fetch), {}, ()
        if self.reopen is not None and self.is_figure(path):
            return self.reopen(path), {}, ()
        if self.read is not None and self.is_answer(path):
            return self.read(path), {}, ()
        problem = self.opener(path, trusted=trusted.__contains__)
        return problem, dict(problem.at_checkpoint()), tuple(problem.warnings())
