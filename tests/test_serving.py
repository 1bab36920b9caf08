"""A server as users and operators see it: commands, resumed transfers, limits and shutdown."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import httpx2
import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

import muniment
from muniment.client.bytes.downloads import Downloads
from muniment.client.bytes.handover import open_handover, open_kept
from muniment.client.bytes.uploads import Uploads
from muniment.client.connection.settings import Settings
from muniment.client.connection.transport import Transport
from muniment.client.people.login import login
from muniment.client.proofs.checking import read_revision, resolve
from muniment.client.reproduction.planning import plan
from muniment.client.versions.pulling import pull
from muniment.client.versions.pushing import prepare, publish
from muniment.core.digests import Digest
from muniment.core.errors import ContentCorrupt, InvalidSetting, RegistryUnreachable
from muniment.core.names import ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.verbs.gates import MoveAlias
from muniment.core.verbs.log import GetLeaves
from muniment.core.verbs.people import RegisterPrincipal
from muniment.server.settings import ServerSettings
from muniment.signing.keys import Identity
from muniment.testing import check_backend
from muniment.testing.backends import NAME, PRODUCTION
from muniment.testing.backends import publish as publish_bytes
from muniment.testing.live import LiveServer, run_server, stop, wait_until
from muniment.testing.servers import find_port

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Run a server."""
    with run_server(tmp_path_factory.mktemp("serving"), {"MUNIMENT_LINK": "false"}) as server:
        yield server


