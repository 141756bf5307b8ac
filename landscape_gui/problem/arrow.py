"""Parquet and Arrow files, and folders that the `datasets` library saved. Needs pyarrow, which is an extra."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape_gui.errors import ProblemError
from landscape_gui.problem.extras import bring
from landscape_gui.problem.framing import Framing
from landscape_gui.problem.images import Pixels, decode
from landscape_gui.problem.raw import Raw, Reading, check_size, in_order, read_whole, split_of
from landscape_gui.problem.tables import Table, columns_as_data
from landscape_gui.problem.texts import blocks_of

SUFFIXES = frozenset({".parquet", ".arrow", ".feather"})
IDS = "input_ids"
LABELS = ("label", "labels", "fine_label", "target", "class", "y")
TEXT = "text"


def is_arrow(path: Path) -> bool:
    """Whether it is such a file, a folder with files of that kind by split, or one that `datasets` saved."""
    if path.is_dir():
        return any((path / name).is_file() for name in ("dataset_dict.json", "state.json")) or bool(_parts(path))
    return path.suffix.lower() in SUFFIXES


def read_arrow(path: Path, reading: Reading) -> Raw:
    """Columns of images with labels, of token ids, of texts, or of numbers (as in a CSV). Raises ProblemError, also where pyarrow
    is missing, with the command that installs it."""
    arrow = pyarrow(path)
    return _as_data(arrow, path, tables_of(arrow, path, reading.limit), reading)


def tables_of(arrow: Any, path: Path, limit: int) -> dict[str, Any]:
    """Every split's table, of pyarrow's class. Raises ProblemError."""
    files = _files(path)
    check_size(path, sum(f.stat().st_size for part in files.values() for f in part), limit)
    tables = {}
    for split, part in files.items():
        pieces = [_read(arrow, file, limit) for file in part]
        tables[split] = arrow.concat_tables(pieces) if len(pieces) > 1 else pieces[0]
    return tables


def pyarrow(path: Path) -> Any:
    """The library. Raises ProblemError with the command that installs it."""
    arrow = bring("pyarrow", "hf", str(path))
    for part in ("pyarrow.ipc", "pyarrow.parquet"):
        bring(part, "hf", str(path))
    return arrow


def _files(path: Path) -> dict[str, list[Path]]:
    if path.is_file():
        return {split_of(path.stem): [path]}
    if (path / "dataset_dict.json").is_file():
        names = _json(path / "dataset_dict.json").get("splits", [])
        inside = [n for n in names if isinstance(n, str) and _plain(n)]
        return {split_of(name, name): _saved(path / name) for name in in_order(inside)}
    if (path / "state.json").is_file():
        return {"data": _saved(path)}
    return _parts(path)


def _saved(folder: Path) -> list[Path]:
    """The files that state.json names; names that lead out of the folder are refused."""
    entries = _json(folder / "state.json").get("_data_files", [])
    names = [e.get("filename") for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
    wrong = next((n for n in names if not isinstance(n, str) or not _plain(n) or not (folder / n).is_file()), None)
    if wrong is not None or not names:
        raise ProblemError(
            f"{folder / 'state.json'} names {str(wrong)[:80]!r}, which is no file beside it.", remedy="Save the data set again."
        )
    return [folder / str(n) for n in names]


def _parts(folder: Path) -> dict[str, list[Path]]:
    """train-00000-of-00002.parquet and the like, in the folder or in its data/."""
    for place in (folder, folder / "data"):
        found: dict[str, list[Path]] = {}
        for file in sorted(place.iterdir()) if place.is_dir() else ():
            if file.suffix.lower() in SUFFIXES and file.is_file():
                found.setdefault(split_of(file.stem), []).append(file)
        if found:
            return {split: found[split] for split in in_order(found)}
    return {}


def _plain(name: str) -> bool:
    return name not in ("", ".", "..") and "/" not in name and "\\" not in name and "\0" not in name


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_whole(path, 16 << 20))
    except (ValueError, RecursionError, OSError) as error:
        raise ProblemError(f"{path} is no readable JSON: {error}.", remedy="Save the data set again.") from error
    return content if isinstance(content, dict) else {}


def _read(arrow: Any, file: Path, limit: int) -> Any:
    """The file's table, every offset in it checked: pyarrow itself believes them and would read outside of memory."""
    try:
        table = _unchecked(arrow, file, limit)
        table.validate(full=True)
        return table
    except (arrow.ArrowException, OSError, ValueError) as error:
        words = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ProblemError(f"{file} cannot be read: {words}.", remedy="Download or save it again.") from error


def _unchecked(arrow: Any, file: Path, limit: int) -> Any:
    if file.suffix.lower() == ".parquet":
        parquet = arrow.parquet.ParquetFile(file)
        groups = range(parquet.metadata.num_row_groups)
        check_size(file, sum(parquet.metadata.row_group(i).total_byte_size for i in groups), limit, "unpacked")
        return parquet.read()
    content = arrow.py_buffer(read_whole(file, limit))
    head = content.slice(0, 6).to_pybytes()
    return (arrow.ipc.open_file if head == b"ARROW1" else arrow.ipc.open_stream)(content).read_all()


def _as_data(arrow: Any, path: Path, tables: Mapping[str, Any], reading: Reading) -> Raw:
    first = next(iter(tables.values()))
    names = list(first.column_names)
    if IDS in names:
        return _tokens(path, tables)
    image = next((n for n in names if _is_image(arrow, first.schema.field(n).type)), None)
    name, _, kind = reading.target.partition(":")
    if image is not None:
        return _images(path, tables, image, name or next((n for n in LABELS if n in names), ""), reading)
    if TEXT in names and not any(n in names for n in LABELS):
        return _text(path, tables, reading)
    made = {
        split: Table(f"{path}, split {split}", {n: _column(arrow, path, n, t[n]) for n in names}) for split, t in tables.items()
    }
    return columns_as_data(path, made, name, kind, "arrow")


