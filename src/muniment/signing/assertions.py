"""Verify what authenticators sign, with the WebAuthn library.

The library costs more than the rest of a command, so this module is loaded for the first passkey
(docs/decisions/0004-late-imports.md).
"""

import hashlib
from typing import Final

from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers.cose import COSEAlgorithmIdentifier

from muniment.core import canonical
from muniment.core.canonical import JsonObject
from muniment.core.errors import InvalidDocument, InvalidKey
from muniment.signing.passkeys import PARTS, Passkey, decode_base64url, encode_base64url, party_of

# An assertion takes some 600 bytes.
_MAX_SIGNATURE_BYTES: Final = 8192
# ES256, EdDSA and RS256: the algorithms of authenticators (W3C WebAuthn 5.4.5, pubKeyCredParams).
_ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]


def is_signature(passkey: Passkey, signature: bytes, message: bytes) -> bool:
    """Return whether a passkey signed a message for its origin, with its user verified (W3C WebAuthn 7.2).

    Counters are ignored, because one signature is verified many times.
    """
    try:
        parts = canonical.decode(signature[:_MAX_SIGNATURE_BYTES])
    except InvalidDocument:
        return False
    if set(parts) != set(PARTS):
        return False
    credential = {
        "id": passkey.credential,
        "rawId": passkey.credential,
        "type": "public-key",
        "response": parts,
    }
    try:
        verify_authentication_response(
            credential=credential,
            expected_challenge=hashlib.sha256(message).digest(),
            expected_rp_id=party_of(passkey.origin),
            expected_origin=passkey.origin,
            credential_public_key=decode_base64url(passkey.key),
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001 - anything that the library cannot read is not a signature
        return False
    return True


def read_registration(registration: JsonObject, challenge: bytes, origin: str) -> Passkey:
    """Verify that a new passkey answers a challenge at an origin, with its user verified (W3C WebAuthn 7.1).

    Raises:
        InvalidKey: it does not, or its algorithm is not supported.
    """
    party = party_of(origin)
    try:
        verified = verify_registration_response(
            credential=dict(registration),
            expected_challenge=challenge,
            expected_rp_id=party,
            expected_origin=origin,
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
    except Exception as error:
        raise InvalidKey(reason=f"the passkey was not made here: {error}"[:300]) from error
    return Passkey(
        origin=origin,
        credential=encode_base64url(verified.credential_id),
        key=encode_base64url(verified.credential_public_key),
    )
