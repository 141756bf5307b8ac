"""Damage honest files of every form many times over, and see that each is opened or refused in words, and nothing else happens.

    python benchmarks/fuzz.py [--runs 100000] [--seed 0] [--start 0] [--minutes 10] [--keep FOLDER] [--record]

Run `i` of a seed is always the same file. Files are read in a process that is watched (see watched.py): nothing may be imported,
compiled, executed, started, written or opened elsewhere; memory is limited to 2 GiB more than the process has; an answer is due
after 10 s of CPU time. What went wrong is listed with its number, and kept in the folder if one is named. Linux only.
"""

from __future__ import annotations

import argparse
import collections
import json
import math
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import fuzz_seeds
from fuzz_changes import damaged
from watched import PATIENCE, Answer, Watched

LATEST = Path(__file__).parent / "latest.json"
NAME = "fuzz"
RUNS = 100_000
APART = {"parse answer": "answer", "parse surface": "answer", "parse directions": "directions"}
"""HDF5's own library may end on broken bytes; what users call then tries them in a process of its own first."""
HDF5_PATIENCE = 8.0
"""Seconds until such a file is tried apart: some send the library round in a circle."""


@dataclass
class Report:
    """Counts of outcomes by form, what went wrong as (run, form, answer), and the slowest and hungriest file."""

    runs: int = 0
    seeds: int = 0
    outcomes: collections.Counter[str] = field(default_factory=collections.Counter)
    forms: dict[str, collections.Counter[str]] = field(default_factory=lambda: collections.defaultdict(collections.Counter))
    wrong: list[tuple[int, str, Answer]] = field(default_factory=list)
    apart: int = 0
    slowest: float = 0.0
    hungriest: int = 0

    def add(self, run: int, form: str, answer: Answer) -> None:
        self.runs += 1
        self.outcomes[answer.outcome] += 1
        self.forms[form][answer.outcome] += 1
        self.slowest, self.hungriest = max(self.slowest, answer.seconds), max(self.hungriest, answer.peak)
        if not answer.fine:
            self.wrong.append((run, form, answer))


class Fuzzer:
    """folder: where the damaged files are written, each over the last. The same seed and run give the same file."""

    def __init__(
        self, folder: Path, seed: int = 0, *, seeds: list[fuzz_seeds.Seed] | None = None, watched: Watched | None = None
    ) -> None:
        self.folder = folder / "files"
        self.watched = watched or Watched(folder)
        self.seed = seed
        self.seeds = seeds or fuzz_seeds.make()

    def file(self, run: int) -> tuple[fuzz_seeds.Seed, bytes]:
        """Which honest file is damaged in a run, and its damaged bytes."""
        rng = random.Random(f"{self.seed} {run}")
        seed = self.seeds[run % len(self.seeds)]
        return seed, damaged(seed.data, rng.choice(self.seeds).data, rng)

    def once(self, run: int) -> tuple[str, Answer, bool]:
        """Form, answer, and whether HDF5's library ended on it, which was then tried apart."""
        seed, data = self.file(run)
        place = self.folder / str(self.seeds.index(seed))
        path = fuzz_seeds.lay(seed, data, place)
        answer = self.watched.read(path, seed.reader, HDF5_PATIENCE if seed.reader in APART else PATIENCE)
        if answer.outcome in ("crashed", "hanging") and seed.reader in APART:
            return seed.name, self.watched.read(path, APART[seed.reader]), True
        return seed.name, answer, False

    def run(self, runs: range, *, keep: Path | None = None, quiet: bool = True, minutes: float = math.inf) -> Report:
        """All of these runs, or those that are done when so many minutes are over."""
        report = Report(seeds=len(self.seeds))
        start = time.perf_counter()
        for run in runs:
            form, answer, apart = self.once(run)
            report.add(run, form, answer)
            report.apart += apart
            if not answer.fine:
                self._tell(run, form, answer, keep, quiet)
            if not quiet and report.runs % 5000 == 0:
                print(f"{report.runs:,} runs, {time.perf_counter() - start:.0f} s, {dict(report.outcomes)}", flush=True)
            if time.perf_counter() - start > 60 * minutes:
                break
        return report

    def close(self) -> None:
        self.watched.close()

    def _tell(self, run: int, form: str, answer: Answer, keep: Path | None, quiet: bool) -> None:
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{run}").write_bytes(self.file(run)[1])
        if not quiet:
            print(f"run {run} ({form}): {answer}", flush=True)


def measure(
    runs: range, *, seed: int = 0, keep: Path | None = None, quiet: bool = False, minutes: float = math.inf
) -> dict[str, Any]:
    """The figures as they go into latest.json."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        fuzzer = Fuzzer(Path(folder), seed)
        try:
            report = fuzzer.run(runs, keep=keep, quiet=quiet, minutes=minutes)
        finally:
            fuzzer.close()
        ran = any(path.name == "it ran" for path in Path(folder).rglob("*"))
    kinds = collections.Counter("executed" if answer.events else answer.outcome for _, _, answer in report.wrong)
    return {
        "name": NAME,
        "value": len(report.wrong) + ran,
        "unit": "files not answered in words",
        "goal": 0,
        "runs": report.runs,
        "seeds": report.seeds,
        "opened": report.outcomes["opened"],
        "refused": report.outcomes["refused"],
        "executed": kinds["executed"] + ran,
        "crashed": report.outcomes["crashed"],
        "hanging": report.outcomes["hanging"],
        "unforeseen": report.outcomes["unforeseen"],
        "hdf5_ended_apart": report.apart,
        "slowest_cpu_seconds": round(report.slowest, 2),
        "most_memory_mb": round(report.hungriest / 1e6),
        "minutes": round((time.perf_counter() - start) / 60, 1),
    }


def report(result: dict[str, Any]) -> None:
    print(
        f"{result['name']:22s} {result['value']} of {result['runs']:,} damaged files not answered in words (goal 0); "
        f"{result['opened']:,} opened, {result['refused']:,} refused, slowest {result['slowest_cpu_seconds']} s",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Damage honest files and see that each is answered in words.")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--start", type=int, default=0, help="number of the first run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so many")
    parser.add_argument("--keep", type=Path, help="folder for files that were not answered in words")
    parser.add_argument("--record", action="store_true", help=f"put the figures into {LATEST.name}")
    options = parser.parse_args()
    runs = range(options.start, options.start + options.runs)
    result = measure(runs, seed=options.seed, keep=options.keep, minutes=options.minutes)
    report(result)
    if options.record:
        kept = [other for other in json.loads(LATEST.read_text()) if other["name"] != NAME]
        LATEST.write_text(json.dumps(sorted([*kept, result], key=lambda r: r["name"], reverse=True), indent=1) + "\n")
    return 0 if result["value"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
