"""Faults: stores that go away, slow down or lie are refused clearly and recover without a restart."""

import asyncio
import gc
import io
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import httpx2
import pytest
from faulty.core import FaultyProxy
from faulty.middlewares import CorruptBytesMiddleware, LatencyMiddleware

from muniment.capture.tree import collect
from muniment.client.bytes.copying import Viewed, copy
from muniment.client.bytes.downloads import Downloads
from muniment.client.connection.transport import Transport
from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.remote import RemoteBackend, open_remote
from muniment.client.versions.pushing import store
from muniment.core.bytes.hashing import BackgroundHasher
from muniment.core.digests import Digest
from muniment.core.errors import MunimentError
from muniment.core.names import Reference
from muniment.core.verbs.versions import GetVersion, ListVersions
from muniment.signing.keys import Identity
from muniment.testing.backends import NAME, publish
from muniment.testing.live import LiveServer, run_server, wait_until
from muniment.testing.servers import find_port

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


class Line:
    """A TCP line to a server, which can be cut, slowed and disturbed."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self.port = find_port()
        self._target = (parts.hostname or "", parts.port or 0)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._proxy: FaultyProxy | None = None
        self.mend()

    def cut(self) -> None:
        """Break the line, and every connection on it."""
        proxy, self._proxy = self._proxy, None
        if proxy is not None:
            self._do(proxy.stop())
        self._do(self._drop_all())

    def mend(self) -> None:
        """Join it again."""
        self._proxy = FaultyProxy("127.0.0.1", self.port, *self._target)
        self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self._proxy.start()))  # type: ignore[union-attr] # just made
        time.sleep(0.3)

    def slow(self, milliseconds: int) -> None:
        """Let every answer take longer."""
        assert self._proxy is not None
        self._proxy.add_ingress_rule(LatencyMiddleware(milliseconds, milliseconds))

    def disturb(self, rate: float) -> None:
        """Change bytes of the answers."""
        assert self._proxy is not None
        self._proxy.add_ingress_rule(CorruptBytesMiddleware(rate))

    def clear(self) -> None:
        """Let it be as it should."""
        assert self._proxy is not None
        self._proxy.clear_all_rules()

    def close(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)  # type: ignore[arg-type] # a coroutine

    async def _drop_all(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            if task is not asyncio.current_task():
                task.cancel()
        await asyncio.sleep(0.05)


@contextmanager
def line_to(target: str) -> Iterator[Line]:
    line = Line(target)
    try:
        yield line
    finally:
        line.close()


Served: TypeAlias = tuple[LiveServer, RemoteBackend, Identity]


@contextmanager
def serving(directory: Path, settings: Mapping[str, str]) -> Iterator[Served]:
    with run_server(directory, {"MUNIMENT_DIRECT": "false", **settings}) as server:
        owner = Identity.generate()
        publish(server.open_as(owner), owner, b"first")
        yield server, server.connect(server.tokens[owner.public.id]), owner


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Run one server for the tests that break no more than their own line to it."""
    with serving(tmp_path_factory.mktemp("served"), {"MUNIMENT_LINK": "false"}) as served:
        yield served


def code_of(server: LiveServer, method: str, path: str, **more: object) -> tuple[int, str]:
    headers = {"authorization": f"Bearer {server.tokens[server.owner.public.id]}"}
    answer = httpx2.request(method, f"{server.url}{path}", headers=headers, timeout=60, **more)  # type: ignore[arg-type] # as httpx takes them
    return answer.status_code, "" if answer.status_code < 400 else answer.json()["code"]


def check_concealed(server: LiveServer, secret: str, method: str, path: str, **more: object) -> None:
    """What a refusal leaves out, the server's log has, under the same id."""
    request = os.urandom(8).hex()
    headers = {"authorization": f"Bearer {server.tokens[server.owner.public.id]}", "x-request-id": request}
    answer = httpx2.request(method, f"{server.url}{path}", headers=headers, timeout=60, **more)  # type: ignore[arg-type] # as httpx takes them
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_failed")
    assert secret not in answer.text
    lines = [line for line in server.log.read_text().splitlines() if request in line and secret in line]
    assert len(lines) == 1


