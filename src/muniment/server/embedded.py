"""The embedded registry: a directory, served by this process to itself.

muniment-data/
  oci-layout  blobs/sha256/<hex>   an OCI image layout
  registry.db                      the log, its tree, the projections
  keys/                            the log's key, the registry's, and the owner's; mode 0600
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import uuid_utils

from muniment.core.commands import RegisterPrincipal
from muniment.core.errors import LogInconsistent, RegistryNotFound
from muniment.core.events import Event, EventType
from muniment.core.payloads import Payload
from muniment.core.records import KeyRecord
from muniment.core.times import write_time
from muniment.ports.unit import Units
from muniment.services.backend import LocalBackend
from muniment.services.found import found
from muniment.services.rebuild import Difference, compare, rebuild
from muniment.services.transaction import RegistryKeys, Transaction
from muniment.signing.keys import Algorithm, Identity
from muniment.signing.notes import NoteSigner
from muniment.stores.blobs.local import LocalBlobs
from muniment.stores.failures import disk_failures
from muniment.stores.sql.sqlite import open_sqlite

_DATABASE: Final = "registry.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """An open directory: its backend, and whom this process signs as (None: nobody)."""

    backend: LocalBackend
    identity: Identity | None


def open_directory(
    root: Path,
    *,
    identity: Identity | None = None,
    passphrase: str | None = None,
    owner_name: str = "owner",
    create: bool = True,
) -> Embedded:
    """Open a directory as a registry; with `create`, found one if there is none.

    Without an `identity`, the owner's key in the directory is used.

    Raises:
        RegistryNotFound: there is none, and `create` is False.
        InvalidKey: a key file cannot be used.
        Unavailable: the disk or the database fails.
    """
    if not (root / _DATABASE).exists():
        if not create:
            raise RegistryNotFound(location=str(root))
        _found(root, identity, passphrase, owner_name)
    blobs = LocalBlobs(root)
    units = open_sqlite(root / _DATABASE, blobs)
    try:
        signer = identity or _find_owner(root, passphrase)
        backend = LocalBackend(
            units=units,
            blobs=blobs,
            clock=_now,
            nonces=_new_id,
            keys=_load_keys(root, units),
            actor=_find_actor(units, signer),
        )
    except BaseException:
        units.close()
        raise
    return Embedded(backend=backend, identity=signer)


def rebuild_directory(root: Path) -> int:
    """Replay the log into fresh projections and swap them in; give the number of entries."""
    with _units(root) as units:
        return units.write(rebuild)


def compare_directory(root: Path) -> list[Difference]:
    """Name each row of the projections that is not what the log says; change nothing."""
    with _units(root) as units:
        return units.read(compare)


@contextmanager
def _units(root: Path) -> Iterator[Units]:
    if not (root / _DATABASE).exists():
        raise RegistryNotFound(location=str(root))
    units = open_sqlite(root / _DATABASE, LocalBlobs(root))
    try:
        yield units
    finally:
        units.close()


def _found(root: Path, identity: Identity | None, passphrase: str | None, owner_name: str) -> None:
    """Make keys, database and first entries; one process at a time, and again after a crash.

    The database gets its name only when its first entries are in it, so that a directory is a
    registry or is not.
    """
    with disk_failures(str(root)):
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / ".founding").open("w")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (root / _DATABASE).exists():
            return
        blobs = LocalBlobs.create(root)
        owner = identity or _load_or_make(root / "keys" / "identity.pem", Algorithm.P256, passphrase)
        keys = RegistryKeys(
            log=NoteSigner(
                f"muniment.dev/embedded/{_new_id()}",
                _load_or_make(root / "keys" / "log.pem", Algorithm.ED25519),
            ),
            verdicts=_load_or_make(root / "keys" / "registry.pem", Algorithm.P256),
        )
        draft = root / f".{_DATABASE}"
        with disk_failures(str(root)):
            for leftover in (draft, *(root / f".{_DATABASE}-{kind}" for kind in ("wal", "shm"))):
                leftover.unlink(missing_ok=True)
        units = open_sqlite(draft, blobs)
        try:
            units.write(
                lambda unit: found(
                    Transaction(unit=unit, actor=_new_id(), clock=_now, nonces=_new_id, keys=keys),
                    RegisterPrincipal(name=_salt(owner_name), public_key=owner.public.pem),
                    _salt("the registry"),
                )
            )
        finally:
            # The last connection of a database folds its write-ahead log into the file.
            units.close()
        with disk_failures(str(root)):
            draft.rename(root / _DATABASE)


def _load_or_make(path: Path, algorithm: Algorithm, passphrase: str | None = None) -> Identity:
    if not path.exists():
        Identity.generate(algorithm).save(path, passphrase)
    return Identity.load(path, passphrase)


def _find_owner(root: Path, passphrase: str | None) -> Identity | None:
    path = root / "keys" / "identity.pem"
    return Identity.load(path, passphrase) if path.exists() else None


def _load_keys(root: Path, units: Units) -> RegistryKeys:
    leaves = units.read(lambda unit: unit.log.read(0, 1))
    first = Event.decode(leaves[0]) if leaves else None
    if first is None or first.type is not EventType.REGISTRY_CREATED:
        raise LogInconsistent(reason="its first entry is not the founding of a registry")
    return RegistryKeys(
        log=NoteSigner(str(first.data["origin"]), Identity.load(root / "keys" / "log.pem")),
        verdicts=Identity.load(root / "keys" / "registry.pem"),
    )


def _find_actor(units: Units, identity: Identity | None) -> str | None:
    if identity is None:
        return None
    key = units.read(lambda unit: unit.projections.find(KeyRecord, (identity.public.id,)))
    if key is None or key.revoked is not None:
        return None
    return None if key.expires is not None and key.expires <= write_time(_now()) else key.principal


def _salt(text: str) -> Payload:
    return Payload(salt=str(uuid_utils.uuid4()), text=text)


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid_utils.uuid7())
