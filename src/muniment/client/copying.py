"""Copy bytes while hashing them, by chunks that stay in the cache of a core from one to the other."""

from collections.abc import Callable
from typing import BinaryIO, Final, Protocol

from typing_extensions import Buffer

_CHUNK_BYTES: Final = 1 << 20


class Hasher(Protocol):
    """What hashes as bytes pass."""

    def update(self, data: Buffer, /) -> None:
        """Take bytes."""

    def hexdigest(self) -> str:
        """Give the digest."""


def copy(
    source: BinaryIO, target: BinaryIO, hasher: Hasher, on_bytes: Callable[[int], None] | None = None
) -> None:
    """Copy a stream to its end. Raises OSError: the target cannot be written."""
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    while count := source.readinto(buffer):  # type: ignore[attr-defined] # every binary stream has it
        hasher.update(buffer[:count])
        _write_all(target, buffer[:count])
        if on_bytes is not None:
            on_bytes(count)


def hash_rest(source: BinaryIO, hasher: Hasher) -> None:
    """Hash a stream to its end."""
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    while count := source.readinto(buffer):  # type: ignore[attr-defined] # every binary stream has it
        hasher.update(buffer[:count])


def _write_all(target: BinaryIO, data: memoryview) -> None:
    while data:
        data = data[target.write(data) :]
