"""The payloads in SQL. Rows can be erased; nothing in the log depends on them."""

from sqlalchemy import Connection, bindparam, delete, insert, select

from muniment.core.payloads import Payload
from muniment.stores.sql.statements import Statements
from muniment.stores.sql.tables.people import payloads

_FIND = select(payloads.c.text).where(payloads.c.digest == bindparam("digest"))
_PICK = select(payloads.c.salt, payloads.c.text).where(payloads.c.digest == bindparam("digest"))
_FIND_LABELLED = select(payloads.c.digest).where(payloads.c.label == bindparam("label"))
_FIND_OWNED = select(payloads.c.digest).where(
    payloads.c.principal == bindparam("principal"), payloads.c.personal >= bindparam("least")
)
_PUT = insert(payloads)
_ERASE = delete(payloads).where(payloads.c.digest == bindparam("digest"))


class SqlPayloads:
    """Payloads on one connection, inside its transaction."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        """Use a connection."""
        self._connection = connection
        self._statements = statements
        self.erased = False

    def put(
        self,
        payload: Payload,
        *,
        label: str | None = None,
        principal: str | None = None,
        personal: bool = False,
    ) -> str:
        """Store a payload."""
        digest = str(payload.digest)
        if self.find(digest) is None:
            row = {
                "digest": digest,
                "salt": payload.salt,
                "text": payload.text,
                "label": label,
                "principal": principal,
                "personal": int(personal),
            }
            self._statements.run(self._connection, "payloads put", lambda: _PUT, row)
        return digest

    def find(self, digest: str) -> str | None:
        """Find a text."""
        rows = self._statements.run(self._connection, "payloads find", lambda: _FIND, {"digest": digest})
        return str(rows[0][0]) if rows else None

    def pick(self, digest: str) -> Payload | None:
        """Find a text with its salt."""
        rows = self._statements.run(self._connection, "payloads pick", lambda: _PICK, {"digest": digest})
        return Payload(salt=rows[0][0], text=rows[0][1]) if rows else None

    def erase(self, digest: str) -> bool:
        """Erase a text."""
        self.erased = True
        existed = self.find(digest) is not None
        self._statements.run(self._connection, "payloads erase", lambda: _ERASE, {"digest": digest})
        return existed

    def find_of(self, principal: str, *, personal: bool) -> list[str]:
        """Find digests by principal."""
        values = {"principal": principal, "least": int(personal)}
        rows = self._statements.run(self._connection, "payloads owned", lambda: _FIND_OWNED, values)
        return [str(digest) for (digest,) in rows]

    def find_labelled(self, label: str) -> list[str]:
        """Find digests by label."""
        rows = self._statements.run(
            self._connection, "payloads labelled", lambda: _FIND_LABELLED, {"label": label}
        )
        return [str(digest) for (digest,) in rows]
