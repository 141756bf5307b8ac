"""The five import rules of the house, read off the syntax tree of every file."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "landscape_gui"
TOOLKITS = {"PySide6", "shiboken6", "pyqtgraph", "superqt", "qtawesome", "qtpy"}
TORCH_ROOMS = ("checkpoint/", "problem/", "core/", "recorder/", "training/", "analyzer.py")
LIGHT_MODULES = (
    "cli",
    "doctor",
    "gallery",
    "samples",
    "run",
    "watching",
    "store",
    "jobs",
    "probes.surface",
    "probes.line",
    "probes.trajectory",
    "ui.session",
    "app",
)
NUMPY_ROOMS = (
    "store.py",
    "results.py",
    "connection_results.py",
    "curvature_results.py",
    "topology_results.py",
    "figure.py",
    "style.py",
    "colour_tables.py",
    "probes/base.py",
    "samples.py",
)


@dataclass(frozen=True)
class Import:
    file: str
    line: int
    module: str
    top: bool
    """At module level and really carried out: not inside a function, not under TYPE_CHECKING."""
    typing: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


def imports_of(path: Path, root: Path = PACKAGE) -> Iterator[Import]:
    file = path.relative_to(root).as_posix()
    parts = ["landscape_gui", *file.removesuffix(".py").split("/")]
    package = parts[:-1]

    def walk(node: ast.AST, top: bool, typing: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(file, child.lineno, alias.name, top, typing)
            elif isinstance(child, ast.ImportFrom):
                base = package[: len(package) - child.level + 1] if child.level else []
                module = ".".join([*base, *([child.module] if child.module else [])])
                for alias in child.names:
                    yield Import(file, child.lineno, f"{module}.{alias.name}", top, typing)
            elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                yield from walk(child, False, typing)
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                for inner in child.body:
                    yield from walk(ast.Module([inner], []), False, True)
                for inner in child.orelse:
                    yield from walk(ast.Module([inner], []), top, typing)
            else:
                yield from walk(child, top, typing)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), True, False)


def all_imports() -> list[Import]:
    return [found for path in sorted(PACKAGE.rglob("*.py")) for found in imports_of(path)]


def is_of(found: Import, *names: str) -> bool:
    return any(found.module == name or found.module.startswith(name + ".") for name in names)


def report(offences: list[Import]) -> None:
    assert not offences, "\n".join(map(str, offences))


IMPORTS = all_imports()


def test_the_reader_sees_every_kind_of_import(tmp_path: Path) -> None:
    """The rules below say nothing if the reader overlooks imports: relative, nested, conditional, in try."""
    file = tmp_path / "ui" / "x.py"
    file.parent.mkdir()
    file.write_text(
        "import a\nfrom ..core import b\nfrom . import c\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import d\n"
        "try:\n    import e\nexcept ImportError:\n    pass\ndef f():\n    import g\nclass K:\n    import h\n"
    )
    found = {i.module: (i.top, i.typing) for i in imports_of(file, tmp_path)}
    assert found["a"] == found["landscape_gui.core.b"] == found["landscape_gui.ui.c"] == found["e"] == found["h"] == (True, False)
    assert found["g"] == (False, False)
    assert found["d"] == (False, True)


def test_1_only_the_window_imports_a_toolkit_and_only_scene3d_and_the_window_vispy() -> None:
    report([i for i in IMPORTS if is_of(i, *TOOLKITS) and not i.file.startswith(("ui/", "app.py"))])
    report([i for i in IMPORTS if is_of(i, "vispy") and not i.file.startswith(("ui/", "scene3d/"))])


def test_2_torch_at_module_level_only_where_tensors_live() -> None:
    report([i for i in IMPORTS if is_of(i, "torch") and i.top and not i.file.startswith(TORCH_ROOMS)])
    heavy = ("landscape_gui.core", "landscape_gui.problem")
    light = ("probes/", "jobs.py", "ui/", "cli.py", "commands/", "app.py", "doctor.py", "gallery.py", "__init__.py", "run.py")
    report([i for i in IMPORTS if is_of(i, *heavy) and i.top and i.file.startswith(light)])


def test_2_what_the_window_is_made_of_really_brings_in_no_torch() -> None:
    """What the syntax tree cannot see: an import of an import."""
    light = [f"landscape_gui.{name}" for name in LIGHT_MODULES if (PACKAGE / f"{name.replace('.', '/')}.py").exists()]
    code = (
        "import importlib, sys\n"
        f"for name in {light!r}:\n"
        "    importlib.import_module(name)\n"
        "    assert 'torch' not in sys.modules, f'{name} brings in torch'\n"
        "    assert 'PySide6' not in sys.modules or '.ui' in name or name.endswith('.app'), f'{name} brings in Qt'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=PACKAGE.parent)
    assert done.returncode == 0, done.stderr


def test_2_jobs_and_probes_name_problem_as_a_type_only() -> None:
    report([i for i in IMPORTS if is_of(i, "landscape_gui.problem") and not i.typing and i.file.startswith(("probes/", "jobs.py"))])


def test_2_core_is_a_leaf() -> None:
    ours = [i for i in IMPORTS if i.file.startswith("core/") and is_of(i, "landscape_gui")]
    report([i for i in ours if not is_of(i, "landscape_gui.core", "landscape_gui.errors")])


def test_3_h5py_only_in_the_store_and_in_readers_of_others_files_and_matplotlib_only_in_export() -> None:
    report([i for i in IMPORTS if is_of(i, "h5py") and not i.file.startswith(("store", "export/peers"))])
    report([i for i in IMPORTS if is_of(i, "matplotlib") and not i.file.startswith("export/")])


def test_3_what_only_needs_numpy_imports_nothing_heavier() -> None:
    heavy = ("torch", "vispy", "matplotlib", *TOOLKITS)
    report([i for i in IMPORTS if i.file in NUMPY_ROOMS and is_of(i, *heavy)])
    below = {
        "figure.py": ("results", "style"),
        "style.py": ("results", "colour_tables"),
        "connection_results.py": ("results",),
        "curvature_results.py": ("results",),
        "topology_results.py": ("results",),
        "results.py": (),
    }
    for file, allowed in below.items():
        ours = [i for i in IMPORTS if i.file == file and is_of(i, "landscape_gui")]
        report([i for i in ours if not is_of(i, *(f"landscape_gui.{name}" for name in allowed))])


def test_4_probes_import_one_another_only_to_hold_a_probe_that_they_ask() -> None:
    probes = {path.stem for path in (PACKAGE / "probes").glob("*.py") if defines_probe(path)}
    offences = []
    for found in IMPORTS:
        room, _, file = found.file.partition("/")
        own = Path(file).stem
        if room == "probes" and own in probes and is_of(found, *(f"landscape_gui.probes.{name}" for name in probes - {own})):
            asks = re.search(r"yield from (relayed\()?(self\.)?_?ask\(", (PACKAGE / found.file).read_text(encoding="utf-8"))
            offences += [] if asks else [found]
    report(offences)


def defines_probe(path: Path) -> bool:
    """Whether a class of the file says what its command is called (`name: ClassVar[str] = ...`), as every probe does."""
    classes = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ClassDef)]
    statements = [
        ast.unparse(statement) for node in classes for statement in node.body if isinstance(statement, (ast.Assign, ast.AnnAssign))
    ]
    return any(re.match(r"name\b.*= ", text) for text in statements)


def test_5_nothing_imports_app_but_the_command_line_inside_a_function() -> None:
    app = [i for i in IMPORTS if is_of(i, "landscape_gui.app")]
    report([i for i in app if i.top or i.typing or i.file not in ("cli.py", "__main__.py")])


@pytest.mark.parametrize("room", ["core", "scene3d", "export", "probes", "problem", "checkpoint"])
def test_no_room_below_looks_up_to_the_window(room: str) -> None:
    report(
        [
            i
            for i in IMPORTS
            if i.file.startswith(f"{room}/") and is_of(i, "landscape_gui.ui", "landscape_gui.app", "landscape_gui.cli")
        ]
    )
