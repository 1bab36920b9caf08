"""Times: aware, UTC, written as RFC 3339 with microseconds.

>>> read_time("2026-03-01T12:00:00+01:00") == read_time("2026-03-01T11:00:00Z")
True

People also write a date, which is its start, or a duration:

>>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
>>> resolve_time("2026-12-05", noon), resolve_time("14d", noon), resolve_time("12h", noon, ago=True)
('2026-12-05T00:00:00.000000Z', '2026-03-15T12:00:00.000000Z', '2026-03-01T00:00:00.000000Z')
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeAlias

from muniment.core.errors import InvalidTime

_AGE: Final = re.compile(r"([1-9][0-9]{0,5})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

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
        read = datetime.fromisoformat(text)
        if read.tzinfo is not None:
            return read.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidTime(text=text) from error
    raise InvalidTime(text=text)


def find_age(text: str) -> timedelta | None:
    """Read a duration: `30m`, `12h`, `90d`, `2w`; None if it is none."""
    match = _AGE.fullmatch(text)
    return None if match is None else timedelta(**{_UNITS[match[2]]: int(match[1])})


def resolve_time(text: str, now: datetime, *, ago: bool = False) -> str:
    """Write as RFC 3339 what a person wrote: a date, or a duration from now on or, with `ago`, before now.

    Any other text is returned as it is.

    Raises:
        InvalidTime: it is a date that no calendar has, or a duration beyond all calendars.
    """
    age = find_age(text)
    try:
        if age is not None:
            return write_time(now - age if ago else now + age)
        if _DATE.fullmatch(text):
            return write_time(datetime.combine(date.fromisoformat(text), time(), UTC))
    except (ValueError, OverflowError) as error:
        raise InvalidTime(text=text) from error
    return text
