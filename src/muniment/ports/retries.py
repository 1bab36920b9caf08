"""Retries: which entry answered a request, so that sending it again records nothing twice."""

from typing import NamedTuple, Protocol


class Answered(NamedTuple):
    """A request that was done: what it asked for, as a digest, and the entry that it made."""

    fingerprint: str
    entry: int


class Retries(Protocol):
    """The answered requests, inside one unit of work."""

    def find(self, caller: str, key: str) -> Answered | None:
        """Find what a caller's key was used for."""

    def keep(self, caller: str, key: str, answered: Answered, time: str) -> None:
        """Remember what a caller's key was used for."""

    def forget(self, before: str) -> int:
        """Forget those kept before a time; give how many."""
