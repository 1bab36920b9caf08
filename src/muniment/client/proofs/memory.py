"""The client's memory of each log: its key, and the newest checkpoint seen.

It exposes a registry that rolls back or rewrites its history, so it is kept with the user, not in the
registry.
"""

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from muniment.core.errors import StorageFailed, StorageReadOnly
from muniment.log.tree import EMPTY_ROOT
from muniment.signing.heads import Head


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A log as last seen: its verifier key, size and root, and the root of its index and when it was signed.

    Attributes:
        time: seconds since 1970 (UTC).
    """

    verifier: str
    size: int
    root: bytes
    index_root: bytes
    time: int

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


class Memory:
    """The memory of a location, shared by all processes of a user."""

    def __init__(self, directory: Path, location: str) -> None:
        """Use a directory, which is made when it is needed."""
        self._directory = directory
        self._location = location
        self._path = directory / f"{hashlib.sha256(os.fsencode(location)).hexdigest()[:32]}.json"

    def recall(self) -> Remembered | None:
        """Return the log last seen at the location.

        Raises:
            StorageFailed: the file cannot be read. A damaged memory does not count as an empty one.
        """
        try:
            document = json.loads(self._path.read_text())
            return Remembered(
                verifier=str(document["verifier"]),
                size=int(document["size"]),
                root=bytes.fromhex(document["root"]),
                index_root=bytes.fromhex(document["index_root"]),
                time=int(document["time"]),
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageFailed(path=str(self._path), reason="it cannot be read") from error

    def keep(self, seen: Remembered) -> None:
        """Remember a log that was checked against the memory, unless it is older."""
        with self._locked():
            present = self.recall()
            if (
                present is not None
                and present.verifier == seen.verifier
                and (present.size, present.time) >= (seen.size, seen.time)
            ):
                return
            document = {
                "location": self._location,
                "verifier": seen.verifier,
                "size": seen.size,
                "root": seen.root.hex(),
                "index_root": seen.index_root.hex(),
                "time": seen.time,
            }
            temporary = self._path.with_suffix(f".{secrets.token_hex(8)}")
            temporary.write_text(json.dumps(document))
            temporary.rename(self._path)

    def forget(self) -> bool:
        """Forget the location; return whether anything was remembered."""
        with self._locked():
            known = self._path.exists()
            self._path.unlink(missing_ok=True)
            return known

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise StorageReadOnly(path=str(self._directory)) from error
