"""Measure lineage in a graph of a million edges, on SQLite and PostgreSQL.

MUNIMENT_BENCH_EDGES sets the number of edges. A tenth of the nodes are versions with an alias; the edges are
added page by page, as the services do.
"""

import hashlib
import os
import random
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import psycopg

from measure import Row, quantile, time_each
from muniment.core.catalog.search import ALIAS, Attribute
from muniment.core.claims.lineage import Direction, Edge
from muniment.core.records import ModelRecord, PrincipalRecord, Put, VersionRecord
from muniment.core.verbs.catalog import GetLineage
from muniment.ports.unit import Unit, Units
from muniment.services.catalog.lineage import trace
from muniment.stores.sql.postgresql import open_postgresql
from muniment.stores.sql.sqlite import open_sqlite
from muniment.testing import MemoryBlobs
from muniment.testing.servers import run_postgresql

_EDGES = int(os.environ.get("MUNIMENT_BENCH_EDGES", "1000000"))
_PARENTS = 3
_VERSIONS_EVERY = 10
# A model is made from recent nodes, at most this many back.
_NEAR = 40_000
_AT_ONCE = 20_000
_QUESTIONS = 100
_TIME = "2026-01-01T00:00:00.000000Z"


def run(directory: Path) -> list[Row]:
    """Load and query each database."""
    rows = _measure(open_sqlite(directory / "registry.db", MemoryBlobs()), "SQLite")
    with run_postgresql(directory / "postgresql") as url:
        rows += _measure(open_postgresql(url, MemoryBlobs()), "PostgreSQL", lambda: _tidy(url))
    return rows


def _tidy(url: str) -> None:
    """Vacuum, as autovacuum does a minute after so many new rows."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _measure(units: Units, database: str, tidy: Callable[[], None] = lambda: None) -> list[Row]:
    units.ensure_schema()  # type: ignore[attr-defined] # units of SQL have one
    edges = _make_edges()
    while page := list(islice(edges, _AT_ONCE)):
        units.write(partial(_put, page))
    count = _EDGES // _PARENTS
    units.write(lambda unit: _publish(unit, range(0, count, _VERSIONS_EVERY)))
    tidy()
    choose = random.Random(2)  # noqa: S311 - the same questions each time
    rows = []
    for words, direction in (("made from", Direction.DOWN), ("that it was made from", Direction.UP)):
        sizes: list[int] = []

        def ask(_number: int, direction: Direction = direction, sizes: list[int] = sizes) -> None:
            # Old nodes have many descendants, new ones many ancestors.
            number = choose.randrange(count // 30)
            node = _node(number if direction is Direction.DOWN else count - number)
            query = GetLineage(node=node, direction=direction)
            sizes.append(len(units.read(lambda unit: trace(unit, query, None)).nodes))

        times = time_each(ask, _QUESTIONS)
        slowest, middle = quantile(times, 0.99), quantile(sizes, 0.5)
        what = f"lineage, all {words}, of {_EDGES:,} edges on {database}, p99"
        text = f"{slowest:.1f} ms ({middle:.0f} nodes in the middle, at most {max(sizes)})"
        rows.append(Row(what, text, "< 100 ms", slowest < 100))
    units.close()
    return rows


def _put(page: list[Edge], unit: Unit) -> None:
    unit.lineage.put("bench", page)


def _make_edges() -> Iterator[Edge]:
    choose = random.Random(1)  # noqa: S311 - the same graph each time
    for number in range(1, _EDGES // _PARENTS + 1):
        for place in range(_PARENTS):
            # Most nodes are made from data that has no parents.
            parent = choose.randrange(max(0, number - _NEAR), number)
            source = _node(parent) if place == 0 else f"{parent:064x}"
            yield Edge(child=_node(number), parent=source, relation="dataset", name="")


def _publish(unit: Unit, numbers: range) -> None:
    for index, number in enumerate(numbers):
        unit.log.append(b"leaf", _TIME)
        name = f"bench/m{number}"
        version = VersionRecord(
            index=index,
            name=name,
            number=1,
            revision=f"sha256:{_node(number)}",
            size_bytes=1,
            author="p",
            published=_TIME,
            message=None,
        )
        if index == 0:
            unit.projections.apply([Put(PrincipalRecord(index=0, id="p", kind="person", profile=None))])
        unit.projections.apply(
            [Put(ModelRecord(index=index, name=name, kind="model", latest=1)), Put(version)]
        )
        unit.catalog.put(index, [Attribute(f"{ALIAS}.production", "production")], index)


def _node(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()
