"""Events of quotas, and of the record of reads."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.digests import Digest
from muniment.core.events.event import Entry, Event
from muniment.core.events.subjects import Subject, SubjectKind, of_namespace
from muniment.core.records import Change, Put, QuotaRecord, ReadsBatchRecord, ReadsSettingRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaSet(Event):
    """A namespace got a quota; None removed it."""

    type: ClassVar[str] = "quota.set"
    namespace: str
    size_bytes: int | None

    def subjects(self) -> tuple[Subject, ...]:
        """The quota of the namespace."""
        return (of_namespace(self.namespace), Subject(SubjectKind.QUOTA, self.namespace))

    def fold(self, entry: Entry) -> list[Change]:
        """Add the quota; the newest counts."""
        return [Put(QuotaRecord(index=entry.index, namespace=self.namespace, size_bytes=self.size_bytes))]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadsSet(Event):
    """A namespace keeps a record of reads from now on, or no longer; `reason` is the digest of the reason."""

    type: ClassVar[str] = "reads.set"
    namespace: str
    recording: bool
    reason: Digest

    def subjects(self) -> tuple[Subject, ...]:
        """The record of reads of the namespace."""
        return (of_namespace(self.namespace), Subject(SubjectKind.READS, self.namespace))

    def fold(self, entry: Entry) -> list[Change]:
        """Add the setting; the newest counts."""
        setting = ReadsSettingRecord(
            index=entry.index,
            namespace=self.namespace,
            recording=int(self.recording),
            actor=entry.actor,
            set=entry.when,
            reason=str(self.reason),
        )
        return [Put(setting)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadsRecorded(Event):
    """A batch of the record of reads of a namespace (`core.reads`).

    Attributes:
        day: the day of the reads, in UTC.
        number: of the batch of that day, from 1.
        reads: how many reads it has.
        batch: the digest of its payload.
    """

    type: ClassVar[str] = "reads.recorded"
    namespace: str
    day: str
    number: int
    reads: int
    batch: Digest

    def subjects(self) -> tuple[Subject, ...]:
        """The record of reads of the namespace."""
        return (of_namespace(self.namespace), Subject(SubjectKind.READS, self.namespace))

    def fold(self, entry: Entry) -> list[Change]:
        """Add the batch."""
        batch = ReadsBatchRecord(
            index=entry.index,
            namespace=self.namespace,
            day=self.day,
            number=self.number,
            reads=self.reads,
            batch=str(self.batch),
        )
        return [Put(batch)]
