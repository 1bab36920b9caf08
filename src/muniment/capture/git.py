"""The code of a run: its git checkout, and the changes since the commit."""

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
# Untracked files up to this size go into the diff if they are code or settings; data does not.
_MAX_NEW_BYTES: Final = 256 << 10
_MAX_NEW_FILES: Final = 200
_CODE: Final = frozenset(
    {".cfg", ".ini", ".ipynb", ".json", ".py", ".pyi", ".r", ".sh", ".sql", ".toml", ".txt", ".yaml", ".yml"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """The state of a git checkout.

    Attributes:
        description: commit, branch (None if detached), remote, directory inside it, whether it is dirty.
        diff: the changes to apply to the commit; empty if there are none or they cannot be kept.
    """

    description: JsonObject
    diff: bytes = b""


def describe_git(directory: Path) -> JsonObject | None:
    """Describe the git checkout of a directory; None outside a checkout or before its first commit."""
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
    """Describe the checkout of a directory with the diff since its commit; None outside a checkout.

    If the diff is too large or seems to contain a secret, it is left out, and the description says so.
    """
    checkout = describe_git(directory)
    if checkout is None:
        return None
    root = Path((_git(directory, "rev-parse", "--show-toplevel") or "").rstrip("\n"))
    described: dict[str, Json] = {**checkout, **_describe_submodules(root)}
    new, left_out = _list_new_files(root)
    if left_out:
        described["untracked"] = left_out
    if not (checkout["dirty"] or new):
        return Checkout(description=described)
    diff = _read_diff(root, new)
    described |= {"dirty": True, "untracked_code": [path.as_posix() for path in new]} if new else {}
    why = ""
    if diff is None or len(diff) > _MAX_DIFF_BYTES:
        why = "it is too large"
    elif holds_secret(diff.decode(errors="replace"), secrets):
        why = "it seems to contain a secret"
    if why or diff is None:
        return Checkout(description={**described, "diff_left_out": why})
    return Checkout(description=described, diff=diff)


def is_commit(text: str) -> bool:
    """Return whether a text is the id of a commit, so that a record cannot pass options to git."""
    return _COMMIT.fullmatch(text) is not None


def has_commit(directory: Path, commit: str) -> bool:
    """Return whether a checkout has a commit."""
    return (
        is_commit(commit)
        and _run(directory, "cat-file", "-e", f"{commit}^{{commit}}", allowed=(0,)) is not None
    )


def count_commits(directory: Path, before: str, after: str) -> int | None:
    """Count the commits from one to another in a checkout; None if it does not have both."""
    if not (is_commit(before) and is_commit(after)):
        return None
    count = _git(directory, "rev-list", "--count", f"{before}..{after}", "--")
    return None if count is None else int(count)


def _read_diff(root: Path, new: list[Path]) -> bytes | None:
    parts = [_run(root, "diff", "--binary", "--no-ext-diff", "--no-color", "--no-textconv", "HEAD")]
    # git exits with 1, because the files differ.
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
    """List the code files that are neither tracked nor ignored; count the other files."""
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
    # A line has a sign, the commit, the path, and a description.
    modules = [line[1:].split(" ")[:2] for line in lines if line]
    changed = [line[1:].split(" ")[1] for line in lines if line[:1] in {"+", "U"}]
    return {
        "submodules": [{"path": path, "commit": commit} for commit, path in modules],
        **({"submodules_changed": changed} if changed else {}),
    }


def _git(directory: Path, *arguments: str) -> str | None:
    output = _run(directory, *arguments, allowed=(0,))
    return None if output is None else output.decode(errors="replace")


def _run(directory: Path, *arguments: str, allowed: tuple[int, ...] = (0, 1)) -> bytes | None:
    try:
        result = subprocess.run(
            # The repository's own settings must not start programs.
            ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", *arguments],  # noqa: S607 - the user's own git, as they would run it
            cwd=directory,
            capture_output=True,
            timeout=_GIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout if result.returncode in allowed else None
