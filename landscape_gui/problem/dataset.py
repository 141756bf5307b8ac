"""Data as splits by name: gathered from tensors, Datasets and DataLoaders, kept whole where they fit into memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import xxhash
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, SubsetRandomSampler

from landscape_gui.core.splits import Split, cut, length_of, map_tensors, tensors_of
from landscape_gui.errors import ProblemError
from landscape_gui.problem.settings import own_randomness

TARGETS = ("labels", "label", "targets", "target", "y")
GATHERED = 256


@dataclass(frozen=True)
class Data:
    """Splits on the CPU. digest: xxh3-128 of every split's name and content; about: where they come from, JSON-able; notes."""

    splits: tuple[Split, ...]
    digest: str
    about: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def example(self) -> tuple[int, ...] | None:
        """The shape of one input where inputs are a single tensor."""
        inputs = self.splits[0].inputs
        return tuple(inputs.shape[1:]) if isinstance(inputs, Tensor) else None


class Batches:
    """A DataLoader's batches, the same at each pass: random draws start from one seed. `limit`: stop there (0: never)."""

    def __init__(self, loader: Iterable[Any], limit: int = 0) -> None:
        self.loader, self.limit = loader, limit

    def __iter__(self) -> Iterator[Any]:
        seen = 0
        with own_randomness():
            iterator = iter(self.loader)
        while True:
            with own_randomness(seen):
                batch = next(iterator, None)
            if batch is None:
                return
            count = length_of(batch)
            if self.limit and seen + count > self.limit:
                batch = cut(batch, 0, self.limit - seen, count)
            yield batch
            seen += count
            if self.limit and seen >= self.limit:
                return

    def limited(self, limit: int) -> Batches:
        return Batches(self.loader, limit)


def gather(splits: Mapping[str, Any], *, whole_batches: bool, limit: int, about: Mapping[str, Any]) -> Data:
    """Data from what a `data()` returns: name -> (x, y), Dataset, DataLoader, or a nest of tensors.

    whole_batches: a batch_loss takes each batch as it is; else its last part (or its entry "labels", "targets", ...) is the
    target. limit: bytes kept in memory; a larger split streams. Raises ProblemError naming the split.
    """
    if not isinstance(splits, Mapping) or not splits:
        raise ProblemError(f"data() gave {_kind(splits)}; splits by name were expected, such as {{'train': (x, y)}}.")
    made, notes = [], []
    for name, value in splits.items():
        split = _split(str(name), value, whole_batches, limit)
        if split.streams:
            notes.append(f"The split {split.name} does not fit into {limit / 2**30:.3g} GiB and streams from its DataLoader.")
        made.append(split)
    names = [split.name for split in made]
    for name in names:
        if not name.isidentifier() and not name.replace("-", "_").isidentifier():
            raise ProblemError(f"The split {name!r} has no plain name.", remedy="Call splits train, test, val and the like.")
    return Data(tuple(made), digest_of(made), about, tuple(notes))


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"an empty {type(value).__name__}" if not value else f"a {type(value).__name__}"


def _split(name: str, value: Any, whole_batches: bool, limit: int) -> Split:
    if isinstance(value, (Dataset, DataLoader)):
        loader = in_order(value)
        batches = _gathered(loader, limit)
        if batches is None:
            stream: Iterable[Any] = Batches(loader)
            if not whole_batches:
                stream = _Separated(stream)
            return Split(name, stream, None, sum(length_of(batch) for batch in stream))
        value = batches
    tree = map_arrays(value)
    if next(tensors_of(tree), None) is None:
        raise ProblemError(
            f"The split {name!r} is a {type(value).__name__} without tensors.",
            remedy="Give tensors (x, y), a Dataset or a DataLoader.",
        )
    inputs, targets = (tree, None) if whole_batches else separate(tree)
    if targets is None and not whole_batches:
        raise ProblemError(
            f"The split {name!r} has no targets.", remedy="Give (x, y); or define batch_loss(model, batch) in place of loss."
        )
    examples = _agreed(name, inputs, targets)
    return Split(name, inputs, targets, examples)


