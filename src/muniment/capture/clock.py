"""The clock of this machine. All other code receives a clock (see `tests/test_structure.py`)."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)
