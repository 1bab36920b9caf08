"""Make what a new registry needs, embedded or served: keys, ids and salts."""

from pathlib import Path

import uuid_utils

from muniment.core.errors import InvalidSetting, LogInconsistent
from muniment.core.events import RegistryCreated, read_entry
from muniment.ports.unit import Units
from muniment.services.transaction import RegistryKeys
from muniment.signing.keys import Algorithm, Identity
from muniment.signing.notes import NoteSigner


def make_keys(directory: Path, origin: str) -> RegistryKeys:
    """Make the keys of a new registry, or reuse those of an interrupted founding."""
    return RegistryKeys(
        log=NoteSigner(origin, load_or_make(directory / "log.pem", Algorithm.ED25519)),
        verdicts=load_or_make(directory / "registry.pem", Algorithm.P256),
    )


def load_keys(directory: Path, units: Units) -> RegistryKeys:
    """Load the keys of the registry in the stores.

    Raises:
        LogInconsistent: the log does not begin with the founding of a registry.
        InvalidSetting: the keys belong to another registry.
        InvalidKey: the keys cannot be read.
    """
    leaves = units.read(lambda unit: unit.log.read(0, 1))
    first = read_entry(leaves[0], 0).event if leaves else None
    if not isinstance(first, RegistryCreated):
        raise LogInconsistent(reason="its first entry does not found a registry")
    log = NoteSigner(first.origin, Identity.load(directory / "log.pem"))
    if str(log.verifier) != first.log_key:
        raise InvalidSetting(name="MUNIMENT_KEYS", reason="holds the keys of another registry")
    return RegistryKeys(log=log, verdicts=Identity.load(directory / "registry.pem"))


def load_or_make(path: Path, algorithm: Algorithm, passphrase: str | None = None) -> Identity:
    """Load a key file, or make it if there is none."""
    if not path.exists():
        Identity.generate(algorithm).save(path, passphrase)
    return Identity.load(path, passphrase)


def new_id() -> str:
    """Return a UUIDv7."""
    return str(uuid_utils.uuid7())
