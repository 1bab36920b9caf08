"""Verbs: commands, which change a registry, and queries, which ask it. Each class holds its declaration.

A declaration says how the verb travels over HTTP and who may use it. Fields named in the path travel there;
the other fields are query parameters for GET and DELETE, and the body otherwise (`core.verbs.wire`).

>>> from muniment.core.verbs.people import GrantRole
>>> GrantRole.declared.method, GrantRole.declared.path
('POST', '/grants')
>>> GrantRole.declared.who
May(act=<Act.GRANT: 'grant roles'>, on='namespace')
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Annotated, ClassVar, Generic, Literal, Protocol, TypeVar

from muniment.core.digests import Digest
from muniment.core.errors import NotFound
from muniment.core.events import Entry, Event
from muniment.core.names import ModelName, Models, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import EVERYWHERE, Act
from muniment.core.records import Record

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)
T = TypeVar("T")


class Who(StrEnum):
    """Who gets an answer to a query that does not depend on a namespace."""

    ANYBODY = "anybody"
    CALLER = "every signed-in caller, limited to what they may read"
    MEMBER = "everybody with a role in any namespace"


@dataclass(frozen=True, slots=True)
class May:
    """Principals who may do an act in the namespace that the field `on` names, or everywhere (`*`)."""

    act: Act
    on: str


@dataclass(frozen=True, slots=True)
class Within:
    """Principals who may read in the namespace that the field `on` names; others get `absent`.

    With `registry`, every caller may ask about what belongs to no namespace (`*`).
    """

    on: str
    absent: type[NotFound]
    registry: bool = False


@dataclass(frozen=True, slots=True)
class Members:
    """Principals with a role in any namespace who may read in all those that the field `on` lists.

    Without one, principals may ask about themselves, if the field `own` names them.
    """

    on: str
    own: str


@dataclass(frozen=True, slots=True)
class Own:
    """The principal that the field `on` names, and nobody else; as `within` says, if it does."""

    on: str
    within: Within | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The declaration of a command.

    Attributes:
        method: the method of HTTP.
        path: the path under the root of the API, with fields, or parts of names, in braces.
        who: who may use it; a text if the verb itself checks a more complex rule.
        idempotent: repeating it changes nothing and returns the first entry.
    """

    method: Literal["POST", "PUT", "DELETE"]
    path: str
    who: May | str
    idempotent: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """The declaration of a query.

    Attributes:
        path: as for a command.
        who: who gets an answer.
        proven: the client computes the answer from its basis, or checks it as a proof of the log.
            Otherwise it is *found*: all of it is on record, but it may be incomplete.
    """

    path: str
    who: May | Within | Members | Own | Who
    proven: bool = False

    @property
    def method(self) -> str:
        """The method of HTTP."""
        return "GET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The bounds of a field: the range of a number, or the length of a text or list."""

    least: int | None = None
    most: int | None = None
    pattern: str | None = None
    says: str = ""


class Place(StrEnum):
    """The place where a field travels."""

    PATH = "path"
    QUERY = "query"
    BODY = "body"
    # If-Match names the entry that the caller believes is the newest, `If-None-Match: *` none.
    PRECONDITION = "If-Match"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Marks a field that travels under another name or at another place than usual."""

    name: str = ""
    place: Place | None = None


MAX_ENTRY = 2**53
Name = Annotated[str, Bounds(most=200)]
Time = Annotated[str, Bounds(most=40)]
At = Annotated[
    str | None, Bounds(most=40, says="Answer as of this time (RFC 3339), or as of this entry of the log.")
]
Limit = Annotated[int, Bounds(least=1, most=1000)]


@dataclass(frozen=True, slots=True)
class Verb:
    """A command or a query."""

    declared: ClassVar[Change | Question]


@dataclass(frozen=True, slots=True)
class Command(Verb, ABC):
    """A change, which is atomic and returns a receipt.

    A receipt confirms a command if its entry says what the command asked. Entries name versions by number and
    principals (the field `principal`) by id: no entry confirms a command that names them otherwise.
    """

    declared: ClassVar[Change]

    @property
    def is_exact(self) -> bool:
        """Whether it names its version as entries do: by number."""
        reference = getattr(self, "reference", None)
        return reference is None or isinstance(reference.selector, int)

    @property
    def realms(self) -> frozenset[str]:
        """The namespaces that it names, and the registry (`*`): its entries are about nothing else."""
        named = set()
        for field in fields(self):
            match getattr(self, field.name):
                case ModelName(namespace=namespace) | Models(namespace=namespace):
                    named.add(namespace)
                case Reference(name=name):
                    named.add(name.namespace)
                case str(namespace) if field.name == "namespace":
                    named.add(namespace)
        return frozenset({EVERYWHERE, *named})

    @abstractmethod
    def is_done_by(self, entry: Entry) -> bool:
        """Return whether a new entry says what this command asked, in every field that it holds."""

    def was_done_by(self, entry: Entry) -> bool:
        """Return whether an earlier entry says the same in all that lasts; only for idempotent commands.

        It may have another reason, and other claims.
        """
        return self.declared.idempotent and self.is_done_by(entry)

    def holds(self, entry: Entry, ask: "Ask") -> bool:
        """Return whether what a new entry leaves out was done, and nothing else, as proven answers tell."""
        del entry, ask
        return True

    def stands(self, entry: Entry, ask: "Ask") -> bool:
        """Return whether what an earlier entry says has not ended since, as proven answers tell."""
        del entry, ask
        return True

    def rest(self, entry: Entry) -> "Command | None":
        """Return what the next entry must confirm, given the entry of the receipt; None if nothing."""
        del entry
        return None


@dataclass(frozen=True, slots=True)
class Query(Verb, Generic[A_co]):
    """A question about one consistent state; its answer is an `A_co`."""

    declared: ClassVar[Question]


class Ask(Protocol):
    """A function that answers queries."""

    def __call__(self, query: Query[A], /) -> A:
        """Answer a query."""


@dataclass(frozen=True, slots=True)
class ListQuery(Query[tuple[T, ...]], Generic[T]):
    """A question whose answer is a list, or one page of a list."""

    def following(self, items: tuple[T, ...]) -> str | int | None:
        """Return the cursor of the page after these items; None if this is the last page."""
        del items
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQuery(ListQuery[T]):
    """A question with a paged answer, in the order of the log: the page after the entry `after`."""

    after: Annotated[int, Bounds(least=-1, most=MAX_ENTRY, says="The last entry of the previous page.")] = -1
    limit: Limit = 100

    def following(self, items: tuple[T, ...]) -> str | int | None:
        """Continue after the last entry, as long as pages are full."""
        return entry_of(items[-1]) if len(items) >= self.limit else None


def entry_of(item: object) -> int:
    """Return the entry of the log that orders an item of a page."""
    record = getattr(item, "record", item)
    if not isinstance(record, Record):
        raise TypeError(item)
    return record.index


def says(entry: Entry, kind: type[Event], /, **fields: object) -> bool:
    """Return whether the event of an entry is of a kind and has these fields."""
    event = entry.event
    return isinstance(event, kind) and all(getattr(event, name) == value for name, value in fields.items())


def by_number(reference: Reference) -> dict[str, object]:
    """Return the fields by which an event names a version."""
    return {"name": reference.name, "number": reference.selector}


def digest_of(payload: Payload | None) -> Digest | None:
    """Return the digest by which an event names a typed text; None stays None."""
    return None if payload is None else payload.digest


def name_of(kind: type[Verb]) -> str:
    """Return the name of a verb as an operation: GrantRole, grant_role."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
