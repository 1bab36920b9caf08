"""Tickets: a client sends bytes to its registry or where the log's key has signed, and nowhere else."""

import json
import os
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.client.bytes.uploads import Uploads
from muniment.client.connection.transport import Transport
from muniment.core.digests import Digest
from muniment.core.errors import ProofInvalid, RegistryUnreachable
from muniment.log.checkpoint import Checkpoint
from muniment.signing.keys import Algorithm, Identity
from muniment.signing.notes import NoteSigner
from muniment.signing.tickets import open_ticket, sign_ticket
from strategies import damaged

DATA = os.urandom(9 << 20)
DIGEST = Digest.of(DATA)
LOG = NoteSigner("example.org/log", Identity.generate(Algorithm.ED25519))
OTHER = NoteSigner("example.org/log", Identity.generate(Algorithm.ED25519))
UPLOAD = "01a20000-0000-7000-8000-000000000000"
TOKEN = "mun_secret"  # noqa: S105 - nobody's


class Server(ThreadingHTTPServer):
    """A server on this machine that notes what it is asked for, and answers as it is told."""

    def __init__(self, answer: Callable[[str, str], object]) -> None:
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                server.asked.append((self.command, self.path))
                server.headers.append({name.lower(): value for name, value in self.headers.items()})
                server.bodies.append(self.rfile.read(int(self.headers.get("content-length", 0))))
                said = json.dumps(answer(self.command, self.path)).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_POST = do_PUT = do_PATCH = _answer  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)
        Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def store() -> Iterator[Server]:
    """Run a server that takes what is put there."""
    with Server(lambda *_: {}) as running:
        yield running
        running.shutdown()


Push = Callable[..., tuple[Server, BaseException | None]]


@pytest.fixture
def push(tmp_path: Path) -> Iterator[Push]:
    """Give what uploads to a registry whose answers have some members of an attacker's."""
    servers: list[Server] = []
    path = tmp_path / "weights"
    path.write_bytes(DATA)

    def send(part: dict[str, object] | None = None, **said: object) -> tuple[Server, BaseException | None]:
        transfer = {
            "id": UPLOAD,
            "size_bytes": len(DATA),
            "offset": 0,
            "digest": None,
            "method": "put",
            **said,
        }

        def answer(method: str, asked: str) -> object:
            if asked.endswith("/parts"):
                return {"parts": [] if method == "GET" else [{"number": 1, **(part or {})}]}
            is_done = any(one.endswith("/arrival") for _, one in server.asked) or method == "PATCH"
            done = {"method": "patch", "offset": len(DATA), "digest": str(DIGEST)} if is_done else {}
            return {"hash_first": True, **transfer, **done}

        server = Server(answer)
        servers.append(server)
        uploads = Uploads(Transport(server.url, TOKEN), tmp_path / "state")
        uploads.trust(LOG.verifier)
        try:
            with path.open("rb", buffering=0) as source:
                uploads.send(source)
        except (ProofInvalid, RegistryUnreachable) as error:
            return server, error
        return server, None

    yield send
    for server in servers:
        server.shutdown()
        server.server_close()


def test_bytes_go_where_the_log_has_signed(store: Server, push: Push) -> None:
    """With a ticket of the log, the bytes go to the store, with its headers and without our token."""
    ticket = sign_ticket(
        LOG, f"{store.url}/b/x?y=1", {"if-none-match": "*", "content-length": f"{len(DATA)}"}, DIGEST
    )
    _, error = push(ticket=ticket)
    assert error is None
    assert (store.asked, store.bodies) == ([("PUT", "/b/x?y=1")], [DATA])
    assert store.headers[0]["if-none-match"] == "*"
    assert TOKEN not in repr(store.headers)


def test_a_part_goes_where_the_log_has_signed(store: Server, push: Push) -> None:
    """With a ticket for a part, the part goes to the store."""
    _, error = push(
        method="parts",
        part_bytes=len(DATA),
        part={"ticket": sign_ticket(LOG, f"{store.url}/p?n=1", {}, DIGEST)},
    )
    assert error is None
    assert (store.asked, store.bodies) == ([("PUT", "/p?n=1")], [DATA])


