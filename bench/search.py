"""Measure searches over many versions, loaded through the services, on SQLite and PostgreSQL.

MUNIMENT_BENCH_VERSIONS sets their number. The budget is for a million, which takes an hour or more to load on
each.
"""

import os
import random
from itertools import product
from pathlib import Path

from measure import Row, quantile, time_each
from muniment.core.bytes.revisions import File, Revision
from muniment.core.canonical import Json
from muniment.core.claims.attestations import EVALUATION, PROVENANCE
from muniment.core.digests import Digest
from muniment.core.names import ModelName, Reference
from muniment.core.verbs.catalog import SearchVersions
from muniment.core.verbs.claims import RecordAttestation
from muniment.core.verbs.log import GetProof
from muniment.core.verbs.verb import Command
from muniment.core.verbs.versions import PublishVersion
from muniment.ports.unit import Units
from muniment.services.backend import LocalBackend
from muniment.signing.keys import Identity
from muniment.signing.statements import attest
from muniment.stores.sql.postgresql import open_postgresql
from muniment.stores.sql.sqlite import open_sqlite
from muniment.testing import MemoryBlobs, open_over
from muniment.testing.backends import evaluation, provenance
from muniment.testing.servers import run_postgresql

_VERSIONS = int(os.environ.get("MUNIMENT_BENCH_VERSIONS", "10000"))
_MODELS = 500
_AT_ONCE = 32
_PAGES = 40
_QUERIES = (
    "",
    "metric.auc > 0.9 and param.depth = 6 order by created",
    "metric.auc > 0.5 order by metric.auc",
    "metric.auc > 0.9999",
    "param.depth = 3 or param.depth = 9",
    "not (param.depth < 11)",
    "name ~ 'bench/model-4' order by name",
    "metric.auc > 0.99 and metric.auc < 0.01",
)


def run(directory: Path) -> list[Row]:
    """Load and search each database."""
    blobs = MemoryBlobs()
    rows = [_measure(open_sqlite(directory / "registry.db", blobs), blobs, "SQLite")]
    with run_postgresql(directory / "postgresql") as url:
        blobs = MemoryBlobs()
        rows.append(_measure(open_postgresql(url, blobs), blobs, "PostgreSQL"))
    return rows


def _measure(units: Units, blobs: MemoryBlobs, database: str) -> Row:
    owner = Identity.generate()
    backend = open_over(units, blobs)(owner)
    _load(units, blobs, backend, owner)
    newest = backend.ask(SearchVersions(text="", limit=1)).items[0]
    half = backend.ask(GetProof(index=newest.index // 2)).entry.time
    times: list[float] = []
    for text, at in product(_QUERIES, (None, half)):
        cursor: list[str | None] = [None]

        def look(
            _number: int, text: str = text, at: str | None = at, cursor: list[str | None] = cursor
        ) -> None:
            page = backend.ask(SearchVersions(text=text, cursor=cursor[0], limit=100, at=at))
            # After the last page, start again.
            cursor[0] = page.next

        times += time_each(look, _PAGES)
    units.close()
    slow, worst = quantile(times, 0.99), max(times)
    what = f"search, any page of 100 of {_VERSIONS:,} versions on {database}, p99"
    return Row(what, f"{slow:.1f} ms (worst {worst:.1f} ms)", "< 50 ms", slow < 50)


def _load(units: Units, blobs: MemoryBlobs, backend: LocalBackend, owner: Identity) -> None:
    choose = random.Random(1)  # noqa: S311 - the same versions each time
    for start in range(0, _VERSIONS, _AT_ONCE):
        made = [_version(owner, number, choose) for number in range(start, min(start + _AT_ONCE, _VERSIONS))]
        backend.add_documents([document for documents, _ in made for document in documents])
        works = [
            lambda unit, command=command: backend.do(unit, command, "")
            for _, commands in made
            for command in commands
        ]
        results, _ = units.write_all(works, lambda *_: None)
        failed = next((result for result in results if isinstance(result, BaseException)), None)
        assert failed is None, failed
        # The search needs only the database; do not keep the bytes of a million versions.
        blobs.blobs.clear()


def _version(owner: Identity, number: int, choose: random.Random) -> tuple[list[bytes], list[Command]]:
    """Make a version with parameters and an evaluation: the documents to store, and the commands to run."""
    name, data = ModelName("bench", f"model-{number % _MODELS}"), f"weights {number}".encode()
    revision = Revision.of([File(path="w.bin", digest=Digest.of(data), size_bytes=len(data))])
    manifest = Digest.of(revision.manifest())
    trained: dict[str, Json] = {
        **provenance(),
        "buildDefinition": {
            "buildType": "https://example.com/bench",
            "externalParameters": {"parameters": {"depth": choose.randint(1, 12)}},
        },
    }
    scored = {**evaluation(None), "metrics": {"auc": {"value": choose.random()}}}
    claims = [
        attest(manifest, str(name), PROVENANCE, trained, owner).encode(),
        attest(manifest, str(name), EVALUATION, scored, owner).encode(),
    ]
    trained_digest, scored_digest = (Digest.of(claim) for claim in claims)
    return [data, revision.config(), revision.manifest(), *claims], [
        PublishVersion(name=name, manifest=manifest, attestations=(trained_digest,)),
        RecordAttestation(reference=Reference(name, manifest), bundle=scored_digest),
    ]
