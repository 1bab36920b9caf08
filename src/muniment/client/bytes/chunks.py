"""Read and hash bytes in chunks."""

import io
import os
from collections.abc import Callable, Iterator
from typing import BinaryIO

from muniment.core.bytes.hashing import CHUNK_BYTES, BackgroundHasher, rotate_buffers
from muniment.core.digests import Digest
from muniment.core.errors import LengthMismatch


def hash_beforehand(source: BinaryIO, size: int) -> Digest:
    """Hash a stream that is read again later, without counting its bytes."""
    with BackgroundHasher() as hasher:
        if isinstance(source, io.FileIO):
            for chunk in read_range(source, 0, size):
                hasher.update(chunk)
        else:
            hash_until(source, size, hasher)
        return hasher.finish()


def hash_until(source: BinaryIO, offset: int, hasher: BackgroundHasher) -> None:
    """Hash a stream from the beginning up to an offset."""
    source.seek(0)
    for chunk in read_chunks(source, offset):
        hasher.update(chunk)


def hash_each(chunks: Iterator[memoryview], hasher: BackgroundHasher) -> Iterator[memoryview]:
    """Pass chunks on while hashing them."""
    for chunk in chunks:
        hasher.update(chunk)
        yield chunk


def read_range(
    source: io.FileIO, start: int, size: int, on_bytes: Callable[[int], None] | None = None
) -> Iterator[memoryview]:
    """Read a range of a file that other threads may read too. Chunks are valid as in `read_chunks`."""
    buffers = rotate_buffers()
    while size > 0:
        buffer = next(buffers)
        count = os.preadv(source.fileno(), [buffer[: min(CHUNK_BYTES, size)]], start)
        if not count:
            raise LengthMismatch(expected=size, actual=0)
        start, size = start + count, size - count
        if on_bytes is not None:
            on_bytes(count)
        yield buffer[:count]


def read_chunks(source: BinaryIO, count: int) -> Iterator[memoryview]:
    """Read `count` bytes in chunks; each chunk is valid until two more have been read."""
    buffers = rotate_buffers()
    while count > 0:
        buffer = next(buffers)
        size = source.readinto(buffer[: min(CHUNK_BYTES, count)])  # type: ignore[attr-defined] # every binary stream has it
        if not size:
            raise LengthMismatch(expected=count, actual=0)
        count -= size
        yield buffer[:size]
