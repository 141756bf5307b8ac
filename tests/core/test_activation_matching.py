"""Matching by activations: correlations against NumPy's, copies recovered, and what no layer shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from networks import make
from test_matching import pair, shuffled, two_layers
from torch import Tensor, nn
from wired import FREE, Wired, conv_bn, head, images, sequences

from landscape_gui.core import batchnorm
from landscape_gui.core.activation_matching import Covariance, match_activations, visible_outputs
from landscape_gui.core.axis_groups import AxisGroups, permute
from landscape_gui.core.losses import CROSS_ENTROPY
from landscape_gui.core.matching import Matching, assign, finish, match_weights
from landscape_gui.core.passes import Passes
from landscape_gui.core.splits import Split, length_of
from landscape_gui.core.vector import Layout


def passes_of(module: nn.Module, layout: Layout, inputs: Any) -> Passes:
    return Passes(module, layout, Split("train", inputs, None, length_of(inputs)), CROSS_ENTROPY)


def matched(module: nn.Module, layout: Layout, groups: AxisGroups, a: Tensor, b: Tensor, inputs: Any) -> Matching:
    first, second = (passes_of(module, layout, inputs) for _ in range(2))
    return finish(match_activations(first, second, groups.groups, a, b))


@pytest.mark.parametrize("name", FREE)
def test_copies_are_recovered(name: str) -> None:
    """Identity 10, whatever a network's units are shown by; what no layer shows alone is found by weights."""
    network, inputs, _ = FREE[name]
    module, layout, groups, a, _ = pair(network, inputs())
    moved, _ = shuffled(layout, a, groups)
    found = matched(module, layout, groups, a, moved, inputs())
    assert torch.equal(permute(layout, moved, groups, found.permutations), a)


def test_correlations_are_those_of_numpy_over_all_chunks() -> None:
    """Channels first, everything else is rows; a unit that never changes or is not finite counts as 0. Far from zero, to see what
    cancels."""
    generator = torch.Generator().manual_seed(0)
    ours, theirs = (torch.randn(40, 5, 3, generator=generator) + 1e3 for _ in range(2))
    theirs[:, 2] = 7.0
    ours[3, 4, 1] = torch.inf
    covariance = Covariance()
    for rows in (slice(0, 13), slice(13, 14), slice(14, 40)):
        covariance.see(ours[rows], theirs[rows], 1)
    x, y = (t.double().movedim(1, 0).reshape(5, -1).numpy() for t in (ours, theirs))
    with np.errstate(invalid="ignore"):
        wanted = np.corrcoef(x, y)[:5, 5:]
    np.testing.assert_allclose(covariance.correlations().numpy(), np.nan_to_num(wanted), atol=1e-9)


def test_each_layer_is_the_best_assignment_over_its_own_correlations() -> None:
    inputs = torch.randn(200, 7, generator=torch.Generator().manual_seed(1))
    module, layout, groups, a, b = pair(two_layers, inputs)
    found = matched(module, layout, groups, a, b, inputs)
    total = 0.0
    for group in groups.groups:
        outs = []
        for state in (a, b):
            module.load_state_dict(layout.unflatten(state.clone()))
            with torch.no_grad():
                outs.append(module[: int(group.name) + 1](inputs).double().numpy())  # type: ignore[index]
        correlations = np.corrcoef(*outs, rowvar=False)[: group.units, group.units :]
        best = assign(torch.from_numpy(correlations))
        assert torch.equal(best, found.permutations[group.name])
        total += float(correlations[np.arange(group.units), best.numpy()].sum())
    assert found.objective[-1] == pytest.approx(total, rel=1e-6)
    assert not found.notes and found.converged


def test_scaling_units_and_unlike_weights_do_not_hide_what_belongs_together() -> None:
    """Dinh's rescaling leaves the function (identity 7): correlations see the same units, weights may not."""
    inputs = torch.randn(300, 7, generator=torch.Generator().manual_seed(1))
    network = lambda: nn.Sequential(nn.Linear(7, 6), nn.ReLU(), nn.Linear(6, 3))  # noqa: E731
    module, layout, groups, a, _ = pair(network, inputs)
    moved, permutations = shuffled(layout, a, groups)
    scales = torch.logspace(-3, 3, 6)
    tensors = layout.unflatten(moved)
    tensors["0.weight"].mul_(scales[:, None])
    tensors["0.bias"].mul_(scales)
    tensors["2.weight"].div_(scales)
    wanted = permutations["0"].argsort()
    assert torch.equal(matched(module, layout, groups, a, moved, inputs).permutations["0"], wanted)
    assert not torch.equal(finish(match_weights(layout, groups.groups, a, moved)).permutations["0"], wanted)


