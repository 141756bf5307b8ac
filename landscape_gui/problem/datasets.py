"""Data files by card, flag or dialog: which reader takes a path, and what becomes of its numbers."""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from landscape_gui.errors import CheckpointError, LandscapeError, ProblemError
from landscape_gui.problem import arrays, arrow, cifar, idx, tables, texts
from landscape_gui.problem.dataset import Data, gather
from landscape_gui.problem.framing import Framing, framing
from landscape_gui.problem.images import read_images
from landscape_gui.problem.normalisation import statistics
from landscape_gui.problem.raw import Raw, Reading, Tokenise, check_size, files_below
from landscape_gui.problem.settings import data_limit

READ = (
    "Read are .npz, .npy, .pt and .safetensors arrays, MNIST's idx files, CIFAR's batches, folders and zips of images by class, "
    "CSV, text and token files, Parquet and Arrow."
)
KEPT_BYTES = 512 << 20
"""Of what was read last; kept so that trying a normalisation reads no file again."""


def load_data(
    path: Path,
    *,
    normalise: Any = None,
    size: Any = None,
    resize: Any = None,
    target: str = "",
    block: int = 0,
    tokenise: Tokenise | None = None,
) -> Data:
    """The splits in a file or folder, as float32 or int64 inputs and int64 targets (float32 for regression).

    Images (uint8) are divided by 255 first. normalise: {"mean": [...], "std": [...]} by channel, "standard" (mean and standard
    deviation of the first split), "mnist", "cifar10", "cifar100", "imagenet", "half", "none" or None. size: side or
    [height, width] that images have afterwards; resize: what their shorter side is scaled to before the size is cropped from the
    centre (None: the size's own), or "stretch". target: a table's column, "COLUMN:class" or "COLUMN:number"; of CIFAR-100
    "coarse_labels". block: tokens in an example of a text. tokenise: text to token ids; None takes bytes. Raises ProblemError:
    which path, which array, row or column, what was expected.
    """
    reading = Reading(framing=framing(size, resize), target=target, block=_block(block), tokenise=tokenise, limit=data_limit())
    raw = read_raw(path, reading)
    notes = [*raw.notes]
    if any(x.dtype == torch.uint8 for x, _ in raw.splits.values()):
        notes.append("Pixels were divided by 255.")
    ready = {name: (_floating(x), _target(y)) for name, (x, y) in raw.splits.items()}
    _check_meant(path, raw, reading)
    if reading.framing is not None and raw.about.get("kind") == "images":
        notes.append(f"Images are {reading.framing.words} (bilinear).")
    elif reading.framing is not None:
        ready = {name: (_framed(path, x, reading.framing, notes), y) for name, (x, y) in ready.items()}
    mean_std = statistics(normalise, next(iter(ready.values()))[0])
    about = {"path": str(path), **raw.about}
    if reading.framing is not None:
        about |= {"images": reading.framing.words, "resize": reading.framing.told}
    if mean_std is not None:
        mean, std = mean_std
        ready = {name: (_normalised(x, raw.splits[name][0], mean, std), y) for name, (x, y) in ready.items()}
        about["normalisation"] = {"mean": mean.flatten().tolist(), "std": std.flatten().tolist()}
    data = gather(ready, whole_batches=False, limit=data_limit(), about=about)
    return Data(data.splits, data.digest, data.about, (*notes, *data.notes))


def read_raw(path: Path, reading: Reading) -> Raw:
    """What is at a path before it is normalised. The last one read is kept until another is, or until `forget_raw`; it must not be
    written into."""
    if not path.exists():
        raise ProblemError(f"The data {path} are not there.", remedy="Check their path (in a card: data.file).")
    return _kept.get(path, reading)


def forget_raw() -> None:
    """Let go of what was read last."""
    _kept.clear()


