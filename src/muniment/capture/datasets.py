"""Datasets that a run reads, by digest."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from muniment.core.canonical import JsonObject
from muniment.core.digests import Digest
from muniment.core.errors import FileChanged, NotAFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A file that a run read."""

    name: str
    digest: Digest
    size_bytes: int

    def resource(self) -> JsonObject:
        """Describe it as an in-toto resource."""
        return {
            "name": self.name,
            "digest": {"sha256": self.digest.hex},
            "annotations": {"kind": "dataset", "size": self.size_bytes},
        }


def read_dataset(name: str, path: Path) -> Dataset:
    """Hash a file.

    Raises:
        NotAFile: it is not there, or not a file.
        FileChanged: it changed while it was read.
    """
    if not path.is_file():
        raise NotAFile(path=str(path))
    before = path.stat()
    with path.open("rb") as file:
        digest = Digest(hashlib.file_digest(file, "sha256").hexdigest())
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise FileChanged(path=str(path))
    return Dataset(name=name, digest=digest, size_bytes=after.st_size)
