"""Set policies and risk tiers, and find the policies in force."""

from typing import Final, NamedTuple

from muniment.core.claims.attestations import POLICY, Statement
from muniment.core.claims.policies import PolicyInForce
from muniment.core.digests import Digest
from muniment.core.errors import (
    InvalidPolicy,
    ModelNotFound,
    PolicyNotFound,
    StatementReused,
    TierNotFound,
    WrongSubject,
)
from muniment.core.events import PolicySet, TierSet
from muniment.core.gates.policy import Policy
from muniment.core.names import EVERY, Alias, ModelName, Models, check_part
from muniment.core.records import ModelRecord, PolicyRecord, TierRecord
from muniment.core.verbs.gates import GetPolicies, GetTier, ListPolicies, SetPolicy, SetTier
from muniment.policies.documents import MAX_POLICY_BYTES, decode_policy
from muniment.ports.projections import Where
from muniment.ports.unit import Unit
from muniment.services.bytes.custody import take
from muniment.services.bytes.documents import read_document
from muniment.services.claims.relying import read_said
from muniment.services.claims.signers import verify_sent
from muniment.services.log.pages import horizon, select_page
from muniment.services.reading import Reading
from muniment.services.transaction import Outcome, Transaction

_MAX_TIER: Final = 64


def set_policy(tx: Transaction, command: SetPolicy) -> Outcome:
    """Put a stored policy document in force; the same one again changes nothing.

    Raises:
        WrongSubject: the signed statement is about another policy, other models or another registry.
        InvalidPolicy: the document is not a policy, or is not signed.
        StatementReused: the signed statement already set the policy once, and another one has replaced it.
    """
    statement = None
    if command.policy is not None:
        statement = _check_signed(tx, command, command.policy)
        load_policy(tx.unit, str(command.policy))
    present = _find_set(tx.unit, command.models, command.alias)
    digest = None if command.policy is None else str(command.policy)
    if present is not None and present.digest == digest:
        return Outcome(present.index, created=False)
    if statement is not None:
        _check_unused(tx, command, statement)
    event = PolicySet(
        models=command.models,
        alias=command.alias,
        policy=command.policy,
        attestation=None if command.policy is None else command.attestation,
    )
    return Outcome(tx.record(event))


def set_tier(tx: Transaction, command: SetTier) -> Outcome:
    """Put a model into a risk tier.

    Raises:
        ModelNotFound: the model does not exist.
        InvalidName: the tier breaks the grammar of names.
    """
    check_part(command.tier, "tier")
    if tx.unit.projections.find(ModelRecord, (str(command.name),)) is None:
        raise ModelNotFound(name=str(command.name))
    present = find_tier(tx.unit, command.name)
    if present is not None and present.tier == command.tier:
        return Outcome(present.index, created=False)
    return Outcome(tx.record(TierSet(name=command.name, tier=command.tier)))


def find_tier(unit: Unit, name: ModelName, until: tuple[Where, ...] = ()) -> TierRecord | None:
    """Find the risk tier of a model."""
    tiers = unit.projections.select(
        TierRecord, Where("name", "=", str(name)), *until, descending=True, limit=1
    )
    return tiers[0] if tiers else None


class InForce(NamedTuple):
    """A policy in force: its record and its content; None if it has no document yet."""

    record: PolicyRecord
    policy: Policy | None


def find_policies(unit: Unit, name: ModelName, alias: Alias, until: tuple[Where, ...] = ()) -> list[InForce]:
    """Find the policies in force for an alias of a model; `until` limits them to earlier ones.

    The policy of the namespace comes first. A policy whose scope excludes the model is not in force for it;
    one without a document is in force and cannot be met.
    """
    tiered = find_tier(unit, name, until)
    tier = None if tiered is None else tiered.tier
    both = (Models(name.namespace, EVERY), Models(name.namespace, name.model))
    newest = [_find_set(unit, models, alias, until) for models in both]
    policies = [
        InForce(record, None if record.digest is None else load_policy(unit, record.digest))
        for record in newest
        if record is not None
    ]
    return [entry for entry in policies if entry.policy is None or entry.policy.covers(name.model, tier)]


def get_policies(reading: Reading, query: GetPolicies) -> tuple[PolicyRecord, ...]:
    """Return the records of the policies in force for an alias. Raises like `get_in_force`."""
    until = horizon(reading.unit, query.at)
    return tuple(entry.record for entry in get_in_force(reading.unit, query.name, query.alias, until))


def list_policies(reading: Reading, query: ListPolicies) -> tuple[PolicyRecord, ...]:
    """List the policies that were ever set for the models of a namespace."""
    low, high = Where("models", ">=", f"{query.namespace}/"), Where("models", "<", f"{query.namespace}0")
    return tuple(select_page(reading.unit, query, PolicyRecord, low, high))


def get_tier(reading: Reading, query: GetTier) -> TierRecord:
    """Return the risk tier of a model.

    Raises:
        TierNotFound: it has no tier.
    """
    tier = find_tier(reading.unit, query.name)
    if tier is None:
        raise TierNotFound(name=str(query.name))
    return tier


def get_in_force(unit: Unit, name: ModelName, alias: Alias, until: tuple[Where, ...] = ()) -> list[InForce]:
    """Return the policies in force for an alias, as `find_policies` does.

    Raises:
        PolicyNotFound: there are none.
    """
    policies = find_policies(unit, name, alias, until)
    if not policies:
        raise PolicyNotFound(name=str(name), alias=str(alias))
    return policies


def load_policy(unit: Unit, digest: str) -> Policy:
    """Read a stored policy.

    Raises:
        InvalidPolicy: the document is not a policy.
        BlobNotFound, ContentCorrupt: it is missing, too large, or was altered.
    """
    return decode_policy(read_document(unit, Digest.parse(digest), MAX_POLICY_BYTES))


def _find_set(unit: Unit, models: Models, alias: Alias, until: tuple[Where, ...] = ()) -> PolicyRecord | None:
    policies = unit.projections.select(
        PolicyRecord,
        Where("models", "=", str(models)),
        Where("alias", "=", str(alias)),
        *until,
        descending=True,
        limit=1,
    )
    return policies[0] if policies else None


def _check_signed(tx: Transaction, command: SetPolicy, policy: Digest) -> Statement:
    """Return the statement by which the actor puts this policy in force, here and for these models."""
    what = f"the policy of {command.models}@{command.alias}"
    if command.attestation is None:
        raise InvalidPolicy(reason="the signed statement that sets it is missing")
    take(tx, command.models.namespace, [policy, command.attestation])
    _, statement = verify_sent(tx, command.attestation)
    if (statement.subjects, statement.predicate_type) != ((policy,), POLICY):
        raise WrongSubject(reference=what, subject=str(command.attestation))
    signed = PolicyInForce.read(statement.predicate)
    if (signed.models, signed.alias, signed.registry) != (command.models, command.alias, tx.registry):
        raise WrongSubject(reference=what, subject=str(command.attestation))
    return statement


def _check_unused(tx: Transaction, command: SetPolicy, statement: Statement) -> None:
    """Check that a statement has not set a policy yet: an older one must not come back without its signer."""
    ours = Where("models", "=", str(command.models)), Where("alias", "=", str(command.alias))
    for record in tx.unit.projections.select(PolicyRecord, *ours, Where("author", "=", tx.actor)):
        if record.attestation is not None and read_said(tx.unit, record.attestation) == statement:
            raise StatementReused(entry=record.index)
