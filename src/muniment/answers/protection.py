"""Protected policies: which changes touch one, and who may approve those.

Only the policies in force protect, never what is proposed. Since policies add up (docs/decisions/0013), a
further policy touches none of them.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from muniment.answers.claims import authors_of
from muniment.answers.people import roles_of
from muniment.answers.places import within_namespace
from muniment.answers.policies import find_policies, find_set, find_tier, load_policy
from muniment.answers.resolve import find_move
from muniment.answers.view import View
from muniment.answers.vouching import is_independent, is_workload, list_keepers, split_roles
from muniment.core.claims.proposals import ChangeKind, ProposedChange
from muniment.core.digests import Digest
from muniment.core.gates.policy import Policy, Protection
from muniment.core.gates.rules.people import Vouching
from muniment.core.names import EVERY, Alias, ModelName, Models
from muniment.core.people.roles import EVERYWHERE, Role
from muniment.core.records import (
    GrantRecord,
    KeyRecord,
    ModelRecord,
    MoveRecord,
    PolicyRecord,
    ProposalRecord,
    VersionRecord,
    Where,
)
from muniment.core.verbs.verb import MAX_ENTRY

# After every entry that a view knows.
_NOW: Final = MAX_ENTRY


class Guard(NamedTuple):
    """A protected policy that a change touches: its record, what it says, and what protects it."""

    record: PolicyRecord
    policy: Policy
    terms: Protection

    @property
    def where(self) -> str:
        """The models and the alias that it is for."""
        return f"{self.record.models}@{self.record.alias}"

    @property
    def independent(self) -> bool:
        """Whether it takes the word of those only whom a change does not concern."""
        return self.policy.vouching is Vouching.INDEPENDENT


class Concerned(NamedTuple):
    """Whom a change concerns: who proposed it, and the authors of newer versions than the aliases hold."""

    proposers: frozenset[str]
    authors: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        """Everybody of them."""
        return self.authors | self.proposers


def read_change(record: ProposalRecord) -> ProposedChange:
    """Read the change that a proposal is about."""
    return ProposedChange(
        kind=ChangeKind(record.kind),
        models=Models.parse(record.models),
        alias=None if record.alias is None else Alias(record.alias),
        policy=None if record.policy is None else Digest.parse(record.policy),
        attestation=None if record.attestation is None else Digest.parse(record.attestation),
        tier=record.tier,
    )


def list_protections(view: View, change: ProposedChange) -> list[Guard]:
    """List the protected policies in force that a change touches; with none, nobody has to approve it.

    A change touches a policy that it replaces or ends, out of whose scope it takes a model, and whose alias
    it removes.

    Raises:
        InvalidPolicy, BlobNotFound, ContentCorrupt: a policy in force cannot be read.
    """
    match change.kind, change.alias:
        case ((ChangeKind.SET_POLICY | ChangeKind.END_POLICY), Alias() as alias):
            present = find_set(view, change.models, alias)
            return [] if present is None else _list_guards(view, [present])
        case ChangeKind.REMOVE_ALIAS, Alias() as alias:
            return _list_guards(view, [one.record for one in find_policies(view, change.name, alias)])
        case _:
            return list(_list_left(view, change.name, change.tier))


def _list_guards(view: View, records: Sequence[PolicyRecord]) -> list[Guard]:
    read = [(one, load_policy(view, one.digest)) for one in records if one.digest is not None]
    return [
        Guard(record, policy, policy.protected) for record, policy in read if policy.protected is not None
    ]


def _list_left(view: View, name: ModelName, tier: str | None) -> Iterator[Guard]:
    """List the protected policies, of any alias, that a model leaves when it is put into a tier."""
    tiered = find_tier(view, name)
    before = None if tiered is None else tiered.tier
    newest: dict[tuple[str, str], PolicyRecord] = {}
    for record in view.projections.select(PolicyRecord, *within_namespace("models", name.namespace)):
        if record.models in {str(name), f"{name.namespace}/{EVERY}"}:
            newest[record.models, record.alias] = record
    for guard in _list_guards(view, list(newest.values())):
        if guard.policy.covers(name.model, before) and not guard.policy.covers(name.model, tier):
            yield guard


def list_guards_of(view: View, proposal: ProposalRecord) -> list[Guard]:
    """List the policies that a proposal touched when it was made, whether they are still in force or not."""
    entries = set(map(int, proposal.protections.split()))
    within = within_namespace("models", proposal.namespace)
    records = view.projections.select(PolicyRecord, *within)
    return _list_guards(view, [one for one in records if one.index in entries])


def find_base(view: View, change: ProposedChange) -> int | None:
    """Find the entry of the policy, tier or move that a change replaces; None if there is none."""
    match change.kind, change.alias:
        case ((ChangeKind.SET_POLICY | ChangeKind.END_POLICY), Alias() as alias):
            policy = find_set(view, change.models, alias)
            return None if policy is None else policy.index
        case ChangeKind.REMOVE_ALIAS, Alias() as alias:
            move = find_move(view, change.name, alias)
            return None if move is None else move.index
        case _:
            tier = find_tier(view, change.name)
            return None if tier is None else tier.index


def find_concerned(
    view: View, guards: Collection[Guard], proposer: str, before: int | None = None
) -> Concerned:
    """Find whom a change concerns that a principal proposes; with an entry, as `list_newer_authors` does.

    What a workload proposes is also proposed by its keepers, and by who started its jobs.
    """
    proposers = {proposer}
    if is_workload(view, proposer):
        keys = view.projections.select(KeyRecord, Where("principal", "=", proposer))
        proposers |= {key.starter for key in keys if key.starter is not None}
        proposers |= list_keepers(view, proposer, _NOW)
    return Concerned(frozenset(proposers), list_newer_authors(view, guards, before))


def list_newer_authors(view: View, guards: Collection[Guard], before: int | None = None) -> frozenset[str]:
    """List the authors of the versions that could move to the aliases of policies: newer than what they hold.

    With an entry, they are newer than what the aliases held before it, so that nobody stops being one of them
    by moving the alias; and all models count that a tier can have left out since.
    """
    made = {
        (version.name, version.revision): version
        for guard in guards
        for version in _list_newer(view, guard, before)
    }
    return frozenset().union(*(authors_of(view, version) for version in made.values()))


def _list_newer(view: View, guard: Guard, before: int | None) -> Iterator[VersionRecord]:
    alias = Where("alias", "=", guard.record.alias)
    for name in _list_models(view, guard):
        moves = view.projections.select(
            MoveRecord,
            Where("name", "=", str(name)),
            alias,
            *([] if before is None else [Where("index", "<", before)]),
            descending=True,
        )
        # What an emergency moved past the gate has to be looked at before it counts as held.
        lasting = (move for move in moves if not (move.emergency and move.closed is None))
        held = next((move.number or 0 for move in lasting), 0)
        of_model = Where("name", "=", str(name)), Where("number", ">", held)
        yield from view.projections.select(VersionRecord, *of_model)


def _list_models(view: View, guard: Guard) -> Iterator[ModelName]:
    models = Models.parse(guard.record.models)
    if models.model != EVERY:
        names = [ModelName(models.namespace, models.model)]
    else:
        records = view.projections.select(ModelRecord, *within_namespace("name", models.namespace))
        names = [ModelName.parse(record.name) for record in records]
    # A model of another tier may get into that of the policy at any time.
    yield from (name for name in names if guard.policy.covers(name.model, None))


def find_fault(view: View, guard: Guard, concerned: Concerned, person: str) -> str:
    """Say why a person cannot approve a change for one of the policies that it touches; empty if they can."""
    namespace = Models.parse(guard.record.models).namespace
    role = guard.terms.role
    roles, own = split_roles(view, person, namespace, independent=guard.independent)
    faults = _find_faults(view, concerned, person) | {
        f"{person} made themselves {role}, which no other admin confirmed": role in own,
        f"{person} is not a {role}": role not in roles,
        _say_vouched(person): _is_on_their_word(view, [guard], person, concerned.all),
    }
    return next((fault for fault, applies in faults.items() if applies), "")


def find_emergency_fault(view: View, guards: Sequence[Guard], concerned: Concerned, person: str) -> str:
    """Say why a person cannot let a change take effect in an emergency; empty if they can.

    The proposer can: that it is an emergency is theirs to say, and others look at it.
    """
    for guard in guards:
        terms = guard.policy.break_glass
        if terms is None:
            return f"the policy of {guard.where} allows no emergency"
        namespace = Models.parse(guard.record.models).namespace
        roles, _ = split_roles(view, person, namespace, independent=guard.independent)
        if not roles & terms.roles:
            return f"{person} has not the role {' or '.join(sorted(terms.roles))}"
    faults = _find_faults(view, Concerned(frozenset(), concerned.authors), person) | {
        _say_vouched(person): _is_on_their_word(view, guards, person, concerned.authors),
    }
    return next((fault for fault, applies in faults.items() if applies), "")


def find_reviewer_fault(
    view: View, guards: Sequence[Guard], concerned: Concerned, done_by: str, person: str
) -> str:
    """Say why a person cannot look at a change that took effect in an emergency; empty if they can."""
    faults = _find_faults(view, concerned, person) | {
        f"{person} let it take effect": person == done_by,
        _say_vouched(person): _is_on_their_word(view, guards, person, concerned.all | {done_by}),
    }
    return next((fault for fault, applies in faults.items() if applies), "")


def _find_faults(view: View, concerned: Concerned, person: str) -> dict[str, bool]:
    return {
        f"{person} is a workload": is_workload(view, person),
        f"{person} proposed it": person in concerned.proposers,
        f"{person} made a version newer than the one that the alias holds": person in concerned.authors,
    }


def _say_vouched(person: str) -> str:
    return f"{person} is there on the word of somebody whom it concerns, and no other admin confirmed them"


def _is_on_their_word(view: View, guards: Sequence[Guard], person: str, concerned: frozenset[str]) -> bool:
    if not any(guard.independent for guard in guards):
        return False
    return not is_independent(view, person, concerned, _NOW)


def list_holders(view: View, namespace: str, roles: Collection[Role]) -> list[str]:
    """List who holds one of some roles in a namespace or everywhere, in the order of their grants."""
    held = [
        grant
        for where in (namespace, EVERYWHERE)
        for grant in view.projections.select(
            GrantRecord, Where("namespace", "=", where), Where("ended", "=", None)
        )
        if Role(grant.role) in roles
    ]
    return list(dict.fromkeys(grant.principal for grant in sorted(held, key=lambda grant: grant.index)))


def holds_a_role(view: View, guards: Collection[Guard], person: str) -> bool:
    """Return whether a person has a role that one of some policies asks for."""
    return any(
        guard.terms.role in roles_of(view, person, Models.parse(guard.record.models).namespace)
        for guard in guards
    )


def list_emergencies(view: View, name: ModelName, alias: Alias | None) -> list[ProposalRecord]:
    """List the changes to protected policies of an alias, or of all of a model, made in an emergency."""
    done = view.projections.select(
        ProposalRecord, Where("namespace", "=", name.namespace), Where("outcome", "=", "emergency")
    )
    return [record for record in done if _touches(view, record, name, alias)]


def list_unreviewed(view: View, name: ModelName, alias: Alias) -> tuple[int, ...]:
    """List those of them, by entry, at which nobody has looked yet."""
    return tuple(record.index for record in list_emergencies(view, name, alias) if record.is_unreviewed)


def _touches(view: View, record: ProposalRecord, name: ModelName, alias: Alias | None) -> bool:
    if Models.parse(record.models).model not in {EVERY, name.model}:
        return False
    return any(
        alias in {None, Alias(guard.record.alias)} and guard.policy.covers(name.model, None)
        for guard in list_guards_of(view, record)
    )