def forge(store: Server) -> list[str]:
    """List tickets to a server of an attacker, who has no key of the log."""
    right = sign_ticket(LOG, "https://store.example.org/b/x", {}, DIGEST)
    return [
        "",
        "x",
        sign_ticket(OTHER, f"{store.url}/x", {}, DIGEST),
        sign_ticket(LOG, f"{store.url}/x", {}, Digest.of(b"other bytes")),
        right.replace("https://store.example.org", store.url),
        LOG.sign(Checkpoint(origin=LOG.name, size=1, root=bytes(32)).encode()).decode(),
    ]


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("method", ["put", "parts"])
def test_bytes_go_nowhere_else(store: Server, push: Push, method: str, number: int) -> None:
    """A forged answer sends neither bytes nor headers to another server, and is refused."""
    ticket = forge(store)[number]
    url = f"{store.url}/x"
    _, error = push(
        method=method,
        part_bytes=len(DATA),
        ticket=ticket,
        url=url,
        headers={"x-evil": "1"},
        part={"ticket": ticket, "url": url, "headers": {"x-evil": "1"}},
    )
    assert isinstance(error, ProofInvalid)
    assert store.asked == []


@pytest.mark.parametrize("method", ["put", "parts", "patch", "link"])
def test_a_registry_names_no_paths(store: Server, push: Push, method: str) -> None:
    """The paths of an upload follow from its id: an address in an answer leads no token elsewhere."""
    ticket = sign_ticket(OTHER, store.url, {}, DIGEST)
    for url in (f"{store.url}/x", f"//127.0.0.1:{store.server_port}/x", "/api/v1/tokens"):
        server, _ = push(
            method=method, url=url, ticket=ticket, part={"url": url, "ticket": ticket}, part_bytes=len(DATA)
        )
        assert store.asked == []
        begun = "/api/v1/uploads"
        own = {"/api/v1", begun, *(f"{begun}/{UPLOAD}{rest}" for rest in ("", "/parts", "/arrival"))}
        assert {path for _, path in server.asked} <= own


@pytest.mark.parametrize("upload", ["../tokens", "http://127.0.0.1:9/x", "a/b", "", "x?y=1", "x" * 65])
def test_an_id_is_a_word(push: Push, upload: str) -> None:
    """An id that leads to another path is refused."""
    server, error = push(id=upload, method="patch")
    assert isinstance(error, RegistryUnreachable)
    assert {path for _, path in server.asked} <= {"/api/v1", "/api/v1/uploads"}


@pytest.mark.parametrize("path", ["http://127.0.0.1:9/x", "//127.0.0.1:9/x", "x", ""])
def test_a_token_stays_at_its_server(store: Server, path: str) -> None:
    """No path makes the transport call another server."""
    transport = Transport(store.url, TOKEN)
    with pytest.raises(RegistryUnreachable):
        transport.call("GET", path)
    with pytest.raises(RegistryUnreachable), transport.stream("GET", path, {}):
        pass
    assert store.asked == []


@given(damaged(sign_ticket(LOG, "https://store.example.org/b/x", {"a": "b"}, DIGEST).encode()))
def test_a_damaged_ticket_is_no_ticket(note: bytes) -> None:
    """A ticket of which a byte was changed is refused, or says the same."""
    try:
        ticket = open_ticket(note.decode(errors="replace"), LOG.verifier, DIGEST)
    except ProofInvalid:
        return
    assert ticket == ("https://store.example.org/b/x", {"a": "b"})


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_a_ticket_is_read_as_it_was_signed(text: str) -> None:
    """What is signed is read again."""
    note = sign_ticket(LOG, text, {"a": text}, DIGEST)
    assert open_ticket(note, LOG.verifier, DIGEST) == (text, {"a": text})
