"""Records of what may be stored."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.records.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaRecord(Record):
    """What a namespace may hold; the newest of a namespace is in force."""

    table: ClassVar[str] = "quotas"
    key: ClassVar[tuple[str, ...]] = ("index",)
    namespace: str
    size_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadsSettingRecord(Record):
    """Whether a namespace keeps a record of reads (1) or not (0), by whom and why. The newest counts."""

    table: ClassVar[str] = "reads_settings"
    key: ClassVar[tuple[str, ...]] = ("index",)
    namespace: str
    recording: int
    actor: str
    set: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadsBatchRecord(Record):
    """A batch of the record of reads; `batch` is the digest of its payload, `reads` how many it has."""

    table: ClassVar[str] = "reads_batches"
    key: ClassVar[tuple[str, ...]] = ("index",)
    namespace: str
    day: str
    number: int
    reads: int
    batch: str
