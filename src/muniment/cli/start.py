"""The entry point. It answers `--version` before click is loaded."""

import importlib
import sys

from muniment import __version__


def main() -> None:
    """Run `muniment`."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"muniment {__version__}\n")
        return
    importlib.import_module("muniment.cli.main").main()
