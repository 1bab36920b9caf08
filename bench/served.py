"""The server beside its peers, in one run, each driven by the same raw HTTP client.

MLflow's server and Debian's docker-registry run as they come, in directories of their own. Without
them (`bench/peers.sh` installs both) their rows are left out.
"""

import hashlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from measure import Row, median, time_each
from muniment.client.pulling import pull
from muniment.client.pushing import prepare, publish
from muniment.client.trust import TrustedBackend
from muniment.core.digests import Digest
from muniment.core.names import ModelName, Reference
from muniment.core.revisions import File, Revision
from muniment.signing.content import sign_content
from muniment.signing.keys import Identity
from muniment.testing.live import LiveServer, run_server, stop
from muniment.testing.servers import find_port

_THREADS = 8
# Servers of several processes are slow until each has had its share, so that the first requests are
# measured, and those that come after the warm-up.
_FIRST = 300
_WARM_UP = 900
_PUBLISHES = 1_500
_LOOKUPS = 300
_VERSIONS = int(os.environ.get("MUNIMENT_BENCH_PEER_VERSIONS", "50000"))
_FILE_MIB = 1024
_ROUNDS = 3
_MIB = 1 << 20
_LARGE = ModelName("bench", "large")
_MODELS = 500
_OVER_HTTP = {"MUNIMENT_LINK": "false"}
_UVICORN = (
    *(sys.executable, "-m", "uvicorn", "--factory", "muniment.server.serving:make_worker_app"),
    *("--log-level", "error"),
)
_PATIENCE_S = 120.0


