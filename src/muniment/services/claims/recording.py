"""Record a claim that was verified, with what follows from it."""

from muniment.answers.deployments import deploy
from muniment.core.claims.attestations import DEPLOYMENT, Statement, kind_of
from muniment.core.claims.deployments import Deployment
from muniment.core.claims.provenance import list_attachments
from muniment.core.digests import Digest
from muniment.core.events import AttestationRecorded
from muniment.core.names import ModelName
from muniment.core.payloads import Payload, check_reason
from muniment.core.people.callers import Assurance
from muniment.core.records import KeyRecord, VersionRecord
from muniment.services.bytes.custody import take
from muniment.services.catalog.attributes import describe_deployment
from muniment.services.claims.describing import describe_claim
from muniment.services.transaction import Transaction


def record_claim(  # noqa: PLR0913, PLR0917 - one for each thing that the record of a claim holds
    tx: Transaction,
    version: VersionRecord,
    signer: KeyRecord,
    statement: Statement,
    digest: Digest,
    reason: Payload | None,
) -> int:
    """Record a claim; give its entry. The caller MUST have verified it, and checked that it may be made.

    Raises:
        ReasonNeeded: its reason is blank.
    """
    check_reason(reason, f"the claim ({kind_of(statement.predicate_type)})")
    name = ModelName.parse(version.name)
    is_deployment = statement.predicate_type == DEPLOYMENT
    event = AttestationRecorded(
        name=name,
        revision=Digest.parse(version.revision),
        attestation=digest,
        predicate_type=statement.predicate_type,
        signer=signer.principal,
        key=signer.id,
        assurance=Assurance(signer.assurance),
        reason=tx.keep(reason),
        deployment=deploy(tx.unit, version, Deployment.read(statement.predicate)) if is_deployment else None,
    )
    index = tx.record(event)
    # Its attachments must be stored, and the signer must be allowed to use them.
    take(tx, name.namespace, list_attachments(statement))
    describe_claim(tx.unit, version, statement, index)
    describe_deployment(tx.unit, event, index)
    return index
