"""What `analyze` is about: a checkpoint or run that is there, or a network by name with fresh weights, trained or not."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_gui.commands import opening
from landscape_gui.commands.parser import UsageError
from landscape_gui.commands.terminal import ProgressBar

if TYPE_CHECKING:
    from landscape_gui.problem import Problem
    from landscape_gui.problem.named_models import NamedModel

MODEL, RUN = "model", "run"
"""Folders of the report: fresh weights, and what was trained for it."""
BRIEFLY = 5
"""Epochs that a network by name is trained for where its trajectory is asked for and nothing says how many."""

DECAY = 5e-4
"""Weight decay of that training, by SGD with momentum 0.9 at a rate that falls from 0.05 along a cosine."""


@dataclass(frozen=True)
class Subject:
    """problem: what is analysed; warnings: what a reader must know first; None where training was interrupted: see `trained`."""

    problem: Problem | None
    warnings: tuple[str, ...] = ()


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


def open_subject(namespace: argparse.Namespace, folder: Path, cancelled: Callable[[], bool], ready: Callable[[], None]) -> Subject:
    """The problem; a network by name is made, and trained, in the report's folder first. Raises LandscapeError.

    ready: called once it is known that there is something to analyse, before anything is written."""
    if namespace.path or namespace.checkpoint:
        found = open_checkpoint(namespace) if namespace.checkpoint else Subject(opening.open_named(namespace.path, namespace))
        ready()
        return found
    epochs = epochs_of(namespace)
    place = folder / (RUN if epochs else MODEL)
    note = make_fresh(namespace, place, epochs, cancelled, ready)
    if note is None:
        return Subject(None)
    problem = open_place(place, namespace)
    random = (
        f"The weights are random: {namespace.model} was made with seed {namespace.seed} and has not been trained. What follows "
        "says how training starts, nothing about a trained network. Give --checkpoint FILE, or --train EPOCHS."
    )
    return Subject(problem, tuple(filter(None, (note, "" if epochs else random))))


def open_checkpoint(namespace: argparse.Namespace) -> Subject:
    """A checkpoint of the network named."""
    from landscape_gui.checkpoint import read_checkpoint
    from landscape_gui.problem import fitting
    from landscape_gui.problem.locate import find_checkpoint

    named, place, normalise = named_of(namespace)
    checkpoint = read_checkpoint(find_checkpoint(namespace.checkpoint)[0])
    fitting.fit(named.module, checkpoint.tensors, f"{namespace.model} for these data")
    given = {"architecture": namespace.architecture or written(named), "data": str(place), "normalise": normalise}
    changed = argparse.Namespace(**{**vars(namespace), **given})
    return Subject(opening.open_named(namespace.checkpoint, changed), tuple(filter(None, (named.note,))))


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


def make_fresh(
    namespace: argparse.Namespace, place: Path, epochs: int, cancelled: Callable[[], bool], ready: Callable[[], None]
) -> str | None:
    """Fresh weights, or a run trained from them, in a folder that opens by itself; kept where it is there already. Returns what
    is to be said of the network; None where training was interrupted."""
    named, data_place, normalise = named_of(namespace)
    ready()
    if is_made(place, epochs):
        return named.note
    card = {
        "title": f"{namespace.model} on {namespace.dataset or data_place.name}",
        "architecture": dict(named.architecture),
        "data": {"file": str(data_place), **({"normalise": normalise} if normalise else {})},
        "loss": "cross_entropy",
    }
    if not epochs:
        write_fresh(place, named, card)
        return named.note
    return named.note if trained(namespace, named, place, epochs, card, cancelled) else None


def is_made(place: Path, epochs: int) -> bool:
    """Whether the folder holds it already; a training that was cut short is set aside, not thrown away."""
    from landscape_gui.run import find_run

    if not place.exists():
        return False
    run = find_run(place)
    done = max((row["epoch"] for row in run.metrics if isinstance(row.get("epoch"), (int, float))), default=0) if run else 0
    if not epochs or float(done) >= epochs:
        return run is not None
    number = next(k for k in range(1, 10_000) if not place.with_name(f"{place.name}-unfinished-{k}").exists())
    os.replace(place, place.with_name(f"{place.name}-unfinished-{number}"))
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
    from landscape_gui.problem.settings import prepare_torch
    from landscape_gui.training.recipe import Recipe
    from landscape_gui.training.training import Network, train

    prepare_torch(namespace.threads)
    bar = ProgressBar(f"Training {namespace.model}")
    bar.shown = bar.shown and not namespace.quiet
    recipe = Recipe(epochs=epochs, seed=namespace.seed, weight_decay=DECAY, schedule="cosine")
    try:
        done = train(
            recipe, data_of(namespace)[0], place, entry=card["data"], title=card["title"], device=namespace.device,
            network=Network(named.module, named.architecture), interrupted=cancelled,
            progress=lambda state: bar.update(state.done / state.total, f"epoch {state.epoch} of {epochs}"),
        )  # fmt: skip
        return not done.interrupted
    finally:
        bar.close()


def open_place(place: Path, namespace: argparse.Namespace) -> Problem:
    """A folder whose card says everything."""
    from landscape_gui.problem import open_problem

    return open_problem(place, device=namespace.device, threads=namespace.threads)
