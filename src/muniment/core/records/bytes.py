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
