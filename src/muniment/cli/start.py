"""The entry point. It answers `--version` before click is loaded."""

import importlib
import sys

from muniment import __version__
from muniment.cli.pipes import ending_quietly


def main() -> None:
    """Run `muniment`."""
    if sys.argv[1:] == ["--version"]:
        with ending_quietly():
            sys.stdout.write(f"muniment {__version__}\n")
            sys.stdout.flush()
        return
    importlib.import_module("muniment.cli.main").main()
