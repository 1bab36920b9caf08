"""The embedded registry: a directory that this process serves to itself.

muniment-data/
  oci-layout  blobs/sha256/<hex>   an OCI image layout
  registry.db                      the log, its tree, the projections
  keys/                            the log's key, the registry's, and the founder's; mode 0600
"""

import fcntl
from dataclasses import dataclass
from pathlib import Path

from muniment.answers.keys import get_valid_key
from muniment.capture.clock import now
from muniment.core.errors import Refused, RegistryNotFound, Untrusted
from muniment.core.payloads import Payload
from muniment.core.people.callers import Caller
from muniment.core.times import Clock, read_time, write_time
from muniment.core.verbs.people import RegisterPrincipal
from muniment.ports.unit import Units
from muniment.server.founding import load_keys, load_or_make, make_keys, new_id
from muniment.server.parts import DATABASE
from muniment.services.backend import LocalBackend
from muniment.services.bytes.reads import ReadNotes
from muniment.services.clock import read_last_clock
from muniment.services.people.founding import found_registry
from muniment.services.transaction import Transaction
from muniment.signing.keys import Algorithm, Identity
from muniment.stores.blobs.local import LocalBlobs
from muniment.stores.failures import disk_failures
from muniment.stores.sql.sqlite import open_sqlite


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """An open directory: its backend, and the identity that this process signs with, if any."""

    backend: LocalBackend
    identity: Identity | None


def open_directory(  # noqa: PLR0913 - the options of opening
    root: Path,
    *,
    identity: Identity | None = None,
    passphrase: str | None = None,
    founder_name: str = "founder",
    create: bool = False,
    read_only: bool = False,
    clock: Clock = now,
) -> Embedded:
    """Open a registry in a directory; with `create`, found it if there is none.

    Without an `identity`, the founder's key in the directory is used. With `read_only`, the directory may be
    an older copy, so what it says holds as of its newest entry and not as of now.

    Raises:
        RegistryNotFound: there is none, and `create` is False.
        InvalidKey: a key file cannot be used.
        Unavailable: the disk or the database fails.
    """
    if not (root / DATABASE).exists():
        if not create:
            raise RegistryNotFound(location=str(root))
        _make(root, identity, passphrase, founder_name, clock)
    blobs = LocalBlobs(root)
    units = open_sqlite(root / DATABASE, blobs)
    try:
        signer = identity or _find_founder(root, passphrase)
        backend = LocalBackend(
            units=units,
            blobs=blobs,
            clock=_clock_of(units) if read_only else clock,
            nonces=new_id,
            keys=load_keys(root / "keys", units),
            caller=Caller(principal=_find_actor(units, signer, clock), direct=True),
            # An older copy, or a disk that cannot be written, keeps no notes.
            notes=None if read_only else ReadNotes(units, clock),
        )
    except BaseException:
        units.close()
        raise
    return Embedded(backend=backend, identity=signer)


def _make(
    root: Path, identity: Identity | None, passphrase: str | None, founder_name: str, clock: Clock
) -> None:
    """Make the keys, the database and the first entries. One process at a time; safe to repeat after a crash.

    The database gets its name only once it has its first entries, so a directory never holds half a registry.
    """
    with disk_failures(str(root)):
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / ".founding").open("w")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (root / DATABASE).exists():
            return
        blobs = LocalBlobs.create(root)
        founder = identity or load_or_make(root / "keys" / "identity.pem", Algorithm.P256, passphrase)
        keys = make_keys(root / "keys", f"muniment.dev/embedded/{new_id()}")
        draft = root / f".{DATABASE}"
        with disk_failures(str(root)):
            for leftover in (draft, *(root / f".{DATABASE}-{kind}" for kind in ("wal", "shm"))):
                leftover.unlink(missing_ok=True)
        units = open_sqlite(draft, blobs)
        try:
            units.write(
                lambda unit: found_registry(
                    Transaction(
                        unit=unit,
                        caller=Caller(principal=new_id(), direct=True),
                        clock=clock,
                        nonces=new_id,
                        keys=keys,
                    ),
                    RegisterPrincipal(name=Payload.of(founder_name), public_key=founder.public.pem),
                    Payload.of("the registry"),
                )
            )
        finally:
            # Closing the last connection merges the write-ahead log into the file.
            units.close()
        with disk_failures(str(root)):
            draft.rename(root / DATABASE)


def _clock_of(units: Units) -> Clock:
    """Return a clock that stands still at the newest entry."""
    return lambda: read_time(units.read(lambda unit: read_last_clock(unit.log)))


def _find_founder(root: Path, passphrase: str | None) -> Identity | None:
    path = root / "keys" / "identity.pem"
    return Identity.load(path, passphrase) if path.exists() else None


def _find_actor(units: Units, identity: Identity | None, clock: Clock) -> str | None:
    if identity is None:
        return None
    try:
        return units.read(lambda unit: get_valid_key(unit, identity.public.id, write_time(clock())).principal)
    except (Refused, Untrusted):
        # Who has no key that counts may look, and do nothing.
        return None