@pytest.fixture(scope="module")
def environment(server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Sign the admin in; give the environment of their terminal."""
    state = tmp_path_factory.mktemp("state")
    settings = Settings.read({"MUNIMENT_STATE": str(state)})
    link = f"{server.url}/login#{server.invitation}"
    server.tokens["founder"] = "signed in"
    login(link, name="laptop", settings=settings)
    return {**os.environ, "MUNIMENT_STATE": str(state), "MUNIMENT_URL": server.url}


def run(environment: dict[str, str], *words: str, cwd: Path, code: int = 0) -> str:
    program = str(Path(sys.executable).with_name("muniment"))
    result = subprocess.run(
        [program, *words], env=environment, cwd=cwd, capture_output=True, text=True, check=False, timeout=90
    )
    assert result.returncode == code, (words, result.stdout, result.stderr)
    return result.stdout


def test_every_command_works_over_http(environment: dict[str, str], tmp_path: Path) -> None:
    """Commands that work in a directory work on a server with the same words."""
    model, data = tmp_path / "model", tmp_path / "holdout.csv"
    model.mkdir()
    rows = "".join(f"{n % 2},{n % 2},{0.9 if n % 2 else 0.1},{n % 3}\n" for n in range(60))
    data.write_text(f"y,p,s,g\n{rows}")
    columns = ("--target", "y", "--prediction", "p", "--score", "s", "--group", "g")
    (tmp_path / "policy.yaml").write_text("rules: [{rule: threshold, metric: roc_auc, op: '>=', value: 0.5}]")
    (tmp_path / "claim.json").write_text('{"seen": true}')

    def do(*words: str, code: int = 0) -> str:
        return run(environment, *words, cwd=tmp_path, code=code)

    for number in (1, 2):
        (model / "w.bin").write_bytes(bytes([number]) * 1000)
        do("push", "model", "acme/x", "--param", f"depth={number}", "--dataset", f"train={data}", "-m", "new")
        do("evaluate", f"acme/x@{number}", "--data", str(data), *columns)
    do("attest", "acme/x@2", "--type", "https://example.com/seen/v1", "--file", "claim.json")
    do("policy", "set", "acme/x@production", "policy.yaml", "--reason", "agreed")
    assert "threshold" in do("policy", "show", "acme/x@production", "--json")
    do("check", "acme/x@1", "production")
    do("promote", "acme/x@1", "production")
    do("promote", "acme/x@2", "production")
    do("rollback", "acme/x@production", "--reason", "a try")
    assert json.loads(do("show", "acme/x@production", "--json"))["title"] == "acme/x@1"
    assert "depth" in do("diff", "acme/x@1", "acme/x@2")
    assert do("history", "acme/x@production").count("production ") == 3
    assert "acme/x@2" in do("list", "param.depth = 2 and metric.roc_auc > 0.9")
    do("tag", "acme/x@2", "stage=ready")
    assert "acme/x@2" in do("list", "tag.stage = ready")
    do("pull", "acme/x@2", "out", "--signature", "sig.json")
    assert (tmp_path / "out" / "w.bin").read_bytes() == bytes([2]) * 1000
    do("verify", "acme/x@2")
    do("audit", "verify")
    assert re.search("laptop +session .* active", do("key", "list"))
    token = do("token", "new", "ci", "--scope", "read:acme").strip()
    assert token.startswith("mun_")
    identity = json.loads(do("token", "list", "--json"))["items"][-1]["id"]
    do("token", "revoke", identity[:12])
    assert "founder" in do("user", "list")
    assert "holds" in do("admin", "quota", "acme")
    do("show", "acme/none", code=4)


def test_another_process_goes_on_with_an_upload(
    environment: dict[str, str], server: LiveServer, tmp_path: Path
) -> None:
    """A push after a killed one sends only the missing bytes."""
    model = tmp_path / "weights.bin"
    model.write_bytes(os.urandom(192 << 20))
    program = str(Path(sys.executable).with_name("muniment"))
    process = subprocess.Popen(
        [program, "push", str(model), "big/model"], env=environment, stderr=subprocess.PIPE
    )
    notes = Path(environment["MUNIMENT_STATE"]) / "uploads"
    uploads = server.log.parent / "data" / "uploads"
    wait_until(lambda: any(path.stat().st_size > 80 << 20 for path in uploads.glob("upload-*")))
    process.send_signal(signal.SIGKILL)
    process.wait()
    if process.stderr is not None:
        process.stderr.close()
    assert len(list(notes.glob("*.json"))) == 1
    # What the server still holds of the first request counts as the first one's.
    wait_until(lambda: _metric(server, "muniment_requests_running") == 1)
    before = received(server)
    run(environment, "push", str(model), "big/model", cwd=tmp_path)
    assert received(server) - before < 128 << 20, "the first 80 MiB were there, 64 of them for certain"
    assert list(notes.glob("*.json")) == []
    run(environment, "pull", "big/model", "out", cwd=tmp_path)
    assert Digest.of((tmp_path / "out" / "weights.bin").read_bytes()) == Digest.of(model.read_bytes())


def test_a_client_on_the_same_machine_hands_files_over(tmp_path: Path) -> None:
    """A server on the same machine takes over and gives out files by path, and detects lies about them."""
    data = os.urandom(20 << 20)
    path = tmp_path / "weights"
    path.write_bytes(data)
    with run_server(tmp_path / "server") as server:
        backend = server.open_as(Identity.generate())
        before = received(server)
        with path.open("rb", buffering=0) as source:
            assert backend.add_blob(source).digest == Digest.of(data)
        assert received(server) - before < 10_000
        before = sent(server)
        with backend.open_blob(Digest.of(data)) as blob:
            assert Digest.of(blob.read()) == Digest.of(data)
        assert sent(server) - before < 9 << 20, "what is as small as that comes with the first answer"
        headers = {"authorization": f"Bearer {server.tokens[server.owner.public.id]}"}
        uploads = f"{server.url}/api/v1/uploads"
        body = {"size_bytes": 5, "digest": str(Digest.of(b"right"))}
        for left, code in (
            (b"wrong", "digest_mismatch"),
            (b"longer", "length_mismatch"),
            (None, "length_mismatch"),
        ):
            upload = httpx2.post(uploads, headers=headers, json=body).json()
            if left is not None:
                Path(upload["place"]).write_bytes(left)
            answer = httpx2.post(f"{uploads}/{upload['id']}/arrival", headers=headers)
            assert answer.json()["code"] == code
            assert not Path(upload["place"]).exists()
        upload = httpx2.post(uploads, headers=headers, json=body).json()
        Path(upload["place"]).write_bytes(b"right")
        # The answer may have been lost: who asks again is told the same.
        answers = [httpx2.post(f"{uploads}/{upload['id']}/arrival", headers=headers) for _ in range(2)]
        assert [answer.json()["digest"] for answer in answers] == [body["digest"]] * 2
        proxied = {**headers, "x-forwarded-for": "192.0.2.1"}
        kept = f"{server.url}/api/v1/blobs/{Digest.of(data)}"
        assert "content-location" in httpx2.head(kept, headers=headers).headers
        assert "content-location" not in httpx2.head(kept, headers=proxied).headers
        assert httpx2.post(uploads, headers=proxied, json=body).json()["method"] == "patch"
        assert list((tmp_path / "server" / "data" / "uploads").iterdir()) == []


def test_what_was_sent_has_arrived_once_it_is_whole(tmp_path: Path, owner: Identity) -> None:
    """An upload counts as received once all its bytes have arrived, and not before."""
    with run_server(tmp_path, {"MUNIMENT_LINK": "false"}) as server:
        server.open_as(owner)
        headers = {"authorization": f"Bearer {server.tokens[owner.public.id]}"}
        uploads = f"{server.url}/api/v1/uploads"
        upload = httpx2.post(uploads, headers=headers, json={"size_bytes": 5}).json()
        arrival = f"{uploads}/{upload['id']}/arrival"
        assert httpx2.post(arrival, headers=headers).json()["code"] == "length_mismatch"
        whole = {**headers, "upload-offset": "0", "upload-complete": "?1"}
        httpx2.patch(f"{uploads}/{upload['id']}", headers=whole, content=b"right").raise_for_status()
        assert httpx2.post(arrival, headers=headers).json()["digest"] == str(Digest.of(b"right"))


def test_a_client_elsewhere_sends_and_is_sent(tmp_path: Path) -> None:
    """A client on another machine transfers bytes, although a tunnel makes it look local."""
    data = os.urandom(20 << 20)
    with run_server(tmp_path / "server") as server:
        owner = Identity.generate()
        server.open_as(owner)
        transport = Transport(server.url, server.tokens[owner.public.id])
        transport.is_local = False
        before = received(server), sent(server)
        assert Uploads(transport, tmp_path / "state").send_bytes(data).digest == Digest.of(data)
        with Downloads(transport).open(Digest.of(data)) as blob:
            assert Digest.of(blob.read()) == Digest.of(data)
        assert received(server) - before[0] >= len(data)
        assert sent(server) - before[1] >= len(data)
        transport.close()


def test_what_is_left_on_another_machine_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file handed over on another machine is sent instead."""
    data = os.urandom(9 << 20)
    left: list[Path] = []
    with run_server(tmp_path / "server") as server:
        owner = Identity.generate()
        server.open_as(owner)
        transport = Transport(server.url, server.tokens[owner.public.id])
        call = transport.call

        def call_through_tunnel(method: str, path: str, body: object = None) -> bytes:
            if path.endswith("/arrival"):
                # What the client has left is out of the server's sight.
                (place,) = (tmp_path / "server" / "data" / "uploads").glob("handover-*")
                left.append(place.rename(tmp_path / place.name))
            return call(method, path, body=body)

        monkeypatch.setattr(transport, "call", call_through_tunnel)
        before = received(server)
        assert Uploads(transport, tmp_path / "state").send_bytes(data).digest == Digest.of(data)
        assert received(server) - before >= len(data)
        assert left[0].stat().st_size == len(data)
        transport.close()


def test_a_server_cannot_choose_where_a_client_writes(tmp_path: Path) -> None:
    """A client hands a file over only under the upload's name in a directory of its own user."""
    for place in (
        tmp_path / "authorized_keys",
        Path("/proc/1/handover-1"),
        tmp_path / "missing" / "handover-1",
    ):
        with pytest.raises(OSError), open_handover(place, "1"):  # noqa: PT011 - any of them
            raise AssertionError(place)
    assert list(tmp_path.iterdir()) == []


def test_a_server_cannot_choose_what_a_client_opens(tmp_path: Path) -> None:
    """A client opens only a regular file with the name and size of the blob."""
    digest = Digest.of(b"bytes")
    kept, link, pipe = (tmp_path / name / digest.hex for name in ("kept", "link", "pipe"))
    for place in (kept, link, pipe):
        place.parent.mkdir()
    kept.write_bytes(b"bytes")
    link.symlink_to(kept)
    os.mkfifo(pipe)
    (tmp_path / "secret").write_bytes(b"bytes")
    with open_kept(kept.as_uri(), digest, 5) as file:
        assert file.read() == b"bytes"
    for location in (
        (tmp_path / "secret").as_uri(),
        link.as_uri(),
        pipe.as_uri(),
        (tmp_path / "missing" / digest.hex).as_uri(),
        f"file://elsewhere{kept}",
        f"https:{kept}",
        f"relative/{digest.hex}",
        "file:",
        "",
    ):
        with pytest.raises(OSError):  # noqa: PT011 - any of them
            open_kept(location, digest, 5)
    with pytest.raises(FileNotFoundError):
        open_kept(kept.as_uri(), digest, 6)


def test_a_file_that_was_altered_in_the_store_is_not_pulled(tmp_path: Path) -> None:
    """A pull refuses an altered file of the store, also when it is opened by path."""
    (tmp_path / "w.bin").write_bytes(os.urandom(9 << 20))
    with run_server(tmp_path / "server") as server:
        owner = Identity.generate()
        backend = server.trust(server.open_as(owner))
        publish(backend, prepare(backend, owner, tmp_path / "w.bin", ModelName("acme", "model")))
        reference = Reference.parse("acme/model")
        (file,) = read_revision(backend, resolve(backend, reference)).files
        kept = tmp_path / "server" / "data" / "blobs" / "sha256" / file.digest.hex
        kept.chmod(0o644)
        with kept.open("r+b") as altered:
            altered.seek(-1, os.SEEK_END)
            last = altered.read(1)[0]
            altered.seek(-1, os.SEEK_END)
            altered.write(bytes([last ^ 1]))
        with pytest.raises(ContentCorrupt):
            pull(backend, reference, tmp_path / "out")
        assert list((tmp_path / "out").iterdir()) == []


def test_a_pull_goes_on_where_another_broke_off(
    environment: dict[str, str], server: LiveServer, tmp_path: Path
) -> None:
    """A resumed pull hashes what is there, fetches the rest, and discards wrong bytes."""
    (tmp_path / "w.bin").write_bytes(os.urandom(24 << 20))
    run(environment, "push", "w.bin", "resumed/model", cwd=tmp_path)
    settings = Settings.read(environment)
    with muniment.open(settings=settings) as registry:
        file = registry.version("resumed/model").revision().files[0]
        out = tmp_path / "out"
        out.mkdir()
        with pytest.raises(ZeroDivisionError):
            registry.pull("resumed/model", out, on_bytes=break_after(16 << 20))
        (part,) = out.iterdir()
        assert part.stat().st_size >= 16 << 20
        before = sent(server)
        registry.pull("resumed/model", out)
        assert sent(server) - before < 18 << 20
        assert [path.name for path in out.iterdir()] == ["w.bin"]
        assert Digest.of((out / "w.bin").read_bytes()) == file.digest
        (out / "w.bin").unlink()
        part.write_bytes(bytes(1000))
        with pytest.raises(muniment.MunimentError, match="altered"):
            registry.pull("resumed/model", out)
        assert list(out.iterdir()) == []
        registry.pull("resumed/model", out)


def break_after(count: int) -> Callable[[int], None]:
    seen = [0]

    def on_bytes(more: int) -> None:
        seen[0] += more
        if seen[0] >= count:
            raise ZeroDivisionError

    return on_bytes


def test_too_many_requests_are_told_when_to_come_again(tmp_path: Path, owner: Identity) -> None:
    """Only the caller beyond the rate limit gets 429 with Retry-After; made-up tokens count as one."""
    with run_server(tmp_path, {"MUNIMENT_RATE": "0.1", "MUNIMENT_BURST": "40"}) as server:
        server.open_as(owner)

        def ask(token: str) -> httpx2.Response:
            return httpx2.get(f"{server.url}/api/v1/me", headers={"authorization": f"Bearer {token}"})

        mine = server.tokens[owner.public.id]
        assert ask(mine).status_code == 200
        refused = [answer for n in range(60) if (answer := ask(f"mun_{n}")).status_code == 429]
        assert refused[0].json()["code"] == "too_many_requests"
        assert int(refused[0].headers["retry-after"]) >= 1
        assert ask(mine).status_code == 200
        assert 429 in {ask(mine).status_code for _ in range(60)}


def test_a_reason_has_to_be_unicode(tmp_path: Path, owner: Identity) -> None:
    """Lone surrogates, which JSON can write, are refused in a text, and nothing is moved or removed."""
    with run_server(tmp_path, {"MUNIMENT_SCAN": "false"}) as server:
        backend = server.open_as(owner)
        publish_bytes(backend, owner, b"weights")
        backend.execute(MoveAlias(reference=Reference(NAME, 1), alias=PRODUCTION))
        before = len(backend.ask(GetLeaves(start=0)))
        alias = f"{server.url}/api/v1/models/{NAME}/aliases/{PRODUCTION}"
        bearer = f"Bearer {server.tokens[server.owner.public.id]}"
        headers = {"authorization": bearer, "content-type": "application/json"}
        reason = '{"salt": "00112233445566778899aabbccddeeff", "text": "odd \\ud800"}'
        for method, url, rest in (
            ("POST", f"{alias}/removals", ""),
            ("POST", f"{alias}/rollbacks", ""),
            ("PUT", alias, '"version": "1", '),
            ("POST", f"{server.url}/api/v1/emergencies/1/closings", ""),
        ):
            body = f'{{{rest}"reason": {reason}}}'.encode()
            answer = httpx2.request(method, url, headers=headers, content=body)
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_body"), answer.text
        assert len(backend.ask(GetLeaves(start=0))) == before


def test_metrics_can_ask_for_a_token(tmp_path: Path) -> None:
    """Metrics can require a token, and count requests by route, method and status."""
    with run_server(tmp_path, {"MUNIMENT_METRICS_TOKEN": "s3cret"}) as server:
        assert httpx2.get(f"{server.url}/metrics").status_code == 401
        answer = httpx2.get(f"{server.url}/metrics", headers={"authorization": "Bearer s3cret"})
        assert 'muniment_requests_total{method="GET",route="/readyz",status="200"}' in answer.text


def test_a_server_that_is_told_to_end_finishes_first(tmp_path: Path) -> None:
    """A server finishes its requests on SIGTERM, ends in order and starts again."""
    with run_server(tmp_path) as server:
        checkpoint, _, _ = httpx2.get(f"{server.url}/api/v1/log/checkpoint").text.partition("\n\n")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
    with run_server(tmp_path) as server:
        assert httpx2.get(f"{server.url}/api/v1/log/checkpoint").text.startswith(f"{checkpoint}\n\n")


def test_uvicorn_serves_as_well(tmp_path: Path) -> None:
    """The app passes the conformance suite under another ASGI server."""
    factory = "muniment.server.serving:make_worker_app"
    command = [sys.executable, "-m", "uvicorn", "--factory", factory, "--log-level", "error"]
    with run_server(tmp_path, command=command) as server:
        check_backend(server.open_as)


def test_several_processes_share_a_port(tmp_path: Path) -> None:
    """Several processes serve one registry on a port; a dead one is replaced, and all end in order."""
    with run_server(tmp_path, {"MUNIMENT_WORKERS": "2"}) as server:
        check_backend(server.open_as)
        assert server.log.read_text().count("/login#mun_") == 1
        workers = list_workers(server)
        workers[0].kill()
        wait_until(lambda: len(list_workers(server)) == 2 and workers[0] not in list_workers(server))
        owner = server.open_as(server.owner)
        owner.execute(RegisterPrincipal(name=Payload.of("Nora")))
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0


def list_workers(server: LiveServer) -> list[psutil.Process]:
    """List the processes that answer: those that have the port open."""
    workers = []
    for child in psutil.Process(server.process.pid).children(recursive=True):
        # One may end while we look.
        with suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE and child.net_connections("tcp"):
                workers.append(child)
    return workers


def test_a_registry_is_reached_over_tls(tmp_path: Path) -> None:
    """Bytes travel over TLS, and a certificate of one's own is checked against `SSL_CERT_FILE`."""
    certificate, key = make_certificate(tmp_path)
    port, log = find_port(), tmp_path / "log"
    settings = {
        "MUNIMENT_DATA": str(tmp_path / "data"),
        "MUNIMENT_TLS_CERTIFICATE": str(certificate),
        "MUNIMENT_TLS_KEY": str(key),
        "MUNIMENT_LINK": "false",
    }
    command = [str(Path(sys.executable).with_name("muniment")), "serve", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env={**os.environ, **settings}, stdout=output, stderr=output)
    try:
        wait_until(lambda: is_listening(port), process)
        wait_until(lambda: "/login#" in log.read_text(), process)
        (link,) = re.findall(rf"https://127\.0\.0\.1:{port}/login#mun_[\w-]+", log.read_text())
        stranger = {
            **os.environ,
            "MUNIMENT_STATE": str(tmp_path / "state"),
            "MUNIMENT_URL": link.partition("/login")[0],
        }
        run(stranger, "login", link, cwd=tmp_path, code=5)
        admin = {**stranger, "SSL_CERT_FILE": str(certificate)}
        run(admin, "login", link, cwd=tmp_path)
        (tmp_path / "weights.bin").write_bytes(os.urandom(20 << 20))
        run(admin, "push", "weights.bin", "acme/large", cwd=tmp_path)
        run(admin, "pull", "acme/large", "pulled", cwd=tmp_path)
        assert (tmp_path / "pulled/weights.bin").read_bytes() == (tmp_path / "weights.bin").read_bytes()
    finally:
        stop(process)


def make_certificate(directory: Path, *hosts: str) -> tuple[Path, Path]:
    """Make a certificate for this machine, or for other names, that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    named = [x509.IPAddress(IPv4Address("127.0.0.1")), *map(x509.DNSName, hosts)]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(named), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    places = directory / "certificate.pem", directory / "key.pem"
    places[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    places[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return places


def is_listening(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def test_a_setting_that_makes_no_sense_is_named() -> None:
    """An invalid setting is refused by the name of its variable."""
    with pytest.raises(InvalidSetting, match="MUNIMENT_PORT"):
        ServerSettings.load(port=70_000)


def test_a_server_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    """A command without its server fails with exit code 5 after some tries."""
    settings = Settings.read({"MUNIMENT_STATE": str(tmp_path)})
    started = time.monotonic()
    with pytest.raises(RegistryUnreachable):
        muniment.open("http://127.0.0.1:9", settings=settings)
    assert time.monotonic() - started < 30


def received(server: LiveServer) -> float:
    return _metric(server, "muniment_received_bytes_total")


def sent(server: LiveServer) -> float:
    return _metric(server, "muniment_sent_bytes_total")


def _metric(server: LiveServer, name: str) -> float:
    lines = httpx2.get(f"{server.url}/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(name)).split()[1])


def test_evidence_and_provenance_work_over_http(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs, datasets, lineage, evaluations, cards, diffs and verification work over HTTP."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.csv").write_text("x,y\n1,0\n2,1\n")
    (tmp_path / "test.csv").write_text("x,y,p\n1,0,0\n5,1,1\n")
    with muniment.open(settings=Settings.read(environment)) as registry:
        data = registry.push("train.csv", "demo/patients", kind="dataset")
        for number in (1, 2):
            with muniment.run(params={"depth": number}) as run:
                run.dataset("patients", data)
                run.dataset("file", "train.csv", snapshot=True)
            (tmp_path / "model.bin").write_text(str(number))
            version = registry.push("model.bin", "demo/provenance", run=run)
            version.set_card(muniment.Card(title="X", limitations=str(number)))
            version.evaluate([0, 1], [0, number - 1], dataset="test.csv")
        assert version.evidence()[0].metrics["train_test_overlap"] == {"value": 0.5}
        assert all(check.passed for check in version.verify())
        links = {check.what: check.passed for check in version.verify_provenance()}
        assert links["demo/provenance@2: dataset patients"]
        assert links["demo/provenance@2: keeps snapshot of file"]
        down = registry.lineage(str(data), "down")
        assert {name for node in down.nodes for name in node.versions} >= {
            "demo/provenance@1",
            "demo/provenance@2",
        }
        sections = {
            one.section for one in registry.diff("demo/provenance@1", "demo/provenance@2").differences
        }
        assert {"files", "parameters", "card"} <= sections
        board = registry.leaderboard("demo/provenance", "accuracy", "test.csv")
        assert [row.version for row in board.rows] == ["demo/provenance@2", "demo/provenance@1"]
        assert [one.kind for one in registry.models("demo/patients")] == ["dataset"]
        assert plan(version).data[1].files[0].digest.hex == Digest.of(b"x,y\n1,0\n2,1\n").hex
