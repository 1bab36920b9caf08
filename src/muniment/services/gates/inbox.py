"""Inboxes: the tasks and notices of a principal."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from muniment.answers.claims import authors_of, list_standing, read_claims, read_revision
from muniment.answers.people import roles_of
from muniment.answers.resolve import resolve
from muniment.core.claims.attestations import APPROVAL, WAIVER
from muniment.core.digests import Digest
from muniment.core.errors import MunimentError
from muniment.core.events import RequestOutcome
from muniment.core.names import ModelName, Reference
from muniment.core.people.roles import Act, may
from muniment.core.records import (
    AttestationRecord,
    CommentRecord,
    MentionRecord,
    MoveRecord,
    RequestRecord,
    VersionRecord,
    Where,
)
from muniment.core.times import read_time, write_time
from muniment.core.verbs.gates import GetInbox, InboxItem
from muniment.ports.unit import Unit
from muniment.services.people.reading import Reading, Sight

# Notices are shown for this long; tasks until they are decided.
_NEWS: Final = timedelta(days=30)


def get_inbox(reading: Reading, _query: GetInbox) -> tuple[InboxItem, ...]:
    """Gather an inbox: tasks first, then notices, each oldest first."""
    inbox = _Inbox(reading.unit, reading.sight, reading.time)
    items = [*inbox.emergencies(), *inbox.requests(), *inbox.waivers(), *inbox.answers(), *inbox.mentions()]
    return tuple(sorted(items, key=lambda item: (item.kind not in _TO_DECIDE, item.since)))


_TO_DECIDE: Final = frozenset({"request", "waiver", "closing"})


class _Inbox:
    """The inbox of one principal at a time."""

    def __init__(self, unit: Unit, sight: Sight, now: str) -> None:
        self._unit = unit
        self._sight = sight
        self._now = now
        self._me = sight.principal
        self._since = write_time(read_time(now) - _NEWS)

    def requests(self) -> Iterator[InboxItem]:
        """List open requests by others, for versions by others, that the principal may decide."""
        for record in self._unit.projections.select(RequestRecord, Where("closed", "=", None)):
            if record.requester == self._me or not self._may_decide(record.name):
                continue
            version = self._find(record.name, record.number)
            if not self._is_mine(version) and not self._has_decided(version, record.index):
                since = record.reminded or record.opened
                yield self._item("request", record, record.alias, record.requester, record.reason, since)

    def waivers(self) -> Iterator[InboxItem]:
        """List current waivers by others that the principal has not decided."""
        asked = self._unit.projections.select(
            AttestationRecord, Where("predicate_type", "=", WAIVER), Where("recorded", ">", self._since)
        )
        for record in asked:
            if record.signer == self._me or not self._may_decide(record.name):
                continue
            name = ModelName.parse(record.name)
            version = resolve(self._unit, Reference(name, Digest.parse(record.revision)))
            alias, until = self._read_waiver(version, record.digest)
            if until <= self._now or self._is_mine(version) or self._has_decided(version, record.index):
                continue
            yield InboxItem(
                kind="waiver",
                reference=f"{version.name}@{version.number}",
                alias=alias,
                who=record.signer,
                text=self._text(record.reason),
                since=record.recorded,
                due=until,
                overdue=False,
                entry=record.index,
            )

    def emergencies(self) -> Iterator[InboxItem]:
        """List open emergencies: as tasks for those who may close them, else as notices."""
        moves = self._unit.projections.select(
            MoveRecord, Where("emergency", "=", 1), Where("closed", "=", None)
        )
        for move in moves:
            if self._sight.sees(ModelName.parse(move.name).namespace):
                mine = move.actor == self._me or not self._may_decide(move.name)
                kind = "emergency" if mine else "closing"
                overdue = move.due is not None and move.due <= self._now
                yield self._item(
                    kind, move, move.alias, move.actor, move.reason, move.moved, due=move.due, overdue=overdue
                )

    def answers(self) -> Iterator[InboxItem]:
        """List the answers to the principal's own requests."""
        for record in self._unit.projections.select(RequestRecord, Where("requester", "=", self._me)):
            seen = self._sight.sees(ModelName.parse(record.name).namespace)
            if record.closed is None or record.outcome == RequestOutcome.WITHDRAWN or not seen:
                continue
            item = self._item("answer", record, record.alias, "", record.answer, record.opened)
            reason = f": {item.text}" if item.text else ""
            if self._is_news(record.closed):
                yield InboxItem(
                    kind="answer",
                    reference=item.reference,
                    alias=item.alias,
                    who=item.who,
                    text=f"{record.outcome}{reason}",
                    since=item.since,
                    due=None,
                    overdue=False,
                    entry=record.closed,
                )

    def mentions(self) -> Iterator[InboxItem]:
        """List the comments that mention the principal."""
        for mention in self._unit.projections.select(MentionRecord, Where("principal", "=", self._me)):
            record = self._unit.projections.find(CommentRecord, (mention.index,))
            if record is None or record.posted < self._since:
                continue
            if self._sight.sees(ModelName.parse(record.name).namespace):
                yield self._item("mention", record, "", record.author, record.text, record.posted)

    def _item(  # noqa: PLR0913, PLR0917 - the data of an item
        self,
        kind: str,
        record: RequestRecord | MoveRecord | CommentRecord,
        alias: str,
        who: str,
        text: str | None,
        since: str,
        *,
        due: str | None = None,
        overdue: bool = False,
    ) -> InboxItem:
        return InboxItem(
            kind=kind,
            reference=f"{record.name}@{record.number}",
            alias=alias,
            who=who,
            text=self._text(text),
            since=since,
            due=due,
            overdue=overdue,
            entry=record.index,
        )

    def _text(self, digest: str | None) -> str:
        return "" if digest is None else self._unit.payloads.find(digest) or ""

    def _may_decide(self, name: str) -> bool:
        return may(roles_of(self._unit, self._me, ModelName.parse(name).namespace), Act.APPROVE)

    def _find(self, name: str, number: int) -> VersionRecord:
        return resolve(self._unit, Reference(ModelName.parse(name), number))

    def _is_mine(self, version: VersionRecord) -> bool:
        return self._me in authors_of(self._unit, version)

    def _has_decided(self, version: VersionRecord, since: int) -> bool:
        mine = Where("predicate_type", "=", APPROVAL), Where("signer", "=", self._me)
        return bool(list_standing(self._unit, version, *mine, Where("index", ">", since)))

    def _read_waiver(self, version: VersionRecord, digest: str) -> tuple[str, str]:
        """Read the alias and the end of a waiver; an unreadable one has ended."""
        try:
            revision = read_revision(self._unit, Digest.parse(version.revision))
            for claim in read_claims(self._unit, version, revision):
                if str(claim.digest) == digest:
                    return str(claim.predicate["alias"]), write_time(read_time(str(claim.predicate["until"])))
        except MunimentError:
            pass
        return "", ""

    def _is_news(self, entry: int) -> bool:
        return entry >= self._unit.log.count_until(self._since)
