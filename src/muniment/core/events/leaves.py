"""Leaves: entries as the bytes of the log hold them, in canonical JSON.

They hold opaque ids and digests, never typed text. `version` is the version of the format; a
number is never reused.
"""

import re
from collections.abc import Mapping
from typing import Final

from muniment.core import canonical, forms
from muniment.core.canonical import JsonObject
from muniment.core.errors import EntryUnknown, InvalidDocument
from muniment.core.events.bytes import QuotaSet, ReadsRecorded, ReadsSet
from muniment.core.events.catalog import CommentErased, CommentPosted, OwnerSet, TagSet
from muniment.core.events.claims import AttestationRecorded, ClaimWithdrawn
from muniment.core.events.event import Entry, Event
from muniment.core.events.gates import (
    AliasMoved,
    AliasRemoved,
    EmergencyClosed,
    PolicyEnded,
    PolicySet,
    RequestClosed,
    RequestOpened,
    RequestReminded,
    TierSet,
)
from muniment.core.events.log import (
    ClockJumped,
    IndexSealed,
    NamespaceCreated,
    RegistryCreated,
    RegistryRestored,
    TimeConfirmed,
)
from muniment.core.events.people import (
    IssuerDistrusted,
    IssuerTrusted,
    KeyEnrolled,
    KeyRevoked,
    LoginLinked,
    PreferencesSet,
    PrincipalConfirmed,
    PrincipalErased,
    PrincipalRegistered,
    RecoveryBegun,
    RecoveryEnded,
    RoleGranted,
    RoleRevoked,
    TokenIssued,
    TokenRevoked,
)
from muniment.core.events.proposals import (
    ProposalDecided,
    ProposalOpened,
    ProposalReviewed,
    ProposalWithdrawn,
)
from muniment.core.events.upkeep import WebhookEnded, WebhookReplayed, WebhookSet
from muniment.core.events.versions import (
    DraftEnded,
    DraftSaved,
    RetentionSet,
    StatusSet,
    VersionPublished,
)

FORMAT: Final = 1
# C2SP tlog-tiles: an entry has a 16-bit length.
MAX_LEAF_BYTES: Final = 65_535

EVENTS: Final[Mapping[str, type[Event]]] = {
    kind.type: kind
    for kind in (
        RegistryCreated,
        NamespaceCreated,
        IndexSealed,
        RegistryRestored,
        ClockJumped,
        TimeConfirmed,
        PrincipalRegistered,
        PrincipalConfirmed,
        PrincipalErased,
        RecoveryBegun,
        RecoveryEnded,
        KeyEnrolled,
        KeyRevoked,
        RoleGranted,
        RoleRevoked,
        LoginLinked,
        TokenIssued,
        TokenRevoked,
        PreferencesSet,
        IssuerTrusted,
        IssuerDistrusted,
        QuotaSet,
        ReadsSet,
        ReadsRecorded,
        VersionPublished,
        DraftSaved,
        DraftEnded,
        StatusSet,
        RetentionSet,
        AttestationRecorded,
        ClaimWithdrawn,
        PolicySet,
        PolicyEnded,
        TierSet,
        ProposalOpened,
        ProposalDecided,
        ProposalWithdrawn,
        ProposalReviewed,
        AliasMoved,
        AliasRemoved,
        EmergencyClosed,
        RequestOpened,
        RequestReminded,
        RequestClosed,
        OwnerSet,
        TagSet,
        CommentPosted,
        CommentErased,
        WebhookSet,
        WebhookEnded,
        WebhookReplayed,
    )
}


def write_entry(entry: Entry) -> bytes:
    """Write the leaf of an entry.

    Raises:
        InvalidDocument: it is too large for an entry of the log.
    """
    leaf = canonical.encode(
        {
            "about": entry.about,
            "actor": entry.actor,
            **({} if entry.clock is None else {"clock": entry.clock}),
            "data": write_event(entry.event),
            "id": entry.id,
            "time": entry.time,
            "type": entry.event.type,
            "version": FORMAT,
        }
    )
    if len(leaf) > MAX_LEAF_BYTES:
        raise InvalidDocument(reason=f"the event has {len(leaf)} bytes, expected at most {MAX_LEAF_BYTES}")
    return leaf


def read_entry(leaf: bytes, index: int) -> Entry:
    """Read the leaf of the entry at an index.

    Raises:
        EntryUnknown: its format or type is unknown.
        InvalidDocument: it is not valid.
    """
    document = canonical.decode(leaf)
    named = str(document.get("type"))
    kind = EVENTS.get(named)
    version, is_whole = document.get("version"), document.keys() - {"clock"} == _MEMBERS
    if (isinstance(version, int) and version != FORMAT) or (is_whole and kind is None):
        raise EntryUnknown(index=index, type=named[:_MAX_TYPE_CHARACTERS])
    if version != FORMAT or not is_whole or kind is None:
        raise InvalidDocument(reason="the format of the entry is unknown")
    id_, actor, time, about = (document[name] for name in ("id", "actor", "time", "about"))
    if not (isinstance(id_, str) and isinstance(actor, str) and isinstance(time, str)):
        raise InvalidDocument(reason="id, actor and time of an event must be text")
    clock = document.get("clock")
    if "clock" in document and not (isinstance(clock, str) and clock < time):
        raise InvalidDocument(reason="the clock of an entry must be a text, and before its time")
    if not isinstance(about, list) or not about or not all(map(_is_hash, about)):
        raise InvalidDocument(reason="an event must be about hashes of subjects")
    event = forms.read(kind, document["data"])
    return Entry(
        index=index,
        id=id_,
        actor=actor,
        time=time,
        about=tuple(map(str, about)),
        event=event,
        clock=clock if isinstance(clock, str) else None,
    )


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def write_event(event: Event) -> JsonObject:
    """Write the data of an event, as the `data` of its entry."""
    return forms.write(event)


_MAX_TYPE_CHARACTERS: Final = 60
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_MEMBERS: Final = frozenset({"about", "actor", "data", "id", "time", "type", "version"})
