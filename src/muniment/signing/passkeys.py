"""Passkeys (W3C WebAuthn): keys that an authenticator holds, and that sign for one origin only.

A passkey is kept as a line, as SSH keys are: `webauthn`, the origin, the credential's id and its public key
(COSE, RFC 9052), both in base64url. It never signs our bytes themselves: it signs what the browser says of
them, whose challenge is the sha256 of what is signed. The signature that we keep is the JSON object that
has both, so that it is verified again offline, years later.
"""

import base64
import binascii
import hashlib
import importlib
import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from muniment.core import canonical
from muniment.core.errors import InvalidDocument, InvalidKey

KIND: Final = b"webauthn "
# An assertion takes some 600 bytes.
_MAX_SIGNATURE_BYTES: Final = 8192
_PARTS: Final = ("authenticatorData", "clientDataJSON", "signature")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """The public half of a passkey.

    Attributes:
        origin: the origin that it signs for, `https://registry.example.org`.
        credential: the id by which its authenticator knows it, in base64url.
        key: its public key, COSE in base64url.
    """

    origin: str
    credential: str
    key: str

    @classmethod
    def read(cls, line: bytes) -> Self:
        """Read its line.

        Raises:
            InvalidKey: it is not one.
        """
        try:
            _, origin, credential, key = line.decode("ascii").split(" ")
            decode_base64url(credential)
            decode_base64url(key)
        except (ValueError, InvalidDocument) as error:
            raise InvalidKey(reason="not the line of a passkey") from error
        party_of(origin)
        return cls(origin=origin, credential=credential, key=key)

    def write(self) -> bytes:
        """Write its line."""
        return b"%b%b" % (KIND, f"{self.origin} {self.credential} {self.key}".encode())

    def is_signature(self, signature: bytes, message: bytes) -> bool:
        """Say whether its authenticator signed for the message, for its origin, with its user verified."""
        try:
            parts = canonical.decode(signature[:_MAX_SIGNATURE_BYTES])
        except InvalidDocument:
            return False
        if set(parts) != set(_PARTS):
            return False
        challenge = hashlib.sha256(message).digest()
        # The library costs more than all the rest of a command: whoever meets no passkey is spared it
        # (docs/decisions/0004-late-imports.md).
        assertions = importlib.import_module("muniment.signing.assertions")
        return bool(assertions.is_assertion(self, parts, challenge))


def party_of(origin: str) -> str:
    """Give the relying party of an origin: its host, which browsers take only if it is a name.

    Raises:
        InvalidKey: it is no https:// origin (http:// is for localhost), or an address of digits.
    """
    parts = urlsplit(origin)
    host = parts.hostname or ""
    secure = parts.scheme == "https" or (parts.scheme == "http" and host == "localhost")
    named = any(label and not label.isdigit() for label in host.split(".")[-1:]) and ":" not in host
    # Nothing else is in an origin: no user, no path, and its port is a number.
    written = f"{parts.scheme}://{parts.netloc}" == origin and re.fullmatch(
        r"[a-z0-9.-]+(:\d+)?", parts.netloc
    )
    if not secure or not named or not written:
        raise InvalidKey(
            reason=f"passkeys need a registry with a name, https://name or http://localhost, not {origin}"
        )
    return host


def write_signature(authenticator_data: str, client_data: str, signature: str) -> bytes:
    """Write a passkey's signature from the parts that a browser gives, each in base64url."""
    return canonical.encode(dict(zip(_PARTS, (authenticator_data, client_data, signature), strict=True)))


def decode_base64url(text: str) -> bytes:
    """Read base64url without padding (RFC 7515 2).

    Raises:
        InvalidDocument: it is not that.
    """
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidDocument(reason="not base64url") from error
    if encode_base64url(found) != text:
        raise InvalidDocument(reason="not base64url in its one form")
    return found


def encode_base64url(data: bytes) -> str:
    """Write base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
