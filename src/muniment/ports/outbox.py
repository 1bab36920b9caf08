"""The outbox: what a webhook could not be told.

What is to be sent is the log itself: a webhook has a cursor, and nothing is queued.
"""

from typing import NamedTuple, Protocol


class DeadLetter(NamedTuple):
    """An entry that could not be sent: why, since when; `again` if it is to be tried once more."""

    entry: int
    fault: str
    time: str
    again: bool


class Outbox(Protocol):
    """The outbox, inside one unit of work."""

    def bury(self, webhook: int, letter: DeadLetter) -> None:
        """Keep an entry that could not be sent."""

    def list_dead(self, webhook: int) -> list[DeadLetter]:
        """List what could not be sent, oldest first."""

    def drop_dead(self, webhook: int, entry: int) -> None:
        """Forget an entry that could not be sent."""
