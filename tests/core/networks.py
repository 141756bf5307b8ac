"""Small networks of many kinds, with data that fits each: name -> (module, inputs, targets)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EXAMPLES = 21


def images(channels: int = 1, size: int = 12) -> Tensor:
    return torch.randn(EXAMPLES, channels, size, size, generator=torch.Generator().manual_seed(1))


def classes(count: int = 5, *shape: int) -> Tensor:
    return torch.randint(0, count, (EXAMPLES, *shape), generator=torch.Generator().manual_seed(2))


class LeNet(nn.Module):
    def __init__(self, *, padding: int = 0, stride: int = 2) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 6, 3)
        self.padding, self.stride = padding, stride
        self.out = nn.LazyLinear(5)
        self(images())

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2, self.stride, self.padding)
        return self.out(F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1))


class Residual(nn.Module):
    def __init__(self, width: int, *, project: bool) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width, affine=False)
        self.short = nn.Sequential(nn.Conv2d(width, width, 1), nn.BatchNorm2d(width)) if project else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return F.relu(self.short(x) + y)


def resnet() -> nn.Module:
    """A small residual net with running statistics that are not the initial ones."""
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(inplace=True), Residual(16, project=True),
        Residual(16, project=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5),
    )  # fmt: skip
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d) and part.affine:
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.2, 0.2)
    net(2 * images(3, 8) + 0.5)
    return net


class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(11, 16), nn.Embedding(6, 16)
        self.norm, self.qkv, self.mix = nn.LayerNorm(16), nn.Linear(16, 48), nn.Linear(16, 16)
        self.wide, self.narrow, self.head = nn.Linear(16, 32), nn.Linear(32, 16), nn.Linear(16, 11, bias=False)
        self.register_buffer("range", torch.arange(6), persistent=False)

    def forward(self, i: Tensor) -> Tensor:
        x = self.tokens(i) + self.places(self.range)
        q, k, v = self.qkv(self.norm(x)).view(i.shape[0], 6, 3, 2, 8).permute(2, 0, 3, 1, 4)
        x = x + self.mix(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(i.shape[0], 6, 16))
        return self.head(x + self.narrow(F.gelu(self.wide(x))))


class Shared(nn.Module):
    """One Linear used twice, and tied to another name."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.out = nn.Linear(12, 12), nn.Linear(12, 5)
        self.again = self.first

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.tanh(self.again(torch.tanh(self.first(x)))))


class Branching(nn.Module):
    """Its way depends on values, so it cannot be traced."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(12, 8), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        h = self.a(x)
        return self.b(torch.relu(h) if float(h.sum()) < 1e9 else h)


class Features(nn.Module):
    """Keeps what a layer gave before ReLU, so that ReLU must not write into it."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(12, 8), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        before = self.a(x)
        after = torch.relu(before)
        return self.b(torch.cat([before, after], 1))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.out = nn.LSTM(4, 7, batch_first=True), nn.Linear(7, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn(x)[0][:, -1])


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(12, 5), nn.Linear(3, 5)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.left(a) * torch.sigmoid(self.right(b))


def hooked() -> nn.Module:
    net = nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 5))
    net[0].register_forward_hook(lambda _m, _i, output: 2 * output)
    return net


def vectors(size: int = 12) -> Tensor:
    return torch.randn(EXAMPLES, size, generator=torch.Generator().manual_seed(3))


def mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 5))


def transposed() -> nn.Module:
    return nn.Sequential(nn.ConvTranspose2d(1, 3, 3), nn.GroupNorm(3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 14 * 14, 5))


def pooled() -> nn.Module:
    layers = (nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(1), nn.ReLU(), nn.Flatten(), nn.Linear(100, 5))
    return nn.Sequential(*layers)


def normed_twice() -> nn.Module:
    linear = nn.utils.parametrizations.weight_norm(nn.Linear(12, 8))
    return nn.Sequential(linear, nn.ReLU(), nn.utils.parametrizations.spectral_norm(nn.Linear(8, 5)))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], Callable[[], Any], Callable[[], Tensor]]] = {
    "mlp": (mlp, vectors, classes),
    "lenet": (LeNet, images, classes),
    "lenet, overlapping pool": (lambda: LeNet(padding=1, stride=1), images, classes),
    "pools as modules": (pooled, images, classes),
    "resnet": (resnet, lambda: images(3, 8), classes),
    "transformer": (Transformer, lambda: classes(11, 6), lambda: classes(11, 6)),
    "embedding bag of words": (
        lambda: nn.Sequential(nn.Embedding(500, 4), nn.Flatten(), nn.Linear(24, 5)), lambda: classes(500, 6), classes,
    ),
    "shared weights": (Shared, vectors, classes),
    "parametrised": (normed_twice, vectors, classes),
    "hooked": (hooked, vectors, classes),
    "transposed convolution and group norm": (transposed, images, classes),
    "lstm": (Recurrent, lambda: images(1, 4)[:, 0], classes),
    "control flow on values": (Branching, vectors, classes),
    "features kept": (Features, vectors, classes),
    "two inputs": (TwoInputs, lambda: (vectors(), vectors(3)), classes),
    "batchnorm of vectors": (
        lambda: nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 5)), vectors, classes,
    ),
    "conv 1d": (
        lambda: nn.Sequential(nn.Conv1d(12, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(60, 5)), lambda: images()[:, 0], classes,
    ),
    "encoder layer": (
        lambda: nn.Sequential(nn.TransformerEncoderLayer(12, 2, 16, batch_first=True), nn.Flatten(), nn.Linear(144, 5)),
        lambda: images()[:, 0],
        classes,
    ),
}  # fmt: skip


def make(name: str) -> tuple[nn.Module, Any, Tensor]:
    torch.manual_seed(0)
    network, inputs, targets = NETWORKS[name]
    return network().eval(), inputs(), targets()
