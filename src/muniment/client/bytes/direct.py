"""Uploads that go straight to the object store of a server, which checks their digests."""

import hashlib
import io
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, Final

import msgspec
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_exponential

from muniment.capture.tree import WatchedFile
from muniment.client.bytes.chunks import read_chunks, read_range
from muniment.client.bytes.wire import Parts, Transfer
from muniment.client.connection.transport import API, Transport, retrying
from muniment.core.digests import Digest
from muniment.core.errors import RegistryUnreachable

_THREADS: Final = 3
# How long a registry may take to read an upload in parts: some minutes, and more for more bytes.
_PATIENCE_S: Final = 600.0
_SLOWEST_BYTES_PER_S: Final = 10_000_000


def send_to_store(transport: Transport, source: BinaryIO, transfer: Transfer) -> bool:
    """Send a stream to the store as the server says; return False if that is impossible from here."""
    digests: list[str] = []
    try:
        if transfer.method == "put":
            source.seek(0)
            transport.put_elsewhere(transfer.url, transfer.headers, read_chunks(source, transfer.size_bytes))
        elif transfer.method == "parts" and isinstance(source, io.FileIO):
            digests = _send_parts(transport, source, transfer)
        else:
            return False
    except RegistryUnreachable:
        return False
    return _arrives(transport, transfer, digests)


def _send_parts(transport: Transport, source: io.FileIO, transfer: Transfer) -> list[str]:
    """Send the missing parts, several at once; return the digests of all parts."""
    answer = transport.call("GET", transfer.url)
    here = {part.number: part.size_bytes for part in msgspec.json.decode(answer, type=Parts).parts}
    send = retrying(RegistryUnreachable)
    starts = range(0, transfer.size_bytes, transfer.part_bytes)
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        sending = [
            pool.submit(send, _send_part, transport, source, transfer, number, start, here)
            for number, start in enumerate(starts, 1)
        ]
        try:
            return [part.result() for part in sending]
        finally:
            pool.shutdown(cancel_futures=True)


def _send_part(  # noqa: PLR0913, PLR0917 - a pool passes them by position
    transport: Transport,
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
    digest = str(Digest(hasher.hexdigest()))
    if not is_here:
        body = {"parts": [{"number": number, "digest": digest}]}
        answer = transport.call("POST", transfer.url, body=body)
        (ticket,) = msgspec.json.decode(answer, type=Parts).parts
        headers = {**ticket.headers, "content-length": str(size)}
        transport.put_elsewhere(ticket.url, headers, read_range(source, start, size, count))
    return digest


def _arrives(transport: Transport, transfer: Transfer, digests: list[str]) -> bool:
    """Confirm the arrival, and wait until the registry has read what the store could not check."""
    place = f"{API}/uploads/{transfer.id}"
    transport.call("POST", f"{place}/arrival", body={"digests": digests})

    def ask() -> Transfer:
        return msgspec.json.decode(transport.call("GET", place), type=Transfer)

    waiting = Retrying(
        retry=retry_if_result(lambda now: now.method != "patch"),
        wait=wait_exponential(0.2, max=10),
        stop=stop_after_delay(_PATIENCE_S + transfer.size_bytes / _SLOWEST_BYTES_PER_S),
        retry_error_callback=lambda _: None,
    )
    return waiting(ask) is not None
