"""Events: every change to the registry, in the past tense, as the log keeps it.

An event's bytes are the leaf of the log. They hold opaque ids and digests, never what people type
(DESIGN rule 9). `version` is the version of the format; a number is never reused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from muniment.core import canonical
from muniment.core.canonical import JsonObject
from muniment.core.errors import InvalidDocument

FORMAT: Final = 1
# C2SP tlog-tiles: an entry has a 16-bit length.
MAX_EVENT_BYTES: Final = 65_535


class EventType(StrEnum):
    """What happened."""

    REGISTRY_CREATED = "registry.created"
    PRINCIPAL_REGISTERED = "principal.registered"
    KEY_ENROLLED = "key.enrolled"
    KEY_REVOKED = "key.revoked"
    ROLE_GRANTED = "role.granted"
    ROLE_REVOKED = "role.revoked"
    VERSION_PUBLISHED = "version.published"
    DRAFT_SAVED = "draft.saved"
    DRAFT_ENDED = "draft.ended"
    ATTESTATION_RECORDED = "attestation.recorded"
    POLICY_SET = "policy.set"
    TIER_SET = "tier.set"
    ALIAS_MOVED = "alias.moved"
    EMERGENCY_CLOSED = "emergency.closed"
    REQUEST_OPENED = "request.opened"
    REQUEST_REMINDED = "request.reminded"
    REQUEST_CLOSED = "request.closed"
    COMMENT_POSTED = "comment.posted"
    COMMENT_ERASED = "comment.erased"
    STATUS_SET = "version.status_set"
    RETENTION_SET = "version.retention_set"
    LOGIN_LINKED = "login.linked"
    TAG_SET = "tag.set"
    TOKEN_ISSUED = "token.issued"  # noqa: S105 - the name of an event
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - the name of an event
    ISSUER_TRUSTED = "issuer.trusted"
    ISSUER_DISTRUSTED = "issuer.distrusted"
    QUOTA_SET = "quota.set"
    PRINCIPAL_ERASED = "principal.erased"
    WEBHOOK_SET = "webhook.set"
    WEBHOOK_ENDED = "webhook.ended"
    WEBHOOK_REPLAYED = "webhook.replayed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change: what, by whom (a principal's id), when (RFC 3339), and its facts."""

    id: str
    type: EventType
    actor: str
    time: str
    data: JsonObject = field(default_factory=dict)

    def encode(self) -> bytes:
        """Write the leaf.

        Raises:
            InvalidDocument: the event is larger than an entry of the log can be.
        """
        leaf = canonical.encode(
            {
                "actor": self.actor,
                "data": self.data,
                "id": self.id,
                "time": self.time,
                "type": str(self.type),
                "version": FORMAT,
            }
        )
        if len(leaf) > MAX_EVENT_BYTES:
            raise InvalidDocument(reason="the event is larger than 64 KiB")
        return leaf

    @classmethod
    def decode(cls, leaf: bytes) -> "Event":
        """Read a leaf.

        Raises:
            InvalidDocument: it is not an event of a format that we know.
        """
        document = canonical.decode(leaf)
        data = document.get("data")
        if document.get("version") != FORMAT or not isinstance(data, Mapping):
            raise InvalidDocument(reason="not an event of a known format")
        try:
            return cls(
                id=str(document["id"]),
                type=EventType(str(document["type"])),
                actor=str(document["actor"]),
                time=str(document["time"]),
                data=data,
            )
        except (KeyError, ValueError) as error:
            raise InvalidDocument(reason="not an event of a known type") from error
