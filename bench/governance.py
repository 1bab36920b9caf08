"""Measure a gate over 50 rules and 1,000 claims, a policy simulation, and webhook deliveries.

MUNIMENT_BENCH_VERSIONS sets the number of versions.
"""

import os
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import muniment
from measure import Row, median, quantile, time_each
from muniment.answers import bundles
from muniment.answers.cases import Moment
from muniment.answers.gates import judge_gate
from muniment.capture.clock import now
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.core.addresses import AllowedAddresses
from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.attestations import CARD, EVALUATION, SCAN
from muniment.core.digests import Digest
from muniment.core.gates.policy import judge
from muniment.core.gates.rules.case import Case
from muniment.core.names import Alias
from muniment.evaluation.classification import evaluate_classification
from muniment.policies.documents import read_policy
from muniment.ports.unit import Units
from muniment.server.jobs import AGAIN
from muniment.server.webhooks import Deliveries, make_sender
from muniment.stores.blobs.local import LocalBlobs
from muniment.stores.sql.sqlite import open_sqlite

_VERSIONS = int(os.environ.get("MUNIMENT_BENCH_VERSIONS", "10000"))
_DATASETS = 25
_EVALUATIONS, _SCANS, _CARDS = 900, 60, 40
_JUDGED = 50
_EVENTS = 3_000
_THREADS = 8
_MOMENT = "2030-01-02T00:00:00Z"


def run(directory: Path) -> list[Row]:
    """Load and measure each."""
    place = {"MUNIMENT_STATE": str(directory / "state"), "MUNIMENT_URL": str(directory / "registry")}
    with muniment.open(settings=Settings.read(place), create=True) as registry:
        units = open_sqlite(directory / "registry" / "registry.db", LocalBlobs(directory / "registry"))
        try:
            return [
                *_measure_gate(registry, units, directory),
                _measure_simulation(registry, directory),
                _measure_deliveries(registry, units),
            ]
        finally:
            units.close()


