"""Optional packages: loaded on demand, and named if missing."""

import importlib
from types import ModuleType

from muniment.core.errors import MissingExtra


def load_extra(module: str, package: str, extra: str = "evaluation") -> ModuleType:
    """Import a module that needs an optional package.

    Raises:
        MissingExtra: the package is not installed; the hint says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtra(package=package, extra=extra) from error
