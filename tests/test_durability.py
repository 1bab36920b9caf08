"""Durability: crashes, full disks, read-only directories, and several processes at once."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import muniment
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.core.canonical import JsonObject
from muniment.core.digests import Digest
from muniment.core.errors import VersionNotFound
from muniment.signing.keys import Identity
from muniment.testing.audits import check_audit
from muniment.testing.backends import provenance
from muniment.testing.directories import compare_directory

SRC = Path(muniment.__file__).parents[1]

# Kills the process at the n-th call that makes something durable, of the process and of SQLite in it.
_KILLER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_int calls;

static void step(void) {
    const char *at = getenv("KILL_AT");
    if (!at) return;
    if (atomic_fetch_add(&calls, 1) + 1 == atoi(at)) kill(getpid(), SIGKILL);
}

int fsync(int fd) { step(); return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd); }
int fdatasync(int fd) { step(); return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd); }
int rename(const char *a, const char *b) {
    step(); return ((int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename"))(a, b);
}
int unlink(const char *a) { step(); return ((int (*)(const char *))dlsym(RTLD_NEXT, "unlink"))(a); }
"""

# Acts once for each line of input, which is the step to be killed at, and prints how that ended. Each act is
# in a fork of a process that has acted elsewhere before: what it takes to load the modules is paid once.
_FORKS = """
import os, sys, muniment

def work_in(place):
    os.environ |= {"MUNIMENT_URL": f"{place}/registry", "MUNIMENT_STATE": f"{place}/state"}

def begin(arm):
    arm()
    muniment.open(create=True).close()

def push(arm):
    with muniment.open(create=True) as registry:
        arm()
        registry.push(model, "acme/x", run={
            "buildDefinition": {"buildType": "https://example.com/x", "externalParameters": {}},
            "runDetails": {"builder": {"id": "https://example.com/x"}},
        }, message="why")
        os.environ.pop("KILL_AT", None)

act, place, model = {"begin": begin, "push": push}[sys.argv[1]], *sys.argv[2:]
work_in(f"{place}/elsewhere")
act(lambda: None)
work_in(place)
for line in sys.stdin:
    child = os.fork()
    if not child:
        act(lambda: os.environ.update(KILL_AT=line.strip()))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@contextmanager
def killed_acts(killer: Path, act: str, place: Path, model: Path) -> Iterator[Callable[[int], int]]:
    """Give what lets an act be killed at a step, and says with which code it ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", _FORKS, act, str(place), str(model)],
        env={**os.environ, "PYTHONPATH": str(SRC), "LD_PRELOAD": str(killer)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        told, said = process.stdin, process.stdout

        def kill_at(step: int) -> int:
            told.write(f"{step}\n")
            return int(said.readline())

        yield kill_at


def environment(settings: Settings, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "MUNIMENT_URL": settings.location,
        "MUNIMENT_STATE": str(settings.state),
        "PYTHONPATH": str(SRC),
        # Their aliases have no policy.
        "PYTHONWARNINGS": "ignore::UserWarning",
        **more,
    }


def check_consistent(settings: Settings) -> list[int]:
    """Check that a registry holds whole versions only; give their numbers."""
    root = Path(settings.location)
    for blob in (root / "blobs" / "sha256").iterdir():
        assert Digest.of(blob.read_bytes()).hex == blob.name, "a blob under a name is whole"
    assert compare_directory(root) == []
    with muniment.open(settings=settings) as registry:
        check_audit(registry)
        known = any(model.name == "acme/x" for model in registry.models())
        numbers = [version.number for version in registry.versions("acme/x")] if known else []
        for number in numbers:
            version = registry.version(f"acme/x@{number}")
            assert all(check.passed for check in version.verify())
            assert len(version.describe().attestations) == 2, "a version is there with its claims"
    return numbers


@pytest.fixture(scope="session")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the library that kills."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    directory = tmp_path_factory.mktemp("killer")
    (directory / "killer.c").write_text(_KILLER)
    library = directory / "killer.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, directory / "killer.c", "-ldl"], check=True)
    return library


@pytest.mark.slow
def test_a_push_that_is_killed_anywhere_publishes_all_or_nothing(
    killer: Path, settings: Settings, model: Path, tmp_path: Path
) -> None:
    """A push killed at any fsync, rename or unlink leaves whole versions only."""
    muniment.open(settings=settings, create=True).close()
    seen = 0
    with killed_acts(killer, "push", tmp_path, model) as kill_at:
        for step in range(1, 200):
            (model / "weights.bin").write_bytes(f"weights {step}".encode())
            code = kill_at(step)
            numbers = check_consistent(settings)
            assert len(numbers) - seen in {0, 1}
            if code == 0:
                assert len(numbers) == seen + 1, "an acknowledged push is there"
                break
            assert code == -signal.SIGKILL
            seen = len(numbers)
    assert code == 0
    assert step > 11, "two files, four documents and a commit are more steps than that"


@pytest.mark.slow
def test_a_founding_that_is_killed_anywhere_can_be_done_again(
    killer: Path, settings: Settings, model: Path, tmp_path: Path
) -> None:
    """A registry whose creation was killed at any step is completed when it is next opened."""
    with killed_acts(killer, "begin", tmp_path, model) as kill_at:
        for step in range(1, 200):
            code = kill_at(step)
            if code == 0:
                break
            assert code == -signal.SIGKILL
            with muniment.open(settings=settings, create=True) as registry:
                registry.push(model, "acme/x", run=provenance())
            assert check_consistent(settings) == [1]
            # Each step is tried on a fresh place; only what this test made is removed.
            shutil.rmtree(settings.location)
            shutil.rmtree(settings.state)
    assert code == 0
    assert step > 6


# ---- full and read-only disks, in a mount namespace of the test's own

_UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"]


def in_small_disk(
    tmp_path: Path, size: str, script: str, settings: Settings
) -> subprocess.CompletedProcess[str]:
    """Run a Python script in a namespace where `tmp_path/disk` is a small file system."""
    disk = tmp_path / "disk"
    disk.mkdir(exist_ok=True)
    script_file = tmp_path / "script.py"
    script_file.write_text(script)
    return subprocess.run(
        [
            *_UNSHARE,
            "sh",
            "-c",
            f"mount -t tmpfs -o size={size} tmpfs {disk} && exec {sys.executable} {script_file} {disk}",
        ],
        env=environment(
            settings, MUNIMENT_URL=str(disk / "registry"), MUNIMENT_STATE=str(tmp_path / "state")
        ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def namespaces_work() -> bool:
    """Say whether this system lets us mount in a namespace of our own."""
    if shutil.which("unshare") is None:
        return False
    probe = subprocess.run(
        [*_UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
    )
    return probe.returncode == 0


needs_namespaces = pytest.mark.skipif(not namespaces_work(), reason="needs mount namespaces")

_FILL = """
import os, pathlib, sys, muniment
from muniment.core.errors import MunimentError
from muniment.testing.audits import check_audit
disk = pathlib.Path(sys.argv[1])
model = disk.parent / "big"
model.mkdir(exist_ok=True)
registry = muniment.open(create=True)
(model / "w.bin").write_bytes(os.urandom(1000))
registry.push(model, "acme/x")
size = check_audit(registry)
codes = []
for _ in range(2):
    (model / "w.bin").write_bytes(os.urandom(8 << 20))
    try:
        registry.push(model, "acme/x")
    except MunimentError as error:
        codes.append(error.code)
assert not list((disk / "registry" / "uploads").iterdir()), "no leftovers"
assert check_audit(registry) == size, "nothing was recorded"
filler = disk / "filler"
try:
    with filler.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
except OSError:
    pass
for number in range(400):
    try:
        registry.promote("acme/x@1", f"a{number}")
    except MunimentError as error:
        codes.append(error.code)
        break
filler.unlink()
registry.promote("acme/x@1", "after")
check_audit(registry)
assert registry.version("acme/x@after").record.number == 1
print(codes)
"""

_READ_ONLY = """
import os, pathlib, subprocess, sys, muniment
from muniment.core.errors import MunimentError
disk = pathlib.Path(sys.argv[1])
model = disk.parent / "big"
model.mkdir(exist_ok=True)
(model / "w.bin").write_bytes(b"1")
with muniment.open(create=True) as registry:
    registry.push(model, "acme/x")
(model / "w.bin").write_bytes(b"2")
subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
for location in (disk / "registry", disk / "new"):
    try:
        with muniment.open(location, create=True) as registry:
            registry.push(model, "acme/x")
    except MunimentError as error:
        print(error.code)
"""


@needs_namespaces
def test_a_full_disk_is_a_refusal_and_loses_nothing(tmp_path: Path, settings: Settings) -> None:
    """Without room for blobs or rows, writes are refused, and they succeed once there is room."""
    result = in_small_disk(tmp_path, "3m", _FILL, settings)
    assert (result.returncode, result.stderr) == (0, "")
    assert set(json.loads(result.stdout.replace("'", '"'))) == {"storage_full"}
    assert len(json.loads(result.stdout.replace("'", '"'))) == 3


@needs_namespaces
def test_a_read_only_directory_is_a_refusal(tmp_path: Path, settings: Settings) -> None:
    """A push into a read-only directory is refused by its code, without a traceback."""
    result = in_small_disk(tmp_path, "20m", _READ_ONLY, settings)
    assert (result.returncode, result.stdout, result.stderr) == (0, "storage_read_only\n" * 2, "")


# ---- several processes

_WORKER = """
import pathlib, sys, muniment
from muniment.core.errors import MunimentError
me, model, vera = sys.argv[1:]
here = pathlib.Path(model + me)
here.mkdir()
with muniment.open() as registry, muniment.open(identity=vera) as validator:
    for round in range(6):
        (here / "w.bin").write_bytes(f"{me} {round}".encode())
        version = registry.push(here, "acme/x", run={
            "buildDefinition": {"buildType": "https://example.com/x", "externalParameters": {}},
            "runDetails": {"builder": {"id": "https://example.com/x"}},
        })
        validator.version(str(version)).approve("production", "validator", "fine")
        registry.promote(version, "production", reason=me)
        registry.promote(version, "staging", reason=me)
"""


APPROVED: JsonObject = {"vouching": "any", "rules": [{"rule": "approvals", "validator": 1}]}


@pytest.mark.slow
def test_processes_at_once_lose_nothing(registry: Registry, settings: Settings, tmp_path: Path) -> None:
    """Three processes that push, approve and promote lose no event and keep aliases in one order."""
    vera = Identity.generate()
    vera.save(tmp_path / "vera.pem")
    registry.people.add("Vera", vera.public)
    registry.people.grant("Vera", "validator", "acme")
    registry.policies.set("acme/x", "production", APPROVED, reason="agreed")
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER, str(number), str(tmp_path / "m"), str(tmp_path / "vera.pem")],
            env=environment(settings),
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    for worker in workers:
        _, errors = worker.communicate(timeout=240)
        assert (worker.returncode, errors) == (0, "")
    numbers = sorted(version.number for version in registry.versions("acme/x"))
    assert numbers == list(range(1, 19))
    for alias in ("production", "staging"):
        moves = [move.record for move in registry.history("acme/x", alias)]
        assert len(moves) == 18
        assert [move.previous for move in moves] == [None, *(move.number for move in moves[:-1])]
    check_audit(registry)
    assert compare_directory(Path(settings.location)) == []


@pytest.mark.slow
def test_processes_that_found_at_once_found_one_registry(settings: Settings) -> None:
    """Processes that create a registry at the same time end up with one."""
    script = "import muniment; print(muniment.open(create=True).people.me().record.id)"
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env=environment(settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    answers = [worker.communicate(timeout=120) for worker in workers]
    assert {errors for _, errors in answers} == {""}
    assert len({owner for owner, _ in answers}) == 1


def test_an_interrupted_push_can_be_done_again(registry: Registry, model: Path) -> None:
    """An interrupted push publishes nothing and succeeds when it is repeated."""

    def stop(_count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        registry.push(model, "acme/x", on_bytes=stop)
    with pytest.raises(VersionNotFound):
        registry.version("acme/x")
    assert registry.push(model, "acme/x").record.number == 1
