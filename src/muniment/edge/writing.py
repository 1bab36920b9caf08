"""Execute commands: the scribe takes those of all doors in turn, many in one commit."""

from asyncio import wrap_future
from typing import Final

from starlette.requests import Request

from muniment.core.errors import InvalidBody
from muniment.core.receipts import Receipt
from muniment.core.verbs.verb import Command
from muniment.edge.caller import get_token
from muniment.edge.registry import registry_of

_MOST_KEY_CHARACTERS: Final = 200


async def execute(request: Request, command: Command) -> Receipt:
    """Execute a command for the caller, once for each Idempotency-Key.

    Raises:
        NotIdentified: there is no credential.
        BadToken: the credential is not valid.
        RequestReplayed: the key was used for another command.
    """
    # The token is checked in the transaction that relies on it.
    answer = registry_of(request).execute(get_token(request), command, retry_key(request))
    return await wrap_future(answer)


def retry_key(request: Request) -> str:
    """Return the Idempotency-Key of a request; empty if it has none.

    Raises:
        InvalidBody: the key is too long, or not plain text.
    """
    key = request.headers.get("idempotency-key", "")
    if len(key) > _MOST_KEY_CHARACTERS or not key.isprintable() or not key.isascii():
        raise InvalidBody(reason="the Idempotency-Key is too long, or not plain text")
    return f"key:{key}" if key else ""
