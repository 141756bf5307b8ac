"""A function of the user's own that makes the network: --code FILE.py:FUNCTION or MODULE:FUNCTION."""

from __future__ import annotations

from landscape_gui.problem import your_code
from landscape_gui.problem.code_name import CodeName, find_named
from landscape_gui.problem.code_origin import CodeOrigin
from landscape_gui.problem.lightning_origin import named_lightning
from landscape_gui.problem.origins import Origin, Request
from landscape_gui.problem.source import read_source


def module_origin(request: Request) -> Origin | None:
    """The function that --code names; what else its file holds of a landscape.py (data, loss, metrics, batch_loss) counts as well.

    A LightningModule is made with the checkpoint's hyper-parameters. Raises TrustNeeded before anything of it runs, ProblemError
    where there is no such file, or nothing of that name in it.
    """
    if request.code is None:
        return None
    named = find_named(request.code, request.checkpoint.path)
    if not named.function:
        return None
    return named_lightning(request, named) or function_origin(request, named)


def function_origin(request: Request, named: CodeName) -> Origin:
    source = read_source(named.file, named.module)
    return CodeOrigin(request, your_code.load_source(source, request.trusted, named.function, named.arguments))
