"""What a search for eigenpairs came to is used again: by a wider question, and after a kill; what is too long is still exact."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tiny_problem import TinyProblem

from landscape_gui import jobs
from landscape_gui.commands import compute
from landscape_gui.curvature_results import EigenvaluesResult, SearchResult, SpectrumResult
from landscape_gui.errors import QuestionError
from landscape_gui.jobs import answer
from landscape_gui.probes import Surface, curvature
from landscape_gui.probes.eigenvalues import Eigenvalues
from landscape_gui.probes.quadrature import orthonormal
from landscape_gui.probes.spectrum import Spectrum
from landscape_gui.store import Store

SMALL = Eigenvalues(largest=3, smallest=0, precision="float64")
DENSITY = Spectrum(top=3, smallest=1, probes=2, steps=6, budget=0, layers="never", precision="float64")
NUMBERS = (
    "eigenvalues", "residuals", "converged", "vectors", "gradient_shares", "products", "negative", "nodes", "weights", "history",
    "history_residuals",
)  # fmt: skip


@pytest.fixture(scope="module")
def problem() -> TinyProblem:
    return TinyProblem()


@pytest.fixture
def operators(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every operator that is made, to count its products."""
    made: list[Any] = []
    make = curvature.operator_of

    def recorded(name: str, objective: Any) -> Any:
        made.append(make(name, objective))
        return made[-1]

    monkeypatch.setattr(curvature, "operator_of", recorded)
    return made


def ask(probe: Any, problem: Any, store: Store | None = None) -> Any:
    return answer(probe, problem, store=store)


def spent(operators: list[Any]) -> int:
    total = sum(operator.products for operator in operators)
    operators.clear()
    return total


def searches(store: Store) -> list[SearchResult]:
    found = [store.get(entry.key) for entry in store.entries() if entry.probe == "search"]
    assert all(isinstance(result, SearchResult) for result in found)
    return found  # type: ignore[return-value]


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_more_eigenpairs_go_on_from_the_search_for_fewer_to_the_bit(
    problem: TinyProblem, tmp_path: Path, operators: list[Any], precision: str
) -> None:
    narrow = dataclasses.replace(SMALL, precision=precision)
    wide = dataclasses.replace(narrow, largest=8, smallest=3, tolerance=1e-4)
    fresh: EigenvaluesResult = ask(wide, problem)
    alone, store = spent(operators), Store(tmp_path)
    ask(narrow, problem, store)
    first = spent(operators)
    kept = searches(store)
    assert len(kept) == 1 and len(kept[0].matrix) > first - 8  # all but the search for copies
    widened: EigenvaluesResult = ask(wide, problem, store)
    assert spent(operators) == alone - len(kept[0].matrix)
    for name in NUMBERS:
        np.testing.assert_array_equal(getattr(widened, name), getattr(fresh, name))
    assert len(widened.history) == widened.products
    # One kept search serves the narrower question, too, for a few products, and gives what that finds by itself.
    again: EigenvaluesResult = ask(dataclasses.replace(narrow, largest=5), problem, store)
    assert spent(operators) <= 7
    itself = ask(dataclasses.replace(narrow, largest=5), problem)
    for name in NUMBERS:
        np.testing.assert_array_equal(getattr(again, name), getattr(itself, name))


def test_a_search_that_is_cancelled_goes_on_where_it_was(problem: TinyProblem, tmp_path: Path, operators: list[Any]) -> None:
    wide = dataclasses.replace(SMALL, largest=6, smallest=2)
    fresh, store = ask(wide, problem), Store(tmp_path)
    alone = spent(operators)
    steps = jobs.answering(wide, problem, store)  # type: ignore[arg-type]
    while next(steps).done < 20:
        pass
    steps.close()
    before = spent(operators)
    assert before == 20
    resumed = ask(wide, problem, store)
    assert spent(operators) == alone - before
    for name in NUMBERS:
        np.testing.assert_array_equal(getattr(resumed, name), getattr(fresh, name))


WORKER = textwrap.dedent("""
    import sys
    sys.path.insert(0, sys.argv[2])
    import torch
    torch.set_num_threads(1)
    from tiny_problem import TinyProblem
    from landscape_gui import jobs
    from landscape_gui.probes import search_kept
    from landscape_gui.probes.eigenvalues import Eigenvalues
    from landscape_gui.store import Store
    search_kept.KEEP_EVERY = search_kept.SHARE_OF_TIME = 0.0    # after every product
    asked = Eigenvalues(largest=6, smallest=2, precision="float64")
    for progress in jobs.answering(asked, TinyProblem(), Store(sys.argv[1])):
        print(progress.done, flush=True)
        sys.stdin.readline()
""")


