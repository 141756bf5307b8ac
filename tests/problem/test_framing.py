"""Images of any shape at the network's size: against Pillow's own resize and crop, computed here as torchvision documents them."""

from __future__ import annotations

import json
import sys
import types
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from landscape_gui.data_choice import DataChoice
from landscape_gui.errors import ProblemError
from landscape_gui.problem import open_problem
from landscape_gui.problem.datasets import load_data
from landscape_gui.problem.evaluation import in_library, of_timm
from landscape_gui.problem.framing import framing
from landscape_gui.problem.huggingface_folder import Folder
from landscape_gui.problem.huggingface_images import resize_of, sides_of
from landscape_gui.problem.preview import look_at

SHAPES = [(50, 37), (37, 50), (61, 30), (24, 24), (31, 30)]


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8), "RGB")


def by_hand(image: Image.Image, size: int, resize: int) -> np.ndarray[Any, Any]:
    """Resize(resize) and CenterCrop(size), written down from torchvision's documentation."""
    width, height = image.size
    if width <= height:
        scaled = image.resize((resize, int(resize * height / width)), Image.Resampling.BILINEAR)
    else:
        scaled = image.resize((int(resize * width / height), resize), Image.Resampling.BILINEAR)
    top, left = round((scaled.height - size) / 2), round((scaled.width - size) / 2)
    return np.asarray(scaled)[top : top + size, left : left + size].transpose(2, 0, 1)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Images of several shapes of two classes, as PNG, which loses nothing."""
    for i, (width, height) in enumerate(SHAPES):
        (tmp_path / "images" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        noise(width, height, i).save(tmp_path / "images" / "ab"[i % 2] / f"{i}.png")
    return tmp_path / "images"


def in_their_order(size: int, resize: int) -> np.ndarray[Any, Any]:
    return np.stack([by_hand(noise(*SHAPES[i], i), size, resize) for i in (0, 2, 4, 1, 3)])


@pytest.mark.parametrize(("size", "resize", "told"), [(24, 28, "28"), (24, None, "24"), (23, "29", "29")])
def test_a_folder_and_a_zip_give_pillows_pixels(images: Path, size: int, resize: Any, told: str) -> None:
    with zipfile.ZipFile(images.parent / "images.zip", "w") as archive:
        for file in sorted(images.rglob("*.png")):
            archive.write(file, file.relative_to(images))
    for place in (images, images.parent / "images.zip"):
        data = load_data(place, size=size, resize=resize)
        pixels = (data.splits[0].inputs * 255).round().to(torch.uint8).numpy()
        np.testing.assert_array_equal(pixels, in_their_order(size, int(told)))
        words = f"resized to {told}, cropped {size} × {size} from the centre"
        assert data.about["images"] == words and data.about["resize"] == told
        assert f"Images are {words} (bilinear)." in data.notes


def test_the_shape_of_what_is_seen_is_kept_unless_it_is_to_be_stretched(tmp_path: Path) -> None:
    """A disc stays a disc: as wide as it is high."""
    x, y = np.meshgrid(np.arange(120), np.arange(60))
    disc = ((x - 60) ** 2 + (y - 30) ** 2 < 20**2).astype(np.uint8) * 255
    (tmp_path / "a").mkdir()
    Image.fromarray(disc, "L").save(tmp_path / "a" / "disc.png")

    def sides(**options: Any) -> tuple[int, int]:
        seen = load_data(tmp_path, size=30, **options).splits[0].inputs[0, 0] > 0.5
        return int(seen.any(0).sum()), int(seen.any(1).sum())

    wide, tall = sides()
    assert wide == tall == 20
    wide, tall = sides(resize="stretch")
    assert (wide, tall) == (10, 20)


def test_how_images_are_framed_is_another_problem(images: Path) -> None:
    digests = [load_data(images, size=24, resize=resize).digest for resize in (None, 24, 28, "stretch", "stretch:28")]
    assert digests[0] == digests[1] and len(set(digests)) == 4


@pytest.mark.parametrize(
    ("size", "resize", "image", "scaled", "corner", "words"),
    [
        (224, 256, (500, 375), (341, 256), (58, 16), "resized to 256, cropped 224 × 224 from the centre"),
        (224, 256, (333, 500), (256, 384), (16, 80), "resized to 256, cropped 224 × 224 from the centre"),
        ([20, 40], None, (100, 100), (40, 40), (10, 0), "resized to 20, cropped 40 × 20 from the centre"),
        ([20, 40], 30, (100, 400), (30, 120), (5, 40), "resized to 30, cropped 40 × 20 from the centre"),
        (224, "stretch", (500, 375), (224, 224), (0, 0), "stretched to 224 × 224"),
        (224, "stretch:256", (500, 375), (256, 256), (16, 16), "stretched to 256 × 256, cropped 224 × 224 from the centre"),
    ],
)
def test_the_geometry(size: Any, resize: Any, image: Any, scaled: Any, corner: Any, words: str) -> None:
    found = framing(size, resize)
    assert found is not None
    assert found.scaled(*image) == scaled and found.corner(*scaled) == corner and found.words == words
    assert framing(size, found.told) == found, "what it is called means the same"


def test_arrays_are_framed_as_pictures_are() -> None:
    found, image = framing(24, 28), noise(50, 37)
    assert found is not None
    x = torch.from_numpy(np.asarray(image).transpose(2, 0, 1)[None].astype(np.float32))
    expected = by_hand(image, 24, 28).astype(np.float32)
    # Pillow rounds to whole values after each of the two passes: at most half a level each.
    assert np.abs(found.tensor(x)[0].numpy() - expected).max() <= 1.01


@pytest.mark.parametrize(
    ("size", "resize", "words"),
    [
        (224, 200, "resized to 200 are smaller than what is cropped from them, 224 pixels"),
        (None, 256, "resized to 256, but to no size"),
        (24, "wide", "resize length of images is 'wide'"),
        (24, 5000, "resize length of images is 5000"),
        (24, True, "resize length of images is True"),
        (24, "stretch:x", "resize length of images is 'x'"),
        ([1, 2, 3], None, "size of images"),
        (0.5, None, "size of images is 0.5"),
    ],
)
def test_what_makes_no_sense_is_said(size: Any, resize: Any, words: str) -> None:
    with pytest.raises(ProblemError, match=words) as raised:
        framing(size, resize)
    assert raised.value.remedy


@pytest.mark.parametrize(
    ("trained", "size", "expected"),
    [
        ({"input_size": [3, 224, 224], "crop_pct": 0.875}, None, ((224, 224), 256)),
        ({"input_size": [3, 224, 224], "crop_pct": 0.95}, None, ((224, 224), 235)),
        ({"input_size": [3, 224, 224], "crop_pct": 0.95}, 288, ((288, 288), 303)),
        ({"input_size": [3, 224, 224]}, None, ((224, 224), 256)),
        ({"input_size": [3, 256, 256], "crop_pct": 1.0, "crop_mode": "squash"}, None, ((256, 256), "stretch:256")),
        ({"crop_pct": 0.9}, None, None),
        ({"input_size": [3, 224, 224], "crop_pct": "all"}, None, None),
    ],
)
def test_timms_configuration_gives_the_length(trained: Any, size: Any, expected: Any) -> None:
    found = of_timm(trained, "config.json", size)
    assert (None if found is None else (found.size, found.resize)) == expected


def test_torchvisions_weights_are_told_by_their_file_and_are_the_first_where_it_is_called_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def weights(name: str, url: str, resize: int) -> Any:
        made = types.SimpleNamespace(crop_size=[224], resize_size=[resize], interpolation=types.SimpleNamespace(value="bilinear"))
        return types.SimpleNamespace(name=name, url=url, transforms=lambda: made)

    known = [
        weights("IMAGENET1K_V1", "x/net-0676ba61.pth", 256),
        weights("IMAGENET1K_V2", "x/net-11ad3fa6.pth", 232),
    ]
    library = types.SimpleNamespace(models=types.SimpleNamespace(get_model_weights=lambda name: iter(known)))
    monkeypatch.setitem(sys.modules, "torchvision", library)
    for file, resize, name in (("net-11ad3fa6.pth", 232, "V2"), ("net-0676ba61.pth", 256, "V1"), ("mine.pth", 256, "V1")):
        found = in_library("torchvision:net", file)
        assert found is not None and found.resize_of(224) == resize and f"IMAGENET1K_{name}" in found.note
        assert found.resize_of(32) is None, "a network for other images is not evaluated so"
    monkeypatch.setitem(sys.modules, "torchvision", types.SimpleNamespace())
    assert in_library("torchvision:net", "mine.pth") is None


@pytest.fixture
def tiny(images: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Weights of the stand-in for timm's tiny_net, evaluated at 8 pixels of 10."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "stand_ins"))
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    torch.save(nn.ModuleDict({"stem": nn.Conv2d(3, 4, 1), "fc": nn.Linear(4, 2)}).state_dict(), images.parent / "net.pt")
    yield images.parent / "net.pt"
    sys.modules.pop("timm", None)


def test_the_length_is_the_architectures_own_at_its_own_size(tiny: Path, images: Path) -> None:
    def opened(**options: Any) -> Any:
        found = open_problem(tiny, data=str(images), architecture="timm:tiny_net,num_classes=2", **options)
        return found.description["data"]["images"], found.notes

    words, notes = opened(size=8)
    assert words == "resized to 10, cropped 8 × 8 from the centre"
    assert any("that of timm's tiny_net" in note and "bicubic" in note for note in notes)
    assert opened(size=12)[0] == "resized to 12, cropped 12 × 12 from the centre"
    words, notes = opened(size=8, resize=9)
    assert words == "resized to 9, cropped 8 × 8 from the centre" and not any("timm's" in note for note in notes)


def test_the_configuration_beside_the_checkpoint_counts_at_every_size(tiny: Path, images: Path) -> None:
    config = {"architecture": "tiny_net", "num_classes": 2, "pretrained_cfg": {"input_size": [3, 9, 9], "crop_pct": 0.75}}
    (tiny.parent / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for size, resize in ((None, 12), (6, 8)):
        seen = look_at(str(tiny), DataChoice(path=str(images), size=size or 0), seconds=0)
        side = size or 9
        assert seen.problem.description["data"]["images"] == f"resized to {resize}, cropped {side} × {side} from the centre"
        assert seen.resize == str(resize)


@pytest.mark.parametrize(
    ("said", "sides", "resize"),
    [
        ({"size": {"height": 224, "width": 224}}, (224, 224), "stretch:224"),
        ({"size": 224}, (224, 224), "stretch:224"),
        ({"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}}, (224, 224), 256),
        ({"size": 256, "crop_size": 224, "do_center_crop": True}, (224, 224), 256),
        ({"size": {"height": 256, "width": 256}, "crop_size": {"height": 224, "width": 224}}, (224, 224), "stretch:256"),
        ({"size": {"shortest_edge": 224}, "crop_pct": 0.875}, (224, 224), 256),
        ({"size": {"shortest_edge": 384}, "crop_pct": 1.0}, (384, 384), "stretch"),
        ({"size": {"shortest_edge": 224}, "do_center_crop": False}, (224, 224), None),
        ({"do_resize": False, "size": 224}, (224, 224), None),
        ({}, (16, 16), None),
    ],
)
def test_transformers_preprocessors(tmp_path: Path, said: Any, sides: Any, resize: Any) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(said), encoding="utf-8")
    folder = Folder(path=tmp_path, content={"image_size": 16})
    assert sides_of(folder) == sides and resize_of(folder) == resize


def test_figures_say_how_images_were_framed(tiny: Path, images: Path) -> None:
    from landscape_gui.probes.facts import images_words

    framed = open_problem(tiny, data=str(images), architecture="timm:tiny_net,num_classes=2", size=8)
    assert images_words(framed.description) == "resized to 10, cropped 8 × 8 from the centre"
    assert images_words({"data": {"path": "x"}}) == images_words({}) == ""
