"""Build a served registry from its settings, founding it if it is new."""

import fcntl
import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from muniment.capture.clock import now
from muniment.core.addresses import AllowedAddresses
from muniment.core.errors import ContentCorrupt
from muniment.core.payloads import Payload
from muniment.core.people.callers import Caller
from muniment.core.people.roles import Role
from muniment.core.people.tokens import id_of, make_token
from muniment.core.records import GrantRecord, TokenRecord, Where
from muniment.core.times import write_time
from muniment.core.verbs.people import RegisterPrincipal
from muniment.ports.blobs import BlobStore
from muniment.ports.unit import Unit, Units
from muniment.scanning.process import ScanProcess
from muniment.server.founding import load_keys, make_keys, new_id
from muniment.server.jobs import AGAIN, Handler, Jobs
from muniment.server.parts import DATABASE, ByteStores, Parts
from muniment.server.settings import ServerSettings
from muniment.services.bytes.direct import PROOF, DirectUploads
from muniment.services.bytes.handovers import Handovers
from muniment.services.bytes.reads import ReadNotes
from muniment.services.bytes.uploads import Uploading
from muniment.services.people.founding import found_registry
from muniment.services.people.sessions import invite
from muniment.services.serving.registry import ServedRegistry
from muniment.services.serving.scribe import Scribe
from muniment.services.transaction import RegistryKeys, Transaction
from muniment.services.upkeep.garbage import collect_garbage
from muniment.services.upkeep.letters import LETTER, Letters
from muniment.services.upkeep.scans import SCANNING, Scans
from muniment.services.upkeep.scrub import scrub
from muniment.services.upkeep.webhooks import WEBHOOK, plan_deliveries
from muniment.signing.heads import HeadSigner
from muniment.stores.blobs.handover import LocalHandover
from muniment.stores.blobs.local import LocalBlobs
from muniment.stores.blobs.staging import LocalStaging
from muniment.stores.failures import disk_failures
from muniment.stores.sql.postgresql import open_postgresql
from muniment.stores.sql.sqlite import open_sqlite
from muniment.stores.sql.unit import SqlUnits

