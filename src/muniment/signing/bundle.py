"""Bundles: one signed statement in the Sigstore bundle v0.3 form.

The signed bytes are kept as they came: verification never re-encodes them.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from muniment.core import canonical
from muniment.core.canonical import Json
from muniment.core.claims.attestations import PAYLOAD_TYPE, Statement, read_statement
from muniment.core.errors import BadSignature, InvalidAttestation, InvalidDocument
from muniment.signing.dsse import encode_for_signing
from muniment.signing.keys import Identity, PublicKey

MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
# A content signature over 100,000 files is 16.5 MB.
MAX_BUNDLE_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A statement's bytes, its signature, and the id of the key that claims to have made it."""

    payload: bytes
    signature: bytes
    key_id: str

    def __repr__(self) -> str:
        """Name the key, and not the bytes."""
        return f"<Bundle signed by key {self.key_id:.16}>"

    def encode(self) -> bytes:
        """Write the bundle (sigstore protobuf-specs, bundle v0.3, as JSON)."""
        return json.dumps(
            {
                "mediaType": MEDIA_TYPE,
                "verificationMaterial": {"publicKey": {"hint": self.key_id}, "tlogEntries": []},
                "dsseEnvelope": {
                    "payload": base64.b64encode(self.payload).decode(),
                    "payloadType": PAYLOAD_TYPE,
                    "signatures": [{"sig": base64.b64encode(self.signature).decode(), "keyid": ""}],
                },
            },
            separators=(",", ":"),
        ).encode()

    @classmethod
    def decode(cls, data: bytes) -> "Bundle":
        """Read a bundle that holds one DSSE signature by a key.

        Raises:
            InvalidAttestation: it is not such a bundle.
        """
        if len(data) > MAX_BUNDLE_BYTES:
            raise InvalidAttestation(reason="the bundle is too large")
        try:
            document = canonical.decode(data)
            envelope = _object(document, "dsseEnvelope")
            hint = _object(_object(document, "verificationMaterial"), "publicKey")["hint"]
            signatures = envelope["signatures"]
            if document["mediaType"] != MEDIA_TYPE or envelope["payloadType"] != PAYLOAD_TYPE:
                raise InvalidAttestation(reason="not a Sigstore bundle v0.3 of an in-toto statement")
            if not isinstance(signatures, list) or len(signatures) != 1:
                raise InvalidAttestation(reason="the bundle must hold exactly one signature")
            return cls(
                payload=_base64(envelope["payload"]),
                signature=_base64(signatures[0]["sig"] if isinstance(signatures[0], Mapping) else None),
                key_id=str(hint),
            )
        except (InvalidDocument, KeyError, TypeError, binascii.Error) as error:
            raise InvalidAttestation(reason="not a Sigstore bundle v0.3 signed by a key") from error


def sign_statement(payload: bytes, identity: Identity) -> Bundle:
    """Sign a statement's bytes."""
    signature = identity.sign(encode_for_signing(PAYLOAD_TYPE, payload))
    return Bundle(payload=payload, signature=signature, key_id=identity.public.id)


def verify_bundle(bundle: Bundle, key: PublicKey) -> Statement:
    """Verify a bundle against the key of its signer, and read its statement.

    The caller MUST have checked that `key` belongs to the principal who counts as the signer, that
    it was enrolled, unexpired and unrevoked at the time that matters, and MUST check afterwards that
    the statement is about the bytes at hand.

    Raises:
        BadSignature: the key did not sign these bytes.
        InvalidAttestation: the signed bytes are not a statement.
    """
    # (1) The bundle names this key: a hint to another key is a mix-up or an attack.
    if bundle.key_id != key.id:
        raise BadSignature(key_id=bundle.key_id)
    # (2) The signature covers the type and the exact payload bytes (DSSE PAE).
    if not key.is_signature(bundle.signature, encode_for_signing(PAYLOAD_TYPE, bundle.payload)):
        raise BadSignature(key_id=bundle.key_id)
    # (3) Only then are the bytes parsed.
    return read_statement(bundle.payload)


def _object(document: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    member = document[name]
    if not isinstance(member, Mapping):
        raise TypeError(name)
    return member


def _base64(text: Json) -> bytes:
    if not isinstance(text, str):
        raise TypeError
    return base64.b64decode(text, validate=True)
