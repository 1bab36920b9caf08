"""Inboxes: what an item says, and that it is its owner's, from the records about its entry.

The registry finds the entries (`services.gates.inbox`). The item of an entry is computed here, by the
registry and by the client, who so proves that the item is theirs and says what the log says.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Final, NamedTuple

from muniment.answers.cases import Moment
from muniment.answers.claims import authors_of, read_standing
from muniment.answers.gates import judge_gate
from muniment.answers.interests import (
    concerns,
    find_cause,
    find_decision,
    find_held,
    find_role,
    is_granted,
    is_owner,
)
from muniment.answers.people import read_preferences, roles_of
from muniment.answers.policies import find_policies, list_changes, list_policies_by_authors
from muniment.answers.resolve import find_move
from muniment.answers.statuses import find_status, status_of
from muniment.answers.view import State
from muniment.core.catalog.statuses import WITHDRAWN, Status
from muniment.core.claims.approvals import SignedApproval, SigningDecision
from muniment.core.claims.attestations import SCAN, WAIVER, Attestation
from muniment.core.claims.scans import NOTHING, Scan
from muniment.core.claims.waivers import Waiver
from muniment.core.errors import MunimentError, RequestNotFound
from muniment.core.events import RequestOutcome
from muniment.core.gates.differences import RECENT, say_author, say_change
from muniment.core.gates.inbox import InboxItem, ItemKind
from muniment.core.names import Alias, Reference
from muniment.core.people.roles import Act, may
from muniment.core.records import (
    CommentRecord,
    MentionRecord,
    MoveRecord,
    PolicyRecord,
    RequestRecord,
    VersionRecord,
    Where,
)
from muniment.core.times import read_time, write_time
from muniment.core.verbs.gates import ListPoliciesByAuthors
from muniment.core.verbs.inbox import GetInboxItem

# How long before the end of a waiver that is told.
SOON: Final = timedelta(days=7)
# The others are about an alias.
_WITHOUT_ALIAS: Final = frozenset({ItemKind.MENTION, ItemKind.STATUS, ItemKind.FLAGGED})
# These may be about a version or its model.
_OF_EITHER: Final = frozenset({ItemKind.NEWS, ItemKind.POLICY})


class _News(NamedTuple):
    """Who did something, what and when, and the digest of the text that says why."""

    who: str
    what: str
    since: str
    text: str | None


def get_item(state: State, query: GetInboxItem) -> InboxItem:
    """Return an item of an inbox.

    Raises:
        RequestNotFound: the entry is no such item, or is the item of somebody else, or was dealt with.
        BlobNotFound, ContentCorrupt, BadSignature: a claim or policy that it depends on cannot be read.
    """
    has_version = query.number is not None or query.kind in _OF_EITHER
    has_alias = query.kind is ItemKind.NEWS or (query.alias is None) == (query.kind in _WITHOUT_ALIAS)
    fits = has_version and has_alias
    item = next(_READERS[query.kind](state, query), None) if fits else None
    if item is None:
        raise RequestNotFound(entry=query.entry, kind="item of the inbox")
    return item


# ---- tasks


def _read_request(state: State, asked: GetInboxItem) -> Iterator[InboxItem]:
    """Somebody else asks for a decision about somebody else's version, which we have not made."""
    about = Where("name", "=", str(asked.name)), Where("index", "=", asked.entry)
    for record in state.view.projections.select(RequestRecord, *about, Where("closed", "=", None)):
        version = _find_version(state, asked)
        if version is None or (record.number, record.alias) != (version.number, str(asked.alias)):
            continue
        since = record.reminded or record.opened
        if record.requester == asked.principal or not _may_decide(state, asked, version):
            continue
        if not _has_answered(state, asked, version, record):
            what = f"your review is requested{_warn_of_authors(state, asked, since)}"
            yield _item(
                state, asked, record.requester, what, since, text=record.reason, role=_role(state, asked)
            )


def _warn_of_authors(state: State, asked: GetInboxItem, since: str) -> str:
    """Say which policies the authors of a version changed shortly before a time, or after it."""
    if asked.alias is None or asked.number is None:
        return ""
    begin = write_time(read_time(since) - RECENT)
    reference = Reference(asked.name, asked.number)
    query = ListPoliciesByAuthors(reference=reference, alias=asked.alias, since=begin)
    return "".join(f"; {say_author(record)}" for record in list_policies_by_authors(state, query))


def _has_answered(state: State, asked: GetInboxItem, version: VersionRecord, record: RequestRecord) -> bool:
    """Return whether we approved what stands now, or rejected the version since we were asked last."""
    try:
        signed = find_decision(state.view, version, record.alias, asked.principal)
        if signed is None or signed.approval.decision is not SigningDecision.REJECT:
            return signed is not None and _stands(state, version, signed)
    except MunimentError:
        # What cannot be read was not decided.
        return False
    return signed.claim.index > record.index and signed.claim.recorded > (record.reminded or "")


