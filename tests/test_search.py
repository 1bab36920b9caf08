"""Search: the query language, and the same answers from every catalog."""

import base64
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Connection

import muniment
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.core.backend import Backend
from muniment.core.bytes.revisions import File, Revision
from muniment.core.canonical import Json
from muniment.core.catalog.search import resolve_ages
from muniment.core.claims.attestations import EVALUATION, PROVENANCE
from muniment.core.digests import Digest
from muniment.core.errors import (
    InvalidBody,
    InvalidName,
    InvalidPast,
    InvalidQuery,
    ModelNotFound,
    MunimentError,
)
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.verbs.catalog import GetModel, ListModels, RemoveTag, SearchVersions, SetTag
from muniment.core.verbs.gates import MoveAlias
from muniment.core.verbs.log import GetLeaves, GetProof
from muniment.core.verbs.versions import DescribeVersion, PublishVersion
from muniment.server.embedded import open_directory
from muniment.services.catalog.query_language import parse
from muniment.signing.keys import Identity
from muniment.signing.statements import attest
from muniment.stores.sql.catalog import WINDOW, SqlCatalog
from muniment.stores.sql.postgresql import open_postgresql
from muniment.stores.sql.sqlite import open_sqlite
from muniment.stores.sql.statements import Statements
from muniment.stores.sql.unit import SqlUnits
from muniment.testing import MemoryBlobs, open_memory
from muniment.testing.backends import evaluation, provenance, record, refuses, withdraw
from muniment.testing.directories import rebuild_directory
from muniment.views.tables import find_table

OpenAs = Callable[[Identity], Backend]

OWNER = Identity.generate()


@pytest.mark.parametrize(
    "text",
    [
        "metric.auc >",
        "metric.auc > 0.9 and",
        "auc > 0.9",
        "name = ",
        "metric.auc = good",
        "name = 7",
        "size ~ 3",
        "alias > production",
        "alias = latest",
        "created > yesterday",
        "order by author",
        "order by digest",
        "digest = latest",
        f"digest > {Digest.of(b'')}",
        "name = 'x' or or name = 'y'",
        "name = 'x'; drop table versions",
        "(" * 30 + "name = x" + ")" * 30,
        "name = " + "x" * 3000,
        " or ".join(["version = 1"] * 30),
    ],
)
def test_what_is_no_query_is_refused(text: str) -> None:
    """A query with a wrong syntax, comparison or size is refused."""
    with pytest.raises(MunimentError) as refusal:
        parse(text)
    assert refusal.value.code in {"invalid_query", "invalid_name"}


FIELDS = ["name", "version", "created", "owner", "size", "digest", "alias", "target", "metric.auc", "tag.a"]
VALUES = ["'a b'", "0.9", "-1", "1e999", "acme/x", "latest", "2026-01-01", "2026-13-01", "sha256:0", "order"]
CONDITIONS = st.tuples(
    st.sampled_from(FIELDS), st.sampled_from(["=", "!=", "<=", ">", "~"]), st.sampled_from(VALUES)
).map(" ".join)
WORDS = CONDITIONS | st.sampled_from(["and", "or", "not", "(", ")", "order by", "name", "desc"])


