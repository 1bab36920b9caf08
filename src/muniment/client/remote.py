"""A remote registry: every command and query over HTTP (see its `/api/v1/openapi.json`)."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Generic, TypeVar, cast

import msgspec

from muniment.client.bytes.downloads import Downloads
from muniment.client.bytes.uploads import Uploads
from muniment.client.connection.transport import API, Transport
from muniment.core.backend import Stored
from muniment.core.basis import Basis, Known
from muniment.core.digests import Digest
from muniment.core.errors import RegistryUnreachable
from muniment.core.receipts import Receipt
from muniment.core.verbs.verb import Command, Query, Verb
from muniment.core.verbs.wire import BASIS, KNOWN, answer_of, check, write
from muniment.signing.notes import NoteVerifier

A = TypeVar("A")
T = TypeVar("T")

# The server accepts bodies of 32 MiB; base64 turns three bytes into four.
_BATCH_BYTES: Final = 8 << 20
_ACCEPT: Final[Mapping[str, str]] = {"accept": "application/json"}
_BATCH: Final = 500


class _Page(msgspec.Struct, Generic[T]):
    items: tuple[T, ...]
    next: str | None = None


class _Digests(msgspec.Struct):
    digests: tuple[str, ...]


def open_remote(location: str, token: str | None, state: Path) -> "RemoteBackend":
    """Prepare to call a server; nothing is sent yet. Raises like `Transport`."""
    transport = Transport(location, token)
    return RemoteBackend(transport, Uploads(transport, state), Downloads(transport))


class RemoteBackend:
    """A Backend over HTTP."""

    def __init__(self, transport: Transport, uploads: Uploads, downloads: Downloads) -> None:
        """Use a transport."""
        self._transport = transport
        self._uploads = uploads
        self._downloads = downloads

    def trust(self, verifier: str) -> None:
        """Take the verifier of the registry's log, which the caller MUST trust, to use its store."""
        self._uploads.trust(NoteVerifier.read(verifier))

    def execute(self, command: Command) -> Receipt:
        """Do a command."""
        return self._decode(self._send(command), Receipt)

    def ask(self, query: Query[A]) -> A:
        """Ask a question."""
        form, is_list = answer_of(type(query))
        answer = self._send(query)
        if is_list:
            return cast("A", self._decode(answer, _Page[form]).items)  # type: ignore[valid-type] # known by then
        # The query's declaration has the type of its answer.
        return self._decode(answer, cast("type[A]", form))

    def prove(self, query: Query[object], known: Sequence[Known] = ()) -> Basis:
        """Ask for what an answer follows from, except for lists that we know."""
        headers = {"accept": BASIS, **({KNOWN: msgspec.json.encode(known).decode("ascii")} if known else {})}
        return self._decode(self._send(query, headers), Basis)

    def add_blob(self, source: BinaryIO) -> Stored:
        """Send a stream."""
        return self._uploads.send(source)

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        """Send small blobs, many per request, and large ones as uploads."""
        digests = [Digest.of(document) for document in documents]
        batch: list[bytes] = []
        for document in documents:
            if len(document) > _BATCH_BYTES:
                self._uploads.send_bytes(document)
            elif len(batch) >= _BATCH or sum(map(len, batch)) + len(document) > _BATCH_BYTES:
                self._send_batch(batch)
                batch = [document]
            else:
                batch.append(document)
        if batch:
            self._send_batch(batch)
        return digests

    def open_blob(self, digest: Digest) -> BinaryIO:
        """Open a blob, which is fetched in ranges, several at once if it is large."""
        return self._downloads.open(digest)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _send(self, verb: Verb, headers: Mapping[str, str] = _ACCEPT) -> bytes:
        check(verb)
        request = write(verb)
        return self._transport.call(
            request.method,
            API + request.path,
            params=request.params,
            body=request.body,
            headers={**request.headers, **headers},
        )

    def _send_batch(self, documents: Sequence[bytes]) -> None:
        body = {"documents": [base64.b64encode(document).decode() for document in documents]}
        answer = self._decode(self._transport.call("POST", f"{API}/documents", body=body), _Digests)
        if list(answer.digests) != [str(Digest.of(document)) for document in documents]:
            raise RegistryUnreachable(location=self._transport.location, reason="it stored other bytes")

    def _decode(self, answer: bytes, form: type[T]) -> T:
        try:
            return msgspec.json.decode(answer, type=form)
        except (msgspec.MsgspecError, RecursionError) as error:
            reason = f"the answer is invalid ({error})"
            raise RegistryUnreachable(location=self._transport.location, reason=reason) from error
