"""The base class of events, and the entries of the log that hold them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from muniment.core.events.subjects import Subject, SubjectKind
from muniment.core.records import Change, Put, Record, Value


class Event(ABC):
    """Something that happened, in the past tense. Its subclasses are frozen dataclasses (`core.forms`).

    Attributes:
        type: the name of the event in the log: `version.published`.
    """

    __slots__ = ()

    type: ClassVar[str]

    @abstractmethod
    def subjects(self) -> tuple[Subject, ...]:
        """List its subjects: its namespace or the registry, then the others, the main one first."""

    @abstractmethod
    def fold(self, entry: "Entry") -> list[Change]:
        """List the records that it makes or amends, given its entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of the log: an event, its actor (a principal's id) and its time (RFC 3339).

    Attributes:
        index: its place in the log, which is not part of its bytes (`write_entry`).
        id: a UUIDv7.
        time: the time in the order of the log, which never goes back.
        clock: what the clock said, if that is before its time: after entries whose clock was ahead.
        about: the salted hashes of its subjects, in hex, in their order: the verifiable index follows
            from them without the salts.
    """

    index: int
    id: str
    actor: str
    time: str
    about: tuple[str, ...]
    event: Event
    clock: str | None = None

    @property
    def when(self) -> str:
        """When it happened, by the clock."""
        return self.time if self.clock is None else self.clock

    @property
    def namespace(self) -> str | None:
        """The namespace that it belongs to; None if it belongs to the registry."""
        kind, name = self.event.subjects()[0]
        return name if kind is SubjectKind.NAMESPACE else None

    def fold(self) -> list[Change]:
        """List the records that it makes or amends."""
        return self.event.fold(self)

    def makes(self, record: Record) -> bool:
        """Return whether it made a record, ignoring columns that later entries amend."""
        return any(
            isinstance(change, Put)
            and type(change.record) is type(record)
            and _lasting(record) == _lasting(change.record)
            for change in self.fold()
        )


def _lasting(record: Record) -> dict[str, Value]:
    return {name: value for name, value in record.values().items() if name not in record.amendable}


def text(value: object | None) -> str | None:
    """Write a value for a text column; None stays None."""
    return None if value is None else str(value)
