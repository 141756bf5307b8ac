"""How torch is set before anything is computed, and how randomness of others' code is kept from the caller's."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from landscape_gui.errors import ProblemError

DATA_LIMIT = 4 << 30
"""So many bytes of data are kept as tensors; what is larger streams from its DataLoader. LANDSCAPE_GUI_DATA_LIMIT overrides."""


def prepare_torch(threads: int) -> None:
    """The math attention kernel, no fast path of multi-head attention, so many threads: forward-mode derivatives and equal bits
    ask for them. Applies to the whole process; the global seeds stay as they are."""
    torch.set_num_threads(max(1, threads))
    torch.backends.mha.set_fastpath_enabled(False)
    for kernel in ("flash", "mem_efficient", "cudnn"):
        enable = getattr(torch.backends.cuda, f"enable_{kernel}_sdp", None)
        if enable is not None:
            enable(False)
    torch.backends.cuda.enable_math_sdp(True)


def check_default_type() -> None:
    """Raises ProblemError where networks would be built in another type than that of the files they come from."""
    kind = torch.get_default_dtype()
    if kind is not torch.float32:
        raise ProblemError(
            f"torch's default type is {str(kind).removeprefix('torch.')} here, and networks are built in float32.",
            remedy="Call torch.set_default_dtype(torch.float32) first; questions have precision='float64' for double arithmetic.",
        )


def data_limit() -> int:
    """How many bytes of data are kept in memory at most."""
    text = os.environ.get("LANDSCAPE_GUI_DATA_LIMIT", "")
    return int(text) if text.isdigit() else DATA_LIMIT


def choose_device(name: str) -> torch.device:
    """The device called "auto" (a GPU where there is one), "cpu", "cuda" or "cuda:1". Raises ProblemError where it is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ProblemError(f"There is no device called {name!r}.", remedy="Choose auto, cpu or cuda.") from error
    if device.type == "mps":
        raise ProblemError("mps has no float64, in which losses are summed.", remedy="Choose the device cpu, or auto.")
    if device.type not in ("cpu", "cuda"):
        raise ProblemError(f"There is no device called {name!r} here.", remedy="Choose auto, cpu or cuda.")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ProblemError("This torch finds no CUDA device.", remedy="Choose the device cpu, or auto.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise ProblemError(
            f"There is no {name}: this torch finds {count}, from cuda:0 on.", remedy="Choose one of those, cpu or auto."
        )
    return device


@contextmanager
def own_randomness(seed: int = 0) -> Iterator[None]:
    """Inside, torch's, NumPy's and Python's global generators start from `seed`; afterwards they are as they were before.

    CUDA's too where CUDA is in use; else its seed stays for when it is: `torch.manual_seed` would set it for then."""
    python, numpy = random.getstate(), np.random.get_state()
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        if devices:
            torch.cuda.manual_seed_all(seed)
        np.random.seed(seed)
        random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(numpy)
            random.setstate(python)
