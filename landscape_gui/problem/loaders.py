"""Data as training code holds them, loaders of batches, read once into splits: the same examples in one order at every pass."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, RandomSampler, SequentialSampler, Subset, SubsetRandomSampler

from landscape_gui.core.splits import Split, cut, length_of, map_tensors, tensors_of
from landscape_gui.errors import ProblemError
from landscape_gui.problem.dataset import Batches, Data, concatenated, digest_of, in_order, map_arrays, separate
from landscape_gui.problem.settings import data_limit

KNOWN_SAMPLERS = (RandomSampler, SequentialSampler, SubsetRandomSampler)
EXPECTED = "Give a DataLoader, a list of (inputs, targets) batches, a Dataset or a pair of tensors."


@dataclass(frozen=True)
class Reading:
    """most: examples of a split, 0 for all; seed: of the draw of so many; limit: bytes kept in memory; whole: the network takes
    each batch as it is, labels included."""

    most: int = 0
    seed: int = 0
    limit: int = 0
    whole: bool = False


def read_loaders(loaders: Mapping[str, Any], *, most: int = 0, seed: int = 0, whole: bool = False) -> Data:
    """Splits by name, each read once.

    A loader is a DataLoader, a Dataset, a pair (inputs, targets) of tensors or arrays, or any iterable of batches: pairs, or
    mappings with an entry labels, targets or y; batches may differ in size, an iterator that can be gone through once is enough. A
    DataLoader that shuffles is read in its dataset's own order, with the incomplete last batch; a sampler of one's own (weighted,
    distributed) draws once, from seed 0. Global random states and a loader's own generator stay as they are.

    most: so many examples of each split at most: of data with a length a random subset drawn from `seed`, else the first ones.
    whole: batches go to the network as they are. What takes more than LANDSCAPE_GUI_DATA_LIMIT (4 GiB) as tensors, or does not fit
    together (sequences of unequal length), stays in batches and streams. Raises ProblemError naming the split.
    """
    reading = Reading(most=most, seed=seed, limit=data_limit(), whole=whole)
    splits, notes = [], []
    for name, loader in loaders.items():
        split, said = read_split(name, loader, reading)
        splits.append(split)
        notes += said
    return Data(tuple(splits), digest_of(splits), {"name": "in memory", "kind": "loaders"}, tuple(dict.fromkeys(notes)))


def read_split(name: str, loader: Any, reading: Reading) -> tuple[Split, list[str]]:
    notes: list[str] = []
    if is_pair(loader):
        tree = map_arrays(tuple(loader))
        return whole_split(name, fewer(tree, reading, name, notes), reading), notes
    with kept_generators(loader):
        source = ordered(name, loader, reading, notes)
        batches, whole = gathered(source, reading)
    if not batches:
        raise ProblemError(f"The {name} loader gave no batch.", remedy=f"{EXPECTED} An iterator may have been used up before.")
    if whole is not None:
        return whole_split(name, whole, reading), notes
    return streamed(name, source, batches, reading, notes), notes


def is_pair(loader: Any) -> bool:
    """Whether it is (inputs, targets) and not a list of two batches."""
    arrays = (Tensor, np.ndarray)
    return isinstance(loader, (tuple, list)) and len(loader) == 2 and all(isinstance(part, arrays) for part in loader)


def fewer(tree: Any, reading: Reading, name: str, notes: list[str]) -> Any:
    """A random subset of a pair of tensors, in their order."""
    count = length_of(tree)
    if not reading.most or reading.most >= count:
        return tree
    chosen = drawn(count, reading)
    notes.append(subset_words(name, reading.most, count, reading.seed))
    return map_tensors(tree, lambda t: t[chosen] if t.dim() and t.shape[0] == count else t)


def drawn(count: int, reading: Reading) -> Tensor:
    generator = torch.Generator().manual_seed(reading.seed)
    return torch.randperm(count, generator=generator)[: reading.most].sort().values


def subset_words(name: str, most: int, count: int, seed: int) -> str:
    return f"The {name} split is {most:,} of {count:,} examples, drawn at random with seed {seed}."


def ordered(name: str, loader: Any, reading: Reading, notes: list[str]) -> Iterable[Any]:
    """Batches in an order that does not change, as few as are asked for."""
    if isinstance(loader, (Tensor, str, bytes, Mapping)) or (not hasattr(loader, "__iter__") and not isinstance(loader, Dataset)):
        raise ProblemError(f"The {name} loader is a {type(loader).__name__}.", remedy=EXPECTED)
    if not isinstance(loader, (DataLoader, Dataset)):
        return loader  # type: ignore[no-any-return]
    own = isinstance(loader, DataLoader) and loader.batch_size is not None and not isinstance(loader.sampler, KNOWN_SAMPLERS)
    own = own or (isinstance(loader, DataLoader) and isinstance(loader.sampler, RandomSampler) and loader.sampler.replacement)
    if own and isinstance(loader, DataLoader) and not isinstance(loader.dataset, IterableDataset):
        notes.append(f"The {name} loader's own sampler ({type(loader.sampler).__name__}) drew its examples once, from seed 0.")
        return loader
    source = in_order(loader)
    count = known_length(source.dataset)
    if not reading.most or not count or reading.most >= count or isinstance(source.dataset, IterableDataset):
        return source
    notes.append(subset_words(name, reading.most, count, reading.seed))
    chosen = drawn(count, reading).tolist()
    return DataLoader(Subset(source.dataset, chosen), batch_size=source.batch_size, collate_fn=source.collate_fn)


def known_length(dataset: Any) -> int:
    try:
        return len(dataset)
    except TypeError:
        return 0


@contextlib.contextmanager
def kept_generators(loader: Any) -> Iterator[None]:
    """Afterwards the loader's own generators are where they were."""
    sources = [loader, getattr(loader, "sampler", None), getattr(getattr(loader, "batch_sampler", None), "sampler", None)]
    found = {id(g): g for source in sources if isinstance(g := getattr(source, "generator", None), torch.Generator)}
    states = {key: g.get_state() for key, g in found.items()}
    try:
        yield
    finally:
        for key, g in found.items():
            g.set_state(states[key])


