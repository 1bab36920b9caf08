"""Hash bytes in a thread of its own: whoever has them writes them, or reads on, meanwhile."""

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import cycle
from typing import Final, Protocol, Self

from muniment.core.digests import Digest

# As much as stays in the cache of a core from one use to the next.
CHUNK_BYTES: Final = 1 << 20
# With one alone, each of the two threads would wait for the other whenever that is slow for a moment.
_MOST_WAITING: Final = 2
# Fewer bytes are hashed sooner than another thread would have taken them.
_WORTH_BYTES: Final = 64 << 10


class Hasher(Protocol):
    """A sha256 under way."""

    def update(self, data: bytes | memoryview) -> None:
        """Hash more bytes."""

    def finish(self) -> Digest:
        """Give the digest."""


class BackgroundHasher:
    """Hashes bytes as they pass. Its thread ends with the block that it is opened in."""

    def __init__(self, hasher: Hasher | None = None) -> None:
        """Begin with nothing, or go on with a hasher that lets other threads run."""
        self._hasher = hasher or _Sha256()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hashing")
        self._waiting: deque[Future[None]] = deque()

    def update(self, *parts: bytes | memoryview) -> None:
        """Take the bytes that follow. They MUST stay as they are until two calls more have returned."""
        if sum(map(len, parts)) < _WORTH_BYTES:
            self.settle()
            self._hash(parts)
            return
        self._wait(_MOST_WAITING - 1)
        self._waiting.append(self._thread.submit(self._hash, parts))

    def settle(self) -> None:
        """Wait until all is hashed that was taken."""
        self._wait(0)

    def finish(self) -> Digest:
        """Give the digest of all that was taken."""
        self.settle()
        return self._hasher.finish()

    def __enter__(self) -> Self:
        """Give the hasher."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread."""
        self.close()

    def close(self) -> None:
        """End the thread, once it has hashed what it was given."""
        self._thread.shutdown(wait=False)

    def _hash(self, parts: Sequence[bytes | memoryview]) -> None:
        for part in parts:
            self._hasher.update(part)

    def _wait(self, most: int) -> None:
        while len(self._waiting) > most:
            self._waiting.popleft().result()


class _Sha256:
    def __init__(self) -> None:
        self._hasher = hashlib.sha256()

    def update(self, data: bytes | memoryview) -> None:
        self._hasher.update(data)

    def finish(self) -> Digest:
        return Digest(self._hasher.hexdigest())


def rotate_buffers() -> Iterator[memoryview]:
    """Give a few buffers in turn, without end: one is filled while the others are hashed.

    The first two are small: most files are, and memory that was not used before takes time to be made.
    """
    yield from (memoryview(bytearray(_WORTH_BYTES)) for _ in range(2))
    buffers = []
    for _ in range(_MOST_WAITING + 1):
        buffers.append(memoryview(bytearray(CHUNK_BYTES)))
        yield buffers[-1]
    yield from cycle(buffers)
