"""Signed heads: a checkpoint of the log together with the root of its index and the time of the signature.

A head is a note over the three lines of a checkpoint (C2SP tlog-checkpoint), with a second signature by the
key of the log. Its type is 0xff, which C2SP signed-note leaves to others, and its name is `_TYPE`; programs
that do not know it ignore it. The line holds three times (8 bytes each, big-endian), the root of the index
(32 bytes) and an Ed25519 signature over

    muniment.dev/index/v1 || time || now || newest || index root || text of the checkpoint

`time` is when it was signed, in seconds since 1970, and never before the newest entry. `now` is what the
clock said then, and `newest` what it said at the newest entry, in microseconds since 1970: they differ from
`time` after a clock was ahead (`core.clock`).

Ours is the only program that needs the line, and anybody can strip it. So a head without it is refused.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from muniment.core.clock import smooth
from muniment.core.errors import ProofInvalid
from muniment.core.times import read_time, write_time
from muniment.log.checkpoint import Checkpoint
from muniment.log.index import IndexHead
from muniment.log.tree import HASH_SIZE
from muniment.signing.notes import KEY_ID_SIZE, NoteSigner, NoteVerifier, open_note, read_lines, write_line

_TYPE: Final = b"muniment.dev/index/v1"
_TIME_SIZE: Final = 8
_TIMES_SIZE: Final = 3 * _TIME_SIZE
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The state of a log: its size, the roots of the log and of its index, and when it was signed.

    Attributes:
        time: seconds since 1970 (UTC).
        now: what the clock said (RFC 3339).
        newest: what it said at the newest entry.
    """

    size: int
    root: bytes
    index_root: bytes
    time: int
    now: str
    newest: str

    @property
    def index(self) -> IndexHead:
        """The head of the index, which covers the whole log."""
        return IndexHead(self.size, self.index_root)


@dataclass(frozen=True)
class HeadSigner:
    """The key of a log, and the clock by which it signs."""

    key: NoteSigner
    clock: Callable[[], datetime]

    def sign(self, size: int, root: bytes, index_root: bytes, newest: str = "", said: str = "") -> bytes:
        """Sign a state of the log, which MUST be durable, as of now.

        A clock that is behind the time of the `newest` entry was set back: the head is signed as of that
        entry. `said` is what the clock said at that entry.
        """
        text = Checkpoint(origin=self.key.name, size=size, root=root).encode()
        least = int(read_time(newest).timestamp()) if newest else 0
        clock = self.clock()
        now = smooth(said, write_time(clock)) if said else write_time(clock)
        times = (max(int(clock.timestamp()), least), _count_ticks(now), _count_ticks(said or now))
        signed = b"".join(time.to_bytes(_TIME_SIZE) for time in times) + index_root
        blob = _key_id(self.key.verifier) + signed + self.key.identity.sign(_TYPE + signed + text)
        return self.key.sign(text) + write_line(self.key.name, blob)


def open_head(note: bytes, verifier: NoteVerifier) -> Head:
    """Verify a signed head, with a key from a source other than the note.

    Raises:
        ProofInvalid: it is malformed, or the log's key has not signed all of it.
    """
    text = open_note(note, verifier)
    key_id = _key_id(verifier)
    blobs = [
        blob[KEY_ID_SIZE:]
        for name, blob in read_lines(note)
        if name == verifier.name and blob[:KEY_ID_SIZE] == key_id
    ]
    # Rule 1 of the index: exactly one line.
    if len(blobs) != 1 or len(blobs[0]) <= _TIMES_SIZE + HASH_SIZE:
        raise ProofInvalid(what="the index in the signed checkpoint")
    signed, signature = blobs[0][: _TIMES_SIZE + HASH_SIZE], blobs[0][_TIMES_SIZE + HASH_SIZE :]
    if not verifier.key.is_signature(signature, _TYPE + signed + text):
        raise ProofInvalid(what="the index in the signed checkpoint")
    try:
        checkpoint = Checkpoint.decode(text)
    except ValueError as error:
        raise ProofInvalid(what="the signed checkpoint") from error
    if checkpoint.origin != verifier.name:
        raise ProofInvalid(what="the signed checkpoint")
    return Head(
        size=checkpoint.size,
        root=checkpoint.root,
        index_root=signed[_TIMES_SIZE:],
        time=int.from_bytes(signed[:_TIME_SIZE]),
        now=_read_ticks(signed[_TIME_SIZE : 2 * _TIME_SIZE]),
        newest=_read_ticks(signed[2 * _TIME_SIZE : _TIMES_SIZE]),
    )


def _count_ticks(time: str) -> int:
    return (read_time(time) - _EPOCH) // _TICK


def _read_ticks(ticks: bytes) -> str:
    try:
        return write_time(_EPOCH + int.from_bytes(ticks) * _TICK)
    except OverflowError as error:
        raise ProofInvalid(what="the time in the signed checkpoint") from error


def _key_id(verifier: NoteVerifier) -> bytes:
    """Return the four bytes that begin the line, which differ from those of the checkpoint's signature."""
    named = verifier.name.encode() + b"\n\xff" + _TYPE + verifier.key.raw
    return hashlib.sha256(named).digest()[:KEY_ID_SIZE]
