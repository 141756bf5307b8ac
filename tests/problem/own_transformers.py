"""A small language model whose code lies in its own folder, as those on the Hugging Face hub do: three files, relative imports."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from small_transformers import PLACES, VOCABULARY, edit, library
from torch import nn

CONFIGURATION = f"""
from transformers import PretrainedConfig

class TinyConfig(PretrainedConfig):
    model_type = "tiny_own"

    def __init__(self, vocab_size={VOCABULARY}, width=16, max_position_embeddings={PLACES}, **kwargs):
        self.vocab_size, self.width, self.max_position_embeddings = vocab_size, width, max_position_embeddings
        super().__init__(**{{"tie_word_embeddings": True, **kwargs}})
"""

ATTENTION = """
import torch
from torch import nn

class Attention(nn.Module):
    def __init__(self, width, places):
        super().__init__()
        self.mixed, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.register_buffer("mask", torch.tril(torch.ones(places, places, dtype=torch.bool)), persistent=False)

    def forward(self, x):
        q, k, v = self.mixed(x).chunk(3, -1)
        scores = (q @ k.transpose(-1, -2)) / q.shape[-1] ** 0.5
        scores = scores.masked_fill(~self.mask[: x.shape[1], : x.shape[1]], float("-inf"))
        return self.out(scores.softmax(-1) @ v)
"""

MODELING = """
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

from .configuration_tiny import TinyConfig
from .layers.attention import Attention

class TinyForCausalLM(PreTrainedModel):
    config_class = TinyConfig
    _tied_weights_keys = {"head.weight": "tokens.weight"}

    def __init__(self, config):
        super().__init__(config)
        self.tokens = nn.Embedding(config.vocab_size, config.width)
        self.places = nn.Embedding(config.max_position_embeddings, config.width)
        self.attention = Attention(config.width, config.max_position_embeddings)
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.vocab_size, bias=False)
        self.post_init()

    def get_input_embeddings(self):
        return self.tokens

    def get_output_embeddings(self):
        return self.head

    def forward(self, input_ids, labels=None, **kwargs):
        x = self.tokens(input_ids) + self.places.weight[: input_ids.shape[1]]
        logits = self.head(self.norm(x + self.attention(x)))
        loss = None
        if labels is not None:
            loss = nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        return CausalLMOutput(loss=loss, logits=logits)

AutoConfig.register("tiny_own", TinyConfig)
AutoModelForCausalLM.register(TinyConfig, TinyForCausalLM)
"""

FILES = {"configuration_tiny.py": CONFIGURATION, "modeling_tiny.py": MODELING, "layers/attention.py": ATTENTION}
AUTO_MAP = {"AutoConfig": "configuration_tiny.TinyConfig", "AutoModelForCausalLM": "modeling_tiny.TinyForCausalLM"}


@contextmanager
def imported(folder: Path) -> Iterator[Any]:
    """The modelling file as Python itself imports it: the folder is a package on the path."""
    registers = [library().CONFIG_MAPPING, library().MODEL_FOR_CAUSAL_LM_MAPPING]
    before = [dict(each._extra_content) for each in registers]
    sys.path.insert(0, str(folder.parent))
    importlib.invalidate_caches()
    try:
        yield importlib.import_module(f"{folder.name}.modeling_tiny")
    finally:
        sys.path.remove(str(folder.parent))
        for name in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
            del sys.modules[name]
        for register, content in zip(registers, before, strict=True):
            register._extra_content = content


def write_code(folder: Path) -> None:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def own_network(folder: Path, *, seed: int = 0) -> Path:
    """A folder of random weights, config.json and code, as save_pretrained leaves it. Its name is that of a package."""
    write_code(folder)
    with imported(folder) as code, torch.random.fork_rng():
        torch.manual_seed(seed)
        module: nn.Module = code.TinyForCausalLM(code.TinyConfig())
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.mul_(3).add_(0.05 * torch.randn_like(parameter))
        module.save_pretrained(folder)  # type: ignore[operator]
    return edit(folder, auto_map=AUTO_MAP)
