"""Policies of a registry: `registry.policies`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

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
from muniment.core.digests import Digest
from muniment.core.gates.policy import Gate
from muniment.core.names import Alias, ModelName, Models, Reference
from muniment.core.naming import find_ids
from muniment.core.receipts import Receipt
from muniment.core.records import PolicyRecord
from muniment.core.verbs.gates import GetPolicies, GetTier, JudgeGate, ListPolicies, SetPolicy, SetTier
from muniment.policies.documents import MAX_POLICY_BYTES, decode_policy, read_policy
from muniment.signing.statements import attest, encode
from muniment.views.policies import ReadPolicy, view_policies, view_policy_history, view_simulation
from muniment.views.view import View


class InForce(NamedTuple):
    """A policy in force: its proven record, and its document; None if the alias is guarded without one."""

    record: PolicyRecord
    document: JsonObject | None


class Policies:
    """The policies of a registry. Setting one requires the role admin."""

    def __init__(self, session: Session) -> None:
        """Use a session."""
        self._session = session

    def __repr__(self) -> str:
        """Name the registry."""
        return f"<Policies of {self._session.backend.location}>"

    def set(self, models: str, alias: str, document: Mapping[str, Json]) -> Receipt:
        """Sign a policy and put it in force for an alias of `acme/readmission` or `acme/*`.

        From then on the alias is guarded. The newest policy for the model and the newest for the namespace
        are both in force, and a version must meet both.

        Raises:
            InvalidPolicy: the document is not a policy.
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
        return backend.execute(
            SetPolicy(models=which, alias=Alias(alias), policy=policy, attestation=attestation)
        )

    def guard(self, models: str, alias: str) -> Receipt:
        """Guard an alias before it has a policy: until it has one, no version can move there."""
        command = SetPolicy(models=Models.parse(models), alias=Alias(alias), policy=None)
        return self._session.backend.execute(command)

    def in_force(self, name: str, alias: str, *, at: str | None = None) -> list[InForce]:
        """Read the policies in force for an alias of a model, now or at a time. A version must meet all.

        Raises:
            PolicyNotFound: there is none.
        """
        query = GetPolicies(name=ModelName.parse(name), alias=Alias(alias), at=self._session.backend.past(at))
        return [self._read(record) for record in self._session.backend.ask(query)]

    def history(self, namespace: str, *, at: str | None = None) -> list[PolicyRecord]:
        """List all policies ever set for the models of a namespace, now or until a time, oldest first."""
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

    def view_history(self, namespace: str, *, at: str | None = None) -> View:
        """Show all policies ever set for the models of a namespace, as `muniment policy history` does."""
        backend, records = self._session.backend, self.history(namespace, at=at)
        names = find_names(backend, {record.author for record in records}, backend.past(at))
        return view_policy_history(namespace, records, names, backend.time())

    def set_tier(self, name: str, tier: str) -> Receipt:
        """Put a model into a risk tier; a policy can apply to some tiers only."""
        return self._session.backend.execute(SetTier(name=ModelName.parse(name), tier=tier))

    def tier(self, name: str, *, at: str | None = None) -> str:
        """Read the risk tier of a model, now or at a time.

        Raises:
            TierNotFound: it is in none.
        """
        backend = self._session.backend
        return backend.ask(GetTier(name=ModelName.parse(name), at=backend.past(at))).tier

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

    def _read(self, record: PolicyRecord) -> InForce:
        if record.digest is None:
            return InForce(record, None)
        digest = Digest.parse(record.digest)
        data = read_document(self._session.backend, digest, "the policy", MAX_POLICY_BYTES)
        return InForce(record, canonical.decode(data))
