"""Keys: ECDSA P-256 and Ed25519, as PEM; SSH keys, as OpenSSH writes them; and passkeys.

A key's id is the sha256 of its public key's PEM bytes, in hex, as in the bundles of OpenSSF Model Signing.
The id of an SSH key or a passkey is the sha256 of its line, without a comment. SSH keys sign with
`ssh-keygen -Y sign -n muniment`.
"""

import hashlib
import importlib
import os
import secrets
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sshsig import PublicKey as SshKey
from sshsig import verify as verify_ssh

from muniment.core.errors import InvalidKey
from muniment.signing.passkeys import KIND as PASSKEY_KIND
from muniment.signing.passkeys import Passkey

_PRIVATE: Final = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_PUBLIC: Final = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
_PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_PublicKey: TypeAlias = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

_NAME_ONE: Final = "name a private key (--identity, MUNIMENT_IDENTITY), or make one: muniment key new FILE"
_NAME_ANOTHER: Final = "name a new file, in a directory that you can write: a key is never overwritten"
# A private key file is read whole; the largest that we write is below 1 kB.
_MAX_PEM_BYTES: Final = 16_384
# A signature of an SSH key for Muniment is valid for nothing else (PROTOCOL.sshsig, namespace).
SSH_NAMESPACE: Final = "muniment"
_SSH_KINDS: Final = (b"ssh-ed25519 ", b"ssh-rsa ")
_MIN_RSA_BITS: Final = 3072


class Algorithm(StrEnum):
    """The kind of a key."""

    P256 = "ecdsa-p256"
    ED25519 = "ed25519"
    SSH = "ssh"
    PASSKEY = "passkey"


