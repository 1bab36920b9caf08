"""Records of names, owners, tags and comments."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.records.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerRecord(Record):
    """The owner of a model, a principal; the newest counts."""

    table: ClassVar[str] = "owners"
    key: ClassVar[tuple[str, ...]] = ("index",)
    name: str
    owner: str
    author: str
    set: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentRecord(Record):
    """What somebody said of a version or, if `about` names its entry, of a request or an emergency."""

    table: ClassVar[str] = "comments"
    key: ClassVar[tuple[str, ...]] = ("index",)
    name: str
    number: int
    about: int | None
    author: str
    posted: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionRecord(Record):
    """Somebody who is named in a comment on a version, by its entry."""

    table: ClassVar[str] = "mentions"
    key: ClassVar[tuple[str, ...]] = ("principal", "index")
    principal: str
    name: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRecord(Record):
    """A tag of a version; `value` is the digest of an erasable payload, None once it was taken away."""

    table: ClassVar[str] = "tags"
    key: ClassVar[tuple[str, ...]] = ("index",)
    name: str
    number: int
    tag: str
    value: str | None
