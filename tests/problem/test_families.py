"""Families: their own nets and others' namings are recognised, misfits name the tensor, and what is built computes the same."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from landscape_gui.errors import ProblemError
from landscape_gui.problem import families, fitting
from landscape_gui.problem.families import cnn, mlp, resnet


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return fitting.shapes_of(module.state_dict())


def rebuilt(module: nn.Module, options: dict[str, object], example: tuple[int, ...]) -> list[nn.Module]:
    """Every candidate for a module's tensors, with its weights, in evaluation mode."""
    found = families.from_card(options, shapes(module), example) if options else families.match(shapes(module), example).candidates
    made = []
    for candidate in found:
        other = candidate.build()
        fitting.load(other, module.state_dict(), candidate.sentence)
        made.append(other)
    return made


def settle(module: nn.Module, x: Tensor) -> Tensor:
    """Running statistics that are not 0 and 1; then the output in evaluation mode."""
    with torch.no_grad():
        module.train()(x)
        return module.eval()(x)


class TwoLayers(nn.Module):
    """Names as people write them, `out` sorting before `z_in`, dropout in between."""

    def __init__(self) -> None:
        super().__init__()
        self.z_in, self.drop, self.out = nn.Linear(12, 7), nn.Dropout(0.5), nn.Linear(7, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.drop(self.z_in(x.flatten(1)).relu()))


class Basic(nn.Module):
    """A BasicBlock as kuangliu's pytorch-cifar writes it."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        out = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(out)) + self.shortcut(x))


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, inner: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = nn.Conv2d(inner, 4 * inner, 1, bias=False), nn.BatchNorm2d(4 * inner)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != 4 * inner:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, 4 * inner, 1, stride, bias=False), nn.BatchNorm2d(4 * inner))

    def forward(self, x: Tensor) -> Tensor:
        out = functional.relu(self.bn1(self.conv1(x)))
        out = functional.relu(self.bn2(self.conv2(out)))
        return functional.relu(self.bn3(self.conv3(out)) + self.shortcut(x))


class Kuangliu(nn.Module):
    """pytorch-cifar's ResNet with few channels: 4 stages of 2 blocks, `linear` at the end."""

    def __init__(self, bottleneck: bool = False) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4)
        inputs = 4
        for i, (width, stride) in enumerate(((4, 1), (8, 2), (16, 2), (32, 2)), 1):
            outputs = 4 * width if bottleneck else width
            kind = Bottleneck if bottleneck else Basic
            self.add_module(f"layer{i}", nn.Sequential(kind(inputs, width, stride), kind(outputs, width, 1)))
            inputs = outputs
        self.linear = nn.Linear(inputs, 10)

    def forward(self, x: Tensor) -> Tensor:
        out = functional.relu(self.bn1(self.conv1(x)))
        for i in range(1, 5):
            out = self.get_submodule(f"layer{i}")(out)
        return self.linear(functional.avg_pool2d(out, 4).flatten(1))


def test_mlp_is_read_off_its_shapes_with_relu_assumed_and_said() -> None:
    module = mlp.create([12, 7, 5, 3])
    found = families.match(shapes(module), (3, 4))
    assert [c.sentence for c in found.candidates] == ["MLP 12-7-5-3, relu"]
    assert "ReLU is assumed" in found.candidates[0].assumptions[0]


@pytest.mark.parametrize("name", ["tanh", "gelu", "sigmoid"])
def test_mlp_computes_with_the_cards_activation(name: str) -> None:
    module = mlp.create([12, 7, 3], name)
    x = torch.randn(5, 3, 4)
    (other,) = rebuilt(module, {"family": "mlp", "activation": name}, (3, 4))
    assert torch.equal(other(x), module(x))
    assert not torch.allclose(rebuilt(module, {}, (3, 4))[0](x), module(x))