@dataclass(frozen=True)
class PublicKey:
    """A key that verifies signatures."""

    _key: _PublicKey | SshKey | Passkey

    def __repr__(self) -> str:
        """Name the key."""
        return f"<PublicKey {self.id:.16}>"

    @classmethod
    def read(cls, pem: bytes) -> "PublicKey":
        """Read a PEM (SubjectPublicKeyInfo), or the line of an SSH key or a passkey.

        Raises:
            InvalidKey: it is not a P-256 or Ed25519 public key, an Ed25519 or RSA SSH key, or a passkey.
        """
        return cls._read(pem)

    # A registry reads the same few keys again and again.
    @classmethod
    @lru_cache(maxsize=1024)
    def _read(cls, pem: bytes) -> "PublicKey":
        if pem.startswith(_SSH_KINDS):
            return cls(_read_ssh(pem[:_MAX_PEM_BYTES]))
        if pem.startswith(PASSKEY_KIND):
            return cls(Passkey.read(pem[:_MAX_PEM_BYTES]))
        try:
            key = serialization.load_pem_public_key(pem[:_MAX_PEM_BYTES])
        except (ValueError, UnsupportedAlgorithm) as error:
            raise InvalidKey(reason="not a PEM public key") from error
        if not isinstance(key, _PUBLIC):
            raise InvalidKey(reason="neither ECDSA P-256 nor Ed25519")
        return cls(_check_curve(key))

    @property
    def algorithm(self) -> Algorithm:
        """The kind of the key."""
        if isinstance(self._key, SshKey):
            return Algorithm.SSH
        if isinstance(self._key, Passkey):
            return Algorithm.PASSKEY
        is_ec = isinstance(self._key, ec.EllipticCurvePublicKey)
        return Algorithm.P256 if is_ec else Algorithm.ED25519

    @cached_property
    def pem(self) -> bytes:
        """The key as PEM (SubjectPublicKeyInfo), or as its line without a comment."""
        if isinstance(self._key, SshKey):
            return self._key.openssh_str().encode()
        if isinstance(self._key, Passkey):
            return self._key.write()
        return self._key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @cached_property
    def id(self) -> str:
        """The sha256 of the PEM, 64 hex digits."""
        return hashlib.sha256(self.pem).hexdigest()

    @property
    def raw(self) -> bytes:
        """The 32 bytes of an Ed25519 key.

        Raises:
            InvalidKey: it is not an Ed25519 key.
        """
        if not isinstance(self._key, ed25519.Ed25519PublicKey):
            raise InvalidKey(reason="the log needs an Ed25519 key")
        return self._key.public_bytes_raw()

    @classmethod
    def of_raw(cls, raw: bytes) -> "PublicKey":
        """Read the 32 bytes of an Ed25519 key.

        Raises:
            InvalidKey: they are not an Ed25519 public key.
        """
        try:
            return cls(ed25519.Ed25519PublicKey.from_public_bytes(raw))
        except ValueError as error:
            raise InvalidKey(reason="not an Ed25519 public key") from error

    def is_signature(self, signature: bytes, message: bytes) -> bool:
        """Return whether this key made the signature over the message."""
        if isinstance(self._key, SshKey):
            return _is_ssh_signature(self._key, signature, message)
        if isinstance(self._key, Passkey):
            # Loaded only for passkeys: the WebAuthn library costs more than the rest of a command.
            assertions = importlib.import_module("muniment.signing.assertions")
            return bool(assertions.is_signature(self._key, signature, message))
        try:
            if isinstance(self._key, ec.EllipticCurvePublicKey):
                self._key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
            else:
                self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key, which signs."""

    _key: _PrivateKey

    def __repr__(self) -> str:
        """Name the key, and not what is secret of it."""
        return f"<Identity {self.public.id:.16}>"

    @classmethod
    def generate(cls, algorithm: Algorithm = Algorithm.P256) -> "Identity":
        """Generate a new key."""
        if algorithm is Algorithm.P256:
            return cls(ec.generate_private_key(ec.SECP256R1()))
        return cls(ed25519.Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path, passphrase: str | None = None) -> "Identity":
        """Read a private key file (PKCS #8 PEM).

        Raises:
            InvalidKey: it is missing, open to others, encrypted under another passphrase, or not a key.
        """
        try:
            with path.open("rb") as file:
                mode, pem = os.fstat(file.fileno()).st_mode, file.read(_MAX_PEM_BYTES)
        except OSError as error:
            raise InvalidKey(reason=f"{path}: {error.strerror}", remedy=_NAME_ONE) from error
        if mode & 0o077:
            raise InvalidKey(reason=f"{path} can be read by others: run chmod 600 on it")
        secret = os.fsencode(passphrase) if passphrase else None
        try:
            key = serialization.load_pem_private_key(pem, secret)
        except (TypeError, ValueError, UnsupportedAlgorithm) as error:
            raise InvalidKey(reason=f"{path} is not a private key, or the passphrase is wrong") from error
        if not isinstance(key, _PRIVATE):
            raise InvalidKey(reason=f"{path} is neither ECDSA P-256 nor Ed25519")
        _check_curve(key.public_key())
        return cls(key)

    def save(self, path: Path, passphrase: str | None = None) -> None:
        """Write a new private key file: mode 0600, encrypted if there is a passphrase.

        Raises:
            InvalidKey: the file exists or cannot be written.
        """
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            encryption = serialization.BestAvailableEncryption(os.fsencode(passphrase))
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )
        # Written under another name first, so that a crash never leaves a partial key.
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                # A write on a full disk may take a part only: a file object goes on, or raises.
                with os.fdopen(descriptor, "wb") as file:
                    file.write(pem)
                    file.flush()
                    os.fsync(file.fileno())
                os.link(temporary, path)
            finally:
                temporary.unlink()
        except OSError as error:
            raise InvalidKey(reason=f"{path}: {error.strerror}", remedy=_NAME_ANOTHER) from error

    @property
    def public(self) -> PublicKey:
        """The key that verifies what this one signs."""
        return PublicKey(self._key.public_key())

    def sign(self, message: bytes) -> bytes:
        """Sign: ECDSA with SHA-256 in DER, or Ed25519 in 64 bytes; again, the signature is the same."""
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            # RFC 6979: a statement that is signed again is the same bundle, so its receipt confirms it.
            return self._key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return self._key.sign(message)

    def derive(self, purpose: str) -> bytes:
        """Derive 32 secret bytes for one purpose, which only the holder of this key can do (RFC 5869)."""
        secret = self._key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret)


def _read_ssh(line: bytes) -> SshKey:
    try:
        key = SshKey.from_openssh_str(line.decode("ascii"))
        known = serialization.load_ssh_public_key(line)
    except (ValueError, NotImplementedError, UnsupportedAlgorithm) as error:
        raise InvalidKey(reason="not an Ed25519 or RSA SSH key") from error
    if isinstance(known, rsa.RSAPublicKey) and known.key_size < _MIN_RSA_BITS:
        raise InvalidKey(reason=f"the RSA key has {known.key_size} bits, expected at least {_MIN_RSA_BITS}")
    return key


def _is_ssh_signature(key: SshKey, signature: bytes, message: bytes) -> bool:
    try:
        verify_ssh(message, signature, [key], SSH_NAMESPACE)
    except Exception:  # noqa: BLE001 - anything that the library cannot read is not a signature
        return False
    return True


def _check_curve(key: _PublicKey) -> _PublicKey:
    if isinstance(key, ec.EllipticCurvePublicKey) and not isinstance(key.curve, ec.SECP256R1):
        raise InvalidKey(reason=f"the curve {key.curve.name} is not P-256")
    return key