def _agreed(name: str, inputs: Any, targets: Any) -> int:
    examples = length_of(inputs)
    if targets is not None and length_of(targets) != examples:
        raise ProblemError(f"The split {name!r} has {examples:,} inputs and {length_of(targets):,} targets.")
    if examples == 0:
        raise ProblemError(f"The split {name!r} has no examples.")
    return examples


def separate(batch: Any) -> tuple[Any, Any]:
    """A batch as (inputs, targets): the last of a tuple, or the entry called labels, targets, ...; targets None where neither."""
    if isinstance(batch, Mapping):
        key = next((key for key in TARGETS if key in batch), None)
        return (batch, None) if key is None else ({k: v for k, v in batch.items() if k != key}, batch[key])
    if isinstance(batch, (tuple, list)) and len(batch) >= 2:
        return (batch[0] if len(batch) == 2 else tuple(batch[:-1])), batch[-1]
    return batch, None


class _Separated:
    """Batches as (inputs, target) pairs."""

    def __init__(self, batches: Iterable[Any]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[Any]:
        return (separate(batch) for batch in self.batches)

    def limited(self, limit: int) -> _Separated:
        assert isinstance(self.batches, Batches)
        return _Separated(self.batches.limited(limit))


def map_arrays(tree: Any) -> Any:
    """NumPy arrays in a nest as tensors."""
    if isinstance(tree, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(tree))
    if isinstance(tree, Mapping):
        return {key: map_arrays(value) for key, value in tree.items()}
    if isinstance(tree, (tuple, list)):
        return tuple(map_arrays(value) for value in tree)
    return map_tensors(tree, lambda t: t.detach())


def in_order(source: Dataset[Any] | DataLoader[Any]) -> DataLoader[Any]:
    """The same examples in the dataset's own order, each once, in this process: of a loader over a random subset, that subset."""
    if not isinstance(source, DataLoader):
        return DataLoader(source, batch_size=GATHERED)
    if isinstance(source.dataset, IterableDataset) or source.batch_size is None:
        return source
    data: Any = source.dataset
    if isinstance(source.sampler, SubsetRandomSampler):
        data = Subset(data, sorted(int(i) for i in source.sampler.indices))
    return DataLoader(data, batch_size=source.batch_size, collate_fn=source.collate_fn)


def _gathered(loader: DataLoader[Any], limit: int) -> Any:
    """All batches as one, or None where they pass the limit or do not fit together (sequences of unequal length)."""
    batches, size = [], 0
    for batch in Batches(loader):
        batches.append(batch)
        size += sum(t.numel() * t.element_size() for t in tensors_of(batch))
        if size > limit:
            return None
    try:
        return concatenated(batches) if batches else None
    except (RuntimeError, TypeError):
        return None


def concatenated(batches: list[Any]) -> Any:
    """Batches as one. RuntimeError or TypeError where they do not fit together."""
    first = batches[0]
    if isinstance(first, Tensor):
        return torch.cat(batches)
    if isinstance(first, Mapping):
        return {key: concatenated([batch[key] for batch in batches]) for key in first}
    if isinstance(first, (tuple, list)):
        return tuple(concatenated(list(parts)) for parts in zip(*batches, strict=True))
    raise TypeError(f"no tensors but {type(first).__name__}")


def digest_of(splits: Iterable[Split]) -> str:
    """xxh3-128 over names, dtypes, shapes and bytes of all splits; one pass over those that stream."""
    hasher = xxhash.xxh3_128()
    for split in splits:
        hasher.update(repr(split.name).encode())
        for part in split.inputs if split.streams else [(split.inputs, split.targets)]:
            _digest_tree(hasher, part)
    return hasher.hexdigest()


def _digest_tree(hasher: xxhash.xxh3_128, tree: Any) -> None:
    if isinstance(tree, Tensor):
        tensor = tree.detach().cpu().contiguous()
        hasher.update(repr((str(tensor.dtype), tuple(tensor.shape))).encode())
        if tensor.numel():
            hasher.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    elif isinstance(tree, Mapping):
        for key in sorted(tree, key=str):
            hasher.update(repr(key).encode())
            _digest_tree(hasher, tree[key])
    elif isinstance(tree, (tuple, list)):
        for part in tree:
            _digest_tree(hasher, part)
    else:
        hasher.update(repr(tree).encode())
