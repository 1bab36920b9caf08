"""Claims of the registry itself: verdicts, tombstones and scans, signed with its own key."""

from muniment.core.backend import Stored
from muniment.core.canonical import JsonObject
from muniment.core.digests import Digest
from muniment.core.events import AttestationRecorded
from muniment.core.names import ModelName
from muniment.core.people.callers import REGISTRY, Assurance
from muniment.core.records import AttestationRecord, VersionRecord
from muniment.services.bytes.custody import hold
from muniment.services.transaction import RegistryKeys, Transaction
from muniment.signing.statements import attest


def sign_own(keys: RegistryKeys, version: VersionRecord, predicate_type: str, predicate: JsonObject) -> bytes:
    """Sign a claim about a version as the registry; give its bundle."""
    reference = f"{version.name}@{version.number}"
    return attest(
        Digest.parse(version.revision), reference, predicate_type, predicate, keys.verdicts
    ).encode()


def record_own(tx: Transaction, version: VersionRecord, predicate_type: str, predicate: JsonObject) -> Digest:
    """Sign a claim about a version as the registry, store and record it; give its digest."""
    data = sign_own(tx.keys, version, predicate_type, predicate)
    tx.unit.blobs.add_documents([data])
    return record_stored(tx, version, predicate_type, data)


def record_stored(tx: Transaction, version: VersionRecord, predicate_type: str, data: bytes) -> Digest:
    """Record a bundle that the registry has signed and stored, unless it is on record; give its digest."""
    digest = Digest.of(data)
    if tx.unit.projections.find(AttestationRecord, (version.name, version.revision, str(digest))) is not None:
        # With a clock that stands still, the registry can make the same statement twice.
        return digest
    name = ModelName.parse(version.name)
    hold(tx, name.namespace, [Stored(digest=digest, size_bytes=len(data))])
    tx.record(
        AttestationRecorded(
            name=name,
            revision=Digest.parse(version.revision),
            attestation=digest,
            predicate_type=predicate_type,
            signer=REGISTRY,
            key=tx.keys.verdicts.public.id,
            assurance=Assurance.KEY,
        )
    )
    return digest
