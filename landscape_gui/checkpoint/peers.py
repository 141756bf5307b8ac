"""Archives of arrays that hold results of other programs, and no weights: told by their members' names. Standard library only."""

from __future__ import annotations

from collections.abc import Collection

_KINDS: tuple[tuple[str, frozenset[str], str], ...] = (
    ("plane", frozenset({"grid", "alphas", "betas"}), "a plane that dnn-mode-connectivity computed"),
    ("curve", frozenset({"ts", "dl"}), "a curve that dnn-mode-connectivity measured"),
    ("landscape", frozenset({"loss", "coordinates"}), "a landscape that Landscaper computed"),
)
"""Kind, the members that it has, and what it is in words."""
_MEASURED = ("tr_loss", "tr_nll", "tr_acc", "tr_err", "te_loss", "te_nll", "te_acc", "te_err")


def peer_arrays(names: Collection[str]) -> str:
    """ "plane", "curve" or "landscape" for an archive with members of these names (without ".npy"); "" for any other."""
    there = set(names)
    for kind, marks, _ in _KINDS:
        if marks <= there and (kind == "landscape" or there & set(_MEASURED)):
            return kind if kind != "landscape" or there == marks else ""
    return ""


def peer_words(names: Collection[str]) -> tuple[str, str] | None:
    """What such an archive is, completing "it is ...", and what to do; None for any other."""
    kind = peer_arrays(names)
    what = next((words for name, _, words in _KINDS if name == kind), "")
    return (f"{what}, not weights", "Drop it on the window, or use `landscape-gui export`.") if what else None
