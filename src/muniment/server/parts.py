"""The stores of a registry, opened for maintenance, without access control."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from muniment.core.errors import RegistryNotFound
from muniment.ports.blobs import BlobStore
from muniment.ports.direct import Direct
from muniment.ports.landing import LandingArea
from muniment.ports.staging import Staging
from muniment.stores.blobs.local import LocalBlobs
from muniment.stores.blobs.staging import LocalStaging
from muniment.stores.sql.sqlite import open_sqlite
from muniment.stores.sql.unit import SqlUnits

DATABASE = "registry.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteStores:
    """The stores of bytes, and how clients send to them directly, if they can."""

    blobs: BlobStore
    staging: Staging
    landing: LandingArea | None = None
    direct: Direct | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The stores and keys of a registry. `place` is for messages."""

    units: SqlUnits
    blobs: BlobStore
    staging: Staging
    landing: LandingArea | None
    keys: Path
    place: str


@contextmanager
def open_parts(root: Path, *, create: bool = False) -> Iterator[Parts]:
    """Open the stores of a registry in a directory; with `create`, make empty ones.

    Raises:
        RegistryNotFound: there is none.
    """
    if create:
        blobs = LocalBlobs.create(root)
    elif (root / DATABASE).exists():
        blobs = LocalBlobs(root)
    else:
        raise RegistryNotFound(location=str(root))
    units = open_sqlite(root / DATABASE, blobs)
    try:
        yield Parts(
            units=units,
            blobs=blobs,
            staging=LocalStaging(root),
            landing=None,
            keys=root / "keys",
            place=str(root),
        )
    finally:
        units.close()
