"""Our inbox: each item is proven from the entry that it names, and computed anew from what is proven."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from muniment.client.proofs.checking import check_claim, read_revision, resolve
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.claims.attestations import WAIVER
from muniment.core.claims.waivers import Waiver
from muniment.core.errors import InvalidRequest, NotFound, NotShown, RecordUnproven
from muniment.core.events import AliasMoved, AttestationRecorded, CommentPosted, RequestClosed, RequestOpened
from muniment.core.names import ModelName, Reference
from muniment.core.receipts import Proof
from muniment.core.records import CommentRecord, MoveRecord, RequestRecord
from muniment.core.times import read_time, write_time
from muniment.core.verbs.catalog import ListComments
from muniment.core.verbs.gates import GetInbox, InboxItem, ListMoves, ListRequests, Request
from muniment.core.verbs.log import GetProof
from muniment.core.verbs.versions import DescribeVersion


def read_inbox(backend: TrustedBackend) -> list[InboxItem]:
    """List what is waiting for us, and our news.

    Raises:
        RecordUnproven: an item does not follow from its entry.
    """
    return [_prove(backend, item) for item in backend.ask(GetInbox())]


def _prove(backend: TrustedBackend, item: InboxItem) -> InboxItem:
    """Compute an item anew from its entry. That it is ours to decide, and not decided yet, is its `kind`."""
    reader = _READERS.get(item.kind)
    try:
        if reader is None:
            raise _unproven(item)
        proven = reader(backend, backend.ask(GetProof(index=item.entry)))
    except (NotFound, NotShown, InvalidRequest) as error:
        raise _unproven(item) from error
    proven = replace(proven, kind=item.kind, overdue=item.overdue)
    if proven != item:
        raise _unproven(item)
    return replace(proven, overdue=proven.due is not None and proven.due <= backend.time())


def _read_request(backend: TrustedBackend, proof: Proof) -> InboxItem:
    opened = proof.read(RequestOpened)
    request = _find_request(backend, opened.name, proof.index)
    record = request.record
    if record.closed is not None:
        raise RecordUnproven(record=f"requests[{record.index}]", index=record.closed)
    since = record.reminded or record.opened
    return _item(record, alias=record.alias, who=record.requester, text=request.reason, since=since)


def _read_answer(backend: TrustedBackend, proof: Proof) -> InboxItem:
    closed = proof.read(RequestClosed)
    request = _find_request(backend, closed.name, closed.request)
    record = request.record
    if record.requester != backend.principal:
        raise RecordUnproven(record=f"requests[{record.index}]", index=proof.index)
    text = f"{record.outcome}: {request.answer}" if request.answer else f"{record.outcome}"
    item = _item(record, alias=record.alias, who="", text=text, since=record.opened)
    return replace(item, entry=proof.index)


def _read_emergency(backend: TrustedBackend, proof: Proof) -> InboxItem:
    moved = proof.read(AliasMoved)
    (move,) = backend.ask(ListMoves(name=moved.name, alias=moved.alias, after=proof.index - 1, limit=1))
    record = move.record
    if not record.emergency or record.closed is not None:
        raise RecordUnproven(record=f"moves[{record.index}]", index=proof.index)
    item = _item(record, alias=record.alias, who=record.actor, text=move.reason, since=record.moved)
    return replace(item, due=record.due)


def _read_mention(backend: TrustedBackend, proof: Proof) -> InboxItem:
    posted = proof.read(CommentPosted)
    if backend.principal not in posted.mentions:
        raise RecordUnproven(record=f"mentions[{proof.index}]", index=proof.index)
    reference = Reference(posted.name, posted.number)
    (comment,) = backend.ask(ListComments(reference=reference, after=proof.index - 1, limit=1))
    record = comment.record
    return _item(record, alias="", who=record.author, text=comment.text, since=record.posted)


def _read_waiver(backend: TrustedBackend, proof: Proof) -> InboxItem:
    recorded = proof.read(AttestationRecorded)
    version = resolve(backend, Reference(recorded.name, recorded.revision))
    detail = backend.ask(DescribeVersion(reference=Reference(recorded.name, version.number)))
    (record,) = (one for one in detail.attestations if one.index == proof.index)
    if record.predicate_type != WAIVER:
        raise RecordUnproven(record=f"attestations[{record.digest}]", index=proof.index)
    claim = check_claim(backend, record, version, read_revision(backend, version), again=False)
    waiver = Waiver.read(claim.predicate)
    return InboxItem(
        kind="",
        reference=f"{version.name}@{version.number}",
        alias=str(waiver.alias),
        who=record.signer,
        text=detail.reasons.get(record.digest, ""),
        since=record.recorded,
        due=write_time(read_time(waiver.until)),
        overdue=False,
        entry=proof.index,
    )


_READERS: Final[Mapping[str, Callable[[TrustedBackend, Proof], InboxItem]]] = {
    "request": _read_request,
    "waiver": _read_waiver,
    "closing": _read_emergency,
    "emergency": _read_emergency,
    "answer": _read_answer,
    "mention": _read_mention,
}


def _find_request(backend: TrustedBackend, name: ModelName, entry: int) -> Request:
    (request,) = backend.ask(ListRequests(name=name, closed=True, after=entry - 1, limit=1))
    return request


def _item(
    record: RequestRecord | MoveRecord | CommentRecord, *, alias: str, who: str, text: str | None, since: str
) -> InboxItem:
    return InboxItem(
        kind="",
        reference=f"{record.name}@{record.number}",
        alias=alias,
        who=who,
        text=text or "",
        since=since,
        due=None,
        overdue=False,
        entry=record.index,
    )


def _unproven(item: InboxItem) -> RecordUnproven:
    return RecordUnproven(record=f"inbox[{item.kind}]", index=item.entry)
