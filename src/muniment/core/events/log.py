"""Events of the registry itself."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.events.event import Entry, Event
from muniment.core.events.subjects import REGISTRY, Subject
from muniment.core.records import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryCreated(Event):
    """A registry was created: the origin and the verifier key of its log (C2SP signed-note)."""

    type: ClassVar[str] = "registry.created"
    origin: str
    log_key: str

    def subjects(self) -> tuple[Subject, ...]:
        """The registry."""
        return (REGISTRY,)

    def fold(self, entry: Entry) -> list[Change]:  # noqa: ARG002 - as every event
        """Make no record: its entry is the first of the log."""
        return []
