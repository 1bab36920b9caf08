"""The fold: which records an event makes or amends.

It exists once: the write path, `admin rebuild` and a client that checks a record against its event share it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from muniment.core.canonical import JsonObject
from muniment.core.errors import InvalidDocument
from muniment.core.events import Event, EventType
from muniment.core.records import (
    AttestationRecord,
    CommentRecord,
    DeploymentRecord,
    DraftRecord,
    GrantRecord,
    IssuerRecord,
    Key,
    KeyRecord,
    MentionRecord,
    ModelRecord,
    MoveRecord,
    PolicyRecord,
    PrincipalRecord,
    QuotaRecord,
    Record,
    RequestRecord,
    RetentionRecord,
    StatusRecord,
    TagRecord,
    TierRecord,
    TokenRecord,
    Value,
    VersionRecord,
    WebhookRecord,
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


def follows_from(record: Record, event: Event) -> bool:
    """Say whether `event`, at the record's index, made it; amendable columns aside."""
    return any(
        isinstance(change, Put)
        and type(change.record) is type(record)
        and _lasting(record) == _lasting(change.record)
        for change in fold(event, record.index)
    )


def _lasting(record: Record) -> dict[str, Value]:
    return {name: value for name, value in record.values().items() if name not in record.amendable}


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
                models=_text(data, "models"),
                alias=_text(data, "alias"),
                digest=_optional(data, "policy"),
                attestation=_optional(data, "attestation"),
                author=event.actor,
                set=event.time,
            )
        )
    ]


def _tier_set(event: Event, index: int) -> list[Change]:
    name, tier = _text(event.data, "name"), _text(event.data, "tier")
    return [Put(TierRecord(index=index, name=name, tier=tier, author=event.actor, set=event.time))]


def _status_set(event: Event, index: int) -> list[Change]:
    data = event.data
    return [
        Put(
            StatusRecord(
                index=index,
                name=_text(data, "name"),
                number=_number(data, "number"),
                status=_text(data, "status"),
                actor=event.actor,
                set=event.time,
                reason=_optional(data, "reason"),
            )
        )
    ]


def _retention_set(event: Event, index: int) -> list[Change]:
    data = event.data
    return [
        Put(
            RetentionRecord(
                index=index,
                name=_text(data, "name"),
                number=_number(data, "number"),
                until=_optional(data, "until"),
                hold=_number(data, "hold"),
                actor=event.actor,
                set=event.time,
                reason=_optional(data, "reason"),
            )
        )
    ]


def _principal_erased(event: Event, _index: int) -> list[Change]:
    """What was erased is gone from the payloads; the log holds its digests still."""
    _text(event.data, "principal"), _number(event.data, "payloads")
    return []


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
                verdicts=" ".join(_texts(data, "verdicts")),
                emergency=_number(data, "emergency") if "emergency" in data else 0,
                due=_optional(data, "due"),
            )
        )
    ]


def _emergency_closed(event: Event, index: int) -> list[Change]:
    return [Amend(MoveRecord, (_number(event.data, "move"),), {"closed": index})]


def _draft_saved(event: Event, index: int) -> list[Change]:
    data = event.data
    return [
        Put(
            DraftRecord(
                index=index,
                name=_text(data, "name"),
                revision=_text(data, "revision"),
                kind=_text(data, "kind"),
                size_bytes=_number(data, "size"),
                attestations=" ".join(_texts(data, "attestations")),
                author=event.actor,
                saved=event.time,
                message=_optional(data, "message"),
            )
        )
    ]


def _draft_ended(event: Event, index: int) -> list[Change]:
    values: dict[str, Value] = {"ended": index, "outcome": _text(event.data, "outcome")}
    return [Amend(DraftRecord, (_number(event.data, "draft"),), values)]


def _request_opened(event: Event, index: int) -> list[Change]:
    data = event.data
    return [
        Put(
            RequestRecord(
                index=index,
                name=_text(data, "name"),
                number=_number(data, "number"),
                alias=_text(data, "alias"),
                requester=event.actor,
                opened=event.time,
                reason=_optional(data, "reason"),
            )
        )
    ]


def _request_reminded(event: Event, _index: int) -> list[Change]:
    return [Amend(RequestRecord, (_number(event.data, "request"),), {"reminded": event.time})]


