"""The clock of this machine. Everything else is handed a clock (`tests/test_structure.py` holds it)."""

from datetime import UTC, datetime


def now() -> datetime:
    """Give the time, in UTC."""
    return datetime.now(UTC)
