"""Record a claim about a version: evidence, an approval, or any other attestation."""

from muniment.answers.claims import read_revision
from muniment.answers.resolve import resolve
from muniment.core.digests import Digest
from muniment.core.errors import VersionNotFound
from muniment.core.verbs.claims import RecordAttestation
from muniment.services.people.reading import Sight
from muniment.services.transaction import Outcome, Transaction
from muniment.services.versions.admission import admit


def record_attestation(tx: Transaction, command: RecordAttestation) -> Outcome:
    """Verify a stored bundle and record it; the same bundle again returns the first record.

    Raises:
        VersionNotFound: it does not exist, or the actor may not read it; the error does not tell which.
    """
    if not Sight(tx.unit, tx.caller).sees(command.reference.name.namespace):
        raise VersionNotFound(reference=str(command.reference))
    version = resolve(tx.unit, command.reference)
    revision = read_revision(tx.unit, Digest.parse(version.revision))
    return admit(tx, version, revision, command.bundle, command.reason)
