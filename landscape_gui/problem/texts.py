"""Text and token files for language models: bytes or token ids in blocks, the target of each token the next one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from landscape_gui.errors import ProblemError
from landscape_gui.problem.raw import Raw, Reading, Tokenise, check_size, in_order, read_whole, split_of

BLOCK = 128
"""Tokens in one example where neither the person nor the network says."""
SUFFIXES = frozenset({".txt", ".text", ".md", ".tokens"})
TOKEN_BYTES = 16
"""Of one token as input and as target."""


def read_texts(path: Path, reading: Reading) -> Raw:
    """A text file, a file of 16-bit token ids (.bin), or a folder of them by split (train.txt, val.bin)."""
    files = [path] if path.is_file() else text_files(path)
    splits, notes = {}, []
    block = 0
    for file in files:
        name = split_of(file.name) if len(files) > 1 else split_of(file.stem)
        if name in splits:
            raise ProblemError(f"{path} has two files for the split {name}: {file.name} is the second.", remedy="Give one of them.")
        ids, note = _ids(file, reading)
        block, splits[name], more = blocks_of(file, ids, reading)
        notes += [note, *more]
    kind = "tokens" if files[0].suffix.lower() == ".bin" or reading.tokenise else "bytes"
    return Raw({name: splits[name] for name in in_order(splits)}, {"kind": kind, "block": block}, tuple(dict.fromkeys(notes)))


def text_files(folder: Path) -> list[Path]:
    """The text and token files of a folder; of several, those that are called after a split."""
    files = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in (*SUFFIXES, ".bin") and p.is_file()]
    named = [p for p in files if split_of(p.stem, "")]
    return named or (files if len(files) == 1 else [])


def blocks_of(path: Path, ids: Tensor, reading: Reading) -> tuple[int, tuple[Tensor, Tensor], tuple[str, ...]]:
    """Token ids (n,) as (block, (inputs, targets), notes): both (blocks, block) int64; what does not fill a block is left out."""
    check_size(path, ids.numel() * TOKEN_BYTES, reading.limit)
    count = ids.numel() - 1
    if count < 1:
        raise ProblemError(f"{path} has {ids.numel()} tokens; at least 2 are needed to predict one.")
    block = min(reading.block or BLOCK, count)
    blocks = count // block
    whole = ids[: blocks * block + 1].long()
    left = count - blocks * block
    notes = [f"{blocks:,} blocks of {block} tokens; the target of each token is the next one."]
    notes += [f"The last {left} tokens of {path.name} do not fill a block and are left out."] if left else []
    return block, (whole[:-1].view(blocks, block).clone(), whole[1:].view(blocks, block).clone()), tuple(notes)


def _ids(file: Path, reading: Reading) -> tuple[Tensor, str]:
    content = read_whole(file, reading.limit)
    if file.suffix.lower() == ".bin":
        if len(content) % 2:
            raise ProblemError(
                f"{file} has {len(content):,} bytes, an odd number, so it holds no 16-bit token ids.",
                remedy="Save token ids as an array of whole numbers (.npy).",
            )
        return torch.from_numpy(np.frombuffer(content, "<u2").astype(np.int64)), f"{file.name} was read as 16-bit token ids."
    if reading.tokenise is not None:
        return torch.tensor(
            list(reading.tokenise(_text(file, content))), dtype=torch.int64
        ), "The text was cut into the network's tokens."
    return torch.from_numpy(np.frombuffer(content, np.uint8).astype(np.int64)), "Each byte of the text is a token, 0 to 255."


def _text(file: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProblemError(f"{file} is no UTF-8 text: byte {error.start:,} is {content[error.start]:#04x}.") from error


__all__ = ["BLOCK", "SUFFIXES", "Tokenise", "blocks_of", "read_texts", "text_files"]
