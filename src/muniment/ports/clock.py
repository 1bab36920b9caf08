"""The clock and the source of ids and salts: handed in, so that a test can hold them."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Where times come from."""

    def __call__(self) -> datetime:
        """Give the time now, aware."""


class Nonces(Protocol):
    """Where ids come from."""

    def __call__(self) -> str:
        """Give a new UUIDv7 (RFC 9562 5.7), as text."""
