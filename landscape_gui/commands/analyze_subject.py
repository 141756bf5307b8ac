"""What `analyze` is about: a checkpoint or run that is there, or a network by name with fresh weights, trained or not."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_gui.commands import opening
from landscape_gui.commands.analyze_course import aside
from landscape_gui.commands.analyze_size import FACTS, TRAINING, Pace, about, examples_for, pace_of
from landscape_gui.commands.parser import UsageError
from landscape_gui.commands.terminal import ProgressBar

if TYPE_CHECKING:
    from landscape_gui.problem import Problem
    from landscape_gui.problem.named_models import NamedModel

MODEL, RUN = "model", "run"
"""Folders of the report: fresh weights, and what was trained for it."""
BRIEFLY = 5
"""Epochs that a network by name is trained for where its trajectory is asked for and nothing says how many."""
PACED = 1024
"""Examples that a network's pace is measured on."""


DECAY = 5e-4
"""Weight decay of that training, by SGD with momentum 0.9 at a rate that falls from 0.05 along a cosine."""


@dataclass(frozen=True)
class Allowance:
    """Time that an analysis may take: seconds, from when it began. examples: how many of each split are known, as it was decided
    here before; None: to be decided. decided: told of it, before training begins."""

    seconds: float
    examples: int | None = None
    started: float = field(default_factory=time.monotonic)
    decided: Callable[[int], None] = lambda examples: None

    @property
    def left(self) -> float:
        return self.seconds - (time.monotonic() - self.started)

    def decide(self, pace: Pace | None, splits: int, most: int, epochs: int = 0) -> int:
        """How many examples of each split may be known, and trained on."""
        examples = self.examples
        if examples is None and pace is not None and math.isfinite(self.seconds):
            share = TRAINING if epochs else FACTS
            examples = examples_for(pace, splits, share * self.seconds, most, epochs)
        self.decided(examples or 0)
        return examples or 0


@dataclass(frozen=True)
class Subject:
    """problem: what is analysed, None where training was interrupted; warnings: what a reader must know first; pace: its network's;
    examples: how many of each split it knows, 0: all; trained: whether its run was made for this report."""

    problem: Problem | None
    warnings: tuple[str, ...] = ()
    pace: Pace | None = None
    examples: int = 0
    trained: bool = False


def check(namespace: argparse.Namespace) -> None:
    """UsageError where the flags do not name one thing to analyse."""
    given = [name for name in (namespace.path, namespace.model) if name]
    if len(given) != 1:
        both = "PATH and --model were both given" if given else "Nothing was named to analyse"
        raise UsageError(
            f"{both}: name a checkpoint, a run or samples:NAME, or a network with --model NAME --dataset NAME. See analyze --help."
        )
    if namespace.path and (namespace.checkpoint or namespace.train is not None or namespace.dataset):
        flag = "--checkpoint" if namespace.checkpoint else "--train" if namespace.train is not None else "--dataset"
        raise UsageError(f"{flag} goes with --model; with PATH, the data are named by --data or a card.")
    if namespace.model and not (namespace.dataset or namespace.data):
        raise UsageError(f"--model {namespace.model} needs data: --dataset NAME, or --data PATH.")
    if namespace.checkpoint and namespace.train is not None:
        raise UsageError("--train trains fresh weights; with --checkpoint there are weights already. Leave one of them out.")
    if namespace.model and namespace.code:
        raise UsageError("--code names the network of a checkpoint: give PATH instead of --model.")


def epochs_of(namespace: argparse.Namespace) -> int:
    """How long a network by name is trained: as asked, else briefly where its trajectory is to be seen."""
    if namespace.train is not None:
        return int(namespace.train)
    return BRIEFLY if namespace.track_trajectory and not namespace.checkpoint else 0


def spec_of(namespace: argparse.Namespace) -> dict[str, Any]:
    """What decides what is analysed, JSON-able: a folder holds the report of one of these."""
    names = ("path", "model", "dataset", "data", "checkpoint", "code", "architecture", "normalise")
    given = {name: str(value) for name in names if (value := getattr(namespace, name))}
    return {**given, "seed": namespace.seed, "train": epochs_of(namespace)} if namespace.model else given