def gathered(source: Iterable[Any], reading: Reading) -> tuple[list[Any], Any]:
    """The batches as far as they were read, and all of them as one; None where they pass the limit or do not fit together."""
    batches: list[Any] = []
    size = 0
    for batch in Batches(Mapped(source), reading.most):
        tree = copied(batch)
        batches.append(tree)
        size += sum(t.numel() * t.element_size() for t in tensors_of(tree))
        if size > reading.limit:
            return batches, None
    try:
        return batches, concatenated(batches) if batches else None
    except (RuntimeError, TypeError):
        return batches, None


def copied(tree: Any) -> Any:
    """Tensors on the CPU, of their own: a loader may write its next batch into the same memory."""
    return map_tensors(tree, lambda t: t.detach().to("cpu", copy=True))


def whole_split(name: str, tree: Any, reading: Reading) -> Split:
    inputs, targets = (tree, None) if reading.whole else separate(tree)
    if targets is None and not reading.whole:
        raise ProblemError(
            f"The {name} loader's batches have no targets.", remedy="Give batches (inputs, targets), or with labels."
        )
    examples = length_of(inputs)
    if targets is not None and length_of(targets) != examples:
        raise ProblemError(f"The {name} loader gives {examples:,} inputs and {length_of(targets):,} targets.")
    if not examples:
        raise ProblemError(f"The {name} loader's batches have no examples.")
    return Split(name, inputs, targets, examples)


def streamed(name: str, source: Iterable[Any], batches: list[Any], reading: Reading, notes: list[str]) -> Split:
    """Batches that stay batches: kept where there is room for them, else read again at each pass."""
    size = sum(t.numel() * t.element_size() for batch in batches for t in tensors_of(batch))
    fits = size <= reading.limit
    if not fits and isinstance(source, Iterator):
        raise ProblemError(
            f"The {name} data take more than {reading.limit / 2**30:.3g} GiB of memory.",
            remedy="Give max_examples, or a DataLoader, which can be read again at each pass.",
        )
    why = "are not all of one shape" if fits else f"take more than {reading.limit / 2**30:.3g} GiB"
    notes.append(f"The {name} data {why}: they go through the network in the loader's own batches.")
    kept = Stream(batches if fits else source, reading.most, reading.whole)
    return Split(name, kept, None, sum(length_of(batch) for batch in kept))


@dataclass(frozen=True)
class Mapped:
    """The same batches, arrays as tensors."""

    batches: Iterable[Any]

    def __iter__(self) -> Iterator[Any]:
        return (map_arrays(batch) for batch in self.batches)


@dataclass(frozen=True)
class Stream:
    """Batches as (inputs, targets), or whole ones, the same at each pass; at most `most` examples."""

    batches: Iterable[Any]
    most: int
    whole: bool

    def __iter__(self) -> Iterator[Any]:
        with kept_generators(self.batches):
            for batch in Batches(Mapped(self.batches), self.most):
                yield batch if self.whole else separate(batch)

    def limited(self, limit: int) -> Stream:
        return replace(self, most=limit)


def few(split: Split, count: int) -> Any:
    """The first examples of batches that a network takes whole."""
    batch = next(iter(split.inputs)) if split.streams else split.inputs
    return cut(batch, 0, count, length_of(batch))


def first_examples(split: Split, count: int) -> tuple[Any, Any]:
    """Inputs and targets of a few examples; of data that stream, of their first batch."""
    if split.streams:
        inputs, targets = next(iter(split.inputs))
        examples = length_of(inputs)
    else:
        inputs, targets, examples = split.inputs, split.targets, split.examples
    return cut(inputs, 0, count, examples), None if targets is None else cut(targets, 0, count, examples)
