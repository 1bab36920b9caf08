"""Verbs: commands, which change a registry, and queries, which ask it. Each is declared at its class.

A declaration says how the verb travels over HTTP and who may. Fields that are named in the path travel there;
of the others, those of GET and DELETE are parameters of the query, the rest is the body (`core.verbs.wire`).

>>> from muniment.core.verbs.people import GrantRole
>>> GrantRole.declared.method, GrantRole.declared.path
('POST', '/grants')
>>> GrantRole.declared.who
May(act=<Act.GRANT: 'grant roles'>, on='namespace')
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Generic, Literal, TypeVar

from muniment.core.errors import NotFound
from muniment.core.people.roles import Act
from muniment.core.records import Record

A_co = TypeVar("A_co", covariant=True)
T = TypeVar("T")


class Who(StrEnum):
    """To whom a query is answered, where that does not depend on a namespace."""

    ANYBODY = "anybody"
    CALLER = "everybody who signs in, as far as they may see"
    MEMBER = "everybody who has a role in some namespace"


@dataclass(frozen=True, slots=True)
class May:
    """Those who may do an act in the namespace that the field `on` names, or everywhere (`*`)."""

    act: Act
    on: str


@dataclass(frozen=True, slots=True)
class Within:
    """Those who may read in the namespace that the field `on` names; to others it is `absent`."""

    on: str
    absent: type[NotFound]


@dataclass(frozen=True, slots=True)
class Change:
    """The declaration of a command.

    Attributes:
        method: the method of HTTP.
        path: the path under the root of the API, with fields, or parts of names, in braces.
        who: who may; a text where the verb itself checks a rule that is not as simple.
        idempotent: sent again, it changes nothing, and is answered with the entry of the first time.
    """

    method: Literal["POST", "PUT", "DELETE"]
    path: str
    who: May | str
    idempotent: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """The declaration of a query.

    Attributes:
        path: as of a command.
        who: who is answered.
        proven: the answer is a record or a proof that is checked against the log. Otherwise it was *found*:
            what it lists is on record, and it may not be all.
    """

    path: str
    who: May | Within | Who
    proven: bool = False

    @property
    def method(self) -> str:
        """The method of HTTP."""
        return "GET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a field may hold: a number between two others; a text or a list of some length."""

    least: int | None = None
    most: int | None = None
    pattern: str | None = None
    says: str = ""


class Place(StrEnum):
    """Where a field travels."""

    PATH = "path"
    QUERY = "query"
    BODY = "body"
    # If-Match names the entry that the caller takes for the newest, `If-None-Match: *` says none.
    PRECONDITION = "If-Match"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """That a field travels under another name, or at another place, than usual."""

    name: str = ""
    place: Place | None = None


MAX_ENTRY = 2**53
Name = Annotated[str, Bounds(most=200)]
Time = Annotated[str, Bounds(most=40)]
At = Annotated[str | None, Bounds(most=40, says="As it was then (RFC 3339).")]
Limit = Annotated[int, Bounds(least=1, most=1000)]


@dataclass(frozen=True, slots=True)
class Verb:
    """A command or a query."""

    declared: ClassVar[Change | Question]


@dataclass(frozen=True, slots=True)
class Command(Verb):
    """A change, done whole or not at all, and answered with a receipt."""

    declared: ClassVar[Change]


@dataclass(frozen=True, slots=True)
class Query(Verb, Generic[A_co]):
    """A question whose answer is an `A_co`, from one consistent state."""

    declared: ClassVar[Question]


@dataclass(frozen=True, slots=True)
class ListQuery(Query[tuple[T, ...]], Generic[T]):
    """A question whose answer is a list, or a page of one."""

    def following(self, items: tuple[T, ...]) -> str | int | None:
        """Give what to ask with for the page after these items; None where there is none."""
        del items
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQuery(ListQuery[T]):
    """A question with a long answer, in the order of the log: a page after the entry `after`."""

    after: Annotated[int, Bounds(least=-1, most=MAX_ENTRY, says="The last entry of the page before.")] = -1
    limit: Limit = 100

    def following(self, items: tuple[T, ...]) -> str | int | None:
        """Go on after the last entry, as long as pages are full."""
        return entry_of(items[-1]) if len(items) >= self.limit else None


def entry_of(item: object) -> int:
    """Give the entry of the log that an item of a page goes by."""
    record = getattr(item, "record", item)
    if not isinstance(record, Record):
        raise TypeError(item)
    return record.index


def name_of(kind: type[Verb]) -> str:
    """Give the name of a verb, as operations are called: GrantRole, grant_role."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
