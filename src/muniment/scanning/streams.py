"""Streams of compressed files, and buffers to look ahead in any stream."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Mapping
from typing import BinaryIO, Final, cast

_CHUNK_BYTES: Final = 1 << 20
_BUFFER_BYTES: Final = 1 << 18


def buffer(file: object) -> io.BufferedReader:
    """Buffer a stream, raw or not."""
    return io.BufferedReader(cast("io.RawIOBase", file), _BUFFER_BYTES)


class _Zlib(io.RawIOBase):
    """A sequence of zlib streams, as joblib writes and reads it."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._inflater = zlib.decompressobj()
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override] # any buffer
        while True:
            data = (
                self._inflater.unconsumed_tail or self._inflater.unused_data or self._file.read(_CHUNK_BYTES)
            )
            if self._inflater.eof and data:
                self._inflater = zlib.decompressobj()
            inflated = self._inflater.decompress(data, len(buffer)) if data else b""
            if inflated or not data:
                buffer[: len(inflated)] = inflated
                self._place += len(inflated)
                return len(inflated)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        target = offset + (self._place if whence == io.SEEK_CUR else 0)
        if target < self._place:
            self._file.seek(0)
            self._inflater, self._place = zlib.decompressobj(), 0
        while self._place < target and self.read(min(_CHUNK_BYTES, target - self._place)):
            pass
        return self._place

    def tell(self) -> int:
        return self._place


# By the first bytes, like joblib.
COMPRESSED: Final[Mapping[bytes, Callable[[BinaryIO], object]]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZ": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"]\x00": lzma.LZMAFile,
    b"x": _Zlib,
}
