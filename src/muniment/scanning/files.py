"""Scan a file: pickles, and archives, compressed files and arrays, which can contain pickles.

A file is read in every possible way, because its name and first bytes do not tell how somebody will load it.
"""

import json
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from io import BufferedReader
from pathlib import PurePosixPath
from typing import BinaryIO, Final, NamedTuple, cast

from muniment.core.bytes.formats import Format, format_of
from muniment.core.claims.scans import INSIDE, ScanFinding
from muniment.core.errors import InvalidModelFile, sentence_of
from muniment.scanning.arrays import read_array_header
from muniment.scanning.faults import Malformed
from muniment.scanning.judging import judge_pickles
from muniment.scanning.streams import COMPRESSED, buffer
from muniment.tensors.reading import has_tensors, read_tensors

_MAX_NESTING: Final = 4
_MAX_MEMBERS: Final = 100_000
# Twice the size of the largest vocabularies.
_MAX_JSON_BYTES: Final = 64 << 20
_HEAD_BYTES: Final = 512
_CHUNK_BYTES: Final = 1 << 20
_TAR: Final = slice(257, 262)
_LAYERS_OF_CODE: Final = frozenset({"Lambda", "TFSMLayer"})
_LAMBDA: Final = re.compile(rb'"class_name"\s*:\s*"(Lambda|TFSMLayer)"')
# The first bytes of archives that cannot be scanned.
_CLOSED: Final = {
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!": "rar",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_NPY: Final = b"\x93NUMPY"
_BROKEN: Final = (
    zipfile.BadZipFile,
    tarfile.TarError,
    OSError,
    EOFError,
    ValueError,
    lzma.LZMAError,
    zlib.error,
)
# ZipFile also raises these: for an encrypted member, or an unknown compression.
_CLOSED_MEMBER: Final = (*_BROKEN, RuntimeError, NotImplementedError)


class _Source(NamedTuple):
    """A thing to scan: its path, its bytes, and its depth inside other files."""

    path: str
    file: BufferedReader
    depth: int


def scan_file(file: BinaryIO, path: str, size: int) -> Iterator[ScanFinding]:
    """Scan a seekable file of `size` bytes."""
    source = _Source(path, buffer(file), 0)
    yield from _scan(source)
    source.file.seek(0)
    yield from _check_header(source, size)


def _scan(source: _Source) -> Iterator[ScanFinding]:
    head = source.file.peek(_HEAD_BYTES)[:_HEAD_BYTES]
    kinds = [kind for kind in _KINDS if kind.is_one(source, head)]
    yield from _judge_name(source)
    for kind in kinds:
        if source.depth == _MAX_NESTING:
            yield ScanFinding("high", "archive/nested", "an archive inside too many others", source.path)
            return
        source.file.seek(0)
        yield from kind.read(source)
    source.file.seek(0)
    declared = format_of(source.path, head) is Format.PICKLE and not kinds
    yield from judge_pickles(source.file, source.path, declared=declared)


def _judge_name(source: _Source) -> Iterator[ScanFinding]:
    """Judge a file by its name alone."""
    name = PurePosixPath(source.path.rpartition(INSIDE)[2]).name.lower()
    if name.endswith((".py", ".pyc", ".so", ".dll", ".dylib")):
        yield ScanFinding("low", "code/file", "code, which a loader may be told to run", source.path)
    if name == "saved_model.pb":
        yield ScanFinding(
            "low", "tensorflow/graph", "a graph of TensorFlow, which can read and write files", source.path
        )
    if name == "keras_metadata.pb":
        yield from _search_layers(source)
    if name.endswith(".json"):
        yield from _look_for_layers(source)


def _look_for_layers(source: _Source) -> Iterator[ScanFinding]:
    """Find Keras layers with code."""
    source.file.seek(0)
    data = source.file.read(_MAX_JSON_BYTES + 1)
    if len(data) > _MAX_JSON_BYTES:
        yield ScanFinding("medium", "json/large", "settings that are too long to scan", source.path)
        return
    # The word looks different with escapes or in UTF-16.
    if not any(sign in data for sign in (b"class_name", b"\\u", b"\0")):
        return
    try:
        layers = _find_layers(json.loads(data))
    except (ValueError, RecursionError):
        # No JSON reader accepts it.
        return
    for layer in layers:
        yield ScanFinding("high", "keras/layer", f"a Keras layer with code ({layer})", source.path)


def _find_layers(document: object) -> set[str]:
    rest, layers = [document], set()
    while rest:
        one = rest.pop()
        if isinstance(one, Mapping):
            layers |= {str(one.get("class_name"))} & _LAYERS_OF_CODE
            rest += one.values()
        elif isinstance(one, list):
            rest += one
    return layers


def _check_header(source: _Source, size: int) -> Iterator[ScanFinding]:
    """Check the header of tensors, if the format has one."""
    kind = format_of(source.path)
    if not has_tensors(kind):
        return
    try:
        read_tensors(kind, cast("BinaryIO", source.file), source.path, size)
    except InvalidModelFile as error:
        yield ScanFinding("medium", "header/damaged", error.sentence, source.path)


# ---- containers of other files


def _scan_zip(source: _Source) -> Iterator[ScanFinding]:
    try:
        with zipfile.ZipFile(cast("BinaryIO", source.file)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > _MAX_MEMBERS:
                yield ScanFinding("high", "archive/large", f"an archive of {len(members)} files", source.path)
                return
            for member in members:
                opened = _open_member(archive, member)
                yield from _scan_member(source, member.filename, opened)
    except _BROKEN as error:
        yield _unread(source, "a zip archive", error)


def _open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    return lambda: cast("BinaryIO", archive.open(member))


def _scan_tar(source: _Source) -> Iterator[ScanFinding]:
    try:
        with tarfile.open(fileobj=cast("BinaryIO", source.file), mode="r:") as archive:
            for count, member in enumerate(archive):
                if count == _MAX_MEMBERS:
                    yield ScanFinding("high", "archive/large", "an archive of too many files", source.path)
                    return
                opened = archive.extractfile(member) if member.isfile() else None
                if opened is not None:
                    yield from _scan_member(source, member.name, lambda opened=opened: opened)  # type: ignore[misc] # bound at once
    except _BROKEN as error:
        yield _unread(source, "a tar archive", error)


def _scan_member(source: _Source, name: str, opened: Callable[[], BinaryIO]) -> Iterator[ScanFinding]:
    path = f"{source.path}{INSIDE}{name}"
    try:
        with opened() as file:
            inner = buffer(file)
            yield from _scan(_Source(path, inner, source.depth + 1))
    except _CLOSED_MEMBER as error:
        yield _unread(_Source(path, source.file, source.depth), "a file in an archive", error)


def _scan_compressed(source: _Source) -> Iterator[ScanFinding]:
    head = source.file.peek(_HEAD_BYTES)
    for begin, opened in COMPRESSED.items():
        if not head.startswith(begin):
            continue
        inner = buffer(opened(cast("BinaryIO", source.file)))
        try:
            inner.peek(1)
        except _BROKEN as error:
            # It may only start like one.
            if format_of(source.path) is Format.PICKLE:
                yield _unread(source, "a compressed file", error)
            continue
        try:
            yield from _scan(_Source(source.path, inner, source.depth + 1))
        except _BROKEN as error:
            yield _unread(source, "a compressed file", error)


def _scan_array(source: _Source) -> Iterator[ScanFinding]:
    """Scan the pickle in an array of objects (numpy.lib.format)."""
    try:
        objects = read_array_header(source.file)
    except Malformed as error:
        yield _unread(source, "a NumPy array", error)
        return
    if objects:
        yield from judge_pickles(source.file, source.path, declared=True)


def _search_hdf5(source: _Source) -> Iterator[ScanFinding]:
    yield ScanFinding("low", "hdf5/unread", "HDF5, which was only searched for layers with code", source.path)
    yield from _search_layers(source)


def _search_layers(source: _Source) -> Iterator[ScanFinding]:
    """Search the bytes of a file for Keras layers with code, ignoring its structure."""
    source.file.seek(0)
    end = b""
    while chunk := source.file.read(_CHUNK_BYTES):
        match = _LAMBDA.search(end + chunk)
        if match is not None:
            yield ScanFinding(
                "high", "keras/layer", f"a Keras layer with code ({match[1].decode()})", source.path
            )
            return
        end = chunk[-_HEAD_BYTES:]


def _name_closed(source: _Source) -> Iterator[ScanFinding]:
    head = source.file.peek(_HEAD_BYTES)
    for begin, name in _CLOSED.items():
        if head.startswith(begin):
            yield ScanFinding(
                "high", "archive/unread", f"an archive that is not scanned ({name})", source.path
            )


def _unread(source: _Source, what: str, error: Exception) -> ScanFinding:
    detail = f"{what} that cannot be read: {sentence_of(error)}"
    return ScanFinding("high", "file/unread", detail, source.path)


class _Kind(NamedTuple):
    """A way to read a file: a test of its first bytes, and a scan."""

    is_one: Callable[[_Source, bytes], bool]
    read: Callable[[_Source], Iterator[ScanFinding]]


def _is_zip(source: _Source, head: bytes) -> bool:
    """Return whether it is a zip archive, which may follow other bytes, except inside another archive."""
    if source.depth:
        return head.startswith(b"PK\x03\x04")
    return zipfile.is_zipfile(source.file)


_KINDS: Final = (
    _Kind(_is_zip, _scan_zip),
    _Kind(lambda _, head: head[_TAR] == b"ustar", _scan_tar),
    _Kind(lambda _, head: head.startswith(tuple(COMPRESSED)), _scan_compressed),
    _Kind(lambda _, head: head.startswith(_NPY), _scan_array),
    _Kind(lambda _, head: head.startswith(_HDF5), _search_hdf5),
    _Kind(lambda _, head: head.startswith(tuple(_CLOSED)), _name_closed),
)
