"""What a list of answers shows: what people asked, told apart in a few words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_problem import TinyProblem

from landscape_gui import app
from landscape_gui.jobs import answer
from landscape_gui.probes import PROBES
from landscape_gui.probes.spectrum import Spectrum
from landscape_gui.question_words import asked_words
from landscape_gui.store import Store
from landscape_gui.ui.questions import make


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"operator": "hessian", "method": "power", "largest": 1, "split": "train"}, "power iteration, train"),
        ({"operator": "ntk", "method": "lanczos", "largest": 10, "split": "train"}, "NTK, 10 largest, train"),
        ({"operator": "hessian", "radius": 0.05, "steps": 20, "directions": 10, "seed": 3, "split": ""}, "radius 0.05, seed 3"),
        (
            {"operator": "gauss-newton", "probes": 2, "steps": 30, "checkpoints": 5, "precision": "float64", "split": "test"},
            "30 steps, Gauss-Newton, 5 checkpoints, test, float64",
        ),
        ({"steps": [51, 51], "directions": "filter", "seed": 0, "precision": "float32"}, "51 × 51, filter, seed 0"),
        (
            {"path": ["line", "bezier"], "points": 25, "beyond": 0.5, "steps": 200},
            "25 points, 0.5 beyond the ends, 200 training steps",
        ),
        ({"path": ["line"], "points": 25, "beyond": 0.0, "steps": 0, "split": "test"}, "25 points, test"),
        (
            {"steps": [5, 5], "at": [0.5, -0.25], "optimizer": ["sgd", "sam"], "before": [{}], "updates": 90, "batch": 64},
            "5 × 5, sgd, sam from (0.5, -0.25), 1 before, 90 updates, batch 64",
        ),
        ({"steps": [5, 5], "lr": 0.1, "batch": 32}, "5 × 5, lr 0.1, batch 32"),
    ],
)
def test_a_question_is_told_from_others_in_a_few_words(question: dict[str, Any], words: str) -> None:
    assert asked_words({"split": "all", **question}).replace(", ,", ",") == words


def test_what_another_question_asked_is_listed_only_once_a_person_asks_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDSCAPE_GUI_CACHE", str(tmp_path))
    store, problem = Store(), TinyProblem()
    ask: Any = answer

    def listed() -> list[str]:
        return sorted(e.probe for e in app.stored(problem.fingerprint))

    ask(Spectrum(top=2, smallest=1, probes=1, steps=5, budget=4), problem, store=store)
    parts = [e for e in store.find(problem.fingerprint) if e.probe == "eigenvalues"]
    assert parts and all(e.part for e in parts) and listed() == ["spectrum"]
    kept = store.get(parts[0].key)
    assert kept is not None
    probe = make(PROBES["eigenvalues"], kept.provenance.question)
    again = ask(probe, problem, store=store)
    assert listed() == ["eigenvalues", "spectrum"] and again.products == kept.products  # type: ignore[attr-defined]
    ask(Spectrum(top=2, smallest=1, probes=2, steps=5, budget=4), problem, store=store)
    assert listed().count("eigenvalues") == 1  # asked for by others once more, it stays in the list
