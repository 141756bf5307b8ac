"""What a Hugging Face folder says of itself: config.json and what lies beside it, read as plain JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from landscape_gui.errors import ProblemError

CONFIG = "config.json"
LARGEST = 16 << 20
"""Bytes of a configuration: the names of 21,000 classes are about one million."""
MOST = 100_000_000
"""Largest whole number in a configuration: vocabularies and positions stay far below, and lists of so many take no long time."""
COUNTED = 1_000_000
"""Largest number of layers, heads, labels and the like."""
COUNTS = ("layer", "head", "label", "expert", "depth", "block", "stage", "channel")
LEFT_OUT = frozenset(
    {
        *("auto_map", "architectures", "transformers_version", "dtype", "torch_dtype", "quantization_config", "torchscript"),
        *("output_attentions", "output_hidden_states", "output_router_logits", "return_dict", "use_return_dict", "use_cache"),
        *("attn_implementation", "experts_implementation", "use_kernels", "gradient_checkpointing", "pruned_heads"),
        *("name_or_path", "distributed_config", "problem_type"),
    }
)
"""Entries that do not decide what the network computes here, or that would fetch or run something."""


@dataclass(frozen=True)
class Folder:
    """A folder with a config.json of transformers. content: of the file, as it stands."""

    path: Path
    content: Mapping[str, Any]

    @property
    def model_type(self) -> str:
        return _text(self.content.get("model_type"))

    @property
    def architecture(self) -> str:
        """The name of the network's class; "" where there is none."""
        named = self.content.get("architectures")
        return _text(named[0]) if isinstance(named, list) and named else ""

    @property
    def written_by(self) -> str:
        """The version of transformers that wrote it, or ""."""
        return _text(self.content.get("transformers_version"))

    @property
    def auto_map(self) -> dict[str, str]:
        """What config.json takes from code of its own: entry -> "module.Class", of several the first."""
        entries = self.content.get("auto_map")
        named = entries.items() if isinstance(entries, Mapping) else ()
        first = {key: next(iter(value), None) if isinstance(value, list) else value for key, value in named}
        return {key: value for key, value in first.items() if isinstance(value, str) and value}

    @property
    def code(self) -> str:
        """The file of the folder's own code that config.json names, or ""."""
        named = next(iter(self.auto_map.values()), "")
        return f"{named.rpartition('--')[2].partition('.')[0]}.py" if named else ""

    @cached_property
    def config(self) -> dict[str, Any]:
        """What decides what the network computes. Raises ProblemError where a number is beyond all measure."""
        return dict(self._cleaned(self.content, CONFIG))

    @property
    def class_numbers(self) -> dict[str, int]:
        """The network's own number of each class by name; empty where it only calls them LABEL_0, LABEL_1, ..."""
        names = self.content.get("id2label")
        if not isinstance(names, Mapping):
            return {}
        found = {str(name): int(i) for i, name in names.items() if str(i).isdecimal()}
        return {} if all(name == f"LABEL_{i}" for name, i in found.items()) else found

    @property
    def preprocessor(self) -> Mapping[str, Any]:
        """preprocessor_config.json, empty where there is none."""
        place = self.path / "preprocessor_config.json"
        found = read_json(place) if place.is_file() else {}
        return found if isinstance(found, Mapping) else {}

    def check_plain(self) -> None:
        """Raise ProblemError where the weights are stored in a quantised form."""
        said = self.content.get("quantization_config")
        if said:
            method = _text(said.get("quant_method")) if isinstance(said, Mapping) else ""
            raise ProblemError(
                f"{self.path} holds quantised weights{f' ({method})' if method else ''}, which have no derivatives.",
                remedy="Save the network dequantised: model.dequantize().save_pretrained(FOLDER).",
            )

    def _cleaned(self, value: Any, where: str) -> Any:
        if isinstance(value, Mapping):
            kept = {k: v for k, v in value.items() if k not in LEFT_OUT and not k.startswith("_")}
            return {key: self._cleaned(v, key) for key, v in kept.items()}
        if isinstance(value, list):
            return [self._cleaned(v, f"list {where}") for v in value]
        if isinstance(value, int) and not isinstance(value, bool):
            counts = where.startswith("list ") or any(word in where for word in COUNTS)
            if abs(value) > (COUNTED if counts else MOST):
                raise ProblemError(f"In {self.path / CONFIG}, {where} is {value:,}: no network has that.")
        return value


def find_folder(place: Path) -> Folder | None:
    """The folder of a checkpoint (a file in it, or itself), or of a config.json; None where its config.json is of something else.

    Raises ProblemError where it cannot be read.
    """
    path = place if place.is_dir() else place.parent
    if not (path / CONFIG).is_file():
        return None
    content = read_json(path / CONFIG)
    ours = isinstance(content, dict) and (
        isinstance(content.get("model_type"), str) or isinstance(content.get("architectures"), list) or "auto_map" in content
    )
    return Folder(path, content) if ours else None


def read_json(path: Path) -> Any:
    """A small JSON file's content. Raises ProblemError."""
    try:
        if path.stat().st_size > LARGEST:
            raise ProblemError(f"{path} has {path.stat().st_size:,} bytes; {LARGEST:,} is the most that is read.")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProblemError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ProblemError(f"{path} is no JSON: {str(error)[:200]}.", remedy="Was it downloaded whole?") from error


def numbers_in(config: Mapping[str, Any], *names: str) -> Iterator[int]:
    """The whole numbers above zero among these entries of a configuration, or of its text_config."""
    inner = config.get("text_config")
    for content in (config, inner if isinstance(inner, Mapping) else {}):
        for name in names:
            value = content.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                yield value


def _text(value: Any) -> str:
    return value[:200] if isinstance(value, str) else ""