def test_the_layer_right_before_a_batchnorm_is_not_looked_at() -> None:
    """A negative scale turns the sign of what comes after it, and that is what the next layer sees."""
    inputs = images()
    module, layout, groups, a, _ = pair(lambda: nn.Sequential(conv_bn(3, 6), head(6)), inputs)
    passes = passes_of(module, layout, inputs)
    assert [output.module for output in visible_outputs(passes, groups.groups)] == ["0.1"]
    moved, permutations = shuffled(layout, a, groups)
    tensors = layout.unflatten(moved)
    tensors["0.0.weight"][::2].neg_()
    tensors["0.1.weight"][::2].neg_()
    tensors["0.1.running_mean"][::2].neg_()
    found = matched(module, layout, groups, a, moved, inputs)
    assert torch.equal(found.permutations["0.0"], permutations["0.0"].argsort())
    assert found.objective[-1] == pytest.approx(6, abs=1e-6)


def test_units_that_no_layer_shows_are_matched_by_weights_and_said() -> None:
    network, inputs, _ = FREE["vision transformer"]
    module, layout, groups, a, b = pair(network, inputs())
    found = matched(module, layout, groups, a, b, inputs())
    (note,) = found.notes
    assert "encoder.layers.0.self_attn" in note and "linear1" not in note
    assert set(found.permutations) == {group.name for group in groups.groups}


def test_positions_count_as_rows_and_their_units_as_none() -> None:
    """Of a layer over tokens whose output also carries channels, neither is compared; the channels show elsewhere."""
    network, inputs, _ = FREE["mixer"]
    module, layout, groups, *_ = pair(network, inputs())
    seen = visible_outputs(passes_of(module, layout, inputs()), groups.groups)
    assert "t1" not in [output.module for output in seen] and "c1" in [output.module for output in seen]


def test_cutting_the_data_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    module, inputs, _ = make("resnet")
    _, layout, groups, a, b = pair(lambda: make("resnet")[0], inputs)
    whole = matched(module, layout, groups, a, b, inputs)
    monkeypatch.setattr(batchnorm, "SCALARS", 5000)
    assert passes_of(module, layout, inputs).partition > 3
    cut = matched(module, layout, groups, a, b, inputs)
    assert all(torch.equal(p, cut.permutations[name]) for name, p in whole.permutations.items())
    np.testing.assert_allclose(cut.objective, whole.objective, rtol=1e-6)


def test_a_stream_that_comes_in_another_order_each_time_is_seen_alike_by_both() -> None:
    class Shuffling:
        def __init__(self) -> None:
            self.turn = 0

        def __iter__(self) -> Any:
            self.turn += 1
            order = torch.randperm(60, generator=torch.Generator().manual_seed(self.turn))
            x = torch.randn(60, 7, generator=torch.Generator().manual_seed(9))[order]
            return iter([(x[i : i + 20], torch.zeros(20, dtype=torch.long)) for i in (0, 20, 40)])

    module, layout, groups, a, _ = pair(two_layers, torch.randn(9, 7))
    moved, _ = shuffled(layout, a, groups)
    first, second = (Passes(module, layout, Split("train", Shuffling(), None, 60), CROSS_ENTROPY) for _ in range(2))
    found = finish(match_activations(first, second, groups.groups, a, moved))
    assert torch.equal(permute(layout, moved, groups, found.permutations), a)
    assert found.objective[-1] == pytest.approx(9, abs=1e-5)


def test_a_layer_that_is_called_twice_in_a_pass_is_matched() -> None:
    def forward(s: Any, x: Tensor) -> Tensor:
        return s.out(torch.relu(s.a(x)).mean(1) + torch.relu(s.a(-x)).mean(1))

    module, layout, groups, a, _ = pair(lambda: Wired(forward, a=nn.Linear(12, 8), out=nn.Linear(8, 5)), sequences())
    moved, _ = shuffled(layout, a, groups)
    found = matched(module, layout, groups, a, moved, sequences())
    assert torch.equal(permute(layout, moved, groups, found.permutations), a)
    assert not any(part._forward_hooks for part in module.modules())


def test_hooks_are_gone_when_a_matching_is_left() -> None:
    module, layout, groups, a, b = pair(two_layers, torch.randn(9, 7))
    first, second = (passes_of(module, layout, torch.randn(9, 7)) for _ in range(2))
    steps = match_activations(first, second, groups.groups, a, b)
    next(steps)
    steps.close()
    assert not any(part._forward_hooks for each in (first, second) for part in each.module.modules())
