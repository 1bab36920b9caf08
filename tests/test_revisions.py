"""Revisions and their manifests."""

import json
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core import canonical
from muniment.core.bytes.revisions import File, Revision, parse_manifest, parse_with_config
from muniment.core.canonical import Json
from muniment.core.digests import Digest
from muniment.core.errors import EmptyRevision, InvalidDocument, InvalidManifest, InvalidPath
from strategies import damaged

files = st.lists(
    st.builds(
        lambda name, data: File(path=name, digest=Digest.of(data), size_bytes=len(data)),
        st.from_regex(r"[a-z]{1,6}\.(bin|json|md|py|csv|safetensors)", fullmatch=True),
        st.binary(max_size=20),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda file: file.path,
)


@given(files, st.randoms())
def test_a_manifest_is_a_function_of_the_files(some: list[File], random: Random) -> None:
    """The order of files does not change the manifest, and reading it gives the files back."""
    shuffled = random.sample(some, len(some))
    manifest = Revision.of(some).manifest()
    assert manifest == Revision.of(shuffled).manifest()
    assert parse_manifest(manifest) == Revision.of(some)
    assert parse_with_config(manifest)[1] == Digest.of(Revision.of(some).config())


def test_the_manifest_is_a_modelpack_one() -> None:
    """The manifest has the types and annotations that CNCF ModelPack clients look for."""
    weights = File(path="model.safetensors", digest=Digest.of(b"w"), size_bytes=1)
    readme = File(path="README.md", digest=Digest.of(b"r"), size_bytes=1)
    manifest = json.loads(Revision.of([weights, readme]).manifest())
    assert manifest["artifactType"] == "application/vnd.cncf.model.manifest.v1+json"
    assert manifest["config"]["mediaType"] == "application/vnd.cncf.model.config.v1+json"
    assert [layer["mediaType"] for layer in manifest["layers"]] == [
        "application/vnd.cncf.model.doc.v1.raw",
        "application/vnd.cncf.model.weight.v1.raw",
    ]
    assert manifest["layers"][1]["annotations"] == {
        "org.cncf.model.filepath": "model.safetensors",
        "org.opencontainers.image.title": "model.safetensors",
    }


def test_a_known_manifest_keeps_its_digest() -> None:
    """The digest of a known revision never changes."""
    file = File(path="a.txt", digest=Digest.of(b"hi\n"), size_bytes=3)
    digest = Digest.of(Revision.of([file]).manifest())
    assert str(digest) == "sha256:9bce00c44fe19ffce09fcf4c59a8f7af72201f499940586f56201d9c3361efbf"


def _manifest(**changes: Json) -> bytes:
    manifest = canonical.decode(
        Revision.of([File(path="a.bin", digest=Digest.of(b"a"), size_bytes=1)]).manifest()
    )
    return canonical.encode({**manifest, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"schemaVersion": 1},
        {"mediaType": "application/vnd.oci.image.index.v1+json"},
        {"config": None},
        {"config": {}},
        {"layers": None},
        {"layers": []},
        {"layers": ["x"]},
        {"layers": [{}]},
        {"layers": [{"digest": "sha256:1", "size": 1, "annotations": {"org.cncf.model.filepath": "a"}}]},
        {
            "layers": [
                {"digest": str(Digest.of(b"")), "size": -1, "annotations": {"org.cncf.model.filepath": "a"}}
            ]
        },
        {"layers": [{"digest": str(Digest.of(b"")), "size": 1, "annotations": {}}]},
        {
            "layers": [
                {"digest": str(Digest.of(b"")), "size": True, "annotations": {"org.cncf.model.filepath": "a"}}
            ]
        },
        {"layers": [{"size": 1, "annotations": {"org.cncf.model.filepath": "a"}}]},
        {
            "layers": [
                {"digest": str(Digest.of(b"")), "size": 1, "annotations": {"org.cncf.model.filepath": "../a"}}
            ]
        },
    ],
)
def test_a_manifest_that_is_not_one_of_files_is_refused(changes: dict[str, Json]) -> None:
    """A malformed manifest or path is refused."""
    with pytest.raises((InvalidManifest, InvalidPath)):
        parse_manifest(_manifest(**changes))


WHOLE = Revision.of([File(path="a/b.bin", digest=Digest.of(b"a"), size_bytes=1)]).manifest()


@given(st.binary(max_size=200) | damaged(WHOLE))
def test_bytes_are_a_manifest_or_refused(data: bytes) -> None:
    """Random and altered manifests are read or refused, and never fail in another way."""
    with suppress(InvalidDocument, InvalidManifest, InvalidPath):
        assert parse_manifest(data).files


def test_a_revision_has_a_file() -> None:
    """A revision without files is refused."""
    with pytest.raises(EmptyRevision):
        Revision.of([])
