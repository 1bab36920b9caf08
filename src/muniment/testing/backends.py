"""Steps that tests and checkers take over a backend: publish, claim, set a policy, be refused."""

from collections.abc import Callable
from typing import Final

import uuid_utils

from muniment.capture.clock import now
from muniment.core.backend import Backend
from muniment.core.bytes.revisions import File, Revision
from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.approvals import EVIDENCE
from muniment.core.claims.attestations import POLICY, PROPOSAL_DECISION, PROVENANCE, SCAN, WITHDRAWAL
from muniment.core.claims.proposals import ProposalDecision
from muniment.core.digests import Digest
from muniment.core.errors import MunimentError
from muniment.core.events import ProposalOpened
from muniment.core.names import Alias, ModelName, Models, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Role
from muniment.core.receipts import Receipt
from muniment.core.times import write_time
from muniment.core.verbs.claims import RecordAttestation
from muniment.core.verbs.gates import GetPolicies, SetPolicy
from muniment.core.verbs.log import GetLogIdentity, GetProof
from muniment.core.verbs.people import GrantRole, RegisterPrincipal
from muniment.core.verbs.proposals import DecideProposal
from muniment.core.verbs.versions import DescribeVersion, GetVersion, PublishVersion
from muniment.signing.content import sign_content
from muniment.signing.keys import Identity
from muniment.signing.statements import attest, encode

NAME = ModelName("acme", "readmission")
MODELS = Models("acme", "readmission")
_HALF: Final = 0.5
PRODUCTION = Alias("production")

OpenAs = Callable[[Identity], Backend]


def publish(backend: Backend, identity: Identity, data: bytes, *, name: ModelName = NAME) -> Receipt:
    """Publish one file of some bytes, signed, with provenance."""
    digest = backend.add_documents([data])[0]
    revision = Revision.of([File(path="model.bin", digest=digest, size_bytes=len(data))])
    manifest = Digest.of(revision.manifest())
    claims = [
        sign_content(revision, str(name), identity),
        attest(manifest, str(name), PROVENANCE, provenance(), identity),
    ]
    documents = [revision.config(), revision.manifest(), *(claim.encode() for claim in claims)]
    digests = backend.add_documents(documents)
    return backend.execute(PublishVersion(name=name, manifest=manifest, attestations=tuple(digests[2:])))


def provenance() -> JsonObject:
    """Write minimal SLSA provenance."""
    return {
        "buildDefinition": {"buildType": "https://example.com/test", "externalParameters": {}},
        "runDetails": {"builder": {"id": "https://example.com/test"}},
    }


def evaluation(auc: float | None, *, dataset: bytes = b"holdout") -> dict[str, Json]:
    """Write a small evaluation, with the counts that its AUC follows from (whole hundredths)."""
    written: dict[str, Json] = {
        "task": "binary-classification",
        "dataset": {"name": "holdout", "digest": str(Digest.of(dataset))},
        "n": 100,
        "rows": {"there": 100, "used": 100},
        "tool": {"name": "muniment", "version": "1"},
        "time": "2026-01-01T00:00:00Z",
        "metrics": {"roc_auc": {"value": auc}},
    }
    if auc is None:
        return {**written, "metrics": {"roc_auc": {"value": None, "source": "given"}}}
    # So many of the 50 positive rows come first, or of the 50 negative ones, and all others have one score.
    first = round(abs(2 * auc - 1) * 50)
    true, false = (first, 0) if auc > _HALF else (0, first)
    curve: dict[str, Json] = {
        "label": "1",
        "positives": 50,
        "negatives": 50,
        "thresholds": [0.9, 0.1],
        "true_positives": [true, 50],
        "false_positives": [false, 50],
    }
    return {**written, "score_counts": [curve]}


def record(  # noqa: PLR0913 - the parts of a claim
    backend: Backend,
    identity: Identity,
    number: int,
    predicate_type: str,
    predicate: JsonObject,
    *,
    reason: Payload | None = None,
    name: ModelName = NAME,
) -> Receipt:
    """Sign and record a claim about a version."""
    reference = Reference(name, number)
    version = backend.ask(GetVersion(reference=reference))
    subject = Digest.parse(version.revision)
    bundle = attest(subject, str(reference), predicate_type, predicate, identity)
    digest = backend.add_documents([bundle.encode()])[0]
    exact = Reference(name, subject)
    return backend.execute(RecordAttestation(reference=exact, bundle=digest, reason=reason))


