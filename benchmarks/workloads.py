"""The four networks and data sets that the figures name, trained briefly and deterministically, kept in a cache folder."""

from __future__ import annotations

import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

DIGITS = Path(__file__).parent.parent / "sample_checkpoints" / "data" / "digits.npz"


def mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))


class LeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


class ResNet20(nn.Module):
    def __init__(self, blocks: int = 3, width: int = 16) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.layer1 = self._layer(width, width, 1, blocks)
        self.layer2 = self._layer(width, 2 * width, 2, blocks)
        self.layer3 = self._layer(2 * width, 4 * width, 2, blocks)
        self.linear = nn.Linear(4 * width, 10)

    @staticmethod
    def _layer(inputs: int, outputs: int, stride: int, blocks: int) -> nn.Sequential:
        return nn.Sequential(Block(inputs, outputs, stride), *(Block(outputs, outputs, 1) for _ in range(blocks - 1)))

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ln1, self.qkv, self.proj = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.ln2, self.fc1, self.fc2 = nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, t, d = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(a.transpose(1, 2).reshape(n, t, d))
        return x + self.fc2(F.gelu(self.fc1(self.ln2(x))))


class TinyLanguageModel(nn.Module):
    def __init__(self, vocabulary: int = 256, width: int = 128, depth: int = 2, heads: int = 4, length: int = 64) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList([Attention(width, heads) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)
        self.register_buffer("places", torch.arange(length), persistent=False)

    def forward(self, i: Tensor) -> Tensor:
        x = self.tokens(i) + self.positions(self.places[: i.shape[1]])
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def digits(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """8 x 8 digits enlarged to 20 x 20, placed at random in 28 x 28, with noise: as many as wanted, like MNIST."""
    images, classes = _small_digits()
    generator = torch.Generator().manual_seed(seed)
    large = F.interpolate(images[:, None], size=(20, 20), mode="bilinear", align_corners=False)
    chosen = torch.randint(0, len(classes), (n,), generator=generator)
    x = torch.zeros(n, 1, 28, 28)
    for k, (a, b) in enumerate(torch.randint(0, 9, (n, 2), generator=generator).tolist()):
        x[k, 0, a : a + 20, b : b + 20] = large[chosen[k], 0]
    x += 0.05 * torch.randn(x.shape, generator=generator)
    return (x - 0.13) / 0.31, classes[chosen].clone()


def _small_digits() -> tuple[Tensor, Tensor]:
    """All of scikit-learn's digits in [0, 1], from the samples' data."""
    with np.load(DIGITS) as data:
        x, y = (np.concatenate([data[f"{name}_train"], data[f"{name}_test"]]) for name in "xy")
    images = torch.tensor(x, dtype=torch.float32).reshape(-1, 8, 8)
    return images / images.max(), torch.tensor(y, dtype=torch.long)


def coloured_digits(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Digits in colour on smooth coloured noise, 3 x 32 x 32, like CIFAR."""
    x, y = digits(n, seed)
    generator = torch.Generator().manual_seed(seed + 7)
    x = F.pad(x, (2, 2, 2, 2), value=float(x.min()))
    colour = torch.rand(n, 3, 1, 1, generator=generator) + 0.3
    ground = torch.randn(n, 3, 4, 4, generator=generator)
    ground = F.interpolate(ground, size=(32, 32), mode="bilinear", align_corners=False)
    return (x * colour + 0.6 * ground + 0.2 * torch.randn(n, 3, 32, 32, generator=generator)).contiguous(), y


def text(n: int, length: int = 64, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Bytes of Python's standard library and the bytes that follow them, (n, length) each."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    stream = np.frombuffer(b"".join(p.read_bytes() for p in sorted(folder.glob("*.py"))[:60]), dtype=np.uint8)
    starts = np.random.default_rng(seed).integers(0, len(stream) - length - 1, n)
    ids = torch.tensor(np.stack([stream[s : s + length + 1] for s in starts]).astype(np.int64))
    return ids[:, :-1].contiguous(), ids[:, 1:].contiguous()


@dataclass(frozen=True)
class Workload:
    """name: as in the figures; points: of ours a round; forward_batches: tried for the bare forward pass,
    of which `passes` are timed a round; peer_steps: a side."""

    name: str
    network: Callable[[], nn.Module]
    data: Callable[[int], tuple[Tensor, Tensor]]
    examples: int
    points: int
    forward_batches: tuple[int, ...]
    passes: int
    epochs: int
    training_batch: int
    goal: float
    peer_goal: float
    peer_steps: int


WORKLOADS = (
    Workload("surface.mlp", mlp, digits, 10_000, 121, (500, 2_000, 10_000), 12, 4, 128, 0.20, 5.0, 3),
    Workload("surface.cnn", LeNet, digits, 2_000, 49, (64, 128, 256), 4, 6, 64, 0.40, 2.5, 2),
    Workload("surface.resnet20", ResNet20, coloured_digits, 512, 16, (16, 32, 64), 2, 3, 64, 0.80, 1.3, 2),
    Workload("surface.transformer", TinyLanguageModel, text, 64, 25, (16, 32, 64), 8, 10, 8, 1.08, 1.0, 3),
)


def trained(workload: Workload, cache: Path) -> tuple[nn.Module, Tensor, Tensor]:
    """The network after a short training on its own data (kept in `cache`), in evaluation mode, with inputs and targets."""
    torch.manual_seed(0)
    network, (x, y) = workload.network(), workload.data(workload.examples)
    path = cache / f"{workload.name}.pt"
    if path.exists():
        network.load_state_dict(torch.load(path, weights_only=True))
        return network.eval(), x, y
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(workload.epochs):
        for part in torch.randperm(len(x)).split(workload.training_batch):
            optimiser.zero_grad()
            output = network(x[part])
            F.cross_entropy(output.flatten(0, -2), y[part].flatten()).backward()
            optimiser.step()
    torch.save(network.state_dict(), path)
    return network.eval(), x, y
