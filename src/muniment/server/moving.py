"""Move registries. Backup, restore and migration all copy one consistent state.

The database goes first, then every blob that the copy holds or that its log names. A held blob is never
removed, so the copy is complete even if others write to the original meanwhile.
"""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Final

from muniment.core.digests import Digest
from muniment.core.errors import BlobNotFound, ContentCorrupt, MunimentError
from muniment.ports.blobs import BlobStore
from muniment.server.parts import Parts
from muniment.services.upkeep.rebuild import read_log
from muniment.services.upkeep.required import list_held, list_named
from muniment.stores.failures import disk_failures
from muniment.stores.sql.copying import copy_database

_THREADS: Final = 4
_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """How much was copied: entries of the log, rows of all tables, and blobs that were missing."""

    entries: int
    rows: int
    blobs: int


def copy_registry(source: Parts, target: Parts) -> Moved:
    """Copy a registry into empty stores, and check that the copy's log matches its tree.

    Raises:
        RegistryExists: the target's database is not empty.
        ContentCorrupt, BlobNotFound: a blob of the source is corrupt or missing; all others are copied.
        LogInconsistent: the log of the source contradicts itself.
    """
    rows = copy_database(source.units, target.units)
    entries = target.units.read(lambda unit: sum(1 for _ in read_log(unit)))
    _copy_keys(source.keys, target.keys)
    # The manifests list the other blobs, and are read from the source.
    wanted = chain(list_held(target.units), list_named(source.units))
    copied, faults = 0, list[MunimentError]()

    def copy(digest: Digest) -> bool:
        try:
            return _copy_blob(source.blobs, target.blobs, digest)
        except (BlobNotFound, ContentCorrupt) as error:
            faults.append(error)
            return False

    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        while some := set(islice(wanted, _AT_ONCE)):
            copied += sum(pool.map(copy, some))
    if faults:
        raise faults[0]
    return Moved(entries=entries, rows=sum(rows.values()), blobs=copied)


def _copy_blob(source: BlobStore, target: BlobStore, digest: Digest) -> bool:
    if target.find(digest) is not None:
        return False
    with source.open(digest) as stream:
        stored = target.add(stream)
    if stored.digest != digest:
        target.remove(stored.digest)
        raise ContentCorrupt(path=str(digest), expected=str(digest), actual=str(stored.digest))
    return True


def _copy_keys(source: Path, target: Path) -> None:
    """Copy the keys, which the copy needs to continue its log; only their owner may read them."""
    if source.resolve() == target.resolve():
        return
    with disk_failures(str(target)):
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in source.glob("*.pem"):
            shutil.copy2(path, target / path.name)
            (target / path.name).chmod(0o600)
