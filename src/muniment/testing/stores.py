"""Check what every store must do; a test calls these with a fresh, empty store."""

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial

from muniment.capture.clock import now
from muniment.core.backend import Stored
from muniment.core.catalog.search import Attribute
from muniment.core.claims.lineage import Direction, Edge, Relation
from muniment.core.digests import Digest
from muniment.core.errors import BlobNotFound, LogInconsistent, OffsetMismatch, VersionNotFound
from muniment.core.payloads import Payload
from muniment.core.records import Amend, ModelRecord, PrincipalRecord, Put, VersionRecord, Where
from muniment.log.index import Posting, Span, fold_index, key_of, subject_hash
from muniment.log.index_proofs import AllProof, verify_all, verify_newest
from muniment.log.tree import Frontier, Node, cover, hash_children, hash_leaf, read_root
from muniment.ports.blobs import BlobStore
from muniment.ports.event_log import EventLog
from muniment.ports.holdings import GARBAGE
from muniment.ports.index import SubjectIndex
from muniment.ports.lineage import Lineage
from muniment.ports.staging import Staging, Stretch
from muniment.ports.unit import Unit, Units

_TIMES = ("2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:01.000000Z", "2026-01-01T00:00:01.000000Z")


def check_blob_store(store: BlobStore) -> None:
    """Check a blob store: content addresses, streams, small documents, missing blobs."""
    data = b"weights" * 300_000
    stored = store.add(io.BytesIO(data))
    assert (stored.digest, stored.size_bytes) == (Digest.of(data), len(data))
    with store.open(stored.digest) as file:
        assert file.read() == data
    kept = store.find(stored.digest)
    assert kept is not None
    assert kept[:2] == (stored.digest, len(data))
    assert {listed.digest for listed in store.list()} == {stored.digest}
    assert store.add(io.BytesIO(data)) == stored, "the same bytes again are the same blob"
    assert store.add(io.BytesIO(b"")).digest == Digest.of(b""), "an empty blob is a blob"
    large = bytes(range(256)) * (70_000)
    assert store.add(io.BytesIO(large)).digest == Digest.of(large), "as is one of several steps"
    with store.open(Digest.of(large)) as file:
        assert file.seek(-256, io.SEEK_END) == len(large) - 256
        assert file.read() == large[-256:]
    documents = [b"one", b"two", b"one"]
    assert store.add_documents(documents) == [Digest.of(document) for document in documents]
    assert store.add_documents([]) == []
    missing = Digest.of(b"never stored")
    assert store.find(missing) is None
    _refuses(lambda: store.open(missing), BlobNotFound)
    store.remove(missing)
    store.remove(stored.digest)
    _refuses(lambda: store.open(stored.digest), BlobNotFound)
    assert store.set_aside(Digest.of(b"one"))
    assert store.find(Digest.of(b"one")) is None
    assert Digest.of(b"two") in {listed.digest for listed in store.list()}


def check_staging(staging: Staging, blobs: BlobStore) -> None:
    """Check a staging area and a blob store: steps, takeovers, completion, cleanup."""
    step = staging.step_bytes
    first, second = b"1" * step, b"2" * (step + 5)
    data = first + second
    one, two = Stretch(0, "aa"), Stretch(step, "bb")
    assert staging.take_over("01", [one], 0)
    staging.append("01", one.writer, 0, [first])
    staging.sync("01", one.writer)
    assert staging.take_over("01", [one], step), "a writer that ended in order resumes"
    staging.append("01", one.writer, step, [b"what nobody has counted" * 9])
    assert staging.take_over("01", [one, two], step)
    # The first writer does not know yet that it was replaced.
    with suppress(OffsetMismatch):
        staging.append("01", one.writer, step, [b"0" * step])
    staging.append("01", two.writer, step, [second[:step]])
    staging.append("01", two.writer, 2 * step, [second[step:]])
    staging.sync("01", two.writer)
    staging.finish("01", [one, two], Digest.of(data), len(data))
    staging.abort("01", [one, two])
    with blobs.open(Digest.of(data)) as blob:
        assert Digest.of(blob.read()) == Digest.of(data)
    staging.take_over("02", [one], 0)
    staging.append("02", one.writer, 0, [first])
    staging.abort("02", [one])
    staging.abort("02", [one])
    staging.take_over("02", [one, Stretch(0, "cc")], 0)
    staging.finish("02", [one, Stretch(0, "cc")], Digest.of(b""), 0)
    staging.abort("02", [one, Stretch(0, "cc")])
    assert blobs.find(Digest.of(b"")) is not None
    staging.take_over("03", [one], 0)
    staging.append("03", one.writer, 0, [first])
    tomorrow = now() + timedelta(days=1)
    assert staging.sweep(tomorrow, {"03"}) == 0, "nothing is left over, and known uploads stay"
    assert staging.sweep(tomorrow, set()) == 1


