"""Damage at random in files of every form, as `benchmarks/fuzz.py` does it a hundred thousand times; here some hundreds."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest
from fuzz import Fuzzer
from fuzz_changes import change_pickle, damaged, instructions
from fuzz_seeds import Seed, lay, make

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory and events are watched on Linux")
RUNS = 12
"""Damaged files of each form."""


@pytest.fixture(scope="module")
def seeds() -> list[Seed]:
    return make()


def test_honest_files_of_forty_forms_and_more(guard, tmp_path: Path, seeds: list[Seed]) -> None:
    """What is damaged opens while it is whole, but for what no one can read."""
    assert len(seeds) >= 40 and len({seed.name for seed in seeds}) == len(seeds)
    answers = {seed.name: guard.read(lay(seed, seed.data, tmp_path / seed.name), seed.reader) for seed in seeds}
    refused = {name for name, answer in answers.items() if answer.outcome != "opened"}
    assert refused <= {"sparse", "quantised", "optimiser alone"}, {name: answers[name].words for name in refused}


def test_damage_is_answered_in_words(watched, tmp_path: Path, seeds: list[Seed]) -> None:
    fuzzer = Fuzzer(tmp_path, seed=5, seeds=seeds, watched=watched)
    report = fuzzer.run(range(RUNS * len(seeds)))
    assert not report.wrong, report.wrong[:3]
    assert report.outcomes["refused"] > report.runs // 2
    assert report.outcomes["opened"] > report.runs // 50
    assert not [path for path in tmp_path.rglob("*") if "it ran" in path.name]


def test_a_run_is_the_same_file_each_time(tmp_path: Path, watched, seeds: list[Seed]) -> None:
    first, second = (Fuzzer(tmp_path, seed=3, seeds=seeds, watched=watched) for _ in range(2))
    files = [first.file(run)[1] for run in range(300)]
    assert files == [second.file(run)[1] for run in range(300)]
    assert len(set(files)) > 250


def test_damage_knows_the_forms(seeds: list[Seed]) -> None:
    """Damage reaches what parses a pickle or JSON, and not the door alone."""
    raw = next(seed.data for seed in seeds if seed.name == "pickled training")
    rng = random.Random(0)
    steps, rest = instructions(raw)
    assert b"".join(steps) + rest == raw and len(steps) > 100
    assert len({change_pickle(raw, rng) for _ in range(50)}) > 45
    index = next(seed.data for seed in seeds if seed.name == "index")
    texts = [damaged(index, b"", random.Random(i)) for i in range(60)]
    assert sum(is_json(text) for text in texts) > 20


def is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
