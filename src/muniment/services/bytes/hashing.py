"""SHA-256 with a state that can be saved, so that another request can continue an upload.

OpenSSL's functions let other threads run while they hash. Those of `rehashes` do not; they are the fallback
where Python does not share its OpenSSL (some builds link it statically). Both use the state format of
`rehashes`, so replicas of either kind can continue each other's uploads.
"""

import ctypes
import hashlib
import struct
from functools import cache
from importlib.util import find_spec
from typing import Final, Protocol

import rehashes

from muniment.core.bytes.hashing import Hasher
from muniment.core.digests import Digest

_BLOCK_BYTES: Final = 64
# The eight words, the number of hashed blocks, the number of bytes of the next block, and those bytes.
_STATE: Final = struct.Struct(f"<8IQB{_BLOCK_BYTES - 1}s")


class Hashing(Hasher, Protocol):
    """A sha256 that can be continued elsewhere, until `finish`."""

    def save(self) -> bytes:
        """Return the state."""


def start_hashing(state: bytes = b"") -> Hashing:
    """Start a hash, or continue from a state."""
    library = load_openssl()
    return PortableHashing(state) if library is None else OpenSslHashing(library, state)


class _Context(ctypes.Structure):
    """`SHA256_CTX` of OpenSSL's `sha.h`: public, unlike most of its structures."""

    _fields_ = (
        ("words", ctypes.c_uint32 * 8),
        ("low_bits", ctypes.c_uint32),
        ("high_bits", ctypes.c_uint32),
        ("rest", ctypes.c_ubyte * _BLOCK_BYTES),
        ("count", ctypes.c_uint),
        ("digest_bytes", ctypes.c_uint),
    )


class OpenSslHashing:
    """A sha256 by the OpenSSL of `hashlib`."""

    def __init__(self, library: ctypes.CDLL, state: bytes = b"") -> None:
        """Start, or continue from a state."""
        self._library = library
        self._context = _Context()
        library.SHA256_Init(self._context)
        if state:
            *words, blocks, count, rest = _STATE.unpack(state)
            bits = (blocks * _BLOCK_BYTES + count) * 8
            self._context.words[:] = words
            self._context.low_bits, self._context.high_bits = bits & 0xFFFF_FFFF, bits >> 32
            self._context.rest[:count] = rest[:count]
            self._context.count = count

    def update(self, data: bytes | memoryview) -> None:
        """Hash more bytes."""
        # This does not copy `bytes`.
        self._library.SHA256_Update(self._context, bytes(data), len(data))

    def save(self) -> bytes:
        """Return the state."""
        context = self._context
        blocks = (context.high_bits << 32 | context.low_bits) // (_BLOCK_BYTES * 8)
        return _STATE.pack(*context.words, blocks, context.count, bytes(context.rest[: context.count]))

    def finish(self) -> Digest:
        """Return the digest."""
        digest = ctypes.create_string_buffer(hashlib.sha256().digest_size)
        self._library.SHA256_Final(digest, self._context)
        return Digest(digest.raw.hex())


class PortableHashing:
    """A sha256 by `rehashes`."""

    def __init__(self, state: bytes = b"") -> None:
        """Start, or continue from a state."""
        self._hasher = rehashes.PySha256.deserialize(state) if state else rehashes.PySha256()

    def update(self, data: bytes | memoryview) -> None:
        """Hash more bytes."""
        self._hasher.update(data)

    def save(self) -> bytes:
        """Return the state."""
        return bytes(self._hasher.serialize())

    def finish(self) -> Digest:
        """Return the digest."""
        return Digest(self._hasher.finalize())


@cache
def load_openssl() -> ctypes.CDLL | None:
    """Load OpenSSL's functions; None if that is impossible or their state has another layout."""
    context = ctypes.POINTER(_Context)
    module = find_spec("_hashlib")
    try:
        # Without its own file, the module is part of the program, perhaps together with OpenSSL.
        library = ctypes.CDLL(module.origin if module is not None and module.has_location else None)
        library.SHA256_Init.argtypes = [context]
        library.SHA256_Update.argtypes = [context, ctypes.c_char_p, ctypes.c_size_t]
        library.SHA256_Final.argtypes = [ctypes.c_char_p, context]
    except (AttributeError, OSError):
        return None
    return library if _agree(library) else None


def _agree(library: ctypes.CDLL) -> bool:
    data = bytes(range(_BLOCK_BYTES + 1))
    begun = PortableHashing(), OpenSslHashing(library)
    for hasher in begun:
        hasher.update(data)
    states = [hasher.save() for hasher in begun]
    ended = OpenSslHashing(library, states[0]), PortableHashing(states[1])
    for hasher in ended:
        hasher.update(data)
    return all(hasher.finish() == Digest.of(data + data) for hasher in ended)
