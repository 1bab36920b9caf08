"""Records of policies, moves and requests."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.records.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRecord(Record):
    """A policy of an alias; the newest of some models and an alias is in force.

    `models` is `acme/readmission` or `acme/*`; `digest` is None where the alias is guarded by no policy
    yet; `attestation` is the signed statement of the principal who set it. `ended` (1) says that the policy
    before it ended, and that none took its place.
    """

    table: ClassVar[str] = "policies"
    key: ClassVar[tuple[str, ...]] = ("index",)
    models: str
    alias: str
    digest: str | None
    attestation: str | None
    author: str
    set: str
    reason: str
    ended: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TierRecord(Record):
    """The risk tier of a model; the newest counts."""

    table: ClassVar[str] = "tiers"
    key: ClassVar[tuple[str, ...]] = ("index",)
    name: str
    tier: str
    author: str
    set: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRecord(Record):
    """A move of an alias; the newest of a (name, alias) is where it points, or None if it was removed.

    `verdicts` are the digests of what the policies said, with a space between. An `emergency` (1) went past
    the gate, and has to be closed until `due`; `closed` is the entry that did.
    """

    table: ClassVar[str] = "moves"
    key: ClassVar[tuple[str, ...]] = ("index",)
    amendable: ClassVar[frozenset[str]] = frozenset({"closed"})
    name: str
    alias: str
    number: int | None
    previous: int | None
    actor: str
    moved: str
    reason: str | None
    verdicts: str
    emergency: int = 0
    due: str | None = None
    closed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord(Record):
    """Somebody wants a version for an alias; `closed` is the entry that answered, `answer` says why."""

    table: ClassVar[str] = "requests"
    key: ClassVar[tuple[str, ...]] = ("index",)
    amendable: ClassVar[frozenset[str]] = frozenset({"reminded", "closed", "outcome", "answer"})
    name: str
    number: int
    alias: str
    requester: str
    opened: str
    reason: str | None
    reminded: str | None = None
    closed: int | None = None
    outcome: str | None = None
    answer: str | None = None