def test_mlp_layers_are_ordered_by_their_shapes_where_names_mislead() -> None:
    """safetensors sorts by name: out before z_in."""
    module = TwoLayers().eval()
    state = dict(sorted(module.state_dict().items()))
    assert next(iter(state)).startswith("out")
    (candidate,) = families.match(fitting.shapes_of(state), (12,)).candidates
    other = candidate.build()
    fitting.load(other, state, "mlp")
    x = torch.randn(4, 12)
    assert torch.equal(other(x), module(x))
    assert set(other.state_dict()) == set(state)


def test_ten_layers_are_in_natural_order() -> None:
    module = mlp.create([6] * 13)
    state = dict(sorted(module.state_dict().items()))
    (candidate,) = families.match(fitting.shapes_of(state), (6,)).candidates
    other = candidate.build()
    fitting.load(other, state, "mlp")
    x = torch.randn(2, 6)
    assert torch.equal(other(x), module(x))


def test_mlp_with_batchnorm_and_a_bare_linear_layer() -> None:
    module = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    x = torch.randn(16, 6)
    expected = settle(module, x)
    (other,) = rebuilt(module, {}, (6,))
    assert torch.equal(other(x), expected)
    softmax = nn.Linear(12, 3)
    (other,) = rebuilt(softmax, {}, (3, 4))
    assert torch.equal(other(x.new_ones(2, 3, 4)), softmax(x.new_ones(2, 12)))


def test_lenet_is_found_among_its_look_alikes() -> None:
    """Original LeNet on 28 x 28: padding 2 then 0, pools after both; average pooling looks the same and is a candidate too."""

    class LeNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
            self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

        def forward(self, x: Tensor) -> Tensor:
            x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
            x = functional.max_pool2d(functional.relu(self.conv2(x)), 2).flatten(1)
            return self.fc3(functional.relu(self.fc2(functional.relu(self.fc1(x)))))

    module, x = LeNet().eval(), torch.randn(3, 1, 28, 28)
    others = rebuilt(module, {}, (1, 28, 28))
    assert any(torch.equal(other(x), module(x)) for other in others)
    assert torch.equal(others[0](x), module(x)), "the usual one comes first"


def test_vgg_like_chain_with_batchnorm_pools_where_the_width_grows() -> None:
    layers: list[nn.Module] = []
    for inputs, outputs, pool in ((3, 4, False), (4, 4, True), (4, 8, False), (8, 8, True)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if pool else []
    module = nn.Sequential(*layers, nn.Flatten(), nn.Linear(32, 10))
    x = torch.randn(6, 3, 8, 8)
    expected = settle(module, x)
    others = rebuilt(module, {}, (3, 8, 8))
    assert any(torch.allclose(other(x), expected, rtol=1e-5, atol=1e-6) for other in others)


def test_signals_get_1d_convolutions_with_the_cards_strides() -> None:
    options = {"stride": 2, "padding": 1, "pool": "none"}
    module = cnn.create([(5, 1, 5), (6, 5, 3)], [(4, 60)], **options)
    x = torch.randn(3, 1, 40)
    (other,) = rebuilt(module, {"family": "cnn", **options}, (1, 40))
    assert torch.equal(other(x), module(x))
    assert torch.equal(other(x[:, 0]), module(x)), "a missing channel dimension is added"


@pytest.mark.parametrize("bottleneck", [False, True])
def test_kuangliu_resnets_compute_the_same(bottleneck: bool) -> None:
    module, x = Kuangliu(bottleneck), torch.randn(4, 3, 32, 32)
    expected = settle(module, x)
    (other,) = rebuilt(module, {}, (3, 32, 32))
    # 1e-5: the mean over the image is summed in another order than avg_pool2d's.
    assert torch.allclose(other(x), expected, rtol=1e-5, atol=1e-5)


def test_akamaster_option_a_is_zero_padding_on_both_sides() -> None:
    """x[:, :, ::2, ::2] padded with planes // 4 channels before and after, as in pytorch_resnet_cifar10."""
    module = resnet.create(8, 4, shortcut="A").eval()
    block = module.layer2[0]
    x = torch.randn(2, 4, 6, 6)
    expected = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2), "constant", 0)
    assert torch.equal(block.shorten(x), expected)


