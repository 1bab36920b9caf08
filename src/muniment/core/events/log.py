"""Events of the registry itself and of its namespaces."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.digests import Digest
from muniment.core.events.event import Entry, Event
from muniment.core.events.subjects import REGISTRY, RESTORES, Subject, SubjectKind, of_namespace
from muniment.core.people.roles import EVERYWHERE
from muniment.core.records import Change, NamespaceRecord, Put


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
