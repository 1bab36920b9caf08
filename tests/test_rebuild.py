"""The projections are the fold of the log: a law, a rebuild, and a comparison of rows."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import muniment
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.core.claims.attestations import EVALUATION
from muniment.core.digests import Digest
from muniment.core.errors import (
    EntryUnknown,
    InvalidDocument,
    LogInconsistent,
    MunimentError,
    RegistryNotFound,
)
from muniment.core.events import IndexSealed, read_entry
from muniment.core.names import Alias, Reference
from muniment.core.people.callers import REGISTRY
from muniment.core.people.roles import Role
from muniment.core.verbs.gates import MoveAlias, RollBackAlias
from muniment.core.verbs.log import GetLeaves
from muniment.core.verbs.people import GrantRole, RevokeKey, RevokeRole
from muniment.services import transaction
from muniment.services.backend import LocalBackend
from muniment.services.upkeep.rebuild import compare, rebuild
from muniment.signing.keys import Identity
from muniment.testing import open_memory
from muniment.testing.backends import NAME, add_person, evaluation, publish, record, set_policy
from muniment.testing.directories import compare_directory, rebuild_directory

Step = Callable[[LocalBackend, Identity, int], object]

STEPS: list[Step] = [
    lambda backend, owner, n: publish(backend, owner, bytes([n % 5])),
    lambda backend, owner, n: record(backend, owner, 1 + n % 3, EVALUATION, evaluation(n / 100)),
    lambda backend, _owner, n: backend.execute(
        MoveAlias(reference=Reference(NAME, 1 + n % 3), alias=Alias("staging"))
    ),
    lambda backend, _owner, _n: backend.execute(RollBackAlias(name=NAME, alias=Alias("staging"))),
    lambda backend, owner, n: set_policy(
        backend, owner, {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": n / 100}
    ),
    lambda backend, _owner, n: add_person(backend, f"person {n % 4}", Role.VALIDATOR),
    lambda backend, _owner, n: backend.execute(
        GrantRole(principal=f"person {n % 4}", role=Role.READER, namespace="acme")
    ),
    lambda backend, _owner, n: backend.execute(
        RevokeRole(principal=f"person {n % 4}", role=Role.VALIDATOR, namespace="acme")
    ),
    lambda backend, _owner, _n: backend.execute(RevokeKey(key_id="nobody's")),
]


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 99)), max_size=15))
def test_projections_equal_the_fold_of_the_events(steps: list[tuple[Step, int]]) -> None:
    """Replaying the log gives the same records after any sequence of commands."""
    owner = Identity.generate()
    backend = open_memory()(owner)
    for step, number in steps:
        try:
            step(backend, owner, number)
        except MunimentError:
            continue
    units = backend._units
    assert units.read(compare) == []
    before = units.read(lambda unit: unit.projections.tables)  # type: ignore[attr-defined] # the memory store's
    assert units.write(rebuild) == units.read(lambda unit: unit.log.size())
    assert before == units.read(lambda unit: unit.projections.tables)  # type: ignore[attr-defined] # the same


@pytest.fixture
def database(registry: Registry, model: Path, settings: Settings) -> Path:
    """Give the database of a registry with some history."""
    registry.push(model, "acme/x")
    registry.promote("acme/x@1", "staging", reason="a try")
    registry.policies.set("acme/x", "production", {"rules": [{"rule": "signature"}]}, reason="agreed")
    registry.promote("acme/x@1", "production")
    registry.close()
    return Path(settings.location) / "registry.db"


def alter(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_an_untouched_registry_has_no_difference(database: Path) -> None:
    """The comparison reports no difference in an untouched registry."""
    assert compare_directory(database.parent) == []


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE versions SET revision = 'sha256:0'", "versions[acme/x, 1]: revision is 'sha256:0'"),
        ("DELETE FROM moves WHERE alias = 'staging'", "] is missing"),
        ("UPDATE keys SET revoked = 0", "revoked is 0, the log says None"),
        (
            "INSERT INTO grants SELECT 0, principal, '*', 'admin', principal, NULL FROM grants LIMIT 1",
            "grants[0] is in no entry",
        ),
        ("UPDATE index_head SET root = zeroblob(32)", "index: root is"),
        ("UPDATE index_head SET size = size - 1", "index: size is"),
    ],
)
def test_a_changed_row_is_named_and_rebuilt(
    database: Path, settings: Settings, statement: str, message: str
) -> None:
    """`--check` names a changed row without touching it, and a rebuild restores it."""
    alter(database, statement)
    for _ in range(2):
        assert any(message in str(difference) for difference in compare_directory(database.parent))
    rebuild_directory(database.parent)
    assert compare_directory(database.parent) == []
    with muniment.open(settings=settings) as registry:
        assert registry.version("acme/x@production").record.number == 1


def test_the_log_seals_its_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every so many entries, the log says which root its index has, and a comparison finds a wrong one."""
    monkeypatch.setattr(transaction, "SEAL_EVERY", 10)
    owner = Identity.generate()
    backend = open_memory()(owner)
    for number in range(10):
        publish(backend, owner, bytes([number]))
    leaves = backend.ask(GetLeaves(limit=1000))
    entries = [read_entry(leaf, index) for index, leaf in enumerate(leaves)]
    sealed = [entry for entry in entries if isinstance(entry.event, IndexSealed)]
    assert [entry.index for entry in sealed] == list(range(10, len(leaves), 10))
    assert {entry.actor for entry in sealed} == {REGISTRY}
    assert backend._units.read(compare) == []
    wrong = IndexSealed(size=len(leaves), root=Digest.of(b"another index"))
    backend._units.write(lambda unit: backend.begin(unit).record(wrong))
    assert [difference.table for difference in backend._units.read(compare)] == ["index"]


