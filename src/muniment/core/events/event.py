"""What every event is, and the entry of the log that holds one."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from muniment.core.events.subjects import Subject, SubjectKind
from muniment.core.records import Change, Put, Record, Value


class Event(ABC):
    """Something that happened, in the past tense. Its subclasses are frozen dataclasses (`core.forms`).

    Attributes:
        type: what happened, as the log has it: `version.published`.
    """

    __slots__ = ()

    type: ClassVar[str]

    @abstractmethod
    def subjects(self) -> tuple[Subject, ...]:
        """Say what it is about: its namespace or the registry, then the rest, the main thing first."""

    @abstractmethod
    def fold(self, entry: "Entry") -> list[Change]:
        """Say which records it makes or amends, as the entry that holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of the log: an event, by whom (a principal's id), when (RFC 3339).

    Attributes:
        index: its place in the log; its bytes (`write_entry`) do not hold it.
        id: a UUIDv7.
    """

    index: int
    id: str
    actor: str
    time: str
    event: Event

    @property
    def namespace(self) -> str | None:
        """The namespace that it belongs to; None if it is the registry's."""
        kind, name = self.event.subjects()[0]
        return name if kind is SubjectKind.NAMESPACE else None

    def fold(self) -> list[Change]:
        """Say which records it makes or amends."""
        return self.event.fold(self)

    def makes(self, record: Record) -> bool:
        """Say whether it made a record; columns that later entries amend aside."""
        return any(
            isinstance(change, Put)
            and type(change.record) is type(record)
            and _lasting(record) == _lasting(change.record)
            for change in self.fold()
        )


def _lasting(record: Record) -> dict[str, Value]:
    return {name: value for name, value in record.values().items() if name not in record.amendable}


def text(value: object | None) -> str | None:
    """Write a value as a column has it; None stays None."""
    return None if value is None else str(value)
