"""What several checkpoints are called side by side: as short as tells them apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from landscape_gui.probes.base import CheckpointRef
from landscape_gui.probes.plane import called

ENDINGS = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".tar")


def model_names(models: Sequence[CheckpointRef]) -> tuple[str, ...]:
    """Short names, all different: labels as they are where none names a folder ("epoch 5"), else folders where the files are called
    alike, files where all lie in one folder, else both: of two runs it matters which checkpoints these are."""
    for names in choices(models):
        if len(set(names)) == len(names) and all(names):
            return tuple(names)
    labels = [called(model) for model in models]
    return tuple(f"{label} ({k + 1})" if labels.count(label) > 1 else label for k, label in enumerate(labels))


def choices(models: Sequence[CheckpointRef]) -> Iterator[list[str]]:
    labels = [called(model) for model in models]
    if not any("/" in label for label in labels):
        yield [bare(label) for label in labels]
    parts = [(model.path or called(model)).replace("\\", "/").split("/") for model in models]
    if all(len(p) > 1 for p in parts):
        if len({p[-1] for p in parts}) == 1:
            yield [p[-2] for p in parts]
        if len({p[-2] for p in parts}) == 1:
            yield [bare(p[-1]) for p in parts]
        yield [f"{p[-2]}/{bare(p[-1])}" for p in parts]
    yield labels


def bare(name: str) -> str:
    """Without what says that it is a checkpoint."""
    for ending in ENDINGS:
        if name.endswith(ending) and name != ending:
            return name.removesuffix(ending)
    return name