def _stands(state: State, version: VersionRecord, signed: SignedApproval) -> bool:
    """Return whether an approval is over what stands now, and has not expired."""
    approval = signed.approval
    expired = approval.expires is not None and read_time(approval.expires) <= read_time(state.time)
    approved = approval.decision is SigningDecision.APPROVE
    return approved and not expired and find_cause(state.view, version, signed) is None


def _read_waiver(state: State, asked: GetInboxItem) -> Iterator[InboxItem]:
    """Somebody else asks for an exception for somebody else's version, on which we have not decided."""
    for version, claim, waiver in _find_waivers(state, asked):
        until = write_time(read_time(waiver.until))
        if claim.signer == asked.principal or until <= state.time or not _may_decide(state, asked, version):
            continue
        signed = find_decision(state.view, version, waiver.alias, asked.principal, str(claim.digest))
        if signed is not None and (
            signed.approval.decision is SigningDecision.REJECT or _stands(state, version, signed)
        ):
            continue
        what = f"a waiver of {', '.join(sorted(waiver.rules))} is requested"
        role = _role(state, asked, waiver=True)
        reason = waiver.reason
        yield _item(
            state, asked, claim.signer, what, claim.recorded, text=reason, claim=claim, role=role, due=until
        )


def _find_waivers(state: State, asked: GetInboxItem) -> Iterator[tuple[VersionRecord, Attestation, Waiver]]:
    """Find the waiver that an entry recorded, if it is one to a policy in force."""
    version = _find_version(state, asked)
    if version is None or asked.alias is None or status_of(state.view, version) in WITHDRAWN:
        return
    policies = {one.record.digest for one in find_policies(state.view, asked.name, asked.alias)}
    for claim in read_standing(state.view, version, {WAIVER}, Where("index", "=", asked.entry)):
        waiver = Waiver.read(claim.predicate)
        said = (waiver.version, waiver.alias, waiver.registry)
        if said == (asked.reference, str(asked.alias), state.registry) and waiver.policy in policies:
            yield version, claim, waiver


def _read_emergency(state: State, asked: GetInboxItem) -> Iterator[InboxItem]:
    """An alias moved past its gate, and nobody has closed that; those who may close it have a task."""
    for move in _find_moves(state, asked, Where("emergency", "=", 1), Where("closed", "=", None)):
        version = _find_version(state, asked)
        if version is None or move.number != version.number:
            continue
        closes = move.actor != asked.principal and _may_decide(state, asked, version)
        if closes is (asked.kind is ItemKind.CLOSING):
            what = f"{move.alias} moved here past its gate, in an emergency"
            yield _item(state, asked, move.actor, what, move.moved, text=move.reason, due=move.due)


def _read_stale(state: State, asked: GetInboxItem) -> Iterator[InboxItem]:
    """What we approved changed since, and the version is not superseded."""
    version = _find_version(state, asked)
    if version is None or asked.alias is None or status_of(state.view, version) in WITHDRAWN:
        return
    held = find_move(state.view, asked.name, asked.alias)
    if held is not None and held.number is not None and held.number > version.number:
        return
    signed = find_decision(state.view, version, str(asked.alias), asked.principal)
    if signed is None or signed.approval.decision is not SigningDecision.APPROVE:
        return
    cause = find_cause(state.view, version, signed)
    if cause is not None and cause.entry == asked.entry and _may_decide(state, asked, version):
        what = f"your approval no longer counts: {cause.reason}"
        yield _item(state, asked, cause.who, what, cause.time, claim=signed.claim, role=_role(state, asked))


def _read_ending(state: State, asked: GetInboxItem) -> Iterator[InboxItem]:
    """A waiver of ours, or for a version of ours, ends soon or has ended, and its rules are not met yet."""
    for version, claim, waiver in _find_waivers(state, asked):
        until, alias = read_time(waiver.until), Alias(waiver.alias)
        if find_held(state.view, version.name).get(waiver.alias) != version.number:
            continue
        if until - SOON > read_time(state.time):
            continue
        if claim.signer != asked.principal and not concerns(state.view, asked.principal, version):
            continue
        if not is_granted(state.view, version, waiver.alias, str(claim.digest)):
            continue
        judged = judge_gate(state.view, version, alias, Moment.of(state)) or []
        findings = [
            finding
            for verdict, _ in judged
            if verdict.policy == waiver.policy
            for finding in verdict.findings
            if finding.id in waiver.rules
        ]
        if any(not one.passed and one.waived in {"", str(claim.digest)} for one in findings):
            what = f"the waiver of {', '.join(sorted(waiver.rules))} runs out"
            yield _item(state, asked, claim.signer, what, claim.recorded, claim=claim, due=write_time(until))


