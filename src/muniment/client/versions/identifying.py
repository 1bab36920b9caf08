"""Identify the versions that bytes belong to, regardless of file names."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from muniment.capture.tree import OnBytes, collect, watch
from muniment.client.proofs.naming import find_names
from muniment.client.proofs.paging import search_all
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.versions.session import Session
from muniment.client.versions.standing import find_standing
from muniment.client.versions.version import Version
from muniment.core.counting import count
from muniment.core.digests import Digest
from muniment.core.errors import FileUnusable
from muniment.core.records import VersionRecord
from muniment.views.identified import Matched, view_identified
from muniment.views.view import View

# A file that many versions share, such as a tokenizer, tells little: only its newest versions are checked.
_MOST_A_FILE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A version that contains some of the bytes.

    Attributes:
        version: the proven record.
        files: their paths in the version; "" is its manifest, which stands for the whole version.
        whole: whether these are all files of the version.
    """

    version: Version
    files: Mapping[str, str]
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """Matches, those with most files and the newest first, and the paths that no version has."""

    matches: tuple[Match, ...]
    unknown: tuple[str, ...]

    def __repr__(self) -> str:
        """Count the matches and what is unknown."""
        return f"<Identified {count(len(self.matches), 'version')}, {len(self.unknown)} unknown>"


def identify(
    session: Session, what: str | Path, *, limit: int = 20, on_bytes: OnBytes | None = None
) -> Identified:
    """Find the versions that contain a file, files of a directory, or a digest.

    Raises:
        FileUnusable: there is no such file.
        NotAFile, SymlinkRefused, FileChanged: the files cannot be read.
        InvalidDigest: it starts like a digest but is not one.
    """
    looked_at = dict(_hash(what, on_bytes))
    versions = {digest: _search(session, digest) for digest in {*looked_at.values()}}
    records = {record.index: record for some in versions.values() for record in some}
    shared = Counter(record.index for digest in looked_at.values() for record in versions[digest])
    best = sorted(records, key=lambda index: (-shared[index], -index))[:limit]
    matches = [match for index in best if (match := _match(session, records[index], looked_at)).files]
    known = {path for match in matches for path in match.files}
    rest = records.keys() - {*best}
    return Identified(
        matches=tuple(sorted(matches, key=lambda match: not match.whole)),
        unknown=tuple(
            path
            for path, digest in looked_at.items()
            if path not in known and rest.isdisjoint(record.index for record in versions[digest])
        ),
    )


def show_identified(backend: TrustedBackend, what: str | Path, identified: Identified) -> View:
    """Show what some bytes are."""
    records = [match.version.record for match in identified.matches]
    standing = find_standing(backend, [str(match.version) for match in identified.matches])
    names = find_names(backend, {record.author for record in records})
    matches = [
        Matched(
            record=match.version.record,
            files=match.files,
            whole=match.whole,
            standing=standing[str(match.version)],
        )
        for match in identified.matches
    ]
    return view_identified(str(what), matches, identified.unknown, names, backend.time())


def _hash(what: str | Path, on_bytes: OnBytes | None) -> Iterator[tuple[str, Digest]]:
    if isinstance(what, str) and what.startswith("sha256:"):
        yield what, Digest.parse(what)
        return
    # pathlib takes an empty path for the current directory.
    if not what or not Path(what).exists():
        raise FileUnusable(path=str(what), reason="there is no such file or directory")
    for source in collect(Path(what)):
        with watch(source, on_bytes) as file:
            yield source.path, Digest(hashlib.file_digest(file, "sha256").hexdigest())


def _search(session: Session, digest: Digest) -> list[VersionRecord]:
    return list(islice(search_all(session.backend, f"digest = {digest}"), _MOST_A_FILE))


def _match(session: Session, record: VersionRecord, looked_at: Mapping[str, Digest]) -> Match:
    # The catalog proves nothing: the log must have the record, and its manifest the digest.
    session.backend.check_record(record)
    version = Version(session, record)
    places = {file.digest: file.path for file in version.revision().files}
    files = {path: places[digest] for path, digest in looked_at.items() if digest in places}
    manifests = {path: "" for path, digest in looked_at.items() if digest == version.digest}
    whole = bool(manifests) or places.keys() <= {*looked_at.values()}
    return Match(version=version, files={**files, **manifests}, whole=whole)
