"""The peers with their defaults, and the raw HTTP client that drives them and us.

MLflow's server and Debian's docker-registry run in separate directories (`bench/peers.sh` installs both).
"""

import hashlib
import http.client
import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from muniment.testing.live import stop
from muniment.testing.servers import find_port

_MIB = 1 << 20
_PATIENCE_S = 120.0


@dataclass
class Peer:
    """A running server: its URL, its processes, and the time to its first answer."""

    url: str
    process: psutil.Process
    started_s: float

    def memory_mb(self) -> float:
        """Sum up the memory of its processes."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(process.memory_info().rss for process in family) / _MIB


class Raw:
    """The raw client: a connection per thread, parsing only the status."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        """Prepare to call a server with these headers."""
        parts = urlsplit(url)
        self._place = (parts.hostname or "", parts.port)
        self._headers = headers
        self._local = threading.local()

    def call(self, method: str, path: str, body: object = None, **headers: str) -> bytes:
        """Make a call; a failure ends the benchmark."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {**self._headers, "content-type": "application/json", **headers}
        try:
            answer = self._send(method, path, data, sent)
        except (http.client.HTTPException, ConnectionError):
            # Servers close idle connections.
            self._local.connection.close()
            answer = self._send(method, path, data, sent)
        body = bytes(answer.read())
        assert answer.status < 300, (method, path, answer.status, body[:500])
        return body

    def _send(
        self, method: str, path: str, data: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection(*self._place, timeout=_PATIENCE_S)
        connection: http.client.HTTPConnection = self._local.connection
        connection.request(method, path, data, headers)
        return connection.getresponse()

    def begin(self, method: str, path: str) -> str:
        """Begin an upload; return the location from the answer."""
        connection = http.client.HTTPConnection(*self._place, timeout=_PATIENCE_S)
        connection.request(method, path, headers=self._headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return str(answer.headers["location"])

    def send_file(self, method: str, path: str, source: Path, **headers: str) -> None:
        """Send a file."""
        connection = http.client.HTTPConnection(*self._place, timeout=_PATIENCE_S, blocksize=_MIB)
        sent = {**self._headers, **headers, "content-length": str(source.stat().st_size)}
        with source.open("rb") as file:
            connection.request(method, path, file, sent)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status < 300, (method, path, answer.status, body[:500])
        connection.close()

    def receive(self, path: str, target: Path | None = None) -> None:
        """Receive bytes; discard them, or hash them and write them durably to a file."""
        connection = http.client.HTTPConnection(*self._place, timeout=_PATIENCE_S)
        connection.request("GET", path, headers=self._headers)
        answer = connection.getresponse()
        assert answer.status < 300, (path, answer.status)
        buffer, hasher = memoryview(bytearray(_MIB)), hashlib.sha256()
        with target.open("wb", buffering=0) if target is not None else nullcontext() as file:
            while count := answer.readinto(buffer):
                if file is not None:
                    hasher.update(buffer[:count])
                    file.write(buffer[:count])
            if file is not None:
                os.fsync(file.fileno())
        connection.close()


@contextmanager
def run_muniment(
    command: Sequence[str], directory: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Peer]:
    """Run the server that `command serve` starts on `directory / "data"`."""
    port = find_port()
    serve = [*command, "serve", str(directory / "data"), "--port", str(port)]
    with run_peer(serve, directory, f"http://127.0.0.1:{port}", "/readyz", environment) as peer:
        yield peer


@contextmanager
def run_mlflow(directory: Path) -> Iterator[Peer | None]:
    """Run `mlflow server` with its defaults; yield None if it is not installed."""
    place = Path(sys.executable).parent.parent.parent / ".peers" / "bin"
    program = shutil.which("mlflow", path=str(place))
    if program is None:
        yield None
        return
    directory.mkdir()
    port = find_port()
    command = [program, "server", "--host", "127.0.0.1", "--port", str(port)]
    with run_peer(command, directory, f"http://127.0.0.1:{port}", "/health") as peer:
        yield peer


@contextmanager
def run_docker_registry(directory: Path) -> Iterator[Peer | None]:
    """Run Debian's docker-registry on a directory; yield None if it is not installed."""
    program = shutil.which("docker-registry")
    if program is None:
        yield None
        return
    directory.mkdir()
    port = find_port()
    config = directory / "config.yml"
    config.write_text(
        f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {directory}/data\n"
        f"http:\n  addr: 127.0.0.1:{port}\n"
    )
    command = [program, "serve", str(config)]
    with run_peer(command, directory, f"http://127.0.0.1:{port}", "/v2/") as peer:
        yield peer


@contextmanager
def run_sendfile(path: Path) -> Iterator[Raw]:
    """Serve a file with `sendfile` alone, the limit for any server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = multiprocessing.Process(target=_send_file, args=(listener, path), daemon=True)
        process.start()
        try:
            yield Raw(f"http://127.0.0.1:{listener.getsockname()[1]}", {})
        finally:
            process.terminate()
            process.join()


def _send_file(listener: socket.socket, path: Path) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {path.stat().st_size}\r\n\r\n".encode()
    while True:
        connection, _ = listener.accept()
        with connection, path.open("rb") as file:
            connection.recv(1 << 16)
            connection.sendall(head)
            connection.sendfile(file)


@contextmanager
def run_peer(
    command: Sequence[str],
    directory: Path,
    url: str,
    health: str,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Peer]:
    """Run a server until the block ends; `health` is a path that answers 200 once it is ready."""
    started = time.perf_counter()
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        while not _answers(url, health):
            assert process.poll() is None, (directory / "log").read_text()
            assert time.perf_counter() - started < _PATIENCE_S
            time.sleep(0.01)
        yield Peer(url, psutil.Process(process.pid), time.perf_counter() - started)
    finally:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.terminate()
        stop(process)


def _answers(url: str, path: str) -> bool:
    parts = urlsplit(url)
    try:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
