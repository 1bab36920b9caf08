"""What a person signs about a version that others rely on: approvals, waivers and withdrawals."""

import warnings
from contextlib import suppress
from typing import Final

import uuid_utils

from muniment.client.claims.signers import Signer, Statement
from muniment.client.proofs.checking import find_evidence
from muniment.client.proofs.judging import find_faults
from muniment.client.proofs.naming import find_names
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.claims.approvals import Approval, Meaning, SigningDecision
from muniment.core.claims.predicates import Predicate
from muniment.core.claims.waivers import Waiver
from muniment.core.claims.withdrawals import Withdrawal
from muniment.core.digests import Digest
from muniment.core.errors import ClaimNotFound, InvalidDigest, MunimentError
from muniment.core.events import AttestationRecorded
from muniment.core.gates.policy import Gate
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.naming import find_ids, put_names
from muniment.core.payloads import Payload
from muniment.core.people.roles import Role
from muniment.core.receipts import Receipt
from muniment.core.records import VersionRecord
from muniment.core.times import resolve_time
from muniment.core.verbs.gates import GetPolicies, JudgeGate
from muniment.core.verbs.versions import DescribeVersion
from muniment.core.warnings import UncountedApproval
from muniment.signing.bundle import Bundle, sign_statement
from muniment.signing.keys import Identity
from muniment.signing.statements import write

# As `muniment show` prints them.
_SHORT_DIGEST: Final = 19


def write_approval(  # noqa: PLR0913, PLR0917 - what an approval is made of
    backend: TrustedBackend,
    version: VersionRecord,
    alias: str,
    role: Role,
    decision: SigningDecision,
    reason: Payload | None,
    *,
    meaning: Meaning,
    expires: str | None = None,
    waiver: str | None = None,
) -> Approval:
    """Write down a signing decision over the evidence and the policies that stand now."""
    policies = backend.ask(GetPolicies(name=ModelName.parse(version.name), alias=Alias(alias)))
    return Approval(
        version=f"{version.name}@{version.number}",
        alias=alias,
        registry=backend.seen.verifier,
        role=role,
        decision=decision,
        meaning=meaning,
        policies=frozenset(policy.digest for policy in policies if policy.digest is not None),
        evidence=find_evidence(backend, version),
        waiver=waiver,
        name=backend.find_self().record.profile,
        reason=None if reason is None else str(reason.digest),
        nonce=write_nonce(),
        expires=backend.until(expires),
        time=backend.time(),
    )


def warn_uncounted(backend: TrustedBackend, version: VersionRecord, alias: str, receipt: Receipt) -> None:
    """Warn the caller of the caller if an approval that was just recorded does not count."""
    reference = Reference(ModelName.parse(version.name), version.number)
    faults: dict[str, str] = {}
    # The approval is on record: that another claim cannot be read is for `check` to say.
    with suppress(MunimentError):
        faults = find_faults(backend, JudgeGate(reference=reference, alias=Alias(alias)))
    fault = faults.get(str(receipt.read(AttestationRecorded).attestation))
    if fault:
        text = put_names(fault, find_names(backend, find_ids([fault])))
        warnings.warn(f"the approval does not count: {text}", UncountedApproval, stacklevel=3)


def write_waiver(
    backend: TrustedBackend, gate: Gate, rules: frozenset[str], until: str, reason: Payload
) -> Waiver:
    """Write down a waiver of rules of the policy that has them; of the newest, if no policy has all."""
    policies = [one.policy for one in gate.verdicts if rules <= {finding.id for finding in one.findings}]
    return Waiver(
        version=gate.version,
        alias=gate.alias,
        registry=backend.seen.verifier,
        policy=policies[0] if policies else gate.verdicts[-1].policy,
        rules=rules,
        until=resolve_time(until, backend.clock()),
        reason=str(reason.digest),
        nonce=write_nonce(),
        time=backend.time(),
    )


def write_withdrawal(
    backend: TrustedBackend, version: VersionRecord, claim: str, reason: Payload
) -> Withdrawal:
    """Write down that a claim is withdrawn, by its digest or so much of it as `muniment show` prints.

    Raises:
        InvalidDigest: it does not begin like a digest.
        ClaimNotFound: no claim about the version has that digest.
    """
    if not claim.startswith("sha256:"):
        raise InvalidDigest(text=claim)
    reference = Reference.parse(f"{version.name}@{version.number}")
    known = backend.ask(DescribeVersion(reference=reference)).attestations
    digests = [record.digest for record in known if record.digest.startswith(claim)]
    if len(claim) < _SHORT_DIGEST or len(digests) != 1:
        raise ClaimNotFound(reference=str(reference), digest=claim)
    return Withdrawal(
        version=str(reference),
        registry=backend.seen.verifier,
        claim=Digest.parse(digests[0]),
        reason=reason.digest,
        nonce=write_nonce(),
        time=backend.time(),
    )


def sign_claim(
    backend: TrustedBackend,
    version: VersionRecord,
    claim: Predicate,
    reason: Payload | None,
    signer: Signer | Identity,
) -> Bundle:
    """Sign what was written, by this machine's key or by what a person signs with."""
    reference = f"{version.name}@{version.number}"
    text = write(Digest.parse(version.revision), reference, claim.type, claim.predicate())
    if isinstance(signer, Identity):
        return sign_statement(text, signer)
    return signer.sign(Statement(payload=text, reason=reason, backend=backend))


def write_nonce() -> str:
    """Make up what is written once only."""
    return str(uuid_utils.uuid4())
