"""The outbox: the failed deliveries of webhooks.

Nothing else is queued: a webhook reads the log with a cursor.
"""

from typing import NamedTuple, Protocol


class DeadLetter(NamedTuple):
    """An entry that could not be sent: why, and since when; `again` marks it for another attempt."""

    entry: int
    fault: str
    time: str
    again: bool


class Outbox(Protocol):
    """The outbox, inside one unit of work."""

    def bury(self, webhook: int, letter: DeadLetter) -> None:
        """Save a failed delivery."""

    def list_dead(self, webhook: int) -> list[DeadLetter]:
        """List the failed deliveries, oldest first."""

    def drop_dead(self, webhook: int, entry: int) -> None:
        """Delete a failed delivery."""
