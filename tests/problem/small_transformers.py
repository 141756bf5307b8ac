"""Small networks of the transformers library with random weights, saved as folders; nothing is downloaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

VOCABULARY, PLACES, CLASSES = 40, 16, 3
SIZES = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
ENDS = {"bos_token_id": 1, "eos_token_id": 2}
"""Tokens that the small vocabulary has."""


def library() -> Any:
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers


def gpt2(**options: Any) -> nn.Module:
    t = library()
    sizes = {"n_layer": 2, "n_head": 2, "n_embd": 16, "vocab_size": VOCABULARY, "n_positions": PLACES, **ENDS}
    return t.GPT2LMHeadModel(t.GPT2Config(**{**sizes, **options}))  # type: ignore[no-any-return]


def llama(**options: Any) -> nn.Module:
    t = library()
    sizes = {**SIZES, "num_key_value_heads": 1, "vocab_size": VOCABULARY, "max_position_embeddings": PLACES, **ENDS}
    return t.LlamaForCausalLM(t.LlamaConfig(**{**sizes, **options}))  # type: ignore[no-any-return]


def bert(**options: Any) -> nn.Module:
    t = library()
    sizes = {**SIZES, "vocab_size": VOCABULARY, "max_position_embeddings": PLACES, "num_labels": CLASSES}
    return t.BertForSequenceClassification(t.BertConfig(**{**sizes, **options}))  # type: ignore[no-any-return]


def vit(**options: Any) -> nn.Module:
    t = library()
    sizes = {**SIZES, "image_size": 8, "patch_size": 4, "num_channels": 3, "num_labels": CLASSES}
    return t.ViTForImageClassification(t.ViTConfig(**{**sizes, **options}))  # type: ignore[no-any-return]


def resnet(**options: Any) -> nn.Module:
    t = library()
    sizes = {"embedding_size": 8, "hidden_sizes": [8, 12], "depths": [1, 1], "layer_type": "basic", "num_labels": CLASSES}
    return t.ResNetForImageClassification(t.ResNetConfig(**{**sizes, **options}))  # type: ignore[no-any-return]


def save(make: Callable[..., nn.Module], folder: Path, *, seed: int = 0, scale: float = 3.0, **options: Any) -> Path:
    """The folder. scale: the random weights are made so many times larger, that the loss is not that of equal chances."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = make(**options)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.mul_(scale).add_(0.05 * torch.randn_like(parameter))
    module.save_pretrained(folder)  # type: ignore[operator]
    return folder


def tokens(path: Path, count: int = 20 * PLACES + 1, *, most: int = VOCABULARY, seed: int = 0) -> Path:
    """A file of token ids."""
    drawn = torch.randint(0, most, (count,), generator=torch.Generator().manual_seed(seed))
    path.write_bytes(drawn.numpy().astype("<u2").tobytes())
    return path


def edit(folder: Path, **changes: Any) -> Path:
    """Change entries of config.json; None takes one away."""
    place = folder / "config.json"
    content = {**json.loads(place.read_text()), **changes}
    place.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
    return folder


def tokeniser(folder: Path, words: list[str]) -> Path:
    """A tokenizer.json of whole words, lower case: [UNK] 0, [CLS] 1, [SEP] 2, then the words; classifiers' texts begin with [CLS]
    and end with [SEP]."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    table = {word: i for i, word in enumerate(["[UNK]", "[CLS]", "[SEP]", *words])}
    engine = Tokenizer(models.WordLevel(table, unk_token="[UNK]"))
    engine.normalizer = normalizers.Lowercase()
    engine.pre_tokenizer = pre_tokenizers.Whitespace()
    engine.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair=None, special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    engine.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


def reference(folder: Path, inputs: dict[str, Tensor], labels: Tensor) -> float:
    """transformers' own loss of the labels, in float64, from its own loader."""
    t = library()
    kind = getattr(t, json.loads((folder / "config.json").read_text())["architectures"][0])
    module = kind.from_pretrained(folder, attn_implementation="eager").double().eval()
    with torch.no_grad():
        return float(module(**inputs, labels=labels).loss)