def check_event_log(units: Units) -> None:
    """Check an event log: indices, order, times, tree nodes, across several units of work."""
    leaves = [f"leaf {index}".encode() for index in range(3)]
    for index, leaf in enumerate(leaves):
        assert units.write(lambda unit, leaf=leaf, index=index: unit.log.append(leaf, _TIMES[index])) == index  # type: ignore[misc] # bound at once
    units.read(lambda unit: _check_log(unit.log, leaves))


def check_index(units: Units) -> None:
    """Check an index: proofs of the newest and of all, undone additions, lists in parts, a rebuild."""
    subjects = [subject_hash(b"salt", "model", str(number)) for number in range(12)]
    entries = [(hash_leaf(b"%d" % n), [subjects[0], subjects[n % 12], subjects[n % 7]]) for n in range(66)]

    def add(unit: Unit, start: int) -> None:
        for entry in range(start, start + 3):
            unit.index.add(unit.log.append(b"%d" % entry, _TIMES[0]), *entries[entry])

    def fail(unit: Unit) -> None:
        unit.index.add(unit.log.append(b"lost", _TIMES[0]), hash_leaf(b"lost"), subjects)
        assert unit.index.prove_newest(subjects[0]).leaf is not None
        raise VersionNotFound(reference="on purpose")

    units.read(lambda unit: _check_index(unit, [], subjects))
    works = [work for start in range(0, 60, 3) for work in (fail, partial(add, start=start))]
    units.write_all(works, lambda unit, _: _check_index(unit, entries[:60], subjects))
    _refuses(lambda: units.write(fail), VersionNotFound)
    _refuses(lambda: units.write(lambda unit: unit.index.add(61, *entries[61])), LogInconsistent)
    units.write(partial(add, start=60))
    units.read(lambda unit: _check_index(unit, entries[:63], subjects))
    units.write(lambda unit: unit.index.rebuild(entries[:63]))
    units.write(partial(add, start=63))
    units.read(lambda unit: _check_index(unit, entries[:66], subjects))


def check_projections(units: Units) -> None:
    """Check projections: put, amend, find, select by condition, order and limit, clear."""
    units.write(_fill_projections)
    units.read(_check_projections)
    units.write(lambda unit: unit.projections.clear())
    assert units.read(lambda unit: unit.projections.select(ModelRecord)) == []


def check_holdings(units: Units) -> None:
    """Check the holders of blobs: moves, drops, and sums."""
    blobs = [Stored(digest=Digest.of(b"%d" % n), size_bytes=n) for n in range(5)]
    digests = sorted(blob.digest for blob in blobs)
    units.write(lambda unit: _hold_some(unit, blobs))

    def see(unit: Unit) -> None:
        holdings = unit.holdings
        assert holdings.find_held({"acme", "~me"}, digests) == {
            "acme": {blob.digest: blob.size_bytes for blob in blobs[:2]},
            "~me": {blob.digest: blob.size_bytes for blob in blobs[2:4]},
        }
        assert [holdings.measure(holder) for holder in ("acme", "~me", GARBAGE, "beta")] == [1, 5, 4, 0]
        assert holdings.list_held("", 9) == [one for one in digests if one in holdings.list_of("acme")]
        assert holdings.list_held(str(holdings.list_held("", 1)[0]), 9) == holdings.list_held("", 9)[1:]
        assert holdings.find_idle(_TIMES[1], 9) == [blobs[2].digest], "the other was stored again"

    units.read(see)
    units.write(lambda unit: unit.holdings.drop_idle(_TIMES[1], digests))

    def let_go(unit: Unit) -> None:
        assert unit.holdings.find_sizes(["~me"], digests) == {blobs[3].digest: 3}
        assert unit.holdings.measure("~me") == 3
        unit.holdings.drop([blob.digest for blob in blobs[:2]], "acme")
        unit.holdings.drop(digests, "~you")
        unit.holdings.drop([blobs[4].digest])
        assert unit.holdings.find_sizes(None, digests) == {blobs[3].digest: 3}
        assert [unit.holdings.measure(holder) for holder in ("acme", "~me", GARBAGE)] == [0, 3, 0]

    units.write(let_go)


