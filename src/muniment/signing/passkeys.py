"""Passkeys (W3C WebAuthn): keys that an authenticator holds and that sign for one origin only.

A passkey is stored as a line, as SSH keys are: `webauthn`, the origin, the credential's id and its public key
(COSE, RFC 9052), both in base64url. It never signs our bytes themselves: it signs a statement of the browser
whose challenge is the sha256 of our bytes. The signature that we keep is a JSON object with the statement and
its signature, so it can be verified offline, years later (`signing.assertions`).
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from muniment.core import canonical
from muniment.core.errors import InvalidDocument, InvalidKey

KIND: Final = b"webauthn "
# The members of a signature.
PARTS: Final = ("authenticatorData", "clientDataJSON", "signature")


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
        """Read the line of a passkey.

        Raises:
            InvalidKey: it is not the line of a passkey.
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
        """Write the line."""
        return b"%b%b" % (KIND, f"{self.origin} {self.credential} {self.key}".encode())


def party_of(origin: str) -> str:
    """Return the relying party of an origin: its host, which browsers accept only if it is a name.

    Raises:
        InvalidKey: it is not an https:// origin (http:// is for localhost), or its host is an IP address.
    """
    try:
        parts = urlsplit(origin)
    except ValueError as error:
        raise InvalidKey(reason=f"{origin} is not the origin of a page") from error
    host = parts.hostname or ""
    secure = parts.scheme == "https" or (parts.scheme == "http" and host == "localhost")
    named = any(label and not label.isdigit() for label in host.split(".")[-1:]) and ":" not in host
    # An origin has neither a user nor a path, and its port is a number.
    written = f"{parts.scheme}://{parts.netloc}" == origin and re.fullmatch(
        r"[a-z0-9.-]+(:\d+)?", parts.netloc
    )
    if not secure or not named or not written:
        raise InvalidKey(
            reason=f"passkeys need an origin such as https://NAME or http://localhost, got {origin}"
        )
    return host


def write_signature(authenticator_data: str, client_data: str, signature: str) -> bytes:
    """Write a passkey's signature from the parts that a browser returns, each in base64url."""
    return canonical.encode(dict(zip(PARTS, (authenticator_data, client_data, signature), strict=True)))


def decode_base64url(text: str) -> bytes:
    """Read base64url without padding (RFC 7515 2).

    Raises:
        InvalidDocument: it is not base64url in its canonical form.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidDocument(reason="not base64url") from error
    if encode_base64url(data) != text:
        raise InvalidDocument(reason="not canonical base64url")
    return data


def encode_base64url(data: bytes) -> str:
    """Write base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
