"""A training run: the checkpoints of one network in a folder, in the order of training, with what was logged beside them.

Headers are read, tensors are not, and torch is not imported, so that a folder lists before the numerics are there.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from landscape_gui.checkpoint import Manifest, peek
from landscape_gui.checkpoint.ordinal import epoch_named, natural, step_named
from landscape_gui.checkpoint.whole import SINGLES, find_whole, in_pieces
from landscape_gui.errors import CheckpointError
from landscape_gui.run_log import LogRow, read_log, rows_of
from landscape_gui.trainer_state import TrainerState, read_trainer_state

_MOST_FILES = 5000
_NUMBERED = re.compile(r"(?:.*[^a-z])?(?:checkpoint|ckpt|epoch|ep|step|iter|iteration)s?[-_=]?\d{1,12}", re.IGNORECASE)
SUBFOLDERS = ("checkpoints", "checkpoint", "ckpt", "ckpts", "weights", "models", "snapshots")
_CHECKPOINT_SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors", ".tar", ".bin")
_OTHER_SUFFIXES = frozenset(
    {
        *(".json", ".jsonl", ".csv", ".tsv", ".txt", ".md", ".rst", ".py", ".ipynb", ".yaml", ".yml", ".toml", ".log", ".html"),
        *(".npz", ".npy", ".h5", ".hdf5", ".png", ".jpg", ".jpeg", ".pdf", ".svg", ".gif", ".mp4", ".sh", ".gz"),
        *(".bmp", ".webp", ".tif", ".tiff"),
        *(".tmp", ".part", ".lock"),
    }
)


@dataclass(frozen=True)
class RunEntry:
    """One checkpoint of a run. epoch and step are None where neither the file nor its name says; label names it on an axis."""

    path: Path
    epoch: float | None
    step: int | None
    label: str


@dataclass(frozen=True)
class Run:
    """Checkpoints with the same tensors, in the order of training.

    metrics: rows of a log found beside them (metrics.json, log.csv, ...), values that are numbers as float; notes: what was
    left out and why, in sentences.
    """

    path: Path
    checkpoints: tuple[RunEntry, ...]
    metrics: tuple[LogRow, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def last(self) -> RunEntry:
        """The checkpoint at the end of training."""
        return self.checkpoints[-1]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name or self.path.resolve().name or str(self.path)

    def position(self, path: str | os.PathLike[str]) -> int | None:
        """Where the file stands among the checkpoints; None when it is not one of them."""
        place = Path(path).resolve()
        return next((index for index, entry in enumerate(self.checkpoints) if entry.path.resolve() == place), None)

    def logged(self, entry: RunEntry) -> LogRow:
        """The log's row for this checkpoint, by epoch or step; empty when there is none."""
        for key, value in (("epoch", entry.epoch), ("step", entry.step), ("global_step", entry.step)):
            for row in self.metrics:
                if value is not None and row.get(key) == value:
                    return row
        return {}


def find_run(path: str | os.PathLike[str], *, leaving: frozenset[Path] = frozenset()) -> Run | None:
    """The run in a folder, or the one that a file belongs to (with at least one other checkpoint); None where there is none.

    Of several families of checkpoints (other tensors, other shapes) in one folder the largest is the run, or the file's own;
    a note names the rest. leaving: files in a folder that are passed over without a note, for they are still being written.
    Costs about a millisecond a file the first time; unchanged files are answered from memory.
    """
    place = Path(path)
    whole = find_whole(place)
    if whole is not None:
        return _run_of_whole(whole.main.parent, whole.standing)
    if place.is_file():
        if place.name in SINGLES and find_whole(place.parent) is not None:
            return _run_of_whole(place.parent, place)
        run = _run_of(place.parent, place)
        if (run is None or len(run.checkpoints) < 2) and _NUMBERED.fullmatch(place.parent.name):
            run = _run_of_folders(place.parent.parent)
        return run if run is not None and len(run.checkpoints) > 1 and run.position(place) is not None else None
    if not place.is_dir() or in_pieces(place):
        return None
    for folder in (place, *(place / name for name in SUBFOLDERS)):
        run = _run_of(folder, None, leaving) if folder.is_dir() else None
        if run is not None:
            return run
    return _run_of_folders(place, leaving)


def _run_of_whole(folder: Path, standing: Path) -> Run | None:
    """The run that a folder which is one checkpoint belongs to: numbered among others, or the end of those inside it."""
    for around in (folder.parent, folder) if _NUMBERED.fullmatch(folder.name) else (folder,):
        run = _run_of_folders(around)
        if run is not None and len(run.checkpoints) > 1 and run.position(standing) is not None:
            return run
    return None


