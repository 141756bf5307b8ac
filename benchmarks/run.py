"""Print how fast surfaces, curvature and paths are: against bare passes and other tools; how light window and recorder are.

Writes latest.json beside this file.

    python benchmarks/run.py [--rounds 4] [--only surface.mlp] [--cache FOLDER]

Everything runs with one thread, in turn, and is timed by CPU time; figures are medians over rounds of ratios within a round. Other
tools run in a process of their own. The first run trains four small networks and installs the other tools into the cache folder.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import json
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import torch
import torch.nn.functional as F
from landscape_gui.core.directions import grid_axis, random_plane
from landscape_gui.core.evaluate import Evaluator, Split
from landscape_gui.core.losses import CROSS_ENTROPY
from landscape_gui.core.memory import keep_allocations
from landscape_gui.core.vector import Layout
from torch import Tensor, nn

import adaptive
import connectivity
import curvature_products
import curvature_spectra
import export
import files
import fuzz
import recorder
import window
from peer_process import PeerProcess
from timing import fastest, interleave, ratio
from workloads import WORKLOADS, Workload, trained

LATEST = Path(__file__).parent / "latest.json"


def main() -> int:
    options = parse()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    keep_allocations()
    options.cache.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    results: list[dict[str, Any]] = []
    for workload in WORKLOADS:
        if not options.only or workload.name in options.only:
            results.append(measure(workload, options.cache, options.rounds, peerless=options.no_peers))
            report(results[-1])
    if not options.only or "adaptive" in options.only:
        for result in adaptive.measure():
            results.append(result)
            print(
                f"{result['name']:34s} {result['fraction']:6.2%} of the points, off by {result['error']:.4f} in ln loss", flush=True
            )
    if not options.only or "window" in options.only:
        for result in window.measure():
            results.append(result)
            print(f"{result['name']:22s} {result['value']:.1f} {result['unit']} (goal {result['goal']})", flush=True)
    if not options.only or "export" in options.only:
        for result in export.measure():
            results.append(result)
            print(f"{result['name']:22s} {result['value']:.2f} {result['unit']} (goal {result['goal']})", flush=True)
    products = tuple(name for name in curvature_products.NAMES if not options.only or name in options.only)
    for result in curvature_products.measure(options.cache, options.rounds, only=products, peerless=options.no_peers):
        results.append(result)
        curvature_products.report(result)
    spectra = tuple(name for name in curvature_spectra.NAMES if not options.only or name in options.only)
    for result in curvature_spectra.measure(options.cache, only=spectra, peerless=options.no_peers):
        results.append(result)
        curvature_spectra.report(result)
    paths = tuple(name for name in connectivity.NAMES if not options.only or name in options.only)
    for result in connectivity.measure(options.cache, options.rounds, only=paths, peerless=options.no_peers):
        results.append(result)
        connectivity.report(result)
    recorded = tuple(name for name in recorder.NAMES if not options.only or name in options.only)
    for result in recorder.measure(options.rounds, only=recorded):
        results.append(result)
        recorder.report(result)
    if files.NAME in options.only:
        for result in files.measure(options.cache):
            results.append(result)
            files.report(result)
    if not options.only or fuzz.NAME in options.only:
        results.append(fuzz.measure(range(fuzz.RUNS), quiet=True))
        fuzz.report(results[-1])
    measured = {result["name"] for result in results}
    kept = json.loads(LATEST.read_text()) if options.only and LATEST.exists() else []
    results = [*results, *(result for result in kept if result["name"] not in measured)]
    LATEST.write_text(json.dumps(sorted(results, key=lambda r: r["name"], reverse=True), indent=1) + "\n")
    print(f"{len(results)} figures in {LATEST.name} after {time.perf_counter() - start:.0f} s.")
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How fast surfaces are: against a bare forward pass and against other tools.")
    parser.add_argument("--rounds", type=int, default=4, help="how often everything is timed in turn")
    parser.add_argument("--only", nargs="*", default=[], help="names of workloads or figures; others are kept")
    parser.add_argument("--no-peers", action="store_true", help="leave other tools out")
    cache = Path(os.environ.get("LANDSCAPE_GUI_BENCHMARKS", Path(tempfile.gettempdir()) / "landscape-gui-benchmarks"))
    parser.add_argument("--cache", type=Path, default=cache, help="where networks and other tools are kept")
    return parser.parse_args()


def measure(workload: Workload, cache: Path, rounds: int, *, peerless: bool) -> dict[str, Any]:
    """One workload's figures, as they go into latest.json."""
    network, inputs, targets = trained(workload, cache)
    network.requires_grad_(False)
    evaluator, surface, points = prepare(workload, network, inputs, targets)
    work: dict[str, tuple[Callable[[], float | None], int]] = {
        f"forward {batch}": (forward(network, inputs, targets, batch, workload.passes), workload.passes)
        for batch in workload.forward_batches
    }
    work["ours"] = (surface, points)
    process = None if peerless else PeerProcess(workload, cache)
    shown = process.peers if process else []
    for peer in shown:
        if process and peer["points"] and not peer["wrong"]:
            work[peer["name"]] = (partial(process.seconds, peer["name"]), peer["points"])
    times = interleave(work, rounds)
    base = fastest(times, [name for name in work if name.startswith("forward")])
    for peer in shown:
        if process and peer["wrong"]:
            times[peer["name"]] = [process.seconds(peer["name"]) / peer["points"]] * rounds
    if process:
        process.close()
    valid = [peer["name"] for peer in shown if peer["name"] in work]
    best = fastest(times, valid) if valid else ""
    return {
        "name": workload.name,
        "ratio_to_forward": round(ratio(times, "ours", base), 4),
        "goal": workload.goal,
        "ratio_to_best_peer": round(ratio(times, "ours", best), 4) if best else None,
        "peer_goal": round(1 / workload.peer_goal, 4),
        "best_peer": best,
        "milliseconds_per_point": round(1e3 * statistics.median(times["ours"]), 3),
        "forward_batch": int(base.split()[1]),
        "environment": evaluator.environment,
        "peers": [
            {**peer, "ratio_to_forward": round(ratio(times, peer["name"], base), 4) if peer["name"] in times else None}
            for peer in shown
        ],
    }


