"""Set and end policies, set risk tiers, and find the policies in force."""

from typing import Final

from muniment.answers.policies import check_signed_policy, check_unused, find_set, find_tier, load_policy
from muniment.answers.proposals import change_of, check_unprotected
from muniment.core.claims.attestations import Statement
from muniment.core.digests import Digest
from muniment.core.errors import (
    InvalidPolicy,
    ModelNotFound,
    PolicyNotFound,
)
from muniment.core.events import PolicyEnded, PolicySet, TierSet
from muniment.core.names import check_part
from muniment.core.payloads import need_reason
from muniment.core.records import ModelRecord
from muniment.core.verbs.gates import EndPolicy, SetPolicy, SetTier
from muniment.services.bytes.custody import take
from muniment.services.claims.signers import verify_sent
from muniment.services.transaction import Outcome, Transaction

_MAX_TIER: Final = 64


def set_policy(tx: Transaction, command: SetPolicy) -> Outcome:
    """Put a stored policy document in force; the same one again changes nothing.

    Raises:
        ReasonNeeded: there is no reason.
        WrongSubject: the signed statement is about another policy, other models or another registry.
        InvalidPolicy: the document is not a policy, or is not signed.
        ChangeNeedsApproval: the policy in force is protected.
        StatementReused: the signed statement already set the policy once, and another one has replaced it.
    """
    where = f"{command.models}@{command.alias}"
    reason = need_reason(command.reason, f"setting the policy of {where}")
    statement = None
    if command.policy is not None:
        statement = _check_signed(tx, command, command.policy)
        load_policy(tx.unit, str(command.policy))
    present = find_set(tx.unit, command.models, command.alias)
    digest = None if command.policy is None else str(command.policy)
    if present is not None and present.digest == digest:
        return Outcome(present.index, created=False)
    if statement is not None:
        check_unused(tx.unit, command.models, command.alias, tx.actor, statement)
    event = PolicySet(
        models=command.models,
        alias=command.alias,
        policy=command.policy,
        attestation=None if command.policy is None else command.attestation,
        reason=tx.keep(reason),
    )
    check_unprotected(tx.unit, change_of(event))
    return Outcome(tx.record(event))


def end_policy(tx: Transaction, command: EndPolicy) -> Outcome:
    """End the policy of an alias of some models.

    Raises:
        ReasonNeeded: there is no reason.
        ChangeNeedsApproval: it is protected.
        PolicyNotFound: none is set there.
    """
    reason = need_reason(command.reason, f"unguarding {command.models}@{command.alias}")
    if find_set(tx.unit, command.models, command.alias) is None:
        raise PolicyNotFound(name=str(command.models), alias=str(command.alias))
    event = PolicyEnded(models=command.models, alias=command.alias, reason=tx.keep(reason))
    check_unprotected(tx.unit, change_of(event))
    return Outcome(tx.record(event))


def set_tier(tx: Transaction, command: SetTier) -> Outcome:
    """Put a model into a risk tier.

    Raises:
        ReasonNeeded: there is no reason.
        ModelNotFound: the model does not exist.
        ChangeNeedsApproval: it takes the model out of the scope of a protected policy.
        InvalidName: the tier breaks the grammar of names.
    """
    reason = need_reason(command.reason, f"setting the tier of {command.name}")
    check_part(command.tier, "tier")
    if tx.unit.projections.find(ModelRecord, (str(command.name),)) is None:
        raise ModelNotFound(name=str(command.name))
    present = find_tier(tx.unit, command.name)
    if present is not None and present.tier == command.tier:
        return Outcome(present.index, created=False)
    event = TierSet(name=command.name, tier=command.tier, reason=tx.keep(reason))
    check_unprotected(tx.unit, change_of(event))
    return Outcome(tx.record(event))


def _check_signed(tx: Transaction, command: SetPolicy, policy: Digest) -> Statement:
    """Return the statement by which the actor puts this policy in force, here and for these models."""
    if command.attestation is None:
        raise InvalidPolicy(reason="the signed statement that sets it is missing")
    take(tx, command.models.namespace, [policy, command.attestation])
    _, statement = verify_sent(tx, command.attestation)
    check_signed_policy(statement, policy, command.models, command.alias, tx.registry)
    return statement
