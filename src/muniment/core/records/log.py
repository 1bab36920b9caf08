"""Records of the log itself."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.records.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceRecord(Record):
    """A namespace, or the registry itself (`*`); `salt` is the digest of the payload for its subjects."""

    table: ClassVar[str] = "namespaces"
    key: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    salt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockJumpRecord(Record):
    """A jump of the clock: what it said at the entry before, and then."""

    table: ClassVar[str] = "clock_jumps"
    key: ClassVar[tuple[str, ...]] = ("index",)
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeConfirmationRecord(Record):
    """An admin's word that the clock is right after the jump of an entry."""

    table: ClassVar[str] = "time_confirmations"
    key: ClassVar[tuple[str, ...]] = ("index",)
    jump: int
    actor: str
    confirmed: str
    reason: str
