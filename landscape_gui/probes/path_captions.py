"""Captions of paths between models: one paragraph that a paper can print. NumPy only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from landscape_gui.probes.captions import (
    Fact,
    closing,
    data_sentence,
    known_of,
    paragraph,
    series,
    split_of,
    unknown_sentences,
)
from landscape_gui.probes.unknowns import SOURCE, UNSAID, spoken
from landscape_gui.results import ConnectedResult, Quantity

ELSEWHERE = (
    "Shown", "From", "Computed on", "Computed at", "Checked against the plain pass", "Digest", "Checkpoint", "Precision", "Data",
    SOURCE, UNSAID,
)  # fmt: skip
"""Facts that the caption says in the sentences that all captions share, or that its first sentence holds already."""
SENTENCES: Mapping[str, str] = {
    "Distance of the ends": "The distance of the ends is {}",
    "Barrier marked": "Barriers are marked {}",
    "Standard errors": "Standard errors {}",
    "Points": "Points measured: {}",
    "Models": "The models are {}",
    "Own values": "Their own values are {}",
    "Runs": "The runs are {}",
    "Path": "The path between two models is a {}",
    "Order": "Models stand in the order of {}",
    "Tree": "The tree joins {}",
    "Places in the tree": "Places in the tree show {}",
    "Computed": "Computed are {}",
    "Largest": "The largest is {}",
    "Bands": "Bands are {}",
    "Seed": "The seed is {}",
    "Axes": "The axes are {}",
    "BatchNorm": "BatchNorm statistics are {}",
    "BatchNorm on the paths": "BatchNorm statistics on the paths are {}",
    "Model": "The model lies {}",
    "Remarks": "{}",
    "Distance": "The distance of the models is {}",
    "Epochs": "Measured are epochs {}",
    "Steps": "Measured are steps {}",
    "Dashed": "The dashed line is at {}",
}
FLIPS = re.compile(r"of ([\d,]+), (.+)")
OFF = {
    "; in the plane": "; it lies in the plane",
    "; up to": "; it is up to",
    "; distance off the plane unknown": "; its distance off the plane is unknown",
}


def path_caption(what: str, result: ConnectedResult, every: Sequence[Fact], shown: Quantity | None = None) -> str:
    """What is shown; every fact as a sentence; data, network and machine. shown: whose examples are counted."""
    where = result.provenance
    split = split_of(shown.name) if shown is not None else result.split
    data = data_sentence(where, {split: shown.examples if shown is not None else 0}, result.subset)
    known = known_of(every)
    subjects = {"Models": "The first model holds the weights", "Runs": "The first run's last checkpoint holds the weights"}
    network = next((words for name, words in subjects.items() if name in known), "The weights at t = 0 are those")
    model = shown is None  # the fact of this name is then the place of a model on its path
    own = [sentence(name, words) for name, words in spoken(every) if name not in ELSEWHERE and (model or name != "Model")]
    return paragraph([what, *own, data, *closing(where, "", result.precision, subject=network), *unknown_sentences(every)])


def path_sentences(every: Sequence[Fact]) -> str:
    """The facts of paths as sentences, behind a caption that says the rest."""
    return paragraph([sentence(name, words) for name, words in spoken(every) if name not in (*ELSEWHERE, "Model")])


def sentence(name: str, words: str) -> str:
    """A fact as a sentence; of a path, whose label is its name, by what is said of it."""
    if name.startswith("How the ") and name.endswith(" was found"):
        path = name.removeprefix("How the ").removesuffix(" was found")
        if words.startswith("trained"):
            return f"The {path} was {words}"
        return f"The {path} was found by {words}" if words[:1].isdigit() else f"For the {path}, {words}"
    if name == "Barrier":
        measured = "measured " if words.startswith("above") else ""
        return f"The barrier is {measured}{words.replace('; ±', ', with').replace('; ', ': ', 1)}"
    if name == "Predictions that flip" and (found := FLIPS.fullmatch(words)):
        return f"Of {found[1]} predictions, {found[2].replace(' from ', ' differ from those of ')}"
    if name.endswith((" loss", " accuracy")):
        return f"The {name[:1].lower()}{name[1:]} is {words}"
    if name == "Standard errors":
        return SENTENCES[name].format(words.replace(": ", " are "))
    if name == "Barrier marked":
        return SENTENCES[name].format(words.replace("; ", ": ", 1))
    if name.startswith("BatchNorm"):
        return SENTENCES[name].format(words.removeprefix("statistics "))
    if name == "Order" and words.startswith("as "):
        return f"Models stand {words}"
    if name == "Points" and words.endswith(" a path"):
        return f"{words.removesuffix(' a path')} points are measured on each path"
    if name == "Path" and words.startswith("the "):
        return f"The path between two models is {words}"
    if name in SENTENCES:
        return SENTENCES[name].format(words)
    if name == "Marked":
        discs = [part.partition(": ")[::2] for part in words.split("; ")]
        return f"Marked are {series([f'{name} ({disc})' for disc, name in discs])}"
    path = name if name.startswith("Bezier") else name[:1].lower() + name[1:]
    if " above the " in words:
        return barrier_sentence(path, words.split("; "))
    if words == "in the plane":
        return f"The {path} lies in the plane"
    for end, said in OFF.items():
        words = words.replace(end, said)
    for bound in (" at most ", " at least "):
        if bound in words:
            return f"On the {path}, the {words.replace(bound, f' is{bound}', 1)}"
    return f"{name}: {words}"


def barrier_sentence(path: str, parts: Sequence[str]) -> str:
    """ "The barrier on the straight line is 1.77 ± 0.03 nat above ... and ...; its length is 20.6"."""
    barriers = [part for part in parts if " above the " in part]
    rest = [part for part in parts if part not in barriers]
    for name in ("connectivity score", "length"):
        rest = [part.replace(f"{name} ", f"its {name} is ", 1) if part.startswith(name) else part for part in rest]
    return "; ".join(filter(None, (f"The barrier on the {path} is {series(barriers)}", series(rest))))
