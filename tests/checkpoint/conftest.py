"""A process that reads hostile files under watch, shared by all tests of a worker."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "benchmarks"))

from watched import Answer, Watched


class Guard:
    """Reads files under watch; fails where anything but reading happened, it took long, or no sentence came back."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched

    def read(self, path: Path, reader: str = "checkpoint") -> Answer:
        answer = self.watched.read(path, reader)
        assert answer.fine, (path.name, answer)
        return answer

    def refuse(self, path: Path, reader: str = "checkpoint") -> str:
        """The sentence with which the file is refused."""
        answer = self.read(path, reader)
        assert answer.outcome == "refused", (path.name, answer)
        assert path.name in answer.words
        return answer.words

    def opens(self, path: Path, reader: str = "checkpoint") -> None:
        answer = self.read(path, reader)
        assert answer.outcome == "opened", (path.name, answer)


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    if not sys.platform.startswith("linux"):
        pytest.skip("memory and events are watched on Linux")
    # What would turn torch's own safety off is set, and makes no difference.
    switches = {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1", "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "", "HF_HUB_OFFLINE": "0"}
    process = Watched(tmp_path_factory.mktemp("watched"), environment=switches)
    yield process
    process.close()


@pytest.fixture
def guard(watched: Watched) -> Guard:
    return Guard(watched)
