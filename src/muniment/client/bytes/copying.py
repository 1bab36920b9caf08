"""Copy and hash bytes in chunks small enough for the cache of a core."""

from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol, runtime_checkable

from muniment.core.bytes.hashing import BackgroundHasher, rotate_buffers


@runtime_checkable
class Viewed(Protocol):
    """A stream that holds its bytes in memory."""

    def views(self) -> Iterator[memoryview]:
        """Yield the following bytes in chunks; each is valid while the next two are used."""


def copy(
    source: BinaryIO,
    target: BinaryIO,
    hasher: BackgroundHasher,
    on_bytes: Callable[[int], None] | None = None,
) -> None:
    """Copy a stream to its end. Raises OSError if the target cannot be written."""
    for data in _read_chunks(source):
        hasher.update(data)
        _write_all(target, data)
        if on_bytes is not None:
            on_bytes(len(data))


def hash_rest(source: BinaryIO, hasher: BackgroundHasher) -> None:
    """Hash a stream to its end."""
    for data in _read_chunks(source):
        hasher.update(data)


def _read_chunks(source: BinaryIO) -> Iterator[memoryview]:
    if isinstance(source, Viewed):
        yield from source.views()
        return
    for buffer in rotate_buffers():
        count = source.readinto(buffer)  # type: ignore[attr-defined] # every binary stream has it
        if not count:
            return
        yield buffer[:count]


def _write_all(target: BinaryIO, data: memoryview) -> None:
    while data:
        data = data[target.write(data) :]
