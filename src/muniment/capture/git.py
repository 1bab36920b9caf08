"""The code of a run: the git checkout that it is in, and what was changed in it since the commit."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from muniment.capture.secrets import hide_in_url, holds_secret
from muniment.core.canonical import Json, JsonObject

_GIT_S: Final = 20
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MAX_DIFF_BYTES: Final = 8 << 20
# New files that nobody added yet: code and settings of this size go into the diff, data does not.
_MAX_NEW_BYTES: Final = 256 << 10
_MAX_NEW_FILES: Final = 200
_CODE: Final = frozenset(
    {".cfg", ".ini", ".ipynb", ".json", ".py", ".pyi", ".r", ".sh", ".sql", ".toml", ".txt", ".yaml", ".yml"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A git checkout at one moment.

    Attributes:
        description: commit, branch (None if detached), remote, directory inside it, whether it is dirty.
        diff: what has to be applied to the commit; empty if nothing, or if it cannot be kept.
    """

    description: JsonObject
    diff: bytes = b""


def describe_git(directory: Path) -> JsonObject | None:
    """Describe the git checkout that holds a directory; None outside of one or before a commit."""
    commit = _git(directory, "rev-parse", "HEAD")
    if not commit:
        return None
    remote = _git(directory, "remote", "get-url", "origin") or ""
    return {
        "commit": commit.strip(),
        "branch": (_git(directory, "symbolic-ref", "--short", "-q", "HEAD") or "").strip() or None,
        "remote": hide_in_url(remote.strip()) or None,
        "directory": (_git(directory, "rev-parse", "--show-prefix") or "").strip().rstrip("/"),
        "dirty": bool(_git(directory, "status", "--porcelain", "--untracked-files=no")),
    }


def capture_git(directory: Path, secrets: frozenset[str]) -> Checkout | None:
    """Describe the checkout that holds a directory, with the diff since its commit; None outside of one.

    Where a diff cannot be kept, because it is too large or holds what looks like a secret, the description
    says so.
    """
    found = describe_git(directory)
    if found is None:
        return None
    root = Path((_git(directory, "rev-parse", "--show-toplevel") or "").rstrip("\n"))
    described: dict[str, Json] = {**found, **_describe_submodules(root)}
    new, left_out = _list_new_files(root)
    if left_out:
        described["untracked"] = left_out
    if not (found["dirty"] or new):
        return Checkout(description=described)
    diff = _read_diff(root, new)
    described |= {"dirty": True, "untracked_code": [path.as_posix() for path in new]} if new else {}
    why = ""
    if diff is None or len(diff) > _MAX_DIFF_BYTES:
        why = "it is too large"
    elif holds_secret(diff.decode(errors="replace"), secrets):
        why = "it holds what looks like a secret"
    if why or diff is None:
        return Checkout(description={**described, "diff_left_out": why})
    return Checkout(description=described, diff=diff)


def is_commit(text: str) -> bool:
    """Return whether a text is the id of a commit: what is on record must not be an option of git."""
    return _COMMIT.fullmatch(text) is not None


def has_commit(directory: Path, commit: str) -> bool:
    """Return whether a checkout has a commit."""
    return (
        is_commit(commit)
        and _run(directory, "cat-file", "-e", f"{commit}^{{commit}}", allowed=(0,)) is not None
    )


def count_commits(directory: Path, before: str, after: str) -> int | None:
    """Count the commits that lead from one to another in a checkout; None if it does not have both."""
    if not (is_commit(before) and is_commit(after)):
        return None
    found = _git(directory, "rev-list", "--count", f"{before}..{after}", "--")
    return None if found is None else int(found)


def _read_diff(root: Path, new: list[Path]) -> bytes | None:
    parts = [_run(root, "diff", "--binary", "--no-ext-diff", "--no-color", "--no-textconv", "HEAD")]
    # Two files differ, so git exits with 1.
    parts += [
        _run(
            root,
            "diff",
            "--binary",
            "--no-ext-diff",
            "--no-color",
            "--no-index",
            "--",
            "/dev/null",
            str(path),
        )
        for path in new
    ]
    return None if None in parts else b"".join(part for part in parts if part)


def _list_new_files(root: Path) -> tuple[list[Path], int]:
    """List files of code that are neither tracked nor ignored; count the others."""
    listed = (_git(root, "ls-files", "--others", "--exclude-standard", "-z") or "").split("\0")
    paths = [Path(name) for name in listed if name]
    code = [
        path
        for path in paths
        if path.suffix.lower() in _CODE
        and (root / path).is_file()
        and not (root / path).is_symlink()
        and (root / path).stat().st_size <= _MAX_NEW_BYTES
    ][:_MAX_NEW_FILES]
    return code, len(paths) - len(code)


def _describe_submodules(root: Path) -> JsonObject:
    if not (root / ".gitmodules").is_file():
        return {}
    lines = (_git(root, "submodule", "status", "--recursive") or "").splitlines()
    # A sign, the commit, the path, and what describes it.
    modules = [line[1:].split(" ")[:2] for line in lines if line]
    changed = [line[1:].split(" ")[1] for line in lines if line[:1] in {"+", "U"}]
    return {
        "submodules": [{"path": path, "commit": commit} for commit, path in modules],
        **({"submodules_changed": changed} if changed else {}),
    }


def _git(directory: Path, *arguments: str) -> str | None:
    found = _run(directory, *arguments, allowed=(0,))
    return None if found is None else found.decode(errors="replace")


def _run(directory: Path, *arguments: str, allowed: tuple[int, ...] = (0, 1)) -> bytes | None:
    try:
        result = subprocess.run(
            # A repository's own settings must not start anything.
            ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", *arguments],  # noqa: S607 - the user's own git, as they would run it
            cwd=directory,
            capture_output=True,
            timeout=_GIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout if result.returncode in allowed else None