def test_a_database_that_goes_away_comes_back(
    tmp_path: Path, scaled: Mapping[str, str], database: str
) -> None:
    """Without its database a server refuses and is not ready; with it back, it goes on."""
    with line_to(database) as line:
        parts = urlsplit(database)
        through = f"postgresql://postgres@127.0.0.1:{line.port}{parts.path}"
        with serving(tmp_path, {**scaled, "MUNIMENT_DATABASE": through}) as (server, backend, owner):
            line.cut()
            path = f"/api/v1/models/{NAME}/versions/1"
            assert code_of(server, "GET", path) == (503, "storage_failed")
            quota = "/api/v1/namespaces/acme/quota"
            assert code_of(server, "PUT", quota, json={"size_bytes": None}) == (503, "storage_failed")
            check_concealed(server, str(line.port), "GET", path)
            assert httpx2.get(f"{server.url}/healthz").status_code == 200
            assert httpx2.get(f"{server.url}/readyz", timeout=30).status_code == 503
            line.mend()
            wait_until(lambda: httpx2.get(f"{server.url}/readyz", timeout=30).status_code == 200)
            assert publish(backend, owner, b"second").created
            assert [v.number for v in backend.ask(ListVersions(name=NAME))] == [2, 1]


def test_an_object_store_that_goes_away_or_slows_down(
    tmp_path: Path, scaled: Mapping[str, str], s3: Mapping[str, str]
) -> None:
    """Without its object store a server serves metadata and refuses bytes; a slow store still works."""
    with line_to(s3["AWS_ENDPOINT_URL"]) as line:
        there = f"http://127.0.0.1:{line.port}"
        with serving(tmp_path, {**scaled, "AWS_ENDPOINT_URL": there}) as (server, backend, owner):
            line.cut()
            assert code_of(server, "GET", f"/api/v1/models/{NAME}/versions/1")[0] == 200
            document = {"documents": ["aGVsbG8="]}
            assert code_of(server, "POST", "/api/v1/documents", json=document) == (503, "storage_failed")
            check_concealed(server, str(line.port), "POST", "/api/v1/documents", json=document)
            ready = httpx2.get(f"{server.url}/readyz", timeout=60)
            assert (ready.status_code, ready.json()["checks"]["blobs"]) == (503, "storage_failed")
            line.mend()
            line.slow(150)
            assert publish(backend, owner, b"slowly").created
            line.clear()
            assert publish(backend, owner, b"at once").created


def test_an_object_store_that_lies_is_caught(
    tmp_path: Path, scaled: Mapping[str, str], s3: Mapping[str, str]
) -> None:
    """Bytes that change on the way from the object store are never accepted."""
    data = os.urandom(2 << 20)
    with line_to(s3["AWS_ENDPOINT_URL"]) as line:
        there = f"http://127.0.0.1:{line.port}"
        with serving(tmp_path, {**scaled, "AWS_ENDPOINT_URL": there}) as (_, backend, _owner):
            digest = backend.add_documents([data])[0]
            line.disturb(0.1)
            wrong = 0
            for _ in range(5):
                try:
                    with backend.open_blob(digest) as blob:
                        wrong += Digest.of(blob.read()) != digest
                except MunimentError:
                    wrong += 1
            assert wrong, "the disturbance has to be felt"
            line.clear()
            with backend.open_blob(digest) as blob:
                assert Digest.of(blob.read()) == digest


def test_a_push_goes_on_when_the_line_breaks(tmp_path: Path, served: Served) -> None:
    """A push resumes after a broken connection and reports each byte once."""
    data = os.urandom(96 << 20)
    path = tmp_path / "weights"
    path.write_bytes(data)
    told: list[int] = []
    server, _, owner = served
    token = server.tokens[owner.public.id]
    with line_to(server.url) as line:
        line.slow(20)
        backend = open_remote(f"http://127.0.0.1:{line.port}", token, tmp_path / "state")

        def push() -> Digest:
            (file,) = store(
                TrustedBackend(backend, DirectoryMemory(tmp_path / "m", "x"), "x"), collect(path), told.append
            )
            return file.digest

        with ThreadPoolExecutor(1) as pool:
            pushing = pool.submit(push)
            uploads = server.log.parent / "data" / "uploads"
            wait_until(lambda: any(p.stat().st_size > 16 << 20 for p in uploads.glob("upload-*")))
            line.cut()
            line.mend()
            assert pushing.result(60) == Digest.of(data)
        assert sum(told) == len(data)
        with backend.open_blob(Digest.of(data)) as blob:
            assert Digest.of(blob.read()) == Digest.of(data)
        backend.close()


