"""Compare the server with its peers in one run, with the same raw HTTP client.

Rows of peers that are not installed (`bench/peers.sh` installs both) are left out.
"""

import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

import relayed
from measure import THREADS, Row, measure_rate, median, time_each
from muniment.core.bytes.revisions import File, Revision
from muniment.core.digests import Digest
from muniment.core.names import Alias, ModelName
from muniment.core.verbs.gates import GetMove
from muniment.signing.content import sign_content
from muniment.testing.live import run_server
from peers import Peer, Raw, run_docker_registry, run_mlflow, run_muniment
from relayed import Ours, Servers

# A server with several processes is slow until each is warm, so both the first requests and those after the
# warm-up are measured.
_FIRST = 300
_WARM_UP = 900
_PUBLISHES = 1_500
_LOOKUPS = 300
_VERSIONS = int(os.environ.get("MUNIMENT_BENCH_PEER_VERSIONS", "50000"))
_MODELS = 500
_OVER_HTTP = {"MUNIMENT_LINK": "false"}
_UVICORN = (
    *(sys.executable, "-m", "uvicorn", "--factory", "muniment.server.serving:make_worker_app"),
    *("--log-level", "error"),
)


def run(directory: Path) -> list[Row]:
    """Measure each server while the others rest, and their transfers in turns."""
    started_s = measure_start(directory / "start")
    with ExitStack() as stack:
        ours = Ours(stack.enter_context(run_server(directory / "ours", _OVER_HTTP)))
        peer = Peer(ours.server.url, psutil.Process(ours.server.process.pid), started_s)
        measured = _measure_ours(ours, peer)
        rows = [
            Row("server: cold start to ready", f"{started_s:.1f} s", "2 s", started_s < 2),
            Row("server: idle memory", f"{measured.idle_mb:.0f} MB", "150 MB", measured.idle_mb < 150),
        ]
        mlflow = stack.enter_context(run_mlflow(directory / "mlflow"))
        if mlflow is not None:
            rows += _compare_mlflow(measured, _measure_mlflow(mlflow))
        docker = stack.enter_context(run_docker_registry(directory / "docker"))
        uvicorn = Ours(stack.enter_context(run_server(directory / "uvicorn", _OVER_HTTP, command=_UVICORN)))
        linked = Ours(stack.enter_context(run_server(directory / "linked")))
        before = peer.memory_mb()
        servers = Servers(ours=ours, uvicorn=uvicorn, linked=linked, mlflow=mlflow, docker=docker)
        rows += relayed.run(directory, servers)
        above = peer.memory_mb() - before
        rows.append(
            Row("server: memory over idle after all transfers", f"{above:.0f} MB", "< 64 MB", above < 64)
        )
    return rows


