"""Claims of the registry itself: verdicts and tombstones, signed with its own key."""

from muniment.core.backend import Stored
from muniment.core.callers import Assurance
from muniment.core.canonical import JsonObject
from muniment.core.digests import Digest
from muniment.core.events import EventType
from muniment.core.names import ModelName
from muniment.core.records import VersionRecord
from muniment.services.custody import hold
from muniment.services.transaction import REGISTRY, Transaction
from muniment.signing.statements import attest


def record_own(tx: Transaction, version: VersionRecord, predicate_type: str, predicate: JsonObject) -> Digest:
    """Sign a claim about a version as the registry, store and record it; give its digest."""
    reference = f"{version.name}@{version.number}"
    bundle = attest(Digest.parse(version.revision), reference, predicate_type, predicate, tx.keys.verdicts)
    data = bundle.encode()
    digest = tx.unit.blobs.add_documents([data])[0]
    hold(tx, ModelName.parse(version.name).namespace, [Stored(digest=digest, size_bytes=len(data))])
    event: JsonObject = {
        "name": version.name,
        "revision": version.revision,
        "attestation": str(digest),
        "predicate_type": predicate_type,
        "signer": REGISTRY,
        "key": tx.keys.verdicts.public.id,
        "assurance": str(Assurance.KEY),
    }
    tx.record(EventType.ATTESTATION_RECORDED, event)
    return digest
