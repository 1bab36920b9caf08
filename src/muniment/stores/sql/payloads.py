"""The payloads in SQL. Rows can be erased; nothing in the log depends on them."""

from sqlalchemy import Connection, insert, select

from muniment.core.payloads import Payload
from muniment.stores.sql.tables import payloads


class SqlPayloads:
    """Payloads on one connection, inside its transaction."""

    def __init__(self, connection: Connection) -> None:
        """Stand on a connection."""
        self._connection = connection

    def put(self, payload: Payload, label: str | None = None) -> str:
        """Keep a payload."""
        digest = str(payload.digest)
        if self.find(digest) is None:
            row = {"digest": digest, "salt": payload.salt, "text": payload.text, "label": label}
            self._connection.execute(insert(payloads), row)
        return digest

    def find(self, digest: str) -> str | None:
        """Find a text."""
        return self._connection.execute(select(payloads.c.text).where(payloads.c.digest == digest)).scalar()

    def find_labelled(self, label: str) -> list[str]:
        """Find digests by label."""
        query = select(payloads.c.digest).where(payloads.c.label == label)
        return list(self._connection.execute(query).scalars())
