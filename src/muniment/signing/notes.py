"""Signed notes: how the log signs a checkpoint (C2SP signed-note, Ed25519).

A verifier key is written `name+hex(keyid)+base64(0x01 || public key)`.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from muniment.core.errors import InvalidKey, ProofInvalid
from muniment.signing.keys import Identity, PublicKey

_ED25519: Final = b"\x01"
KEY_ID_SIZE: Final = 4
_MAX_NOTE_BYTES: Final = 1_000_000
_DASH: Final = "— "


@dataclass(frozen=True)
class NoteVerifier:
    """The public side of a log: its name and key."""

    name: str
    key: PublicKey

    @classmethod
    def read(cls, text: str) -> "NoteVerifier":
        """Read a verifier key.

        Raises:
            InvalidKey: it is malformed, or its id does not match its key.
        """
        try:
            name, key_id, encoded = text.split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error) as error:
            raise InvalidKey(reason="not the verifier key of a log") from error
        verifier = cls(name, PublicKey.of_raw(raw[1:]))
        if raw[:1] != _ED25519 or verifier.key_id.hex() != key_id:
            raise InvalidKey(reason="not the verifier key of a log")
        return verifier

    @cached_property
    def key_id(self) -> bytes:
        """The four bytes that begin a signature line."""
        named = self.name.encode() + b"\n" + _ED25519 + self.key.raw
        return hashlib.sha256(named).digest()[:KEY_ID_SIZE]

    def __str__(self) -> str:
        """Write the verifier key."""
        encoded = base64.b64encode(_ED25519 + self.key.raw).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"


@dataclass(frozen=True)
class NoteSigner:
    """The private side of a log."""

    name: str
    identity: Identity

    @cached_property
    def verifier(self) -> NoteVerifier:
        """The public side."""
        return NoteVerifier(self.name, self.identity.public)

    def sign(self, text: bytes) -> bytes:
        """Sign a text that ends in a newline."""
        return text + b"\n" + write_line(self.name, self.verifier.key_id + self.identity.sign(text))


def open_note(note: bytes, verifier: NoteVerifier) -> bytes:
    """Verify a note and return its text. Signatures by other keys (witnesses) are ignored.

    The caller MUST have the verifier key from a source other than the note.

    Raises:
        ProofInvalid: it is malformed, the key did not sign it, or a signature in its name does not verify.
    """
    # (0) The size is bounded, and (1) every line is well formed.
    lines = read_lines(note)
    text = note.rpartition(b"\n\n")[0] + b"\n"
    # (2) Lines with our name and key id verify; (3) there is one such line.
    signed = False
    for name, blob in lines:
        if name != verifier.name or blob[:KEY_ID_SIZE] != verifier.key_id:
            continue
        if not verifier.key.is_signature(blob[KEY_ID_SIZE:], text):
            raise ProofInvalid(what="the signed checkpoint")
        signed = True
    if not signed:
        raise ProofInvalid(what="the signed checkpoint")
    return text


def read_lines(note: bytes) -> list[tuple[str, bytes]]:
    """Read the signatures of a note, without verifying them: names, and key ids followed by signatures.

    Raises:
        ProofInvalid: it is malformed.
    """
    _, separator, lines = note[:_MAX_NOTE_BYTES].rpartition(b"\n\n")
    if len(note) > _MAX_NOTE_BYTES or not separator or not lines.endswith(b"\n"):
        raise ProofInvalid(what="the signed checkpoint")
    return [_read_line(line) for line in lines[:-1].split(b"\n")]


def write_line(name: str, blob: bytes) -> bytes:
    """Write a signature: a key id of four bytes, and what it signed with."""
    return f"{_DASH}{name} {base64.b64encode(blob).decode()}\n".encode()


def _read_line(line: bytes) -> tuple[str, bytes]:
    try:
        dash, name, encoded = line.decode().split(" ")
        blob = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error) as error:
        raise ProofInvalid(what="the signed checkpoint") from error
    if f"{dash} " != _DASH or len(blob) <= KEY_ID_SIZE:
        raise ProofInvalid(what="the signed checkpoint")
    return name, blob
