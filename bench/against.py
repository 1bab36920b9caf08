"""Compare this checkout with a revision in one run, to see what became slower or larger.

Everything is measured in pairs, and the median of the ratios within pairs counts: other load on the machine
slows both sides of a pair.
"""

import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from measure import THREADS, Row, measure_pairs, measure_rate, median, run_child, time_each
from peers import Raw
from push import MODELS
from trees import Tree, prepare_trees

_TOLERANCE = 0.1
_COMMANDS = 15
_STARTS = 9
_ROUNDS = 10
_PUSHES = 200
_FIRST = 1_000_000
# A server is slow until its threads and caches are warm.
_WARM_UP = 600
_PUBLISHES = 150
_LOOKUPS = 100
_PUSH = Path(__file__).with_name("push.py")
_LINK = re.compile(r"http\S+/login#[^\s']+")

_S = TypeVar("_S")


def run(directory: Path, revision: str) -> list[Row]:
    """Measure commands, then a registry in a directory, then a server on that registry."""
    trees = prepare_trees(directory, revision)
    return [
        *_compare_commands(trees),
        _compare_pushes(trees),
        *_compare_starts(trees),
        *_compare_requests(trees),
    ]


def _compare_commands(trees: tuple[Tree, Tree]) -> list[Row]:
    for tree in trees:
        # The first push makes the registry.
        _push(tree, "versions", _FIRST, 1)
        weights = tree.directory / "weights.bin"
        weights.write_bytes(b"weights")
        tree.run("push", str(weights), "bench/model")
    return [
        _compare(f"`muniment {' '.join(arguments)}`, CPU", "s", trees, _COMMANDS, _measure_cpu(arguments))
        for arguments in (["--version"], ["--help"], ["show", "bench/model"])
    ]


def _measure_cpu(arguments: Sequence[str]) -> Callable[[Tree], float]:
    return lambda tree: tree.run(*arguments).cpu_s


def _compare_pushes(trees: tuple[Tree, Tree]) -> Row:
    starts = {tree: count(step=_PUSHES) for tree in trees}
    return _compare(
        f"versions pushed a second to a directory, {THREADS} threads",
        "/s",
        trees,
        _ROUNDS,
        lambda tree: _push(tree, "versions", next(starts[tree]), _PUSHES),
        more=True,
    )


def _push(tree: Tree, kind: str, start: int, number: int) -> float:
    """Push versions or drafts with the SDK of a tree; return the rate per second."""
    report = tree.directory / "report"
    arguments = [tree.registry, kind, str(report), str(start), str(number)]
    run_child([sys.executable, str(_PUSH), *arguments], tree.environment)
    return float(report.read_text())


def _compare_starts(trees: tuple[Tree, Tree]) -> list[Row]:
    new, old = trees
    pairs = measure_pairs(lambda: _start(new), lambda: _start(old), _STARTS)
    return [
        _judge("server: cold start to ready", "s", [(one.took_s, other.took_s) for one, other in pairs]),
        _judge("server: idle memory", "MB", [(one.idle_mb, other.idle_mb) for one, other in pairs]),
    ]


@dataclass(frozen=True, kw_only=True)
class _Start:
    """The time and memory of a server until its first request."""

    took_s: float
    idle_mb: float


def _start(tree: Tree) -> _Start:
    """Start a server with an empty registry."""
    with (
        tempfile.TemporaryDirectory(dir=tree.directory) as name,
        tree.serve(Path(name)) as peer,
    ):
        return _Start(took_s=peer.started_s, idle_mb=peer.memory_mb())