# ---- notices


def _read_answer(state: State, asked: GetInboxItem) -> Iterator[InboxItem]:
    """What we requested was met or rejected."""
    about = Where("name", "=", str(asked.name)), Where("closed", "=", asked.entry)
    for record in state.view.projections.select(RequestRecord, *about):
        ours = record.requester == asked.principal and record.outcome != RequestOutcome.WITHDRAWN
        if ours and (record.number, record.alias) == (asked.number, str(asked.alias)):
            what = f"your request was {record.outcome}"
            yield _item(state, asked, "", what, record.opened, text=record.answer)


def _read_mention(state: State, asked: GetInboxItem) -> Iterator[InboxItem]:
    """Somebody names us in a comment."""
    about = Where("name", "=", str(asked.name)), Where("number", "=", asked.number)
    which = *about, Where("index", "=", asked.entry)
    if state.view.projections.select(MentionRecord, *which, Where("principal", "=", asked.principal)):
        for record in state.view.projections.select(CommentRecord, *which):
            what = "you are mentioned in a comment"
            yield _item(state, asked, record.author, what, record.posted, text=record.text)


def _read_policy(state: State, asked: GetInboxItem) -> Iterator[InboxItem]:
    """Somebody else changed the policies of a model of ours, or of an alias that a version of ours awaits.

    A model is ours if we own it, or if one of its versions in use concerns us. With a version, it is one that
    we decided about, or requested, for the alias before.
    """
    version = _find_version(state, asked)
    if asked.number is None:
        is_told = _is_ours(state, asked)
    else:
        is_told = version is not None and _awaits(state, asked, version)
    for record, what in _find_policies(state, asked) if is_told else ():
        if record.author != asked.principal:
            yield _item(state, asked, record.author, what, record.set, text=record.reason)


def _awaits(state: State, asked: GetInboxItem, version: VersionRecord) -> bool:
    """Return whether a version could move to the alias, and we decided about it or asked for it before."""
    held = find_held(state.view, version.name).get(str(asked.alias))
    if held == version.number or status_of(state.view, version) in WITHDRAWN:
        return False
    ours = Where("name", "=", version.name), Where("requester", "=", asked.principal)
    for request in state.view.projections.select(RequestRecord, *ours, Where("closed", "=", None)):
        is_about = (request.number, request.alias) == (version.number, str(asked.alias))
        if is_about and request.index < asked.entry:
            return True
    signed = find_decision(state.view, version, str(asked.alias), asked.principal)
    if signed is None or signed.approval.decision is SigningDecision.WITHDRAW:
        return False
    return signed.claim.index < asked.entry


def _find_policies(state: State, asked: GetInboxItem) -> Iterator[tuple[PolicyRecord, str]]:
    """Find the policy that an entry set or ended, if it or the one before applies to the model; say which."""
    if asked.alias is None:
        return
    for record, before in list_changes(state.view, asked.name, asked.alias):
        if record.index == asked.entry:
            yield record, say_change(record, before)


def _is_ours(state: State, asked: GetInboxItem) -> bool:
    name = str(asked.name)
    if is_owner(state.view, asked.principal, name):
        return True
    numbers = set(find_held(state.view, name).values())
    versions = [state.view.projections.find(VersionRecord, (name, number)) for number in sorted(numbers)]
    return any(concerns(state.view, asked.principal, version) for version in versions if version is not None)


def _read_status(state: State, asked: GetInboxItem) -> Iterator[InboxItem]:
    """Somebody else took a version of ours out of service, or deprecated it."""
    version = _find_version(state, asked)
    record = None if version is None else find_status(state.view, version)
    if version is None or record is None or record.index != asked.entry or record.actor == asked.principal:
        return
    if record.status != Status.PUBLISHED and concerns(state.view, asked.principal, version):
        held = sorted(
            a for a, number in find_held(state.view, version.name).items() if number == version.number
        )
        where = f", and {', '.join(held)} points at it" if held else ""
        what = f"it was {record.status}{where}"
        yield _item(state, asked, record.actor, what, record.set, text=record.reason)


def _read_flagged(state: State, asked: GetInboxItem) -> Iterator[InboxItem]:
    """Somebody else's scan found something in a version of ours."""
    version = _find_version(state, asked)
    if version is None or status_of(state.view, version) in WITHDRAWN:
        return
    for claim in read_standing(state.view, version, {SCAN}, Where("index", "=", asked.entry)):
        worst = Scan(claim.predicate).worst
        others = claim.signer != asked.principal and worst != NOTHING
        if others and concerns(state.view, asked.principal, version):
            what = f"a scan found something: {worst}"
            yield _item(state, asked, claim.signer, what, claim.recorded, claim=claim)


