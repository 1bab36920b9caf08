"""A live server for tests: `muniment serve` in another process, and people who sign in."""

import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx2

from muniment.capture.clock import now
from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import Credential, TrustedBackend
from muniment.client.remote import RemoteBackend, open_remote
from muniment.core.backend import Backend
from muniment.core.payloads import Payload
from muniment.core.people.tokens import id_of, make_token
from muniment.core.records import TokenRecord
from muniment.core.times import write_time
from muniment.core.verbs.people import BeginSession, GetKey, IssueToken
from muniment.signing.keys import Identity
from muniment.testing.servers import find_port

_PATIENCE_S: Final = 60.0
_LINK: Final = re.compile(r"muniment login '(\S+)/login#(\S+)'")


@dataclass
class LiveServer:
    """A running server."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    state: Path
    owner: Identity = field(default_factory=Identity.generate)
    tokens: dict[str, str] = field(default_factory=dict)
    opened: list[RemoteBackend] = field(default_factory=list)

    @property
    def invitation(self) -> str:
        """The token of the link that the first start printed."""
        match = _LINK.search(self.log.read_text())
        if match is None:
            raise LookupError(self.log)
        return match[2]

    def open_as(self, identity: Identity) -> TrustedBackend:
        """Sign in with a key and open the registry. The first one is its founder."""
        if identity.public.id not in self.tokens:
            self.tokens[identity.public.id] = self._sign_in(identity)
        token = self.tokens[identity.public.id]
        return self.trust(self.connect(token), Credential(TokenRecord, id_of(token)))

    def connect(self, token: str | None) -> RemoteBackend:
        """Open the registry with a token."""
        backend = open_remote(self.url, token, self.state)
        self.opened.append(backend)
        return backend

    def trust(self, backend: Backend, credential: Credential | None = None) -> TrustedBackend:
        """Wrap a backend to check its statements about the log."""
        memory = DirectoryMemory(self.state, self.url)
        trusted = TrustedBackend(backend, memory, self.url, credential=credential)
        if isinstance(backend, RemoteBackend):
            backend.trust(trusted.seen.verifier)
        return trusted

    def _sign_in(self, identity: Identity) -> str:
        if not self.tokens:
            self.owner = identity
            return begin_session(self, self.invitation, identity)
        host = self.connect(self.tokens[self.owner.public.id])
        invitation = make_token()
        host.execute(
            IssueToken(
                principal=host.ask(GetKey(key_id=identity.public.id)).principal,
                token=id_of(invitation),
                name=Payload.of("invitation"),
                scopes=(),
                expires=_in(hours=1),
                once=True,
            )
        )
        return begin_session(self, invitation, identity)


def begin_session(server: LiveServer, invitation: str, identity: Identity) -> str:
    """Redeem an invitation; return the token."""
    token = make_token()
    guest = server.connect(invitation)
    guest.execute(
        BeginSession(
            public_key=identity.public.pem, token=id_of(token), name=Payload.of("test"), expires=_in(hours=1)
        )
    )
    return token


@contextmanager
def run_server(
    directory: Path,
    environment: Mapping[str, str] | None = None,
    *,
    port: int | None = None,
    command: Sequence[str] = (),
) -> Iterator[LiveServer]:
    """Run a server on a directory until the block ends; `environment` holds its settings.

    The server is `muniment serve`, or another `command` with the option `--port`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    port = port or find_port()
    log = directory / f"serve-{port}.log"
    settings = {
        "MUNIMENT_DATA": str(directory / "data"),
        "MUNIMENT_PORT": str(port),
        **(environment or {}),
    }
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*(command or [str(Path(sys.executable).with_name("muniment")), "serve"]), "--port", str(port)],
            env={**os.environ, **settings},
            stdout=output,
            stderr=output,
        )
    server = LiveServer(f"http://127.0.0.1:{port}", process, log, directory / f"state-{secrets.token_hex(4)}")
    try:
        wait_until(lambda: _answers(server), process)
        yield server
    finally:
        for backend in server.opened:
            backend.close()
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, gently at first."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until(holds: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until a condition holds; fail if the process ends or it takes too long."""
    end = time.monotonic() + _PATIENCE_S
    while not holds():
        if process is not None and process.poll() is not None:
            raise ChildProcessError(process.args)
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.05)


def _answers(server: LiveServer) -> bool:
    try:
        return httpx2.get(f"{server.url}/readyz", timeout=2).status_code == 200
    except httpx2.HTTPError:
        return False


def _in(*, hours: float) -> str:
    return write_time(now() + timedelta(hours=hours))
