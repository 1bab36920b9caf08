"""The environment of a run: Python, platform, packages, git."""

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from muniment.core.canonical import JsonObject

_GIT_S: Final = 10


def describe_platform() -> JsonObject:
    """Describe Python and the machine."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "cpus": os.cpu_count() or 0,
    }


def list_packages() -> dict[str, str]:
    """List the installed distributions and their versions, by name."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        # A half-removed package has no name: it is left out rather than guessed.
        name = distribution.metadata["Name"] if distribution.metadata else None
        if name:
            found[name.lower()] = distribution.version
    return dict(sorted(found.items()))


def describe_git(directory: Path) -> JsonObject | None:
    """Describe the git checkout that holds a directory; None outside of one or before a commit."""
    commit = _git(directory, "rev-parse", "HEAD")
    if not commit:
        return None
    return {
        "commit": commit,
        "branch": _git(directory, "rev-parse", "--abbrev-ref", "HEAD") or None,
        "remote": _without_secret(_git(directory, "remote", "get-url", "origin") or ""),
        "dirty": bool(_git(directory, "status", "--porcelain", "--untracked-files=no")),
    }


def command_line() -> list[str]:
    """Give the program that runs; its arguments are left out, since they may hold secrets."""
    return [Path(sys.argv[0]).name] if sys.argv and sys.argv[0] else []


def _git(directory: Path, *arguments: str) -> str | None:
    try:
        result = subprocess.run(
            ["git", *arguments],  # noqa: S607 - the user's own git, as they would run it
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=_GIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def _without_secret(url: str) -> str | None:
    """Drop user, password and query of a URL: tokens live there."""
    if not url:
        return None
    parts = urlsplit(url)
    if not parts.scheme:
        return url.rpartition("@")[2]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
