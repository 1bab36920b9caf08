"""Times: aware, UTC, written as RFC 3339 with microseconds.

>>> read_time("2026-03-01T12:00:00+01:00") == read_time("2026-03-01T11:00:00Z")
True
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from muniment.core.errors import InvalidTime

# A source of times, which are aware.
Clock: TypeAlias = Callable[[], datetime]


def write_time(time: datetime) -> str:
    """Write a time; texts sort in the order of their times."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def write_seconds(seconds: int) -> str:
    """Write a time that is given in seconds since 1970; one beyond the year 9999 as that number."""
    try:
        return write_time(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def read_time(text: str) -> datetime:
    """Read an RFC 3339 time.

    Raises:
        InvalidTime: it is not an RFC 3339 time with a time zone.
    """
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidTime(text=text) from error
    raise InvalidTime(text=text)
