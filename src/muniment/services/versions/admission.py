"""Admission: a claim about a version is verified when it arrives, and again by each reader."""

from muniment.answers.approvals import check_approval, check_waiver
from muniment.answers.authority import act_of_claim
from muniment.answers.claims import check_subject, find_same, is_withdrawn
from muniment.core.bytes.revisions import Revision
from muniment.core.claims.approvals import Approval
from muniment.core.claims.attestations import APPROVAL, SCAN, VERDICT, WAIVER, WITHDRAWAL, Statement
from muniment.core.claims.scans import OWN_TOOL, Scan
from muniment.core.claims.waivers import Waiver
from muniment.core.claims.withdrawals import Withdrawal
from muniment.core.digests import Digest
from muniment.core.errors import AlreadyWithdrawn, NotPermitted
from muniment.core.names import ModelName
from muniment.core.payloads import Payload
from muniment.core.people.callers import REGISTRY
from muniment.core.records import AttestationRecord, VersionRecord
from muniment.core.verbs.verb import digest_of
from muniment.services.bytes.custody import take
from muniment.services.claims.recording import record_claim
from muniment.services.claims.signers import verify_sent
from muniment.services.claims.withdrawals import withdraw
from muniment.services.gates.requests import close_rejected
from muniment.services.transaction import Outcome, Transaction


def admit(
    tx: Transaction,
    version: VersionRecord,
    revision: Revision,
    digest: Digest,
    reason: Payload | None = None,
) -> Outcome:
    """Record a stored bundle, which the actor may use, as a claim about a version. As `admit_new`."""
    take(tx, ModelName.parse(version.name).namespace, [digest])
    # The same claim about the same version is on record: answer with that.
    key = (version.name, version.revision, str(digest))
    known = tx.unit.projections.find(AttestationRecord, key)
    if known is not None:
        return _repeat(tx, version, known)
    return admit_new(tx, version, revision, digest, reason)


def admit_new(
    tx: Transaction,
    version: VersionRecord,
    revision: Revision,
    digest: Digest,
    reason: Payload | None = None,
) -> Outcome:
    """Record a bundle that the version's namespace holds as a claim about it, which is not on record yet.

    The caller MUST have read `revision` from the manifest that `version` names.
    """
    # (1) It is signed by who sends it, with a key that counts now, and says what its kind has to say.
    signer, statement = verify_sent(tx, digest)
    # (2) It is about this version.
    check_subject(statement, version, revision)
    # (3) The signer may make such a claim here.
    _check_right(tx, version, statement)
    # (4) It is new: a signed statement is one claim, in however many ways its bundle can be written.
    repeated = find_same(tx.unit, version, signer, statement)
    if repeated is not None:
        return _repeat(tx, version, repeated)
    # (5) An approval covers the claims that stand now, is new and not by the author; a waiver is
    # of existing rules; a withdrawal is of a claim of one's own.
    if statement.predicate_type == APPROVAL:
        decision = Approval.read(statement.predicate)
        check_approval(tx.unit, version, decision, tx.actor, tx.moment, digest_of(reason))
    if statement.predicate_type == WAIVER:
        check_waiver(tx.unit, version, Waiver.read(statement.predicate), tx.moment, digest_of(reason))
    if statement.predicate_type == WITHDRAWAL:
        return Outcome(withdraw(tx, version, signer, Withdrawal.read(statement.predicate), digest, reason))
    index = record_claim(tx, version, signer, statement, digest, reason)
    if statement.predicate_type == APPROVAL:
        close_rejected(tx, version, Approval.read(statement.predicate), reason)
    return Outcome(index)


def _repeat(tx: Transaction, version: VersionRecord, known: AttestationRecord) -> Outcome:
    """Answer with the claim on record; what was withdrawn has to be said anew."""
    if known.withdrawn is not None and is_withdrawn(tx.unit, known):
        reference = f"{version.name}@{version.number}"
        raise AlreadyWithdrawn(reference=reference, digest=known.digest, entry=known.withdrawn)
    return Outcome(known.index, created=False)


def _check_right(tx: Transaction, version: VersionRecord, statement: Statement) -> None:
    namespace = ModelName.parse(version.name).namespace
    if statement.predicate_type == VERDICT and tx.actor != REGISTRY:
        # A verdict is the registry's word; nobody else's may look like it.
        raise NotPermitted(principal=tx.actor, act="sign a verdict", namespace=namespace)
    if statement.predicate_type == SCAN and Scan(statement.predicate).tool == OWN_TOOL:
        # The same holds for its scans; the registry records its own without this check.
        raise NotPermitted(principal=tx.actor, act=f"sign a scan by {OWN_TOOL}", namespace=namespace)
    if statement.predicate_type != WITHDRAWAL:
        # Withdrawing a claim takes the right to make it, which `withdraw` checks when it knows the claim.
        tx.require(act_of_claim(statement.predicate_type), namespace)
