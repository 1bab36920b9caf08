"""Cursors: how far each of those who follow the log has come. What lies before them is the log itself."""

from typing import NamedTuple, Protocol


class Place(NamedTuple):
    """The entry that comes next, and how often that failed."""

    next: int
    failures: int = 0


class Cursors(Protocol):
    """The cursors, inside one unit of work."""

    def find(self, reader: str) -> Place | None:
        """Find where a reader of the log stands; None if it has not begun."""

    def put(self, reader: str, place: Place) -> None:
        """Keep where a reader stands."""
