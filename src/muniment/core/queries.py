"""Queries: what can be asked. Each names the type of its answer."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from muniment.core.claims.lineage import MAX_DEPTH, Direction, Graph
from muniment.core.digests import Digest
from muniment.core.gates.policy import Gate
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.people.roles import Act
from muniment.core.receipts import Proof
from muniment.core.records import (
    AttestationRecord,
    CommentRecord,
    DeploymentRecord,
    DraftRecord,
    GrantRecord,
    IssuerRecord,
    KeyRecord,
    ModelRecord,
    MoveRecord,
    PolicyRecord,
    PrincipalRecord,
    Record,
    RequestRecord,
    RetentionRecord,
    StatusRecord,
    TierRecord,
    TokenRecord,
    VersionRecord,
    WebhookRecord,
)

A_co = TypeVar("A_co", covariant=True)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Query(Generic[A_co]):
    """A question whose answer is an `A_co`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQuery(Query[tuple[T, ...]]):
    """A question with a long answer, in the order of the log: a page after the entry `after`."""

    after: int = -1
    limit: int = 100


def entry_of(item: object) -> int:
    """Give the entry of the log that an item of a page goes by."""
    record = getattr(item, "record", item)
    if not isinstance(record, Record):
        raise TypeError(item)
    return record.index


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIdentity:
    """Who answers: the origin of the log and its verifier key (C2SP signed-note, vkey)."""

    origin: str
    verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """That a log contains one that was seen before (RFC 6962 2.1.2), and what it is now, if asked."""

    path: tuple[bytes, ...]
    checkpoint: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A principal, the name that it goes by (None once erased), its keys and roles.

    `machines` pairs the ids of keys with the names of the machines that they were enrolled on.
    """

    record: PrincipalRecord
    name: str | None
    keys: tuple[KeyRecord, ...]
    grants: tuple[GrantRecord, ...]
    machines: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDetail:
    """A version and what points at it: aliases now, claims on record, the message, what became of it.

    `superseded` are the moves that took aliases away from it for good, the last one of each alias.
    """

    record: VersionRecord
    aliases: tuple[str, ...]
    attestations: tuple[AttestationRecord, ...]
    message: str | None
    status: StatusRecord | None = None
    status_reason: str | None = None
    retention: RetentionRecord | None = None
    emergencies: tuple[MoveRecord, ...] = ()
    superseded: tuple[MoveRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A move of an alias and the reason that was given (None if none, or erased)."""

    record: MoveRecord
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLogIdentity(Query[LogIdentity]):
    """Ask who answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetGrowth(Query[Growth]):
    """Ask for proof that the log of `until` entries (None: of all) contains that of `size` entries."""

    size: int
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProof(Query[Proof]):
    """Ask for an entry of the log with its proof."""

    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLeaves(Query[tuple[bytes, ...]]):
    """Ask for the entries from `start` on, at most `limit` of them."""

    start: int
    limit: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class GetVersion(Query[VersionRecord]):
    """Resolve a reference; with `at` (RFC 3339), as it was then."""

    reference: Reference
    at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeVersion(Query[VersionDetail]):
    """Resolve a reference and gather what is known of the version."""

    reference: Reference
    at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetModel(Query[ModelRecord]):
    """Ask for a model by name; `at` as of then."""

    name: ModelName
    at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListModels(Query[tuple[ModelRecord, ...]]):
    """List models by name, a page after `after`, those that begin with `prefix`; `at` as of then."""

    prefix: str = ""
    after: str = ""
    limit: int = 100
    at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListVersions(Query[tuple[VersionRecord, ...]]):
    """List the versions of a model, newest first, those numbered below `before`; `at` as of then."""

    name: ModelName
    before: int | None = None
    limit: int = 100
    at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A draft, and what was said of it (None if nothing, or erased)."""

    record: DraftRecord
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDrafts(PageQuery[Draft]):
    """List the drafts of a model that are neither published nor discarded, oldest first."""

    name: ModelName


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMoves(PageQuery[Move]):
    """List the moves of an alias (or of all of a model's), oldest first."""

    name: ModelName
    alias: Alias | None = None
    at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMove(Query[MoveRecord]):
    """Ask for the newest move of an alias; with `at`, the newest then."""

    name: ModelName
    alias: Alias
    at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPolicies(Query[tuple[PolicyRecord, ...]]):
    """Ask which policies are in force for an alias of a model, or were at a time: every one has to be met."""

    name: ModelName
    alias: Alias
    at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPolicies(PageQuery[PolicyRecord]):
    """List all policies that were ever set for the models of a namespace, oldest first."""

    namespace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTier(Query[TierRecord]):
    """Ask for the risk tier of a model."""

    name: ModelName


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeGate(Query[Gate]):
    """Ask what the policies of an alias say of a version; nothing is recorded.

    With `policy`, a stored document, what that one would say if it were in force.
    """

    reference: Reference
    alias: Alias
    policy: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetKey(Query[KeyRecord]):
    """Ask for a key by its id."""

    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPerson(Query[Person]):
    """Ask for a principal by id or by name."""

    principal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPeople(PageQuery[Person]):
    """List all principals, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetSelf(Query[Person]):
    """Ask who the registry takes the caller for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token, and what it is for (None once erased)."""

    record: TokenRecord
    label: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTokens(Query[tuple[Token, ...]]):
    """List a principal's tokens that still count; None for one's own."""

    principal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListIssuers(Query[tuple[IssuerRecord, ...]]):
    """List the rules that let workloads in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoMay(Query[tuple[Person, ...]]):
    """Ask who may do something in a namespace; with `at` (RFC 3339), who could then."""

    act: Act
    namespace: str
    at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a namespace holds, and may hold (None: no bound)."""

    namespace: str
    size_bytes: int
    quota_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetUsage(Query[Usage]):
    """Ask what a namespace holds."""

    namespace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTags(Query[tuple[tuple[str, str], ...]]):
    """List the tags of a version, by name; those whose text was erased are left out."""

    reference: Reference
    at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLineage(Query[Graph]):
    """Ask what a node was made from, or what was made from it: a sha256 or a git commit, in hex.

    The graph is read off claims and is not proven by the log; that nothing is missing follows from the
    claims themselves only.
    """

    node: str
    direction: Direction = Direction.UP
    depth: int = MAX_DEPTH
    limit: int = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDeployments(PageQuery[DeploymentRecord]):
    """List what serves where, in the order of the log; with `at`, as of then.

    `history` lists everything that was ever said, also what has ended.
    """

    name: ModelName | None = None
    target: str = ""
    at: str | None = None
    history: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, why it was made, and why it was answered so (None if nothing was said, or erased)."""

    record: RequestRecord
    reason: str | None
    answer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRequests(PageQuery[Request]):
    """List the requests for the versions of a model, oldest first; the open ones only, or all."""

    name: ModelName
    closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment and its text, which is Markdown (None once erased)."""

    record: CommentRecord
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListComments(PageQuery[Comment]):
    """List what was said of a version, and of its requests and emergencies, oldest first."""

    reference: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something in an inbox.

    Attributes:
        kind: request, waiver or closing (to decide); answer, mention or emergency (to know).
        reference: the version that it is about.
        alias: the alias that it is for; empty if none.
        who: the principal whom it comes from.
        text: what they said (empty if nothing, or erased).
        since: when it came (RFC 3339).
        due: until when it has to be done; None if never.
        overdue: it should have been done by now.
        entry: the entry of the log that it goes back to.
    """

    kind: str
    reference: str
    alias: str
    who: str
    text: str
    since: str
    due: str | None
    overdue: bool
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GetInbox(Query[tuple[Item, ...]]):
    """Ask what waits for the caller, and what the caller should know of the last 30 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An entry of the log that could not be delivered: why, and when that was given up."""

    entry: int
    fault: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook, its address (None once forgotten), the entry that is next, what could not be delivered."""

    record: WebhookRecord
    url: str | None
    next: int
    dead: tuple[Letter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWebhooks(Query[tuple[Webhook, ...]]):
    """List the webhooks of a namespace that have not ended."""

    namespace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """A page of versions, and where to go on (None at the end). A page can be short and not the last."""

    items: tuple[VersionRecord, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchVersions(Query[SearchPage]):
    """Look versions up in the language of docs/reference/search.md; `at` as they were then."""

    text: str
    cursor: str | None = None
    limit: int = 100
    at: str | None = None
