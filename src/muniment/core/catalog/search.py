"""Searches: what `metric.auc > 0.9 and param.depth = 6 order by created` means.

The text is read by a grammar in `muniment.services.catalog.query_language`; here is what it is read into.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from muniment.core.canonical import Json

# What every version has, beside `tag.`, `param.` and `metric.` attributes and what points at it.
COLUMNS: Final = frozenset({"name", "version", "created", "author", "size"})
# The principal who answers for the model.
OWNER: Final = "owner"
_PEOPLE: Final = frozenset({"author", OWNER})
# What it consists of: its files, manifest and config.
DIGEST: Final = "digest"
ALIAS: Final = "alias"
TARGET: Final = "target"
# What points at a version: each is an attribute of its own, `alias.production`.
POINTERS: Final = frozenset({ALIAS, TARGET})
ATTRIBUTES: Final = ("tag", "param", "metric")
MAX_TEXT_CHARACTERS: Final = 200
MAX_KEY_CHARACTERS: Final = 200
# A version is described by so many attributes of each kind at most; what is beyond is not found by search.
MAX_ATTRIBUTES: Final = 500


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing that a version can be found by: `param.depth` is 6. A number has both forms."""

    key: str
    text: str
    number: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field, an operator (= != < <= > >= ~, which is "begins with"), and what it is compared with."""

    field: str
    op: str
    value: str | float


@dataclass(frozen=True, slots=True)
class And:
    """Each of these holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of these holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """This does not hold."""

    part: "Condition"


Condition: TypeAlias = "Comparison | And | Or | Not"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for, and in which order; by time of publication, newest first, if none is asked for."""

    condition: "Condition | None" = None
    order: str = "created"
    descending: bool = True


def name_people(search: Search, find_id: Callable[[str], str]) -> Search:
    """Put the ids of people where a search has their names."""

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
    """Make attributes of named values; what is neither text, number nor truth is left out."""
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
