"""Inboxes: find the entries that may be items of a principal's inbox; `answers.inbox` says which are."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import cached_property
from typing import Final, NamedTuple, TypeVar

from muniment.answers.claims import authors_of, read_said
from muniment.answers.inbox import get_item
from muniment.answers.interests import Cause, find_cause, find_decision, find_held
from muniment.answers.notices import list_proposal_items
from muniment.answers.people import read_preferences
from muniment.answers.proposals import describe_proposal
from muniment.answers.recoveries import list_notices, list_recoveries
from muniment.answers.resolve import resolve
from muniment.answers.view import Documents, Records, State, Texts
from muniment.core.claims.approvals import Approval
from muniment.core.claims.attestations import APPROVAL, SCAN, WAIVER
from muniment.core.claims.waivers import Waiver
from muniment.core.digests import Digest
from muniment.core.errors import MunimentError
from muniment.core.gates.inbox import InboxItem, ItemKind
from muniment.core.names import EVERY, Alias, ModelName, Models, Reference
from muniment.core.records import (
    AttestationRecord,
    MentionRecord,
    ModelRecord,
    MoveRecord,
    PolicyRecord,
    ProposalRecord,
    RequestRecord,
    StatusRecord,
    VersionRecord,
    Where,
)
from muniment.core.times import read_time, write_time
from muniment.core.verbs.inbox import GetInbox, GetInboxItem
from muniment.services.people.reading import Reading

N = TypeVar("N", VersionRecord, AttestationRecord)
R = TypeVar("R", StatusRecord, AttestationRecord, MoveRecord)

# Notices are shown for this long; tasks until they are done.
_NEWS: Final = timedelta(days=30)
# Only the models of so many of our newest versions and claims are looked into: a job can make a million.
_MOST_OURS: Final = 2_000
# What tells less than another item of the same entry and model.
_ECHOES: Final = frozenset({ItemKind.POLICY, ItemKind.SUPERSEDED, ItemKind.NEWS})
_DECISIONS: Final = frozenset({ItemKind.REQUEST, ItemKind.WAIVER})


def get_inbox(reading: Reading, _query: GetInbox) -> tuple[InboxItem, ...]:
    """Gather the inbox of the caller: tasks first, then notices, each oldest first."""
    items = list(find_items(reading))
    return tuple(sorted(items, key=lambda item: (not item.kind.is_task, item.since)))


def find_items(reading: Reading) -> Iterator[InboxItem]:
    """Find the items of the caller's inbox, the kinds in their order."""
    view = _ProvableView(reading.view.projections, reading.view.payloads, reading.view.blobs)
    state = State(view=view, registry=reading.registry, time=reading.time)
    told: set[tuple[int, ModelName]] = set()
    since = write_time(read_time(reading.time) - _NEWS)
    notices = list_notices(list_recoveries(reading.view, reading.sight.principal), reading.time)
    yield from (notice for notice in notices if notice.since >= since)
    for record in _find_proposals(reading, since):
        proposal = describe_proposal(state, record)
        yield from list_proposal_items(proposal, reading.sight.principal, reading.time)
    for asked in dict.fromkeys(_Entries(reading).find()):
        place = asked.entry, asked.name
        if not reading.sight.sees(asked.name.namespace) or (asked.kind in _ECHOES and place in told):
            continue
        try:
            item = get_item(state, asked)
        except MunimentError:
            # It is no item, or something that it depends on cannot be read, which `scrub` tells.
            continue
        if asked.kind in _DECISIONS and _is_own(reading, asked):
            continue
        told.add(place)
        yield item


def _find_proposals(reading: Reading, since: str) -> Iterator[ProposalRecord]:
    """Find the proposals that wait for somebody, and those of the caller that closed lately."""
    records = reading.view.projections
    recent = Where("closed", ">=", reading.unit.log.count_until(since))
    found = [
        *records.select(ProposalRecord, Where("closed", "=", None)),
        *records.select(ProposalRecord, Where("outcome", "=", "emergency"), Where("reviewed", "=", None)),
        *records.select(ProposalRecord, Where("proposer", "=", reading.sight.principal), recent),
    ]
    for record in {one.index: one for one in found}.values():
        if reading.sight.sees(record.namespace):
            yield record