def check_lineage(units: Units) -> None:
    """Check the lineage of units: both directions, cycles, namespaces, limits."""
    units.write(_fill_lineage)
    units.read(lambda unit: _check_lineage(unit.lineage))
    units.write(lambda unit: unit.lineage.clear())
    assert units.read(lambda unit: unit.lineage.walk("b", Direction.UP, None, 10)) == ["b"]


def check_units(units: Units) -> None:
    """Check units of work: atomicity, a result for each, no lost entries among threads."""

    def fail(unit: Unit) -> None:
        unit.log.append(b"lost", _TIMES[0])
        unit.payloads.put(Payload(salt="s", text="lost"))
        raise VersionNotFound(reference="on purpose")

    def append(number: int) -> int:
        if number % 5 == 0:
            _refuses(lambda: units.write(fail), VersionNotFound)
        return units.write(lambda unit: unit.log.append(str(number).encode(), _TIMES[0]))

    _refuses(lambda: units.write(fail), VersionNotFound)
    assert units.read(lambda unit: unit.log.size()) == 0, "a refused work leaves nothing"
    with ThreadPoolExecutor(max_workers=8) as pool:
        indices = list(pool.map(append, range(40)))
    assert sorted(indices) == list(range(40)), "each work has its own entry, without a gap"
    leaves = units.read(lambda unit: unit.log.read(0, 100))
    assert [leaves[index] for index in indices] == [str(n).encode() for n in range(40)]
    assert units.read(lambda unit: unit.payloads.find(str(Payload(salt="s", text="lost").digest))) is None
    name = Payload(salt="s", text="kept")
    digest = units.write(lambda unit: unit.payloads.put(name, label="name", principal="ada", personal=True))
    typed = units.write(lambda unit: unit.payloads.put(Payload(salt="s", text="typed"), principal="ada"))
    owned = units.read(lambda unit: unit.payloads.find_of("ada", personal=False))
    assert sorted(owned) == sorted([digest, typed])
    assert units.read(lambda unit: unit.payloads.find_of("ada", personal=True)) == [digest]
    assert units.read(lambda unit: unit.payloads.find_of("vera", personal=False)) == []
    assert units.read(lambda unit: unit.payloads.find(digest)) == "kept"
    assert units.read(lambda unit: unit.payloads.find_labelled("name")) == [digest]
    assert units.write(lambda unit: unit.payloads.erase(digest))
    assert units.read(lambda unit: (unit.payloads.find(digest), unit.payloads.find_labelled("name"))) == (
        None,
        [],
    )
    assert not units.write(lambda unit: unit.payloads.erase(digest))


