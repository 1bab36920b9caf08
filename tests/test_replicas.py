"""Three replicas on one PostgreSQL and one S3: any can die at any time, and nothing is lost."""

import os
import random
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.remote import RemoteBackend
from muniment.core.claims.attestations import SCAN
from muniment.core.digests import Digest
from muniment.core.errors import RegistryUnreachable
from muniment.core.events import AttestationRecorded, read_entry
from muniment.core.names import ModelName
from muniment.core.receipts import Receipt
from muniment.core.verbs.log import GetGrowth, GetLeaves
from muniment.core.verbs.versions import ListVersions
from muniment.log.tree import Frontier, hash_leaf
from muniment.signing.keys import Identity
from muniment.testing.backends import publish
from muniment.testing.live import LiveServer, run_server, wait_until

pytestmark = pytest.mark.slow

REPLICAS = 3
WRITERS = 6
AFTER_THE_KILL = 60


@dataclass
class Load:
    """Writers that publish through whichever replica answers, and what they were promised."""

    servers: list[LiveServer]
    token: str
    owner: Identity
    promised: list[tuple[ModelName, Receipt]] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator["Load"]:
        writers = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        try:
            yield self
        finally:
            self.stopping.set()
            for writer in writers:
                writer.join()

    def _write(self, number: int) -> None:
        choose, step = random.Random(number), 0  # noqa: S311 - who is asked next is no secret
        name = ModelName("load", f"model-{number % 2}")
        while not self.stopping.is_set():
            step += 1
            server = choose.choice(self.servers)
            try:
                receipt = publish(
                    server.connect(self.token), self.owner, f"{number}:{step}".encode(), name=name
                )
                self.promised.append((name, receipt))
            except RegistryUnreachable:
                continue
            except BaseException as error:
                self.faults.append(error)
                raise


def test_a_replica_that_is_killed_takes_nothing_with_it(tmp_path: Path, scaled: Mapping[str, str]) -> None:
    """When a replica dies under load, acknowledged writes stay and the log has no gap or fork."""
    with ExitStack() as stack:
        servers = start(stack, tmp_path, scaled)
        owner = Identity.generate()
        servers[0].open_as(owner)
        token = servers[0].tokens[owner.public.id]
        with Load(servers, token, owner).running() as load:
            wait_until(lambda: len(load.promised) > AFTER_THE_KILL or bool(load.faults))
            os.kill(servers[0].process.pid, signal.SIGKILL)
            before = len(load.promised)
            wait_until(lambda: len(load.promised) > before + AFTER_THE_KILL or bool(load.faults))
        assert load.faults == []
        check_promises(servers[1].connect(token), load)
        views = [
            TrustedBackend(s.connect(token), DirectoryMemory(tmp_path / "one", "all"), "all")
            for s in servers[1:]
        ]
        # Their scans go on meanwhile.
        wait_until(lambda: len({view.meet().state for view in views}) == 1)


def test_an_upload_goes_on_at_another_replica(tmp_path: Path, scaled: Mapping[str, str]) -> None:
    """An upload continues on another replica after the first one dies, without sending again."""
    data = os.urandom(40 << 20)
    with ExitStack() as stack:
        servers = start(stack, tmp_path, scaled, count=2)
        owner = Identity.generate()
        servers[0].open_as(owner)
        headers = {"authorization": f"Bearer {servers[0].tokens[owner.public.id]}"}
        first, second = servers[0].url, servers[1].url
        body = {"size_bytes": len(data)}
        upload = httpx2.post(f"{first}/api/v1/uploads", headers=headers, json=body).json()["url"]

        def half() -> Iterator[bytes]:
            for start_ in range(0, 24 << 20, 1 << 20):
                yield data[start_ : start_ + (1 << 20)]
            wait_until(lambda: offset_of(second, upload, headers) >= 16 << 20)
            os.kill(servers[0].process.pid, signal.SIGKILL)
            yield b"x"

        sent = {**headers, "upload-offset": "0", "upload-complete": "?1"}
        with pytest.raises(httpx2.HTTPError):
            httpx2.patch(f"{first}{upload}", headers=sent, content=half(), timeout=60)
        offset = offset_of(second, upload, headers)
        sent["upload-offset"] = str(offset)
        answer = httpx2.patch(f"{second}{upload}", headers=sent, content=data[offset:], timeout=60)
        assert answer.json()["digest"] == str(Digest.of(data))
        blob = httpx2.get(f"{second}/api/v1/blobs/{Digest.of(data)}", headers=headers, timeout=60)
        assert Digest.of(blob.content) == Digest.of(data)


def start(
    stack: ExitStack, directory: Path, settings: Mapping[str, str], count: int = REPLICAS
) -> list[LiveServer]:
    shared = {**settings, "MUNIMENT_KEYS": str(directory / "keys")}
    return [
        stack.enter_context(run_server(directory / f"replica-{number}", shared)) for number in range(count)
    ]


def offset_of(url: str, upload: str, headers: Mapping[str, str]) -> int:
    return int(httpx2.get(f"{url}{upload}", headers=dict(headers), timeout=20).json()["offset"])


def check_promises(backend: RemoteBackend, load: Load) -> None:
    """Read the whole log anew: each promised entry is in it, and versions have all numbers once."""
    checkpoint = backend.ask(GetGrowth(size=0)).checkpoint or b""
    said = checkpoint.splitlines()
    leaves: list[bytes] = []
    while len(leaves) < int(said[1]) and (page := backend.ask(GetLeaves(start=len(leaves)))):
        leaves += page
    leaves = leaves[: int(said[1])]
    frontier = Frontier(0, [])
    for leaf in leaves:
        frontier.append(hash_leaf(leaf))
    assert said[1] == str(len(leaves)).encode()
    check_scans(leaves)
    for _, receipt in load.promised:
        assert leaves[receipt.index] == receipt.leaf
    for name in {name for name, _ in load.promised}:
        numbers = [v.number for v in backend.ask(ListVersions(name=name, limit=1000))]
        assert numbers == list(range(len(numbers), 0, -1))


def check_scans(leaves: list[bytes]) -> None:
    """No replica looked into what another had looked into: there is one scan of a revision of a model."""
    events = [read_entry(leaf, index).event for index, leaf in enumerate(leaves)]
    scans = [
        (event.name, event.revision)
        for event in events
        if isinstance(event, AttestationRecorded) and event.predicate_type == SCAN
    ]
    assert len(set(scans)) == len(scans)
