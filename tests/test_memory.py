"""The client's memory goes by the key of a log: copies that went apart, older copies, and honest restores."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

import muniment
from muniment.capture.clock import now
from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.proofs import memory as memories
from muniment.client.proofs.following import Follower
from muniment.client.proofs.memory import DirectoryMemory, Remembered
from muniment.client.proofs.restoring import find_loss
from muniment.client.sdk.opening import accept_restore, forget, open_memory
from muniment.client.versions.exporting import verify_export
from muniment.core.basis import Basis, Known
from muniment.core.digests import Digest
from muniment.core.errors import (
    IndexForked,
    IndexMalformed,
    InvalidOption,
    InvalidSetting,
    LogForked,
    LogReplaced,
    LogRestored,
    LogRolledBack,
    MemoryDamaged,
    NothingToAccept,
    OpenedReadOnly,
    ReasonNeeded,
    RegistryNotFound,
    RegistryUnreachable,
)
from muniment.core.events import Event, RegistryRestored
from muniment.core.payloads import Payload
from muniment.core.people.callers import Caller
from muniment.core.times import write_seconds, write_time
from muniment.core.verbs.log import GetGrowth, GetProof, GetRestores, Restores
from muniment.core.verbs.verb import Query
from muniment.log.tree import read_root
from muniment.server import restoring
from muniment.server.embedded import open_directory
from muniment.server.founding import load_keys, new_id
from muniment.server.parts import open_parts
from muniment.services.backend import LocalBackend
from muniment.services.log.restores import declare_restore
from muniment.services.transaction import Transaction
from muniment.signing.heads import open_head
from muniment.signing.keys import Algorithm, Identity
from muniment.signing.notes import NoteSigner, NoteVerifier
from muniment.signing.restores import sign_restore
from muniment.testing.live import run_server

Cli = Callable[..., Result]


@pytest.fixture
def home(settings: Settings, model: Path) -> Path:
    """Give the directory of a registry with one version, which is closed."""
    with muniment.open(settings=settings, create=True) as registry:
        registry.push(model, "acme/x")
    return Path(settings.location)


@pytest.fixture
def stranger(settings: Settings) -> Settings:
    """Give the settings of somebody who has seen nothing."""
    return replace(settings, state=settings.state.with_name("nothing-seen"))


@pytest.fixture
def cli(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run `muniment` in this process, in a directory and with a memory of the test's own."""
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, exits: int = 0) -> Result:
        result = CliRunner().invoke(main, list(arguments))
        assert result.exit_code == exits, (arguments, result.output)
        return result

    return run


def copy(directory: Path, to: Path) -> Path:
    """Put a copy of a registry in place of what is there."""
    if to.exists():
        shutil.rmtree(to)
    shutil.copytree(directory, to)
    return to


def write(location: Path, settings: Settings, *tags: str) -> int:
    """Write an entry for each tag; return the size of the log."""
    with muniment.open(location, settings=settings) as registry:
        for tag in tags:
            registry.version("acme/x@1").tag("step", tag)
        return registry._session.backend.seen.size


def size_of(location: Path, stranger: Settings) -> int:
    with muniment.open(location, settings=stranger, read_only=True) as registry:
        return registry._session.backend.seen.size


# ---- copies


def test_copies_that_were_written_apart_are_a_fork(
    home: Path, settings: Settings, stranger: Settings, tmp_path: Path
) -> None:
    """Two copies of one registry with different entries are a fork wherever they lie."""
    other = copy(home, tmp_path / "copy")
    write(other, stranger, "c", "d")
    write(home, settings, "a")
    with pytest.raises(LogForked) as refusal:
        muniment.open(other, settings=settings)
    assert refusal.value.elsewhere == str(home)
    assert "do not trust either" in refusal.value.hint
    with pytest.raises(LogForked):
        muniment.open(other, settings=settings, read_only=True)
    write(home, settings, "b")


def test_the_second_of_two_open_copies_is_not_written(home: Path, settings: Settings, tmp_path: Path) -> None:
    """Of two copies that were opened when they were equal, the second is refused once one was written."""
    other, start = copy(home, tmp_path / "copy"), now()
    with (
        muniment.open(settings=settings, clock=lambda: start) as one,
        muniment.open(other, settings=settings, clock=lambda: start) as two,
    ):
        version, size = two.version("acme/x@1"), two._session.backend.seen.size
        one.version("acme/x@1").tag("step", "a")
        for act in (lambda: version.tag("step", "b"), version.tags):
            with pytest.raises(LogRolledBack) as refusal:
                act()
            assert refusal.value.elsewhere == str(home)
    with muniment.open(other, settings=settings, read_only=True) as registry:
        assert registry._session.backend.seen.size == size