def _run_of_folders(folder: Path, leaving: frozenset[Path] = frozenset()) -> Run | None:
    """The run whose checkpoints lie in a numbered folder each (`checkpoint-500/model.safetensors`), those of the Trainer of
    transformers with the network at the end of training, which lies beside them, as the last."""
    manifests: list[Manifest] = []
    notes: list[str] = []
    unfinished = {path.parent for path in leaving}
    names = [name for name in numbered_folders(folder) if folder / name not in unfinished]
    for name in names[:_MOST_FILES]:
        found, broken = _read_folder(folder / name)
        notes += broken
        if len(found) == 1:
            manifests.append(_placed(found[0], name))
    family, others = _largest_family(manifests, None)
    if not family:
        return None
    if others:
        notes.append(f"{_count(others)} with other tensors left out: {_listed(others)}.")
    entries = [_entry(manifest) for manifest in sorted(family, key=_sorting(family))]
    last = read_trainer_state(entries[-1].path if entries[-1].path.is_dir() else entries[-1].path.parent)
    state = read_trainer_state(folder)
    end, more = _end(folder, family[0], state, last) if folder not in unfinished else ([], [])
    log = read_log(folder)
    rows = log.rows or next((rows_of(list(each.rows)) for each in (state, last) if each and each.rows), ())
    return Run(folder, (*entries, *end), rows, (*notes, *more, *log.notes))


def _end(folder: Path, other: Manifest, *states: TrainerState | None) -> tuple[list[RunEntry], list[str]]:
    """The network in the folder itself, at the end of training, where it has the tensors of the others; else a note.

    states: of the folder itself, which says its step; of the last checkpoint, which is the last step where training was over.
    """
    own, notes = _read_folder(folder) if find_whole(folder) is not None else ([], [])
    if len(own) != 1:
        return [], notes
    if _kind(own[0]) != _kind(other):
        return [], [f"{own[0].path.name} of {folder.name} itself left out: it has other tensors."]
    state, last = states
    over = last is not None and last.step == last.steps
    step = state.step if state is not None else last.step if last is not None and over else None
    return [RunEntry(own[0].path, None, step, "final")], notes


def _read_folder(folder: Path) -> tuple[list[Manifest], list[str]]:
    """What a numbered folder's files hold: one manifest where they are one checkpoint."""
    whole = find_whole(folder)
    if whole is None:
        return _read_headers(folder)
    try:
        return [peek(whole.standing)], []
    except CheckpointError as error:
        return [], [f"{folder.name} left out: {error.message}"]


def numbered_folders(folder: Path) -> list[str]:
    """Names of the folders for one epoch or step each; none where the folder cannot be listed."""
    try:
        with os.scandir(folder) as listing:
            names = [item.name for item in listing if _NUMBERED.fullmatch(item.name) and item.is_dir()]
    except OSError:
        return []
    return sorted(names, key=natural)


def _placed(manifest: Manifest, folder: str) -> Manifest:
    """The manifest with the number in its folder's name where the file says none; `checkpoint-500` counts steps."""
    if manifest.epoch is not None or manifest.step is not None:
        return manifest
    number = re.fullmatch(r"checkpoint-(\d+)", folder)
    if number:
        return replace(manifest, step=int(number.group(1)))
    return replace(manifest, epoch=epoch_named(folder), step=step_named(folder))


def _run_of(folder: Path, wanted: Path | None, leaving: frozenset[Path] = frozenset()) -> Run | None:
    manifests, notes = _read_headers(folder, leaving)
    if wanted is not None and wanted.name not in {manifest.path.name for manifest in manifests}:
        return None
    family, others = _largest_family(manifests, wanted)
    if not family:
        return None
    if others:
        notes.append(f"{_count(others)} with other tensors left out: {_listed(others)}.")
    entries, dropped = _in_order(family, wanted)
    notes += dropped
    log = read_log(folder, (folder.parent,) if folder.name in SUBFOLDERS else ())
    return Run(folder, tuple(entries), log.rows, (*notes, *log.notes))


def _count(files: Sequence[object]) -> str:
    return "1 file" if len(files) == 1 else f"{len(files)} files"


