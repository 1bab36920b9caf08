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
    """A public key of a principal; `revoked` is the entry from which on it no longer counts."""

    table: ClassVar[str] = "keys"
    key: ClassVar[tuple[str, ...]] = ("id",)
    amendable: ClassVar[frozenset[str]] = frozenset({"revoked"})
    id: str
    principal: str
    public_key: str
    enrolled: str
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


# In the order in which one refers to another.
RECORDS: Final[tuple[type[Record], ...]] = (
    PrincipalRecord,
    KeyRecord,
    GrantRecord,
    ModelRecord,
    VersionRecord,
    AttestationRecord,
    PolicyRecord,
    MoveRecord,
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
            )
        )
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


_FOLDS: Final[Mapping[EventType, Callable[[Event, int], list[Change]]]] = {
    EventType.REGISTRY_CREATED: _registry_created,
    EventType.PRINCIPAL_REGISTERED: _principal_registered,
    EventType.KEY_ENROLLED: _key_enrolled,
    EventType.KEY_REVOKED: _key_revoked,
    EventType.ROLE_GRANTED: _role_granted,
    EventType.ROLE_REVOKED: _role_revoked,
    EventType.VERSION_PUBLISHED: _version_published,
    EventType.ATTESTATION_RECORDED: _attestation_recorded,
    EventType.POLICY_SET: _policy_set,
    EventType.ALIAS_MOVED: _alias_moved,
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