def check_shared_commits(units: Units) -> None:
    """Check works that share a commit: each sees the earlier ones, and a failed one leaves no trace."""
    name = "acme/a"

    def begin(unit: Unit) -> None:
        unit.log.append(b"begin", _TIMES[0])
        unit.projections.apply([Put(ModelRecord(index=0, name=name, kind="model", latest=0))])

    def count(unit: Unit, number: int) -> int:
        model = unit.projections.find(ModelRecord, (name,))
        assert model is not None
        assert unit.projections.select(ModelRecord, Where("name", "=", name)) == [model]
        unit.projections.apply([Amend(ModelRecord, (name,), {"latest": model.latest + 1})])
        for part in range(number % 3 + 1):
            unit.log.append(f"{number}.{part}".encode(), _TIMES[2 if number % 3 else 0])
        if number % 3:
            raise VersionNotFound(reference="on purpose")
        assert unit.log.last_time() == _TIMES[0]
        return number

    def see(unit: Unit, numbers: Sequence[int]) -> tuple[list[int], int, bytes]:
        return list(numbers), unit.log.size(), read_root(unit.log.size(), unit.log.read_nodes)

    units.write(begin)
    works = [partial(count, number=number) for number in range(20)]
    results, seen = units.write_all(works, see)
    kept = [number for number in range(20) if number % 3 == 0]
    assert [result for result in results if not isinstance(result, BaseException)] == kept
    assert all(isinstance(results[number], VersionNotFound) for number in range(20) if number % 3)
    tree, leaves = Frontier(0, []), [b"begin", *(f"{number}.0".encode() for number in kept)]
    for leaf in leaves:
        tree.append(hash_leaf(leaf))
    assert seen == (kept, len(leaves), tree.root), "the last work sees everything that is kept"
    again, _ = units.write_all([partial(count, number=21)], lambda unit, _: unit.log.size())
    assert again == [21]
    tree.append(hash_leaf(b"21.0"))
    assert units.read(lambda unit: see(unit, ())[2]) == tree.root, "every node is kept, and no other"
    picked = units.read(lambda unit: unit.log.pick([len(leaves), 0, 1, 0]))
    assert picked == [b"21.0", b"begin", b"0.0", b"begin"]
    model = units.read(lambda unit: unit.projections.find(ModelRecord, (name,)))
    assert model is not None
    assert model.latest == len(kept) + 1


def _check_log(log: EventLog, leaves: list[bytes]) -> None:
    hashes = [hash_leaf(leaf) for leaf in leaves]
    assert log.size() == len(leaves)
    assert log.read(1, 10) == leaves[1:]
    assert log.read(0, 2) == leaves[:2]
    assert log.last_time() == _TIMES[2]
    assert [log.count_until(time) for time in ("2025", _TIMES[0], _TIMES[1])] == [0, 1, 3]
    assert log.read_nodes(cover(0, 3)) == {
        Node(1, 0): hash_children(hashes[0], hashes[1]),
        Node(0, 2): hashes[2],
    }
    _refuses(lambda: log.read_nodes([Node(2, 0)]), LogInconsistent)


def _check_index(
    unit: Unit, entries: Sequence[tuple[bytes, Sequence[bytes]]], subjects: Sequence[bytes]
) -> None:
    index, head = unit.index, unit.index.head()
    keys = {key_of(subject, n): leaf for n, (leaf, known) in enumerate(entries) for subject in known}
    assert head == (len(entries), fold_index(keys)), "the root is that of the tree, for any layout"
    for subject in [*subjects, subject_hash(b"salt", "model", "unknown")]:
        about = [Posting(n, leaf) for n, (leaf, known) in enumerate(entries) if subject in known]
        assert verify_newest(head, subject, index.prove_newest(subject)) == (about[-1] if about else None)
        proof = index.prove_all(Span(subject))
        assert verify_all(head, Span(subject), proof) == tuple(about)
        assert AllProof.decode(proof.encode(), [posting.leaf_hash for posting in about]) == proof
        assert _list_in_parts(index, subject) == about


def _list_in_parts(index: SubjectIndex, subject: bytes) -> list[Posting]:
    listed: list[Posting] = []
    start = 0
    while start < index.head().size:
        span = index.narrow(Span.widest(subject, start), 5)
        part = verify_all(index.head(), span, index.prove_all(span))
        assert len(part) <= 5
        listed += part
        start = span.end
    return listed


def _hold_some(unit: Unit, blobs: Sequence[Stored]) -> None:
    holdings = unit.holdings
    assert holdings.add("~me", blobs[:4], _TIMES[0]) == 6
    assert holdings.add("~me", blobs[3:4], _TIMES[1]) == 0
    holdings.move("~me", "acme", blobs[:2], _TIMES[1])
    holdings.add(GARBAGE, blobs[4:], "", fresh=True)


