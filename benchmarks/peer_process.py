"""A process of its own for other tools, without our settings of the allocator: reads names, writes how long each took.

python benchmarks/peer_process.py surface.mlp CACHE
"""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from peers import PEERS, Peer, Setting, install, verdict
from timing import cpu_seconds
from workloads import WORKLOADS, Workload, trained

PROBED = 16
"""A peer's values are checked on so many examples."""


class PeerProcess:
    """The other side: starts the process, tells what the tools are like, has them timed."""

    def __init__(self, workload: Workload, cache: Path) -> None:
        command = [sys.executable, __file__, workload.name, str(cache)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.peers: list[dict[str, Any]] = self._answer()

    def seconds(self, name: str) -> float:
        """CPU seconds of one surface by the tool of this name."""
        assert self._process.stdin is not None
        self._process.stdin.write(name + "\n")
        self._process.stdin.flush()
        return float(self._answer())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process that runs other tools has ended")
        return json.loads(line)


def describe(setting: Setting, steps: int, cache: Path) -> Iterator[dict[str, Any]]:
    """Each tool: how many points its surface has, what is wrong with its values, or why it does not run here."""
    before = {name: tensor.clone() for name, tensor in setting.network.state_dict().items()}
    for peer in PEERS:
        found: dict[str, Any] = {"name": peer.name, "points": 0, "wrong": "", "skipped": ""}
        try:
            found["skipped"] = install(peer, cache)
            if not found["skipped"]:
                small = Setting(setting.network, setting.inputs[:PROBED], setting.targets[:PROBED], setting.directions)
                found["wrong"] = verdict(peer, small)
                found["points"] = side(peer, steps) ** 2
        except Exception as error:  # whatever another tool raises on this network is its reason for being left out
            text = str(error).splitlines() or [""]
            found["skipped"] = f"{type(error).__name__}: {text[0][:120]}"
        setting.network.load_state_dict(before)
        yield found


def side(peer: Peer, steps: int) -> int:
    """Points a side: one tool does even numbers only."""
    return max(2, steps // 2 * 2) if peer.name == "loss-landscape-anim" else steps


def serve(workload: Workload, cache: Path) -> None:
    from run import directions_for

    network, inputs, targets = trained(workload, cache)
    network.requires_grad_(False)
    setting = Setting(network, inputs, targets, directions_for(network))
    print(json.dumps(list(describe(setting, workload.peer_steps, cache))), flush=True)
    by_name = {peer.name: peer for peer in PEERS}
    for line in sys.stdin:
        peer = by_name[line.strip()]
        start = cpu_seconds()
        peer.run(setting, side(peer, workload.peer_steps))
        print(json.dumps(cpu_seconds() - start), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    serve({w.name: w for w in WORKLOADS}[sys.argv[1]], Path(sys.argv[2]))
