"""Faults that stop the scan of a file."""


class Malformed(Exception):
    """The content cannot be followed to its end: a loader fails there, or does something else."""

    def __init__(self, *, reason: str) -> None:
        """Say why."""
        super().__init__(reason)


class TooLarge(MemoryError):
    """The content needs more memory than the scan has."""
