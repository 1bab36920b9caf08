"""Events of policies, aliases, emergencies and requests."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from muniment.core.digests import Digest
from muniment.core.events.event import Entry, Event, text
from muniment.core.events.proposals import Proposed, close_proposal, find_author, of_proposal
from muniment.core.events.subjects import (
    Subject,
    SubjectKind,
    of_alias,
    of_model,
    of_namespace,
    of_version,
)
from muniment.core.names import Alias, ModelName, Models
from muniment.core.records import (
    Amend,
    Change,
    MoveRecord,
    PolicyRecord,
    Put,
    RequestRecord,
    TierRecord,
    Value,
)


class RequestOutcome(StrEnum):
    """The outcome of a request."""

    MET = "met"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySet(Event):
    """A policy is in force for an alias of some models; with None, the alias is guarded and no move passes.

    Attributes:
        policy: the digest of the document.
        attestation: the digest of the signed statement that sets it.
        proposal: the proposal that takes effect; None if the policy before was not protected.
    """

    type: ClassVar[str] = "policy.set"
    models: Models
    alias: Alias
    policy: Digest | None
    attestation: Digest | None
    reason: Digest
    proposal: Proposed | None = None

    def subjects(self) -> tuple[Subject, ...]:
        """The policies of the alias, and of the namespace; its proposals, if one takes effect."""
        return _of_policy(self.models, self.alias, self.proposal)

    def fold(self, entry: Entry) -> list[Change]:
        """Add the policy; the newest counts."""
        policy = PolicyRecord(
            index=entry.index,
            models=str(self.models),
            alias=str(self.alias),
            digest=text(self.policy),
            attestation=text(self.attestation),
            author=find_author(entry, self.proposal),
            set=entry.when,
            reason=str(self.reason),
        )
        return [Put(policy), *close_proposal(entry, self.proposal)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEnded(Event):
    """The policy of an alias of some models is no longer in force, and none takes its place."""

    type: ClassVar[str] = "policy.ended"
    models: Models
    alias: Alias
    reason: Digest
    proposal: Proposed | None = None

    def subjects(self) -> tuple[Subject, ...]:
        """The policies of the alias, and of the namespace; its proposals, if one takes effect."""
        return _of_policy(self.models, self.alias, self.proposal)

    def fold(self, entry: Entry) -> list[Change]:
        """Add that there is none; the newest counts."""
        end = PolicyRecord(
            index=entry.index,
            models=str(self.models),
            alias=str(self.alias),
            digest=None,
            attestation=None,
            author=find_author(entry, self.proposal),
            set=entry.when,
            reason=str(self.reason),
            ended=1,
        )
        return [Put(end), *close_proposal(entry, self.proposal)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TierSet(Event):
    """A model was put into a risk tier."""

    type: ClassVar[str] = "tier.set"
    name: ModelName
    tier: str
    reason: Digest
    proposal: Proposed | None = None

    def subjects(self) -> tuple[Subject, ...]:
        """The tier of the model, and the tiers of the namespace; its proposals, if one takes effect."""
        return (
            of_namespace(self.name.namespace),
            Subject(SubjectKind.TIER, str(self.name)),
            Subject(SubjectKind.TIERS, self.name.namespace),
            *of_proposal(self.name.namespace, self.proposal),
        )

    def fold(self, entry: Entry) -> list[Change]:
        """Add the tier; the newest counts."""
        tier = TierRecord(
            index=entry.index,
            name=str(self.name),
            tier=self.tier,
            author=find_author(entry, self.proposal),
            set=entry.when,
            reason=str(self.reason),
        )
        return [Put(tier), *close_proposal(entry, self.proposal)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasMoved(Event):
    """An alias points at a version from now on.

    Attributes:
        previous: the number of the version that it pointed at before; None if there was none.
        verdicts: the digests of the verdicts of its policies.
        emergency: it moved past the gate, and somebody else must close that by `due`.
    """

    type: ClassVar[str] = "alias.moved"
    name: ModelName
    alias: Alias
    number: int
    previous: int | None
    reason: Digest | None
    verdicts: tuple[Digest, ...]
    emergency: bool
    due: str | None

    def subjects(self) -> tuple[Subject, ...]:
        """The new and the previous version, the alias, and the moves of the model."""
        return (
            of_namespace(self.name.namespace),
            of_version(self.name, self.number),
            *([] if self.previous is None else [of_version(self.name, self.previous)]),
            of_alias(self.name, self.alias),
            of_model(self.name, SubjectKind.MOVES),
        )

    def fold(self, entry: Entry) -> list[Change]:
        """Add the move; the newest counts."""
        move = MoveRecord(
            index=entry.index,
            name=str(self.name),
            alias=str(self.alias),
            number=self.number,
            previous=self.previous,
            actor=entry.actor,
            moved=entry.when,
            reason=text(self.reason),
            verdicts=" ".join(map(str, self.verdicts)),
            emergency=int(self.emergency),
            due=self.due,
        )
        return [Put(move)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasRemoved(Event):
    """An alias was removed; `previous` is the number of the version that it pointed at."""

    type: ClassVar[str] = "alias.removed"
    name: ModelName
    alias: Alias
    previous: int
    reason: Digest | None
    proposal: Proposed | None = None

    def subjects(self) -> tuple[Subject, ...]:
        """The previous version, the alias, and the moves of the model; its proposals, if one takes effect."""
        return (
            of_namespace(self.name.namespace),
            of_version(self.name, self.previous),
            of_alias(self.name, self.alias),
            of_model(self.name, SubjectKind.MOVES),
            *of_proposal(self.name.namespace, self.proposal),
        )

    def fold(self, entry: Entry) -> list[Change]:
        """Add a move to nowhere; the newest counts."""
        move = MoveRecord(
            index=entry.index,
            name=str(self.name),
            alias=str(self.alias),
            number=None,
            previous=self.previous,
            actor=find_author(entry, self.proposal),
            moved=entry.when,
            reason=text(self.reason),
            verdicts="",
        )
        return [Put(move), *close_proposal(entry, self.proposal)]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyClosed(Event):
    """Somebody else reviewed an emergency, by the entry of its move; `reason` holds the result.

    `number` and `previous` are those of the move.
    """

    type: ClassVar[str] = "emergency.closed"
    name: ModelName
    alias: Alias
    number: int
    previous: int | None
    move: int
    reason: Digest

    def subjects(self) -> tuple[Subject, ...]:
        """The versions of the move, the alias, and the moves of the model."""
        return (
            of_namespace(self.name.namespace),
            of_version(self.name, self.number),
            *([] if self.previous is None else [of_version(self.name, self.previous)]),
            of_alias(self.name, self.alias),
            of_model(self.name, SubjectKind.MOVES),
        )

    def fold(self, entry: Entry) -> list[Change]:
        """Close the emergency."""
        return [Amend(MoveRecord, (self.move,), {"closed": entry.index})]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOpened(Event):
    """Somebody requested approval of a version for an alias."""

    type: ClassVar[str] = "request.opened"
    name: ModelName
    number: int
    alias: Alias
    reason: Digest | None

    def subjects(self) -> tuple[Subject, ...]:
        """The version, and the requests for the model."""
        return (
            of_namespace(self.name.namespace),
            of_version(self.name, self.number),
            of_model(self.name, SubjectKind.REQUESTS),
        )

    def fold(self, entry: Entry) -> list[Change]:
        """Add the request."""
        request = RequestRecord(
            index=entry.index,
            name=str(self.name),
            number=self.number,
            alias=str(self.alias),
            requester=entry.actor,
            opened=entry.when,
            reason=text(self.reason),
        )
        return [Put(request)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReminded(Event):
    """The requester of an open request, by its entry, asked again."""

    type: ClassVar[str] = "request.reminded"
    name: ModelName
    number: int
    request: int
    reason: Digest | None

    def subjects(self) -> tuple[Subject, ...]:
        """The version, and the requests for the model."""
        return (
            of_namespace(self.name.namespace),
            of_version(self.name, self.number),
            of_model(self.name, SubjectKind.REQUESTS),
        )

    def fold(self, entry: Entry) -> list[Change]:
        """Record the time of the reminder."""
        return [Amend(RequestRecord, (self.request,), {"reminded": entry.when})]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestClosed(Event):
    """A request, by its entry, was met, rejected or withdrawn; `reason` says why."""

    type: ClassVar[str] = "request.closed"
    name: ModelName
    number: int
    request: int
    outcome: RequestOutcome
    reason: Digest | None

    def subjects(self) -> tuple[Subject, ...]:
        """The version, and the requests for the model."""
        return (
            of_namespace(self.name.namespace),
            of_version(self.name, self.number),
            of_model(self.name, SubjectKind.REQUESTS),
        )

    def fold(self, entry: Entry) -> list[Change]:
        """Close the request."""
        values: dict[str, Value] = {
            "closed": entry.index,
            "outcome": str(self.outcome),
            "answer": text(self.reason),
        }
        return [Amend(RequestRecord, (self.request,), values)]


def _of_policy(models: Models, alias: Alias, proposed: Proposed | None) -> tuple[Subject, ...]:
    return (
        of_namespace(models.namespace),
        Subject(SubjectKind.POLICY, f"{models}@{alias}"),
        Subject(SubjectKind.POLICIES, models.namespace),
        *of_proposal(models.namespace, proposed),
    )