def _fill_lineage(unit: Unit) -> None:
    def edge(child: str, parent: str) -> Edge:
        return Edge(child=child, parent=parent, relation=Relation.MODEL, name=f"{parent}!")

    for index, name in enumerate(("acme/a", "other/a")):
        unit.log.append(name.encode(), _TIMES[0])
        unit.projections.apply(
            [Put(PrincipalRecord(index=0, id="p", kind="person", profile=None))][: 1 - index]
        )
        unit.projections.apply([Put(ModelRecord(index=index, name=name, kind="model", latest=1))])
        unit.projections.apply([Put(_version(index, name, "a"))])
    unit.catalog.put(0, [Attribute("alias.production", "production"), Attribute("alias.best", "best")], 1)
    unit.catalog.put(0, [Attribute("target.prod-eu/api", "prod-eu/api")], 2)
    unit.lineage.put("acme", [edge("b", "a"), edge("c", "b"), edge("d", "c"), edge("d", "a"), edge("b", "a")])
    unit.lineage.put("other", [edge("x", "a")])
    unit.lineage.put("acme", [edge("a", "e"), edge("e", "d")])
    unit.lineage.put("acme", [])
    unit.lineage.put("acme", [edge("y", "a")])
    unit.lineage.remove("acme", [edge("y", "a"), edge("x", "a"), edge("never", "a")])
    unit.lineage.remove("acme", [])


def _version(index: int, name: str, revision: str) -> VersionRecord:
    return VersionRecord(
        index=index,
        name=name,
        number=1,
        revision=f"sha256:{revision}",
        size_bytes=1,
        author="p",
        published=_TIMES[0],
        message=None,
    )


def _check_lineage(lineage: Lineage) -> None:
    down, up = Direction.DOWN, Direction.UP
    assert lineage.walk("c", up, None, 10)[:3] == ["c", "b", "a"]
    assert set(lineage.walk("a", down, None, 10)) == {"a", "b", "c", "d", "e", "x"}, "and it ends"
    assert set(lineage.walk("a", down, ["acme"], 10)) == {"a", "b", "c", "d", "e"}
    assert lineage.walk("a", down, [], 10) == ["a"]
    assert len(lineage.walk("a", down, None, 3)) == 3
    assert lineage.walk("unknown", up, None, 10) == ["unknown"]
    assert [edge.parent for edge in lineage.list_edges(["d"], up, None)] == ["a", "c"]
    assert [edge.child for edge in lineage.list_edges(["a"], down, ["other"])] == ["x"]
    owned = lineage.find_versions(["a", "b"], None)
    assert [(match.version.name, match.aliases, match.targets) for match in owned] == [
        ("acme/a", ("best", "production"), ("prod-eu/api",)),
        ("other/a", (), ()),
    ]
    assert [match.version.name for match in lineage.find_versions(["a"], ["other"])] == ["other/a"]


def _fill_projections(unit: Unit) -> None:
    for index, name in enumerate(("acme/a", "acme/b", "other/c")):
        unit.log.append(name.encode(), _TIMES[0])
        unit.projections.apply([Put(ModelRecord(index=index, name=name, kind="model", latest=1))])
    unit.projections.apply([Put(PrincipalRecord(index=0, id="p", kind="person", profile=None))])
    unit.projections.apply([Amend(ModelRecord, ("acme/b",), {"latest": 7})])


def _check_projections(unit: Unit) -> None:
    projections = unit.projections
    amended = ModelRecord(index=1, name="acme/b", kind="model", latest=7)
    assert projections.find(ModelRecord, ("acme/b",)) == amended
    assert projections.find(ModelRecord, ("acme/x",)) is None
    acme = [Where("name", ">=", "acme/"), Where("name", "<", "acme0")]
    assert [m.name for m in projections.select(ModelRecord, *acme, order="name", descending=True)] == [
        "acme/b",
        "acme/a",
    ]
    assert [m.name for m in projections.select(ModelRecord, limit=2)] == ["acme/a", "acme/b"]
    assert [m.name for m in projections.select(ModelRecord, Where("index", ">", 1))] == ["other/c"]
    assert projections.select(ModelRecord, Where("index", "<=", 0), Where("latest", "=", 2)) == []
    assert len(projections.select(PrincipalRecord, Where("profile", "=", None))) == 1


def _refuses(act: Callable[[], object], kind: type[Exception]) -> None:
    try:
        act()
    except kind:
        return
    raise AssertionError(f"{kind.__name__} was expected")  # noqa: EM102, TRY003 - the message of a checker
