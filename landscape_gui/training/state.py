"""Where a training is: everything that decides how it goes on, as one file beside its checkpoints that replaces the one before.

The file is a line that says what it is, the digest of the rest, and a .safetensors file whose metadata hold numbers as JSON:
nothing in it is executed, what is torn is noticed, and it opens as no checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
import xxhash
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from landscape_gui.errors import LandscapeError, ProblemError
from landscape_gui.recorder.going_on import Kept
from landscape_gui.recorder.safetensors_head import head_of
from landscape_gui.training.recipe import Recipe

STATE = "training.state"
KIND = b"landscape-gui training state 1\n"
DIGEST = 32
"""Characters of the digest, before a line feed."""
ANEW = "Train from the start, with --overwrite or into another folder."


@dataclass(frozen=True, kw_only=True)
class State:
    """source: which data were named, and how; digest: of what they hold; network: its architecture; device: as it was named.

    epoch: the one under way; place: its steps that are done; done: all steps; rows: of `epochs.json`; recorder: as of Recorder.
    optimiser: what it keeps of each parameter, but for tensors. tensors: "network/NAME", "optimiser/NUMBER/NAME", "random/NAME".
    """

    recipe: Recipe
    loss: str
    source: Mapping[str, Any]
    digest: str
    network: Mapping[str, Any]
    device: str
    threads: int
    epoch: int
    place: int
    done: int
    rows: Sequence[dict[str, float]]
    recorder: Kept
    optimiser: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tensors: Mapping[str, Tensor] = field(default_factory=dict)

    def part(self, name: str) -> dict[str, Tensor]:
        """The tensors of one owner, by the rest of their names."""
        return {key.partition("/")[2]: tensor for key, tensor in self.tensors.items() if key.startswith(f"{name}/")}

    def content(self) -> bytes:
        """The file's bytes."""
        said = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "tensors"}
        said |= {"recipe": asdict(self.recipe), "recorder": self.recorder.said()}
        tensors = {**self.tensors, **{f"recorder/{name}": tensor for name, tensor in self.recorder.tensors.items()}}
        whole = save({name: t.contiguous() for name, t in tensors.items()}, metadata={"state": json.dumps(said)})
        return b"".join((KIND, digest_of(whole), b"\n", whole))


def digest_of(content: bytes) -> bytes:
    return xxhash.xxh3_128_hexdigest(content).encode()


def read_state(folder: Path) -> State | None:
    """The state in a run's folder; None where there is none. ProblemError: it is torn, or no state that this version knows."""
    place = folder / STATE
    try:
        content = place.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProblemError(f"{place} cannot be read: {error.strerror}.", remedy="Make it a readable file.") from error
    if not content.startswith(KIND):
        raise ProblemError(f"{place} is no training state that this version reads.", remedy=ANEW)
    digest, whole = content[len(KIND) :][:DIGEST], content[len(KIND) + DIGEST + 1 :]
    if digest_of(whole) != digest:
        raise ProblemError(
            f"{place} is not whole: it was cut short or changed.",
            remedy=f"Put back a copy of it. {ANEW} The checkpoints still open.",
        )
    try:
        return made(whole)
    except (KeyError, TypeError, ValueError, AttributeError, SafetensorError, LandscapeError) as error:
        raise ProblemError(
            f"{place} is no training state that this version reads: {type(error).__name__}: {error}.", remedy=ANEW
        ) from error


def made(whole: bytes) -> State:
    said = json.loads(head_of(whole)["__metadata__"]["state"])
    tensors = load(whole)
    recorder = {name.partition("/")[2]: tensor for name, tensor in tensors.items() if name.startswith("recorder/")}
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith("recorder/")}
    said |= {name: int(said[name]) for name in ("threads", "epoch", "place", "done")}
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in said.pop("recipe").items()}
    return State(**{**said, "recipe": Recipe(**given), "recorder": Kept.read(said["recorder"], recorder), "tensors": kept})