def test_copies_that_are_written_at_once_are_a_fork(
    home: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If two copies are written at the same moment, the receipt of the second one is refused."""
    other = copy(home, tmp_path / "copy")
    monkeypatch.setattr(Follower, "catch_up", lambda follower: follower.seen)
    start = now()
    with (
        muniment.open(settings=settings, clock=lambda: start) as one,
        muniment.open(other, settings=settings, clock=lambda: start) as two,
    ):
        one.version("acme/x@1").tag("step", "a")
        with pytest.raises(LogForked) as refusal:
            two.version("acme/x@1").tag("step", "b")
        assert refusal.value.elsewhere == str(home)
    with pytest.raises(LogForked):
        muniment.open(other, settings=settings)


def test_an_older_copy_is_read_by_an_option_only(home: Path, settings: Settings, tmp_path: Path) -> None:
    """A backup opens read-only, says as of when, refuses commands and changes no memory."""
    backup = copy(home, tmp_path / "backup")
    write(home, settings, "a", "b")
    with pytest.raises(LogRolledBack) as refusal:
        muniment.open(backup, settings=settings)
    assert refusal.value.elsewhere == str(home)
    assert "--read-only" in refusal.value.hint
    before = read_files(settings.state)
    with muniment.open(backup, settings=settings, read_only=True) as registry:
        version = registry.version("acme/x@1")
        assert (registry.read_only, registry.behind) == (True, 2)
        last = registry._session.backend.ask(GetProof(index=registry._session.backend.seen.size - 1))
        assert registry.as_of == last.entry.time < write_time(now())
        for act in (lambda: version.tag("step", "c"), lambda: registry.push(tmp_path / "model", "acme/y")):
            with pytest.raises(OpenedReadOnly):
                act()
    assert read_files(settings.state) == before
    with muniment.open(settings=settings) as registry:
        assert (registry.read_only, registry.behind) == (False, 0)


@pytest.mark.parametrize("older", [True, False], ids=["a copy", "the registry"])
def test_what_is_only_read_holds_as_of_its_newest_entry(
    home: Path, settings: Settings, tmp_path: Path, *, older: bool
) -> None:
    """A directory that is only read does not sign its state as of now: it may be an older copy."""
    backup = copy(home, tmp_path / "backup")
    if older:
        write(home, settings, "a")
    later = {"clock": lambda: now() + timedelta(days=40)}
    with muniment.open(home, settings=settings, **later):  # type: ignore[arg-type]
        pass  # What was signed later than the newest entry is remembered.
    with muniment.open(backup, settings=settings, read_only=True, **later) as registry:  # type: ignore[arg-type]
        seconds = str(registry.as_of).partition(".")[0]
        assert write_seconds(registry._session.backend.seen.time).startswith(seconds)
        assert registry.audit().time.startswith(seconds)
        checks = registry.version("acme/x@1").verify()
        assert any(f"as of {seconds}" in check.what for check in checks)
        registry.export("acme/x@1", tmp_path / "x.tar")
    _, exported = verify_export(tmp_path / "x.tar")
    assert any(f"as of {seconds}" in check.what for check in exported)


def test_a_reader_remembers_nothing(home: Path, settings: Settings, stranger: Settings) -> None:
    """Reading changes no memory, even where the log is newer than what was seen, or was never seen."""
    before = read_files(settings.state)
    write(home, stranger, "a")
    nobody = replace(settings, state=settings.state.with_name("nobody"))
    for someone in (settings, nobody):
        with muniment.open(home, settings=someone, read_only=True) as registry:
            assert registry.version("acme/x@1").tags() == {"step": "a"}
    assert read_files(settings.state) == before
    assert not nobody.state.exists()


def test_reading_founds_no_registry(tmp_path: Path, settings: Settings) -> None:
    """Where there is no registry, a reader makes none."""
    with pytest.raises(RegistryNotFound):
        muniment.open(tmp_path / "none", settings=settings, read_only=True)
    assert not (tmp_path / "none").exists()


def test_a_registry_that_moved_is_followed(home: Path, settings: Settings, tmp_path: Path) -> None:
    """A registry that was moved to another path goes on there; what stayed behind is an older copy."""
    old = copy(home, tmp_path / "old")
    moved = home.rename(tmp_path / "moved")
    write(moved, settings, "a")
    with pytest.raises(LogRolledBack) as refusal:
        muniment.open(old, settings=settings)
    assert refusal.value.elsewhere == str(moved)


def test_the_same_place_is_no_older_copy(home: Path, settings: Settings, tmp_path: Path) -> None:
    """Where more was seen at the same place, history was removed; reading is still allowed."""
    backup = copy(home, tmp_path / "backup")
    write(home, settings, "a")
    copy(backup, home)
    with pytest.raises(LogRolledBack) as refusal:
        muniment.open(settings=settings)
    assert refusal.value.elsewhere == ""
    assert "--lost-after" in refusal.value.hint
    with muniment.open(settings=settings, read_only=True) as registry:
        assert registry.behind == 1


def test_a_smaller_copy_that_differs_is_no_older_one(
    home: Path, settings: Settings, stranger: Settings, tmp_path: Path
) -> None:
    """A smaller copy is compared with what was seen at its size, and refused as a fork, also to read."""
    other = copy(home, tmp_path / "copy")
    write(other, stranger, "x")
    for tag in "abcd":
        write(home, settings, tag)
    for read_only in (False, True):
        with pytest.raises(LogForked):
            muniment.open(other, settings=settings, read_only=read_only)


def test_another_index_at_one_size_is_a_fork(home: Path, settings: Settings, tmp_path: Path) -> None:
    """Another root of the index at a size that was seen is refused, here and elsewhere."""
    (file,) = (settings.state / "logs").glob("*.json")
    document = json.loads(file.read_text())
    document["heads"][-1]["index_root"] = "00" * 32
    file.write_text(json.dumps(document))
    for location in (home, copy(home, tmp_path / "copy")):
        with pytest.raises(IndexForked):
            muniment.open(location, settings=settings)


def test_another_index_of_an_older_copy_is_a_fork(home: Path, settings: Settings, tmp_path: Path) -> None:
    """An older copy must have the index that the log had when it was seen at that size."""
    backup = copy(home, tmp_path / "backup")
    write(home, settings, "a")
    (file,) = (settings.state / "logs").glob("*.json")
    document = json.loads(file.read_text())
    document["heads"][-2]["index_root"] = "00" * 32
    file.write_text(json.dumps(document))
    with pytest.raises(IndexForked):
        muniment.open(backup, settings=settings, read_only=True)


def test_answers_that_overtake_one_another_are_compared(
    home: Path, settings: Settings, stranger: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two answers that arrive at once, each of which extends what was seen before, must be of one log."""
    other = copy(home, tmp_path / "copy")
    write(other, stranger, "a")
    with muniment.open(other, settings=stranger) as registry:
        theirs = registry._session.backend.seen
    with muniment.open(home, settings=settings) as registry:
        follower, compare = registry._session.backend._follower, Follower._compare
        growth = registry._session.backend.ask(GetGrowth(size=0))
        head = open_head(growth.checkpoint or b"", follower.verifier)

        def overtake(one: Follower, _known: Remembered, _head: Remembered) -> None:
            monkeypatch.setattr(Follower, "_compare", compare)
            one._seen = theirs

        monkeypatch.setattr(Follower, "_compare", overtake)
        with pytest.raises(LogRolledBack):
            follower.accept(head, follower.seen)


def test_who_finds_a_fork_does_not_go_on_with_it(
    home: Path, settings: Settings, stranger: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If another process has remembered a copy that went apart, an open registry keeps its own head."""
    other = copy(home, tmp_path / "copy")
    write(other, stranger, "a")
    with muniment.open(other, settings=stranger, read_only=True) as registry:
        theirs = registry._session.backend.seen
    with muniment.open(home, settings=settings) as registry:
        follower = registry._session.backend._follower
        known = follower.seen
        monkeypatch.setattr(DirectoryMemory, "find_stamp", lambda *_: None)
        open_memory(str(other), settings).keep(theirs, known)
        write(home, replace(settings, state=tmp_path / "third"), "b", "c")
        with pytest.raises(LogForked):
            follower.meet()
        assert follower.seen == known


def test_what_another_process_saw_is_not_taken_back(home: Path, settings: Settings) -> None:
    """An open registry refuses an answer that is older than what its user saw meanwhile elsewhere."""
    with muniment.open(home, settings=settings) as registry:
        version, backend = registry.version("acme/x@1"), registry._session.backend
        inner = cast("LocalBackend", backend._backend)
        old: dict[str, Basis] = {}

        def prove(query: Query[Any], known: Sequence[Known] = ()) -> Basis:
            return old.setdefault(repr(query), LocalBackend.prove(inner, query, known))

        vars(inner)["prove"] = prove
        assert version.tags() == {}
        write(home, settings, "a")
        with pytest.raises(LogRolledBack):
            version.tags()
        vars(inner).pop("prove")
        assert version.tags() == {"step": "a"}


def test_a_copy_that_is_served_is_a_fork_too(home: Path, settings: Settings, tmp_path: Path) -> None:
    """A copy of a directory that went apart is refused where a server serves it, and read if it is older."""
    place, quiet = tmp_path / "served", {"MUNIMENT_SCAN": "false"}
    copy(home, place / "data")
    with run_server(place, quiet):
        pass  # The first start invites an admin, which is an entry of its own.
    copy(place / "data", home)
    write(home, settings, "a")
    with run_server(place, quiet) as server:
        with pytest.raises(LogRolledBack) as refusal:
            muniment.open(server.url, settings=settings)
        assert refusal.value.elsewhere == str(home)
        with muniment.open(server.url, settings=settings, read_only=True) as registry:
            assert registry.behind == 1
            assert registry.as_of is None, "a stranger may not read the newest entry"
    write(place / "data", replace(settings, state=tmp_path / "another"), "b", "c")
    with run_server(place, quiet) as server, pytest.raises(LogForked):
        muniment.open(server.url, settings=settings, read_only=True)


def test_the_command_line_reads_older_copies(
    home: Path, settings: Settings, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--read-only` and MUNIMENT_READ_ONLY read a backup and say as of when; nothing is written."""
    backup = copy(home, tmp_path / "backup")
    write(home, settings, "a")
    refused = cli("--registry", str(backup), "show", "acme/x@1", exits=3)
    assert "log_rolled_back" in refused.stderr
    shown = cli("--registry", str(backup), "--read-only", "show", "acme/x@1")
    assert "read-only: as of 20" in shown.stderr
    assert "1 newer entry seen elsewhere" in shown.stderr
    monkeypatch.setenv("MUNIMENT_READ_ONLY", "true")
    tagged = cli("--registry", str(backup), "tag", "acme/x@1", "step=b", exits=3)
    assert "opened_read_only" in tagged.stderr
    for command in (("admin", "rebuild"), ("admin", "gc"), ("forget",), ("accept-restore",)):
        told = cli("--registry", str(backup), *command, exits=3).stderr
        assert f"opened_read_only: {backup} is open for reading only" in told
    for command in (("serve", str(backup)), ("forget", str(backup)), ("accept-restore", str(backup))):
        assert f"opened_read_only: {backup} is" in cli(*command, exits=3).stderr
    for change in (forget, accept_restore):
        with pytest.raises(OpenedReadOnly):
            change(backup)
    assert "to change it, leave out --read-only" in cli("admin", "gc", exits=3).stderr
    cli("--registry", str(backup), "admin", "rebuild", "--check")
    monkeypatch.setenv("MUNIMENT_READ_ONLY", "perhaps")
    assert "invalid_setting" in cli("show", "acme/x@1", exits=2).stderr


# ---- the memory itself


def read_files(directory: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", ["logs", "locations"])
@pytest.mark.parametrize("damage", ["{", "[]", '{"heads": 3}', '{"verifier": 5}'])
def test_a_damaged_memory_is_not_an_empty_one(home: Path, settings: Settings, kind: str, damage: str) -> None:
    """A damaged file of the memory is refused and not taken for an empty one, until it is forgotten."""
    (file,) = (settings.state / kind).glob("*.json")
    file.write_text(damage)
    with pytest.raises(MemoryDamaged):
        muniment.open(home, settings=settings)
    assert forget(home, settings)
    if kind == "logs":
        muniment.open(home, settings=settings).close()


@pytest.mark.parametrize(
    "damage",
    [
        lambda heads: [],  # noqa: ARG005 - none
        lambda heads: [{**heads[-1], "size": "7"}],
        lambda heads: [{**heads[-1], "size": -5}],
        lambda heads: [{**heads[-1], "root": "00"}],
        lambda heads: [{**heads[-1], "time": -1}],
        lambda heads: [*heads, heads[-1]],
    ],
)
def test_heads_that_were_never_seen_are_not_remembered(
    home: Path, settings: Settings, damage: Callable[[list[dict[str, object]]], list[object]]
) -> None:
    """A memory without a head, or with one that no log has, is damaged."""
    (file,) = (settings.state / "logs").glob("*.json")
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "heads": damage(document["heads"])}))
    with pytest.raises(MemoryDamaged):
        muniment.open(home, settings=settings)


