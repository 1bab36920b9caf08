"""Events of the registry itself and of its namespaces."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.digests import Digest
from muniment.core.events.event import Entry, Event
from muniment.core.events.subjects import CLOCK, REGISTRY, RESTORES, Subject, SubjectKind, of_namespace
from muniment.core.people.roles import EVERYWHERE
from muniment.core.records import Change, ClockJumpRecord, NamespaceRecord, Put, TimeConfirmationRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryCreated(Event):
    """A registry was created: the origin and the verifier key of its log (C2SP signed-note).

    `salt` is the digest of the payload with which its own subjects are hashed.
    """

    type: ClassVar[str] = "registry.created"
    origin: str
    log_key: str
    salt: Digest

    def subjects(self) -> tuple[Subject, ...]:
        """The registry, and its creation."""
        return (REGISTRY, Subject(SubjectKind.CREATION, EVERYWHERE))

    def fold(self, entry: Entry) -> list[Change]:
        """Add the registry as the namespace of everything that belongs to no other."""
        return [Put(NamespaceRecord(index=entry.index, name=EVERYWHERE, salt=str(self.salt)))]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSealed(Event):
    """The index of the first `size` entries has this root hash.

    So an index that left something out contradicts the log, which cannot be rewritten.
    """

    type: ClassVar[str] = "index.sealed"
    size: int
    root: Digest

    def subjects(self) -> tuple[Subject, ...]:
        """The registry."""
        return (REGISTRY,)

    def fold(self, entry: Entry) -> list[Change]:  # noqa: ARG002 - as every event
        """Make no record: only a replay of the log looks for it."""
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRestored(Event):
    """The registry was restored to an older state: the entries that it had from `lost_after` on are lost.

    Attributes:
        lost_after: how many entries were left.
        root: the root hash of the log of those.
        reason: the digest of the reason.
        previous: the entry of the restore before this one, so that none can be left out.
        signature: by the key of the log (`signing.restores`), so that nobody else can declare it.
    """

    type: ClassVar[str] = "registry.restored"
    lost_after: int
    root: Digest
    reason: Digest
    previous: int | None
    signature: str

    def subjects(self) -> tuple[Subject, ...]:
        """The registry, and its restores."""
        return (REGISTRY, RESTORES)

    def fold(self, entry: Entry) -> list[Change]:  # noqa: ARG002 - as every event
        """Make no record: only clients that saw the lost entries look for it."""
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockJumped(Event):
    """The clock of the registry jumped, from what it said at the entry before to what it says now.

    The registry records it before anything else that happens after the jump (`core.clock`).
    """

    type: ClassVar[str] = "clock.jumped"
    before: str

    def subjects(self) -> tuple[Subject, ...]:
        """The registry, and its clock."""
        return (REGISTRY, CLOCK)

    def fold(self, entry: Entry) -> list[Change]:
        """Add the jump."""
        return [Put(ClockJumpRecord(index=entry.index, before=self.before, after=entry.when))]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeConfirmed(Event):
    """An admin confirmed that the clock is right after its newest jump.

    Attributes:
        jump: the entry of the jump.
        date: the date that the admin gave, in UTC, which is that of the entry.
        reason: the digest of the reason.
    """

    type: ClassVar[str] = "time.confirmed"
    jump: int
    date: str
    reason: Digest

    def subjects(self) -> tuple[Subject, ...]:
        """The registry, and its clock."""
        return (REGISTRY, CLOCK)

    def fold(self, entry: Entry) -> list[Change]:
        """Add the confirmation."""
        confirmation = TimeConfirmationRecord(
            index=entry.index,
            jump=self.jump,
            actor=entry.actor,
            confirmed=entry.when,
            reason=str(self.reason),
        )
        return [Put(confirmation)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceCreated(Event):
    """A namespace was created, by the first event in it.

    `salt` is the digest of the payload with which its subjects are hashed.
    """

    type: ClassVar[str] = "namespace.created"
    namespace: str
    salt: Digest

    def subjects(self) -> tuple[Subject, ...]:
        """The creation of the namespace, which is found with the salt of the registry alone."""
        return (of_namespace(self.namespace), Subject(SubjectKind.CREATION, self.namespace))

    def fold(self, entry: Entry) -> list[Change]:
        """Add the namespace."""
        return [Put(NamespaceRecord(index=entry.index, name=self.namespace, salt=str(self.salt)))]