def check(state: State, folder: Path, *, recipe: Recipe, digest: str, network: Mapping[str, Any], module: nn.Module) -> None:
    """ProblemError where a training of this recipe, network and data is not the one that the state is of, made longer perhaps."""
    for f in fields(recipe):
        before, now = getattr(state.recipe, f.name), getattr(recipe, f.name)
        if before != now and f.name not in ("epochs", "steps"):
            raise ProblemError(
                f"{folder} was trained with {said(f.name, before)}, not {said(f.name, now)}.",
                remedy="Leave that out to go on as before, or train into another folder.",
            )
    if digest != state.digest:
        raise ProblemError(
            f"{folder} was trained on other data, {state.source.get('name', 'unnamed')}: what they hold differs.",
            remedy="Name the same data, normalised in the same way, or train into another folder.",
        )
    shapes = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    kept = {name: tuple(tensor.shape) for name, tensor in state.part("network").items()}
    if shapes != kept or dict(network) != dict(state.network):
        name = next((n for n in (*shapes, *kept) if kept.get(n) != shapes.get(n)), "")
        words = f": its {name} is {shape_of(kept, name)}, here {shape_of(shapes, name)}" if name else ""
        raise ProblemError(f"{folder / STATE} is of another network{words}.", remedy="Train into another folder.")


def check_length(state: State, folder: Path, recipe: Recipe, examples: int) -> None:
    """ProblemError where a training cannot be made so long: it has gone farther, or its learning rates would have been others."""
    if (recipe.epochs, recipe.steps) == (state.recipe.epochs, state.recipe.steps):
        return
    before, now = state.recipe.total(examples), recipe.total(examples)
    if now <= state.done:
        raise ProblemError(
            f"{folder} has come to step {state.done:,} of {before:,}, and {recipe.lasting()} would end at step {now:,}.",
            remedy="Give more, or leave that out to go on as before.",
        )
    if now != before and (recipe.schedule != "constant" or recipe.warmup):
        rates = (
            f"a {recipe.schedule} schedule" if recipe.schedule != "constant" else f"a warm-up over {recipe.warmup:g} of training"
        )
        raise ProblemError(
            f"{folder} has {rates} over {state.recipe.lasting()}: over {recipe.lasting()} its steps until now would have had other "
            "learning rates, and going on would give neither training.",
            remedy=f"Train {recipe.lasting()} from the start into another folder. With a constant rate a run can be made longer.",
        )


def said(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"{name}" if value else f"no {name}"
    text = " ".join(map(str, value)) if isinstance(value, tuple) else value
    return f"{name.replace('_', ' ')} {text or 'as by default'}" if name != "batch" or value else "full batches"


def shape_of(shapes: Mapping[str, tuple[int, ...]], name: str) -> str:
    return "missing" if name not in shapes else f"of shape {shapes[name]}"


def numbers_of(optimiser: torch.optim.Optimizer) -> tuple[dict[str, dict[str, Any]], dict[str, Tensor]]:
    """What an optimiser keeps of each parameter: what is JSON-able, and copies of the tensors by "NUMBER/NAME"."""
    plain: dict[str, dict[str, Any]] = {}
    tensors: dict[str, Tensor] = {}
    for number, kept in optimiser.state_dict()["state"].items():
        plain[str(number)] = {name: value for name, value in kept.items() if not isinstance(value, Tensor)}
        tensors |= {f"{number}/{name}": copied(value) for name, value in kept.items() if isinstance(value, Tensor)}
    return plain, tensors


def load_optimiser(optimiser: torch.optim.Optimizer, state: State) -> None:
    """Put an optimiser where the state's was."""
    kept: dict[int, dict[str, Any]] = {int(number): dict(values) for number, values in state.optimiser.items()}
    for place, tensor in state.part("optimiser").items():
        number, _, name = place.partition("/")
        kept[int(number)][name] = tensor
    optimiser.load_state_dict({"state": kept, "param_groups": optimiser.state_dict()["param_groups"]})


def copied(tensor: Tensor) -> Tensor:
    """On the processor, and nobody else's."""
    return tensor.detach().to("cpu", copy=True).contiguous()
