"""Policies of a registry: `registry.policies`."""

import importlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from muniment.client.gates.proposals import make_or_propose
from muniment.client.people.principals import write_reason
from muniment.client.proofs.checking import read_document
from muniment.client.proofs.judging import judge
from muniment.client.proofs.naming import find_names
from muniment.client.proofs.paging import read_all
from muniment.client.versions.session import Session
from muniment.client.versions.showing import make_seal
from muniment.client.versions.version import get_version
from muniment.core import canonical
from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.attestations import POLICY
from muniment.core.claims.policies import PolicyInForce
from muniment.core.claims.proposals import ChangeKind, ProposedChange
from muniment.core.digests import Digest
from muniment.core.errors import NamespaceNotFound
from muniment.core.gates.differences import Terms, list_differences, read_terms
from muniment.core.gates.policy import Gate, Protection
from muniment.core.names import Alias, ModelName, Models, Reference
from muniment.core.naming import find_ids
from muniment.core.receipts import Receipt
from muniment.core.records import PolicyRecord
from muniment.core.verbs.gates import (
    EndPolicy,
    GetPolicies,
    GetTier,
    JudgeGate,
    ListPolicies,
    ListTiers,
    PolicyChange,
    SetPolicy,
    SetTier,
    TierChange,
)
from muniment.core.verbs.proposals import ListProposals, Proposal
from muniment.policies.documents import MAX_POLICY_BYTES, PolicyFile, decode_policy, read_policy
from muniment.signing.statements import attest, encode
from muniment.views.policies import (
    ComparedPolicy,
    Outcome,
    PlannedPolicy,
    ReadPolicy,
    view_plan,
    view_policies,
    view_policy_history,
    view_simulation,
)
from muniment.views.view import View


class InForce(NamedTuple):
    """A policy in force: its proven record, and its document; None if the alias is guarded without one."""

    record: PolicyRecord
    document: JsonObject | None