def _read_superseded(state: State, asked: GetInboxItem) -> Iterator[InboxItem]:
    """Somebody else moved an alias from a version of ours, which it has not come back to."""
    version = _find_version(state, asked)
    of_alias = Where("name", "=", str(asked.name)), Where("alias", "=", str(asked.alias))
    moves = state.view.projections.select(MoveRecord, *of_alias)
    left = [move for move in moves if move.previous == asked.number != move.number]
    for move in left[-1:]:
        is_back = moves[-1].number == asked.number
        if version is None or is_back or move.index != asked.entry or move.actor == asked.principal:
            continue
        if concerns(state.view, asked.principal, version):
            what = f"{move.alias} was removed"
            if move.number is not None:
                what = f"{move.alias} points at {move.name}@{move.number}"
            yield _item(state, asked, move.actor, what, move.moved, text=move.reason)


def _read_news(state: State, asked: GetInboxItem) -> Iterator[InboxItem]:
    """Somebody else did something to a model that we follow."""
    if asked.name not in read_preferences(state.view, asked.principal).follows:
        return
    for who, what, since, text in _find_news(state, asked):
        if who != asked.principal:
            yield _item(state, asked, who, what, since, text=text)


def _find_news(state: State, asked: GetInboxItem) -> Iterator[_News]:
    """Find what an entry did: with a version and an alias, a move; with one of them, something else."""
    version = _find_version(state, asked)
    match version, asked.alias:
        case VersionRecord(), Alias():
            for move in _find_moves(state, asked):
                if version.number in {move.number, move.previous if move.number is None else None}:
                    here = "points here" if move.number is not None else "was removed"
                    yield _News(move.actor, f"{move.alias} {here}", move.moved, move.reason)
        case VersionRecord(), None:
            if version.index == asked.entry:
                yield _News(version.author, "it was published", version.published, version.message)
            status = find_status(state.view, version)
            if status is not None and status.index == asked.entry:
                yield _News(status.actor, f"it was {status.status}", status.set, status.reason)
        case None, Alias() if asked.number is None:
            for record, what in _find_policies(state, asked):
                yield _News(record.author, what, record.set, record.reason)
        case _:
            return


_READERS: Final[Mapping[ItemKind, Callable[[State, GetInboxItem], Iterator[InboxItem]]]] = {
    ItemKind.REQUEST: _read_request,
    ItemKind.WAIVER: _read_waiver,
    ItemKind.CLOSING: _read_emergency,
    ItemKind.STALE: _read_stale,
    ItemKind.ENDING: _read_ending,
    ItemKind.ANSWER: _read_answer,
    ItemKind.MENTION: _read_mention,
    ItemKind.EMERGENCY: _read_emergency,
    ItemKind.POLICY: _read_policy,
    ItemKind.STATUS: _read_status,
    ItemKind.FLAGGED: _read_flagged,
    ItemKind.SUPERSEDED: _read_superseded,
    ItemKind.NEWS: _read_news,
}


def _find_version(state: State, asked: GetInboxItem) -> VersionRecord | None:
    if asked.number is None:
        return None
    return state.view.projections.find(VersionRecord, (str(asked.name), asked.number))


def _find_moves(state: State, asked: GetInboxItem, *which: Where) -> list[MoveRecord]:
    of_alias = Where("name", "=", str(asked.name)), Where("alias", "=", str(asked.alias))
    return state.view.projections.select(MoveRecord, *of_alias, Where("index", "=", asked.entry), *which)


def _may_decide(state: State, asked: GetInboxItem, version: VersionRecord) -> bool:
    """Return whether we may decide about a version: somebody else's, in a role that allows it."""
    allowed = may(roles_of(state.view, asked.principal, asked.name.namespace), Act.APPROVE)
    return allowed and asked.principal not in authors_of(state.view, version)


def _role(state: State, asked: GetInboxItem, *, waiver: bool = False) -> str:
    if asked.alias is None:
        return ""
    return find_role(state.view, asked.name, asked.alias, asked.principal, waiver=waiver)


def _item(  # noqa: PLR0913 - the data of an item
    state: State,
    asked: GetInboxItem,
    who: str,
    what: str,
    since: str,
    *,
    text: str | None = None,
    claim: Attestation | None = None,
    role: str = "",
    due: str | None = None,
) -> InboxItem:
    return InboxItem(
        kind=asked.kind,
        reference=asked.reference,
        alias="" if asked.alias is None else str(asked.alias),
        who=who,
        what=what,
        text=state.find_text(text),
        claim="" if claim is None else str(claim.digest),
        role=role,
        since=since,
        due=due,
        overdue=due is not None and due <= state.time,
        entry=asked.entry,
    )
