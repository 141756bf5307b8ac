from __future__ import annotations

import numpy as np
import pytest
import torch
from networks import make, mlp, resnet
from torch import Tensor, nn

from landscape_gui.core.directions import (
    describe_axes,
    difference,
    grid_axis,
    principal_components,
    project,
    random_direction,
    random_plane,
    random_walk_shares,
)
from landscape_gui.core.vector import Layout, norm, owner
from landscape_gui.errors import ProblemError, QuestionError


def setup(module: nn.Module) -> tuple[Layout, Tensor]:
    layout = Layout.from_module(module)
    return layout, layout.flatten(module.state_dict())


@pytest.mark.parametrize(("low", "high", "n"), [(-1, 1, 51), (-0.3, 0.3, 201), (-1, 1, 50), (0.1, 0.7, 7), (-1 / 3, 2 / 3, 4)])
def test_grid_axis_has_both_ends_exactly(low: float, high: float, n: int) -> None:
    axis = grid_axis(low, high, n)
    assert axis.dtype == np.float64
    assert axis.shape == (n,)
    assert (axis[0], axis[-1]) == (low, high)
    assert (np.diff(axis) > 0).all()
    np.testing.assert_allclose(axis, np.linspace(low, high, n), rtol=0, atol=1e-15)


@pytest.mark.parametrize("high", [1.0, 0.3, 1 / 3, 7.7])
@pytest.mark.parametrize("n", [3, 51, 201, 50])
def test_a_symmetric_axis_is_symmetric_to_the_bit(high: float, n: int) -> None:
    axis = grid_axis(-high, high, n)
    assert (axis == -axis[::-1]).all()
    if n % 2:
        assert axis[n // 2] == 0


def test_axes_that_are_none_are_refused() -> None:
    for low, high, n in ((1, -1, 5), (0, 0, 3), (float("nan"), 1, 3), (0, 1, 0)):
        with pytest.raises(QuestionError):
            grid_axis(low, high, n)
    assert grid_axis(-1, 1, 1).tolist() == [0.0]


def test_layout_lists_parameters_then_float_statistics() -> None:
    module = resnet()
    state = module.state_dict()
    layout, vector = setup(module)
    kinds = [s.buffer for s in layout.segments]
    assert kinds == sorted(kinds)
    assert layout.parameters == sum(p.numel() for p in module.parameters())
    assert not any("num_batches" in s.name for s in layout.segments)
    named = layout.unflatten(vector)
    assert all(torch.equal(named[k], v) for k, v in state.items() if k in named)
    assert set(state) - set(named) == {k for k in state if k.endswith("num_batches_tracked")}
    with pytest.raises(ProblemError, match=r"0\.weight has shape \(2, 2\).*\(16, 3, 3, 3\)"):
        layout.flatten({**state, "0.weight": torch.zeros(2, 2)})
    with pytest.raises(ProblemError, match=r"buffer 1\.running_var"):
        layout.flatten({k: v for k, v in state.items() if k != "1.running_var"})


def test_tied_and_parametrised_weights_belong_to_one_layer() -> None:
    shared, _, _ = make("shared weights")
    assert [name for name, _ in Layout.from_module(shared).layers()] == ["first", "out"]
    parametrised, _, _ = make("parametrised")
    assert [name for name, _ in Layout.from_module(parametrised).layers()] == ["0", "2"]
    assert owner("weight") == "weight"


def test_filter_normalisation_gives_each_filter_its_norm_and_biases_none() -> None:
    layout, origin = setup(resnet())
    d = layout.unflatten(random_direction(layout, origin, seed=0))
    w = layout.unflatten(origin)
    for segment in layout.segments:
        part = d[segment.name]
        if segment.buffer or len(segment.shape) <= 1:
            assert not part.any()
        else:
            torch.testing.assert_close(part.flatten(1).norm(dim=1), w[segment.name].flatten(1).norm(dim=1), rtol=1e-6, atol=0)


def test_layers_raw_directions_and_included_biases() -> None:
    layout, origin = setup(mlp())
    w = layout.unflatten(origin)
    layered = layout.unflatten(random_direction(layout, origin, seed=0, normalisation="layer", include_biases=True))
    for name, part in layered.items():
        assert float(part.norm()) == pytest.approx(float(w[name].norm()), rel=1e-6)
    raw = random_direction(layout, origin, seed=0, normalisation="raw", include_biases=True)
    assert torch.equal(raw, torch.randn(layout.parameters, generator=torch.Generator().manual_seed(0)))
    with pytest.raises(QuestionError):
        random_direction(layout, origin, seed=0, normalisation="none")  # type: ignore[arg-type]


def test_directions_come_from_their_seed_alone() -> None:
    layout, origin = setup(mlp())
    torch.manual_seed(1)
    state = torch.get_rng_state()
    d1, d2 = random_plane(layout, origin, seed=4)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(d1, random_direction(layout, origin, seed=4))
    assert not torch.equal(d1, d2)
    assert not torch.equal(d1, random_direction(layout, origin, seed=5))
    weights = [s for s in layout.segments if len(s.shape) > 1]
    biased = random_direction(layout, origin, seed=4, include_biases=True)
    assert all(torch.equal(biased[s.start : s.stop], d1[s.start : s.stop]) for s in weights)


def test_directions_scale_with_each_filter() -> None:
    """Filter by filter, the direction follows the weights' scale; by layer and raw it does not."""
    layout, origin = setup(mlp())
    scaled = origin.clone()
    first = layout.unflatten(scaled)["1.weight"]
    factors = torch.rand(first.shape[0], generator=torch.Generator().manual_seed(0)) + 0.5
    first *= factors[:, None]
    a, b = (layout.unflatten(random_direction(layout, w, seed=0))["1.weight"] for w in (origin, scaled))
    torch.testing.assert_close(b, a * factors[:, None], rtol=1e-5, atol=1e-8)


def test_difference_is_exact_where_both_are_equal() -> None:
    layout, origin = setup(mlp())
    other = origin.clone()
    other[3] += 1
    other[5] = origin[5] = float("inf")
    d = difference(layout, origin, other)
    assert d.nonzero().flatten().tolist() == [3]
    with pytest.raises(ProblemError):
        difference(layout, origin, other[:-1])


def test_a_straight_run_has_all_its_variance_in_one_component() -> None:
    """Identity 17."""
    step = torch.randn(500, generator=torch.Generator().manual_seed(0))
    centre = torch.randn(500, generator=torch.Generator().manual_seed(1))
    states = torch.stack([centre + t * step for t in (4.0, 3.0, 1.5, 0.0)])
    found = principal_components(states, centre)
    assert found.explained[0] == pytest.approx(1.0, abs=1e-12)
    assert found.rank == 1
    assert float(found.d2.norm()) == pytest.approx(1.0, rel=1e-6)
    assert abs(float(found.d1 @ found.d2)) < 1e-6
    np.testing.assert_allclose(found.coordinates[:, 0], np.array([4, 3, 1.5, 0]) * norm(step), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.off_plane, 0, atol=1e-4)  # float32 states: 1e-7 of norms near 100


def test_a_random_walk_has_the_known_shares() -> None:
    """Identity 17: 60.8 %, 15.2 %, 6.8 % in high dimension."""
    steps = torch.randn(200, 20_000, generator=torch.Generator().manual_seed(0))
    states = steps.cumsum(0)
    found = principal_components(states, states[-1])
    # 0.02: a finite walk in finite dimension; the law is for both going to infinity
    np.testing.assert_allclose(found.explained[:3], random_walk_shares(3), atol=0.02)
    np.testing.assert_allclose(random_walk_shares(3), [0.608, 0.152, 0.0675], atol=5e-4)


def test_buffers_follow_components_without_deciding_them() -> None:
    layout, origin = setup(resnet())
    generator = torch.Generator().manual_seed(0)
    d1, d2 = random_plane(layout, origin, seed=0)
    d1[layout.parameters :], d2[layout.parameters :] = 1000.0, -500.0
    weights = [(3.0, 0.1), (1.0, -0.7), (-2.0, 0.4)]
    states = torch.stack([origin + a * d1 + b * d2 for a, b in weights])
    found = principal_components(states, origin, layout)
    assert float(found.d1[: layout.parameters].norm()) == pytest.approx(1, rel=1e-6)
    for state, (x, y) in zip(states, found.coordinates, strict=True):
        torch.testing.assert_close(origin + x * found.d1 + y * found.d2, state, rtol=1e-4, atol=1e-2)
    assert generator.initial_seed() == 0


def test_projection_is_joint_for_axes_that_are_not_orthogonal() -> None:
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(300, generator=generator)
    b = a + 0.3 * torch.randn(300, generator=generator)
    off = torch.randn(300, generator=generator).double()
    basis = torch.linalg.qr(torch.stack([a, b], 1).double())[0]
    off -= basis @ (basis.T @ off)
    origin = torch.randn(300, generator=generator)
    point = origin.double() + 1.25 * a.double() - 0.5 * b.double() + off
    coordinates, distance = project([point], origin, [a, b])
    np.testing.assert_allclose(coordinates, [[1.25, -0.5]], rtol=1e-9)
    assert distance[0] == pytest.approx(float(off.norm()), rel=1e-9)


def test_axes_are_described_by_norms_cosines_and_shares() -> None:
    layout, origin = setup(resnet())
    d1, d2 = random_plane(layout, origin, seed=0)
    d1[layout.parameters :] = 7.0
    found = describe_axes(layout, [d1, d2, torch.zeros_like(d1)])
    p = layout.parameters
    assert found.norms[0] == pytest.approx(float(d1[:p].double().norm()), rel=1e-12)
    expected = float(torch.dot(d1[:p].double(), d2[:p].double())) / found.norms[0] / found.norms[1]
    assert found.cosines[0, 1] == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(found.shares[:2].sum(1), 1, rtol=1e-12)
    assert not found.shares[2].any()
    assert found.cosines[2, 2] == 0
    assert found.shares.shape == (3, len(found.layers))


def test_a_run_that_stands_still_has_no_plane() -> None:
    with pytest.raises(ProblemError, match="same weights"):
        principal_components(torch.ones(3, 5), torch.ones(5))
