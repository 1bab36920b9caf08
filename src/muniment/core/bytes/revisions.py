"""Revisions: an immutable set of files, identified by the digest of its OCI manifest.

A manifest that we make is a pure function of the files: the same names and bytes give the same
digest on every machine and day. Its shape is the CNCF ModelPack one, one raw layer per file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from muniment.core import canonical
from muniment.core.bytes.formats import is_weights
from muniment.core.bytes.paths import check_paths
from muniment.core.canonical import Json, JsonObject
from muniment.core.digests import Digest
from muniment.core.errors import EmptyRevision, InvalidDigest, InvalidManifest, InvalidPath

MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
ARTIFACT_TYPE: Final = "application/vnd.cncf.model.manifest.v1+json"
CONFIG_TYPE: Final = "application/vnd.cncf.model.config.v1+json"
FILEPATH: Final = "org.cncf.model.filepath"
TITLE: Final = "org.opencontainers.image.title"

# 100,000 files of 1 kB of descriptor each; a manifest is held in memory whole.
MAX_MANIFEST_BYTES: Final = 128 << 20

_LAYER: Final = "application/vnd.cncf.model.{part}.v1.raw"
_PARTS: Final = {
    ".json": "weight.config",
    ".yaml": "weight.config",
    ".yml": "weight.config",
    ".toml": "weight.config",
    ".txt": "doc",
    ".md": "doc",
    ".pdf": "doc",
    ".py": "code",
    ".ipynb": "code",
    ".csv": "dataset",
    ".parquet": "dataset",
}


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class File:
    """One file of a revision."""

    path: str
    digest: Digest
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """The files of a revision, sorted by path."""

    files: tuple[File, ...]

    @classmethod
    def of(cls, files: Iterable[File]) -> "Revision":
        """Collect files.

        Raises:
            EmptyRevision: there are no files.
            InvalidPath: a path breaks the rules of `muniment.core.bytes.paths`.
        """
        ordered = tuple(sorted(files))
        if not ordered:
            raise EmptyRevision(path="the revision")
        check_paths(file.path for file in ordered)
        return cls(files=ordered)

    @property
    def size_bytes(self) -> int:
        """The size of all files together."""
        return sum(file.size_bytes for file in self.files)

    def config(self) -> bytes:
        """Write the ModelPack config: only the layers, since its schema is closed."""
        layers = [str(file.digest) for file in self.files]
        return canonical.encode(
            {"config": {}, "descriptor": {}, "modelfs": {"diffIds": layers, "type": "layers"}}
        )

    def manifest(self) -> bytes:
        """Write the OCI image manifest; its digest is the identity of the revision."""
        config = self.config()
        return canonical.encode(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "artifactType": ARTIFACT_TYPE,
                "config": _descriptor(CONFIG_TYPE, Digest.of(config), len(config)),
                "layers": [_layer(file) for file in self.files],
            }
        )


def parse_manifest(data: bytes) -> Revision:
    """Read a manifest made by any client. Raises like `parse_with_config`."""
    return parse_with_config(data)[0]


def parse_with_config(data: bytes) -> tuple[Revision, Digest]:
    """Read a manifest and the digest of its config.

    Raises:
        InvalidManifest: it is not an OCI image manifest with a config, whose layers are named raw files.
        InvalidPath: a file name breaks the rules.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        raise InvalidManifest(reason="too large")
    document = canonical.decode(data)
    if document.get("schemaVersion") != 2 or document.get("mediaType", MANIFEST_TYPE) != MANIFEST_TYPE:  # noqa: PLR2004 - the version of the OCI schema
        raise InvalidManifest(reason="not an OCI image manifest")
    layers, config = document.get("layers"), document.get("config")
    if not isinstance(layers, list):
        raise InvalidManifest(reason="`layers` must be a list")
    if not isinstance(config, Mapping):
        raise InvalidManifest(reason="`config` must be an object")
    try:
        return Revision.of([_parse_layer(layer) for layer in layers]), Digest.parse(str(config["digest"]))
    except (KeyError, TypeError, InvalidDigest) as error:
        raise InvalidManifest(reason="a layer or the config lacks its path, digest or size") from error
    except EmptyRevision as error:
        raise InvalidManifest(reason="it has no layers") from error


def _layer(file: File) -> JsonObject:
    annotations: JsonObject = {FILEPATH: file.path, TITLE: file.path}
    return {
        **_descriptor(_LAYER.format(part=_part_of(file.path)), file.digest, file.size_bytes),
        "annotations": annotations,
    }


def _part_of(path: str) -> str:
    if is_weights(path):
        return "weight"
    dot = path.rfind(".")
    return _PARTS.get(path[dot:].lower(), "weight") if dot >= 0 else "doc"


def _descriptor(media_type: str, digest: Digest, size_bytes: int) -> JsonObject:
    return {"mediaType": media_type, "digest": str(digest), "size": size_bytes}


def _parse_layer(layer: Json) -> File:
    if not isinstance(layer, Mapping):
        raise TypeError
    annotations = layer.get("annotations")
    if not isinstance(annotations, Mapping):
        raise TypeError
    path = annotations.get(FILEPATH, annotations.get(TITLE))
    size, digest = layer["size"], layer["digest"]
    if not (isinstance(path, str) and isinstance(digest, str)) or type(size) is not int or size < 0:
        raise InvalidPath(path=str(path), reason="has no digest or no size")
    return File(path=path, digest=Digest.parse(digest), size_bytes=size)