def _measure_gate(registry: Registry, units: Units, directory: Path) -> list[Row]:
    """Judge 50 rules over 1,000 claims, without and with reading and verifying the claims."""
    (directory / "weights.bin").write_bytes(b"weights")
    version = registry.push(directory / "weights.bin", "bench/judged")
    rng = random.Random(1)  # noqa: S311 - reproducible test data
    evaluations = [_evaluate(rng, number, 500) for number in range(_DATASETS)]
    for number in range(_EVALUATIONS):
        time_of = f"2030-01-01T00:{number // 60:02}:{number % 60:02}Z"
        version.attest(EVALUATION, {**evaluations[number % _DATASETS], "time": time_of})
    for number in range(_SCANS):
        version.attest(SCAN, _scan(number % 4))
    for number in range(_CARDS):
        version.attest(CARD, {"title": f"card {number}", "intended_use": "benchmarks"})
    document: JsonObject = {"rules": _rules()}
    policy = read_policy(document)
    registry.policies.set("bench/judged", "production", document, reason="agreed")
    moment = Moment(version.session.backend.seen.verifier, _MOMENT)

    def whole(_: int) -> Case:
        judged = units.read(lambda unit: judge_gate(unit, version.record, Alias("production"), moment))
        assert judged is not None
        case = judged[0][1]
        assert case is not None
        return case

    case = whole(0)
    assert len(policy.rules) >= 50
    assert len(case.attestations) >= 1000
    alone = time_each(lambda _: judge(policy, replace(case)), _JUDGED)

    def whole_anew(_: int) -> Case:
        bundles.forget_all()
        return whole(0)

    read = time_each(whole_anew, _JUDGED // 5)
    version.check("production")
    again = time_each(lambda _: version.check("production"), _JUDGED // 2)
    what = (
        f"a gate over {len(policy.rules)} rules and {len(case.attestations):,} claims, {_DATASETS} datasets"
    )
    return [
        Row(
            f"{what}, judged",
            f"p50 {median(alone):.1f} ms, p99 {quantile(alone, 0.99):.1f} ms",
            "< 20 ms",
            median(alone) < 20,
        ),
        Row(f"{what}, all read and verified again", f"p50 {median(read):.0f} ms", "", None),
        Row(
            f"{what}, checked by a client that has seen it before",
            f"p50 {median(again):.0f} ms",
            "< 100 ms",
            median(again) < 100,
        ),
    ]


def _measure_simulation(registry: Registry, directory: Path) -> Row:
    """Simulate a policy over many versions, each proven and judged over verified claims."""
    rng = random.Random(2)  # noqa: S311 - as above
    evaluations = [_evaluate(rng, 0, 100) for _ in range(50)]

    def push(number: int) -> str:
        file = directory / f"{number}.bin"
        file.write_bytes(f"weights {number}".encode())
        version = registry.push(file, f"bench/model-{number % 100}")
        file.unlink()
        version.attest(EVALUATION, evaluations[number % len(evaluations)])
        return str(version)

    with ThreadPoolExecutor(_THREADS) as pool:
        references = list(pool.map(push, range(_VERSIONS)))
    document: JsonObject = {"rules": _rules()[:5]}
    started = time.perf_counter()
    gates = list(registry.policies.simulate(document, "production", references))
    took = time.perf_counter() - started
    assert len(gates) == _VERSIONS
    assert {len(gate.verdicts[0].findings) for gate in gates} == {6}
    budget = 60 * _VERSIONS / 10_000
    return Row(
        f"simulate a policy over {_VERSIONS:,} versions", f"{took:.0f} s", f"< {budget:.0f} s", took < budget
    )


def _measure_deliveries(registry: Registry, units: Units) -> Row:
    """Deliver over HTTP with one worker, in turn, and count the signatures received."""
    with _receive() as (url, got):
        # A registry in a directory allows no address of this machine.
        webhook = registry.webhooks.set("bench", "https://hooks.example.org/").receipt.index
        post = make_sender(AllowedAddresses.read("127.0.0.1"))
        version = registry.version("bench/judged@1")
        for number in range(_EVENTS):
            version.tag("benchmark", str(number))
        deliveries = Deliveries(
            units=units,
            clock=now,
            origin="muniment.dev/bench",
            send=lambda _, body, headers: post(url, body, headers),
        )
        started = time.perf_counter()
        while deliveries.deliver(str(webhook)) is AGAIN:
            continue
        rate = len(got) / (time.perf_counter() - started)
    assert len(got) >= _EVENTS
    return Row("webhook deliveries a second, one worker", f"{rate:.0f}/s", ">= 200/s", rate >= 200)


@contextmanager
def _receive() -> Iterator[tuple[str, list[str]]]:
    """Run the receiver of deliveries."""
    got: list[str] = []

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            got.append(self.headers["webhook-id"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library calls it
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", got
        finally:
            server.shutdown()
            thread.join()


def _evaluate(rng: random.Random, dataset: int, rows: int) -> JsonObject:
    """Evaluate a mostly correct classifier."""
    truth = [rng.randrange(2) for _ in range(rows)]
    scores = [round(0.4 * one + 0.6 * rng.random(), 3) for one in truth]
    results = evaluate_classification(
        truth, [int(one > 0.5) for one in scores], scores, groups={"sex": [rng.choice("mf") for _ in truth]}
    )
    name = f"holdout-{dataset}"
    return {
        **results,
        "dataset": {"name": name, "digest": str(Digest.of(name.encode()))},
        "tool": {"name": "muniment", "version": "0"},
        "time": "2030-01-01T00:00:00Z",
    }


def _scan(tool: int) -> JsonObject:
    return {
        "tool": {"name": f"scanner-{tool}", "version": "1"},
        "findings": [],
        "time": "2030-01-01T00:00:00Z",
    }


def _rules() -> list[Json]:
    """Write rules of every kind that judges many claims."""
    metrics = ("roc_auc", "accuracy", "recall", "precision", "f1")
    rules: list[Json] = [
        {"rule": "threshold", "metric": metric, "op": ">=", "value": 0.5, **more}
        for metric in metrics
        for more in ({}, {"bound": "lower"}, {"group": "sex"}, {"dataset": "holdout-0"})
    ]
    rules += [{"rule": "gap", "metric": metric, "group": "sex", "maximum": 0.5} for metric in metrics]
    rules += [{"rule": "no_regression", "metric": metric, "tolerance": 0.1} for metric in metrics]
    rules += [
        {"rule": "require", "type": "evaluation", "dataset": f"holdout-{n}", "max_age": "900d"}
        for n in range(10)
    ]
    rules += [
        {"rule": "scan", "tools": [f"scanner-{n}"], "maximum": "low", "max_age": "900d"} for n in range(4)
    ]
    rules += [
        {"rule": "approvals", "validator": 1},
        {"rule": "signature"},
        {"rule": "card", "required": ["intended_use"]},
        {"rule": "soak", "alias": "staging", "least": "1d"},
        {"rule": "cel", "expression": "metrics.roc_auc > 0.5", "message": "better than chance"},
    ]
    return rules
