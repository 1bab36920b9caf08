"""The gate: what the policy of an alias says of a version, and the verdict as a signed claim."""

from muniment.core.attestations import VERDICT
from muniment.core.backend import Stored
from muniment.core.callers import Assurance
from muniment.core.canonical import JsonObject
from muniment.core.digests import Digest
from muniment.core.names import Alias, ModelName
from muniment.core.policy import Verdict, judge
from muniment.core.records import PolicyRecord, VersionRecord
from muniment.core.rules import Facts
from muniment.ports.unit import Unit
from muniment.services.claims import authors_of, read_claims, read_revision
from muniment.services.custody import hold
from muniment.services.policies import load_policy
from muniment.services.rights import roles_of
from muniment.services.transaction import REGISTRY, Transaction
from muniment.signing.statements import attest


def judge_version(unit: Unit, version: VersionRecord, policy: PolicyRecord) -> Verdict:
    """Evaluate every rule of a policy over the verified claims about a version.

    Raises:
        BlobNotFound, ContentCorrupt, BadSignature: a claim on record cannot be relied on.
    """
    name = ModelName.parse(version.name)
    revision = read_revision(unit, Digest.parse(version.revision))
    claims = read_claims(unit, version, revision)
    facts = Facts(
        version=f"{version.name}@{version.number}",
        alias=policy.alias,
        policy=policy.digest,
        paths=tuple(file.path for file in revision.files),
        authors=authors_of(version, claims),
        attestations=claims,
        roles={signer: roles_of(unit, signer, name.namespace) for signer in {c.signer for c in claims}},
    )
    return judge(load_policy(unit, policy.digest), facts)


def sign_verdict(tx: Transaction, version: VersionRecord, alias: Alias, verdict: Verdict) -> Digest:
    """Write a verdict down as a SLSA verification summary, signed by the registry, and store it."""
    findings = verdict.findings
    looked_at = sorted({digest for finding in findings for digest in finding.attestations})
    predicate: JsonObject = {
        "verifier": {"id": tx.keys.log.name},
        "timeVerified": tx.time,
        "resourceUri": verdict.version,
        "policy": {"uri": f"{version.name}@{alias}", "digest": _digest_set(verdict.policy)},
        "inputAttestations": [{"digest": _digest_set(digest)} for digest in looked_at],
        "verificationResult": "PASSED" if verdict.passed else "FAILED",
        "verifiedLevels": [],
        "findings": [
            {
                "rule": finding.rule,
                "passed": finding.passed,
                "message": finding.message,
                "attestations": list(finding.attestations),
            }
            for finding in findings
        ],
    }
    subject = Digest.parse(version.revision)
    bundle = attest(subject, verdict.version, VERDICT, predicate, tx.keys.verdicts)
    data = bundle.encode()
    digest = tx.unit.blobs.add_documents([data])[0]
    hold(tx, ModelName.parse(version.name).namespace, [Stored(digest=digest, size_bytes=len(data))])
    return digest


def verdict_event(tx: Transaction, version: VersionRecord, digest: Digest) -> JsonObject:
    """Write the facts of the event that records a verdict."""
    return {
        "name": version.name,
        "revision": version.revision,
        "attestation": str(digest),
        "predicate_type": VERDICT,
        "signer": REGISTRY,
        "key": tx.keys.verdicts.public.id,
        "assurance": str(Assurance.KEY),
    }


def _digest_set(digest: str) -> JsonObject:
    return {"sha256": Digest.parse(digest).hex}
