"""Signers: that what was sent is signed by who sent it, with a key that counts now."""

from muniment.answers.documents import read_document
from muniment.answers.keys import get_valid_key
from muniment.core.claims.attestations import Statement
from muniment.core.digests import Digest
from muniment.core.errors import NotYourSignature
from muniment.core.records import KeyRecord
from muniment.services.transaction import Transaction
from muniment.signing.bundle import MAX_BUNDLE_BYTES, Bundle, verify_bundle
from muniment.signing.keys import PublicKey
from muniment.signing.schemas import check_predicate


def verify_sent(tx: Transaction, digest: Digest) -> tuple[KeyRecord, Statement]:
    """Verify a stored bundle that the actor sent; give the key that signed it and what it says.

    Raises:
        UnknownSigner, KeyRevoked, KeyExpired, RecoveryWaiting, RecoveryCancelled: its key does not count now.
        BadSignature: the signature does not verify over the bytes as they came.
        NotYourSignature: somebody else signed it.
        InvalidAttestation: it does not say what its kind has to say.
    """
    # (0) The bundle is whole and well formed.
    bundle = Bundle.decode(read_document(tx.unit, digest, MAX_BUNDLE_BYTES))
    # (1) Its key belongs to a principal, and is neither revoked nor expired now.
    key = _get_valid_key(tx, bundle.key_id)
    # (2) The signature verifies over the bytes as they came.
    statement = verify_bundle(bundle, PublicKey.read(key.public_key.encode()))
    # (3) Who sends it is who signed it.
    if key.principal != tx.actor:
        raise NotYourSignature(signer=key.principal, principal=tx.actor)
    # (4) It says what its kind has to say; kinds that we do not know are kept as they are.
    check_predicate(statement.predicate_type, statement.predicate)
    return key, statement


def _get_valid_key(tx: Transaction, key_id: str) -> KeyRecord:
    if key_id not in tx.known_keys:
        tx.known_keys[key_id] = get_valid_key(tx.unit, key_id, tx.time)
    return tx.known_keys[key_id]
