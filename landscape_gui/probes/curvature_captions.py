"""Captions of pictures of curvature: one paragraph that a paper can print. NumPy only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from landscape_gui.probes.captions import Fact, closing, data_sentence, known_of, paragraph, unknown_sentences
from landscape_gui.results import CurvatureResult

METHODS: Mapping[str, str] = {
    "Density": "It is estimated by stochastic Lanczos quadrature from {}, and integrates to 1",
    "Kernel width": "The density is smoothed by a Gaussian kernel with a standard deviation of {}",
    "Lines": "Lines mark {}",
    "Band": "The band is {}",
    "Bands": "Bands show {}",
    "Run": "The run has {}",
    "Stability limit": "The stability limit is {}",
    "Subsets": "The subsets are {}",
    "Computed": "Computed are {}",
    "Reading aid": "",
}
"""How a fact is said in a sentence; "": not in a caption."""
NUMBERS = ("lambda_max", "trace", "negative_mass", "worst_case")
"""The numbers that a caption states."""


def curvature_caption(what: str, result: CurvatureResult, every: Sequence[Fact], further: Sequence[str] = ()) -> str:
    """What is shown, how it was estimated, its main numbers, data, seed, network and machine. further: sentences of its own."""
    known = known_of(every)
    where = result.provenance
    split = result.split or str(where.question.get("split", ""))
    data = data_sentence(where, {split: result.examples}, result.subset)
    subject = "The last checkpoint holds the weights" if "Run" in known else "The weights are those"
    return paragraph(
        [
            what,
            f"It is restricted to the layers {result.layer} ({result.size:,} dimensions)" if result.layer else "",
            *(METHODS[name].format(known[name]) for name in METHODS if name in known),
            *number_sentences(result),
            *further,
            f"{data}; weight decay is not in it" if data and "Weight decay" in known else data,
            cost_sentence(result),
            *closing(where, result.batchnorm, result.precision, subject=subject),
            known.get("Note", ""),
            *unknown_sentences(every),
        ]
    )


def number_sentences(result: CurvatureResult) -> list[str]:
    """ "The largest eigenvalue is 1.568 ± 1.5e−6 (bound)"."""
    from landscape_gui.probes.curvature import number_words

    found = [result.numbers[name] for name in NUMBERS if name in result.numbers]
    return [f"The {label(number.label)} is {number_words(number)}" for number in found if math.isfinite(number.value)]


def label(text: str) -> str:
    """A number's label inside a sentence, where its first word is no name."""
    plain = text if text[:2].isupper() else text[:1].lower() + text[1:]
    return f"{plain}," if "," in plain else plain


def cost_sentence(result: CurvatureResult) -> str:
    seed = result.provenance.question.get("seed")
    drawn = f", with random vectors from seed {seed}" if seed is not None else ""
    return f"This took {result.products:,} products with the matrix{drawn}" if result.products else ""
