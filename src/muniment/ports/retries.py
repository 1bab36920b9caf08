"""Retries: which entry answered a request, so that a repeated request records nothing twice."""

from typing import NamedTuple, Protocol


class Answered(NamedTuple):
    """An answered request: the fingerprint of its command, and the entry that it made."""

    fingerprint: str
    entry: int


class Retries(Protocol):
    """The answered requests, inside one unit of work."""

    def find(self, caller: str, key: str) -> Answered | None:
        """Find the request that a caller's key was used for."""

    def keep(self, caller: str, key: str, answered: Answered, time: str) -> None:
        """Remember the request that a caller's key was used for."""

    def forget(self, before: str) -> int:
        """Delete the requests before a time; return their number."""
