"""Copy bytes while hashing them, by chunks that stay in the cache of a core from one to the other."""

from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, Protocol, runtime_checkable

from typing_extensions import Buffer

CHUNK_BYTES: Final = 1 << 20


class Hasher(Protocol):
    """What hashes as bytes pass."""

    def update(self, data: Buffer, /) -> None:
        """Take bytes."""

    def hexdigest(self) -> str:
        """Give the digest."""


@runtime_checkable
class Viewed(Protocol):
    """A stream that holds its bytes in memory."""

    def views(self) -> Iterator[memoryview]:
        """Give the bytes that follow by chunks, not copied; each holds until the next is asked for."""


def copy(
    source: BinaryIO, target: BinaryIO, hasher: Hasher, on_bytes: Callable[[int], None] | None = None
) -> None:
    """Copy a stream to its end. Raises OSError: the target cannot be written."""
    for data in _read_chunks(source):
        hasher.update(data)
        _write_all(target, data)
        if on_bytes is not None:
            on_bytes(len(data))


def hash_rest(source: BinaryIO, hasher: Hasher) -> None:
    """Hash a stream to its end."""
    for data in _read_chunks(source):
        hasher.update(data)


def _read_chunks(source: BinaryIO) -> Iterator[memoryview]:
    if isinstance(source, Viewed):
        yield from source.views()
        return
    buffer = memoryview(bytearray(CHUNK_BYTES))
    while count := source.readinto(buffer):  # type: ignore[attr-defined] # every binary stream has it
        yield buffer[:count]


def _write_all(target: BinaryIO, data: memoryview) -> None:
    while data:
        data = data[target.write(data) :]