def _compare_requests(trees: tuple[Tree, Tree]) -> list[Row]:
    for tree in trees:
        _push(tree, "drafts", 0, _WARM_UP + _PUBLISHES * (_ROUNDS + 1))
    with ExitStack() as stack:
        new, old = (stack.enter_context(_serve(tree)) for tree in trees)
        for served in (new, old):
            served.publish(_WARM_UP)
            served.raw.call("PUT", "/api/v1/models/bench/model-0/aliases/production", {"version": "1"})
        publishes = _compare(
            f"versions published a second over HTTP, {THREADS} threads",
            "/s",
            (new, old),
            _ROUNDS,
            lambda served: served.publish(_PUBLISHES),
            more=True,
        )
        versions = _PUSHES * (_ROUNDS + 1) + _WARM_UP + _PUBLISHES * (_ROUNDS + 1)
        page = "/api/v1/versions?limit=100&q=" + quote('name ~ "bench/model-1" order by name')
        lookups = {
            "alias resolution over HTTP, p50": "/api/v1/models/bench/model-0/versions/production",
            f"a page of 100 of a search in {versions:,} versions, p50": page,
        }
        return [
            publishes,
            *(
                _compare(what, "ms", (new, old), 2 * _ROUNDS, _measure_lookup(path))
                for what, path in lookups.items()
            ),
        ]


@dataclass(frozen=True, kw_only=True)
class _Served:
    """A running server, and its drafts to publish."""

    raw: Raw
    drafts: Iterator[tuple[str, object]]

    def publish(self, number: int) -> float:
        """Publish drafts; return the rate per second."""
        some = list(islice(self.drafts, number))
        assert len(some) == number
        return measure_rate(some, lambda draft: self.raw.call("POST", *draft))


@contextmanager
def _serve(tree: Tree) -> Iterator[_Served]:
    """Serve the registry with the pushed versions, and sign in as its admin."""
    # Scanning thousands of versions would also slow the other server's turns.
    with tree.serve(tree.directory, MUNIMENT_SCAN="false") as peer:
        link = _LINK.search((tree.directory / "log").read_text())
        assert link is not None
        tree.run("login", link[0])
        answer = tree.ask("--registry", peer.url, "token", "new", "bench", "--json")
        raw = Raw(peer.url, {"authorization": f"Bearer {json.loads(answer)['token']}"})
        yield _Served(raw=raw, drafts=_list_drafts(raw))


def _list_drafts(raw: Raw) -> Iterator[tuple[str, object]]:
    """Yield the path and the body of each draft's publication, in the order of saving."""
    models = [f"/api/v1/models/bench/model-{number}" for number in range(MODELS)]
    pages = [json.loads(raw.call("GET", f"{model}/drafts?limit=1000")) for model in models]
    records = [draft["record"] for page in pages for draft in page["items"]]
    for record in sorted(records, key=lambda record: record["index"]):
        body = {"manifest": record["revision"], "attestations": record["attestations"].split()}
        yield f"/api/v1/models/{record['name']}/versions", body


def _measure_lookup(path: str) -> Callable[[_Served], float]:
    return lambda served: median(time_each(lambda _: served.raw.call("GET", path), _LOOKUPS))


def _compare(  # noqa: PLR0913 - the parts of a row
    what: str,
    unit: str,
    sides: tuple[_S, _S],
    rounds: int,
    measure: Callable[[_S], float],
    *,
    more: bool = False,
) -> Row:
    """Measure the new and the old side in pairs; with `more`, more is better."""
    new, old = sides
    return _judge(what, unit, measure_pairs(lambda: measure(new), lambda: measure(old), rounds), more=more)


def _judge(what: str, unit: str, pairs: Sequence[tuple[float, float]], *, more: bool = False) -> Row:
    ratio = median([new / old for new, old in pairs])
    new, old = (median(side) for side in zip(*pairs, strict=True))
    measured = f"{ratio:.2f} ({new:.3g} against {old:.3g} {unit})"
    if more:
        return Row(what, measured, f">= {1 - _TOLERANCE:g}", ratio >= 1 - _TOLERANCE)
    return Row(what, measured, f"<= {1 + _TOLERANCE:g}", ratio <= 1 + _TOLERANCE)
