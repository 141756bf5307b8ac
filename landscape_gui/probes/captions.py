"""Captions in sentences: what a figure of a loss landscape must say for a reader to judge it and to make it again. NumPy only.

θ stands for the weights of the checkpoint. What the facts hold in pairs, a caption says in English, once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from landscape_gui.probes.unknowns import SOURCE, UNSAID, spoken
from landscape_gui.results import AxesReport, Provenance, Quantity

Fact = tuple[str, str]
LOSSES = {
    "cross_entropy": "cross-entropy",
    "binary_cross_entropy": "binary cross-entropy",
    "mse": "squared error (averaged over outputs)",
}
SPLITS = {"train": "training", "val": "validation", "valid": "validation"}
BATCHNORM = {
    "frozen": "BatchNorm statistics are frozen at those of the checkpoint",
    "interpolated": "BatchNorm statistics move linearly with the weights",
    "recalculated": "BatchNorm statistics are recalculated from training data at each point",
}
RANDOM = {
    "filter": "and filter-normalised: EACH is scaled to the norm of the same filter of θ",
    "layer": "and scaled layer by layer to the norm of the same layer of θ",
    "raw": "without normalisation",
}
BIASES = {
    False: "biases and the parameters of normalisation layers do not move",
    True: "biases and the parameters of normalisation layers move too, scaled to their layer",
}
SUBSCRIPTS = ("₁", "₂")
NAMELESS = re.compile(r"direction( \d)?|alpha|t|[xyd]")
"""What files call axes of which they say nothing."""
COUNTS = {1: "one", 2: "two", 3: "three", 4: "four"}


def paragraph(parts: Sequence[str]) -> str:
    """Sentences with a capital and a full stop each."""
    said = [part.strip().rstrip(".") for part in parts if part and part.strip(" .")]
    return " ".join(capital(part) + ("" if part.endswith(("?", "!")) else ".") for part in said)


def capital(text: str) -> str:
    """With a capital, but for a symbol."""
    return text if text[:1] == "θ" else text[:1].upper() + text[1:]


def series(items: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def counted(count: int, noun: str) -> str:
    return f"{COUNTS.get(count, f'{count:,}')} {noun}" + ("" if count == 1 else "s")


# ---------------------------------------------------------------------------------------------------------------- what is shown


def shown_words(shown: Quantity) -> str:
    """ "Training loss (nat)"; accuracies are in per cent."""
    unit = "%" if shown.unit == "1" else shown.unit
    return f"{shown.label}{f' ({unit})' if unit else ''}"


def axes_sentences(axes: AxesReport, where: Provenance, seeds: str) -> list[str]:
    """What the directions are, their norms and angle, and where they lie in the network."""
    names = ["d" + SUBSCRIPTS[k] for k in range(len(axes.labels))] if len(axes.labels) == 2 else ["d"]
    return [direction_words(axes, where, names, seeds), norms_sentence(axes), layers_sentence(axes, names)]


def norms_sentence(axes: AxesReport) -> str:
    """ "The directions have norms 11.79 and 11.8, and the cosine between them is −0.008"."""
    finite = [number(float(v)) for v in axes.norms if np.isfinite(v)]
    if axes.kind in ("principal", "eigenvectors"):
        return "Both directions have norm 1 and are at right angles" if len(finite) == 2 else ""
    if len(finite) == len(axes.labels) == 2:
        cosine = float(axes.cosines[0, 1])
        angle = f", and the cosine between them is {angle_words(cosine)}" if np.isfinite(cosine) else ""
        same = finite[0] == finite[1]
        return (f"Both directions have norm {finite[0]}" if same else f"The directions have norms {series(finite)}") + angle
    return f"Its norm is {finite[0]}" if len(finite) == 1 else ""


def direction_words(axes: AxesReport, where: Provenance, names: list[str], seeds: str) -> str:
    """The directions by their kind; where it is not known, as they are called."""
    several = len(names) > 1
    subject = f"The direction{'s' if several else ''} {series(names)} {'are' if several else 'is'}"
    biases = bool(where.question.get("include_biases"))
    drawn = f"drawn with seed{'s' if ' to ' in seeds else ''} {seeds}" if seeds else "drawn at random"
    if axes.kind in RANDOM:
        how = RANDOM[axes.kind].replace("EACH", "each of their filters" if several else "each of its filters")
        still = "" if axes.kind == "raw" else f"; {BIASES[biases]}"
        return f"{subject} Gaussian, {drawn}, {how}{still}"
    if axes.kind == "principal":
        return f"{subject} the {principal_words(axes, several)}"
    if axes.kind == "eigenvectors":
        return f"{subject} {eigen_words(axes, several)}"
    if axes.labels[0].startswith("towards "):
        said = [towards_words(name, label, drawn, biases) for name, label in zip(names, axes.labels, strict=True)]
        return f"The direction {', and '.join(said)}"
    named = [label for label in axes.labels if label and not NAMELESS.fullmatch(label)]
    if not named:
        return "The directions are those of the file" if several else "The direction is that of the file"
    return f"{subject} as follows: {'; '.join(named)}"


def towards_words(name: str, label: str, drawn: str, biases: bool) -> str:
    if label.startswith("towards "):
        return f"{name} leads from θ to {label.removeprefix('towards ')}, which is reached at 1"
    if label.startswith("across, "):
        return f"{name} leads {label}"
    return f"{name} is a {label} ({drawn}; {BIASES[biases]})"


def principal_words(axes: AxesReport, several: bool) -> str:
    count = 2 if several else 1
    shares = series([f"{100 * float(v):.1f} %" for v in axes.explained[:count]])
    walk = series([f"{100 * float(v):.1f} %" for v in axes.random_walk[:count]])
    what = "two leading principal components" if several else "leading principal component"
    of = f"{what} of the weights along the training run"
    if not shares:
        return of
    return f"{of}, with {shares} of its variance" + (f" (a random walk would have {walk})" if walk else "")


def eigen_words(axes: AxesReport, several: bool) -> str:
    values = series([f"{number(float(v))}{error_words(float(r))}" for v, r in zip(axes.eigenvalues, axes.residuals, strict=True)])
    which = series([label.partition(",")[0].removeprefix("eigenvector ") for label in axes.labels])
    s = "s" if several else ""
    found = f", with the eigenvalue{s} {values} (an eigenvalue lies within the error)" if values else ""
    return f"{'' if several else 'an '}eigenvector{s} of the Hessian (number{s} {which} from the top){found}, and not rescaled"


def error_words(error: float) -> str:
    """ " ± 2e−6"."""
    return f" ± {number(float(f'{error:.1g}'))}" if np.isfinite(error) and error > 0 else ""


def layers_sentence(axes: AxesReport, names: list[str]) -> str:
    """Which layers hold most of the first direction's squared norm."""
    if axes.shares.ndim != 2 or len(axes.layers) < 2:
        return ""
    shares = axes.shares[0]
    top = [int(i) for i in np.argsort(-shares, kind="stable")[:3] if shares[i] > 0]
    words = series([f"{100 * float(shares[i]):.1f} % in {axes.layers[i]}" for i in top])
    return f"Of the squared norm of {names[0]}, {words.replace(' % in', ' % lies in', 1)}" if top else ""


