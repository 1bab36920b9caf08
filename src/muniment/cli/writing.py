"""Commands that work on the stores themselves, and not through the SDK, which checks it alike."""

from muniment.cli.terminal import Terminal
from muniment.client.connection.settings import Settings
from muniment.core.errors import OpenedReadOnly


def check_writable(terminal: Terminal) -> None:
    """Check that a command may write.

    Raises:
        OpenedReadOnly: the user said --read-only.
    """
    settings = Settings.read()
    if terminal.read_only or settings.read_only:
        raise OpenedReadOnly(location=terminal.location or settings.location)
