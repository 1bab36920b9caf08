"""Events of owners, tags and comments."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.digests import Digest
from muniment.core.events.event import Entry, Event, text
from muniment.core.events.subjects import Subject, SubjectKind, of_namespace, of_version
from muniment.core.names import ModelName
from muniment.core.records import (
    Amend,
    Change,
    CommentRecord,
    MentionRecord,
    ModelRecord,
    OwnerRecord,
    Put,
    TagRecord,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerSet(Event):
    """A principal answers for a model from now on."""

    type: ClassVar[str] = "owner.set"
    name: ModelName
    owner: str

    def subjects(self) -> tuple[Subject, ...]:
        """The owner of the model."""
        return (of_namespace(self.name.namespace), Subject(SubjectKind.OWNER, str(self.name)))

    def fold(self, entry: Entry) -> list[Change]:
        """Add the owner; the newest counts."""
        name = str(self.name)
        owner = OwnerRecord(
            index=entry.index, name=name, owner=self.owner, author=entry.actor, set=entry.when
        )
        return [Put(owner), Amend(ModelRecord, (name,), {"owner": self.owner})]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSet(Event):
    """A version got a tag; `value` is the digest of a payload, and None removes the tag."""

    type: ClassVar[str] = "tag.set"
    name: ModelName
    number: int
    tag: str
    value: Digest | None

    def subjects(self) -> tuple[Subject, ...]:
        """The version."""
        return (of_namespace(self.name.namespace), of_version(self.name, self.number))

    def fold(self, entry: Entry) -> list[Change]:
        """Add the tag; the newest counts."""
        tag = TagRecord(
            index=entry.index,
            name=str(self.name),
            number=self.number,
            tag=self.tag,
            value=text(self.value),
        )
        return [Put(tag)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentPosted(Event):
    """Somebody commented on a version.

    Attributes:
        about: the entry of the request or emergency; None if the comment is on the version.
        text: the digest of a payload.
        mentions: the principals that it names.
    """

    type: ClassVar[str] = "comment.posted"
    name: ModelName
    number: int
    about: int | None
    text: Digest
    mentions: tuple[str, ...]

    def subjects(self) -> tuple[Subject, ...]:
        """The comments on the version."""
        return (
            of_namespace(self.name.namespace),
            of_version(self.name, self.number, SubjectKind.COMMENTS),
        )

    def fold(self, entry: Entry) -> list[Change]:
        """Add the comment and its mentions."""
        comment = CommentRecord(
            index=entry.index,
            name=str(self.name),
            number=self.number,
            about=self.about,
            author=entry.actor,
            posted=entry.when,
            text=str(self.text),
        )
        mentions = [
            MentionRecord(index=entry.index, principal=who, name=comment.name, number=comment.number)
            for who in self.mentions
        ]
        return [Put(comment), *map(Put, mentions)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentErased(Event):
    """The text of a comment, by its entry, was erased."""

    type: ClassVar[str] = "comment.erased"
    name: ModelName
    number: int
    comment: int

    def subjects(self) -> tuple[Subject, ...]:
        """The comments on the version."""
        return (
            of_namespace(self.name.namespace),
            of_version(self.name, self.number, SubjectKind.COMMENTS),
        )

    def fold(self, entry: Entry) -> list[Change]:  # noqa: ARG002 - as every event
        """Change no record: the text is erased from the payloads."""
        return []
