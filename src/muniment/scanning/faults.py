"""Faults that end the reading of a file."""


class Malformed(Exception):
    """The file cannot be read to its end: a loader fails there, or takes another path."""

    def __init__(self, *, reason: str) -> None:
        """Say why."""
        super().__init__(reason)


class TooLarge(MemoryError):
    """What holds more at once than can be followed."""
