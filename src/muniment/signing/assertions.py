"""What authenticators say, verified by the WebAuthn library. Loaded where there are passkeys."""

from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers.cose import COSEAlgorithmIdentifier

from muniment.core.canonical import JsonObject
from muniment.core.errors import InvalidKey
from muniment.signing.passkeys import Passkey, decode_base64url, encode_base64url, party_of

# ES256, EdDSA and RS256: what authenticators make (W3C WebAuthn 5.4.5, pubKeyCredParams).
_ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]


def is_assertion(passkey: Passkey, parts: JsonObject, challenge: bytes) -> bool:
    """Say whether an assertion is of a passkey, for a challenge, its user verified (W3C WebAuthn 7.2).

    Counters are not looked at: what was signed once is verified many times.
    """
    credential = {
        "id": passkey.credential,
        "rawId": passkey.credential,
        "type": "public-key",
        "response": dict(parts),
    }
    try:
        verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party_of(passkey.origin),
            expected_origin=passkey.origin,
            credential_public_key=decode_base64url(passkey.key),
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001 - whatever its reader trips over is no signature
        return False
    return True


def read_registration(registration: JsonObject, challenge: bytes, origin: str) -> Passkey:
    """Verify that a new passkey was made for a challenge at an origin, its user verified (W3C WebAuthn 7.1).

    Raises:
        InvalidKey: it was not, or is of a kind that we do not take.
    """
    party = party_of(origin)
    try:
        made = verify_registration_response(
            credential=dict(registration),
            expected_challenge=challenge,
            expected_rp_id=party,
            expected_origin=origin,
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
    except Exception as error:
        raise InvalidKey(reason=f"not a passkey made here: {error}"[:300]) from error
    return Passkey(
        origin=origin,
        credential=encode_base64url(made.credential_id),
        key=encode_base64url(made.credential_public_key),
    )