@hypothesis_settings(max_examples=500)
@given(st.text(max_size=80) | CONDITIONS | st.lists(WORDS, max_size=8).map(" ".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Any text is parsed or refused as a query, and never fails in another way."""
    with suppress(InvalidQuery, InvalidName):
        parse(text)


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DURATIONS = {
    "created > 14d": "created > 2026-02-15T12:00:00.000000Z",
    "(created>=2w or name=acme/a)": "(created>=2026-02-15T12:00:00.000000Z or name=acme/a)",
    "created != 30m order by created": "created != 2026-03-01T11:30:00.000000Z order by created",
    "created > 2026-02-15": "created > 2026-02-15",
    "created > 14days": "created > 14days",
    "param.created > 14d": "param.created > 14d",
    'tag.a = "created > 14d" and created < 1h': (
        'tag.a = "created > 14d" and created < 2026-03-01T11:00:00.000000Z'
    ),
}


@pytest.mark.parametrize("text", DURATIONS)
def test_a_duration_in_a_search_is_written_as_a_time(text: str) -> None:
    """A time of publication may be a duration, that long ago; other fields and texts stay as they are."""
    assert resolve_ages(text, NOON) == DURATIONS[text]


@given(st.text(max_size=80) | CONDITIONS | st.lists(WORDS, max_size=8).map(" ".join))
def test_a_search_without_durations_stays_as_it_is(text: str) -> None:
    """A search that can be read is not changed by writing its durations as times."""
    with suppress(InvalidQuery, InvalidName):
        parse(text)
        assert resolve_ages(text, NOON) == text


def test_a_search_by_a_duration_finds_what_is_new(registry: Registry, model: Path) -> None:
    """What was published within a time is found, and nothing else."""
    registry.push(model, "acme/x")
    assert [record.number for record in registry.search("created > 1h")] == [1]
    assert not list(registry.search("created < 1h"))
    assert len(find_table(registry.overview("created > 1d and name = acme/x")).rows) == 1


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Give a registry with six versions of two models, described in many ways."""
    if request.param == "memory":
        backend: Backend = open_memory()(OWNER)
    elif request.param == "sqlite":
        backend = open_directory(tmp_path / "registry", identity=OWNER, create=True).backend
    else:
        open_on = request.getfixturevalue("open_on_postgresql")
        backend = open_on(OWNER)
    fill(backend, OWNER)
    yield backend
    backend.close()


QUERIES = {
    "": ["b@2", "b@1", "a@4", "a@3", "a@2", "a@1"],
    "metric.roc_auc > 0.85": ["a@4", "a@3"],
    "metric.roc_auc > 0.85 and param.depth = 4": ["a@4"],
    "metric.roc_auc >= 0.7 order by metric.roc_auc desc": ["a@4", "a@3", "a@2", "a@1"],
    "order by metric.roc_auc": ["a@1", "a@2", "a@3", "a@4"],
    "name = acme/b": ["b@2", "b@1"],
    "name ~ 'acme/' order by name": ["a@1", "a@2", "a@3", "a@4", "b@1", "b@2"],
    "alias = production": ["a@3"],
    "alias != production and name = acme/a": ["a@4", "a@2", "a@1"],
    "tag.stage = 'ready'": ["b@1"],
    "tag.stage ~ re or param.kind = forest": ["b@1", "a@2"],
    "not (name = acme/a)": ["b@2", "b@1"],
    "version = 1": ["b@1", "a@1"],
    "size > 5": [],
    "created > 2020-01-01 and version >= 2 order by created asc": ["a@2", "a@3", "a@4", "b@2"],
    "param.depth < 3": ["a@2", "a@1"],
    'tag.stage = "\' OR 1=1 --"': [],
    f"digest = {Digest.of(b'a2')}": ["a@2"],
    f"digest != '{Digest.of(b'a2')}' and name = acme/a": ["a@4", "a@3", "a@1"],
    f"digest = {Digest.of(b'b3')} or digest = {Digest.of(b'b1')}": ["b@1"],
}


def test_searches_find_what_they_say(filled: Backend) -> None:
    """Each condition and order finds the same versions in memory, on SQLite and on PostgreSQL."""
    assert {text: find(filled, text) for text in QUERIES} == QUERIES


def test_pages_go_on_where_they_ended(filled: Backend) -> None:
    """Pages of one item add up to the whole, in every order, and foreign cursors are refused."""
    for text in ("", "order by name", "metric.roc_auc > 0 order by metric.roc_auc", "version >= 1"):
        assert find(filled, text, limit=1) == find(filled, text)
    for cursor in ("nonsense", *(make_cursor(*place) for place in FOREIGN)):
        query = SearchVersions(text="", cursor=cursor)
        refuses(partial(filled.ask, query), InvalidQuery)
    huge = SearchVersions(text="", cursor=make_cursor(10**400, 1))
    refuses(partial(filled.ask, huge), InvalidBody)


# Of another order, and of none that there could be.
FOREIGN: tuple[tuple[object, ...], ...] = (
    ("acme/a", 1),
    (0, "1"),
    (0, -1),
    (0, 2**63),
    (None, 1),
    ([], 1),
    (0, 1, 1),
)


def make_cursor(*place: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def test_searches_find_what_they_found_then(filled: Backend) -> None:
    """A search at an earlier time finds what it found then, after any later change."""
    then = [change(filled, OWNER, number) for number in range(7)]
    for text in QUERIES:
        seen = [answers[text] for _, answers in then]
        assert [find(filled, text, at=time) for time, _ in then] == seen, text
        assert [find(filled, text, limit=1, at=time) for time, _ in then] == seen, text
    assert len({tuple(map(tuple, answers.values())) for _, answers in then}) == 7, "each change is seen"
    names = [model.name for model in filled.ask(ListModels(namespace="acme", at=then[0][0]))]
    assert names == ["acme/a", "acme/b"]
    assert [model.name for model in filled.ask(ListModels(namespace="acme"))] == [*names, "acme/c"]
    assert filled.ask(GetModel(name=ModelName("acme", "b"), at=then[0][0])).latest == 2
    assert filled.ask(GetModel(name=ModelName("acme", "b"))).latest == 3
    early = GetModel(name=ModelName("acme", "c"), at=then[0][0])
    refuses(lambda: filled.ask(early), ModelNotFound)
    refuses(lambda: filled.ask(SearchVersions(text="", at="yesterday")), InvalidPast)


def test_a_rebuilt_catalog_knows_what_was(tmp_path: Path) -> None:
    """A rebuilt catalog gives the same answers for earlier times."""
    owner = Identity.generate()
    backend = open_directory(tmp_path / "registry", identity=owner, create=True).backend
    fill(backend, owner)
    then = [change(backend, owner, number) for number in range(7)]
    rebuild_directory(tmp_path / "registry")
    for time, answers in then:
        assert {text: find(backend, text, at=time) for text in QUERIES} == answers
    backend.close()


def test_what_was_erased_is_not_found_at_any_time(
    registry: Registry, model: Path, settings: Settings
) -> None:
    """A tag of an erased person is found at no time; a tag that somebody else set later is."""
    version = registry.push(model, "acme/b")
    vera = Identity.generate()
    registry.people.add("Vera", vera.public)
    registry.people.grant("Vera", "contributor", "acme")
    with muniment.open(settings=settings, identity=vera) as theirs:
        then = theirs.version("acme/b@1").tag("owner", "Vera").entry.time
    version.tag("owner", "Ada")
    assert [str(version.number) for version in registry.search("tag.owner = Vera", at=then)] == ["1"]
    registry.people.erase("Vera", typed=True)
    assert not list(registry.search("tag.owner = Vera", at=then))
    assert [version.number for version in registry.search("tag.owner = Ada")] == [1]


def test_small_windows_find_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size of the window that a page looks at does not change the answers."""
    monkeypatch.setattr("muniment.stores.sql.catalog.FEW", 0)
    monkeypatch.setattr("muniment.stores.sql.catalog.WINDOW", 2)
    owner = Identity.generate()
    backend = open_directory(tmp_path / "registry", identity=owner, create=True).backend
    fill(backend, owner)
    assert {text: find(backend, text) for text in QUERIES} == QUERIES
    backend.close()


def test_a_rebuilt_catalog_finds_the_same(tmp_path: Path) -> None:
    """A catalog rebuilt from the log and its claims gives the same answers."""
    owner = Identity.generate()
    backend = open_directory(tmp_path / "registry", identity=owner, create=True).backend
    fill(backend, owner)
    rebuild_directory(tmp_path / "registry")
    assert {text: find(backend, text) for text in QUERIES} == QUERIES
    backend.close()


MANY = 60_000
# What all versions have, and a metric of few, which is less than most numbers of other keys.
DESCRIBED = """
CREATE TEMPORARY TABLE one (n INTEGER);
INSERT INTO one
  WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < 60000) SELECT n FROM count;
INSERT INTO events VALUES (0, '', '');
INSERT INTO events SELECT n, '', '' FROM one;
INSERT INTO principals VALUES ('ada', 'person', NULL, 0);
INSERT INTO models SELECT 'acme/m' || n, 'model', 1, NULL, 0 FROM one WHERE n <= 100;
INSERT INTO versions SELECT 'acme/m' || (n % 100 + 1), n / 100 + 1, n, '', 1, 'ada', NULL, NULL, n FROM one;
INSERT INTO attributes SELECT n, 'param.depth', '', n % 12, n FROM one;
INSERT INTO attributes SELECT n, 'metric.auc', '', n * 7919 % 10007 / 10007.0, n FROM one;
INSERT INTO attributes SELECT n, 'metric.loss', '', 0.001, n FROM one WHERE n % 100 = 0;
INSERT INTO past_attributes (version, key, since, until, text, number)
  SELECT version, key, since - 1, since, text, number FROM attributes WHERE version % 2 = 0;
ANALYZE;
"""
LOOKED_UP = (
    "",
    "order by name",
    "param.depth = 3 or param.depth = 9",
    "metric.auc > 0.5 order by metric.auc",
    "metric.auc > 0.9 and param.depth = 6 order by created",
    "metric.auc > 0.99 and metric.auc < 0.01",
    "metric.loss > 0.0005 order by name",
    "not (param.depth < 11)",
)


@pytest.mark.slow
def test_on_postgresql_a_page_reads_as_many_rows_however_many_there_are(database: str) -> None:
    """On PostgreSQL the rows read per page do not grow with the registry."""
    units = open_postgresql(database, MemoryBlobs())
    with psycopg.connect(database, autocommit=True) as setup:
        # Who imports a database does not check each row; and what other processes read is not counted.
        setup.execute("SET session_replication_role = replica")
        setup.execute(DESCRIBED)
        setup.execute(f"ALTER DATABASE {setup.info.dbname} SET max_parallel_workers_per_gather = 0")
    counted = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"

    def count(connection: Connection) -> int:
        return int(connection.exec_driver_sql(counted).scalar_one())

    assert look_up(units, count, most=6 * WINDOW) == {}


def test_on_sqlite_a_page_takes_as_many_steps_however_many_there_are(tmp_path: Path) -> None:
    """On SQLite the steps per page do not grow with the registry."""
    units = open_sqlite(tmp_path / "registry.db", MemoryBlobs())
    with closing(sqlite3.connect(tmp_path / "registry.db")) as setup:
        setup.executescript(f"BEGIN; {DESCRIBED} COMMIT;")
    steps: list[int] = []

    def count(connection: Connection) -> int:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_progress_handler(lambda: steps.append(1), 1000)
        return len(steps)

    assert look_up(units, count, most=300) == {}


def look_up(
    units: SqlUnits, count: Callable[[Connection], int], most: int
) -> dict[tuple[str, int | None], int]:
    """Look pages up, now and then; give the searches of which one page took more than is allowed."""
    worst: dict[tuple[str, int | None], int] = {}
    for text, until in product(LOOKED_UP, (None, MANY, MANY // 100)):
        taken: list[int] = []
        cursor: str | None = None
        # It is prepared for the sixth; for the eleventh PostgreSQL could take a plan for any value.
        for _ in range(20):
            with units.reading() as connection:
                before = count(connection)
                catalog = SqlCatalog(connection, Statements(connection.dialect, units.path))
                cursor = catalog.search(parse(text), None, cursor, WINDOW, until).cursor
                taken.append(count(connection) - before)
        worst[text, until] = max(taken)
    units.close()
    return {search: took for search, took in worst.items() if took > most}


def fill(backend: Backend, owner: Identity) -> None:
    for model, depths in (("a", (1, 2, 3, 4)), ("b", (None, None))):
        for number, depth in enumerate(depths, 1):
            publish_with(backend, owner, model, number, depth)
            if depth is not None:
                name = ModelName("acme", model)
                record(backend, owner, number, EVALUATION, evaluation(0.6 + depth / 10), name=name)
    for number in (2, 3):
        reference = Reference(ModelName("acme", "a"), number)
        backend.execute(MoveAlias(reference=reference, alias=Alias("production")))
    first = Reference(ModelName("acme", "b"), 1)
    for text in ("draft", "ready"):
        backend.execute(SetTag(reference=first, key="stage", value=Payload.of(text)))
    second = Reference(ModelName("acme", "b"), 2)
    backend.execute(SetTag(reference=second, key="stage", value=Payload.of("ready")))
    backend.execute(RemoveTag(reference=second, key="stage"))


def publish_with(backend: Backend, owner: Identity, model: str, number: int, depth: int | None) -> None:
    name, data = ModelName("acme", model), f"{model}{number}".encode()
    digest = backend.add_documents([data])[0]
    revision = Revision.of([File(path="w.bin", digest=digest, size_bytes=len(data))])
    manifest = Digest.of(revision.manifest())
    kind: dict[str, Json] = {"kind": "forest"} if number == 2 and depth else {}
    parameters: dict[str, Json] = {} if depth is None else {"depth": depth, **kind}
    predicate = dict(provenance())
    predicate["buildDefinition"] = {
        "buildType": "https://example.com/test",
        "externalParameters": {"parameters": parameters},
    }
    claim = attest(manifest, str(name), PROVENANCE, predicate, owner).encode()
    digests = backend.add_documents([revision.config(), revision.manifest(), claim])
    backend.execute(PublishVersion(name=name, manifest=manifest, attestations=(digests[2],)))


def change(backend: Backend, owner: Identity, number: int) -> tuple[str, dict[str, list[str]]]:
    """Note what all queries find, and when; then change what they find, each time in another way."""
    answers = {text: find(backend, text) for text in QUERIES}
    newest = len(backend.ask(GetLeaves(start=0, limit=1000))) - 1
    time = backend.ask(GetProof(index=newest)).entry.time
    a, b = ModelName("acme", "a"), ModelName("acme", "b")
    match number:
        case 0:
            backend.execute(MoveAlias(reference=Reference(a, 1), alias=Alias("production")))
        case 1:
            record(backend, owner, 4, EVALUATION, evaluation(0.1), name=a)
        case 2:
            backend.execute(RemoveTag(reference=Reference(b, 1), key="stage"))
        case 3:
            backend.execute(SetTag(reference=Reference(b, 2), key="stage", value=Payload.of("ready")))
            publish_with(backend, owner, "c", 1, 2)
        case 4:
            publish_with(backend, owner, "b", 3, 1)
        case 5:
            claims = backend.ask(DescribeVersion(reference=Reference(a, 4))).attestations
            newest_evaluation = [one for one in claims if one.predicate_type == EVALUATION][-1]
            withdraw(backend, owner, 4, Digest.parse(newest_evaluation.digest), name=a)
        case _:
            record(backend, owner, 1, EVALUATION, evaluation(None), name=a)
    return time, answers


def find(backend: Backend, text: str, limit: int = 100, at: str | None = None) -> list[str]:
    versions: list[str] = []
    cursor: str | None = None
    while True:
        page = backend.ask(SearchVersions(text=text, cursor=cursor, limit=limit, at=at))
        versions += [f"{version.name.partition('/')[2]}@{version.number}" for version in page.items]
        if page.next is None:
            return versions
        cursor = page.next