def directions_for(network: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """Our two filter-normalised directions as lists of tensors in the order of `parameters()`, for other tools."""
    layout = Layout.from_module(network)
    axes = random_plane(layout, layout.flatten(network.state_dict()), seed=0)
    moving = [segment.name for segment in layout.segments if not segment.buffer]
    first, second = ([layout.unflatten(axis)[name] for name in moving] for axis in axes)
    return first, second


def prepare(workload: Workload, network: nn.Module, inputs: Tensor, targets: Tensor) -> tuple[Evaluator, Callable[[], None], int]:
    """Our evaluator; a whole surface on a plane that it has not seen, so that laying it out counts; how many points that is."""
    layout = Layout.from_module(network)
    origin = layout.flatten(network.state_dict())
    axes = random_plane(layout, origin, seed=0)
    side = round(workload.points**0.5)
    points = [(x, y) for y in grid_axis(-1, 1, side) for x in grid_axis(-1, 1, side)]
    evaluator = Evaluator(network, layout, [Split("train", inputs, targets)], CROSS_ENTROPY)

    def surface() -> None:
        for _ in evaluator.evaluate(origin.clone(), [a.clone() for a in axes], points):
            pass

    return evaluator, surface, len(points)


def forward(network: nn.Module, inputs: Tensor, targets: Tensor, batch: int, passes: int) -> Callable[[], None]:
    """The bare limit: so many passes over the resident tensors, and nothing else but the sum of the loss."""

    def once() -> None:
        total = torch.zeros((), dtype=torch.float64)
        with torch.inference_mode():
            for x, y in passes * list(zip(inputs.split(batch), targets.split(batch), strict=True)):
                total += F.cross_entropy(network(x).flatten(0, -2), y.flatten(), reduction="sum")
        total.item()

    return once


def report(result: dict[str, Any]) -> None:
    peer = result["ratio_to_best_peer"]
    faster = f"{1 / peer:.2f} times as fast as {result['best_peer']} (goal {1 / result['peer_goal']:.1f})" if peer else ""
    print(f"{result['name']:22s} {result['ratio_to_forward']:.3f} of a forward pass (goal {result['goal']:.2f})  {faster}")
    for other in result["peers"]:
        cost = f"{other['ratio_to_forward']:.2f}" if other["ratio_to_forward"] is not None else "-"
        remark = f"wrong: {other['wrong']}" if other["wrong"] else other["skipped"] or "valid"
        print(f"    {other['name']:30s} {cost:>6s}  {remark}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
