"""Open a registry in a directory or on a server."""

import importlib
from pathlib import Path

from muniment.capture.clock import now
from muniment.client.connection.credentials import Credentials
from muniment.client.connection.locations import is_remote
from muniment.client.connection.settings import Settings
from muniment.client.proofs.following import accept_loss
from muniment.client.proofs.memory import AcceptedRestore, DirectoryMemory
from muniment.client.proofs.trust import Credential, TrustedBackend
from muniment.client.sdk.registry import Registry
from muniment.core.backend import Backend
from muniment.core.errors import OpenedReadOnly
from muniment.core.people.tokens import id_of
from muniment.core.records import KeyRecord, TokenRecord
from muniment.core.times import Clock
from muniment.signing.keys import Identity


def open(  # noqa: A001, PLR0913 - the name of the public verb: muniment.open, and its options
    location: str | Path | None = None,
    *,
    identity: Identity | str | Path | None = None,
    create: bool = False,
    read_only: bool | None = None,
    settings: Settings | None = None,
    clock: Clock = now,
) -> Registry:
    """Open a registry, and check that its log extends the one seen before, here or elsewhere.

    `location` is a directory or a server's URL; by default MUNIMENT_URL, or `./muniment-data`. With `create`,
    a registry is created in the directory if there is none.
    `identity` is the key to sign with, or its file; by default MUNIMENT_IDENTITY, or the key of this
    machine (`muniment login`), or the founder's key in the directory. With `read_only` (by default
    MUNIMENT_READ_ONLY), nothing is changed and every command is refused, and the log may be older than what
    was seen elsewhere, as in a backup (`Registry.as_of`). `clock` gives the time, for tests.

    Raises:
        InvalidLocation: the location is empty, or a URL that cannot be read.
        RegistryNotFound: there is no registry, and `create` is False.
        RegistryUnreachable: the server does not answer.
        LogRestored: it was restored to an older state, and what is lost was seen: see `accept_restore`.
        Untrusted: the log was replaced, rolled back or rewritten since it was last seen.
    """
    settings = settings or Settings.read()
    where = str(settings.location if location is None else location)
    only_read = settings.read_only if read_only is None else read_only
    chosen = _load_identity(settings.identity if identity is None else identity, settings)
    if is_remote(where):
        where = where.rstrip("/")
        credentials = Credentials(directory=settings.state)
        if chosen is None and credentials.identity.exists():
            chosen = Identity.load(credentials.identity, settings.passphrase)
        token = settings.token or credentials.find(where)
        backend = _open_server(where, token, settings)
        credential = None if token is None else Credential(TokenRecord, id_of(token))
    else:
        backend, chosen = _open_directory(
            where, chosen, settings, create=create and not only_read, read_only=only_read, clock=clock
        )
        credential = None if chosen is None else Credential(KeyRecord, chosen.public.id)
    memory, max_age_s = open_memory(where, settings), settings.max_age if is_remote(where) else None
    try:
        trusted = TrustedBackend(backend, memory, where, clock, max_age_s, credential, read_only=only_read)
    except BaseException:
        backend.close()
        raise
    return Registry(trusted, chosen)


def forget(location: str | Path | None = None, settings: Settings | None = None) -> bool:
    """Forget the log that was seen at a location; return whether there was one.

    What is known of the log itself is forgotten too, unless it was seen at another location.

    Raises:
        OpenedReadOnly: MUNIMENT_READ_ONLY is set, so nothing is changed.
    """
    settings = settings or Settings.read()
    _check_writable(location, settings)
    return open_memory(str(settings.location if location is None else location), settings).forget()


def accept_restore(
    location: str | Path | None = None, settings: Settings | None = None, clock: Clock = now
) -> AcceptedRestore:
    """Accept that a registry was restored to an older state; return what is lost, and remember it.

    Needs no sign-in: the declaration proves itself, and a token may be among what is lost.

    Raises:
        NothingToAccept: the log extends what was seen.
        Untrusted: no restore that the registry declares explains how it differs from what was seen.
        OpenedReadOnly: MUNIMENT_READ_ONLY is set, so nothing is changed.
    """
    settings = settings or Settings.read()
    _check_writable(location, settings)
    where = str(settings.location if location is None else location)
    memory = open_memory(where, settings)
    if is_remote(where):
        backend = _open_server(where.rstrip("/"), None, settings)
    else:
        backend, _ = _open_directory(where, None, settings, create=False, read_only=False, clock=clock)
    try:
        return accept_loss(backend, memory, where, clock)
    finally:
        backend.close()


def _check_writable(location: str | Path | None, settings: Settings) -> None:
    if settings.read_only:
        raise OpenedReadOnly(location=str(settings.location if location is None else location))


def open_memory(location: str, settings: Settings) -> DirectoryMemory:
    """Open the memory of a location."""
    place = location.rstrip("/") if is_remote(location) else str(Path(location).resolve())
    return DirectoryMemory(settings.state, place)


# The backend is loaded by location, so a client of a server never loads a database library
# (docs/decisions/0004-late-imports.md).
def _open_server(location: str, token: str | None, settings: Settings) -> Backend:
    backend: Backend = importlib.import_module("muniment.client.remote").open_remote(
        location, token, settings.state
    )
    return backend


def _open_directory(  # noqa: PLR0913 - the options of opening
    location: str,
    identity: Identity | None,
    settings: Settings,
    *,
    create: bool,
    read_only: bool,
    clock: Clock,
) -> tuple[Backend, Identity | None]:
    """Open a directory; return the identity that signs there as well, if any."""
    embedded = importlib.import_module("muniment.server.embedded").open_directory(
        Path(location).resolve(),
        identity=identity,
        passphrase=settings.passphrase,
        founder_name=settings.user,
        create=create,
        read_only=read_only,
        clock=clock,
    )
    return embedded.backend, embedded.identity


def _load_identity(identity: Identity | str | Path | None, settings: Settings) -> Identity | None:
    if identity is None or isinstance(identity, Identity):
        return identity
    return Identity.load(Path(identity), settings.passphrase)