def _listed(manifests: Sequence[Manifest]) -> str:
    names = [manifest.path.name for manifest in manifests]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _read_headers(folder: Path, leaving: frozenset[Path] = frozenset()) -> tuple[list[Manifest], list[str]]:
    """What the folder's checkpoints hold, by natural order of their names, and notes on those that are broken."""
    notes: list[str] = []
    try:
        with os.scandir(folder) as listing:
            names = [item.name for item in listing if not item.name.startswith(".") and item.is_file()]
    except OSError as error:
        raise CheckpointError(f"{folder} cannot be listed: {error.strerror}.", remedy="Check its permissions.") from error
    left = {path.name for path in leaving if path.parent == folder}
    names = sorted((name for name in names if may_be_checkpoint(name) and name not in left), key=natural)
    if len(names) > _MOST_FILES:
        notes.append(f"Only the first {_MOST_FILES} of {len(names)} files were looked at.")
    manifests: list[Manifest] = []
    for name in names[:_MOST_FILES]:
        try:
            manifests.append(peek(folder / name))
        except CheckpointError as error:
            if name.lower().endswith(_CHECKPOINT_SUFFIXES) and "holds no" not in error.message:
                notes.append(f"{name} left out: {error.message}")
    return manifests, notes


def may_be_checkpoint(name: str) -> bool:
    """Whether a file of this name is looked into at all."""
    return Path(name).suffix.lower() not in _OTHER_SUFFIXES


def _kind(manifest: Manifest) -> frozenset[tuple[str, tuple[int, ...]]]:
    """What checkpoints of one network have in common."""
    return frozenset((tensor.name, tensor.shape) for tensor in manifest.tensors)


def _largest_family(manifests: Sequence[Manifest], wanted: Path | None) -> tuple[list[Manifest], list[Manifest]]:
    kinds = [_kind(manifest) for manifest in manifests]
    if not kinds:
        return [], []
    best = Counter(kinds).most_common(1)[0][0]
    for manifest, kind in zip(manifests, kinds, strict=True):
        if wanted is not None and manifest.path.name == wanted.name:
            best = kind
    family = [manifest for manifest, kind in zip(manifests, kinds, strict=True) if kind == best]
    return family, [manifest for manifest, kind in zip(manifests, kinds, strict=True) if kind != best]


def _in_order(family: list[Manifest], wanted: Path | None) -> tuple[list[RunEntry], list[str]]:
    """Entries in the order of training: by epoch or step where they tell the files apart, else by name."""
    numbered = [manifest for manifest in family if _named(manifest) is not None]
    copies = [manifest for manifest in family if _named(manifest) is None and _repeats(manifest, numbered)]
    copies = [manifest for manifest in copies if wanted is None or manifest.path.name != wanted.name]
    kept = [manifest for manifest in family if manifest not in copies]
    notes = [f"{_listed(copies)} left out: at an epoch or step that another file has, or at none."] if copies else []
    return [_entry(manifest) for manifest in sorted(kept, key=_sorting(kept))], notes


def _named(manifest: Manifest) -> float | None:
    epoch = epoch_named(manifest.path.name)
    return epoch if epoch is not None else step_named(manifest.path.name)


def _repeats(manifest: Manifest, numbered: Sequence[Manifest]) -> bool:
    """Whether a file without a number in its name (best.pt, last.pt) adds nothing to at least two that have one."""
    if len(numbered) < 2:
        return False
    if manifest.epoch is None and manifest.step is None:
        return not manifest.path.stem.lower().startswith("init")
    return any((other.epoch, other.step) == (manifest.epoch, manifest.step) for other in numbered)


def _sorting(kept: Sequence[Manifest]) -> Any:
    """The sort key for the first of epoch, (epoch, step), step and number in the name that tells all files apart."""
    initial = {manifest.path for manifest in kept if manifest.epoch is None and manifest.path.stem.lower().startswith("init")}

    def epoch(manifest: Manifest) -> float | None:
        return -1.0 if manifest.path in initial else manifest.epoch

    def step(manifest: Manifest) -> float | None:
        return -1.0 if manifest.path in initial else manifest.step

    def number(manifest: Manifest) -> float | None:
        return -1.0 if manifest.path in initial else _named(manifest)

    for key in (epoch, step, number):
        values = [key(manifest) for manifest in kept]
        if None not in values and len(set(values)) == len(values):
            return key
    if all(manifest.epoch is not None and manifest.step is not None for manifest in kept):
        return lambda manifest: (manifest.epoch, manifest.step, natural(manifest.path.name))
    return lambda manifest: (manifest.path not in initial, natural(manifest.path.name))


def _entry(manifest: Manifest) -> RunEntry:
    if manifest.epoch is not None:
        label = f"epoch {manifest.epoch:g}"
    elif manifest.step is not None:
        label = f"step {manifest.step}"
    else:
        label = manifest.path.stem
    return RunEntry(manifest.path, manifest.epoch, manifest.step, label)
