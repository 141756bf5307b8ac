"""What the library says of an answer about connected models, beside the question's name."""

import numpy as np
import pytest

from landscape_gui.connection_results import BarriersResult, ConnectionResult
from landscape_gui.question_words import connected_words
from landscape_gui.results import Provenance, freeze


def connection(question, *names):
    return ConnectionResult(names=names, paths={}, provenance=Provenance(question=question))


def table(question, *names):
    square = freeze(np.zeros((len(names), len(names))))
    return BarriersResult(
        names=names,
        barriers=square,
        standard_errors=square,
        distances=square,
        losses=square[0],
        provenance=Provenance(question=question),
    )


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (connection({"towards": {"digest": "b"}, "path": ["line", "bezier"]}, "a", "b"), "with b: line, bezier"),
        (connection({"towards": {"digest": "b"}, "path": "chain"}, "a", "b", "control point"), "with b: chain"),
        (table({"others": [{"digest": "b"}], "path": "line"}, "a", "b", "c"), "a, b, c: line"),
        (connection({"path": ["line"]}), ""),
    ],
)
def test_an_answer_about_connected_models_says_with_which_and_along_which_paths(result, words):
    assert connected_words(result) == words
