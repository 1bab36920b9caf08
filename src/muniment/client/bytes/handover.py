"""Share files between a client and a server on one machine instead of sending them.

The server names a path in its directory of blobs, which helps only clients that may read or write there
anyway. The client does not trust the path: file names must match the digest, and directories must be ours.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast
from urllib.parse import unquote, urlsplit

from muniment.client.bytes.copying import copy, hash_rest
from muniment.client.bytes.wire import Transfer, read_answer
from muniment.client.connection.transport import Transport
from muniment.core.backend import Stored
from muniment.core.bytes.hashing import BackgroundHasher
from muniment.core.digests import Digest
from muniment.core.errors import DigestMismatch, LengthMismatch

# linux/fs.h: clone the blocks of a file.
_FICLONE: Final = 0x40049409


def hand_over(transport: Transport, source: BinaryIO, transfer: Transfer) -> Stored | None:
    """Write the bytes where a server on this machine collects them, and tell it.

    Return None if that is impossible: we may run as another user, or on another machine.
    """
    place = Path(transfer.place)
    try:
        with BackgroundHasher() as hasher, open_handover(place, transfer.id) as target:
            if share(source, target):
                hash_rest(source, hasher)
            else:
                copy(source, target, hasher)
            digest = hasher.finish()
    except OSError:
        source.seek(0)
        return None
    try:
        answer = transport.call("POST", f"{transfer.path}/arrival")
    except LengthMismatch:
        # Nothing arrived: behind a tunnel, the server may name a directory that exists here too.
        place.unlink(missing_ok=True)
        source.seek(0)
        return None
    arrived = read_answer(transport, answer, Transfer)
    if arrived.digest != str(digest):
        raise DigestMismatch(expected=str(digest), actual=str(arrived.digest))
    return Stored(digest=digest, size_bytes=transfer.size_bytes)


@contextmanager
def open_handover(place: Path, upload: str) -> Iterator[BinaryIO]:
    """Make the file for a handover, if a server may ask for it.

    Raises:
        OSError: the server may not ask for it, or it cannot be made; a partial file is removed.
    """
    _check_ours(place, f"handover-{upload}")
    place.unlink(missing_ok=True)
    file = os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(file, "r+b", buffering=0) as target:
            # FileIO has the methods of BinaryIO that are used: write, fileno.
            yield cast("BinaryIO", target)
    except BaseException:
        place.unlink(missing_ok=True)
        raise


def share(source: BinaryIO, target: BinaryIO) -> bool:
    """Clone a file, if the file system can (XFS, btrfs): the two share blocks until one is written to."""
    try:
        fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
    except OSError:
        return False
    return True


def open_kept(location: str, digest: Digest, size_bytes: int) -> BinaryIO:
    """Open the file in which a server keeps a blob. The caller MUST hash the bytes.

    Raises:
        OSError: `location` is not such a file, or we may not read it.
    """
    parts = urlsplit(location)
    place = Path(unquote(parts.path))
    if parts.scheme != "file" or parts.netloc:
        raise FileNotFoundError(location)
    _check_ours(place, digest.hex)
    # Opening a pipe would block forever.
    file = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode) or status.st_size != size_bytes:
        os.close(file)
        raise FileNotFoundError(location)
    return os.fdopen(file, "rb")


def _check_ours(place: Path, name: str) -> None:
    if place.name != name or place.parent.stat().st_uid != os.geteuid():
        raise PermissionError(place)
