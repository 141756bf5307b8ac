"""The questions of a composition's cells."""

from __future__ import annotations

from landscape_gui.errors import QuestionError
from landscape_gui.probes import PROBES, kind_of
from landscape_gui.probes.base import Probe
from landscape_gui.probes.read_back import make, question_of
from landscape_gui.results import Result


def probe_of(result: Result) -> Probe:
    """The question that an answer answers, from its provenance; with the probe's own defaults where that cannot be read back."""
    kind = kind_of(result)
    try:
        return make(kind, result.provenance.question)
    except (TypeError, ValueError, AttributeError, QuestionError):
        return kind()


__all__ = ["PROBES", "probe_of", "question_of"]
