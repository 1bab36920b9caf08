"""What the facts of a view hold, and how it is written: in short for people, in full, and as JSON.

>>> write(Size(18_200_000)), write(Digest.of(b"")), write(Estimate(0.8421, 0.829, 0.854))
('18.2 MB', 'sha256:e3b0c44298fc', '0.842 (0.829 to 0.854)')
>>> write(Time("2026-03-01T12:00:00Z"), "2026-03-03T13:00:00Z")
'2 days ago'
>>> write_document(Estimate(0.5)), write_whole(Size(2048))
({'value': 0.5}, '2,048 bytes')
>>> write(Pairs((("rate", Given(0.00012345)), ("rows", Given(50000)))))
'rate=0.00012345, rows=50000'
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias, Union

from muniment.core.canonical import Json, object_in
from muniment.core.counting import count
from muniment.core.digests import Digest
from muniment.core.errors import InvalidTime
from muniment.core.times import read_time

# As in `sha256:e3b0c44298fc`.
_SHORT_DIGEST: Final = 19
_SHORT_ID: Final = 12
_UNITS: Final = ("kB", "MB", "GB", "TB", "PB")
_AGES: Final = (
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("minute", timedelta(minutes=1)),
    ("second", timedelta(seconds=1)),
)
# A date says more than so many days.
_LONG_AGO: Final = timedelta(days=60)
NOTHING: Final = "-"
_MOST_PAIRS: Final = 6
# How far a step of a tree is indented, by spaces that HTML keeps.
_STEP: Final = "\u00a0" * 2
_MOST_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class Time:
    """A time (RFC 3339), which people read as an age."""

    at: str


@dataclass(frozen=True, slots=True)
class Size:
    """A number of bytes."""

    size_bytes: int


@dataclass(frozen=True, slots=True)
class Person:
    """A principal, by id; the name is None if it was erased or cannot be read."""

    id: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Id:
    """A long id, which its first characters tell apart."""

    id: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, with its confidence interval if there is one."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A difference of two numbers.

    Attributes:
        delta: the new number less the old one.
        real: whether their confidence intervals are apart; None without intervals.
    """

    delta: float
    real: bool | None = None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A text of any length, of which the beginning is drawn."""

    text: str


@dataclass(frozen=True, slots=True)
class Given:
    """A value as somebody gave it, such as a parameter: nothing of it is rounded."""

    value: Json


@dataclass(frozen=True, slots=True)
class Document:
    """JSON of any size, of which the beginning is drawn."""

    document: Json


@dataclass(frozen=True, slots=True)
class Phrase:
    """A value with words before it, for people."""

    words: str
    value: "Value"


@dataclass(frozen=True, slots=True)
class Branch:
    """A text in a tree, so many steps from its root."""

    depth: int
    text: str


@dataclass(frozen=True, slots=True)
class Headline:
    """A metric by its name, in a list, where its interval is left to JSON."""

    metric: str
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Pairs:
    """Values by name, such as parameters."""

    pairs: tuple[tuple[str, "Value"], ...]


_Plain: TypeAlias = (
    str
    | int
    | float
    | bool
    | Time
    | Size
    | Digest
    | Person
    | Estimate
    | Change
    | Pairs
    | Headline
    | Excerpt
    | Branch
    | Phrase
    | Id
    | Document
    | Given
)
Value: TypeAlias = Union[_Plain, tuple["Value", ...], None]  # noqa: UP007 - it names itself


def write(value: Value, now: str = "") -> str:  # noqa: C901, PLR0911, PLR0912 - one form for each
    """Write a value in short; times as ages, seen from `now` (RFC 3339), or in full without it."""
    match value:
        case None:
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(write(one, now) for one in value) or NOTHING
        case Time(at):
            return write_age(at, now) if now else at
        case Size(size_bytes):
            return _write_size(size_bytes)
        case Digest():
            return str(value)[:_SHORT_DIGEST]
        case Estimate():
            return _write_estimate(value)
        case Change():
            return _write_change(value)
        case Id(id_):
            return id_[:_SHORT_ID]
        case Phrase(words, held):
            return f"{words} {write(held, now)}"
        case Document() | Given():
            return write(Excerpt(write_whole(value)))
        case Excerpt(text) if len(text) > _MOST_CHARACTERS:
            return f"{text[:_MOST_CHARACTERS]}…"
        case Pairs(pairs) if len(pairs) > _MOST_PAIRS:
            return f"{write(Pairs(pairs[:_MOST_PAIRS]))} and {len(pairs) - _MOST_PAIRS} more"
        case _:
            return write_whole(value)


def write_whole(value: Value) -> str:  # noqa: C901, PLR0911, PLR0912 - one form for each
    """Write a value in full."""
    match value:
        case tuple():
            return ", ".join(map(write_whole, value)) or NOTHING
        case Time(at):
            return at
        case Size(size_bytes):
            return f"{size_bytes:,} bytes"
        case Person(id=id_, name=name):
            return name or id_
        case float():
            return write_number(value)
        case str() | Digest():
            return str(value)
        case Id(id_):
            return id_
        case Phrase(words, held):
            return f"{words} {write_whole(held)}"
        case Excerpt(text):
            return text
        case Given(str(text)):
            return text
        case Document(held) | Given(held):
            return json.dumps(held, ensure_ascii=False)
        case Branch(depth, text):
            return f"{_STEP * depth}{text}"
        case Headline(metric=metric, estimate=estimate):
            return f"{metric} {write_number(estimate.value)}"
        case Pairs(pairs):
            return ", ".join(f"{name}={write_whole(one)}" for name, one in pairs) or NOTHING
        case bool():
            return write(value)
        case int():
            return f"{value:,}"
        case _:
            return write(value)


def write_document(value: Value) -> Json:  # noqa: C901, PLR0911, PLR0912 - one form for each
    """Write a value for JSON, in full."""
    match value:
        case tuple():
            return [write_document(one) for one in value]
        case Time(at):
            return at
        case Size(size_bytes):
            return size_bytes
        case Digest():
            return str(value)
        case Person(id=id_, name=name):
            return {"id": id_, "name": name}
        case Estimate(value=number, low=low, high=high):
            known = {"value": number, "low": low, "high": high}
            return {name: finite for name, part in known.items() if (finite := _finite(part)) is not None}
        case Document(held) | Given(held):
            return held
        case Phrase(value=held):
            return write_document(held)
        case Excerpt(text) | Branch(text=text) | Id(text):
            return text
        case Headline(metric=metric, estimate=estimate):
            return {"metric": metric, **object_in(write_document(estimate))}
        case Pairs(pairs):
            return {name: write_document(one) for name, one in pairs}
        case Change(delta=delta, real=real):
            return {"delta": _finite(delta), "real": real}
        case float():
            return _finite(value)
        case _:
            return value


def write_number(number: float) -> str:
    """Write a number as people compare it, with three digits of a fraction.

    >>> [write_number(n) for n in (0.84213, 12.3456, 1234567.0, 0.00001234, 3.0)]
    ['0.842', '12.346', '1,234,567', '1.23e-05', '3']
    """
    if number == 0 or not math.isfinite(number):
        return f"{number:g}"
    if float(number).is_integer() and abs(number) < 1e15:  # noqa: PLR2004 - beyond, digits are not exact
        return f"{number:,.0f}"
    if abs(number) < 0.001:  # noqa: PLR2004 - it would be written as 0.000
        return f"{number:.3g}"
    return f"{number:,.3f}"


def write_age(at: str, now: str) -> str:
    """Write how long ago a time was, or how far ahead it is; a date if that is long.

    >>> write_age("2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z")
    'now'
    >>> write_age("2026-03-01T12:00:00Z", "2026-02-28T12:00:00Z")
    'in 1 day'
    >>> write_age("2026-03-01T12:00:00Z", "2027-02-28T12:00:00Z")
    '1 Mar 2026'
    """
    try:
        then = read_time(at)
        age = read_time(now) - then
    except InvalidTime:
        return at
    if abs(age) >= _LONG_AGO:
        return f"{then.day} {then:%b} {then.year}"
    for unit, length in _AGES:
        if abs(age) >= length:
            parts = count(abs(age) // length, unit)
            return f"{parts} ago" if age > timedelta(0) else f"in {parts}"
    return "now"


def write_minute(at: str) -> str:
    """Write a time to the minute, for a sentence that is read at any time.

    >>> write_minute("2026-03-01T12:00:59.999999Z")
    '2026-03-01 12:00 UTC'
    """
    try:
        return f"{read_time(at):%Y-%m-%d %H:%M} UTC"
    except InvalidTime:
        return at


def name_people(names: Mapping[str, str], principal: str) -> Person:
    """Name a principal."""
    return Person(principal, names.get(principal))


def read_text(digest: str | None, text: str | None) -> str | None:
    """Return a text that somebody typed, of which the log has the digest; say if it was erased."""
    return text if digest is None or text is not None else "(erased)"


def _write_size(size_bytes: int) -> str:
    if size_bytes < 1000:  # noqa: PLR2004 - units of a thousand
        return count(size_bytes, "byte")
    size = float(size_bytes)
    for unit in _UNITS:
        size /= 1000
        if size < 999.5 or unit == _UNITS[-1]:  # noqa: PLR2004 - it would be written as 1000
            break
    return f"{size:.3g} {unit}"


def _write_estimate(estimate: Estimate) -> str:
    number = write_number(estimate.value)
    if estimate.low is None or estimate.high is None:
        return number
    return f"{number} ({write_number(estimate.low)} to {write_number(estimate.high)})"


def _write_change(change: Change) -> str:
    number = write_number(change.delta)
    text = number if number.startswith("-") else f"+{number}"
    if change.real is None:
        return text
    return f"{text}, real" if change.real else f"{text}, within noise"


def _finite(number: float | None) -> float | None:
    return number if number is None or math.isfinite(number) else None
