"""Optional packages: brought in when they are asked for, and named with the command that installs them where they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from landscape_gui.errors import ProblemError


def bring(package: str, extra: str, why: str) -> ModuleType:
    """The package, imported. extra: which of ours installs it; why: what needs it, the beginning of a sentence ("net.pt is ...").

    Raises ProblemError with what went wrong: a package that is there may raise anything when it does not suit torch.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        reason = "which is not installed" if getattr(error, "name", None) == package else f"which cannot be imported ({error})"
    except Exception as error:
        reason = f"which cannot be imported ({type(error).__name__}: {error})"
    raise ProblemError(
        f"{why} needs {package}, {reason}.", remedy=f'Install it for this torch: pip install "landscape-gui[{extra}]".'
    )


def is_there(package: str) -> bool:
    """Whether the package can be imported."""
    try:
        importlib.import_module(package)
    except Exception:
        return False
    return True
