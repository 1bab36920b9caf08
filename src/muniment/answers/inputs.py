"""Inputs: which of what a version was made from is here, as gates and `verify --provenance` both see it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple, TypeAlias

from muniment.answers.claims import read_claims, read_revision
from muniment.answers.resolve import resolve
from muniment.answers.statuses import status_of
from muniment.answers.view import View
from muniment.core.bytes.revisions import Revision
from muniment.core.catalog.statuses import Status
from muniment.core.claims.attestations import Attestation
from muniment.core.claims.lineage import Direction, Relation
from muniment.core.claims.provenance import VERSION_URI, Input, Provenance
from muniment.core.digests import Digest
from muniment.core.errors import InvalidRequest, MunimentError, VersionNotFound
from muniment.core.names import Reference
from muniment.core.records import VersionRecord

# Anybody may claim to have used any number of inputs.
_MAX_INPUTS: Final = 1_000


class Owner(NamedTuple):
    """A version that has the bytes of an input, and how to read what is said of it."""

    version: VersionRecord
    read_claims: Callable[[], Sequence[Attestation]]
    read_status: Callable[[], Status]

    @classmethod
    def of(cls, view: View, version: VersionRecord) -> "Owner":
        """Take a version that a view shows."""
        return cls(version, partial(_read_claims, view, version), partial(status_of, view, version))

    @property
    def name(self) -> str:
        """Its reference."""
        return f"{self.version.name}@{self.version.number}"


# Finds versions that have the bytes of an input where a view does not show them; None if they cannot be seen.
FindOwners: TypeAlias = Callable[[Input], list[Owner] | None]


def find_nowhere_else(_: Input) -> None:
    """Find nothing: only what a view shows counts."""


def inputs_of(provenance: Provenance) -> list[Input]:
    """List the inputs of a version. Each has code, if only code that nobody recorded."""
    inputs = provenance.inputs
    if any(one.kind == "code" for one in inputs):
        return inputs
    return [*inputs, Input(name="code", kind="code", digest="", uri="", annotations={})]


def is_here(one: Input, provenance: Provenance, owners: Sequence[Owner]) -> bool:
    """Say whether an input is here by its digest: as a version, in one, or as a snapshot.

    Code is a commit and its address, and the diff of a dirty tree.
    """
    if one.kind == "code":
        git = provenance.internal.get("git")
        is_dirty = isinstance(git, Mapping) and bool(git.get("dirty"))
        has_all = not is_dirty or provenance.find_byproduct("diff") is not None
        return bool(one.digest) and one.uri != "git" and has_all
    return bool(owners) or has_snapshot(one, provenance)


def may_have_owners(one: Input) -> bool:
    """Say whether a version can have an input: nobody saw the bytes of one that is only an address."""
    return bool(one.digest) and one.kind != "code" and (bool(named_version(one)) or not one.is_reference)


def has_snapshot(one: Input, provenance: Provenance) -> bool:
    """Say whether a claim keeps the bytes of an input."""
    snapshot = provenance.find_byproduct(f"snapshot of {one.name}")
    return snapshot is not None and snapshot.hex == one.digest


def named_version(one: Input) -> str:
    """Give the reference of the version that an input names; empty if it names none."""
    return one.uri[len(VERSION_URI) :] if one.uri.startswith(VERSION_URI) else ""


def is_exact(version: VersionRecord, reference: str) -> bool:
    """Say whether a reference names a version by its number: an alias moves, so it names no input."""
    return f"{version.name}@{version.number}" == reference


def digests_of(version: VersionRecord, revision: Revision) -> frozenset[str]:
    """List the digests of a version's manifest and files, in hex."""
    return frozenset({Digest.parse(version.revision).hex, *(file.digest.hex for file in revision.files)})


def _read_claims(view: View, version: VersionRecord) -> Sequence[Attestation]:
    return read_claims(view, version, read_revision(view, Digest.parse(version.revision)))


class Inputs:
    """Finds the versions that have the bytes of inputs; each input and each manifest is looked up once."""

    def __init__(self, view: View, find: FindOwners = find_nowhere_else) -> None:
        """Look into a view, and elsewhere for what the view does not show."""
        self.view = view
        self._find = find
        self._owners: dict[tuple[str, str], list[Owner] | None] = {}
        self._digests: dict[int, frozenset[str] | None] = {}

    def find_owners(self, one: Input) -> list[Owner] | None:
        """Find the version that an input names, or all that have its bytes; None if they cannot be seen."""
        key = one.uri, one.digest
        if not may_have_owners(one):
            return []
        if key not in self._owners and len(self._owners) < _MAX_INPUTS:
            self._owners[key] = self._find_owners(one)
        return self._owners.get(key)

    def _find_owners(self, one: Input) -> list[Owner] | None:
        named = named_version(one)
        if named:
            found = self._find_named(named, one.digest)
            return self._find(one) if found is None else found
        lineage = self.view.lineage
        if lineage is None:
            return self._find(one) or []
        edges = lineage.list_edges({one.digest}, Direction.UP, None)
        nodes = {one.digest, *(edge.parent for edge in edges if edge.relation == Relation.CONTENT)}
        return [Owner.of(self.view, owned.version) for owned in lineage.find_versions(nodes, None)]

    def _find_named(self, reference: str, digest: str) -> list[Owner] | None:
        try:
            version = resolve(self.view, Reference.parse(reference))
        except (VersionNotFound, InvalidRequest):
            return []
        except MunimentError:
            return None
        if not is_exact(version, reference):
            return []
        if version.index not in self._digests:
            self._digests[version.index] = self._list_digests(version)
        digests = self._digests[version.index]
        if digests is None:
            return None
        return [Owner.of(self.view, version)] if digest in digests else []

    def _list_digests(self, version: VersionRecord) -> frozenset[str] | None:
        try:
            return digests_of(version, read_revision(self.view, Digest.parse(version.revision)))
        except MunimentError:
            return None