def _is_image(arrow: Any, kind: Any) -> bool:
    return bool(arrow.types.is_struct(kind)) and kind.get_field_index("bytes") >= 0


def _column(arrow: Any, path: Path, name: str, column: Any) -> Any:
    kind = column.type
    if column.null_count:
        raise ProblemError(
            f"{path}, column {name!r} has {column.null_count:,} empty values.", remedy="Fill or leave out those rows."
        )
    if arrow.types.is_integer(kind) or arrow.types.is_floating(kind) or arrow.types.is_boolean(kind):
        return np.asarray(column.to_numpy(), dtype=np.float64)
    if arrow.types.is_string(kind) or arrow.types.is_large_string(kind) or arrow.types.is_dictionary(kind):
        return [str(v) for v in column.to_pylist()]
    raise ProblemError(f"{path}, column {name!r} holds {kind}, which is neither numbers nor words.", remedy="Leave the column out.")


def _tokens(path: Path, tables: Mapping[str, Any]) -> Raw:
    """Rows of token ids, all of one length; the target is the column labels, or the next token."""
    splits = {}
    for split, table in tables.items():
        ids = _ids(path, IDS, table[IDS])
        own = "labels" in table.column_names
        splits[split] = (ids, _ids(path, "labels", table["labels"])) if own else (ids[:, :-1], ids[:, 1:])
    length = next(iter(splits.values()))[0].shape[1]
    note = f"Each row's {IDS} are {length} tokens" + (
        "; the targets are its labels." if own else "; the target of each is the next one."
    )
    return Raw(splits, {"kind": "tokens", "block": length}, (note,))


def _ids(path: Path, name: str, column: Any) -> Tensor:
    rows = column.to_pylist()
    lengths = {len(row) if isinstance(row, list) else -1 for row in rows}
    if len(lengths) != 1 or min(lengths) < 0:
        raise ProblemError(f"{path}, column {name!r} has rows of unequal length.", remedy="Cut or fill them to one length.")
    return torch.tensor(rows, dtype=torch.int64)


def _text(path: Path, tables: Mapping[str, Any], reading: Reading) -> Raw:
    """Texts one after the other, as one text a split."""
    splits: dict[str, tuple[Tensor, Tensor]] = {}
    notes: tuple[str, ...] = ()
    block = 0
    for split, table in tables.items():
        whole = "\n\n".join(str(v) for v in table[TEXT].to_pylist() if v)
        if reading.tokenise is not None:
            ids = torch.tensor(list(reading.tokenise(whole)), dtype=torch.int64)
        else:
            ids = torch.from_numpy(np.frombuffer(whole.encode(), np.uint8).astype(np.int64))
        block, splits[split], notes = blocks_of(path, ids, reading)
    said = "The texts, an empty line between two of them, are " + (
        "the network's tokens." if reading.tokenise else "bytes, 0 to 255."
    )
    return Raw(splits, {"kind": "tokens" if reading.tokenise else "bytes", "block": block}, (said, *notes))


def _images(path: Path, tables: Mapping[str, Any], image: str, label: str, reading: Reading) -> Raw:
    first = next(iter(tables.values()))
    if label not in first.column_names:
        raise ProblemError(
            f"{path} has no column of labels beside {image!r}.", remedy=f"Its columns are {', '.join(first.column_names)}."
        )
    splits: dict[str, tuple[Tensor, Tensor]] = {}
    channels = None
    for split, table in tables.items():
        where = f"{path}, split {split}"
        pixels = _pictures(where, table[image].to_pylist(), reading.framing, channels, reading.limit)
        channels = pixels.shape[1]
        numbers = table[label].to_pylist()
        if not all(type(n) is int for n in numbers):
            raise ProblemError(f"{where}, column {label!r} holds labels that are no class numbers.")
        splits[split] = (torch.from_numpy(pixels), torch.tensor(numbers, dtype=torch.int64))
    notes = (f"Pictures are the column {image!r}, labels {label!r}.",)
    return Raw(splits, {"kind": "images", "classes": _class_names(first, label)}, notes)


def _pictures(where: str, cells: Sequence[Any], framing: Framing | None, channels: int | None, limit: int) -> Pixels:
    """(n, channels, height, width) uint8; of the size of the first where they are left as they are."""
    made: list[Pixels] = []
    for i, cell in enumerate(cells, 1):
        content = cell.get("bytes") if isinstance(cell, dict) else None
        if not content:
            remedy = "Save the data set with its files embedded."
            raise ProblemError(f"{where}, row {i} has no picture in it, only its name.", remedy=remedy)
        one = decode(f"{where}, row {i}", io.BytesIO(content), framing, channels)
        if made and one.shape[1:] != made[0].shape[1:]:
            sides, first = one.shape[:0:-1], made[0].shape[:0:-1]
            raise ProblemError(
                f"{where}, row {i} is {sides[0]} x {sides[1]}, the first {first[0]} x {first[1]}.",
                remedy="Give a size to scale all to.",
            )
        check_size(Path(where), one.size * 4 * len(cells), limit)
        made.append(one)
        channels = one.shape[0]
    return np.stack(made) if made else np.zeros((0, 1, 1, 1), np.uint8)


def _class_names(table: Any, label: str) -> Sequence[str]:
    """The names of a ClassLabel, which `datasets` keeps as JSON beside the columns."""
    try:
        features = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        return [str(name)[:80] for name in features[label]["names"]][:1000]
    except (ValueError, KeyError, TypeError):
        return []
