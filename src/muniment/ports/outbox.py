"""The outbox: how far each webhook has been told what the log says, and what could not be told.

What is to be sent is the log itself: a webhook has a place in it, and nothing is queued.
"""

from typing import NamedTuple, Protocol


class Place(NamedTuple):
    """The entry that is to be sent next, and how often that failed."""

    next: int
    failures: int


class DeadLetter(NamedTuple):
    """An entry that could not be sent: why, since when; `again` if it is to be tried once more."""

    entry: int
    fault: str
    time: str
    again: bool


class Outbox(Protocol):
    """The outbox, inside one unit of work."""

    def find(self, webhook: int) -> Place | None:
        """Find where a webhook stands; None if it was told nothing yet."""

    def put(self, webhook: int, place: Place) -> None:
        """Keep where a webhook stands."""

    def bury(self, webhook: int, letter: DeadLetter) -> None:
        """Keep an entry that could not be sent."""

    def list_dead(self, webhook: int) -> list[DeadLetter]:
        """List what could not be sent, oldest first."""

    def drop_dead(self, webhook: int, entry: int) -> None:
        """Forget an entry that could not be sent."""