def test_a_memory_that_was_removed_is_not_an_empty_one(home: Path, settings: Settings) -> None:
    """Where a location names a log that the memory lacks, it is refused until it is forgotten."""
    (file,) = (settings.state / "logs").glob("*.json")
    file.unlink()
    with pytest.raises(MemoryDamaged):
        muniment.open(home, settings=settings)
    assert forget(home, settings)
    muniment.open(home, settings=settings).close()


def test_forgetting_a_location_keeps_what_others_know(home: Path, settings: Settings, tmp_path: Path) -> None:
    """`forget` forgets a place, and the log with it unless the log was seen at another place."""
    old = copy(home, tmp_path / "old")
    other = copy(home, tmp_path / "copy")
    write(other, settings, "a")
    assert forget(home, settings)
    with pytest.raises(LogRolledBack):
        muniment.open(old, settings=settings)
    assert forget(other, settings)
    assert not forget(other, settings)
    muniment.open(old, settings=settings).close()


def test_a_place_whose_log_was_replaced_is_forgotten_alone(
    home: Path, settings: Settings, tmp_path: Path
) -> None:
    """A new registry at a known place is refused by its key, and the old log stays known elsewhere."""
    other = copy(home, tmp_path / "copy")
    old = copy(home, tmp_path / "old")
    write(other, settings, "a")
    shutil.rmtree(home)
    with pytest.raises(LogReplaced):
        muniment.open(home, settings=settings, create=True)
    assert forget(home, settings)
    muniment.open(home, settings=settings).close()
    with pytest.raises(LogRolledBack):
        muniment.open(old, settings=settings)


