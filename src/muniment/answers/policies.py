"""Policies and risk tiers in force."""

from collections.abc import Iterator
from typing import NamedTuple

from muniment.answers.claims import authors_of, read_said
from muniment.answers.documents import read_document
from muniment.answers.pages import select_page
from muniment.answers.places import within_namespace
from muniment.answers.resolve import resolve
from muniment.answers.view import State, View
from muniment.core.claims.attestations import POLICY, Statement
from muniment.core.claims.policies import PolicyInForce
from muniment.core.digests import Digest
from muniment.core.errors import PolicyNotFound, StatementReused, TierNotFound, WrongSubject
from muniment.core.gates.policy import Policy
from muniment.core.names import EVERY, Alias, ModelName, Models
from muniment.core.records import PolicyRecord, TierRecord, Where
from muniment.core.times import read_time
from muniment.core.verbs.gates import (
    GetPolicies,
    GetTier,
    ListPolicies,
    ListPoliciesByAuthors,
    ListTiers,
    PolicyChange,
    TierChange,
)
from muniment.policies.documents import MAX_POLICY_BYTES, decode_policy


class InForce(NamedTuple):
    """A policy in force: its record and its content; None if it has no document yet."""

    record: PolicyRecord
    policy: Policy | None


def get_policies(state: State, query: GetPolicies) -> tuple[PolicyRecord, ...]:
    """Return the records of the policies in force for an alias. Raises like `get_in_force`."""
    return tuple(entry.record for entry in get_in_force(state.view, query.name, query.alias))


def list_policies(state: State, query: ListPolicies) -> tuple[PolicyChange, ...]:
    """List the policies that were ever set for the models of a namespace, and their ends."""
    within = within_namespace("models", query.namespace)
    records = select_page(state.view, query, PolicyRecord, *within)
    return tuple(PolicyChange(record=one, reason=state.find_text(one.reason)) for one in records)


def list_tiers(state: State, query: ListTiers) -> tuple[TierChange, ...]:
    """List the risk tiers that the models of a namespace were ever put into."""
    records = select_page(state.view, query, TierRecord, *within_namespace("name", query.namespace))
    return tuple(TierChange(record=one, reason=state.find_text(one.reason)) for one in records)


def list_policies_by_authors(state: State, query: ListPoliciesByAuthors) -> tuple[PolicyRecord, ...]:
    """List the changes of the policies of an alias since a time that authors of a version made.

    A policy where there was none eases nothing, and is left out.

    Raises:
        InvalidTime: the time has another form.
        VersionNotFound: there is no such version.
    """
    version, since = resolve(state.view, query.reference), read_time(query.since)
    authors = authors_of(state.view, version)
    changes = list_changes(state.view, query.reference.name, query.alias)
    made = [one for one, before in changes if before is not None and one.author in authors]
    recent = [one for one in made if read_time(one.set) >= since]
    return tuple(sorted(recent, key=lambda record: record.index))


def get_tier(state: State, query: GetTier) -> TierRecord:
    """Return the risk tier of a model.

    Raises:
        TierNotFound: it has no tier.
    """
    tier = find_tier(state.view, query.name)
    if tier is None:
        raise TierNotFound(name=str(query.name))
    return tier


def get_in_force(view: View, name: ModelName, alias: Alias) -> list[InForce]:
    """Return the policies in force for an alias, as `find_policies` does.

    Raises:
        PolicyNotFound: there are none.
    """
    policies = find_policies(view, name, alias)
    if not policies:
        raise PolicyNotFound(name=str(name), alias=str(alias))
    return policies


def find_policies(view: View, name: ModelName, alias: Alias) -> list[InForce]:
    """Find the policies in force for an alias of a model.

    The policy of the namespace comes first. A policy whose scope excludes the model is not in force for it;
    one without a document is in force and cannot be met.
    """
    tiered = find_tier(view, name)
    tier = None if tiered is None else tiered.tier
    both = (Models(name.namespace, EVERY), Models(name.namespace, name.model))
    newest = [find_set(view, models, alias) for models in both]
    policies = [
        InForce(record, None if record.digest is None else load_policy(view, record.digest))
        for record in newest
        if record is not None
    ]
    return [entry for entry in policies if entry.policy is None or entry.policy.covers(name.model, tier)]


def list_changes(
    view: View, name: ModelName, alias: Alias
) -> Iterator[tuple[PolicyRecord, PolicyRecord | None]]:
    """List each policy of an alias of a model, or its end, with the one that it replaced.

    One of both applies to the model. Those of the namespace come first.
    """
    tiered = find_tier(view, name)
    tier = None if tiered is None else tiered.tier
    for model in (EVERY, name.model):
        models = Models(name.namespace, model)
        about = Where("models", "=", str(models)), Where("alias", "=", str(alias))
        before = None
        for record in view.projections.select(PolicyRecord, *about):
            both = [record] if before is None else [record, before]
            if any(_applies(view, one, name.model, tier) for one in both):
                yield record, before
            before = None if record.ended else record


def _applies(view: View, record: PolicyRecord, model: str, tier: str | None) -> bool:
    if record.digest is None:
        return not record.ended
    return load_policy(view, record.digest).covers(model, tier)


def find_tier(view: View, name: ModelName) -> TierRecord | None:
    """Find the risk tier of a model."""
    tiers = view.projections.select(TierRecord, Where("name", "=", str(name)), descending=True, limit=1)
    return tiers[0] if tiers else None


def find_set(view: View, models: Models, alias: Alias) -> PolicyRecord | None:
    """Find the policy of an alias of some models, unless it ended; its scope may exclude a model."""
    policies = view.projections.select(
        PolicyRecord,
        Where("models", "=", str(models)),
        Where("alias", "=", str(alias)),
        descending=True,
        limit=1,
    )
    return policies[0] if policies and not policies[0].ended else None


def load_policy(view: View, digest: str) -> Policy:
    """Read a stored policy.

    Raises:
        InvalidPolicy: the document is not a policy.
        BlobNotFound, ContentCorrupt: it is missing, too large, or was altered.
    """
    return decode_policy(read_document(view, Digest.parse(digest), MAX_POLICY_BYTES))


def check_signed_policy(
    statement: Statement, policy: Digest, models: Models, alias: Alias, registry: str
) -> None:
    """Check that a statement puts a policy in force for an alias of some models, in this registry.

    Raises:
        WrongSubject: it is about something else.
    """
    if (statement.subjects, statement.predicate_type) == ((policy,), POLICY):
        signed = PolicyInForce.read(statement.predicate)
        if (signed.models, signed.alias, signed.registry) == (models, alias, registry):
            return
    what = ", ".join(map(str, statement.subjects)) or "nothing"
    raise WrongSubject(reference=f"the policy of {models}@{alias}", subject=what)


def check_unused(view: View, models: Models, alias: Alias, actor: str, statement: Statement) -> None:
    """Check that a statement has not set a policy yet: an older one must not come back without its signer.

    Raises:
        StatementReused: it has.
    """
    ours = Where("models", "=", str(models)), Where("alias", "=", str(alias))
    for record in view.projections.select(PolicyRecord, *ours, Where("author", "=", actor)):
        if record.attestation is not None and read_said(view, record.attestation) == statement:
            raise StatementReused(entry=record.index)
