"""Writing: a command goes to the scribe, which does those of all doors in turn, many in one commit."""

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
    """Do a command for the caller; sent again under the same Idempotency-Key, it is done once.

    Raises:
        NotIdentified: there is no credential.
        BadToken: the credential is not valid.
        RequestReplayed: the key was used for another command.
    """
    # Who shows the token is looked up in the transaction that relies on it.
    answer = registry_of(request).execute(get_token(request), command, retry_key(request))
    return await wrap_future(answer)


def retry_key(request: Request) -> str:
    """Give the key under which a request may come again; empty if there is none.

    Raises:
        InvalidBody: it is too long, or not plain text.
    """
    key = request.headers.get("idempotency-key", "")
    if len(key) > _MOST_KEY_CHARACTERS or not key.isprintable() or not key.isascii():
        raise InvalidBody(reason="the Idempotency-Key is too long, or not plain text")
    return f"key:{key}" if key else ""
