"""Proposals: propose a change to a protected policy, decide about it, and let it take effect."""

from muniment.answers.policies import load_policy
from muniment.answers.proposals import (
    Changing,
    Effect,
    check_approvable,
    check_decision,
    check_reviewer,
    find_effect,
    find_staleness,
)
from muniment.answers.protection import find_base, list_protections, read_change
from muniment.answers.resolve import find_move
from muniment.answers.signed import check_decided_by, check_set_by
from muniment.core.claims.proposals import ChangeKind, ProposedChange
from muniment.core.digests import Digest
from muniment.core.errors import (
    AlreadyProposed,
    InvalidBody,
    ModelNotFound,
    NotPermitted,
    PolicyNotFound,
    RequestNotFound,
    VersionNotFound,
)
from muniment.core.events import (
    AliasRemoved,
    PolicyEnded,
    PolicySet,
    ProposalDecided,
    ProposalOpened,
    ProposalReviewed,
    ProposalWithdrawn,
    Proposed,
    TierSet,
)
from muniment.core.names import check_part
from muniment.core.payloads import Payload, need_reason
from muniment.core.people.roles import Act
from muniment.core.records import ModelRecord, ProposalRecord, Where
from muniment.core.verbs.proposals import DecideProposal, ProposeChange, WithdrawProposal
from muniment.services.bytes.custody import take
from muniment.services.catalog.attributes import describe_removal
from muniment.services.claims.signers import verify_sent
from muniment.services.transaction import Outcome, Transaction


def propose_change(tx: Transaction, command: ProposeChange) -> Outcome:
    """Propose a change that touches a protected policy.

    Raises:
        ReasonNeeded: there is no reason.
        InvalidBody: it touches none, so it can be made at once.
        NobodyCanApprove: nobody could approve it; the refusal says who could make somebody qualify.
        AlreadyProposed: the same change waits already.
        PolicyNotFound, ModelNotFound, VersionNotFound: there is nothing to change.
        WrongSubject, InvalidPolicy, StatementReused: the signed statement does not set this policy.
    """
    change = command.change
    reason = need_reason(command.reason, f"proposing to {change}")
    _check_sound(tx, change)
    guards = list_protections(tx.unit, change)
    if not guards:
        raise InvalidBody(reason=f"nothing protects what it changes, so nobody has to approve to {change}")
    base = find_base(tx.unit, change)
    _check_new(tx, change, base)
    check_approvable(tx.unit, change, guards, tx.actor)
    event = ProposalOpened(
        change=change,
        base=base,
        protections=tuple(guard.record.index for guard in guards),
        reason=tx.keep(reason),
    )
    return Outcome(tx.record(event))


def decide_proposal(tx: Transaction, command: DecideProposal) -> Outcome:
    """Record a signed decision about a proposal, and let it take effect if that was the last that it needs.

    Raises:
        RequestNotFound: no open proposal has that entry.
        NotYoursToDecide: it is not for the actor to decide.
        ProposalStale: what it would change is no longer as it was.
        WrongSubject, StatementReused: the signed statement is about something else, or was used before.
        ReasonNeeded: there is no reason.
    """
    record = _get_open(tx, command.proposal)
    _check_reach(tx, Act.APPROVE, record.namespace)
    reason = need_reason(command.reason, f"deciding about the proposal {record.index}")
    take(tx, record.namespace, [command.attestation])
    verify_sent(tx, command.attestation)
    check_decision(tx.unit, record, command.decision, tx.actor, tx.moment)
    check_decided_by(
        tx.unit, record, command.decision, command.attestation, reason.digest, tx.actor, tx.moment
    )
    event = ProposalDecided(
        namespace=record.namespace,
        proposal=record.index,
        decision=command.decision,
        attestation=command.attestation,
        reason=tx.keep(reason),
    )
    index = tx.record(event)
    effect = find_effect(tx.unit, record, tx.moment)
    if effect is not None:
        _take_effect(tx, record, effect)
    return Outcome(index)


def withdraw_proposal(tx: Transaction, command: WithdrawProposal) -> Outcome:
    """Withdraw the actor's own proposal.

    Raises:
        RequestNotFound: no open proposal has that entry, or somebody else made it.
        ReasonNeeded: there is no reason.
    """
    record = _get_open(tx, command.proposal)
    if record.proposer != tx.actor:
        raise RequestNotFound(entry=command.proposal, kind="proposal of yours")
    _check_reach(tx, Act.SET_POLICY, record.namespace)
    reason = need_reason(command.reason, f"withdrawing the proposal {record.index}")
    event = ProposalWithdrawn(namespace=record.namespace, proposal=record.index, reason=tx.keep(reason))
    return Outcome(tx.record(event))


