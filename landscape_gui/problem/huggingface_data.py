"""Data as a transformers network takes them: tokens in blocks, labelled texts, images by class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from landscape_gui.core.splits import Split
from landscape_gui.errors import ProblemError
from landscape_gui.problem.dataset import Data, digest_of, gather
from landscape_gui.problem.datasets import load_data
from landscape_gui.problem.huggingface_folder import Folder, numbers_in
from landscape_gui.problem.huggingface_images import resize_of, sides_of
from landscape_gui.problem.labelled_texts import LabelledTexts, is_labelled, numbered, read_labelled_texts
from landscape_gui.problem.settings import data_limit
from landscape_gui.problem.texts import BLOCK
from landscape_gui.problem.tokens import NAME, Tokeniser, read_tokeniser

MARKS = frozenset(
    {"roberta", "xlm-roberta", "camembert", "longformer", "mpnet", "xlm-roberta-xl", "data2vec-text", "roberta-prelayernorm"}
)
"""Networks whose positions begin after the token to pad by."""
FEW = 512
"""Tokens of a text at most where the network says nothing."""


def read_tokens(folder: Folder, path: Path, block: int, target: str = "") -> Data:
    """A text or token file in blocks of `block` tokens (0: what the network takes, 128 at most), each token's target the next one.

    Texts become tokens by the folder's tokenizer.json, or bytes where it has no tokeniser. Raises ProblemError.
    """
    places = min(positions(folder), default=0)
    if block and places and block > places:
        raise ProblemError(
            f"Blocks of {block:,} tokens are longer than the network's {places:,} positions.", remedy="Ask for less."
        )
    found = _in_blocks(path, target, block, places, _tokenise(folder))
    vocabulary = next(numbers_in(folder.config, "vocab_size"), 0)
    for split in found.splits:
        check_tokens(path, split, vocabulary, places)
    return replace(found, about={**found.about, **_tokeniser(folder)}) if found.about.get("kind") == "tokens" else found


def _in_blocks(path: Path, target: str, block: int, places: int, tokenise: Any) -> Data:
    """As `load_data`; where no block is asked for and the network has few places, blocks are as long as those, unless data are
    no text."""
    if block or not 0 < places < BLOCK:
        return load_data(path, target=target, block=block, tokenise=tokenise)
    try:
        return load_data(path, target=target, block=places, tokenise=tokenise)
    except ProblemError:
        return load_data(path, target=target, tokenise=tokenise)


def read_classified(folder: Folder, path: Path, target: str = "") -> Data:
    """A table (CSV, TSV, Parquet, Arrow) of texts and labels, or a folder of them by split, as padded token ids with masks.

    Anything else is taken for arrays of token ids and labels. Raises ProblemError.
    """
    if not path.exists():
        raise ProblemError(f"The data {path} are not there.", remedy="Give their path in the card (data.file) or with --data.")
    if not is_labelled(path):
        return load_data(path, target=target)
    tokeniser = read_tokeniser(folder.path)
    if tokeniser is None:
        raise ProblemError(
            f"{folder.path} has no {NAME}, so that the texts of {path} cannot become tokens.",
            remedy="Save the tokeniser there: AutoTokenizer.from_pretrained(NAME).save_pretrained(FOLDER).",
        )
    tables = read_labelled_texts(path, data_limit(), target)
    classes = {split: table.labels for split, table in tables.items()}
    numbers, notes = numbered(classes, folder.class_numbers)
    check_classes(path, max(max(column) for column in numbers.values()), folder)
    made = {split: (_padded(folder, tokeniser, table), torch.tensor(numbers[split])) for split, table in tables.items()}
    first = next(iter(tables.values()))
    about = {"path": str(path), "kind": "labelled texts", "columns": list(first.columns), "classes": class_names(folder)}
    about |= _tokeniser(folder)
    data = gather(made, whole_batches=False, limit=data_limit(), about=about)
    lengths = max(inputs["input_ids"].shape[1] for inputs, _ in made.values())
    return replace(data, notes=(*notes, f"Texts are {lengths} tokens at most, padded behind.", *data.notes))


def read_pictures(folder: Folder, path: Path, normalise: Any, size: Any, resize: Any = None, target: str = "") -> Data:
    """Images by class at the network's size, scaled, cropped and normalised as preprocessor_config.json says where nothing else is
    asked for, classes numbered as config.json does where it names them all. Raises ProblemError."""
    notes: list[str] = []
    said = folder.preprocessor
    if normalise is None and said.get("do_normalize", True) and {"image_mean", "image_std"} <= said.keys():
        normalise = {"mean": said["image_mean"], "std": said["image_std"]}
        notes.append("Normalised as preprocessor_config.json says.")
    own = sides_of(folder)
    asked = own if size is None else size
    if not resize and own is not None and asked in (own, own[0], list(own)) and (resize := resize_of(folder)):
        notes.append("Images are resized as preprocessor_config.json says.")
    data = load_data(path, normalise=normalise, size=asked, resize=resize, target=target)
    splits, more = _renumbered(data, folder)
    for split in splits:
        if isinstance(split.targets, Tensor) and not split.targets.is_floating_point():
            check_classes(path, int(split.targets.max()), folder)
    return Data(splits, digest_of(splits) if more else data.digest, data.about, (*data.notes, *notes, *more))


def positions(folder: Folder) -> list[int]:
    """How many positions a configuration says that there are, by any of its names."""
    return list(numbers_in(folder.config, "n_positions", "max_position_embeddings", "n_ctx", "max_seq_len"))


def check_tokens(path: Path, split: Split, vocabulary: int, places: int) -> None:
    """Raise ProblemError where inputs are no token ids of the network's vocabulary and length."""
    ids = split.inputs
    if not isinstance(ids, Tensor) or ids.is_floating_point() or ids.dim() != 2:
        raise ProblemError(f"{path} holds no tokens.", remedy="Give a text (.txt), or token ids (.npy, .bin).")
    largest = max(int(ids.max()), int(split.targets.max()) if isinstance(split.targets, Tensor) else 0)
    if vocabulary and largest >= vocabulary:
        raise ProblemError(
            f"{path} has the token {largest:,}; the network's vocabulary is 0 to {vocabulary - 1:,}.",
            remedy="Give a text cut by the network's own tokeniser (tokenizer.json in its folder), or its token ids.",
        )
    if places and ids.shape[1] > places:
        raise ProblemError(f"{path} has examples of {ids.shape[1]:,} tokens; the network has {places:,} positions.")