_RETRIES_LIVE: Final = timedelta(days=7)
_GARBAGE_RESTS: Final = timedelta(days=2)
_INVITATION: Final = timedelta(hours=24)
_FOUNDER: Final = "founder"
# The round that looks who has news, and how long it gathers them.
MAIL: Final = "mail"
_MAIL_ROUND: Final = timedelta(minutes=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A served registry with its jobs, and the first admin's one-time token if it was just made."""

    registry: ServedRegistry
    jobs: Jobs
    scanner: ScanProcess | None
    invitation: str | None

    def close(self) -> None:
        """Stop the jobs, and close the stores."""
        self.jobs.end()
        if self.scanner is not None:
            self.scanner.close()
        self.jobs.close()
        self.registry.close()


def open_served(settings: ServerSettings) -> Opened:
    """Open the registry of the settings, founding it if it is new.

    Raises:
        InvalidSetting: the settings contradict the stores.
        Unavailable: a store fails.
    """
    with disk_failures(str(settings.data)):
        settings.data.mkdir(parents=True, exist_ok=True)
    stores = _open_bytes(settings)
    units = _open_units(settings, stores.blobs)
    try:
        keys, invitation = _load_or_found(settings, units)
    except BaseException:
        units.close()
        raise
    uploads = Uploading(
        units=units,
        staging=stores.staging,
        clock=now,
        nonces=new_id,
        most_bytes=settings.max_blob,
        most_pending_bytes=settings.max_pending,
    )
    direct = _open_direct(stores, uploads, units)
    registry = ServedRegistry(
        units=units,
        blobs=stores.blobs,
        uploads=uploads,
        direct=direct,
        handovers=_open_handovers(settings, uploads),
        clock=now,
        nonces=new_id,
        keys=keys,
        allowed=settings.allowed,
        scribe=Scribe(units, HeadSigner(keys.log, now)),
        local=settings.database is None and settings.blobs is None,
        recovery_wait=timedelta(hours=settings.recovery_hours),
        notes=ReadNotes(units, now),
    )
    scanner = ScanProcess() if settings.scan else None
    scans = None if scanner is None else _make_scans(units, stores.blobs, scanner, keys)
    mail = _make_mail(settings, units, keys)
    jobs = _make_jobs(
        units, stores, direct, scans, _Sending(keys.log.name, settings.allowed), mail, registry.record_reads
    )
    return Opened(registry=registry, jobs=jobs, scanner=scanner, invitation=invitation)


class _Sending(NamedTuple):
    """What webhooks are sent: from the log of an origin, to allowed addresses."""

    origin: str
    allowed: AllowedAddresses


def _make_jobs(  # noqa: PLR0913, PLR0917 - what jobs work on
    units: Units,
    stores: ByteStores,
    direct: DirectUploads | None,
    scans: Scans | None,
    sending: "_Sending",
    mail: Mapping[str, Handler],
    record_reads: Callable[[], int],
) -> Jobs:
    @cache
    def load_delivery() -> Handler:
        # A registry without webhooks loads no HTTP client (docs/decisions/0004-late-imports.md).
        webhooks = importlib.import_module("muniment.server.webhooks")
        send = webhooks.make_sender(sending.allowed)
        deliveries = webhooks.Deliveries(units=units, clock=now, origin=sending.origin, send=send)
        deliver: Handler = deliveries.deliver
        return deliver

    def expire(_payload: str) -> object:
        cut = now()
        forgotten = units.write(lambda unit: unit.retries.forget(write_time(cut - _RETRIES_LIVE)))
        rested = cut - _GARBAGE_RESTS
        return forgotten, collect_garbage(
            units, stores.blobs, stores.staging, stores.landing, rested, remove=True
        )

    def scrub_all(_payload: str) -> object:
        report = scrub(units, stores.blobs, stopped=lambda: jobs.ending)
        if report.rot:
            first = report.rot[0]
            raise ContentCorrupt(path=str(first.digest), expected=str(first.digest), actual=first.fault)
        return report

    def prove(upload: str) -> object:
        return None if direct is None or direct.prove(upload) else AGAIN

    jobs = Jobs(
        units,
        now,
        {
            "expiry": expire,
            "scrub": scrub_all,
            "reads": lambda _: record_reads(),
            PROOF: prove,
            WEBHOOK: lambda payload: load_delivery()(payload),  # noqa: PLW0108 - it is loaded when it is needed
            # The scouts find the scans that are left over.
            **({} if scans is None else {SCANNING: lambda _: len(scans.scan_next())}),
            **mail,
        },
        {
            "expiry": timedelta(hours=6),
            "scrub": timedelta(days=7),
            "reads": timedelta(hours=1),
            **({MAIL: _MAIL_ROUND} if mail else {}),
        },
        [plan_deliveries, *([] if scans is None else [scans.plan])],
    )
    return jobs


def _make_mail(settings: ServerSettings, units: Units, keys: RegistryKeys) -> Mapping[str, Handler]:
    """Make the jobs that send mail, if there is a mail server."""
    if settings.smtp_url is None:
        return {}
    letters = Letters(
        units=units, clock=now, signer=HeadSigner(keys.log, now), registry=str(keys.log.verifier)
    )
    # A registry without a mail server does not load its client (docs/decisions/0004-late-imports.md).
    mail = importlib.import_module("muniment.server.mail").make_mail(settings, letters, now, keys.log.name)
    return {MAIL: lambda _: letters.plan(), LETTER: mail.deliver}


def _make_scans(units: Units, blobs: BlobStore, scanner: ScanProcess, keys: RegistryKeys) -> Scans:
    return Scans(units=units, blobs=blobs, scanning=scanner, clock=now, nonces=new_id, keys=keys)


def _open_bytes(settings: ServerSettings) -> ByteStores:
    if settings.blobs is None:
        return ByteStores(blobs=LocalBlobs.create(settings.data), staging=LocalStaging(settings.data))
    # A registry without an object store does not load its libraries (docs/decisions/0004-late-imports.md).
    objects = importlib.import_module("muniment.server.objects")
    stores: ByteStores = objects.open_objects(settings.blobs, settings)
    return stores


def _open_direct(stores: ByteStores, uploads: Uploading, units: Units) -> DirectUploads | None:
    if stores.direct is None or stores.landing is None:
        return None
    return DirectUploads(
        uploads=uploads, units=units, clock=now, direct=stores.direct, landing=stores.landing
    )


def _open_handovers(settings: ServerSettings, uploads: Uploading) -> Handovers | None:
    if not settings.link or settings.blobs is not None:
        return None
    return Handovers(uploads, LocalHandover(settings.data))


def _open_units(settings: ServerSettings, blobs: BlobStore) -> SqlUnits:
    if settings.database is None:
        return open_sqlite(settings.data / DATABASE, blobs)
    return open_postgresql(settings.database.get_secret_value(), blobs)


def _load_or_found(settings: ServerSettings, units: Units) -> tuple[RegistryKeys, str | None]:
    """Load or found the registry; return its keys, and an invitation if nobody was ever invited."""
    directory = settings.keys_directory
    with _alone(directory):
        if units.read(lambda unit: unit.log.size()):
            keys = load_keys(directory, units)
        else:
            keys = make_keys(directory, f"muniment.dev/served/{new_id()}")
        token = make_token()
        invited = units.write(lambda unit: _begin(unit, keys, token))
        # If another replica founded it meanwhile, that replica's keys are the registry's.
        return load_keys(directory, units), token if invited else None


def _begin(unit: Unit, keys: RegistryKeys, token: str) -> bool:
    """Found the registry if it is new, and invite its admin if nobody was ever invited."""
    founder = RegisterPrincipal(name=Payload.of(_FOUNDER))
    found_registry(_act(unit, keys, new_id()), founder, Payload.of("the registry"))
    if unit.projections.select(TokenRecord, limit=1):
        return False
    admins = unit.projections.select(
        GrantRecord, Where("role", "=", str(Role.ADMIN)), Where("ended", "=", None), limit=1
    )
    if not admins:
        return False
    tx = _act(unit, keys, admins[0].principal)
    invite(tx, tx.actor, id_of(token), Payload.of("first start"), write_time(now() + _INVITATION))
    return True


def _act(unit: Unit, keys: RegistryKeys, principal: str) -> Transaction:
    caller = Caller(principal=principal, direct=True)
    return Transaction(unit=unit, caller=caller, clock=now, nonces=new_id, keys=keys)


@contextmanager
def open_parts(settings: ServerSettings) -> Iterator[Parts]:
    """Open the stores of the settings for maintenance."""
    with disk_failures(str(settings.data)):
        settings.data.mkdir(parents=True, exist_ok=True)
    stores = _open_bytes(settings)
    units = _open_units(settings, stores.blobs)
    try:
        yield Parts(
            units=units,
            blobs=stores.blobs,
            staging=stores.staging,
            landing=stores.landing,
            keys=settings.keys_directory,
            place=units.path if settings.database else str(settings.data),
        )
    finally:
        units.close()


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    with disk_failures(str(directory)):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (directory / ".founding").open("w")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
