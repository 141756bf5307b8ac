"""A small network that is trained by as many steps at a time as one says, recorded as a run: here, or in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from landscape_gui.recorder import Recorder


class Training:
    """In a folder that is empty until the first `go`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.recorder: Recorder | None = None

    def go(self, steps: int) -> None:
        if self.recorder is None:
            self.begin()
        assert self.recorder is not None
        for _ in range(steps):
            self.optimiser.zero_grad()
            loss = torch.nn.functional.cross_entropy(self.model(self.x), self.y)
            loss.backward()
            self.optimiser.step()
            self.recorder.step(loss=loss)
            self.recorder.flush()

    def begin(self) -> None:
        rng = np.random.default_rng(0)
        y = rng.integers(0, 3, 60)
        x = (rng.normal(size=(60, 4)) + 2 * np.eye(4)[y]).astype(np.float32)
        np.savez(self.folder / "data.npz", x=x, y=y)
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)
        torch.manual_seed(0)
        self.model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3))
        self.optimiser = torch.optim.SGD(self.model.parameters(), lr=0.5)
        self.recorder = Recorder(self.folder, self.model, self.optimiser)
        self.recorder.describe(data={"file": "data.npz"}, loss="cross_entropy", batch_size=60)

    def end(self) -> None:
        if self.recorder is not None:
            self.recorder.close()
            self.recorder = None


class Apart(Training):
    """In a process of its own, which takes a line for each `go`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.process = subprocess.Popen([sys.executable, __file__, str(folder)], stdin=subprocess.PIPE, text=True)
        assert self.process.stdin is not None
        self.orders = self.process.stdin

    def go(self, steps: int) -> None:
        self.orders.write(f"{steps}\n")
        self.orders.flush()

    def end(self) -> None:
        self.orders.close()
        assert self.process.wait(60) == 0


if __name__ == "__main__":
    torch.set_num_threads(1)
    training = Training(Path(sys.argv[1]))
    for line in sys.stdin:
        training.go(int(line))
    training.end()
