"""Hash bytes in a separate thread, while the caller writes them or reads on."""

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import cycle
from typing import Final, Protocol, Self

from muniment.core.digests import Digest

# Small enough to stay in the cache of a core from one use to the next.
CHUNK_BYTES: Final = 1 << 20
# With only one, each thread would wait whenever the other is slow for a moment.
_MOST_WAITING: Final = 2
# Fewer bytes are hashed faster than they are handed to another thread.
_WORTH_BYTES: Final = 64 << 10


class Hasher(Protocol):
    """An unfinished sha256."""

    def update(self, data: bytes | memoryview) -> None:
        """Hash more bytes."""

    def finish(self) -> Digest:
        """Return the digest."""


class BackgroundHasher:
    """Hashes bytes as they pass. Its thread ends with the `with` block."""

    def __init__(self, hasher: Hasher | None = None) -> None:
        """Start a new hash, or continue a hasher that lets other threads run."""
        self._hasher = hasher or _Sha256()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hashing")
        self._waiting: deque[Future[None]] = deque()

    def update(self, *parts: bytes | memoryview) -> None:
        """Take the next bytes. They MUST stay unchanged until two more calls have returned."""
        if sum(map(len, parts)) < _WORTH_BYTES:
            self.settle()
            self._hash(parts)
            return
        self._wait(_MOST_WAITING - 1)
        self._waiting.append(self._thread.submit(self._hash, parts))

    def settle(self) -> None:
        """Wait until all bytes are hashed."""
        self._wait(0)

    def finish(self) -> Digest:
        """Return the digest of all bytes."""
        self.settle()
        return self._hasher.finish()

    def __enter__(self) -> Self:
        """Return the hasher."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread."""
        self.close()

    def close(self) -> None:
        """End the thread, once it has hashed all bytes."""
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
    """Yield a few buffers in turn, endlessly: one is filled while the others are hashed.

    The first two are small, because most files are and new memory takes time to allocate.
    """
    yield from (memoryview(bytearray(_WORTH_BYTES)) for _ in range(2))
    buffers = []
    for _ in range(_MOST_WAITING + 1):
        buffers.append(memoryview(bytearray(CHUNK_BYTES)))
        yield buffers[-1]
    yield from cycle(buffers)
