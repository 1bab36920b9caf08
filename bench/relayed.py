"""Transfer a GiB through the peers' servers and ours, and compare with the limit, in turns.

Other load on the machine slows a few turns of every server, not all turns of one.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from measure import Row, median
from muniment.client.versions.pulling import pull
from muniment.client.versions.pushing import prepare, publish
from muniment.core.names import ModelName, Reference
from muniment.signing.keys import Identity
from muniment.testing.live import LiveServer
from peers import Peer, Raw, run_sendfile

_FILE_MIB = 1024
_ROUNDS = 5
_MIB = 1 << 20
_LARGE = ModelName("bench", "large")
# The acts that send the file, and the directories of the servers that keep it.
_SENT = {
    "up": "ours",
    "uvicorn up": "uvicorn",
    "push": "ours",
    "linked push": "linked",
    "mlflow up": "mlflow",
    "docker up": "docker",
}


class Ours:
    """A server of ours, its owner, and the two clients of it."""

    def __init__(self, server: LiveServer) -> None:
        """Sign in."""
        self.server = server
        self.owner = Identity.generate()
        self.backend = server.open_as(self.owner)
        self.raw = Raw(server.url, {"authorization": f"Bearer {server.tokens[self.owner.public.id]}"})

    def upload(self, file: Path) -> None:
        """Send a file in one raw request."""
        upload = json.loads(self.raw.call("POST", "/api/v1/uploads", {"size_bytes": file.stat().st_size}))
        self.raw.send_file("PATCH", upload["url"], file, **{"upload-offset": "0", "upload-complete": "?1"})

    def push(self, file: Path) -> None:
        """Publish a file as a version with our client."""
        publish(self.backend, prepare(self.backend, self.owner, file, _LARGE))

    def pull(self, target: Path) -> None:
        """Pull and verify the version with our client."""
        pull(self.backend, Reference(_LARGE, None), target)


@dataclass(frozen=True, kw_only=True)
class Servers:
    """The servers to measure: ours with granian, with uvicorn, and with shared files; and the peers."""

    ours: Ours
    uvicorn: Ours
    linked: Ours
    mlflow: Peer | None
    docker: Peer | None


def run(directory: Path, servers: Servers) -> list[Row]:
    """Measure all transfers."""
    ours, uvicorn, linked = servers.ours, servers.uvicorn, servers.linked
    file, received = directory / "file", directory / "received"
    digest = _make_file(file)
    blob = f"/api/v1/blobs/sha256:{digest}"
    acts: dict[str, Callable[[], object]] = {
        "limit": lambda: copy_file(file, received),
        "up": lambda: ours.upload(file),
        "uvicorn up": lambda: uvicorn.upload(file),
        "push": lambda: ours.push(file),
        "linked push": lambda: linked.push(file),
        "down": lambda: ours.raw.receive(blob),
        "uvicorn down": lambda: uvicorn.raw.receive(blob),
        "pull": lambda: ours.pull(received),
        "linked pull": lambda: linked.pull(received),
    }
    if servers.mlflow is not None:
        theirs, place = Raw(servers.mlflow.url, {}), "/api/2.0/mlflow-artifacts/artifacts/bench/file"
        acts["mlflow up"] = lambda: theirs.send_file("PUT", place, file)
        acts["mlflow down"] = lambda: theirs.receive(place)
    if servers.docker is not None:
        other, kept = Raw(servers.docker.url, {}), f"/v2/bench/blobs/sha256:{digest}"
        acts["docker up"] = lambda: _upload_to_docker(other, file, digest)
        acts["docker down"] = lambda: other.receive(kept)
        acts["docker pull"] = lambda: other.receive(kept, received)
    with run_sendfile(file) as sender:
        acts["sendfile down"] = lambda: sender.receive("/")
        return _write_rows(_take_turns(acts, directory, received))


def _write_rows(speeds: Mapping[str, float]) -> list[Row]:
    of_limit = "1 GiB over loopback HTTP, of the limit"
    here = "1 GiB on the server's machine, as it comes, of the limit"
    raw = "by one raw request"
    let_go = f"1 GiB down, {raw} that lets the bytes go"
    rows: list[tuple[str, tuple[str, str], float | None]] = [
        (f"push {of_limit}", ("push", "limit"), 0.6),
        (f"pull and verify {of_limit}", ("pull", "limit"), 1),
        (f"push {here}", ("linked push", "limit"), None),
        (f"pull and verify {here}", ("linked pull", "limit"), None),
        ("1 GiB up, granian times uvicorn", ("up", "uvicorn up"), None),
        ("1 GiB down, granian times uvicorn", ("down", "uvicorn down"), None),
    ]
    if "mlflow up" in speeds:
        rows += [
            (f"1 GiB up, {raw}, times MLflow's", ("up", "mlflow up"), 2),
            (f"{let_go}, times MLflow's", ("down", "mlflow down"), 2),
        ]
    if "docker up" in speeds:
        # The second of each pair is the machine's speed without a server, or without a network.
        rows += [
            (f"1 GiB up, {raw}, times docker-registry's", ("up", "docker up"), 2),
            (f"{let_go}, times docker-registry's", ("down", "docker down"), 2),
            ("the same by `sendfile` alone, times docker-registry's", ("sendfile down", "docker down"), None),
            (
                f"1 GiB pulled into a file and verified, by our client and {raw}, times docker-registry's",
                ("linked pull", "docker pull"),
                2,
            ),
            ("the same over loopback HTTP, times docker-registry's", ("pull", "docker pull"), None),
            (
                "the same by the limit, without a network, times docker-registry's",
                ("limit", "docker pull"),
                None,
            ),
        ]
    return [_compare(what, speeds, pair, budget) for what, pair, budget in rows]


def _compare(what: str, speeds: Mapping[str, float], pair: tuple[str, str], budget: float | None) -> Row:
    mine, other = (speeds[name] for name in pair)
    measured = f"{mine / other:.2f} ({mine:.2f} against {other:.2f} GB/s)"
    met = None if budget is None else mine / other >= budget
    return Row(what, measured, "" if budget is None else f">= {budget:g}", met)


def _take_turns(
    acts: Mapping[str, Callable[[], object]], directory: Path, received: Path
) -> dict[str, float]:
    """Return the median GB/s of each act on the file; an act may write to `received`.

    On a virtual machine, writing to fresh memory takes several times as long. So before each turn the same
    amount of memory is freed, and earlier writes are flushed. The receiver's old copy is removed first, so
    that replacing it is not measured.
    """
    times: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(_ROUNDS):
        for name, act in acts.items():
            if name in _SENT:
                _forget(directory / _SENT[name])
            _free_memory(received)
            started = time.perf_counter()
            act()
            times[name].append(time.perf_counter() - started)
            if received.is_dir():
                shutil.rmtree(received)
            received.unlink(missing_ok=True)
    return {name: _FILE_MIB * _MIB / 1e9 / median(some) for name, some in times.items()}


def _forget(server: Path) -> None:
    """Remove a server's copies of the file."""
    for path in server.rglob("*"):
        if path.is_file() and path.stat().st_size >= _FILE_MIB * _MIB:
            path.unlink()


def _free_memory(path: Path) -> None:
    with path.open("wb") as file:
        for _ in range(2 * _FILE_MIB):
            file.write(bytes(_MIB))
    os.sync()
    path.unlink()
    time.sleep(1)


def _make_file(path: Path) -> str:
    hasher = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(_FILE_MIB):
            some = os.urandom(_MIB)
            hasher.update(some)
            file.write(some)
    return hasher.hexdigest()


def copy_file(source: Path, target: Path) -> None:
    """Do what a single local process does with the same bytes: read, hash, write, fsync."""
    hasher, buffer = hashlib.sha256(), memoryview(bytearray(_MIB))
    with source.open("rb", buffering=0) as file, target.open("wb", buffering=0) as copy:
        while count := file.readinto(buffer):
            hasher.update(buffer[:count])
            copy.write(buffer[:count])
        os.fsync(copy.fileno())


def _upload_to_docker(raw: Raw, file: Path, digest: str) -> None:
    place = urlsplit(raw.begin("POST", "/v2/bench/blobs/uploads/"))
    raw.send_file("PUT", f"{place.path}?{place.query}&digest=sha256:{digest}", file)