def _request_closed(event: Event, index: int) -> list[Change]:
    data = event.data
    values: dict[str, Value] = {
        "closed": index,
        "outcome": _text(data, "outcome"),
        "answer": _optional(data, "reason"),
    }
    return [Amend(RequestRecord, (_number(data, "request"),), values)]


def _comment_posted(event: Event, index: int) -> list[Change]:
    data = event.data
    return [
        Put(
            CommentRecord(
                index=index,
                name=_text(data, "name"),
                number=_number(data, "number"),
                about=None if data["about"] is None else _number(data, "about"),
                author=event.actor,
                posted=event.time,
                text=_text(data, "text"),
            )
        ),
        *(Put(MentionRecord(index=index, principal=one)) for one in _texts(data, "mentions")),
    ]


def _comment_erased(event: Event, _index: int) -> list[Change]:
    """The text is gone from the payloads; the record of it stays."""
    _number(event.data, "comment")
    return []


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


def _webhook_set(event: Event, index: int) -> list[Change]:
    data = event.data
    return [
        Put(
            WebhookRecord(
                index=index,
                namespace=_text(data, "namespace"),
                target=_text(data, "target"),
                events=" ".join(_texts(data, "events")),
                author=event.actor,
                set=event.time,
            )
        )
    ]


def _webhook_ended(event: Event, index: int) -> list[Change]:
    return [Amend(WebhookRecord, (_number(event.data, "webhook"),), {"ended": index})]


def _webhook_replayed(event: Event, _index: int) -> list[Change]:
    """What is sent again is the outbox's matter."""
    _number(event.data, "webhook")
    return []


_FOLDS: Final[Mapping[EventType, Callable[[Event, int], list[Change]]]] = {
    EventType.REGISTRY_CREATED: _registry_created,
    EventType.LOGIN_LINKED: _login_linked,
    EventType.PRINCIPAL_REGISTERED: _principal_registered,
    EventType.KEY_ENROLLED: _key_enrolled,
    EventType.KEY_REVOKED: _key_revoked,
    EventType.ROLE_GRANTED: _role_granted,
    EventType.ROLE_REVOKED: _role_revoked,
    EventType.VERSION_PUBLISHED: _version_published,
    EventType.DRAFT_SAVED: _draft_saved,
    EventType.DRAFT_ENDED: _draft_ended,
    EventType.ATTESTATION_RECORDED: _attestation_recorded,
    EventType.POLICY_SET: _policy_set,
    EventType.TIER_SET: _tier_set,
    EventType.STATUS_SET: _status_set,
    EventType.RETENTION_SET: _retention_set,
    EventType.PRINCIPAL_ERASED: _principal_erased,
    EventType.ALIAS_MOVED: _alias_moved,
    EventType.EMERGENCY_CLOSED: _emergency_closed,
    EventType.REQUEST_OPENED: _request_opened,
    EventType.REQUEST_REMINDED: _request_reminded,
    EventType.REQUEST_CLOSED: _request_closed,
    EventType.COMMENT_POSTED: _comment_posted,
    EventType.COMMENT_ERASED: _comment_erased,
    EventType.TAG_SET: _tag_set,
    EventType.TOKEN_ISSUED: _token_issued,
    EventType.TOKEN_REVOKED: _token_revoked,
    EventType.ISSUER_TRUSTED: _issuer_trusted,
    EventType.ISSUER_DISTRUSTED: _issuer_distrusted,
    EventType.QUOTA_SET: _quota_set,
    EventType.WEBHOOK_SET: _webhook_set,
    EventType.WEBHOOK_ENDED: _webhook_ended,
    EventType.WEBHOOK_REPLAYED: _webhook_replayed,
}


def _text(data: JsonObject, name: str) -> str:
    value = data[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _optional(data: JsonObject, name: str) -> str | None:
    return None if data.get(name) is None else _text(data, name)


def _texts(data: JsonObject, name: str) -> list[str]:
    value = data[name]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError(name)
    return [str(one) for one in value]


def _number(data: JsonObject, name: str) -> int:
    value = data[name]
    if type(value) is not int:
        raise TypeError(name)
    return value
