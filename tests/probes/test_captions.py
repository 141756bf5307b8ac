"""Captions: correct sentences that say everything, once, with numbers that agree with the answer."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from landscape_gui.figure import Look
from landscape_gui.jobs import answer
from landscape_gui.probes import Eigenvalues, Line, Sharpness, Spectrum, Surface, kind_of
from landscape_gui.probes.base import Probe
from landscape_gui.probes.captions import data_sentence, machine_sentence, network_sentence, paragraph, series
from landscape_gui.probes.path_captions import sentence
from landscape_gui.problem import open_problem
from landscape_gui.problem.problem import Problem
from landscape_gui.results import Provenance, SurfaceResult, freeze

QUESTIONS: dict[str, Probe] = {
    "surface": Surface(steps=(5, 5), limit=60),
    "raw, with biases": Surface(steps=(3, 3), limit=60, directions="layer", include_biases=True),
    "draws": Surface(steps=(3, 3), limit=60, draws=3),
    "adaptive": Surface(steps=(33, 33), limit=60, adaptive=True, tolerance=0.1),
    "eigenvectors": Surface(steps=(3, 3), limit=60, directions="eigenvectors"),
    "line": Line(steps=5, limit=60),
    "spectrum": Spectrum(limit=60, top=3, probes=2, steps=10, budget=12, layers="never"),
    "eigenvalues": Eigenvalues(limit=60, largest=2, smallest=1),
    "sharpness": Sharpness(limit=60, points=1, scaled_points=1, groups=0, bound=False, steps=3),
}


@pytest.fixture(scope="module")
def problem() -> Problem:
    return open_problem("samples:digits-mlp")


@pytest.fixture(scope="module")
def captions(problem: Problem) -> dict[str, str]:
    found = {}
    for name, probe in QUESTIONS.items():
        result = answer(probe, problem)
        found[name] = kind_of(result)().figure(result, Look()).caption
    return found


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_caption_is_sentences(captions: dict[str, str], name: str) -> None:
    caption = captions[name]
    assert caption.endswith(".") and not re.search(r"\s\s|\.\.|\s[.,;]|,,|;;|\bNone\b|\bnan\b|[{}]|: \.", caption), caption
    sentences = re.split(r"(?<=[^\d]\.)\s+(?=\S)|(?<=\d\.)\s+(?=[A-ZθÅ])", caption)
    assert len(sentences) > 5 and all(s[0].isupper() or s[0] == "θ" for s in sentences), sentences
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_caption_says_data_network_seed_and_machine(captions: dict[str, str], name: str) -> None:
    for piece in (
        "mean cross-entropy over 60 of the 1,437 training",
        "drawn with seed 0",
        "MLP 64-64-32-10, tanh (6,570 parameters) after epoch 40",
        "digits-mlp/epoch-040.safetensors, digest 90cdc3c6969708a8",
        "float32 with sums in float64, on the CPU with one thread, by PyTorch ",
    ):
        assert piece in captions[name]


@pytest.mark.parametrize(
    ("name", "pieces"),
    {
        "surface": (
            "Training loss (nat) on the plane θ + x d₁ + y d₂", "linear scale from", "filter-normalised",
            "do not move", "All 5 × 5 grid points", "none is interpolated", "(one standard error)",
        ),
        "raw, with biases": ("scaled layer by layer", "normalisation layers move too"),
        "draws": ("seeds 0 to 2", "first of 3 draws", "for each of the 3 draws"),
        "adaptive": ("Of the 33 × 33 grid points", "the largest error of the interpolation is"),
        "eigenvectors": ("eigenvectors of the Hessian (numbers 1 and 2 from the top)", "not rescaled", "directions have norm 1"),
        "line": ("along the line θ + x d", "and 60 of the 360 test examples", "±1.96 standard errors"),
        "spectrum": ("stochastic Lanczos quadrature from 2 probes", "integrates to 1", "weight decay is not in it"),
        "eigenvalues": ("Lanczos iteration", "products with the matrix"),
        "sharpness": ("lower bound", "radius 0.05 in the 2-norm", "at most 3 steps", "10 random directions"),
    }.items(),
)  # fmt: skip
def test_each_caption_says_what_is_its_own(captions: dict[str, str], name: str, pieces: tuple[str, ...]) -> None:
    for piece in pieces:
        assert piece in captions[name], captions[name]


def test_the_numbers_are_the_answers(problem: Problem) -> None:
    result = answer(QUESTIONS["surface"], problem)
    assert isinstance(result, SurfaceResult)
    loss = result.quantities["train_loss"]
    low = float(np.nanmin(loss.values))
    caption = Surface().figure(result, Look(scale="log", view="2d")).caption
    assert f"Colours are on a logarithmic scale from {low:.4g} to {float(np.nanmax(loss.values)):.4g}." in caption
    cut = Surface().figure(result, Look(limits=(0.1, 0.5))).caption
    assert "linear scale from 0.1 to 0.5; values outside 0.1 to 0.5 are cut off." in cut
    holed = np.where(np.arange(25).reshape(5, 5) == 3, np.nan, loss.values)
    changed = dataclasses.replace(result, quantities={"train_loss": dataclasses.replace(loss, values=freeze(holed))})
    assert "1 of 25 cells is not finite (NaN)." in Surface().figure(changed, Look()).caption


PROBLEM = {"loss": "mse", "model": "M", "data": {"name": "Digits", "examples": {"train": 10, "test": 4}}}


def test_data_in_words() -> None:
    where = Provenance(problem=PROBLEM, question={"seed": 5})
    assert data_sentence(where, {"train": 10}) == (
        "The loss is the mean squared error (averaged over outputs) over all 10 training examples of Digits"
    )
    some = data_sentence(where, {"train": 3, "test": 4})
    assert "3 of the 10 training and all 4 test examples of Digits (random subsets, drawn with seed 5)" in some
    assert data_sentence(Provenance(), {"train": 0}) == ""


def test_network_and_machine_in_words() -> None:
    told = {"model": "M", "parameters": 1234, "checkpoint": {"path": "/a/b/c.pt", "digest": "d" * 32, "epoch": 3.0}}
    words = "θ are the weights of the network M (1,234 parameters) after epoch 3 (checkpoint b/c.pt, digest dddddddddddddddd)"
    assert network_sentence(Provenance(problem=told), "θ are the weights") == words
    gpu = Provenance(environment={"device": "cuda:0", "threads": 4, "torch": "2.1.0+cu121", "landscape_gui": "1"})
    assert machine_sentence(gpu, "float64") == "Computed in float64, on the GPU (cuda:0), by PyTorch 2.1.0 and landscape_gui 1"
    assert machine_sentence(Provenance(), "") == ""


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        (
            "Straight line",
            "1 nat above the line; length 2",
            "The barrier on the straight line is 1 nat above the line; its length is 2",
        ),
        (
            "Bezier curve",
            "loss at most 1, at t = 0.5; in the plane",
            "On the Bezier curve, the loss is at most 1, at t = 0.5; it lies in the plane",
        ),
        (
            "Marked",
            "orange disc at (0, 0): a; pink disc at (1, 0): b",
            "Marked are a (orange disc at (0, 0)) and b (pink disc at (1, 0))",
        ),
        ("Order", "as named, while pairs are missing", "Models stand as named, while pairs are missing"),
        ("Points", "7 a path", "7 points are measured on each path"),
        ("BatchNorm", "statistics frozen at the first model", "BatchNorm statistics are frozen at the first model"),
        ("How the chain was found", "30 Adam steps", "The chain was found by 30 Adam steps"),
        ("Curve", "in the plane", "The curve lies in the plane"),
    ],
)
def test_facts_of_paths_as_sentences(name: str, words: str, said: str) -> None:
    assert sentence(name, words) == said


def test_paragraph_and_series() -> None:
    assert paragraph(["one thing.", "", "θ is", "two"]) == "One thing. θ is. Two."
    assert (series(["a"]), series(["a", "b"]), series(["a", "b", "c"]), series([])) == ("a", "a and b", "a, b and c", "")