def test_killed_amid_its_search_it_loses_one_product(problem: TinyProblem, tmp_path: Path, operators: list[Any]) -> None:
    wide = dataclasses.replace(SMALL, largest=6, smallest=2)
    fresh, store = ask(wide, problem), Store(tmp_path)
    alone = spent(operators)
    victim = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(tmp_path), str(Path(__file__).parent.parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert victim.stdin is not None and victim.stdout is not None
    try:
        while float(victim.stdout.readline()) < 23:
            victim.stdin.write("\n")
            victim.stdin.flush()
        os.kill(victim.pid, signal.SIGKILL)
    finally:
        victim.kill()
        victim.communicate()
    assert set(store.verify().values()) == {"ok"}
    assert [len(found.matrix) for found in searches(store)] == [23]
    resumed = ask(wide, problem, store)
    assert spent(operators) == alone - 23
    for name in NUMBERS:
        np.testing.assert_array_equal(getattr(resumed, name), getattr(fresh, name))


def test_eigenvectors_too_long_to_be_kept_stand_as_exact_lines_all_the_same(
    problem: TinyProblem, tmp_path: Path, operators: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual: SpectrumResult = ask(DENSITY, problem)
    spent(operators)
    size = problem.layout.parameters
    monkeypatch.setattr(curvature, "EIGENVECTOR_BYTES", 2 * 4 * size)
    monkeypatch.setattr(curvature, "SEARCH_BYTES", 0)
    store = Store(tmp_path)
    found: SpectrumResult = ask(DENSITY, problem, store)
    first = spent(operators)
    assert first == found.products  # eigenvectors once for all probes
    assert found.deflated == usual.deflated == 4 and not len(found.vectors) and not searches(store)
    # Without the three largest and the smallest one there is nothing beyond them for the probes to see.
    assert usual.lowest[-1] < usual.nodes.min() and usual.nodes.max() < usual.eigenvalues[2]
    # Eigenvectors kept with an answer are float32; these stayed in float64, hence another rounding.
    np.testing.assert_allclose(found.nodes, usual.nodes, atol=1e-5)
    # One more probe later needs them again: they are computed again, and the two probes there are stay.
    more: SpectrumResult = ask(dataclasses.replace(DENSITY, probes=3), problem, store)
    assert more.deflated == 4 and len(more.nodes) == 3
    np.testing.assert_array_equal(more.nodes[:2], found.nodes)
    pairs = ask(dataclasses.replace(DENSITY.lines, seed=0), problem, store)  # type: ignore[type-var]
    assert not len(pairs.vectors)
    assert spent(operators) == DENSITY.steps + pairs.products
    # A needle that is clicked: the first two fit, the third is a sentence.
    surface = ask(Surface(directions="eigenvectors", which=(1, 2), steps=(3, 3)), problem, store)
    assert np.isfinite(surface.quantities["train_loss"].values).all()
    with pytest.raises(QuestionError, match="Choose eigenvectors nearer to an end"):
        ask(Surface(directions="eigenvectors", which=(1, 3), steps=(3, 3)), problem, store)


def test_the_memory_that_is_stated_beforehand_is_that_of_the_vectors(problem: TinyProblem) -> None:
    size = 4 * problem.layout.parameters
    few = Eigenvalues(largest=2, smallest=1, most=40)
    assert few.cost(problem).memory == (40 + 2 * 3 + 2) * size
    assert dataclasses.replace(few, precision="float64").memory(problem) == 2 * few.memory(problem)
    layer = problem.layout.layers()[0]
    part = dataclasses.replace(few, layer=layer[0]).memory(problem)
    assert part == 48 * 4 * sum(s.stop - s.start for s in layer[1])
    assert DENSITY.memory(problem) >= DENSITY.lines.memory(problem)


def test_a_large_network_is_told_its_memory_before_it_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    large = SimpleNamespace(
        layout=SimpleNamespace(layers=lambda: (), parameters=10_000_000), classes=10, splits={"train": 64}, has_batchnorm=False
    )
    asked = Eigenvalues()
    compute.state_memory(asked, large, quiet=False)  # type: ignore[arg-type]
    # 2 GB of basis vectors, twelve eigenvectors twice and two more of 40 MB each.
    assert "up to 3.2 GB of memory" in capsys.readouterr().err
    compute.state_memory(asked, large, quiet=True)  # type: ignore[arg-type]
    compute.state_memory(asked, TinyProblem(), quiet=False)  # type: ignore[arg-type]
    assert not capsys.readouterr().err


def test_rows_are_made_orthonormal() -> None:
    rows = torch.randn(5, 400, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = orthonormal(rows)
    assert torch.allclose(found @ found.T, torch.eye(5, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(rows @ found.T @ found, rows, atol=1e-10)  # of the same span
