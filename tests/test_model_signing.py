"""Content signatures and the reference implementation of OpenSSF Model Signing agree."""

import hashlib
import warnings
from pathlib import Path

import pytest

from muniment.client.sdk.registry import Registry
from muniment.core.bytes.revisions import File, Revision
from muniment.core.digests import Digest
from muniment.signing.bundle import Bundle, verify_bundle
from muniment.signing.content import covers, sign_content
from muniment.signing.keys import Identity

with warnings.catch_warnings():
    # Its dependencies warn of their own futures.
    warnings.simplefilter("ignore")
    from model_signing import signing, verifying

pytestmark = [pytest.mark.foreign, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    key = Identity.generate()
    key.save(tmp_path / "key.pem")
    (tmp_path / "key.pub").write_bytes(key.public.pem)
    return key


def revision_of(directory: Path) -> Revision:
    files = [path for path in directory.rglob("*") if path.is_file()]
    return Revision.of(
        File(
            path=path.relative_to(directory).as_posix(),
            digest=Digest(hashlib.sha256(path.read_bytes()).hexdigest()),
            size_bytes=path.stat().st_size,
        )
        for path in files
    )


def test_model_signing_verifies_ours(model: Path, identity: Identity, tmp_path: Path) -> None:
    """model-signing accepts a bundle that we built from digests, until a byte changes."""
    (model / "a").mkdir()
    (model / "a" / "b").write_bytes(b"")
    (model / "a.txt").write_text("sorts apart by parts and by code points")
    signature = tmp_path / "model.sig"
    signature.write_bytes(sign_content(revision_of(model), "acme/x", identity).encode())
    verifier = verifying.Config().use_elliptic_key_verifier(public_key=tmp_path / "key.pub")
    verifier.verify(model, signature)
    (model / "weights.bin").write_bytes(b"other")
    with pytest.raises(ValueError, match=r"weights\.bin"):
        verifier.verify(model, signature)


def test_we_verify_what_model_signing_signs(model: Path, identity: Identity, tmp_path: Path) -> None:
    """A bundle by model-signing verifies here and covers the same files."""
    signature = tmp_path / "model.sig"
    signing.Config().use_elliptic_key_signer(private_key=tmp_path / "key.pem").sign(model, signature)
    statement = verify_bundle(Bundle.decode(signature.read_bytes()), identity.public)
    assert covers(statement, revision_of(model))
    (model / "weights.bin").write_bytes(b"other")
    assert not covers(statement, revision_of(model))


def test_a_pulled_version_verifies_with_model_signing(
    registry: Registry, model: Path, tmp_path: Path
) -> None:
    """model-signing accepts a version that was pulled with its signature."""
    version = registry.push(model, "acme/x")
    registry.pull("acme/x@1", tmp_path / "pulled")
    (tmp_path / "pulled.sig").write_bytes(version.content_bundle())
    assert registry.identity is not None
    (tmp_path / "author.pub").write_bytes(registry.identity.public.pem)
    verifier = verifying.Config().use_elliptic_key_verifier(public_key=tmp_path / "author.pub")
    verifier.verify(tmp_path / "pulled", tmp_path / "pulled.sig")