def angle_words(cosine: float) -> str:
    return "0" if abs(cosine) < 5e-7 else f"{cosine:.2g}".replace("-", "−")


def number(value: float) -> str:
    from landscape_gui.probes import facts

    return facts.number(value)


# -------------------------------------------------------------------------------------------------------- data, network, machine


def data_sentence(where: Provenance, examples: Mapping[str, int], fallback: str = "", *, of: str = "The loss") -> str:
    """ "The loss is the mean cross-entropy over 200 of the 1,437 training examples of X (a random subset, drawn with seed 0)".

    examples: how many of each split; fallback: the subset in the answer's words, where they are not known.
    """
    problem = where.problem
    data = problem.get("data")
    data = data if isinstance(data, Mapping) else {}
    name, images = str(data.get("name", "") or ""), str(data.get("images", "") or "")
    told = data.get("examples")
    totals = told if isinstance(told, Mapping) else {}
    if not any(examples.values()):
        return f"Data: {f'{name}: ' if name else ''}{fallback}" if fallback or name else ""
    drawn = any(0 < count < int(totals.get(split, 0) or 0) for split, count in examples.items())
    known = all(split in totals for split in examples)
    over = series([split_words(split, count, int(totals.get(split, 0) or 0)) for split, count in examples.items()])
    over = over if known or not fallback else fallback
    subset = f" ({'random subsets' if len(examples) > 1 else 'a random subset'}, drawn with seed {where.question.get('seed', 0)})"
    loss = LOSSES.get(str(problem.get("loss", "")), str(problem.get("loss", "")).replace("_", " "))
    sentence = (
        f"{of} is the mean{f' {loss}' if loss else ''} over {over} examples{f' of {name}' if name else ''}{subset if drawn else ''}"
    )
    return f"{sentence}; {images}" if images else sentence


