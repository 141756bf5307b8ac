"""hubconf.py: the entry points that a project gives torch.hub, one of which makes the network."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from landscape_gui.errors import ChoiceNeeded, ProblemError
from landscape_gui.problem.code_name import CodeName, find_named, module_name
from landscape_gui.problem.locate import find_beside
from landscape_gui.problem.module_origin import function_origin
from landscape_gui.problem.origins import Origin, Request
from landscape_gui.problem.source import read_source

NAME = "hubconf.py"
SHOWN = 20


def named_hubconf_origin(request: Request) -> Origin | None:
    """The one entry point of the hubconf.py that --code names. Raises as `hubconf_origin` does."""
    named = find_named(request.code, request.checkpoint.path) if request.code is not None else None
    return _origin(request, named.file) if named is not None and named.file.name == NAME and not named.function else None


def hubconf_origin(request: Request) -> Origin | None:
    """The one entry point of a hubconf.py beside the checkpoint.

    Raises ChoiceNeeded that lists them where there are several, TrustNeeded before anything of it runs. An entry point that takes
    `pretrained` is called with False: the weights are the checkpoint's, and nothing is fetched.
    """
    if request.code is not None or request.architecture is not None or request.card.architecture:
        return None
    place = find_beside(request.checkpoint.path, NAME)
    return _origin(request, place) if place is not None else None


def _origin(request: Request, place: Path) -> Origin:
    found = entry_points(place)
    if len(found) == 1:
        return function_origin(request, CodeName(file=place, module=module_name(place), function=found[0]))
    if not found:
        raise ProblemError(f"{place} has no entry points.", remedy="It is to define a function that returns the network.")
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    raise ChoiceNeeded(
        f"{place} has {len(found)} entry points: {', '.join(found[:SHOWN])}{more}.",
        option="code",
        choices=[f"{place}:{name}" for name in found],
        remedy=f"Choose one with --code {NAME}:{found[0]}.",
    )


def entry_points(path: Path) -> tuple[str, ...]:
    """The public functions of a hubconf.py, and what it imports from its own folder, in their order; read from the syntax alone.

    What it imports in capitals or from elsewhere is none. Raises ProblemError for a syntax error, with its line.
    """
    source = read_source(path)
    tops = {name.partition(".")[0] for name in source.files}
    return tuple(dict.fromkeys(_entries(ast.parse(source.content), tops)))


def _entries(tree: ast.Module, tops: set[str]) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in tops:
            names = [alias.asname or alias.name for alias in node.names]
            yield from (name for name in names if not name.startswith("_") and name.islower())