def open_subject(
    namespace: argparse.Namespace,
    folder: Path,
    cancelled: Callable[[], bool],
    ready: Callable[[], None],
    allowance: Allowance,
) -> Subject:
    """The problem; a network by name is made, and trained, in the report's folder first. Raises LandscapeError.

    ready: called once it is known that there is something to analyse, before anything is written. Where a pass over all data would
    take too much of the time that is allowed, the problem knows a random subset of them."""
    if namespace.path:
        return opened(namespace.path, namespace, allowance, ready)
    if namespace.checkpoint:
        return open_checkpoint(namespace, allowance, ready)
    epochs = epochs_of(namespace)
    place = folder / (RUN if epochs else MODEL)
    made = make_fresh(namespace, place, epochs, cancelled, ready, allowance)
    if made is None:
        return Subject(None)
    warnings = [made.note]
    if not epochs:
        warnings.append(
            f"The weights are random: {namespace.model} was made with seed {namespace.seed} and has not been trained. What follows "
            "says how training starts, nothing about a trained network. Give --checkpoint FILE, or --train EPOCHS."
        )
    elif made.examples and namespace.train is None:
        warnings.append(
            f"{namespace.model} was trained for {epochs} epochs on {made.examples:,} random examples alone, for that is what "
            f"{namespace.minutes:g} min allow (--minutes): a look at how training begins, not a trained network. --minutes M "
            "allows more, --train EPOCHS trains on all data, --checkpoint FILE takes a trained network."
        )
    problem = open_place(place, namespace, made.examples)
    return Subject(problem, tuple(filter(None, warnings)), made.pace, made.examples, bool(epochs))


def opened(path: str, namespace: argparse.Namespace, allowance: Allowance, ready: Callable[[], None]) -> Subject:
    """What PATH names, on as many examples as may be looked at all."""
    problem = opening.open_quietly(path, namespace, examples=allowance.examples or 0)
    ready()
    pace = pace_of(problem)
    examples = allowance.decide(pace, len(problem.splits), max(problem.splits.values()))
    if examples and allowance.examples is None:
        problem = opening.open_quietly(path, namespace, examples=examples)
    return Subject(problem, pace=pace, examples=examples)


def open_checkpoint(namespace: argparse.Namespace, allowance: Allowance, ready: Callable[[], None]) -> Subject:
    """A checkpoint of the network named."""
    from landscape_gui.checkpoint import read_checkpoint
    from landscape_gui.problem import fitting
    from landscape_gui.problem.locate import find_checkpoint

    named, place, normalise = named_of(namespace)
    checkpoint = read_checkpoint(find_checkpoint(namespace.checkpoint)[0])
    fitting.fit(named.module, checkpoint.tensors, f"{namespace.model} for these data")
    given = {"architecture": namespace.architecture or written(named), "data": str(place), "normalise": normalise}
    changed = argparse.Namespace(**{**vars(namespace), **given})
    return replace(opened(namespace.checkpoint, changed, allowance, ready), warnings=tuple(filter(None, (named.note,))))


def written(named: NamedModel) -> str:
    """Its architecture as --architecture takes it."""
    family = str(named.architecture["family"])
    if ":" not in family:
        return json.dumps(dict(named.architecture))
    return ",".join([family, *(f"{key}={value}" for key, value in named.architecture.items() if key != "family")])


def named_of(namespace: argparse.Namespace) -> tuple[NamedModel, Path, Any]:
    """The network by name for its data, with fresh weights; where the data lie and how they are normalised."""
    from landscape_gui.problem.named_models import named_model

    data, place, normalise = data_of(namespace)
    targets = data.splits[0].targets
    if targets is None or targets.is_floating_point():
        raise UsageError(f"{place} has no classes to tell apart; --model makes classifiers. Give PATH with --code instead.")
    classes = classes_of(namespace.dataset) or int(targets.max()) + 1
    named = named_model(namespace.model, example=data.example or (), classes=classes, seed=namespace.seed)
    return named, place, normalise


def data_of(namespace: argparse.Namespace) -> tuple[Any, Path, Any]:
    """The data set by name, or the file that --data names."""
    from landscape_gui.problem.datasets import load_data
    from landscape_gui.problem.named_data import known, load_named, place_of

    if namespace.dataset:
        place = place_of(namespace.dataset, namespace.data).resolve()
        normalise = namespace.normalise or known(namespace.dataset).normalise
        return load_named(namespace.dataset, str(place), normalise=normalise), place, normalise
    place = Path(namespace.data).expanduser().resolve()
    return load_data(place, normalise=namespace.normalise, size=namespace.size, resize=namespace.resize), place, namespace.normalise


def classes_of(dataset: str | None) -> int:
    from landscape_gui.problem.named_data import known

    return known(dataset).classes if dataset else 0


@dataclass(frozen=True)
class Made:
    """note: what is to be said of the network; pace: of it; examples: how many of each split it was trained and is looked at on."""

    note: str
    pace: Pace | None
    examples: int


