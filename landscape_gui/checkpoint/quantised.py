"""Weights that were quantised: told by the names of what lies beside them, or by the class of a pickled module."""

from __future__ import annotations

import re
from collections.abc import Mapping

REMEDY = "Open the checkpoint from before it was quantised."
_CLASS = re.compile(r"(?:^|\.)(?:quantized|bitsandbytes|torchao|awq|auto_gptq|gptqmodel|hqq|quanto)\.")
_BESIDE = (
    ("qweight", "GPTQ or AWQ"),
    ("qzeros", "GPTQ or AWQ"),
    ("_packed_params", "by torch.ao"),
    ("SCB", "to 8 bits by bitsandbytes"),
    ("weight.absmax", "to 4 bits by bitsandbytes"),
    ("weight.quant_map", "to 4 bits by bitsandbytes"),
    ("weight_packed", "by compressed-tensors"),
    ("W_q", "by HQQ"),
)
_SCALES = ("_scale_inv", "_scale", ".scale_weight", ".weight_scale", ".scales")
_SMALL = ("float8", "int8", "uint8")


def quantised_class(name: str) -> bool:
    """Whether the class of this dotted name keeps quantised weights in place of a layer's own."""
    return bool(_CLASS.search(name))


def quantised_among(dtypes: Mapping[str, str]) -> tuple[str, str] | None:
    """A tensor that is quantised and how, from the dtypes by name; None where none is.

    Small numbers count only with their scales beside them: 8-bit floats without are read as they are.
    """
    for name in dtypes:
        for ending, how in _BESIDE:
            if name == ending or name.endswith("." + ending) or f".{ending}." in f".{name}":
                return name, how
    for name, dtype in dtypes.items():
        if dtype.startswith(_SMALL) and any(name + scale in dtypes for scale in _SCALES):
            return name, f"{dtype} with scales beside it"
    return None