@given(st.lists(st.integers(1, 2**40), min_size=1, max_size=300))
def test_few_heads_are_kept_and_the_oldest_among_them(steps: list[int]) -> None:
    """Of many heads a few are kept: the newest ones and, before them, the oldest of each power of two."""
    kept: tuple[Remembered, ...] = ()
    sizes = [sum(steps[: index + 1]) for index in range(len(steps))]
    for size in sizes:
        head = replace(Remembered.nothing("key"), size=size)
        kept = memories._thin([*kept, head])
    assert len(kept) <= 64
    assert [head.size for head in kept] == sorted({head.size for head in kept})
    assert kept[-1].size == sizes[-1]
    assert kept[0].size == sizes[0]
    lengths = [(sizes[-1] - head.size).bit_length() for head in kept[:-11]]
    assert len(lengths) == len(set(lengths))


def test_heads_are_kept_in_growing_distances() -> None:
    """After a thousand heads, the distances of those kept to the newest double."""
    kept: tuple[Remembered, ...] = ()
    for size in range(1, 1001):
        kept = memories._thin([*kept, replace(Remembered.nothing("key"), size=size)])
    distances = [1000 - head.size for head in kept]
    assert distances[-11:] == [*range(10, -1, -1)]
    assert all(far <= 4 * near for far, near in pairwise(distances[:-1]))
    assert len(kept) < 20
    assert distances[0] > 400


