"""Claims: how an attestation gets into the registry. It is verified on arrival (DESIGN rule 4)."""

from muniment.core.approvals import Approval
from muniment.core.attestations import APPROVAL, DEPLOYMENT, EXCEPTION, SCAN, VERDICT, Statement
from muniment.core.canonical import JsonObject
from muniment.core.deployments import Deployment
from muniment.core.digests import Digest
from muniment.core.errors import NotPermitted
from muniment.core.events import EventType
from muniment.core.exceptions import Waiver
from muniment.core.names import ModelName
from muniment.core.payloads import Payload
from muniment.core.provenance import list_attachments
from muniment.core.records import AttestationRecord, KeyRecord, VersionRecord
from muniment.core.revisions import Revision
from muniment.core.roles import Act
from muniment.core.scans import OWN_TOOL, Scan
from muniment.services.approvals import check_approval, check_exception
from muniment.services.custody import take
from muniment.services.deployments import deploy
from muniment.services.describe import describe_claim, describe_deployment
from muniment.services.relying import check_subject
from muniment.services.requests import close_rejected
from muniment.services.signers import verify_sent
from muniment.services.transaction import REGISTRY, Outcome, Transaction


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
        return Outcome(known.index, created=False)
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
    # (4) An approval is over what stands now, by somebody else than the author, and new; an exception is to
    # rules that there are.
    if statement.predicate_type == APPROVAL:
        check_approval(tx, version, Approval.read(statement.predicate), reason)
    if statement.predicate_type == EXCEPTION:
        check_exception(tx, version, Waiver.read(statement.predicate), reason)
    index = record_claim(tx, version, signer, statement, digest, reason)
    if statement.predicate_type == APPROVAL:
        close_rejected(tx, version, Approval.read(statement.predicate), reason)
    return Outcome(index)


def record_claim(  # noqa: PLR0913, PLR0917 - what is on record of a claim
    tx: Transaction,
    version: VersionRecord,
    signer: KeyRecord,
    statement: Statement,
    digest: Digest,
    reason: Payload | None,
) -> int:
    """Record a claim; give its entry. The caller MUST have verified it, and checked that it may be made."""
    data: JsonObject = {
        "name": version.name,
        "revision": version.revision,
        "attestation": str(digest),
        "predicate_type": statement.predicate_type,
        "signer": signer.principal,
        "key": signer.id,
        "reason": tx.keep(reason),
        "assurance": signer.assurance,
    }
    if statement.predicate_type == DEPLOYMENT:
        data = {**data, "deployment": deploy(tx, version, Deployment.read(statement.predicate))}
    index = tx.record(EventType.ATTESTATION_RECORDED, data)
    # What it keeps beside itself is stored, and the signer's to use.
    take(tx, ModelName.parse(version.name).namespace, list_attachments(statement))
    describe_claim(tx.unit, version, statement, index)
    describe_deployment(tx.unit, data, index)
    return index


def _check_right(tx: Transaction, version: VersionRecord, statement: Statement) -> None:
    namespace = ModelName.parse(version.name).namespace
    if statement.predicate_type == VERDICT and tx.actor != REGISTRY:
        # A verdict is the registry's word; nobody else's may look like it.
        raise NotPermitted(principal=tx.actor, act="sign a verdict", namespace=namespace)
    if statement.predicate_type == SCAN and Scan(statement.predicate).tool == OWN_TOOL:
        # So with its scans, which are recorded without this check.
        raise NotPermitted(principal=tx.actor, act=f"sign a scan by {OWN_TOOL}", namespace=namespace)
    tx.require(Act.APPROVE if statement.predicate_type == APPROVAL else Act.ATTEST, namespace)
