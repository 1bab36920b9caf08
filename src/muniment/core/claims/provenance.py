"""Provenance: the inputs of a training, read from SLSA provenance v1.

An in-toto ResourceDescriptor is an input: a dataset, a base model or code. Blobs that accompany the claim
(the diff of a dirty tree, the lock of an environment) are byproducts.
"""

from dataclasses import dataclass
from typing import Final

from muniment.core.canonical import JsonObject, object_in, objects_in
from muniment.core.claims.attestations import PROVENANCE, Statement
from muniment.core.digests import Digest
from muniment.core.errors import InvalidDigest

BUILD_TYPE: Final = "https://muniment.dev/training/v1"
# A blob of the claim's own registry: `muniment:blobs/sha256/<hex>`.
BLOB_URI: Final = "muniment:blobs/sha256/"
# A version of a registry: `muniment:acme/x@3`.
VERSION_URI: Final = "muniment:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """An input of a version.

    Attributes:
        name: its name in the training.
        kind: dataset, model or code.
        digest: the sha256 of its bytes or its manifest; a git commit for code. Empty if unknown.
        uri: its location; `muniment:acme/x@3` for a version of a registry.
        annotations: further facts about it.
    """

    name: str
    kind: str
    digest: str
    uri: str
    annotations: JsonObject

    @property
    def is_reference(self) -> bool:
        """Whether only a reference was recorded: the recorder never saw the bytes."""
        return bool(self.annotations.get("reference"))


@dataclass(frozen=True, slots=True)
class Provenance:
    """A view of one provenance predicate."""

    predicate: JsonObject

    @property
    def inputs(self) -> list[Input]:
        """The inputs of the version."""
        return [
            _read_input(resource) for resource in objects_in(self._definition.get("resolvedDependencies"))
        ]

    @property
    def parameters(self) -> JsonObject:
        """The parameters of the training."""
        return object_in(self.external.get("parameters"))

    @property
    def external(self) -> JsonObject:
        """The parameters that the user chose."""
        return object_in(self._definition.get("externalParameters"))

    @property
    def internal(self) -> JsonObject:
        """The captured surroundings: seed, platform, packages, git."""
        return object_in(self._definition.get("internalParameters"))

    def find_byproduct(self, name: str) -> Digest | None:
        """Find a byproduct by name: `diff`, `lock`."""
        return self.byproducts().get(name)

    def byproducts(self) -> dict[str, Digest]:
        """List the byproducts by name."""
        details = object_in(self.predicate.get("runDetails"))
        blobs = {str(item.get("name")): _blob_of(item) for item in objects_in(details.get("byproducts"))}
        return {name: digest for name, digest in blobs.items() if digest is not None}

    @property
    def _definition(self) -> JsonObject:
        return object_in(self.predicate.get("buildDefinition"))


def write_blob_resource(name: str, digest: Digest, size_bytes: int, media_type: str) -> JsonObject:
    """Describe a blob that accompanies a claim."""
    return {
        "name": name,
        "uri": f"{BLOB_URI}{digest.hex}",
        "digest": {"sha256": digest.hex},
        "mediaType": media_type,
        "annotations": {"size": size_bytes},
    }


def list_attachments(statement: Statement) -> list[Digest]:
    """List the blobs that accompany a claim; its holder must hold them too."""
    inside = (
        object_in(statement.predicate.get("runDetails")) if statement.predicate_type == PROVENANCE else {}
    )
    kept = [*objects_in(inside.get("byproducts")), *objects_in(statement.predicate.get("byproducts"))]
    return [digest for digest in map(_blob_of, kept) if digest is not None]


def _blob_of(resource: JsonObject) -> Digest | None:
    uri = str(resource.get("uri", ""))
    try:
        return Digest.parse(f"sha256:{uri.removeprefix(BLOB_URI)}") if uri.startswith(BLOB_URI) else None
    except InvalidDigest:
        return None


def _read_input(resource: JsonObject) -> Input:
    digests, annotations = object_in(resource.get("digest")), object_in(resource.get("annotations"))
    kind = str(annotations.get("kind") or ("code" if "gitCommit" in digests else "dataset"))
    return Input(
        name=str(resource.get("name") or ""),
        kind=kind,
        digest=str(digests.get("sha256") or digests.get("gitCommit") or ""),
        uri=str(resource.get("uri") or ""),
        annotations=annotations,
    )
