"""The process that scans files: `python -m muniment.scanning.worker FD`.

It gets no keys, settings or addresses. It receives the names and sizes of files, asks for bytes, and answers
with findings. Its limits on memory and time end the process if a file exceeds them.
"""

import contextlib
import errno
import io
import json
import logging
import os
import resource
import sys
import warnings
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any, BinaryIO, Final, cast

from muniment.core.claims.scans import ScanFinding, keep_worst
from muniment.scanning.files import scan_file
from muniment.scanning.wire import ANSWER, MAX_READ_BYTES, Question, write_question

# Together with the server less than a gigabyte: if both share a limit, as in deploy/, ours is reached first.
_MAX_MEMORY_BYTES: Final = 768 << 20
_MAX_CPU_S: Final = 300
_IDLE_S: Final = 60.0
_NICENESS: Final = 10


class _Remote(io.RawIOBase):
    """A file that the other process reads for us."""

    def __init__(self, connection: "Connection[Any, Any]", index: int, size: int) -> None:
        super().__init__()
        self._connection = connection
        self._index = index
        self._size = size
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, "an offset before the beginning")
        self._place = base + offset
        return self._place

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override] # any buffer
        count = max(0, min(len(buffer), self._size - self._place, MAX_READ_BYTES))
        if not count:
            return 0
        self._connection.send_bytes(write_question(Question(self._index, self._place, count)))
        data = self._connection.recv_bytes(MAX_READ_BYTES)
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


def main() -> None:
    """Answer requests until there are no more."""
    os.nice(_NICENESS)
    logging.disable()
    warnings.simplefilter("ignore")
    # Not every system has this limit.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    connection: Connection[Any, Any] = Connection(int(sys.argv[1]))
    with contextlib.suppress(EOFError, OSError):
        while connection.poll(_IDLE_S):
            _bound_time()
            files = json.loads(connection.recv_bytes())
            worst = keep_worst(_scan_all(connection, files))
            connection.send_bytes(ANSWER + json.dumps(worst).encode())


def _bound_time() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    end = int(used.ru_utime + used.ru_stime) + _MAX_CPU_S
    resource.setrlimit(resource.RLIMIT_CPU, (end, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _scan_all(connection: "Connection[Any, Any]", files: list[tuple[str, int]]) -> Iterator[ScanFinding]:
    for index, (path, size) in enumerate(files):
        file = cast("BinaryIO", _Remote(connection, index, size))
        try:
            yield from scan_file(file, path, size)
        except MemoryError:
            yield ScanFinding("high", "file/unread", "its content is too large to scan", path)
        except Exception as error:  # noqa: BLE001 - any content that cannot be scanned is a finding
            message = f"its content cannot be scanned: {type(error).__name__}"
            yield ScanFinding("high", "file/unread", message, path)


if __name__ == "__main__":
    main()
