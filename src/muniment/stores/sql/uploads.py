"""The unfinished uploads in SQL."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.sql.base import Executable

from muniment.core.digests import Digest
from muniment.ports.staging import Stretch
from muniment.ports.uploads import Upload
from muniment.stores.sql.statements import Rows, Statements
from muniment.stores.sql.tables.bytes import uploads

_FIND: Final = select(uploads).where(uploads.c.id == bindparam("upload"))
_ADD: Final = insert(uploads)
_CHANGE: Final = (
    update(uploads)
    .where(uploads.c.id == bindparam("upload"))
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in ("offset", "state", "stretches", "rests", "session", "touched", "result")
        }
    )
)
_IDLE: Final = select(uploads).where(uploads.c.touched < bindparam("before")).limit(bindparam("most"))
_COUNTED: Final = func.coalesce(uploads.c.size_bytes, uploads.c.offset + bindparam("ahead"))
_MEASURE: Final = select(func.coalesce(func.sum(_COUNTED), 0)).where(
    uploads.c.principal == bindparam("principal"), uploads.c.result.is_(None)
)
_IDS: Final = select(uploads.c.id)
_DROP: Final = delete(uploads).where(uploads.c.id == bindparam("upload"))


class SqlUploads:
    """Uploads on one connection, inside its transaction."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        """Use a connection."""
        self._connection = connection
        self._statements = statements

    def put(self, upload: Upload) -> None:
        """Save an upload."""
        result = None if upload.result is None else str(upload.result)
        if self.find(upload.id) is None:
            digest = None if upload.digest is None else str(upload.digest)
            self._run(
                "uploads add",
                _ADD,
                id=upload.id,
                principal=upload.principal,
                size_bytes=upload.size_bytes,
                digest=digest,
                offset=upload.offset,
                state=upload.state,
                stretches=_write(upload.stretches),
                rests=int(upload.rests),
                session=upload.session,
                touched=upload.touched,
                result=result,
            )
        else:
            self._run(
                "uploads change",
                _CHANGE,
                upload=upload.id,
                new_offset=upload.offset,
                new_state=upload.state,
                new_stretches=_write(upload.stretches),
                new_rests=int(upload.rests),
                new_session=upload.session,
                new_touched=upload.touched,
                new_result=result,
            )

    def find(self, upload: str) -> Upload | None:
        """Find an upload."""
        rows = self._run("uploads find", _FIND, upload=upload)
        return _read(rows[0]) if rows else None

    def list_idle(self, before: str, limit: int) -> list[Upload]:
        """List idle uploads."""
        return [_read(row) for row in self._run("uploads idle", _IDLE, before=before, most=limit)]

    def measure(self, principal: str, ahead_bytes: int) -> int:
        """Sum up the bytes."""
        rows = self._run("uploads measure", _MEASURE, principal=principal, ahead=ahead_bytes)
        return int(rows[0][0])

    def list_ids(self) -> list[str]:
        """List all ids."""
        return [str(upload) for (upload,) in self._run("uploads ids", _IDS)]

    def drop(self, upload: str) -> None:
        """Delete an upload."""
        self._run("uploads drop", _DROP, upload=upload)

    def _run(self, shape: str, statement: Executable, **values: object) -> Rows:
        return self._statements.run(self._connection, shape, lambda: statement, values)


def _read(row: tuple[Any, ...]) -> Upload:
    identity, principal, size, digest, offset, state, stretches, rests, session, touched, result = row
    return Upload(
        id=str(identity),
        principal=str(principal),
        size_bytes=None if size is None else int(size),
        digest=None if digest is None else Digest.parse(str(digest)),
        offset=int(offset),
        state=bytes(state) if isinstance(state, bytes | memoryview) else b"",
        stretches=tuple(_read_stretch(part) for part in str(stretches).split()),
        rests=bool(rests),
        session=str(session),
        touched=str(touched),
        result=None if result is None else Digest.parse(str(result)),
    )


def _write(stretches: Iterable[Stretch]) -> str:
    return " ".join(f"{stretch.start}:{stretch.writer}" for stretch in stretches)


def _read_stretch(text: str) -> Stretch:
    start, _, writer = text.partition(":")
    return Stretch(int(start), writer)