@dataclass
class Peer:
    """A running server: where, its processes, and how long it took to answer first."""

    url: str
    process: psutil.Process
    started_s: float

    def memory_mb(self) -> float:
        """Sum up what its processes hold."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(process.memory_info().rss for process in family) / _MIB


class Raw:
    """The raw client: one connection for each thread, nothing parsed but the status."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        """Call a server, always with these headers."""
        parts = urlsplit(url)
        self._place = (parts.hostname or "", parts.port)
        self._headers = headers
        self._local = threading.local()

    def call(self, method: str, path: str, body: object = None, **headers: str) -> bytes:
        """Make a call; anything but success ends the benchmark."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {**self._headers, "content-type": "application/json", **headers}
        try:
            answer = self._send(method, path, data, sent)
        except (http.client.HTTPException, ConnectionError):
            # Servers close connections that were idle for a while.
            self._local.connection.close()
            answer = self._send(method, path, data, sent)
        found = bytes(answer.read())
        assert answer.status < 300, (method, path, answer.status, found[:500])
        return found

    def _send(
        self, method: str, path: str, data: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection(*self._place, timeout=_PATIENCE_S)
        connection: http.client.HTTPConnection = self._local.connection
        connection.request(method, path, data, headers)
        return connection.getresponse()

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
        """Receive bytes; let them go, or hash them and write them into a file, durably."""
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


def run(directory: Path) -> list[Row]:
    """Measure all, the peers beside us."""
    file = directory / "file"
    with file.open("wb") as output:
        for _ in range(_FILE_MIB):
            output.write(os.urandom(_MIB))
    digest = hash_file(file)
    started_s = measure_start(directory / "start")
    with run_server(directory / "ours", _OVER_HTTP) as server:
        ours = _measure_ours(server, started_s, file, digest, directory)
    with run_server(directory / "uvicorn", _OVER_HTTP, command=_UVICORN) as server:
        uvicorn = _measure_bytes(server, file, digest, directory)
    with run_server(directory / "link") as server:
        owner = Identity.generate()
        backend = server.open_as(owner)
        ours.linked = _speed(lambda: _push(backend, owner, file), directory)
    rows = [*_rows_alone(ours), *_compare_uvicorn(ours, uvicorn)]
    if shutil.which("mlflow", path=_peers_path()):
        with run_mlflow(directory / "mlflow") as peer:
            rows += _compare_mlflow(ours, _measure_mlflow(peer, file, directory))
    if shutil.which("docker-registry"):
        with run_docker_registry(directory / "docker") as peer:
            rows += _compare_docker(ours, _measure_docker(peer, file, digest, directory))
    return rows


def measure_start(directory: Path) -> float:
    """Start a server on nothing; give the seconds to its first healthy answer."""
    directory.mkdir()
    port = find_port()
    program = str(Path(sys.executable).with_name("muniment"))
    command = [program, "serve", str(directory / "data"), "--port", str(port)]
    with _run(command, directory, f"http://127.0.0.1:{port}", "/readyz") as peer:
        return peer.started_s


def _measure_bytes(server: LiveServer, file: Path, digest: str, directory: Path) -> "Found":
    owner = Identity.generate()
    server.open_as(owner)
    raw = Raw(server.url, {"authorization": f"Bearer {server.tokens[owner.public.id]}"})
    up = _speed(lambda: _upload(raw, file), directory)
    return Found(up=up, down=_speed(lambda: raw.receive(f"/api/v1/blobs/sha256:{digest}"), directory))


@dataclass
class Found:
    """What was measured of one server; 0 for what it does not do."""

    started_s: float = 0.0
    idle_mb: float = 0.0
    first_publishes: float = 0.0
    publishes: float = 0.0
    alias_ms: float = 0.0
    search_ms: float = 0.0
    up: float = 0.0
    down: float = 0.0
    sdk_up: float = 0.0
    sdk_down: float = 0.0
    linked: float = 0.0
    deep_ms: float = 0.0
    limit: float = 0.0
    peak_mb: float = 0.0


def _measure_ours(server: LiveServer, started_s: float, file: Path, digest: str, directory: Path) -> Found:
    peer = Peer(server.url, psutil.Process(server.process.pid), started_s)
    found = Found(started_s=started_s, idle_mb=peer.memory_mb())
    owner = Identity.generate()
    backend = server.open_as(owner)
    raw = Raw(server.url, {"authorization": f"Bearer {server.tokens[owner.public.id]}"})
    found.first_publishes = _publish_some(raw, backend, owner, range(_FIRST))
    _publish_some(raw, backend, owner, range(_FIRST, _WARM_UP))
    found.publishes = _publish_some(raw, backend, owner, range(_WARM_UP, _WARM_UP + _PUBLISHES))
    raw.call("PUT", "/api/v1/models/bench/model-0/aliases/production", {"version": "1"})
    alias = "/api/v1/models/bench/model-0/versions/production"
    found.alias_ms = median(time_each(lambda _: raw.call("GET", alias), _LOOKUPS))
    before = peer.memory_mb()
    found.limit = _speed(lambda: copy_file(file, directory / "limit"), directory)
    found.up = _speed(lambda: _upload(raw, file), directory)
    path = f"/api/v1/blobs/sha256:{digest}"
    found.down = _speed(lambda: raw.receive(path), directory)
    found.sdk_up = _speed(lambda: _push(backend, owner, file), directory)
    found.sdk_down = _speed(lambda: _pull(backend, directory), directory)
    found.peak_mb = peer.memory_mb() - before
    for start in range(_WARM_UP + _PUBLISHES, _VERSIONS, 1000):
        _publish_some(raw, backend, owner, range(start, min(start + 1000, _VERSIONS)))
    found.search_ms = median(time_each(lambda _: raw.call("GET", "/api/v1/versions?limit=100"), _LOOKUPS))
    one = "/api/v1/versions?limit=100&q=name%20%3D%20%22bench/model-1%22"
    found.deep_ms = median(time_each(lambda _: raw.call("GET", one), _LOOKUPS))
    return found


def _publish_some(raw: Raw, backend: TrustedBackend, owner: Identity, numbers: range) -> float:
    """Publish versions, each signed; give how many a second."""
    bodies = []
    documents: list[bytes] = []
    for number in numbers:
        name, data = ModelName("bench", f"model-{number % _MODELS}"), f"weights {number}".encode()
        revision = Revision.of([File(path="w.bin", digest=Digest.of(data), size_bytes=len(data))])
        claim = sign_content(revision, str(name), owner).encode()
        documents += [data, revision.config(), revision.manifest(), claim]
        body = {"manifest": str(Digest.of(revision.manifest())), "attestations": [str(Digest.of(claim))]}
        bodies.append((f"/api/v1/models/{name}/versions", body))
    backend.add_documents(documents)
    return _rate(bodies, lambda one: raw.call("POST", one[0], one[1]))


def _measure_mlflow(peer: Peer, file: Path, directory: Path) -> Found:
    found = Found(started_s=peer.started_s, idle_mb=peer.memory_mb())
    raw, api = Raw(peer.url, {}), "/api/2.0/mlflow"
    for number in range(_MODELS):
        raw.call("POST", f"{api}/registered-models/create", {"name": f"model-{number}"})

    def publish(numbers: range) -> float:
        bodies = [{"name": f"model-{n % _MODELS}", "source": f"s3://bench/{n}"} for n in numbers]
        return _rate(bodies, lambda body: raw.call("POST", f"{api}/model-versions/create", body))

    found.first_publishes = publish(range(_FIRST))
    publish(range(_FIRST, _WARM_UP))
    found.publishes = publish(range(_WARM_UP, _WARM_UP + _PUBLISHES))
    alias = {"name": "model-0", "alias": "production", "version": "1"}
    raw.call("POST", f"{api}/registered-models/alias", alias)
    get = f"{api}/registered-models/alias?name=model-0&alias=production"
    found.alias_ms = median(time_each(lambda _: raw.call("GET", get), _LOOKUPS))
    place = "/api/2.0/mlflow-artifacts/artifacts/bench/file"
    found.up = _speed(
        lambda: raw.send_file("PUT", place, file, **{"content-type": "application/octet-stream"}), directory
    )
    found.down = _speed(lambda: raw.receive(place), directory)
    publish(range(_WARM_UP + _PUBLISHES, _VERSIONS))
    search = f"{api}/model-versions/search?max_results=100"
    found.search_ms = median(time_each(lambda _: raw.call("GET", search), _LOOKUPS // 10))
    one = f"{search}&filter=name%3D%27model-1%27"
    found.deep_ms = median(time_each(lambda _: raw.call("GET", one), _LOOKUPS // 10))
    return found


def _measure_docker(peer: Peer, file: Path, digest: str, directory: Path) -> Found:
    found = Found(started_s=peer.started_s, idle_mb=peer.memory_mb())
    raw = Raw(peer.url, {})

    def send() -> None:
        connection = http.client.HTTPConnection(*raw._place)  # noqa: SLF001 - the location is in a header
        connection.request("POST", "/v2/bench/blobs/uploads/")
        answer = connection.getresponse()
        answer.read()
        place = urlsplit(answer.headers["location"])
        raw.send_file("PUT", f"{place.path}?{place.query}&digest=sha256:{digest}", file)

    found.up = _speed(send, directory)
    place = f"/v2/bench/blobs/sha256:{digest}"
    found.down = _speed(lambda: raw.receive(place), directory)
    found.sdk_down = _speed(lambda: raw.receive(place, directory / "received"), directory)
    return found


def _rows_alone(ours: Found) -> list[Row]:
    push, pull = ours.sdk_up / ours.limit, ours.sdk_down / ours.limit
    return [
        Row("server: cold start to ready", f"{ours.started_s:.1f} s", "2 s", ours.started_s < 2),
        Row("server: idle memory", f"{ours.idle_mb:.0f} MB", "150 MB", ours.idle_mb < 150),
        Row("push 1 GiB over loopback HTTP, of the limit", f"{push:.2f}", ">= 0.6", push >= 0.6),
        Row("pull and verify 1 GiB over loopback HTTP, of the limit", f"{pull:.2f}", ">= 1.0", pull >= 1.0),
        Row(
            "push 1 GiB to a server of this machine, handed over, of the limit",
            f"{ours.linked / ours.limit:.2f}",
            "",
            None,
        ),
        Row("server: memory over idle after 4 GiB", f"{ours.peak_mb:.0f} MB", "< 64 MB", ours.peak_mb < 64),
    ]


def _compare_mlflow(ours: Found, theirs: Found) -> list[Row]:
    def row(what: str, ratio: float, budget: float, text: str) -> Row:
        return Row(f"{what}, times MLflow's", f"{ratio:.1f} ({text})", f">= {budget:g}", ratio >= budget)

    return [
        *(
            row(
                f"versions published a second, {_THREADS} threads, {what}",
                mine / other,
                10,
                f"{mine:.0f} against {other:.0f}",
            )
            for what, mine, other in (
                (f"the first {_FIRST}", ours.first_publishes, theirs.first_publishes),
                (f"after {_WARM_UP}", ours.publishes, theirs.publishes),
            )
        ),
        row(
            "alias resolution p50, speed",
            theirs.alias_ms / ours.alias_ms,
            10,
            f"{ours.alias_ms:.1f} ms against {theirs.alias_ms:.1f} ms",
        ),
        *(
            row(
                f"a page of 100 of {_VERSIONS:,} versions, {what}, p50, speed",
                other / mine,
                10,
                f"{mine:.1f} ms against {other:.1f} ms",
            )
            for what, mine, other in (
                ("newest first", ours.search_ms, theirs.search_ms),
                ("of one model", ours.deep_ms, theirs.deep_ms),
            )
        ),
        row(
            "idle memory, smallness",
            theirs.idle_mb / ours.idle_mb,
            10,
            f"{ours.idle_mb:.0f} MB against {theirs.idle_mb:.0f} MB",
        ),
        row(
            "cold start, speed",
            theirs.started_s / ours.started_s,
            10,
            f"{ours.started_s:.1f} s against {theirs.started_s:.1f} s",
        ),
        row("1 GiB up", ours.up / theirs.up, 2, f"{ours.up:.2f} against {theirs.up:.2f} GB/s"),
        row("1 GiB down", ours.down / theirs.down, 2, f"{ours.down:.2f} against {theirs.down:.2f} GB/s"),
    ]


def _compare_docker(ours: Found, theirs: Found) -> list[Row]:
    return [
        Row(
            f"1 GiB {way}, times docker-registry's",
            f"{mine / other:.1f} ({mine:.2f} against {other:.2f} GB/s)",
            ">= 2",
            mine / other >= 2,
        )
        for way, mine, other in (
            ("up, by one raw request", ours.up, theirs.up),
            ("down, by one raw request that lets the bytes go", ours.down, theirs.down),
            (
                "pulled into a file and verified, by our client and by one raw request",
                ours.sdk_down,
                theirs.sdk_down,
            ),
        )
    ]


def _compare_uvicorn(granian: Found, uvicorn: Found) -> list[Row]:
    return [
        Row(
            f"1 GiB {way}, granian times uvicorn",
            f"{mine / other:.1f} ({mine:.2f} against {other:.2f} GB/s)",
            "",
            None,
        )
        for way, mine, other in (("up", granian.up, uvicorn.up), ("down", granian.down, uvicorn.down))
    ]


@contextmanager
def run_mlflow(directory: Path) -> Iterator[Peer]:
    """Run `mlflow server` with its defaults."""
    directory.mkdir()
    port = find_port()
    program = shutil.which("mlflow", path=_peers_path()) or "mlflow"
    command = [program, "server", "--host", "127.0.0.1", "--port", str(port)]
    with _run(command, directory, f"http://127.0.0.1:{port}", "/health") as peer:
        yield peer


@contextmanager
def run_docker_registry(directory: Path) -> Iterator[Peer]:
    """Run Debian's docker-registry on a directory."""
    directory.mkdir()
    port = find_port()
    config = directory / "config.yml"
    config.write_text(
        f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {directory}/data\n"
        f"http:\n  addr: 127.0.0.1:{port}\n"
    )
    command = [shutil.which("docker-registry") or "docker-registry", "serve", str(config)]
    with _run(command, directory, f"http://127.0.0.1:{port}", "/v2/") as peer:
        yield peer


@contextmanager
def _run(command: Sequence[str], directory: Path, url: str, health: str) -> Iterator[Peer]:
    started = time.perf_counter()
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log, start_new_session=True)
    try:
        while not _answers(url, health):
            assert process.poll() is None, (directory / "log").read_text()
            assert time.perf_counter() - started < _PATIENCE_S
            time.sleep(0.05)
        yield Peer(url, psutil.Process(process.pid), time.perf_counter() - started)
    finally:
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


def _upload(raw: Raw, file: Path) -> None:
    size = file.stat().st_size
    upload = json.loads(raw.call("POST", "/api/v1/uploads", {"size_bytes": size}))
    raw.send_file("PATCH", upload["url"], file, **{"upload-offset": "0", "upload-complete": "?1"})


def _push(backend: TrustedBackend, owner: Identity, file: Path) -> None:
    publish(backend, prepare(backend, owner, file, _LARGE))


def _pull(backend: TrustedBackend, directory: Path) -> None:
    pull(backend, Reference(_LARGE, None), directory / "pulled")
    shutil.rmtree(directory / "pulled")


def copy_file(source: Path, target: Path) -> None:
    """What one local process does with the same bytes: read, hash, write, fsync."""
    hasher, buffer = hashlib.sha256(), memoryview(bytearray(_MIB))
    with source.open("rb", buffering=0) as file, target.open("wb", buffering=0) as copy:
        while count := file.readinto(buffer):
            hasher.update(buffer[:count])
            copy.write(buffer[:count])
        os.fsync(copy.fileno())


def hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rate(items: Sequence[object], act: Callable[..., object]) -> float:
    started = time.perf_counter()
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(act, items))
    return len(items) / (time.perf_counter() - started)


def _speed(act: Callable[[], object], directory: Path) -> float:
    """Give the GB/s of an act on the file, the best of some.

    Memory that a virtual machine has not used before takes several times as long to write to. So each
    round finds as much of it freed a moment ago, whoever is measured; and what others wrote is on the disk.
    """
    times = []
    for _ in range(_ROUNDS):
        _free_memory(directory / "freed")
        started = time.perf_counter()
        act()
        times.append(time.perf_counter() - started)
    return _FILE_MIB * _MIB / 1e9 / min(times)


def _free_memory(path: Path) -> None:
    with path.open("wb") as file:
        for _ in range(2 * _FILE_MIB):
            file.write(bytes(_MIB))
    os.sync()
    path.unlink()
    time.sleep(1)


def _peers_path() -> str:
    return str(Path(sys.executable).parent.parent.parent / ".peers" / "bin")