class Kept:
    """The raw data read last, while nothing that they come from has changed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        self.key: object = None
        self.raw: Raw | None = None

    def get(self, path: Path, reading: Reading) -> Raw:
        with self.lock:
            key = (path.resolve(), _state(path), reading)
            if self.raw is not None and self.key == key:
                return self.raw
            self.clear()
            raw = _read(path, reading)
            if sum(t.numel() * t.element_size() for pair in raw.splits.values() for t in pair) <= KEPT_BYTES:
                self.key, self.raw = key, raw
            return raw


_kept = Kept()


def _state(path: Path) -> tuple[object, ...]:
    """Sizes and times of the file, or of everything that lies in the folder."""
    places = [path, *(files_below(path) if path.is_dir() else ())]
    return tuple((str(p), s.st_size, s.st_mtime_ns) for p in places if p.exists() for s in [p.stat()])


def _read(path: Path, reading: Reading) -> Raw:
    try:
        return _folder(path, reading) if path.is_dir() else _file(path, reading)
    except (OSError, zipfile.BadZipFile, EOFError, ValueError) as error:
        raise ProblemError(f"The data {path} cannot be read: {error}.") from error
    except CheckpointError as error:
        raise ProblemError(f"The data {path} cannot be read: {error.message}", remedy=error.remedy) from error
    except LandscapeError:
        raise
    except MemoryError as error:
        raise ProblemError(f"The data {path} need more memory than there is.", remedy="Give a part of them.") from error
    except Exception as error:  # decoders of damaged files raise whatever they come across
        words = f"they are damaged ({type(error).__name__}: {str(error)[:120]})"
        raise ProblemError(f"The data {path} cannot be read: {words}.", remedy="Download or save them again.") from error


def _folder(path: Path, reading: Reading) -> Raw:
    if idx.is_idx(path):
        return idx.read_idx_files(path)
    if cifar.is_cifar(path):
        return cifar.read_cifar(path, reading)
    if arrow.is_arrow(path):
        return arrow.read_arrow(path, reading)
    if tables.table_files(path):
        return tables.read_csv(path, reading)
    if any(path.glob("*.npy")):
        return arrays.read_npy_folder(path, reading)
    if texts.text_files(path) and not any(p.is_dir() for p in path.iterdir()):
        return texts.read_texts(path, reading)
    return read_images(path, reading)


def _file(path: Path, reading: Reading) -> Raw:
    if not path.is_file():
        raise ProblemError(f"{path} is no plain file.")
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return arrays.read_npz(path, reading)
    if suffix == ".npy":
        return arrays.read_npy(path, reading)
    if suffix in (".pt", ".pth", ".safetensors"):
        return arrays.read_tensors(path, reading)
    if idx.is_idx(path):
        return idx.read_idx_files(path)
    if cifar.is_cifar(path):
        return cifar.read_cifar(path, reading)
    if arrow.is_arrow(path):
        return arrow.read_arrow(path, reading)
    if suffix in tables.SUFFIXES:
        return tables.read_csv(path, reading)
    if suffix in texts.SUFFIXES or suffix == ".bin":
        return texts.read_texts(path, reading)
    if suffix == ".zip":
        return read_images(path, reading)
    raise ProblemError(f"{path} is no data that is read.", remedy=READ)


def _check_meant(path: Path, raw: Raw, reading: Reading) -> None:
    """Raise ProblemError where something was said of the reading that these data have no use for: it would go unnoticed."""
    kind = raw.about.get("kind")
    if reading.target and "target" not in raw.about and kind not in ("cifar", "images"):
        raise ProblemError(f"{path} has no columns to take the target {reading.target!r} from.", remedy="Leave the target out.")
    if reading.block and kind not in ("bytes", "tokens"):
        raise ProblemError(f"{path} is no text to cut into blocks of {reading.block}.", remedy="Leave the block out.")


def _framed(path: Path, x: Tensor, framing: Framing, notes: list[str]) -> Tensor:
    """Pictures in an array at another height and width."""
    if x.ndim != 4 or not x.is_floating_point():
        raise ProblemError(
            f"{path} has inputs of shape {tuple(x.shape[1:])}, which cannot be scaled as images are.", remedy="Leave the size out."
        )
    scaled = framing.scaled(x.shape[2], x.shape[3])
    if tuple(x.shape[2:]) == scaled == framing.size:
        return x
    note = f"Images of {x.shape[3]} × {x.shape[2]} are {framing.words} (bilinear)."
    if note not in notes:
        notes.append(note)
    check_size(path, x.shape[0] * x.shape[1] * scaled[0] * scaled[1] * 4, data_limit())
    return framing.tensor(x)


def _normalised(x: Tensor, raw: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """(x - mean) / std; in place where x is a copy of what was read, so that there are not two of them."""
    own = x.is_floating_point() and x.data_ptr() != raw.data_ptr()
    return (x.sub_(mean) if own else x.sub(mean)).div_(std)


def _floating(x: Tensor) -> Tensor:
    if x.dtype == torch.uint8:
        return x.float().div_(255)
    return x.float() if x.is_floating_point() or x.dtype == torch.bool else x.long()


def _target(y: Tensor) -> Tensor:
    if y.is_floating_point():
        return y.float()
    return y.long().flatten() if y.ndim == 2 and y.shape[1] == 1 else y.long()


def _block(block: Any) -> int:
    if type(block) is not int or not 0 <= block <= 1 << 20:
        raise ProblemError(f"The block of tokens is {block!r}.", remedy="Give how many tokens an example has, 1 or more.")
    return block
