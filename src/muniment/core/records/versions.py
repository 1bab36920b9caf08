"""Records of models, versions and drafts."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.records.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord(Record):
    """A repository; `latest` is the highest number published, `owner` the principal who answers for it."""

    table: ClassVar[str] = "models"
    key: ClassVar[tuple[str, ...]] = ("name",)
    amendable: ClassVar[frozenset[str]] = frozenset({"latest", "owner"})
    name: str
    kind: str
    latest: int
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord(Record):
    """A published revision; `starter` is the person who started the job that published it, if known."""

    table: ClassVar[str] = "versions"
    key: ClassVar[tuple[str, ...]] = ("name", "number")
    name: str
    number: int
    revision: str
    size_bytes: int
    author: str
    published: str
    message: str | None
    starter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRecord(Record):
    """What became of a version: the newest counts; without one it is published."""

    table: ClassVar[str] = "statuses"
    key: ClassVar[tuple[str, ...]] = ("index",)
    name: str
    number: int
    status: str
    actor: str
    set: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRecord(Record):
    """How long a version is kept: until a time, and while a legal hold (1) lies on it. The newest counts."""

    table: ClassVar[str] = "retentions"
    key: ClassVar[tuple[str, ...]] = ("index",)
    name: str
    number: int
    until: str | None
    hold: int
    actor: str
    set: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRecord(Record):
    """Content that is not published yet; `attestations` are the digests of claims that come with it."""

    table: ClassVar[str] = "drafts"
    key: ClassVar[tuple[str, ...]] = ("index",)
    amendable: ClassVar[frozenset[str]] = frozenset({"ended", "outcome"})
    name: str
    revision: str
    kind: str
    size_bytes: int
    attestations: str
    author: str
    saved: str
    message: str | None
    ended: int | None = None
    outcome: str | None = None