def measure_start(directory: Path) -> float:
    """Start a server with an empty registry; return the seconds to its first healthy answer."""
    directory.mkdir()
    with run_muniment([str(Path(sys.executable).with_name("muniment"))], directory) as peer:
        return peer.started_s


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The measurements of a server."""

    started_s: float
    idle_mb: float
    first_publishes: float
    publishes: float
    alias_ms: float
    proven_ms: float
    search_ms: float
    deep_ms: float


def _measure_ours(ours: Ours, peer: Peer) -> Measured:
    idle_mb = peer.memory_mb()
    first = _publish_some(ours, range(_FIRST))
    _publish_some(ours, range(_FIRST, _WARM_UP))
    publishes = _publish_some(ours, range(_WARM_UP, _WARM_UP + _PUBLISHES))
    ours.raw.call("PUT", "/api/v1/models/bench/model-0/aliases/production", {"version": "1"})
    alias = "/api/v1/models/bench/model-0/versions/production"
    alias_ms = median(time_each(lambda _: ours.raw.call("GET", alias), _LOOKUPS))
    question = GetMove(name=ModelName("bench", "model-0"), alias=Alias("production"))
    proven_ms = median(time_each(lambda _: ours.backend.ask(question), _LOOKUPS))
    for start in range(_WARM_UP + _PUBLISHES, _VERSIONS, 1000):
        _publish_some(ours, range(start, min(start + 1000, _VERSIONS)))
    page = "/api/v1/versions?limit=100"
    one = f"{page}&q=name%20%3D%20%22bench/model-1%22"
    return Measured(
        started_s=peer.started_s,
        idle_mb=idle_mb,
        first_publishes=first,
        publishes=publishes,
        alias_ms=alias_ms,
        proven_ms=proven_ms,
        search_ms=median(time_each(lambda _: ours.raw.call("GET", page), _LOOKUPS)),
        deep_ms=median(time_each(lambda _: ours.raw.call("GET", one), _LOOKUPS)),
    )


def _publish_some(ours: Ours, numbers: range) -> float:
    """Publish signed versions; return the rate per second."""
    bodies = []
    documents: list[bytes] = []
    for number in numbers:
        name, data = ModelName("bench", f"model-{number % _MODELS}"), f"weights {number}".encode()
        revision = Revision.of([File(path="w.bin", digest=Digest.of(data), size_bytes=len(data))])
        claim = sign_content(revision, str(name), ours.owner).encode()
        documents += [data, revision.config(), revision.manifest(), claim]
        body = {"manifest": str(Digest.of(revision.manifest())), "attestations": [str(Digest.of(claim))]}
        bodies.append((f"/api/v1/models/{name}/versions", body))
    ours.backend.add_documents(documents)
    return measure_rate(bodies, lambda one: ours.raw.call("POST", one[0], one[1]))


def _measure_mlflow(peer: Peer) -> Measured:
    idle_mb = peer.memory_mb()
    raw, api = Raw(peer.url, {}), "/api/2.0/mlflow"
    for number in range(_MODELS):
        raw.call("POST", f"{api}/registered-models/create", {"name": f"model-{number}"})

    def publish(numbers: range) -> float:
        bodies = [{"name": f"model-{n % _MODELS}", "source": f"s3://bench/{n}"} for n in numbers]
        return measure_rate(bodies, lambda body: raw.call("POST", f"{api}/model-versions/create", body))

    first = publish(range(_FIRST))
    publish(range(_FIRST, _WARM_UP))
    publishes = publish(range(_WARM_UP, _WARM_UP + _PUBLISHES))
    alias = {"name": "model-0", "alias": "production", "version": "1"}
    raw.call("POST", f"{api}/registered-models/alias", alias)
    get = f"{api}/registered-models/alias?name=model-0&alias=production"
    alias_ms = median(time_each(lambda _: raw.call("GET", get), _LOOKUPS))
    publish(range(_WARM_UP + _PUBLISHES, _VERSIONS))
    page = f"{api}/model-versions/search?max_results=100"
    one = f"{page}&filter=name%3D%27model-1%27"
    return Measured(
        started_s=peer.started_s,
        idle_mb=idle_mb,
        first_publishes=first,
        publishes=publishes,
        alias_ms=alias_ms,
        proven_ms=alias_ms,
        search_ms=median(time_each(lambda _: raw.call("GET", page), _LOOKUPS // 10)),
        deep_ms=median(time_each(lambda _: raw.call("GET", one), _LOOKUPS // 10)),
    )


def _compare_mlflow(ours: Measured, theirs: Measured) -> list[Row]:
    def row(what: str, ratio: float, budget: float, text: str) -> Row:
        return Row(f"{what}, times MLflow's", f"{ratio:.1f} ({text})", f">= {budget:g}", ratio >= budget)

    return [
        *(
            row(
                f"versions published a second, {THREADS} threads, {what}",
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
        row(
            "alias resolution with its proof, checked, p50, speed",
            theirs.alias_ms / ours.proven_ms,
            10,
            f"{ours.proven_ms:.1f} ms against {theirs.alias_ms:.1f} ms",
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
    ]