def test_the_log_seals_its_index_each_day(tmp_path: Path, settings: Settings) -> None:
    """The first entry of a day comes after a seal, however few there were the day before."""
    clock = [datetime(2026, 1, 1, 23, 59, tzinfo=UTC)]
    with muniment.open(
        tmp_path / "registry", settings=settings, clock=lambda: clock[0], create=True
    ) as registry:
        (tmp_path / "w.bin").write_bytes(b"w")
        version = registry.push(tmp_path / "w.bin", "acme/x")
        for day in range(3):
            clock[0] += timedelta(hours=12)
            version.tag("day", str(day))
        leaves = registry._session.backend.ask(GetLeaves(limit=1000))
    kinds = [(entry.time[:10], entry.event.type) for entry in (read_entry(leaf, 0) for leaf in leaves)]
    assert kinds[-5:] == [
        ("2026-01-02", "index.sealed"),
        ("2026-01-02", "tag.set"),
        ("2026-01-02", "tag.set"),
        ("2026-01-03", "index.sealed"),
        ("2026-01-03", "tag.set"),
    ]


def test_a_head_is_never_older_than_its_newest_entry(tmp_path: Path, settings: Settings) -> None:
    """A clock that was set back does not make answers stale."""
    clock = [datetime(2026, 3, 1, tzinfo=UTC)]
    with muniment.open(
        tmp_path / "registry", settings=settings, clock=lambda: clock[0], create=True
    ) as registry:
        (tmp_path / "w.bin").write_bytes(b"w")
        version = registry.push(tmp_path / "w.bin", "acme/x")
        clock[0] = datetime(2026, 1, 1, tzinfo=UTC)
        version.tag("after", "all")
        assert version.tags() == {"after": "all"}
        assert registry._session.backend.seen.time == datetime(2026, 3, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "statements",
    [
        ("DROP TRIGGER events_no_update", "UPDATE events SET leaf = CAST('{}' AS BLOB) WHERE \"index\" = 2"),
        ("DROP TRIGGER events_no_delete", 'DELETE FROM events WHERE "index" = 2'),
        ("DROP TRIGGER nodes_no_update", "UPDATE nodes SET hash = zeroblob(32) WHERE level = 2"),
        ("DROP TRIGGER nodes_no_delete", 'DELETE FROM nodes WHERE level = 0 AND "index" = 2'),
        ("DROP TRIGGER nodes_no_update", "UPDATE nodes SET hash = 'text' WHERE level = 0 AND \"index\" = 2"),
    ],
)
def test_nothing_is_rebuilt_from_an_altered_log(database: Path, statements: tuple[str, ...]) -> None:
    """A rebuild from an altered log is refused and leaves the tables as they were."""
    alter(database, *statements)
    with pytest.raises(LogInconsistent):
        rebuild_directory(database.parent)
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM moves").fetchone() == (2,)


def test_there_has_to_be_a_registry(tmp_path: Path) -> None:
    """A rebuild without a registry is refused and makes none."""
    for act in (compare_directory, rebuild_directory):
        with pytest.raises(RegistryNotFound):
            act(tmp_path)


@pytest.mark.parametrize(
    "leaf",
    [b"{}", b'{"version":2,"data":{}}', b'{"version":1,"data":{}}', b'{"version":1,"data":[]}',
     b'{"actor":"a","data":{},"id":"i","time":"t","type":"cat.fed","version":1}'],
)  # fmt: skip
def test_an_entry_of_an_unknown_format_is_refused(leaf: bytes) -> None:
    """A rebuild refuses entries of an unknown format or type."""
    with pytest.raises((EntryUnknown, InvalidDocument)):
        read_entry(leaf, 0)
