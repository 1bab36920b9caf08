"""Records: the rows that the log folds into, and the fold itself.

`fold(event, index)` says which records an event makes or amends. It exists once: the write path,
`admin rebuild` and a client that checks a record against its event all use it. Each record carries
`index`, the entry of the log that made it, so that each can be proved.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Final, TypeAlias

from muniment.core.canonical import JsonObject
from muniment.core.errors import InvalidDocument
from muniment.core.events import Event, EventType

Value: TypeAlias = "str | int | None"
Key: TypeAlias = tuple[str | int, ...]


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
        return tuple(getattr(self, name) for name in self.key)

    def follows_from(self, event: Event) -> bool:
        """Say whether `event`, at this record's index, made it; amendable columns aside."""
        return any(
            isinstance(change, Put)
            and type(change.record) is type(self)
            and self._lasting() == change.record._lasting()  # noqa: SLF001 - another of our kind
            for change in fold(event, self.index)
        )

    def _lasting(self) -> dict[str, Value]:
        return {name: value for name, value in self.values().items() if name not in self.amendable}


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
    """A repository; `latest` is the highest number published."""

    table: ClassVar[str] = "models"
    key: ClassVar[tuple[str, ...]] = ("name",)
    amendable: ClassVar[frozenset[str]] = frozenset({"latest"})
    name: str
    kind: str
    latest: int


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
    """A signed claim about a version, stored as a bundle under its digest."""

    table: ClassVar[str] = "attestations"
    key: ClassVar[tuple[str, ...]] = ("name", "revision", "digest")
    name: str
    revision: str
    digest: str
    predicate_type: str
    signer: str
    key_id: str
    recorded: str
    reason: str | None
    assurance: str = "key"


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
    """A policy of an alias; the newest of a (name, alias) is in force."""

    table: ClassVar[str] = "policies"
    key: ClassVar[tuple[str, ...]] = ("index",)
    name: str
    alias: str
    digest: str
    author: str
    set: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRecord(Record):
    """A move of an alias; the newest of a (name, alias) is where it points."""

    table: ClassVar[str] = "moves"
    key: ClassVar[tuple[str, ...]] = ("index",)
    name: str
    alias: str
    number: int
    previous: int | None
    actor: str
    moved: str
    reason: str | None
    verdict: str | None


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


# In the order in which one refers to another.
RECORDS: Final[tuple[type[Record], ...]] = (
    PrincipalRecord,
    KeyRecord,
    GrantRecord,
    ModelRecord,
    VersionRecord,
    AttestationRecord,
    DeploymentRecord,
    PolicyRecord,
    MoveRecord,
    TagRecord,
    TokenRecord,
    IssuerRecord,
    QuotaRecord,
)


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


Change: TypeAlias = Put | Amend


def fold(event: Event, index: int) -> list[Change]:
    """Say which records the event makes or amends.

    Raises:
        InvalidDocument: the event lacks a fact, or one has the wrong type.
    """
    try:
        return _FOLDS[event.type](event, index)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidDocument(reason=f"{event.type} with a missing or wrong fact: {error}") from error


def _registry_created(_event: Event, _index: int) -> list[Change]:
    return []


def _login_linked(event: Event, _index: int) -> list[Change]:
    """Who a login belongs to is on record in the log; it is looked up by an erasable payload."""
    _text(event.data, "principal"), _text(event.data, "login")
    return []


def _principal_registered(event: Event, index: int) -> list[Change]:
    data = event.data
    return [
        Put(
            PrincipalRecord(
                index=index,
                id=_text(data, "principal"),
                kind=_text(data, "kind"),
                profile=_optional(data, "profile"),
            )
        )
    ]


def _key_enrolled(event: Event, index: int) -> list[Change]:
    data = event.data
    return [
        Put(
            KeyRecord(
                index=index,
                id=_text(data, "key"),
                principal=_text(data, "principal"),
                public_key=_text(data, "public_key"),
                enrolled=event.time,
                assurance=_text(data, "assurance") if "assurance" in data else "key",
                name=_optional(data, "name"),
                expires=_optional(data, "expires"),
            )
        )
    ]


def _key_revoked(event: Event, _index: int) -> list[Change]:
    data = event.data
    return [Amend(KeyRecord, (_text(data, "key"),), {"revoked": _number(data, "effective")})]


def _role_granted(event: Event, index: int) -> list[Change]:
    data = event.data
    return [
        Put(
            GrantRecord(
                index=index,
                principal=_text(data, "principal"),
                namespace=_text(data, "namespace"),
                role=_text(data, "role"),
            )
        )
    ]


def _role_revoked(event: Event, index: int) -> list[Change]:
    return [Amend(GrantRecord, (_number(event.data, "grant"),), {"ended": index})]


def _version_published(event: Event, index: int) -> list[Change]:
    data = event.data
    name, number = _text(data, "name"), _number(data, "number")
    model: Change = (
        Put(ModelRecord(index=index, name=name, kind=_text(data, "kind"), latest=1))
        if number == 1
        else Amend(ModelRecord, (name,), {"latest": number})
    )
    return [
        model,
        Put(
            VersionRecord(
                index=index,
                name=name,
                number=number,
                revision=_text(data, "revision"),
                size_bytes=_number(data, "size"),
                author=event.actor,
                published=event.time,
                message=_optional(data, "message"),
            )
        ),
    ]


