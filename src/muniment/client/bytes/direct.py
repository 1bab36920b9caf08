"""Uploads that go straight to the object store of a server, which checks their digests."""

import hashlib
import io
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, Final, NamedTuple

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_exponential

from muniment.capture.tree import WatchedFile
from muniment.client.bytes.chunks import read_chunks, read_range
from muniment.client.bytes.wire import Parts, Transfer, read_answer
from muniment.client.connection.transport import Transport, retrying
from muniment.core.digests import Digest
from muniment.core.errors import RegistryUnreachable
from muniment.signing.notes import NoteVerifier
from muniment.signing.tickets import open_ticket

_THREADS: Final = 3
# How long a registry may take to read an upload in parts: some minutes, and more for more bytes.
_PATIENCE_S: Final = 600.0
_SLOWEST_BYTES_PER_S: Final = 10_000_000


class Sender(NamedTuple):
    """The way to a server, and the verifier of its log, whose key signs the tickets to its store."""

    transport: Transport
    verifier: NoteVerifier

    def put(
        self, ticket: str, digest: Digest, body: Iterator[memoryview], headers: Mapping[str, str] = {}
    ) -> None:
        """Send bytes where a ticket for them says.

        Raises:
            ProofInvalid: the log's key has not signed it.
            RegistryUnreachable: the store does not accept them.
        """
        signed = open_ticket(ticket, self.verifier, digest)
        self.transport.put_elsewhere(signed.url, {**headers, **signed.headers}, body)


def send_to_store(sender: Sender, source: BinaryIO, transfer: Transfer, digest: Digest) -> bool:
    """Send a stream to the store of a server; return False if that is impossible from here.

    Raises:
        ProofInvalid: the server says where, and its log's key has not signed that.
    """
    digests: list[str] = []
    try:
        if transfer.method == "put":
            source.seek(0)
            sender.put(transfer.ticket, digest, read_chunks(source, transfer.size_bytes))
        elif transfer.method == "parts" and isinstance(source, io.FileIO):
            digests = _send_parts(sender, source, transfer)
        else:
            return False
    except RegistryUnreachable:
        return False
    return _arrives(sender.transport, transfer, digests)


def _send_parts(sender: Sender, source: io.FileIO, transfer: Transfer) -> list[str]:
    """Send the missing parts, several at once; return the digests of all parts."""
    answer = sender.transport.call("GET", f"{transfer.path}/parts")
    here = {part.number: part.size_bytes for part in read_answer(sender.transport, answer, Parts).parts}
    send = retrying(RegistryUnreachable)
    starts = range(0, transfer.size_bytes, transfer.part_bytes)
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        sending = [
            pool.submit(send, _send_part, sender, source, transfer, number, start, here)
            for number, start in enumerate(starts, 1)
        ]
        try:
            return [part.result() for part in sending]
        finally:
            pool.shutdown(cancel_futures=True)


def _send_part(  # noqa: PLR0913, PLR0917 - a pool passes them by position
    sender: Sender,
    source: io.FileIO,
    transfer: Transfer,
    number: int,
    start: int,
    here: Mapping[int, int],
) -> str:
    size = min(transfer.part_bytes, transfer.size_bytes - start)
    count = source.count if isinstance(source, WatchedFile) else None
    is_here = here.get(number) == size
    hasher = hashlib.sha256()
    for part in read_range(source, start, size, count if is_here else None):
        hasher.update(part)
    digest = Digest(hasher.hexdigest())
    if not is_here:
        body = {"parts": [{"number": number, "digest": str(digest)}]}
        answer = sender.transport.call("POST", f"{transfer.path}/parts", body=body)
        (wanted,) = read_answer(sender.transport, answer, Parts).parts
        whole = read_range(source, start, size, count)
        sender.put(wanted.ticket, digest, whole, {"content-length": str(size)})
    return str(digest)


def _arrives(transport: Transport, transfer: Transfer, digests: list[str]) -> bool:
    """Confirm the arrival, and wait until the registry has read what the store could not check."""
    transport.call("POST", f"{transfer.path}/arrival", body={"digests": digests})

    def ask() -> Transfer:
        return read_answer(transport, transport.call("GET", transfer.path), Transfer)

    waiting = Retrying(
        retry=retry_if_result(lambda now: now.method != "patch"),
        wait=wait_exponential(0.2, max=10),
        stop=stop_after_delay(_PATIENCE_S + transfer.size_bytes / _SLOWEST_BYTES_PER_S),
        retry_error_callback=lambda _: None,
    )
    return waiting(ask) is not None
