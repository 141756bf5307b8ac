"""Networks whose units hang together in many ways, with inputs for each: name -> (make, inputs)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from networks import EXAMPLES
from torch import Tensor, nn


class Wired(nn.Module):
    """Modules, parameters and buffers by name, and a function of them and the input."""

    def __init__(self, forward: Callable[..., Any], **parts: Any) -> None:
        super().__init__()
        self._function = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: Tensor) -> Any:
        return self._function(self, x)


def conv_bn(inside: int, outside: int, size: int = 3, stride: int = 1, groups: int = 1, *, relu: bool = True) -> nn.Module:
    conv = nn.Conv2d(inside, outside, size, stride, size // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outside), nn.ReLU() if relu else nn.Identity())


def head(width: int) -> nn.Module:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 5))


def padded_resnet() -> nn.Module:
    """Shortcuts without weights: every other pixel, channels padded by zeros on both sides (He et al. 2016, option A)."""

    def forward(s: Any, x: Tensor) -> Tensor:
        x = F.relu(s.stem(x))
        x = F.relu(x + s.second(s.first(x)))
        short = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2))
        return s.head(F.relu(short + s.fourth(s.third(x))))

    return Wired(
        forward, stem=conv_bn(3, 4, relu=False), first=conv_bn(4, 4), second=conv_bn(4, 4, relu=False),
        third=conv_bn(4, 8, stride=2), fourth=conv_bn(8, 8, relu=False), head=head(8),
    )  # fmt: skip


def mobile() -> nn.Module:
    return Wired(
        lambda s, x: s.head((h := s.down(s.stem(x))) + s.block(h)),
        stem=conv_bn(3, 8),
        down=nn.Sequential(conv_bn(8, 16, 1), conv_bn(16, 16, 3, 2, 16), conv_bn(16, 6, 1, relu=False)),
        block=nn.Sequential(conv_bn(6, 24, 1), conv_bn(24, 24, 3, 1, 24), conv_bn(24, 6, 1, relu=False)),
        head=head(6),
    )


def grouped() -> nn.Module:
    return nn.Sequential(conv_bn(3, 16), conv_bn(16, 32, 1), conv_bn(32, 32, 3, 1, 4), conv_bn(32, 16, 1), head(16))


def squeezed() -> nn.Module:
    return Wired(
        lambda s, x: s.head((h := s.stem(x)) * torch.sigmoid(s.up(F.relu(s.down(F.adaptive_avg_pool2d(h, 1)))))),
        stem=conv_bn(3, 8), down=nn.Conv2d(8, 4, 1), up=nn.Conv2d(4, 8, 1), head=head(8),
    )  # fmt: skip


def dense() -> nn.Module:
    def forward(s: Any, x: Tensor) -> Tensor:
        x = s.stem(x)
        x = torch.cat([x, s.first(x)], 1)
        return s.head(s.last(torch.cat([x, s.second(x)], 1)))

    def layer(inside: int, outside: int) -> nn.Module:
        return nn.Sequential(nn.BatchNorm2d(inside), nn.ReLU(), nn.Conv2d(inside, outside, 3, padding=1))

    return Wired(forward, stem=conv_bn(3, 8), first=layer(8, 4), second=layer(12, 4), last=layer(16, 8), head=head(8))


def shuffled() -> nn.Module:
    def forward(s: Any, x: Tensor) -> Tensor:
        left, right = s.stem(x).chunk(2, 1)
        x = torch.cat([left, s.right(right)], 1)
        n, c, h, w = x.shape
        return s.head(s.last(x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)))

    right = nn.Sequential(conv_bn(4, 4, 1), conv_bn(4, 4, 3, 1, 4, relu=False), conv_bn(4, 4, 1))
    return Wired(forward, stem=conv_bn(3, 8), right=right, last=conv_bn(8, 12, 1), head=head(12))


def u_shaped() -> nn.Module:
    def forward(s: Any, x: Tensor) -> Tensor:
        a = F.relu(s.a(x))
        up = F.relu(s.up(F.relu(s.b(F.max_pool2d(a, 2)))))
        return s.out(F.relu(s.c(torch.cat([a, up], 1)))).mean((2, 3))

    a, b, c = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 8, 3, padding=1), nn.Conv2d(12, 8, 3, padding=1)
    return Wired(forward, a=a, b=b, c=c, up=nn.ConvTranspose2d(8, 6, 2, 2), out=nn.Conv2d(8, 5, 1))


def vision_transformer() -> nn.Module:
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True, dropout=0.0, activation="gelu")

    def forward(s: Any, x: Tensor) -> Tensor:
        h = s.patches(x).flatten(2).transpose(1, 2)
        h = torch.cat([s.token.expand(len(h), -1, -1), h], 1) + s.places
        return s.out(s.norm(s.encoder(h))[:, 0])

    return Wired(
        forward, patches=nn.Conv2d(3, 16, 4, 4), token=nn.Parameter(torch.randn(1, 1, 16)),
        places=nn.Parameter(torch.randn(1, 17, 16)), encoder=nn.TransformerEncoder(layer, 2, enable_nested_tensor=False),
        norm=nn.LayerNorm(16), out=nn.Linear(16, 5),
    )  # fmt: skip


def mixer() -> nn.Module:
    def forward(s: Any, x: Tensor) -> Tensor:
        h = s.patches(x).flatten(2).transpose(1, 2)
        h = h + s.t2(F.gelu(s.t1(s.n1(h).transpose(1, 2)))).transpose(1, 2)
        return s.out((h + s.c2(F.gelu(s.c1(s.n2(h))))).mean(1))

    return Wired(
        forward, patches=nn.Conv2d(3, 12, 4, 4), n1=nn.LayerNorm(12), n2=nn.LayerNorm(12), t1=nn.Linear(16, 20),
        t2=nn.Linear(20, 16), c1=nn.Linear(12, 24), c2=nn.Linear(24, 12), out=nn.Linear(12, 5),
    )  # fmt: skip


def rotary() -> nn.Module:
    """Shared keys and values, rotated pairs, a gated middle: what language models are made of today; no biases."""

    def turn(x: Tensor) -> Tensor:
        a, b = x[..., 0::2], x[..., 1::2]
        t = torch.arange(x.shape[-2], dtype=x.dtype)[:, None] * 0.1
        return torch.stack([a * t.cos() - b * t.sin(), a * t.sin() + b * t.cos()], -1).flatten(-2)

    def forward(s: Any, x: Tensor) -> Tensor:
        x = s.inside(x)
        q, k, v = (p(s.n1(x)).unflatten(-1, (-1, 4)).transpose(1, 2) for p in (s.q, s.k, s.v))
        k, v = turn(k).repeat_interleave(2, 1), v.repeat_interleave(2, 1)
        x = x + s.o(F.scaled_dot_product_attention(turn(q), k, v, is_causal=True).transpose(1, 2).flatten(2))
        h = s.n2(x)
        return s.out((x + s.down(F.silu(s.gate(h)) * s.up(h))).mean(1))

    def plain(a: int, b: int) -> nn.Module:
        return nn.Linear(a, b, bias=False)

    return Wired(
        forward, inside=plain(12, 16), n1=nn.RMSNorm(16), n2=nn.RMSNorm(16), q=plain(16, 16), k=plain(16, 8), v=plain(16, 8),
        o=plain(16, 16), gate=plain(16, 24), up=plain(16, 24), down=plain(24, 16), out=plain(16, 5),
    )  # fmt: skip


def tied() -> nn.Module:
    """A causal language model whose embedding is its head, with a written-out mask."""

    def forward(s: Any, i: Tensor) -> Tensor:
        x = s.tokens(i) + s.places(torch.arange(i.shape[1]))
        q, k, v = (t.view(*t.shape[:2], 2, 8).transpose(1, 2) for t in s.qkv(s.norm(x)).split(16, 2))
        scores = (q @ k.transpose(-2, -1) / 8**0.5).masked_fill(torch.tril(torch.ones(6, 6)) == 0, float("-inf"))
        x = x + s.mix((scores.softmax(-1) @ v).transpose(1, 2).contiguous().view(*x.shape))
        return F.linear(x + s.narrow(F.gelu(s.wide(x))), s.tokens.weight)[:, -1]

    return Wired(
        forward, tokens=nn.Embedding(11, 16), places=nn.Embedding(6, 16), norm=nn.LayerNorm(16), qkv=nn.Linear(16, 48),
        mix=nn.Linear(16, 16), wide=nn.Linear(16, 32), narrow=nn.Linear(32, 16),
    )  # fmt: skip


def experts() -> nn.Module:
    def forward(s: Any, x: Tensor) -> Tensor:
        h = s.inside(x).mean(1)
        answers = torch.stack([part(h) for part in s.parts], 1)
        return s.out((s.gate(h).softmax(-1)[:, :, None] * answers).sum(1))

    parts = [nn.Sequential(nn.Linear(8, 10), nn.ReLU(), nn.Linear(10, 8)) for _ in range(3)]
    return Wired(forward, inside=nn.Linear(12, 8), gate=nn.Linear(8, 3), parts=nn.ModuleList(parts), out=nn.Linear(8, 5))


def recurrent(kind: type[nn.Module], **more: Any) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        rnn = kind(12, 8, batch_first=True, **more)
        return Wired(lambda s, x: s.out(s.rnn(x)[0][:, -1]), rnn=rnn, out=nn.Linear(16 if more.get("bidirectional") else 8, 5))

    return make


def maxout() -> nn.Module:
    return Wired(lambda s, x: s.out(s.a(x).view(*x.shape[:2], 8, 2).max(-1)[0].mean(1)), a=nn.Linear(12, 16), out=nn.Linear(8, 5))


def by_tokens(**parts: nn.Module) -> Callable[[Callable[..., Any]], Callable[[], nn.Module]]:
    """A layer `a` of 8 units over sequences, something done with it, and a layer `out`."""

    def deco(forward: Callable[..., Any]) -> Callable[[], nn.Module]:
        return lambda: Wired(forward, **{"a": nn.Linear(12, 8), "out": nn.Linear(8, 5), **parts})

    return deco


def images() -> Tensor:
    return torch.randn(EXAMPLES, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def sequences() -> Tensor:
    return torch.randn(EXAMPLES, 6, 12, generator=torch.Generator().manual_seed(1))


def tokens() -> Tensor:
    return torch.randint(0, 11, (EXAMPLES, 6), generator=torch.Generator().manual_seed(1))


def written(s: Any, x: Tensor) -> Tensor:
    h = s.a(x)
    swapped = torch.zeros_like(h)
    swapped[:, :, :4], swapped[:, :, 4:] = h[:, :, 4:], h[:, :, :4]
    return s.out(swapped.mean(1))


FREE: dict[str, tuple[Callable[[], nn.Module], Callable[[], Tensor], list[int]]] = {
    "padded shortcuts": (padded_resnet, images, [4, 4, 8, 2, 2]),
    "inverted residuals": (mobile, images, [8, 16, 6, 24]),
    "grouped convolution": (grouped, images, [16, 4, 8, 8, 16]),
    "squeeze and excitation": (squeezed, images, [8, 4]),
    "dense connections": (dense, images, [8, 4, 4, 8]),
    "channel shuffle": (shuffled, images, [4, 4, 4, 12]),
    "u-net": (u_shaped, images, [6, 8, 8, 6]),
    "vision transformer": (vision_transformer, images, [16, 2, 8, 32, 2, 8, 32]),
    "mixer": (mixer, images, [12, 20, 24]),
    "rotary attention": (rotary, sequences, [16, 2, 2, 4, 24]),
    "tied embedding": (tied, tokens, [16, 2, 8, 8, 32]),
    "experts": (experts, sequences, [8, 10, 8, 10, 10]),
    "gru, two layers both ways": (recurrent(nn.GRU, num_layers=2, bidirectional=True), sequences, [8, 8, 8, 8]),
    "lstm": (recurrent(nn.LSTM), sequences, [8]),
    "maxout": (maxout, sequences, [8, 2]),
    "gated linear unit": (lambda: nn.Sequential(nn.Linear(12, 16), nn.GLU(), nn.Flatten(), nn.Linear(48, 5)), sequences, [8]),
    "pixel shuffle": (
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.PixelShuffle(2), nn.ReLU(), nn.Conv2d(2, 6, 3), nn.PReLU(6), head(6)),
        images,
        [2, 6],
    ),
    "bag of embeddings": (
        lambda: nn.Sequential(nn.EmbeddingBag(11, 8), nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 5)), tokens, [8, 6],
    ),
    "bilinear": (by_tokens(b=nn.Bilinear(8, 8, 8))(lambda s, x: s.out(s.b(s.a(x), s.a(x)).mean(1))), sequences, [8, 8]),
    "written by slices": (by_tokens()(written), sequences, [4, 4]),
    "best of the places": (by_tokens()(lambda s, x: s.out(s.a(x).topk(3, 1)[0].mean(1))), sequences, [8]),
    "sorted units": (by_tokens()(lambda s, x: s.out(s.a(x).sort(-1)[0].mean(1))), sequences, [8]),
    "transform over places": (by_tokens()(lambda s, x: s.out(torch.fft.fft(s.a(x), dim=1).real.mean(1))), sequences, [8]),
    "complex numbers": (
        by_tokens(b=nn.Linear(12, 8))(lambda s, x: s.out(torch.complex(s.a(x), s.b(x)).abs().mean(1))), sequences, [8],
    ),
    "normalised features": (by_tokens()(lambda s, x: s.out(F.normalize(s.a(x), dim=-1).mean(1))), sequences, [8]),
    "group and local norms": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.GroupNorm(4, 8), nn.SiLU(), nn.Conv2d(8, 6, 3), nn.LayerNorm([6, 12, 12]), head(6),
        ),
        images,
        [4, 2, 6],
    ),
    "paddings and unfolding": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1, padding_mode="reflect"), nn.ReLU(), nn.ReplicationPad2d(1), nn.Unfold(3), nn.Flatten(),
            nn.Linear(6 * 9 * 256, 5),
        ),
        images,
        [6],
    ),
    "insists on float32": (by_tokens()(lambda s, x: s.out(s.a(x.to(torch.float32)).mean(1))), sequences, [8]),
}  # fmt: skip
"""name -> (network, inputs, the sizes of its groups in the order of their first tensor)."""

REFUSED: dict[str, tuple[Callable[[], nn.Module], Callable[[], Tensor], str]] = {
    "no hidden units": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(72, 5)), sequences, "no units between its inputs and its outputs",
    ),
    "outputs only": (lambda: nn.Linear(12, 5), sequences, "weight (5 units): it is an axis of the network's outputs"),
    "picked units": (
        by_tokens()(lambda s, x: s.out(s.a(x)[:, :, [3, 1, 0, 2, 2, 2, 2, 2]].mean(1))), sequences, "picked by their position",
    ),
    "transform over units": (
        by_tokens(out=nn.Linear(5, 5))(lambda s, x: s.out(torch.fft.rfft(s.a(x), dim=-1).abs().mean(1))),
        sequences,
        "the order of the positions along it matters",
    ),
    "unknown operation": (
        by_tokens(out=nn.Linear(6, 5))(lambda s, x: s.out(torch.linalg.qr(s.a(x))[0].mean(1))),
        sequences,
        "the operation linalg_qr reads it",
    ),
}  # fmt: skip
"""name -> (network, inputs, what the sentence says)."""