def test_a_pull_goes_on_when_the_line_breaks(tmp_path: Path, served: Served) -> None:
    """A pull resumes after a broken connection and reports each byte once."""
    data = os.urandom(96 << 20)
    told: list[int] = []
    server, direct, owner = served
    direct.add_blob(io.BytesIO(data))
    token = server.tokens[owner.public.id]
    with line_to(server.url) as line, (tmp_path / "copy").open("wb") as target:
        line.slow(20)
        backend = open_remote(f"http://127.0.0.1:{line.port}", token, tmp_path / "state")

        def pull() -> Digest:
            with BackgroundHasher() as hasher, backend.open_blob(Digest.of(data)) as blob:
                copy(blob, target, hasher, told.append)
                return hasher.finish()

        with ThreadPoolExecutor(1) as pool:
            pulling = pool.submit(pull)
            wait_until(lambda: sum(told) > 32 << 20)
            line.cut()
            assert sum(told) < len(data), "it has to break off in the middle"
            line.mend()
            assert pulling.result(60) == Digest.of(data)
        backend.close()
    assert sum(told) == len(data)
    assert (tmp_path / "copy").read_bytes() == data


@pytest.mark.parametrize("local", [True, False])
def test_a_blob_is_read_and_streamed_from_any_place(served: Served, *, local: bool) -> None:
    """Reading, seeking and streaming a blob from any offset gives the bytes there."""
    size, segment = 20 << 20, 8 << 20
    data = os.urandom(size)
    server, backend, owner = served
    backend.add_blob(io.BytesIO(data))
    transport = Transport(server.url, server.tokens[owner.public.id])
    transport.is_local = local
    with Downloads(transport).open(Digest.of(data)) as blob:
        assert isinstance(blob, Viewed)
        for place in (0, 5, segment - 3, segment, segment + 1, 2 * segment + 7, size - 1, size):
            blob.seek(place)
            some = blob.read(10)
            views = (bytes(view) for view in blob.views())
            following = b"".join(islice(views, 2))
            views.close()
            assert data[place:].startswith(some + following)
            blob.seek(place)
            assert b"".join(bytes(view) for view in blob.views()) == data[place:]
            assert blob.tell() == size
            assert blob.read(1) == b""
        blob.seek(0)
        left = iter(blob.views())
        assert data.startswith(next(left))
    # A reader that stops closes the blob first and then drops the iterator.
    del left
    gc.collect()
    transport.close()


def test_a_connection_that_ended_while_idle_is_not_used(
    served: Served,
) -> None:
    """A request after the server closed an idle connection opens a new one and succeeds."""
    with line_to(served[0].url) as line:
        transport = Transport(f"http://127.0.0.1:{line.port}", None)
        for _ in range(2):
            with transport.stream("GET", "/healthz", {}) as answer:
                assert answer.read()
            line.cut()
            line.mend()
        transport.close()


def test_two_who_publish_at_once_get_two_numbers(served: Served) -> None:
    """Concurrent publications of one name get consecutive numbers without gaps."""
    server, _, owner = served
    token = server.tokens[owner.public.id]
    backends = [server.connect(token) for _ in range(8)]

    def push(number: int) -> bool:
        return publish(backends[number % 8], owner, f"weights {number // 2}".encode()).created

    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(push, range(40)))
    assert sum(created) == 20, "the same bytes are one version"
    numbers = [v.number for v in backends[0].ask(ListVersions(name=NAME))]
    assert numbers == list(range(21, 0, -1))
    assert backends[0].ask(GetVersion(reference=Reference(NAME, None))).number == 21


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to mount a small disk")
def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    """On a full disk writes are refused with 507 and reads go on; with room again, writes succeed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], check=False, capture_output=True
    )
    if mount.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with serving(tmp_path / "server", {"MUNIMENT_DATA": str(disk)}) as (server, backend, owner):
            filler = disk / "filler"
            fill(filler)
            large = {"documents": ["A" * 400_000]}
            assert code_of(server, "POST", "/api/v1/documents", json=large) == (507, "storage_full")
            assert code_of(server, "GET", f"/api/v1/models/{NAME}/versions/1")[0] == 200
            filler.unlink()
            assert publish(backend, owner, b"room again").created
    finally:
        subprocess.run(["/bin/umount", "-l", disk], check=True)


def fill(path: Path) -> None:
    """Write until there is no room."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(1 << 16)):
            continue
