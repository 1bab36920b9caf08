"""Measure the verifiable index of a million keys in SQLite: what proofs cost to make and check, and its size.

MUNIMENT_BENCH_KEYS sets the number of keys.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TypeVar

from measure import Row, median
from muniment.log.index import IndexHead, Span
from muniment.log.index_proofs import AllProof, NewestProof, verify_all, verify_newest
from muniment.ports.unit import Units
from muniment.stores.sql.sqlite import open_sqlite
from muniment.testing import MemoryBlobs

_KEYS = int(os.environ.get("MUNIMENT_BENCH_KEYS", "1000000"))
_SUBJECTS = 4
# Of each subject there are as many entries.
_ENTRIES = 100
_QUESTIONS = 200

T = TypeVar("T")
# Seconds to make and to check a proof.
Cost = tuple[float, float]


def run(directory: Path) -> list[Row]:
    """Fill an index, and ask it."""
    units = open_sqlite(directory / "registry.db", MemoryBlobs())
    units.ensure_schema()
    empty_bytes = _measure_file(directory)
    units.write(lambda unit: unit.index.rebuild(_make_entries()))
    head: IndexHead = units.read(lambda unit: unit.index.head())
    newest, whole = [], []
    for number in range(_QUESTIONS):
        subject = _hash(f"subject {number * 7 % (_KEYS // _ENTRIES)}")
        newest.append(_prove_newest(units, head, subject))
        whole.append(_prove_all(units, head, Span(subject)))
    units.close()
    stored = (_measure_file(directory) - empty_bytes) / _KEYS
    return [
        *_compare(f"the newest entry of a subject, in {_KEYS:,} keys", newest, 1.0, 0.1),
        *_compare(f"all {_ENTRIES} entries of a subject, in {_KEYS:,} keys", whole, 1.0, 0.5),
        Row("index: stored per key", f"{stored:.0f} bytes", "<= 150", stored <= 150),
    ]


def _prove_newest(units: Units, head: IndexHead, subject: bytes) -> Cost:
    proof, made_s = _time(lambda: units.read(lambda unit: unit.index.prove_newest(subject)))
    sent = proof.encode()
    _, checked_s = _time(lambda: verify_newest(head, subject, NewestProof.decode(sent)))
    return made_s, checked_s


def _prove_all(units: Units, head: IndexHead, span: Span) -> Cost:
    proof, made_s = _time(lambda: units.read(lambda unit: unit.index.prove_all(span)))
    sent, hashes = proof.encode(), [posting.leaf_hash for posting in proof.postings]
    _, checked_s = _time(lambda: verify_all(head, span, AllProof.decode(sent, hashes)))
    return made_s, checked_s


def _make_entries() -> Iterator[tuple[bytes, list[bytes]]]:
    """Give entries with some subjects each, so that every subject has as many entries."""
    subjects = _KEYS // _ENTRIES
    numbers = count()
    for entry in range(_KEYS // _SUBJECTS):
        about = [_hash(f"subject {next(numbers) % subjects}") for _ in range(_SUBJECTS)]
        yield _hash(f"leaf {entry}"), about


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _time(act: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    result = act()
    return result, time.perf_counter() - started


def _compare(what: str, costs: list[Cost], most_made_ms: float, most_checked_ms: float) -> list[Row]:
    rows = []
    for side, act, most_ms in ((0, "make the proof of", most_made_ms), (1, "check", most_checked_ms)):
        cost_ms = median([cost[side] for cost in costs]) * 1000
        rows.append(
            Row(f"index: {act} {what}", f"{cost_ms:.2f} ms", f"<= {most_ms:g} ms", cost_ms <= most_ms)
        )
    return rows


def _measure_file(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.glob("registry.db*"))
