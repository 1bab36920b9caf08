"""Open a registry in a directory or on a server."""

import importlib
from pathlib import Path

from muniment.capture.clock import now
from muniment.client.connection.credentials import Credentials
from muniment.client.connection.locations import is_remote
from muniment.client.connection.settings import Settings
from muniment.client.proofs.memory import Memory
from muniment.client.proofs.trust import Credential, TrustedBackend
from muniment.client.sdk.registry import Registry
from muniment.core.backend import Backend
from muniment.core.people.tokens import id_of
from muniment.core.records import KeyRecord, TokenRecord
from muniment.core.times import Clock
from muniment.signing.keys import Identity


def open(  # noqa: A001 - the name of the public verb: muniment.open
    location: str | Path | None = None,
    *,
    identity: Identity | str | Path | None = None,
    create: bool = True,
    settings: Settings | None = None,
    clock: Clock = now,
) -> Registry:
    """Open a registry, and check that its log extends the one seen before.

    `location` is a directory or a server's URL; by default MUNIMENT_URL, or `./muniment-data`.
    `identity` is the key to sign with, or its file; by default MUNIMENT_IDENTITY, or the key of this
    machine (`muniment login`), or the founder's key in the directory. `clock` gives the time, for tests.

    Raises:
        InvalidLocation: the location is empty, or a URL that cannot be read.
        RegistryNotFound: there is no registry, and `create` is False.
        RegistryUnreachable: the server does not answer.
        Untrusted: the log was replaced, rolled back or rewritten since it was last seen.
    """
    settings = settings or Settings.read()
    where = str(settings.location if location is None else location)
    chosen = _load_identity(settings.identity if identity is None else identity, settings)
    # Load the backend by location, so a client of a server never loads a database library
    # (docs/decisions/0004-late-imports.md).
    if is_remote(where):
        where = where.rstrip("/")
        credentials = Credentials(directory=settings.state)
        if chosen is None and credentials.identity.exists():
            chosen = Identity.load(credentials.identity, settings.passphrase)
        token = settings.token or credentials.find(where)
        backend: Backend = importlib.import_module("muniment.client.remote").open_remote(
            where, token, settings.state
        )
        credential = None if token is None else Credential(TokenRecord, id_of(token))
        remembered = where
    else:
        directory = Path(where).resolve()
        embedded = importlib.import_module("muniment.server.embedded").open_directory(
            directory,
            identity=chosen,
            passphrase=settings.passphrase,
            founder_name=settings.user,
            create=create,
            clock=clock,
        )
        backend, chosen, remembered = embedded.backend, embedded.identity, str(directory)
        credential = None if chosen is None else Credential(KeyRecord, chosen.public.id)
    memory, max_age_s = Memory(settings.state, remembered), settings.max_age if is_remote(where) else None
    try:
        trusted = TrustedBackend(backend, memory, where, clock, max_age_s, credential)
    except BaseException:
        backend.close()
        raise
    return Registry(trusted, chosen)


def forget(location: str | Path | None = None, settings: Settings | None = None) -> bool:
    """Forget the log that was seen at a location; return whether there was one."""
    settings = settings or Settings.read()
    where = str(settings.location if location is None else location)
    known = where.rstrip("/") if is_remote(where) else str(Path(where).resolve())
    return Memory(settings.state, known).forget()


def _load_identity(identity: Identity | str | Path | None, settings: Settings) -> Identity | None:
    if identity is None or isinstance(identity, Identity):
        return identity
    return Identity.load(Path(identity), settings.passphrase)
