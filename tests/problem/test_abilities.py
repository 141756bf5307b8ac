"""What code visibly does, told from its syntax: under other names too, with the place; and what stands for nothing is not told."""

from __future__ import annotations

from pathlib import Path

import pytest

from landscape_gui.problem.abilities import abilities
from landscape_gui.problem.source import read_source


def seen(folder: Path, code: str, **modules: str) -> tuple[str, ...]:
    for name, content in modules.items():
        (folder / f"{name}.py").write_text(content, encoding="utf-8")
    (folder / "landscape.py").write_text(code, encoding="utf-8")
    return abilities(read_source(folder / "landscape.py"))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os\nos.system('ls')", "starts other programs (landscape.py, line 2: os.system)"),
        ("import subprocess as s\ns.run('ls')", "starts other programs (landscape.py, line 2: subprocess.run)"),
        ("from subprocess import run as r\nr('ls')", "starts other programs (landscape.py, line 2: subprocess.run)"),
        ("from os import *\nsystem('ls')", "starts other programs (landscape.py, line 2: os.system)"),
        ("import os\nf = os.system", "starts other programs (landscape.py, line 2: os.system)"),
        (
            "import urllib.request\nurllib.request.urlopen('x')",
            "reaches the network (landscape.py, line 2: urllib.request.urlopen)",
        ),
        ("import requests\nrequests.get('x')", "reaches the network (landscape.py, line 2: requests.get)"),
        (
            "from torchvision.datasets import MNIST\nMNIST('.', download=True)",
            "reaches the network (landscape.py, line 2: download=True)",
        ),
        ("Net.from_pretrained('x')", "reaches the network (landscape.py, line 1: from_pretrained)"),
        ("open('x', 'w')", "writes, moves or deletes files (landscape.py, line 1: open)"),
        ("open('x', mode=m)", "writes, moves or deletes files (landscape.py, line 1: open)"),
        ("p.open('a')", "writes, moves or deletes files (landscape.py, line 1: open)"),
        ("import shutil\nshutil.rmtree('x')", "writes, moves or deletes files (landscape.py, line 2: shutil.rmtree)"),
        ("p.unlink()", "writes, moves or deletes files (landscape.py, line 1: unlink)"),
        ("open('x')", "reads files (landscape.py, line 1: open)"),
        ("import numpy as np\nnp.load('x')", "reads files (landscape.py, line 2: numpy.load)"),
        ("exec('x')", "runs code that is not shown here (landscape.py, line 1: exec)"),
        ("import pickle\npickle.loads(b)", "runs code that is not shown here (landscape.py, line 2: pickle.loads)"),
        (
            "getattr(a, 'sys' + 'tem')()",
            "runs code that is not shown here (landscape.py, line 1: getattr of a name made while it runs)",
        ),
        ("import ctypes\nctypes.CDLL('x')", "calls compiled libraries directly (landscape.py, line 2: ctypes.CDLL)"),
        ("import os\nos.environ['X']", "reads environment variables (landscape.py, line 2: os.environ)"),
        ("x = 'user\u202e'", "shows its text in another order than it runs (landscape.py, line 1: U+202E)"),
    ],
)
def test_each_ability_is_told_with_its_place(tmp_path: Path, code: str, words: str) -> None:
    assert words in seen(tmp_path, code)


@pytest.mark.parametrize(
    "code",
    [
        "import torch\ndef model():\n    return torch.nn.Linear(2, 2)",
        "text = 'os.system'  # subprocess.run",
        "import os\npath = os.path.join('a', 'b')",
        "import torch\nx = torch.ones(2).exp()\nx.compile = 1\nmodel.eval()",
        "requests = [1]\nrequests.append(2)\ncode = requests\ncode.sort()",
        "getattr(x, 'shape')",
    ],
)
def test_what_only_looks_like_it_is_not_told(tmp_path: Path, code: str) -> None:
    assert seen(tmp_path, code) == ()


def test_the_gravest_comes_first_and_imported_files_count(tmp_path: Path) -> None:
    found = seen(tmp_path, "import nets\nopen('x')", nets="import os\ndef f():\n    os.system('x')")
    assert found == ("starts other programs (nets.py, line 3: os.system)", "reads files (landscape.py, line 2: open)")


def test_what_is_too_long_to_look_through_is_said_to_be(tmp_path: Path) -> None:
    line = "x = 1\n"
    (sentence,) = seen(tmp_path, "import a, b\n", a=line * 90_000, b=line * 90_000)
    assert sentence == "is too long to be looked through here (1,080,012 bytes)"


def test_many_places_are_counted(tmp_path: Path) -> None:
    (sentence,) = seen(tmp_path, "\n".join(["open('x')"] * 9))
    assert sentence.endswith("landscape.py, line 3: open; 6 more)")
