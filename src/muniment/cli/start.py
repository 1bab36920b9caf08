"""Where the command starts: it says its version before the parser of the command line is loaded."""

import importlib
import sys

from muniment import __version__


def main() -> None:
    """Run `muniment`."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"muniment {__version__}\n")
        return
    importlib.import_module("muniment.cli.main").main()