def review_proposal(tx: Transaction, record: ProposalRecord, reason: Payload) -> Outcome:
    """Close the emergency of a proposal that took effect without approval.

    Raises:
        NotYoursToDecide: it is not for the actor to look at.
    """
    tx.require(Act.APPROVE, record.namespace)
    check_reviewer(tx.unit, record, tx.actor)
    event = ProposalReviewed(namespace=record.namespace, proposal=record.index, reason=tx.keep(reason))
    return Outcome(tx.record(event))


def _check_reach(tx: Transaction, act: Act, namespace: str) -> None:
    """Check that a token reaches as far as what its owner does; who may do it is asked elsewhere."""
    if not tx.caller.reaches(act, namespace):
        raise NotPermitted(principal=tx.actor, act=str(act), namespace=namespace)


def _get_open(tx: Transaction, entry: int) -> ProposalRecord:
    record = tx.unit.projections.find(ProposalRecord, (entry,))
    if record is None or record.closed is not None or not tx.may(Act.READ, record.namespace):
        raise RequestNotFound(entry=entry, kind="proposal")
    return record


def _check_sound(tx: Transaction, change: ProposedChange) -> None:
    """Check that a change can be made, apart from its protection."""
    match change.kind:
        case ChangeKind.SET_POLICY if change.policy and change.attestation and change.alias:
            take(tx, change.models.namespace, [change.policy, change.attestation])
            verify_sent(tx, change.attestation)
            load_policy(tx.unit, str(change.policy))
            check_set_by(
                tx.unit, change.models, change.alias, change.policy, change.attestation, tx.actor, tx.moment
            )
        case ChangeKind.END_POLICY if find_base(tx.unit, change) is None:
            raise PolicyNotFound(name=str(change.models), alias=str(change.alias))
        case ChangeKind.SET_TIER:
            check_part(change.tier or "", "tier")
            if tx.unit.projections.find(ModelRecord, (str(change.name),)) is None:
                raise ModelNotFound(name=str(change.name))
        case ChangeKind.REMOVE_ALIAS if find_base(tx.unit, change) is None:
            raise VersionNotFound(reference=f"{change.name}@{change.alias}")


def _check_new(tx: Transaction, change: ProposedChange, base: int | None) -> None:
    open_ = Where("namespace", "=", change.models.namespace), Where("closed", "=", None)
    for record in tx.unit.projections.select(ProposalRecord, *open_):
        # One that nobody can let take effect any more stands in nobody's way.
        if find_staleness(tx.unit, record, tx.moment):
            continue
        if record.base == base and read_change(record).does_as(change):
            raise AlreadyProposed(entry=record.index)


def _take_effect(tx: Transaction, record: ProposalRecord, effect: Effect) -> None:
    """Make the change of a proposal."""
    proposed = Proposed(entry=record.index, proposer=record.proposer, due=effect.due)
    event = _make_event(tx, read_change(record), Digest.parse(record.reason), proposed)
    index = tx.record(event)
    if isinstance(event, AliasRemoved):
        describe_removal(tx.unit, event, index)


def _make_event(tx: Transaction, change: ProposedChange, reason: Digest, proposed: Proposed) -> Changing:
    match change.kind, change.alias:
        case ChangeKind.SET_POLICY, alias if alias is not None:
            return PolicySet(
                models=change.models,
                alias=alias,
                policy=change.policy,
                attestation=change.attestation,
                reason=reason,
                proposal=proposed,
            )
        case ChangeKind.END_POLICY, alias if alias is not None:
            return PolicyEnded(models=change.models, alias=alias, reason=reason, proposal=proposed)
        case ChangeKind.REMOVE_ALIAS, alias if alias is not None:
            move = find_move(tx.unit, change.name, alias)
            if move is None or move.number is None:
                raise VersionNotFound(reference=f"{change.name}@{alias}")
            return AliasRemoved(
                name=change.name, alias=alias, previous=move.number, reason=reason, proposal=proposed
            )
        case _:
            return TierSet(name=change.name, tier=change.tier or "", reason=reason, proposal=proposed)
