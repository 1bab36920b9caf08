"""The bytes of a pickle, in the frames of protocol 4.

An unpickler takes the bytes of a frame from its file at once. What would be read across its end is refused by
the one in Python; the one in C lets go of the beginning, and reads another name than stands there.
"""

import io
from typing import BinaryIO, Final

from muniment.scanning.faults import Malformed

# Longer texts are no names.
MAX_TEXT_BYTES: Final = 1 << 16
_MAX_BYTES: Final = 1 << 62


class Tape:
    """Reads from a file, and remembers whether anything was read across the end of a frame (`crossed`)."""

    def __init__(self, file: BinaryIO) -> None:
        """Read from where the file stands."""
        self._file = file
        # What is left of the frame; 0 outside of frames.
        self._left = 0
        self.crossed = False

    def read(self, count: int) -> bytes:
        """Read so many bytes.

        Raises:
            Malformed: there are fewer.
        """
        data = self._file.read(count)
        if len(data) < count:
            raise Malformed(reason="it ends too early")
        self._pass(count)
        return data

    def read_line(self) -> bytes | None:
        """Read a line, with its end if it has one; None if it is too long to be a name.

        Raises:
            Malformed: there is none.
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
        """Pass over so many bytes. Raises like `read`."""
        skip(self._file, count)
        self._pass(count)

    def begin_frame(self, size: int) -> None:
        """Note that a frame of so many bytes begins."""
        self.crossed = self.crossed or self._left > 0
        self._left = size

    def leave(self) -> None:
        """Note that somebody else reads on in the file, who knows nothing of frames."""
        self.crossed = self.crossed or self._left > 0
        self._left = 0

    def _pass(self, count: int) -> None:
        if self._left:
            self.crossed = self.crossed or count > self._left
            self._left = max(0, self._left - count)


def skip(file: BinaryIO, count: int) -> None:
    """Pass over bytes, which have to be there.

    Raises:
        Malformed: they are not.
    """
    if not count:
        return
    if count > _MAX_BYTES:
        raise Malformed(reason="a length that no file has")
    file.seek(count - 1, io.SEEK_CUR)
    if not file.read(1):
        raise Malformed(reason="it ends too early")
