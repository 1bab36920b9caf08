"""A place to run what is on record: without a network and with limits, as far as this system offers it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from muniment.core.claims.reproductions import UsedSandbox

# Sets limits on itself, then becomes the command. The command's variables come in here only: on the outside
# one of them, such as LD_PRELOAD, could let code run before the sandbox stands.
_LIMIT: Final = (
    "import json, os, resource, sys\n"
    "limits, environment = json.loads(sys.argv[1])\n"
    "for name, value in limits.items():\n"
    "    hard = resource.getrlimit(getattr(resource, name))[1]\n"
    "    most = value if hard == resource.RLIM_INFINITY else min(value, hard)\n"
    "    resource.setrlimit(getattr(resource, name), (most, most))\n"
    "os.execvpe(sys.argv[2], sys.argv[2:], environment)\n"
)
_PROBE_S: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may use: processor seconds, bytes of address space, bytes of a file, wall seconds."""

    cpu_s: int = 4 * 3600
    memory_bytes: int = 64 << 30
    file_bytes: int = 64 << 30
    wall_s: int = 8 * 3600

    def resources(self) -> dict[str, int]:
        """Give those that the system enforces, by the names of `resource`."""
        return {
            "RLIMIT_CPU": self.cpu_s,
            "RLIMIT_AS": self.memory_bytes,
            "RLIMIT_FSIZE": self.file_bytes,
            "RLIMIT_CORE": 0,
        }

    def describe(self) -> dict[str, int]:
        """Describe them."""
        return {
            "cpu_s": self.cpu_s,
            "memory_bytes": self.memory_bytes,
            "file_bytes": self.file_bytes,
            "wall_s": self.wall_s,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A kind of sandbox, and what it keeps away.

    Attributes:
        kind: bubblewrap, unshare or none.
        network: whether what runs in it has a network.
        files: whether it can write to files outside of its directory.
    """

    kind: str
    network: bool
    files: bool

    def describe(self, limits: Limits) -> UsedSandbox:
        """Describe it, for the record."""
        return UsedSandbox(kind=self.kind, network=self.network, files=self.files, limits=limits.describe())

    def __str__(self) -> str:
        """Say what it keeps away."""
        network = "with a network" if self.network else "without a network"
        files = "with all files writable" if self.files else "with one directory writable"
        return f"{self.kind}: {network}, {files}"


def find_sandbox() -> Sandbox:
    """Find the best that this system offers, by trying it."""
    if _works(_bubblewrap(Path("/tmp"), ())):  # noqa: S108 - only to try
        return Sandbox(kind="bubblewrap", network=False, files=False)
    if _works(_UNSHARE):
        return Sandbox(kind="unshare", network=False, files=True)
    return Sandbox(kind="none", network=True, files=True)


def run_in(  # noqa: PLR0913 - what a run is made of
    sandbox: Sandbox,
    command: Sequence[str],
    *,
    root: Path,
    directory: Path,
    readable: Sequence[Path],
    environment: Mapping[str, str],
    limits: Limits,
) -> tuple[int, bytes]:
    """Run a command in a directory below `root`, which alone it may write to; give exit code and output.

    `readable` are places that it needs besides the system's own, such as a Python. An exit code of -1 says
    that it took too long.
    """
    wrapped = [
        *_enter(sandbox, root, [*_own_places(), *readable]),
        sys.executable,
        "-I",
        "-c",
        _LIMIT,
        json.dumps([limits.resources(), dict(environment)]),
        *command,
    ]
    try:
        result = subprocess.run(
            wrapped,
            cwd=directory,
            env={"PATH": os.environ.get("PATH", os.defpath)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=limits.wall_s,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        return -1, expired.stdout or b""
    return result.returncode, result.stdout


_UNSHARE: Final = ("unshare", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--")


def _enter(sandbox: Sandbox, root: Path, readable: Sequence[Path]) -> Sequence[str]:
    if sandbox.kind == "bubblewrap":
        return _bubblewrap(root, readable)
    return _UNSHARE if sandbox.kind == "unshare" else ()


def _own_places() -> list[Path]:
    """List where this Python is, which sets the limits: it may be in a home, which is hidden."""
    return [Path(sys.executable).resolve().parents[1], Path(sys.prefix)]


def _bubblewrap(root: Path, readable: Sequence[Path]) -> list[str]:
    """Everything readable but what people keep in their homes; one directory writable; no network."""
    homes = [str(place) for place in (Path("/home"), Path("/root"), Path("/tmp")) if place.is_dir()]  # noqa: S108 - to hide it
    hidden = [part for place in homes for part in ("--tmpfs", place)]
    shown = [part for place in readable for part in ("--ro-bind", str(place), str(place))]
    return [
        "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--ro-bind", "/", "/", *hidden,
        "--dev", "/dev", "--proc", "/proc", *shown, "--bind", str(root), str(root), "--",
    ]  # fmt: skip


def _works(command: Sequence[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    try:
        return (
            subprocess.run(
                [*command, "true"], cwd=os.sep, capture_output=True, timeout=_PROBE_S, check=False
            ).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
