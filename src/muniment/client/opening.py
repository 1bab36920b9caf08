"""Open a registry, wherever it is."""

import importlib
from pathlib import Path

from muniment.client.memory import Memory
from muniment.client.registry import Registry
from muniment.client.settings import Settings
from muniment.client.trust import TrustedBackend
from muniment.core.errors import RegistryNotFound
from muniment.signing.keys import Identity


def open(  # noqa: A001 - the name of the public verb: muniment.open
    location: str | Path | None = None,
    *,
    identity: Identity | str | Path | None = None,
    create: bool = True,
    settings: Settings | None = None,
) -> Registry:
    """Open a registry and check that its log extends what was seen of it before.

    `location` is a directory; by default MUNIMENT_URL, or `./muniment-data`. `identity` is the key to
    sign with, or its file; by default MUNIMENT_IDENTITY, or the owner's key in the directory.

    Raises:
        RegistryNotFound: there is none, and `create` is False.
        Untrusted: the log was replaced, rolled back or rewritten since it was last seen.
    """
    settings = settings or Settings.read()
    where = str(location or settings.location)
    if "://" in where:
        raise RegistryNotFound(location=where)
    directory = Path(where).resolve()
    # The one way to a backend: loaded by location, so that a client of a server never loads a
    # database library (docs/decisions/0004-late-imports.md).
    embedded = importlib.import_module("muniment.server.embedded").open_directory(
        directory,
        identity=_load_identity(identity or settings.identity, settings),
        passphrase=settings.passphrase,
        owner_name=settings.user,
        create=create,
    )
    try:
        trusted = TrustedBackend(embedded.backend, Memory(settings.state, str(directory)), where)
    except BaseException:
        embedded.backend.close()
        raise
    return Registry(trusted, embedded.identity)


def forget(location: str | Path | None = None, settings: Settings | None = None) -> bool:
    """Forget the log that was seen at a location; say whether one was."""
    settings = settings or Settings.read()
    directory = Path(str(location or settings.location)).resolve()
    return Memory(settings.state, str(directory)).forget()


def _load_identity(identity: Identity | str | Path | None, settings: Settings) -> Identity | None:
    if identity is None or isinstance(identity, Identity):
        return identity
    return Identity.load(Path(identity), settings.passphrase)
