"""Gates: aliases and their policies, requests and emergencies."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Final

from muniment.core.catalog.statuses import WITHDRAWN
from muniment.core.digests import Digest
from muniment.core.errors import ModelNotFound, NamespaceNotFound, PolicyNotFound, VersionNotFound
from muniment.core.events import (
    AliasMoved,
    AliasRemoved,
    EmergencyClosed,
    Entry,
    PolicyEnded,
    PolicySet,
    ProposalReviewed,
    RequestClosed,
    RequestOpened,
    RequestOutcome,
    RequestReminded,
    TierSet,
)
from muniment.core.gates.holders import list_earlier_holders
from muniment.core.gates.policy import Gate
from muniment.core.names import Alias, ModelName, Models, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Act
from muniment.core.records import MoveRecord, PolicyRecord, RequestRecord, TierRecord
from muniment.core.verbs.verb import (
    MAX_ENTRY,
    Ask,
    At,
    Bounds,
    Change,
    Command,
    ListQuery,
    May,
    Name,
    PageQuery,
    Place,
    Query,
    Question,
    Sent,
    Time,
    Verb,
    Within,
    by_number,
    digest_of,
    says,
)
from muniment.core.verbs.versions import DescribeVersion

_MODEL: Final = "/models/{namespace}/{model}"
_VERSION: Final = _MODEL + "/versions/{version}"
_ALIAS: Final = _MODEL + "/aliases/{alias}"
# `expected` of an alias that points nowhere.
_UNSET: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A move of an alias, and its reason (None if there is none or it was erased)."""

    record: MoveRecord
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """A policy that was set, or its end, and the reason (None if it was erased)."""

    record: PolicyRecord
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TierChange:
    """A risk tier that a model was put into, and the reason (None if it was erased)."""

    record: TierRecord
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, its reason, and the reason of its answer (None if there is none or it was erased)."""

    record: RequestRecord
    reason: str | None
    answer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveAlias(Command):
    """Point an alias at a version; a guarded alias moves only if its policies are met.

    `expected` is the entry of the move that the caller believes is the newest; -1 for none yet.
    """

    declared = Change("PUT", _ALIAS, May(Act.MOVE_ALIAS, "reference"), idempotent=True)
    reference: Reference
    alias: Alias
    reason: Payload | None = None
    expected: Annotated[int | None, Bounds(least=-1, most=MAX_ENTRY), Sent(place=Place.PRECONDITION)] = None

    def is_done_by(self, entry: Entry) -> bool:
        """The alias moved to the version, and not in an emergency; it was unset if that was expected."""
        unset = {"previous": None} if self.expected == _UNSET else {}
        reason = digest_of(self.reason)
        return self._points(entry) and says(entry, AliasMoved, emergency=False, reason=reason, **unset)

    def was_done_by(self, entry: Entry) -> bool:
        """The alias moved to the version, by the move that was expected."""
        return self._points(entry) and self.expected in {None, entry.index}

    def holds(self, entry: Entry, ask: Ask) -> bool:
        """The move before it was the expected one."""
        if self.expected is None:
            return True
        try:
            before = ask(_before(entry, self.reference.name, self.alias)).index
        except VersionNotFound:
            before = -1
        return before == self.expected

    def stands(self, entry: Entry, ask: Ask) -> bool:
        """The alias has not moved since."""
        return ask(GetMove(name=self.reference.name, alias=self.alias)).index == entry.index

    def _points(self, entry: Entry) -> bool:
        return says(entry, AliasMoved, **by_number(self.reference), alias=self.alias)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBackAlias(Command):
    """Point an alias back at the newest earlier version that still meets its policies."""

    declared = Change("POST", _ALIAS + "/rollbacks", May(Act.MOVE_ALIAS, "name"))
    name: ModelName
    alias: Alias
    reason: Payload | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """The alias moved, and not in an emergency."""
        reason = digest_of(self.reason)
        return says(entry, AliasMoved, name=self.name, alias=self.alias, emergency=False, reason=reason)

    def holds(self, entry: Entry, ask: Ask) -> bool:
        """The version is the newest that the alias pointed at before, but for those that could not be it.

        Those are out of service or, if the alias is guarded, those that do not meet its policies, as the
        registry says.
        """
        number, then = getattr(entry.event, "number", None), str(entry.index - 1)
        moves = list(self._list_moves(then, ask))
        for holder in list_earlier_holders(move.record.number for move in moves):
            if holder == number:
                return True
            if not self._is_passed_over(holder, then, ask):
                return False
        return False

    def _list_moves(self, then: str, ask: Ask) -> Iterator["Move"]:
        page = ListMoves(name=self.name, alias=self.alias, at=then, limit=1000)
        while moves := ask(page):
            yield from moves
            page = replace(page, after=moves[-1].record.index)

    def _is_passed_over(self, number: int, then: str, ask: Ask) -> bool:
        status = ask(DescribeVersion(reference=Reference(self.name, number), at=then)).status
        if status is not None and status.status in WITHDRAWN:
            return True
        try:
            return bool(ask(GetPolicies(name=self.name, alias=self.alias, at=then)))
        except PolicyNotFound:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveAlias(Command):
    """Remove an alias; its history and its policies stay."""

    declared = Change(
        "POST",
        _ALIAS + "/removals",
        f"those who may {Act.MOVE_ALIAS} or, if the alias is guarded, {Act.SET_POLICY}",
    )
    name: ModelName
    alias: Alias
    reason: Payload | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """The alias was removed."""
        reason = digest_of(self.reason)
        return says(entry, AliasRemoved, name=self.name, alias=self.alias, reason=reason, proposal=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlass(Command):
    """Point an alias at a version past its gate, in an emergency; somebody else must close it.

    `attestation` is a stored bundle: the caller's signed statement of the emergency and its reason.
    """

    declared = Change(
        "POST", _ALIAS + "/emergencies", "those with a role that every policy of the alias allows for it"
    )
    reference: Reference
    alias: Alias
    attestation: Digest
    reason: Payload

    def is_done_by(self, entry: Entry) -> bool:
        """The alias moved to the version in an emergency."""
        moved = {"alias": self.alias, "emergency": True, "reason": self.reason.digest}
        return says(entry, AliasMoved, **by_number(self.reference), **moved)

    def holds(self, entry: Entry, ask: Ask) -> bool:
        """The statement is on record."""
        del entry
        claims = ask(DescribeVersion(reference=self.reference)).attestations
        return str(self.attestation) in {claim.digest for claim in claims}


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseEmergency(Command):
    """Close an emergency, by the entry of its move or its proposal, with the result of the review."""

    declared = Change(
        "POST",
        "/emergencies/{emergency}/closings",
        f"those who may {Act.APPROVE} and whom it does not concern",
    )
    emergency: int
    reason: Payload | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """This emergency was closed."""
        reason = digest_of(self.reason)
        return says(entry, EmergencyClosed, move=self.emergency, reason=reason) or says(
            entry, ProposalReviewed, proposal=self.emergency, reason=reason
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest(Command):
    """Request approval of a version for an alias; repeat it to send a reminder."""

    declared = Change("POST", _VERSION + "/requests", May(Act.COMMENT, "reference"))
    reference: Reference
    alias: Alias
    reason: Payload | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """The version was requested for the alias, or again."""
        asked = {**by_number(self.reference), "reason": digest_of(self.reason)}
        return says(entry, RequestOpened, **asked, alias=self.alias) or says(entry, RequestReminded, **asked)

    def holds(self, entry: Entry, ask: Ask) -> bool:
        """The request that it reminds of is for the alias."""
        if not isinstance(entry.event, RequestReminded):
            return True
        asked = ListRequests(name=self.reference.name, closed=True, after=entry.event.request - 1, limit=1)
        return [one.record.alias for one in ask(asked)] == [str(self.alias)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseRequest(Command):
    """Withdraw your own request, by its entry."""

    declared = Change("POST", "/requests/{request}/withdrawals", "the requester")
    request: int
    reason: Payload | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """This request was withdrawn."""
        end = {"outcome": RequestOutcome.WITHDRAWN, "reason": digest_of(self.reason)}
        return says(entry, RequestClosed, request=self.request, **end)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPolicy(Command):
    """Put a stored policy document in force for an alias of a model, or (`*`) of all models of a namespace.

    `attestation` is a stored bundle: the caller's signed statement of that. With a null policy, the alias is
    guarded and cannot move until a policy is set.
    """

    declared = Change("PUT", _ALIAS + "/policy", May(Act.SET_POLICY, "models"), idempotent=True)
    models: Models
    alias: Alias
    policy: Digest | None
    attestation: Digest | None = None
    reason: Payload | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """The policy is in force for the alias, by this statement and for this reason."""
        signed = None if self.policy is None else self.attestation
        said = {"attestation": signed, "reason": digest_of(self.reason), "proposal": None}
        return self.was_done_by(entry) and says(entry, PolicySet, **said)

    def was_done_by(self, entry: Entry) -> bool:
        """The policy is in force for the alias, by any statement and for any reason."""
        return says(entry, PolicySet, models=self.models, alias=self.alias, policy=self.policy)

    def stands(self, entry: Entry, ask: Ask) -> bool:
        """No other policy was set for the alias since."""
        after = entry.index
        while True:
            page = ListPolicies(namespace=self.models.namespace, after=after, limit=1000)
            later = ask(page)
            changed = {(one.record.models, one.record.alias) for one in later}
            if (str(self.models), str(self.alias)) in changed:
                return False
            if page.following(later) is None:
                return True
            after = later[-1].record.index


@dataclass(frozen=True, slots=True, kw_only=True)
class EndPolicy(Command):
    """End the policy of an alias of a model, or (`*`) of all models of a namespace; none takes its place.

    If no other policy is in force for the alias, it is unguarded.
    """

    declared = Change("POST", _ALIAS + "/policy/endings", May(Act.SET_POLICY, "models"))
    models: Models
    alias: Alias
    reason: Payload | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """The policy of the alias ended."""
        reason = digest_of(self.reason)
        ended = {"models": self.models, "alias": self.alias, "reason": reason}
        return says(entry, PolicyEnded, **ended, proposal=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTier(Command):
    """Put a model into a risk tier; policies can apply to some tiers only."""

    declared = Change("PUT", _MODEL + "/tier", May(Act.SET_POLICY, "name"), idempotent=True)
    name: ModelName
    tier: str
    reason: Payload | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """The model is in the tier, for this reason."""
        return self.was_done_by(entry) and says(entry, TierSet, reason=digest_of(self.reason), proposal=None)

    def was_done_by(self, entry: Entry) -> bool:
        """The model is in the tier, for any reason."""
        return says(entry, TierSet, name=self.name, tier=self.tier)

    def stands(self, entry: Entry, ask: Ask) -> bool:
        """The tier has not changed since."""
        return ask(GetTier(name=self.name)).index == entry.index


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMove(Query[MoveRecord]):
    """Get the newest move of an alias, which tells where it points; with `at`, the newest at that time."""

    declared = Question(_ALIAS, Within("name", VersionNotFound), proven=True)
    name: ModelName
    alias: Alias
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMoves(PageQuery[Move]):
    """List the moves of an alias, or of all aliases of a model, oldest first."""

    declared = Question(_MODEL + "/moves", Within("name", ModelNotFound), proven=True)
    name: ModelName
    alias: Alias | None = None
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPolicies(ListQuery[PolicyRecord]):
    """Get the policies in force for an alias of a model, now or at a time; all of them must be met.

    The document of a policy is the blob with its digest.
    """

    declared = Question(_ALIAS + "/policies", Within("name", PolicyNotFound), proven=True)
    name: ModelName
    alias: Alias
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPolicies(PageQuery[PolicyChange]):
    """List all policies that were ever set for the models of a namespace, and their ends, oldest first."""

    declared = Question(
        "/namespaces/{namespace}/policies", Within("namespace", NamespaceNotFound), proven=True
    )
    namespace: Name
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTier(Query[TierRecord]):
    """Get the risk tier of a model."""

    declared = Question(_MODEL + "/tier", Within("name", ModelNotFound), proven=True)
    name: ModelName
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTiers(PageQuery[TierChange]):
    """List all risk tiers that the models of a namespace were ever put into, oldest first."""

    declared = Question("/namespaces/{namespace}/tiers", Within("namespace", NamespaceNotFound), proven=True)
    namespace: Name
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeGate(Query[Gate]):
    """Judge a version by the policies of an alias, without recording a verdict; with `at`, as of that time.

    With `policy`, judge by that stored document instead, as if it were in force.
    """

    declared = Question(_VERSION + "/gates/{alias}", Within("reference", PolicyNotFound))
    reference: Reference
    alias: Alias
    policy: Digest | None = None
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPoliciesByAuthors(ListQuery[PolicyRecord]):
    """List the changes of the policies of an alias since a time that authors of a version made, oldest first.

    Policies that do not apply to its model are left out, and those that were set where there was none.
    """

    declared = Question(
        _VERSION + "/gates/{alias}/changes", Within("reference", VersionNotFound), proven=True
    )
    reference: Reference
    alias: Alias
    since: Time
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRequests(PageQuery[Request]):
    """List the open requests for the versions of a model, oldest first; with `closed`, all requests."""

    declared = Question(_MODEL + "/requests", Within("name", ModelNotFound), proven=True)
    name: ModelName
    closed: bool = False
    at: At = None


VERBS: Final[tuple[type[Verb], ...]] = (
    MoveAlias,
    GetMove,
    RollBackAlias,
    RemoveAlias,
    ListMoves,
    SetPolicy,
    EndPolicy,
    GetPolicies,
    ListPolicies,
    SetTier,
    GetTier,
    ListTiers,
    JudgeGate,
    ListPoliciesByAuthors,
    OpenRequest,
    ListRequests,
    CloseRequest,
    BreakGlass,
    CloseEmergency,
)


def _before(entry: Entry, name: ModelName, alias: Alias) -> GetMove:
    """Ask for the newest move of an alias before an entry."""
    return GetMove(name=name, alias=alias, at=str(entry.index - 1))
