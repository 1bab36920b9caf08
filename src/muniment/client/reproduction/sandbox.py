"""Sandboxes for recorded commands: no network and limited resources, as far as the system allows."""

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

# Sets its own limits, then becomes the command. The command's variables are set only here: outside, one such
# as LD_PRELOAD could run code before the sandbox is up.
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
    """Limits of a run: processor seconds, bytes of address space, bytes per file, wall-clock seconds."""

    cpu_s: int = 4 * 3600
    memory_bytes: int = 64 << 30
    file_bytes: int = 64 << 30
    wall_s: int = 8 * 3600

    def resources(self) -> dict[str, int]:
        """Return the limits that the system enforces, under the names in `resource`."""
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
    """A kind of sandbox, and its gaps.

    Attributes:
        kind: bubblewrap, unshare or none.
        network: whether commands have a network.
        files: whether commands can write outside their directory.
    """

    kind: str
    network: bool
    files: bool

    def describe(self, limits: Limits) -> UsedSandbox:
        """Describe the sandbox for the record."""
        return UsedSandbox(kind=self.kind, network=self.network, files=self.files, limits=limits.describe())

    def __str__(self) -> str:
        """Describe the sandbox for people."""
        network = "with a network" if self.network else "without a network"
        files = "with all files writable" if self.files else "with one directory writable"
        return f"{self.kind}: {network}, {files}"


def find_sandbox() -> Sandbox:
    """Find the strictest sandbox that works on this system."""
    if _works(_bubblewrap(Path("/tmp"), ())):  # noqa: S108 - only a probe
        return Sandbox(kind="bubblewrap", network=False, files=False)
    if _works(_UNSHARE):
        return Sandbox(kind="unshare", network=False, files=True)
    return Sandbox(kind="none", network=True, files=True)


def run_in(  # noqa: PLR0913 - the options of a run
    sandbox: Sandbox,
    command: Sequence[str],
    *,
    root: Path,
    directory: Path,
    readable: Sequence[Path],
    environment: Mapping[str, str],
    limits: Limits,
) -> tuple[int, bytes]:
    """Run a command in a directory below `root`, the only one that it may write to.

    `readable` are further paths that it needs, such as a Python. Returns the exit code, -1 for a timeout, and
    the output.
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
    """List the paths of this Python, which sets the limits: it may be in a home, which is hidden."""
    return [Path(sys.executable).resolve().parents[1], Path(sys.prefix)]


def _bubblewrap(root: Path, readable: Sequence[Path]) -> list[str]:
    """Make everything but homes readable, one directory writable, and no network available."""
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
