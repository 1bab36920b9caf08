"""What an entry says of things must agree with them as they were before it."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from muniment.answers.claims import read_revision
from muniment.answers.clock import find_newest_jump, find_reliable_time
from muniment.answers.policies import find_set
from muniment.answers.reads import count_batches
from muniment.answers.replay.credentials import check_key, check_token
from muniment.answers.resolve import find_move, resolve
from muniment.answers.statuses import check_in_service, status_of
from muniment.answers.versions import check_may_go, find_retention
from muniment.answers.view import View
from muniment.core import events
from muniment.core.catalog.statuses import Status
from muniment.core.claims.attestations import TOMBSTONE
from muniment.core.errors import LogInconsistent, VersionNotFound, VersionPurged
from muniment.core.events import DraftOutcome, Entry, Event
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.people.callers import REGISTRY
from muniment.core.records import (
    AttestationRecord,
    CommentRecord,
    DraftRecord,
    GrantRecord,
    IssuerRecord,
    KeyRecord,
    ModelRecord,
    MoveRecord,
    PrincipalRecord,
    ProposalRecord,
    ReadsSettingRecord,
    Record,
    RecoveryRecord,
    RequestRecord,
    TokenRecord,
    VersionRecord,
    WebhookRecord,
    Where,
)


class Named(NamedTuple):
    """A record that an event names: its kind, the field with its key, and the fields that both have."""

    kind: type[Record]
    key: str
    shared: tuple[str, ...]


_VERSION: Final = ("name", "number")
_NAMED: Final[Mapping[type[Event], Named]] = {
    events.RecoveryEnded: Named(RecoveryRecord, "recovery", ("principal",)),
    events.RoleRevoked: Named(GrantRecord, "grant", ("principal", "namespace", "role")),
    events.KeyRevoked: Named(KeyRecord, "key", ("principal",)),
    events.TokenRevoked: Named(TokenRecord, "token", ("principal",)),
    events.IssuerDistrusted: Named(IssuerRecord, "rule", ("issuer",)),
    events.DraftEnded: Named(DraftRecord, "draft", ("name",)),
    events.EmergencyClosed: Named(MoveRecord, "move", (*_VERSION, "alias", "previous")),
    events.ProposalDecided: Named(ProposalRecord, "proposal", ("namespace",)),
    events.ProposalWithdrawn: Named(ProposalRecord, "proposal", ("namespace",)),
    events.ProposalReviewed: Named(ProposalRecord, "proposal", ("namespace",)),
    events.RequestReminded: Named(RequestRecord, "request", _VERSION),
    events.RequestClosed: Named(RequestRecord, "request", _VERSION),
    events.CommentErased: Named(CommentRecord, "comment", _VERSION),
    events.WebhookEnded: Named(WebhookRecord, "webhook", ("namespace",)),
    events.WebhookReplayed: Named(WebhookRecord, "webhook", ("namespace",)),
}


def check_named(view: View, entry: Entry) -> None:
    """Check that the version, the principal or the record that an event names exists, and is as it says.

    Raises:
        LogInconsistent, VersionNotFound: it does not, or is not.
    """
    event = entry.event
    named = _NAMED.get(type(event))
    if named is not None:
        key = getattr(event, named.key)
        record = view.projections.find(named.kind, (key,))
        if record is None or any(
            str(getattr(record, name)) != str(getattr(event, name)) for name in named.shared
        ):
            raise LogInconsistent(reason=f"there is no such {named.kind.table}[{key}]")
    name = getattr(event, "name", None)
    if name is not None and hasattr(event, "number") and not isinstance(event, events.VersionPublished):
        _check_exists(view, name, event.number)
    principal = getattr(event, "principal", None)
    if principal is not None and not isinstance(event, events.PrincipalRegistered):
        check_principal(view, principal)


def _check_exists(view: View, name: ModelName, number: int) -> None:
    if view.projections.find(VersionRecord, (str(name), number)) is None:
        raise VersionNotFound(reference=f"{name}@{number}")


def check_principal(view: View, principal: str) -> None:
    """Check that a principal is registered.

    Raises:
        LogInconsistent: it is not.
    """
    if view.projections.find(PrincipalRecord, (principal,)) is None:
        raise LogInconsistent(reason=f"the principal {principal} is not registered")


def _check_version(view: View, _entry: Entry, event: events.VersionPublished) -> None:
    model = view.projections.find(ModelRecord, (str(event.name),))
    expected = 1 if model is None else model.latest + 1
    if event.number != expected:
        raise LogInconsistent(reason=f"{event.name}@{event.number} is published, expected {expected}")
    if model is not None and model.kind != event.kind:
        raise LogInconsistent(reason=f"{event.name} is a {model.kind}, and this version a {event.kind}")
    size = read_revision(view, event.revision).size_bytes
    if size != event.size_bytes:
        raise LogInconsistent(reason=f"its files have {size} bytes, and it says {event.size_bytes}")
    same = Where("name", "=", str(event.name)), Where("revision", "=", str(event.revision))
    known = view.projections.select(VersionRecord, *same, limit=1)
    if known:
        raise LogInconsistent(reason=f"{event.name}@{known[0].number} has these bytes already")


def _check_status(view: View, entry: Entry, event: events.StatusSet) -> None:
    version = resolve(view, Reference(event.name, event.number))
    reference = f"{event.name}@{event.number}"
    before = status_of(view, version)
    if before is Status.PURGED:
        raise VersionPurged(reference=reference)
    if before is event.status:
        raise LogInconsistent(reason=f"{reference} is {before} already")
    if event.status is not Status.PURGED:
        return
    check_may_go(view, version, find_reliable_time(view, entry.when))
    about = Where("name", "=", version.name), Where("revision", "=", version.revision)
    tombstones = Where("predicate_type", "=", TOMBSTONE), Where("signer", "=", REGISTRY)
    if not view.projections.select(AttestationRecord, *about, *tombstones, limit=1):
        raise LogInconsistent(reason=f"{reference} is purged without a tombstone")


def _check_retention(view: View, _entry: Entry, event: events.RetentionSet) -> None:
    present = find_retention(view, resolve(view, Reference(event.name, event.number)))
    if present is not None and present.until is not None and (event.until or "") < present.until:
        raise LogInconsistent(reason=f"it is kept until {present.until} already, which is never shortened")


def _check_draft(view: View, _entry: Entry, event: events.DraftEnded) -> None:
    draft = view.projections.find(DraftRecord, (event.draft,))
    if draft is None or event.outcome is not DraftOutcome.PUBLISHED:
        return
    same = Where("name", "=", draft.name), Where("revision", "=", draft.revision)
    if not view.projections.select(VersionRecord, *same, limit=1):
        raise LogInconsistent(reason=f"no version has the bytes of the draft {event.draft}")


def _check_removal(view: View, _entry: Entry, event: events.AliasRemoved) -> None:
    check_previous(view, event.name, event.alias, event.previous)


def check_previous(view: View, name: ModelName, alias: Alias, previous: int | None) -> None:
    """Check that an alias pointed at a version, or nowhere (None).

    Raises:
        LogInconsistent: it pointed elsewhere.
    """
    present = find_move(view, name, alias)
    number = None if present is None else present.number
    if number != previous:
        raise LogInconsistent(reason=f"{name}@{alias} pointed at {number}, and it says at {previous}")


def _check_closing(view: View, _entry: Entry, event: events.EmergencyClosed) -> None:
    move = view.projections.find(MoveRecord, (event.move,))
    if move is None or not move.emergency:
        raise LogInconsistent(reason=f"entry {event.move} is no emergency")


def _check_request(view: View, _entry: Entry, event: events.RequestOpened) -> None:
    check_in_service(view, resolve(view, Reference(event.name, event.number)))


def _check_reminder(view: View, _entry: Entry, event: events.RequestReminded) -> None:
    request = view.projections.find(RequestRecord, (event.request,))
    if request is not None and request.closed is not None:
        raise LogInconsistent(reason=f"the request {event.request} was closed by entry {request.closed}")


def _check_revocation(view: View, entry: Entry, event: events.KeyRevoked) -> None:
    key = view.projections.find(KeyRecord, (event.key,))
    known = None if key is None else key.revoked
    if event.effective not in range(entry.index + 1) or (known is not None and known <= event.effective):
        raise LogInconsistent(reason=f"the key is revoked as of {event.effective}, and was as of {known}")


def _check_tier(view: View, _entry: Entry, event: events.TierSet) -> None:
    if view.projections.find(ModelRecord, (str(event.name),)) is None:
        raise LogInconsistent(reason=f"the model {event.name} does not exist")


def _check_policy_end(view: View, _entry: Entry, event: events.PolicyEnded) -> None:
    if find_set(view, event.models, event.alias) is None:
        raise LogInconsistent(reason=f"no policy of {event.models}@{event.alias} is in force, so none ends")


def _check_owner(view: View, _entry: Entry, event: events.OwnerSet) -> None:
    check_principal(view, event.owner)


def _check_time(view: View, entry: Entry, event: events.TimeConfirmed) -> None:
    newest = find_newest_jump(view)
    if newest is None or newest.index != event.jump:
        raise LogInconsistent(reason=f"entry {event.jump} is not the newest jump of the clock")
    if not entry.when.startswith(f"{event.date}T"):
        raise LogInconsistent(reason=f"it confirms the date {event.date}, and the clock said {entry.when}")


def _check_reads(view: View, _entry: Entry, event: events.ReadsRecorded) -> None:
    of_namespace = Where("namespace", "=", event.namespace)
    if not view.projections.select(ReadsSettingRecord, of_namespace, limit=1):
        raise LogInconsistent(reason=f"{event.namespace} never kept a record of reads")
    expected = count_batches(view, event.namespace, event.day) + 1
    if event.number != expected or event.reads < 1:
        said = f"batch {event.number} of {event.day} with {event.reads} reads"
        raise LogInconsistent(reason=f"it is {said}, expected batch {expected}")


FACTS: Final[Mapping[type[Event], Callable[..., None]]] = {
    events.VersionPublished: _check_version,
    events.StatusSet: _check_status,
    events.RetentionSet: _check_retention,
    events.DraftEnded: _check_draft,
    events.AliasRemoved: _check_removal,
    events.EmergencyClosed: _check_closing,
    events.RequestOpened: _check_request,
    events.RequestReminded: _check_reminder,
    events.KeyEnrolled: check_key,
    events.KeyRevoked: _check_revocation,
    events.TokenIssued: check_token,
    events.TierSet: _check_tier,
    events.PolicyEnded: _check_policy_end,
    events.OwnerSet: _check_owner,
    events.TimeConfirmed: _check_time,
    events.ReadsRecorded: _check_reads,
}