def test_receipts_are_kept_up_to_a_bound(
    home: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what this user has written the newest is kept; a line that a crash cut off is left out."""
    monkeypatch.setattr(memories, "_RECEIPTS_BYTES", 1)
    monkeypatch.setattr(memories, "_RECEIPTS", 3)
    size = write(home, settings, "a", "b", "c", "d")
    (file,) = (settings.state / "logs").glob("*.jsonl")
    assert "acme/x@1" in file.read_text()
    with file.open("a") as journal:
        journal.write('{"index": 9')
    verifier = json.loads(next((settings.state / "logs").glob("*.json")).read_text())["verifier"]
    written = open_memory(str(home), settings).list_written(verifier, 0)
    assert [one.index for one in written] == [size - 3, size - 2, size - 1]
    assert str(written[0]) == f"entry {size - 3}: tag.set version acme/x@1"


_WRITER = """
import sys, muniment
for number in range(8):
    with muniment.open() as registry:
        registry.version("acme/x@1").tag(sys.argv[1], str(number))
with muniment.open() as registry:
    for number in range(8, 16):
        registry.version("acme/x@1").tag(sys.argv[1], str(number))
"""


def test_processes_share_the_memory(home: Path, settings: Settings, cli: Cli) -> None:
    """Processes that write to one registry at once agree on its log, and forget nothing."""
    del cli
    size = write(home, settings)
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, name]) for name in ("one", "two")]
    assert [writer.wait() for writer in writers] == [0, 0]
    memory = open_memory(str(home), settings)
    verifier = memory.find_verifier() or ""
    assert memory.recall(verifier).heads[-1].size == size + 32 == write(home, settings)
    assert len(memory.list_written(verifier, size)) == 32


# ---- honest restores


@pytest.fixture
def lost(home: Path, settings: Settings, tmp_path: Path) -> tuple[int, int]:
    """Put a registry back to an older state; give how many entries were left, and how many were seen."""
    left = write(home, settings, "kept")
    backup = copy(home, tmp_path / "backup")
    seen = write(home, settings, "a", "b", "c")
    copy(home, tmp_path / "lost")
    copy(backup, home)
    return left, seen


def declare(directory: Path, lost_after: int, reason: str = "the disk failed") -> int:
    """Declare a restore, as `muniment admin restore` does."""
    with open_parts(directory) as parts:
        return restoring.declare_restore(parts, lost_after, reason, now)


def append(directory: Path, work: Callable[[Transaction], int], time: datetime | None = None) -> int:
    """Do something in the name of the registry at a time."""
    with open_parts(directory) as parts:
        keys = load_keys(parts.keys, parts.units)
        return parts.units.write(
            lambda unit: work(
                Transaction(
                    unit=unit,
                    caller=Caller(principal=None, direct=True),
                    clock=lambda: time or now(),
                    nonces=new_id,
                    keys=keys,
                )
            )
        )


def test_an_honest_restore_is_a_ceremony(
    lost: tuple[int, int], home: Path, settings: Settings, cli: Cli, tmp_path: Path
) -> None:
    """A restore is declared, shown with what it lost, accepted and remembered; then the log goes on."""
    left, seen = lost
    refused = cli("show", "acme/x@1", exits=3)
    assert "log_rolled_back" in refused.stderr
    assert "log_rolled_back" in cli("accept-restore", exits=3).stderr
    declared = cli("admin", "restore", "--lost-after", str(left), "--reason", "the disk failed", "--json")
    assert json.loads(declared.stdout) == {"index": left, "lost_after": left}
    refused = cli("show", "acme/x@1", exits=3)
    assert "log_restored" in refused.stderr
    assert f"the entries {left} to {seen - 1}" in refused.stderr
    assert "the disk failed" in refused.stderr
    assert f"you had written entry {seen - 1}: tag.set version acme/x@1" in refused.stderr
    assert f"muniment accept-restore {home}" in refused.stderr
    accepted = json.loads(cli("accept-restore", "--json").stdout)
    assert (accepted["lost_after"], accepted["seen"], len(accepted["written"])) == (left, seen, 3)
    cli("tag", "acme/x@1", "step=again")
    assert "nothing_to_accept" in cli("accept-restore", exits=3).stderr
    (file,) = (settings.state / "logs").glob("*.json")
    assert json.loads(file.read_text())["restores"] == [accepted]
    with muniment.open(settings=settings) as registry:
        assert [(one.index, one.lost_after, one.reason) for one in registry.restores()] == [
            (left, left, "the disk failed")
        ]
    assert f"entries from {left} on" in cli("admin", "doctor").stdout
    for audit in (cli("audit", "verify"), cli("audit", "verify", "acme")):
        assert re.search(
            rf"note    a restore on .* \(entry {left}\): the disk failed; entries from {left} on",
            audit.stdout,
        )
    with pytest.raises(LogForked):
        muniment.open(copy(tmp_path / "lost", tmp_path / "again"), settings=settings, read_only=True)


def test_a_restore_from_a_backup_is_declared_at_once(home: Path, settings: Settings, cli: Cli) -> None:
    """`admin restore DIRECTORY --lost-after N` copies a backup and declares what is lost."""
    cli("admin", "backup", "saved")
    size = write(home, settings, "a")
    shutil.rmtree(home)
    cli("admin", "restore", "saved", "--lost-after", str(size - 1), "--reason", "the disk failed")
    assert f"has lost entry {size - 1}, which" in cli("list", exits=3).stderr
    cli("accept-restore", settings.location)
    cli("list")


def test_a_restore_that_is_refused_copies_nothing(home: Path, stranger: Settings, cli: Cli) -> None:
    """A number of entries that a backup does not have is refused before the backup is copied."""
    cli("admin", "backup", "saved")
    size = size_of(home, stranger)
    shutil.rmtree(home)
    for number in ("99", str(size + 1)):
        told = cli("admin", "restore", "saved", "--lost-after", number, "--reason", "fire", exits=2).stderr
        assert f"lost_after must be from 1 to {size}, the number of entries in the log; got {number}" in told
        assert not home.exists()
    assert "--lost-after" in cli("admin", "restore", "saved", "--reason", "fire", exits=2).stderr
    assert not home.exists()
    cli("admin", "restore", "saved")


def test_an_undeclared_rollback_after_a_restore_is_refused(
    lost: tuple[int, int], home: Path, settings: Settings, stranger: Settings, tmp_path: Path
) -> None:
    """An accepted restore explains nothing that comes later, to its readers and to newcomers."""
    declare(home, lost[0])
    accept_restore(home, settings)
    write(home, settings, "d")
    backup = copy(home, tmp_path / "backup")
    for someone in (settings, stranger):
        copy(backup, home)
        # Of the times of a head only the seconds are kept.
        later = {"clock": lambda: datetime.fromtimestamp(now().timestamp() + 2, UTC)}
        with muniment.open(home, settings=someone, **later) as registry:  # type: ignore[arg-type]
            registry.version("acme/x@1").tag("step", "e")
        copy(backup, home)
        with pytest.raises(LogRolledBack):
            muniment.open(home, settings=someone)


def test_what_goes_on_after_a_restore_may_be_larger_than_what_was_seen(
    lost: tuple[int, int], home: Path, settings: Settings, stranger: Settings
) -> None:
    """A restored log that has grown beyond what was seen is a fork until the restore is declared."""
    write(home, stranger, *"defgh")
    with pytest.raises(LogForked):
        muniment.open(home, settings=settings)
    declare(home, lost[0])
    with pytest.raises(LogRestored) as refusal:
        muniment.open(home, settings=settings)
    assert (refusal.value.lost_after, refusal.value.remembered) == lost
    assert accept_restore(home, settings).lost_after == lost[0]
    memory = open_memory(str(home), settings)
    verifier = memory.find_verifier() or ""
    *kept, newest = memory.recall(verifier).heads
    assert all(head.size <= lost[0] for head in kept), "what is lost is no head any more"
    assert newest.size > lost[1]
    assert memory.list_written(verifier, lost[0]) == []
    write(home, settings, "i")


def test_who_saw_nothing_of_what_is_lost_goes_on(
    home: Path, settings: Settings, stranger: Settings, tmp_path: Path
) -> None:
    """A restore concerns only those who saw lost entries."""
    backup = copy(home, tmp_path / "backup")
    left = write(home, settings)
    write(home, stranger, "a")
    copy(backup, home)
    declare(home, left)
    write(home, settings, "b")
    with pytest.raises(NothingToAccept):
        accept_restore(home, settings)
    with pytest.raises(LogRestored):
        muniment.open(home, settings=stranger)


def test_several_restores_lose_from_the_first_on(
    lost: tuple[int, int], home: Path, settings: Settings, stranger: Settings
) -> None:
    """Who missed two restores is shown what both lost; who accepts takes both."""
    declare(home, lost[0], "the first")
    write(home, stranger, "x")
    declare(home, lost[0] + 1, "the second")
    with pytest.raises(LogRestored) as refusal:
        muniment.open(home, settings=settings)
    assert refusal.value.lost_after == lost[0]
    assert refusal.value.reason == "the first; the second"
    assert len(accept_restore(home, settings).signatures) == 2
    write(home, settings, "y")


def test_a_restore_does_not_excuse_what_was_rewritten_before_it(
    home: Path, settings: Settings, stranger: Settings, tmp_path: Path
) -> None:
    """If entries before the declared ones differ from what was seen, the log is a fork."""
    start = copy(home, tmp_path / "start")
    for tag in "abcd":
        left = write(home, settings, tag)
    copy(start, home)
    write(home, stranger, *"wxyz")
    declare(home, left - 1)
    with pytest.raises(LogForked):
        muniment.open(home, settings=settings)
    with pytest.raises(LogForked):
        accept_restore(home, settings)


def test_a_declaration_makes_sense_or_is_refused(home: Path, stranger: Settings, cli: Cli) -> None:
    """Nobody declares that entries are lost that never were, or without saying why."""
    size = size_of(home, stranger)
    for wrong in (0, size + 1):
        with pytest.raises(InvalidOption):
            declare(home, wrong)
    with pytest.raises(ReasonNeeded):
        declare(home, size, " ")
    assert "reason_needed" in cli("admin", "restore", "--lost-after", str(size), exits=3).stderr
    cli("admin", "restore", exits=2)
    assert size_of(home, stranger) == size


def _sign(tx: Transaction, key: NoteSigner, lost_after: int, **other: object) -> RegistryRestored:
    given = {
        "root": Digest(read_root(lost_after, tx.unit.log.read_nodes).hex()),
        "time": tx.time,
        "reason": Digest.of(b"a reason"),
        "previous": None,
        **other,
    }
    return sign_restore(key, lost_after=lost_after, **given)  # type: ignore[arg-type]


FORGERIES: dict[str, Callable[[Transaction, int], Event]] = {
    "by another key": lambda tx, left: _sign(
        tx, NoteSigner(tx.keys.log.name, Identity.generate(Algorithm.ED25519)), left
    ),
    "with another number": lambda tx, left: replace(_sign(tx, tx.keys.log, left), lost_after=left - 1),
    "with another reason": lambda tx, left: replace(
        _sign(tx, tx.keys.log, left), reason=Digest.of(b"another")
    ),
    "with another time": lambda tx, left: _sign(tx, tx.keys.log, left, time="2999-01-01T00:00:00.000000Z"),
    "from another log": lambda tx, left: _sign(tx, tx.keys.log, left, root=Digest.of(b"another log")),
    "from a log with another origin": lambda tx, left: _sign(
        tx, NoteSigner("muniment.dev/another", tx.keys.log.identity), left
    ),
    "that leaves out an earlier one": lambda tx, left: _sign(tx, tx.keys.log, left, previous=3),
    "without a signature": lambda tx, left: replace(_sign(tx, tx.keys.log, left), signature="bm90aGluZw=="),
    "with a signature in no form": lambda tx, left: replace(_sign(tx, tx.keys.log, left), signature="%"),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_declaration_explains_nothing(
    lost: tuple[int, int], home: Path, settings: Settings, forge: Callable[[Transaction, int], Event]
) -> None:
    """An entry that the key of this log has not signed for this state of the log is no restore."""
    append(home, lambda tx: tx.record(forge(tx, lost[0])))
    with pytest.raises(LogForked):
        muniment.open(home, settings=settings)
    with pytest.raises(LogForked):
        accept_restore(home, settings)


def test_an_honest_copy_of_a_forgery_would_count(
    lost: tuple[int, int], home: Path, settings: Settings
) -> None:
    """The forgeries above fail for what they change: unchanged, the same declaration counts."""
    append(home, lambda tx: tx.record(_sign(tx, tx.keys.log, lost[0])))
    with pytest.raises(LogRestored) as refusal:
        muniment.open(home, settings=settings)
    assert refusal.value.reason == "the reason was erased"


@pytest.mark.parametrize("left_out", [0, 1, slice(0, 2)], ids=["the first", "the last", "all"])
def test_a_server_leaves_out_no_declaration(
    lost: tuple[int, int],
    home: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    left_out: int | slice,
) -> None:
    """Who shows some of the declared restores and not others explains nothing."""
    declare(home, lost[0], "the first")
    declare(home, lost[0] - 1, "the second")
    ask = LocalBackend.ask

    def lie(self: LocalBackend, query: Query[Any]) -> Any:  # noqa: ANN401 - answers of every kind
        answer = ask(self, query)
        if not isinstance(answer, Restores):
            return answer
        entries = list(answer.entries)
        del entries[left_out]
        return replace(answer, entries=tuple(entries))

    monkeypatch.setattr(LocalBackend, "ask", lie)
    with pytest.raises(LogForked):
        muniment.open(home, settings=settings)
    monkeypatch.undo()
    with pytest.raises(LogRestored):
        muniment.open(home, settings=settings)


@pytest.mark.parametrize("forge", [b"", b"\0"], ids=["no proof", "a proof of another length"])
def test_declarations_without_their_proof_are_refused(
    home: Path, settings: Settings, stranger: Settings, monkeypatch: pytest.MonkeyPatch, forge: bytes
) -> None:
    """That the listed restores are all must be proven by the index."""
    declare(home, size_of(home, stranger))
    ask = LocalBackend.ask

    def lie(self: LocalBackend, query: Query[Any]) -> Any:  # noqa: ANN401 - answers of every kind
        answer = ask(self, query)
        return replace(answer, proof=forge) if isinstance(answer, Restores) else answer

    with muniment.open(home, settings=settings) as registry:
        assert len(registry.restores()) == 1
        monkeypatch.setattr(LocalBackend, "ask", lie)
        with pytest.raises(IndexMalformed):
            registry.restores()


def test_a_server_that_fails_is_no_fork(
    lost: tuple[int, int], home: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the restores cannot be asked for now, that is said, and nothing about the log."""
    del lost
    ask = LocalBackend.ask

    def fail(self: LocalBackend, query: Query[Any]) -> Any:  # noqa: ANN401 - answers of every kind
        if isinstance(query, GetRestores):
            raise RegistryUnreachable(location=str(home), reason="timed out")
        return ask(self, query)

    monkeypatch.setattr(LocalBackend, "ask", fail)
    with pytest.raises(RegistryUnreachable):
        muniment.open(home, settings=settings)


def test_a_declaration_that_is_older_than_what_was_seen_explains_nothing(
    lost: tuple[int, int], home: Path, settings: Settings
) -> None:
    """What was seen after a restore contained it; so the restore does not explain that it is gone."""
    append(
        home,
        lambda tx: declare_restore(tx, lost[0], Payload.of("old")),
        time=datetime(2020, 1, 1, tzinfo=UTC),
    )
    (file,) = (settings.state / "logs").glob("*.json")
    document = json.loads(file.read_text())
    document["heads"][-1]["time"] += 2
    file.write_text(json.dumps(document))
    with pytest.raises(LogForked):
        muniment.open(home, settings=settings)


def test_a_declaration_that_is_not_in_the_log_explains_nothing(
    lost: tuple[int, int], home: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signed declaration must be an entry of the log that is shown."""
    declared = copy(home, tmp_path / "declared")
    declare(declared, lost[0])
    elsewhere = open_directory(declared).backend
    genuine, ask = elsewhere.ask(GetRestores()), LocalBackend.ask
    elsewhere.close()

    def lie(self: LocalBackend, query: Query[Any]) -> Any:  # noqa: ANN401 - answers of every kind
        answer = ask(self, query)
        return replace(answer, entries=genuine.entries) if isinstance(answer, Restores) else answer

    monkeypatch.setattr(LocalBackend, "ask", lie)
    with pytest.raises(LogRolledBack):
        muniment.open(home, settings=settings)


def test_a_restore_is_accepted_once(
    lost: tuple[int, int], home: Path, settings: Settings, tmp_path: Path
) -> None:
    """A restore that was accepted explains nothing more, even in the second in which it was declared."""
    then = now()
    with open_parts(home) as parts:
        restoring.declare_restore(parts, lost[0], "the disk failed", lambda: then)
    accept_restore(home, settings, clock=lambda: then)
    backup = copy(home, tmp_path / "backup")
    with muniment.open(home, settings=settings, clock=lambda: then) as registry:
        registry.version("acme/x@1").tag("step", "d")
    copy(backup, home)
    with pytest.raises(LogRolledBack):
        muniment.open(home, settings=settings)


def test_who_lost_nothing_is_told_of_no_loss(home: Path, settings: Settings) -> None:
    """A declaration of too many lost entries does not concern those whose entries are still there."""
    size = write(home, settings)
    declare(home, size - 3)
    memory, backend = open_memory(str(home), settings), open_directory(home).backend
    verifier = NoteVerifier.read(memory.find_verifier() or "")
    known = memory.recall(str(verifier))
    assert find_loss(backend, verifier, known) is None
    head = replace(known.heads[-1], root=b"\1" * 32)
    loss = find_loss(backend, verifier, replace(known, heads=(*known.heads[:-1], head)))
    assert loss is not None
    assert loss.lost_after == size - 3
    backend.close()


def test_a_restore_of_a_server_is_a_ceremony_too(tmp_path: Path, cli: Cli, model: Path) -> None:
    """Over HTTP, an open client and new ones refuse a restored server until the restore is accepted."""
    place, environment = tmp_path / "server", {"MUNIMENT_SCAN": "false"}
    data = str(place / "data")
    with run_server(place, environment) as server:
        url, port = server.url, int(server.url.rpartition(":")[2])
        cli("login", f"{url}/login#{server.invitation}")
        cli("--registry", url, "push", str(model), "acme/x")
        cli("--registry", url, "tag", "acme/x@1", "step=kept")
        left = json.loads(cli("--registry", data, "admin", "backup", "saved", "--json").stdout)["entries"]
        cli("--registry", url, "tag", "acme/x@1", "step=lost")
        registry = muniment.open(url, settings=Settings.read())
        version = registry.version("acme/x@1")
    shutil.rmtree(data)
    cli("--registry", data, "admin", "restore", "saved")
    with run_server(place, environment, port=port):
        assert "log_rolled_back" in cli("--registry", url, "show", "acme/x@1", exits=3).stderr
        with pytest.raises(LogRolledBack):
            version.tags()
        cli("--registry", data, "admin", "restore", "--lost-after", str(left), "--reason", "fire")
        with registry, pytest.raises(LogRestored):
            version.tags()
        refused = cli("--registry", url, "show", "acme/x@1", exits=3).stderr
        assert "log_restored" in refused
        assert f"you had written entry {left}: tag.set version acme/x@1" in refused
        assert f"the loss of entry {left}" in cli("accept-restore", url).stdout
        assert cli("--registry", url, "tag", "acme/x@1").stdout == "step=kept\n"
        cli("--registry", url, "tag", "acme/x@1", "step=again")


def test_an_open_client_meets_a_restore(lost: tuple[int, int], home: Path, settings: Settings) -> None:
    """A client that is open during a restore refuses the restored log at its next question."""
    shutil.rmtree(settings.state)
    del lost
    size = write(home, settings)
    backup = copy(home, home.with_name("before"))
    with muniment.open(home, settings=settings) as registry:
        version, trusted = registry.version("acme/x@1"), registry._session.backend
        version.tag("step", "z")
        copy(backup, home)
        # The files that it has open are those that were removed.
        trusted._backend.close()
        trusted._backend = trusted._follower._backend = open_directory(home).backend
        with pytest.raises(LogRolledBack):
            version.tags()
        declare(home, size)
        for act in (version.tags, lambda: version.tag("step", "y")):
            with pytest.raises(LogRestored):
                act()
    memory = open_memory(str(home), settings)
    assert memory.recall(memory.find_verifier() or "").restores == ()
    accept_restore(home, settings)
    write(home, settings, "y")


def test_a_restore_is_accepted_as_it_was_shown(
    lost: tuple[int, int], home: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If another process sees more or accepts it meanwhile, what is lost is found out anew."""
    declare(home, lost[0])
    accept, meanwhile = DirectoryMemory.accept, []

    def overtake(self: DirectoryMemory, *given: Any) -> bool:  # noqa: ANN401 - those of accept
        monkeypatch.setattr(DirectoryMemory, "accept", accept)
        meanwhile.append(accept_restore(home, settings))
        return accept(self, *given)

    monkeypatch.setattr(DirectoryMemory, "accept", overtake)
    with pytest.raises(NothingToAccept):
        accept_restore(home, settings)
    memory = open_memory(str(home), settings)
    assert list(memory.recall(memory.find_verifier() or "").restores) == meanwhile


def test_a_flag_is_read_in_words(tmp_path: Path) -> None:
    """MUNIMENT_READ_ONLY is true or false, and nothing else."""
    assert Settings.read({"MUNIMENT_READ_ONLY": "1", "MUNIMENT_STATE": str(tmp_path)}).read_only
    assert not Settings.read({"MUNIMENT_READ_ONLY": "", "MUNIMENT_STATE": str(tmp_path)}).read_only
    with pytest.raises(InvalidSetting):
        Settings.read({"MUNIMENT_READ_ONLY": "maybe", "MUNIMENT_STATE": str(tmp_path)})


def test_a_memory_is_one_of_a_key(tmp_path: Path) -> None:
    """Heads of one log are found from another place, and those of another log are not."""
    head = replace(Remembered.nothing("a+key"), size=3)
    assert DirectoryMemory(tmp_path, "here").keep(head, Remembered.nothing("a+key")) is None
    assert DirectoryMemory(tmp_path, "there").recall("a+key").heads == (replace(head, location="here"),)
    assert DirectoryMemory(tmp_path, "there").find_verifier() is None
    assert DirectoryMemory(tmp_path, "here").recall("b+key").heads == ()
    other = replace(head, root=b"\1" * 32, size=4)
    assert DirectoryMemory(tmp_path, "there").keep(other, Remembered.nothing("a+key")) == replace(
        head, location="here"
    ), "what nobody compared is handed back"
    assert DirectoryMemory(tmp_path, "there").keep(other, head) is None