def _is_own(reading: Reading, asked: GetInboxItem) -> bool:
    """Return whether the caller published the same bytes, also where others cannot prove it."""
    version = reading.view.projections.find(VersionRecord, (str(asked.name), asked.number or 0))
    return version is not None and asked.principal in authors_of(reading.view, version)


class _ProvableView(NamedTuple):
    """A view of what a client can prove: an item has to follow from that alone."""

    projections: Records
    payloads: Texts
    blobs: Documents
    lineage: None = None


class _Entries:
    """Finds the entries that may be items of an inbox, by what is cheap to look up."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._records = reading.view.projections
        self._me = reading.sight.principal
        since = write_time(read_time(reading.time) - _NEWS)
        self._recent = Where("index", ">=", reading.unit.log.count_until(since))

    def find(self) -> Iterator[GetInboxItem]:
        """Find them, the kinds in their order."""
        yield from self._find_requests()
        yield from self._find_waivers()
        yield from self._find_emergencies()
        yield from self._find_stale()
        yield from self._find_answers()
        yield from self._find_mentions()
        yield from self._find_changes()
        for name in read_preferences(self._reading.view, self._me).follows:
            yield from self._find_news(name)

    def _find_requests(self) -> Iterator[GetInboxItem]:
        for record in self._records.select(RequestRecord, Where("closed", "=", None)):
            yield self._ask(ItemKind.REQUEST, record.index, record.name, record.number, record.alias)

    def _find_waivers(self) -> Iterator[GetInboxItem]:
        """Find the waivers of versions that nothing newer supersedes, to decide or to renew."""
        records = self._records.select(AttestationRecord, Where("predicate_type", "=", WAIVER))
        for record in records:
            try:
                waiver = Waiver.read(read_said(self._reading.view, record.digest).predicate)
                number = Reference.parse(waiver.version).selector
            except MunimentError:
                continue
            if isinstance(number, int):
                for kind in (ItemKind.WAIVER, ItemKind.ENDING):
                    yield self._ask(kind, record.index, record.name, number, waiver.alias)

    def _find_emergencies(self) -> Iterator[GetInboxItem]:
        open_ = Where("emergency", "=", 1), Where("closed", "=", None)
        for move in self._records.select(MoveRecord, *open_):
            for kind in (ItemKind.CLOSING, ItemKind.EMERGENCY):
                yield self._ask(kind, move.index, move.name, move.number, move.alias)

    def _find_stale(self) -> Iterator[GetInboxItem]:
        """Find what made our approvals stale, of versions that are not superseded."""
        for version, approval in self._read_decisions():
            try:
                cause = self._find_cause(version, approval.alias)
            except MunimentError:
                continue
            if cause is not None:
                name, number = version.name, version.number
                yield self._ask(ItemKind.STALE, cause.entry, name, number, approval.alias)

    def _read_decisions(self) -> Iterator[tuple[VersionRecord, Approval]]:
        """Read our newest signing decisions, with their versions; those that cannot be read are left out."""
        decided = Where("signer", "=", self._me), Where("predicate_type", "=", APPROVAL)
        for record in self._select_newest(AttestationRecord, *decided):
            try:
                approval = Approval.read(read_said(self._reading.view, record.digest).predicate)
            except MunimentError:
                continue
            yield self._find_version(record), approval

    def _find_version(self, record: AttestationRecord) -> VersionRecord:
        name = ModelName.parse(record.name)
        return resolve(self._reading.view, Reference(name, Digest.parse(record.revision)))

    def _find_cause(self, version: VersionRecord, alias: str) -> Cause | None:
        held = find_held(self._reading.view, version.name).get(alias, 0)
        if held > version.number:
            return None
        signed = find_decision(self._reading.view, version, alias, self._me)
        return None if signed is None else find_cause(self._reading.view, version, signed)

    def _find_answers(self) -> Iterator[GetInboxItem]:
        ours = Where("requester", "=", self._me), Where("closed", ">=", self._recent.value)
        for record in self._records.select(RequestRecord, *ours):
            if record.closed is not None:
                yield self._ask(ItemKind.ANSWER, record.closed, record.name, record.number, record.alias)

    def _find_mentions(self) -> Iterator[GetInboxItem]:
        for mention in self._records.select(MentionRecord, Where("principal", "=", self._me), self._recent):
            yield self._ask(ItemKind.MENTION, mention.index, mention.name, mention.number)

    def _find_changes(self) -> Iterator[GetInboxItem]:
        """Find what happened lately to the models that we own, made or approved versions of."""
        for policy in self._records.select(PolicyRecord, self._recent):
            yield from self._find_awaiting(policy)
            for name in self._list_covered(Models.parse(policy.models)):
                yield self._ask(ItemKind.POLICY, policy.index, name, None, policy.alias)
        for status in self._ours(self._records.select(StatusRecord, self._recent)):
            yield self._ask(ItemKind.STATUS, status.index, status.name, status.number)
        scans = self._records.select(AttestationRecord, Where("predicate_type", "=", SCAN), self._recent)
        for scan in self._ours(scans):
            yield self._ask(ItemKind.FLAGGED, scan.index, scan.name, self._find_version(scan).number)
        for move in self._ours(self._records.select(MoveRecord, self._recent)):
            yield self._ask(ItemKind.SUPERSEDED, move.index, move.name, move.previous, move.alias)

    def _find_awaiting(self, policy: PolicyRecord) -> Iterator[GetInboxItem]:
        """Find the versions that await the alias of a policy, by a decision or a request of ours."""
        models = Models.parse(policy.models)
        for version, alias in self._awaiting:
            name = ModelName.parse(version.name)
            covered = name.namespace == models.namespace and models.model in {EVERY, name.model}
            if covered and alias == policy.alias:
                yield self._ask(ItemKind.POLICY, policy.index, version.name, version.number, alias)

    @cached_property
    def _awaiting(self) -> tuple[tuple[VersionRecord, str], ...]:
        """The versions that we decided about or requested, newest first, and the aliases for which."""
        found: dict[tuple[str, int, str], VersionRecord] = {}
        ours = Where("requester", "=", self._me), Where("closed", "=", None)
        for request in self._records.select(RequestRecord, *ours):
            version = self._records.find(VersionRecord, (request.name, request.number))
            if version is not None:
                found[version.name, version.number, request.alias] = version
        for version, approval in self._read_decisions():
            found[version.name, version.number, approval.alias] = version
        newest = sorted(found.items(), key=lambda item: item[1].index, reverse=True)
        return tuple((version, alias) for (_, _, alias), version in newest)

    def _find_news(self, name: ModelName) -> Iterator[GetInboxItem]:
        """Find what happened lately to a model that we follow."""
        of_model = Where("name", "=", str(name)), self._recent
        for version in self._records.select(VersionRecord, *of_model):
            yield self._ask(ItemKind.NEWS, version.index, str(name), version.number)
        for status in self._records.select(StatusRecord, *of_model):
            yield self._ask(ItemKind.NEWS, status.index, str(name), status.number)
        for move in self._records.select(MoveRecord, *of_model):
            number = move.previous if move.number is None else move.number
            yield self._ask(ItemKind.NEWS, move.index, str(name), number, move.alias)
        for models in (str(name), str(Models(name.namespace, EVERY))):
            for policy in self._records.select(PolicyRecord, Where("models", "=", models), self._recent):
                yield self._ask(ItemKind.NEWS, policy.index, str(name), None, policy.alias)

    def _list_covered(self, models: Models) -> Iterable[str]:
        if models.model != EVERY:
            return {str(models)} & self._our_models
        return sorted(
            name for name in self._our_models if ModelName.parse(name).namespace == models.namespace
        )

    def _ours(self, records: Iterable[R]) -> Iterator[R]:
        return (record for record in records if record.name in self._our_models)

    @cached_property
    def _our_models(self) -> frozenset[str]:
        """The models that may be ours; whether they are is for `answers.inbox` to say."""
        owned = self._records.select(ModelRecord, Where("owner", "=", self._me))
        made = self._select_newest(VersionRecord, Where("author", "=", self._me))
        signed = self._select_newest(AttestationRecord, Where("signer", "=", self._me))
        return frozenset(record.name for record in (*owned, *made, *signed))  # type: ignore[attr-defined] # each has one

    def _select_newest(self, kind: type[N], *which: Where) -> list[N]:
        return self._records.select(kind, *which, descending=True, limit=_MOST_OURS)

    def _ask(
        self, kind: ItemKind, entry: int, name: str, number: int | None, alias: str | None = None
    ) -> GetInboxItem:
        return GetInboxItem(
            principal=self._me,
            entry=entry,
            kind=kind,
            name=ModelName.parse(name),
            number=number,
            alias=None if alias is None else Alias(alias),
        )
