"""The packages of a run's environment, and the lock to rebuild it from."""

import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from muniment.core.canonical import JsonObject

# The directory is named after the normalised name and the version (packaging.python.org, Recording installed
# projects); reading these names is a hundred times faster than reading each METADATA file.
_DIRECTORY: Final = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)\.dist-info")
_LOCKS: Final = ("pylock.toml", "uv.lock", "requirements.txt", "requirements.lock")
_MAX_LOCK_BYTES: Final = 16 << 20


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Package:
    """An installed distribution.

    Attributes:
        name: normalised (PEP 503).
        version: the version from its metadata.
        hashes: the sha256 of the archives that it may come from, if recorded.
        local: whether it was installed from a directory, so that no index has its files.
    """

    name: str
    version: str
    hashes: tuple[str, ...] = ()
    local: bool = False


def list_packages(paths: Sequence[str] | None = None) -> list[Package]:
    """List the distributions on `sys.path` by name, the first of each name.

    A directory without a version in its name, which a half-removed package leaves, is skipped.
    """
    packages: dict[str, Package] = {}
    for place in sys.path if paths is None else paths:
        try:
            entries = sorted(Path(place or ".").glob("*.dist-info"))
        except OSError:
            continue
        for entry in entries:
            package = _read_package(entry)
            if package is not None:
                packages.setdefault(package.name, package)
    return sorted(packages.values())


def find_hashes(directory: Path) -> dict[tuple[str, str], tuple[str, ...]]:
    """Read the hashes of packages by name and version from the lock files of a project."""
    hashes_by_package: dict[tuple[str, str], tuple[str, ...]] = {}
    places = [path for name in _LOCKS for path in (directory / name, directory / "requirements" / name)]
    places += sorted((directory / "requirements").glob("*.txt"))
    for path in places:
        if path.is_file() and path.stat().st_size <= _MAX_LOCK_BYTES:
            try:
                entries = list(_read_lock(path))
            except (ValueError, TypeError, KeyError, AttributeError):
                # Skip a file of another format.
                continue
            for name, version, hashes in entries:
                hashes_by_package.setdefault((normalise(name), version), tuple(sorted(hashes)))
    return hashes_by_package


def write_lock(packages: Sequence[Package], known: Mapping[tuple[str, str], tuple[str, ...]]) -> str:
    """Write a requirements file for pip and uv: exact versions, with the known hashes."""
    lines = []
    for package in packages:
        hashes = package.hashes or known.get((package.name, package.version), ())
        if package.local:
            lines.append(f"# {package.name}=={package.version} was installed from a directory")
            continue
        pins = "".join(f" \\\n    --hash=sha256:{value}" for value in hashes)
        lines.append(f"{package.name}=={package.version}{pins}")
    return "\n".join(lines) + "\n"


def describe_packages(packages: Sequence[Package]) -> dict[str, str]:
    """Return the versions by name."""
    return {package.name: package.version for package in packages}


def normalise(name: str) -> str:
    """Normalise the name of a distribution (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _read_package(entry: Path) -> Package | None:
    match = _DIRECTORY.fullmatch(entry.name)
    if match is None or not (entry / "METADATA").is_file():
        return None
    origin = _read_origin(entry / "direct_url.json")
    archive = origin.get("archive_info")
    hashes = archive.get("hashes") if isinstance(archive, Mapping) else None
    sha256 = hashes.get("sha256") if isinstance(hashes, Mapping) else None
    return Package(
        name=normalise(match["name"]),
        version=match["version"],
        hashes=(sha256,) if isinstance(sha256, str) else (),
        local="dir_info" in origin,
    )


def _read_origin(path: Path) -> JsonObject:
    """Read the origin of a distribution (PEP 610); empty if it comes from an index."""
    try:
        origin = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return origin if isinstance(origin, dict) else {}


def _read_lock(path: Path) -> Iterator[tuple[str, str, list[str]]]:
    if path.name == "pylock.toml":
        for one in tomllib.loads(path.read_text()).get("packages", []):
            files = [*one.get("wheels", []), *([one["sdist"]] if "sdist" in one else [])]
            yield one["name"], one.get("version", ""), [file["hashes"]["sha256"] for file in files]
    elif path.name == "uv.lock":
        for one in tomllib.loads(path.read_text()).get("package", []):
            files = [*one.get("wheels", []), *([one["sdist"]] if "sdist" in one else [])]
            hashes = [str(file.get("hash", "")).removeprefix("sha256:") for file in files]
            yield one["name"], one.get("version", ""), [value for value in hashes if value]
    else:
        yield from _read_requirements(path.read_text())


def _read_requirements(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Read the lines that pin a version with hashes; continuation lines are joined as in pip."""
    for line in text.replace("\\\n", " ").splitlines():
        pinned = re.match(r"\s*([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*==\s*([\w.!+-]+)", line)
        hashes = re.findall(r"--hash[= ]sha256:([0-9a-f]{64})", line)
        if pinned and hashes:
            yield pinned[1], pinned[2], hashes