@pytest.mark.parametrize("depth", [8, 20, 56])
def test_resnet_depth_and_width_are_read_off(depth: int) -> None:
    found = families.match(shapes(resnet.create(depth, 4, channels=1)), (1, 8, 8))
    assert all(f"ResNet-{depth}, widths 4-8-16" in c.sentence for c in found.candidates)
    assert {c.config["shortcut"] for c in found.candidates} == {"A", "A-end", "none"}
    assert all(c.assumptions for c in found.candidates)


def test_resnet_without_batchnorm_has_biases() -> None:
    module = resnet.create(8, 4, norm=False, shortcut="B")
    (other,) = rebuilt(module, {}, (3, 8, 8))
    x = torch.randn(2, 3, 8, 8)
    assert torch.equal(other(x), module.eval()(x))


def test_torchvision_naming_and_stem() -> None:
    plan = resnet.Plan(3, 5, 8, 7, (1, 1), (8, 16), (8, 16), 2, "B", ((1, 0),), True, False, projection="downsample", head="fc")
    (candidate,) = families.match(shapes(resnet.ResNet(plan)), (3, 64, 64)).candidates
    assert candidate.config["stem_kernel"] == 7
    assert candidate.config["projection"] == "downsample"
    assert candidate.build()(torch.randn(2, 3, 64, 64)).shape == (2, 5)


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({"fc1.weight": (4, 3), "fc2.weight": (2, 5)}, ["'fc2.weight'", "(2, 5)", "(2, 4)"]),
        ({"fc1.weight": (4, 3), "fc1.bias": (5,)}, ["'fc1.bias'", "(5,)", "(4,)"]),
        ({"fc1.weight": (4, 3), "gate": (5,)}, ["'gate'", "(5,)"]),
        ({"norm.weight": (4,), "norm.bias": (4,), "fc.weight": (2, 4)}, ["'norm'", "running statistics"]),
        ({"conv1.weight": (4, 3, 3, 3), "fc.weight": (2, 9)}, ["'fc.weight'", "multiple of 4"]),
    ],
)
def test_misfits_name_the_tensor_and_both_shapes(tensors: dict[str, tuple[int, ...]], words: list[str]) -> None:
    found = families.match(tensors)
    assert not found.candidates
    assert all(word in found.sentence for word in words), found.sentence


def test_a_resnet_with_one_wrong_tensor_says_which() -> None:
    wrong = shapes(resnet.create(8, 4))
    wrong["layer3.0.conv2.weight"] = (16, 16, 5, 5)
    sentence = families.match(wrong).misfits["resnet"]
    assert "'layer3.0.conv2.weight'" in sentence
    assert "(16, 16, 5, 5)" in sentence
    assert "(16, 16, 3, 3)" in sentence


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"family": "unet"}, "unet"),
        ({"family": "mlp", "activations": "relu"}, "activations"),
        ({"family": "mlp", "activation": "swishy"}, "swishy"),
        ({"family": "mlp", "widths": [12, 8, 3]}, "(8, 12) was expected"),
        ({"family": "cnn"}, "convolution"),
        ({"family": "resnet", "shortcut": "C"}, "residual blocks"),
    ],
)
def test_cards_that_do_not_fit_are_told(options: dict[str, object], word: str) -> None:
    with pytest.raises(ProblemError) as raised:
        families.from_card(options, shapes(mlp.create([12, 7, 3])), (12,))
    assert word in str(raised.value)


def test_data_of_another_shape_is_told_at_the_first_layer() -> None:
    assert "(3, 5), 15 numbers" in families.match(shapes(mlp.create([12, 7, 3])), (3, 5)).sentence
