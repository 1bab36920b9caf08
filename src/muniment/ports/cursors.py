"""Cursors: how far each reader of the log has come."""

from typing import NamedTuple, Protocol


class Place(NamedTuple):
    """The next entry to read, and how often reading it failed."""

    next: int
    failures: int = 0


class Cursors(Protocol):
    """The cursors, inside one unit of work."""

    def find(self, reader: str) -> Place | None:
        """Find the place of a reader; None if it has not started."""

    def put(self, reader: str, place: Place) -> None:
        """Save the place of a reader."""
