"""What --code names: a file, or a function in a file or module, found without importing anything."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from landscape_gui.errors import ProblemError
from landscape_gui.problem.locate import CLIMB, folder_of
from landscape_gui.problem.source import imports_of

FORM = re.compile(r"(?P<where>.+?):(?P<function>[A-Za-z_]\w*)(?P<arguments>\(.*\))?", re.DOTALL)
REMEDY = "Give --code the path of a landscape.py, FILE.py:FUNCTION or MODULE:FUNCTION."


@dataclass(frozen=True, kw_only=True)
class CodeName:
    """file: where the code is; module: the dotted name that it is imported under ("" where it is run by itself); function: what
    makes the network ("" where only a file is named); arguments: for it, by name."""

    file: Path
    module: str = ""
    function: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


def find_named(text: str, checkpoint: Path) -> CodeName:
    """What "landscape.py", "nets.py:make", "pkg.nets:make" or "nets.py:Net(width=8)" means.

    A relative file, and a module, are looked for in the current folder (and its src), in the checkpoint's, and up to two folders
    above it. Raises ProblemError naming where it was looked for.
    """
    folders = places(checkpoint)
    whole = _file(text, folders)
    if whole is not None:
        return CodeName(file=whole)
    form = FORM.fullmatch(text)
    if form is None:
        raise ProblemError(f"There is no {text} in {', '.join(map(str, folders))}.", remedy=REMEDY)
    where = form["where"]
    file = _file(where, folders) if where.endswith(".py") or "/" in where or "\\" in where else _module(where, folders)
    if file is None:
        looked = ", ".join(map(str, folders))
        raise ProblemError(f"There is no {where} in {looked}.", remedy=f"{REMEDY} Installed modules are not looked through.")
    return CodeName(
        file=file, module=module_name(file, where, Path.cwd()), function=form["function"], arguments=_arguments(form["arguments"])
    )


def places(checkpoint: Path) -> list[Path]:
    """Where code is looked for: the current folder and its src, the checkpoint's folder, and folders above it."""
    folder = folder_of(checkpoint)
    found = [Path.cwd(), Path.cwd() / "src", folder, *folder.parents[:CLIMB]]
    return [place for place in dict.fromkeys(found) if place.is_dir()]


def module_name(file: Path, named: str = "", highest: Path | None = None) -> str:
    """The dotted name that the file is imported under: with the packages that it lies in; "" where it can have none.

    named: how a person wrote it; dots count as folders. highest: up to there, a folder that holds more of what the file imports is
    taken for the place where names begin.
    """
    base = file.parent
    while (base / "__init__.py").is_file() and base.name.isidentifier():
        base = base.parent
    dotted = named.split(".") if named and not named.endswith(".py") and not set("/\\") & set(named) else []
    if len(dotted) > len(file.relative_to(base).parts):
        return _checked(dotted)
    folders = [base]
    if highest is not None and base.is_relative_to(highest):
        folders += [folder for folder in base.parents if folder.is_relative_to(highest)]
    tops = {name.partition(".")[0] for name in imports_of(file, file.read_bytes())}
    home = max(folders, key=lambda folder: sum((folder / top).is_dir() or (folder / f"{top}.py").is_file() for top in tops))
    parts = file.relative_to(home).with_suffix("").parts
    return _checked(parts[:-1] if parts[-1] == "__init__" else parts)


def _checked(parts: Sequence[str]) -> str:
    good = parts and all(part.isidentifier() for part in parts) and parts[0] not in sys.stdlib_module_names
    return ".".join(parts) if good else ""


def _file(where: str, folders: list[Path]) -> Path | None:
    path = Path(where).expanduser()
    tried = [path] if path.is_absolute() else [folder / path for folder in folders]
    return next((place.resolve() for place in tried if place.is_file()), None)


def _module(where: str, folders: list[Path]) -> Path | None:
    parts = where.split(".")
    if not all(part.isidentifier() for part in parts):
        return None
    for folder in folders:
        place = folder.joinpath(*parts)
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if file.is_file():
                return file.resolve()
    return None


def _arguments(text: str | None) -> dict[str, Any]:
    """ "(width=8)" as {"width": 8}: plain values by name."""
    if not text:
        return {}
    try:
        call = ast.parse(f"f{text}", mode="eval").body
        assert isinstance(call, ast.Call) and not call.args and all(keyword.arg for keyword in call.keywords)
        return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError, AssertionError, RecursionError, MemoryError) as error:
        raise ProblemError(
            f"{text} are no arguments.", remedy="Write plain values by name, such as (width=8, act='relu')."
        ) from error
