"""The bytes of a pickle, with the frames of protocol 4.

An unpickler reads a frame at once. If a read crosses its end, the Python unpickler refuses, but the C
unpickler drops the beginning and so reads another name than the file has.
"""

import io
from typing import BinaryIO, Final

from muniment.scanning.faults import Malformed

# Longer texts are not names.
MAX_TEXT_BYTES: Final = 1 << 16
_MAX_BYTES: Final = 1 << 62


class Tape:
    """Reads a file, and remembers whether a read crossed the end of a frame (`crossed`)."""

    def __init__(self, file: BinaryIO) -> None:
        """Read from the current position of a file."""
        self._file = file
        # The rest of the frame; 0 outside frames.
        self._left = 0
        self.crossed = False

    def read(self, count: int) -> bytes:
        """Read exactly `count` bytes.

        Raises:
            Malformed: there are fewer.
        """
        data = self._file.read(count)
        if len(data) < count:
            raise Malformed(reason="it ends too early")
        self._pass(count)
        return data

    def read_line(self) -> bytes | None:
        """Read a line with its end; None if it is too long for a name.

        Raises:
            Malformed: there is no line.
        """
        line = self._file.readline(MAX_TEXT_BYTES)
        if not line:
            raise Malformed(reason="it ends too early")
        count, part = len(line), line
        while part and not part.endswith(b"\n"):
            part = self._file.readline(MAX_TEXT_BYTES)
            count += len(part)
        self._pass(count)
        return line if count == len(line) else None

    def skip(self, count: int) -> None:
        """Skip `count` bytes. Raises like `read`."""
        skip(self._file, count)
        self._pass(count)

    def begin_frame(self, size: int) -> None:
        """Begin a frame of `size` bytes."""
        self.crossed = self.crossed or self._left > 0
        self._left = size

    def leave(self) -> None:
        """Leave the frame: other code reads on in the file without regard for frames."""
        self.crossed = self.crossed or self._left > 0
        self._left = 0

    def _pass(self, count: int) -> None:
        if self._left:
            self.crossed = self.crossed or count > self._left
            self._left = max(0, self._left - count)


def skip(file: BinaryIO, count: int) -> None:
    """Skip bytes.

    Raises:
        Malformed: there are fewer.
    """
    if not count:
        return
    if count > _MAX_BYTES:
        raise Malformed(reason="it has an impossible length")
    file.seek(count - 1, io.SEEK_CUR)
    if not file.read(1):
        raise Malformed(reason="it ends too early")
