"""Translate failures of disks and databases (no foreign exception crosses a port)."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from muniment.core.errors import (
    MunimentError,
    StorageBusy,
    StorageFailed,
    StorageFull,
    StorageReadOnly,
)

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_READ_ONLY: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_SQLITE: Final[dict[int, type[StorageFull | StorageReadOnly | StorageBusy]]] = {
    sqlite3.SQLITE_FULL: StorageFull,
    sqlite3.SQLITE_READONLY: StorageReadOnly,
    sqlite3.SQLITE_CANTOPEN: StorageReadOnly,
    sqlite3.SQLITE_PERM: StorageReadOnly,
    sqlite3.SQLITE_BUSY: StorageBusy,
    sqlite3.SQLITE_LOCKED: StorageBusy,
}


# PostgreSQL, Appendix A: error codes.
_POSTGRESQL: Final[dict[str, type[StorageFull | StorageReadOnly | StorageBusy]]] = {
    "53100": StorageFull,
    "25006": StorageReadOnly,
    "55P03": StorageBusy,
    "57014": StorageBusy,
    "40001": StorageBusy,
    "40P01": StorageBusy,
    "53300": StorageBusy,
}


@contextmanager
def disk_failures(path: str) -> Iterator[None]:
    """Translate an OSError into an error that names the path."""
    try:
        yield
    except OSError as error:
        raise _translate(error, path) from error


def database_failure(error: BaseException | None, path: str) -> MunimentError:
    """Translate an exception of the database."""
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int):
        # The low byte is the primary code (sqlite.org/rescode.html).
        kind = _SQLITE.get(code & 0xFF)
        if kind is not None:
            return kind(path=path)
    state = getattr(error, "sqlstate", None)
    if state in _POSTGRESQL:
        return _POSTGRESQL[state](path=path)
    # The first line names the fault; later lines may quote the statement and its values.
    return StorageFailed(path=path, reason=str(error).partition("\n")[0] or "no answer")


def _translate(error: OSError, path: str) -> MunimentError:
    if error.errno in _FULL:
        return StorageFull(path=path)
    if error.errno in _READ_ONLY:
        return StorageReadOnly(path=path)
    return StorageFailed(path=path, reason=error.strerror or str(error))
