"""The clock and the source of ids and salts, injected so that tests control them."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """A source of times."""

    def __call__(self) -> datetime:
        """Return the current time, aware."""


class Nonces(Protocol):
    """A source of ids."""

    def __call__(self) -> str:
        """Return a new UUIDv7 (RFC 9562 5.7), as text."""