def make_fresh(
    namespace: argparse.Namespace,
    place: Path,
    epochs: int,
    cancelled: Callable[[], bool],
    ready: Callable[[], None],
    allowance: Allowance,
) -> Made | None:
    """Fresh weights, or a run trained from them, in a folder that opens by itself; kept where it is there already. None: training
    was interrupted."""
    named, data_place, normalise = named_of(namespace)
    ready()
    brief = bool(epochs) and namespace.train is None
    made = measured(namespace, named, epochs if brief else 0, allowance)
    entry = {"file": str(data_place), **({"normalise": normalise} if normalise else {})}
    card = {
        "title": f"{namespace.model} on {namespace.dataset or data_place.name}",
        "architecture": dict(named.architecture),
        "data": {**entry, "examples": made.examples} if brief and made.examples else entry,
        "loss": "cross_entropy",
    }
    if is_made(place, epochs):
        return made
    if not epochs:
        write_fresh(place, named, card)
        return made
    if not namespace.quiet:
        tell_of_training(namespace, made, epochs)
    return made if trained(namespace, named, place, epochs, card, cancelled) else None


def measured(namespace: argparse.Namespace, named: NamedModel, epochs: int, allowance: Allowance) -> Made:
    """The network's pace, and how many examples of each split may be known where it is also to be trained on them."""
    from landscape_gui.problem.drawn_data import drawn
    from landscape_gui.problem.in_memory import computing, in_memory

    data = data_of(namespace)[0]
    with computing(namespace.threads):
        few = in_memory(named.module, drawn(data, PACED), "cross_entropy", device=namespace.device, threads=namespace.threads)
        pace = pace_of(few)
    most = max(split.examples for split in data.splits)
    return Made(named.note, pace, allowance.decide(pace, len(data.splits), most, epochs))


def tell_of_training(namespace: argparse.Namespace, made: Made, epochs: int) -> None:
    """What is about to be trained, and how long that takes."""
    splits = data_of(namespace)[0].splits
    first = splits[0].examples
    count = min(made.examples or first, first) if namespace.train is None else first
    known = sum(min(count, split.examples) for split in splits)
    whole = f"{count:,} of {first:,} examples" if count < first else f"{first:,} examples"
    seconds = math.nan
    if made.pace is not None:
        seconds = epochs * made.pace.gradient(count) + (epochs + 1) * made.pace.loss(known)
    print(f"Training {namespace.model} for {epochs} epochs on {whole}: {about(seconds)}", file=sys.stderr)


def is_made(place: Path, epochs: int) -> bool:
    """Whether the folder holds it already; a training that was cut short goes on, or where it cannot is set aside."""
    from landscape_gui.run import find_run
    from landscape_gui.training.state import STATE

    if not place.exists():
        return False
    run = find_run(place)
    done = max((row["epoch"] for row in run.metrics if isinstance(row.get("epoch"), (int, float))), default=0) if run else 0
    if not epochs or float(done) >= epochs:
        return run is not None
    if not (place / STATE).exists():
        aside(place, "unfinished")
    return False


def write_fresh(place: Path, named: NamedModel, card: Mapping[str, Any]) -> None:
    from safetensors.torch import save_file

    place.mkdir(parents=True, exist_ok=True)
    tensors = {name: t.detach().clone().contiguous() for name, t in named.module.state_dict().items()}
    save_file(tensors, place / "epoch-000.safetensors")
    (place / "landscape.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def trained(
    namespace: argparse.Namespace,
    named: NamedModel,
    place: Path,
    epochs: int,
    card: Mapping[str, Any],
    cancelled: Callable[[], bool],
) -> bool:
    """Train and record the run; False: it was interrupted."""
    from landscape_gui.problem.drawn_data import drawn
    from landscape_gui.problem.settings import prepare_torch
    from landscape_gui.training.recipe import Recipe
    from landscape_gui.training.state import STATE
    from landscape_gui.training.training import Network, train

    prepare_torch(namespace.threads)
    data = drawn(data_of(namespace)[0], card["data"].get("examples", 0))
    bar = ProgressBar(f"Training {namespace.model}")
    bar.shown = bar.shown and not namespace.quiet
    recipe = Recipe(epochs=epochs, seed=namespace.seed, weight_decay=DECAY, schedule="cosine")
    try:
        done = train(
            recipe, data, place, resume=(place / STATE).exists(), entry=card["data"], title=card["title"], device=namespace.device,
            network=Network(named.module, named.architecture), interrupted=cancelled,
            progress=lambda state: bar.update(state.done / state.total, f"epoch {state.epoch} of {epochs}"),
        )  # fmt: skip
        return not done.interrupted
    finally:
        bar.close()


def open_place(place: Path, namespace: argparse.Namespace, examples: int) -> Problem:
    """A folder whose card says everything."""
    from landscape_gui.problem import open_problem

    return open_problem(place, device=namespace.device, threads=namespace.threads, examples=examples)
