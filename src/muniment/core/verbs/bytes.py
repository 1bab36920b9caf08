"""Bytes: usage, quotas and the record of reads of namespaces. The bytes themselves have their own routes."""

from dataclasses import dataclass
from typing import Annotated, Final

from muniment.core.errors import NamespaceNotFound
from muniment.core.events import Entry, QuotaSet, ReadsRecorded, ReadsSet
from muniment.core.payloads import Payload
from muniment.core.people.roles import EVERYWHERE, Act
from muniment.core.reads import Read
from muniment.core.records import ReadsBatchRecord, ReadsSettingRecord
from muniment.core.verbs.verb import (
    Bounds,
    Change,
    Command,
    ListQuery,
    May,
    Name,
    Query,
    Question,
    Verb,
    Within,
    says,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The bytes that a namespace holds, and its quota (None: unlimited)."""

    namespace: str
    size_bytes: int
    quota_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetQuota(Command):
    """Set the quota of a namespace in bytes; null removes it."""

    declared = Change("PUT", "/namespaces/{namespace}/quota", May(Act.ENROL, EVERYWHERE))
    namespace: Name
    size_bytes: int | None

    def is_done_by(self, entry: Entry) -> bool:
        """The quota of the namespace was set to this."""
        return says(entry, QuotaSet, namespace=self.namespace, size_bytes=self.size_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetUsage(Query[Usage]):
    """Get the usage and quota of a namespace."""

    declared = Question("/namespaces/{namespace}/usage", Within("namespace", NamespaceNotFound))
    namespace: Name


Day = Annotated[str | None, Bounds(pattern=r"[0-9]{4}-[0-9]{2}-[0-9]{2}")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadsSetting:
    """Whether a record of reads is kept from then on, and the reason (None once erased)."""

    record: ReadsSettingRecord
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadsBatch:
    """A batch of the record of reads, and its text; None if the registry does not show it."""

    record: ReadsBatchRecord
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingReads:
    """The reads that are in no batch yet, by day."""

    namespace: str
    days: tuple[tuple[str, tuple[Read, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetReads(Command):
    """Keep a record of who is given bytes of which version in a namespace, or stop it."""

    declared = Change("PUT", "/namespaces/{namespace}/reads", May(Act.RECORD_READS, "namespace"))
    namespace: Name
    recording: bool
    reason: Payload

    def is_done_by(self, entry: Entry) -> bool:
        """The record was turned on or off for this reason."""
        said = {"recording": self.recording, "reason": self.reason.digest}
        return says(entry, ReadsSet, namespace=self.namespace, **said)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReads(Command):
    """Put the reads that are in no batch yet into batches, also those of today."""

    declared = Change("POST", "/namespaces/{namespace}/reads", May(Act.RECORD_READS, "namespace"))
    namespace: Name

    def is_done_by(self, entry: Entry) -> bool:
        """Reads of the namespace were recorded."""
        return says(entry, ReadsRecorded, namespace=self.namespace)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReadsSettings(ListQuery[ReadsSetting]):
    """List when a record of reads was turned on and off in a namespace, and why, oldest first."""

    declared = Question(
        "/namespaces/{namespace}/reads/settings", Within("namespace", NamespaceNotFound), proven=True
    )
    namespace: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReads(ListQuery[ReadsBatch]):
    """List the batches of the record of reads of a namespace, from one day to another (both included)."""

    declared = Question("/namespaces/{namespace}/reads", May(Act.SEE_READS, "namespace"), proven=True)
    namespace: Name
    since: Day = None
    until: Day = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPendingReads(Query[PendingReads]):
    """Get the reads of a namespace that are in no batch yet, which is the registry's word."""

    declared = Question("/namespaces/{namespace}/reads/pending", May(Act.SEE_READS, "namespace"))
    namespace: Name


VERBS: Final[tuple[type[Verb], ...]] = (
    SetQuota,
    GetUsage,
    SetReads,
    RecordReads,
    ListReadsSettings,
    ListReads,
    GetPendingReads,
)
