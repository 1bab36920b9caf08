"""Events of quotas."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.events.event import Entry, Event
from muniment.core.events.subjects import Subject, SubjectKind, of_namespace
from muniment.core.records import Change, Put, QuotaRecord


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
