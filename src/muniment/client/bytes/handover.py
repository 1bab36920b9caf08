"""Files that pass between a client and a server on one machine without being sent.

A server says where in the directory of its blobs; only those can follow who could read, or write, there
anyway. It does not get to choose more than that: names say what a file is, and directories have to be ours.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast
from urllib.parse import unquote, urlsplit

import msgspec

from muniment.client.bytes.copying import copy, hash_rest
from muniment.client.bytes.wire import Transfer
from muniment.client.connection.transport import API, Transport
from muniment.core.backend import Stored
from muniment.core.bytes.hashing import BackgroundHasher
from muniment.core.digests import Digest
from muniment.core.errors import DigestMismatch, LengthMismatch

# linux/fs.h: clone the blocks of a file.
_FICLONE: Final = 0x40049409


def hand_over(transport: Transport, source: BinaryIO, transfer: Transfer) -> Stored | None:
    """Write the bytes where a server on this machine takes them, and tell it that they are there.

    None if that cannot be done from here: we may be somebody else than the server, or on another machine.
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
        answer = transport.call("POST", f"{API}/uploads/{transfer.id}/arrival")
    except LengthMismatch:
        # Nothing has arrived: behind a tunnel, a server may call a directory its own that we have, too.
        place.unlink(missing_ok=True)
        source.seek(0)
        return None
    arrived = msgspec.json.decode(answer, type=Transfer)
    if arrived.digest != str(digest):
        raise DigestMismatch(expected=str(digest), actual=str(arrived.digest))
    return Stored(digest=digest, size_bytes=transfer.size_bytes)


@contextmanager
def open_handover(place: Path, upload: str) -> Iterator[BinaryIO]:
    """Make the file in which bytes are handed over, if that is a thing that a server may ask for.

    Raises:
        OSError: it is not, or it cannot be made; what was made is removed.
    """
    _check_ours(place, f"handover-{upload}")
    place.unlink(missing_ok=True)
    file = os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(file, "r+b", buffering=0) as target:
            # FileIO is what BinaryIO promises of it: write, fileno.
            yield cast("BinaryIO", target)
    except BaseException:
        place.unlink(missing_ok=True)
        raise


def share(source: BinaryIO, target: BinaryIO) -> bool:
    """Let two files share their blocks until one is written to, where the file system can (XFS, btrfs)."""
    try:
        fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
    except OSError:
        return False
    return True


def open_kept(location: str, digest: Digest, size_bytes: int) -> BinaryIO:
    """Open the file in which a server keeps a blob. Whoever reads it MUST hash what they read.

    Raises:
        OSError: `location` is no such file, or not ours to read.
    """
    parts = urlsplit(location)
    place = Path(unquote(parts.path))
    if parts.scheme != "file" or parts.netloc:
        raise FileNotFoundError(location)
    _check_ours(place, digest.hex)
    # A pipe would let us wait for ever.
    file = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode) or found.st_size != size_bytes:
        os.close(file)
        raise FileNotFoundError(location)
    return os.fdopen(file, "rb")


def _check_ours(place: Path, name: str) -> None:
    if place.name != name or place.parent.stat().st_uid != os.geteuid():
        raise PermissionError(place)