def split_words(split: str, count: int, total: int) -> str:
    """ "200 of the 1,437 training", "all 360 test"."""
    word = SPLITS.get(split, split)
    some = f"{count:,} of the {total:,}" if count < total else f"all {count:,}" if count == total else f"{count:,}"
    return f"{some} {word}".strip()


def closing(where: Provenance, batchnorm: str, precision: str, *, subject: str = "θ are the weights") -> list[str]:
    """Network, checkpoint, BatchNorm, precision and machine."""
    mode = BATCHNORM.get(batchnorm, f"BatchNorm: {batchnorm}" if batchnorm else "")
    return [network_sentence(where, subject), mode, machine_sentence(where, precision)]


def network_sentence(where: Provenance, subject: str) -> str:
    """ "θ are the weights of the network MLP 64-32-10, tanh (6,570 parameters) after epoch 40 (checkpoint ...)"."""
    problem = where.problem
    told = problem.get("checkpoint")
    told = told if isinstance(told, Mapping) else {"path": told} if told else {}
    model, count = str(problem.get("model", "") or ""), int(problem.get("parameters", 0) or 0)
    names = "/".join(str(told.get("path", "")).replace("\\", "/").split("/")[-2:])
    digest = str(told.get("digest", "") or problem.get("digest", ""))[:16]
    if not (model or names):
        return ""
    epoch = told.get("epoch")
    at = f" after epoch {epoch:g}" if isinstance(epoch, int | float) else ""
    size = f" ({count:,} parameters)" if count else ""
    file = f" (checkpoint {names}{f', digest {digest}' if digest else ''})" if names else ""
    return f"{subject} of the network{f' {model}' if model else ''}{size}{at}{file}"


def machine_sentence(where: Provenance, precision: str) -> str:
    environment = where.environment
    kinds = {"float32": "in float32 with sums in float64", "float64": "in float64"}
    how = kinds.get(precision, f"in {precision}" if precision else "")
    device = str(environment.get("device", ""))
    device = {"cpu": "the CPU"}.get(device, f"the GPU ({device})" if device.startswith("cuda") else device)
    threads = int(environment.get("threads", 0) or 0)
    on = f"on {device}" + (f" with {counted(threads, 'thread')}" if threads and device == "the CPU" else "") if device else ""
    torch = str(environment.get("torch", "")).partition("+")[0]
    versions = [f"PyTorch {torch}"] if torch else []
    own = str(environment.get("landscape_gui", ""))
    versions += [f"landscape_gui {own}"] if own else []
    parts = [part for part in (how, on, f"by {series(versions)}" if versions else "") if part]
    return f"Computed {', '.join(parts)}" if parts else ""


# ------------------------------------------------------------------------------------------------------------- whole captions


def known_of(facts: Sequence[Fact]) -> dict[str, str]:
    return dict(spoken(facts))


def unknown_sentences(facts: Sequence[Fact]) -> list[str]:
    """Where another program's answer was read from, and what its file leaves open."""
    known = known_of(facts)
    return [
        f"Read from {known[SOURCE]}" if SOURCE in known else "",
        f"{UNSAID}: {known[UNSAID]}" if UNSAID in known else "",
    ]


def foreign(where: Provenance) -> bool:
    return isinstance(where.problem.get("read_from"), Mapping)


def split_of(name: str) -> str:
    return re.split(r"_(?=[a-z])", name, maxsplit=1)[0] if "_" in name else ""


def scale_words(scale: str, limits: tuple[float, float] | None, view: Any = "") -> str:
    """ "; colours and heights are logarithmic, from 0.013 to 8.1"."""
    what = "Heights and colours" if view == "3d" else "Colours"
    span = f" from {number(limits[0])} to {number(limits[1])}" if limits is not None else ""
    return f"{what} are on a {'logarithmic' if scale == 'log' else 'linear'} scale{span}"
