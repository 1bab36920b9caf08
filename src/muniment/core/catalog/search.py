"""Searches: what `metric.auc > 0.9 and param.depth = 6 order by created` means.

`muniment.services.catalog.query_language` parses the text into these values.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias

from muniment.core.canonical import Json
from muniment.core.times import resolve_time

# The fields of every version, beside `tag.`, `param.` and `metric.` attributes and pointers.
COLUMNS: Final = frozenset({"name", "version", "created", "author", "size"})
# The principal who answers for the model.
OWNER: Final = "owner"
_PEOPLE: Final = frozenset({"author", OWNER})
# The digest of a file, the manifest or the config of a version.
DIGEST: Final = "digest"
ALIAS: Final = "alias"
TARGET: Final = "target"
# Pointers at a version: each is an attribute of its own, `alias.production`.
POINTERS: Final = frozenset({ALIAS, TARGET})
ATTRIBUTES: Final = ("tag", "param", "metric")
MAX_TEXT_CHARACTERS: Final = 200
MAX_KEY_CHARACTERS: Final = 200
# A text in quotes, or a comparison of the time of publication with a duration.
_AGES: Final = re.compile(
    r"""\"[^\"]*\"|'[^']*'|(?<![\w./%-])(created\s*(?:!=|<=|>=|=|<|>)\s*)([0-9]+[mhdw])(?![\w:./@+-])"""
)
# The most attributes of each kind for one version; search does not see the rest.
MAX_ATTRIBUTES: Final = 500


@dataclass(frozen=True, slots=True)
class Attribute:
    """A searchable attribute of a version: `param.depth` is 6. A number has both forms."""

    key: str
    text: str
    number: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field, an operator (= != < <= > >= ~, where ~ means "begins with"), and a value."""

    field: str
    op: str
    value: str | float


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Condition"


Condition: TypeAlias = "Comparison | And | Or | Not"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A condition and an order; by default by time of publication, newest first."""

    condition: "Condition | None" = None
    order: str = "created"
    descending: bool = True


def resolve_ages(text: str, now: datetime) -> str:
    """Write the durations of a search as times: `created > 14d` means later than that long ago.

    >>> from muniment.core.times import read_time
    >>> resolve_ages("created > 12h and tag.a = 'created > 12h'", read_time("2026-03-01T12:00:00Z"))
    "created > 2026-03-01T00:00:00.000000Z and tag.a = 'created > 12h'"
    """

    def put(match: re.Match[str]) -> str:
        return match[0] if match[2] is None else f"{match[1]}{resolve_time(match[2], now, ago=True)}"

    return _AGES.sub(put, text)


def identify_people(search: Search, find_id: Callable[[str], str]) -> Search:
    """Replace the names of people in a search by their ids."""

    def put(condition: Condition) -> Condition:
        match condition:
            case Comparison(field, op, str(value)) if field in _PEOPLE:
                return Comparison(field, op, find_id(value))
            case And(parts):
                return And(tuple(map(put, parts)))
            case Or(parts):
                return Or(tuple(map(put, parts)))
            case Not(part):
                return Not(put(part))
            case _:
                return condition

    return search if search.condition is None else replace(search, condition=put(search.condition))


def find_attributes(prefix: str, values: Mapping[str, Json]) -> list[Attribute]:
    """Make attributes of named values; other values than text, numbers and booleans are left out."""
    attributes = []
    for name, value in values.items():
        key = f"{prefix}.{name}"
        if len(key) > MAX_KEY_CHARACTERS:
            continue
        if isinstance(value, bool):
            attributes.append(Attribute(key, str(value).lower()))
        elif isinstance(value, int | float):
            attributes.append(Attribute(key, str(value)[:MAX_TEXT_CHARACTERS], float(value)))
        elif isinstance(value, str):
            attributes.append(Attribute(key, value[:MAX_TEXT_CHARACTERS]))
    return attributes[:MAX_ATTRIBUTES]
