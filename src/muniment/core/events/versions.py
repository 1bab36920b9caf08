"""Events of versions and drafts."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from muniment.core.catalog.statuses import Status
from muniment.core.digests import Digest
from muniment.core.events.event import Entry, Event, text
from muniment.core.events.subjects import (
    Subject,
    SubjectKind,
    of_claims,
    of_model,
    of_namespace,
    of_version,
)
from muniment.core.names import Kind, ModelName
from muniment.core.records import (
    Amend,
    Change,
    DraftRecord,
    ModelRecord,
    Put,
    RetentionRecord,
    StatusRecord,
    VersionRecord,
)


class DraftOutcome(StrEnum):
    """The outcome of a draft."""

    PUBLISHED = "published"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPublished(Event):
    """A revision was published as the next version of a model.

    Attributes:
        attestations: the claims that came with it; the next entries of the namespace record them.
        message: the digest of a payload.
        starter: the person who started the job that published it, if its platform said so.
    """

    type: ClassVar[str] = "version.published"
    name: ModelName
    number: int
    kind: Kind
    revision: Digest
    size_bytes: int
    attestations: tuple[Digest, ...]
    message: Digest | None
    starter: str | None

    def subjects(self) -> tuple[Subject, ...]:
        """The version, its revision and its model, and the models of the namespace if the model is new."""
        about = (
            of_namespace(self.name.namespace),
            of_version(self.name, self.number),
            of_claims(self.name, self.revision),
            of_model(self.name, SubjectKind.VERSIONS),
        )
        return about if self.number > 1 else (*about, Subject(SubjectKind.MODELS, self.name.namespace))

    def fold(self, entry: Entry) -> list[Change]:
        """Add the version, and the model if this is its first."""
        name = str(self.name)
        model: Change = (
            Put(ModelRecord(index=entry.index, name=name, kind=str(self.kind), latest=1))
            if self.number == 1
            else Amend(ModelRecord, (name,), {"latest": self.number})
        )
        version = VersionRecord(
            index=entry.index,
            name=name,
            number=self.number,
            revision=str(self.revision),
            size_bytes=self.size_bytes,
            author=entry.actor,
            published=entry.when,
            message=text(self.message),
            starter=self.starter,
        )
        return [model, Put(version)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftSaved(Event):
    """Content was saved as a draft, with the digests of its claims."""

    type: ClassVar[str] = "draft.saved"
    name: ModelName
    kind: Kind
    revision: Digest
    size_bytes: int
    attestations: tuple[Digest, ...]
    message: Digest | None

    def subjects(self) -> tuple[Subject, ...]:
        """The model."""
        return (of_namespace(self.name.namespace), of_model(self.name, SubjectKind.DRAFTS))

    def fold(self, entry: Entry) -> list[Change]:
        """Add the draft."""
        draft = DraftRecord(
            index=entry.index,
            name=str(self.name),
            revision=str(self.revision),
            kind=str(self.kind),
            size_bytes=self.size_bytes,
            attestations=" ".join(map(str, self.attestations)),
            author=entry.actor,
            saved=entry.when,
            message=text(self.message),
        )
        return [Put(draft)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftEnded(Event):
    """A draft, by its entry, was published or discarded."""

    type: ClassVar[str] = "draft.ended"
    name: ModelName
    draft: int
    outcome: DraftOutcome
    reason: Digest | None

    def subjects(self) -> tuple[Subject, ...]:
        """The model."""
        return (of_namespace(self.name.namespace), of_model(self.name, SubjectKind.DRAFTS))

    def fold(self, entry: Entry) -> list[Change]:
        """End the draft."""
        return [Amend(DraftRecord, (self.draft,), {"ended": entry.index, "outcome": str(self.outcome)})]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSet(Event):
    """A version got a status."""

    type: ClassVar[str] = "version.status_set"
    name: ModelName
    number: int
    status: Status
    reason: Digest | None

    def subjects(self) -> tuple[Subject, ...]:
        """The version, and its status."""
        return (
            of_namespace(self.name.namespace),
            of_version(self.name, self.number),
            of_version(self.name, self.number, SubjectKind.STATUS),
        )

    def fold(self, entry: Entry) -> list[Change]:
        """Add the status; the newest counts."""
        status = StatusRecord(
            index=entry.index,
            name=str(self.name),
            number=self.number,
            status=str(self.status),
            actor=entry.actor,
            set=entry.when,
            reason=text(self.reason),
        )
        return [Put(status)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSet(Event):
    """A version must be kept until a time (None: no limit was set), and as long as it is on legal hold."""

    type: ClassVar[str] = "version.retention_set"
    name: ModelName
    number: int
    until: str | None
    hold: bool
    reason: Digest | None

    def subjects(self) -> tuple[Subject, ...]:
        """The version."""
        return (of_namespace(self.name.namespace), of_version(self.name, self.number))

    def fold(self, entry: Entry) -> list[Change]:
        """Add the retention; the newest counts."""
        retention = RetentionRecord(
            index=entry.index,
            name=str(self.name),
            number=self.number,
            until=self.until,
            hold=int(self.hold),
            actor=entry.actor,
            set=entry.when,
            reason=text(self.reason),
        )
        return [Put(retention)]