class Policies:
    """The policies of a registry. Setting one requires the role admin.

    A change that touches a protected policy is only proposed (`registry.proposals`): the event of its
    receipt is a `ProposalOpened`.
    """

    def __init__(self, session: Session) -> None:
        """Use a session."""
        self._session = session

    def __repr__(self) -> str:
        """Name the registry."""
        return f"<Policies of {self._session.backend.location}>"

    def set(self, models: str, alias: str, document: Mapping[str, Json], *, reason: str) -> Receipt:
        """Sign a policy and put it in force for an alias of `acme/readmission` or `acme/*`.

        From then on the alias is guarded, unless the policy before is protected: then it is proposed. The
        newest policy for the model and the newest for the namespace are both in force, and a version must
        meet both.

        Raises:
            InvalidPolicy: the document is not a policy.
            NobodyCanApprove, AlreadyProposed: it would have to be approved and nobody can, or it waits
                already.
            ReasonNeeded: the reason is blank.
        """
        read_policy(document)
        backend, which = self._session.backend, Models.parse(models)
        data = encode(document)
        said = PolicyInForce(
            models=which,
            alias=Alias(alias),
            registry=backend.seen.verifier,
            time=backend.time(),
        )
        name = f"policy of {which}@{alias}"
        bundle = attest(Digest.of(data), name, POLICY, said.predicate(), self._session.signer())
        policy, attestation = backend.add_documents([data, bundle.encode()])
        command = SetPolicy(
            models=which,
            alias=Alias(alias),
            policy=policy,
            attestation=attestation,
            reason=write_reason(reason),
        )
        change = ProposedChange(
            kind=ChangeKind.SET_POLICY,
            models=which,
            alias=Alias(alias),
            policy=policy,
            attestation=attestation,
        )
        return make_or_propose(backend, command, change)

    def guard(self, models: str, alias: str, *, reason: str) -> Receipt:
        """Guard an alias before it has a policy: until it has one, no version can move there.

        Raises:
            ReasonNeeded: the reason is blank.
        """
        which, where = Models.parse(models), Alias(alias)
        command = SetPolicy(models=which, alias=where, policy=None, reason=write_reason(reason))
        change = ProposedChange(kind=ChangeKind.SET_POLICY, models=which, alias=where)
        return make_or_propose(self._session.backend, command, change)

    def unguard(self, models: str, alias: str, *, reason: str) -> Receipt:
        """End the policy of an alias of `acme/readmission` or `acme/*`; none takes its place.

        A policy of the namespace still guards the alias of a model whose own policy has ended.

        Raises:
            PolicyNotFound: there is none.
            ReasonNeeded: the reason is blank.
        """
        which, where = Models.parse(models), Alias(alias)
        command = EndPolicy(models=which, alias=where, reason=write_reason(reason))
        change = ProposedChange(kind=ChangeKind.END_POLICY, models=which, alias=where)
        return make_or_propose(self._session.backend, command, change)

    def plan(self, directory: str | os.PathLike[str], *, prune: bool = False) -> list[PlannedPolicy]:
        """Compare a directory of policies (`NAMESPACE/MODEL@ALIAS.yaml`) with those that are set.

        With `prune`, other policies of the namespaces that have a file end.

        Raises:
            InvalidPolicy, FileUnusable: a file is no policy, has another name, or cannot be read.
        """
        # Only this reads YAML (docs/decisions/0004-late-imports.md).
        repositories = importlib.import_module("muniment.policies.repositories")
        files: list[PolicyFile] = repositories.load_policies(Path(directory))
        planned, named = [], set()
        present = {one: self._list_set(one) for one in sorted({file.models.namespace for file in files})}
        for models, alias, document in files:
            place = str(models), str(alias)
            named.add(place)
            before = present[models.namespace].get(place)
            outcome, differences = self._foresee(before, document)
            planned.append(PlannedPolicy(*place, outcome, differences, document))
        if prune:
            others = [place for records in present.values() for place in records if place not in named]
            ends = ("the policy ends, and none takes its place",)
            planned += [PlannedPolicy(*place, Outcome.UNGUARDED, ends, None) for place in sorted(others)]
        waiting = {one: self._list_waiting(one) for one in present}
        return [self._foresee_protection(one, present, waiting) for one in planned]

    def apply(self, planned: Iterable[PlannedPolicy], *, reason: str) -> list[Receipt]:
        """Do what `plan` returned, one after the other, for one reason; return a receipt of each change.

        What touches a protected policy is proposed; what waits already is left out.

        If one is refused, those before it are in force; a new plan has the rest.

        Raises:
            ReasonNeeded: the reason is blank.
        """
        return [self._apply(one, reason) for one in planned if one.acts]

    def in_force(self, name: str, alias: str, *, at: str | None = None) -> list[InForce]:
        """Read the policies in force for an alias of a model, now or at a time. A version must meet all.

        Raises:
            PolicyNotFound: there is none.
        """
        query = GetPolicies(name=ModelName.parse(name), alias=Alias(alias), at=self._session.backend.past(at))
        return [self._read(record) for record in self._session.backend.ask(query)]

    def history(self, namespace: str, *, at: str | None = None) -> list[PolicyChange]:
        """List all policies ever set for the models of a namespace, and their ends, oldest first.

        With a time, list those until then.
        """
        backend = self._session.backend
        return list(read_all(backend, ListPolicies(namespace=namespace, at=backend.past(at))))

    def view(self, name: str, alias: str, *, at: str | None = None) -> View:
        """Show the policies in force for an alias, as `muniment policy show` does. Raises as `in_force`."""
        backend = self._session.backend
        policies = [
            ReadPolicy(record, None if document is None else decode_policy(encode(document)), document)
            for record, document in self.in_force(name, alias, at=at)
        ]
        names = find_names(backend, {one.record.author for one in policies}, backend.past(at))
        checked = ("the documents, by their digests", "that these and no others are in force")
        seal = make_seal(backend, checked if at is None else (checked[0], f"what was in force at {at}"))
        return view_policies(f"{name}@{alias}", policies, names, seal, backend.time())

    def view_plan(self, directory: Path, planned: Sequence[PlannedPolicy]) -> View:
        """Show what applying a directory would do, as `muniment policy apply` does."""
        return view_plan(str(directory), planned, self._session.backend.time())

    def view_history(self, namespace: str, *, at: str | None = None) -> View:
        """Show all policies ever set for the models of a namespace, as `muniment policy history` does."""
        backend, changes = self._session.backend, self.history(namespace, at=at)
        tiers = self.tiers(namespace, at=at)
        people = {*(one.record.author for one in changes), *(one.record.author for one in tiers)}
        names = find_names(backend, people, backend.past(at))
        compared = list(self._compare(changes))
        return view_policy_history(namespace, compared, tiers, names, backend.time())

    def set_tier(self, name: str, tier: str, *, reason: str) -> Receipt:
        """Put a model into a risk tier; a policy can apply to some tiers only.

        Raises:
            ReasonNeeded: the reason is blank.
        """
        command = SetTier(name=ModelName.parse(name), tier=tier, reason=write_reason(reason))
        change = ProposedChange(kind=ChangeKind.SET_TIER, models=Models.parse(name), tier=tier)
        return make_or_propose(self._session.backend, command, change)

    def tier(self, name: str, *, at: str | None = None) -> str:
        """Read the risk tier of a model, now or at a time.

        Raises:
            TierNotFound: it is in none.
        """
        backend = self._session.backend
        return backend.ask(GetTier(name=ModelName.parse(name), at=backend.past(at))).tier

    def tiers(self, namespace: str, *, at: str | None = None) -> list[TierChange]:
        """List all risk tiers that models of a namespace were ever put into, oldest first.

        With a time, list those until then.
        """
        backend = self._session.backend
        return list(read_all(backend, ListTiers(namespace=namespace, at=backend.past(at))))

    def simulate(self, document: Mapping[str, Json], alias: str, references: Iterable[str]) -> Iterator[Gate]:
        """Judge versions by a policy as if it were in force for an alias; nothing is set.

        Raises:
            InvalidPolicy: the document is not a policy.
        """
        read_policy(document)
        backend = self._session.backend
        policy = backend.add_documents([encode(document)])[0]
        for text in references:
            version = get_version(self._session, Reference.parse(text))
            yield judge(backend, JudgeGate(reference=version.reference, alias=Alias(alias), policy=policy))

    def view_simulation(self, gates: Sequence[Gate], alias: str) -> View:
        """Show what `simulate` came to, as `muniment policy simulate` does."""
        backend = self._session.backend
        messages = [one.message for gate in gates for verdict in gate.verdicts for one in verdict.findings]
        names = find_names(backend, find_ids(messages))
        return view_simulation(f"A policy for {alias}", gates, names, backend.time())

    def _apply(self, planned: PlannedPolicy, reason: str) -> Receipt:
        if planned.document is None:
            return self.unguard(planned.models, planned.alias, reason=reason)
        return self.set(planned.models, planned.alias, planned.document, reason=reason)

    def _foresee_protection(
        self,
        planned: PlannedPolicy,
        present: Mapping[str, Mapping[tuple[str, str], PolicyRecord]],
        waiting: Mapping[str, Sequence[Proposal]],
    ) -> PlannedPolicy:
        """Say of a change whether it has to be approved, or is proposed already."""
        models, alias = Models.parse(planned.models), Alias(planned.alias)
        before = present[models.namespace].get((planned.models, planned.alias))
        if planned.outcome is Outcome.UNCHANGED or before is None or before.digest is None:
            return planned
        terms = decode_policy(encode(self._read(before).document)).protected
        if terms is None:
            return planned
        policy = None if planned.document is None else Digest.of(encode(planned.document))
        kind = ChangeKind.END_POLICY if policy is None else ChangeKind.SET_POLICY
        same = [
            one.record.index
            for one in waiting[models.namespace]
            if one.state != "stale"
            and (one.change.kind, one.change.models, one.change.alias, one.change.policy)
            == (kind, models, alias, policy)
        ]
        return planned._replace(protected=str(terms), proposal=next(iter(same), None))

    def _list_waiting(self, namespace: str) -> Sequence[Proposal]:
        """List the proposals that wait in a namespace, which may be new."""
        with suppress(NamespaceNotFound):
            return [*read_all(self._session.backend, ListProposals(namespace=namespace))]
        return ()

    def _list_set(self, namespace: str) -> dict[tuple[str, str], PolicyRecord]:
        """List the policies that are set in a namespace, which may be new, by models and alias."""
        newest: dict[tuple[str, str], PolicyRecord] = {}
        with suppress(NamespaceNotFound):
            for record in (one.record for one in self.history(namespace)):
                newest[record.models, record.alias] = record
        return {place: record for place, record in newest.items() if not record.ended}

    def _foresee(self, before: PolicyRecord | None, document: JsonObject) -> tuple[Outcome, tuple[str, ...]]:
        if before is None:
            return Outcome.NEW, ()
        if before.digest == str(Digest.of(encode(document))):
            return Outcome.UNCHANGED, ()
        old = self._read(before).document
        if old is None:
            return Outcome.CHANGED, ("guarded, without a policy until now",)
        terms = [read_terms(decode_policy(encode(one)), one) for one in (old, document)]
        return Outcome.CHANGED, list_differences(*terms) or ("the same in another form",)

    def _compare(self, changes: Iterable[PolicyChange]) -> Iterator[ComparedPolicy]:
        """Compare each policy with the one before it, of the same models and alias."""
        before: dict[tuple[str, str], Terms | None] = {}
        for change in changes:
            record = change.record
            place = record.models, record.alias
            document = self._read(record).document
            policy = None if document is None else decode_policy(encode(document))
            terms = None if policy is None or document is None else read_terms(policy, document)
            protected = None if policy is None else policy.protected
            yield ComparedPolicy(change, _describe(record, before.get(place), terms, protected))
            before[place] = terms

    def _read(self, record: PolicyRecord) -> InForce:
        if record.digest is None:
            return InForce(record, None)
        digest = Digest.parse(record.digest)
        data = read_document(self._session.backend, digest, "the policy", MAX_POLICY_BYTES)
        return InForce(record, canonical.decode(data))


def _describe(
    record: PolicyRecord, before: Terms | None, after: Terms | None, protected: Protection | None
) -> tuple[str, ...]:
    """Say what a policy changed."""
    if record.ended:
        return ("the policy ended, and none took its place",)
    if after is None:
        return ("guarded, without a policy",)
    if before is None:
        guarded = () if protected is None else (f"protected: {protected} must approve a change to it",)
        return ("set where there was none", *guarded)
    return list_differences(before, after) or ("the same in another form",)
