"""Records: the rows that the log folds into, and the changes by which it does (`core.events`).

Each carries `index`, the entry of the log that made it, so that each can be proved.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Final, NamedTuple, TypeAlias

Value: TypeAlias = "str | int | None"
Key: TypeAlias = tuple[str | int, ...]

_OPERATORS: Final[Mapping[str, Callable[..., object]]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A row of a projection; `table` names it and `key` names its primary key."""

    table: ClassVar[str]
    key: ClassVar[tuple[str, ...]]
    amendable: ClassVar[frozenset[str]] = frozenset()

    index: int

    def values(self) -> dict[str, Value]:
        """Give the columns by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def identity(self) -> Key:
        """Give the primary key."""
        return tuple([getattr(self, name) for name in self.key])


@dataclass(frozen=True, slots=True)
class Put:
    """Add a record, or replace the one with its key."""

    record: Record


@dataclass(frozen=True, slots=True)
class Amend:
    """Set columns of the record that has the key."""

    kind: type[Record]
    key: Key
    values: Mapping[str, Value]

    def amend(self, record: Record) -> Record:
        """Return a record, which MUST have the key, with the columns set."""
        return replace(record, **self.values)  # type: ignore[arg-type] # the columns of that kind


Change: TypeAlias = Put | Amend


class Where(NamedTuple):
    """A condition on a column; `op` is one of = < <= > >=."""

    column: str
    op: str
    value: Value

    def holds(self, record: Record) -> bool:
        """Return whether a record meets it. A null meets nothing but that it is null."""
        value = getattr(record, self.column)
        if self.value is None or value is None:
            return self.op == "=" and value is self.value
        return bool(_OPERATORS[self.op](value, self.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceRecord(Record):
    """A namespace, or the registry itself (`*`); `salt` is the digest of the payload for its subjects."""

    table: ClassVar[str] = "namespaces"
    key: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    salt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalRecord(Record):
    """A person or workload; `profile` is the digest of an erasable payload that holds the name."""

    table: ClassVar[str] = "principals"
    key: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    kind: str
    profile: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord(Record):
    """A public key of a principal; `revoked` is the entry from which on it no longer counts.

    `assurance` says how its owner was known; `name` is the digest of a payload that names the machine.
    """

    table: ClassVar[str] = "keys"
    key: ClassVar[tuple[str, ...]] = ("id",)
    amendable: ClassVar[frozenset[str]] = frozenset({"revoked"})
    id: str
    principal: str
    public_key: str
    enrolled: str
    assurance: str = "key"
    name: str | None = None
    expires: str | None = None
    revoked: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRecord(Record):
    """A role of a principal in a namespace, until the entry `ended` (None: it holds)."""

    table: ClassVar[str] = "grants"
    key: ClassVar[tuple[str, ...]] = ("index",)
    amendable: ClassVar[frozenset[str]] = frozenset({"ended"})
    principal: str
    namespace: str
    role: str
    ended: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord(Record):
    """A repository; `latest` is the highest number published, `owner` the principal who answers for it."""

    table: ClassVar[str] = "models"
    key: ClassVar[tuple[str, ...]] = ("name",)
    amendable: ClassVar[frozenset[str]] = frozenset({"latest", "owner"})
    name: str
    kind: str
    latest: int
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord(Record):
    """A published revision."""

    table: ClassVar[str] = "versions"
    key: ClassVar[tuple[str, ...]] = ("name", "number")
    name: str
    number: int
    revision: str
    size_bytes: int
    author: str
    published: str
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestationRecord(Record):
    """A signed claim about a version, stored as a bundle under its digest.

    `withdrawn` is the entry of the claim by which its signer took it back (None: it stands).
    """

    table: ClassVar[str] = "attestations"
    key: ClassVar[tuple[str, ...]] = ("name", "revision", "digest")
    amendable: ClassVar[frozenset[str]] = frozenset({"withdrawn"})
    name: str
    revision: str
    digest: str
    predicate_type: str
    signer: str
    key_id: str
    recorded: str
    reason: str | None
    assurance: str = "key"
    withdrawn: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRecord(Record):
    """What was said of a version at a target, until the entry `ended` (None: it still stands)."""

    table: ClassVar[str] = "deployments"
    key: ClassVar[tuple[str, ...]] = ("index",)
    amendable: ClassVar[frozenset[str]] = frozenset({"ended"})
    name: str
    number: int
    target: str
    state: str
    loaded: str | None
    attestation: str
    signer: str
    recorded: str
    ended: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRecord(Record):
    """A policy of an alias; the newest of some models and an alias is in force.

    `models` is `acme/readmission` or `acme/*`; `digest` is None where the alias is guarded by no policy
    yet; `attestation` is the signed statement of the principal who set it.
    """

    table: ClassVar[str] = "policies"
    key: ClassVar[tuple[str, ...]] = ("index",)
    models: str
    alias: str
    digest: str | None
    attestation: str | None
    author: str
    set: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TierRecord(Record):
    """The risk tier of a model; the newest counts."""

    table: ClassVar[str] = "tiers"
    key: ClassVar[tuple[str, ...]] = ("index",)
    name: str
    tier: str
    author: str
    set: str


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
class StatusRecord(Record):
    """What became of a version: the newest counts; without one it is published."""

    table: ClassVar[str] = "statuses"
    key: ClassVar[tuple[str, ...]] = ("index",)
    name: str
    number: int
    status: str
    actor: str
    set: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRecord(Record):
    """How long a version is kept: until a time, and while a legal hold (1) lies on it. The newest counts."""

    table: ClassVar[str] = "retentions"
    key: ClassVar[tuple[str, ...]] = ("index",)
    name: str
    number: int
    until: str | None
    hold: int
    actor: str
    set: str
    reason: str | None


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
class DraftRecord(Record):
    """Content that is not published yet; `attestations` are the digests of claims that come with it."""

    table: ClassVar[str] = "drafts"
    key: ClassVar[tuple[str, ...]] = ("index",)
    amendable: ClassVar[frozenset[str]] = frozenset({"ended", "outcome"})
    name: str
    revision: str
    kind: str
    size_bytes: int
    attestations: str
    author: str
    saved: str
    message: str | None
    ended: int | None = None
    outcome: str | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord(Record):
    """A token, by the sha256 of its text; `label` is the digest of a payload that says what it is for."""

    table: ClassVar[str] = "tokens"
    key: ClassVar[tuple[str, ...]] = ("id",)
    amendable: ClassVar[frozenset[str]] = frozenset({"revoked"})
    id: str
    principal: str
    label: str | None
    scopes: str
    issued: str
    expires: str
    once: int
    revoked: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferencesRecord(Record):
    """The preferences of a principal; `text` is the digest of an erasable payload. The newest count."""

    table: ClassVar[str] = "preferences"
    key: ClassVar[tuple[str, ...]] = ("index",)
    principal: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerRecord(Record):
    """A rule that lets workloads in; `claims` is a JSON object of texts."""

    table: ClassVar[str] = "issuers"
    key: ClassVar[tuple[str, ...]] = ("index",)
    amendable: ClassVar[frozenset[str]] = frozenset({"ended"})
    issuer: str
    claims: str
    principal: str
    ended: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaRecord(Record):
    """What a namespace may hold; the newest of a namespace is in force."""

    table: ClassVar[str] = "quotas"
    key: ClassVar[tuple[str, ...]] = ("index",)
    namespace: str
    size_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRecord(Record):
    """Where the events of a namespace are sent, until the entry `ended` (None: they are).

    `target` is the digest of an erasable payload: the address and the secret. `events` are their types with a
    space between; empty for all.
    """

    table: ClassVar[str] = "webhooks"
    key: ClassVar[tuple[str, ...]] = ("index",)
    amendable: ClassVar[frozenset[str]] = frozenset({"ended"})
    namespace: str
    target: str
    events: str
    author: str
    set: str
    ended: int | None = None


# In the order in which one refers to another.
RECORDS: Final[tuple[type[Record], ...]] = (
    NamespaceRecord,
    PrincipalRecord,
    KeyRecord,
    GrantRecord,
    ModelRecord,
    DraftRecord,
    VersionRecord,
    AttestationRecord,
    DeploymentRecord,
    PolicyRecord,
    TierRecord,
    OwnerRecord,
    StatusRecord,
    RetentionRecord,
    MoveRecord,
    RequestRecord,
    CommentRecord,
    MentionRecord,
    TagRecord,
    TokenRecord,
    PreferencesRecord,
    IssuerRecord,
    QuotaRecord,
    WebhookRecord,
)