def check_classes(path: Path, largest: int, folder: Folder) -> None:
    """Raise ProblemError where a class number is none of the network's."""
    names = folder.content.get("id2label")
    count = len(names) if isinstance(names, Mapping) and names else next(numbers_in(folder.config, "num_labels"), 0)
    if count > 1 and largest >= count:
        raise ProblemError(f"{path} has a class numbered {largest}; the network tells {count} classes apart, 0 to {count - 1}.")


def class_names(folder: Folder) -> list[str]:
    """The network's classes in the order of their numbers; empty where it does not name them."""
    return [name for name, _ in sorted(folder.class_numbers.items(), key=lambda pair: pair[1])][:1000]


def _tokenise(folder: Folder) -> Any:
    """Text to ids, the tokeniser read when the first text is; None where the folder has none: then bytes are tokens."""
    if not (folder.path / NAME).is_file():
        try:
            read_tokeniser(folder.path)
        except ProblemError as error:
            return _refusing(error)
        return None
    return lambda text: _existing(folder).ids(text)


def _tokeniser(folder: Folder) -> dict[str, str]:
    """Where the tokeniser is, for those who show tokens."""
    return {"tokeniser": str(folder.path / NAME)} if (folder.path / NAME).is_file() else {}


def _existing(folder: Folder) -> Tokeniser:
    found = read_tokeniser(folder.path)
    assert found is not None
    return found


def _refusing(error: ProblemError) -> Any:
    def refuse(_text: str) -> list[int]:
        raise error

    return refuse


def _padded(folder: Folder, tokeniser: Tokeniser, table: LabelledTexts) -> dict[str, Tensor]:
    """Token ids and attention mask, (texts, longest) int64 each."""
    config = folder.config
    pad = config.get("pad_token_id")
    ending = config.get("eos_token_id")
    filler = pad if isinstance(pad, int) else ending if isinstance(ending, int) else 0
    most = min(positions(folder), default=FEW) - (filler + 1 if folder.model_type in MARKS else 0)
    rows = tokeniser.rows(table.texts, max(1, most))
    if not all(rows):
        raise ProblemError(f"Text {rows.index([]) + 1:,} has no tokens.", remedy="Leave out empty texts.")
    longest = max(map(len, rows))
    ids = torch.full((len(rows), longest), filler)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    vocabulary = next(numbers_in(config, "vocab_size"), 0)
    if vocabulary and int(ids.max()) >= vocabulary:
        raise ProblemError(
            f"{tokeniser.path} gives the token {int(ids.max()):,}; the network's vocabulary is 0 to {vocabulary - 1:,}."
        )
    return {"input_ids": ids, "attention_mask": mask}


def _renumbered(data: Data, folder: Folder) -> tuple[tuple[Split, ...], tuple[str, ...]]:
    """Targets under the network's own class numbers where it names every class of the data."""
    names, own = data.about.get("classes") or [], {name.casefold(): i for name, i in folder.class_numbers.items()}
    if data.about.get("kind") != "images" or not names or not own:
        return data.splits, ()
    if not all(str(name).casefold() in own for name in names):
        return data.splits, ("Classes are numbered in the order of their folders' names; config.json calls them otherwise.",)
    table = torch.tensor([own[str(name).casefold()] for name in names])
    return tuple(replace(split, targets=table[split.targets]) for split in data.splits), (
        "Classes are numbered as config.json does.",
    )