def withdraw(
    backend: Backend,
    identity: Identity,
    number: int,
    claim: Digest,
    /,
    *,
    name: ModelName = NAME,
    **changes: Json,
) -> Receipt:
    """Withdraw a claim about a version; `changes` replace members."""
    reason = Payload.of("a mistake")
    said: dict[str, Json] = {
        "version": f"{name}@{number}",
        "registry": backend.ask(GetLogIdentity()).verifier,
        "claim": str(claim),
        "reason": str(reason.digest),
        "nonce": reason.salt,
        "time": "2026-01-01T00:00:00Z",
        **changes,
    }
    return record(backend, identity, number, WITHDRAWAL, said, reason=reason, name=name)


def approval(
    backend: Backend, number: int, role: Role, *, alias: Alias = PRODUCTION, **changes: Json
) -> dict[str, Json]:
    """Write an approval of the current state; `changes` replace members."""
    reference = Reference(NAME, number)
    detail = backend.ask(DescribeVersion(reference=reference))
    standing = [one for one in detail.attestations if one.withdrawn is None]
    evidence = [one.digest for one in standing if one.predicate_type in EVIDENCE - {SCAN}]
    policies: list[Json] = [policy.digest for policy in backend.ask(GetPolicies(name=NAME, alias=alias))]
    return {
        "version": str(reference),
        "alias": str(alias),
        "registry": backend.ask(GetLogIdentity()).verifier,
        "role": str(role),
        "decision": "approve",
        "meaning": "approval",
        "policies": policies,
        "evidence": sorted(evidence),
        "waiver": None,
        "name": None,
        "reason": None,
        "nonce": str(uuid_utils.uuid4()),
        "expires": None,
        "time": "2026-01-01T00:00:00Z",
        **changes,
    }


def set_policy(
    backend: Backend,
    owner: Identity,
    *rules: JsonObject,
    alias: Alias = PRODUCTION,
    models: Models = MODELS,
    **members: Json,
) -> Receipt:
    """Sign a policy with these rules and other `members`, and put it in force.

    Its owner makes the versions and registers the people, so by default it takes anybody's word for them.
    """
    document = {"vouching": "any", "rules": list(rules), **members}
    return set_document(backend, owner, document, alias=alias, models=models)


def set_document(
    backend: Backend,
    owner: Identity,
    document: JsonObject,
    *,
    alias: Alias = PRODUCTION,
    models: Models = MODELS,
) -> Receipt:
    """Sign a policy document and put it in force."""
    data = encode(document)
    said: JsonObject = {
        "models": str(models),
        "alias": str(alias),
        "registry": backend.ask(GetLogIdentity()).verifier,
        "time": write_time(now()),
    }
    bundle = attest(Digest.of(data), "policy", POLICY, said, owner)
    policy, signed = backend.add_documents([data, bundle.encode()])
    command = SetPolicy(
        models=models, alias=alias, policy=policy, attestation=signed, reason=Payload.of("agreed")
    )
    return backend.execute(command)


def add_person(backend: Backend, name: str, *roles: Role, namespace: str = "acme") -> Identity:
    """Register a person with a new key and roles."""
    identity = Identity.generate()
    backend.execute(RegisterPrincipal(name=Payload.of(name), public_key=identity.public.pem))
    for role in roles:
        backend.execute(GrantRole(principal=name, role=role, namespace=namespace))
    return identity


def decide(
    backend: Backend,
    identity: Identity,
    proposal: int,
    decision: ProposalDecision = ProposalDecision.APPROVE,
    **others: Json,
) -> Receipt:
    """Sign a decision about the proposal of an entry, with other members if given, and record it."""
    event, reason = backend.ask(GetProof(index=proposal)).read(ProposalOpened), Payload.of("seen")
    said: JsonObject = {
        "proposal": proposal,
        "change": str(event.change),
        "decision": str(decision),
        "registry": backend.ask(GetLogIdentity()).verifier,
        "reason": str(reason.digest),
        "nonce": reason.salt,
        "time": write_time(now()),
        **others,
    }
    bundle = attest(event.digest, "proposal", PROPOSAL_DECISION, said, identity)
    (attestation,) = backend.add_documents([bundle.encode()])
    command = DecideProposal(proposal=proposal, decision=decision, attestation=attestation, reason=reason)
    return backend.execute(command)


def refuses(act: Callable[[], object], kind: type[MunimentError]) -> MunimentError:
    """Check that an act raises this error, and return the error."""
    try:
        act()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected")  # noqa: EM102, TRY003 - the message of a checker