def _attestation_recorded(event: Event, index: int) -> list[Change]:
    data = event.data
    deployment = data.get("deployment")
    return [
        Put(
            AttestationRecord(
                index=index,
                name=_text(data, "name"),
                revision=_text(data, "revision"),
                digest=_text(data, "attestation"),
                predicate_type=_text(data, "predicate_type"),
                signer=_text(data, "signer"),
                key_id=_text(data, "key"),
                recorded=event.time,
                reason=_optional(data, "reason"),
                assurance=_text(data, "assurance") if "assurance" in data else "key",
            )
        ),
        *(_deployed(event, deployment, index) if isinstance(deployment, Mapping) else []),
    ]


def _deployed(event: Event, deployment: JsonObject, index: int) -> list[Change]:
    """Of each model and target the newest word stands; it ends the one before it."""
    previous = None if deployment["previous"] is None else _number(deployment, "previous")
    return [
        Put(
            DeploymentRecord(
                index=index,
                name=_text(event.data, "name"),
                number=_number(deployment, "number"),
                target=_text(deployment, "target"),
                state=_text(deployment, "state"),
                loaded=_optional(deployment, "loaded"),
                attestation=_text(event.data, "attestation"),
                signer=_text(event.data, "signer"),
                recorded=event.time,
            )
        ),
        *([] if previous is None else [Amend(DeploymentRecord, (previous,), {"ended": index})]),
    ]


def _policy_set(event: Event, index: int) -> list[Change]:
    data = event.data
    return [
        Put(
            PolicyRecord(
                index=index,
                name=_text(data, "name"),
                alias=_text(data, "alias"),
                digest=_text(data, "policy"),
                author=event.actor,
                set=event.time,
            )
        )
    ]


def _alias_moved(event: Event, index: int) -> list[Change]:
    data = event.data
    return [
        Put(
            MoveRecord(
                index=index,
                name=_text(data, "name"),
                alias=_text(data, "alias"),
                number=_number(data, "number"),
                previous=None if data["previous"] is None else _number(data, "previous"),
                actor=event.actor,
                moved=event.time,
                reason=_optional(data, "reason"),
                verdict=_optional(data, "verdict"),
            )
        )
    ]


def _tag_set(event: Event, index: int) -> list[Change]:
    data = event.data
    return [
        Put(
            TagRecord(
                index=index,
                name=_text(data, "name"),
                number=_number(data, "number"),
                tag=_text(data, "tag"),
                value=_optional(data, "value"),
            )
        )
    ]


def _token_issued(event: Event, index: int) -> list[Change]:
    data = event.data
    return [
        Put(
            TokenRecord(
                index=index,
                id=_text(data, "token"),
                principal=_text(data, "principal"),
                label=_optional(data, "label"),
                scopes=_text(data, "scopes"),
                issued=event.time,
                expires=_text(data, "expires"),
                once=_number(data, "once"),
            )
        )
    ]


def _token_revoked(event: Event, index: int) -> list[Change]:
    return [Amend(TokenRecord, (_text(event.data, "token"),), {"revoked": index})]


def _issuer_trusted(event: Event, index: int) -> list[Change]:
    data = event.data
    return [
        Put(
            IssuerRecord(
                index=index,
                issuer=_text(data, "issuer"),
                claims=_text(data, "claims"),
                principal=_text(data, "principal"),
            )
        )
    ]


def _issuer_distrusted(event: Event, index: int) -> list[Change]:
    return [Amend(IssuerRecord, (_number(event.data, "rule"),), {"ended": index})]


def _quota_set(event: Event, index: int) -> list[Change]:
    data = event.data
    size = None if data["size"] is None else _number(data, "size")
    return [Put(QuotaRecord(index=index, namespace=_text(data, "namespace"), size_bytes=size))]


_FOLDS: Final[Mapping[EventType, Callable[[Event, int], list[Change]]]] = {
    EventType.REGISTRY_CREATED: _registry_created,
    EventType.LOGIN_LINKED: _login_linked,
    EventType.PRINCIPAL_REGISTERED: _principal_registered,
    EventType.KEY_ENROLLED: _key_enrolled,
    EventType.KEY_REVOKED: _key_revoked,
    EventType.ROLE_GRANTED: _role_granted,
    EventType.ROLE_REVOKED: _role_revoked,
    EventType.VERSION_PUBLISHED: _version_published,
    EventType.ATTESTATION_RECORDED: _attestation_recorded,
    EventType.POLICY_SET: _policy_set,
    EventType.ALIAS_MOVED: _alias_moved,
    EventType.TAG_SET: _tag_set,
    EventType.TOKEN_ISSUED: _token_issued,
    EventType.TOKEN_REVOKED: _token_revoked,
    EventType.ISSUER_TRUSTED: _issuer_trusted,
    EventType.ISSUER_DISTRUSTED: _issuer_distrusted,
    EventType.QUOTA_SET: _quota_set,
}


def _text(data: JsonObject, name: str) -> str:
    value = data[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _optional(data: JsonObject, name: str) -> str | None:
    return None if data.get(name) is None else _text(data, name)


def _number(data: JsonObject, name: str) -> int:
    value = data[name]
    if type(value) is not int:
        raise TypeError(name)
    return value
