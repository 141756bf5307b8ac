from __future__ import annotations

import threading

import pytest
import torch
import torch.nn.functional as F
from networks import images, make

from landscape_gui.core.memory import choose_batch, keep_allocations, largest_activation
from landscape_gui.core.pooling import maximum_of_windows, strided_max_pool, strided_pooling, windows_of
from landscape_gui.core.splits import bounds
from landscape_gui.core.tracing import quicken, trace


@pytest.mark.parametrize("window", [(2, 2, 0), (3, 2, 1), (3, 1, 1), ((2, 3), (1, 2), (1, 1)), (2, None, 0), (5, 3, 2), (1, 2, 0)])
@pytest.mark.parametrize("last", [False, True])
def test_strided_maxima_are_torchs_pool_to_the_bit(window: tuple[int, int, int], last: bool) -> None:
    x = images(3, 13)
    x[0, 0, 4, 5], x[1, 1, 0, 0] = float("nan"), float("-inf")
    if last:
        x = x.contiguous(memory_format=torch.channels_last)
    expected = F.max_pool2d(x, *window)
    assert torch.equal(strided_max_pool(x, *window).nan_to_num(7.5), expected.nan_to_num(7.5))


def test_windows_side_by_side_are_a_pool() -> None:
    x = images(3, 13)
    assert torch.equal(maximum_of_windows(windows_of(x, (2, 3))), F.max_pool2d(x, (2, 3)))


def test_other_threads_keep_torchs_own_pool() -> None:
    before = F.max_pool2d
    x = images()
    seen = []
    with strided_pooling():
        assert F.max_pool2d is not before
        thread = threading.Thread(target=lambda: seen.append(F.max_pool2d(x, 2, return_indices=True)[1]))
        thread.start()
        thread.join()
        assert torch.equal(F.max_pool2d(x, 2, ceil_mode=True), before(x, 2, ceil_mode=True))
    assert F.max_pool2d is before
    assert torch.equal(seen[0], F.max_pool2d(x, 2, return_indices=True)[1])


@pytest.mark.parametrize(
    "name", ["mlp", "lenet", "lenet, overlapping pool", "pools as modules", "resnet", "transformer", "features kept"]
)
def test_a_rewritten_network_gives_the_same_bits(name: str) -> None:
    module, inputs, _ = make(name)
    with torch.no_grad():
        expected = module(inputs)
        graph = trace(module)
        assert graph is not None
        quicken(graph)
        assert torch.equal(graph(inputs), expected)
        assert torch.equal(graph(inputs), expected)


@pytest.mark.parametrize(("examples", "batch"), [(10, 3), (1, 5), (9, 3), (100, 33), (5, 1)])
def test_chunks_cover_the_data_in_equal_parts(examples: int, batch: int) -> None:
    parts = bounds(examples, batch)
    assert [i for a, b in parts for i in range(a, b)] == list(range(examples))
    sizes = {b - a for a, b in parts}
    assert max(sizes) <= batch
    assert max(sizes) - min(sizes) <= 1


def test_the_batch_is_chosen_by_the_largest_activation() -> None:
    module, inputs, _ = make("lenet")
    size = largest_activation(module, lambda: module(inputs[:2]), inputs[:2], 2)
    assert size == 4 * 12 * 12 * 4
    assert choose_batch(module, size, torch.device("cpu")) == (4 << 20) // size
    assert choose_batch(make("mlp")[0], size, torch.device("cpu")) == (8 << 20) // size
    assert keep_allocations() == keep_allocations()
