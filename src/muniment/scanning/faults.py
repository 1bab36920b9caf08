"""What stops whoever follows a file."""


class Malformed(Exception):
    """What cannot be followed to its end: whoever loads it fails there, or goes another way."""

    def __init__(self, *, reason: str) -> None:
        """Say why."""
        super().__init__(reason)


class TooLarge(MemoryError):
    """What holds more at once than can be followed."""
