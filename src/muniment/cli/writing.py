"""Commands that work on the stores themselves, and not through the SDK, which checks it alike."""

from pathlib import Path

from muniment.cli.terminal import Terminal
from muniment.client.connection.settings import Settings
from muniment.core.errors import OpenedReadOnly


def check_writable(terminal: Terminal, location: str | Path | None = None) -> None:
    """Check that a command may write, at the chosen location or another one.

    Raises:
        OpenedReadOnly: the user said --read-only.
    """
    settings = Settings.read()
    if terminal.read_only or settings.read_only:
        raise OpenedReadOnly(location=str(location or terminal.location or settings.location))
