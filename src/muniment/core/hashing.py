"""Hash bytes in a thread of its own: whoever has them writes them, or reads on, meanwhile."""

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import cycle
from typing import Final, Self

from muniment.core.digests import Digest

# As much as stays in the cache of a core from one use to the next.
CHUNK_BYTES: Final = 1 << 20
# With one alone, each of the two threads would wait for the other whenever that is slow for a moment.
_MOST_WAITING: Final = 2
# Fewer bytes are hashed sooner than another thread would have taken them.
_WORTH_BYTES: Final = 64 << 10


class BackgroundHasher:
    """A sha256 of bytes as they pass. Its thread ends with the block that it is opened in."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._hasher = hashlib.sha256()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hashing")
        self._waiting: deque[Future[None]] = deque()

    def update(self, data: memoryview) -> None:
        """Take the bytes that follow. They MUST stay as they are until two calls more have returned."""
        if data.nbytes < _WORTH_BYTES:
            self._wait(0)
            self._hasher.update(data)
            return
        self._wait(_MOST_WAITING - 1)
        self._waiting.append(self._thread.submit(self._hasher.update, data))

    def finish(self) -> Digest:
        """Give the digest of all that was taken."""
        self._wait(0)
        return Digest(self._hasher.hexdigest())

    def __enter__(self) -> Self:
        """Give the hasher."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread."""
        self._thread.shutdown()

    def _wait(self, most: int) -> None:
        while len(self._waiting) > most:
            self._waiting.popleft().result()


def rotate_buffers() -> Iterator[memoryview]:
    """Give a few buffers by turns, without end: one is filled while the others are hashed."""
    return cycle([memoryview(bytearray(CHUNK_BYTES)) for _ in range(_MOST_WAITING + 1)])
