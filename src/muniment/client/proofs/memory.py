"""The client's memory of logs: which heads of each log it has seen, and what it has written there.

It exposes a registry that rolls back or rewrites its history, so it is kept with the user, not in the
registry. It goes by the key of the log: two copies that went apart are a fork, wherever they lie.

    locations/<hash>.json   the key of the log that was seen at a location
    logs/<hash>.json        heads of the log with a key, and the restores that the user has accepted
    logs/<hash>.jsonl       what this user has written to the log, without typed texts
"""

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

from muniment.core.errors import MemoryDamaged, StorageReadOnly
from muniment.core.receipts import Receipt
from muniment.log.tree import EMPTY_ROOT
from muniment.signing.heads import Head

# How many heads before the newest one are all kept.
_RECENT: Final = 10
# How many receipts are remembered at least; more are removed when the file has so many bytes.
_RECEIPTS: Final = 1_000
_RECEIPTS_BYTES: Final = 1 << 20
# The time of the last change of a file, its inode and its size.
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A log as it was seen: its key, size and root, the root of its index, and when it was signed.

    Attributes:
        verifier: the verifier key.
        time: seconds since 1970 (UTC).
        location: where it was seen.
    """

    verifier: str
    size: int
    root: bytes
    index_root: bytes
    time: int
    location: str = ""

    @classmethod
    def of(cls, verifier: str, head: "Head | Remembered") -> "Remembered":
        """Remember a head of the log with a verifier key."""
        return cls(
            verifier=verifier, size=head.size, root=head.root, index_root=head.index_root, time=head.time
        )

    @classmethod
    def nothing(cls, verifier: str) -> "Remembered":
        """Know only the verifier key of a log."""
        return cls(verifier=verifier, size=0, root=EMPTY_ROOT, index_root=EMPTY_ROOT, time=0)

    @property
    def state(self) -> tuple[int, bytes, bytes]:
        """What a log has one of at each size."""
        return self.size, self.root, self.index_root


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An entry that this user has written: its event, and the kinds and names of its subjects."""

    index: int
    time: str
    event: str
    subjects: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """Say which entry it was, and what it was about."""
        about = self.subjects[min(1, len(self.subjects) - 1)]
        return " ".join(filter(None, (f"entry {self.index}: {self.event}", *about)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedRestore:
    """A restore that the user has accepted.

    Attributes:
        signatures: those of the declarations.
        lost_after: the index of the first entry that was lost.
        seen: how many entries had been seen; `root` is the root of that log, in hex.
        time: when it was accepted (RFC 3339).
        written: what this user had written and was lost.
    """

    signatures: tuple[str, ...]
    lost_after: int
    seen: int
    root: str
    time: str
    written: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recollection:
    """What is remembered of a log: some of its heads, ascending in size, and the accepted restores."""

    heads: tuple[Remembered, ...] = ()
    restores: tuple[AcceptedRestore, ...] = ()
    locations: tuple[str, ...] = ()


class Memory(Protocol):
    """What a client remembers of the log at a location, as `client.proofs.following` uses it."""

    @property
    def location(self) -> str:
        """The location."""

    def find_verifier(self) -> str | None:
        """Return the verifier key of the log that was seen at the location; None if there was none.

        Raises:
            MemoryDamaged: it cannot be read.
        """

    def recall(self, verifier: str) -> Recollection:
        """Return what is remembered of the log with a verifier key. Raises like `find_verifier`."""

    def find_stamp(self, verifier: str) -> Stamp | None:
        """Return what differs once more is remembered of that log; None if nothing is."""

    def keep(self, seen: Remembered, checked: Remembered) -> Remembered | None:
        """Remember a head that extends `checked`, unless it is older than the newest one.

        If another process has remembered a head meanwhile, return it and remember nothing: the caller MUST
        check that the two belong to one log, and try again. Raises like `find_verifier`.
        """

    def note(self, verifier: str, receipt: Receipt) -> None:
        """Remember that this user has written an entry; of the oldest ones nothing is remembered."""

    def list_written(self, verifier: str, start: int) -> list[Written]:
        """List what this user has written to a log from an index on, as far as it is remembered."""


class PinnedKey:
    """A memory that knows at most the key of a log, and remembers nothing."""

    location = ""

    def __init__(self, verifier: str | None) -> None:
        """Know a verifier key, if any."""
        self._verifier = verifier

    def find_verifier(self) -> str | None:
        """Return the key."""
        return self._verifier

    def recall(self, verifier: str) -> Recollection:
        """Recall nothing."""
        del verifier
        return Recollection()

    def find_stamp(self, verifier: str) -> Stamp | None:
        """Find none."""
        del verifier
        return None

    def keep(self, seen: Remembered, checked: Remembered) -> Remembered | None:
        """Remember nothing, and know of no other head."""
        del seen, checked
        return None

    def note(self, verifier: str, receipt: Receipt) -> None:
        """Remember nothing."""

    def list_written(self, verifier: str, start: int) -> list[Written]:
        """List nothing."""
        del verifier, start
        return []


class DirectoryMemory:
    """A memory in a directory, shared by all processes of a user."""

    def __init__(self, directory: Path, location: str) -> None:
        """Use a directory, which is made when it is needed."""
        self.location = location
        self._directory = directory
        self._logs = directory / "logs"
        self._place = directory / "locations" / f"{_hash(location)}.json"

    def find_verifier(self) -> str | None:
        """Read the file of the location."""
        document = self._read(self._place)
        verifier = None if document is None else document.get("verifier")
        if document is not None and not isinstance(verifier, str):
            raise self._damaged(self._place)
        return verifier

    def recall(self, verifier: str) -> Recollection:
        """Read the file of the log, which exists if the location names it."""
        path = self._log(verifier)
        document = self._read(path)
        if document is None:
            if self.find_verifier() == verifier:
                raise self._damaged(path)
            return Recollection()
        try:
            return Recollection(
                heads=_read_heads(verifier, document["heads"]),
                restores=tuple(_read_restore(restore) for restore in document["restores"]),
                locations=tuple(map(str, document["locations"])),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged(path) from error

    def find_stamp(self, verifier: str) -> Stamp | None:
        """Return what tells versions of the file of the log apart; it is replaced, and never changed."""
        try:
            found = self._log(verifier).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def keep(self, seen: Remembered, checked: Remembered) -> Remembered | None:
        """Compare and remember in one step among all processes."""
        with self._locked(seen.verifier):
            known = self.recall(seen.verifier)
            newest = known.heads[-1] if known.heads else None
            if newest is not None and newest.state not in {seen.state, checked.state}:
                return newest
            if newest is None or (seen.size, seen.time) > (newest.size, newest.time):
                head = replace(seen, location=self.location)
                known = replace(known, heads=_thin([*known.heads, head]))
            elif self.location in known.locations:
                return None
            self._write(seen.verifier, known)
            return None

    def accept(
        self, restore: AcceptedRestore, kept: Sequence[Remembered], head: Remembered, seen: Remembered
    ) -> bool:
        """Remember a restore: of the earlier heads only `kept`, and a head of the restored log.

        If the newest head is not `seen`, since another process has remembered one meanwhile, remember
        nothing and return False: the caller MUST find out anew what is lost. Raises like `find_verifier`.
        """
        with self._locked(head.verifier):
            known = self.recall(head.verifier)
            if not known.heads or known.heads[-1].state != seen.state:
                return False
            heads = _thin([*kept, replace(head, location=self.location)])
            self._write(head.verifier, replace(known, heads=heads, restores=(*known.restores, restore)))
            journal = self._log(head.verifier).with_suffix(".jsonl")
            _replace(journal, [one for one in _read_lines(journal) if one.index < restore.lost_after])
            return True

    def note(self, verifier: str, receipt: Receipt) -> None:
        """Append to the journal; once it is full, drop the oldest lines."""
        entry = receipt.entry
        written = Written(
            index=receipt.index,
            time=entry.time,
            event=entry.event.type,
            subjects=tuple((str(kind), name) for kind, name in entry.event.subjects()),
        )
        with self._locked(verifier):
            journal = self._log(verifier).with_suffix(".jsonl")
            with journal.open("a") as file:
                file.write(json.dumps(asdict(written)) + "\n")
                full = file.tell() > _RECEIPTS_BYTES
            if full:
                _replace(journal, _read_lines(journal)[-_RECEIPTS:])

    def list_written(self, verifier: str, start: int) -> list[Written]:
        """Read the journal."""
        journal = self._log(verifier).with_suffix(".jsonl")
        return [written for written in _read_lines(journal) if written.index >= start]

    def forget(self) -> bool:
        """Forget the location and, unless it was seen elsewhere, its log; return whether it was known."""
        try:
            verifier = self.find_verifier()
        except MemoryDamaged:
            verifier = None
        known = self._place.exists()
        if verifier is not None:
            with self._locked(verifier):
                self._forget_log(verifier)
        self._place.unlink(missing_ok=True)
        return known

    def _forget_log(self, verifier: str) -> None:
        path = self._log(verifier)
        try:
            known = self.recall(verifier)
        except MemoryDamaged:
            # A user who forgets it on purpose gets rid of the damage too.
            known = Recollection()
        others = tuple(one for one in known.locations if one != self.location)
        if others:
            _write_file(path, _describe(verifier, replace(known, locations=others)))
            return
        path.unlink(missing_ok=True)
        path.with_suffix(".jsonl").unlink(missing_ok=True)

    def _write(self, verifier: str, known: Recollection) -> None:
        known = replace(known, locations=tuple(dict.fromkeys([*known.locations, self.location])))
        _write_file(self._log(verifier), _describe(verifier, known))
        if not self._place.exists():
            self._place.parent.mkdir(mode=0o700, exist_ok=True)
            _write_file(self._place, {"location": self.location, "verifier": verifier})

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            document = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise self._damaged(path) from error
        if not isinstance(document, dict):
            raise self._damaged(path)
        return document

    def _damaged(self, path: Path) -> MemoryDamaged:
        return MemoryDamaged(location=self.location, path=str(path))

    def _log(self, verifier: str) -> Path:
        return self._logs / f"{_hash(verifier)}.json"

    @contextmanager
    def _locked(self, verifier: str) -> Iterator[None]:
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._logs.mkdir(mode=0o700, exist_ok=True)
            with self._log(verifier).with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise StorageReadOnly(path=str(self._logs)) from error


def _thin(heads: Sequence[Remembered]) -> tuple[Remembered, ...]:
    """Keep the newest heads and, of the others, one for each power of two of the distance to the newest.

    The oldest of each distance stays until it is twice as far away, so there is always one near by. Of a log
    of 2**53 entries, at most 64 heads are kept.
    """
    newest, kept = heads[-1], dict[int, Remembered]()
    earlier = [head for head in heads if head.size < newest.size]
    for head in earlier[:-_RECENT]:
        kept.setdefault((newest.size - head.size).bit_length(), head)
    return (*kept.values(), *earlier[-_RECENT:], newest)


def _describe(verifier: str, known: Recollection) -> dict[str, object]:
    heads = [
        {
            "size": head.size,
            "root": head.root.hex(),
            "index_root": head.index_root.hex(),
            "time": head.time,
            "location": head.location,
        }
        for head in known.heads
    ]
    restores = [asdict(restore) for restore in known.restores]
    return {"verifier": verifier, "locations": known.locations, "heads": heads, "restores": restores}


def _read_heads(verifier: str, documents: Sequence[Mapping[str, Any]]) -> tuple[Remembered, ...]:
    """Read the heads of a log.

    Raises:
        ValueError: there is none, they do not ascend, or one could not have been remembered.
    """
    heads = tuple(_read_head(verifier, document) for document in documents)
    sizes = [head.size for head in heads]
    if not sizes or sizes != sorted(set(sizes)):
        raise ValueError(sizes)
    return heads


def _read_head(verifier: str, document: Mapping[str, Any]) -> Remembered:
    head = Remembered(
        verifier=verifier,
        size=document["size"],
        root=bytes.fromhex(document["root"]),
        index_root=bytes.fromhex(document["index_root"]),
        time=document["time"],
        location=str(document["location"]),
    )
    is_number = type(head.size) is int and type(head.time) is int and head.size > 0 and head.time >= 0
    # The length of a root is that of the root of the empty log.
    if not is_number or {len(head.root), len(head.index_root)} != {len(EMPTY_ROOT)}:
        raise ValueError(head)
    return head


def _read_restore(document: Mapping[str, Any]) -> AcceptedRestore:
    return AcceptedRestore(
        signatures=tuple(map(str, document["signatures"])),
        lost_after=int(document["lost_after"]),
        seen=int(document["seen"]),
        root=str(document["root"]),
        time=str(document["time"]),
        written=tuple(map(str, document["written"])),
    )


def _read_lines(path: Path) -> list[Written]:
    """Read a journal. A line that a crash cut off is left out: nothing is checked against it."""
    written: list[Written] = []
    if not path.exists():
        return written
    for line in path.read_text(errors="replace").splitlines():
        with suppress(ValueError, KeyError, TypeError):
            one = json.loads(line)
            written.append(
                Written(
                    index=int(one["index"]),
                    time=str(one["time"]),
                    event=str(one["event"]),
                    subjects=tuple((str(kind), str(name)) for kind, name in one["subjects"]),
                )
            )
    return written


def _replace(path: Path, lines: Sequence[Written]) -> None:
    _write_text(path, "".join(json.dumps(asdict(line)) + "\n" for line in lines))


def _write_file(path: Path, document: Mapping[str, object]) -> None:
    _write_text(path, json.dumps(document))


def _write_text(path: Path, text: str) -> None:
    temporary = path.with_suffix(f".{secrets.token_hex(8)}")
    temporary.write_text(text)
    temporary.rename(path)


def _hash(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:32]
