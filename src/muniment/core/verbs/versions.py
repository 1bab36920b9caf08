"""Versions: drafts, publication, resolution and the end of life."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from muniment.core.catalog.statuses import Status
from muniment.core.counting import count
from muniment.core.digests import Digest
from muniment.core.errors import ModelNotFound, VersionNotFound
from muniment.core.events import (
    DraftEnded,
    DraftOutcome,
    DraftSaved,
    Entry,
    RetentionSet,
    StatusSet,
    VersionPublished,
)
from muniment.core.names import Kind, ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Act
from muniment.core.records import (
    AttestationRecord,
    DraftRecord,
    MoveRecord,
    RetentionRecord,
    StatusRecord,
    VersionRecord,
)
from muniment.core.times import read_time, write_time
from muniment.core.verbs.verb import (
    Ask,
    At,
    Bounds,
    Change,
    Command,
    Limit,
    ListQuery,
    May,
    PageQuery,
    Query,
    Question,
    Time,
    Verb,
    Within,
    by_number,
    digest_of,
    says,
)

_MODEL: Final = "/models/{namespace}/{model}"
_VERSION: Final = _MODEL + "/versions/{version}"

Number = Annotated[int, Bounds(least=1, most=10**18)]
# An entry names them all.
Digests = Annotated[tuple[Digest, ...], Bounds(most=500)]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDetail:
    """A version with its aliases, claims, message and status.

    `superseded` lists, for each alias that has left the version, the last move that did so.
    `reasons` maps the digests of claims to their reasons, without erased ones.
    """

    record: VersionRecord
    aliases: tuple[str, ...]
    attestations: tuple[AttestationRecord, ...]
    message: str | None
    status: StatusRecord | None = None
    status_reason: str | None = None
    retention: RetentionRecord | None = None
    emergencies: tuple[MoveRecord, ...] = ()
    superseded: tuple[MoveRecord, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Name the version, and count its claims."""
        which = f"{self.record.name}@{self.record.number}"
        return f"<VersionDetail of {which}, {count(len(self.attestations), 'claim')}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A draft, and its message (None if there is none or it was erased)."""

    record: DraftRecord
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishVersion(Command):
    """Publish a stored manifest as the next version, with its claims.

    `number` requests a specific number; null takes the next one. Publishing bytes that the model already has
    returns the existing version. `kind` sets whether a new name is a model or a dataset; null means a model,
    or the kind of the existing name.
    """

    declared = Change("POST", _MODEL + "/versions", May(Act.PUBLISH, "name"), idempotent=True)
    name: ModelName
    manifest: Digest
    number: Number | None = None
    attestations: Digests = ()
    message: Payload | None = None
    kind: Kind | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """The manifest was published under this name, with these claims and this message."""
        with_it = {"attestations": self.attestations, "message": digest_of(self.message)}
        return self.was_done_by(entry) and says(entry, VersionPublished, **with_it)

    def was_done_by(self, entry: Entry) -> bool:
        """The manifest is a version of this name, with the number and the kind that are requested, if any."""
        asked = {"number": self.number, "kind": self.kind}
        given = {name: value for name, value in asked.items() if value is not None}
        return says(entry, VersionPublished, name=self.name, revision=self.manifest, **given)

    def holds(self, entry: Entry, ask: Ask) -> bool:
        """Its kind was requested, or is that of the name."""
        return self.kind is not None or _is_expected(self.name, entry, ask)

    def stands(self, entry: Entry, ask: Ask) -> bool:
        """The version was not purged since."""
        number = getattr(entry.event, "number", None)
        status = ask(DescribeVersion(reference=Reference(self.name, number))).status
        return status is None or status.status != Status.PURGED


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveDraft(Command):
    """Save a stored manifest as a draft, with its claims; `kind` as for publishing."""

    declared = Change("POST", _MODEL + "/drafts", May(Act.PUBLISH, "name"), idempotent=True)
    name: ModelName
    manifest: Digest
    attestations: Digests = ()
    message: Payload | None = None
    kind: Kind | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """The manifest was saved under this name, with these claims and this message."""
        with_it = {"attestations": self.attestations, "message": digest_of(self.message)}
        return self.was_done_by(entry) and says(entry, DraftSaved, **with_it)

    def was_done_by(self, entry: Entry) -> bool:
        """The manifest is a draft of this name, and of the kind that is requested, if any."""
        kind = {} if self.kind is None else {"kind": self.kind}
        return says(entry, DraftSaved, name=self.name, revision=self.manifest, **kind)

    def holds(self, entry: Entry, ask: Ask) -> bool:
        """Its kind was requested, or is that of the name."""
        return self.kind is not None or _is_expected(self.name, entry, ask)

    def stands(self, entry: Entry, ask: Ask) -> bool:
        """The draft is still open."""
        drafts = ask(ListDrafts(name=self.name, after=entry.index - 1, limit=1))
        return [draft.record.index for draft in drafts] == [entry.index]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardDraft(Command):
    """Discard a draft, by its entry; files that nothing else needs are deleted."""

    declared = Change(
        "POST", "/drafts/{draft}/discards", f"the author, and those who may {Act.PURGE} in the namespace"
    )
    draft: int
    reason: Payload | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """This draft was discarded."""
        end = {"outcome": DraftOutcome.DISCARDED, "reason": digest_of(self.reason)}
        return says(entry, DraftEnded, draft=self.draft, **end)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStatus(Command):
    """Deprecate, retire or revoke a version, or reverse that (`published`)."""

    declared = Change(
        "PUT",
        _VERSION + "/status",
        f"those who may {Act.RETIRE} in the namespace; to or from `revoked`, those who may {Act.REVOKE}",
        idempotent=True,
    )
    reference: Reference
    status: Status
    reason: Payload | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """The version got the status."""
        reason = digest_of(self.reason)
        return says(entry, StatusSet, **by_number(self.reference), status=self.status, reason=reason)

    def was_done_by(self, entry: Entry) -> bool:
        """The version got the status, or was published, which is its first status."""
        version = by_number(self.reference)
        is_first = self.status is Status.PUBLISHED and says(entry, VersionPublished, **version)
        return is_first or says(entry, StatusSet, **version, status=self.status)

    def stands(self, entry: Entry, ask: Ask) -> bool:
        """The version got no other status since."""
        detail = ask(DescribeVersion(reference=self.reference))
        return (detail.status or detail.record).index == entry.index


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRetention(Command):
    """Keep a version at least until a time (null leaves that unchanged), or put it on legal hold."""

    declared = Change("PUT", _VERSION + "/retention", May(Act.RETAIN, "reference"), idempotent=True)
    reference: Reference
    until: Time | None = None
    hold: bool = False
    reason: Payload | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """The version is kept until then, and on hold or not."""
        return self.was_done_by(entry) and says(entry, RetentionSet, reason=digest_of(self.reason))

    def was_done_by(self, entry: Entry) -> bool:
        """The version is kept until then, and on hold or not, for any reason."""
        until = {} if self.until is None else {"until": write_time(read_time(self.until))}
        return says(entry, RetentionSet, **by_number(self.reference), **until, hold=self.hold)

    def holds(self, entry: Entry, ask: Ask) -> bool:
        """Without a time, the version is kept as long as before."""
        if self.until is not None:
            return True
        before = ask(DescribeVersion(reference=self.reference, at=str(entry.index - 1))).retention
        return says(entry, RetentionSet, until=None if before is None else before.until)

    def stands(self, entry: Entry, ask: Ask) -> bool:
        """The retention has not changed since."""
        retention = ask(DescribeVersion(reference=self.reference)).retention
        return retention is not None and retention.index == entry.index


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeVersion(Command):
    """Delete the bytes of a version permanently; its record, its digests and a signed tombstone stay."""

    declared = Change("POST", _VERSION + "/purge", May(Act.PURGE, "reference"))
    reference: Reference
    reason: Payload | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """The version was purged."""
        purged = {"status": Status.PURGED, "reason": digest_of(self.reason)}
        return says(entry, StatusSet, **by_number(self.reference), **purged)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetVersion(Query[VersionRecord]):
    """Resolve a number, an alias, `latest` or a digest to a version; with `at`, as of that time."""

    declared = Question(_VERSION, Within("reference", VersionNotFound), proven=True)
    reference: Reference
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeVersion(Query[VersionDetail]):
    """Get a version with its aliases, claims, message and status."""

    declared = Question(_VERSION + "/detail", Within("reference", VersionNotFound), proven=True)
    reference: Reference
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListVersions(ListQuery[VersionRecord]):
    """List the versions of a model with numbers below `before`, newest first; with `at`, as of that time."""

    declared = Question(_MODEL + "/versions", Within("name", ModelNotFound), proven=True)
    name: ModelName
    before: Number | None = None
    limit: Limit = 100
    at: At = None

    def following(self, items: tuple[VersionRecord, ...]) -> int | None:
        """Continue below the last number."""
        return items[-1].number if len(items) >= self.limit else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDrafts(PageQuery[Draft]):
    """List the drafts of a model that are neither published nor discarded, oldest first."""

    declared = Question(_MODEL + "/drafts", Within("name", ModelNotFound), proven=True)
    name: ModelName
    at: At = None


VERBS: Final[tuple[type[Verb], ...]] = (
    GetVersion,
    PublishVersion,
    DescribeVersion,
    ListVersions,
    SetStatus,
    SetRetention,
    PurgeVersion,
    SaveDraft,
    ListDrafts,
    DiscardDraft,
)


def _is_expected(name: ModelName, entry: Entry, ask: Ask) -> bool:
    """Say whether an entry is about a model, or the name had versions before, whose kind stays."""
    if getattr(entry.event, "kind", None) is Kind.MODEL:
        return True
    return bool(ask(ListVersions(name=name, at=str(entry.index - 1), limit=1)))
